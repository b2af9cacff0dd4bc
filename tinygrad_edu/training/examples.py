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
    if not isinstance(rows, list) or not isinstance(goals, list):
        raise TypeError("inputs and targets must be lists of numbers or of rows of numbers")
    if len(rows) != len(goals):
        raise ValueError(f"{len(rows)} inputs do not go with {len(goals)} targets")
    if not rows:
        raise ValueError("there are no examples to learn from: inputs and targets are empty")
    rows = [row if isinstance(row, list) else [row] for row in rows]
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ValueError(f"the rows differ in length: inputs[{i}] has {len(row)}, inputs[0] has {len(rows[0])}")
    return rows, goals


def _plain(place: str, item: Any, keep_whole: bool = False) -> Any:
    """Make a number, or a list of what is in a list, a tuple, an array or a data frame."""
    for convert in ("to_numpy", "tolist"):
        if hasattr(item, convert):
            item = getattr(item, convert)()
    if hasattr(item, "__iter__") and not isinstance(item, (str, bytes)):
        return [_plain(f"{place}[{i}]", x, keep_whole) for i, x in enumerate(item)]
    try:
        x = item.data if isinstance(item, Value) else number(item)
    except TypeError:
        raise TypeError(f"{place} is {item!r}, neither a number nor a list of numbers") from None
    if not math.isfinite(x):
        raise ValueError(f"{place} is {x}: fill the gap or leave the example out")
    if isinstance(item, Value):
        return item
    return int(item) if keep_whole and isinstance(item, Integral) else x
