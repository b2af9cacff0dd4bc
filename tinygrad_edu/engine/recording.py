"""Modes: arithmetic on Values is recorded, unless it is paused; and a function that runs may be traced.

The mode is asked once for every Value that is made. No mode at all, the usual case, means that arithmetic is recorded
and nobody watches.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, TypeVar

    from tinygrad_edu.engine.value import Value

    P = ParamSpec("P")
    R = TypeVar("R")


class Tracer:
    """An observer of a function that runs: it is told which Values the function makes and which it looks into.

    Attributes:
        leaves: the leaves made so far. They are the function's own; other leaves that it uses come from outside.
    """

    def __init__(self) -> None:
        self.leaves: set[Value] = set()

    def made(self, value: Value) -> None:
        """Take note of a Value that was made."""
        if value.op is None:
            self.leaves.add(value)

    def read(self, value: Value) -> None:
        """Take note that the number in a Value is looked at, as ``value.data`` does."""

    def failed(self, error: Exception) -> None:
        """Take note that an operation has no value here; the function may catch the error."""


class Mode:
    """A mode: whether arithmetic is paused, and who traces the functions that are running, the innermost last."""

    __slots__ = ("is_paused", "tracers")

    def __init__(self, is_paused: bool, tracers: tuple[Tracer, ...]) -> None:
        self.is_paused, self.tracers = is_paused, tracers

    def made(self, value: Value) -> None:
        """Treat a Value that was made: while arithmetic is paused, it forgets what it was made from."""
        if self.is_paused and value.op is not None:
            if self.tracers:
                for parent in value.parents:  # to forget where a number comes from is to take it out of the graph
                    self.read(parent)
            value.op = value._first = value._second = None
        for tracer in self.tracers:
            tracer.made(value)

    def read(self, value: Value) -> None:
        """Tell all tracers that the number in a Value is looked at."""
        for tracer in self.tracers:
            tracer.read(value)

    def failed(self, error: Exception) -> None:
        """Tell all tracers that an operation has no value."""
        for tracer in self.tracers:
            tracer.failed(error)


_mode: ContextVar[Mode | None] = ContextVar("mode", default=None)  # each thread and each asyncio task has its own
current_mode = _mode.get


def is_paused() -> bool:
    """Tell whether arithmetic is paused, as inside ``no_grad``."""
    mode = current_mode()
    return mode is not None and mode.is_paused


class no_grad:
    """Inside this context, or a function decorated with it, arithmetic records nothing: results are leaves.

    Each thread and each asyncio task has a setting of its own.

    >>> from tinygrad_edu import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (9.0, ())
    """

    _outer: list[Mode | None]

    def __new__(cls, function: Callable[P, R] | None = None) -> Any:
        pause = super().__new__(cls)
        pause._outer = []
        return pause if function is None else pause(function)  # @no_grad without parentheses

    def __enter__(self) -> None:
        self._outer.append(current_mode())
        _mode.set(Mode(True, _tracers()))

    def __exit__(self, *error: object) -> None:
        _mode.set(self._outer.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        import inspect
        from functools import wraps

        stepwise = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
        if any(is_such(function) for is_such in stepwise):
            raise TypeError("no_grad decorates plain functions; in a generator or async one write with no_grad():")

        @wraps(function)
        def unrecorded(*args: P.args, **named: P.kwargs) -> R:
            with no_grad():
                return function(*args, **named)

        return unrecorded


def recorded(function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """Call a function so that its arithmetic is recorded even inside ``no_grad``.

    >>> from tinygrad_edu import Value
    >>> with no_grad():
    ...     y = recorded(lambda x: x * x, Value(3.0))
    >>> y.op
    <operation multiply>
    """
    return _in_mode(_tracers(), function, *args, **named)


def traced(tracer: Tracer, function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """Call a function so that its arithmetic is recorded even inside ``no_grad``, and tell ``tracer`` about it.

    >>> from tinygrad_edu import Value
    >>> outside, tracer = Value(3.0), Tracer()
    >>> result = traced(tracer, lambda: Value(2.0) * outside)
    >>> [leaf in tracer.leaves for leaf in result.parents]
    [True, False]
    """
    return _in_mode((*_tracers(), tracer), function, *args, **named)


def _in_mode(tracers: tuple[Tracer, ...], function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    outer = _mode.set(Mode(False, tracers) if tracers else None)
    try:
        return function(*args, **named)
    finally:
        _mode.reset(outer)


def _tracers() -> tuple[Tracer, ...]:
    mode = current_mode()
    return () if mode is None else mode.tracers
