"""A cache of compiled code, keyed by what it computes."""

from __future__ import annotations

from _thread import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from tinygrad_edu.compiling.source_text import FunctionText

    Code: TypeAlias = tuple[FunctionText, Callable[..., Any]]

ERRORS = (ArithmeticError, ValueError, TypeError, LookupError)  # that code may raise where the engine does not
KEPT = 128  # so many functions
CHARACTERS = 20_000_000  # and at most so much text, but always what was made last
_lock = RLock()
_codes: dict[tuple[Any, ...], Code] = {}


def cached(key: tuple[Any, ...], write: Callable[[], FunctionText]) -> Code:
    """Return the text that ``write`` gives and the function of it; for the same key the same."""
    with _lock:
        code = _codes.pop(key, None)
    if code is None:
        text = write()
        code = text, text.compiled()
    with _lock:
        _codes[key] = code  # the last used is the last to go
        total = sum(text.size for text, _ in _codes.values())
        while len(_codes) > KEPT or (total > CHARACTERS and len(_codes) > 1):
            text, _ = _codes.pop(next(iter(_codes)))
            total -= text.size
    return code
