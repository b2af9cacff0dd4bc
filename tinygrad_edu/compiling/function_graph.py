"""What a function computes, recorded so that it holds for all numbers."""

from __future__ import annotations

from math import isclose
from struct import pack
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.linearization import Linearization
from tinygrad_edu.calculus.tracing import check_function, name_of, new_inputs, outputs_of
from tinygrad_edu.compiling.surroundings import Surroundings
from tinygrad_edu.compiling.symbols import CompileError, symbolically
from tinygrad_edu.engine.operation import BUILT_IN
from tinygrad_edu.engine.recording import Tracer, traced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from tinygrad_edu.engine.value import Value

NUDGE = 2.0**-10  # how far, in relation to itself, a number is moved to see what a function makes of another one


class Graph:
    """What a function computes from arguments, recorded once on new Values.

    Attributes:
        inputs: the Values that stand for the numbers in the arguments.
        around: the leaves that are not its own, such as the parameters of a model.
        variables: both.
        result, outputs: what it returned, and the numbers in it as Values.
        order: all that these were made from, in topological order.
    """

    def __init__(self, doing: str, f: Callable[..., Any], args: Sequence[Any]) -> None:
        check_function(doing, f)
        self.inputs, new_args = new_inputs(doing, f, args, range(len(args)))
        tracer = Tracer()
        result = traced(tracer, f, *new_args)
        self.outputs = [output for _, output in outputs_of(doing, f, result)]
        self.result = trees.rebuilt(result, self.outputs)  # the function may change its own
        at = Linearization(self.outputs, self.inputs)
        self.order = at.order
        self.around = [leaf for leaf in at.leaves if leaf not in tracer.leaves]
        self.variables = [*self.inputs, *self.around]
        self._signatures: dict[bool, tuple[Any, ...]] = {}

    def signature(self, with_labels: bool = True) -> tuple[Any, ...]:
        """What is computed, whatever the numbers: equal for graphs that have the same code."""
        if with_labels not in self._signatures:
            self._signatures[with_labels] = self._signature(with_labels)
        return self._signatures[with_labels]

    def _signature(self, with_labels: bool) -> tuple[Any, ...]:
        places: dict[Value, int] = {variable: place for place, variable in enumerate(self.variables)}
        parts: list[Any] = [str(variable.label) for variable in self.variables] if with_labels else []
        for node in self.order:
            if node not in places:
                places[node] = len(places)
                parts += (node.op, str(node.label) if with_labels else "", len(node.parents))
                parts += [places[parent] for parent in node.parents] if node.op else [pack("d", node._data)]
        return (len(self.inputs), *parts, *[places[output] for output in self.outputs])

    def is_repeatable(self) -> bool:
        """Whether it gives the same each time for the same numbers: an operation of one's own may draw random ones."""
        return all(node.op is None or node.op.name in BUILT_IN for node in self.order)

    def equals(self, other: Graph, with_labels: bool = True) -> bool:
        """Whether the same is computed, with the same Values from around."""
        around = [*map(id, self.around)] == [*map(id, other.around)]
        return around and self.signature(with_labels) == other.signature(with_labels)


def agree(found: Iterable[float], expected: Iterable[float]) -> bool:
    """Whether numbers are the same to within what rounding may do. Where the first is NaN they count as the same: where
    code fails, the engine decides.

    >>> agree([1.0, 0.0], [1.0 + 1e-15, 1e-15]), agree([1.0], [2.0])
    (True, False)
    """
    return all(isclose(x, y, rel_tol=1e-9, abs_tol=1e-11) or x != x for x, y in zip(found, expected))


def graph_to_compile(doing: str, f: Callable[..., Any], args: Sequence[Any]) -> Graph:
    """The graph of a function that does the same for all numbers.

    Raises:
        CompileError: if it does not, as far as can be seen when it is run twice, the second time at numbers that are
            slightly different; if it changes what it refers to, such as attributes of a model; or if what it returns
            was not computed from anything that changes.
    """
    around = Surroundings(f)
    return around.undisturbed(_graph_to_compile, doing, f, args, around)


def _graph_to_compile(doing: str, f: Callable[..., Any], args: Sequence[Any], around: Surroundings) -> Graph:
    before = around.fingerprint()
    graph = symbolically(Graph, doing, f, args)
    if {*graph.variables}.isdisjoint(graph.order):
        raise CompileError(
            f"{name_of(f)} returned {trees.described(graph.result)} that was not computed from its arguments, so "
            "there is nothing to compile (does something take a number out of the graph, as x.data and no_grad do?)"
        )
    contents = Surroundings(f).contents()  # with what the first call has made
    again = _once_more(doing, f, args, [x._data for x in graph.inputs])
    if change := contents.change():
        raise CompileError(f"{name_of(f)} {change} when it is called, which compiled code would not do")
    if len(again.around) > len(graph.around):
        raise CompileError(
            f"{name_of(f)} makes Values when it is called for the first time, and keeps them: call it once before"
        )
    if not again.equals(graph, with_labels=False) or around.fingerprint() != before:
        raise CompileError(
            f"{name_of(f)} computes something else when it is called again, with slightly different numbers: it takes "
            "a number out of the graph, as x.data does, or draws random numbers, or counts its calls. Compiled code "
            "would go on with what it saw first"
        )
    return graph


def _once_more(doing: str, f: Callable[..., Any], args: Sequence[Any], numbers: Sequence[float]) -> Graph:
    """The graph at numbers next to those that were given, at those themselves where it has none."""
    for nudge in (-NUDGE, NUDGE):
        nudged = [x + nudge * (abs(x) or 1.0) for x in numbers]
        try:
            return symbolically(Graph, doing, f, trees.rebuilt(tuple(args), nudged))
        except Exception:  # whatever a function does that is not meant for these numbers
            continue
    return symbolically(Graph, doing, f, args)
