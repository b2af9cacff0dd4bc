"""The number that training makes smaller: the mean loss of a model over a batch, recorded anew for each batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.functions import mean
from tinygrad_edu.engine.value import Value
from tinygrad_edu.nn import losses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    Loss: TypeAlias = "Callable[[Any, Any], Value]"


class Objective:
    """The mean of a loss over a batch, and a penalty on parameters.

    Args:
        model: called with a row of inputs.
        loss: called with what the model gives and the target.
        l2: how much of ``losses.l2_penalty`` of ``penalised`` is added.
    """

    def __init__(self, model: Callable[[Any], Any], loss: Loss, l2: float, penalised: Sequence[Value]) -> None:
        self.model, self.loss, self.l2, self.penalised = model, loss, l2, penalised

    def backward(self, rows: Sequence[Any], targets: Sequence[Any]) -> tuple[float, list[Any]]:
        """Add the derivatives to the ``grad`` of every parameter; return the number and the model's predictions."""
        predictions = [self.model(row) for row in rows]
        total = self.total([self.loss(prediction, target) for prediction, target in zip(predictions, targets)])
        total.backward()
        return total.data, predictions

    def total(self, errors: Sequence[Any]) -> Value:
        """Put the number together from the losses of the examples."""
        if any(error is None for error in errors):
            raise TypeError("the loss returned None (is a return missing?)")
        total = mean(errors)
        if not isinstance(total, Value) or total.op is None:
            raise TypeError("the loss is a plain number, or was computed inside no_grad: it has no derivatives")
        if self.l2:
            total = total + self.l2 * losses.l2_penalty(self.penalised)
        return total
