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
