"""Steps on numbers that are packed in arrays, for as long as nobody looks at the Values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.compiling.machine import array_of, floats

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tinygrad_edu.compiling.machine_loss import MachineLoss, Packed
    from tinygrad_edu.training.optim import Optimizer


class PackedParameters:
    """The numbers of an optimizer's parameters, in arrays that machine code changes.

    Args:
        machine: computes the loss and its derivatives.
        optimizer: of the parameters of this loss.
    """

    def __init__(self, machine: MachineLoss, optimizer: Optimizer) -> None:
        self._machine, self._optimizer = machine, optimizer
        self._grads = floats(len(optimizer.parameters))
        self.read()

    def read(self) -> None:
        """Take the numbers, which are finite, out of the Values."""
        self._data = array_of([parameter._data for parameter in self._optimizer.parameters])

    def write(self) -> None:
        """Put the numbers into the Values, data and grad."""
        for parameter, x, grad in zip(self._optimizer.parameters, self._data.tolist(), self._grads.tolist()):
            parameter._data, parameter._grad = x, grad

    def backward(self, examples: Sequence[Packed], is_judged: bool) -> tuple[float, list[Any]]:
        """Compute the gradient; return the mean loss, and the predictions if they are judged.

        Raises:
            FloatingPointError: if something is undefined or too large.
        """
        loss, predictions = self._machine.run(self._machine.joined(examples), self._data, self._grads)
        return loss, self._machine.built(predictions) if is_judged else []

    def step(self) -> bool:
        """Let the optimizer change the numbers; tell whether they are finite. If not they stay what they were."""
        before = self._data[:]
        is_finite = self._optimizer.step_packed(self._data, self._grads) or all(map(math.isfinite, self._data))
        if not is_finite:
            self._data = before
        return is_finite
