"""``compile_loss``: a model and its loss compiled to go through whole batches of examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.calculus.tracing import check_function, name_of
from tinygrad_edu.compiling.compiled_objective import CompiledObjective
from tinygrad_edu.engine.operation import number
from tinygrad_edu.nn.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from tinygrad_edu.nn.objective import Loss


def compile_loss(model: Callable[[Any], Any], loss: Loss, *, l2: float = 0.0) -> CompiledLoss:
    """Compile the loss of a model, to train it as with ``backward()`` but faster by far.

    Args:
        model: a Module, or a function of a row of inputs that uses Values. It is called only to record what it
            computes, with Values in the place of the inputs: the first time, and when an attribute of a Module was set
            or deleted. Whatever else it refers to stays what it was: make a new loss after changing a variable, or a
            list in a Module. It must not set attributes itself, because the code would not.
        loss: a loss of ``losses``, or a function (prediction, target) -> Value; the same holds for it. What it does may
            depend on the target; if it branches on the prediction, it is recorded for each example, which is slower.
        l2: how much of ``losses.l2_penalty`` of the model's parameters to add.

    Returns:
        a function of inputs and targets, see ``CompiledLoss``.

    The code is compared with the model on 100 rows and with the loss on 1,000 targets. Beyond these it is not seen if
    they look a number up in a dict or a set, where a Value is never found.

    Raises:
        TypeError: if ``model`` or ``loss`` is not a function, or ``l2`` not a number or without a model's parameters.

    >>> from tinygrad_edu import data, losses, nn, optim
    >>> inputs, targets = data.xor()
    >>> model = nn.MLP(2, [4, 1], "tanh", seed=1)
    >>> optimizer = optim.SGD(model.parameters(), lr=1.0)
    >>> loss = compile_loss(model, losses.binary_cross_entropy_with_logits)
    >>> for epoch in range(200):
    ...     optimizer.zero_grad()
    ...     error = loss(inputs, targets)
    ...     optimizer.step()
    >>> [int(score > 0) for score in loss.predict(inputs)]
    [0, 1, 1, 0]
    """
    if isinstance(loss, str):
        raise TypeError(f"compile_loss takes a function, such as losses.mse, not {loss!r}")
    for f in (model, loss):
        check_function("compile_loss", f)
    if l2 and not hasattr(model, "parameters"):
        raise TypeError(f"l2 is a penalty on model.parameters(), which {name_of(model)} does not have")
    penalised = model.parameters if l2 else list  # type: ignore[attr-defined]
    return CompiledLoss(CompiledObjective(Objective(model, loss, number(l2), penalised()), penalised))


class CompiledLoss:
    """A loss over a batch that was compiled; made by ``compile_loss``.

    Called with a list of rows of inputs and a list of targets it returns the mean loss, a float, and adds its
    derivatives to the ``grad`` of every parameter, as ``backward()`` of the recorded mean would. The code is made at
    the first call, from the first row. Where it fails, or something is not finite, the batch is recorded and gives, or
    raises, what it gives then.

    Raises:
        CompileError: (a TypeError) if the model or the loss cannot be compiled; see ``compile``.
        TypeError, ValueError: for inputs and targets that are not numbers, or do not fit each other or the model.
    """

    def __init__(self, objective: CompiledObjective) -> None:
        self._objective = objective

    def __call__(self, inputs: Iterable[Any], targets: Iterable[Any]) -> float:
        return self._objective.loss(inputs, targets)

    def predict(self, inputs: Iterable[Any]) -> list[Any]:
        """What the model gives for each row, in plain numbers."""
        return self._objective.predict(inputs)

    @property
    def source(self) -> str:
        """The code: of the loss, for each target if that makes a difference, of the model and of the penalty.

        Raises:
            ValueError: before the first call, when there is none.
        """
        return self._objective.source()

    def __repr__(self) -> str:
        return f"<compiled loss of {self._objective.name}>"
