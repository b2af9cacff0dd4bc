"""Shapes: the arrangement of the numbers in an argument or a result, as an example of it shows."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.engine.operation import number
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Sequence
    from typing import Any

FLOAT = {float}
DEEPEST = 30  # Python's parser takes no more than some 200 brackets in each other


class Shape:
    """The structure of an example. Numbers are taken out and put in by code made for the structure, once.

    Args:
        example: a number, or nested lists, tuples and dicts; Values in it stand for numbers.

    Attributes:
        example: the same of plain numbers.
        is_number: whether it is a number.
        size: how many numbers are in it.

    >>> point = Shape({"x": 1.0, "y": [2.0]})
    >>> point.numbers("p", {"y": [4], "x": 3}), point.around([5.0, 6.0])
    ([3.0, 4.0], {'x': 5.0, 'y': [6.0]})
    """

    def __init__(self, example: Any) -> None:
        self.example = plain_numbers(example)
        self.is_number = trees.is_leaf(example)
        is_flat = type(example) in (list, tuple) and all(map(trees.is_leaf, example))
        self.size = len(trees.leaves(example))
        self._kind = type(example) if is_flat else None
        self._length = len(example) if is_flat else 0
        self._functions: Any = None  # made when they are needed

    def floats(self, tree: Any) -> Sequence[float] | None:
        """Take the floats out of a structure like the example's; None if it is another, or holds anything else."""
        if self._functions is None:
            self._functions = _functions_for(self.example)
        try:
            numbers = self._functions[0](tree)
        except (TypeError, LookupError):
            return None
        return numbers if numbers is not None and {*map(type, numbers)} <= FLOAT else None

    def numbers(self, name: str, tree: Any) -> Sequence[float]:
        """List the numbers in ``tree``, in the order of the example.

        Raises:
            ValueError: if it is built in another way than the example.
            TypeError: if there is something else than numbers in it.
        """
        numbers = self.floats(tree)
        if numbers is not None:
            return numbers
        return [plain_number(name, x) for x in trees.matched(tree, self.example, name)]

    def rows(self, name: str, trees: list[Any]) -> list[Sequence[float]]:
        """List the ``numbers`` of each item of a list."""
        are_flat = {*map(type, trees)} == {self._kind} and {*map(len, trees)} == {self._length}
        if are_flat and {*map(type, chain.from_iterable(trees))} <= FLOAT:
            return trees
        return [self.numbers(f"{name}[{i}]", tree) for i, tree in enumerate(trees)]

    def unchecked(self, trees: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """List what is in the place of the numbers in each item: of another number, or no numbers, if it is built in
        another way.

        Raises:
            TypeError: if it is quite another.
        """
        if self.is_number:
            return [*zip(trees)]
        if {*map(type, trees)} == {self._kind}:
            return trees
        return [self.numbers("", tree) for tree in trees]

    def each_around(self, numbers: array[float]) -> list[Any]:
        """Build as many structures as there are numbers for."""
        if self.is_number:
            return numbers.tolist()
        starts = range(0, len(numbers), self.size)
        return [self.around(numbers[i : i + self.size].tolist()) for i in starts]

    def around(self, numbers: Sequence[float]) -> Any:
        """Build the structure around other numbers, a list or a tuple."""
        if self._functions is None:
            self._functions = _functions_for(self.example)
        return self._functions[1](numbers)


def plain_number(name: str, x: Any) -> float:
    """Return the float that ``x`` is.

    Raises:
        TypeError: if it is something else, such as a Value, calling it ``name``.
    """
    if type(x) is float:
        return x
    try:
        return number(x)
    except TypeError:
        what = "a Value. Pass x.data" if isinstance(x, Value) else trees.described(x)
        raise TypeError(f"compiled code takes plain numbers; in {name} is {what}") from None


def plain_numbers(tree: Any) -> Any:
    """Put numbers in the place of Values."""
    return trees.tree_map(lambda leaf: leaf._data if isinstance(leaf, Value) else leaf, tree)


# ---- code made for a structure ---------------------------------------------------------------------------------------


def _functions_for(example: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Make the function that takes the leaves out of a tree, or gives None for one that is built in another way than
    the example, and the function that builds the structure around a list or tuple of numbers."""
    if not _is_usual(example):
        return (lambda tree: None), (lambda numbers: trees.rebuilt(example, numbers))
    lines: list[str] = []  # of the first function
    items: list[str] = []  # what it returns
    keys: list[Any] = []
    count = 0

    def structure(part: Any, name: str) -> str:
        """Write what builds ``part``, which is called ``name`` in the first function."""
        nonlocal count
        kind = type(part)
        if trees.is_leaf(part):
            items.append(name)
            count += 1
            return f"x[{count - 1}]"
        opening, closing = {"list": "[]", "tuple": ("(", ",)"), "dict": "{}"}[kind.__name__]
        lines.append(f"if type({name}) is not {kind.__name__} or len({name}) != {len(part)}: return None")
        if kind is not dict and all(map(trees.is_leaf, part)):
            items.append(f"*{name}")
            count += len(part)
            return f"{opening}*x[{count - len(part)}:{count}]{closing}"
        texts = []
        for i, key in enumerate(part if kind is dict else range(len(part))):
            place = f"keys[{len(keys)}]" if kind is dict else f"{i}"
            if kind is dict:
                keys.append(key)
            lines.append(f"{name}_{i} = {name}[{place}]")
            text = structure(part[key], f"{name}_{i}")
            texts.append(f"{place}: {text}" if kind is dict else text)
        return f"{opening}{', '.join(texts)}{closing}"

    built = structure(example, "tree")
    returned = "tree" if items == ["*tree"] else f"[{', '.join(items)}]"
    names: dict[str, Any] = {"keys": keys}
    first = ["def take(tree):", *lines, f"return {returned}"]
    exec("\n    ".join(first) + f"\ndef put(x):\n    return {built}", names)
    return names["take"], names["put"]


def _is_usual(example: Any, depth: int = 0) -> bool:
    """Tell whether there are plain lists, tuples and dicts only, not too deep: code is made of these."""
    if trees.is_leaf(example):
        return True
    parts = example.values() if type(example) is dict else example
    return depth < DEEPEST and type(example) in (list, tuple, dict) and all(_is_usual(x, depth + 1) for x in parts)
