"""Formulas: pieces of mathematics, each as plain text, as LaTeX and as MathML, and how larger ones are laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias

    MathML: TypeAlias = "tuple[Any, ...]"  # (element, text) or (element, child, child, ...)

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4  # how tightly a formula holds together; a minus sign as loosely as a sum
LEVELS = {"+": SUM, "-": SUM, "·": PRODUCT}
SIGNS = {"-": "−", "·": "·"}
LATEX_SIGNS = {"·": r" \cdot ", ">": " > ", "≥": r" \geq "}
LATEX_HEADS = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "exp", "log"}
# From alpha on in the order of Unicode, with places for omicron and the final sigma.
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi _ pi rho _ sigma tau upsilon phi chi "
    "psi omega"
)
LATEX_GREEK = {chr(0x3B1 + i): "\\" + letter for i, letter in enumerate(GREEK.split()) if letter != "_"}
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


def marked(formula: Formula, use: int) -> Formula:
    """A name for one use of several: x₍₂₎ for the second x in x·x."""
    mark = f"({use})"
    return Formula(
        formula.text + mark.translate(SUBSCRIPTS),
        rf"{{{formula.latex}}}_{{{mark}}}",
        ("msub", ("mrow", formula.mathml), ("mn", mark)),
    )


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


# ---- layouts ---------------------------------------------------------------------------------------------------------


def fenced(left: str, inner: Formula, right: str) -> Formula:
    """A formula between two signs: (x), |x|."""
    if {left, right} <= set("|()[]"):
        latex = rf"\left{left} {inner.latex} \right{right}"
    else:
        latex = f"{words(left)} {inner.latex} {words(right)}"
    return Formula(left + inner.text + right, latex, ("mrow", ("mo", left), inner.mathml, ("mo", right)))


def infix(sign: str, left: Formula, right: Formula) -> Formula:
    """Two formulas with a sign between them: a + b. Sums and products keep their terms as parts."""
    level = LEVELS.get(sign, SUM)  # an operation of one's own holds as loosely as a sum, and never without parentheses
    if sign == "·":
        left, right = _factor(left), _factor(right)
    left, right = left.within(level if sign in LEVELS else ATOM), right.within(level + 1 if sign in LEVELS else ATOM)
    shown = SIGNS.get(sign, sign)
    text = f"{left.text}·{right.text}" if sign == "·" else f"{left.text} {shown} {right.text}"
    latex = f"{left.latex}{LATEX_SIGNS.get(sign) or f' {_latex_sign(sign)} '}{right.latex}"
    terms = left.parts[1:] if left.parts[0] == sign != "-" else (left,)
    return Formula(text, latex, ("mrow", left.mathml, ("mo", shown), right.mathml), level, (sign, *terms, right))


def _latex_sign(sign: str) -> str:
    return sign if sign in ("+", "-", "=") else rf"\mathbin{{{words(sign)}}}"


def _factor(formula: Formula) -> Formula:
    """As a factor: a quotient needs parentheses in plain text, to keep a / b·c from being misread, but not as a
    fraction."""
    if formula.parts[0] != "/":
        return formula
    return Formula(f"({formula.text})", formula.latex, formula.mathml, ATOM, formula.parts)


def prefix(sign: str, inner: Formula) -> Formula:
    """A sign before a formula: -x."""
    inner_ = inner.within(PRODUCT if sign in LEVELS else ATOM)
    shown = SIGNS.get(sign, sign)
    return Formula(
        shown + inner_.text,
        f"{_latex_sign(sign)} {inner_.latex}",
        ("mrow", ("mo", shown), inner_.mathml),
        SUM,
        (sign, inner),
    )


def suffix(inner: Formula, sign: str) -> Formula:
    """A sign behind a formula: x!."""
    inner = inner.within(ATOM)
    return Formula(inner.text + sign, f"{inner.latex} {words(sign)}", ("mrow", inner.mathml, ("mo", sign)), POWER)


def fraction(top: Formula, bottom: Formula) -> Formula:
    """One formula over another, in text a / b."""
    text = f"{_factor(top.within(PRODUCT)).text} / {bottom.within(POWER).text}"
    latex = rf"\frac{{{top.latex}}}{{{bottom.latex}}}"
    return Formula(text, latex, ("mfrac", top.mathml, bottom.mathml), PRODUCT, ("/", top, bottom))


def radical(inner: Formula) -> Formula:
    """A square root."""
    return Formula("√" + inner.within(ATOM).text, rf"\sqrt{{{inner.latex}}}", ("msqrt", inner.mathml), POWER)


def superscript(base: Formula, exponent: Formula) -> Formula:
    """A power: x², xⁿ, and tanh²(x) for that of a function."""
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


def call(head: str, operands: Sequence[Formula]) -> Formula:
    """A function of operands: arctan2(y, x)."""
    shown = _quoted(visible(head))
    if head in LATEX_HEADS:
        latex = "\\" + head
    elif shown.isascii() and shown.isalnum():
        latex = rf"\operatorname{{{shown}}}"
    else:
        latex = LATEX_GREEK.get(head) or words(shown)
    function = Formula(shown, latex, ("mi", shown))
    inner = fenced("(", listed(operands), ")")
    return Formula(
        function.text + inner.text,
        f"{function.latex}{inner.latex}",
        ("mrow", function.mathml, ("mo", "\u2061"), inner.mathml),
        parts=("call", function, inner),
    )


def listed(operands: Sequence[Formula]) -> Formula:
    """Formulas with commas between them."""
    return row(operands, ",", ", ", ", ", ATOM)


def row(formulas: Sequence[Formula], sign: str, text: str, latex: str, binding: int) -> Formula:
    """Formulas side by side with a sign between them, as it is written in text and in LaTeX."""
    mathml: list[MathML] = []
    for formula in formulas:
        mathml += [("mo", sign), formula.mathml] if mathml else [formula.mathml]
    return Formula(
        text.join(formula.text for formula in formulas),
        latex.join(formula.latex for formula in formulas),
        ("mrow", *mathml),
        binding,
    )


def shortened(formula: Formula, terms: int = 6) -> Formula:
    """The formula; a sum or product of more than so many terms with its middle left out."""
    sign, *operands = formula.parts
    if sign in ("", "call", "-", "/") or len(operands) <= terms:
        return formula
    result: Formula = operands[0]
    for operand in [*operands[1:3], Formula("…", r"\cdots", ("mo", "⋯")), *operands[-2:]]:
        result = infix(sign, result, operand)
    return result


def equation(*formulas: Formula) -> Formula:
    """a = b = c."""
    return row(formulas, "=", " = ", " = ", 0)


def after(sign: str, formula: Formula, before: Formula | None = None) -> Formula:
    """A line that goes on with a sign and a formula, behind another or by itself: x = a, = a."""
    text, latex = (f"{before} ", f"{before.latex} ") if before else ("", "")
    mathml = ("mrow", *([before.mathml] if before else []), ("mo", sign), formula.mathml)
    return Formula(f"{text}{sign} {formula}", f"{latex}{sign} {formula.latex}", mathml, 0)


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
    return row(result, sign, f" {sign} ", r" \times " if sign == "×" else f" {sign} ", level)


def ratio(sign: str, top: Formula, *bottoms: Formula) -> Formula:
    """The name of a derivative: dy/dx, or with another sign ∂y/∂x; a higher one with several below."""
    top, bottoms = top.within(ATOM), tuple([bottom.within(ATOM) for bottom in bottoms])
    space = " " if top.text[:1].isalpha() and len(top.text) > 1 and sign == "d" else ""
    latex_sign = r"\partial " if sign == "∂" else "d "
    order = str(len(bottoms)) if len(bottoms) > 1 else ""
    raised: MathML = ("msup", ("mi", sign), ("mn", order)) if order else ("mi", sign)
    below: list[MathML] = [part for bottom in bottoms for part in (("mi", sign), bottom.mathml)]
    return Formula(
        f"{sign}{order.translate(SUPERSCRIPTS)}{space}{top.text}/" + "".join(sign + bottom.text for bottom in bottoms),
        rf"\frac{{{latex_sign.strip() + f'^{{{order}}} ' if order else latex_sign}{top.latex}}}"
        rf"{{{' '.join(latex_sign + bottom.latex for bottom in bottoms)}}}",
        ("mfrac", ("mrow", raised, top.mathml), ("mrow", *below)),
    )
