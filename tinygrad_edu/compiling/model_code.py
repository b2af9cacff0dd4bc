"""The code of a model: Python's, and machine code."""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.tracing import name_of
from tinygrad_edu.compiling import machine_loss
from tinygrad_edu.compiling.batch_text import gradient_text, predict_text
from tinygrad_edu.compiling.code_cache import cached
from tinygrad_edu.compiling.machine_loss import UNUSUAL, MachinePrediction
from tinygrad_edu.compiling.recorded_function import record_twice
from tinygrad_edu.compiling.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from tinygrad_edu.compiling.source_text import FunctionText


class ModelCode:
    """The code of a model.

    Attributes:
        parameters: the Values that it uses.
        result: how what it gives is built.
        length: of the code that goes through a batch, in lines.
    """

    def __init__(self, model: Callable[[Any], Any], row: Any) -> None:
        def run(x: Any) -> Any:  # the inputs are called x in the code
            return model(x)

        run.__name__ = name_of(model)
        self._recorded = record_twice("compile_loss", run, [row])
        self.parameters = self._recorded.outside
        self.result = Shape(self._recorded.result)
        self.is_repeatable = self._recorded.is_repeatable()
        self._key = (self.result.is_number, self._recorded.signature())
        self._gradient = self.text("gradient").function
        self.length = len(self.text("gradient").lines)

    def gradient(self, rows: Sequence[Any], targets: Sequence[Any], losses: Iterable[Any]) -> Any:
        """Go through a batch forward and backward; see ``gradient_text``."""
        return self._gradient(rows, targets, losses, self.numbers())

    def numbers(self) -> list[float]:
        """List the numbers in the parameters."""
        return [x._data for x in self.parameters]

    def predict(self, rows: Sequence[Any], row: Shape) -> list[Any]:
        """Compute what the model gives for each row, in machine code where that is worth it.

        Args:
            rows: the numbers of each.
            row: how it is built.

        Raises:
            ArithmeticError, ValueError, TypeError, LookupError: where the code fails or something is not finite.
        """
        if len(rows) * self.length >= machine_loss.WORTH:
            with suppress(*UNUSUAL):
                return MachinePrediction(self.text("predict"), row, self.result)(rows, self.numbers())
        predictions = self.text("predict").function(rows, self.numbers())
        if not all(map(math.isfinite, predictions if self.result.is_number else chain.from_iterable(predictions))):
            raise FloatingPointError
        return self.built(predictions)

    def built(self, predictions: list[Any]) -> list[Any]:
        """Build the predictions as the model gives them."""
        return predictions if self.result.is_number else [*map(self.result.around, predictions)]

    def texts(self) -> list[FunctionText]:
        """List the texts of both functions."""
        return [self.text("gradient"), self.text("predict")]

    def text(self, kind: str) -> FunctionText:
        """Find the text of one of them."""
        write = gradient_text if kind == "gradient" else predict_text
        return cached((kind, *self._key), lambda: write(self._recorded))
