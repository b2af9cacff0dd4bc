"""``fit``: the training loop, with its history and its progress bar."""

from __future__ import annotations

import math
import sys
import time

from tinygrad_edu import losses
from tinygrad_edu.files import write_whole
from tinygrad_edu.functions import mean
from tinygrad_edu.operation import number, whole_number
from tinygrad_edu.optim import Adam, Optimizer
from tinygrad_edu.randomness import generator
from tinygrad_edu.recording import no_grad
from tinygrad_edu.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias

    from tinygrad_edu.files import Path
    from tinygrad_edu.nn import Module
    from tinygrad_edu.optim import Schedule

    Loss: TypeAlias = "Callable[[Any, Any], Value]"
    Metric: TypeAlias = "Callable[[Any, Any], float]"
    Example: TypeAlias = "tuple[list[Any], Any]"

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


class History:
    """What ``fit`` saw: lists with a number for each completed epoch; printing it gives a summary.

    Attributes:
        loss: the mean of the loss over the epoch's batches, with the penalty if there is one.
        metric: the mean of the metric over the epoch's examples, as predicted while training; empty without a metric.
        metric_name: what the metric is called.
        gradient: for each layer the size of its gradient: the root mean square of the derivatives of the loss, with the
            penalty, by the layer's parameters, in the last batch of the epoch, before its step. A mean does not depend
            on how many parameters there are, so layers can be compared; the unit is that of the loss for a change of a
            parameter by 1. Parameters that the optimizer leaves alone do not count. The key is what the names of the
            layer's parameters begin with, such as ``layers.0``, in the order of the model; ``model`` stands for those
            that are in no layer.
        seconds: how long the training took.
        interrupted: whether Ctrl-C ended it.
    """

    def __init__(self, metric_name: str) -> None:
        self.loss: list[float] = []
        self.metric: list[float] = []
        self.metric_name = metric_name
        self.gradient: dict[str, list[float]] = {}
        self.seconds = 0.0
        self.interrupted = False

    def __repr__(self) -> str:
        count = len(self.loss)
        text = f"{count} epoch{'s' * (count != 1)} in {self.seconds:.1f} s" + ", interrupted" * self.interrupted
        if count:
            text += f": loss {self.loss[0]:.4g} -> {self.loss[-1]:.4g}"
        if self.metric:
            text += f", {self.metric_name} {self.metric[0]:.4g} -> {self.metric[-1]:.4g}"
        return text

    def to_csv(self, path: Path) -> None:
        """Write one line for each epoch, counted from 1: its number, the loss and, if there is one, the metric."""
        columns: list[tuple[Any, ...]] = [("epoch", *range(1, len(self.loss) + 1)), ("loss", *self.loss)]
        if self.metric:
            columns.append((self.metric_name, *self.metric))
        write_whole(path, "".join(",".join(map(str, row)) + "\n" for row in zip(*columns)))

    def _forget_the_unfinished(self) -> None:
        """Make all lists as long as ``loss``, the last that an epoch is added to."""
        for numbers in (self.metric, *self.gradient.values()):
            del numbers[len(self.loss) :]


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
    examples = _examples(inputs, targets)
    loss_of, metric_of, metric_name = _loss_and_metric(loss, metric)
    epochs = whole_number("epochs", epochs, at_least=0)
    size = len(examples) if batch_size is None else whole_number("batch_size", batch_size, at_least=1)
    optimizer = _optimizer(optimizer, model)
    rng = generator(seed)
    trainer = _Trainer(model, loss_of, metric_of, optimizer, l2)
    history = History(metric_name)
    started, rate = time.perf_counter(), optimizer.lr
    before = [parameter.data for parameter in optimizer.parameters]
    with _EndingBatches() as interrupt, _ProgressBar(epochs, progress) as bar:
        try:
            for epoch in range(epochs):
                if schedule is not None:
                    optimizer.lr = rate * schedule(epoch)
                if size < len(examples):
                    rng.shuffle(examples)
                trainer.run(epoch, [examples[i : i + size] for i in range(0, len(examples), size)], interrupt, history)
                bar.show(history)
                if on_epoch is not None:
                    on_epoch(epoch, history)
                interrupt.check()
        except KeyboardInterrupt:
            history.interrupted = True
            history._forget_the_unfinished()
        except (TypeError, ValueError):
            if not history.loss:  # in the first epoch it is the examples that do not fit
                _restore(optimizer, before)
            raise
        finally:
            optimizer.lr = rate
            history.seconds = time.perf_counter() - started
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

    squash = getattr(model, "output_activation", getattr(model, "activation", None))
    threshold = 0.5 if squash == "sigmoid" else 0.0

    def classify(inputs: Iterable[Any]) -> int:
        with no_grad():
            prediction = _numbers(model(inputs))
        outputs = prediction if isinstance(prediction, list) else [prediction]
        return outputs.index(max(outputs)) if len(outputs) > 1 else int(outputs[0] > threshold)

    return classify


class _Trainer:
    """What is the same in every step: the model, how it is judged, and how it changes."""

    def __init__(self, model: Module, loss: Loss, metric: Metric | None, optimizer: Optimizer, l2: float) -> None:
        self.model, self.loss, self.metric, self.optimizer, self.l2 = model, loss, metric, optimizer, l2
        self.layers: dict[str, list[Value]] = {}
        changing = {*optimizer.parameters}
        for name, parameter in model.named_parameters():
            if parameter in changing:
                self.layers.setdefault(_layer(name), []).append(parameter)

    def run(self, epoch: int, batches: list[list[Example]], interrupt: _EndingBatches, history: History) -> None:
        """Make a step for each batch, and add the epoch to the history."""
        loss_sum, metric_sum, count = 0.0, 0.0, sum(map(len, batches))
        for batch in batches:
            loss, metric = self.step(epoch, batch)
            loss_sum += loss * len(batch)
            metric_sum += metric
            if batch is not batches[-1]:
                interrupt.check()
        if self.metric is not None:
            history.metric.append(metric_sum / count)
        for name, parameters in self.layers.items():
            history.gradient.setdefault(name, []).append(_root_mean_square([p.grad for p in parameters]))
        history.loss.append(loss_sum / count)

    def step(self, epoch: int, batch: list[Example]) -> tuple[float, float]:
        """Make one step; return the mean loss of the batch before it and the sum of the metric."""
        parameters = self.optimizer.parameters
        try:
            predictions = [self.model(inputs) for inputs, _ in batch]
            total = mean([self.loss(prediction, target) for prediction, (_, target) in zip(predictions, batch)])
            if not isinstance(total, Value) or total.op is None:
                raise TypeError("the loss is a plain number, or was computed inside no_grad: it has no derivatives")
            if self.l2:
                total = total + self.l2 * losses.l2_penalty(parameters)
            self.optimizer.zero_grad()
            total.backward()
        except OverflowError as error:
            raise self.diverged(f"{error}", epoch) from None
        if not math.isfinite(total.data):
            raise self.diverged(f"the loss became {total.data}", epoch)
        if not all(math.isfinite(parameter.grad) for parameter in parameters):
            raise self.diverged("a gradient became infinite or NaN", epoch)
        before = [parameter.data for parameter in parameters]
        self.optimizer.step()
        if not all(math.isfinite(parameter.data) for parameter in parameters):
            _restore(self.optimizer, before)
            raise self.diverged("a parameter became infinite or NaN", epoch)
        if self.metric is None:
            return total.data, 0.0
        return total.data, sum(self.metric(_numbers(p), target) for p, (_, target) in zip(predictions, batch))

    def diverged(self, what: str, epoch: int) -> FloatingPointError:
        return FloatingPointError(
            f"in epoch {epoch + 1}, {what}. Try a smaller learning rate than {self.optimizer.lr:g}, inputs scaled to "
            "about -1 to 1, or a loss that takes scores, such as binary_cross_entropy_with_logits"
        )


def _layer(name: str) -> str:
    """The layer of the parameter of this name: what holds it, but of a neuron in a layer the layer."""
    holder = name.split(".")[:-1]
    return ".".join(holder[:-2] if holder[-2:-1] == ["neurons"] else holder) or "model"


def _root_mean_square(numbers: list[float]) -> float:
    return math.hypot(*numbers) / math.sqrt(len(numbers))  # the squares of tiny numbers would be 0


def _restore(optimizer: Optimizer, numbers: list[float]) -> None:
    for parameter, data in zip(optimizer.parameters, numbers):
        parameter.data = data


def _numbers(prediction: Any) -> Any:
    if isinstance(prediction, list):
        return [_numbers(p) for p in prediction]
    return prediction.data if isinstance(prediction, Value) else prediction


# ---- arguments -------------------------------------------------------------------------------------------------------


def _examples(inputs: Iterable[Any], targets: Iterable[Any]) -> list[Example]:
    rows, goals = _plain("inputs", inputs), _plain("targets", targets)
    if len(rows) != len(goals):
        raise ValueError(f"{len(rows)} inputs do not go with {len(goals)} targets")
    if not rows:
        raise ValueError("there are no examples to learn from: inputs and targets are empty")
    rows = [row if isinstance(row, list) else [row] for row in rows]
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ValueError(f"the rows differ in length: inputs[{i}] has {len(row)}, inputs[0] has {len(rows[0])}")
    return list(zip(rows, goals))


def _plain(name: str, array: Any) -> list[Any]:
    """A list of numbers and lists of numbers, from lists, tuples, arrays and data frames."""
    for convert in ("to_numpy", "tolist"):
        if hasattr(array, convert):
            array = getattr(array, convert)()
    try:
        return [_plain_at(f"{name}[{i}]", item) for i, item in enumerate(array)]
    except TypeError as error:
        raise TypeError(f"{name} must be a list of numbers or of rows of numbers: {error}") from None


def _plain_at(place: str, item: Any) -> Any:
    try:
        x = item.data if isinstance(item, Value) else number(item)
        if not math.isfinite(x):
            raise ValueError(f"{place} is {x}: fill the gap or leave the example out")
        return item if isinstance(item, Value) else x
    except TypeError:
        if isinstance(item, (str, bytes)) or not hasattr(item, "__len__"):
            raise TypeError(f"{place} is {item!r}") from None
    return [_plain_at(f"{place}[{i}]", x) for i, x in enumerate(item)]


def _loss_and_metric(loss: str | Loss, metric: str | Metric | None) -> tuple[Loss, Metric | None, str]:
    """The functions meant, and the name of the metric."""
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


def _optimizer(optimizer: Optimizer | None, model: Module) -> Optimizer:
    if optimizer is None:
        return Adam(model.parameters(), lr=0.01)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer is an object such as optim.SGD(model.parameters(), lr=0.1), not {optimizer!r}")
    if not {*model.parameters()} & {*optimizer.parameters}:
        raise ValueError("the optimizer was made for the parameters of another model")
    return optimizer


# ---- Ctrl-C and the progress bar -------------------------------------------------------------------------------------


class _EndingBatches:
    """In this context Ctrl-C is noted in ``asked`` instead of interrupting a step halfway; a second one interrupts.

    Only the main thread hears Ctrl-C, and a handler that the program has set itself is left alone.
    """

    def __enter__(self) -> _EndingBatches:
        import signal
        import threading

        self.asked = False
        self.signal = signal
        self.ours = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self.ours:
            signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, signum: int, frame: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def check(self) -> None:
        """Interrupt here if that was asked for."""
        if self.asked:
            raise KeyboardInterrupt

    def __exit__(self, *error: object) -> None:
        if self.ours:
            self.signal.signal(self.signal.SIGINT, self.signal.default_int_handler)


class _ProgressBar:
    """A bar that moves on by an epoch at a time; by default only where stderr is a terminal."""

    def __init__(self, epochs: int, progress: bool | None) -> None:
        self.bar: Any = None
        if progress is None:
            progress = sys.stderr is not None and sys.stderr.isatty()
        if progress:
            from tqdm import tqdm

            layout = "{n_fmt}/{total_fmt} epochs |{bar}| {elapsed}<{remaining}{postfix}"
            self.bar = tqdm(total=epochs, bar_format=layout, dynamic_ncols=True)

    def __enter__(self) -> _ProgressBar:
        return self

    def show(self, history: History) -> None:
        if self.bar is not None:
            numbers = {"loss": history.loss[-1]}
            if history.metric:
                numbers[history.metric_name] = history.metric[-1]
            self.bar.set_postfix(numbers, refresh=False)
            self.bar.update()

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.close()
