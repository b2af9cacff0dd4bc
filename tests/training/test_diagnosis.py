"""``diagnose``: what it finds where something is wrong, and that it is silent where nothing is."""

import functools
import math
import random

import pytest

from tinygrad_edu import Value, data, diagnose, fit, losses, mean, nn, no_grad, optim

LOGITS = "binary_cross_entropy_with_logits"
XOR = data.xor()
LINE = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
MOONS = data.moons(40, seed=0)


def mlp(activation="tanh", output=None, *, sizes=(4, 1), inputs=2, spread=None, seed=1):
    """A network, its weights from a normal distribution of this spread if one is given."""
    rng = random.Random(seed)
    init = None if spread is None else lambda: rng.gauss(0.0, spread)
    return nn.MLP(inputs, sizes, activation, output, init=init, seed=seed)


def with_biases(model, bias):
    for neuron in model.layers[0].neurons:
        neuron.b.data = bias
    return model


def after_steps(model, points, steps, *, lr=0.01, forget=False, loss=losses.binary_cross_entropy_with_logits):
    """A model after a loop of one's own."""
    optimizer = optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        if not forget:
            optimizer.zero_grad()
        mean([loss(model(x), t) for x, t in zip(*points)]).backward()
        optimizer.step()
    return model


def after_backward(times):
    model = mlp()
    for _ in range(times):
        mean([losses.binary_cross_entropy_with_logits(model(x), t) for x, t in zip(*XOR)]).backward()
    return model


def with_rate(rate, points=XOR, kind=optim.SGD, loss=LOGITS, **options):
    model = mlp(**options)
    return diagnose(model, *points, loss=loss, optimizer=kind(model.parameters(), lr=rate))


def twins():
    model = mlp()
    model.layers[0].neurons[2].load_state_dict(model.layers[0].neurons[0].state_dict())
    return model


CASES = {  # a finding: what provokes it, and the like where it must keep silent
    "the loss does not fit": (
        lambda: diagnose(mlp(), *XOR, loss="hinge"),
        lambda: diagnose(mlp(), XOR[0], [-1, 1, 1, -1], loss="hinge"),
    ),
    "no finite loss": (
        lambda: diagnose(mlp("relu", spread=1e200), *MOONS),
        lambda: diagnose(mlp("relu"), *MOONS),
    ),
    "all targets equal": (
        lambda: diagnose(mlp(), XOR[0], [1] * 4, loss=LOGITS),
        lambda: diagnose(mlp(), XOR[0], [1, 1, 1, 0], loss=LOGITS),
    ),
    "targets out of reach": (
        lambda: diagnose(mlp(output="sigmoid"), XOR[0], [0, 5, 3, 1]),
        lambda: diagnose(mlp(output="sigmoid"), *XOR),
    ),
    "squashed scores": (
        lambda: diagnose(mlp(output="sigmoid"), *XOR, loss=LOGITS),
        lambda: diagnose(mlp(output="sigmoid"), *XOR, loss="binary_cross_entropy"),
    ),
    "inputs on very different scales": (
        lambda: diagnose(mlp(), [[x, 1000 * y] for x, y in XOR[0]], XOR[1], loss=LOGITS),
        lambda: diagnose(mlp(), [[x, 20 * y] for x, y in XOR[0]], XOR[1], loss=LOGITS),
    ),
    "equal neurons": (
        lambda: diagnose(nn.MLP(2, [3, 1], "tanh", init=lambda: 0.5), *XOR),
        lambda: diagnose(twins(), *XOR),  # the weights behind them differ, so they will part
    ),
    "dead units": (
        lambda: diagnose(with_biases(mlp("relu"), -9.0), *XOR, loss=LOGITS),
        lambda: diagnose(with_biases(mlp("relu"), 0.5), *XOR, loss=LOGITS),
    ),
    "saturated units": (
        lambda: diagnose(with_biases(mlp(), 7.0), *XOR, loss=LOGITS),
        lambda: diagnose(with_biases(mlp(), 1.0), *XOR, loss=LOGITS),
    ),
    "constant units": (
        lambda: diagnose(nn.MLP(2, [1, 1], "tanh", init=lambda: 0.0), *XOR, loss=LOGITS),
        lambda: diagnose(nn.MLP(2, [1, 1], "tanh", init=lambda: 0.1), *XOR, loss=LOGITS),
    ),
    "vanishing gradients": (
        lambda: diagnose(mlp("sigmoid", sizes=[8] * 8 + [1]), *XOR, loss=LOGITS),
        lambda: diagnose(mlp("tanh", sizes=[8] * 8 + [1]), *XOR, loss=LOGITS),
    ),
    "exploding gradients": (
        lambda: diagnose(mlp("leaky_relu", sizes=[4, 4, 4, 4, 1], spread=15.0), *XOR, loss=LOGITS),
        lambda: diagnose(mlp("leaky_relu", sizes=[4, 4, 4, 4, 1]), *XOR, loss=LOGITS),
    ),
    "backward() more than once": (
        lambda: diagnose(after_backward(2), *XOR, loss=LOGITS),
        lambda: diagnose(after_backward(1), *XOR, loss=LOGITS),
    ),
    "no zero_grad()": (
        lambda: diagnose(after_steps(mlp(), XOR, 100, forget=True), *XOR, loss=LOGITS),
        lambda: diagnose(after_steps(mlp(), XOR, 100), *XOR, loss=LOGITS),
    ),
    "learning rate too large": (lambda: with_rate(10.0), lambda: with_rate(1.0)),
    "learning rate too small": (lambda: with_rate(1e-3, MOONS), lambda: with_rate(0.5, MOONS)),
    "model too small": (
        lambda: diagnose(after_steps(nn.Neuron(2, None, seed=0), XOR, 300, lr=1.0), *XOR, loss=LOGITS),
        lambda: diagnose(nn.Neuron(2, None, seed=0), *XOR, loss=LOGITS),  # it may still learn something
    ),
}


def names(report):
    return [finding.name for finding in report]


@pytest.mark.parametrize("name", CASES)
def test_it_finds_what_is_wrong_and_nothing_else(name):
    report = CASES[name][0]()
    assert names(report) == [name]
    assert report[0].numbers
    assert report[0].advice


@pytest.mark.parametrize("name", CASES)
def test_it_is_silent_where_nothing_is_wrong(name):
    report = CASES[name][1]()
    assert not report
    assert "nothing found" in str(report)


@pytest.mark.parametrize(
    ("points", "sizes", "loss", "optimizer", "epochs", "batch_size"),
    [
        pytest.param(
            *(data.moons(100, noise=0.1, seed=0), [16, 16, 1], LOGITS, functools.partial(optim.Adam, lr=0.02), 100, 20),
            marks=pytest.mark.thorough,
        ),
        (XOR, [4, 1], LOGITS, functools.partial(optim.SGD, lr=1.0), 200, None),
        (XOR, [4, 1], LOGITS, functools.partial(optim.Adam, lr=0.1), 50, None),
        (data.blobs(60, seed=0), [8, 3], "cross_entropy", functools.partial(optim.Adam, lr=0.02), 50, 10),
        (MOONS, [8, 1], "mse", functools.partial(optim.SGD, lr=0.1, momentum=0.9), 200, None),
    ],
)
def test_it_is_silent_about_a_healthy_training(points, sizes, loss, optimizer, epochs, batch_size):
    model = mlp(sizes=sizes)
    chosen = optimizer(model.parameters())
    assert not diagnose(model, *points, loss=loss, optimizer=chosen)
    history = fit(model, *points, loss=loss, optimizer=chosen, epochs=epochs, batch_size=batch_size, seed=0)
    assert not history.diagnose()
    assert str(history.diagnose()).endswith("nothing found")


def test_the_numbers_say_how_it_was_shown():
    [finding] = diagnose(with_biases(mlp("relu"), -9.0), *XOR, loss=LOGITS)
    assert finding.numbers["idle"] == finding.numbers["of"] == 4
    assert finding.numbers["layer"] == "layers.0"
    assert "4 of 4 units of layers.0 give 0 for all 4 examples" in finding.seen
    [finding] = diagnose(after_backward(3), *XOR, loss=LOGITS)
    assert finding.numbers == {"times": 3}


def test_the_best_rate_of_a_quadratic_is_one_over_its_curvature():
    class Scale(nn.Module):
        def __init__(self):
            self.w = Value(3.0)

        def __call__(self, inputs):
            return self.w * inputs[0]

    model = Scale()  # the loss of 1 -> 0 and 2 -> 0 is 5/2 w², with the curvature 5
    [finding] = diagnose(model, [[1.0], [2.0]], [0.0, 0.5], optimizer=optim.SGD(model.parameters(), lr=1.0))
    assert finding.name == "learning rate too large"
    assert finding.numbers["best"] == pytest.approx(1 / 5, rel=1e-12)
    assert finding.numbers["after"] > 1e5


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, functools.partial(optim.SGD, momentum=0.9)])
def test_nothing_is_changed(kind):
    model = mlp()
    optimizer = kind(model.parameters(), lr=100.0)
    fit(model, *XOR, loss=LOGITS, optimizer=kind(model.parameters(), lr=0.1), epochs=2)
    state = {name: value[:] if hasattr(value, "__len__") else value for name, value in vars(optimizer).items()}
    before = [(p.data, p.grad, p.label) for p in model.parameters()]
    with no_grad():
        report = diagnose(model, *XOR, loss=LOGITS, optimizer=optimizer)
    assert names(report) == ["learning rate too large"]
    assert [(p.data, p.grad, p.label) for p in model.parameters()] == before
    assert vars(optimizer) == state


def test_a_rate_at_which_everything_overflows_is_too_large():
    [finding] = with_rate(1e200, LINE, loss="mse", inputs=1, activation="relu")
    assert finding.name == "learning rate too large"
    assert finding.numbers["after"] == math.inf


def test_it_prints_readably_in_60_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    report = diagnose(with_biases(mlp("relu", "sigmoid"), -9.0), *XOR, loss=LOGITS)
    assert (
        str(report)
        == """\
MLP on 4 examples, loss 0.724: 2 findings

squashed scores
  binary_cross_entropy_with_logits takes scores of any size,
  but sigmoid at the output gives 0 to 1.
  Try: output_activation=None; the loss has its own sigmoid
  or softmax inside.

dead units
  4 of 4 units of layers.0 give 0 for all 4 examples, such
  as layers.0.neurons.0. relu is flat there: no gradient
  reaches their weights.
  Try: new initial weights, a smaller learning rate, or
  leaky_relu, which is nowhere flat."""
    )
    assert repr(report) == str(report)


def test_it_shows_itself_in_a_notebook():
    report = diagnose(mlp(output="sigmoid"), *XOR, loss=LOGITS)
    assert "| squashed scores | binary\\_cross\\_entropy" in report._repr_markdown_()
    assert diagnose(mlp(), *XOR, loss=LOGITS)._repr_markdown_().count("\n") == 1


def test_a_hundred_of_many_examples_are_looked_at():
    inputs, targets = data.moons(250, seed=0)
    assert str(diagnose(mlp(), inputs, targets, loss=LOGITS)).startswith("MLP on 84 examples")


def test_a_module_of_ones_own_is_diagnosed():
    class Two(nn.Module):
        def __init__(self):
            self.first, self.last = nn.Layer(2, 3, "relu", seed=0), nn.Neuron(3, None, seed=0)
            for neuron in self.first.neurons:
                neuron.b.data = -9.0

        def __call__(self, inputs):
            return self.last(self.first(inputs))

    [finding] = diagnose(Two(), *XOR, loss=lambda p, t: (p - t) ** 2)
    assert finding.numbers["layer"] == "first"


def test_what_cannot_be_diagnosed_is_refused():
    model = mlp()
    for arguments, message in [
        ((model, [[1.0, 2.0]], [0, 1]), "1 inputs do not go with 2 targets"),
        ((model, [[1.0]], [0]), "expected 2 inputs, got 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            diagnose(*arguments)
    for nothing in (lambda x: x, nn.Module()):
        with pytest.raises(TypeError, match=r"diagnose takes a Module with parameters; .* has none"):
            diagnose(nothing, *XOR)
    with pytest.raises(ValueError, match="unknown loss 'logits'"):
        diagnose(model, *XOR, loss="logits")
    with pytest.raises(ValueError, match="parameters of another model"):
        diagnose(model, *XOR, optimizer=optim.SGD(mlp().parameters()))


def test_a_history_finds_what_is_wrong_with_its_training():
    model = mlp()
    history = fit(model, *MOONS, loss=LOGITS, optimizer=optim.SGD(model.parameters(), lr=1e-3), epochs=3, l2=0.01)
    assert names(history.diagnose()) == ["learning rate too small"]
    for neuron in model.layers[0].neurons:
        neuron.b.data = 30.0
    assert names(history.diagnose()) == ["saturated units", "learning rate too small"]


def test_only_twins_are_called_equal():
    model = twins()
    for neuron in model.layers[1].neurons:
        neuron.w[0].data = neuron.w[2].data
    [finding] = diagnose(model, *XOR, loss=LOGITS)
    assert finding.numbers == {"layer": "layers.0", "first": "layers.0.neurons.0", "second": "layers.0.neurons.2",
                               "equal": 2}  # fmt: skip


def test_only_a_history_of_fit_can_be_diagnosed():
    from tinygrad_edu import History

    with pytest.raises(ValueError, match="only a history that fit returned"):
        History("metric").diagnose()
