"""How Python writes an operation: a text with slots for its operands, and where these need parentheses."""

from __future__ import annotations

import builtins
import math
from typing import TYPE_CHECKING

from tinygrad_edu.compiling.symbols import CompileError

if TYPE_CHECKING:
    from collections.abc import Sequence

# How tightly an expression holds together, as a place in this list: that of an expression of the same precedence.
SAMPLES = ("p if q else r", "p or q", "p and q", "p > q", "p + q", "p * q", "-p", "p ** q", "p")
KINDS = ("IfExp", "Or", "And Not", "Compare", "Add Sub", "Mult Div FloorDiv Mod", "UnaryOp", "Pow",
         "Call Name Constant Subscript")  # fmt: skip
LOOSEST, COMPARISON, MINUS, ATOM = 0, 3, 6, 8
CONDITIONS = (1, 2, 3)
NAME = 9  # a name or a number: what costs nothing to write twice


class Template:
    """How Python writes an operation, with slots for its operands.

    Args:
        python: the text.
        operands: what they are called in it.
        of_conditions: whether they are conditions, so that ``a and b`` is one too.

    Attributes:
        pieces: the text before, between and after the slots.
        slots: for each the number of the operand, how tightly it must hold together, and whether it is a "test", an
            "exponent" or "" for anything else.
        level: how tightly all of it holds together.
        gives_float: whether that of floats is a float, as far as its form tells.
        functions: the names in it that are no operands.

    >>> template = Template("a - b", ("a", "b"))
    >>> template.slots
    [(0, 4, ''), (1, 5, '')]
    """

    def __init__(self, python: str, operands: Sequence[str], of_conditions: bool = False) -> None:
        import ast
        import re

        try:
            tree = ast.parse(python, mode="eval").body
        except SyntaxError:
            raise CompileError(f"{python!r} is not an expression that Python can compute") from None
        nodes = [*ast.walk(tree)]
        self.functions = {x.id for x in nodes if isinstance(x, ast.Name)} - {*operands}
        for name in self.functions:
            if not hasattr(math, name) and not hasattr(builtins, name):
                raise CompileError(f"in {python!r}, {name} is neither an operand nor a function of math, such as exp")
        may_not = (ast.Call, ast.BoolOp, ast.IfExp, ast.Compare, ast.Not)
        self.gives_float = not any(isinstance(x, may_not) for x in nodes)
        kind = type(getattr(tree, "op", tree)).__name__
        kind = "UnaryOp" if isinstance(tree, ast.UnaryOp) and kind != "Not" else kind
        self.level = next((i for i, names in enumerate(KINDS) if kind in names.split()), LOOSEST)
        if isinstance(tree, ast.BoolOp) and not of_conditions:
            self.level = LOOSEST  # x or 1.0 is a number
        choices = [x for x in nodes if isinstance(x, ast.IfExp)]
        joined = [x.values for x in nodes if isinstance(x, ast.BoolOp)]
        tests = [x.test for x in choices] + [y for values in joined if of_conditions for y in values]
        powers = [x for x in nodes if isinstance(x, ast.BinOp) and isinstance(x.op, ast.Pow)]
        roles = {x.right.col_offset: "exponent" for x in powers}
        roles |= {x.col_offset: "test" for x in tests if isinstance(x, ast.Name)}
        # What is computed in some cases only must be a name, because the engine computes it in all, and fails where it
        # fails. So must what occurs twice. Both are computed on a line before.
        sometimes = [y for x in choices for y in (x.body, x.orelse)] + [y for values in joined for y in values[1:]]
        names = {x.col_offset for part in sometimes for x in ast.walk(part) if isinstance(x, ast.Name)}
        parts = re.split(rf"\b({'|'.join(map(re.escape, operands))})\b", python)
        self.pieces = parts[::2]
        self.slots: list[tuple[int, int, str]] = []
        for i in range(1, len(parts), 2):
            offset = len("".join(parts[:i]))
            if offset in names or parts.count(parts[i]) > 1:
                level = NAME
            elif of_conditions:
                level = self.level  # in (p and q) and r the parentheses say nothing
            else:
                level = ATOM if python == parts[i] else _needed(parts[:i], parts[i + 1 :])
            self.slots.append((operands.index(parts[i]), level, roles.get(offset, "")))


def _needed(before: list[str], after: list[str]) -> int:
    """How tightly an operand must hold together to need no parentheses here: with and without them, it is the same."""

    def meaning(operand: str) -> object:
        try:
            code = builtins.compile("".join([*before, operand, *after]), "", "eval")
        except SyntaxError:
            return None
        return code.co_code, code.co_names, code.co_consts

    return next((level for level, sample in enumerate(SAMPLES) if meaning(sample) == meaning(f"({sample})")), NAME)


_templates: dict[tuple[str, tuple[str, ...], bool], Template] = {}


def template(python: str, operands: tuple[str, ...], of_conditions: bool = False) -> Template:
    """The template of a text, made once."""
    key = python, operands, of_conditions
    if key not in _templates:
        _templates[key] = Template(*key)
    return _templates[key]
