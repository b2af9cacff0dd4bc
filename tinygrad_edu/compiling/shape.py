"""How numbers are arranged in an argument or a result, as an example of it shows."""

from __future__ import annotations

from itertools import chain

from tinygrad_edu import structure
from tinygrad_edu.operation import number
from tinygrad_edu.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

FLOAT, LIST = {float}, {list}


class Shape:
    """The structure of an example. Numbers and lists of numbers, which are usual, pass through quickly.

    Args:
        example: a number, or nested lists, tuples and dicts; Values in it stand for numbers.

    Attributes:
        example: the same of plain numbers.
        is_number: whether it is a number.
        length: of a list of numbers; None for other structures.

    >>> point = Shape({"x": 1.0, "y": 2.0})
    >>> point.numbers("p", {"y": 4, "x": 3}), point.around([5.0, 6.0])
    ([3.0, 4.0], {'x': 5.0, 'y': 6.0})
    """

    def __init__(self, example: Any) -> None:
        self.example = plain_numbers(example)
        self.is_number = structure.is_leaf(example)
        is_list = type(example) is list and all(map(structure.is_leaf, example))
        self.length = len(example) if is_list else None

    def numbers(self, name: str, tree: Any) -> list[float]:
        """The numbers in ``tree``, in the order of the example.

        Raises:
            ValueError: if it is built in another way than the example.
            TypeError: if there is something else than numbers in it.
        """
        if self.is_number and type(tree) is float:
            return [tree]
        if type(tree) is list and len(tree) == self.length and {*map(type, tree)} <= {float}:
            return tree
        return [plain_number(name, x) for x in structure.matched(tree, self.example, name)]

    def rows(self, name: str, trees: list[Any]) -> list[list[float]]:
        """``numbers`` of each item of a list."""
        are_lists = self.length is not None and {*map(type, trees)} == LIST and {*map(len, trees)} == {self.length}
        if are_lists and {*map(type, chain.from_iterable(trees))} == FLOAT:
            return trees
        return [self.numbers(f"{name}[{i}]", tree) for i, tree in enumerate(trees)]

    def around(self, numbers: Sequence[float]) -> Any:
        """The structure around other numbers."""
        if self.is_number:
            return numbers[0]
        return list(numbers) if self.length is not None else structure.rebuilt(self.example, numbers)


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
        what = "a Value. Pass x.data" if isinstance(x, Value) else structure.described(x)
        raise TypeError(f"compiled code takes plain numbers; in {name} is {what}") from None


def plain_numbers(tree: Any) -> Any:
    """The same with numbers in the place of Values."""
    leaves = [leaf._data if isinstance(leaf, Value) else leaf for _, leaf in structure.leaves(tree)]
    return structure.rebuilt(tree, leaves)
