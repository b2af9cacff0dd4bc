"""Evidence for a diagnosis: what can be measured of a model, its examples and its optimizer without changing any."""

from __future__ import annotations

import copy
import math
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.calculus.linearization import Linearization, gradients
from tinygrad_edu.compiling.shape import plain_numbers
from tinygrad_edu.engine.backward import local_derivatives, topological_order
from tinygrad_edu.engine.functions import dot
from tinygrad_edu.engine.value import Value
from tinygrad_edu.nn.layers import Neuron

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from tinygrad_edu.nn.objective import Objective
    from tinygrad_edu.training.optim import Optimizer

LOOKED_AT = 100  # examples: what is wrong with all of them shows in a hundred, for a small network in a second
TRIED = 10  # steps: a rate that is too large shows in a few, and one that is right gets somewhere
FAR = 100.0  # steps at once: who could go that far goes too slowly


class Unit(NamedTuple):
    """A neuron, its outputs for the examples, and the slopes of its activation there (none without activation)."""

    name: str
    layer: str
    activation: str | None
    outputs: list[float]
    slopes: list[float]


class Trial(NamedTuple):
    """Some steps of the optimizer from here: the loss before and after each, infinite where it could not be computed.

    ``first`` is how the first step changes each parameter; ``far`` is the loss after a step ``FAR`` times as long.
    """

    losses: list[float]
    first: list[float]
    far: float


class Evidence:
    """The loss of a model on examples, recorded; and what follows from it, measured when it is asked for.

    Args:
        objective: the model and its loss.
        rows, goals: the examples. Of many, ``LOOKED_AT`` at even distances are looked at.
        optimizer: of its parameters, if it is known.

    Attributes:
        refused: what the loss said, if it does not take these targets; nothing else is known then.
        overflow: what became too large, if the loss is not a finite number; likewise.
        loss: the mean over the examples, without a penalty.
    """

    def __init__(
        self, objective: Objective, rows: Sequence[Any], goals: Sequence[Any], optimizer: Optimizer | None
    ) -> None:
        stride = math.ceil(len(rows) / LOOKED_AT)
        self.rows, self.goals = rows[::stride], goals[::stride]
        self.objective, self.model, self.optimizer = objective, objective.model, optimizer
        self.named = dict(self.model.named_parameters())  # type: ignore[attr-defined]
        self.parameters = list(self.named.values())
        self.refused = self.overflow = ""
        self.loss = math.nan
        try:
            self.predictions = [self.model(row) for row in self.rows]
        except OverflowError as error:
            self.overflow = str(error)
            return
        try:
            self.errors = self._errors()
            self.total = self.objective.total(self.errors)
            self.loss = math.fsum(error.data for error in self.errors) / len(self.errors)
        except ArithmeticError as error:
            self.overflow = str(error)
        except (TypeError, ValueError) as error:
            self.refused = str(error)
        if not (self.overflow or self.refused or math.isfinite(self.total.data)):
            self.overflow = f"it is {self.total.data}"

    def _errors(self) -> list[Value]:
        found = [self.objective.loss(p, t) for p, t in zip(self.predictions, self.goals)]
        return [error if isinstance(error, Value) or error is None else Value(error) for error in found]

    @cached_property
    def blind_loss(self) -> float:
        """The loss if the model gave its mean output whatever the inputs are; NaN if outputs have no mean."""
        outputs = [plain_numbers(prediction) for prediction in self.predictions]
        try:
            if isinstance(outputs[0], list):
                mean: Any = [Value(math.fsum(column) / len(outputs)) for column in zip(*outputs)]
            else:
                mean = Value(math.fsum(outputs) / len(outputs))
            return math.fsum(plain_numbers(self.objective.loss(mean, t)) for t in self.goals) / len(self.goals)
        except (ArithmeticError, TypeError, ValueError):
            return math.nan

    @cached_property
    def gradient(self) -> list[float]:
        """The derivatives of the loss by each parameter."""
        return gradients(self.total, self.parameters)  # type: ignore[no-any-return]

    @cached_property
    def gradient_of_each(self) -> list[list[float]]:
        """The same for the loss of each example alone."""
        return [Linearization([error], self.parameters).pull([1.0]) for error in self.errors]  # type: ignore[misc]

    @cached_property
    def gradient_sizes(self) -> dict[str, float]:
        """The root mean square of those derivatives in each layer, where those of examples cannot cancel."""
        columns: dict[str, list[float]] = {}
        for name, derivatives in zip(self.named, zip(*self.gradient_of_each)):
            columns.setdefault(layer_of(name), []).extend(derivatives)
        return {layer: root_mean_square(derivatives) for layer, derivatives in columns.items()}

    @cached_property
    def layers(self) -> dict[str, list[Neuron]]:
        """The neurons of each layer."""
        found: dict[str, list[Neuron]] = {}
        for name, module in self.model.named_modules():  # type: ignore[attr-defined]
            if isinstance(module, Neuron):
                found.setdefault(layer_of(f"{name}.b"), []).append(module)
        return found

    @cached_property
    def units(self) -> dict[str, list[Unit]]:
        """What the neurons of each layer give, found in the graph by their labels; nothing if all inputs are equal."""
        if all(row == self.rows[0] for row in self.rows):
            return {}
        neurons = {n._name: Unit(n._name, layer, n.activation, [], []) for layer in self.layers
                   for n in self.layers[layer] if n._name}  # fmt: skip
        for node in topological_order(self.total):
            unit = neurons.get(node.label) if node.op is not None else None
            if unit is not None:
                unit.outputs.append(node.data)
                if unit.activation is not None:
                    unit.slopes.append(local_derivatives(node)[0])
        found: dict[str, list[Unit]] = {}
        for unit in neurons.values():
            if unit.outputs:
                found.setdefault(unit.layer, []).append(unit)
        return found

    @cached_property
    def trial(self) -> Trial:
        """Steps of a copy of the optimizer from here on these examples; every number is put back."""
        assert self.optimizer is not None
        parameters = self.optimizer.parameters
        shared = {id(parameters): parameters, **{id(p): p for p in parameters}}
        twin = copy.deepcopy(self.optimizer, shared)
        twin._is_new = False
        losses, total = [self.total.data], self.total
        slopes = gradients(total, parameters)
        with _put_back([*self.parameters, *parameters]):
            start = [p._data for p in parameters]
            first = [0.0] * len(parameters)
            while len(losses) <= TRIED and losses[-1] < math.inf:
                try:
                    for p, slope in zip(parameters, slopes):
                        p._grad = slope
                    twin.step()
                    if len(losses) == 1:
                        first = [p._data - x for p, x in zip(parameters, start)]
                    total = self._total_now()
                    slopes = gradients(total, parameters)
                    losses.append(total.data if math.isfinite(total.data) else math.inf)
                except (ArithmeticError, ValueError):
                    losses.append(math.inf)
            for p, x, change in zip(parameters, start, first):
                p._data = x + FAR * change
            try:
                far = self._total_now().data
            except (ArithmeticError, ValueError):
                far = math.inf
        return Trial(losses, first, far)

    def _total_now(self) -> Value:
        pairs = zip(self.rows, self.goals)
        errors = [self.objective.loss(self.model(row), goal) for row, goal in pairs]
        total: Value = self.objective.total(errors)
        return total

    @cached_property
    def best_length(self) -> float:
        """How many first steps at once would be best by the quadratic model, gᵀd t + dᵀHd t² / 2: infinitely many where
        it has no minimum; NaN where a rule of an operation works on numbers only.
        """
        assert self.optimizer is not None
        parameters, direction = self.optimizer.parameters, self.trial.first
        try:
            slopes = gradients(self.total, parameters, create_graph=True)
            slope = dot(slopes, direction)
            [curvature] = Linearization([slope], parameters).push(direction)
        except (ArithmeticError, TypeError, ValueError):
            return math.nan
        return -slope.data / curvature if curvature > 0 else math.inf


def layer_of(name: str) -> str:
    """Name the layer of a parameter: what holds it, but of a neuron in a layer the layer."""
    holder = name.split(".")[:-1]
    return ".".join(holder[:-2] if holder[-2:-1] == ["neurons"] else holder) or "model"


def root_mean_square(numbers: Sequence[float]) -> float:
    """The size of some numbers, which does not grow with how many they are."""
    return math.hypot(*numbers) / math.sqrt(len(numbers))  # the squares of tiny numbers would be 0


@contextmanager
def _put_back(parameters: Sequence[Value]) -> Iterator[None]:
    """Give the parameters back their data and grads in the end."""
    before = [(p, p._data, p._grad) for p in parameters]
    try:
        yield
    finally:
        for p, data, grad in before:
            p._data, p._grad = data, grad
