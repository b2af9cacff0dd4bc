"""Text for terminals, files and pipes whose encoding lacks some of its characters."""

from __future__ import annotations

RAISED, SUNK = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾", "₀₁₂₃₄₅₆₇₈₉₍₎"
LEVEL = str.maketrans(RAISED + SUNK, "-0123456789()0123456789()")
SIGNS = str.maketrans(
    {"░": ".", "▒": ":", "▓": "%", "─": "-", "−": "-", "×": "*", "·": "*", "∂": "d", "→": "->", "∞": "inf", "…": "..."}
)


def plain(text: str) -> str:
    """The text with the signs of mathematics written in ASCII, as one would type them.

    >>> plain("∂y/∂z = 1 − tanh²(w·x) → −1.5×10⁻⁷"), plain("√x + √(a·b) + σ(z)")
    ('dy/dz = 1 - tanh^2(w*x) -> -1.5*10^-7', 'sqrt x + sqrt(a*b) + sigmoid(z)')
    >>> plain("x₍₁₎·x₍₂₎²")
    'x_(1)*x_(2)^2'
    """
    import re

    text = re.sub(f"[{RAISED}]+", lambda power: "^" + power[0].translate(LEVEL), text)
    text = re.sub(f"[{SUNK}]+", lambda index: "_" + index[0].translate(LEVEL), text)
    text = re.sub(r"√(\(?)", lambda root: "sqrt" + (root[1] or " "), text)
    return re.sub(r"σ(?=[(^])", "sigmoid", text).translate(SIGNS)


def printable(text: str) -> str:
    """The text, or ``plain(text)`` if standard output cannot show all of its characters."""
    import sys

    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return plain(text)
    return text
