"""Formulas and numbers that a person typed: ``tanh(w*x + b)`` becomes Values, ``w=0.5`` a number.

Nothing that is typed is run. Python's parser makes a tree of a formula; the few kinds of nodes that arithmetic needs
are computed with the rows of the table, and every other kind is refused.
"""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
from contextlib import suppress
from math import e, inf, isfinite, nan, pi, tau
from typing import TYPE_CHECKING

from tinygrad_edu.engine import ops
from tinygrad_edu.engine.operation import TABLE, Operation
from tinygrad_edu.engine.value import Value
from tinygrad_edu.formulas.messages import caret_message, nearest, short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

LONGEST = 10_000  # characters
ALIASES = {"abs": ops.absolute, "max": ops.maximum, "min": ops.minimum, "ln": ops.log}
CONSTANTS = {"pi": pi, "e": e, "tau": tau}
# fmt: off
OPERATORS: dict[type, Operation] = {
    ast.Add: ops.add, ast.Sub: ops.subtract, ast.Mult: ops.multiply, ast.Div: ops.divide, ast.Pow: ops.power,
    ast.USub: ops.negative, ast.UAdd: ops.positive,
}
INSTEAD = {  # of signs and words that a formula cannot have
    "^": "write ** for a power", "²": "write **2", "³": "write **3", "//": "write / for a quotient",
    "×": "write *", "·": "write *", "÷": "write /", "−": "write -", "–": "write -",  # noqa: RUF001
    "√": "write sqrt(...)", "|": "write abs(...)", "[": "group with ( ), and name an element, such as x0",
    ".": "write a function without its module, such as exp(...)",
    **dict.fromkeys(["<", ">", "<=", ">=", "==", "!=", "if", "else"], "maximum, minimum, relu and where choose"),
}
SYNTAX = {  # what Python's parser says, and what that means here
    "was never closed": "this ( is never closed",
    "unmatched": "this ) closes nothing",
    "too many nested": "parentheses are nested too deeply; compute a part of the formula apart",
    "": "something is missing here, or too much",
}
# fmt: on
NAME = r"[^\W\d²³](?:[A-Za-z0-9_]|[^\x00-\x7f²³×·÷−–√])*"  # noqa: RUF001
NUMBER = r"(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?"
WORD = re.compile(rf"(?P<n>{NAME})|(?P<d>{NUMBER})|//|[=!<>]=|\S")
PRODUCTS = {"nn", "nd", "dn", "dd", "d(", ")n", ")d", ")("}  # of names, numbers and parentheses, with no * between


def read(text: str, numbers: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
    """Compute the recorded Value of a formula, and the Values of its names, which are labelled with them.

    A formula is made of numbers, names, ``+ - * / **``, parentheses and the functions of the table, one's own too, of
    which some have everyday names, such as ``abs``. It has at most 10,000 characters, on one line or several, which may
    end in ``# comments``. A name is one Value however often it is written, with the number that ``numbers`` gives it. A
    row of lists takes their elements: ``mean(a, b, c)``.

    Raises:
        ValueError: if the formula has anything else in it, is incomplete, or does not use all of ``numbers``.
        ValueError, ZeroDivisionError, OverflowError: if it is undefined or too large at these numbers. The message
            shows the formula with the place marked.

    >>> y, names = read("tanh(w*x + b)", {"w": 0.5, "x": 2.0, "b": -1.0})
    >>> y.backward()
    >>> y.data, names["w"].grad
    (0.0, 2.0)
    """
    if len(text) > LONGEST:
        raise ValueError(f"the formula has {len(text)} characters, more than {LONGEST}; compute a part of it apart")
    formula = _Formula(text, numbers)
    tree = formula.parse()
    result = formula.compute(tree)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name in numbers:
        if name not in used:
            raise ValueError(
                f"a number is given for {short(name)}, which the formula does not use{nearest(name, used)}"
            )
    return result if isinstance(result, Value) else Value(result), formula.values


def assignments(texts: Sequence[str]) -> dict[str, float]:
    """Read the numbers that texts such as ``w=0.5`` or ``w=1/2`` give to names.

    Raises:
        ValueError: if a text is something else, a number is not finite, or a name is that of a function or given twice.

    >>> assignments(["w=1/2", "x=2"])
    {'w': 0.5, 'x': 2.0}
    """
    numbers: dict[str, float] = {}
    for text in texts:
        given, _, written = text.partition("=")
        name, number = unicodedata.normalize("NFKC", given.strip()), nan  # as Python's parser spells it
        with suppress(ValueError, ArithmeticError):
            number = read(written, {})[0].data
        if not isfinite(number) or not name.isidentifier():
            raise ValueError(f"{short(text)!r} does not give a number to a name; write it like w=0.5, and a formula "
                             "with spaces between quotes")  # fmt: skip
        if name in ALIASES or name in TABLE:
            raise ValueError(f"{name} is a function; give the number another name")
        if name in numbers:
            raise ValueError(f"{short(text)!r} gives {short(name)} a second number; give it one")
        numbers[name] = number
    return numbers


class _Formula:
    """The text of a formula, on one line, the Values of its names, and the functions that it may call."""

    def __init__(self, text: str, numbers: Mapping[str, float]) -> None:
        without_comments = " ".join(line.partition("#")[0] for line in text.splitlines())
        self.text = " ".join(without_comments.split())
        self.values = {name: Value(number, label=name) for name, number in numbers.items()}
        self.functions = {**ALIASES, **TABLE}

    def parse(self) -> ast.expr:
        """Make the tree; an error where something is typed that a formula cannot have."""
        if not self.text:
            raise ValueError("the formula is empty; write one such as tanh(w*x + b)")
        self.check_words()
        try:
            return ast.parse(self.text, mode="eval").body
        except (RecursionError, MemoryError):
            raise ValueError("the formula is nested too deeply; compute a part of it apart, or write a long sum as "
                             "sum(a, b, ...)") from None  # fmt: skip
        except SyntaxError as error:
            start = error.offset - 1 if error.offset else len(self.text)
            message = next(meaning for said, meaning in SYNTAX.items() if said in error.msg)
            if self.text[start : start + 1] == "=":
                message = "write what is right of =, and give numbers apart, as in w=0.5"
            raise self.error(message, start, start + 1) from None

    def check_words(self) -> None:
        """Refuse foreign signs and words, so that no string reaches the parser, and operands with nothing between."""
        before, kind_before, start = "", "", 0
        for match in WORD.finditer(self.text):
            word, kind = match[0], match.lastgroup or match[0]
            is_name = word.isidentifier() and word.isprintable() and not keyword.iskeyword(word)
            if word in INSTEAD or not (is_name or kind == "d" or word in "+-*/,()="):
                instead = f"; {INSTEAD[word]}" if word in INSTEAD else ""
                raise self.error(f"{short(word)!r} is not allowed in a formula{instead}", *match.span())
            if kind == "d" and float(word.replace("_", "")) == inf:
                raise self.error("this number is too large for a float", *match.span())
            if kind_before + kind in PRODUCTS:
                message = f"write {before}*{word} for a product"
                if before in self.functions:
                    message = f"write {before}(...): what a function is applied to stands in parentheses"
                raise self.error(message, start, match.end())
            before, kind_before, start = word, kind, match.start()

    def compute(self, tree: ast.expr) -> Any:
        """Compute the nodes, operands first; without recursion, as a formula may be deep."""
        order = [tree]
        for node in order:
            order += reversed(_operands(node))
        results: dict[ast.expr, Any] = {}
        for node in reversed(order):
            results[node] = self.result(node, [results[operand] for operand in _operands(node)])
        return results[tree]

    def result(self, node: ast.expr, operands: Sequence[Any]) -> Any:
        """Compute one node from its operands; an error unless it is of a kind that a formula may have."""
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in self.values:
                return self.values[name]
            case ast.BinOp(op=sign) | ast.UnaryOp(op=sign):
                return self.apply(OPERATORS[type(sign)], operands, [], node)
            case ast.Call(func=ast.Name(id=name), keywords=named) if name in self.functions:
                return self.apply(self.functions[name], operands, [str(operand.arg) for operand in named], node)
            case ast.Name(id=name) if name in self.functions:
                message = f"{name} is a function; write what it is applied to: {name}(...)"
            case ast.Name(id=name):
                is_product = set(name) <= self.values.keys()
                meant = f"; did you mean {'*'.join(name)}?" if is_product else nearest(name, self.values)
                message = f"{name} has no number; give it one: {name}={CONSTANTS.get(name, '...')}{meant}"
            case ast.Call(func=ast.Name(id=name)) if name in self.values:
                message = f"{name} is a number, not a function; write {name}*(...) for a product"
            case ast.Call(func=ast.Name(id=name)):
                message = f"there is no function {name}{nearest(name, self.functions)}"
            case ast.Tuple():
                message = "a comma stands between the operands of a function; a number has a point"
            case _:
                message = "this is not allowed in a formula"
        raise self.error_at(getattr(node, "func", node), message)

    def apply(self, row: Operation, operands: Sequence[Any], names: Sequence[str], node: ast.expr) -> Any:
        """Apply a row of the table to operands, of which the last have names."""
        first = len(operands) - len(names)
        try:
            if len(set(names)) < len(names) or not (operands or row.operands):
                raise TypeError
            return row(*operands[:first], **dict(zip(names, operands[first:])))
        except TypeError:
            raise self.error_at(node, f"this call does not fit {row.signature()}") from None
        except (ArithmeticError, ValueError) as error:
            raise self.error_at(node, str(error), type(error)) from None

    def error_at(self, node: ast.expr, message: str, kind: type[Exception] = ValueError) -> Exception:
        text = self.text.encode()  # whose places Python counts
        start, end = (len(text[:place].decode()) for place in (node.col_offset, node.end_col_offset))
        return self.error(message, start, end, kind)

    def error(self, message: str, start: int, end: int, kind: type[Exception] = ValueError) -> Exception:
        return kind(caret_message(message, self.text, start, end))


def _operands(node: Any) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        return [*node.args, *(operand.value for operand in node.keywords)]
    return [getattr(node, name) for name in ("left", "right", "operand") if hasattr(node, name)]
