"""``History``: how a training went, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.nn.files import write_whole
from tinygrad_edu.training.diagnosis import diagnosed

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tinygrad_edu.nn.files import Path
    from tinygrad_edu.training.diagnosis import Diagnosis
    from tinygrad_edu.training.evidence import Evidence


class History:
    """A record of a training: lists with a number for each completed epoch; printing it gives a summary.

    Attributes:
        loss: the mean of the loss over the epoch's batches, with the penalty if there is one.
        metric: the mean of the metric over the epoch's examples, as predicted while training; empty without a metric.
        metric_name: what the metric is called.
        gradient: for each layer, named by what its parameters' names begin with, such as ``layers.0`` (``model`` for
            those in no layer), the root mean square of the derivatives by those of its parameters that the optimizer
            changes, in the last batch of the epoch, before its step. As a mean it can be compared between layers.
        seconds: how long the training took.
        compiled: whether the model and the loss were compiled.
        remark: what was not compiled and why, if that was tried.
        interrupted: whether Ctrl-C ended it.
    """

    def __init__(self, metric_name: str) -> None:
        self.loss: list[float] = []
        self.metric: list[float] = []
        self.metric_name = metric_name
        self.gradient: dict[str, list[float]] = {}
        self.seconds = 0.0
        self.compiled = False
        self.remark = ""
        self.interrupted = False
        self._evidence: Callable[[], Evidence] | None = None  # set by fit

    def diagnose(self) -> Diagnosis:
        """Say what may be wrong with this training: ``diagnose`` of the model as it is now, with the examples, the loss
        and the optimizer that ``fit`` was given.

        Raises:
            ValueError: if this is not a history that ``fit`` returned.
        """
        if self._evidence is None:
            raise ValueError("only a history that fit returned knows its model and examples; see diagnose(model, ...)")
        return diagnosed(self._evidence)

    def __repr__(self) -> str:
        text = f"{len(self.loss)} epoch{'' if len(self.loss) == 1 else 's'} in {self.seconds:.3g} s"
        if self.compiled:
            text += ", compiled"
        if self.interrupted:
            text += ", interrupted"
        if self.loss:
            text += f": loss {self.loss[0]:.4g} -> {self.loss[-1]:.4g}"
        if self.metric:
            text += f", {self.metric_name} {self.metric[0]:.4g} -> {self.metric[-1]:.4g}"
        if self.remark:
            text += f"\n({self.remark})"
        return text

    def to_csv(self, path: Path) -> None:
        """Write one line for each epoch, counted from 1: its number, the loss and, if there is one, the metric."""
        columns: list[tuple[Any, ...]] = [("epoch", *range(1, len(self.loss) + 1)), ("loss", *self.loss)]
        if self.metric:
            columns.append((self.metric_name, *self.metric))
        write_whole(path, "".join(",".join(map(str, row)) + "\n" for row in zip(*columns)))

    def forget_the_unfinished(self) -> None:
        """Make all lists as long as ``loss``, the last that an epoch is added to."""
        for numbers in (self.metric, *self.gradient.values()):
            del numbers[len(self.loss) :]
