"""Functions as text: what they import, and statements in lines that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.compiling.listing import Listing

WIDTH = 110


def module(listings: Sequence[Listing], functions: Sequence[Sequence[str]]) -> str:
    """The text of functions, each given as its lines, the first of which begins it; what they import comes first."""
    from_math = sorted({name for listing in listings for name in listing.from_math})
    definitions = {name: source for listing in listings for name, source in listing.definitions.items()}
    imports = [f"from math import {', '.join(from_math)}"] * bool(from_math)
    imports += ["from tinygrad_edu.engine.operation import find"] * bool(definitions)
    imports += [f"{name} = {source}" for name, source in definitions.items()]
    texts = ["\n".join([wrapped(first), *[wrapped(f"    {line}") for line in lines]]) for first, *lines in functions]
    return "\n\n".join(["\n".join(imports)] * bool(imports) + texts) + "\n"


def as_tuple(items: Sequence[str]) -> str:
    """The text of a tuple.

    >>> as_tuple(["x"]), as_tuple(["x", "y"])
    ('(x,)', '(x, y)')
    """
    return f"({', '.join(items)}{',' * (len(items) == 1)})"


def backward_comment(lines: Sequence[str], what: str) -> str:
    """What the names in the backward part mean, said of the first of them."""
    name = next((line.partition(" = ")[0] for line in lines if line.startswith("d_")), "")
    return f"# backward: {name} is the derivative of {what} by {name[2:]}" if name else "# backward"


def wrapped(line: str) -> str:
    """A statement in lines of at most about 110 columns, cut after commas in brackets or before the terms of a sum.

    >>> print(wrapped("    (" + ", ".join(f"number_{i}" for i in range(14)) + ") = numbers"))
        (number_0, number_1, number_2, number_3, number_4, number_5, number_6, number_7, number_8, number_9,
            number_10, number_11, number_12, number_13) = numbers
    >>> print(wrapped("total = " + " + ".join(f"number_{i}" for i in range(14))))
    total = (number_0 + number_1 + number_2 + number_3 + number_4 + number_5 + number_6 + number_7 + number_8
        + number_9 + number_10 + number_11 + number_12 + number_13)
    """
    if len(line) <= WIDTH or line.lstrip().startswith("#"):
        return line
    head, sign, value = line.partition(" = " if " = " in line else " += " if " += " in line else "return ")
    if _is_cut(value, " + ") and not _is_cut(value, ", "):
        return _cut(f"{head}{sign}({value})", " + ", "+ ")
    return _cut(line, ", ", "")


def _is_cut(text: str, separator: str) -> bool:
    """Whether ``separator`` stands in ``text`` outside of brackets."""
    parts, depth = text.split(separator), 0
    for part in parts[:-1]:
        depth += _depth(part)
        if depth <= 0:
            return True
    return False


def _depth(text: str) -> int:
    """How many brackets are open at the end."""
    return text.count("(") + text.count("[") - text.count(")") - text.count("]")


def _cut(line: str, separator: str, begins: str) -> str:
    """The line in several, cut at separators that stand in brackets; what remains of these begins the next line."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    lines, depth = [""], 0
    for i, part in enumerate(line.split(separator)):
        if i and depth > 0 and len(lines[-1]) + len(part) + len(separator) > WIDTH:
            lines[-1] += separator.removesuffix(begins).rstrip()
            lines.append(indent + begins + part)
        else:
            lines[-1] += separator * (i > 0) + part
        depth += _depth(part)
    return "\n".join(lines)
