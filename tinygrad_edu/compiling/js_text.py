"""JavaScript text: operations, statements and expressions of Python written in JavaScript.

What is written stands on ``library.js``, whose functions raise what Python's do. In a loop that must be fast plain
arithmetic takes its place, which gives infinity and NaN instead of errors.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, ClassVar

from tinygrad_edu.compiling.expression_writer import ATOM, EQUALITY, SIGNS, ExpressionWriter
from tinygrad_edu.compiling.listing import Listing
from tinygrad_edu.compiling.program import Program
from tinygrad_edu.compiling.recorded_function import record_twice
from tinygrad_edu.compiling.symbols import CompileError
from tinygrad_edu.compiling.template import template
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from tinygrad_edu.engine.operation import Operation

OF_ONE = ["abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "degrees", "erf", "erfc",
          "exp", "expm1", "fabs", "floor", "log", "log10", "log1p", "log2", "radians", "sin", "sinh", "sqrt", "tan",
          "tanh"]  # fmt: skip
OF_TWO = ["atan2", "copysign", "fmod", "hypot", "pow"]
LIBRARY = dict.fromkeys(OF_ONE, 1) | dict.fromkeys(OF_TWO, 2)  # functions of library.js: how many numbers they take
PLAIN = {*LIBRARY} - {"ceil", "copysign", "degrees", "erf", "erfc", "fabs", "floor", "fmod", "radians"}  # JavaScript's
CONSTANTS = {"inf": "Infinity", "nan": "NaN", "pi": "Math.PI", "e": "Math.E", "tau": "(2.0 * Math.PI)"}
TAKEN = frozenset(  # names that mean something in JavaScript, or in what is written here
    ["arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete",
     "do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function", "if", "implements",
     "import", "in", "instanceof", "interface", "let", "new", "null", "package", "private", "protected", "public",
     "return", "static", "super", "switch", "this", "throw", "true", "try", "typeof", "undefined", "var", "void",
     "while", "with", "yield", "Infinity", "Math", "NaN", "divide", "math", "operands", "operations", "power",
     "remainder", "sumOfProducts"]
)  # fmt: skip
MARKS = [0.5, 0.625, 0.75, 0.875, 1.125, 1.25, 1.375]  # operands to see by how any number of them is used


class NoJavaScript(Exception):
    """There is no JavaScript; the message says why."""


def library() -> str:
    """Read the JavaScript that what is written here stands on."""
    import pathlib

    return pathlib.Path(__file__).with_name("library.js").read_text(encoding="utf-8")


def row_functions(operations: Iterable[Operation]) -> str:
    """Write an object of JavaScript that holds a function for each operation, by its name.

    Raises:
        NoJavaScript: for an operation of one's own that does not say how it is written.

    >>> from tinygrad_edu.engine import ops
    >>> print(row_functions([ops.divide, ops.relu, ops.amax]))
    {
      divide: (a, b) => divide(a, b),
      relu: (x) => x <= 0.0 ? 0.0 : x,
      amax: (...operands) => operands.reduce((a, b) => a >= b || a !== a ? a : b),
    }
    """
    return "\n".join(["{", *[f"  {_key(op.name)}: {_function(op)}," for op in operations], "}"])


def js_statements(lines: Iterable[str], calls: Mapping[str, Operation], names: Iterable[str] = ()) -> list[str]:
    """Write assignments and comments of Python in plain JavaScript, which gives infinity or NaN instead of errors.

    Args:
        calls: the operations that are called in them, by name. ``operations`` must be an object with their functions.
        names: that are known before.

    Raises:
        NoJavaScript: if that is not possible.

    >>> js_statements(["# forward", "v1 = exp(a) / b", "y = v1 if a > 0.0 and b == 1 else pi"], {}, ["a", "b"])
    ['// forward', 'const v1 = Math.exp(a) / b;', 'const y = a > 0.0 && b === 1.0 ? v1 : Math.PI;']
    """
    return _statements(lines, _PlainWriter(calls, names))


def js_value(text: str, calls: Mapping[str, Operation], names: Iterable[str] = ()) -> str:
    """Write an expression of Python in plain JavaScript, as ``js_statements`` does.

    Raises:
        NoJavaScript: if that is not possible.

    >>> js_value("new * 2", {}, ["new"])
    '$new * 2.0'
    """
    return _PlainWriter(calls, names).expression(text)


def js_name(name: str) -> str:
    """Write a name of Python; with a dollar sign, which Python's names do not have, if JavaScript has taken it."""
    return f"${name}" if name in TAKEN else name


class _Writer(ExpressionWriter):
    """Writes Python's trees in JavaScript that raises the same errors.

    Args:
        calls: the operations that are called in them, by name.
        names: that are known, and no constants of ``math``.
    """

    language, refusal = "JavaScript", NoJavaScript
    signs: ClassVar = {**SIGNS, ast.Eq: ("===", EQUALITY), ast.NotEq: ("!==", EQUALITY)}
    functions_of_signs: ClassVar = {ast.Pow: "power", ast.Mod: "remainder", ast.Div: "divide"}
    forms: ClassVar = {}
    of_test = ("({} ? 1.0 : 0.0)", ATOM)
    truth = ("{} !== 0.0", EQUALITY)  # NaN holds in Python

    def __init__(self, calls: Mapping[str, Operation], names: Iterable[str]) -> None:
        super().__init__(calls)
        self.names = {*names}

    def expression(self, text: str) -> str:
        """Write an expression that is given as a text."""
        return self.number(ast.parse(text, mode="eval").body)

    def name(self, name: str) -> str:
        return CONSTANTS[name] if name in CONSTANTS and name not in self.names else js_name(name)

    def call(self, name: str, operation: Any, operands: Sequence[str]) -> str:
        if operation is None and (LIBRARY.get(name) != len(operands) and name not in ("max", "min")):
            raise NoJavaScript(f"{name} is not written in JavaScript")
        function = self.function(name) if operation is None else f"operations{_place(operation.name)}"
        return f"{function}({', '.join(operands)})"

    def function(self, name: str) -> str:
        """Write the name of a function of ``math``."""
        return f"math.{name}"


class _PlainWriter(_Writer):
    """Writes Python's trees in JavaScript that is fast."""

    functions_of_signs: ClassVar = {ast.Pow: "Math.pow", ast.Mod: "remainder"}

    def function(self, name: str) -> str:
        if name == "fabs":
            return "Math.abs"
        return f"Math.{name}" if name in PLAIN or name in ("max", "min") else f"math.{name}"


def _statements(lines: Iterable[str], writer: _Writer) -> list[str]:
    found = []
    for line in lines:
        if line.startswith("#"):
            found.append(f"//{line[1:]}")
        else:
            name, _, value = line.partition(" = ")
            found.append(f"const {js_name(name)} = {writer.expression(value)};")
            writer.names.add(name)
    return found


# ---- the function of an operation ------------------------------------------------------------------------------------


def _function(op: Operation) -> str:
    try:
        if op.arity is None:
            return f"(...operands) => {_of_any_number(op)}"
        if op.python == "definition":
            return _defined(op)
        text = op.python if op.python and template(op) else _call_of_math(op)
    except CompileError as error:
        raise NoJavaScript(str(error)) from None
    writer = _Writer({}, op.operands)
    tree = ast.parse(text, mode="eval").body
    written = f"{writer.test(tree)} ? 1.0 : 0.0" if op.is_condition else writer.number(tree)
    return f"({', '.join(map(js_name, op.operands))}) => {written}"


def _call_of_math(op: Operation) -> str:
    forward: Any = op.forward
    if getattr(forward, "__module__", "") != "math":
        raise NoJavaScript(
            f"the operation {op.name!r} does not say how its numbers are computed: give it python=, an expression in "
            "the names of its operands and of functions of math"
        )
    return f"{forward.__name__}({', '.join(op.operands)})"


def _defined(op: Operation) -> str:
    """Write the statements of the definition."""
    definition: Any = op.definition
    function = record_twice(op.name, definition, [0.5] * len(op.operands))
    for name, x in zip(op.operands, function.inputs):
        x.label = name
    program = Program(function.variables)
    listing = Listing(program, program.add(function.outputs), [], function.variables)
    if function.outside or listing.called.operations:
        raise NoJavaScript(f"the definition of {op.name!r} uses more than its operands and what has a text in Python")
    writer = _Writer({}, listing.names)
    body = _statements(listing.forward, writer)
    result = writer.expression(listing.results[0])
    names = ", ".join(map(js_name, listing.names))
    return f"({names}) => {{ {' '.join(body)} return {result}; }}" if body else f"({names}) => {result}"


def _of_any_number(op: Operation) -> str:
    """Write an operation of any number of operands by its structure: an operation of two from left to right, a sum of
    products, or a mean."""
    if op.of_two is not None:
        return f"operands.reduce({_function(op.of_two)})"
    structure = _sum_of_products(op) if op.products is not None else _mean(op) if op.definition is not None else ""
    if not structure:
        raise NoJavaScript(f"the operation {op.name!r} of any number of operands does not say how they are combined")
    return structure


def _sum_of_products(op: Operation) -> str:
    assert op.products is not None
    for count in (6, 7):
        operands = [f"x{i}" for i in range(count)]
        for pairs, text in ((0, "0"), (count // 2, "operands.length >> 1")):
            rest = [(x, 1.0) for x in operands[2 * pairs :]]
            if op.products(*operands) == [*zip(operands[:pairs], operands[pairs : 2 * pairs]), *rest]:
                return f"sumOfProducts(operands, {text})"
    return ""


def _mean(op: Operation) -> str:
    values = [Value(x) for x in MARKS]
    mean: Any = recorded(op.definition, *values)  # type: ignore[arg-type]
    terms: list[Value] = []
    if mean.op is ops.divide and mean.parents[1]._data == len(values):
        total = mean.parents[0]
        while total.op is ops.add:
            total, term = total.parents
            terms.insert(0, term)
        terms.insert(0, total)
    return "divide(sumOfProducts(operands, 0), operands.length)" if terms == values else ""


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) else f"[{_quoted(name)}]"  # "__proto__": is special


def _place(name: str) -> str:
    return f".{name}" if re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) else f"[{_quoted(name)}]"


def _quoted(name: str) -> str:
    import json

    return json.dumps(name).replace("<", "\\u003c")  # it may stand in an HTML file
