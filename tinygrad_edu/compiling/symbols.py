"""Symbols: Values that stand for every number, while the compiler traces a function.

A recorded computation holds for all numbers if nothing in it depends on one: neither a branch nor a number that is
taken out of the graph. A Symbol records comparisons as operations of the table and refuses the rest.
"""

from __future__ import annotations

from numbers import Number
from typing import TYPE_CHECKING

from tinygrad_edu.engine import ops
from tinygrad_edu.engine.operation import Operation, number
from tinygrad_edu.engine.recording import Tracer, current_mode, recorded, traced
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")


class CompileError(TypeError):
    """A function does something that cannot be compiled; the message says what, and what to write instead."""


class Symbol(Value):
    """A Value that stands for every number.

    After the tracing, where a function has kept one, it behaves like any other Value.
    """

    __slots__ = ()
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        if _is_tracing() and may_change(self):
            _refuse(
                f"a branch is taken by whether {_in_words(self)}, but compiled code takes the same path for all "
                "numbers. Write where(x > 0, a, b) for if, which takes one of two results; maximum and minimum for max "
                "and min of two, amax and softmax for lists; and & and | for and and or, as in (x > 0) & (x < 1)"
            )
        return self._data != 0

    def __and__(self, other: object) -> Any:
        """Both conditions. Elsewhere comparisons give bools, which have an & of their own."""
        return _joined(ops.logical_and, self, other)

    def __or__(self, other: object) -> Any:
        return _joined(ops.logical_or, self, other)

    __rand__, __ror__ = __and__, __or__

    def __float__(self) -> NoReturn:
        if _is_tracing():
            _refuse(
                f"{_described(self)} is used as an index, a count or a float, but compiled code would go on "
                "with what it is now. Write exp(x) rather than math.exp(x); a setting is no argument: "
                "compile(lambda scores: cross_entropy(scores, 1), [0.0, 0.0])"
            )
        super().__float__()

    __int__ = __index__ = __float__


class SymbolTracer(Tracer):
    """A tracer that makes Symbols of all Values and refuses that a number is read which may change.

    Attributes:
        error: what was refused or undefined, whether the function has caught it or not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None

    def made(self, value: Value) -> None:
        super().made(value)
        if type(value) is Value:
            value.__class__ = Symbol

    def read(self, value: Value) -> None:
        if may_change(value):
            _refuse(
                f"the number in {value.label or 'a Value'} is taken out of the graph, and compiled code would go on "
                "with what it is now. Compute with the Value itself, and compare it with greater(x, 0.0); where(x > 0, "
                "a, b) chooses between two results, detach(x) lets no derivative through, and print(x) shows it while "
                "it is recorded"
            )

    def failed(self, error: Exception) -> None:
        self.error = error


def symbolically(function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """Call a function so that all Values in it are Symbols.

    Raises:
        CompileError: if a number that may change was needed, or an operation had no value here, also where the
            function has caught the error.

    >>> symbolically(lambda x: x + 1 > 1, Value(3.0)).op
    <operation greater>
    """
    tracer = SymbolTracer()
    result = traced(tracer, function, *args, **named)
    if isinstance(tracer.error, CompileError):
        raise tracer.error
    if tracer.error is not None:
        raise CompileError(f"{tracer.error}: the function catches this error, and compiled code could not tell when")
    return result


def may_change(value: Value) -> bool:
    """Tell whether ``value`` was computed from an argument or from a Value outside of the function that is traced."""
    mode = current_mode()
    own = mode.tracers[-1].leaves if mode is not None and mode.tracers else ()
    seen, stack = {value}, [value]
    while stack:
        node = stack.pop()
        if node.op is None and not node.is_constant and node not in own:
            return True
        stack += {*node.parents} - seen
        seen.update(node.parents)
    return False


def _is_tracing() -> bool:
    mode = current_mode()
    return mode is not None and any(isinstance(tracer, SymbolTracer) for tracer in mode.tracers)


def _refuse(message: str) -> NoReturn:
    error = CompileError(message)
    mode = current_mode()
    for tracer in mode.tracers if mode is not None else ():
        tracer.failed(error)
    raise error


def _described(value: Value) -> str:
    is_condition = value.op is not None and value.op.is_condition
    return f"whether {_in_words(value)}" if is_condition else value.label or "a Value"


def _in_words(condition: Value) -> str:
    if condition.op is None or not condition.op.is_condition:
        return "a Value is 0"
    left, right = [x.label or (f"{x._data:g}" if x.is_constant else "a computed value") for x in condition.parents]
    return f"{left} {condition.op.python.split()[1]} {right}"


def _joined(op: Operation, condition: Value, other: Any) -> Any:
    is_joined = _is_tracing() and _is_condition(condition) and _is_condition(other)
    return recorded(op, condition, other) if is_joined else NotImplemented


def _is_condition(x: Any) -> bool:
    """Tell whether ``x`` is a comparison, or several that were joined or multiplied."""
    if isinstance(x, Value) and x.op is ops.multiply:
        return all(map(_is_condition, x.parents))
    return isinstance(x, bool) or getattr(getattr(x, "op", None), "is_condition", False)


def _recorded_comparison(op: Operation, name: str) -> Any:
    """Make the comparison that is recorded while a function is traced."""

    def method(self: Value, other: Any) -> Any:
        if not _is_tracing():
            return getattr(Value, name)(self, other)
        try:
            operand = other if isinstance(other, Value) else number(other)
        except TypeError:
            if op in (ops.equal, ops.not_equal) and not isinstance(other, Number):
                return NotImplemented
            _refuse(f"{self.label or 'a Value'} is compared with a {type(other).__name__}; compare it with a float")
        return recorded(op, self, operand)

    return method


for _name, _op in {"lt": ops.less, "le": ops.less_equal, "gt": ops.greater, "ge": ops.greater_equal, "eq": ops.equal,
                   "ne": ops.not_equal}.items():  # fmt: skip
    setattr(Symbol, f"__{_name}__", _recorded_comparison(_op, f"__{_name}__"))
