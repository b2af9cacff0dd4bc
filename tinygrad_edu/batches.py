"""Code that goes through batches of examples: of a model, of a loss, and of a penalty on parameters."""

from __future__ import annotations

import math
from itertools import repeat

from tinygrad_edu import structure
from tinygrad_edu.compiler import Graph, cached, differentiate, graph_to_compile
from tinygrad_edu.linearization import Linearization
from tinygrad_edu.listing import Listing, as_tuple, backward_comment, module
from tinygrad_edu.losses import l2_penalty
from tinygrad_edu.program import Program
from tinygrad_edu.recording import recorded
from tinygrad_edu.symbolic import CompileError, symbolically
from tinygrad_edu.tracing import name_of
from tinygrad_edu.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeAlias

    Loss: TypeAlias = "Callable[[Any, Any], Value]"
    LossCode: TypeAlias = "Callable[..., tuple[float, ...]]"  # (*predictions, target) -> (loss, *its derivatives)

MANY_TARGETS = 100  # at most so many targets get code of their own
FAST = 256  # variables that Python finds with one byte
RESERVED = (
    "rows",
    "targets",
    "losses",
    "parameters",
    "predictions",
    "target",
    "loss",
    "error",
    "total",
    "share",
    "zip",
    "len",
)


class ModelCode:
    """A model over a batch.

    Args:
        model: called with a row of inputs.
        row: an example of one, of plain numbers.

    Attributes:
        graph: what it computes from the row; ``graph.around`` are its parameters.
        gradient: (rows, targets, losses, parameters) -> (mean of the losses, predictions, its derivatives by each
            parameter), where ``losses`` holds the code of the loss of each example.
        predict: (rows, parameters) -> predictions, a number or a list of numbers for each row.
        source: the text of both.

    Raises:
        CompileError: if it does not do the same for all numbers.
    """

    def __init__(self, model: Callable[[Any], Any], row: Any) -> None:
        def run(x: Any) -> Any:  # the inputs are called x in the code
            return model(x)

        run.__name__ = name_of(model)
        self._run, self._row = run, row
        self.graph = graph_to_compile("compile_loss", run, [row])
        self.is_scalar = structure.is_leaf(self.graph.result)
        key = ("model", self.is_scalar, self.graph.signature())
        self.source, functions = cached(key, lambda: _model(self.graph))
        self.gradient, self.predict = functions["gradient"], functions["predict"]

    def is_current(self) -> bool:
        """Whether the model still computes the same."""
        return symbolically(Graph, "compile_loss", self._run, [self._row]).equals(self.graph)


class LossCodes:
    """A loss for each target: one piece of code if it does the same for all, otherwise one for each different target.

    A loss that depends on the size of the prediction is recorded each time.

    Args:
        loss: called with a prediction and a target.
        prediction: an example of what the model gives, of plain numbers; may be set.
        target: an example of a target, of plain numbers. Targets that are not numbers are given as tuples.

    Attributes:
        sources: the texts by target; by None for all targets.
        why_not: why the loss is recorded each time; or nothing.
    """

    def __init__(self, loss: Loss, prediction: Any, target: Any) -> None:
        self.loss, self.prediction, self._shape = loss, prediction, target
        self.sources: dict[Any, str] = {}
        self.why_not = ""
        self._for_all: LossCode | None = None
        self._by_target: dict[Any, LossCode] = {}
        self._compared = False
        self._graphs: list[tuple[Callable[..., Any], list[Any], Graph]] = []

    def of(self, targets: Sequence[Any]) -> Iterable[LossCode]:
        """The code for each target.

        Raises:
            CompileError: if the loss uses Values that are not in the prediction.
        """
        if self._for_all is None:
            try:
                return [self._by_target[target] for target in targets]
            except KeyError:
                self._learn([target for target in dict.fromkeys(targets) if target not in self._by_target])
        return repeat(self._for_all) if self._for_all else [self._by_target[target] for target in targets]

    def as_given(self, target: Any) -> Any:
        """The target as the loss takes it."""
        return structure.rebuilt(self._shape, target) if type(target) is tuple else target

    def is_current(self) -> bool:
        """Whether the loss still computes the same."""
        return all(symbolically(Graph, "loss", run, args).equals(graph) for run, args, graph in self._graphs)

    def _learn(self, new: Sequence[Any]) -> None:
        different = [*self._by_target, *new]
        if len(different) > 1 and not self._compared:
            self._compared = True
            self._for_all = self._same_for(*different[:2])
        if self._for_all is None and len(different) > MANY_TARGETS:
            self._for_all = self._recorded(different[0])  # it looks at every target anew
            self.why_not = f"it does something else for different targets, and there are more than {MANY_TARGETS}"
        for target in new if self._for_all is None else ():
            self._by_target[target] = self._special(target)

    def _same_for(self, one: Any, other: Any) -> LossCode | None:
        """The code for all targets, or None if for these two it is not the same."""

        def run(prediction: Any, target: Any) -> Any:
            return self.loss(prediction, target)

        run.__name__ = name_of(self.loss)
        count = sum(1 for _ in structure.leaves(self.prediction))
        try:
            graph, again = [graph_to_compile("loss", run, [self.prediction, self.as_given(t)]) for t in (one, other)]
            _check_loss(graph, self.loss)
            source, code = self._code(graph, count, is_tuple=type(one) is tuple)
            if graph.signature() != again.signature() or not all(self._is_right(code, t) for t in (one, other)):
                return None
        except Exception:  # whatever it does that is not meant for Values as targets
            return None
        self.sources, self._graphs = {None: source}, [(run, [self.prediction, self.as_given(one)], graph)]
        return code

    def _special(self, target: Any) -> LossCode:
        """The code for one target."""

        def run(prediction: Any) -> Any:
            return self.loss(prediction, self.as_given(target))

        run.__name__ = name_of(self.loss)
        try:
            graph = graph_to_compile("loss", run, [self.prediction])
        except CompileError as error:
            self.why_not = f"{error}"
            return self._recorded(target)
        _check_loss(graph, self.loss)
        self._graphs.append((run, [self.prediction], graph))
        self.sources[target], code = self._code(graph, len(graph.inputs), is_tuple=False)
        return code

    def _code(self, graph: Graph, count: int, is_tuple: bool) -> tuple[str, LossCode]:
        key = ("loss", count, is_tuple, graph.signature())
        source, functions = cached(key, lambda: _loss(graph, count, is_tuple))
        return source, functions["loss"]

    def _is_right(self, code: LossCode, target: Any) -> bool:
        """Whether the code gives what the loss gives for this target: it may ask for more than the target's number."""
        numbers = [x for _, x in structure.leaves(self.prediction)]
        expected = self._recorded(target)(*numbers, target)
        return all(math.isclose(x, y, rel_tol=1e-9) for x, y in zip(code(*numbers, target), expected))

    def _recorded(self, target: Any) -> LossCode:
        """The loss itself, recorded each time."""
        _check_loss(
            Graph("loss", lambda prediction: self.loss(prediction, self.as_given(target)), [self.prediction]), self.loss
        )

        def compute(*numbers: Any) -> tuple[float, ...]:
            values = [Value(x) for x in numbers[:-1]]
            error = recorded(self.loss, structure.rebuilt(self.prediction, values), self.as_given(numbers[-1]))
            if not isinstance(error, Value):
                raise TypeError("the loss is a plain number: it has no derivatives")
            return error.data, *Linearization([error], values).pull([1.0])  # type: ignore[arg-type]

        return compute


class PenaltyCode:
    """``l2`` times ``l2_penalty`` of parameters.

    Attributes:
        compute: (parameters) -> (the number, its derivatives by each).
        source: its text.
    """

    def __init__(self, parameters: Sequence[Value], l2: float) -> None:
        graph = Graph("compile_loss", lambda: l2 * l2_penalty(parameters), [])
        self.source, functions = cached(("penalty", graph.signature()), lambda: _penalty(graph))
        self.compute = functions["penalty"]


def _check_loss(graph: Graph, loss: Loss) -> None:
    """Raise a CompileError if the loss is not one number that depends on the prediction alone."""
    if not structure.is_leaf(graph.result):
        raise CompileError(f"{name_of(loss)} returned {structure.described(graph.result)}; a loss is one number")
    if {*graph.inputs}.isdisjoint(graph.order):
        raise CompileError(f"what {name_of(loss)} returned was not computed from the prediction: it has no derivatives")
    if graph.around:
        raise CompileError(
            f"{name_of(loss)} uses a Value that is neither in the prediction nor in the target: "
            f"{graph.around[0].label or graph.around[0]!r}. A penalty on parameters can be given as l2"
        )


# ---- texts -----------------------------------------------------------------------------------------------------------


def _model(graph: Graph) -> str:
    count = len(graph.outputs)
    arriving = [Value(1.0, f"d_out_{i}" if count > 1 else "d_out") for i in range(count)]
    program = Program([*graph.variables, *arriving])
    results = program.places(graph.outputs)
    slopes = differentiate(program, graph.outputs, graph.around, arriving)
    both = Listing(program, [*results, *results, *slopes], len(graph.variables) + count, RESERVED)
    alone = Listing(program, results, len(graph.variables) + count, RESERVED)
    return module([both, alone], [_gradient(graph, both, results, slopes), _predict(graph, alone, results)])


def _gradient(graph: Graph, listing: Listing, results: Sequence[int], slopes: Sequence[int]) -> list[str]:
    """The lines of the function that goes through a batch forward and backward."""
    inputs, parameters, arriving = _groups(graph, listing)
    forward = listing.statements(results)
    outputs = [listing.name(result, forward) for result in results]
    backward = listing.statements(slopes)
    terms = [listing.expression(slope, backward) for slope in slopes]
    sums = [listing.fresh(f"grad_{name}") for name in parameters]
    in_loop = [*inputs, *arriving, *listing.assigned]
    first = []
    if len(in_loop) + len(parameters) + len(sums) > FAST:
        first = [f"# Python is fastest with the first {FAST} names that it meets.", _zeros(in_loop)]
    return [
        "def gradient(rows, targets, losses, parameters):",
        *first,
        *[f"{as_tuple(parameters)} = parameters"] * bool(parameters),
        *[_zeros(sums)] * bool(sums),
        "total, predictions, share = 0.0, [], 1.0 / len(rows)",
        f"for {as_tuple(inputs)}, target, loss in zip(rows, targets, losses):",
        "    # forward",
        *_indented(forward),
        f"    predictions.append({_shown(graph, outputs)})",
        f"    {', '.join(['error', *arriving])} = loss({', '.join([*outputs, 'target'])})",
        "    total += error",
        *[f"    {name} *= share" for name in arriving],
        f"    {backward_comment(backward, 'the loss')}",
        *_indented(backward),
        *[f"    {name} += {term}" for name, term in zip(sums, terms)],
        f"return total * share, predictions, {as_tuple(sums)}",
    ]


def _predict(graph: Graph, listing: Listing, results: Sequence[int]) -> list[str]:
    """The lines of the function that goes through a batch forward."""
    inputs, parameters, _ = _groups(graph, listing)
    forward = listing.statements(results)
    outputs = [listing.expression(result, forward) for result in results]
    return [
        "def predict(rows, parameters):",
        *[f"{as_tuple(parameters)} = parameters"] * bool(parameters),
        "predictions = []",
        f"for {as_tuple(inputs)} in rows:",
        *_indented(forward),
        f"    predictions.append({_shown(graph, outputs)})",
        "return predictions",
    ]


def _groups(graph: Graph, listing: Listing) -> tuple[list[str], list[str], list[str]]:
    """The names of the inputs, of the parameters and of the derivatives of the loss by what the model gives."""
    first, second = len(graph.inputs), len(graph.variables)
    return listing.names[:first], listing.names[first:second], listing.names[second:]


def _shown(graph: Graph, outputs: Sequence[str]) -> str:
    return outputs[0] if structure.is_leaf(graph.result) else f"[{', '.join(outputs)}]"


def _zeros(names: Sequence[str]) -> str:
    return f"{as_tuple(names)} = [0.0] * {len(names)}"


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _loss(graph: Graph, count: int, is_tuple: bool) -> str:
    """``count`` of the inputs are the prediction, the others the target, which may be a tuple of them."""
    program = Program(graph.inputs)
    results = program.places(graph.outputs)
    slopes = differentiate(program, graph.outputs, graph.inputs[:count], [1.0])
    listing = Listing(program, [*results, *slopes], len(graph.inputs), RESERVED)
    forward = listing.statements(results)
    backward = listing.statements(slopes)
    returned = [listing.expression(results[0], backward), *[listing.name(slope, backward) for slope in slopes]]
    target = listing.names[count:]
    lines = [
        f"def loss({', '.join([*listing.names[:count], 'target' if is_tuple or not target else target[0]])}):",
        *[f"{as_tuple(target)} = target"] * is_tuple,
        *forward,
        backward_comment(backward, "the loss"),
        *backward,
        f"return {', '.join(returned)}",
    ]
    return module([listing], [lines])


def _penalty(graph: Graph) -> str:
    program = Program(graph.around)
    results = program.places(graph.outputs)
    slopes = differentiate(program, graph.outputs, graph.around, [1.0])
    listing = Listing(program, [*results, *slopes], len(graph.around), RESERVED)
    lines = listing.statements([*results, *slopes])
    returned = [listing.expression(place, lines) for place in (*results, *slopes)]
    head = ["def penalty(parameters):", f"{as_tuple(listing.names)} = parameters"]
    return module([listing], [[*head, *lines, f"return {returned[0]}, {as_tuple(returned[1:])}"]])
