"""Recorded graphs, and each rule of the table, as formulas.

``write`` makes the formula of an operation from those of its operands, as the ``notation`` of its row says; everything
longer is made by following the graph. A rule needs nothing more: run on Values it records a graph, and that graph is
its formula.
"""

from __future__ import annotations

from collections import Counter
from functools import partial, reduce
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.simplifying import simplified
from tinygrad_edu.engine.backward import local_derivatives, topological_order
from tinygrad_edu.engine.ops import divide, multiply, positive
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Constant, Value
from tinygrad_edu.formulas.formula import (
    DOTS,
    Formula,
    call,
    fenced,
    fraction,
    infix,
    marked,
    numeral,
    prefix,
    radical,
    shortened,
    suffix,
    superscript,
    visible,
)
from tinygrad_edu.viz.graphs.names import callers_variables, names_of
from tinygrad_edu.viz.graphs.walks import bounded_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from tinygrad_edu.engine.operation import Operation


LINE = 90  # letters of a formula that fit on a line of a notebook

# ---- operations ------------------------------------------------------------------------------------------------------


def write(op: Operation, operands: Sequence[Formula], data: Sequence[float], *, tidy: bool = False) -> Formula:
    """Write the formula of an operation, as its notation says.

    Args:
        op: the operation.
        operands: the formulas of its operands.
        data: the numbers in them, which a definition may need.
        tidy: whether to write x·x as x² and a long list with its middle left out.
    """
    if op.notation == "definition" and op.definition is not None:
        stubs = [Value(x) for x in data]
        formulas = dict(zip(stubs, operands))
        try:
            result = recorded(op.definition, *stubs)
        except (ArithmeticError, ValueError):  # at these numbers only the operation itself is defined
            return call(op.name, operands)
        # What is long and repeated would grow with every nesting.
        uses = _uses(result) if isinstance(result, Value) else {}
        if any(uses.get(stub, 0) > 1 and len(formula.text) > 12 for stub, formula in formulas.items()):
            return call(op.name, operands)
        return _follow(result, formulas, tidy)
    tidied = _tidied(op, operands) if tidy else None
    if tidy and op.arity is None and len(operands) > 6:
        operands = [*operands[:3], DOTS, *operands[-2:]]
    return tidied or _layout(op, operands)


def _uses(root: Value) -> Counter[Value]:
    """Count how often each Value of a graph is an operand."""
    return Counter(parent for node in topological_order(root) for parent in node.parents)


def notation(op: Operation) -> tuple[str, str, str]:
    """Tell how an operation is written: ("between", sign, "") its operands, ("bracketed", sign, "") the same in
    brackets, ("around", left, right) its operand, or ("before", name, "") the operands in parentheses.

    >>> from tinygrad_edu.engine.ops import add, absolute, sigmoid, sqrt
    >>> notation(add), notation(absolute), notation(sqrt), notation(sigmoid)
    (('between', '+', ''), ('around', '|', '|'), ('around', '√', ''), ('before', 'σ', ''))
    """
    written = "" if op.notation == "definition" else op.notation
    words = written.split()
    if "(" in written:
        return "before", written.partition("(")[0].strip() or op.name, ""
    if len(words) == 3 and op.arity != 1 and visible(words[1]):
        return "bracketed" if written[0] == "[" else "between", visible(words[1]), ""
    letters = [i for i, c in enumerate(written) if c.isalpha()]
    if op.arity != 1 or not letters:
        return "before", op.name, ""
    left, right = visible(written[: letters[-1]]), visible(written[letters[-1] + 1 :])
    if right or (left and not left.isalpha()):
        return "around", left, right
    return "before", left or op.name, ""


def _layout(op: Operation, operands: Sequence[Formula]) -> Formula:
    where, left, right = notation(op)
    if where == "before" or not operands:
        return call(left, operands)
    if where == "between":
        return reduce({"/": fraction, "^": superscript}.get(left, partial(infix, left)), operands)
    if where == "bracketed":
        return fenced("[", infix(left, *operands), "]")
    if left and right:
        return fenced(left, operands[0], right)
    if right:
        return suffix(operands[0], right)
    return radical(operands[0]) if left == "√" else prefix(left, operands[0])


def _tidied(op: Operation, operands: Sequence[Formula]) -> Formula | None:
    """Write a square for x·x, one fraction for a fraction of a fraction, and a minus sign in front; or nothing."""
    if op in (multiply, divide) and (number := operands[0].number) is not None and number < 0:
        return prefix("-", write(op, [numeral(-number, constant=True), operands[1]], (), tidy=True))
    if op is multiply and operands[0].text == operands[1].text:
        return superscript(operands[0], numeral(2.0))
    if op is divide and operands[0].parts[0] == "/":
        _, top, bottom = operands[0].parts
        return fraction(top, write(multiply, [bottom, operands[1]], (), tidy=True))
    return None


# ---- graphs ----------------------------------------------------------------------------------------------------------


def _follow(result: Any, formulas: dict[Value, Formula], tidy: bool) -> Formula:
    """The formula of what was computed from Values whose ``formulas`` are known; what lies between joins them."""
    if not isinstance(result, Value):
        return numeral(float(result), constant=True)
    for node in topological_order(result):
        if node in formulas:
            continue
        if node.op is None:
            formulas[node] = numeral(node.data, constant=True)
        else:
            formula = written(node, formulas, tidy=tidy)
            formulas[node] = shortened(formula) if tidy else formula
    return formulas[result]


def written(node: Value, formulas: Mapping[Value, Formula], *, tidy: bool = False) -> Formula:
    """The formula of a Value's operation in the ``formulas`` of its operands."""
    assert node.op is not None
    parents = node.parents
    return write(node.op, [formulas[parent] for parent in parents], [parent.data for parent in parents], tidy=tidy)


def of_node(node: Value, formulas: Mapping[Value, Formula]) -> tuple[Formula, Formula]:
    """The formula of one operation, in the names of its operands and in their numbers."""
    numbers = {parent: numeral(parent.data) for parent in node.parents}
    return shortened(written(node, formulas)), shortened(written(node, numbers))


def operand_names(node: Value, formulas: Mapping[Value, Formula]) -> list[Formula]:
    """The names of an operation's operands, its uses told apart where it has a Value more than once: a rule is about
    one of them. The derivative of x·x by its first x is its second, not that of x².

    >>> x = Value(3.0, label="x")
    >>> y = x * x
    >>> [str(name) for name in operand_names(y, names_of([x, y]))]
    ['x₍₁₎', 'x₍₂₎']
    """
    total, so_far = Counter(node.parents), Counter[Value]()
    operands = []
    for parent in node.parents:
        so_far[parent] += 1
        several = total[parent] > 1 and not isinstance(parent, Constant)
        operands.append(marked(formulas[parent], so_far[parent]) if several else formulas[parent])
    return operands


def of_rule(node: Value, formulas: Mapping[Value, Formula]) -> list[tuple[Formula, Formula]]:
    """For each operand the derivative by it, as a formula in the names of the operands and one in their numbers.

    Obtained by running the rule of the operation on Values in place of numbers. A rule that takes nothing but numbers
    gives numbers.

    >>> from tinygrad_edu.engine.ops import tanh
    >>> z = Value(0.5, label="z")
    >>> y = tanh(z)
    >>> [(symbols, numbers)] = of_rule(y, names_of([z, y]))
    >>> print(symbols, "=", numbers)
    1 − tanh²(z) = 1 − 0.4621²
    """
    assert node.op is not None
    data = [parent.data for parent in node.parents]
    output = Value(node.data)
    stubs = [parent if isinstance(parent, Constant) else Value(parent.data) for parent in node.parents]
    try:
        given = [stub.data if isinstance(stub, Constant) else stub for stub in stubs]
        derivatives: list[Any] = [simplified(d) for d in recorded(node.op.rule, output, *given)]
    except Exception:  # a rule that is made for numbers may do anything with Values
        derivatives = local_derivatives(node)
    operands = operand_names(node, formulas)
    in_symbols = {output: write(node.op, operands, data, tidy=True), **dict(zip(stubs, operands))}
    in_numbers = {output: numeral(node.data)}
    for stub, parent in zip(stubs, node.parents):
        in_numbers[stub] = formulas[parent] if isinstance(parent, Constant) else numeral(parent.data)
    return [(_follow(d, in_symbols, True), _follow(d, in_numbers, True)) for d in derivatives]


class Expression:
    """A recorded graph as one formula, with the parts that are used more than once named below it.

    ``str`` gives plain text; in a notebook it shows itself as mathematics.

    Attributes:
        formula: the formula.
        parts: the name and the formula of each part.
    """

    def __init__(self, formula: Formula, parts: Sequence[tuple[Formula, Formula]]) -> None:
        self.formula = formula
        self.parts = parts

    def __str__(self) -> str:
        if not self.parts:
            return self.formula.text
        parts = "\n        ".join(f"{name} = {formula}" for name, formula in self.parts)
        return f"{self.formula}\n  where {parts}"

    __repr__ = __str__

    def to_latex(self) -> str:
        """As LaTeX, to stand between dollar signs."""
        lines = [f"&{line}" for line in _lines(self.formula)]
        before = r"\text{where } "
        for name, formula in self.parts:
            first, *more = _lines(formula)
            lines += [f"{before}&{name.latex} = {first}", *[f"&{line}" for line in more]]
            before = ""
        if len(lines) == 1:
            return self.formula.latex
        rows = r" \\ ".join(lines)
        return rf"\begin{{aligned}} {rows} \end{{aligned}}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.to_latex()}$"


def _lines(formula: Formula) -> list[str]:
    """A formula as LaTeX; a long sum in lines that fit a page."""
    sign, *terms = formula.parts
    if sign != "+" or len(formula.text) <= LINE:
        return [formula.latex]
    lines, length = [terms[0].latex], len(terms[0].text)
    for term in terms[1:]:
        length += 3 + len(term.text)
        if length > LINE:
            lines.append(rf"\quad + {term.latex}")
            length = len(term.text)
        else:
            lines[-1] += f" + {term.latex}"
    return lines


def expression(value: Value, *, names: bool = True) -> Expression:
    """The recorded graph as one formula; a part that is used more than once is named.

    Args:
        value: a Value that was computed from Values.
        names: whether Values without a label are called as the variables of the caller that hold them.

    Raises:
        TypeError: if it is not a Value.
        ValueError: if the graph has more than 500 values.

    >>> w, x, b = Value(0.5), Value(2.0), Value(-1.0)
    >>> z = w * x + b
    >>> expression(z.tanh())
    tanh(w·x + b)
    >>> print(expression(z * z.exp()))
    z·exp(z)
      where z = w·x + b
    >>> expression(z.tanh()).to_latex()
    '\\\\tanh\\\\left( w \\\\cdot x + b \\\\right)'
    """
    return written_out(value, callers_variables() if names else {})


def written_out(value: Value, variables: Mapping[Value, str]) -> Expression:
    """The same with the names of ``variables``."""
    order = bounded_order(value, 500, "write out")
    formulas, uses = names_of(order, variables), _uses(value)
    parts = []
    for node in order:
        if node.op is positive and not node.label and node not in variables:
            formulas[node] = formulas[node.parents[0]]
        elif node.op is not None:
            formula = written(node, formulas)
            if uses[node] > 1:
                parts.append((formulas[node], formula))
            else:
                formulas[node] = formula
    return Expression(formulas[value], parts)
