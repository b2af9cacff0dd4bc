"""``fit``: the training loop, with its history and its progress bar."""

from __future__ import annotations

import math
import time
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.tracing import name_of
from tinygrad_edu.calculus.warning import with_place
from tinygrad_edu.compiling.compiled_loss import CompiledLoss
from tinygrad_edu.compiling.shape import plain_numbers
from tinygrad_edu.compiling.symbols import CompileError
from tinygrad_edu.engine.operation import whole_number
from tinygrad_edu.engine.recording import no_grad
from tinygrad_edu.engine.value import Value
from tinygrad_edu.nn.objective import Objective
from tinygrad_edu.nn.randomness import generator
from tinygrad_edu.training.evidence import Evidence, layer_of, root_mean_square
from tinygrad_edu.training.examples import examples
from tinygrad_edu.training.history import History
from tinygrad_edu.training.named_losses import loss_and_metric
from tinygrad_edu.training.optim import Adam, Optimizer
from tinygrad_edu.training.packed import PackedParameters
from tinygrad_edu.training.progress import EndingBatches, ProgressBar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, NoReturn, TypeAlias

    from tinygrad_edu.nn.layers import Module
    from tinygrad_edu.nn.objective import Loss
    from tinygrad_edu.training.named_losses import Metric
    from tinygrad_edu.training.optim import Schedule

    Example: TypeAlias = "tuple[Any, Any, Any]"  # a row, a target, and the same packed for machine code, or None


def fit(
    model: Module,
    inputs: Iterable[Any],
    targets: Iterable[Any],
    *,
    loss: str | Loss = "mse",
    optimizer: Optimizer | None = None,
    epochs: int = 100,
    batch_size: int | None = None,
    schedule: Schedule | None = None,
    l2: float = 0.0,
    seed: int | None = None,
    metric: str | Metric | None = None,
    progress: bool | None = None,
    on_epoch: Callable[[int, History], object] | None = None,
    compiled: bool = True,
    **unknown: NoReturn,
) -> History:
    """Train a model on examples, and return how it went.

    Args:
        model: a Module, called with one row of the inputs.
        inputs: a list of rows of numbers, or an array of shape (examples, inputs).
        targets: for each row a number or a list of numbers, as the loss takes them.
        loss: the name of a loss in ``losses``, or a function (prediction, target) -> Value.
        optimizer: an object of ``optim``; by default ``optim.Adam(model.parameters(), lr=0.01)``.
        epochs: how many times to go through the examples.
        batch_size: how many examples make one step; by default all. Batches are drawn anew for each epoch.
        schedule: the factor of the learning rate for each epoch, counted from 0; see ``optim``.
        l2: how much of ``losses.l2_penalty`` of the parameters to add to the loss.
        seed: of the order of the examples in batches; without one it follows ``random.seed``.
        metric: "accuracy", the share of right predictions by the loss; or a function (prediction, target) -> number,
            given plain numbers.
        progress: whether to show a progress bar; by default where stderr is a terminal.
        on_epoch: called as ``on_epoch(epoch, history)`` after each epoch, counted from 0.
        compiled: whether to compile the model and the loss, see ``compile_loss``: they are called a few times to see
            what they compute, and from then on their code runs instead. Each epoch begins with one example that is run
            on the engine too: where the numbers differ, because a callback has changed something, the rest is
            recorded. What cannot be compiled is recorded as well, and the summary says why. False records every batch.

    Ctrl-C ends the training after the current batch; the history so far is returned and the model is as that batch
    left it.

    Raises:
        ValueError, TypeError: for examples or arguments that do not fit; the model is then as it was before.
        FloatingPointError: if the loss or a gradient becomes infinite or NaN; the model is as before that step.

    >>> from tinygrad_edu import data, nn, optim
    >>> model = nn.MLP(2, [4, 1], "tanh", seed=1)
    >>> history = fit(model, *data.xor(), loss="binary_cross_entropy_with_logits", metric="accuracy",
    ...               optimizer=optim.Adam(model.parameters(), lr=0.1), epochs=50)
    >>> history.metric[-1]
    1.0
    """
    if unknown:
        raise _unknown_argument(next(iter(unknown)))
    rows, goals = examples(inputs, targets)
    loss_of, metric_of, metric_name = loss_and_metric(loss, metric)
    epochs = whole_number("epochs", epochs, at_least=0)
    size = len(rows) if batch_size is None else whole_number("batch_size", batch_size, at_least=1)
    optimizer = _optimizer(optimizer, model)
    rng = generator(seed)
    optimizer._is_new = False  # fit keeps the order of zero_grad, backward and step: a grad that is 0 here is one
    history = History(metric_name)
    started, rate = time.perf_counter(), optimizer.lr
    trainer = _Trainer(model, Objective(model, loss_of, l2, optimizer.parameters), metric_of, optimizer, history)
    trainer.metric_may_look = callable(metric)
    packed = trainer.compile(rows, goals, min(size, len(rows))) if compiled else ()
    drawn: list[Example] = list(zip_longest(rows, goals, packed))
    before = [parameter._data for parameter in optimizer.parameters]
    with EndingBatches() as interrupt, ProgressBar(epochs, progress) as bar:
        try:
            for epoch in range(epochs):
                if schedule is not None:
                    optimizer.lr = rate * schedule(epoch)
                if size < len(drawn):
                    rng.shuffle(drawn)
                trainer.compare(drawn[epoch % len(drawn)])
                trainer.run(epoch, [drawn[i : i + size] for i in range(0, len(drawn), size)], interrupt)
                bar.show(history)
                if on_epoch is not None:
                    on_epoch(epoch, history)
                interrupt.check()
        except KeyboardInterrupt:
            history.interrupted = True
            history.forget_the_unfinished()
        except (TypeError, ValueError):
            if not history.loss:  # in the first epoch it is the examples that do not fit
                _restore(optimizer, before)
            raise
        finally:
            optimizer.lr = rate
            if trainer.compiled is not None:
                history.remark = trainer.compiled.remark()
            history.seconds = time.perf_counter() - started
    history._evidence = partial(Evidence, trainer.objective, rows, goals, optimizer)
    return history


def classifier(model: Module) -> Callable[[Iterable[Any]], int]:
    """A function that gives the class a model finds for an example: the index of the largest of several outputs; of a
    single output 1 if it is a probability above 1/2 (from a sigmoid) or a score above 0, otherwise 0. Nothing is
    recorded.

    >>> from tinygrad_edu import nn
    >>> neuron = nn.Neuron(1, None)
    >>> neuron.load_state_dict({"w[0]": 2.0, "b": -1.0})
    >>> [classifier(neuron)([x]) for x in (0.0, 1.0)]
    [0, 1]
    """
    threshold = threshold_of(model)

    def classify(inputs: Iterable[Any]) -> int:
        with no_grad():
            prediction = plain_numbers(model(inputs))
        outputs = prediction if isinstance(prediction, list) else [prediction]
        return outputs.index(max(outputs)) if len(outputs) > 1 else int(outputs[0] > threshold)

    return classify


def threshold_of(model: Module) -> float:
    """The output above which a model with a single output means class 1: 1/2 of a probability, 0 of a score."""
    squash = getattr(model, "output_activation", getattr(model, "activation", None))
    return 0.5 if squash == "sigmoid" else 0.0


class _Trainer:
    """The parts of a step: the objective, recorded or compiled, how it is judged, and how it is made smaller."""

    def __init__(
        self, model: Module, objective: Objective, metric: Metric | None, optimizer: Optimizer, history: History
    ) -> None:
        self.objective, self.metric, self.optimizer, self.history = objective, metric, optimizer, history
        self.metric_may_look = True  # at the parameters, in the middle of an epoch
        self.compiled: CompiledLoss | None = None
        self.layers: dict[str, list[Value]] = {}
        changing = {*optimizer.parameters}
        for name, parameter in model.named_parameters():
            if parameter in changing:
                self.layers.setdefault(layer_of(name), []).append(parameter)

    def compile(self, rows: list[Any], targets: list[Any], size: int) -> Sequence[Any]:
        """Compile the objective if that is possible; pack the examples if there is machine code for batches of this
        size."""
        compiled = CompiledLoss(self.objective)
        try:
            compiled.prepare(rows, targets, size)
        except Exception as error:  # recording will raise it too, if it is no matter of compiling
            self.history.remark = f"not compiled: {with_place(error)}"
            return ()
        self.compiled, self.history.compiled = compiled, True
        return compiled.pack(rows, targets, size)

    def compare(self, example: Example) -> None:
        """See on one example whether the code still computes what the model and the loss do."""
        if self.compiled is not None:
            try:
                self.compiled.compare(*example[:2])
            except Exception as error:
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.compiled, self.history.compiled = None, False
        self.history.remark = f"not compiled to the end: {with_place(error)}"

    def _backward(self, batch: list[Example]) -> tuple[float, list[Any]]:
        rows, targets, packed = map(list, zip(*batch))
        if self.compiled is not None:
            try:
                return self.compiled.backward(rows, targets, packed if packed[0] else ())
            except CompileError as error:  # something has changed in the middle of an epoch
                self._give_up(error)
        return self.objective.backward(rows, targets)

    def run(self, epoch: int, batches: list[list[Example]], interrupt: EndingBatches) -> None:
        """Make a step for each batch, and add the epoch to the history."""
        loss_sum, metric_sum, count = 0.0, 0.0, sum(map(len, batches))
        packed = self._packed(batches[0])
        try:
            for batch in batches:
                loss, metric = self._packed_step(packed, epoch, batch) if packed else self.step(epoch, batch)
                loss_sum += loss * len(batch)
                metric_sum += metric
                if batch is not batches[-1]:
                    interrupt.check()
        finally:
            if packed is not None:
                packed.write()
        if self.metric is not None:
            self.history.metric.append(metric_sum / count)
        for name, parameters in self.layers.items():
            size = root_mean_square([p.grad for p in parameters])
            self.history.gradient.setdefault(name, []).append(size)
        self.history.loss.append(loss_sum / count)

    def _packed(self, batch: list[Example]) -> PackedParameters | None:
        """Pack the parameters, if all of a step is machine code and nobody looks at them before the epoch is over."""
        is_ours = type(self.optimizer).step is Optimizer.step and not self.metric_may_look
        are_finite = all(math.isfinite(parameter._data) for parameter in self.optimizer.parameters)
        if self.compiled is None or not is_ours or not batch[0][2] or not are_finite:
            return None
        machine = self.compiled.machine(len(batch), self.optimizer.parameters)
        return PackedParameters(machine, self.optimizer) if machine and batch[0][2][0] is machine else None

    def _packed_step(self, packed: PackedParameters, epoch: int, batch: list[Example]) -> tuple[float, float]:
        """Do what ``step`` does, with packed parameters."""
        try:
            loss, predictions = packed.backward([example for _, _, (_, example) in batch], self.metric is not None)
        except FloatingPointError:  # the Python code or the engine knows why
            packed.write()
            done = self.step(epoch, batch)
            packed.read()
            return done
        if not packed.step():
            raise self.diverged("a parameter became infinite or NaN", epoch)
        return loss, self._judged(predictions, batch)

    def step(self, epoch: int, batch: list[Example]) -> tuple[float, float]:
        """Make one step; return the mean loss of the batch before it and the sum of the metric."""
        parameters = self.optimizer.parameters
        self.optimizer.zero_grad()
        try:
            loss, predictions = self._backward(batch)
        except OverflowError as error:
            raise self.diverged(f"{error}", epoch) from None
        if not math.isfinite(loss):
            raise self.diverged(f"the loss became {loss}", epoch)
        if not all(map(math.isfinite, [parameter._grad for parameter in parameters])):
            raise self.diverged("a gradient became infinite or NaN", epoch)
        before = [parameter._data for parameter in parameters]
        self.optimizer.step()
        if not all(map(math.isfinite, [parameter._data for parameter in parameters])):
            _restore(self.optimizer, before)
            raise self.diverged("a parameter became infinite or NaN", epoch)
        return loss, self._judged(predictions, batch)

    def _judged(self, predictions: Iterable[Any], batch: list[Example]) -> float:
        """Add up the metric of the examples."""
        if self.metric is None:
            return 0.0
        return sum(self.metric(plain_numbers(p), example[1]) for p, example in zip(predictions, batch))

    def diverged(self, what: str, epoch: int) -> FloatingPointError:
        return FloatingPointError(
            f"in epoch {epoch + 1}, {what}. Try a smaller learning rate than {self.optimizer.lr:g}, inputs scaled to "
            "about -1 to 1, or a loss that takes scores, such as binary_cross_entropy_with_logits"
        )


def _restore(optimizer: Optimizer, numbers: list[float]) -> None:
    for parameter, data in zip(optimizer.parameters, numbers):
        parameter.data = data


# ---- arguments -------------------------------------------------------------------------------------------------------


def _unknown_argument(name: str) -> TypeError:
    if name in ("lr", "rate", "learning_rate"):
        hint = "the learning rate is the optimizer's: optimizer=optim.Adam(model.parameters(), lr=...)"
    else:
        hint = "see help(fit)"
    return TypeError(f"fit takes no {name}; {hint}")


def _optimizer(optimizer: Optimizer | None, model: Module) -> Optimizer:
    if not hasattr(model, "parameters"):
        raise TypeError(f"fit takes a Module, which has parameters(); {name_of(model)} has none. compile_loss takes "
                        "any function, for a loop of your own")  # fmt: skip
    if optimizer is None:
        return Adam(model.parameters(), lr=0.01)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer is an object such as optim.SGD(model.parameters(), lr=0.1), not {optimizer!r}")
    if not {*model.parameters()} & {*optimizer.parameters}:
        raise ValueError("the optimizer was made for the parameters of another model")
    return optimizer
