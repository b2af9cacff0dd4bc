"""Formulas that a person types: what they compute, what is refused, and where the message points."""
# ruff: noqa: RUF001 (letters that look like others are among what is typed)

import math
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.backward import topological_order
from tinygrad_edu.engine.operation import BUILT_IN, TABLE
from tinygrad_edu.formulas.messages import WIDTH
from tinygrad_edu.formulas.reader import LONGEST, assignments, read

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
    assert [(name, value.label, value.grad) for name, value in names.items()] == [
        ("w", "w", 2.0),
        ("x", "x", 0.5),
        ("b", "b", 1.0),
    ]


def test_a_name_is_one_value_however_often_it_is_written():
    y, names = read("x*x + x", {"x": 3.0})
    y.backward()
    assert [node for node in topological_order(y) if not node.parents] == [names["x"]]
    assert names["x"].grad == 7.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7.0), ("x", 2.0), ("  ( x )  ", 2.0), ("1_000 + .5 + 5. + 1e3 + 1E-1", 2005.6),
        ("-x**2", -4.0), ("x**-1", 0.5), ("2**3**2", 512.0), ("1 - 2 - 3", -4.0), ("x / 4 / 2", 0.25), ("+x - -x", 4.0),
        ("leaky_relu(-x, negative_slope=0.5)", -1.0), ("arctan2(x=x, y=0)", 0.0), ("leaky_relu(-x, 0.5,)", -1.0), ("elu(x)", 2.0),
        ("abs(-x) + max(x, 3) + min(3, b=x) + ln(1)", 7.0),
        ("sum(x, 1, 2)", 5.0), ("mean(x, 1, 3)", 2.0), ("dot(1, 2, x, 4)", 10.0), ("linear(x)", 2.0), ("logsumexp(x)", 2.0),
        ("x +\n  1", 3.0), ("x +\r\n\t1\r+\xa01", 4.0), ("x  # the number\n + 1  # and (one more", 3.0),
    ],
)  # fmt: skip
def test_numbers_of_formulas(text, expected):
    y, _ = read(text, {"x": 2.0} if "x" in text else {})
    assert type(y) is Value
    assert y.data == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_function_of_the_table_can_be_written(name):
    count = TABLE[name].arity or 5 - (name == "dot")
    numbers = {f"x{i}": 0.5 if name == "arctanh" else 1.0 for i in range(count)}
    y, names = read(f"{name}({', '.join(numbers)})", numbers)
    assert y.op is TABLE[name]
    assert y.parents == tuple(names.values())


def test_ones_own_operations_can_be_written(own_operation):
    own_operation("cube", lambda x: x**3, lambda y, x: (3 * x * x,))
    own_operation("longest", lambda *xs: max(xs), lambda y, *xs: (0.0,) * len(xs))
    own_operation("constant", lambda x: x, lambda y, x=3.0: (1.0,))
    own_operation("ln", lambda x: x + 40, lambda y, x: (1.0,))  # it comes before an everyday name
    assert read("longest(cube(x), 1) + constant() + ln(x)", {"x": 2.0})[0].data == 53.0


def test_letters_that_python_takes_for_the_same_are_the_same():
    y, names = read(
        "𝐱 * ﬁ + wörld*हिन्दी", assignments(["𝐱=2", "ﬁ=3", unicodedata.normalize("NFD", "wörld=1"), "हिन्दी=4"])
    )
    assert (y.data, list(names)) == (10.0, ["x", "fi", "wörld", "हिन्दी"])


# ---- what is refused -------------------------------------------------------------------------------------------------

CHOICE = "is not allowed in a formula; maximum, minimum, relu and where choose"
MISSING = "something is missing here, or too much"
REFUSED = [
    ("x^2", "'^' is not allowed in a formula; write ** for a power", " ^"),
    ("w//x", "'//' is not allowed in a formula; write / for a quotient", " ^^"),
    ("x == 3", f"'==' {CHOICE}", "  ^^"),
    ("x if w else b", f"'if' {CHOICE}", "  ^^"),
    ("x[0]", "'[' is not allowed in a formula; group with ( ), and name an element, such as x0", " ^"),
    ("__import__('os')", "\"'\" is not allowed in a formula", " " * 11 + "^"),
    ("x²", "'²' is not allowed in a formula; write **2", " ^"),
    ("2·x − 1", "'·' is not allowed in a formula; write *", " ^"),
    ("x + \x001", r"'\x00' is not allowed in a formula", "    ^"),
    ("x\u200d", r"'x\u200d' is not allowed in a formula", "^^"),
    ("x + ½*w", "'½' is not allowed in a formula", "    ^"),
    ("2x", "write 2*x for a product", "^^"),
    ("b - 2 x", "write 2*x for a product", "    ^^^"),
    ("2(x)", "write 2*( for a product", "^^"),
    ("x + ln 2*x", "write ln(...): what a function is applied to stands in parentheses", "    ^^^^"),
    ("y = 3*x", "write what is right of =, and give numbers apart, as in w=0.5", "  ^"),
    ("0,5*x", "a comma stands between the operands of a function; a number has a point", "^^^^^"),
    ("x)", "this ) closes nothing", " ^"),
    ("tanh((x) + (w", "this ( is never closed", " " * 11 + "^"),
    ("x +", MISSING, "   ^"),
    ("sum(*x)", "this is not allowed in a formula", "    ^^"),
    ("x*1e999", "this number is too large for a float", "  ^^^^^"),
    ("tahn(x)", "there is no function tahn; did you mean tan, tanh, detach?", "^^^^"),
    ("w(x)", "w is a number, not a function; write w*(...) for a product", "^"),
    ("(tanh + 1)", "tanh is a function; write what it is applied to: tanh(...)", " ^^^^"),
    ("x*k", "k has no number; give it one: k=...", "  ^"),
    ("X + b", "X has no number; give it one: X=...; did you mean x?", "^"),
    ("wx + b", "wx has no number; give it one: wx=...; did you mean w*x?", "^^"),
    ("pi*x", "pi has no number; give it one: pi=3.141592653589793", "^^"),
    ("math.exp(x)", "'.' is not allowed in a formula; write a function without its module, such as exp(...)", "    ^"),
    ("power(x, n=2, n=3)", "this call does not fit power(x, n)", "^" * 18),
    ("mean()", "this call does not fit mean(*operands)", "^" * 6),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "mark"), REFUSED, ids=[ascii(text) for text, *_ in REFUSED])
def test_a_message_says_what_to_do_and_points_at_the_place(text, message, mark):
    shown = "".join(char if char.isprintable() else " " for char in text)
    assert failing(text) == [message, shown.rstrip(), mark]


@pytest.mark.parametrize(
    ("text", "error", "message", "mark"),
    [
        ("1 + log(-x) + x/0", ValueError, "log of -2.0 is undefined", "    ^^^^^^^"),
        ("1 + x / (x-x)", ZeroDivisionError, "divide of x = 2.0 and 0.0 is undefined", "    ^^^^^^^^^"),
        ("9**9**9**9 + x", OverflowError, "power of 9.0 and 387420489.0 is too large for a float", "   ^^^^^^^"),
    ],
)
def test_numbers_that_a_function_does_not_take_keep_their_error_and_get_a_place(text, error, message, mark):
    lines = failing(text, {"x": 2.0}, error)
    assert lines[0].partition(" (")[0] == message  # Python's own words follow, which differ between versions
    assert lines[1:] == [text, mark]


def test_a_number_of_very_many_digits_is_refused():
    for digits in (400, 5000):
        assert failing("1 + " + "9" * digits)[0] == "this number is too large for a float"


@pytest.mark.parametrize("text", ["", "  \n\t ", "# x", "\n# x\n"])
def test_an_empty_formula_is_refused(text):
    assert failing(text) == ["the formula is empty; write one such as tanh(w*x + b)"]


def test_marks_are_right_under_letters_of_any_width():
    assert failing("重み * log(b)", {"重み": 1.0, "b": -1.0})[1:] == ["重み * log(b)", "       ^^^^^^"]
    assert failing("b + 重み", {"b": 1.0})[1:] == ["b + 重み", "    ^^^^"]
    cafe = unicodedata.normalize("NFD", "café")
    assert failing(f"{cafe} + log(b)", {"café": 1.0, "b": -1.0})[1:] == [f"{cafe} + log(b)", "       ^^^^^^"]
    assert failing("𝐱 + log(b)", {"x": 1.0, "b": -1.0})[2] == "    ^^^^^^"
    assert failing("\tb +\tlog(b)", {"b": -1.0})[1:] == ["b + log(b)", "    ^^^^^^"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_several_lines_are_shown_as_one(newline):
    lines = ["# 重み ' and (", "w*x  # first", "  + sqrt(b)", "  + x"]
    assert failing(newline.join(lines))[1:] == ["w*x + sqrt(b) + x", "      ^^^^^^^"]
    assert failing(newline.join(["x", "w"])) == ["write x*w for a product", "x w", "^^^"]


def columns(text):
    """The characters of a text, those twice that a terminal shows in two columns."""
    return "".join(char * (1 + (unicodedata.east_asian_width(char) == "W")) for char in text)


@pytest.mark.parametrize("place", [0, 3, 30, 60, 97, 100])
@pytest.mark.parametrize("name", ["k", "kernel", "長い名前", "k" * 50, "長" * 50])
def test_of_a_long_line_a_part_with_the_place_is_shown(place, name):
    message, shown, mark = failing(" + ".join(["x"] * place + [name] + ["x"] * (100 - place)), {"x": 1.0})
    marked = "".join(char for char, sign in zip(columns(shown), mark) if sign == "^")
    assert len(message) < 150
    assert WIDTH - 5 < max(len(columns(shown)), len(mark)) <= WIDTH
    assert marked == columns(name) or (marked.endswith("…") and columns(name).startswith(marked[:-1]))
    assert shown.startswith("…") == (place >= 30)


def test_a_number_that_the_formula_does_not_use_is_refused():
    unused = "a number is given for {}, which the formula does not use"
    assert failing("x", {"x": 1.0, "b": 1.0}) == [unused.format("b")]
    assert failing("elu(1, alpha=2)", {"alpha": 1.0}) == [unused.format("alpha")]
    assert failing("width", {"widht": 1.0, "width": 2.0}) == [unused.format("widht") + "; did you mean width?"]


# ---- nothing runs, hangs or crashes ----------------------------------------------------------------------------------

HARD = [
    "-" * 9999 + "x", "(" * 4999 + "x" + ")" * 4999, "x" + "+x" * 4999, "x**-" * 2400 + "x", "x" + ".a" * 4999, "x" + "()" * 4999,
    "sin(" * 1500 + "x" + ")" * 1500, "elu(x, alpha=" * 190 + "x" + ")" * 190, "x if " * 2000, "sum(" + "x," * 4990 + ")",
    "9" * 9999, "0" * 9999, "9**9**9**9+x", "1_" * 4999, "a" * 5000 + "+" + "x" * 4998, "x" + "\u0301" * 9999, "\ud800" * 9999,
    "\0" * 9999, "'" * 9999, "\n" * 9999, "[" * 9999,
]  # fmt: skip
FINE = [
    ("-" * 900 + "x", 1.0), ("(-" * 198 + "x" + ")" * 198, 1.0), ("relu(" * 198 + "x" + ")" * 198, 1.0), ("x**" * 500 + "x", 1.0),
    ("x" + "+x" * 500, 501.0), ("sum(" + "x," * 4990 + ")", 4990.0),
]  # fmt: skip


def test_no_formula_crashes_the_interpreter_hangs_or_warns():
    code = (
        "import ast, sys\nfrom tinygrad_edu.formulas.reader import read\n"
        "for text in ast.literal_eval(sys.stdin.read()):\n"
        "    try:\n        read(text, {'x': 1.0})\n    except (ValueError, ArithmeticError):\n        pass\n"
        "print('alive')"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, input=ascii(HARD), capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == ("alive\n", "")


@pytest.mark.parametrize(("text", "expected"), FINE, ids=[text[:12] for text, _ in FINE])
def test_a_deep_formula_has_its_value_and_derivatives(text, expected):
    y, _ = read(text, {"x": 1.0})
    y.backward()
    assert y.data == expected


def test_a_formula_has_a_largest_size():
    assert read(" " * (LONGEST - 1) + "x", {"x": 1.0})[0].data == 1.0
    message = "the formula has 10001 characters, more than 10000; compute a part of it apart"
    assert failing(" " * LONGEST + "x") == [message]


def test_too_deep_a_formula_says_so():
    assert failing("-" * 9999 + "x")[0].startswith("the formula is nested too deeply; compute a part of it apart")
    lines = failing("tanh(" * 300 + "x" + ")" * 300)
    assert lines[0] == "parentheses are nested too deeply; compute a part of the formula apart"


happened = []
listening = []


@pytest.fixture(scope="module", autouse=True)
def audit():
    read("x + tahn", {"x": 1.0, "tahn": 1.0})
    failing("tahn(x)")  # all that is imported for messages is imported
    sys.addaudithook(lambda event, _: happened.append(event) if listening else None)


WORDS = [
    *"+-*/()=,.^%#<>[]{}:;'\\|~@!", "**", " ", "\n", "\t", "x", "2", "1.5", "tanh(", "sum(", "log(", "elu(alpha=", "0", "é", "重", "-1",
    "__import__('os').system('true')", "exec('1')", "().__class__", "1if", "0x1", "1e9", "9" * 400, "e", "_", "1_", "ﬁ", "²", "\ud800",
    "x for x in x", "lambda: ", " if ", " else ", "not ", "await ", "(yield)", "None", "f'{x}'", "1j", "x.a",
]  # fmt: skip
WILD = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from(WORDS), max_size=12).map("".join),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(lambda words: ("".join(words) * LONGEST)[:LONGEST]),
)


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
    assert max(map(len, lines)) < 400
    assert {"exec", "import", "open", "os.system"}.isdisjoint(happened)


# ---- the same as Python ----------------------------------------------------------------------------------------------

FUNCTIONS = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "arctan2": lambda y, x: math.atan2(y, x),
}
formulas = st.recursive(
    st.sampled_from(["x", "y", "z"]) | st.floats(0, 1e3).map(repr),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" + ", "-", "*", " / ", "**", " -\n"]), inner).map("".join),
        st.tuples(st.sampled_from(["({})", "-{}", "exp({})", "log({})", "sqrt({})", "tanh({})"]), inner).map(lambda f: f[0].format(f[1])),
        st.tuples(inner, inner).map("arctan2({0[0]}, x={0[1]})".format),
    ),
    max_leaves=12,
)  # fmt: skip


@given(formulas, st.tuples(*[st.floats(-10, 10)] * 3))
def test_a_formula_has_the_value_that_python_gives_it(text, numbers):
    given = {name: number for name, number in zip("xyz", numbers) if name in text.replace("exp", "").replace("x=", "")}
    try:
        expected = eval(f"({text})", {"__builtins__": {}}, {**FUNCTIONS, **given})
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
    texts = ["w=0.5", " x = -1_000 ", "b=1e-3", "wörld=2", "ﬁ=3", "third=1/3"]
    assert assignments(texts) == {"w": 0.5, "x": -1000.0, "b": 0.001, "wörld": 2.0, "fi": 3.0, "third": 1 / 3}
    assert assignments([]) == {}


@pytest.mark.parametrize("given", ["w", "", "w=", "w=x", "2w=3", "w==3", "x=1/0", "x=1e308*10", "w=0.5,x=2", "w=nan", "w=-inf", "w=" + "9" * 5000])  # fmt: skip
def test_an_assignment_without_a_number_says_how_to_write_one(given):
    with pytest.raises(
        ValueError, match=r"^'.{0,41}' does not give a number to a name; write it like w=0\.5, and a formula"
    ):
        assignments([given])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["exp=3"], "exp is a function; give the number another name"),
        (["x=1", "𝐱=2"], "'𝐱=2' gives x a second number; give it one"),
    ],
)
def test_a_name_that_a_number_may_not_have_is_refused(texts, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        assignments(texts)
    assert str(caught.value) == message
