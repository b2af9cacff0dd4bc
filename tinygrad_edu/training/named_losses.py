"""Losses by name, and which predictions are right by each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.compiling.compiled_loss import CompiledLoss
from tinygrad_edu.nn import losses

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from tinygrad_edu.nn.objective import Loss

    Metric: TypeAlias = "Callable[[Any, Any], float]"

# Each loss by name, and when a prediction (a number, or a list where there are classes) is right by it.
LOSSES: dict[str, tuple[Loss, Metric]] = {
    "mse": (losses.mse, lambda p, t: abs(p - t) < 0.5),
    "binary_cross_entropy": (losses.binary_cross_entropy, lambda p, t: (p > 0.5) == (t > 0.5)),
    "binary_cross_entropy_with_logits": (
        losses.binary_cross_entropy_with_logits,
        lambda z, t: (z > 0) == (t > 0.5),
    ),
    "cross_entropy": (losses.cross_entropy, lambda scores, t: max(range(len(scores)), key=scores.__getitem__) == t),
    "hinge": (losses.hinge, lambda score, t: (score > 0) == (t > 0)),
}


def loss_and_metric(loss: str | Loss, metric: str | Metric | None) -> tuple[Loss, Metric | None, str]:
    """Find the functions meant, and the name of the metric."""
    if isinstance(loss, CompiledLoss):
        raise TypeError("fit compiles by itself; give it the loss that compile_loss was given")
    if isinstance(loss, str) and loss not in LOSSES:
        raise ValueError(f"unknown loss {loss!r}; it may be {', '.join(LOSSES)}, or a function")
    by_name = {name: entry for name, entry in LOSSES.items() if loss in (name, entry[0])}
    loss_of: Loss = next(iter(by_name.values()))[0] if by_name else loss  # type: ignore[assignment]
    if metric is None or callable(metric):
        return loss_of, metric, getattr(metric, "__name__", "metric")
    if metric != "accuracy":
        raise ValueError(f"unknown metric {metric!r}; it may be 'accuracy', or a function of a prediction and a target")
    if not by_name:
        raise ValueError("what is accurate is not known for a loss of your own; pass a function as metric")
    (_, is_right), = by_name.values()  # fmt: skip

    def accuracy(prediction: Any, target: Any) -> float:
        if isinstance(target, list) and len(target) == 1:
            target = target[0]
        if isinstance(target, list):
            return sum(map(is_right, prediction, target)) / len(target)
        return is_right(prediction, target)

    return loss_of, accuracy, "accuracy"
