"""Formulas: pieces of mathematics, each as plain text, as LaTeX and as MathML, and how larger ones are laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any, TypeAlias

    MathML: TypeAlias = "tuple[Any, ...]"  # (element, text) or (element, child, child, ...)

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4  # how tightly a formula holds together; a minus sign as loosely as a sum
LEVELS = {"+": SUM, "-": SUM, "·": PRODUCT}
LATEX_SIGNS = {"·": r"\cdot", "×": r"\times", "→": r"\to", "≥": r"\geq"} | {sign: sign for sign in "+-=>,"}
# The functions that LaTeX has a command for.
LATEX_FUNCTIONS = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "exp", "log"}
GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi"
LATEX_GREEK = {sign: "\\" + name for sign, name in zip("αβγδεζηθικλμνξπρστυφχψω", [*GREEK.split(), "omega"])}
SUBSCRIPTS = str.maketrans("0123456789()", "₀₁₂₃₄₅₆₇₈₉₍₎")
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
        return self if self.binding >= binding else fenced("(", self, ")")


DOTS = Formula("…", r"\cdots", ("mo", "⋯"))
TO = Formula(" … ", r" \mathrel{\ldots} ", ("mo", "…"))  # between the ends of a range
APPLIED = Formula("", "", ("mo", "\u2061"))  # between a function and its operands


# ---- numbers and names -----------------------------------------------------------------------------------------------


def digits(x: float) -> str:
    """A number to four significant digits, whole numbers below a million in full; as text.

    >>> digits(-0.123456), digits(60000.0), digits(1.5e-7)
    ('−0.1235', '60000', '1.5×10⁻⁷')
    """
    return numeral(x).text


def numeral(x: float, *, constant: bool = False) -> Formula:
    """A number, as a formula; a ``constant`` is a number that stands in the formula itself."""
    if x != x:
        rounded, latex = "NaN", r"\mathrm{NaN}"
    elif abs(x) == float("inf"):
        rounded, latex = "∞", r"\infty"
    else:
        rounded = latex = str(int(abs(x))) if x == int(x) and abs(x) < 1e6 else f"{abs(x):.4g}"
    mantissa, _, exponent = rounded.partition("e")
    formula = Formula(mantissa, latex, ("mn", mantissa))
    if exponent:
        power = str(int(exponent))
        raised: MathML = ("msup", ("mn", "10"), ("mn", power.replace("-", "−")))
        formula = Formula(
            f"{mantissa}×10{power.translate(SUPERSCRIPTS)}",
            rf"{mantissa} \times 10^{{{power}}}",
            ("mrow", ("mn", mantissa), ("mo", "×"), raised),
            PRODUCT,
        )
    if x < 0:
        formula = row(Formula("−", "-", ("mo", "−")), formula, binding=SUM)
    formula.number = x if constant else None
    return formula


def visible(text: str, limit: int = 30) -> str:
    """Any text as one short line of printable characters.

    >>> visible("two\\nlines"), visible("x" * 100, limit=5)
    ('two lines', 'xxxx…')
    """
    line = "".join(c if c.isprintable() else " " for c in text[: 2 * limit]).strip()
    return line if len(line) <= limit and len(text) <= 2 * limit else line[: limit - 1] + "…"


def name(label: str) -> Formula:
    """A name.

    >>> name("w[0]").latex, name("a+b").text
    ('w_{0}', '“a+b”')
    """
    text = visible(label, 48)
    stem, index = _subscript(text)
    if not stem:
        text = quoted(text)
        formula = Formula(text, words(text), ("mtext", text))
    else:
        latex = LATEX_GREEK.get(stem) or (rf"\mathit{{{stem}}}" if stem.isascii() else words(stem))
        letters = Formula(stem, stem if len(stem) == 1 and stem.isascii() else latex, ("mi", stem))
        formula = letters
        if index:
            formula = Formula(text, f"{letters.latex}_{{{index}}}", ("msub", letters.mathml, ("mn", index)))
    return formula


def indexed(letter: str, indices: Sequence[int], layer: int = 0) -> Formula:
    """A letter with indices below it and, in parentheses above, the number of a layer, if it is not 0.

    >>> indexed("w", [1, 2], 3).text, indexed("h", [1], 2).latex, indexed("w", [12, 3]).text
    ('w₁₂⁽³⁾', 'h_{1}^{(2)}', 'w₁₂,₃')
    """
    below = ("" if max(indices) < 10 else ",").join(map(str, indices))
    text, latex = letter + below.translate(SUBSCRIPTS), f"{letter}_{{{below}}}"
    mathml: MathML = ("msub", ("mi", letter), ("mn", below))
    if layer:
        above = f"({layer})"
        text, latex = text + above.translate(SUPERSCRIPTS), f"{latex}^{{{above}}}"
        mathml = ("msup", mathml, ("mn", above))
    return Formula(text, latex, mathml)


def numbered(formula: Formula, number: int) -> Formula:
    """The name of one of several Values that have the same: x#2 for the second."""
    mark = f"#{number}"
    return Formula(
        formula.text + mark, rf"{{{formula.latex}}}_{{\{mark}}}", ("msub", ("mrow", formula.mathml), ("mn", mark))
    )


def marked(formula: Formula, use: int) -> Formula:
    """A name for one use of several of the same Value: x₍₂₎ for the second x in x·x."""
    mark = f"({use})"
    text, latex = formula.text + mark.translate(SUBSCRIPTS), rf"{{{formula.latex}}}_{{{mark}}}"
    return Formula(text, latex, ("msub", ("mrow", formula.mathml), ("mn", mark)))


def words(text: str) -> str:
    """Text in a LaTeX formula."""
    return rf"\text{{{text.translate(LATEX_WORDS)}}}"


def quoted(text: str) -> str:
    """The text, in quotation marks unless it looks like a name."""
    like_a_name = text[:1].isalpha() or text[:1] == "_"
    return text if like_a_name and all(c.isalpha() or c.isdecimal() or c in "._[]" for c in text) else f"“{text}”"


def _subscript(text: str) -> tuple[str, str]:
    """The letters and the index of names such as w, w1 and w[1]; none for any other text."""
    stem = text.rstrip("0123456789")
    index = text[len(stem) :]
    if text.endswith("]"):
        stem, _, index = text[:-1].partition("[")
        stem = stem if index.isdecimal() else ""
    return (stem, index) if stem.isalpha() else ("", "")


# ---- layouts ---------------------------------------------------------------------------------------------------------


def row(*pieces: Formula, binding: int = ATOM, parts: tuple[Any, ...] = ("",)) -> Formula:
    """Formulas and signs side by side, as one formula."""
    return Formula(
        "".join([piece.text for piece in pieces]),
        "".join([piece.latex for piece in pieces]),
        ("mrow", *[piece.mathml for piece in pieces]),
        binding,
        parts,
    )


def separated(sign: str, formulas: Sequence[Formula], binding: int = 0) -> Formula:
    """Formulas with a sign between each and the next: a, b, c."""
    between = _sign(sign, left="") if sign == "," else _sign(sign)
    pieces = [piece for formula in formulas for piece in (between, formula)][1:]
    return row(*pieces, binding=binding, parts=(sign, *formulas) if sign == "," else ("",))


def spread(numbers: Collection[float]) -> Formula:
    """Numbers, from the smallest to the largest.

    >>> spread([2.0, -1.0, 0.5]).text, spread([3.0, 3.0]).text
    ('−1 … 2', '3')
    """
    low, high = numeral(min(numbers)), numeral(max(numbers))
    return low if low.text == high.text else row(low, TO, high)


def equation(*sides: Formula | float) -> Formula:
    """Formulas or numbers that are equal: a = b = 2."""
    return separated("=", [_formula(side) for side in sides])


def _formula(x: Formula | float) -> Formula:
    return x if isinstance(x, Formula) else numeral(x)


def _sign(sign: str, left: str = " ", right: str = " ") -> Formula:
    """A sign with the space around it."""
    shown = "−" if sign == "-" else sign
    latex = LATEX_SIGNS.get(sign) or rf"\mathbin{{{words(sign)}}}"
    text = shown if sign == "·" else left + shown + right
    return Formula(text, left + latex + right, ("mo", shown))


def fenced(left: str, inner: Formula, right: str) -> Formula:
    """A formula between two signs: (x), |x|."""
    grows = {left, right} <= set("|()[]")
    before, after = (rf"\left{left}", rf"\right{right}") if grows else (words(left), words(right))
    return row(Formula(left, f"{before} ", ("mo", left)), inner, Formula(right, f" {after}", ("mo", right)))


def infix(sign: str, left: Formula, right: Formula) -> Formula:
    """Two formulas with a sign between them: a + b. Sums and products keep their terms as parts."""
    if sign == "·":
        left, right = _factor(left), _factor(right)
    if sign in LEVELS:
        level = LEVELS[sign]
        left, right = left.within(level), right.within(level + 1)
    else:  # an operation of one's own holds as loosely as a sum, and what is in it never without parentheses
        level = SUM
        left, right = left.within(ATOM), right.within(ATOM)
    terms = left.parts[1:] if left.parts[0] == sign != "-" else (left,)
    return row(left, _sign(sign), right, binding=level, parts=(sign, *terms, right))


def _factor(formula: Formula) -> Formula:
    """As a factor: a quotient needs parentheses in plain text, to keep a / b·c from being misread, but not as a
    fraction."""
    if formula.parts[0] != "/":
        return formula
    return Formula(f"({formula.text})", formula.latex, formula.mathml, ATOM, formula.parts)


def prefix(sign: str, inner: Formula) -> Formula:
    """A sign before a formula: -x."""
    shown = "−" if sign == "-" else sign
    before = Formula(shown, _sign(sign, left="").latex, ("mo", shown))
    return row(before, inner.within(PRODUCT if sign in LEVELS else ATOM), binding=SUM, parts=(sign, inner))


def suffix(inner: Formula, sign: str) -> Formula:
    """A sign behind a formula: x!."""
    return row(inner.within(ATOM), Formula(sign, f" {words(sign)}", ("mo", sign)), binding=POWER)


def fraction(top: Formula, bottom: Formula) -> Formula:
    """One formula over another, in text a / b."""
    text = f"{_factor(top.within(PRODUCT))} / {bottom.within(POWER)}"
    latex = rf"\frac{{{top.latex}}}{{{bottom.latex}}}"
    return Formula(text, latex, ("mfrac", top.mathml, bottom.mathml), PRODUCT, ("/", top, bottom))


def radical(inner: Formula) -> Formula:
    """A square root."""
    return Formula(f"√{inner.within(ATOM)}", rf"\sqrt{{{inner.latex}}}", ("msqrt", inner.mathml), POWER)


def superscript(base: Formula, exponent: Formula) -> Formula:
    """A power: x², xⁿ, and tanh²(x) for that of a function."""
    digits_only = exponent.text.replace("−", "-")
    if digits_only.replace("-", "").isdecimal():
        raised = digits_only.translate(SUPERSCRIPTS)
    else:
        raised = f"^{exponent.within(ATOM)}"
    if base.parts[0] == "call" and exponent.text.isdecimal():  # tanh²(x); but sin⁻¹(x) would be the inverse of sin
        _, head, inner = base.parts
        latex, mathml = f"{head.latex}^{{{exponent.latex}}}", ("msup", head.mathml, exponent.mathml)
        return row(Formula(head.text + raised, latex, mathml), APPLIED, inner, binding=POWER)
    base = base.within(ATOM)
    latex = f"{{{base.latex}}}^{{{exponent.latex}}}"
    return Formula(base.text + raised, latex, ("msup", ("mrow", base.mathml), exponent.mathml), POWER)


def call(head: str, operands: Sequence[Formula]) -> Formula:
    """A function of operands: arctan2(y, x)."""
    shown = quoted(visible(head))
    if head in LATEX_FUNCTIONS:
        latex = "\\" + head
    elif shown.isascii() and shown.isalnum():
        latex = rf"\operatorname{{{shown}}}"
    else:
        latex = LATEX_GREEK.get(head) or words(shown)
    function, inner = Formula(shown, latex, ("mi", shown)), fenced("(", separated(",", operands), ")")
    return row(function, APPLIED, inner, parts=("call", function, inner))


def shortened(formula: Formula, terms: int = 6) -> Formula:
    """The formula; a sum or product of more than so many terms with its middle left out."""
    sign, *operands = formula.parts
    if sign in ("", "call", "-", "/") or len(operands) <= terms:
        return formula
    result: Formula = operands[0]
    for operand in [*operands[1:3], DOTS, *operands[-2:]]:
        result = infix(sign, result, operand)
    return result


def continued(line: Formula | None, sign: str, formula: Formula) -> Formula:
    """A line that goes on with a sign and a formula, x = a; without a ``line``, the beginning of the next one: = a."""
    return row(line, _sign(sign), formula, binding=0) if line else row(_sign(sign, left=""), formula, binding=0)


def joined(items: Sequence[Formula | float], sign: str = "×") -> Formula:
    """Numbers or formulas multiplied or added: 2 × 3 × (−4).

    >>> joined([2.0, -3.0]).text, joined([2.0, -3.0], "+").text
    ('2 × (−3)', '2 + (−3)')
    """
    level = SUM if sign == "+" else PRODUCT
    first, *others = map(_formula, items or [1.0])
    return separated(sign, [first.within(level), *[formula.within(level + 1) for formula in others]], level)


def ratio(sign: str, top: Formula, *bottoms: Formula) -> Formula:
    """The name of a derivative: dy/dx, or with another sign ∂y/∂x; a higher one with several below."""
    top, *below = [formula.within(ATOM) for formula in (top, *bottoms)]
    latex = r"\partial" if sign == "∂" else "d"
    order, power = "", ""
    raised: MathML = ("mi", sign)
    if len(below) > 1:
        order, power = str(len(below)), f"^{{{len(below)}}}"
        raised = ("msup", ("mi", sign), ("mn", order))
    space = " " if top.text[:1].isalpha() and len(top.text) > 1 and sign == "d" else ""
    bottom = "".join(sign + formula.text for formula in below)
    latex_bottom = " ".join(f"{latex} {formula.latex}" for formula in below)
    steps: list[MathML] = [part for formula in below for part in (("mi", sign), formula.mathml)]
    return Formula(
        f"{sign}{order.translate(SUPERSCRIPTS)}{space}{top}/{bottom}",
        rf"\frac{{{latex}{power} {top.latex}}}{{{latex_bottom}}}",
        ("mfrac", ("mrow", raised, top.mathml), ("mrow", *steps)),
    )
