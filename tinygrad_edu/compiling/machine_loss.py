"""A model and its loss as machine code, which goes through batches of packed examples."""

from __future__ import annotations

import math
from itertools import chain, starmap
from struct import Struct, pack
from struct import error as StructError
from typing import TYPE_CHECKING

from tinygrad_edu.compiling.c_text import NoMachineCode
from tinygrad_edu.compiling.code_cache import ERRORS
from tinygrad_edu.compiling.machine import address, array_of, floats

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Sequence
    from typing import Any, TypeAlias

    from tinygrad_edu.compiling.loss_codes import LossCodes
    from tinygrad_edu.compiling.shape import Shape
    from tinygrad_edu.compiling.source_text import FunctionText

    Packed: TypeAlias = tuple[bytes, bytes, bytes]  # rows of inputs, targets, and the numbers of their losses

WORTH = 1000  # so many examples times lines are worth machine code
UNUSUAL = (*ERRORS, StructError, NoMachineCode)  # raised for other examples than the usual; these run in Python


class MachineLoss:
    """The machine code of a model and of its losses.

    Args:
        model: the text that goes through a batch forward and backward.
        losses: the codes of the loss.
        row, result: how the inputs and what the model gives are built.

    Raises:
        NoMachineCode: if there is none.
    """

    def __init__(self, model: FunctionText, losses: LossCodes, row: Shape, result: Shape) -> None:
        from array import array

        if losses.why_not:
            raise NoMachineCode(losses.why_not)
        self._row, self._targets = row, losses.target
        self._is_for_all = None in losses.texts
        targets = self._targets.size if self._is_for_all else 0
        self._losses = [text.machine_code() for text in losses.texts.values()]
        self._addresses = array("Q", [code.address for code in self._losses])
        self._numbers = {target: i for i, target in enumerate(losses.texts)}
        self._model = model.machine_code(targets)
        self._width, self._goal_width = row.size, targets
        self._result = result

    def packed(self, rows: Sequence[Any], targets: Sequence[Any]) -> Packed:
        """Put the numbers of examples into bytes.

        Raises:
            LookupError: for targets that have no code.
            Exception: of many kinds, if they are not built as the first ones, or there are others than numbers.
        """
        rows_in_bytes = packed(self._row.unchecked(rows), self._width)
        if not self._is_for_all:
            keys = targets if self._targets.is_number else map(tuple, self._targets.unchecked(targets))
            return rows_in_bytes, b"", pack(f"{len(targets)}q", *[self._numbers[key] for key in keys])
        if self._targets.is_number:
            goals_in_bytes = pack(f"{len(targets)}d", *targets)
        else:
            goals_in_bytes = packed(self._targets.unchecked(targets), self._goal_width)
        return rows_in_bytes, goals_in_bytes, bytes(8 * len(targets))

    def split(self, examples: Packed) -> list[Packed]:
        """Take packed examples apart."""
        rows, targets, which = examples
        width, goal_width = 8 * self._width, 8 * self._goal_width
        return [
            (
                rows[i * width : (i + 1) * width],
                targets[i * goal_width : (i + 1) * goal_width],
                which[8 * i : 8 * i + 8],
            )
            for i in range(len(which) // 8)
        ]

    def __call__(self, examples: Packed, parameters: Sequence[float]) -> tuple[float, array[float], list[float]]:
        """Go through a batch; return the mean loss, the predictions and the derivatives by the parameters.

        Raises:
            FloatingPointError: if something is undefined or too large.
        """
        if not math.isfinite(sum(parameters)):
            raise FloatingPointError
        data, slopes = array_of(parameters), floats(len(parameters))
        total, predictions = self.run(examples, data, slopes)
        return total, predictions, slopes.tolist()

    def run(self, examples: Packed, data: array[float], slopes: array[float]) -> tuple[float, array[float]]:
        """Do the same with finite parameters in an array; put the derivatives into another. The predictions are in an
        array, too; ``built`` makes them what the model gives.

        Raises:
            FloatingPointError: if something is undefined or too large; what is in ``slopes`` means nothing then.
        """
        rows, targets, which = examples
        count, total = len(which) // 8, floats(1)
        predictions = floats(count * self._result.size)
        is_wrong = self._model(count, rows, targets, which, address(self._addresses), address(data),
                               address(predictions), address(total), address(slopes))  # fmt: skip
        if is_wrong or not math.isfinite(total[0]):  # where nothing was undefined or too large, all is finite
            raise FloatingPointError
        return total[0], predictions

    def built(self, predictions: array[float]) -> list[Any]:
        """Build the predictions as the model gives them."""
        return self._result.each_around(predictions)

    def joined(self, examples: Iterable[Packed]) -> Packed:
        """Put packed examples together."""
        rows, targets, which = map(b"".join, zip(*examples))
        return rows, targets, which


class MachinePrediction:
    """The machine code that goes through rows forward.

    Args, and what it raises: as for ``MachineLoss``.
    """

    def __init__(self, text: FunctionText, row: Shape, result: Shape) -> None:
        self._code, self._row, self._result = text.machine_code(), row, result

    def __call__(self, rows: Sequence[Any], parameters: Sequence[float]) -> list[Any]:
        """Compute the outputs for each row.

        Raises:
            FloatingPointError: if something is undefined or too large.
        """
        data, predictions = array_of(parameters), floats(len(rows) * self._result.size)
        packed_rows = packed(self._row.unchecked(rows), self._row.size)
        is_wrong = self._code(len(rows), packed_rows, address(data), address(predictions))
        if is_wrong or not math.isfinite(sum(parameters) + sum(predictions)):
            raise FloatingPointError
        return self._result.each_around(predictions)


def packed(rows: Sequence[Sequence[Any]], width: int) -> bytes:
    """Put rows of so many numbers into bytes.

    Raises:
        struct.error: if they have another number of items, or some are no numbers.

    >>> packed([[1.0], [2.0]], 1) == pack("2d", 1.0, 2.0)
    True
    """
    if {*map(len, rows)} != {width}:
        raise StructError
    if width > 16:  # measured: it is faster row by row then
        return b"".join(starmap(Struct(f"{width}d").pack, rows))
    return pack(f"{len(rows) * width}d", *chain.from_iterable(rows))
