"""What it takes for a recorded computation to hold for all numbers, so that it can be compiled: nothing in it may
depend on a number that changes, neither by a branch nor by reading it.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from tinygrad_edu.engine.recording import born

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, TypeVar

    from tinygrad_edu.engine.value import Value

    P = ParamSpec("P")
    R = TypeVar("R")

_symbolic: ContextVar[bool] = ContextVar("symbolic", default=False)
is_symbolic = _symbolic.get


class CompileError(TypeError):
    """What a function does cannot be compiled; the message says what, and what to write instead."""


def symbolically(function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """What ``function`` gives for these arguments, comparisons of Values recorded as operations of the table. To take
    one for True or False, as ``if`` does, or to read the number in a Value is a CompileError, unless it is a constant.

    >>> from tinygrad_edu import Value
    >>> symbolically(lambda x: x > 1, Value(3.0)).op
    <operation greater>
    """
    before = _symbolic.set(True)
    try:
        return function(*args, **named)
    finally:
        _symbolic.reset(before)


def is_comparison(value: Value) -> bool:
    """Whether ``value`` is a comparison: what is written in Iverson's brackets."""
    return value.op is not None and value.op.notation.startswith("[")


def is_condition(value: Any) -> bool:
    """Whether ``value`` is a bool, a comparison, or made from such with &, |, * and 1 - condition, as != is."""
    op = getattr(value, "op", None)
    if op is None:
        return isinstance(value, bool) or getattr(value, "is_plain", False)
    is_made = op.name in ("minimum", "maximum", "multiply", "subtract")
    return is_comparison(value) or (is_made and all(map(is_condition, value.parents)))


def check_branch(condition: Value) -> None:
    """Raise a CompileError if whether a number is 0 may change."""
    sign = condition.op.python.split()[1] if condition.op and is_comparison(condition) else None
    sides = [x.label or (f"{x._data:g}" if x.is_plain else "a computed value") for x in condition.parents]
    if sign and condition.parents[0].is_plain:  # as x < 0 is recorded
        sides, sign = sides[::-1], sign.replace(">", "<")
    text = f"{sides[0]} {sign} {sides[1]}" if sign else "a Value is 0"
    if may_change(condition):
        raise CompileError(
            f"a branch is taken by whether {text}, but compiled code takes the same path for all numbers. Write "
            "where(x > 0, a, b) for if, which takes one of two results; maximum and minimum for max and min; and & and "
            "| for and and or, as in (x > 0) & (x < 1)"
        )


def check_reading(value: Value, doing: str) -> None:
    """Raise a CompileError if the number in ``value``, with which something is done besides computing, may change."""
    if may_change(value):
        raise CompileError(
            f"{doing} {value.label or 'a Value'} takes a number out of the graph, and compiled code would go on with "
            "what it is now. Compute with the Value itself; where(x > 0, a, b) chooses between two results, and "
            "print(x) shows it while it is recorded. A setting, such as an index or a class, is no argument: "
            "compile(lambda scores: cross_entropy(scores, 1), [0.0, 0.0])"
        )


def may_change(value: Value) -> bool:
    """Whether ``value`` was computed from an argument or from a Value outside of the function that is traced."""
    own = born() or ()
    seen, stack = {value}, [value]
    while stack:
        node = stack.pop()
        if node.op is None and not node.is_plain and node not in own:
            return True
        stack += {*node.parents} - seen
        seen.update(node.parents)
    return False
