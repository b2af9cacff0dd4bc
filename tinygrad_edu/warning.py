"""Warnings that point at the line of the user, not at one in this package."""

from __future__ import annotations


def warn(message: str) -> None:
    """Warn where this package was called."""
    import sys
    import warnings

    level, frame = 1, sys._getframe(0)
    while frame.f_back and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "tinygrad_edu":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def with_place(error: BaseException) -> str:
    """The message of an error that was caught, and the last place outside of this package where it passed."""
    traceback, place = error.__traceback__, ""
    while traceback is not None:
        frame = traceback.tb_frame
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] != "tinygrad_edu":
            place = f" [in {frame.f_code.co_name}, line {traceback.tb_lineno}]"
        traceback = traceback.tb_next
    return f"{error}{place}"
