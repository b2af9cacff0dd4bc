"""The code of a model: Python's, and machine code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.calculus.tracing import name_of
from tinygrad_edu.compiling.batch_text import gradient_text, predict_text
from tinygrad_edu.compiling.code_cache import cached
from tinygrad_edu.compiling.machine_loss import MachinePrediction
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
        self._predict: Any = None  # made when it is needed
        self._machine_prediction: MachinePrediction | None = None

    def gradient(self, rows: Sequence[Any], targets: Sequence[Any], losses: Iterable[Any]) -> Any:
        """Go through a batch forward and backward; see ``gradient_text``."""
        return self._gradient(rows, targets, losses, self.numbers())

    def numbers(self) -> list[float]:
        """List the numbers in the parameters."""
        return [x._data for x in self.parameters]

    def predict(self, rows: Sequence[Any]) -> list[Any]:
        """Go through a batch forward; see ``predict_text``."""
        if self._predict is None:
            self._predict = self.text("predict").function
        return self._predict(rows, self.numbers())  # type: ignore[no-any-return]

    def machine_prediction(self, row: Shape) -> MachinePrediction:
        """Find the machine code that goes through a batch forward.

        Raises:
            NoMachineCode: if there is none.
        """
        if self._machine_prediction is None:
            self._machine_prediction = MachinePrediction(self.text("predict"), row, self.result, len(self.parameters))
        return self._machine_prediction

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
