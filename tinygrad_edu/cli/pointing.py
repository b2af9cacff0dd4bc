"""Messages about a text that a person typed: they show the line, and point at the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH = 58  # columns in which the line is shown


def pointed(message: str, text: str, start: int, end: int) -> str:
    """The message, the line of the text where the place starts, and ^ under it; of a long line what is around it.

    >>> print(pointed("write ** for a power", "x + x^2", 5, 6))
    write ** for a power
    x + x^2
         ^
    """
    first = text.rfind("\n", 0, start) + 1
    last = (text + "\n").index("\n", start)
    before, place, after = (
        "".join(char if char.isprintable() else " " for char in part)
        for part in (text[first:start], text[start : min(end, last)], text[min(end, last) : last])
    )
    place = short(place, WIDTH // 2)
    before = short(before[::-1], WIDTH - _columns(place) - min(_columns(after), WIDTH // 4))[::-1]
    after = short(after, WIDTH - _columns(place) - _columns(before))
    line = before + place + after
    return f"{message}\n{line.rstrip()}\n{' ' * _columns(before)}{'^' * max(_columns(place), 1)}"


def nearest(name: str, names: Iterable[str]) -> str:
    """A question after those of ``names`` that are nearly ``name``, capitals aside; "" if there are none.

    >>> nearest("ReLu", ["relu", "tanh"])
    '; did you mean relu?'
    """
    from difflib import get_close_matches

    small = {other.casefold(): other for other in names}
    found = get_close_matches(name[:40].casefold(), small)  # it takes long to compare long ones
    return f"; did you mean {', '.join(short(small[other]) for other in found)}?" if found else ""


def short(text: str, columns: int = 40) -> str:
    """The text, or as much of it as fits into so many columns, and not many more characters, with a … at its end."""
    if _columns(text) <= columns and len(text) <= 2 * columns:
        return text
    fitting, room = 0, columns - 1
    while fitting < min(len(text), 2 * columns) and room >= _columns(text[fitting]):
        room -= _columns(text[fitting])
        fitting += 1
    return text[:fitting] + "…"


def _columns(text: str) -> int:
    """How wide a terminal shows the text: letters of East Asia take two columns, accents on letters none."""
    import unicodedata

    return sum(
        0 if unicodedata.category(char) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
