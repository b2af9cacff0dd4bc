"""The live page: at whatever numbers, in the browser, it says what Python's ``explain`` says there."""

import json
import random

import pytest

from tinygrad_edu import Value, explain, nn
from tinygrad_edu.compiling.js_text import library, row_functions
from tinygrad_edu.engine.operation import BUILT_IN, TABLE
from tinygrad_edu.formulas.formula import digits
from tinygrad_edu.formulas.reader import read
from tinygrad_edu.viz.html_file import scripts_beside
from tinygrad_edu.viz.page import page as page_module
from tinygrad_edu.viz.page.computation import ComputationData

POOL = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 3.0, -2.0, 1e-7, 12345.678, -1e6, 0.25, 2.0625, 1.5, -3.25, 1e-5, 800.0]
FORMULAS = [
    "tanh(w*x + b)", "x*x + sin(w*x) - tanh(w)", "x**3 - 2*x**2 + 1/x", "x**n", "exp(-x*x/2) / sqrt(2*3.14)",
    "-x / -3 * (2 - x)", "log(x) / x / y", "sigmoid(x) * (1 - sigmoid(x))", "x*x*x*x", "(a+b+c+d+a+b+c) * 2",
    "2 * (3*(x + 1))", "exp2(x)**2", "max(x, y) * min(x, y)", "x - (y - (x - y))", "relu(w1*x1 + w2*x2) * 2 - 1",
    "sqrt(x*x + y*y)", "abs(x - y) + remainder(x, y)", "logsumexp(a, b, c)", "mean(x, y, 3, x)", "where(x, y, 2) * x",
]  # fmt: skip
ROWS = [TABLE[name] for name in sorted(BUILT_IN)]
AT_EACH = """([data, settings]) => {
  const computation = new Computation(data, ROWS);
  return settings.map((numbers) => {
    for (const [leaf, x] of Object.entries(numbers)) computation.given[leaf] = x;
    computation.compute();
    const { nodes, uses, numbers: found, forwardError, backwardError } = computation;
    return {
      lines: story(computation).steps.map((step) => [step.title, step.words, ...step.lines.map(([term]) => term)]),
      failure: (forwardError || backwardError || { message: "" }).message,
      forward: forwardError ? [] : nodes.flatMap((node, i) =>
        node.row ? [[node.name.text, ...computation.formulas(i).map((x) => x.text), shortNumber(found[i])]] : []),
      backward: forwardError ? [] : uses.map((use) => {
        const { ratio, rule, inNumbers } = computation.localDerivative(use);
        return [ratio.text, rule.text, inNumbers.text, product(use).text, shortNumber(use.total)];
      }),
    };
  });
}"""


@pytest.fixture(scope="module")
def tab(browser):
    """A tab with the scripts that compute and explain, and with the functions of the whole table."""
    tab = browser.new_page()
    scripts = [library(), *scripts_beside(page_module.__file__, "formula", "computation", "story")]
    tab.add_script_tag(content="\n".join([*scripts, f"const ROWS = {row_functions(ROWS)};"]))
    yield tab
    tab.close()


def said_by_python(make, numbers):
    """What ``explain`` says at these numbers, and the explanation itself."""
    try:
        explanation = explain(make(numbers), names=False)
    except (ArithmeticError, ValueError) as error:
        return {"failure": first_part(str(error)), "forward": [], "backward": []}, None
    forward = [
        [step.name.text, step.formula.text, step.numbers.text, digits(step.node.data)]
        for step in explanation.forward
        if step.formula
    ]
    backward = [
        [step.ratio.text, step.rule.text, step.numbers.text, step.product().text, digits(step.total)]
        for step in explanation.backward
    ]
    return {"failure": first_part(explanation.failure), "forward": forward, "backward": backward}, explanation


def first_part(message):
    """A message without what comes from the Python that runs, and without the formula that a reader adds."""
    return message.partition(": here backward")[0].partition("\n")[0].partition(" (")[0]


def compare(tab, make, names, seed, count=40):
    """Move a live page through random numbers, and Python beside it."""
    dice = random.Random(seed)
    settings = [
        {name: dice.choice(POOL) if dice.random() < 0.6 else dice.uniform(-3, 3) for name in names}
        for _ in range(count)
    ]
    expected = [said_by_python(make, numbers) for numbers in settings]
    explanation = next(explanation for _, explanation in expected if explanation is not None)
    data = ComputationData(explanation)
    assert data.fixed == ""
    leaf = {node.label: i for i, node in enumerate(explanation.order) if node.label and node.op is None}
    moves = [{str(leaf[name]): x for name, x in numbers.items()} for numbers in settings]
    shown = tab.evaluate(AT_EACH, [json.loads(json.dumps(data.content)), moves])
    for numbers, (wanted, _), found in zip(settings, expected, shown):
        assert first_part(found["failure"]) == wanted["failure"], numbers
        assert found["lines"]
        if not wanted["failure"]:
            assert (found["forward"], found["backward"]) == (wanted["forward"], wanted["backward"]), numbers


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_explained_as_python_explains_it(tab, formula):
    names = [*read(formula, dict.fromkeys(all_names(formula), 0.5))[1]]
    compare(tab, lambda numbers: read(formula, numbers)[0], names, formula)


def all_names(formula):
    import ast

    tree = ast.parse(formula)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - called


def test_every_operation_of_the_table_is(tab):
    for row in ROWS:
        names = ["a", "b", "c", "d", "f"][: row.arity or (5 if row.name == "linear" else 4)]

        def make(numbers, row=row, names=names):
            operands = [Value(numbers[name], label=name) for name in names]
            return row(*operands) * operands[0] + operands[0]

        compare(tab, make, names, row.name, count=15)


def test_numbers_are_written_as_python_writes_them(tab):
    dice = random.Random(0)
    numbers = [*POOL, 1e16, 1e15, 123456789.0, 1e-4, 9.9995, 0.00099995, 1e300, 5e-324, 1.0625, 3.0625, -2.0625]
    numbers += [dice.uniform(-1, 1) * 10 ** dice.randint(-20, 20) for _ in range(3000)]
    numbers += [dice.randint(1, 99999) / 2 ** dice.randint(1, 12) for _ in range(3000)]  # many half way between two
    written = tab.evaluate("all => all.map((x) => [shortNumber(x), wholeNumber(x)])", numbers)
    assert written == [[digits(x), repr(x)] for x in numbers]


def test_the_loss_of_a_network_is_explained_as_python_explains_it(tab):
    model = nn.MLP(2, [3, 1], "tanh", seed=0)

    def make(numbers):
        for parameter, x in zip(model.parameters(), numbers.values()):
            parameter.data = x
        return (model([0.3, -0.7]) - 1) ** 2

    names = [parameter.label for parameter in model.parameters()]
    dice = random.Random(1)
    numbers = [{name: dice.uniform(-2, 2) for name in names} for _ in range(5)]
    explanation = explain(make(numbers[0]), names=False)
    leaf = {node.label: i for i, node in enumerate(explanation.order)}
    moves = [{str(leaf[name]): x for name, x in setting.items()} for setting in numbers]
    shown = tab.evaluate(AT_EACH, [json.loads(json.dumps(ComputationData(explanation).content)), moves])
    for setting, found in zip(numbers, shown):
        wanted, _ = said_by_python(make, setting)
        assert (found["forward"], found["backward"]) == (wanted["forward"], wanted["backward"])


def test_a_page_that_cannot_be_computed_in_the_browser_says_why(own_operation):
    cube = own_operation("cube", lambda x: x**3, lambda y, x: (3 * x * x,))
    data = ComputationData(explain(cube(Value(2.0, label="x"))))
    assert "cube" in data.fixed
    assert "python=" in data.fixed
    assert data.content["nodes"][1]["data"] == 8.0
    assert data.content["nodes"][1]["locals"] == [12.0]
    peeks = own_operation("peeks", lambda x: x * x, lambda y, x: (2 * getattr(x, "data", x),), python="x * x")
    assert "takes a number out" in ComputationData(explain(peeks(Value(2.0, label="x")))).fixed
