"""Code that takes a model through batches of examples, and code of a penalty on its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.tracing import name_of
from tinygrad_edu.compiling.code_cache import cached
from tinygrad_edu.compiling.function_graph import Graph, graph_to_compile
from tinygrad_edu.compiling.listing import Listing
from tinygrad_edu.compiling.program import Program
from tinygrad_edu.compiling.program_gradient import differentiate
from tinygrad_edu.compiling.shape import Shape
from tinygrad_edu.compiling.source_text import as_tuple, backward_comment, module
from tinygrad_edu.compiling.symbols import symbolically
from tinygrad_edu.engine.value import Value
from tinygrad_edu.nn.losses import l2_penalty

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

FAST = 256  # so many local variables Python reaches with one byte; others are slower
RESERVED = ("rows", "targets", "losses", "parameters", "predictions", "target", "loss_of", "error", "total", "share",
            "zip", "len")  # fmt: skip


class ModelCode:
    """A model over a batch.

    Args:
        model: called with a row of inputs.
        row: an example of one, of plain numbers.

    Attributes:
        graph: what it computes from the row; ``graph.around`` are its parameters.
        result: how what it gives is built.
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
        self.result = Shape(self.graph.result)
        key = ("model", self.result.is_number, self.graph.signature())
        self.source, functions = cached(key, lambda: _model(self.graph))
        self.gradient, self.predict = functions["gradient"], functions["predict"]

    def is_current(self) -> bool:
        """Whether the model still computes the same."""
        return symbolically(Graph, "compile_loss", self._run, [self._row]).equals(self.graph)


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


# ---- texts -----------------------------------------------------------------------------------------------------------


def _model(graph: Graph) -> str:
    count = len(graph.outputs)
    names = [f"out_{i}" if count > 1 else "out" for i in range(count)]
    arriving = [Value(1.0, f"d_{name}") for name in names]
    program = Program([*graph.variables, *arriving])
    results = program.places(graph.outputs)
    for name, result in zip(names[::-1], results[::-1]):  # what is there twice is called by its first place
        program.rename(result, name)
    slopes = differentiate(program, graph.outputs, graph.around, arriving)
    both = Listing(program, results, slopes, len(graph.variables) + count, RESERVED)
    alone = Listing(program, results, [], len(graph.variables) + count, RESERVED)
    return module([both, alone], [_gradient(graph, both), _predict(graph, alone)])


def _gradient(graph: Graph, listing: Listing) -> list[str]:
    """The lines of the function that goes through a batch forward and backward."""
    inputs, parameters, arriving = _groups(graph, listing)
    outputs = listing.results
    sums = [listing.fresh(f"grad_{name}") for name in parameters]
    in_loop = [*inputs, *arriving, *listing.assigned]
    first = []
    if len(in_loop) + len(parameters) + len(sums) > FAST:
        first = [f"# Python is fastest with the first {FAST} names that it meets.", _zeros(in_loop)]
    labels = [(name, x.label) for name, x in zip(parameters, graph.around) if "[" in x.label and len(x.label) < 60]
    return [
        "def gradient(rows, targets, losses, parameters):",
        *[f"# {name} is {label!r}." for name, label in labels[-1:]],
        *first,
        *[f"{as_tuple(parameters)} = parameters"] * bool(parameters),
        *[_zeros(sums)] * bool(sums),
        "total, predictions, share = 0.0, [], 1.0 / len(rows)  # the weight of each example in the mean",
        f"for {as_tuple(inputs)}, target, loss_of in zip(rows, targets, losses):",
        "    # forward",
        *_indented(listing.forward),
        f"    predictions.append({_shown(graph, outputs)})",
        f"    # {arriving[0]} is the derivative of this example's loss by {outputs[0]}; times share, of the mean loss",
        f"    {', '.join(['error', *arriving])} = loss_of({', '.join([*outputs, 'target'])})",
        "    total += error",
        *[f"    {name} *= share" for name in arriving],
        f"    {backward_comment(listing.backward, 'the mean loss')}",
        *_indented(listing.backward),
        *[f"    {name} += {slope}" for name, slope in zip(sums, listing.slopes)],
        f"return total * share, predictions, {as_tuple(sums)}",
    ]


def _predict(graph: Graph, listing: Listing) -> list[str]:
    """The lines of the function that goes through a batch forward."""
    inputs, parameters, _ = _groups(graph, listing)
    return [
        "def predict(rows, parameters):",
        *[f"{as_tuple(parameters)} = parameters"] * bool(parameters),
        "predictions = []",
        f"for {as_tuple(inputs)} in rows:",
        *_indented(listing.forward),
        f"    predictions.append({_shown(graph, listing.results)})",
        "return predictions",
    ]


def _groups(graph: Graph, listing: Listing) -> tuple[list[str], list[str], list[str]]:
    """The names of the inputs, of the parameters and of the derivatives of the loss by what the model gives."""
    first, second = len(graph.inputs), len(graph.variables)
    return listing.names[:first], listing.names[first:second], listing.names[second:]


def _shown(graph: Graph, outputs: Sequence[str]) -> str:
    return outputs[0] if trees.is_leaf(graph.result) else f"[{', '.join(outputs)}]"


def _zeros(names: Sequence[str]) -> str:
    return f"{as_tuple(names)} = [0.0] * {len(names)}"


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _penalty(graph: Graph) -> str:
    program = Program(graph.around)
    results = program.places(graph.outputs)
    slopes = differentiate(program, graph.outputs, graph.around, [1.0])
    listing = Listing(program, results, slopes, len(graph.around), RESERVED)
    head = ["def penalty(parameters):", f"{as_tuple(listing.names)} = parameters"]
    returned = f"return {listing.results[0]}, {as_tuple(listing.slopes)}"
    return module([listing], [[*head, *listing.forward, *listing.backward, returned]])
