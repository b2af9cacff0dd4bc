"""Shapes: the arrangement of the numbers in an argument or a result, as an example of it shows."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.engine.operation import number
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
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

    >>> point = Shape({"x": 1.0, "y": [2.0]})
    >>> point.numbers("p", {"y": [4], "x": 3}), point.around([5.0, 6.0])
    ([3.0, 4.0], {'x': 5.0, 'y': [6.0]})
    """

    def __init__(self, example: Any) -> None:
        self.example = plain_numbers(example)
        self.is_number = trees.is_leaf(example)
        is_flat = type(example) in (list, tuple) and all(map(trees.is_leaf, example))
        self._kind = type(example) if is_flat else None
        self._length = len(example) if is_flat else 0
        self._take: Callable[[Any], Sequence[float] | None] | None = None  # made when they are needed
        self._put: Callable[[Sequence[float]], Any] | None = None

    def floats(self, tree: Any) -> Sequence[float] | None:
        """Take the floats out of a structure like the example's; None if it is another, or holds anything else."""
        if self._take is None:
            self._take = _flatten_code(self.example)
        try:
            numbers = self._take(tree)
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

    def around(self, numbers: Sequence[float]) -> Any:
        """Build the structure around other numbers, a list or a tuple."""
        if self._put is None:
            self._put = _rebuild_code(self.example)
        return self._put(numbers)


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


def _flatten_code(example: Any) -> Callable[[Any], Sequence[float] | None]:
    """Make a function of a tree that lists its leaves, or gives None if it is not built like the example."""
    lines: list[str] = []
    keys: list[Any] = []
    if not _is_usual(example):
        return lambda tree: None
    if trees.is_leaf(example):
        return lambda tree: [tree]
    if all(map(trees.is_leaf, example)) and type(example) is not dict:
        kind, count = type(example), len(example)
        return lambda tree: tree if type(tree) is kind and len(tree) == count else None
    items = ", ".join(_taken(example, "tree", lines, keys))
    body = [f"    {line}" for line in [*lines, f"return [{items}]"]]
    return _function("take(tree)", body, {"keys": keys})  # type: ignore[no-any-return]


def _taken(example: Any, name: str, lines: list[str], keys: list[Any]) -> Iterator[str]:
    """Write what stands for the leaves of the tree that is called ``name``, and before it what gives names to its parts
    and returns where they are others."""
    if trees.is_leaf(example):
        yield name
        return
    kind = type(example).__name__
    lines.append(f"if type({name}) is not {kind} or len({name}) != {len(example)}: return None")
    parts = [*example.values()] if kind == "dict" else example
    if kind != "dict" and all(map(trees.is_leaf, parts)):
        yield f"*{name}"
        return
    names = [f"{name}_{i}" for i in range(len(parts))]
    if kind == "dict":
        lines += [f"{part} = {name}[keys[{len(keys) + i}]]" for i, part in enumerate(names)]
        keys += example
    else:
        lines.append(f"{', '.join(names)}, = {name}")
    for part, part_name in zip(parts, names):
        yield from _taken(part, part_name, lines, keys)


def _rebuild_code(example: Any) -> Callable[[Sequence[float]], Any]:
    """Make a function of a list or tuple of numbers that gives the structure of the example around them."""
    if trees.is_leaf(example):
        return lambda numbers: numbers[0]
    if not _is_usual(example):
        return lambda numbers: trees.rebuilt(example, numbers)
    if all(map(trees.is_leaf, example)) and type(example) is not dict:
        return type(example)
    keys: list[Any] = []
    text, _ = _put(example, 0, keys)
    return _function("put(x)", [f"    return {text}"], {"keys": keys})  # type: ignore[no-any-return]


def _put(example: Any, start: int, keys: list[Any]) -> tuple[str, int]:
    """Write the structure around the numbers from ``x[start]`` on; tell where the next ones begin."""
    if trees.is_leaf(example):
        return f"x[{start}]", start + 1
    kind = type(example).__name__
    if kind != "dict" and all(map(trees.is_leaf, example)):
        end = start + len(example)
        return (f"[*x[{start}:{end}]]" if kind == "list" else f"(*x[{start}:{end}],)"), end
    texts = []
    for key in example if kind == "dict" else range(len(example)):
        place = len(keys)
        if kind == "dict":
            keys.append(key)
        text, start = _put(example[key], start, keys)
        texts.append(f"keys[{place}]: {text}" if kind == "dict" else text)
    inside = ", ".join(texts)
    return {"dict": f"{{{inside}}}", "list": f"[{inside}]", "tuple": f"({inside},)"}[kind], start


def _is_usual(example: Any, depth: int = 0) -> bool:
    """Tell whether there are plain lists, tuples and dicts only, not too deep: code is made of these."""
    if trees.is_leaf(example):
        return True
    parts = example.values() if type(example) is dict else example
    return depth < DEEPEST and type(example) in (list, tuple, dict) and all(_is_usual(x, depth + 1) for x in parts)


def _function(head: str, body: Sequence[str], names: dict[str, Any]) -> Any:
    exec("\n".join([f"def {head}:", *body]), names)
    return names[head.partition("(")[0]]
