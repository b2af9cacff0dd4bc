"""How numbers are arranged in an argument or a result, as an example of it shows."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.engine.operation import number
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

FLOAT = {float}


class Shape:
    """The structure of an example. Numbers, and lists and tuples of numbers, which are usual, pass through quickly.

    Args:
        example: a number, or nested lists, tuples and dicts; Values in it stand for numbers.

    Attributes:
        example: the same of plain numbers.
        is_number: whether it is a number.
        kind: ``list`` or ``tuple`` if it is one of numbers; None for other structures.

    >>> point = Shape({"x": 1.0, "y": 2.0})
    >>> point.numbers("p", {"y": 4, "x": 3}), point.around([5.0, 6.0])
    ([3.0, 4.0], {'x': 5.0, 'y': 6.0})
    """

    def __init__(self, example: Any) -> None:
        self.example = plain_numbers(example)
        self.is_number = trees.is_leaf(example)
        is_flat = type(example) in (list, tuple) and all(map(trees.is_leaf, example))
        self.kind = type(example) if is_flat else None
        self._length = len(example) if is_flat else 0

    def numbers(self, name: str, tree: Any) -> Sequence[float]:
        """The numbers in ``tree``, in the order of the example.

        Raises:
            ValueError: if it is built in another way than the example.
            TypeError: if there is something else than numbers in it.
        """
        if self.is_number and type(tree) is float:
            return [tree]
        if type(tree) is self.kind and len(tree) == self._length and {*map(type, tree)} <= FLOAT:
            floats: Sequence[float] = tree
            return floats
        return [plain_number(name, x) for x in trees.matched(tree, self.example, name)]

    def rows(self, name: str, trees: list[Any]) -> list[Sequence[float]]:
        """``numbers`` of each item of a list."""
        are_flat = {*map(type, trees)} == {self.kind} and {*map(len, trees)} == {self._length}
        if are_flat and {*map(type, chain.from_iterable(trees))} <= FLOAT:
            return trees
        return [self.numbers(f"{name}[{i}]", tree) for i, tree in enumerate(trees)]

    def around(self, numbers: Sequence[float]) -> Any:
        """The structure around other numbers."""
        if self.is_number:
            return numbers[0]
        return self.kind(numbers) if self.kind else trees.rebuilt(self.example, numbers)


def plain_number(name: str, x: Any) -> float:
    """The float that ``x`` is.

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
    """The same with numbers in the place of Values."""
    leaves = [leaf._data if isinstance(leaf, Value) else leaf for _, leaf in trees.leaves(tree)]
    return trees.rebuilt(tree, leaves)
