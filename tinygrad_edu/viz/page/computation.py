"""A recorded computation as data for the page's script, which computes it anew at other numbers and explains it.

Sent are the graph, the names, and of each row of the table that is used how it is computed, written and differentiated.
No sentence and no formula is written here: ``computation.js`` and ``story.js`` make them, whatever the numbers are.
"""

from __future__ import annotations

import math
from types import BuiltinFunctionType
from typing import TYPE_CHECKING

from tinygrad_edu.compiling.js_text import NoJavaScript, row_functions
from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.operation import Operation
from tinygrad_edu.engine.ops import divide, multiply
from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import quoted, visible
from tinygrad_edu.viz.graphs.expression import notation
from tinygrad_edu.viz.graphs.groups import role
from tinygrad_edu.viz.page.rules import NoTree, definition_tree, rule_cases

if TYPE_CHECKING:
    from typing import Any

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.formulas.formula import MathML
    from tinygrad_edu.viz.explaining.explanation import Explanation
    from tinygrad_edu.viz.explaining.folded import FoldedExplanation

TAGS = {
    "mrow": "r", "mfrac": "f", "msup": "p", "msub": "b", "msqrt": "q", "mi": "i", "mn": "n", "mo": "o", "mtext": "t",
}  # fmt: skip


class ComputationData:
    """What the page's script is given.

    Attributes:
        functions: the rows' functions, in JavaScript.
        content: the graph and the rows, for JSON.
        fixed: why the numbers cannot be changed on the page; otherwise "".
    """

    def __init__(self, explanation: Explanation | FoldedExplanation) -> None:
        self.explanation = explanation
        self.fixed = ""
        self._rows: dict[tuple[Operation, int | None], int] = {}
        self._written: list[dict[str, Any]] = []
        self._rules: dict[str, int] = {}
        self._cases: list[Any] = []
        self._number = {node: i for i, node in enumerate(explanation.order)}
        rules = self._rules_of_all()
        nodes = [self._node(node, rules.get(node)) for node in explanation.order]
        known = {"product": self._row(multiply, 2), "quotient": self._row(divide, 2)}  # they are written tidily
        self.functions = self._functions()
        if self.fixed:
            for node, written in zip(explanation.order, nodes):
                written |= _numbers(node)
        self.content = {"nodes": nodes, "rows": self._written, "rules": self._cases, "fixed": self.fixed, **known}

    def _rules_of_all(self) -> dict[Value, Any]:
        rules = {}
        for node in self.explanation.order:
            if node.op is not None:
                try:
                    rules[node] = rule_cases(node)
                except NoTree as error:
                    self.fixed = f"{node.op.name}: {visible(str(error), 200)}"
                    rules[node] = _numbers(node)["locals"]
        return rules

    def _functions(self) -> str:
        try:
            return row_functions(dict.fromkeys(op for op, _ in self._rows))
        except NoJavaScript as error:
            self.fixed = self.fixed or visible(str(error), 200)
            return "{}"

    def _node(self, node: Value, rule: Any) -> dict[str, Any]:
        if isinstance(node, Constant):
            return {"constant": in_json(node.data)}
        name = self.explanation.names[node]
        written: dict[str, Any] = {"name": [name.text, compact(name.mathml)]}
        if node.label and node.label != name.text:
            written["label"] = visible(node.label, 100)
        elif not node.label:
            written["label"] = ""
        if node.op is None:
            return written | {"number": in_json(node.data), "role": role(node)}
        operands = [self._number[parent] for parent in node.parents]
        return written | {"row": self._row(node.op, len(operands)), "from": operands, "rule": self._rule(rule)}

    def _rule(self, cases: Any) -> int:
        written = self._cases_in_json(cases)
        key = repr(written)
        if key not in self._rules:
            self._rules[key] = len(self._cases)
            self._cases.append(written)
        return self._rules[key]

    def _cases_in_json(self, cases: Any) -> Any:
        if isinstance(cases, dict):
            sign, *sides = cases["ask"]
            yes, no = self._cases_in_json(cases["yes"]), self._cases_in_json(cases["no"])
            return {"ask": [sign, *map(self._tree, sides)], "yes": yes, "no": no}
        return cases and [*map(self._tree, cases)]

    def _tree(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self._row(tree[0], len(tree) - 1), *map(self._tree, tree[1:])]
        return in_json(tree) if isinstance(tree, float) else tree

    def _row(self, op: Operation, count: int) -> int:
        """The number of a row; of one with any number of operands there is one for each number."""
        key = (op, None if op.arity else count)
        if key not in self._rows:
            self._rows[key] = len(self._written)
            where, left, right = notation(op)
            written: dict[str, Any] = {"name": op.name, "where": where, "left": left, "right": right}
            self._written.append(written)
            if where == "before":
                written["left"] = quoted(visible(left))
                doc = visible(op.summary.partition("\n\n")[2] or f"{op.name}.", 200)
                written["says"] = doc.partition(";")[0].rstrip(".")
            if op.arity is None:
                written["any"] = True
            if not isinstance(op.forward, BuiltinFunctionType):
                written["explains"] = True  # its errors say more than that it is undefined here
            if op.notation == "definition" and op.definition is not None:
                tree, repeated = definition_tree(op, count)
                written |= {"definition": self._tree(tree), "repeated": repeated}
        return self._rows[key]


def _numbers(node: Value) -> dict[str, Any]:
    """The numbers of a Value, for a page that cannot compute them."""
    if node.op is None:
        return {}
    try:
        return {"data": in_json(node.data), "locals": [*map(in_json, local_derivatives(node))]}
    except (ArithmeticError, ValueError) as error:
        return {"data": in_json(node.data), "locals": None, "error": [type(error).__name__, visible(str(error), 300)]}


def in_json(x: float) -> float | str:
    """A number, in words if JSON has none for it.

    >>> in_json(2.0), in_json(math.inf)
    (2.0, 'Infinity')
    """
    if math.isfinite(x):
        return x
    return "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"


def compact(tree: MathML) -> str | list[Any]:
    """MathML as lists: ``["r", "ix", "o+", "n1"]`` for a row of x + 1."""
    tag, *children = tree
    return TAGS[tag] + children[0] if isinstance(children[0], str) else [TAGS[tag], *map(compact, children)]
