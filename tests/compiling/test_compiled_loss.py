"""Compiled losses and training against the same recorded: gradients, predictions, histories."""

import math
import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import CompileError, Value, compile_loss, data, fit, losses, mean, nn, no_grad, optim
from tinygrad_edu.nn.layers import Module
from tinygrad_edu.training.named_losses import LOSSES

POINTS = [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0], [0.0, 1.0]]
TARGETS = {
    "mse": [0.5, -1.0, 2.0, 0.0],
    "binary_cross_entropy": [0, 1, 1, 0],
    "binary_cross_entropy_with_logits": [0, 1, 0.25, 0],
    "cross_entropy": [0, 2, 1, 2],
    "hinge": [1, -1, -1, 1],
}


def recorded(model, loss, inputs, targets, l2=0.0):
    """The mean loss and the gradient as the engine finds them."""
    model.zero_grad()
    total = mean([loss(model(x), t) for x, t in zip(inputs, targets)])
    if l2:
        total = total + l2 * losses.l2_penalty(model.parameters())
    total.backward()
    return total.data, [p.grad for p in model.parameters()]


def compiled(model, loss, inputs, targets, l2=0.0):
    model.zero_grad()
    compiled_loss = compile_loss(model, loss, l2=l2)
    total = compiled_loss(inputs, targets)
    return total, [p.grad for p in model.parameters()]


def assert_same(model, loss, inputs, targets, l2=0.0):
    assert_gives(compile_loss(model, loss, l2=l2), model, loss, inputs, targets, l2)


def assert_gives(compiled_loss, model, loss, inputs, targets, l2=0.0):
    model.zero_grad()
    total = compiled_loss(inputs, targets)
    slopes = [p.grad for p in model.parameters()]
    right, rights = recorded(model, loss, inputs, targets, l2)
    assert total == pytest.approx(right, rel=1e-12, abs=1e-13)
    assert slopes == pytest.approx(rights, rel=1e-12, abs=1e-12)  # absolute, where terms of size 1 to 10 cancel


def network(name, seed=1):
    squash = "sigmoid" if name == "binary_cross_entropy" else None
    return nn.MLP(2, [5, 3 if name == "cross_entropy" else 1], "tanh", squash, seed=seed)


# ---- the gradient ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_the_gradient_that_is_recorded(name, l2):
    assert_same(network(name), LOSSES[name][0], POINTS, TARGETS[name], l2)


@pytest.mark.parametrize(
    "activation", ["relu", "leaky_relu", "elu", "sigmoid", "silu", "gelu", "softplus", "sin", None]
)
@pytest.mark.parametrize("sizes", [[1], [4, 1], [3, 4, 2]])
def test_every_activation_and_shape(activation, sizes):
    model = nn.MLP(2, sizes, activation, seed=2)
    targets = [0.5, 1.0, -1.0, 2.0] if sizes[-1] == 1 else [[0.5, 1.0], [1.0, -2.0], [0.0, 0.0], [3.0, 1.0]]
    assert_same(model, losses.mse, POINTS, targets)


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(-2, 2)), min_size=1, max_size=6))
def test_any_examples(examples):
    model = network("mse")
    assert_same(model, losses.mse, [[x, y] for x, y, _ in examples], [t for *_, t in examples])


def test_it_adds_to_what_is_there_as_backward_does():
    model = network("mse")
    loss = compile_loss(model, losses.mse)
    loss(POINTS, TARGETS["mse"])
    once = [p.grad for p in model.parameters()]
    loss(POINTS, TARGETS["mse"])
    assert [p.grad for p in model.parameters()] == pytest.approx([2 * g for g in once], rel=1e-14)


def test_a_loop_by_hand_works_unchanged():
    trained = []
    for is_compiled in (True, False):
        model = network("hinge", seed=3)
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        loss = compile_loss(model, losses.hinge)
        for _ in range(30):
            optimizer.zero_grad()
            if is_compiled:
                loss(POINTS, TARGETS["hinge"])
            else:
                mean([losses.hinge(model(x), t) for x, t in zip(POINTS, TARGETS["hinge"])]).backward()
            optimizer.step()
        trained.append(list(model.state_dict().values()))
    assert trained[0] == pytest.approx(trained[1], rel=1e-9)


class Twice(Module):
    """One parameter used twice, a constant, an input that does not count, and a dict of parameters."""

    def __init__(self):
        self.w, self.parts, self.rate = Value(0.5), {"a": Value(1.5), "b": [Value(-1.0)]}, 0.25

    def __call__(self, x):
        return self.w * x[0] + self.w**2 * self.parts["a"] + tg.tanh(self.parts["b"][0]) * self.rate


def test_models_of_ones_own():
    assert_same(Twice(), losses.mse, POINTS, TARGETS["mse"], l2=0.5)


def test_a_plain_function_with_values_is_a_model():
    w = Value(2.0, label="w")
    loss = compile_loss(lambda x: w * x + 1, losses.mse)
    assert loss([1.0, 2.0], [0.0, 0.0]) == pytest.approx((9 + 25) / 2)
    assert w.grad == pytest.approx((2 * 3 * 1 + 2 * 5 * 2) / 2)
    assert loss.predict([3.0]) == [7.0]


def test_rows_and_predictions_may_have_any_structure():
    w = Value(0.5)
    model = lambda row: {"sum": w * (row["a"][0] + row["b"]), "flat": (row["b"] * w, [w])}  # noqa: E731
    loss = lambda p, t: (p["sum"] - t["goal"]) ** 2 + p["flat"][1][0] * t["by"][0]  # noqa: E731
    rows = [{"a": [1.0], "b": 2.0}, {"a": [0.0], "b": -1.0}]
    targets = [{"goal": 1.0, "by": (2.0,)}, {"goal": 0.0, "by": (3.0,)}]
    compiled_loss = compile_loss(model, loss)
    compiled_loss.predict(rows)  # before there are targets
    total = compiled_loss(rows, targets)
    grad, w.grad = w.grad, 0.0
    right = mean([loss(model(row), target) for row, target in zip(rows, targets)])
    right.backward()
    assert total == pytest.approx(right.data)
    assert grad == pytest.approx(w.grad)
    assert compiled_loss.predict(rows) == [{"sum": 1.5, "flat": (1.0, [0.5])}, {"sum": -0.5, "flat": (-0.5, [0.5])}]


def test_arrays_tuples_and_whole_numbers():
    model = network("cross_entropy")
    expected = recorded(model, losses.cross_entropy, POINTS, TARGETS["cross_entropy"])
    for inputs, targets in [
        (np.array(POINTS), np.array(TARGETS["cross_entropy"])),
        (tuple(map(tuple, POINTS)), tuple(TARGETS["cross_entropy"])),
        ([list(row) for row in np.array(POINTS)], [np.int64(t) for t in TARGETS["cross_entropy"]]),
        (iter(POINTS), iter(TARGETS["cross_entropy"])),
    ]:
        total, slopes = compiled(model, losses.cross_entropy, inputs, targets)
        assert type(total) is float
        assert all(type(slope) is float for slope in slopes)
        assert total == pytest.approx(expected[0], rel=1e-12)
        assert slopes == pytest.approx(expected[1], rel=1e-11)
    again = compile_loss(model, losses.cross_entropy)
    again(POINTS, TARGETS["cross_entropy"])
    model.zero_grad()
    assert type(again([list(row) for row in np.array(POINTS)], TARGETS["cross_entropy"])) is float
    assert all(type(p.grad) is float for p in model.parameters())


# ---- losses of one's own ---------------------------------------------------------------------------------------------


def by_target(prediction, target):
    return -tg.log(tg.sigmoid(prediction)) if target == 1 else -tg.log(tg.sigmoid(-prediction))


def by_prediction(prediction, target):
    """Huber's loss with a branch: it cannot be compiled, and is recorded for each example."""
    difference = abs(prediction - target)
    return difference**2 / 2 if difference < 1 else difference - 0.5


def by_data(prediction, target):
    return (prediction - target) ** 2 * (2.0 if prediction.data > 0 else 1.0)


def by_type(prediction, target):
    return (prediction - target) ** 2 * (1.0 if isinstance(target, float) else 100.0)


@pytest.mark.parametrize("loss", [by_target, by_prediction, by_data, by_type])
@pytest.mark.parametrize("targets", [[0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0], [0.25, -3.0, 5.0, 1.0]])
def test_losses_that_branch(loss, targets):
    assert_same(network("mse"), loss, POINTS, targets)


def test_targets_that_come_later_are_understood():
    model = network("mse")
    loss = compile_loss(model, by_target)
    for targets in ([1.0] * 4, [0.0, 1.0, 0.0, 1.0], [2.0, 3.0, 1.0, 0.0]):
        assert_gives(loss, model, by_target, POINTS, targets)
    assert "where the target is 1.0" in loss.source


def test_more_different_targets_than_there_is_code_for():
    rng = random.Random(0)
    inputs = [[rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(250)]
    targets = [float(i) for i in range(250)]
    loss = lambda p, t: (p - t) ** 2 if t > 10 else abs(p - t)  # noqa: E731
    assert_same(network("mse"), loss, inputs, targets)
    assert_same(network("mse"), losses.mse, inputs, targets)
    compiled = compile_loss(network("mse"), loss)
    compiled(inputs[:50], targets[:50])
    assert "where the target is 49.0" in compiled.source
    compiled(inputs, targets)
    assert "where the target" not in compiled.source
    assert "# The loss is recorded for each example: it does something else for different targets" in compiled.source


def test_why_a_loss_is_recorded_stays_a_comment():
    def loss(prediction, target):
        prediction.label = "x\nprint('hello')\r"
        return prediction if prediction > target else -prediction

    compiled = compile_loss(network("mse"), loss)
    compiled(POINTS, TARGETS["mse"])
    first, *_ = compiled.source.splitlines()
    assert first.startswith("# The loss is recorded for each example: a branch is taken by whether x print('hello') > ")


def test_wrong_arguments_are_explained():
    with pytest.raises(TypeError, match=r"compile_loss takes a function, such as losses\.mse, not 'mse'"):
        compile_loss(network("mse"), "mse")
    with pytest.raises(TypeError, match=r"l2 is a penalty on model\.parameters"):
        compile_loss(lambda x: x[0] * Value(1.0), losses.mse, l2=0.1)
    with pytest.raises(TypeError, match="expected a number"):
        compile_loss(network("mse"), losses.mse, l2="0.1")


def test_a_loss_with_values_from_around_cannot_be_compiled():
    model = network("mse")
    loss = compile_loss(model, lambda p, t: (p - t) ** 2 + model.layers[0].neurons[0].b)
    with pytest.raises(
        CompileError, match=r"neither in the prediction nor in the target: 'layers\.0\.neurons\.0\.b'.*l2"
    ):
        loss(POINTS, TARGETS["mse"])


def test_targets_that_are_whole_are_indices():
    numpy = pytest.importorskip("numpy")
    loss = lambda scores, target: tg.logsumexp(scores) - scores[target]  # noqa: E731
    model = network("cross_entropy")
    for targets in (
        numpy.array([0, 1, 2, 1]),
        [*numpy.array([0, 1, 2, 1], "uint8")],
        [False, True, 2, 1],
        (0, 1, 2, 1),
    ):
        assert_gives(compile_loss(model, loss), model, loss, POINTS, targets)
    assert fit(model, POINTS, numpy.array([0, 1, 2, 1]), loss=loss, epochs=2).remark == ""


def test_a_long_label_stays_in_its_line():
    w = Value(0.4, label="temperature and humidity of the room at noon (mean, max)[0]")
    loss = compile_loss(lambda x: w * x[0], losses.mse)
    loss(POINTS, TARGETS["mse"])
    assert w.grad != 0
    assert loss.recorded == 0


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "targets", "kind", "message"),
    [
        (POINTS, [0.0], ValueError, "4 inputs do not go with 1 targets"),
        (3.0, [0.0], TypeError, "inputs is a list with one for each example, not a number"),
        (POINTS, 1, TypeError, "targets is a list with one for each example, not a number"),
        ([], [], ValueError, "there are no examples"),
        ([[0.0, "a"]], [0.0], TypeError, r"in inputs\[0\] is a str"),
        ([[0.0, 1.0], [2.0]], [0.0, 1.0], ValueError, r"inputs\[1\] must be built like its counterpart: a list of 2"),
        (POINTS[:1], [None], TypeError, r"in targets\[0\] is None"),
        ([[Value(1.0), 2.0]], [0.0], TypeError, r"in inputs\[0\] is a Value. Pass x.data"),
        ([[0.0, 1.0, 2.0]], [0.0], ValueError, "expected 2 inputs, got 3"),
    ],
)
@pytest.mark.parametrize("used", [False, True])
def test_what_does_not_fit_is_explained_and_changes_nothing(inputs, targets, kind, message, used):
    model = network("mse")
    loss = compile_loss(model, losses.mse)
    if used:
        if "expected 2" in message:
            message = "a list of 2, not a list of 3"
        loss(POINTS, TARGETS["mse"])
    before = [p.grad for p in model.parameters()]
    with pytest.raises(kind, match=message):
        loss(inputs, targets)
    assert [p.grad for p in model.parameters()] == before
    assert loss(POINTS, TARGETS["mse"]) == pytest.approx(recorded(model, losses.mse, POINTS, TARGETS["mse"])[0])


def test_errors_are_those_of_the_engine_and_change_nothing():
    model = nn.Neuron(1, None, seed=0)
    model.load_state_dict({"w[0]": 1.0, "b": 0.0})
    loss = compile_loss(model, lambda p, t: tg.log(p) * t)
    assert loss([[1.0], [2.0]], [1.0, 2.0]) == pytest.approx(math.log(2.0))
    before = [p.grad for p in model.parameters()]
    with pytest.raises(ValueError, match=r"log of -1\.0 is undefined"):
        loss([[1.0], [-1.0]], [1.0, 2.0])
    assert [p.grad for p in model.parameters()] == before
    with pytest.raises(ValueError, match=r"the target of binary_cross|between 0 and 1"):
        compile_loss(model, losses.binary_cross_entropy_with_logits)([[1.0]], [7.0])
    with no_grad(), pytest.raises(TypeError, match="inside no_grad"):
        loss([[1.0]], [1.0])


def test_what_is_no_probability_is_refused_in_compiled_code_too():
    neuron = nn.Neuron(1, None, init=lambda: 1.0)
    loss = compile_loss(neuron, losses.binary_cross_entropy)
    assert loss([[0.25], [0.75]], [0, 1]) == pytest.approx(-math.log(0.75), rel=1e-14)
    assert loss([[0.0], [1.0]], [0, 1]) == 0.0
    assert "log(" in loss.source
    for p, t, message in [
        (1.5, 1, "a probability is between 0 and 1, not 1.5"),
        (-0.5, 0, "not -0.5"),
        (0.0, 1, "is infinite"),
    ]:
        with pytest.raises(ValueError, match=message):
            loss([[0.5], [p]], [1, t])


def test_numbers_that_are_not_finite_are_as_recorded():
    model = nn.Neuron(1, None, seed=0)
    total, slopes = compiled(model, losses.mse, [[1.0], [math.inf]], [0.0, 1.0])
    right, rights = recorded(model, losses.mse, [[1.0], [math.inf]], [0.0, 1.0])
    assert total == right == math.inf
    assert str(slopes) == str(rights)


def test_a_model_that_cannot_be_compiled_says_why():
    class Branching(Twice):
        def __call__(self, x):
            return self.w * x[0] if x[0] > 0 else self.w

    with pytest.raises(CompileError, match=r"whether x\[0\] > 0"):
        compile_loss(Branching(), losses.mse)(POINTS, TARGETS["mse"])
    with pytest.raises(ValueError, match="there is no code yet"):
        print(compile_loss(Branching(), losses.mse).source)


# ---- predictions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_predictions_are_those_of_the_model(name):
    model = network(name)
    predicted = compile_loss(model, LOSSES[name][0]).predict(POINTS)
    for prediction, point in zip(predicted, POINTS):
        right = model(point)
        if isinstance(right, list):
            assert prediction == pytest.approx([p.data for p in right], rel=1e-14)
        else:
            assert prediction == pytest.approx(right.data, rel=1e-14)
    assert compile_loss(model, LOSSES[name][0]).predict([]) == []


class Remembering(Twice):
    def __call__(self, x):
        self.inputs = x
        return super().__call__(x)


class Averaging(Twice):
    mean = 0.0

    def __call__(self, x):
        self.mean = 0.9 * self.mean + 0.1 * x[0]
        return super().__call__([x[0] - self.mean, x[1]])


@pytest.mark.parametrize("make", [Remembering, Averaging])
def test_a_module_that_sets_attributes_when_it_is_called_is_recorded(make):
    """The code would not set them."""
    found = both("mse", make=make)
    history, _ = found[0]
    assert history.loss == pytest.approx(found[1][0].loss, rel=0.2)  # it was called once more, before the training
    assert not history.compiled
    assert f"not compiled: {make.__name__} sets attributes when it is called" in history.remark
    with pytest.raises(CompileError, match="sets attributes when it is called, which compiled code would not do"):
        compile_loss(make(), losses.mse)(POINTS, TARGETS["mse"])
    model = make()
    with pytest.raises(CompileError):
        compile_loss(model, losses.mse)(POINTS, TARGETS["mse"])
    assert type(getattr(model, "mean", 0.0)) is float  # no Value of the tracing is left in it


def test_what_a_function_does_besides_happens_while_it_is_recorded():
    log = []

    def loss(prediction, target):
        log.append(target)
        return (prediction - target) ** 2

    found = both(loss)
    assert_same_history(found)
    assert found[0][0].compiled
    assert 0 < len(log) < 12 * 8 * 2  # recorded, once for each example of each epoch


def test_what_is_deleted_from_a_module_is_noticed():
    class Optional(Twice):
        def __call__(self, x):
            return super().__call__(x) * getattr(self, "factor", 1.0)

    model = Optional()
    model.factor = 3.0
    loss = compile_loss(model, losses.mse)
    assert_gives(loss, model, losses.mse, POINTS, TARGETS["mse"])
    del model.factor
    assert_gives(loss, model, losses.mse, POINTS, TARGETS["mse"])


@pytest.mark.parametrize("before", [[], ["predict"]])
def test_a_wrong_first_call_does_no_harm(before):
    model = network("mse")
    loss = compile_loss(model, losses.mse)
    for _ in before:
        loss.predict(POINTS)
    with pytest.raises(ValueError, match="1 predictions cannot be compared with 2 targets"):
        loss(POINTS, [[0.0, 1.0]] * len(POINTS))
    with pytest.raises(ValueError, match="expected 2 inputs, got 3"):
        compile_loss(model, losses.mse)([[1.0, 2.0, 3.0]], [1.0])
    assert_gives(loss, model, losses.mse, POINTS, TARGETS["mse"])
    with pytest.raises(ValueError, match=r"targets\[0\] must be built like its counterpart"):
        loss(POINTS, [[0.0, 1.0]] * len(POINTS))
    assert_gives(loss, model, losses.mse, POINTS, TARGETS["mse"])


def test_numbers_are_taken_for_floats_at_every_call():
    numpy = pytest.importorskip("numpy")
    model = nn.Neuron(2, "tanh", init=lambda: 0.01)
    loss = compile_loss(model, losses.mse)
    for _ in range(2):
        assert_gives(loss, model, losses.mse, [[0.5, 0.25]] * 120, [0.5] * 120)
    for kind in ("float32", "uint8", "int64"):
        given = list(numpy.array([[200, 201], [3, 4]], dtype=kind))
        plain = [[float(x) for x in row] for row in given]
        assert loss(given, [0.5, 0.5]) == loss(plain, [0.5, 0.5]) == loss([list(row) for row in given], [0.5, 0.5])
    assert loss([{0: 1.0, 1: 2.0}], [0.5]) == loss([[1.0, 2.0]], [0.5])
    for row in ({0.5, 0.25}, {5: 1.0, 6: 2.0}, "ab"):
        with pytest.raises((ValueError, TypeError), match=r"inputs\[0\]"):
            loss([row], [0.5])


def test_what_is_set_in_a_module_is_noticed():
    class Scaled(Twice):
        scale, training = 1.0, True

        def __call__(self, x):
            return super().__call__(x) * (self.scale if self.training else 0.5)

    model = Scaled()
    loss = compile_loss(model, losses.mse, l2=0.1)
    loss(POINTS, TARGETS["mse"])
    for name, value in [("scale", 3.0), ("training", False), ("w", Value(-2.0))]:
        setattr(model, name, value)
        model.zero_grad()
        total = loss(POINTS, TARGETS["mse"])
        slopes = [p.grad for p in model.parameters()]
        assert loss.predict(POINTS) == pytest.approx([model(x).data for x in POINTS], rel=1e-14)
        right, rights = recorded(model, losses.mse, POINTS, TARGETS["mse"], l2=0.1)
        assert total == pytest.approx(right, rel=1e-12)
        assert slopes == pytest.approx(rights, rel=1e-12)
    assert repr(loss) == "<compiled loss of Scaled, mse>"


def test_predictions_follow_the_parameters_and_raise_what_the_model_does():
    neuron = nn.Neuron(1, "log", init=lambda: 1.0)
    loss = compile_loss(neuron, losses.mse)
    assert loss.predict([[1.0]]) == [0.0]
    neuron.w[0].data = 2.0
    assert loss.predict([[1.0]]) == [pytest.approx(math.log(2.0))]
    with pytest.raises(ValueError, match=r"log of -2\.0 is undefined"):
        loss.predict([[-1.0]])
    fresh = compile_loss(neuron, losses.mse)
    with pytest.raises(ValueError, match="expected 1 input, got 2"):
        fresh.predict([[1.0, 2.0]])
    assert fresh.predict([[1.0]]) == [pytest.approx(math.log(2.0))]


# ---- fit -------------------------------------------------------------------------------------------------------------


def both(loss, optimizer=optim.Adam, make=network, **options):
    """The histories and parameters of training compiled and recorded."""
    found = []
    for is_compiled in (True, False):
        random.seed(5)
        model = make(loss) if make is network else make()
        settings = {"epochs": 12, "batch_size": 3, "seed": 1, "lr": 0.05} | options
        lr = settings.pop("lr")
        history = fit(model, POINTS * 2, TARGETS.get(loss, TARGETS["mse"]) * 2, loss=loss,
                      optimizer=optimizer(model.parameters(), lr=lr), compiled=is_compiled, **settings)  # fmt: skip
        found.append((history, list(model.state_dict().values())))
    return found


def assert_same_history(found):
    (history, state), (right, right_state) = found
    assert history.loss == pytest.approx(right.loss, rel=1e-9)
    assert history.metric == pytest.approx(right.metric, rel=1e-9)
    for name, sizes in right.gradient.items():
        assert history.gradient[name] == pytest.approx(sizes, rel=1e-9, abs=1e-12)
    assert state == pytest.approx(right_state, rel=1e-9)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("optimizer", [optim.SGD, optim.Adam, optim.AdamW])
def test_training_has_the_same_history_as_recorded(name, optimizer):
    found = both(name, optimizer, metric="accuracy", l2=0.01)
    assert_same_history(found)
    assert found[0][0].compiled
    assert not found[1][0].compiled
    assert ", compiled" in str(found[0][0])
    assert "compiled" not in str(found[1][0])


@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_batches_of_any_size(batch_size):
    assert_same_history(both("mse", batch_size=batch_size, schedule=optim.cosine(12)))


def test_what_cannot_be_compiled_is_recorded_and_the_summary_says_why():
    class Branching(Twice):
        def __call__(self, x):
            return self.w * x[0] if x[0] > 0 else self.w * x[1] + self.parts["a"]

    found = both("mse", make=Branching)
    assert_same_history(found)
    assert re.search(r"\(not compiled: a branch is taken .*\[in __call__, line \d+\]\)", str(found[0][0]))
    assert not found[0][0].compiled


def test_a_model_that_draws_random_numbers_is_recorded():
    class Noisy(Twice):
        def __call__(self, x):
            return self.w * x[0] * random.gauss(1, 0.1) + self.parts["a"]

    history = fit(Noisy(), POINTS, TARGETS["mse"], epochs=2)
    assert not history.compiled
    assert "draws random numbers" in str(history)


def test_random_generators_are_left_alone():
    numbers = []
    for compiles in (True, False):
        random.seed(0)
        if compiles:
            compile_loss(network("mse"), losses.mse)(POINTS, TARGETS["mse"])
            fit(network("mse"), POINTS, TARGETS["mse"], epochs=2)
        numbers.append(random.random())
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("by", ["dict", "set"])
def test_losses_that_look_targets_up_are_seen_through(by):
    weights, rare = {2.0: 10.0}, {2.0}
    looked_up = {"dict": lambda t: weights.get(t, 1.0), "set": lambda t: 10.0 if t in rare else 1.0}
    loss = lambda p, t: looked_up[by](t) * (p - t) ** 2  # noqa: E731
    model = network("mse")
    assert_gives(compile_loss(model, loss), model, loss, POINTS, [0.0, 1.0, 2.0, 2.0])


@pytest.mark.parametrize(
    "of",
    [
        lambda table, x: table.get(x[0], table["other"]),
        lambda table, x: table["other"] * (2.0 if x[0] in {0.5, 1.5} else 1.0),
        lambda table, x: table["other"] * (2.0 if isinstance(x[0], float) else 1.0),
        lambda table, x: table["other"] * (2.0 if (x[0] > 0) is True else 1.0),
        lambda table, x: table["other"] * float(f"{x[0]:.0f}"),
    ],
    ids=["dict", "set", "type", "is", "format"],
)
def test_models_that_look_inputs_up_are_seen_through(of):
    class Embedding(Twice):
        def __init__(self):
            super().__init__()
            self.table = {0.5: Value(0.25), -0.75: Value(2.0), "other": Value(-0.5)}

        def __call__(self, x):
            return of(self.table, x) * self.w + x[1]

    found = both("mse", make=Embedding)
    assert_same_history(found)
    assert "not compiled" in str(found[0][0])
    loss = compile_loss(Embedding(), losses.mse)
    for _ in range(2):  # what was refused is not used the second time
        with pytest.raises(CompileError):
            loss(POINTS, TARGETS["mse"])
    with pytest.raises(CompileError):
        loss.predict(POINTS)


def test_one_row_is_not_enough_to_trust_new_code():
    table = {0.5: Value(0.25), "other": Value(-0.5)}
    loss = compile_loss(lambda x: table.get(x[0], table["other"]) * x[1], losses.mse)
    assert loss.predict([[3.0, 1.0]]) == [-0.5]
    with pytest.raises(CompileError, match="it may look a number up"):
        loss(POINTS, TARGETS["mse"])


@pytest.mark.parametrize("by", ["schedule", "metric", "step"])
def test_whatever_changes_settings_of_a_module_is_noticed(by):
    class Model(Twice):
        def __init__(self):
            super().__init__()
            self.inner = Twice()  # a module in the module

        def __call__(self, x):
            return super().__call__(x) + self.inner(x)

    def train(is_compiled):
        model = Model()

        def change(*_):
            model.inner.rate += 0.25
            return 1.0

        class Changing(optim.SGD):
            def step(self):
                super().step()
                change()

        kind = Changing if by == "step" else optim.SGD
        return fit(model, POINTS, TARGETS["mse"], epochs=6, compiled=is_compiled, batch_size=2, seed=0,
                   schedule=change if by == "schedule" else None, metric=change if by == "metric" else None,
                   optimizer=kind(model.parameters(), lr=0.01))  # fmt: skip

    first, second = train(True), train(False)
    assert first.loss == pytest.approx(second.loss, rel=1e-9)
    assert first.compiled


def test_changes_of_another_module_cost_nothing():
    model, other = Twice(), Twice()
    loss = compile_loss(model, losses.mse)
    loss(POINTS, TARGETS["mse"])
    code = loss._model
    other.rate = 3.0
    loss(POINTS, TARGETS["mse"])
    assert loss._model is code
    model.rate = 3.0
    loss(POINTS, TARGETS["mse"])
    assert loss._model is not code


def test_a_metric_gets_plain_numbers_in_any_structure():
    class Two(Twice):
        def __call__(self, x):
            return {"a": super().__call__(x), "b": (self.w * 2,)}

    seen = []
    for is_compiled in (True, False):
        model = Two()
        fit(model, POINTS, TARGETS["mse"], loss=lambda p, t: (p["a"] - t) ** 2, epochs=1, compiled=is_compiled,
            metric=lambda p, t: seen.append((type(p["a"]), type(p["b"][0]))) or 0.0)  # fmt: skip
    assert set(seen) == {(float, float)}


def test_a_detached_number_trains_as_recorded():
    class Detached(Twice):
        def __call__(self, x):
            with no_grad():
                scale = self.w * 2
            return self.w * x[0] * scale + self.parts["a"] * self.w.data

    assert_same_history(both("mse", make=Detached))


def test_losses_that_branch_on_the_prediction_train_compiled():
    found = both(by_prediction)
    assert_same_history(found)
    assert found[0][0].compiled
    assert "(only the model was compiled, the loss was recorded for each example: a branch is taken by whether" in str(
        found[0][0]
    )


@pytest.mark.parametrize("change", ["constant", "closure", "parameter", "activation"])
def test_what_a_callback_changes_is_noticed(change):
    factor = [1.0]

    def loss(p, t):
        return (p - t) ** 2 * factor[0]

    class Model(Twice):
        def __init__(self):
            super().__init__()
            self.activation = "tanh"

        def __call__(self, x):
            return getattr(super().__call__(x), self.activation)()

    def train(is_compiled):
        model, factor[0] = Model(), 1.0

        def on_epoch(epoch, history):
            if epoch == 3 and change == "constant":
                model.rate = 2.0
            elif epoch == 3 and change == "closure":
                factor[0] = 0.5
            elif epoch == 3 and change == "parameter":
                model.w = Value(-1.0)
            elif epoch == 3:
                model.activation = "sigmoid"

        return fit(model, POINTS, TARGETS["mse"], loss=loss, epochs=8, on_epoch=on_epoch, compiled=is_compiled,
                   optimizer=optim.SGD(model.parameters(), lr=0.01))  # fmt: skip

    first, second = train(True), train(False)
    assert first.loss == pytest.approx(second.loss, rel=1e-9)
    assert first.compiled


def test_what_the_comparison_of_an_epoch_finds_is_recorded_for_good():
    factor = [1.0]

    class Model(Twice):
        def __call__(self, x):
            return super().__call__(x) * factor[0]

    def train(is_compiled):
        model, factor[0] = Model(), 1.0

        def on_epoch(epoch, history):
            factor[0] = 1.0 + (epoch == 3)

        return fit(model, POINTS, TARGETS["mse"], epochs=8, on_epoch=on_epoch, compiled=is_compiled,
                   optimizer=optim.SGD(model.parameters(), lr=0.01))  # fmt: skip

    first, second = train(True), train(False)
    assert first.loss == pytest.approx(second.loss, rel=1e-9)
    assert not first.compiled
    assert re.search(
        r"\(not compiled to the end: for a row of inputs the code of Model gives .*has changed", str(first)
    )


def test_the_comparison_of_an_epoch_touches_nothing():
    model = network("mse")
    loss = compile_loss(model, losses.mse)
    loss(POINTS, TARGETS["mse"])
    before = [p.grad for p in model.parameters()], model.state_dict()
    loss.compare(POINTS[1], TARGETS["mse"][1])
    assert before == ([p.grad for p in model.parameters()], model.state_dict())


def test_a_callback_may_make_it_impossible_to_compile():
    class Model(Twice):
        branching = False

        def __call__(self, x):
            result = super().__call__(x)
            return result if not self.branching or result > 0 else result * 2

    def train(is_compiled):
        model = Model()

        def on_epoch(epoch, history):
            model.branching = epoch >= 2

        return fit(model, POINTS, TARGETS["mse"], epochs=6, on_epoch=on_epoch, compiled=is_compiled,
                   optimizer=optim.SGD(model.parameters(), lr=0.01))  # fmt: skip

    first, second = train(True), train(False)
    assert first.loss == pytest.approx(second.loss, rel=1e-9)
    assert not first.compiled
    assert "(not compiled to the end: a branch is taken" in str(first)


def test_a_loss_that_returns_nothing_is_explained():
    def loss(prediction, target):
        (prediction - target) ** 2

    for is_compiled in (True, False):
        with pytest.raises(TypeError, match=r"returned None \(is a return missing\?\)"):
            fit(network("mse"), POINTS, TARGETS["mse"], loss=loss, epochs=1, compiled=is_compiled)
    with pytest.raises(TypeError, match=r"returned None \(is a return missing\?\)"):
        compile_loss(network("mse"), loss)(POINTS, TARGETS["mse"])
    with pytest.raises(CompileError, match="a loss is one number"):
        compile_loss(network("mse"), lambda p, t: [p, t])(POINTS, TARGETS["mse"])
    with pytest.raises(CompileError, match="it has no derivatives"):
        compile_loss(network("mse"), lambda p, t: 3.0 if p > 0 else 2.0)(POINTS, TARGETS["mse"])


def test_batches_whose_code_fails_are_recorded_and_counted(own_operation):
    """Nothing flows through an infinite slope from what is flat: 0 * inf is 0 for the engine, and NaN in code."""
    steep = own_operation("steep", lambda x: x, lambda y, x: (math.inf if x == 0 else 1.0,))
    found = []
    for is_compiled in (True, False):
        neuron = nn.Neuron(1, None, init=lambda: 1.0)
        found.append(fit(neuron, [[0.0], [5.0]], [1.0, 1.0], loss=lambda p, t: tg.relu(steep(p) - t), epochs=1, seed=0,
                         batch_size=1, optimizer=optim.SGD(neuron.parameters(), lr=0.1), compiled=is_compiled))  # fmt: skip
    assert found[0].loss == found[1].loss
    assert found[0].compiled
    assert "1 of 2 batches were recorded, because their code failed or something in them was not finite" in str(
        found[0]
    )


def test_moons_are_learned_in_compiled_code():
    inputs, targets = data.moons(100, noise=0.1, seed=0)
    model = nn.MLP(2, [16, 16, 1], "tanh", seed=0)
    history = fit(model, inputs, targets, loss="binary_cross_entropy_with_logits", epochs=30, batch_size=20, seed=0,
                  optimizer=optim.Adam(model.parameters(), lr=0.05), metric="accuracy")  # fmt: skip
    assert history.compiled
    assert history.metric[-1] >= 0.98


def test_a_network_with_25000_parameters_is_compiled():
    rng = random.Random(0)
    model = nn.MLP(784, [32, 10], seed=0)
    rows = [[rng.random() for _ in range(784)] for _ in range(2)]
    assert_same(model, losses.cross_entropy, rows, [3, 7])
