"""Optimizers: how parameters change, given their gradients. Schedules: how the learning rate changes.

An optimizer is a rule for one parameter, written once as a formula; it is compiled to change all of them. The rules,
their arguments and defaults are PyTorch's.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.warning import warn
from tinygrad_edu.compiling.js_functions import recorded_js
from tinygrad_edu.compiling.machine import floats
from tinygrad_edu.compiling.update import Update
from tinygrad_edu.engine.operation import number
from tinygrad_edu.engine.ops import sqrt, where
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeAlias

    Schedule: TypeAlias = "Callable[[int], float]"
    Rule: TypeAlias = "Callable[..., list[Any]]"
    Step: TypeAlias = "tuple[Update, Sequence[array[float]], Sequence[float]]"  # a rule, the state, the settings


class Optimizer:
    """Base class of the optimizers, used in turn: ``zero_grad()``, ``backward()`` of a loss, ``step()``.

    Args:
        parameters: the Values to change.
        lr: the learning rate, an attribute that may be set at any time.
        weight_decay: how strongly parameters are pulled towards 0.

    Raises:
        ValueError: if there are no parameters, or a number is out of range.
        TypeError: if a parameter is not a Value.

    >>> SGD([Value(3.0), Value(4.0)], lr=0.1)
    SGD(2 parameters, lr=0.1, momentum=0.0, nesterov=False, weight_decay=0.0)
    """

    _is_new = True

    def __init__(self, parameters: Iterable[Value], lr: float, weight_decay: float) -> None:
        if not hasattr(parameters, "__iter__"):
            raise TypeError(f"an optimizer takes model.parameters(), not a {type(parameters).__name__}")
        self.parameters = list(parameters)
        for parameter in self.parameters:
            if not isinstance(parameter, Value):
                raise TypeError(f"an optimizer takes Values, not {type(parameter).__name__}")
            if parameter.op is not None:
                raise ValueError(f"an optimizer takes leaves; {parameter!r} was computed from others")
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError("the optimizer was given a parameter more than once")
        if not self.parameters:
            raise ValueError("the optimizer was given no parameters; pass model.parameters()")
        self.lr = number(lr)
        self.weight_decay = number(weight_decay)
        _check("lr", lr, self.lr >= 0)
        _check("weight_decay", weight_decay, self.weight_decay >= 0)
        self.steps = 0

    def zero_grad(self) -> None:
        """Set the ``grad`` of every parameter to 0."""
        for parameter in self.parameters:
            parameter._grad = 0.0

    def step(self) -> None:
        """Change every parameter once, by its ``grad``.

        The first step warns if every ``grad`` is 0.
        """
        self._expect_gradients()
        update, state, settings = self._update()
        update(self.parameters, state, settings)

    def step_packed(self, data: array[float], grads: array[float]) -> bool:
        """Do what ``step`` does to the numbers of the parameters in arrays; tell whether all was defined and not too
        large.

        Raises:
            NoMachineCode: if there is no machine code here.
        """
        update, state, settings = self._update()
        return update.run(data, grads, state, settings)

    @property
    def js_source(self) -> str:
        """The optimizer in JavaScript: an object of how many numbers it keeps for each parameter, of the function
        ``settings``, from ``[steps, lr]`` with steps counted from 1, and of the function ``update``; see
        ``js_functions``."""
        rule, state = self._rule()
        settings, _ = recorded_js("settings", self._settings, [0.5, 0.5])
        return f"{{\n  state: {len(state)},\n  settings: {settings},\n  update: {rule.in_js()},\n}}"

    def _update(self) -> Step:
        """Begin a step: return the rule, what is kept for each parameter, and the numbers that are the same for all."""
        self.steps += 1
        return *self._rule(), self._settings(self.steps, number(self.lr))

    def _rule(self) -> tuple[Update, Sequence[array[float]]]:
        """Return the rule, and what is kept for each parameter."""
        raise NotImplementedError

    def _settings(self, steps: Any, lr: Any) -> Sequence[Any]:
        """Compute the numbers that are the same for all parameters; also of Values."""
        raise NotImplementedError

    def _expect_gradients(self) -> None:
        """Warn at the first step if there are none."""
        if self._is_new and not any(parameter._grad for parameter in self.parameters):
            warn(
                "no gradient has arrived at any parameter: every grad is 0 at the first step(). The order is "
                "zero_grad(), loss.backward(), step(), for a loss that was computed from these parameters"
            )
        self._is_new = False

    def __repr__(self) -> str:
        import inspect

        names = [name for name in inspect.signature(type(self)).parameters if name != "parameters"]
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in names if hasattr(self, name))
        count = len(self.parameters)
        return f"{type(self).__name__}({count} parameter{'s' * (count > 1)}, {settings})"


class SGD(Optimizer):
    """Gradient descent: ``data -= lr * grad``, with momentum if asked for.

    Momentum follows Sutskever et al., *On the importance of initialization and momentum in deep learning* (2013), in
    PyTorch's form: the velocity is momentum · velocity + grad, and lr multiplies it.

    Args, and what it raises: as for ``Optimizer``; ``nesterov`` needs a momentum.

    >>> x = Value(3.0)
    >>> optimizer = SGD([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.4
    """

    def __init__(self, parameters: Iterable[Value], lr: float = 1e-3, *, momentum: float = 0.0, nesterov: bool = False,
                 weight_decay: float = 0.0) -> None:  # fmt: skip
        super().__init__(parameters, lr, weight_decay)
        _check("momentum", momentum, momentum >= 0)
        if nesterov and momentum == 0:
            raise ValueError("Nesterov's method needs a momentum above 0")
        self.momentum = number(momentum)
        self.nesterov = nesterov
        self.velocities = floats(len(self.parameters))

    def _rule(self) -> tuple[Update, Sequence[array[float]]]:
        if self.momentum:
            return _compiled(_nesterov if self.nesterov else _heavy_ball, 1), [self.velocities]
        return _compiled(_decaying_descent if self.weight_decay else _descent, 0), []

    def _settings(self, steps: Any, lr: Any) -> Sequence[Any]:
        if self.momentum:
            return [lr, self.weight_decay, self.momentum]
        return [lr, self.weight_decay] if self.weight_decay else [lr]


def _descent(data: Any, grad: Any, lr: Any) -> list[Any]:
    return [data - lr * grad]


def _decaying_descent(data: Any, grad: Any, lr: Any, weight_decay: Any) -> list[Any]:
    return [data - lr * (grad + weight_decay * data)]


def _heavy_ball(data: Any, grad: Any, velocity: Any, lr: Any, weight_decay: Any, momentum: Any) -> list[Any]:
    velocity = momentum * velocity + (grad + weight_decay * data)
    return [data - lr * velocity, velocity]


def _nesterov(data: Any, grad: Any, velocity: Any, lr: Any, weight_decay: Any, momentum: Any) -> list[Any]:
    grad = grad + weight_decay * data
    velocity = momentum * velocity + grad
    return [data - lr * (grad + momentum * velocity), velocity]


def _adam(data: Any, grad: Any, mean: Any, square: Any, rate: Any, scale: Any, beta1: Any, beta2: Any, eps: Any,
          weight_decay: Any, lr: Any) -> list[Any]:  # fmt: skip
    return _moved(data, grad + weight_decay * data, mean, square, rate, scale, beta1, beta2, eps)


def _adamw(data: Any, grad: Any, mean: Any, square: Any, rate: Any, scale: Any, beta1: Any, beta2: Any, eps: Any,
           weight_decay: Any, lr: Any) -> list[Any]:  # fmt: skip
    return _moved(data * (1 - lr * weight_decay), grad, mean, square, rate, scale, beta1, beta2, eps)


def _moved(data: Any, grad: Any, mean: Any, square: Any, rate: Any, scale: Any, beta1: Any, beta2: Any,
           eps: Any) -> list[Any]:  # fmt: skip
    """Adam's step; ``rate`` and ``scale`` make up for means that begin at 0."""
    mean = beta1 * mean + (1 - beta1) * grad
    square = beta2 * square + (1 - beta2) * grad * grad
    size = sqrt(square) / scale + eps
    return [data - rate * mean / where(size > 0, size, 1.0), mean, square]


class Adam(Optimizer):
    """Steps of about ``lr``, whatever the size of the gradients: Kingma and Ba, *Adam* (2015), algorithm 1.

    Args, and what it raises: as for ``Optimizer``; ``betas`` are the decay rates of the running means of the gradient
    and of its square, ``eps`` keeps the division defined.

    >>> x = Value(3.0)
    >>> optimizer = Adam([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.9
    """

    _formula: Rule = staticmethod(_adam)

    def __init__(self, parameters: Iterable[Value], lr: float = 1e-3, *, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0.0) -> None:  # fmt: skip
        super().__init__(parameters, lr, weight_decay)
        _check("betas", betas, len(betas) == 2 and all(0 <= beta < 1 for beta in betas))
        _check("eps", eps, eps >= 0)
        self.betas = number(betas[0]), number(betas[1])
        self.eps = number(eps)
        self.means = floats(len(self.parameters))
        self.squares = floats(len(self.parameters))

    def _rule(self) -> tuple[Update, Sequence[array[float]]]:
        return _compiled(self._formula, 2), [self.means, self.squares]

    def _settings(self, steps: Any, lr: Any) -> Sequence[Any]:
        beta1, beta2 = self.betas
        rate, scale = lr / (1 - beta1**steps), sqrt(1 - beta2**steps)
        return [rate, scale, beta1, beta2, self.eps, self.weight_decay, lr]


class AdamW(Adam):
    """Adam with the weight decay apart from the gradient: Loshchilov and Hutter (2019), algorithm 2.

    Args, and what it raises: as for ``Adam``.

    >>> x = Value(3.0)
    >>> optimizer = AdamW([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.897
    """

    _formula = staticmethod(_adamw)

    def __init__(self, parameters: Iterable[Value], lr: float = 1e-3, *, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 1e-2) -> None:  # fmt: skip
        super().__init__(parameters, lr, betas=betas, eps=eps, weight_decay=weight_decay)


@cache
def _compiled(rule: Rule, state: int) -> Update:
    return Update(rule, state)


# ---- schedules: functions of the epoch, counted from 0, that give the factor of the learning rate --------------------


class _Named:
    """A schedule that prints as the call that made it."""

    def __init__(self, name: str, factor: Schedule) -> None:
        self.name, self.factor = name, factor

    def __call__(self, epoch: int) -> float:
        return self.factor(epoch)

    def __repr__(self) -> str:
        return self.name


def constant() -> Schedule:
    """The same rate all the time.

    >>> constant()(100)
    1.0
    """
    return _Named("constant()", lambda epoch: 1.0)


def linear(epochs: int, end: float = 0.0) -> Schedule:
    """In a straight line from 1 down (or up) to ``end`` over ``epochs``, then ``end``: PyTorch's LinearLR.

    >>> linear(10)(5)
    0.5
    """
    _check("epochs", epochs, epochs >= 1)
    return _Named(f"linear({epochs}, end={end})", lambda epoch: 1.0 + (end - 1.0) * min(epoch / epochs, 1.0))


def step(step_size: int, gamma: float = 0.1) -> Schedule:
    """Times ``gamma`` every ``step_size`` epochs: PyTorch's StepLR.

    >>> step(10, 0.5)(25)
    0.25
    """
    _check("step_size", step_size, step_size >= 1)
    return _Named(f"step({step_size}, gamma={gamma})", lambda epoch: gamma ** (epoch // step_size))


def exponential(gamma: float) -> Schedule:
    """Times ``gamma`` every epoch: PyTorch's ExponentialLR.

    >>> exponential(0.5)(3)
    0.125
    """
    return _Named(f"exponential({gamma})", lambda epoch: gamma**epoch)


def cosine(epochs: int, end: float = 0.0) -> Schedule:
    """Half a cosine wave from 1 to ``end`` over ``epochs``, then ``end``: PyTorch's CosineAnnealingLR.

    Loshchilov and Hutter, *SGDR* (2017), equation 5.

    >>> cosine(10), round(cosine(10)(5), 6)
    (cosine(10, end=0.0), 0.5)
    """
    _check("epochs", epochs, epochs >= 1)
    return _Named(
        f"cosine({epochs}, end={end})",
        lambda epoch: end + (1.0 - end) * (1 + math.cos(math.pi * min(epoch / epochs, 1.0))) / 2,
    )


def _check(name: str, value: object, fits: bool) -> None:
    if not fits:
        raise ValueError(f"{name} = {value!r} is out of range")
