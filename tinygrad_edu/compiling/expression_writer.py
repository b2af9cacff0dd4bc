"""Expressions of Python in another language: its parser's trees, written anew with the parentheses that they need."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

TERNARY, OR, AND, EQUALITY, RELATION, SUM, PRODUCT, SIGN, ATOM = range(9)  # how tightly they bind, from the loosest
SIGNS: dict[type, tuple[str, int]] = {
    ast.Add: ("+", SUM), ast.Sub: ("-", SUM), ast.Mult: ("*", PRODUCT), ast.Div: ("/", PRODUCT),
    ast.Lt: ("<", RELATION), ast.LtE: ("<=", RELATION), ast.Gt: (">", RELATION), ast.GtE: (">=", RELATION),
    ast.Eq: ("==", EQUALITY), ast.NotEq: ("!=", EQUALITY),
}  # fmt: skip


class ExpressionWriter:
    """Writes Python's trees in a language with the signs of C, each with parentheses if it is looser than ``level``.

    Args:
        calls: the operations that are called in them, by name.

    Attributes:
        language, refusal: what a message calls the language, and the error for what has no counterpart in it.
        signs: each with how tightly it holds together.
        functions_of_signs: the functions that stand for other signs.
        forms: functions of one number that are written as no call: how, and how tightly that holds together.
        of_test: a number, 1 or 0, made from a test, and how tightly it holds together.
        truth: a test made from a number, which is whether it differs from 0.
    """

    language: ClassVar[str]
    refusal: ClassVar[type[Exception]]
    signs: ClassVar[Mapping[type, tuple[str, int]]]
    functions_of_signs: ClassVar[Mapping[type, str]]
    forms: ClassVar[Mapping[str, tuple[str, int]]]
    of_test: ClassVar[tuple[str, int]]
    truth: ClassVar[tuple[str, int]] = ("{}", ATOM)

    def __init__(self, calls: Mapping[str, Any]) -> None:
        self._calls = calls

    def name(self, name: str) -> str:
        """Write a name."""
        return name

    def call(self, name: str, operation: Any, operands: Sequence[str]) -> str:
        """Write the call of a function, or of an operation if it is one.

        Raises:
            Exception: the ``refusal``, if the language does not have it.
        """
        raise NotImplementedError

    def number(self, tree: ast.expr, level: int = TERNARY) -> str:
        """Write an expression that is read as a number."""
        text, own = self._written(tree)
        return text if own >= level else f"({text})"

    def test(self, tree: ast.expr, level: int = TERNARY) -> str:
        """Write an expression that is asked whether it holds."""
        if isinstance(tree, ast.Compare):
            operands = [self.number(x, SUM) for x in (tree.left, *tree.comparators)]
            signs = [self._sign(op) for op in tree.ops]
            text = " && ".join(f"{a} {sign} {b}" for a, (sign, _), b in zip(operands, signs, operands[1:]))
            own = signs[0][1] if len(signs) == 1 else AND
        elif isinstance(tree, ast.BoolOp):
            sign, own = ("&&", AND) if isinstance(tree.op, ast.And) else ("||", OR)
            text = f" {sign} ".join(self.test(x, own) for x in tree.values)
        elif isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
            text, own = f"!{self.test(tree.operand, ATOM)}", SIGN
        else:
            form, own = self.truth
            text = form.format(self.number(tree, level if form == "{}" else SUM))
        return text if own >= level else f"({text})"

    def _written(self, tree: ast.expr) -> tuple[str, int]:
        if isinstance(tree, ast.Compare) or (isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)):
            form, level = self.of_test
            return form.format(self.test(tree)), level
        if isinstance(tree, ast.Constant):
            return self._literal(tree.value), ATOM
        if isinstance(tree, ast.Name):
            return self.name(tree.id), ATOM
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, (ast.USub, ast.UAdd)):
            operand = self.number(tree.operand, ATOM)
            return (f"-{operand}", SIGN) if isinstance(tree.op, ast.USub) else (operand, ATOM)
        if isinstance(tree, ast.BinOp):
            return self._operated(tree)
        if isinstance(tree, ast.IfExp):
            value, other = self.number(tree.body, OR), self.number(tree.orelse)
            return f"{self.test(tree.test, OR)} ? {value} : {other}", TERNARY
        if isinstance(tree, ast.BoolOp):  # x or y is x unless that is 0
            first, *others = [self.number(x, RELATION) for x in tree.values]
            for other in others:
                holds = self.truth[0].format(first)
                pair = (other, first) if isinstance(tree.op, ast.And) else (first, other)
                first = f"({holds} ? {pair[0]} : {pair[1]})"
            return first, ATOM
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.keywords:
            return self._called(tree.func.id, tree.args)
        raise self.refusal(f"{self.language} has no {ast.unparse(tree)}")

    def _operated(self, tree: ast.BinOp) -> tuple[str, int]:
        function = self.functions_of_signs.get(type(tree.op))
        if function is not None:
            return f"{function}({self.number(tree.left)}, {self.number(tree.right)})", ATOM
        sign, level = self._sign(tree.op)
        return f"{self.number(tree.left, level)} {sign} {self.number(tree.right, level + 1)}", level

    def _called(self, name: str, args: Sequence[ast.expr]) -> tuple[str, int]:
        operation = self._calls.get(name)
        if operation is None and name == "float" and len(args) == 1:
            return self._written(args[0])
        if operation is None and name in self.forms and len(args) == 1:
            text, level = self.forms[name]
            return text.format(self.number(args[0], TERNARY if "({})" in text else ATOM)), level
        if operation is not None and operation.of_two is not None and len(args) == 1:
            return self._written(args[0])
        return self.call(name, operation, [self.number(x) for x in args]), ATOM

    def _sign(self, op: ast.AST) -> tuple[str, int]:
        if type(op) not in self.signs:
            raise self.refusal(f"{self.language} has no {type(op).__name__}")
        return self.signs[type(op)]

    def _literal(self, x: Any) -> str:
        if not isinstance(x, (int, float)) or not math.isfinite(x):
            raise self.refusal(f"{self.language} has no {x!r}")
        return repr(float(x))
