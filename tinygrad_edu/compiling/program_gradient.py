"""The gradient of a program, recorded by the engine and put into the program."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.linearization import RecordedLinearization
from tinygrad_edu.compiling.listing import found
from tinygrad_edu.compiling.program import Primitive, Program
from tinygrad_edu.compiling.symbols import symbolically
from tinygrad_edu.engine.backward import local_derivatives, recorded_derivatives
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Value, record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.engine.value import Operand


def differentiate(
    program: Program, outputs: Sequence[Value], inputs: Sequence[Value], cotangents: Sequence[Operand]
) -> list[int]:
    """Add the derivatives of the sum of ``outputs`` times ``cotangents`` by ``inputs`` to the program; return their
    places.
    """
    at = _CompiledLinearization(outputs, inputs)
    found = symbolically(at.pull, cotangents)
    return program.backward_places(found, [*zip(inputs, found), *at.adjoints.items()])  # type: ignore[arg-type]


class _CompiledLinearization(RecordedLinearization):
    """The derivative as a graph that holds for all numbers."""

    def locals(self, node: Value) -> list[Operand]:
        """The local derivatives of ``node``. A rule that cannot be written down, because it branches, works on numbers
        only or has no value here, is called each time."""
        if node not in self._locals:
            try:
                self._locals[node] = symbolically(recorded_derivatives, node)
            except (ArithmeticError, ValueError, TypeError, LookupError, AttributeError):
                self._locals[node] = list(recorded(_called_rule, node))
        return self._locals[node]


def _called_rule(node: Value) -> list[Value]:
    """The items of a call of the rule, as Values."""
    assert node.op is not None
    try:
        numbers = local_derivatives(node)
    except (ArithmeticError, ValueError):
        numbers = [math.nan] * len(node.parents)
    rule = Primitive(f"{node.op.name}_rule", source=f"{found(node.op)}.rule")
    call = record(rule, math.nan, (node, *node.parents))  # type: ignore[arg-type]
    return [
        record(Primitive(f"item {i}", f"rule[{i}]", ("rule",)), local, call)  # type: ignore[arg-type]
        for i, local in enumerate(numbers)
    ]
