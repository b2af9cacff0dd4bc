"""An objective that goes through batches with compiled code: what ``compile_loss`` and ``fit`` have in common."""

from __future__ import annotations

import math
from itertools import chain
from numbers import Integral
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.tracing import name_of
from tinygrad_edu.compiling.code_cache import ERRORS
from tinygrad_edu.compiling.function_graph import agree
from tinygrad_edu.compiling.loss_code import LossCodes
from tinygrad_edu.compiling.model_code import ModelCode, PenaltyCode
from tinygrad_edu.compiling.shape import Shape, plain_number, plain_numbers
from tinygrad_edu.compiling.surroundings import Surroundings
from tinygrad_edu.compiling.symbols import CompileError
from tinygrad_edu.engine.recording import is_paused, recorded
from tinygrad_edu.nn.module import Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.nn.objective import Objective

COMPARED = 100  # so many predictions of new code are compared with the model's


class CompiledObjective:
    """An objective that goes through batches with code, and where that fails is recorded.

    Rows and targets are prepared first: their numbers are taken out of what is given, and the code is made from the
    first of them. Until a batch went through, nothing about them is kept after an error.

    Args:
        objective: what to compile.
        penalised: gives the parameters that the penalty is on, if these may change.

    Attributes:
        name: what the model and the loss are called.
        batches, recorded: how many batches there were, and how many of them were recorded.
    """

    def __init__(self, objective: Objective, penalised: Callable[[], list[Value]] | None = None) -> None:
        self._objective = objective
        self._penalised = penalised
        self.name = f"{name_of(objective.model)}, {name_of(objective.loss)}"
        self.batches = self.recorded = 0
        self._around = Surroundings(objective.model, objective.loss)
        self._changes = Module.changes  # when the code was last known to be right
        self._to_compare = 0  # so many more predictions of the code with the model's
        self._row: Shape | None = None
        self._target: Shape | None = None
        self._model: ModelCode | None = None
        self._losses: LossCodes | None = None
        self._penalty: PenaltyCode | None = None
        self._compile_penalty()

    def loss(self, inputs: Iterable[Any], targets: Iterable[Any]) -> float:
        """Add the derivatives of the mean loss to every ``grad``, and return it.

        Raises: as ``CompiledLoss``.
        """
        try:
            return self.backward(*self.prepare(inputs, targets))[0]
        except Exception:
            self._forget()
            raise

    def predict(self, inputs: Iterable[Any]) -> list[Any]:
        """What the model gives for each row, in plain numbers."""
        try:
            rows = self._rows(inputs)
            if not rows:
                return []
            model, _ = self._code(rows)
        except Exception:
            self._forget()
            raise
        try:
            predictions = model.predict(rows, [x._data for x in model.graph.around])
            if all(map(math.isfinite, predictions if model.result.is_number else chain.from_iterable(predictions))):
                return self._built(predictions)
        except ERRORS:
            pass
        return [plain_numbers(recorded(self._objective.model, self._given(row))) for row in rows]

    def source(self) -> str:
        """The text of all code; a ValueError before there is any."""
        if self._model is None:
            raise ValueError("there is no code yet: the first call makes it, from the first row of inputs")
        texts = []
        if self._losses is not None:
            for target, text in self._losses.sources.items():
                texts.append(f"# where the target is {target!r}\n" * (target is not None) + text)
            if self._losses.why_not:
                texts.append(f"# The loss is recorded for each example: {' '.join(self._losses.why_not.split())}\n")
        texts.append(self._model.source)
        if self._penalty is not None:
            texts.append(self._penalty.source)
        return "\n".join(texts)

    def remark(self) -> str:
        """What was recorded after all, and why; or nothing."""
        if self.recorded:
            why = "their code failed or something in them was not finite"
            return f"{self.recorded} of {self.batches} batches were recorded, because {why}"
        why_not = self._losses.why_not if self._losses else ""
        return f"only the model was compiled, the loss was recorded for each example: {why_not}" if why_not else ""

    # ---- what is given ----

    def prepare(self, inputs: Iterable[Any], targets: Iterable[Any]) -> tuple[list[Any], list[Any]]:
        """The examples as ``backward`` takes them; what is not compiled yet is compiled.

        Raises: as ``CompiledLoss``.
        """
        rows, goals = self._rows(inputs), self._goals(targets)
        if len(rows) != len(goals):
            raise ValueError(f"{len(rows)} inputs do not go with {len(goals)} targets")
        if not rows:
            raise ValueError("there are no examples: inputs and targets are empty")
        self._code(rows)
        return rows, goals

    def _rows(self, inputs: Iterable[Any]) -> list[Sequence[float]]:
        """The numbers of each row."""
        rows = _list("inputs", inputs)
        if rows and self._row is None:
            self._row = Shape(rows[0])
        return self._row.rows("inputs", rows) if self._row else []

    def _goals(self, targets: Iterable[Any]) -> list[Any]:
        """Each target as a number or a tuple of numbers. Whole ones stay whole, to be used as indices."""
        goals = _list("targets", targets)
        if goals and self._target is None:
            self._target = Shape(goals[0])
        if self._target is None or (self._target.is_number and {*map(type, goals)} <= {float, int}):
            return goals
        found = []
        for i, target in enumerate(goals):
            leaves = trees.matched(target, self._target.example, f"targets[{i}]")
            numbers = [int(x) if isinstance(x, Integral) else plain_number(f"targets[{i}]", x) for x in leaves]
            found.append(numbers[0] if self._target.is_number else tuple(numbers))
        return found

    def _given(self, row: Sequence[float]) -> Any:
        """The row as the model takes it."""
        assert self._row is not None
        return self._row.around(row)

    def _built(self, predictions: list[Any]) -> list[Any]:
        """The predictions as the model gives them."""
        assert self._model is not None
        result = self._model.result
        return predictions if result.is_number or result.kind is list else [*map(result.around, predictions)]

    def _forget(self) -> None:
        """Forget what the first examples were like, unless a batch went through."""
        if not self.batches:
            self._row = self._target = self._model = self._losses = None

    # ---- the code ----

    def make_code(self, rows: Sequence[Any], targets: Sequence[Any]) -> None:
        """Make the code for these examples, as ``prepare`` gives them, unless it is there and still right.

        Raises: as ``CompiledLoss``.
        """
        self.renew()
        _, losses = self._code(rows)
        losses.of(targets)

    def renew(self) -> None:
        """Forget the code if something else than when it was made is computed now."""
        self._around = Surroundings(self._objective.model, self._objective.loss)
        if self._penalised is not None:
            self._objective.penalised = self._penalised()
            self._compile_penalty()
        if not self._around.undisturbed(self._is_current):
            self._model = self._losses = None
        self._changes = Module.changes

    def _is_current(self) -> bool:
        return self._model is None or self._losses is None or (self._model.is_current() and self._losses.is_current())

    def _compile_penalty(self) -> None:
        l2, penalised = self._objective.l2, self._objective.penalised
        self._penalty = PenaltyCode(penalised, l2) if l2 and penalised else None

    def _code(self, rows: Sequence[Any]) -> tuple[ModelCode, LossCodes]:
        """The code, made from the first of ``rows`` if there is none or a Module has changed; new code is compared with
        the model on some of them.

        Raises:
            CompileError: if they differ; the code is then forgotten.
        """
        if self._changes != Module.changes:
            self.renew()
        if self._model is None:
            self._model = self._around.undisturbed(ModelCode, self._objective.model, self._given(rows[0]))
            self._to_compare = COMPARED if self._model.graph.is_repeatable() else 0
        if self._losses is None or self._losses.target is not self._target:
            self._losses = LossCodes(self._objective.loss, self._model.result.example, self._target)
        code = self._model, self._losses
        if self._to_compare > 0:
            some = rows[:: max(1, len(rows) // self._to_compare)]
            self._to_compare -= len(some)
            try:
                self._around.undisturbed(self._check, self._model, some)
            except CompileError:
                self._model = self._losses = None
                raise
        self._changes = Module.changes  # only now: a model may set attributes when it is called
        return code

    def _check(self, model: ModelCode, rows: Sequence[Any]) -> None:
        try:
            found = model.predict(rows, [x._data for x in model.graph.around])
        except ERRORS:
            return
        for row, prediction in zip(rows, found):
            try:  # recorded, because a Value that the model keeps would be taken for a parameter otherwise
                expected = plain_numbers(recorded(self._objective.model, self._given(row)))
            except (ArithmeticError, ValueError):
                continue  # there is none here
            right = [x for _, x in trees.leaves(expected)]
            numbers = [prediction] if model.result.is_number else prediction
            if not agree(numbers, right):
                raise CompileError(
                    f"for a row of inputs the code of {self.name} gives {numbers[0]}, the model itself {right[0]}: it "
                    "may look a number up in a dict or a set, ask for its type, or draw random numbers"
                )

    # ---- batches ----

    def backward(self, rows: Sequence[Any], targets: Sequence[Any]) -> tuple[float, list[Any]]:
        """Add the derivatives of the mean loss to every ``grad``; return the number and the predictions.

        Args:
            rows, targets: as ``prepare`` gives them.
        """
        model, losses = self._code(rows)
        done = None if is_paused() else self._run(model, losses, rows, targets)
        if done is None:
            given = [*map(self._given, rows)], [*map(losses.as_given, targets)]
            total, found = self._objective.backward(*given)
            done = total, [plain_numbers(prediction) for prediction in found]
            losses.prediction = done[1][0]
            self.recorded += 1
        self.batches += 1
        return done

    def _run(
        self, model: ModelCode, losses: LossCodes, rows: Sequence[Any], targets: Sequence[Any]
    ) -> tuple[float, list[Any]] | None:
        """What ``backward`` does, with the code; None, and nothing is done, where that fails."""
        parameters, penalised, added = model.graph.around, self._objective.penalised, None
        try:
            codes = losses.of(targets)
            total, predictions, slopes = model.gradient(rows, targets, codes, [x._data for x in parameters])
            if self._penalty is not None:
                penalty, added = self._penalty.compute([x._data for x in penalised])
                total += penalty
            if not math.isfinite(total + sum(slopes)):
                return None
        except CompileError:
            raise
        except ERRORS:
            return None
        for x, slope in zip(parameters, slopes):
            x._grad += slope
        if added is not None:
            for x, slope in zip(penalised, added):
                x._grad += slope
        return total, self._built(predictions)


def _list(name: str, examples: Iterable[Any]) -> list[Any]:
    if type(examples) is list:
        return examples
    try:
        return list(examples)
    except TypeError:
        raise TypeError(f"{name} is a list with one for each example, not {trees.described(examples)}") from None
