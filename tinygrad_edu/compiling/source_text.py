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
    """Break a statement into lines of about 110 columns, in brackets, after commas or the signs of a sum.

    >>> print(wrapped("    (" + ", ".join(f"number_{i}" for i in range(14)) + ") = numbers"))
        (number_0, number_1, number_2, number_3, number_4, number_5, number_6, number_7, number_8, number_9,
            number_10, number_11, number_12, number_13) = numbers
    >>> print(wrapped("total = " + " + ".join(f"number_{i}" for i in range(14))))
    total = (number_0 + number_1 + number_2 + number_3 + number_4 + number_5 + number_6 + number_7 + number_8 +
        number_9 + number_10 + number_11 + number_12 + number_13)
    """
    if len(line) <= WIDTH or line.lstrip().startswith("#"):
        return line
    import textwrap

    statement = line.lstrip()
    indent = " " * (len(line) - len(statement))
    if not statement.startswith(("(", "def ", "for ")):
        head, sign, value = statement.partition("= " if "= " in statement else "return ")
        statement = f"{head}{sign}({value})"
    depth, kept = 0, ""
    for before, c in zip(" " + statement, statement):
        depth += (c in "([") - (c in ")]")
        kept += c if c != " " or (depth and before in ",+") else "\0"  # a space where the line is not broken
    lines = textwrap.wrap(kept, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ",
                          break_long_words=False, break_on_hyphens=False)  # fmt: skip
    return "\n".join(lines).replace("\0", " ")
