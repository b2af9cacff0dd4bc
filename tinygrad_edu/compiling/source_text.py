"""Functions as text: what they import, and statements in lines that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.compiling.c_text import WIDTH, NoMachineCode, c_module
from tinygrad_edu.compiling.js_text import NoJavaScript
from tinygrad_edu.compiling.machine import MachineCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from tinygrad_edu.compiling.c_text import CText
    from tinygrad_edu.compiling.listing import Called

LONGEST = 50_000  # lines: on some systems a thread has room for 64,000 numbers


class FunctionText:
    """The text of one function, in Python and in C.

    Args:
        name: what it is called.
        called: the functions that it calls.
        lines: its lines in Python, the first of which begins it.
        in_c, in_js: write it in C and in JavaScript, when it is asked for.
    """

    def __init__(
        self, name: str, called: Called, lines: Sequence[str], in_c: Callable[..., CText],
        in_js: Callable[..., str] | None = None,
    ) -> None:  # fmt: skip
        self.name, self.called, self._in_c, self._in_js = name, called, in_c, in_js
        first, *others = lines
        self.lines = [first, *[f"    {line}" for line in others]]
        self.size = sum(map(len, self.lines))
        self._function: Callable[..., Any] | None = None
        self._codes: dict[Any, MachineCode | NoMachineCode] = {}

    @property
    def function(self) -> Callable[..., Any]:
        """The function, made when it is first asked for."""
        if self._function is None:
            namespace: dict[str, Any] = {}
            exec("\n".join([*_imports([self]), *self.lines]), namespace)
            self._function = namespace[self.name]
        return self._function

    def in_c(self, *settings: int) -> CText:
        """Write the function in C.

        Raises:
            NoMachineCode: if that is not possible.
        """
        return self._in_c(*settings)

    def in_js(self, *settings: str) -> str:
        """Write the function in JavaScript.

        Raises:
            NoJavaScript: if that is not possible.
        """
        if self._in_js is None:
            raise NoJavaScript(f"{self.name} is not written in JavaScript")
        return self._in_js(*settings)

    def machine_code(self, *settings: int) -> MachineCode:
        """Find the machine code of the function, made when it is first asked for.

        Raises:
            NoMachineCode: if there is none.
        """
        if settings not in self._codes:
            try:
                if len(self.lines) > LONGEST:
                    raise NoMachineCode(f"it has more than {LONGEST:,} lines, whose names would fill the stack")
                text = self.in_c(*settings)
                self._codes[settings] = MachineCode(c_module([text], is_read=False), text.name, text.arguments)
            except NoMachineCode as error:
                self._codes[settings] = error
        code = self._codes[settings]
        if isinstance(code, NoMachineCode):
            raise code
        return code


def module(functions: Sequence[FunctionText]) -> str:
    """Write functions to be read: what they import, and one after the other in lines that are not too long."""
    imports = _imports(functions)
    paragraphs = ["\n".join(imports)] if imports else []
    return "\n\n".join(paragraphs + ["\n".join(map(wrapped, function.lines)) for function in functions]) + "\n"


def _imports(functions: Sequence[FunctionText]) -> list[str]:
    from_math = sorted({name for function in functions for name in function.called.from_math})
    definitions = {name: source for function in functions for name, source in function.called.definitions.items()}
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
