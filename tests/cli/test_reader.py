"""Formulas that a person types: what they compute, what is refused, and where the message points."""
# ruff: noqa: RUF001 (letters that look like others are among what is typed)

import ast
import math
import subprocess
import sys
import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value, no_grad
from tinygrad_edu.cli.messages import WIDTH
from tinygrad_edu.cli.reader import LONGEST, assignments, read
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.operation import BUILT_IN, TABLE
from tinygrad_edu.engine.value import topological_order

NUMBERS = {"w": 0.5, "x": 2.0, "b": -1.0}


def failing(text, numbers=NUMBERS, error=ValueError):
    """The lines of the message of a formula that must fail."""
    with pytest.raises(error) as caught:
        read(text, numbers)
    assert type(caught.value) is error
    return str(caught.value).split("\n")


# ---- what a formula computes -----------------------------------------------------------------------------------------


def test_a_formula_is_recorded_and_its_names_get_gradients():
    y, names = read("tanh(w*x + b)", NUMBERS)
    y.backward()
    assert (y.op, y.data) == (ops.tanh, 0.0)
    assert {name: (value.label, value.data, value.grad) for name, value in names.items()} == {
        "w": ("w", 0.5, 2.0),
        "x": ("x", 2.0, 0.5),
        "b": ("b", -1.0, 1.0),
    }


def test_a_name_is_one_value_however_often_it_is_written():
    y, names = read("x*x + x", {"x": 3.0})
    y.backward()
    assert [node for node in topological_order(y) if not node.parents] == [names["x"]]
    assert names["x"].grad == 7.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3", 5.0),
        ("7", 7.0),
        ("x", 2.0),
        ("  ( x )  ", 2.0),
        ("-x**2", -4.0),
        ("x**-1", 0.5),
        ("2**3**2", 512.0),
        ("1 - 2 - 3", -4.0),
        ("x / 4 / 2", 0.25),
        ("+x - -x", 4.0),
        ("1_000 + .5 + 5. + 1e3 + 1E-1", 2005.6),
        ("00 + x", 2.0),
        ("maximum(x, 3)", 3.0),
        ("arctan2(x=x, y=0)", 0.0),
        ("leaky_relu(-x, negative_slope=0.5)", -1.0),
        ("leaky_relu(negative_slope=0.5, x=-x)", -1.0),
        ("leaky_relu(-x, 0.5,)", -1.0),
        ("elu(x)", 2.0),
        ("abs(-x) + max(x, 3) + min(3, b=x)", 7.0),
        ("ln(x) - log(x)", 0.0),
        ("sum(x, 1, 2)", 5.0),
        ("mean(x, 1, 3)", 2.0),
        ("dot(1, 2, x, 4)", 10.0),
        ("linear(1, 2, x, 4, 5)", 15.0),
        ("linear(x)", 2.0),
        ("logsumexp(x)", 2.0),
        ("x +\n  1", 3.0),
        ("x +\r\n\t1\r+ 1", 4.0),
        ("x  # the number\n + 1  # and (one more", 3.0),
    ],
)
def test_numbers_of_formulas(text, expected):
    y, _ = read(text, {"x": 2.0} if "x" in text.replace("max", "").replace("exp", "") else {})
    assert type(y) is Value
    assert y.data == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_function_of_the_table_can_be_written(name):
    count = TABLE[name].arity or 5 - (name == "dot")
    numbers = {f"x{i}": 0.5 if name == "arctanh" else 1.0 for i in range(count)}
    y, names = read(f"{name}({', '.join(numbers)})", numbers)
    assert y.op is TABLE[name]
    assert y.parents == tuple(names.values())


@pytest.mark.parametrize(("text", "op"), [("abs(x)", ops.absolute), ("max(x, 1)", ops.maximum), ("min(x, 1)", ops.minimum), ("ln(x)", ops.log)])  # fmt: skip
def test_everyday_names_are_functions_of_the_table(text, op):
    assert read(text, {"x": 2.0})[0].op is op


def test_ones_own_operation_comes_before_an_everyday_name(own_operation):
    own_operation("ln", lambda x: x + 40, lambda y, x: (1.0,))
    assert read("ln(x)", {"x": 2.0})[0].data == 42.0


def test_ones_own_operations_can_be_written(own_operation):
    own_operation("cube", lambda x: x**3, lambda y, x: (3 * x * x,))
    own_operation("longest", lambda *xs: max(xs), lambda y, *xs: (0.0,) * len(xs))
    own_operation("constant", lambda x: x, lambda y, x=3.0: (1.0,))
    y, _ = read("longest(cube(x), 1) + constant()", {"x": 2.0})
    assert y.data == 11.0


def test_inside_no_grad_nothing_is_recorded():
    with no_grad():
        assert read("x + 1", {"x": 2.0})[0].parents == ()


def test_letters_that_python_takes_for_the_same_are_the_same():
    y, names = read("𝐱 * ﬁ + wörld", {"x": 2.0, "ﬁ": 3.0, unicodedata.normalize("NFD", "wörld"): 1.0})
    assert (y.data, list(names)) == (7.0, ["x", "fi", "wörld"])


# ---- what is refused -------------------------------------------------------------------------------------------------

CHOICE = "maximum, minimum, relu and heaviside choose by size"
REFUSED = [
    # signs and words
    ("x^2", "^ is not allowed in a formula; write ** for a power", " ^"),
    ("w//x", "// is not allowed in a formula; write / for a quotient", " ^^"),
    ("x % 2", "% is not allowed in a formula; there is no remainder", "  ^"),
    ("5!", "! is not allowed in a formula; there is no factorial", " ^"),
    ("x @ w", "@ is not allowed in a formula; write dot(a, b, c, d) for a*c + b*d", "  ^"),
    ("x < 3", f"< is not allowed in a formula; {CHOICE}", "  ^"),
    ("x == 3", f"== is not allowed in a formula; {CHOICE}", "  ^^"),
    ("x if w else b", f"if is not allowed in a formula; {CHOICE}", "  ^^"),
    ("1if x else 2", f"if is not allowed in a formula; {CHOICE}", " ^^"),
    ("x[0]", "[ is not allowed in a formula; group with ( ), and name an element, such as x0", " ^"),
    ("{x}", "{ is not allowed in a formula; group with ( )", "^"),
    ("'x'", "' is not allowed in a formula; write names and numbers without quotes", "^"),
    ('"a" is x', '" is not allowed in a formula; write names and numbers without quotes', "^"),
    ("f'{x}'", "' is not allowed in a formula; write names and numbers without quotes", " ^"),
    ("__import__('os')", "' is not allowed in a formula; write names and numbers without quotes", " " * 11 + "^"),
    ("x; w", "; is not allowed in a formula; write one formula at a time", " ^"),
    ("(x := 3)", ":= is not allowed in a formula; give a name its number apart from the formula, as in w=0.5", "   ^^"),
    ("lambda: x", "lambda is not allowed in a formula", "^" * 6),
    ("sum(x for x in w)", "for is not allowed in a formula", "      ^^^"),
    ("not x", "not is not allowed in a formula", "^^^"),
    ("import os", "import is not allowed in a formula", "^" * 6),
    ("True", "True is not allowed in a formula; write 1", "^" * 4),
    ("x*𝐓𝐫𝐮𝐞", "𝐓𝐫𝐮𝐞 is not allowed in a formula; write 1", "  ^^^^"),
    ("x²", "² is not allowed in a formula; write **2", " ^"),
    ("x − 1", "− is not allowed in a formula; write -", "  ^"),
    ("tanh²(x)", "² is not allowed in a formula; write tanh(...)**2", "    ^"),
    ("10⁻⁷", "⁻ is not allowed in a formula; write ** for a power", "  ^"),
    ("x·w", "· is not allowed in a formula; write *", " ^"),
    ("2·x", "· is not allowed in a formula; write *", " ^"),
    ("x\u0387w", "\u0387 is not allowed in a formula; write *", " ^"),
    ("x×w", "× is not allowed in a formula; write *", " ^"),
    ("√x", "√ is not allowed in a formula; write sqrt(...)", "^"),
    ("|x|", "| is not allowed in a formula; write abs(...)", "^"),
    ("x₍₁₎", "₍ is not allowed in a formula; it counts the uses of a name; write the name alone", " ^"),
    ("x₁", "₁ is not allowed in a formula; write the digits after a name as usual, as in x0", " ^"),
    ("½*x", "½ is not allowed in a formula", "^"),
    ("x\xa0+ 1", "the character U+00A0 is not allowed in a formula", " ^"),
    ("x + \x001", "the character U+0000 is not allowed in a formula", "    ^"),
    ("x + \ud800", "the character U+D800 is not allowed in a formula", "    ^"),
    ("x \\ w", "\\ is not allowed in a formula", "  ^"),
    # what does not go together
    ("2x", "write 2*x for a product", "^^"),
    ("b - 2 x", "write 2*x for a product", "    ^^^"),
    ("w x", "write w*x for a product", "^^^"),
    ("sin x", "write sin(x): what a function is applied to stands in parentheses", "^^^^^"),
    ("x + ln 2*x", "write ln(2): what a function is applied to stands in parentheses", "    ^^^^"),
    ("sin cos(x)", "write sin(cos(...)): what a function is applied to stands in parentheses", "^^^^^^^"),
    ("x sin(x)", "write x*sin for a product", "^^^^^"),
    ("7j", "write 7*j for a product", "^^"),
    ("0x10", "write 0*x10 for a product", "^^^^"),
    ("2(x)", "write * between these two for a product", "^^"),
    ("(x)(w)", "write * between these two for a product", "  ^^"),
    ("tanh(x)(w)", "write * between these two for a product", "      ^^"),
    ("(x) w", "write * between these two for a product", "  ^^^"),
    ("x = 3", "= is not allowed in a formula; write what is right of it, and give numbers apart, as in w=0.5", "  ^"),
    ("x, w", "a comma is not allowed here; it stands between the operands of a function", " ^"),
    ("tanh((x, w))", "a comma is not allowed here; it stands between the operands of a function", "       ^"),
    ("x)", "this ) closes nothing", " ^"),
    ("tanh((x) + (w", "this ( is never closed", " " * 11 + "^"),
    ("x +", "something is missing after this +", "  ^"),
    ("x.", "something is missing after this .", " ^"),
    ("*x", "something is missing before this *", "^"),
    ("sum(*x)", "something is missing before this *", "    ^"),
    ("sum(**x)", "something is missing before this **", "    ^^"),
    ("sum(x,,w)", "something is missing before this ,", "      ^"),
    ("(x + )", "something is missing here, or too much", "     ^"),
    ("()", "this is not allowed in a formula", "^^"),
    ("sum(x=1=2)", "something is missing here, or too much", "       ^"),
    ("x.(w)", "something is missing here, or too much", "  ^"),
    ("leaky_relu(negative_slope=1, x)", "operands with a name, such as alpha=1, come after those without", " " * 30 + "^"),
    # numbers
    ("1__0", "this is not a number; a _ stands between two of its digits", "^^^^"),
    ("x + 1_", "this is not a number; a _ stands between two of its digits", "    ^^"),
    ("x*1e999", "this number is too large for a float", "  ^^^^^"),
    ("007*x", "write this number without zeros in front", "^"),
    # names and functions
    ("tahn(x)", "there is no function tahn; did you mean tan, tanh, arctan?", "^^^^"),
    ("b + asin(x)", "there is no function asin; write arcsin(...)", "    ^^^^"),
    ("σ(x)", "there is no function σ; write sigmoid(...)", "^"),
    ("SQRT(x)", "there is no function SQRT; did you mean sqrt?", "^^^^"),
    ("aps(x)", "there is no function aps; did you mean abs?", "^^^"),
    ("softmax(x, w)", "softmax gives several numbers, a formula has one result; one of them is exp(a - logsumexp(a, b))", "^" * 7),
    ("foo(x)", "there is no function foo; write foo*(...) for a product", "^^^"),
    ("w(x)", "w is a number, not a function; write w*(...) for a product", "^"),
    ("(tanh + 1)", "tanh is a function; write what it is applied to: tanh(...)", " ^^^^"),
    ("x*k", "k has no number; give it one: k=...", "  ^"),
    ("X + b", "X has no number; give it one: X=...; x has one, and is another name", "^"),
    ("wx + b", "wx has no number; give it one: wx=...; did you mean w*x?", "^^"),
    ("pi*x", "pi has no number; give it one: pi=3.141592653589793", "^^"),
    ("math.exp(x)", "a name with a . is not allowed in a formula; write exp(...)", "^" * 8),
    ("x + np.max(w, b)", "a name with a . is not allowed in a formula; write max(...)", "    ^^^^^^"),
    ("math.pi", "a name with a . is not allowed in a formula; write pi", "^" * 7),
    ("x.__class__", "a name with a . is not allowed in a formula", "^" * 11),
    # operands
    ("tanh()", "this call does not fit tanh(x)", "^" * 6),
    ("w + tanh(x, b)", "this call does not fit tanh(x)", "    " + "^" * 10),
    ("power(x)", "this call does not fit power(x, n)", "^" * 8),
    ("power(x, x=2)", "this call does not fit power(x, n)", "^" * 13),
    ("power(x, n=2, n=3)", "this call does not fit power(x, n)", "^" * 18),
    ("elu(x, beta=2)", "this call does not fit elu(x, alpha=1.0)", "^" * 14),
    ("max(x)", "max takes two operands; of three write max(a, max(b, c))", "^" * 6),
    ("minimum(x, w, b)", "minimum takes two operands; of three write minimum(a, minimum(b, c))", "^" * 16),
    ("ln(x, 2)", "this call does not fit log(x)", "^" * 8),
    ("mean()", "mean takes operands, at least one", "^" * 6),
    ("mean(a=x)", "mean takes operands, at least one", "^" * 9),
    ("dot()", "dot takes two lists of the same length: dot(a, b, c, d) is a*c + b*d", "^" * 5),
    ("dot(w, x, b)", "dot takes two lists of the same length: dot(a, b, c, d) is a*c + b*d", "^" * 12),
    ("linear(w, x)", "linear takes inputs, as many weights, and a bias: linear(x1, x2, w1, w2, b)", "^" * 12),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "mark"), REFUSED, ids=[ascii(text) for text, *_ in REFUSED])
def test_a_message_says_what_to_do_and_points_at_the_place(text, message, mark):
    shown = "".join(char if char.isprintable() else " " for char in text)
    assert failing(text) == [message, shown.rstrip(), mark]


@pytest.mark.parametrize(
    ("text", "numbers", "error", "lines"),
    [
        ("w + log(b)", NUMBERS, ValueError, ["log of b = -1.0 is undefined (math domain error)", "    ^^^^^^"]),
        ("1 + x / (w-w)", NUMBERS, ZeroDivisionError, ["divide of x = 2.0 and 0.0 is undefined (float division by zero)", "    ^^^^^^^^^"]),
        ("1 / 0", {}, ZeroDivisionError, ["divide of 1.0 and 0.0 is undefined (float division by zero)", "^^^^^"]),
        ("exp(x*1000)", {"x": 2.0}, OverflowError, ["exp of 2000.0 is too large for a float (math range error)", "^" * 11]),
        ("9**9**9**9", {}, OverflowError, ["power of 9.0 and 387420489.0 is too large for a float (Numerical result out of range)", "   ^^^^^^^"]),
        ("sqrt(b) + log(b)", {"b": -1.0}, ValueError, ["sqrt of b = -1.0 is undefined (math domain error)", "^^^^^^^"]),
    ],
)  # fmt: skip
def test_numbers_that_a_function_does_not_take_keep_their_error_and_get_a_place(text, numbers, error, lines):
    numbers = {name: number for name, number in numbers.items() if name in text.replace("exp", "")}
    message, shown, mark = failing(text, numbers, error)
    assert message.partition(" (")[0] == lines[0].partition(" (")[0]  # Python's own words differ between versions
    assert (shown, mark) == (text, lines[1])


@pytest.mark.parametrize("text", ["", "  \n\t ", "# x", "#", "\n# x\n"])
def test_an_empty_formula_is_refused(text):
    assert failing(text) == ["the formula is empty; write one such as tanh(w*x + b)"]


def test_marks_are_right_under_letters_of_any_width():
    assert failing("重み * log(b)", {"重み": 1.0, "b": -1.0})[1:] == ["重み * log(b)", "       ^^^^^^"]
    assert failing("b + 重み", {"b": 1.0})[1:] == ["b + 重み", "    ^^^^"]
    cafe = unicodedata.normalize("NFD", "café")
    assert failing(f"{cafe} + log(b)", {"café": 1.0, "b": -1.0})[1:] == [f"{cafe} + log(b)", "       ^^^^^^"]
    assert failing("𝐱 + log(b)", {"x": 1.0, "b": -1.0})[2] == "    ^^^^^^"
    assert failing("\tb +\tlog(b)", {"b": -1.0})[1:] == [" b + log(b)", "     ^^^^^^"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_of_several_lines_the_right_one_is_shown(newline):
    lines = ["# 重み ' and (", "w*x  # first", "  + sqrt(b)", "  + x"]
    assert failing(newline.join(lines))[1:] == ["  + sqrt(b)", "    ^^^^^^^"]
    assert failing(newline.join(["sqrt(", "  b)", "+ x*w"]))[1:] == ["sqrt(", "^^^^^"]
    assert failing(newline.join(["x", "* (w +", "b"]))[1:] == ["* (w +", "  ^"]
    assert failing(newline.join(["x", "w"])) == ["write x*w for a product", "x", "^"]


def columns(text):
    """The characters of a text, those twice that a terminal shows in two columns."""
    return "".join(char * (1 + (unicodedata.east_asian_width(char) == "W")) for char in text)


@pytest.mark.parametrize("place", [0, 3, 30, 60, 97, 100])
@pytest.mark.parametrize("name", ["k", "kernel", "長い名前", "k" * 50, "長" * 50])
def test_of_a_long_line_a_part_with_the_place_is_shown(place, name):
    text = " + ".join(["x"] * place + [name] + ["x"] * (100 - place))
    message, shown, mark = failing(text, {"x": 1.0})
    marked = "".join(char for char, sign in zip(columns(shown), mark) if sign == "^")
    assert len(message) < 150
    assert max(len(columns(shown)), len(mark)) <= WIDTH
    assert len(columns(shown)) > WIDTH - 5
    assert marked == columns(name) or (marked.endswith("…") and columns(name).startswith(marked[:-1]))
    assert shown.startswith("…") == (place >= 30)
    assert shown.endswith("…") == (place <= 60 or (place == 100 and len(name) == 50))


def test_a_number_that_the_formula_does_not_use_is_refused():
    assert failing("width*x", {"widht": 1.0, "x": 1.0, "width": 2.0}) == [
        "a number is given for widht, which the formula does not use; did you mean width?"
    ]
    assert failing("x", {"x": 1.0, "b": 1.0}) == ["a number is given for b, which the formula does not use"]
    assert failing("2", {"x": 1.0}) == ["a number is given for x, which the formula does not use"]
    assert failing("elu(1, alpha=2)", {"alpha": 1.0}) == ["a number is given for alpha, which the formula does not use"]
    assert "widht=...; did you mean width?" in failing("widht", {"width": 1.0})[0]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"exp": 3}, "exp is a function; give the number another name"),
        ({"abs": 3}, "abs is a function; give the number another name"),
        ({"lambda": 1}, "lambda is a word of the Python language; choose another name"),
        ({"2x": 1}, "'2x' is not a name; a name has letters, digits and _, and no digit in front"),
        ({"": 1}, "'' is not a name; a name has letters, digits and _, and no digit in front"),
        ({"\ud800": 1}, "'\\ud800' is not a name; a name has letters, digits and _, and no digit in front"),
        ({"x": 1, "𝐱": 2}, "x is given twice"),
    ],
)
def test_names_that_a_number_may_not_have(numbers, message):
    assert failing("x", numbers) == [message]


def test_what_is_no_formula_or_number_at_all():
    with pytest.raises(TypeError, match=r"^a formula is a string, not int$"):
        read(3, {})
    with pytest.raises(TypeError, match=r"^expected a number, not str$"):
        read("x", {"x": "3"})


# ---- nothing runs, hangs or crashes ----------------------------------------------------------------------------------

SNIPPETS = [
    "x.a", "x[0]", "x[1:2]", "lambda: x", "[x for x in y]", "{x: x}", "{x}", "(x for x in y)", "'a'", "b'a'", "f'{x}'", "1j",
    "True", "None", "...", "(x := 1)", "x < 1", "x and 1", "not x", "~x", "x if x else x", "x // 1", "x % 1", "x @ x", "x << 1",
    "x & 1", "x | 1", "x ^ 1", "x is 1", "x in y", "(x, 1)", "tanh(*x)", "tanh(**x)", "(tanh)(x)(x)", "x.exp()", "sum(x for x in y)",
]  # fmt: skip


@pytest.mark.parametrize("text", SNIPPETS)
def test_the_tree_is_looked_at_even_if_the_words_were_not(text):
    with pytest.raises(ValueError, match=r"not allowed|does not fit"):
        _Formula(text, {"x": Value(1.0), "y": Value(1.0)}, TABLE).steps(ast.parse(text, mode="eval").body)


HARD = {
    "minuses": "-" * 9999 + "x",
    "parentheses": "(" * 4999 + "x" + ")" * 4999,
    "a sum": "x" + "+x" * 4999,
    "a product": "x" + "*x" * 4999,
    "calls": "sin(" * 1500 + "x" + ")" * 1500,
    "powers": "x**" * 3000 + "x",
    "negative powers": "x**-" * 2400 + "x",
    "attributes": "x" + ".a" * 4999,
    "digits": "9" * 9999,
    "zeros": "0" * 9999 + "x",
    "towers": "9**9**9**9+x",
    "operands": "sum(" + "x," * 4990 + ")",
    "names": "a" * 5000 + "+" + "b" * 4998,
    "signs": "√" * 9999,
    "accents": "x" + "\u0301" * 9999,
    "joiners": "x" + "\u200d" * 9999,
    "surrogates": "\ud800" * 9999,
    "nulls": "\0" * 9999,
    "quotes": "'" * 9999,
    "lines": "\n" * 9999,
    "brackets": "[" * 9999,
    "underscores": "1_" * 4999,
}
FINE = {
    "a few minuses": ("-" * 900 + "x", 1.0),
    "many parentheses": ("(-" * 198 + "x" + ")" * 198, 1.0),
    "many calls": ("relu(" * 198 + "x" + ")" * 198, 1.0),
    "many powers": ("x**" * 500 + "x", 1.0),
    "many terms": ("x" + "+x" * 500, 501.0),
    "very many operands": ("sum(" + "x," * 4990 + ")", 4990.0),
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD.keys())
def test_a_hard_formula_is_read_or_refused(text):
    with suppress(ValueError, ArithmeticError):
        assert read(text, {"x": 1.0})[0].data > 0


@pytest.mark.parametrize(("text", "expected"), FINE.values(), ids=FINE.keys())
def test_a_deep_formula_has_its_value_and_derivatives(text, expected):
    y, _ = read(text, {"x": 1.0})
    y.backward()
    assert y.data == expected


def test_no_formula_crashes_the_interpreter():
    code = (
        "import ast, sys\nfrom tinygrad_edu.cli.reader import read\n"
        "for text in ast.literal_eval(sys.stdin.read()):\n"
        "    try:\n        read(text, {'x': 1.0})\n    except (ValueError, ArithmeticError):\n        pass\n"
        "print('alive')"
    )
    hard = ascii(list(HARD.values()))
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], input=hard, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("alive\n", "")


def test_a_formula_has_a_largest_size():
    assert read(" " * (LONGEST - 1) + "x", {"x": 1.0})[0].data == 1.0
    message = "the formula has 10001 characters, more than 10000; compute a part of it apart"
    assert failing(" " * LONGEST + "x") == [message]


def test_too_deep_a_formula_says_so():
    assert failing("-" * 9999 + "x") == [
        "the formula is nested too deeply; compute a part of it apart, or write a long sum as sum(a, b, ...)"
    ]
    lines = failing("tanh(" * 300 + "x" + ")" * 300)
    assert lines[0] == "parentheses are nested too deeply; compute a part of the formula apart"
    assert lines[1][len(lines[2]) - 1] == "("


happened = []
listening = []


@pytest.fixture(scope="module", autouse=True)
def audit():
    read("x + tahn", {"x": 1.0, "tahn": 1.0})
    failing("tahn(x)")  # all that is imported for messages is imported
    sys.addaudithook(lambda event, _: happened.append(event) if listening else None)


WILD = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from([*SNIPPETS, *"+-*/()=,.^%#", "**", " ", "\n", "x", "2", "1.5", "tanh(", "sum(", "log(", "0", "é", "-1",
        "__import__('os').system('true')", "exec('1')", "().__class__", "1if", "0x1", "1e9", "e", "_", "ﬁ", "\ud800", "\t"]), max_size=12).map("".join),
)  # fmt: skip


@given(WILD)
def test_whatever_is_typed_gives_a_value_or_an_error_and_runs_nothing(text):
    happened.clear()
    listening.append(True)
    error = None
    try:
        assert type(read(text, {"x": 1.5} if "x" in text else {})[0]) is Value
    except (ValueError, ArithmeticError) as raised:
        error = raised
    finally:
        listening.clear()
    lines = str(error).split("\n")
    assert type(error) in (type(None), ValueError, ZeroDivisionError, OverflowError)
    assert len(lines) in (1, 3)
    assert "".join(lines).isprintable()
    assert {"exec", "import", "open", "os.system"}.isdisjoint(happened)


# ---- the same as Python ----------------------------------------------------------------------------------------------

FUNCTIONS = {name: getattr(math, name) for name in ("exp", "log", "sqrt", "sin", "tanh")}
formulas = st.recursive(
    st.one_of(st.sampled_from(["x", "y", "z"]), st.floats(0, 1e3).map(repr), st.integers(0, 20).map("{}.0".format)),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" + ", "-", "*", " / ", "**", " -\n"]), inner).map("".join),
        inner.map("({})".format),
        inner.map("-{}".format),
        inner.map("+ {}".format),
        st.tuples(st.sampled_from(list(FUNCTIONS)), inner).map("{0[0]}({0[1]})".format),
        st.tuples(inner, inner).map("arctan2({0[0]}, x={0[1]})".format),
    ),
    max_leaves=12,
)


@given(formulas, st.tuples(*[st.floats(-10, 10)] * 3))
def test_a_formula_has_the_value_that_python_gives_it(text, numbers):
    given = {name: number for name, number in zip("xyz", numbers) if name in text.replace("exp", "").replace("x=", "")}
    space = {**FUNCTIONS, "arctan2": lambda y, x: math.atan2(y, x)}
    try:
        expected = eval(f"({text})", {"__builtins__": {}}, {**space, **given})
    except (ArithmeticError, ValueError, TypeError):  # TypeError: a function of a complex number
        expected = 1j
    if isinstance(expected, complex):
        with pytest.raises((ValueError, ArithmeticError)):
            read(text, given)
    else:
        found = read(text, given)[0].data
        assert found == expected or (math.isnan(found) and math.isnan(expected))


# ---- numbers for names -----------------------------------------------------------------------------------------------


def test_assignments_are_read():
    texts = ["w=0.5", " x = -1_000 ", "b=1e-3", "wörld=2", "ﬁ=3"]
    assert assignments(texts) == {"w": 0.5, "x": -1000.0, "b": 0.001, "wörld": 2.0, "fi": 3.0}
    assert assignments([]) == {}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["w"], "'w' does not give a number to a name; write it like w=0.5"),
        ([""], "'' does not give a number to a name; write it like w=0.5"),
        (["w="], "'w=' does not give a number to a name; write it like w=0.5"),
        (["w=x"], "'w=x' does not give a number to a name; write it like w=0.5"),
        (["w==3"], "'w==3' does not give a number to a name; write it like w=0.5"),
        (["x=1/2"], "'x=1/2' does not give a number to a name; 1/2 is not a number, write 0.5"),
        (["x = 2**3"], "'x = 2**3' does not give a number to a name; 2**3 is not a number, write 8.0"),
        (["x=1/0"], "'x=1/0' does not give a number to a name; write it like w=0.5"),
        (["x=1e308*10"], "'x=1e308*10' does not give a number to a name; write it like w=0.5"),
        (["w=0.5,x=2"], "'w=0.5,x=2' does not give a number to a name; write it like w=0.5"),
        (["w=nan"], "'w=nan' gives a number that is not finite; write it like w=0.5"),
        (["w=-inf"], "'w=-inf' gives a number that is not finite; write it like w=0.5"),
        (["w=" + "9" * 999], "'w=" + "9" * 37 + "…' gives a number that is not finite; write it like w=0.5"),
        (["=3"], "'' is not a name; a name has letters, digits and _, and no digit in front"),
        (["2w=3"], "'2w' is not a name; a name has letters, digits and _, and no digit in front"),
        (["lambda=3"], "lambda is a word of the Python language; choose another name"),
        (["w=1", "x=1", "w=2"], "'w=2' gives w a second number; give it one"),
        (["x=1", "𝐱=2"], "'𝐱=2' gives x a second number; give it one"),
    ],
)
def test_an_assignment_that_is_wrong_says_how_to_write_it(texts, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        assignments(texts)
    assert str(caught.value) == message
