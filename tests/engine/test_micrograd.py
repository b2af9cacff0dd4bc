"""micrograd's programs run unchanged but for the imports: its README example and the loop of its moons notebook."""

import random

import numpy as np
import pytest

from tinygrad_edu import Value, data
from tinygrad_edu.nn.layers import MLP, Layer, Neuron


def test_readme_example():
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def test_moons_notebook():
    np.random.seed(1337)
    random.seed(1337)
    X, y = map(np.array, data.moons(40, noise=0.1, seed=0))
    y = y * 2 - 1  # make y be -1 or 1
    model = MLP(2, [16, 16, 1])
    assert len(model.parameters()) == 337

    def loss(batch_size=None):
        if batch_size is None:
            Xb, yb = X, y
        else:
            ri = np.random.permutation(X.shape[0])[:batch_size]
            Xb, yb = X[ri], y[ri]
        inputs = [list(map(Value, xrow)) for xrow in Xb]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(yb, scores)]
        data_loss = sum(losses) * (1.0 / len(losses))
        alpha = 1e-4
        reg_loss = alpha * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(yb, scores)]
        return total_loss, sum(accuracy) / len(accuracy)

    for k in range(60):
        total_loss, acc = loss(20 if k % 2 else None)
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
    assert acc >= 0.9
    assert total_loss.data < 0.3

    Z = np.array([s.data > 0 for s in map(model, [list(map(Value, xrow)) for xrow in X])])
    assert ((y > 0) == Z).mean() >= 0.9


def test_what_micrograd_keeps_to_itself_is_found_under_its_name_here():
    y = Value(1.0) + 2.0
    with pytest.raises(AttributeError, match=r"v\._prev is v\.parents here"):
        y._prev  # noqa: B018
    with pytest.raises(AttributeError, match=r"v\.backward\(\) goes through the whole graph"):
        y._backward()


def test_a_neuron_as_in_the_drawing_notebook():
    random.seed(1337)
    n = Neuron(2)
    x = [Value(1.0), Value(-2.0)]
    y = n(x)
    y.backward()
    assert [p.grad for p in n.parameters()] == pytest.approx([1.0, -2.0, 1.0] if y.data > 0 else [0.0, 0.0, 0.0])
    assert len(Layer(2, 3)(x)) == 3
