"""Derivatives of functions: values, structures, nesting, messages."""

import functools
import gc
import math
import threading
import warnings
import weakref
from typing import NamedTuple

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import (
    Value,
    cos,
    derivative,
    dot,
    draw,
    exp,
    explain,
    expression,
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    jvp,
    log,
    maximum,
    nn,
    no_grad,
    sigmoid,
    sin,
    sqrt,
    tanh,
    topological_order,
    value_and_grad,
    vjp,
)
from tinygrad_edu.calculus.linearization import Linearization

SMALL = st.floats(-2, 2)
close = functools.partial(pytest.approx, rel=1e-9, abs=1e-11)


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


# ---- gradients of Values ---------------------------------------------------------------------------------------------


def test_gradients_come_in_the_structure_of_the_inputs_and_touch_no_grad():
    x, y = Value(2.0), Value(5.0)
    y.grad = 7.0
    z = x * y + x
    assert gradients(z, x) == 6.0
    assert gradients(z, [x, y, x]) == [6.0, 2.0, 6.0]
    assert gradients(z, {"a": (x,), "b": y}) == {"a": (6.0,), "b": 2.0}
    assert gradients(z, []) == []
    assert gradients(z, z) == 1.0
    assert gradients(z, Value(2.0)) == 0.0
    assert [node.grad for node in topological_order(z)] == [0.0, 7.0, 0.0, 0.0]


def test_gradients_of_computed_values_hold_for_them_as_variables():
    x = Value(3.0)
    square = x * x
    y = square * x
    assert gradients(y, [square, x]) == [3.0, 27.0]
    assert [g.data for g in gradients(y, [square, x], create_graph=True)] == [3.0, 27.0]
    below = Value(0.0)
    root = sqrt(below)  # its derivative is infinite, and not asked for
    assert gradients(root * x + x, [root, x]) == [3.0, 1.0]
    with pytest.raises(ZeroDivisionError, match=r"the derivative of sqrt at 0\.0 is infinite"):
        gradients(root * x, below)


def test_the_derivative_of_tanh_is_a_graph_to_draw_and_explain():
    x = Value(0.5, label="x")
    y = tanh(x)
    slope = gradients(y, x, create_graph=True)
    assert str(expression(slope)) == "1 − y·y\n  where y = tanh(x)"
    assert slope.data == 1 - math.tanh(0.5) ** 2
    assert "tanh" in draw(slope).source
    assert explain(slope).gradients[x] == close(-2 * y.data * slope.data)
    curvature = gradients(slope, x, create_graph=True)
    assert gradients(curvature, x) == close(float(oracle.mp.diff(oracle.mp.tanh, 0.5, 3)))


def test_derivatives_of_powers_are_written_without_powers_that_say_nothing():
    x = Value(3.0, label="x")
    slope = gradients(x**2, x, create_graph=True)
    curvature = gradients(slope, x, create_graph=True)
    assert (str(expression(slope)), str(expression(curvature)), curvature.data) == ("2·x", "2", 2.0)
    assert str(expression(gradients(x**3, x, create_graph=True))) == "3·x²"
    n = Value(1.0, label="n")
    mixed = gradients(gradients(x**n, x, create_graph=True), n)  # (n xⁿ⁻¹)' by n
    assert mixed == close(1 + math.log(3.0))


def test_derivatives_at_values_are_written_in_their_names():
    x = Value(2.0, label="x")
    slope = grad(lambda x: x**3 - 2 * x)(x)
    assert str(expression(slope)) == "−2 + 3·x²"
    assert str(expression(gradients(exp(x), x, create_graph=True))) == "exp(x)"
    assert [str(step.name) for step in explain(slope).forward] == ["x", "x", "v1", "v2", "slope"]


def test_a_number_that_should_have_been_a_graph_says_how():
    x = Value(2.0)
    slope = gradients(x * x, x)
    for look in (draw, explain, expression):
        with pytest.raises(TypeError, match=r"not float; gradients\(y, x, create_graph=True\) gives Values"):
            look(slope)
    with pytest.raises(
        ValueError, match=r"3\.0 is a derivative that is the same everywhere: there is nothing to explain"
    ):
        explain(gradients(3 * x, x, create_graph=True))
    with pytest.raises(TypeError, match=r"\^ is not a power in Python; write x \*\* 2"):
        x ^ 2
    with pytest.warns(UserWarning, match="The output comes first"):
        assert gradients(x, x * x) == 0.0


def test_a_derivative_that_is_another_value_can_have_a_label_of_its_own():
    w, x = Value(2.0, label="w"), Value(3.0, label="x")
    slope = gradients(w * x, w, create_graph=True)
    slope.label = "slope"
    assert (x.label, slope.data) == ("x", 3.0)
    assert gradients(slope, x) == 1.0
    constant = gradients(3 * x, x, create_graph=True)
    assert (constant.data, gradients(constant, x)) == (3.0, 0.0)


def test_gradients_of_something_else_are_refused():
    with pytest.raises(TypeError, match="gradients are those of a Value, not of a float"):
        gradients(3.0, [])
    with pytest.raises(TypeError, match=r"gradients are with respect to Values; inputs\[0\] is a number"):
        gradients(Value(1.0), [3.0])


# ---- values ----------------------------------------------------------------------------------------------------------


@given(SMALL, SMALL, SMALL)
def test_first_and_second_derivatives_agree_with_high_precision(a, b, c):
    a, b, c = (x if abs(x) > 1e-3 else 0.5 for x in (a, b, c))

    def f(x):
        return sin(x[0] * x[1]) * exp(x[2]) + tanh(x[0]) / (2 + x[1] ** 2)

    def exact(x, y, z):
        return oracle.mp.sin(x * y) * oracle.mp.exp(z) + oracle.mp.tanh(x) / (2 + y**2)

    point = [a, b, c]
    expected = [float(oracle.derivative(exact, point, i)) for i in range(3)]
    second = [[float(oracle.second_derivative(exact, point, i, j)) for j in range(3)] for i in range(3)]
    assert grad(f)(point) == close(expected)
    assert [jvp(f, (point,), (unit,))[1] for unit in np.eye(3).tolist()] == close(expected)
    assert np.array(hessian(f)(point)) == close(np.array(second))
    assert np.array(jacobian(grad(f), mode="forward")(point)) == close(np.array(second))
    v = [0.3, -1.0, 2.0]
    assert hvp(f, point, v) == close((np.array(second) @ v).tolist())
    assert vjp(grad(f), point)[1](v)[0] == close((np.array(second) @ v).tolist())
    assert grad(lambda x: dot(grad(f)(x), v))(point) == close((np.array(second) @ v).tolist())


@given(st.floats(-1, 1), st.integers(0, 6))
def test_derivatives_of_any_order(x, order):
    expected = {0: math.sin, 1: math.cos, 2: lambda x: -math.sin(x), 3: lambda x: -math.cos(x)}[order % 4](x)
    assert derivative(sin, order=order)(x) == close(expected)
    nested = sin
    for _ in range(order):
        nested = grad(nested)
    assert nested(x) == close(expected)
    exact = oracle.mp.diff(lambda t: oracle.mp.exp(oracle.mp.sin(t)), x, order)
    assert derivative(lambda t: exp(sin(t)), order=order)(x) == close(float(exact))


def test_derivatives_of_curves():
    assert derivative(lambda t: {"x": cos(t), "y": [sin(t)]})(0.0) == {"x": 0.0, "y": [1.0]}
    assert derivative(lambda t: (t * t, 3 * t), order=2)(5.0) == (2.0, 0.0)


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_jacobians_agree_in_every_mode_and_shape(mode):
    matrix = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    assert jacobian(lambda x: [dot(row, x) for row in matrix], mode=mode)([1.0, 1.0, 1.0]) == matrix
    assert jacobian(lambda x: x * x, mode=mode)(3.0) == 6.0
    assert jacobian(lambda x: [x, 2 * x, 3.0], mode=mode)(1.0) == [1.0, 2.0, 0.0]
    assert jacobian(lambda x: x[0] * x[1], mode=mode)([2.0, 3.0]) == [3.0, 2.0]
    assert jacobian(lambda x: [], mode=mode)([2.0]) == []
    assert jacobian(lambda x: [1.0], mode=mode)([]) == [[]]
    both = jacobian(lambda x, y: {"p": x * y, "q": x + 2 * y}, argnums=(0, 1), mode=mode)(2.0, 5.0)
    assert both == {"p": (5.0, 2.0), "q": (1.0, 2.0)}


def test_hessians_have_blocks_for_several_arguments_and_structures():
    assert hessian(lambda x: x**3)(2.0) == 12.0
    assert hessian(lambda x, y: x * x * y, argnums=(0, 1))(2.0, 5.0) == ((10.0, 4.0), (4.0, 0.0))
    blocks = hessian(lambda p: p["a"] ** 2 * p["b"][0])({"a": 2.0, "b": [5.0]})
    assert blocks == {"a": {"a": 10.0, "b": [4.0]}, "b": [{"a": 4.0, "b": [0.0]}]}
    assert hessian(rosenbrock)([1.0, 1.0]) == [[802.0, -400.0], [-400.0, 200.0]]


def test_products_with_the_jacobian_agree_with_the_jacobian():
    def f(x, y):
        return [x[0] * y, sin(x[1]) * y, x[0] / x[1]]

    x, y, v, u = [0.7, 1.3], 2.0, ([0.5, -1.0], 3.0), [1.0, -2.0, 0.5]
    matrix = [[*row[0], row[1]] for row in jacobian(f, argnums=(0, 1))(x, y)]
    value, pushed = jvp(f, (x, y), v)
    assert value == f(x, y)
    assert pushed == close((np.array(matrix) @ [*v[0], v[1]]).tolist())
    value, pullback = vjp(f, x, y)
    (by_x, by_y), again = pullback(u), pullback(u)
    assert [*by_x, by_y] == close((np.array(matrix).T @ u).tolist())
    assert again == (by_x, by_y)
    assert value == f(x, y)


# ---- structures ------------------------------------------------------------------------------------------------------


class Point(NamedTuple):
    x: float
    y: float


def test_gradients_have_the_structure_of_the_argument():
    assert grad(lambda p: p.x * p.y)(Point(2.0, 5.0)) == Point(5.0, 2.0)
    assert grad(lambda p: p["a"][0][1] * p["b"])({"a": ([1.0, 2.0],), "b": 3}) == {"a": ([0.0, 3.0],), "b": 2.0}
    assert grad(lambda x: x[0] * 1)([2, 3]) == [1.0, 0.0]
    assert grad(lambda x: 1 * x)(np.float32(2)) == 1.0
    assert grad(lambda x, *rest: x * rest[0] * rest[1], argnums=-1)(2.0, 3.0, 4.0) == 6.0
    assert grad(lambda x, y: x * y, argnums=[1])(2.0, 5.0) == (2.0,)
    assert grad(lambda x, scale=1.0: scale * x)(2.0, scale=3.0) == 3.0
    assert value_and_grad(lambda x: 3 * x[1])([2.0, 5.0]) == (15.0, [0.0, 3.0])


def test_numpy_arrays_stay_arrays():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    result = grad(lambda x: (x * x).sum())(x)
    assert result.dtype == float
    np.testing.assert_array_equal(result, 2 * x)
    np.testing.assert_array_equal(jacobian(lambda x: x @ x)(np.array([1.0, 2.0])), [2.0, 4.0])
    np.testing.assert_array_equal(jacobian(lambda x: np.exp(x))(np.zeros(2)), np.eye(2))
    np.testing.assert_array_equal(hessian(lambda x: x @ x)(np.array([1, 2])), 2 * np.eye(2))
    np.testing.assert_array_equal(
        jacobian(lambda x: np.where(x > 0, x * x, -x))(np.array([1.0, -2.0])), [[2, 0], [0, -1]]
    )
    assert grad(lambda x: np.where(x > 0, x * x, -x))(3.0) == 6.0
    by_x, by_y = jacobian(lambda x, y: x[:2] * y, argnums=(0, 1))(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0]))
    np.testing.assert_array_equal(by_x, [[4, 0, 0], [0, 5, 0]])
    np.testing.assert_array_equal(by_y, [[1, 0], [0, 2]])
    blocks = jacobian(lambda p: p["x"] * p["y"])({"x": np.ones(2), "y": np.ones(2)})
    np.testing.assert_array_equal(blocks["x"], np.eye(2))
    assert grad(lambda x: 1.0 * Value(2.0) + x.sum())(np.zeros((0, 2))).shape == (0, 2)
    assert grad(grad(lambda x: x**3))(np.array(2.0)) == 12.0


def test_arguments_stay_as_they_are():
    x = [1.0, [2.0]]

    def rude(x):
        x[1].append(5.0)
        return x[0] * x[1][0]

    assert grad(rude)(x) == [2.0, [1.0]]
    assert x == [1.0, [2.0]]


# ---- nesting ---------------------------------------------------------------------------------------------------------


def test_nested_derivatives_do_not_confuse_their_variables():
    assert grad(lambda x: x * grad(lambda y: x + y)(2))(5.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(5.0) == 10.0
    assert derivative(lambda x: x * derivative(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * derivative(lambda y: x + y)(x))(5.0) == 1.0
    assert derivative(lambda x: x * grad(lambda y: x + y)(x))(5.0) == 1.0
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0) == 12.0
    # d/dx [x · d/dy (y · d/dz (x y z))] = d/dx [x · d/dy (x y²)] = 4 x y
    assert grad(lambda x: x * grad(lambda y: y * grad(lambda z: x * y * z)(7.0))(2.0))(3.0) == 24.0


@given(SMALL, SMALL)
def test_all_orders_of_the_modes_agree(x, v):
    def f(x):
        return sin(x) * exp(x * 0.5) + x**3

    second = float(oracle.mp.diff(lambda t: oracle.mp.sin(t) * oracle.mp.exp(t / 2) + t**3, x, 2))
    ways = [
        grad(grad(f))(x),
        derivative(f, order=2)(x),
        jvp(grad(f), (x,), (1.0,))[1],
        grad(lambda x: jvp(f, (x,), (1.0,))[1])(x),
        vjp(grad(f), x)[1](1.0)[0],
        grad(lambda x: vjp(f, x)[1](1.0)[0])(x),
        hessian(f)(x),
        hvp(f, x, 1.0),
        jacobian(jacobian(f, mode="forward"), mode="forward")(x),
        grad(lambda x: value_and_grad(f)(x)[1])(x),
        gradients(*(lambda t: (gradients(f(t), t, create_graph=True), t))(Value(x))),
    ]
    assert ways == [pytest.approx(second, rel=1e-9, abs=1e-9)] * len(ways)
    # The pullback is linear in its cotangent, and its derivative by that is forward mode.
    by_cotangent = grad(lambda c: vjp(f, x)[1](c)[0] * v)(0.0)
    assert by_cotangent == close(jvp(f, (x,), (v,))[1])


def test_where_values_are_involved_results_are_values_connected_to_them():
    a = Value(3.0, label="a")
    slope = grad(lambda x: a * x * x)(2.0)
    assert isinstance(slope, Value)
    assert (slope.data, gradients(slope, a)) == (12.0, 4.0)
    x = Value(2.0)
    at_x = grad(lambda x: x**3)(x)
    assert (at_x.data, gradients(at_x, x)) == (12.0, 12.0)
    value, tangent = jvp(lambda x: x * x, (2.0,), (a,))
    assert (value, tangent.data, gradients(tangent, a)) == (4.0, 12.0, 4.0)
    _, pullback = vjp(lambda x: x * x, 2.0)
    assert pullback(1.0) == (4.0,)
    assert gradients(pullback(a)[0], a) == 4.0
    assert grad(lambda x: grad(lambda y: 3 * y)(x))(1.0) == 0.0


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda: grad(lambda x: x if x > 0 else 0.0)(1.0), 1.0),
        (lambda: jacobian(lambda x: [x * x, 1.0])(2.0), [4.0, 0.0]),
        (lambda: grad(lambda v: jvp(lambda x: x**2, (3.0,), (v,))[1])(1.0), 6.0),
        (lambda: grad(lambda v: hvp(lambda x: x**3, 2.0, v))(1.0), 12.0),
        (lambda: vjp(lambda u: vjp(lambda x: x**3, 2.0)[1](u)[0], 1.0)[1](1.0), (12.0,)),
        (lambda: grad(accumulated)([1.0, 2.0]), [2.0, 4.0]),
        (lambda: grad(with_a_copy)(3.0), 3.0),
        (lambda: grad(lambda x: x * grad(lambda y: x * y)(2.0))(5.0), 10.0),
        (lambda: grad(lambda x: grad(lambda y: 3 * y)(x) * x)(5.0), 3.0),
        (lambda: jvp(lambda x: [x, 1], (2.0,), (1.0,)), ([2.0, 1.0], [1.0, 0.0])),
        (lambda: value_and_grad(lambda x: x[0] * 3)([2.0, 1.0]), (6.0, [3.0, 0.0])),
    ],
)
def test_plain_numbers_give_plain_numbers(compute, expected):
    found = compute()
    assert found == expected
    assert "Value" not in repr(found)


def accumulated(xs):
    total = Value(0.0)
    for x in xs:
        total = total + x * x
    return total


def with_a_copy(x):
    with no_grad():
        factor = x * 1.0
    return factor * x * Value(x.data) / x.data


def test_a_constant_derivative_is_the_callers_to_differentiate_by():
    x = Value(2.0)
    slope = gradients(3 * x, x, create_graph=True)
    assert gradients(gradients(slope**3, slope, create_graph=True), slope) == 18.0
    by_z = grad(lambda z: z * slope)(2.0)
    assert gradients(by_z, slope) == 1.0


def test_every_derivative_is_a_value_of_its_own():
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    by_a, by_b = gradients(sin(a + b), [a, b], create_graph=True)
    assert by_a is not by_b
    assert vjp(lambda x: x, 2.0)[1](c)[0] is not c


def test_nothing_flows_where_nothing_arrives_in_numbers_and_in_values():
    def f(n):
        return (
            (-2.0) ** n + 8
        ) ** 2  # by an exponent above a negative number there is no derivative, but upstream is 0

    assert grad(f)(3.0) == grad(f)(Value(3.0)).data == 0.0


def test_a_rule_may_differentiate_what_the_graph_shares_with_it(own_operation):
    k = Value(5.0)
    own = own_operation("own", lambda x: 5 * x * x, lambda y, x: (gradients(k * k, k) * x,))
    x = Value(3.0)
    assert gradients(own(x * k) + k * 7, [x, k]) == [750.0, 457.0]


def test_many_inputs_and_outputs_take_no_more_than_their_number():
    xs = [1.0] * 5000
    assert jvp(lambda x: x, (xs,), (xs,)) == (xs, xs)


def test_a_failed_pass_forward_fails_again():
    x = Value(0.0)
    at = Linearization([x * x + sqrt(x)], [x])
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            at.push([1.0])


def test_a_network_can_be_trained_on_its_derivative():
    """A physics-informed loss: the derivative of the network by its input, differentiated by its weights."""
    model = nn.MLP(1, [3, 1], "tanh", seed=0)

    def loss():
        slope = grad(lambda x: model([x]))(0.5)
        return (slope - 1.0) ** 2

    first = loss()
    first.backward()
    assert any(parameter.grad for parameter in model.parameters())
    weight = model.parameters()[0]
    before, step = weight.data, 1e-6
    found, weight.data = weight.grad, before + step
    high = loss().data
    weight.data = before - step
    assert found == pytest.approx((high - loss().data) / (2 * step), rel=1e-6)


def test_no_grad_around_gives_derivatives_all_the_same_and_records_nothing():
    a = Value(3.0)
    with no_grad():
        assert grad(grad(lambda x: x**3))(2.0) == 12.0
        slope = grad(lambda x: a * x)(Value(2.0))
        value, pullback = vjp(lambda x: a * x, 2.0)
        assert derivative(lambda x: x**3, order=2)(2.0) == 12.0
        with pytest.warns(UserWarning, match="not computed from anything.*inside no_grad nothing is recorded"):
            assert gradients((a * 2.0).exp(), a) == 0.0
        assert (jvp(lambda x: x * x, (2.0,), (a,))[1].data, pullback(a)[0].op) == (12.0, None)
    assert (slope.data, slope.op, value.op) == (3.0, None, None)


def test_no_grad_inside_makes_a_constant():
    def f(x):
        with no_grad():
            factor = x * x
        return factor * x

    assert grad(f)(3.0) == 9.0


# ---- Python in the function ------------------------------------------------------------------------------------------


def test_loops_branches_recursion_and_closures():
    def newton_root(a):
        x = a
        while abs(x * x - a) > 1e-12:
            x = (x + a / x) / 2
        return x

    def power(x, n):
        return 1.0 if n == 0 else x * power(x, n - 1) if n % 2 else power(x * x, n // 2)

    assert grad(newton_root)(2.0) == close(0.5 / math.sqrt(2))
    assert grad(lambda x: power(x, 13))(1.5) == close(13 * 1.5**12)
    assert [grad(lambda x: -x if x < 0 else x * x)(x) for x in (-2.0, 2.0)] == [-1.0, 4.0]
    assert grad(lambda x: max(x, 3.0) + sum(x * i for i in range(3)))(4.0) == 4.0
    assert grad(tanh)(0.0) == grad(Value.tanh)(0.0) == grad(functools.partial(dot, [1.0]))([0.0])[0] == 1.0
    assert grad(lambda x: x)(2.0) == grad(abs)(2.0) == 1.0


def test_deep_functions_do_not_recurse():
    def deep(x):
        for _ in range(50_000):
            x = x * 0.9999 + 1e-4
        return x

    assert grad(deep)(0.5) == jvp(deep, (0.5,), (1.0,))[1] == pytest.approx(0.9999**50_000, rel=1e-9)
    assert hvp(deep, 0.5, 1.0) == 0.0


def test_the_errors_of_a_function_come_through_with_the_names_of_its_arguments():
    with pytest.raises(ValueError, match=r"log of x\[1\] = -1\.0 is undefined"):
        grad(lambda x: log(x[1]))([1.0, -1.0])
    with pytest.raises(ZeroDivisionError, match=r"the derivative of sqrt at length = 0\.0 is infinite"):
        grad(lambda length: sqrt(length))(0.0)
    with pytest.raises(KeyError):
        grad(lambda x: {}[x])(1.0)
    x = Value(0.0)
    y = sqrt(x) + x
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            gradients(y, x)
        with pytest.raises(ZeroDivisionError):
            gradients(y, x, create_graph=True)
    assert [node.grad for node in topological_order(y)] == [0.0] * 3


def test_a_graph_that_was_differentiated_is_freed_at_once():
    class Marked(Value):
        pass

    kept = []

    def f(x):
        kept.append(weakref.ref(Marked(2.0)))
        inner = Marked(2.0)
        kept.append(weakref.ref(inner))
        return x * inner * x

    gc.disable()
    try:
        for transform in (grad(f), hessian(f), jacobian(f, mode="forward"), derivative(f, order=2)):
            transform(3.0)
            assert [ref() for ref in kept] == [None] * len(kept)
    finally:
        gc.enable()


def test_threads_differentiate_the_same_values_side_by_side():
    model = nn.MLP(2, [8, 1], "tanh", seed=0)
    wanted = [g.data for g in grad(lambda x: model(x))([0.5, -0.5])]
    shared = model([0.5, -0.5])
    expected = gradients(shared, model.parameters())
    wrong = []

    def work():
        for _ in range(30):
            if gradients(shared, model.parameters()) != expected:
                wrong.append("gradients")
            if [g.data for g in grad(lambda x: model(x))([0.5, -0.5])] != wanted:
                wrong.append("grad")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- what is not differentiable --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "transform",
    [grad, derivative, jacobian, lambda f: lambda x: jvp(f, (x,), (1.0,))[1], lambda f: lambda x: vjp(f, x)[1](1.0)[0]],
)
def test_a_plain_number_has_derivative_zero_and_a_warning_where_it_was_called(transform):
    def cut_off(x):
        return math.sin(x.data)

    with pytest.warns(
        UserWarning,
        match=r"cut_off returned the plain number 0\.84.*, so its derivative by x is 0\. If it should not be, look for "
        r"what takes a number out of the graph, such as x\.data",
    ) as caught:
        assert transform(cut_off)(1.0) == 0.0
    assert [warning.filename for warning in caught] == [__file__]


def test_constants_of_a_kind_that_is_meant_do_not_warn():
    around = Value(3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grad(grad(lambda x: 3 * x))(1.0) == 0.0
        assert derivative(lambda x: 3 * x + 1, order=4)(1.0) == 0.0
        assert hessian(lambda x: 3 * x[0] + x[1])([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]
        assert jacobian(lambda x: [x, 1.0])(2.0) == [1.0, 0.0]
        assert grad(lambda x: x[0])([1.0, 2.0]) == [1.0, 0.0]
        assert grad(lambda x: x * grad(lambda y: x + y)(2))(5.0) == 1.0
        assert grad(lambda x: x * x * grad(lambda y: x)(1.0))(2.0) == 0.0
        assert grad(lambda x: around)(2.0).data == 0.0
    with pytest.warns(UserWarning, match="only plain numbers"):
        assert jacobian(lambda x: [1.0, 2.0])(2.0) == [0.0, 0.0]
    with pytest.warns(UserWarning, match=r"the plain number 3\.0"):
        assert grad(lambda x: Value(3.0))(2.0) == 0.0
    with pytest.warns(UserWarning, match=r"the plain number 4\.0"):
        assert grad(no_grad(lambda x: x * x))(2.0) == 0.0


async def coroutine(x):
    return x


def without_return(x):
    x * x


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: grad(without_return)(1.0), r"grad takes a function that returns numbers; without_return returned None \(is a return missing\?\)"),
        (lambda: grad(lambda x: [x, x])(1.0), "grad takes a function that returns one number; <lambda> returned a list of 2. jacobian gives the gradient of each number in it"),
        (lambda: grad(lambda x: "7")(1.0), "<lambda> returned a str"),
        (lambda: jacobian(lambda x: [x, {"a": None}])(1.0), r"in place \[1\]\['a'\] of what <lambda> returned is None"),
        (lambda: grad(lambda x: x)("seven"), "grad takes numbers, or lists, tuples and dicts of numbers; x is a str"),
        (lambda: grad(lambda x: x[0])([1.0, None]), r"x\[1\] is None"),
        (lambda: grad(lambda x: x)({1.0}), "x is a set"),
        (lambda: grad(lambda x: (x for _ in range(2)))(1.0), "<lambda> returned a generator"),
        (lambda: grad(3.0), "grad takes a function, not a number"),
        (lambda: hessian(Value(3.0)), r"hessian takes a function, not a number; of a Value that was computed there are gradients\(value, inputs\)"),
        (lambda: grad(tanh, 2.0), r"argnums is the position of an argument or a tuple of positions, not 2.0; where to differentiate comes in the next parentheses: grad\(f\)\(x\)"),
        (lambda: grad(tanh, 1)(2.0), "argnums is 1, but tanh was given 1 argument by position"),
        (lambda: grad(lambda x: x)(x=2.0), "argnums is 0, but <lambda> was given 0 arguments by position"),
        (lambda: derivative(tanh, 2.0), r"order is how often to differentiate, not 2.0; where comes next: derivative\(f\)\(x\)"),
        (lambda: jvp(3.0, (1.0,), (1.0,)), "jvp takes a function, not a number"),
        (lambda: grad(lambda model: 1.0)(nn.Neuron(1, seed=0)), r"model is a Neuron. For the parameters of a model there is gradients\(loss, model.parameters\(\)\)"),
        (lambda: grad(lambda x: x)(np.complex128(1)), "x is a complex128"),
        (lambda: derivative(lambda x: x[0])([1.0]), "derivative is that of a function of one number, not of a list of 1: see grad"),
        (lambda: jvp(tanh, 1.0, 1.0), "jvp takes its primals as a tuple, one for each argument, not float"),
        (lambda: jvp(tanh, (1.0,), 1.0), "jvp takes its tangents as a tuple"),
        (lambda: jvp(tanh, (1.0,), ("a",)), "tangents are numbers: expected a number, not str"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_a_type_error_that_says_what(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jvp(dot, ([1.0], [2.0]), ([1.0], [2.0, 3.0])), r"tangents\[1\] must be built like its counterpart: a list of 1, not a list of 2"),
        (lambda: hvp(lambda x: x @ x, np.ones((1, 2)), np.ones((2, 1))), r"v must be built like its counterpart: an array of shape \(1, 2\), not an array of shape \(2, 1\)"),
        (lambda: hvp(lambda x: x["a"] ** 2, {"a": 1.0}, {"b": 1.0}), "v must be built like its counterpart: a dict with 'a', not a dict with 'b'"),
        (lambda: vjp(lambda x: [x, x], 1.0)[1](1.0), "cotangents must be built like its counterpart: a list of 2, not a number"),
        (lambda: jvp(tanh, (1.0,), (1.0, 2.0)), "tangents must be built like its counterpart: a tuple of 1, not a tuple of 2"),
        (lambda: grad(lambda x: x, argnums=(0, -1))(1.0), r"argnums \(0, -1\) names an argument twice"),
        (lambda: derivative(tanh, order=-1), "order must be a whole number of at least 0, not -1"),
        (lambda: jacobian(tanh, mode="sideways"), 'mode is "auto", "forward" or "reverse", not \'sideways\''),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_value_error_that_says_where(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_derived_functions_have_names_of_their_own():
    assert grad(rosenbrock).__name__ == "grad(rosenbrock)"
    assert hessian(rosenbrock).__name__ == "hessian(rosenbrock)"
    assert derivative(tanh, order=2).__name__ == "derivative(derivative(tanh))"
    assert "rosenbrock" in grad(rosenbrock).__doc__


def test_kinks_and_ties_are_those_of_the_operations():
    assert grad(abs)(0.0) == 0.0
    assert grad(lambda x: maximum(x[0], x[1]))([2.0, 2.0]) == [0.5, 0.5]
    assert grad(lambda x: sigmoid(x))(-1000.0) == 0.0


def test_second_derivatives_read_well():
    x = Value(0.5, label="x")
    slope = gradients(x.tanh(), x, create_graph=True)
    assert str(expression(gradients(slope, x, create_graph=True))) == "−2·v1·(1 − v1·v1)\n  where v1 = tanh(x)"
