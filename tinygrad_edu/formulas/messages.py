"""Messages about a text that a person typed: ``caret_message`` shows the line with ^ under the place."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH = 58  # columns in which the line is shown


def caret_message(message: str, text: str, start: int, end: int) -> str:
    """Write the message, the text, and ^ under the place; shorten what is long.

    >>> print(caret_message("write ** for a power", "x + x^2", 5, 6))
    write ** for a power
    x + x^2
         ^
    """
    shown = "".join(char if char.isprintable() else " " for char in text)
    place = short(shown[start:end], WIDTH // 2)
    room = WIDTH - _width(place)
    before = short(shown[:start][::-1], room - min(_width(shown[end:]), WIDTH // 4))[::-1]
    after = short(shown[end:], room - _width(before))
    mark = " " * _width(before) + "^" * max(_width(place), 1)
    return f"{short(message, 200)}\n{(before + place + after).rstrip()}\n{mark}"


def nearest(name: str, names: Iterable[str]) -> str:
    """Ask whether one of ``names`` was meant that is nearly ``name``, capitals aside; "" if none is.

    >>> nearest("ReLu", ["relu", "tanh"])
    '; did you mean relu?'
    """
    from difflib import get_close_matches

    small = {other.casefold(): other for other in names}
    found = get_close_matches(name[:40].casefold(), small)  # it takes long to compare long ones
    return f"; did you mean {', '.join(small[other] for other in found)}?" if found else ""


def short(text: str, columns: int = 40) -> str:
    """Cut a text that is wider than so many columns, or has more than twice as many characters, and end it with a …."""
    if len(text) <= 2 * columns and _width(text) <= columns:
        return text
    widths = accumulate(map(_width, text[: 2 * columns]))
    return text[: sum(width < columns for width in widths)] + "…"


def _width(text: str) -> int:
    """The columns of a terminal that the text takes: a letter of East Asia two, an accent on a letter none."""
    import unicodedata

    return sum(
        0 if unicodedata.category(char) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
