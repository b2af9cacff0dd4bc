"""Derivatives by differences, and how well they are known."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import CHECKED, STEPS, graphs, operands

from tinygrad_edu import Value, topological_order
from tinygrad_edu.calculus.differences import Probe
from tinygrad_edu.calculus.linearization import Linearization
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.operation import BUILT_IN, TABLE

SMOOTH = [TABLE[name] for name in sorted(BUILT_IN - STEPS - {"maximum", "minimum", "amax"})]


def response(order, node):
    """The last Value of ``order`` as a function of the number in ``node``."""

    def respond(x):
        numbers = {}
        for other in order:
            operands = [numbers[parent] for parent in other.parents]
            numbers[other] = x if other is node else other.op.forward(*operands) if other.op else other.data
        return numbers[order[-1]]

    return respond


def of_graph(order, node):
    """How the last Value of ``order`` answers to ``node``."""
    try:
        [(_, noise)] = Linearization([order[-1]], [node]).magnitudes()
    except ArithmeticError:  # a derivative is infinite
        noise = 0.0
    return Probe(response(order, node), node.data, noise).central()[:2]


def quotient(f, x):
    value = Value(x)
    return of_graph(topological_order(f(value)), value)


@pytest.mark.parametrize("row", CHECKED, ids=lambda row: row.name)
@given(data=st.data())
def test_differences_agree_with_the_rule_and_know_how_well(row, data):
    values = [Value(x) for x in data.draw(operands(row))]
    node = row(*values)
    node.backward()
    for value in values:
        slope, error = of_graph(topological_order(node), value)
        assert abs(slope - value.grad) <= 3 * error + 1e-9
        assert error <= 1e-6 * (1 + abs(value.grad) + abs(node.data))


@given(graphs(SMOOTH, size=6, biggest=10))
def test_differences_reach_every_node_of_a_graph(nodes):
    root = nodes[-1]
    try:
        root.backward()
    except ArithmeticError:
        assume(False)
    order = topological_order(root)
    # Where larger ones cancel, as in x / expm1(x) close to 0, it is the grad that is rounding.
    assume(all(abs(local) < 1e6 for node in order for local in local_derivatives(node)))
    for node in order:
        slope, error = of_graph(order, node)
        if error < 1e-3 * (1 + abs(slope)):
            assert slope == pytest.approx(node.grad, rel=1e-2, abs=1e-2 + 3 * error)
    assert of_graph(order, root)[0] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (ops.relu, 0.0),
        (abs, 0.0),
        (lambda x: ops.maximum(x, 2.0), 2.0),
        (lambda x: ops.minimum(x, -x), 0.0),
        (lambda x: x.heaviside(0.5), 0.0),
        (lambda x: ops.relu(x) * 1e-9, 0.0),
    ],
)
def test_at_a_kink_the_error_is_of_the_size_of_the_slopes(f, x):
    slope, error = quotient(f, x)
    value = Value(x)
    f(value).backward()
    assert abs(slope - value.grad) <= error
    assert error >= abs(slope)
    assert error > 0


@pytest.mark.parametrize("x", [1e-12, -1e-12, 1e-3, 0.01])
def test_close_to_a_kink_the_steps_are_short_enough(x):
    for f, expected in ((ops.relu, float(x > 0)), (abs, math.copysign(1.0, x))):
        slope, error = quotient(f, x)
        assert slope == pytest.approx(expected, abs=1e-9)
        assert error < 1e-6


@pytest.mark.parametrize("f", [ops.sqrt, lambda x: ops.arcsin(x + 1), lambda x: ops.arccosh(1 + x), lambda x: x**0.5])
def test_at_the_edge_of_a_domain_nothing_is_known(f):
    assert all(map(math.isnan, quotient(f, 0.0)))


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (ops.log, 1e-300, 1e300),
        (ops.exp, 700.0, math.exp(700)),
        (ops.exp, -700.0, math.exp(-700)),
        (lambda x: 1 / x, 1e-3, -1e6),
        (lambda x: x * x, 1e150, 2e150),
        (lambda x: x * 1e-30, 1.0, 1e-30),
        (lambda x: x / 2, 1.79e308, 0.5),
        (lambda x: ops.sin(x * 1e6), 1.0, 1e6 * math.cos(1e6)),
        (ops.sqrt, 1e-12, 5e5),
        (ops.arccosh, 1 + 1e-9, 1 / math.sqrt(2e-9)),
    ],
)
def test_steps_suit_huge_and_tiny_numbers(f, x, expected):
    slope, error = quotient(f, x)
    assert slope == pytest.approx(expected, rel=1e-5)
    assert error < 1e-3 * abs(expected)


def test_what_rounding_hides_is_not_claimed_to_be_known():
    slope, error = quotient(lambda x: x + 1e16, 1.0)
    assert abs(slope - 1.0) <= error


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_have_no_quotient(x):
    assert all(map(math.isnan, quotient(lambda x: x * x, x)))


def test_a_value_that_does_not_matter_has_the_slope_zero():
    x, y = Value(1.0), Value(2.0)
    assert of_graph(topological_order(x * y), Value(3.0))[0] == 0.0
    slope, error = quotient(lambda x: ops.relu(x - 5) * 3, 1.0)
    assert slope == 0.0
    assert error < 1e-9


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ops.exp(-((x * 0.02) ** 2)) - 1,
        lambda x: ops.tanh(1000 * x),
        lambda x: ops.log(ops.sigmoid(x * 200 + 0.5)),
    ],
)
def test_a_right_gradient_is_never_called_wrong(f):
    for i in range(1, 60):
        x = Value(i / 600)
        y = f(x)
        y.backward()
        slope, error = of_graph(topological_order(y), x)
        assert abs(slope - x.grad) <= 1e-5 * abs(x.grad) + 10 * error + 1e-9
