"""JavaScript from the table, run in a browser: the numbers of Python, and its errors."""

import json
import math
import os
import random
import re
import shutil

import pytest
from samples import ROWS

import tinygrad_edu as tg
from tinygrad_edu import Operation
from tinygrad_edu.compiling import c_text, js_text
from tinygrad_edu.compiling.js_text import NoJavaScript, js_statements, js_value, row_functions

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
in_browser = pytest.mark.skipif(
    CHROMIUM is None and "REQUIRE_CHROMIUM" not in os.environ, reason="needs Chromium: apt-get install chromium"
)
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 1e-300, 1e300, 700.0, -700.0, -709.5, -800.0, 800.0, 5e-324, math.inf,
           -math.inf, math.nan]  # fmt: skip
POINTS = 2000
RUN = """([rows, points]) => {
    const found = {};
    for (const [name, numbers] of Object.entries(JSON.parse(points))) {
        found[name] = numbers.map((xs) => {
            try {
                const y = rows[name](...xs.map((x) => x === null ? NaN : x));
                return Object.is(y, -0.0) ? "-0" : String(y);
            } catch (error) {
                return error instanceof PythonError ? error.kind : String(error);
            }
        });
    }
    return JSON.stringify(found);
}"""


@pytest.fixture(scope="module")
def tab():
    """A tab of a browser that knows library.js."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page()
        tab.add_script_tag(content=js_text.library())
        yield tab
        browser.close()


def run(tab, rows, points):
    """What JavaScript gives at each of the points: a number, or the name of the error."""
    text = json.dumps(points).replace("-Infinity", "-1e999").replace("Infinity", "1e999").replace("NaN", "null")
    return json.loads(tab.evaluate(f"(points) => ({RUN})([{row_functions(rows)}, points])", text))


def some_number(rng):
    """Any number, small and usual ones more often."""
    kind = rng.randrange(6)
    if kind == 0:
        return rng.choice(SPECIAL)
    if kind == 1:
        return rng.choice([-1, 1]) * 10 ** rng.uniform(-320, 308)
    return rng.uniform(-1, 1) * (1, 1, 4, 10, 40, 1000)[kind]


def some_operands(row, rng):
    count = row.arity or {"dot": 6, "linear": 7}.get(row.name) or rng.randint(1, 5)
    numbers = [some_number(rng) for _ in range(count)]
    if row.name == "power" and rng.random() < 0.5:
        numbers[1] = float(rng.randint(-5, 5))
    return numbers


def outcome(row, numbers):
    try:
        return row.forward(*numbers)
    except (ArithmeticError, ValueError) as error:
        return type(error).__name__


def agrees(row, numbers, found, expected):
    if isinstance(expected, str) or found.endswith("Error"):
        return found == expected
    x = float(found)
    size = max(map(abs, numbers)) if row.arity is None or row.name == "logaddexp" else 0.0
    if row.name in ("dot", "linear"):
        size = max(abs(a * b) for a, b in [*zip(numbers, numbers[len(numbers) // 2 :]), (numbers[-1], 1.0)])
    difference = 1e-12 * max(abs(expected), size if math.isfinite(size) else 0.0) + 1e-320
    return x == expected or (x != x and expected != expected) or abs(x - expected) <= difference


@in_browser
def test_every_row_gives_in_javascript_what_its_forward_does(tab):
    rng = random.Random(1)
    points = {row.name: [some_operands(row, rng) for _ in range(POINTS)] for row in ROWS}
    found = run(tab, ROWS, points)
    for row in ROWS:
        for numbers, x in zip(points[row.name], found[row.name], strict=True):
            expected = outcome(row, numbers)
            assert agrees(row, numbers, x, expected), (row.name, numbers, x, expected)


@in_browser
def test_every_function_of_the_library_is_that_of_math(tab):
    rng = random.Random(2)
    for name, count in js_text.LIBRARY.items():
        function = math.fabs if name == "abs" else getattr(math, name)
        operands = ["x", "y"][:count]
        rule = eval(f"lambda out, {', '.join(operands)}: (0.0,) * {count}")
        python = f"float({name}({', '.join(operands)}))"
        row = Operation(f"my_{name}", function, rule, python=python)
        points = [[some_number(rng) for _ in range(count)] for _ in range(500)]
        for numbers, x in zip(points, run(tab, [row], {row.name: points})[row.name]):
            expected = outcome(tg.engine.ops.power if name == "pow" else row, numbers)
            assert agrees(row, numbers, x, expected), (name, numbers, x, expected)


@in_browser
def test_one_s_own_operations_by_their_text_or_definition(tab):
    swish = Operation("my swish", lambda x: x / (1 + math.exp(-x)), lambda y, x: (0.0,), python="x / (1 + exp(-x))")
    names = Operation("__proto__", lambda new, pi: new * pi % 3, lambda y, new, pi: (0.0, 0.0), python="new * pi % 3")
    either = Operation("either", lambda a, b: a or b or -1.0, lambda y, a, b: (0.0, 0.0), python="a or b or -1")
    both = Operation("both", lambda a, b: a and max(a, b, 2), lambda y, a, b: (0.0, 0.0), python="a and max(a, b, 2)")
    between = Operation("between", lambda a, b: float(0 < a <= b), lambda y, a, b: (0.0, 0.0), python="0 < a <= b",
                        is_condition=True)  # fmt: skip
    area = Operation("area", lambda r: math.pi * r**2, lambda y, r: (0.0,), definition=lambda r: math.pi * r**2 + 0 * r,
                     python="definition")  # fmt: skip
    rows = [swish, names, either, both, between, area]
    rng = random.Random(3)
    points = {row.name: [[rng.choice([0.0, 1.0, -2.5, 3.25, math.nan]) for _ in row.operands] for _ in range(30)]
              for row in rows}  # fmt: skip
    found = run(tab, rows, points)
    for row in rows:
        for numbers, x in zip(points[row.name], found.get(row.name, []), strict=row is not names):
            assert agrees(row, numbers, x, outcome(row, numbers)), (row.name, numbers, x)
    assert tab.evaluate(f"() => Object.entries({row_functions([names])}).map(([k, f]) => [k, f(2, 4)])") == [
        ["__proto__", 2]
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (Operation("mine", lambda x: x, lambda y, x: (1.0,)), "'mine' does not say how"),
        (Operation("mine", lambda *xs: xs[0], lambda y, *xs: (1.0,) * len(xs)), "'mine' of any number of operands"),
        (
            Operation("mine", lambda x: float(int(x)), lambda y, x: (1.0,), python="int(x)"),
            "int is not written in JavaScript",
        ),
        (Operation("mine", lambda x: x, lambda y, x: (1.0,), python="x + 1"), "but at 0.5 this is 1.5"),
        (Operation("mine", lambda x: x, lambda y, x: (1.0,), python="[x][0]"), re.escape("JavaScript has no [x][0]")),
        (Operation("mine", lambda x: x // 1, lambda y, x: (1.0,), python="x // 1"), "JavaScript has no FloorDiv"),
        (Operation("mine", math.gamma, lambda y, x: (1.0,)), "gamma is not written in JavaScript"),
    ],
)
def test_an_operation_that_does_not_say_how_it_is_written_is_refused(row, message):
    with pytest.raises(NoJavaScript, match=message):
        row_functions([row])


@pytest.mark.parametrize(
    ("python", "js"),
    [
        ("a + b * c", "a + b * c"),
        ("-(-a)", "-(-a)"),
        ("-a ** -2", "-Math.pow(a, -2.0)"),
        ("(a + b) % c / d", "remainder(a + b, c) / d"),
        ("a if b == c else d", "b === c ? a : d"),
        ("(a if b else c) if d != e else 1", "d !== e ? (b !== 0.0 ? a : c) : 1.0"),
        ("a if not b or c > d and e else f", "!(b !== 0.0) || c > d && e !== 0.0 ? a : f"),
        ("(a > b) / (c > d)", "(a > b ? 1.0 : 0.0) / (c > d ? 1.0 : 0.0)"),
        ("a + b or c", "(a + b !== 0.0 ? a + b : c)"),
        ("max(a, b, 1) + fabs(c)", "Math.max(a, b, 1.0) + Math.abs(c)"),
        ("erf(a) + log1p(b) + floor(c)", "math.erf(a) + Math.log1p(b) + math.floor(c)"),
        ("let * pi + inf", "$let * Math.PI + Infinity"),
        ("amax(a, b)", "operations.amax(a, b)"),
    ],
)
def test_expressions_of_python_in_plain_javascript(python, js):
    assert js_value(python, {"amax": tg.engine.ops.amax}, "abcdef") == js


def test_a_name_that_is_known_is_no_constant():
    assert js_statements(["e = pi", "new = e"], {}, ["pi"]) == ["const e = pi;", "const $new = e;"]


def test_what_c_knows_javascript_knows():
    assert {*c_text.LIBRARY} - {"fmax", "fmin"} <= {*js_text.LIBRARY}
