"""Whether arithmetic is recorded now, and which leaves are made while a function is traced."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, TypeVar

    from tinygrad_edu.engine.value import Value

    P = ParamSpec("P")
    R = TypeVar("R")

_pauses: ContextVar[int] = ContextVar("pauses", default=0)  # how many no_grad contexts one is in
is_paused = _pauses.get
_births: ContextVar[set[Value] | None] = ContextVar("births", default=None)  # leaves made while a function is traced
born = _births.get


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

    def __new__(cls, function: Callable[P, R] | None = None) -> Any:
        pause = super().__new__(cls)
        return pause if function is None else pause(function)  # @no_grad without parentheses

    def __enter__(self) -> None:
        _pauses.set(_pauses.get() + 1)

    def __exit__(self, *error: object) -> None:
        _pauses.set(max(_pauses.get() - 1, 0))  # 0 already if this is not the thread that entered

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
    """What ``function`` gives for these arguments, its arithmetic recorded even inside ``no_grad``.

    >>> from tinygrad_edu import Value
    >>> with no_grad():
    ...     y = recorded(lambda x: x * x, Value(3.0))
    >>> y.op
    <operation multiply>
    """
    before = _pauses.set(0)
    try:
        return function(*args, **named)
    finally:
        _pauses.reset(before)


def traced(function: Callable[P, R], *args: P.args, **named: P.kwargs) -> tuple[R, set[Value]]:
    """What ``function`` gives for these arguments, recorded even inside ``no_grad``, and all leaves that were made
    meanwhile: they are its own, while others that it uses come from around it.

    >>> from tinygrad_edu import Value
    >>> around = Value(3.0)
    >>> result, own = traced(lambda: Value(2.0) * around)
    >>> [leaf in own for leaf in result.parents]
    [True, False]
    """
    own: set[Value] = set()
    outer = _births.get()
    before = _births.set(own)
    try:
        return recorded(function, *args, **named), own
    finally:
        _births.reset(before)
        if outer is not None:
            outer |= own


def register(leaf: Value) -> None:
    """Tell who traces the function that is running that it has made a leaf."""
    leaves = born()
    if leaves is not None:
        leaves.add(leaf)
