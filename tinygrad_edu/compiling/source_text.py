"""Functions as text: what they import, and statements in lines that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from tinygrad_edu.compiling.listing import Listing

WIDTH = 110


class FunctionText:
    """The text of one function.

    Args:
        name: what it is called.
        listing: what its statements are from: it knows what must be imported.
        lines: its lines, the first of which begins it.
    """

    def __init__(self, name: str, listing: Listing, lines: Sequence[str]) -> None:
        self.name, self.from_math, self.definitions = name, listing.from_math, listing.definitions
        first, *others = lines
        self.lines = [first, *[f"    {line}" for line in others]]
        self.size = sum(map(len, self.lines))

    def compiled(self) -> Callable[..., Any]:
        """Make the function."""
        namespace: dict[str, Any] = {}
        exec("\n".join([*_imports([self]), *self.lines]), namespace)
        return namespace[self.name]  # type: ignore[no-any-return]


def module(functions: Sequence[FunctionText]) -> str:
    """Write functions to be read: what they import, and one after the other in lines that are not too long."""
    imports = _imports(functions)
    paragraphs = ["\n".join(imports)] if imports else []
    return "\n\n".join(paragraphs + ["\n".join(map(wrapped, function.lines)) for function in functions]) + "\n"


def _imports(functions: Sequence[FunctionText]) -> list[str]:
    from_math = sorted({name for function in functions for name in function.from_math})
    definitions = {name: source for function in functions for name, source in function.definitions.items()}
    lines = [f"from math import {', '.join(from_math)}"] if from_math else []
    if definitions:
        lines.append("from tinygrad_edu.engine.operation import find")
    return lines + [f"{name} = {source}" for name, source in definitions.items()]


def as_tuple(items: Sequence[str]) -> str:
    """Write a tuple.

    >>> as_tuple(["x"]), as_tuple(["x", "y"])
    ('(x,)', '(x, y)')
    """
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def backward_comment(lines: Sequence[str], what: str) -> str:
    """Explain what the names in the backward part mean by the first of them."""
    name = next((line.partition(" = ")[0] for line in lines if line.startswith("d_")), "")
    return f"# backward: {name} is the derivative of {what} by {name[2:]}" if name else "# backward"


def wrapped(line: str) -> str:
    """Break a statement into lines of at most about 110 columns, after commas in brackets or before the terms of a sum.

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
    """Tell whether ``separator`` stands in ``text`` outside of brackets."""
    parts, depth = text.split(separator), 0
    for part in parts[:-1]:
        depth += _depth(part)
        if depth <= 0:
            return True
    return False


def _depth(text: str) -> int:
    """Count the brackets that are open at the end."""
    return text.count("(") + text.count("[") - text.count(")") - text.count("]")


def _cut(line: str, separator: str, begins: str) -> str:
    """Cut a line at separators that stand in brackets; what remains of these begins the next line."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    lines, depth = [""], 0
    for i, part in enumerate(line.split(separator)):
        if i and depth > 0 and len(lines[-1]) + len(part) + len(separator) > WIDTH:
            lines[-1] += separator.removesuffix(begins).rstrip()
            lines.append(indent + begins + part)
        else:
            lines[-1] += separator + part if i else part
        depth += _depth(part)
    return "\n".join(lines)
