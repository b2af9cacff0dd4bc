"""Simpler forms compute the same, to the last digit and the sign of a zero."""

import math
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value, gradients, where
from tinygrad_edu.calculus.linearization import RecordedLinearization
from tinygrad_edu.calculus.simplifying import simply
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.backward import topological_order
from tinygrad_edu.engine.value import Constant

ROWS = [ops.add, ops.subtract, ops.multiply, ops.divide, ops.negative, ops.positive, ops.power, ops.where, ops.greater]
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.1, -3.5, math.inf, -math.inf, math.nan, 1e308, 5e-324])
STEPS = st.lists(st.tuples(st.sampled_from(ROWS), st.lists(st.integers(0, 20), min_size=3, max_size=3)), max_size=8)


def bits(x):
    return "nan" if x != x else pack("d", x)


@given(st.lists(NUMBERS, min_size=2, max_size=2), st.lists(NUMBERS, min_size=2, max_size=2), STEPS)
def test_the_simpler_form_gives_the_same_number(variables, constants, steps):
    plain = [*map(Value, variables), *map(Constant, constants)]
    simple = [*plain[:2], *constants]
    for op, places in steps:
        chosen = [place % len(plain) for place in places[: op.arity]]
        try:
            plain.append(op(*[plain[i] for i in chosen]))
        except (ArithmeticError, ValueError):
            continue
        simple.append(simply(op, *[simple[i] for i in chosen]))
        assert bits(getattr(simple[-1], "_data", simple[-1])) == bits(plain[-1]._data), (op, chosen)


@pytest.mark.parametrize(
    ("f", "kind", "count"),
    [
        (lambda x, y: simply(ops.add, -x, -x), ops.negative, 2),
        (lambda x, y: simply(ops.subtract, x, -y), ops.add, 1),
        (lambda x, y: simply(ops.multiply, -x, -y), ops.multiply, 1),
        (lambda x, y: simply(ops.divide, -x, y), ops.negative, 2),
        (lambda x, y: simply(ops.multiply, x > y, y > x), None, 0),
        (lambda x, y: simply(ops.where, 0.0, x, y * 2), ops.multiply, 1),
        (lambda x, y: simply(ops.where, 2.0, x * y, y), ops.multiply, 1),
        (lambda x, y: simply(ops.where, x.greater(y), 1.0, 0.0), ops.greater, 1),
        (lambda x, y: simply(ops.power, x * y, 1.0), ops.multiply, 1),
    ],
)
def test_signs_move_and_numbers_double(f, kind, count):
    result = f(Value(3.0), Value(4.0))
    if kind is None:
        assert result == 0.0
    else:
        assert result.op is kind
        assert sum(node.op is not None for node in topological_order(result)) == count


def test_second_derivatives_are_as_simple_as_by_hand():
    x = Value(0.5, label="x")
    y = x.tanh()
    slope = gradients(y, x, create_graph=True)
    bend = gradients(slope, x, create_graph=True)
    assert bend.data == pytest.approx(-2 * y.data * (1 - y.data**2), rel=1e-15)
    names = [node.op.name for node in topological_order(bend) if node.op is not None]
    assert "add" not in names  # -(2 y (1 - y y)), where there was (-y + -y) (1 - y y)


def test_what_depends_on_no_input_does_not_move():
    """Recorded, in forward mode."""
    x = Value(3.0)
    moving, still = RecordedLinearization([x * x, Value(2.0) * 5], [x]).push([1.0])
    assert (moving.data, still.data) == (6.0, 0.0)


def test_a_power_of_a_negative_number_moves_with_its_base():
    x, n = Value(-2.0), Value(3.0)
    assert RecordedLinearization([x**n], [x, n]).push([1.0, 0.0])[0].data == 12.0
    assert RecordedLinearization([where(x > n, x, x**n)], [x]).push([1.0])[0].data == 12.0
