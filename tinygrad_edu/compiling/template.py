"""Templates of operations in Python: a text with slots for its operands, and where these need parentheses."""

from __future__ import annotations

import ast
import builtins
import math
from typing import TYPE_CHECKING

from tinygrad_edu.compiling.symbols import CompileError
from tinygrad_edu.engine.operation import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Slot = tuple[int, int, str]  # the number of the operand, how tightly it must hold together, and its role

# How tightly an expression holds together: its place in this list, from the loosest.
_KINDS = ("IfExp", "Or", "And", "Not", "Compare", "Add Sub", "Mult Div FloorDiv Mod", "USub UAdd", "Pow")
LOOSEST, MINUS, ATOM = 0, 7, 9
CONDITIONS, COMPARISON = (1, 2, 3, 4), 4
NAME = 10  # a name or a number: what costs nothing to write twice


class Template:
    """The text of an operation in Python, with slots for its operands.

    Attributes:
        pieces: the text before, between and after the slots.
        slots: for each the number of the operand, how tightly it must hold together, and whether it is a "test", an
            "exponent" or "" for anything else.
        level: how tightly all of it holds together.
        gives_float: whether that of floats is a float, as far as its form tells.
        functions: the names in it that are no operands.

    Raises:
        CompileError: if the text is no expression, or computes something else than the operation.

    >>> from tinygrad_edu.engine import ops
    >>> template(ops.subtract).slots
    [(0, 5, ''), (1, 6, '')]
    """

    def __init__(self, op: Any) -> None:
        try:
            tree = ast.parse(op.python, mode="eval").body
        except SyntaxError:
            raise CompileError(f"{op.python!r} is not an expression that Python can compute") from None
        nodes = [*ast.walk(tree)]
        self.functions = {x.id for x in nodes if isinstance(x, ast.Name)} - {*op.operands}
        for name in self.functions:
            if not hasattr(math, name) and not hasattr(builtins, name):
                raise CompileError(
                    f"in {op.python!r}, {name} is neither an operand nor a function of math, such as exp"
                )
        _check_numbers(op)
        others = (ast.Call, ast.BoolOp, ast.IfExp, ast.Compare, ast.Not)
        self.gives_float = not any(isinstance(x, others) for x in nodes)
        self.level = _level(tree)
        if isinstance(tree, ast.BoolOp) and not op.is_condition:
            self.level = LOOSEST  # x or 1.0 is a number
        text = op.python.encode()  # Python counts columns in bytes
        self.pieces, self.slots, end = [], [], 0
        found = sorted(_operands(tree, op), key=lambda item: item[0].col_offset)
        names = [name.id for name, *_ in found]
        for name, level, role in found:
            self.pieces.append(text[end : name.col_offset].decode())
            self.slots.append((op.operands.index(name.id), NAME if names.count(name.id) > 1 else level, role))
            end = name.end_col_offset
        self.pieces.append(text[end:].decode())


_templates: dict[Any, Template] = {}


def template(op: Any) -> Template:
    """Find the template of an operation, made once."""
    if op not in _templates:
        _templates[op] = Template(op)
    return _templates[op]


def _level(tree: ast.expr) -> int:
    kind = type(getattr(tree, "op", tree)).__name__
    return next((level for level, kinds in enumerate(_KINDS) if kind in kinds.split()), ATOM)


def _operands(tree: ast.AST, op: Any, level: int = LOOSEST, role: str = "", always: bool = True) -> Iterator[Any]:
    """Find the operands in an expression, each with the level that it must have there, and its role.

    What is computed in some cases only must be a name, because the engine computes it in all, and fails where it fails.
    """
    if isinstance(tree, ast.Name) and tree.id in op.operands:
        yield tree, level if always else NAME, role
    own = _level(tree) if isinstance(tree, ast.expr) else LOOSEST
    for i, (field, child) in enumerate(_children(tree)):
        needed, role, is_always = own + 1, "", always
        if isinstance(tree, ast.IfExp):
            role, is_always = ("test", always) if field == "test" else ("", False)
        elif isinstance(tree, ast.BoolOp):  # in (p and q) and r the parentheses say nothing
            needed, role = (own, "test") if op.is_condition else (own + 1, "")
            is_always = always and i == 0
        elif isinstance(tree, ast.BinOp):
            is_power = isinstance(tree.op, ast.Pow)
            if field == "right":
                needed, role = (own - 1, "exponent") if is_power else (own + 1, "")
            else:
                needed = own + 1 if is_power else own
        elif isinstance(tree, ast.UnaryOp):
            needed = own
        elif isinstance(tree, ast.Call):
            needed = ATOM if field == "func" else LOOSEST
        elif not isinstance(tree, ast.Compare):
            needed = ATOM
        yield from _operands(child, op, needed, role, is_always)


def _children(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    inner = (ast.expr, ast.keyword, ast.comprehension)
    for field, value in ast.iter_fields(tree):
        yield from ((field, x) for x in (value if isinstance(value, list) else [value]) if isinstance(x, inner))


# ---- whether the text computes what the operation does ---------------------------------------------------------------

POINTS = (0.5, -0.75, 2.0, 0.0, -3.5)


def _check_numbers(op: Any) -> None:
    """Raise a CompileError if the text of an operation of one's own gives another number than its ``forward``."""
    if not hasattr(op, "forward") or op.name in BUILT_IN:
        return
    code = builtins.compile(op.python, op.name, "eval")
    for point in POINTS:
        operands = [point + 0.375 * i for i in range(len(op.operands))]
        try:
            found = eval(code, vars(math) | dict(zip(op.operands, operands)))
            math.isfinite(found)
        except Exception:  # where the code fails, the engine takes over
            continue
        try:
            expected = op.forward(*operands)
        except (ArithmeticError, ValueError) as error:
            expected = error
        is_number = not isinstance(expected, Exception)
        if not is_number or not (found == expected or math.isclose(found, expected, rel_tol=1e-9) or found != found):
            raise CompileError(
                f"the operation {op.name!r} says that Python writes it {op.python!r}, but at "
                f"{', '.join(map(str, operands))} this is {found}, and its forward gives {expected!r}"
            )
