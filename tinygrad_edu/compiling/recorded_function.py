"""A recorded function: what it computes, in a form that holds for all numbers."""

from __future__ import annotations

from math import isclose
from struct import pack
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.linearization import Linearization
from tinygrad_edu.calculus.tracing import check_function, name_of, new_inputs, outputs_of
from tinygrad_edu.compiling.symbols import CompileError, symbolically
from tinygrad_edu.engine.operation import BUILT_IN
from tinygrad_edu.engine.recording import Tracer, traced
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

NUDGE = 2.0**-10  # how far, in relation to itself, a number is moved to see what a function makes of another one


class RecordedFunction:
    """A function that was run once on new Values, which recorded what it computes.

    Attributes:
        inputs: the Values that stand for the numbers in the arguments.
        outside: the leaves that are not its own, such as the parameters of a model.
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
        self.outside = [leaf for leaf in at.leaves if leaf not in tracer.leaves]
        self.variables = [*self.inputs, *self.outside]

    def signature(self, with_labels: bool = True) -> tuple[Any, ...]:
        """Describe what is computed, whatever the numbers: equal for functions that have the same code."""
        places: dict[Value, int] = {variable: place for place, variable in enumerate(self.variables)}
        parts: list[Any] = [str(variable.label) for variable in self.variables] if with_labels else []
        for node in self.order:
            if node not in places:
                places[node] = len(places)
                parts += (node.op, str(node.label) if with_labels else "", len(node.parents))
                parts += [places[parent] for parent in node.parents] if node.op else [pack("d", node._data)]
        return (len(self.inputs), *parts, *[places[output] for output in self.outputs])

    def is_repeatable(self) -> bool:
        """Tell whether it gives the same each time for the same numbers: an operation of one's own may draw some."""
        return all(node.op is None or node.op.name in BUILT_IN for node in self.order)

    def slopes(self, by: Sequence[Value]) -> list[float]:
        """Compute the derivatives of its one output."""
        return Linearization(self.outputs, by).pull([1.0])  # type: ignore[return-value]


def record_twice(doing: str, f: Callable[..., Any], args: Sequence[Any]) -> RecordedFunction:
    """Record a function that computes the same for all numbers.

    Raises:
        CompileError: if it does something else when it is run again at slightly different numbers, or if what it
            returns was not computed from anything that changes.
    """
    first = symbolically(RecordedFunction, doing, f, args)
    if {*first.variables}.isdisjoint(first.order):
        raise CompileError(
            f"{name_of(f)} returned {trees.described(first.result)} that was not computed from its arguments, so "
            "there is nothing to compile (does something take a number out of the graph, as x.data and no_grad do?)"
        )
    second = _once_more(doing, f, args, [x._data for x in first.inputs])
    if len(second.outside) > len(first.outside):
        raise CompileError(
            f"{name_of(f)} makes Values when it is called, and keeps them: if only for the first time, call it once "
            "before"
        )
    is_same = first.signature(with_labels=False) == second.signature(with_labels=False)
    if not is_same or [*map(id, first.outside)] != [*map(id, second.outside)]:
        raise CompileError(
            f"{name_of(f)} computes something else when it is called again, with slightly different numbers: it draws "
            "random numbers, or counts its calls. Compiled code would go on with what it saw first"
        )
    return first


def _once_more(doing: str, f: Callable[..., Any], args: Sequence[Any], numbers: Sequence[float]) -> RecordedFunction:
    """Record at numbers next to those that were given, or at those themselves where it has no value there."""
    for nudge in (-NUDGE, NUDGE):
        nudged = [x + nudge * (abs(x) or 1.0) for x in numbers]
        try:
            return symbolically(RecordedFunction, doing, f, trees.rebuilt(tuple(args), nudged))
        except Exception:  # whatever a function does that is not meant for these numbers
            continue
    return symbolically(RecordedFunction, doing, f, args)


def agree(found: Iterable[float], expected: Iterable[float], noise: float = 0.0) -> bool:
    """Tell whether numbers are the same to within rounding, and ``noise``. Where the first is NaN they count as the
    same: where code fails, the engine decides.

    >>> agree([1.0, 0.0], [1.0 + 1e-15, 1e-15]), agree([1.0], [2.0])
    (True, False)
    """
    return all(isclose(x, y, rel_tol=1e-9, abs_tol=1e-11 + noise) or x != x for x, y in zip(found, expected))
