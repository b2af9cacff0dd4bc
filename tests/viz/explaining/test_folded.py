"""Explanations by neuron and by layer: what each box received, gave and sends back."""

import re

import pytest

from tinygrad_edu import Value, data, explain, losses, mean, nn


@pytest.fixture
def xor():
    model = nn.MLP(2, [4, 1], "tanh", seed=0)
    errors = [losses.mse(model(x), t) for x, t in zip(*data.xor())]
    return model, mean(errors)


def cells(report, table):
    return {str(row[0]): [str(cell) for cell in row[1:]] for row in report.tables[table].rows}


def test_a_neuron_is_one_line_whatever_the_number_of_examples(xor):
    _, loss = xor
    report = explain(loss, level="neuron")
    forward = cells(report, 0)
    assert list(forward) == ["x₁", "x₂", "h₁⁽¹⁾", "h₂⁽¹⁾", "h₃⁽¹⁾", "h₄⁽¹⁾", "h₁⁽²⁾", "−", "^", "loss"]
    assert forward["h₂⁽¹⁾"][:3] == ["linear, tanh", "x₁, x₂", "4"]
    assert forward["x₁"] == ["input", "", "4", "0 … 1"]
    backward = cells(report, 1)
    assert list(backward) == [*forward][::-1]
    assert backward["loss"] == ["1", "0.25 → ^", ""]
    assert "$$" not in report.to_markdown()
    assert "| $x_{1}$, $x_{2}$ |" in report.to_markdown()  # so that a line can end between them


def test_the_gradients_are_those_of_backward_and_the_grads_stay(xor):
    model, loss = xor
    report = explain(loss, level="neuron")
    assert not any(parameter.grad for parameter in model.parameters())
    loss.backward()
    assert [report.gradients[p] for p in model.parameters()] == [p.grad for p in model.parameters()]
    learned = re.findall(r": (−?[\d.]+)", cells(report, 1)["h₁⁽²⁾"][2])
    assert len(learned) == 5
    weight = model.layers[1].neurons[0].w[0]
    assert float(learned[0].replace("−", "-")) == pytest.approx(weight.grad, rel=1e-3)


def test_what_is_sent_back_is_the_contribution_of_the_box_alone():
    x = Value(3.0)
    first, second = nn.Neuron(1, None, init=lambda: 2.0), nn.Neuron(1, None, init=lambda: 5.0)
    model = nn.Module()
    model.layers = [first, second]
    y = first([x]) * second([x])
    backward = cells(explain(y, level="neuron"), 1)
    assert backward["layers.0"][:2] == ["15", "30 → x"]
    assert backward["layers.1"][:2] == ["6", "30 → x"]
    assert backward["x"][0] == "60"


def test_layers_tell_their_parameters_as_a_range(xor):
    _, loss = xor
    backward = cells(explain(loss, level="layer"), 1)
    assert list(backward) == ["loss", "^", "−", "h₁⁽²⁾", "layers.0", "x"]
    assert re.fullmatch(r"12 parameters: −[\d.]+ … [\d.]+", backward["layers.0"][2])


def test_without_a_derivative_the_forward_pass_is_explained():
    y = Value(0.0, label="x").sqrt()
    report = explain(y, level="layer")
    assert re.fullmatch(r"the derivative of sqrt at x = 0.0 is infinite .*: there are no derivatives", report.failure)
    assert report.tables[0].remark == [report.failure]
    assert len(report.tables) == 1


def test_leftovers_are_told(xor):
    model, loss = xor
    loss.backward()
    again = mean([losses.mse(model(x), t) for x, t in zip(*data.xor())])
    again.backward()
    assert "left over in 17 grads: from an earlier backward()" in str(explain(again, level="neuron"))


def test_what_cannot_be_is_refused(xor):
    _, loss = xor
    with pytest.raises(ValueError, match='level must be "op", "neuron" or "layer", and "op" beside wrt, not \'loop\''):
        explain(loss, level="loop")
    with pytest.raises(ValueError, match="\"op\" beside wrt, not 'layer'"):
        explain(loss, level="layer", wrt=loss)
    wide = mean([Value(float(i), label=f"a{i}") for i in range(600)])
    with pytest.raises(ValueError, match=r'more than 500 .*; explain\(value, level="neuron" or "layer"\) says less'):
        explain(wide)
    with pytest.raises(ValueError, match="that makes 601 boxes, too many to explain"):
        explain(wide, level="neuron")
    assert len(explain(mean(Value(float(i)) for i in range(600)), level="neuron").tables[0].rows) == 2
