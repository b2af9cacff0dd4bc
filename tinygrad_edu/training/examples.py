"""Examples to learn from: rows of inputs and targets, from lists, tuples, arrays and data frames."""

from __future__ import annotations

import math
from numbers import Integral
from typing import TYPE_CHECKING

from tinygrad_edu.engine.operation import number
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def examples(inputs: Iterable[Any], targets: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """The rows of inputs and the targets as lists. Whole targets stay whole, to be used as indices.

    Args, and what it raises: as for ``fit``.

    >>> examples([1, 2], ([0.0], [1]))
    ([[1.0], [2.0]], [[0.0], [1]])
    """
    rows, goals = _plain("inputs", inputs), _plain("targets", targets, keep_whole=True)
    if len(rows) != len(goals):
        raise ValueError(f"{len(rows)} inputs do not go with {len(goals)} targets")
    if not rows:
        raise ValueError("there are no examples to learn from: inputs and targets are empty")
    rows = [row if isinstance(row, list) else [row] for row in rows]
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ValueError(f"the rows differ in length: inputs[{i}] has {len(row)}, inputs[0] has {len(rows[0])}")
    return rows, goals


def _plain(name: str, array: Any, keep_whole: bool = False) -> list[Any]:
    """A list of numbers and lists of numbers, from lists, tuples, arrays and data frames."""
    for convert in ("to_numpy", "tolist"):
        if hasattr(array, convert):
            array = getattr(array, convert)()
    try:
        return [_plain_at(f"{name}[{i}]", item, keep_whole) for i, item in enumerate(array)]
    except TypeError as error:
        raise TypeError(f"{name} must be a list of numbers or of rows of numbers: {error}") from None


def _plain_at(place: str, item: Any, keep_whole: bool) -> Any:
    try:
        x = item.data if isinstance(item, Value) else number(item)
        if not math.isfinite(x):
            raise ValueError(f"{place} is {x}: fill the gap or leave the example out")
        if isinstance(item, Value):
            return item
        return int(item) if keep_whole and isinstance(item, Integral) else x
    except TypeError:
        if isinstance(item, (str, bytes)) or not hasattr(item, "__len__"):
            raise TypeError(f"{place} is {item!r}") from None
    return [_plain_at(f"{place}[{i}]", x, keep_whole) for i, x in enumerate(item)]
