"""Formulas: what was recorded, and each rule of the table, as mathematics writes it.

A ``Formula`` holds one piece of mathematics three times: as plain text, as LaTeX and as MathML. ``write`` makes the
formula of an operation from those of its operands, as the ``notation`` of its row says; everything longer is made by
following the graph. A rule needs nothing more: run on Values it records a graph, and that graph is its formula.
"""

from __future__ import annotations

from contextvars import Context
from functools import partial, reduce

from tinygrad_edu.graph import bounded_order, local_derivatives
from tinygrad_edu.ops import add, divide, multiply, negative, power, subtract, sum_
from tinygrad_edu.value import Constant, Value, topological_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypeAlias

    from tinygrad_edu.operation import Operation

    MathML: TypeAlias = "tuple[Any, ...]"  # (element, text) or (element, child, child, ...)

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4  # how tightly a formula holds together; a minus sign as loosely as a sum
LEVELS = {"+": SUM, "-": SUM, "·": PRODUCT}
SIGNS = {"-": "−", "·": "·"}
LATEX_SIGNS = {"·": r" \cdot "}
LATEX_HEADS = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "exp", "log"}
# From alpha on in the order of Unicode, with places for omicron and the final sigma.
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi _ pi rho _ sigma tau upsilon phi chi "
    "psi omega"
)
LATEX_GREEK = {chr(0x3B1 + i): "\\" + letter for i, letter in enumerate(GREEK.split()) if letter != "_"}
SUPERSCRIPTS = str.maketrans("-0123456789()", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾")
LATEX_TEXT = str.maketrans(
    {"\\": "⧵", "{": r"\{", "}": r"\}", "<": "‹", ">": "›", "^": "ˆ", "~": "˜", "`": "ˋ", "|": "∣"}
    | {c: "\\" + c for c in "$&#%_"}
)
# In a formula: outside of the \text, because some of what shows formulas does not know these inside of it.
LATEX_WORDS = LATEX_TEXT | {ord(c): rf"}}\{c}\text{{" for c in "&#%_"}


class Formula:
    """A piece of mathematics.

    Attributes:
        text, latex, mathml: how it is written.
        binding: how tightly it holds together; where more is asked, it goes into parentheses.
        number: the number, if it is a constant.
        parts: what it was put together from, ("name of the layout", formula, ...), for further tidying.
    """

    __slots__ = ("binding", "latex", "mathml", "number", "parts", "text")

    def __init__(
        self, text: str, latex: str, mathml: MathML, binding: int = ATOM, parts: tuple[Any, ...] = ("",)
    ) -> None:
        self.text, self.latex, self.mathml, self.binding, self.parts = text, latex, mathml, binding, parts
        self.number: float | None = None

    def __str__(self) -> str:
        return self.text

    def within(self, binding: int) -> Formula:
        """Itself, in parentheses unless it holds together at least as tightly as ``binding``."""
        return self if self.binding >= binding else _fenced("(", self, ")")


# ---- numbers and names -----------------------------------------------------------------------------------------------


def digits(x: float) -> str:
    """A number to four significant digits, whole numbers below a million in full; as text.

    >>> digits(-0.123456), digits(60000.0), digits(1.5e-7)
    ('−0.1235', '60000', '1.5×10⁻⁷')
    """
    mantissa, _, exponent = _rounded(x).partition("e")
    return mantissa.replace("-", "−") + (f"×10{str(int(exponent)).translate(SUPERSCRIPTS)}" if exponent else "")


def _rounded(x: float) -> str:
    if x == float("inf") or x != x:
        return "∞" if x == x else "NaN"
    if x == -float("inf"):
        return "-∞"
    return str(int(x)) if x == int(x) and abs(x) < 1e6 else f"{x:.4g}"


def numeral(x: float, *, constant: bool = False) -> Formula:
    """A number, as a formula; a ``constant`` is a number that stands in the formula itself."""
    mantissa, _, exponent = _rounded(x).partition("e")
    latex = mantissa.replace("∞", r"\infty").replace("NaN", r"\mathrm{NaN}")
    mathml: MathML = ("mn", mantissa.lstrip("-"))
    if exponent:
        latex += rf" \times 10^{{{int(exponent)}}}"
        mathml = ("mrow", mathml, ("mo", "×"), ("msup", ("mn", "10"), ("mn", str(int(exponent)).replace("-", "−"))))
    if mantissa.startswith("-"):
        mathml = ("mrow", ("mo", "−"), mathml)
    formula = Formula(digits(x), latex, mathml, SUM if x < 0 else PRODUCT if exponent else ATOM)
    formula.number = x if constant else None
    return formula


def visible(text: str, limit: int = 30) -> str:
    """Any text as one short line of printable characters.

    >>> visible("two\\nlines"), visible("x" * 100, limit=5)
    ('two lines', 'xxxx…')
    """
    line = "".join(c if c.isprintable() else " " for c in text[: 2 * limit]).strip()
    return line if len(line) <= limit and len(text) <= 2 * limit else line[: limit - 1] + "…"


def name(label: str, copy: int = 1) -> Formula:
    """A name; of several that look the same, the second has ``copy`` 2, and so on.

    >>> name("w[0]").latex, name("x", 2).text, name("a+b").text
    ('w_{0}', 'x⁽²⁾', '“a+b”')
    """
    text = visible(label, 48)
    stem, index = _subscript(text)
    if stem:
        letters = LATEX_GREEK.get(stem) or (rf"\mathit{{{stem}}}" if stem.isascii() else words(stem))
        letters = stem if len(stem) == 1 and stem.isascii() else letters
        latex = f"{letters}_{{{index}}}" if index else letters
        mathml: MathML = ("msub", ("mi", stem), ("mn", index)) if index else ("mi", stem)
    else:
        text = _quoted(text)
        latex, mathml = words(text), ("mtext", text)
    if copy > 1:
        text += f"({copy})".translate(SUPERSCRIPTS)
        latex = rf"{{{latex}}}^{{({copy})}}"
        mathml = ("msup", ("mrow", mathml), ("mn", f"({copy})"))
    return Formula(text, latex, mathml)


def words(text: str) -> str:
    """Text in a LaTeX formula."""
    return rf"\text{{{text.translate(LATEX_WORDS)}}}"


def _quoted(text: str) -> str:
    """The text, in quotation marks unless it looks like a name."""
    plain = (text[:1].isalpha() or text[:1] == "_") and all(c.isalpha() or c.isdecimal() or c in "._[]" for c in text)
    return text if plain else f"“{text}”"


def _subscript(text: str) -> tuple[str, str]:
    """The letters and the index of names such as w, w1 and w[1]; none for any other text."""
    stem = text.rstrip("0123456789")
    index = text[len(stem) :]
    if text.endswith("]"):
        stem, _, index = text[:-1].partition("[")
        stem = stem if index.isdecimal() else ""
    return (stem, index) if stem.isalpha() else ("", "")


def names(order: Sequence[Value]) -> dict[Value, Formula]:
    """A name for each Value, no two of them alike: its label, or v1, v2, ... in order; constants are written as their
    number."""
    copies: dict[str, int] = {}
    formulas: dict[Value, Formula] = {}
    unnamed = []
    for node in order:
        if isinstance(node, Constant):
            formulas[node] = numeral(node.data, constant=True)
        elif visible(node.label):
            latex = name(node.label).latex
            copies[latex] = copies.get(latex, 0) + 1
            formulas[node] = name(node.label, copies[latex])
        else:
            unnamed.append(node)
    free = (f for f in (name(f"v{i}") for i in range(1, len(order) + len(copies) + 1)) if f.latex not in copies)
    formulas.update(zip(unnamed, free))
    return formulas


# ---- layouts ---------------------------------------------------------------------------------------------------------


def _fenced(left: str, inner: Formula, right: str) -> Formula:
    if {left, right} <= set("|()[]"):
        latex = rf"\left{left} {inner.latex} \right{right}"
    else:
        latex = f"{words(left)} {inner.latex} {words(right)}"
    return Formula(left + inner.text + right, latex, ("mrow", ("mo", left), inner.mathml, ("mo", right)))


def _infix(sign: str, left: Formula, right: Formula) -> Formula:
    level = LEVELS.get(sign, SUM)  # an operation of one's own holds as loosely as a sum, and never without parentheses
    if sign == "·":
        left, right = _factor(left), _factor(right)
    left, right = left.within(level if sign in LEVELS else ATOM), right.within(level + 1 if sign in LEVELS else ATOM)
    shown = SIGNS.get(sign, sign)
    text = f"{left.text}·{right.text}" if sign == "·" else f"{left.text} {shown} {right.text}"
    latex = f"{left.latex}{LATEX_SIGNS.get(sign) or f' {_latex_sign(sign)} '}{right.latex}"
    terms = left.parts[1:] if left.parts[0] == "+" == sign else (left,)
    return Formula(text, latex, ("mrow", left.mathml, ("mo", shown), right.mathml), level, (sign, *terms, right))


def _latex_sign(sign: str) -> str:
    return sign if sign in ("+", "-", "=") else rf"\mathbin{{{words(sign)}}}"


def _factor(formula: Formula) -> Formula:
    """As a factor: a quotient needs parentheses in plain text, to keep a / b·c from being misread, but not as a
    fraction."""
    if formula.parts[0] != "/":
        return formula
    return Formula(f"({formula.text})", formula.latex, formula.mathml, ATOM, formula.parts)


def _prefix(sign: str, inner: Formula) -> Formula:
    inner_ = inner.within(PRODUCT if sign in LEVELS else ATOM)
    shown = SIGNS.get(sign, sign)
    return Formula(
        shown + inner_.text,
        f"{_latex_sign(sign)} {inner_.latex}",
        ("mrow", ("mo", shown), inner_.mathml),
        SUM,
        (sign, inner),
    )


def _suffix(inner: Formula, sign: str) -> Formula:
    inner = inner.within(ATOM)
    return Formula(inner.text + sign, f"{inner.latex} {words(sign)}", ("mrow", inner.mathml, ("mo", sign)), POWER)


def _fraction(top: Formula, bottom: Formula) -> Formula:
    text = f"{_factor(top.within(PRODUCT)).text} / {bottom.within(POWER).text}"
    latex = rf"\frac{{{top.latex}}}{{{bottom.latex}}}"
    return Formula(text, latex, ("mfrac", top.mathml, bottom.mathml), PRODUCT, ("/", top, bottom))


def _superscript(base: Formula, exponent: Formula) -> Formula:
    raised = exponent.text
    if raised.replace("−", "").isdecimal():
        raised = raised.replace("−", "-").translate(SUPERSCRIPTS)
    else:
        raised = "^" + exponent.within(ATOM).text
    if base.parts[0] == "call" and exponent.text.isdecimal():  # tanh²(x); but sin⁻¹(x) would be the inverse of sin
        _, head, inner = base.parts
        return Formula(
            head.text + raised + inner.text,
            f"{head.latex}^{{{exponent.latex}}}{inner.latex}",
            ("mrow", ("msup", head.mathml, exponent.mathml), ("mo", "\u2061"), inner.mathml),
            POWER,
        )
    base = base.within(ATOM)
    return Formula(
        base.text + raised,
        f"{{{base.latex}}}^{{{exponent.latex}}}",
        ("msup", ("mrow", base.mathml), exponent.mathml),
        POWER,
    )


def _call(head: str, operands: Sequence[Formula]) -> Formula:
    shown = _quoted(visible(head))
    if head in LATEX_HEADS:
        latex = "\\" + head
    elif shown.isascii() and shown.isalnum():
        latex = rf"\operatorname{{{shown}}}"
    else:
        latex = LATEX_GREEK.get(head) or words(shown)
    function = Formula(shown, latex, ("mi", shown))
    inner = _fenced("(", _listed(operands), ")")
    return Formula(
        function.text + inner.text,
        f"{function.latex}{inner.latex}",
        ("mrow", function.mathml, ("mo", "\u2061"), inner.mathml),
        parts=("call", function, inner),
    )


def _listed(operands: Sequence[Formula]) -> Formula:
    mathml: list[Any] = []
    for operand in operands:
        mathml += [("mo", ","), operand.mathml] if mathml else [operand.mathml]
    return Formula(
        ", ".join(operand.text for operand in operands),
        ", ".join(operand.latex for operand in operands),
        ("mrow", *mathml),
    )


def shortened(formula: Formula, terms: int = 6) -> Formula:
    """The formula; a sum of more than so many terms with its middle left out."""
    sign, *operands = formula.parts
    if sign != "+" or len(operands) <= terms:
        return formula
    result: Formula = operands[0]
    for operand in [*operands[1:3], Formula("…", r"\cdots", ("mo", "⋯")), *operands[-2:]]:
        result = _infix("+", result, operand)
    return result


def equation(*formulas: Formula) -> Formula:
    """a = b = c."""
    mathml: list[MathML] = []
    for formula in formulas:
        mathml += [("mo", "="), formula.mathml] if mathml else [formula.mathml]
    return Formula(
        " = ".join(formula.text for formula in formulas),
        " = ".join(formula.latex for formula in formulas),
        ("mrow", *mathml),
        0,
    )


def joined(items: Sequence[Formula | float], sign: str = "×") -> Formula:
    """Numbers or formulas multiplied or added: 2 × 3 × (−4).

    >>> joined([2.0, -3.0]).text, joined([2.0, -3.0], "+").text
    ('2 × (−3)', '2 + (−3)')
    """
    level = SUM if sign == "+" else PRODUCT
    result: list[Formula] = []
    for item in items or [1.0]:
        formula = item if isinstance(item, Formula) else numeral(item)
        result.append(formula.within(level + bool(result)))
    mathml: list[MathML] = []
    for formula in result:
        mathml += [("mo", sign), formula.mathml] if mathml else [formula.mathml]
    latex_sign = r" \times " if sign == "×" else f" {sign} "
    return Formula(
        f" {sign} ".join(formula.text for formula in result),
        latex_sign.join(formula.latex for formula in result),
        ("mrow", *mathml),
        level,
    )


def ratio(sign: str, top: Formula, bottom: Formula) -> Formula:
    """The name of a derivative: dy/dx, or with another sign ∂y/∂x."""
    top, bottom = top.within(ATOM), bottom.within(ATOM)
    space = " " if top.text[:1].isalpha() and len(top.text) > 1 and sign == "d" else ""
    latex_sign = r"\partial " if sign == "∂" else "d "
    return Formula(
        f"{sign}{space}{top.text}/{sign}{bottom.text}",
        rf"\frac{{{latex_sign}{top.latex}}}{{{latex_sign}{bottom.latex}}}",
        ("mfrac", ("mrow", ("mi", sign), top.mathml), ("mrow", ("mi", sign), bottom.mathml)),
    )


# ---- operations ------------------------------------------------------------------------------------------------------


def write(op: Operation, operands: Sequence[Formula], data: Sequence[float], *, tidy: bool = False) -> Formula:
    """The formula of an operation, as its notation says.

    Args:
        op: the operation.
        operands: the formulas of its operands.
        data: the numbers in them, which a definition may need.
        tidy: whether to write 1·x as x, x·x as x² and so on.
    """
    if op.notation == "definition" and op.definition is not None:
        definition = op.definition
        stubs = [Value(x) for x in data]
        result = Context().run(lambda: definition(*stubs))
        return _follow(result, dict(zip(stubs, operands)), tidy)
    tidied = _tidied(op, operands) if tidy else None
    return tidied or _layout(op, operands)


def notation(op: Operation) -> tuple[str, str, str]:
    """How an operation is written: ("between", sign, "") its operands, ("around", left, right) its operand, or
    ("before", name, "") the operands in parentheses.

    >>> from tinygrad_edu.ops import add, absolute, sigmoid, sqrt
    >>> notation(add), notation(absolute), notation(sqrt), notation(sigmoid)
    (('between', '+', ''), ('around', '|', '|'), ('around', '√', ''), ('before', 'σ', ''))
    """
    written = "" if op.notation == "definition" else op.notation
    words = written.split()
    if "(" in written:
        return "before", written.partition("(")[0].strip() or op.name, ""
    if len(words) == 3 and op.arity != 1 and visible(words[1]):
        return "between", visible(words[1]), ""
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
        return _call(left, operands)
    if where == "between":
        return reduce({"/": _fraction, "^": _superscript}.get(left, partial(_infix, left)), operands)
    if left and right:
        return _fenced(left, operands[0], right)
    if right:
        return _suffix(operands[0], right)
    return _radical(operands[0]) if left == "√" else _prefix(left, operands[0])


def _radical(inner: Formula) -> Formula:
    return Formula("√" + inner.within(ATOM).text, rf"\sqrt{{{inner.latex}}}", ("msqrt", inner.mathml), POWER)


def _tidied(op: Operation, operands: Sequence[Formula]) -> Formula | None:
    """What is simpler to read and the same, or None."""
    if operands and all(operand.number is not None for operand in operands):
        return numeral(op.forward(*[operand.number for operand in operands]), constant=True)
    if op is negative:
        return _negated(operands[0])
    if len(operands) != 2:
        return None
    a, b = operands
    if op is multiply:
        return _product(a, b)
    if op is divide:
        return _quotient(a, b)
    if op in (add, sum_):
        return b if a.number == 0 else a if b.number == 0 else None
    if op is subtract:
        return _negated(b) if a.number == 0 else a if b.number == 0 else None
    if op is power:
        return a if b.number == 1 else numeral(1.0, constant=True) if b.number == 0 else None
    return None


def _positive(x: Formula) -> Formula | None:
    """What x is the negative of, if it is written with a minus sign."""
    if x.number is not None and x.number < 0:
        return numeral(-x.number, constant=True)
    inner: Formula | None = x.parts[1] if x.parts[0] == "-" and len(x.parts) == 2 else None
    return inner


def _negated(x: Formula) -> Formula:
    return _positive(x) or _prefix("-", x)


def _product(a: Formula, b: Formula) -> Formula | None:
    for one, other in ((a, b), (b, a)):
        if one.number == 1:
            return other
        if one.number == 0:
            return one
        positive = _positive(one)
        if positive is not None:
            return _negated(_tidy_product(*[positive if x is one else x for x in (a, b)]))
    return _superscript(a, numeral(2.0)) if a.text == b.text else None


def _tidy_product(a: Formula, b: Formula) -> Formula:
    return write(multiply, [a, b], (), tidy=True)


def _quotient(a: Formula, b: Formula) -> Formula | None:
    if b.number == 1:
        return a
    positive = _positive(a)
    if positive is not None:
        return _negated(_quotient(positive, b) or _fraction(positive, b))
    if a.parts[0] == "/":
        _, top, bottom = a.parts
        return _fraction(top, _tidy_product(bottom, b))
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
            parents = node.parents
            formula = write(node.op, [formulas[p] for p in parents], [p.data for p in parents], tidy=tidy)
            formulas[node] = shortened(formula) if tidy else formula
    return formulas[result]


def of_node(node: Value, formulas: Mapping[Value, Formula]) -> tuple[Formula, Formula]:
    """The formula of one operation, in the names of its operands and in their numbers."""
    assert node.op is not None
    data = [parent.data for parent in node.parents]
    symbols = [formulas[parent] for parent in node.parents]
    return shortened(write(node.op, symbols, data)), shortened(write(node.op, [numeral(x) for x in data], data))


def of_rule(node: Value, formulas: Mapping[Value, Formula]) -> list[tuple[Formula, Formula]]:
    """For each operand the derivative by it, as a formula in the names of the operands and one in their numbers.

    Obtained by running the rule of the operation on Values in place of numbers. A rule that takes nothing but numbers
    gives numbers.

    >>> from tinygrad_edu.ops import tanh
    >>> z = Value(0.5, label="z")
    >>> y = tanh(z)
    >>> [(symbols, numbers)] = of_rule(y, names([z, y]))
    >>> print(symbols, "=", numbers)
    1 − tanh²(z) = 1 − 0.4621²
    """
    assert node.op is not None
    rule, parents = node.op.rule, node.parents
    data = [parent.data for parent in parents]
    output, stubs = Value(node.data), [Value(x) for x in data]
    try:
        derivatives = Context().run(lambda: rule(output, *stubs))
    except (ArithmeticError, TypeError, ValueError):
        derivatives = local_derivatives(node)
    symbols = [formulas[parent] for parent in parents]
    in_symbols = {output: write(node.op, symbols, data, tidy=True), **dict(zip(stubs, symbols))}
    in_numbers = {
        output: numeral(node.data),
        **{
            stub: formulas[parent] if isinstance(parent, Constant) else numeral(parent.data)
            for stub, parent in zip(stubs, parents)
        },
    }
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
        lines = [f"{name} = {formula}" for name, formula in self.parts]
        return "\n".join(
            [self.formula.text, *[f"  where {line}" for line in lines[:1]], *[f"        {line}" for line in lines[1:]]]
        )

    __repr__ = __str__

    def to_latex(self) -> str:
        """As LaTeX, to stand between dollar signs."""
        if not self.parts:
            return self.formula.latex
        lines = [rf"&{name.latex} = {formula.latex}" for name, formula in self.parts]
        return rf"\begin{{aligned}} &{self.formula.latex} \\ \text{{where }} " + r" \\ ".join(lines) + r" \end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.to_latex()}$"


def expression(value: Value) -> Expression:
    """The recorded graph as one formula; a part that is used more than once is named, by its label if it has one.

    Raises:
        TypeError: if it is not a Value.
        ValueError: if the graph has more than 500 values.

    >>> w, x, b = Value(0.5, label="w"), Value(2.0, label="x"), Value(-1.0, label="b")
    >>> z = w * x + b
    >>> expression(z.tanh())
    tanh(w·x + b)
    >>> print(expression(z * z.exp()))
    v2·exp(v2)
      where v2 = w·x + b
    >>> expression(z.tanh()).to_latex()
    '\\\\tanh\\\\left( w \\\\cdot x + b \\\\right)'
    """
    order = bounded_order(value, 500, "write out")
    formulas = names(order)
    uses = dict.fromkeys(order, 0)
    for node in order:
        for parent in node.parents:
            uses[parent] += 1
    parts = []
    for node in order:
        if node.op is not None:
            parents = node.parents
            formula = write(node.op, [formulas[p] for p in parents], [p.data for p in parents])
            if uses[node] > 1:
                parts.append((formulas[node], formula))
            else:
                formulas[node] = formula
    return Expression(formulas[value], parts)
