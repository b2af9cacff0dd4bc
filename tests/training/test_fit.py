"""``fit``: it does what a loop by hand does, says how it went, and leaves nothing half done."""

import math
import random
import re
import signal
import sys
import threading
import types

import numpy as np
import pytest

from tinygrad_edu import Value, classifier, compile_loss, data, fit, losses, mean, nn, no_grad, optim

XOR = data.xor()
LOGITS = "binary_cross_entropy_with_logits"


def model(seed=0):
    return nn.MLP(2, [4, 1], "tanh", seed=seed)


def test_it_does_what_a_loop_by_hand_does():
    inputs, targets = data.moons(40, seed=0)
    ours, by_hand = model(), model()
    history = fit(ours, inputs, targets, loss=LOGITS, optimizer=optim.SGD(ours.parameters(), lr=0.5), epochs=5, l2=0.01,
                  schedule=lambda epoch: 0.5**epoch)  # fmt: skip
    expected = []
    for epoch in range(5):
        total = mean([losses.binary_cross_entropy_with_logits(by_hand(x), t) for x, t in zip(inputs, targets)])
        total = total + 0.01 * losses.l2_penalty(by_hand.parameters())
        by_hand.zero_grad()
        total.backward()
        for p in by_hand.parameters():
            p.data -= 0.5 * 0.5**epoch * p.grad
        expected.append(total.data)
    assert history.loss == pytest.approx(expected, rel=1e-12)
    assert list(ours.state_dict().values()) == pytest.approx(list(by_hand.state_dict().values()), rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "outputs", "points"),
    [
        ("mse", 1, XOR),
        (LOGITS, 1, XOR),
        ("hinge", 1, (XOR[0], [-1, 1, 1, -1])),
        ("cross_entropy", 2, XOR),
        (losses.cross_entropy, 2, XOR),
        (LOGITS, 2, (XOR[0], [[t, 1 - t] for t in XOR[1]])),
    ],
)
def test_it_learns_xor_with_every_loss(loss, outputs, points):
    network = nn.MLP(2, [8, outputs], "tanh", seed=1)
    history = fit(network, *points, loss=loss, optimizer=optim.Adam(network.parameters(), lr=0.1), epochs=100,
                  metric="accuracy")  # fmt: skip
    assert history.metric[-1] == 1.0
    assert history.loss[-1] < history.loss[0] / 10


def test_it_learns_from_probabilities():
    network = nn.MLP(2, [8, 1], "tanh", "sigmoid", seed=1)
    history = fit(network, *XOR, loss="binary_cross_entropy", epochs=100, metric="accuracy",
                  optimizer=optim.Adam(network.parameters(), lr=0.1))  # fmt: skip
    assert history.metric[-1] == 1.0


def test_batches_go_through_every_example_in_an_order_of_the_seed():
    def orders(**options):
        seen = []

        def loss(prediction, target):
            seen.append(target)
            return losses.mse(prediction, target)

        neuron = nn.Neuron(1, None, seed=0)
        fit(neuron, [[i] for i in range(10)], range(10), loss=loss, epochs=2, optimizer=optim.SGD([neuron.b]),
            compiled=False, **options)  # fmt: skip
        return seen[:10], seen[10:]

    assert orders() == (list(range(10)), list(range(10)))
    first, second = orders(batch_size=3, seed=1)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert orders(batch_size=3, seed=1) == (first, second) != orders(batch_size=3, seed=2)
    random.seed(7)
    free = orders(batch_size=3)
    random.seed(7)
    assert orders(batch_size=3) == free


@pytest.mark.parametrize("form", [np.array, lambda xs: tuple(map(tuple, xs)) if isinstance(xs[0], list) else tuple(xs),
                                  lambda xs: [np.array(x) for x in xs], iter])  # fmt: skip
def test_arrays_and_other_lists_are_welcome(form):
    ours, theirs = model(), model()
    assert fit(ours, *XOR, epochs=3).loss == fit(theirs, form(XOR[0]), form(XOR[1]), epochs=3).loss


def test_data_frames_and_single_columns_are_welcome():
    class Frame:
        def to_numpy(self):
            return np.array([[0.0], [1.0]])

    first, second, third = (nn.Neuron(1, None, seed=0) for _ in range(3))
    expected = fit(first, [[0.0], [1.0]], [1.0, 3.0], epochs=3).loss
    assert fit(second, Frame(), np.array([[1.0], [3.0]]), epochs=3).loss == expected
    assert fit(third, [0.0, 1.0], [1.0, 3.0], epochs=3).loss == expected


def test_the_history_is_a_number_for_each_epoch_and_prints_a_summary(tmp_path):
    calls = []
    history = fit(model(), *XOR, loss=LOGITS, epochs=3, metric="accuracy", on_epoch=lambda *a: calls.append(a))
    assert len(history.loss) == len(history.metric) == 3
    assert [epoch for epoch, _ in calls] == [0, 1, 2]
    assert all(seen is history for _, seen in calls)
    assert re.match(r"3 epochs in [\d.e-]+ s, compiled: loss 0\.7", str(history))
    assert f"accuracy {history.metric[0]:.4g} -> {history.metric[-1]:.4g}" in str(history)
    history.to_csv(tmp_path / "history.csv")
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,accuracy"
    assert lines[3] == f"3,{history.loss[2]},{history.metric[2]}"
    plain = fit(model(), *XOR, epochs=1)
    assert "1 epoch in" in str(plain)
    assert "accuracy" not in str(plain)
    plain.to_csv(tmp_path / "plain.csv")
    assert (tmp_path / "plain.csv").read_text().startswith("epoch,loss\n1,")
    assert re.fullmatch(r"0 epochs in [\d.e-]+ s, compiled", str(fit(model(), *XOR, epochs=0)))


def test_a_metric_of_ones_own_gets_plain_numbers():
    def largest(prediction, target):
        assert type(prediction) is float
        return abs(prediction - target)

    history = fit(model(), *XOR, epochs=2, metric=largest)
    assert history.metric_name == "largest"
    assert all(0 < m < 5 for m in history.metric)


def test_the_learning_rate_is_as_it_was_afterwards():
    network = model()
    optimizer = optim.SGD(network.parameters(), lr=0.5)
    fit(network, *XOR, optimizer=optimizer, schedule=optim.exponential(0.5), epochs=4)
    assert optimizer.lr == 0.5


def test_classifier():
    network = nn.MLP(2, [3], seed=0)
    scores = [v.data for v in network([0.5, -0.5])]
    assert classifier(network)([0.5, -0.5]) == scores.index(max(scores))
    neuron = nn.Neuron(1, "sigmoid", init=lambda: 1.0)
    assert [classifier(neuron)([x]) for x in (-1.0, 1.0)] == [0, 1]

    class Listing(nn.Module):
        def __call__(self, inputs):
            return [Value(inputs[0])]

    assert [classifier(Listing())([x]) for x in (-1.0, 1.0)] == [0, 1]


def test_the_history_is_the_mean_over_uneven_batches():
    inputs, targets = [[float(i)] for i in range(5)], [float(i * i) for i in range(5)]
    network = nn.Neuron(1, None, seed=0)
    history = fit(network, inputs, targets, epochs=1, batch_size=2, optimizer=optim.SGD([network.b], lr=0.0),
                  metric=lambda p, t: abs(p - t))  # fmt: skip
    errors = [network(x).data - t for x, t in zip(inputs, targets)]
    assert history.loss == [pytest.approx(sum(e * e for e in errors) / 5, rel=1e-12)]
    assert history.metric == [pytest.approx(sum(map(abs, errors)) / 5, rel=1e-12)]


@pytest.mark.parametrize(
    ("loss", "outputs", "right", "wrong"),
    [
        ("mse", [0.4], 0, 1),
        ("mse", [3.0], 3, 0),
        ("binary_cross_entropy", [0.4], 0, 1),
        (LOGITS, [0.4], 1, 0),
        (LOGITS, [-0.4], 0, 1),
        ("hinge", [0.4], 1, -1),
        ("hinge", [-0.4], -1, 1),
        ("cross_entropy", [0.1, 0.3, 0.2], 1, 2),
    ],
)
def test_accuracy_is_what_is_right_by_the_loss(loss, outputs, right, wrong):
    layer = nn.Layer(1, len(outputs), None, init=lambda: 0.0)
    for neuron, output in zip(layer.neurons, outputs):
        neuron.b.data = output
    still = optim.SGD(layer.parameters(), lr=0.0)
    history = fit(layer, [[1.0]] * 3, [right, right, wrong], loss=loss, metric="accuracy", epochs=1, optimizer=still)
    assert history.metric == [pytest.approx(2 / 3)]


def test_column_targets_are_welcome_with_every_loss():
    for loss, outputs in (("mse", 1), (LOGITS, 1), ("cross_entropy", 2)):
        first, second = (nn.MLP(2, [outputs], seed=0) for _ in range(2))
        flat = fit(first, *XOR, loss=loss, epochs=2, metric="accuracy")
        column = fit(second, XOR[0], [[t] for t in XOR[1]], loss=loss, epochs=2, metric="accuracy")
        assert (flat.loss, flat.metric) == (column.loss, column.metric)


# ---- the sizes of the gradients --------------------------------------------------------------------------------------


def root_mean_square(parameters):
    return math.sqrt(sum(p.grad**2 for p in parameters) / len(parameters))


def test_the_history_has_the_size_of_each_layers_gradient_in_the_last_batch():
    inputs, targets = data.moons(10, seed=0)
    order = []

    class Watched(nn.MLP):
        def __call__(self, row):
            order.append(inputs.index(row))
            return super().__call__(row)

    ours, by_hand = Watched(2, [4, 3, 1], "tanh", seed=0), nn.MLP(2, [4, 3, 1], "tanh", seed=0)
    history = fit(ours, inputs, targets, loss=LOGITS, optimizer=optim.SGD(ours.parameters(), lr=0.5), epochs=3,
                  batch_size=4, l2=0.01, seed=0, compiled=False)  # fmt: skip
    expected = []
    for start in range(0, 30, 10):
        for batch in (order[start : start + 4], order[start + 4 : start + 8], order[start + 8 : start + 10]):
            total = mean([losses.binary_cross_entropy_with_logits(by_hand(inputs[i]), targets[i]) for i in batch])
            by_hand.zero_grad()
            (total + 0.01 * losses.l2_penalty(by_hand.parameters())).backward()
            sizes = [root_mean_square(layer.parameters()) for layer in by_hand.layers]
            for p in by_hand.parameters():
                p.data -= 0.5 * p.grad
        expected.append(sizes)
    assert list(history.gradient) == ["layers.0", "layers.1", "layers.2"]
    assert [*zip(*history.gradient.values())] == [pytest.approx(sizes, rel=1e-9) for sizes in expected]


class Mixed(nn.Module):
    """Parameters wherever they may be."""

    def __init__(self):
        self.scale = Value(1.5)
        self.first = nn.Layer(2, 3, "tanh", seed=0)
        self.rest = nn.MLP(3, [2, 1], "tanh", seed=1)
        self.shift = [Value(0.5), Value(1.0)]

    def __call__(self, inputs):
        return self.scale * self.rest(self.first(inputs)) + self.shift[0] * self.shift[1]


def test_parameters_are_grouped_by_the_layer_they_are_in():
    network = Mixed()
    names = [name for name, _ in network.named_parameters()]
    groups = {
        "model": [network.scale, *network.shift],
        "first": network.first.parameters(),
        "rest.layers.0": network.rest.layers[0].parameters(),
        "rest.layers.1": network.rest.layers[1].parameters(),
    }
    assert sum(map(len, groups.values())) == len(names)
    history = fit(network, *XOR, epochs=1, optimizer=optim.SGD(network.parameters(), lr=0.0))
    assert history.gradient == {name: [pytest.approx(root_mean_square(p))] for name, p in groups.items()}
    for single in (nn.Neuron(2, None, seed=0), nn.Layer(2, 1, None, seed=0)):
        assert list(fit(single, *XOR, epochs=1).gradient) == ["model"]


def test_parameters_that_do_not_change_do_not_count():
    network = model()
    bias = network.layers[1].neurons[0].b
    history = fit(network, *XOR, epochs=4, optimizer=optim.SGD([bias], lr=0.0))
    assert history.gradient == {"layers.1": [pytest.approx(abs(bias.grad))] * 4}


def test_tiny_gradients_are_not_taken_for_zero():
    neuron = nn.Neuron(1, None, init=lambda: 0.0)
    history = fit(neuron, [[1.0]], [0.0], epochs=1, loss=lambda p, t: p * 1e-200)
    assert history.gradient == {"model": [pytest.approx(1e-200, rel=1e-12)]}
    assert fit(neuron, [[1.0]], [0.0], epochs=1, loss=lambda p, t: p * 0.0).gradient == {"model": [0.0]}


# ---- Ctrl-C ----------------------------------------------------------------------------------------------------------


def test_ctrl_c_after_the_last_batch_is_told_too():
    history = fit(model(), *XOR, epochs=3, on_epoch=lambda *_: signal.raise_signal(signal.SIGINT))
    assert (history.interrupted, len(history.loss)) == (True, 1)
    last = fit(model(), *XOR, epochs=3, on_epoch=lambda e, _: signal.raise_signal(signal.SIGINT) if e == 2 else None)
    assert (last.interrupted, len(last.loss)) == (True, 3)


def test_ctrl_c_ends_after_the_current_batch(monkeypatch):
    network, pressed = model(), []
    steps = []
    optimizer = optim.SGD(network.parameters(), lr=0.1)
    monkeypatch.setattr(optimizer, "step", lambda: steps.append(len(history_so_far)))
    history_so_far = []

    def loss(prediction, target):
        if len(history_so_far) == 2 and not pressed:
            pressed.append(True)
            signal.raise_signal(signal.SIGINT)
        return losses.mse(prediction, target)

    history = fit(network, *XOR, loss=loss, optimizer=optimizer, epochs=10, batch_size=2, seed=0,
                  compiled=False, on_epoch=lambda epoch, history: history_so_far.append(epoch))  # fmt: skip
    assert history.interrupted
    assert len(history.loss) == 2
    assert {name: len(sizes) for name, sizes in history.gradient.items()} == {"layers.0": 2, "layers.1": 2}
    assert steps == [0, 0, 1, 1, 2]  # the batch in which it was pressed was finished
    assert "2 epochs" in str(history)
    assert "interrupted" in str(history)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_does_not_wait():
    def loss(prediction, target):
        signal.raise_signal(signal.SIGINT)
        return losses.mse(prediction, target)

    network = model()
    before = network.state_dict()
    history = fit(network, *XOR, loss=loss, compiled=False)
    assert history.interrupted
    assert network.state_dict() == before


@pytest.mark.parametrize("place", ["metric", "layers.0", "layers.1"])
def test_an_interrupted_epoch_leaves_all_lists_as_long(place):
    class Interrupting(list):
        def append(self, number):
            super().append(number)
            raise KeyboardInterrupt

    def prepare(epoch, history):
        if epoch == 1:
            if place == "metric":
                history.metric = Interrupting(history.metric)
            else:
                history.gradient[place] = Interrupting(history.gradient[place])

    history = fit(model(), *XOR, loss=LOGITS, epochs=5, metric="accuracy", on_epoch=prepare)
    assert history.interrupted
    assert [len(numbers) for numbers in (history.loss, history.metric, *history.gradient.values())] == [2] * 4


def test_a_handler_of_the_programs_own_is_left_alone():
    heard = []
    mine = signal.signal(signal.SIGINT, lambda *_: heard.append(True))
    try:
        fit(model(), *XOR, epochs=2, on_epoch=lambda *_: signal.raise_signal(signal.SIGINT))
        assert heard == [True, True]
    finally:
        signal.signal(signal.SIGINT, mine)


def test_it_trains_in_other_threads_too():
    results = []
    thread = threading.Thread(target=lambda: results.append(fit(model(), *XOR, epochs=2)))
    thread.start()
    thread.join()
    assert len(results[0].loss) == 2


# ---- the progress bar ------------------------------------------------------------------------------------------------


def test_the_bar_shows_loss_and_metric_where_stderr_is_a_terminal(capsys, monkeypatch):
    fit(model(), *XOR, epochs=3)
    fit(model(), *XOR, epochs=3, progress=False)
    assert capsys.readouterr() == ("", "")
    fit(model(), *XOR, loss=LOGITS, epochs=3, metric="accuracy", progress=True)
    shown = capsys.readouterr().err
    assert "3/3" in shown
    assert "loss=" in shown
    assert "accuracy=" in shown
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fit(model(), *XOR, epochs=3)
    assert "loss=" in capsys.readouterr().err


def test_a_notebook_shows_the_bar_as_one_output(capsys, monkeypatch):
    shown = []

    class Output:
        def update(self, data, raw):
            shown[-1] = data

    def display(data, raw, display_id):
        shown.append(data)
        return Output()

    kernel = types.SimpleNamespace(kernel="of a notebook")
    ipython = types.SimpleNamespace(get_ipython=lambda: kernel, display=types.SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    history = fit(model(), *XOR, epochs=3)
    assert capsys.readouterr() == ("", "")
    ((kind, text),) = [item for data in shown for item in data.items()]
    assert kind == "text/plain"
    assert text.startswith("3/3 epochs")
    assert f"loss={history.loss[-1]:.3g}" in text


# ---- errors ----------------------------------------------------------------------------------------------------------


def exploding(prediction, target):
    return (1000 * prediction * prediction).exp()


@pytest.mark.parametrize(
    ("loss", "lr", "message"),
    [
        (
            "mse",
            1e200,
            r"^in epoch [12], (the loss|a gradient) became (inf|nan|infinite or NaN)\. Try a smaller learning ",
        ),
        (exploding, 100.0, r"^in epoch 2, exp of .*too large for a float.* Try a smaller learning rate than 100,"),
        (lambda p, t: p * math.inf, 0.1, r"^in epoch 1, the loss became (-inf|inf|nan)"),
        (lambda p, t: (p * 1e-200) * 1e300 * 1e300 * 0 + p, 0.1, r"^in epoch 1, the loss became nan"),
    ],
)
def test_a_loss_that_explodes_is_reported_and_the_last_step_is_not_made(loss, lr, message):
    network = nn.MLP(2, [4, 1], None, seed=0)
    with pytest.raises(FloatingPointError, match=message):
        fit(network, *XOR, loss=loss, optimizer=optim.SGD(network.parameters(), lr=lr), epochs=500)
    assert all(math.isfinite(p.data) for p in network.parameters())


def test_a_gradient_or_a_step_that_explodes_is_not_taken():
    network = model()
    before = network.state_dict()
    steep = nn.Neuron(1, None, init=lambda: 0.0)
    with pytest.raises(FloatingPointError, match="in epoch 1, a gradient became infinite or NaN"):
        fit(steep, [[1.0]], [0], loss=lambda p, t: p * 1e200 * 1e200)
    assert steep.state_dict() == {"w[0]": 0.0, "b": 0.0}
    for options in ({"optimizer": optim.SGD(network.parameters(), lr=math.inf)}, {"schedule": lambda epoch: math.nan}):
        with pytest.raises(FloatingPointError, match="in epoch 1, a parameter became infinite or NaN"):
            fit(network, *XOR, **options)
    assert network.state_dict() == before


def test_a_loss_without_derivatives_is_refused():
    with no_grad(), pytest.raises(TypeError, match="computed inside no_grad"):
        fit(model(), *XOR)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"inputs": [], "targets": []}, ValueError, "no examples to learn from"),
        ({"targets": [1]}, ValueError, "4 inputs do not go with 1 targets"),
        ({"inputs": [[0, 0], [1]], "targets": [0, 1]}, ValueError, r"inputs\[1\] has 1, inputs\[0\] has 2"),
        ({"inputs": [[0], [1], [2], [3]]}, ValueError, "expected 2 inputs, got 1"),
        ({"inputs": 5}, TypeError, "inputs and targets must be lists of numbers or of rows of numbers"),
        ({"inputs": [["a", 1]] * 4}, TypeError, r"inputs\[0\]\[0\] is 'a'"),
        ({"targets": "abcd"}, TypeError, "targets is 'abcd', neither a number"),
        ({"targets": [None] * 4}, TypeError, r"targets\[0\] is None"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number of at least 1, not 0"),
        ({"batch_size": 1.5}, ValueError, "batch_size must be a whole number of at least 1, not 1.5"),
        ({"epochs": -1}, ValueError, "epochs must be a whole number of at least 0, not -1"),
        (
            {"loss": "msle"},
            ValueError,
            "unknown loss 'msle'; it may be mse, binary_cross_entropy, .*hinge, or a function",
        ),
        ({"metric": "f1"}, ValueError, "unknown metric 'f1'; it may be 'accuracy', or a function"),
        ({"loss": lambda p, t: p, "metric": "accuracy"}, ValueError, "not known for a loss of your own"),
        ({"optimizer": "adam"}, TypeError, r"optim.SGD\(model.parameters\(\), lr=0.1\), not 'adam'"),
        ({"optimizer": optim.SGD([Value(1.0)])}, ValueError, "made for the parameters of another model"),
        (
            {"inputs": [[0, math.nan]] * 4},
            ValueError,
            r"inputs\[0\]\[1\] is nan: fill the gap or leave the example out",
        ),
        ({"loss": lambda p, t: 1.0}, TypeError, "the loss is a plain number, or was computed inside no_grad"),
        ({"loss": compile_loss(nn.Neuron(2), losses.mse)}, TypeError, "fit compiles by itself"),
        ({"loss": "cross_entropy"}, ValueError, "a score for each class; binary_cross_entropy_with_logits takes one"),
        ({"loss": "hinge"}, ValueError, "target of hinge is -1 or 1, not 0"),
        ({"loss": LOGITS, "targets": [1, 0, 1, 2], "batch_size": 1, "seed": 2}, ValueError, "between 0 and 1, not 2"),
        ({"loss": lambda p, t: p.log()}, ValueError, "log of"),
    ],
)
def test_what_does_not_fit_is_explained_and_leaves_the_model_alone(options, kind, message):
    network = nn.MLP(2, [4, 1], "tanh", init=lambda: -0.5)
    before = network.state_dict()
    with pytest.raises(TypeError, match=r"fit takes no lr; .* optimizer=optim.Adam\(model.parameters\(\), lr=...\)"):
        fit(model(), *XOR, lr=0.1)
    with pytest.raises(TypeError, match=r"fit takes no verbose; see help\(fit\)"):
        fit(model(), *XOR, verbose=True)
    with pytest.raises(TypeError, match=r"fit takes a Module.*<lambda> has none. compile_loss takes any function"):
        fit(lambda x: network(x), *XOR)
    with pytest.raises(kind, match=message):
        fit(network, **{"inputs": XOR[0], "targets": XOR[1], **options})
    assert network.state_dict() == before


def test_an_error_in_a_later_epoch_keeps_what_was_learned():
    network = model()
    before = network.state_dict()

    def fail(epoch, history):
        if epoch == 1:
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        fit(network, *XOR, on_epoch=fail)
    assert network.state_dict() != before
