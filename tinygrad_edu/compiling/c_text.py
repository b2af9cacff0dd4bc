"""C text: statements and expressions of Python written in C, with the same names and signs in the same order.

Straight-line arithmetic is nearly the same in both languages. What is not (``**``, ``%``, conditions, whole numbers,
some functions) is read by Python's own parser and written anew. What has no counterpart is refused.
"""

from __future__ import annotations

import ast
import math
import re
from typing import TYPE_CHECKING, ClassVar

from tinygrad_edu.compiling.expression_writer import ATOM, PRODUCT, SIGN, SIGNS, SUM, ExpressionWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from tinygrad_edu.compiling.listing import Called

WIDTH = 110  # columns of a line of code
TAKEN = frozenset(  # names that mean something in C, or in the C that is written here
    ["asm", "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern",
     "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed",
     "sizeof", "static", "struct", "switch", "typedef", "typeof", "union", "unsigned", "void", "volatile", "while",
     "fabs", "fmax", "fmin", "pow", "remainder_of", "feclearexcept", "fetestexcept"]
)  # fmt: skip
OF_ONE = ["acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "erfc", "exp", "expm1",
          "fabs", "floor", "log", "log10", "log1p", "log2", "sin", "sinh", "sqrt", "tan", "tanh"]  # fmt: skip
OF_TWO = ["atan2", "copysign", "fmax", "fmin", "fmod", "hypot", "pow"]
LIBRARY = dict.fromkeys(OF_ONE, 1) | dict.fromkeys(OF_TWO, 2)  # the functions of <math.h>: how many numbers they take
FORMS = {  # functions that are written in another way in C: how, and how tightly it holds together
    "abs": ("fabs({})", ATOM),
    "floor": ("floor({}) + 0.0", SUM),  # floor(-0.0) + 0.0 is 0.0, as in Python
    "ceil": ("ceil({}) + 0.0", SUM),
    "degrees": (f"{180 / math.pi!r} * {{}}", PRODUCT),
    "radians": (f"{math.pi / 180!r} * {{}}", PRODUCT),
}
REMAINDER = """static double remainder_of(double a, double b)  // it has the sign of b, in Python as in mathematics
{
    double rest = fmod(a, b);
    return rest == 0.0 ? copysign(0.0, b) : (rest < 0.0) == (b < 0.0) ? rest : rest + b;
}
"""
_SAME = re.compile(  # what is written in C as it is in Python: names, floats, + - * / and functions of <math.h>
    r"(?:(?!(?:if|else|and|or|not|in|is|lambda|inf)\b)[^\W\d]\w*\b(?!\()|[() ]|[-+*/](?![-+*/])|"
    rf"\d+\.\d+(?:e[-+]?\d+)?(?![\w.])|(?:{'|'.join({*OF_ONE} - {*FORMS})})\()*"
)


class NoMachineCode(Exception):
    """There is no machine code; the message says why."""

    def remark(self) -> str:
        """Say it to the user."""
        return f"in Python, not in machine code: {self}"


class CText:
    """The text of a function in C.

    Args:
        called: the functions that its statements call.
        head: its first line, which begins it.
        body: the statements in its braces.
        above: lines that must stand before it.
    """

    def __init__(self, called: Called, head: str, body: Iterable[str], above: Sequence[str] = ()) -> None:
        self.called, self.arguments = called, head.count(",") + 1
        self.name = head.partition("(")[0].split()[-1]
        self.lines = [*above, head, *braces(body)]


def braces(lines: Iterable[str]) -> list[str]:
    """Put lines into braces."""
    return ["{", *[f"    {line}" for line in lines], "}"]


def c_module(functions: Sequence[CText], is_read: bool = True) -> str:
    """Write functions with what must stand before them, in lines that are not too long if somebody reads them."""
    wrap = wrapped_c if is_read else str
    body = "\n".join("\n".join(map(wrap, function.lines)) + "\n" for function in functions)
    helpers = {name: op.of_two for function in functions for name, op in function.called.operations.items()}
    written = [f"static double {name}(double a, double b)\n{{\n    return {c_value(op.python, {})};\n}}\n"
               for name, op in helpers.items()]  # fmt: skip
    if "remainder_of(" in body:
        written.append(REMAINDER)
    above = ["#include <fenv.h>", "#include <math.h>"]
    names = {name for function in functions for name in function.called.from_math}
    constants = {name: getattr(math, name) for name in sorted(names) if isinstance(getattr(math, name), float)}
    above += [f"static const double {name} = {x if x == x else '0.0 / 0.0'!s};" for name, x in constants.items()]
    return "\n".join(["\n".join(above) + "\n", *written, body])


def c_statements(lines: Iterable[str], calls: Mapping[str, Any], names: Iterable[str] = ()) -> list[str]:
    """Write assignments and comments of Python in C.

    Args:
        calls: the operations that are called in them, by name.
        names: that are known before.

    Raises:
        NoMachineCode: if that is not possible.

    >>> c_statements(["# forward", "v1 = a * b", "y = v1 if v1 > 0.0 and a ** 2 < 1 else 0.0"], {}, ["a", "b"])
    ['// forward', 'double v1 = a * b;', 'double y = v1 > 0.0 && pow(a, 2.0) < 1.0 ? v1 : 0.0;']
    """
    found, known = [], {*names, "+", "-", "*", "/"}
    for line in lines:
        if line.startswith("#"):
            found.append(f"//{line[1:]}")
        else:
            name, _, value = line.partition(" = ")
            is_same = known.issuperset(value.split(" "))  # as most lines are: names and signs
            found.append(f"double {name} = {value if is_same else c_value(value, calls)};")
            known.add(name)
    return found


def c_value(text: str, calls: Mapping[str, Any]) -> str:
    """Write an expression of Python in C.

    Args:
        calls: the operations that are called in it, by name.

    Raises:
        NoMachineCode: if that is not possible.

    >>> c_value("a % b - -x ** 2 / 3", {})
    'remainder_of(a, b) - -pow(x, 2.0) / 3.0'
    """
    if _SAME.fullmatch(text):
        return text
    return _CWriter(calls).number(ast.parse(text, mode="eval").body)


class _CWriter(ExpressionWriter):
    language, refusal = "C", NoMachineCode
    signs = SIGNS
    functions_of_signs: ClassVar = {ast.Pow: "pow", ast.Mod: "remainder_of"}
    forms = FORMS
    of_test = ("(double)({})", SIGN)  # in C it is a whole number, and a quotient would be rounded

    def name(self, name: str) -> str:
        if name == "inf":
            raise NoMachineCode("C has no inf")
        return name

    def call(self, name: str, operation: Any, operands: Sequence[str]) -> str:
        if operation is not None and operation.of_two is not None:
            return _folded(name, operands)
        if operation is None and name in ("max", "min") and len(operands) > 1:
            return _folded(f"f{name}", operands)
        if operation is not None or LIBRARY.get(name) != len(operands):
            raise NoMachineCode(f"{name} is not written in C")
        return f"{name}({', '.join(operands)})"


def _folded(function: str, operands: Sequence[str]) -> str:
    text = operands[0]
    for operand in operands[1:]:
        text = f"{function}({text}, {operand})"
    return text


def wrapped_c(line: str) -> str:
    """Break a line of C after about 110 columns, but not around ``=``.

    >>> print(wrapped_c("const double " + ", ".join(f"w_{i} = parameters[{i}]" for i in range(6)) + ";"))
    const double w_0 = parameters[0], w_1 = parameters[1], w_2 = parameters[2], w_3 = parameters[3],
        w_4 = parameters[4], w_5 = parameters[5];
    """
    if len(line) <= WIDTH or line.lstrip().startswith("//"):
        return line
    import textwrap

    indent = " " * (len(line) - len(line.lstrip()))
    kept = re.sub(r" (?=\*+\w)", "\0", line.replace(" = ", "\0=\0"))  # nor between a type and its *
    return textwrap.fill(kept, WIDTH, subsequent_indent=f"{indent}    ", break_long_words=False,
                         break_on_hyphens=False).replace("\0", " ")  # fmt: skip
