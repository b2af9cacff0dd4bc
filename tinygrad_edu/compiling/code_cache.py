"""Code that was made is kept, by what it computes, for who compiles the same again."""

from __future__ import annotations

from _thread import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Code: TypeAlias = tuple[str, dict[str, Any]]  # the text, and the functions in it

ERRORS = (ArithmeticError, ValueError, TypeError, LookupError)  # that code may raise where the engine does not
KEPT = 64  # so many pieces of code
CHARACTERS = 20_000_000  # and at most so much text, but always what was made last
_lock = RLock()
_codes: dict[tuple[Any, ...], Code] = {}


def cached(key: tuple[Any, ...], make: Callable[[], str]) -> Code:
    """The code that ``make`` prints and the functions in it; for the same key the same."""
    with _lock:
        code = _codes.pop(key, None)
    if code is None:
        source = make()
        functions: dict[str, Any] = {}
        exec(source, functions)
        code = source, functions
    with _lock:
        _codes[key] = code  # the last used is the last to go
        total = sum(len(text) for text, _ in _codes.values())
        while len(_codes) > KEPT or (total > CHARACTERS and len(_codes) > 1):
            text, _ = _codes.pop(next(iter(_codes)))
            total -= len(text)
    return code
