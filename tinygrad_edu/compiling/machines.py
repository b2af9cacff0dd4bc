"""The machine code of a compiled loss: made when it is first worth it, and anew when what it is made of has changed."""

from __future__ import annotations

from contextlib import suppress
from struct import error as StructError
from typing import TYPE_CHECKING

from tinygrad_edu.compiling import machine_loss
from tinygrad_edu.compiling.c_text import NoMachineCode
from tinygrad_edu.compiling.code_cache import ERRORS
from tinygrad_edu.compiling.machine_loss import MachineLoss
from tinygrad_edu.compiling.recorded_function import agree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from tinygrad_edu.compiling.loss_codes import LossCodes
    from tinygrad_edu.compiling.model_code import ModelCode
    from tinygrad_edu.compiling.shape import Shape

COMPARED = 10  # so many examples are run in Python too, to see that the code is right


class Machines:
    """The machine code of a model with its losses.

    Attributes:
        remark: why there is none although it would be worth it; or nothing.
    """

    def __init__(self) -> None:
        self.remark = ""
        self._made_of: tuple[Any, ...] = ()
        self._machine: MachineLoss | None = None

    def prepare(
        self,
        model: ModelCode,
        losses: LossCodes,
        row: Shape,
        examples: tuple[Sequence[Any], Sequence[Any], Iterable[Any]],
        size: int,
    ) -> None:
        """Make it if it is worth it for batches of this size, and compare it with the Python code on some examples:
        rows, targets and the codes of their losses."""
        made_of = model, losses, len(losses.texts)
        if size * model.length < machine_loss.WORTH or made_of == self._made_of:
            return
        self._made_of, self._machine, self.remark = made_of, None, ""
        rows, targets = examples[0][:COMPARED], examples[1][:COMPARED]
        try:
            machine = MachineLoss(model.text("gradient"), losses, row, model.result)
            with suppress(*ERRORS, StructError):  # where there is no value here
                total, _, slopes = machine(machine.packed(rows, targets), model.numbers())
                expected, _, others = model.gradient(rows, targets, examples[2])
                if model.is_repeatable and not agree([total, *slopes], [expected, *others]):
                    raise NoMachineCode("it gives other numbers than the Python code")
            self._machine = machine
        except NoMachineCode as error:
            self.remark = error.remark()

    def find(self, model: ModelCode, losses: LossCodes | None, size: int) -> MachineLoss | None:
        """Find it, if there is any for these and it is worth it for batches of this size."""
        is_right = losses is not None and self._made_of == (model, losses, len(losses.texts))
        return self._machine if is_right and size * model.length >= machine_loss.WORTH else None
