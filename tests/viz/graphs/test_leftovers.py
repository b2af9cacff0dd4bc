"""Leftovers: pictures and explanations say which part of a grad another backward pass has left there."""

import pytest

from tinygrad_edu import Value, draw, explain, losses, mean, nn, optim, topological_order
from tinygrad_edu.viz.graphs.leftovers import Leftovers


def square(x, label="y"):
    y = x * x
    y.label = label
    return y


def test_nothing_is_said_before_and_after_one_backward():
    model = nn.MLP(2, [3, 1], "tanh", seed=0)
    loss = mean([losses.mse(model([a, b]), a * b) for a in (0.0, 1.0) for b in (0.0, 0.7)])
    for step in (lambda: None, loss.backward):
        step()
        assert Leftovers(topological_order(loss)).brought == {}
        assert "backward() ran" not in draw(loss, level="neuron").source + str(explain(loss))


def test_a_second_loss_on_the_same_leaf_adds_to_what_the_first_left():
    x = Value(3.0, label="x")
    square(x).backward()
    z = 2 * x
    z.label = "z"
    z.backward()
    source = draw(z).source
    assert "grad 8 = 2 from z" in source
    assert "+ 6 left over" in source
    assert "zero_grad() clears it" in source
    for report in (explain(z), explain(z, wrt=x)):
        assert "x: grad 8 = 2 from z + 6 left over from before: zero_grad()" in str(report)
    z.zero_grad()
    z.backward()
    assert "left over" not in draw(z).source + str(explain(z))


def test_a_second_backward_is_noticed_at_the_root():
    y = square(Value(3.0, label="x"))
    y.backward()
    y.backward()
    twice = "grad of y is 2, not 1: backward() ran 2 times without zero_grad()"
    assert twice in draw(y).source
    assert twice in draw(y, level="layer").source
    assert twice in str(explain(y))


def test_what_another_loss_left_is_told_before_backward_of_this_one():
    x = Value(3.0, label="x")
    square(x).backward()
    z = 2 * x
    assert "x: grad 6 left over from before: zero_grad()" in str(explain(z))


def test_a_part_of_a_larger_computation_may_have_grads_from_elsewhere():
    x = Value(3.0, label="x")
    y = square(x)
    (0.5 * y + 5 * x).backward()
    source = draw(y).source
    assert "grad 8 = 3 from y" in source
    assert "+ 5 from elsewhere" in source
    assert "left over" not in source


def test_of_many_grads_some_are_listed():
    model = nn.Neuron(6, seed=0, init=lambda: 1.0)
    model([1.0] * 6).backward()
    assert "and 4 more" in str(explain(model([1.0] * 6)))


@pytest.mark.parametrize("level", ["op", "neuron"])
def test_after_a_step_the_picture_says_that_numbers_were_set_and_nothing_else(level):
    x = Value(3.0, label="x")
    y = square(x)
    y.backward()
    optim.SGD([x], lr=0.1).step()
    assert "left over" not in draw(y, level=level).source


def test_an_opened_composite_tells_of_its_leaves():
    x = Value(1.0, label="x")
    square(x).backward()
    y = x.sigmoid()
    y.backward()
    assert "+ 2 left over" in draw(y, expand=True).source


def test_without_derivatives_nothing_is_said():
    x = Value(0.0, label="x")
    y = x.sqrt()
    x.grad = y.grad = 1.0
    assert "left over" not in draw(y).source
