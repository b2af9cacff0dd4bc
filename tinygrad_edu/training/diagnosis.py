"""``diagnose``: what a teacher would say, looking over a shoulder at a training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, combinations, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from tinygrad_edu.calculus.tracing import name_of
from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Value
from tinygrad_edu.formulas.formula import digits
from tinygrad_edu.formulas.tables import Report, Table
from tinygrad_edu.nn import losses
from tinygrad_edu.nn.layers import MLP, Layer, Neuron
from tinygrad_edu.nn.objective import Objective
from tinygrad_edu.training.evidence import FAR, Evidence, layer_of, root_mean_square
from tinygrad_edu.training.examples import examples
from tinygrad_edu.training.named_losses import loss_and_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.nn.objective import Loss
    from tinygrad_edu.training.evidence import Unit
    from tinygrad_edu.training.optim import Optimizer

    Numbers: TypeAlias = "dict[str, Any]"
    Check: TypeAlias = "Callable[[Evidence], Iterator[Numbers]]"

LEARNED = 0.9  # of the loss of a model that is blind to its inputs: who is not below that has learned next to nothing
IDLE_SHARE = 0.5  # of a layer: fewer idle units do little harm, and healthy relu networks often have some
FLAT = 0.01  # of an activation's steepest slope: a weight below it needs a hundred steps for one, as tanh beyond 3
UNEVEN_GRADIENTS = 1000.0  # between layers: no single learning rate suits both
TOO_STEEP = 1000.0  # times the parameters, or times 1: a step of the usual rate 0.001 changes everything
UNEVEN_INPUTS = 100.0  # the loss is then some 10,000 times as curved along one weight as along another
GROWN = 5.0  # times what any example brings: one step does not change a gradient by so much
OFTEN = 3  # of the steps tried make the loss larger: once or twice momentum does that, too
WORSE = 1.5  # times the loss before
STUCK = 0.99  # of the loss before, after all the steps tried
CANCELLED = 0.01  # of their size is left of the examples' derivatives: rounding and an unfinished training leave less
EQUAL = 1e-9  # relative: what differs by less differs by rounding


class Finding(NamedTuple):
    """Something that may be wrong.

    Attributes:
        name: what it is called.
        numbers: what shows it, by name.
        seen: a sentence with these numbers.
        advice: what to try.
    """

    name: str
    numbers: Numbers
    seen: str
    advice: str


class Diagnosis(Report, Sequence[Finding]):
    """A sequence of findings, which prints as text and shows itself as a table in a notebook.

    >>> from tinygrad_edu import data, nn
    >>> inputs, targets = data.xor()
    >>> report = diagnose(nn.MLP(2, [3, 1], "tanh", init=lambda: 0.5), inputs, targets)
    >>> [finding.name for finding in report]
    ['equal neurons']
    >>> report[0].numbers
    {'layer': 'layers.0', 'first': 'layers.0.neurons.0', 'second': 'layers.0.neurons.1', 'equal': 3}
    """

    def __init__(self, evidence: Evidence) -> None:
        is_computed = not (evidence.refused or evidence.overflow)
        self.findings: list[Finding] = []
        for kind in (*ABOUT_EXAMPLES, *(ABOUT_TRAINING if is_computed else ())):
            if not any(finding.name in kind.follows_from for finding in self.findings):
                self.findings += [kind.finding(numbers) for numbers in kind.check(evidence)]
        count, shown = len(self.findings), len(evidence.rows)
        what = f"{type(evidence.model).__name__} on {shown} example{'s' * (shown != 1)}"
        loss = f", loss {evidence.loss:.3g}" if math.isfinite(evidence.loss) else ""
        found = f"{count} finding{'s' * (count != 1)}" if count else "nothing found"
        rate = "" if count or evidence.optimizer else " (the learning rate was not judged: no optimizer was given)"
        title = f"{what}{loss}: {found}{rate}"
        super().__init__([Table([title], ["finding", "what shows it", "what to try"],
                                [[f.name, f.seen, f.advice] for f in self.findings])])  # fmt: skip
        self._title = title

    @overload
    def __getitem__(self, i: int) -> Finding: ...

    @overload
    def __getitem__(self, i: slice) -> list[Finding]: ...

    def __getitem__(self, i: int | slice) -> Finding | list[Finding]:
        return self.findings[i]

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        import shutil
        import textwrap

        columns = min(shutil.get_terminal_size((100, 24)).columns, 100)
        lines = textwrap.wrap(self._title, columns)
        for finding in self.findings:
            lines += ["", finding.name]
            for sentence in (finding.seen, f"Try: {finding.advice}"):
                lines += textwrap.wrap(sentence, columns, initial_indent="  ", subsequent_indent="  ")
        return "\n".join(lines)

    __repr__ = __str__

    def to_markdown(self) -> str:
        """As a Markdown table; where nothing was found, one line."""
        return super().to_markdown() if self.findings else f"{self._title}\n"


def diagnose(
    model: Module,
    inputs: Iterable[Any],
    targets: Iterable[Any],
    *,
    loss: str | Loss = "mse",
    optimizer: Optimizer | None = None,
) -> Diagnosis:
    """Look for what may be wrong with a training: with the examples, the model as it is now, its grads, and the
    learning rate. What is found is shown in numbers; where nothing is, the report says so in a line.

    Of many examples a hundred are looked at. Nothing is changed: not the data or the grad of a parameter, nor the
    optimizer, of which a copy makes some steps.

    Args:
        model: a Module, called with one row of the inputs.
        inputs, targets, loss: as for ``fit``.
        optimizer: the one that trains the model; without it the learning rate is not judged.

    Raises:
        ValueError, TypeError: for examples or arguments that ``fit`` does not take, except targets that the loss
            refuses: that is a finding.
        ZeroDivisionError, ValueError, OverflowError: where a derivative is infinite or undefined.

    >>> from tinygrad_edu import data, nn, optim
    >>> inputs, targets = data.xor()
    >>> model = nn.MLP(2, [4, 1], "tanh", seed=1)
    >>> diagnose(model, inputs, targets, loss="mse", optimizer=optim.SGD(model.parameters(), lr=0.1))
    MLP on 4 examples, loss 0.626: nothing found
    >>> diagnose(model, inputs, targets, loss="mse", optimizer=optim.SGD(model.parameters(), lr=10))[0].name
    'learning rate too large'
    """
    if not hasattr(model, "named_parameters") or not model.parameters():
        raise TypeError(f"diagnose takes a Module with parameters; {name_of(model)} has none")
    rows, goals = examples(inputs, targets)
    if optimizer is not None and not {*model.parameters()} & {*optimizer.parameters}:
        raise ValueError("the optimizer was made for the parameters of another model")
    objective = Objective(model, loss_and_metric(loss, None)[0], 0.0, ())
    return diagnosed(Evidence, objective, rows, goals, optimizer)


def diagnosed(look: Callable[..., Evidence], *args: Any) -> Diagnosis:
    """Make the diagnosis of what ``look(*args)`` finds, also inside ``no_grad``."""
    return recorded(lambda: Diagnosis(look(*args)))


# ---- the examples ----------------------------------------------------------------------------------------------------


def _refused(look: Evidence) -> Iterator[Numbers]:
    if look.refused:
        yield {"loss": _loss_name(look), "message": look.refused}


def _overflow(look: Evidence) -> Iterator[Numbers]:
    if look.overflow:
        largest = max((abs(p.data) for p in look.parameters), default=0.0)
        yield {"message": look.overflow, "largest": largest}


def _same_targets(look: Evidence) -> Iterator[Numbers]:
    if len(look.goals) > 1 and _all_equal(look.goals):
        yield {"count": len(look.goals), "target": look.goals[0]}


def _out_of_reach(look: Evidence) -> Iterator[Numbers]:
    """Targets of a squared error that the activation of the output cannot give."""
    low, high = _reach(_output_activation(look))
    numbers = [x for goal in look.goals for x in (goal if isinstance(goal, list) else [goal])]
    if look.objective.loss is losses.mse and not all(low <= x <= high for x in numbers):
        yield {"activation": _output_activation(look), "low": low, "high": high,
               "least": float(min(numbers)), "most": float(max(numbers))}  # fmt: skip


def _squashed(look: Evidence) -> Iterator[Numbers]:
    """A bounded output under a loss that takes scores of any size."""
    low, high = _reach(_output_activation(look))
    takes_scores = look.objective.loss in (losses.binary_cross_entropy_with_logits, losses.cross_entropy)
    if takes_scores and (low > -math.inf or high < math.inf):
        yield {"loss": _loss_name(look), "activation": _output_activation(look), "low": low, "high": high}


def _uneven_inputs(look: Evidence) -> Iterator[Numbers]:
    sizes = [max(map(abs, column)) for column in zip(*look.rows)]
    used = {i: size for i, size in enumerate(sizes) if size}
    if not used:
        return
    largest, smallest = max(used, key=used.__getitem__), min(used, key=used.__getitem__)
    if used[largest] > UNEVEN_INPUTS * min(used[smallest], 1.0):  # a bias is like the weight of an input of 1
        other = (
            f"x[{smallest}] at most {digits(used[smallest])}" if used[smallest] < 1 else "a bias is like an input of 1"
        )
        yield {"input": largest, "size": used[largest], "other": other,
               "ratio": used[largest] / min(used[smallest], 1.0)}  # fmt: skip


def _output_activation(look: Evidence) -> str | None:
    model = look.model
    found: str | None = getattr(model, "output_activation", getattr(model, "activation", None))
    return found if isinstance(model, (MLP, Layer, Neuron)) else None


def _reach(activation: str | None) -> tuple[float, float]:
    """The least and the greatest number that an activation gives, as it shows at some numbers; infinite if large."""
    if activation is None:
        return -math.inf, math.inf
    try:
        found = [getattr(Value(float(x)), activation)().data for x in range(-50, 51)]
    except (ArithmeticError, ValueError):
        return -math.inf, math.inf
    low, high = round(min(found), 2), round(max(found), 2)
    return (low if low > -10 else -math.inf), (high if high < 10 else math.inf)


# ---- the units -------------------------------------------------------------------------------------------------------


def _equal_neurons(look: Evidence) -> Iterator[Numbers]:
    """Neurons with equal weights and equal derivatives by them, which stay equal for ever."""
    derivative = dict(zip(look.parameters, look.gradient))
    for layer, neurons in look.layers.items():
        numbers = [[x for p in (*n.w, n.b) for x in (p.data, derivative.get(p, 0.0))] for n in neurons]
        twins = [(i, j) for i, j in combinations(range(len(neurons)), 2) if all(map(_is_close, numbers[i], numbers[j]))]
        if twins:
            first, second = (neurons[i]._name for i in twins[0])
            yield {"layer": layer, "first": first, "second": second, "equal": len({*chain(*twins)})}


def _idle_units(is_idle: Callable[[Unit], bool]) -> Check:
    """The first layer of which a good part is idle, and the names of others."""

    def check(look: Evidence) -> Iterator[Numbers]:
        idle = {layer: [unit for unit in units if is_idle(unit)] for layer, units in look.units.items()}
        layers = [layer for layer, found in idle.items() if found and len(found) >= IDLE_SHARE * len(look.units[layer])]
        if layers:
            layer, found = layers[0], idle[layers[0]]
            yield {"idle": len(found), "of": len(look.units[layer]), "layer": layer, "examples": len(look.rows),
                   "activation": found[0].activation, "unit": found[0].name, "output": found[0].outputs[0],
                   "steepest": max(map(abs, found[0].slopes), default=1.0),
                   "others": f" The same in {', '.join(layers[1:])}." if layers[1:] else ""}  # fmt: skip

    return check


def _is_dead(unit: Unit) -> bool:
    return bool(unit.slopes) and not any(unit.slopes) and not any(unit.outputs)


def _is_saturated(unit: Unit) -> bool:
    if not unit.slopes or _is_dead(unit):
        return False
    return max(map(abs, unit.slopes)) < FLAT * _steepest(unit.activation)


def _is_constant(unit: Unit) -> bool:
    return _all_equal(unit.outputs) and not _is_dead(unit) and not _is_saturated(unit)


def _steepest(activation: str | None) -> float:
    """The largest slope of an activation around 0."""
    slopes = [0.0]
    for x in (-1.0, 0.0, 1.0):
        try:
            slopes.append(abs(local_derivatives(getattr(Value(x), activation or "positive")())[0]))
        except (ArithmeticError, ValueError):
            continue
    return max(slopes)


def _saturated(look: Evidence) -> Iterator[Numbers]:
    if not _has_learned(look):  # a step function may be what was to be learned
        yield from _idle_units(_is_saturated)(look)


# ---- the gradients ---------------------------------------------------------------------------------------------------


def _vanishing(look: Evidence) -> Iterator[Numbers]:
    """The layer whose gradient is smallest, if it is far below that of the last one."""
    sizes = look.gradient_sizes
    *_, last = sizes
    layer = min(sizes, key=sizes.__getitem__)
    if sizes[layer] < sizes[last] / UNEVEN_GRADIENTS:
        yield {"layer": layer, "size": sizes[layer], "last": last, "last_size": sizes[last],
               "ratio": sizes[layer] / sizes[last]}  # fmt: skip


def _exploding(look: Evidence) -> Iterator[Numbers]:
    """The layer whose gradient is largest, if it is far above its parameters. (Beside the other layers it need not be
    large: in a relu network with large weights all gradients are.)"""
    sizes = look.gradient_sizes
    layer = max(sizes, key=sizes.__getitem__)
    size = root_mean_square([p.data for name, p in look.named.items() if layer_of(name) == layer])
    if sizes[layer] > TOO_STEEP * max(size, 1.0):
        yield {"layer": layer, "size": sizes[layer], "parameters": size}


def _times(look: Evidence) -> float:
    """How many times the gradient is in the grads, if it is nothing but that; otherwise 0."""
    grads, square = [p.grad for p in look.parameters], math.fsum(d * d for d in look.gradient)
    times = math.fsum(g * d for g, d in zip(grads, look.gradient)) / square if square else 0.0
    off = math.hypot(*(g - times * d for g, d in zip(grads, look.gradient)))
    return times if off <= EQUAL * math.hypot(*grads) else 0.0


def _repeated(look: Evidence) -> Iterator[Numbers]:
    times = round(_times(look))
    is_whole = _is_close(times, _times(look))
    if times > 1 and is_whole and times != len(look.rows):  # that would be the gradient of a sum
        yield {"times": times}


def _not_zeroed(look: Evidence) -> Iterator[Numbers]:
    size = math.hypot(*(p.grad for p in look.parameters))
    most = max(math.hypot(*look.gradient), *(math.hypot(*each) for each in look.gradient_of_each))
    if size > GROWN * most and not round(_times(look)) > 1:
        yield {"size": size, "most": most, "ratio": size / most if most else math.inf}


# ---- the learning rate and the model ---------------------------------------------------------------------------------


def _has_learned(look: Evidence) -> bool:
    return not look.loss >= LEARNED * look.blind_loss


def _too_large(look: Evidence) -> Iterator[Numbers]:
    if look.optimizer is None:
        return
    tried, rate = look.trial.losses, look.optimizer.lr
    rises = sum(later > earlier for earlier, later in pairwise(tried))
    is_worse = tried[-1] >= tried[0] and (max(tried) > WORSE * tried[0] or rises >= OFTEN)
    if is_worse and max(tried) > LEARNED * look.blind_loss:
        best = look.best_length * rate
        said = f" By slope and curvature, {digits(best)} would be best." if 0 < best < rate else ""
        yield {"steps": len(tried) - 1, "rate": rate, "before": tried[0], "after": tried[-1], "best": best,
               "quadratic": said}  # fmt: skip


def _too_small(look: Evidence) -> Iterator[Numbers]:
    if look.optimizer is None or _has_learned(look):
        return
    tried, far, rate = look.trial.losses, look.trial.far, look.optimizer.lr
    if STUCK * tried[0] < tried[-1] <= tried[0] and far < tried[-1] and FAR < look.best_length < math.inf:
        yield {"steps": len(tried) - 1, "rate": rate, "loss": tried[0], "gain": tried[0] - tried[-1],
               "longer": FAR, "far_gain": tried[0] - far, "best": look.best_length * rate}  # fmt: skip


def _too_small_a_model(look: Evidence) -> Iterator[Numbers]:
    """Scores that are linear in the parameters, where a convex loss is least and no better than a blind model's.

    The derivatives of a loss add up to 0 over the examples where it is least, and a convex loss has one least value.
    """
    model, loss = look.model, look.objective.loss
    is_linear = type(model) in (Neuron, Layer) or (type(model) is MLP and len(model.layers) == 1)
    is_convex = loss in (losses.mse, losses.binary_cross_entropy_with_logits, losses.cross_entropy, losses.hinge)
    if not is_linear or not is_convex or _output_activation(look) or _all_equal(look.goals) or _has_learned(look):
        return
    left = [abs(math.fsum(column)) / (math.fsum(map(abs, column)) or 1.0) for column in zip(*look.gradient_of_each)]
    if max(left) < CANCELLED:
        yield {"loss": look.loss, "blind": look.blind_loss, "left": max(left)}


# ---- the table -------------------------------------------------------------------------------------------------------


class _Kind(NamedTuple):
    """A kind of finding: its name, a check that yields the numbers of each, a sentence for them, and what to try."""

    name: str
    check: Check
    seen: str
    advice: str
    follows_from: tuple[str, ...] = ()  # kinds of which this is a mere consequence

    def finding(self, numbers: Numbers) -> Finding:
        shown = {name: digits(x) if isinstance(x, float) else x for name, x in numbers.items()}
        return Finding(self.name, numbers, self.seen.format(**shown), self.advice)


ABOUT_EXAMPLES = (
    _Kind("the loss does not fit", _refused, "{loss}: {message}.",
          "targets and outputs as this loss takes them, or another loss; see help(losses)."),
    _Kind("no finite loss", _overflow, "The loss cannot be computed: {message}. The largest parameter is {largest}.",
          "new initial weights, a smaller learning rate, and inputs of about -1 to 1."),
    _Kind("all targets equal", _same_targets, "The targets of all {count} examples are {target}.",
          "examples of every kind: from these a model learns to answer always the same."),
    _Kind("targets out of reach", _out_of_reach,
          "The targets go from {least} to {most}, but {activation} at the output gives {low} to {high}.",
          "no output activation (output_activation=None), or targets scaled to what it gives."),
    _Kind("squashed scores", _squashed,
          "{loss} takes scores of any size, but {activation} at the output gives {low} to {high}.",
          "output_activation=None; the loss has its own sigmoid or softmax inside."),
    _Kind("inputs on very different scales", _uneven_inputs,
          "x[{input}] is up to {size} large, and {other}: a ratio of {ratio}.",
          "subtracting each input's mean and dividing by its standard deviation."),
)  # fmt: skip
ABOUT_TRAINING = (
    _Kind("equal neurons", _equal_neurons,
          "{equal} neurons of {layer} have a twin with the same weights and the same gradient, such as {first} and "
          "{second}: they will always do the same.",
          "random initial weights (leave out init)."),
    _Kind("dead units", _idle_units(_is_dead),
          "{idle} of {of} units of {layer} give 0 for all {examples} examples, such as {unit}. {activation} is flat "
          "there: no gradient reaches their weights.{others}",
          "new initial weights, a smaller learning rate, or leaky_relu, which is nowhere flat."),
    _Kind("saturated units", _saturated,
          "{idle} of {of} units of {layer} are where {activation} is nearly flat for all {examples} examples; the "
          "slope of {unit} is at most {steepest}.{others}",
          "smaller initial weights, smaller inputs, or a smaller learning rate."),
    _Kind("constant units", _idle_units(_is_constant),
          "{idle} of {of} units of {layer} give the same for all {examples} examples, such as {unit}, {output}: "
          "nothing of the inputs arrives there.{others}",
          "random initial weights; then see what the layer before gives.",
          ("equal neurons", "dead units", "saturated units")),
    _Kind("vanishing gradients", _vanishing,
          "The gradient of {layer} is {size}, and that of {last} is {last_size}: a ratio of {ratio}.",
          "other initial weights (init='glorot' or 'he'), relu instead of sigmoid, or fewer layers.",
          ("equal neurons", "dead units", "saturated units", "constant units")),
    _Kind("exploding gradients", _exploding,
          "The gradient of {layer} is {size}, its parameters are {parameters}: even the rate 0.001 is too large.",
          "smaller initial weights (init='glorot' or 'he'), targets of about -1 to 1, or fewer layers.",
          ("inputs on very different scales",)),
    _Kind("backward() more than once", _repeated,
          "Every grad is {times} times the gradient of the loss: the rest is left over from before.",
          "zero_grad() before each backward()."),
    _Kind("no zero_grad()", _not_zeroed,
          "The grads together have length {size}, {ratio} times the largest gradient of any example ({most}): they are "
          "a sum over many steps (or over many examples).",
          "zero_grad() before each backward() (and the mean of the losses, not the sum)."),
    _Kind("learning rate too large", _too_large,
          "{steps} steps with the rate {rate} bring the loss from {before} to {after}.{quadratic}",
          "a rate ten times smaller, again and again until the loss falls."),
    _Kind("learning rate too small", _too_small,
          "{steps} steps with the rate {rate} lower the loss {loss} by {gain}, and one that is {longer} times as long "
          "by {far_gain}. By slope and curvature, {best} would be best.",
          "a rate ten times larger, again and again until the loss rises; then one back."),
    _Kind("model too small", _too_small_a_model,
          "Without a hidden layer the loss {loss} is the least there is: the derivatives of the examples add up to 0 "
          "(up to {left} of their sizes). A model that does not see its inputs has {blind}.",
          "a hidden layer, or inputs that tell more about the targets."),
)  # fmt: skip


def _loss_name(look: Evidence) -> str:
    return name_of(look.objective.loss)


def _all_equal(items: Sequence[Any]) -> bool:
    return all(item == items[0] for item in items)


def _is_close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=EQUAL, abs_tol=1e-300)
