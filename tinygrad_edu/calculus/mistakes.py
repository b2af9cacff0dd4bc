"""Mistakes that learners make about derivatives, in one table, which ``lessons`` and the page in the browser both read.

A question has a kind, and numbers by name: ``right``, the answer, and what mistakes are made from. A row says what a
mistake gives, as a formula in these names with ``+ - *`` only, which therefore means the same in JavaScript.
"""

from __future__ import annotations

import ast
from functools import cache
from math import isfinite, prod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal, TypeAlias

    Numbers: TypeAlias = "Mapping[str, float | Sequence[float]]"

TOLERANCE = 1e-3  # relative: of numbers that are read with four digits, products differ in the fourth
TELLING = [n / 2 for n in (-6, -5, -4, -3, -1, 1, 3, 4, 5, 6)]  # to draw numbers from: 0, 1 and -1 hide too much
SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.USub: "-"}
HINTS = {  # for an answer that is no mistake of the table
    "local": "Change this operand a little and hold the others: how much faster or slower does the result change?",
    "flow": "Two numbers meet here: what has arrived from above, and the local derivative. The chain rule multiplies.",
    "sum": "List what each use of this value sends back, then add.",
    "derivative": "Follow every path from the result down to this value. Multiply along a path, add over the paths.",
    "value": "Compute it step by step, in the order of the arithmetic.",
    "number": "Try it in a cell of your own, or draw it.",
    "paths": "Go back from the result along every arrow; an operation that takes a value twice has two arrows to it.",
    "grad": "Each backward() adds its derivatives to what is in grad already.",
    "function": "Compare with the result at one input that you can work out by hand.",
}


class Mistake(NamedTuple):
    """One row of the table.

    Attributes:
        name: what it is called.
        kinds: the kinds of questions in which it is made: "local", the derivative of one operation by one operand;
            "flow", what an arrow carries back; "sum", what several arrows bring to one value; "derivative", of a result
            by any value below it; "value", of the forward pass;
            "number", something else that was computed; "paths", how many there are; "grad", what is in a ``grad``;
            "function", code.
        formula: what the mistake gives, from the numbers of the question.
        diagnosis: a sentence that says what was done, and what is to be done.
        hint: a sentence that helps without saying so.
    """

    name: str
    kinds: tuple[str, ...]
    formula: str
    diagnosis: str
    hint: str


PATHS, ALL = ("sum", "derivative"), tuple(HINTS)
# fmt: off
MISTAKES = (
    Mistake("wrong sign", ALL, "-right",
            "The size is right, the sign is not.",
            "If this number grew a little, would the result grow or shrink?"),
    Mistake("replaced instead of added", ("sum",), "last",
            "You kept only what arrived last. Each arrival is added to what is there: += and not =.",
            "Something had arrived here before. What becomes of it?"),
    Mistake("only one path", PATHS, "one",
            "You followed one path only. This value is used more than once, and all its uses count: add the paths.",
            "Count the arrows that lead to the result from here. Have you followed every one?"),
    Mistake("paths multiplied", PATHS, "product",
            "You multiplied the paths. Paths are added: multiply along a path, add over the paths.",
            "When this value changes a little, each path changes the result by some amount. How do amounts combine?"),
    Mistake("upstream only", ("flow", "derivative"), "upstream",
            "This is what arrives from above, not yet multiplied by the local derivative.",
            "You stopped on the way. One more step leads down to this value."),
    Mistake("derivatives of factors multiplied", ("derivative",), "factors",
            "You multiplied the derivatives of the factors. A product has two paths: on each, one factor changes.",
            "Let one factor change while the other stays; then the other way round. What does each do to the product?"),
    Mistake("one path forgotten", PATHS, "right - one",
            "All paths but one are there. Add the missing one.",
            "Count the arrows that lead to the result from here. Have you followed every one?"),
    Mistake("one path with the wrong sign", PATHS, "right - 2 * one",
            "One of the paths has the wrong sign; all the rest is right.",
            "Look at the sign along each path once more, one path after the other."),
    Mistake("local derivative only", ("flow", "derivative"), "local",
            "This is a local derivative alone. Multiply it by what arrives from above.",
            "You have one step of the chain. What has happened between here and the result?"),
    Mistake("added instead of multiplied", ("flow", "derivative"), "added",
            "You added along the path. Along a path the factors are multiplied.",
            "If u changes 3 times as fast as x, and y changes 2 times as fast as u, how fast does y change?"),
    Mistake("the value instead of its derivative", ("flow",), "upstream * value",
            "You multiplied by a value. Multiply by a derivative: how fast that value changes.",
            "One of your factors is what the operation computes, not how fast this changes."),
    Mistake("the other operand's derivative", ("local",), "other",
            "This is the derivative by another operand of the operation.",
            "Which operand is asked for? Hold all the others."),
    Mistake("the value instead of its derivative", ("local", "derivative"), "value",
            "This is the value of the result. Asked for is how fast it changes.",
            "How large is it, and how fast does it change: two different questions."),
    Mistake("the operand instead of the derivative", ("local", "derivative"), "operand",
            "This is the number one differentiates by. Asked for is how fast the result changes with it.",
            "Change the number a little. By how much does the result change?"),
    Mistake("a factor counted twice", ("local", "flow", "sum", "derivative", "function"), "2 * right",
            "This is twice the derivative: a factor, or a use, is counted double.",
            "Is something in your answer twice that happens once?"),
    Mistake("half of it", ("local", "flow", "sum", "derivative", "function"), "0.5 * right",
            "This is half the derivative: a factor of 2, or one of two equal paths, is missing.",
            "Where does something happen twice?"),
    Mistake("counted once", ("grad",), "0.5 * right",
            "This is half of it. Each backward() adds to what is in grad: the same once more.",
            "What becomes of what was there before?"),
)
# fmt: on


def diagnose_answer(kind: str, answer: float, numbers: Numbers) -> Mistake | Literal["right"] | None:
    """Tell whether an answer is right or, of the mistakes in the order of the table, which one gives it; None if none.

    Args:
        kind: of the question, see ``Mistake``.
        numbers: by name. A name may stand for several, such as ``one`` for what comes along each path: the mistake can
            be made with any. A mistake is not made where a number for its formula is missing.

    >>> numbers = flow_numbers(upstream=3.0, local=0.5)
    >>> diagnose_answer("flow", 1.5, numbers), diagnose_answer("flow", 0.5, numbers).name
    ('right', 'local derivative only')
    """
    if _is_near(answer, numbers["right"]):
        return "right"
    made = (m for m in MISTAKES if kind in m.kinds and any(_is_near(answer, x) for x in results(m, numbers)))
    return next(made, None)


def is_telling(kind: str, numbers: Numbers) -> bool:
    """Tell whether every mistake gives another number than the right one; where not, draw other numbers.

    Draw some twenty times at most, and keep those with the fewest mistakes ``unnoticed``: exp is its own derivative
    whatever the numbers.

    >>> is_telling("flow", flow_numbers(3.0, 0.5)), is_telling("flow", flow_numbers(2.0, 2.0))
    (True, False)
    """
    return not unnoticed(kind, numbers)


def unnoticed(kind: str, numbers: Numbers) -> list[Mistake]:
    """List the mistakes that give the right number; if that is not a number, or 0, which tells nothing, all.

    >>> [mistake.name for mistake in unnoticed("sum", sum_numbers([2.0, 2.0]))]
    ['paths multiplied']
    """
    right = numbers["right"]
    of_kind = [mistake for mistake in MISTAKES if kind in mistake.kinds]
    if not isfinite(right) or not right:  # type: ignore[arg-type]
        return of_kind
    return [mistake for mistake in of_kind if any(_is_near(x, right) for x in results(mistake, numbers))]


def results(mistake: Mistake, numbers: Numbers) -> list[float]:
    """List what a mistake gives: nothing if a number is missing, several if a name stands for several."""
    return _compute(tree(mistake.formula), numbers)


def mistakes_for_page() -> dict[str, Any]:
    """Collect what the page needs to judge its questions, as JSON can hold it: formulas are nested lists, such as
    ``["*", "upstream", "local"]``.

    >>> mistakes_for_page()["mistakes"][0]["formula"]
    ['-', 'right']
    """
    asked = {"local", "flow", "sum"}
    rows = [mistake._asdict() | {"formula": tree(mistake.formula)} for mistake in MISTAKES if asked & {*mistake.kinds}]
    return {
        "tolerance": TOLERANCE,
        "telling": TELLING,
        "hints": {kind: HINTS[kind] for kind in sorted(asked)},
        "mistakes": rows,
    }


# ---- the numbers of a question: a factor of 1 and a path of 0 leave no mistake to be made ----------------------------


def local_numbers(locals_: Sequence[float], index: int, value: float, operands: Sequence[float]) -> Numbers:
    """Name the numbers of a question about the local derivative of an operation by its operand number ``index``.

    >>> local_numbers([4.0, 3.0], 0, 12.0, [3.0, 4.0])
    {'right': 4.0, 'other': [3.0], 'value': 12.0, 'operand': 3.0}
    """
    right = locals_[index]
    other = [local for local in locals_ if local != right]
    return {"right": right, "other": other, "value": value, "operand": operands[index]}


def flow_numbers(upstream: float, local: float, value: float | None = None) -> Numbers:
    """Name the numbers of a question about what an arrow carries back, to an operand of an operation with that value.

    >>> flow_numbers(1.0, 4.0)
    {'right': 4.0, 'added': 5.0, 'upstream': 1.0}
    """
    numbers = {"right": upstream * local, "added": upstream + local}
    if upstream != 1:
        numbers["local"] = local
    if local != 1:
        numbers["upstream"] = upstream
        numbers |= {} if value is None else {"value": value}
    return numbers


def sum_numbers(flows: Sequence[float]) -> Numbers:
    """Name the numbers of a question about a value to which several arrows bring something, in that order.

    >>> sum_numbers([3.0, 4.0, 0.0])
    {'right': 7.0, 'one': [3.0, 4.0], 'product': 12.0, 'last': 4.0}
    """
    some = [flow for flow in flows if flow]
    numbers = {"right": sum(flows)}
    return numbers | {"one": some, "product": prod(some), "last": some[-1]} if len(some) > 1 else numbers


# ---- formulas --------------------------------------------------------------------------------------------------------


@cache
def tree(formula: str) -> Any:
    """Take a formula apart: a name, a number, or a list of a sign and its operands.

    >>> tree("right - 2 * one")
    ['-', 'right', ['*', 2, 'one']]
    """
    return _nested(ast.parse(formula, mode="eval").body)


def _nested(node: Any) -> Any:
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            return [SIGNS[type(op)], _nested(left), _nested(right)]
        case ast.UnaryOp(op=op, operand=operand):
            return [SIGNS[type(op)], _nested(operand)]
    return node.id if isinstance(node, ast.Name) else node.value


def _compute(part: Any, numbers: Numbers) -> list[float]:
    if isinstance(part, str):
        found = numbers.get(part, [])
        return [found] if isinstance(found, (int, float)) else [*found]
    if not isinstance(part, list):
        return [part]
    sign, *operands = part
    if len(operands) == 1:
        return [-x for x in _compute(operands[0], numbers)]
    pairs = [(x, y) for x in _compute(operands[0], numbers) for y in _compute(operands[1], numbers)]
    return [x * y if sign == "*" else x + y if sign == "+" else x - y for x, y in pairs]


def _is_near(x: Any, y: Any) -> bool:
    return bool(abs(x - y) < TOLERANCE * abs(y) + 1e-9)
