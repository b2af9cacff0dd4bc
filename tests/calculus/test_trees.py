"""Nested numbers: mapped over, refused where they are nested too deeply, and models' parameters as arguments."""

from collections import namedtuple

import pytest

from tinygrad_edu import (
    Value,
    check_gradients,
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    nn,
    tree_map,
    value_and_grad,
    vjp,
)
from tinygrad_edu import sum as total

Line = namedtuple("Line", "slope offset")


def test_tree_map_keeps_the_structure():
    assert tree_map(lambda x: x + 1, {"w": [1.0, (2.0,)], "b": Line(3.0, 4.0)}) == {
        "w": [2.0, (3.0,)],
        "b": Line(4.0, 5.0),
    }
    assert tree_map(max, [1.0, 5.0], [2.0, 3.0], [0.0, 9.0]) == [2.0, 9.0]
    assert tree_map(abs, -1.0) == 1.0


def test_tree_map_refuses_structures_that_do_not_fit():
    with pytest.raises(ValueError, match="the tree must be built like its counterpart: a list of 2, not a list of 1"):
        tree_map(max, [1.0, 2.0], [1.0])


def test_what_holds_itself_is_refused_by_name():
    endless = [1.0]
    endless.append(endless)
    with pytest.raises(ValueError, match="x is nested too deeply, or holds itself"):
        grad(lambda x: x[0])(endless)
    deep = 1.0
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="a structure is nested too deeply"):
        tree_map(abs, deep)


def test_parameters_of_a_model_are_arguments_everywhere():
    parameters = nn.Neuron(1, None, seed=0).parameters()
    ones = [1.0, 1.0]

    def squares(ps):
        return total([p * p for p in ps])

    twice = [2 * p.data for p in parameters]
    value, gradient = value_and_grad(squares)(parameters)
    assert [x.data for x in gradient] == [x.data for x in grad(squares)(parameters)] == twice
    assert value.data == squares(parameters).data
    assert [[x.data for x in row] for row in hessian(squares)(parameters)] == [[2.0, 0.0], [0.0, 2.0]]
    assert [x.data for x in jacobian(squares)(parameters)] == twice
    assert [x.data for x in hvp(squares, parameters, ones)] == [2.0, 2.0]
    assert jvp(squares, (parameters,), (ones,))[1].data == sum(twice)
    assert [x.data for x in vjp(squares, parameters)[1](1.0)[0]] == twice
    assert derivative(lambda p: p * p)(parameters[0]).data == twice[0]
    assert check_gradients(squares, parameters).ok


def test_has_aux_passes_on_what_is_not_differentiated():
    def f(x):
        return x * x, {"half": x / 2, "note": "done"}

    assert grad(f, has_aux=True)(3.0) == (6.0, {"half": 1.5, "note": "done"})
    assert value_and_grad(f, has_aux=True)(3.0) == ((9.0, {"half": 1.5, "note": "done"}), 6.0)
    slope, aux = grad(f, has_aux=True)(Value(3.0))
    assert slope.data == 6.0
    assert aux["half"].op is not None
    with pytest.raises(
        TypeError, match=r"with has_aux, grad takes a function that returns a pair .* returned a number"
    ):
        grad(lambda x: x * x, has_aux=True)(3.0)


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
def test_argnum_is_called_argnums(transform):
    with pytest.raises(TypeError, match=rf"the argument is called argnums: {transform.__name__}\(f, argnums=1\)"):
        transform(lambda x, y: x * y, argnum=1)


def test_a_derivative_of_too_high_an_order_is_refused():
    with pytest.raises(ValueError, match="a derivative of order 200 is nested too deeply; the highest order is 50"):
        derivative(lambda x: x**3, order=200)


# ---- zero absorbs ----------------------------------------------------------------------------------------------------


def test_what_does_not_move_is_not_asked_for_its_derivative():
    assert jvp(lambda x, n: x**n, (-2.0, 3.0), (1.0, 0.0)) == (-8.0, 12.0)
    assert jvp(lambda x, y: x.sqrt() + y, (0.0, 2.0), (0.0, 1.0)) == (2.0, 1.0)
    with pytest.raises(ZeroDivisionError):
        jvp(lambda x, y: x.sqrt() + y, (0.0, 2.0), (1.0, 1.0))


def test_outputs_that_depend_on_no_input_do_not_move():
    outside = Value(3.0)
    value, moved = jvp(lambda x: [x * outside, outside * 2.0], (2.0,), (1.0,))
    assert [v.data for v in value] == [6.0, 6.0]
    assert [m.data for m in moved] == [3.0, 0.0]
