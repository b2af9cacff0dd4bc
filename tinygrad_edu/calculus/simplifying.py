"""Simpler forms of operations, for derivatives as graphs, compiled code and formulas.

Each is the same for all numbers, to the last digit: signs move, numbers double, and what is made from constants is
computed. What only mathematics allows, such as 0·x = 0, which is wrong for an infinite x, is not done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine import ops
from tinygrad_edu.engine.backward import topological_order
from tinygrad_edu.engine.operation import BUILT_IN, Operation
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tinygrad_edu.engine.value import Operand


class Simplifier:
    """A function that does what an operation does, in a simpler way where there is one.

    Args:
        make: makes the node of an operation that cannot be simplified, as ``make(op, *operands)``.

    >>> x, y = Value(3.0, label="x"), Value(4.0, label="y")
    >>> simply(ops.add, x, simply(ops.multiply, -1.0, y)).op    # x + (-1 * y) is x - y
    <operation subtract>
    """

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, op: Operation, *operands: Any) -> Any:
        numbers = [constant(x) for x in operands]
        if numbers and None not in numbers and op.name in BUILT_IN:
            try:
                return op.forward(*numbers)
            except (ArithmeticError, ValueError):
                pass  # it is undefined, and says so where it is computed
        simpler = _RULES[op](self, *operands) if op in _RULES else None
        return self._make(op, *operands) if simpler is None else simpler


def constant(x: Operand) -> float | None:
    """Return the number that ``x`` is for all arguments; None if it is computed or given.

    >>> constant(2.0), constant(Value(2.0))
    (2.0, None)
    """
    if isinstance(x, Value):
        return x._data if x.is_constant else None
    return x


def negated(x: Operand) -> Value | None:
    """Return what ``x`` is the negative of, if it was made so."""
    return x._first if isinstance(x, Value) and x.op is ops.negative else None


def is_same(x: Operand, y: Operand) -> bool:
    """Tell whether two Values are the same one, or made in the same way of the same operands."""
    if not isinstance(x, Value) or not isinstance(y, Value) or x is y:
        return x is y
    is_ours = x.op is not None and x.op is y.op and x.op.name in BUILT_IN
    return is_ours and [*map(id, x.parents)] == [*map(id, y.parents)]


def is_condition(x: Operand) -> bool:
    """Tell whether ``x`` says that something holds: 1 if it does, otherwise 0."""
    return isinstance(x, Value) and x.op is not None and x.op.is_condition


# ---- rules: each gives what is simpler, or None ----------------------------------------------------------------------


def _negative(simply: Simplifier, x: Operand) -> Operand | None:
    return negated(x)


def _positive(simply: Simplifier, x: Operand) -> Operand | None:
    return x


def _add(simply: Simplifier, a: Operand, b: Operand) -> Operand | None:
    if is_same(a, b):
        return simply(ops.multiply, 2.0, a)  # type: ignore[no-any-return]
    if (inner := negated(b)) is not None:
        return simply(ops.subtract, a, inner)  # type: ignore[no-any-return]
    if (inner := negated(a)) is not None:
        return simply(ops.subtract, b, inner)  # type: ignore[no-any-return]
    return None


def _subtract(simply: Simplifier, a: Operand, b: Operand) -> Operand | None:
    if (inner := negated(b)) is not None:
        return simply(ops.add, a, inner)  # type: ignore[no-any-return]
    if (inner := negated(a)) is not None and is_same(inner, b):
        return simply(ops.negative, simply(ops.multiply, 2.0, b))  # type: ignore[no-any-return]
    return None


def _multiply(simply: Simplifier, a: Operand, b: Operand) -> Operand | None:
    for one, other in ((a, b), (b, a)):
        if constant(one) in (1.0, -1.0):
            return other if constant(one) == 1 else simply(ops.negative, other)
    if is_condition(a) and is_condition(b):
        return simply(ops.logical_and, a, b)  # type: ignore[no-any-return]
    return _with_sign(simply, ops.multiply, a, b)


def _divide(simply: Simplifier, a: Operand, b: Operand) -> Operand | None:
    if constant(b) in (1.0, -1.0):
        return a if constant(b) == 1 else simply(ops.negative, a)
    return _with_sign(simply, ops.divide, a, b)


def _with_sign(simply: Simplifier, op: Operation, a: Operand, b: Operand) -> Operand | None:
    """Move the signs of both operands to the front, where two of them are none."""
    positive_a, positive_b = negated(a), negated(b)
    if positive_a is None and positive_b is None:
        return None
    result = simply(op, a if positive_a is None else positive_a, b if positive_b is None else positive_b)
    both = positive_a is not None and positive_b is not None
    return result if both else simply(ops.negative, result)  # type: ignore[no-any-return]


def _power(simply: Simplifier, x: Operand, n: Operand) -> Operand | None:
    exponent = constant(n)
    return x if exponent == 1 else 1.0 if exponent == 0 else None


def _where(simply: Simplifier, condition: Operand, a: Operand, b: Operand) -> Operand | None:
    number = constant(condition)
    if number is not None:
        return a if number else b
    return condition if is_condition(condition) and [str(constant(x)) for x in (a, b)] == ["1.0", "0.0"] else None


_RULES: dict[Operation, Callable[..., Operand | None]] = {
    ops.negative: _negative,
    ops.positive: _positive,
    ops.add: _add,
    ops.subtract: _subtract,
    ops.multiply: _multiply,
    ops.divide: _divide,
    ops.power: _power,
    ops.where: _where,
}

simply = Simplifier(lambda op, *operands: op(*operands))


def simplified(x: Operand) -> Operand:
    """Rebuild a graph in its simpler form.

    >>> x = Value(3.0, label="x")
    >>> simplified(-(-x) * 1.0) is x
    True
    """
    images: dict[Value, Operand] = {}
    for node in topological_order(x) if isinstance(x, Value) else ():
        operands = [images[parent] for parent in node.parents]
        images[node] = node if node.op is None else recorded(simply, node.op, *operands)
    return images[x] if isinstance(x, Value) else x
