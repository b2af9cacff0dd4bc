"""``compile_loss``: a model and its loss compiled to go through whole batches of examples."""

from __future__ import annotations

import math
from contextlib import suppress
from numbers import Integral
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.tracing import check_function, name_of
from tinygrad_edu.calculus.warning import in_the_callers_code
from tinygrad_edu.compiling.c_text import NoMachineCode, c_module
from tinygrad_edu.compiling.code_cache import ERRORS
from tinygrad_edu.compiling.compiler import compile
from tinygrad_edu.compiling.js_text import NoJavaScript, row_functions
from tinygrad_edu.compiling.loss_codes import LossCodes
from tinygrad_edu.compiling.machine_loss import UNUSUAL
from tinygrad_edu.compiling.machines import Machines
from tinygrad_edu.compiling.model_code import ModelCode
from tinygrad_edu.compiling.recorded_function import agree
from tinygrad_edu.compiling.shape import Shape, plain_number, plain_numbers
from tinygrad_edu.compiling.source_text import module
from tinygrad_edu.compiling.symbols import CompileError
from tinygrad_edu.engine.backward import add_to_grads
from tinygrad_edu.engine.operation import number
from tinygrad_edu.engine.recording import is_paused, recorded
from tinygrad_edu.nn.losses import l2_penalty
from tinygrad_edu.nn.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeAlias

    from tinygrad_edu.compiling.machine_loss import MachineLoss, Packed
    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.nn.objective import Loss

    PackedExample: TypeAlias = "tuple[MachineLoss, Packed]"

COMPARED = 10  # so many examples are run on the engine too, to see that the code is right


def compile_loss(model: Callable[[Any], Any], loss: Loss, *, l2: float = 0.0) -> CompiledLoss:
    """Compile the loss of a model, to train it as with ``backward()`` but faster by far.

    Args:
        model: a Module, or a function of a row of inputs that uses Values. It is taken to be a function, as
            ``compile`` explains: it is called to record what it computes, the first time, and when an attribute of the
            Module or of one in it was set or deleted. Whatever else it refers to stays what it was: make a new loss
            after changing a variable, or a list in a Module.
        loss: a loss of ``losses``, or a function (prediction, target) -> Value; the same holds for it. If it does
            something else for each target it has code for each; if it branches on the prediction, it is recorded for
            each example, which is slower.
        l2: how much of ``losses.l2_penalty`` of the model's parameters to add.

    Returns:
        a function of inputs and targets, see ``CompiledLoss``. Its first examples are run on the engine too, to compare
        the numbers. Larger batches are gone through in machine code where the extra ``fast`` is installed.

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
    return CompiledLoss(Objective(model, loss, number(l2), penalised()), penalised)


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

    def __init__(self, objective: Objective, penalised: Callable[[], list[Any]] | None = None) -> None:
        self._objective, self._penalised = objective, penalised
        self.batches = self.recorded = 0  # how many batches there were, and how many of them were recorded
        self._row: Shape | None = None
        self._target: Shape | None = None
        self._model: Any = None  # a ModelCode, when there is a row
        self._losses: Any = None  # a LossCodes, when there is a target
        self._penalty: Any = None
        self._modules: list[Any] = []
        self._changes = 0  # of the modules, when the code was last known to be right
        self._to_compare = COMPARED
        self._machines = Machines()

    def __call__(self, inputs: Iterable[Any], targets: Iterable[Any]) -> float:
        return self._backward(inputs, targets)[0]

    def backward(
        self, inputs: Iterable[Any], targets: Iterable[Any], packed: Sequence[PackedExample] = ()
    ) -> tuple[float, list[Any]]:
        """Do what a call does; return the mean loss and the predictions, in plain numbers.

        Args:
            inputs, targets: as for a call.
            packed: what ``pack`` made of them, if it did.
        """
        total, predictions = self._backward(inputs, targets, packed)
        return total, predictions if isinstance(predictions, list) else self._model.result.each_around(predictions)

    def _backward(
        self, inputs: Iterable[Any], targets: Iterable[Any], packed: Sequence[PackedExample] = ()
    ) -> tuple[float, Any]:
        """Do what a call does; return the mean loss and the predictions, those of machine code in an array."""
        rows, goals = _list("inputs", inputs), _list("targets", targets)
        try:
            done = self._run_machine(rows, goals, packed) or self._run_python(rows, goals)
        except CompileError as error:
            self._forget()
            raise in_the_callers_code(error) from None
        except Exception:
            self._forget()
            raise
        self.batches += 1
        return done

    def machine(self, size: int, parameters: list[Value]) -> MachineLoss | None:
        """Find the machine code that computes all there is to the loss of batches of this size, if these are its
        parameters, in this order."""
        machine = self._find_machine(size) if self._penalty is None else None
        return machine if machine and self._model.parameters == parameters else None

    def pack(self, inputs: list[Any], targets: list[Any], size: int) -> list[PackedExample]:
        """Put the numbers of each example into bytes, if there is machine code for batches of this size; otherwise
        return nothing."""
        machine = self._find_machine(size)
        try:
            return [(machine, x) for x in machine.split(machine.packed(inputs, targets))] if machine else []
        except UNUSUAL:
            return []

    def _run_python(self, inputs: list[Any], targets: list[Any]) -> tuple[float, list[Any]]:
        """Run the Python code, or the engine."""
        rows, goals, codes = self.prepare(inputs, targets)
        done = None if is_paused() else self._run(rows, goals, codes)
        if done is not None:
            return done
        given = [*map(self._given, rows)], [*map(self._losses.as_given, goals)]
        total, found = self._objective.backward(*given)
        self.recorded += 1
        return total, [*map(plain_numbers, found)]

    def prepare(
        self, inputs: Iterable[Any], targets: Iterable[Any], size: int = 0
    ) -> tuple[list[Any], list[Any], Iterable[Any]]:
        """Take the numbers out of examples, and find the code of each one's loss; compile what is not compiled yet, for
        batches of the size if that is given, otherwise for all in one.

        Raises: as the class says.
        """
        rows, goals = self._rows(inputs), self._goals(targets)
        if len(rows) != len(goals):
            raise ValueError(f"{len(rows)} inputs do not go with {len(goals)} targets")
        if not rows:
            raise ValueError("there are no examples: inputs and targets are empty")
        _, losses = self._codes(rows, goals)
        codes = losses.of(goals)
        assert self._row is not None  # there are rows
        self._machines.prepare(self._model, losses, self._row, (rows, goals, codes), size or len(rows))
        return rows, goals, codes

    def compare(self, row: Any, target: Any) -> None:
        """Run one example on the engine too. Where only the loss differs, it gets other code, or is recorded.

        Raises:
            CompileError: if the model gives something else; the code is then forgotten.
        """
        rows, goals = self._rows([row]), self._goals([target])
        self._compare(*self._codes(rows, goals), rows, goals)

    def predict(self, inputs: Iterable[Any]) -> list[Any]:
        """Compute what the model gives for each row, in plain numbers."""
        try:
            rows = self._rows(inputs)
            if not rows:
                return []
            model, _ = self._codes(rows, [])
        except Exception:
            self._forget()
            raise
        assert self._row is not None  # there are rows
        with suppress(*ERRORS):
            return model.predict(rows, self._row)
        return [plain_numbers(recorded(self._objective.model, self._given(row))) for row in rows]

    @property
    def source(self) -> str:
        """The code: of the loss, for each target if that makes a difference, of the model and of the penalty.

        Raises:
            ValueError: before the first call, when there is none.
        """
        if self._model is None:
            raise ValueError("there is no code yet: the first call makes it, from the first row of inputs")
        texts = []
        if self._losses is not None:
            for target, text in self._losses.texts.items():
                texts.append(("" if target is None else f"# where the target is {target!r}\n") + module([text]))
            if self._losses.why_not:
                texts.append(f"# The loss is recorded for each example: {' '.join(self._losses.why_not.split())}\n")
        texts.append(module(self._model.texts()))
        if self._penalty is not None:
            texts.append("# the penalty\n" + module([self._penalty.text("backward")]))
        return "\n".join(texts)

    @property
    def c_source(self) -> str:
        """The same code in C, which becomes machine code where there is much to do and the extra ``fast`` is installed.

        Raises:
            ValueError: before the first call, when there is none, and if something in it cannot be written in C.
        """
        if self._model is None or self._losses is None:
            raise ValueError("there is no code yet: the first call makes it, from the first examples")
        texts = []
        try:
            for target, text in self._losses.texts.items():
                texts.append(
                    ("" if target is None else f"// where the target is {target!r}\n") + c_module([text.in_c()])
                )
            size = self._losses.target.size if None in self._losses.texts else 0
            gradient, predict = self._model.texts()
            texts.append(c_module([gradient.in_c(size), predict.in_c()]))
        except NoMachineCode as error:
            raise ValueError(f"there is no C: {error}") from None
        return "\n".join(texts)

    @property
    def js_source(self) -> str:
        """The same code in JavaScript: ``losses``, a map from each target to its function, and ``gradient``, whose
        parameters are in the order of ``parameters``; see ``js_functions``. It stands on ``js_text.library``.

        Raises:
            ValueError: before the first call, when there is none.
            NoJavaScript: if something in it cannot be written in JavaScript.
        """
        if self._model is None or self._losses is None:
            raise ValueError("there is no code yet: the first call makes it, from the first examples")
        if self._losses.why_not:
            raise NoJavaScript(f"the loss is recorded for each example: {self._losses.why_not}")
        codes = [*self._losses.texts.values(), self._model.text("gradient")]
        operations = {op.name: op for code in codes for op in code.called.operations.values()}
        texts = [f"const operations = {row_functions(operations.values())};"] if operations else []
        texts += [text.in_js(f"loss_{i}") for i, text in enumerate(self._losses.texts.values())]
        by_target = [f"[{key!r}, loss_{i}]" for i, key in enumerate(self._losses.texts) if key is not None]
        found = f"new Map([{', '.join(by_target)}])" if by_target else "{ get: () => loss_0 }"
        return "\n\n".join([*texts, f"const losses = {found};", self._model.text("gradient").in_js()]) + "\n"

    @property
    def parameters(self) -> list[Value]:
        """The Values that the model uses, in the order in which the code has them; there are none before the first
        call."""
        return [*self._model.parameters] if self._model is not None else []

    def remark(self) -> str:
        """Say what was recorded after all, or ran in Python although there was much of it, and why; or nothing."""
        if self.recorded:
            why = "their code failed or something in them was not finite"
            return f"{self.recorded} of {self.batches} batches were recorded, because {why}"
        why_not = self._losses.why_not if self._losses else ""
        if why_not:
            return f"only the model was compiled, the loss was recorded for each example: {why_not}"
        return self._machines.remark

    # ---- what is given ----

    def _rows(self, inputs: Iterable[Any]) -> list[Sequence[float]]:
        """List the numbers of each row."""
        rows = _list("inputs", inputs)
        if rows and self._row is None:
            self._row = Shape(rows[0])
        return self._row.rows("inputs", rows) if self._row else []

    def _goals(self, targets: Iterable[Any]) -> list[Any]:
        """List each target as a number or a tuple of numbers. Whole ones stay whole, to be used as indices."""
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
        """Build the row as the model takes it."""
        assert self._row is not None
        return self._row.around(row)

    def _forget(self) -> None:
        """Forget what the first examples were like, unless a batch went through."""
        if not self.batches:
            self._row = self._target = self._model = self._losses = None

    # ---- the code ----

    def _codes(self, rows: Sequence[Any], goals: Sequence[Any]) -> tuple[ModelCode, Any]:
        """Find the code, made from the first of ``rows`` if there is none or a Module has changed; compare it with the
        engine on some of the first examples.

        Raises:
            CompileError: if they differ; the code is then forgotten.
        """
        if self._is_changed():
            self._model = self._losses = None
        model = self._model or self._made(self._given(rows[0]))
        if goals and self._losses is None and self._target is not None:
            self._losses = LossCodes(self._objective.loss, model.result.example, self._target)
        if self._to_compare > 0:
            step = -(-len(rows) // self._to_compare)
            self._to_compare -= len(rows[::step])
            self._compare(model, self._losses, rows[::step], goals[::step])
        return model, self._losses

    def _made(self, row: Any) -> Any:
        """Make the code of the model and of the penalty.

        Raises:
            CompileError: if that is not possible, or a Module sets attributes when it is called: these would stay what
                they were while it was recorded.
        """
        objective = self._objective
        holders = [f for f in (objective.model, objective.loss) if hasattr(f, "named_modules")]
        self._modules = [module for holder in holders for _, module in holder.named_modules()]
        self._changes = sum([module._changes for module in self._modules])
        recorded(objective.model, row)
        if self._is_changed():
            raise CompileError(
                f"{name_of(objective.model)} sets attributes when it is called, which compiled code would not do"
            )
        self._model = ModelCode(objective.model, row)
        if self._penalised is not None:
            objective.penalised = self._penalised()
        parameters, l2 = objective.penalised, objective.l2
        self._penalty = compile(lambda: l2 * l2_penalty(parameters)) if l2 and parameters else None
        return self._model

    def _is_changed(self) -> bool:
        """Tell whether attributes of modules were set or deleted since the code was made."""
        return bool(self._changes != sum([module._changes for module in self._modules]))

    def _compare(self, model: ModelCode, losses: Any, rows: Sequence[Any], goals: Sequence[Any]) -> None:
        for i, row in enumerate(rows):
            try:
                _, [found], _ = model.gradient([row], [0.0], [_no_loss])
                # Recorded, because a Value that the model keeps would be taken for a parameter otherwise.
                prediction = plain_numbers(recorded(self._objective.model, self._given(row)))
            except ERRORS:  # there is no value here: the engine says so where it matters
                continue
            numbers = [found] if model.result.is_number else found
            expected = [x for _, x in trees.leaves(prediction)]
            if model.is_repeatable and not agree(numbers, expected):
                self._model = self._losses = None
                raise CompileError(
                    f"for a row of inputs the code of {name_of(self._objective.model)} gives {numbers[0]}, the model "
                    f"itself {expected[0]}: it may look a number up in a dict or a set, ask for its type, draw random "
                    "numbers, or refer to something that has changed"
                )
            if goals:
                losses.compare(numbers, goals[i])

    # ---- batches ----

    def _find_machine(self, size: int) -> MachineLoss | None:
        """Find the machine code for batches of this size, if there is any and it is that of the model as it is now."""
        is_right = self._model is not None and not is_paused() and not self._is_changed()
        return self._machines.find(self._model, self._losses, size) if is_right else None

    def _run_machine(
        self, rows: list[Any], goals: list[Any], packed: Sequence[PackedExample]
    ) -> tuple[float, list[Any]] | None:
        """Do what ``backward`` does, with the machine code; None, and nothing is done, where that fails."""
        machine = self._find_machine(len(rows))
        if machine is None or len(rows) != len(goals):
            return None
        try:
            if packed and packed[0][0] is machine:
                examples = machine.joined([example for _, example in packed])
            else:
                examples = machine.packed(rows, goals)
            total, predictions, slopes = machine(examples, self._model.numbers())
        except UNUSUAL:
            return None
        return self._added(total, predictions, slopes)

    def _added(self, total: float, predictions: Any, slopes: Sequence[float]) -> tuple[float, Any] | None:
        """Add the penalty, and the derivatives to the ``grad`` of every parameter; None if they are not finite."""
        parameters: list[Value] = self._model.parameters
        if self._penalty is not None:
            penalty, added = self._penalty.value_and_slopes("backward", ())
            total, slopes, parameters = total + penalty, [*slopes, *added], parameters + self._penalty.outside
        if not math.isfinite(total + sum(slopes)):
            return None
        add_to_grads(parameters, slopes)
        return total, predictions

    def _run(self, rows: Sequence[Any], targets: Sequence[Any], codes: Iterable[Any]) -> tuple[float, list[Any]] | None:
        """Do what ``backward`` does, with the code; None, and nothing is done, where that fails."""
        try:
            total, predictions, slopes = self._model.gradient(rows, targets, codes)
            return self._added(total, self._model.built(predictions), slopes)
        except ERRORS:
            return None

    def __repr__(self) -> str:
        return f"<compiled loss of {name_of(self._objective.model)}, {name_of(self._objective.loss)}>"


def _no_loss(*numbers: float) -> list[float]:
    """Stand in for the code of a loss where only the predictions are asked for."""
    return [0.0] * len(numbers)


def _list(name: str, examples: Iterable[Any]) -> list[Any]:
    if type(examples) is list:
        return examples
    try:
        return list(examples)
    except TypeError:
        raise TypeError(f"{name} is a list with one for each example, not {trees.described(examples)}") from None
