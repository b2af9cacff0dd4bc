"""Formulas: what they say is what is computed, and whatever is in them they stay well formed."""

import itertools
import math
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from xml.sax.saxutils import escape

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser
from samples import ROWS, graphs, operands

from tinygrad_edu import Value, explain, expression, topological_order
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.operation import TABLE
from tinygrad_edu.formulas.formula import digits, joined, name, numeral, visible
from tinygrad_edu.viz.graphs.expression import notation, of_node, of_rule
from tinygrad_edu.viz.graphs.names import names_of

NASTY = [
    'a "quote"', "back\\slash", "\\", "\\N", "<b>bold</b>", "<script>alert(1)</script>", "two\nlines", "\r\t", "naïve",
    "日本語", "🎉", "שלום", "\u202eabc", "\ud800", "\0", "$", "$x$", "a_b", "a^b", "50%", "#1", "{", "}", "}{", "a}",
    "|", "||", "x]", "[x", "w[", "w[]", "w[0", "x[1]]", "~", "`code`", "&amp;", "--", "-->", "]]>", "5", "1e5", "-1",
    "x" * 10_000, "{" * 10_000, "a b c", "'", "\\text{x}", "\\end{aligned}", "%\n", "*", "**b**", "é", "θ", "w[٣]", "x²",
]  # fmt: skip


# ---- well formed -----------------------------------------------------------------------------------------------------

CHILDREN = {"msup": 2, "msub": 2, "mfrac": 2}


def as_xml(tree):
    """A MathML tree as XML text, checked: tokens hold one text, everything else elements only. No recursion."""
    pieces, stack = [], [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            pieces.append(item)
            continue
        tag, *children = item
        if tag in ("mi", "mn", "mo", "mtext"):
            [text] = children
            assert isinstance(text, str)
            assert text
            pieces.append(f"<{tag}>{escape(text)}</{tag}>")
        else:
            assert tag in ("mrow", "msqrt", *CHILDREN)
            assert len(children) == CHILDREN.get(tag, len(children))
            assert all(isinstance(child, tuple) for child in children)
            pieces.append(f"<{tag}>")
            stack += [f"</{tag}>", *reversed(children)]
    return "".join(pieces)


def balanced(latex):
    """Whether braces, \\left and \\right match, counting none that are escaped."""
    bare = re.sub(r"\\[\\{}$&#%_]", "", latex)
    for opening, pairs in (("{", re.findall("[{}]", bare)), ("left", re.findall(r"\\(left|right)(?![a-z])", bare))):
        depths = list(itertools.accumulate(1 if sign == opening else -1 for sign in pairs))
        if min(depths, default=0) < 0 or (depths and depths[-1]):
            return False
    return not re.search(r"(?<!\\)[$#%]", latex)


def check(formula):
    assert "\n" not in formula.text
    assert formula.text.isprintable()
    assert formula.text
    assert balanced(formula.latex), formula.latex
    assert formula.latex.isprintable()
    ET.fromstring(as_xml(formula.mathml))


mathtext = MathTextParser("path")


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level("ERROR", "matplotlib")  # fonts without some letters


def parses(latex):
    """Have matplotlib, which knows a part of LaTeX, read the formula."""
    known = re.sub(r"\\mathbin(?=\{)", "", latex).replace(r"\mathit", r"\mathrm")
    mathtext.parse(f"${known}$")


def sample(row):
    """One node of an operation, with operands that are named."""
    count = row.arity or {"dot": 4, "linear": 5}.get(row.name, 3)
    start = 1.5 if row.name == "arccosh" else 0.25
    return row(*[Value(start + i / 8, label=label) for i, label in zip(range(count), "xyzuv")])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_written_in_all_three_ways(row):
    node = sample(row)
    formulas = names_of(topological_order(node))
    for formula in [*of_node(node, formulas), *[f for pair in of_rule(node, formulas) for f in pair]]:
        check(formula)
        parses(formula.latex)


@given(graphs(numbers=st.floats(-1e6, 1e6), biggest=1e12))
def test_every_graph_is_written_in_all_three_ways(nodes):
    whole = expression(nodes[-1])
    for formula in (whole.formula, *[f for part in whole.parts for f in part]):
        check(formula)
    parses(whole.formula.latex)
    assert balanced(whole.to_latex())


@pytest.mark.parametrize("label", NASTY, ids=ascii)
def test_any_text_is_a_name(label):
    x, y = Value(0.5, label=label), Value(0.25, label=label)
    formulas = names_of([x, y])
    for formula in formulas.values():
        check(formula)
        assert len(formula.text) <= 60
    try:
        parses(formulas[x].latex)
    except ValueError as error:
        assert "\\text" in formulas[x].latex, error  # noqa: PT017  mathtext has no letter for some text
    whole = expression((x * y).tanh() / x**y)
    check(whole.formula)
    assert balanced(explain(x * y).to_latex().replace("\\[", "").replace("\\]", ""))


@given(
    st.lists(
        st.one_of(st.sampled_from(["", "x", "v1", "v2", "v[1]", "x#2", "x(2)", "w0", "w[0]", "w₀", *NASTY]), st.text())
    )
)
def test_any_texts_are_names_and_no_two_values_are_called_alike(labels):
    formulas = names_of([Value(1.0, label=label) for label in labels])
    for formula in formulas.values():
        check(formula)
    for way in ("text", "latex", "mathml"):
        assert len({getattr(formula, way) for formula in formulas.values()}) == len(labels)


def test_names_are_labels_or_counted():
    labels = ["x", "", "v1", "x", "\n", "w[0]", "w0"]
    order = [Value(1.0, label=label) for label in labels]
    constant = (order[0] + 2.5).parents[1]
    formulas = names_of([*order, constant])
    assert [formulas[node].text for node in order] == ["x", "v2", "v1", "x#2", "v3", "w[0]", "w0#2"]
    assert formulas[constant].text == "2.5"
    assert name("layers.0.neurons.3").text == "layers.0.neurons.3"
    assert [name(label).text for label in ("a b", "2nd", "x²", "_x")] == ["“a b”", "“2nd”", "“x²”", "_x"]
    assert [name(label).latex for label in ("w12", "rate", "θ", "w[3]", "a_b")] == [
        "w_{12}", r"\mathit{rate}", r"\theta", "w_{3}", r"\text{a}\_\text{b}"]  # fmt: skip


# ---- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (0.0, "0"), (-0.0, "0"), (1.0, "1"), (-2.0, "−2"), (0.1, "0.1"), (1 / 3, "0.3333"), (12345.678, "1.235×10⁴"),
        (123456.0, "123456"), (1e6, "1×10⁶"), (999999.7, "1×10⁶"), (1e300, "1×10³⁰⁰"), (-1.5e-7, "−1.5×10⁻⁷"),
        (5e-324, "4.941×10⁻³²⁴"), (math.inf, "∞"), (-math.inf, "−∞"), (math.nan, "NaN"),
    ],
)  # fmt: skip
def test_numbers_are_shown_to_four_digits(x, expected):
    assert digits(x) == numeral(x).text == expected
    for formula in (numeral(x), numeral(x, constant=True), expression(Value(1.0, label="x") * x).formula):
        check(formula)
        parses(formula.latex)


@given(st.floats())
def test_every_number_can_be_shown(x):
    check(numeral(x))
    shown = digits(x).replace("−", "-").replace("×10", "e").translate(FROM_SUPERSCRIPTS)
    if not math.isfinite(x):
        assert shown.strip("-") in ("∞", "NaN")
    else:
        assert Decimal(shown) == pytest.approx(Decimal(x), rel=Decimal("5e-4"), abs=Decimal("1e-323"))


def test_text_is_shortened_and_printable():
    assert [visible(text) for text in ("a\nb", " a ", "\0", "é\ud800")] == ["a b", "a", "", "é"]
    assert visible("x" * 10_000) == "x" * 29 + "…"
    assert len(visible("\n" * 10_000 + "x")) <= 30


# ---- what a formula says: read as Python, it gives the number --------------------------------------------------------

FROM_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
NAMESPACE = {op.name: op for op in TABLE.values()} | {"σ": ops.sigmoid, "abs": abs, "float": float, "bool": bool}


def closing(text, start):
    """The index of the parenthesis that closes the one at ``start``."""
    depth = 0
    for i in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise AssertionError(text)


def to_python(text):
    """The text of a formula as Python: mathematics' own ways to write put into its operators and calls."""
    text = text.replace("·", "*").replace("−", "-").replace("^", "**")
    text = text.replace("[", "float(bool(").replace("]", "))").replace(" = ", " == ")  # Iverson's brackets
    for sign, python in {"≥": ">=", "≤": "<=", "≠": "!=", "∧": "and", "∨": "or", " mod ": " % "}.items():
        text = text.replace(sign, python)
    for left, right, function in (("⌊", "⌋", "floor"), ("⌈", "⌉", "ceil")):
        text = text.replace(left, f"{function}(").replace(right, ")")
    text = re.sub(
        r"(^|[-+*/(,√=>] ?|\band |\bor )(\|+)", lambda m: m[1] + "abs(" * len(m[2]), text
    )  # what is left closes
    text = text.replace("|", ")")
    while match := re.search(r"([^\W⁰¹²³⁴⁵⁶⁷⁸⁹]+)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)\(", text):  # tanh²(x)
        end = closing(text, match.end() - 1)
        power = match[2].translate(FROM_SUPERSCRIPTS)
        text = f"{text[: match.start()]}({match[1]}{text[match.end() - 1 : end + 1]})**{power}{text[end + 1 :]}"
    while "√" in text:  # of what follows directly: a number, a name, a call or something in parentheses
        start = text.rindex("√")
        end = re.compile(r"√[\w.σ]*").match(text, start).end()
        if text[end : end + 1] == "(":
            end = closing(text, end) + 1
        text = f"{text[:start]}sqrt({text[start + 1 : end]}){text[end:]}"
    return re.sub("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: f"**({m[0].translate(FROM_SUPERSCRIPTS)})", text)


def evaluate(text, values):
    return eval(to_python(text), {"__builtins__": {}}, NAMESPACE | values)


def numbers_of(leaves):
    return {leaf.label: leaf.data for leaf in leaves if leaf.label}


INFIX = [TABLE[op] for op in ("add", "subtract", "multiply", "divide", "power", "negative", "positive", "absolute", "sqrt", "sum", "dot", "linear", "exp", "tanh")]  # fmt: skip
WHOLE = st.sampled_from([-3.0, -2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0])


@st.composite
def formulas(draw, rows):
    """The root of a graph with short constants between its names; signs and precedence are what it is about."""
    nodes = [Value(draw(WHOLE), label=label) for label in "abc"]
    for _ in range(draw(st.integers(1, 9))):
        row = draw(st.sampled_from(rows))
        count = row.arity or {"dot": 4, "linear": 5}.get(row.name) or draw(st.integers(1, 4))
        chosen = [draw(st.one_of(st.sampled_from(nodes[::-1]), WHOLE)) for _ in range(count)]
        try:
            node = row(*chosen)
        except (ArithmeticError, ValueError):
            continue
        if isinstance(node, Value) and abs(node.data) < 1e6:
            nodes.append(node)
    return nodes[-1]


@pytest.mark.parametrize("rows", [INFIX, ROWS], ids=["operators", "all"])
@given(data=st.data())
def test_read_as_python_a_formula_gives_the_number(rows, data):
    root = data.draw(formulas(rows))
    values = numbers_of(topological_order(root))
    whole = expression(root)
    for part, formula in whole.parts:
        values[part.text] = evaluate(formula.text, values)
    result = evaluate(whole.formula.text, values)
    assert result == pytest.approx(root.data, rel=1e-9, abs=1e-9), whole


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@given(data=st.data())
def test_read_as_python_a_rule_gives_the_local_derivative(row, data):
    leaves = [Value(round(x, 3), label=f"x{i}") for i, x in enumerate(data.draw(operands(row)))]
    try:
        node = row(*leaves)
        expected = local_derivatives(node)
    except (ArithmeticError, ValueError):
        assume(False)  # at a border, after rounding
    pairs = of_rule(node, names_of([*leaves, node]))
    for (symbols, numbers), local in zip(pairs, expected, strict=True):
        for formula in (symbols, numbers):
            result = evaluate(formula.text, numbers_of(leaves))
            assert result == pytest.approx(local, rel=2e-2, abs=2e-2), formula  # constants such as √(2π) are rounded


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (ops.tanh, ["1 − tanh²(x)"]),
        (ops.sigmoid, ["σ(x)·(1 − σ(x))"]),
        (ops.exp, ["exp(x)"]),
        (ops.log, ["1 / x"]),
        (ops.sqrt, ["0.5 / √x"]),
        (ops.sin, ["cos(x)"]),
        (ops.cos, ["−sin(x)"]),
        (ops.tan, ["1 + tan²(x)"]),
        (ops.relu, ["[x > 0]"]),
        (ops.leaky_relu, ["where([x > 0], 1, 0.01)"]),
        (ops.softplus, ["σ(x)"]),
        (ops.silu, ["σ(x)·(1 + x·(1 − σ(x)))"]),
        (ops.arctan, ["1 / (1 + x²)"]),
        (ops.absolute, ["sign(x)"]),
        (ops.negative, ["−1"]),
        (lambda x: x**2, ["2·x"]),
        (lambda x: x**3, ["3·x²"]),
        (lambda x: x**-1, ["−x⁻²"]),
        (lambda x: 2**x, ["2^x·0.6931"]),
        (lambda x: 2 / x, ["−2 / x²"]),
        (lambda x: x / 4, ["0.25"]),
        (lambda x: x * 3, ["3"]),
        (lambda x: 3 - x, ["−1"]),
        (lambda x: x / 1, ["1"]),
    ],
)
def test_famous_rules_look_as_in_a_book(f, expected):
    x = Value(0.5, label="x")
    node = f(x)
    rules = zip(node.parents, of_rule(node, names_of(topological_order(node))))
    assert [symbols.text for parent, (symbols, _) in rules if not parent.is_constant] == expected


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda a, b, c: a / b * c, "(a / b)·c"),
        (lambda a, b, c: a / b / c, "(a / b) / c"),
        (lambda a, b, c: a / (b * c), "a / (b·c)"),
        (lambda a, b, c: a * b / c, "a·b / c"),
        (lambda a, b, c: a - (b - c), "a − (b − c)"),
        (lambda a, b, c: -((a * b) ** 2), "−(a·b)²"),
        (lambda a, b, c: (-a) ** 2, "(−a)²"),
        (lambda a, b, c: a - -b, "a − (−b)"),
        (lambda a, b, c: a * -2, "a·(−2)"),
        (lambda a, b, c: ops.sin(a) ** 2, "sin²(a)"),
        (lambda a, b, c: ops.sin(a) ** -1, "sin(a)⁻¹"),
        (lambda a, b, c: ops.sin(a) ** b, "sin(a)^b"),
        (lambda a, b, c: a ** (b**c), "a^(b^c)"),
        (lambda a, b, c: (a**b) ** c, "(a^b)^c"),
        (lambda a, b, c: a**0.5, "a^0.5"),
        (lambda a, b, c: ops.sqrt(a + b) * abs(c), "√(a + b)·|c|"),
        (lambda a, b, c: ops.dot(a, b, c, a) * 2, "(a·c + b·a)·2"),
        (lambda a, b, c: ops.sum_(a, b, c) * 2, "(a + b + c)·2"),
        (lambda a, b, c: ops.linear(a, b, c), "a·b + c"),
        (lambda a, b, c: ops.mean(a, b, c), "mean(a, b, c)"),
        (lambda a, b, c: (a * 1e-7) ** 2, "(a·(1×10⁻⁷))²"),
    ],
)
def test_parentheses_stand_where_a_reader_needs_them(f, expected):
    root = f(*[Value(0.5, label=label) for label in "abc"])
    assert str(expression(root)) == expected


def test_fractions_need_no_parentheses_in_latex():
    a, b = Value(1.0, label="a"), Value(2.0, label="b")
    assert expression((a / b) * (b / a)).to_latex() == r"\frac{a}{b} \cdot \frac{b}{a}"


# ---- operations of one's own -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notation_", "expected"),
    [
        ("", "own(a)"), ("f(x)", "f(a)"), ("√x", "√a"), ("¬x", "¬a"), ("x!", "a!"), ("x²", "a²"), ("|x|", "|a|"),
        ("⌊x⌋", "⌊a⌋"), ("ln x", "ln(a)"), ("Δx", "Δ(a)"), ("x", "own(a)"), ("definition", "own(a)"), ("$x$", "$a$"),
        ("#x", "#a"), ("{x}", "{a}"), ("\\x", "\\a"), ("<x>", "<a>"), ("(", "own(a)"), ("a + b", "a + a"),
        ("∂\n(x)", "“∂”(a)"), ("\0", "own(a)"), ("&x%", "&a%"),
    ],
)  # fmt: skip
def test_an_operation_of_ones_own_is_written_as_its_notation_says(own_operation, notation_, expected):
    own = own_operation("own", lambda x: x, lambda y, x: (1.0,), notation=notation_)
    formula = expression(own(Value(1.0, label="a"))).formula
    check(formula)
    if notation_ != "a + b":  # a sign between operands says nothing about one
        assert formula.text == expected
    sum_of_it = expression(own(Value(1.0, label="a") + 1) * 2).formula
    check(sum_of_it)
    assert "(a + 1)" in sum_of_it.text or "a + 1" in sum_of_it.text.split("·")[0].strip("()|{}$<>⌊⌋&%")


@pytest.mark.parametrize(
    ("notation_", "expected"),
    [
        ("a ⊕ b", "a ⊕ b"), ("a mod b", "a mod b"), ("max(a, b, c)", "max(a, b)"), ("a # b", "a # b"),
        ("a <b> b", "a <b> b"), ("a \\ b", "a \\ b"), ("a { b", "a { b"), ("a \0 b", "own(a, b)"), ("|x|", "own(a, b)"),
    ],
)  # fmt: skip
def test_a_sign_of_ones_own_stands_between_its_operands(own_operation, notation_, expected):
    own = own_operation("own", lambda x, y: x, lambda z, x, y: (1.0, 0.0), notation=notation_)
    a, b = Value(1.0, label="a"), Value(2.0, label="b")
    formula = expression(own(a, b)).formula
    check(formula)
    assert formula.text == expected
    if "(" not in expected:
        assert str(expression(own(a + b, a * b) * 2)) == f"({expected})·2".replace("b)", "(a·b))").replace(
            "(a ", "((a + b) "
        )


@pytest.mark.parametrize("label", NASTY, ids=ascii)
def test_any_text_is_the_name_of_an_operation(own_operation, label):
    own = own_operation(label, lambda *xs: 1.0, lambda y, *xs: (0.0,) * len(xs))
    node = own(Value(1.0, label="x"), Value(2.0, label="y"))
    symbols, numbers = of_node(node, names_of(topological_order(node)))
    check(symbols)
    check(numbers)
    kind, head, _ = notation(own)
    assert (kind, head) == ("before", label)


def test_signs_of_ones_own_are_not_tidied_as_if_they_were_arithmetic(own_operation):
    own_max = own_operation("larger", max, lambda z, x, y: (1.0, 0.0), notation="a + b")
    square = own_operation("square", lambda x: x * x, lambda y, x: (own_max(x, 0.0),))
    x = Value(2.0, label="x")
    node = square(x)
    [(symbols, _)] = of_rule(node, names_of([x, node]))
    assert symbols.text == "x + 0"


# ---- whole graphs ----------------------------------------------------------------------------------------------------


def test_shared_parts_are_named_once():
    x = Value(0.5, label="x")
    shared = x.exp()
    shared.label = "s"
    other = shared * 2
    whole = expression(shared * other + other, names=False)
    assert str(whole) == "s·v1 + v1\n  where s = exp(x)\n        v1 = s·2"
    assert whole.to_latex() == (
        r"\begin{aligned} &s \cdot v_{1} + v_{1} \\ \text{where } "
        r"&s = \exp\left( x \right) \\ &v_{1} = s \cdot 2 \end{aligned}"
    )
    assert whole._repr_latex_() == f"$\\displaystyle {whole.to_latex()}$"


def test_a_long_sum_is_written_in_lines_that_fit_a_page():
    terms = [Value(1.0, label=f"a_rather_long_name_{letter}") for letter in "abcdef"]
    shown = expression(sum_of(terms)).to_latex()
    assert shown.count(r" \\ &\quad + ") == 1
    assert shown.count("+") == 5
    assert r"\\" not in expression(sum_of(terms[:3])).to_latex()


def sum_of(values):
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def test_a_leaf_is_its_name():
    assert str(expression(Value(2.0, label="x"))) == "x"
    assert str(expression(Value(2.0))) == "v1"


def test_deep_and_wide_formulas_are_written():
    x = Value(0.5, label="x")
    deep = x
    for _ in range(400):
        deep = deep.sin()
    whole = expression(deep)
    assert str(whole) == "sin(" * 400 + "x" + ")" * 400
    check(whole.formula)
    wide = ops.dot(*[Value(1.0, label=f"x[{i}]") for i in range(400)])
    assert str(expression(wide)).count(" + ") == 199


def test_writing_changes_nothing():
    x = Value(0.5, label="x")
    y = x.tanh() * 2
    y.backward()
    before = [(n.data, n.grad, n.label, n.op) for n in topological_order(y)]
    expression(y)
    of_rule(y, names_of(topological_order(y)))
    assert [(n.data, n.grad, n.label, n.op) for n in topological_order(y)] == before


def test_conditions_are_written_in_brackets():
    x = Value(0.5, label="x")
    for node, text, latex in [
        (ops.greater(x, 0.0), "[x > 0]", r"\left[ x > 0 \right]"),
        (ops.greater_equal(x, 1.0), "[x ≥ 1]", r"\left[ x \geq 1 \right]"),
        (ops.equal(x, 1.0), "[x = 1]", r"\left[ x = 1 \right]"),
    ]:
        formula = expression(node).formula
        assert formula.text == text
        assert formula.latex == latex
        check(formula)
        parses(formula.latex)


def test_long_sums_are_shortened_in_steps_but_not_in_the_whole():
    leaves = [Value(float(i), label=f"x[{i}]") for i in range(20)]
    node = ops.sum_(*leaves)
    symbols, numbers = of_node(node, names_of([*leaves, node]))
    assert symbols.text == "x[0] + x[1] + x[2] + … + x[18] + x[19]"
    assert numbers.text == "0 + 1 + 2 + … + 18 + 19"
    check(symbols)
    rule, _ = of_rule(ops.logsumexp(*leaves), names_of([*leaves, node]))[0]
    assert len(rule.text) < 200


def test_products_and_sums_of_numbers_are_joined():
    assert joined([2.0, -3.0, 1e-7]).text == "2 × (−3) × (1×10⁻⁷)"
    assert joined([-2.0, -3.0], "+").text == "−2 + (−3)"
    assert joined([]).text == "1"
    for formula in (joined([2.0, -3.0]), joined([-2.0, -3.0], "+")):
        check(formula)
        parses(formula.latex)
