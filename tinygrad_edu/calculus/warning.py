"""Warnings and errors that point at the line of the user, not at one in this package."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeVar

    E = TypeVar("E", bound=BaseException)


def is_ours(module: object) -> bool:
    """Tell whether a module of this name is one of this package.

    >>> is_ours("tinygrad_edu.value"), is_ours("tinygrad_edu_lab")
    (True, False)
    """
    return str(module).partition(".")[0] == "tinygrad_edu"


def warn(message: str) -> None:
    """Warn where this package was called."""
    import sys
    import warnings

    level, frame = 1, sys._getframe(0)
    while frame.f_back and is_ours(frame.f_globals.get("__name__")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def with_place(error: BaseException) -> str:
    """Write the message of an error that was caught, with the last place outside of this package where it passed."""
    traceback, place = error.__traceback__, ""
    while traceback is not None:
        frame = traceback.tb_frame
        if not is_ours(frame.f_globals.get("__name__")):
            place = f" [in {frame.f_code.co_name}, line {traceback.tb_lineno}]"
        traceback = traceback.tb_next
    return f"{error}{place}"


def in_the_callers_code(error: E) -> E:
    """Take the frames of this package out of the traceback of an error that was caught: what remains is where the
    caller's code went wrong."""
    kept, traceback = [], error.__traceback__
    while traceback is not None:
        if not is_ours(traceback.tb_frame.f_globals.get("__name__")):
            kept.append(traceback)
        traceback = traceback.tb_next
    shown = None
    for x in reversed(kept):
        shown = TracebackType(shown, x.tb_frame, x.tb_lasti, x.tb_lineno)
    return error.with_traceback(shown)
