"""A cache of compiled code, keyed by what it computes."""

from __future__ import annotations

from _thread import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tinygrad_edu.compiling.source_text import FunctionText

ERRORS = (ArithmeticError, ValueError, TypeError, LookupError)  # that code may raise where the engine does not
KEPT = 128  # so many functions
CHARACTERS = 20_000_000  # and at most so much text, but always what was made last
_lock = RLock()
_texts: dict[tuple[Any, ...], FunctionText] = {}


def cached(key: tuple[Any, ...], write: Callable[[], FunctionText]) -> FunctionText:
    """Return the text that ``write`` gives, with the functions made of it; for the same key the same."""
    with _lock:
        text = _texts.pop(key, None)
    if text is None:
        text = write()
    with _lock:
        _texts[key] = text  # the last used is the last to go
        total = sum(text.size for text in _texts.values())
        while len(_texts) > KEPT or (total > CHARACTERS and len(_texts) > 1):
            total -= _texts.pop(next(iter(_texts))).size
    return text
