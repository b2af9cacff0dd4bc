"""Losses: how far a prediction is from its target, as one Value to differentiate.

Each is called as ``loss(prediction, target)`` for one example. A prediction is what a model gives: a Value or a number,
or a list of them; the target is a number or a list of the same length. Over a list the loss is the mean. All raise
``ValueError`` for lists of different lengths and for targets that they do not know.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.engine.functions import dot, logsumexp, mean
from tinygrad_edu.engine.operation import number
from tinygrad_edu.engine.ops import log, log1p, relu, softplus, where
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias

    from tinygrad_edu.engine.value import Operand

    Numbers: TypeAlias = "Operand | Iterable[Operand]"


def mse(prediction: Numbers, target: Numbers) -> Value:
    """Mean squared error: the mean of (prediction - target)².

    >>> mse([1.0, 4.0], [0.0, 2.0]).data
    2.5
    """
    return _mean_of(lambda p, t: (p - t) ** 2, prediction, target)


def binary_cross_entropy(prediction: Numbers, target: Numbers) -> Value:
    """-log p if the target is 1 and -log(1 - p) if it is 0, for a prediction p that is a probability.

    In between the two are weighted, -(t log p + (1 - t) log(1 - p)) (Bishop, *Pattern Recognition and Machine
    Learning*, equation 4.90). ``binary_cross_entropy_with_logits`` takes the score before the sigmoid and is defined
    for any score, where a sigmoid rounds to 0 or 1 and the logarithm has no value.

    Raises:
        ValueError: if a target or a prediction is not between 0 and 1, or a prediction is certain and wrong.

    >>> binary_cross_entropy(0.5, 1).data
    0.6931471805599453
    """

    def one(p: Value, t: Operand) -> Value:
        inside = (p >= 0) & (p <= 1)
        if isinstance(inside, Value):  # a comparison that is recorded, to be compiled: NaN makes the engine take over
            p = where(inside, p, math.nan)
        elif not inside:
            raise ValueError(f"a probability is between 0 and 1, not {p.data}; for scores of any size there is "
                             "binary_cross_entropy_with_logits")  # fmt: skip
        elif (p == 0 and t > 0) or (p == 1 and t < 1):
            raise ValueError(f"the loss of the certain prediction {p.data} is infinite for the target {t}; "
                             "binary_cross_entropy_with_logits stays finite")  # fmt: skip
        return _two_halves(t, lambda: -log(p), lambda: -log1p(-p))

    return _mean_of(one, prediction, target)


def binary_cross_entropy_with_logits(prediction: Numbers, target: Numbers) -> Value:
    """``binary_cross_entropy`` of the sigmoid of a score (a logit), accurate for scores of any size.

    -log sigmoid(z) is softplus(-z), and -log(1 - sigmoid(z)) is softplus(z).

    Raises:
        ValueError: if a target is not between 0 and 1.

    >>> binary_cross_entropy_with_logits(-1000.0, 1).data
    1000.0
    """
    return _mean_of(lambda z, t: _two_halves(t, lambda: softplus(-z), lambda: softplus(z)), prediction, target)


def cross_entropy(prediction: Iterable[Operand], target: Numbers) -> Value:
    """-log softmax(prediction)[target]: of scores (logits), one for each class, and the index of the right class.

    Raises:
        ValueError: if the target is not the index of a class.
        TypeError: if it is not a number.

    >>> cross_entropy([1000.0, 0.0], 1).data
    1000.0
    """
    scores, targets = _values(prediction), _listed(target)
    if len(targets) != 1:
        raise ValueError(f"the target of cross_entropy is the index of one class, not {len(targets)} numbers")
    target = number(targets[0].data if isinstance(targets[0], Value) else targets[0])
    if not 0 <= target < len(scores) or target != int(target):
        if len(scores) == 1:
            raise ValueError("cross_entropy takes a score for each class; binary_cross_entropy_with_logits takes one")
        raise ValueError(f"the target of {len(scores)} classes is a whole number from 0 to {len(scores) - 1}, "
                         f"not {target:g}")  # fmt: skip
    right = scores.pop(int(target))
    if not scores:
        return right - right
    # The scores minus the right one, so that the least that the others add is not lost.
    differences: list[Operand] = [score - right for score in scores]
    differences.insert(int(target), 0.0)
    loss: Value = logsumexp(differences)
    return loss


def hinge(prediction: Numbers, target: Numbers) -> Value:
    """Hinge loss: how far a score falls short of the margin, relu(1 - target * prediction), for a target of -1 or 1.

    Raises:
        ValueError: if a target is neither -1 nor 1.

    >>> hinge(0.25, 1).data, hinge(0.25, -1).data
    (0.75, 1.25)
    """

    def one(score: Value, t: Operand) -> Value:
        if t != 1 and t != -1:
            raise ValueError(f"the target of hinge is -1 or 1, not {t}")
        return relu(1 - t * score)

    return _mean_of(one, prediction, target)


def l2_penalty(parameters: Iterable[Value]) -> Value:
    """The sum of the squares of the parameters, recorded as one node.

    >>> l2_penalty([Value(3.0), Value(4.0)]).data
    25.0
    """
    values = _values(parameters)
    return dot(values, values) if values else Value(0.0)


def _two_halves(target: Operand, if_one: Callable[[], Value], if_zero: Callable[[], Value]) -> Value:
    """target · if_one + (1 - target) · if_zero, leaving out a half of weight 0, which may not be defined."""
    if not 0 <= target <= 1:
        raise ValueError(f"the target of a binary cross-entropy is between 0 and 1, not {target}")
    if not isinstance(target, Value):  # the derivative by a target that is a Value takes both halves
        if target == 1:
            return if_one()
        if target == 0:
            return if_zero()
    return target * if_one() + (1 - target) * if_zero()


def _mean_of(loss: Callable[[Value, Operand], Value], prediction: Numbers, target: Numbers) -> Value:
    predictions, targets = _values(prediction), _listed(target)
    if len(predictions) != len(targets) or not predictions:
        raise ValueError(f"{len(predictions)} predictions cannot be compared with {len(targets)} targets")
    each = [loss(p, t) for p, t in zip(predictions, targets)]
    return each[0] if len(each) == 1 else mean(each)


def _values(numbers: Numbers) -> list[Value]:
    return [x if isinstance(x, Value) else Value(x) for x in _listed(numbers)]


def _listed(numbers: Any) -> list[Any]:
    if isinstance(numbers, Value) or not hasattr(numbers, "__iter__") or getattr(numbers, "shape", None) == ():
        return [numbers]
    return list(numbers)
