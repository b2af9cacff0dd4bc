"""check_gradients: every operation of the table passes it, wrong rules do not, and its report says which and why."""

import math
import random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from samples import CHECKED, ROUNDING, ROWS, STEPS

from tinygrad_edu import (
    GradientMismatch,
    Value,
    check_gradients,
    exp,
    losses,
    mean,
    nn,
    relu,
    sqrt,
    tanh,
)
from tinygrad_edu.calculus import checking
from tinygrad_edu.engine import ops

SIGN = st.sampled_from([-1.0, 1.0])


def of_size(low, high):
    """Numbers of all sizes between two powers of ten."""
    return st.tuples(SIGN, st.floats(low, high)).map(lambda t: t[0] * 10 ** t[1])


WHOLE = st.integers(-3, 3).map(float)
REAL = st.one_of(st.floats(-3, 3).filter(lambda x: x == 0 or abs(x) > 1e-6), of_size(-6, 6), WHOLE)
SMALL = st.tuples(SIGN, st.floats(0.5, 3)).map(lambda t: t[0] * t[1])  # seen from afar a staircase is a slope
ANY_SIZE = st.one_of(REAL, st.floats(-700, 700).filter(lambda x: x == 0 or abs(x) > 1e-6), of_size(-100, 100))


@pytest.mark.parametrize("row", CHECKED, ids=lambda row: row.name)
@settings(
    max_examples=max(10, settings().max_examples // 10),  # each runs the operation hundreds of times
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],  # half of all numbers are no cosine
)
@given(data=st.data())
def test_every_operation_of_the_table_is_right_to_second_order(row, data):
    """Numbers of any size; where an operation raises an error it is not defined, and where it is, it is checked.

    Driven by the table alone: a row that is added is tested.
    """
    if row.arity is None:
        operands = data.draw(st.lists(REAL, min_size=1, max_size=4))
    else:
        number = SMALL if row.name in ROUNDING else ANY_SIZE if row.arity == 1 else REAL
        operands = data.draw(st.tuples(*[number] * row.arity))
    try:
        report = check_gradients(lambda *xs: row(*xs), *operands, order=2)
    except (ArithmeticError, ValueError):
        assume(False)
    admits_nan = "NaN" in row.summary
    assert not [c for c in report.comparisons if c.verdict == "differs" and not (admits_nan and math.isnan(c.reverse))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize(
    "change", [lambda d: d * 1.001, lambda d: d + 0.01, lambda d: -d], ids=["x1.001", "+0.01", "-"]
)
def test_a_wrong_rule_is_seen(row, change):
    """The check is worth something: nearly everywhere it sees a change of any rule by a thousandth."""
    rng = random.Random(row.name)
    rule, seen, tried = row.rule, 0, 0
    try:
        for _ in range(200):
            if tried == 12:
                break
            count = row.arity or {"dot": 4, "linear": 5}.get(row.name) or rng.randint(1, 5)
            operands = [rng.uniform(-2, 2) for _ in range(count)]
            try:
                right = rule(row(*operands), *operands)
            except (ArithmeticError, ValueError):
                continue
            if all(abs(change(d) - d) < 1e-5 * (1 + abs(d)) or math.isnan(d) for d in right):
                continue  # nothing was changed: 0 times anything
            tried += 1
            row.rule = lambda y, *xs: tuple(change(d) for d in rule(y, *xs))
            seen += not check_gradients(lambda *xs: row(*xs), *operands).ok
            row.rule = rule
    finally:
        row.rule = rule
    assert tried == 12 or row.name in STEPS
    assert seen >= tried - 1


def test_a_rule_that_leaves_its_graph_is_right_once_and_wrong_twice(own_operation):
    own = own_operation("own", lambda x: x**3, lambda y, x: (3 * x * getattr(x, "data", x),))
    assert check_gradients(own, 2.0).ok
    report = check_gradients(own, 2.0, order=2)
    assert [c.verdict for c in report.comparisons] == ["agrees", "differs"]
    assert report.comparisons[1].reverse == 6.0
    assert report.comparisons[1].numeric == pytest.approx(12.0)


def test_a_rule_for_numbers_only_says_what_to_write(own_operation):
    own = own_operation("own", math.sin, lambda y, x: (math.cos(x),))
    assert check_gradients(own, 0.5).ok
    with pytest.raises(TypeError, match=r"the rule of own works on numbers only.*exp\(x\) rather than math.exp\(x\)"):
        check_gradients(own, 0.5, order=2)


def test_a_way_around_the_graph_is_seen():
    report = check_gradients(lambda x: x * math.sin(x.data), 2.0)
    [comparison] = report.comparisons
    assert comparison.verdict == "differs"
    assert comparison.reverse == comparison.forward == math.sin(2.0)
    assert comparison.numeric == pytest.approx(math.sin(2.0) + 2 * math.cos(2.0))
    assert not check_gradients(lambda x: math.sin(x.data), 2.0).ok
    assert check_gradients(lambda x: 3.0, 2.0).ok


def test_modes_that_disagree_are_wrong_even_where_differences_cannot_tell(monkeypatch):
    push = checking.Linearization._push
    monkeypatch.setattr(checking.Linearization, "_push", lambda self, tangents: [x + 0.1 for x in push(self, tangents)])
    assert not check_gradients(lambda x: x.heaviside(0.5), 0.0).ok
    assert not check_gradients(tanh, 0.5).ok


@pytest.mark.parametrize(
    ("f", "x", "verdict"),
    [
        (relu, 0.0, "kink"),
        (abs, 0.0, "kink"),
        (lambda x: ops.maximum(x, 2.0), 2.0, "kink"),
        (lambda x: ops.minimum(x * x, x), 1.0, "kink"),
        (lambda x: ops.elu(x, 3.0), 0.0, "kink"),
        (lambda x: 1e-9 * relu(x), 0.0, "kink"),
        (lambda x: 1e12 * abs(x), 0.0, "kink"),
        (lambda x: sqrt(x) ** 4, 1e-30, "agrees"),
        (lambda x: x if x >= 1 else 5 * x, 1.0, "unclear"),
        (lambda x: x if x >= 1 else 5 * x - 4, 1.0, "kink"),
        (lambda x: ops.log(x + 1) if x >= 0 else ops.log(x), 0.0, "edge"),
        (lambda x: x.heaviside(0.5), 0.0, "unclear"),
        (lambda x: ops.sin(x), 1e54, "unclear"),
        (lambda x: x**1.5, 0.0, "unclear"),
        (lambda x: x + 1e16, 1.0, "unclear"),
        (ops.sin, math.pi / 2, "agrees"),
        (ops.tanh, -26.0, "agrees"),
        (lambda x: exp(x), -731.0, "agrees"),
        (lambda x: x * 1e-200, 1e100, "agrees"),
        (lambda x: ops.log(x), 1e-300, "agrees"),
    ],
)
def test_where_differences_cannot_tell_the_verdict_says_so(f, x, verdict):
    [comparison] = check_gradients(f, x).comparisons
    assert comparison.verdict == verdict


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: x + ops.sin(x), 1e4),  # a wave that large steps jump over
        (lambda x: x + ops.sin(x), 1e8),
        (lambda x: x + ops.sin(1e6 * x) / 1e6, 1.0),
        (lambda x: x + ops.sin(64 * math.pi * x), 50.0),
        (lambda x: x * (1 + exp(-((1e4 * x) ** 2))), 0.0),  # something narrow that they do not see
        (lambda x: x + x / (1 + (x / 1e-9) ** 2), 0.0),
        (lambda x: ops.arctan(ops.tan(x)), 1e6),
        (lambda x: (1 - ops.cos(x)) / x**2, 1e-4),  # digits cancel
        (lambda x: (1 - ops.cos(x)) / x**2, 1e-6),
        (lambda x: ops.sin(x) / x, 1e-8),
        (lambda x: (exp(x) - 1) / x, 1e-6),
        (lambda x: (exp(x) - 1) / x, 1e-8),
        (lambda x: (x - x) + exp(x), -27.0),  # and those of the derivative
        (lambda x: x / x - x * x, 1e-6),
        (lambda x: x * x, 1e-160),  # too small for a float
        (lambda x: x**3, 1e-110),
        (lambda x: ops.cos(exp(x)), 89.1),  # neighbouring floats give anything
        (lambda x: (x * 3.7) / (x + x), -44.945471644241046),  # constant but for rounding
        (lambda x: ops.cos(x * x) / 3.0, 1e-6),
        (lambda x: x * x, 0.0),
        (lambda x: x**3, 0.0),
        (lambda x: ops.sin(x) ** 2, 0.0),
    ],
)
def test_a_right_derivative_is_never_called_wrong(f, x):
    assert check_gradients(f, x).comparisons[0].verdict in ("agrees", "unclear")


@pytest.mark.parametrize(("base", "factor"), [(1e6, 1e-6), (1e8, 1e-4), (1.0, 1e-12), (1e8, 1e-9)])
def test_where_rounding_hides_a_mistake_the_verdict_is_not_ok(base, factor):
    [comparison] = check_gradients(lambda x: base + factor * x * x.data, 1.0).comparisons
    assert comparison.verdict in ("unclear", "differs")


@pytest.mark.parametrize("wrong", [100.0, math.inf, math.nan, 1e-3])
@pytest.mark.parametrize("x", [0.0, 3.0, -1e5])
def test_a_wrong_derivative_is_wrong_where_the_right_one_is_0_and_elsewhere(own_operation, wrong, x):
    own = own_operation("own", lambda x: x * x, lambda y, x: (2 * x * (1 + wrong) + wrong,))
    assert not check_gradients(own, x).ok


def test_a_slope_outside_those_at_both_sides_of_a_kink_is_wrong(own_operation):
    own = own_operation("own", abs, lambda y, x: (2.0 if x == 0 else ops.sign(x),))
    assert check_gradients(own, 0.0).comparisons[0].verdict == "differs"


def test_where_the_derivative_is_infinite_the_error_is_that_of_backward():
    with pytest.raises(ZeroDivisionError, match=r"the derivative of sqrt at x = 0\.0 is infinite"):
        check_gradients(sqrt, 0.0)


def test_the_report_names_what_is_wrong_and_can_be_raised(own_operation):
    own = own_operation("own", lambda a, b: a * b, lambda y, a, b: (b, 2 * a))
    report = check_gradients(own, 2.0, 3.0)
    assert not report.ok
    assert str(report).splitlines() == [
        "own at a = 2, b = 3",
        "",
        "derivative  reverse mode  forward mode  numeric  difference  verdict",
        "──────────  ────────────  ────────────  ───────  ──────────  ───────",
        f"∂own/∂a     3             3             3        {abs(3 - report.comparisons[0].numeric):.1e}     ok",
        f"∂own/∂b     4             4             2        {abs(4 - report.comparisons[1].numeric):.1e}     WRONG",
        "",
        "2 derivatives: 1 ok; 1 WRONG.",
    ]
    with pytest.raises(GradientMismatch, match=r"∂own/∂b .*WRONG") as caught:
        check_gradients(own, 2.0, 3.0, raise_exception=True)
    assert isinstance(caught.value, AssertionError)
    assert [c.verdict for c in caught.value.report.comparisons] == ["agrees", "differs"]
    assert check_gradients(tanh, 0.5, raise_exception=True).ok
    assert "∂own/∂b: reverse 4.0, forward 4.0, numeric" in repr(report.comparisons[1])


def test_a_report_can_be_markdown_and_latex():
    report = check_gradients(lambda x: [x * x, x], 3.0, order=2)
    names = [str(c.what) for c in report.comparisons]
    assert names == ["∂f[0]/∂x", "∂f[1]/∂x", "∂²f[0]/∂x∂x", "∂²f[1]/∂x∂x"]
    assert r"\frac{\partial^{2} f_{0}}{\partial x \partial x}" in report.to_latex()
    assert report.to_markdown().count("\n|") == 6


def test_remarks_explain_the_verdicts_that_came_up():
    text = str(check_gradients(lambda x: [relu(x), x.heaviside(0.5)], 0.0))
    assert "At a kink the slopes at both sides differ" in text
    assert "too inexact to tell" in text
    assert "±" in text
    assert "At an edge" not in text


def test_a_module_stands_for_its_parameters_and_stays_as_it_was():
    model = nn.MLP(2, [3, 1], "tanh", seed=0)
    for parameter in model.parameters():
        parameter.grad = 7.0
    before = model.state_dict()

    def loss(model):
        return mean([losses.mse(model(x), t) for x, t in [([0.5, -1.0], 1.0), ([2.0, 0.3], 0.0)]])

    report = check_gradients(loss, model, order=1)
    assert report.ok
    assert [str(c.what) for c in report.comparisons[:2]] == [
        "∂loss/∂layers.0.neurons.0.w[0]",
        "∂loss/∂layers.0.neurons.0.w[1]",
    ]
    assert len(report.comparisons) == len(model.parameters())
    assert model.state_dict() == before
    assert all(parameter.grad == 7.0 for parameter in model.parameters())
    of_both = check_gradients(model, [0.5, -1.0])
    assert len(of_both.comparisons) == 2 + len(model.parameters())
    assert check_gradients(lambda neuron: neuron([0.5]), nn.Neuron(1, "sigmoid", seed=0), order=2).ok


def test_a_module_stays_as_it_was_when_the_function_fails():
    neuron = nn.Neuron(1, "tanh", seed=0)
    before = neuron.state_dict()
    calls = []

    def fails_later(neuron):
        calls.append(1)
        if len(calls) > 3:
            raise KeyError("later")
        return neuron([1.0])

    with pytest.raises(KeyError):
        check_gradients(fails_later, neuron)
    assert neuron.state_dict() == before


def test_an_interrupt_leaves_a_module_as_it_was():
    neuron = nn.Neuron(2, "tanh", seed=0)
    before = neuron.state_dict()
    for after in range(1, 60, 3):
        calls = iter(range(after))

        def interrupted(neuron, calls=calls):
            if next(calls, None) is None:
                raise KeyboardInterrupt
            return neuron([1.0, 2.0])

        with pytest.raises(KeyboardInterrupt):
            check_gradients(interrupted, neuron)
        assert neuron.state_dict() == before


def test_third_order():
    report = check_gradients(lambda x: x**4 + x.sin(), 1.5, order=3)
    assert [c.verdict for c in report.comparisons] == ["agrees"] * 3
    assert report.comparisons[2].reverse == pytest.approx(24 * 1.5 - math.cos(1.5))


def test_bad_arguments():
    with pytest.raises(
        TypeError, match=r"check_gradients takes numbers, or lists, tuples and dicts of numbers; x\[1\] is a str"
    ):
        check_gradients(lambda x: x[0], [1.0, "a"])
    with pytest.raises(
        TypeError, match=r"takes a function that returns numbers; <lambda> returned None \(is a return missing\?\)"
    ):
        check_gradients(lambda x: None, 1.0)
    with pytest.raises(ValueError, match="order must be a whole number of at least 1, not 0"):
        check_gradients(tanh, 1.0, order=0)
    with pytest.raises(ValueError, match="there is nothing to check: f was given no numbers"):
        check_gradients(lambda: 3.0)
    with pytest.raises(TypeError, match="check_gradients takes a function, not a number"):
        check_gradients(Value(3.0), 1.0)
