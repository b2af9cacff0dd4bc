"""Modules: their parameters, their names, their state."""

import copy
import math
import pickle
import random
import re

import numpy as np
import pytest

from tinygrad_edu import Value, nn, tanh, topological_order


class Tangle(nn.Module):
    """Parameters in every kind of place, and things that are none."""

    def __init__(self):
        self.alone = Value(1.0)
        self.listed = [Value(2.0), (Value(3.0), Value(4.0))]
        self.named = {"a": Value(5.0), "deep": {"b": [Value(6.0)]}}
        self.neuron = nn.Neuron(1)
        self.layers = [nn.Layer(1, 1)]
        self.again = self.alone
        self.itself = self
        self.computed = self.alone * 2
        self.other = ["text", 3, None, {1, 2}]


def test_parameters_are_found_wherever_they_are_each_once():
    names = [name for name, _ in Tangle().named_parameters()]
    assert names == ["alone", "listed[0]", "listed.1[0]", "listed.1[1]", "named[a]", "named.deep.b[0]", "neuron.w[0]",
                     "neuron.b", "layers.0.neurons.0.w[0]", "layers.0.neurons.0.b"]  # fmt: skip
    assert len(Tangle().parameters()) == 10


def test_arrays_of_values_are_searched_too(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            self.w = np.array([Value(1.0), Value(2.0)])
            self.m = np.array([[Value(3.0)]])
            self.plain = np.zeros(3)

    net = Net()
    assert [name for name, _ in net.named_parameters()] == ["w[0]", "w[1]", "m.0[0]"]
    net.w[0].data = 7.0
    net.save(tmp_path / "net.json")
    assert Net.load(tmp_path / "net.json").w[0].data == 7.0


def test_parameters_in_a_set_are_refused():
    model = nn.Neuron(1)
    with pytest.raises(TypeError, match="parameters in the set extra have no order"):
        model.extra = {Value(1.0)}
    assert len(model.parameters()) == 2


def test_a_module_without_call_says_so():
    with pytest.raises(TypeError, match=r"Tangle does not say what it computes: define __call__\(self, inputs\)"):
        Tangle()([1.0])


def test_changes_are_counted_for_each_module():
    model, other = nn.Neuron(1), nn.Neuron(1)
    before = model._changes, other._changes
    model.rate = 1
    model.b = Value(1.0)
    del model.rate
    assert model._changes >= before[0] + 3
    assert other._changes == before[1]
    assert (nn.Module._changes, nn.Neuron._changes) == (0, 0)


def test_weights_and_bias_may_be_replaced():
    neuron = nn.Neuron(2, None, seed=0)
    neuron.b = Value(0.5)
    neuron.w = [Value(1.0), Value(2.0)]
    assert neuron([3.0, 4.0]).data == 11.5
    assert list(neuron.state_dict().values()) == [1.0, 2.0, 0.5]


def test_two_parameters_of_one_name_are_refused():
    model = nn.Neuron(1)
    model.d = {1: Value(1.0), "1": Value(2.0)}
    with pytest.raises(ValueError, match=r"two parameters are called d\[1\]"):
        model.state_dict()


def test_sizes_may_be_numpys():
    assert nn.MLP(np.int64(2), [np.int32(3), 1]).config()["sizes"] == [3, 1]


def test_parameters_carry_their_names_as_labels():
    model = nn.MLP(2, [16, 16, 1])
    assert len(model.parameters()) == 337
    assert all(parameter.label == name for name, parameter in model.named_parameters())
    assert model.layers[0].neurons[3].w[1].label == "layers.0.neurons.3.w[1]"


def test_zero_grad():
    model = nn.MLP(2, [3, 1])
    model([1.0, 2.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.grad for p in model.parameters())


def test_a_neuron_is_a_weighted_sum_through_its_activation():
    neuron = nn.Neuron(2, "tanh")
    neuron.load_state_dict({"w[0]": 0.5, "w[1]": -1.0, "b": 0.25})
    y = neuron([2.0, 1.0])
    assert y.data == math.tanh(0.25)
    assert [node.op.name for node in topological_order(y) if node.op] == ["linear", "tanh"]
    assert nn.Neuron(2, None)([1.0, 1.0]).op.name == "linear"
    assert nn.Neuron(1, tanh).config() == {"n_inputs": 1, "activation": "tanh"}
    assert nn.Neuron(1, "leaky_relu")([1.0]).op.name == "leaky_relu"


def test_an_mlp_with_one_output_gives_a_value_otherwise_a_list():
    assert type(nn.MLP(2, [3, 1])([1.0, 2.0])) is Value
    outputs = nn.MLP(2, [1, 2], "tanh", "sigmoid")(np.array([1.0, 2.0]))
    assert [v.op.name for v in outputs] == ["sigmoid", "sigmoid"]
    assert type(nn.Layer(2, 1)([Value(1.0), 2.0])) is Value


def test_layers_follow_each_other_whatever_their_sizes():
    first, second = nn.Layer(2, 1, seed=1), nn.Layer(1, 3, seed=2)
    assert len(second(first([1.0, 2.0]))) == 3


def test_plain_inputs_become_labelled_leaves():
    y = nn.MLP(2, [3, 1])([1.0, 2.0])
    assert {"x[0]", "x[1]"} <= {node.label for node in topological_order(y)}


def test_initial_weights_come_from_the_seed_or_from_random_seed():
    def weights(**options):
        return nn.MLP(3, [8, 2], **options).state_dict()

    assert weights(seed=1) == weights(seed=1) != weights(seed=2)
    random.seed(5)
    first = weights()
    random.seed(5)
    assert weights() == first != weights()
    random.seed(5)
    state = random.getstate()
    weights(seed=1)
    assert random.getstate() == state


@pytest.mark.parametrize(
    ("activation", "init", "deviation", "bound"),
    [
        ("relu", None, math.sqrt(2 / 100), math.inf),
        ("tanh", None, math.sqrt(2 / 200), math.sqrt(6 / 200)),
        (None, None, math.sqrt(2 / 200), math.sqrt(6 / 200)),
        ("tanh", "he", math.sqrt(2 / 100), math.inf),
        ("relu", "glorot", math.sqrt(2 / 200), math.sqrt(6 / 200)),
    ],
)
def test_initialisation_suits_the_activation(activation, init, deviation, bound):
    layer = nn.Layer(100, 100, activation, init=init, seed=0)
    weights = [w.data for neuron in layer.neurons for w in neuron.w]
    assert math.sqrt(sum(w * w for w in weights) / len(weights)) == pytest.approx(deviation, rel=0.03)
    assert max(map(abs, weights)) <= bound
    assert all(neuron.b.data == 0 for neuron in layer.neurons)


def test_init_may_be_a_function():
    assert {w.data for w in nn.Neuron(3, init=lambda: 0.5).w} == {0.5}
    assert nn.MLP(1, [1], init=lambda: 0.25).layers[0].neurons[0].w[0].data == 0.25


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Neuron(0), "n_inputs must be a whole number of at least 1, not 0"),
        (lambda: nn.Layer(2, -1), "n_outputs must be a whole number of at least 1, not -1"),
        (lambda: nn.MLP(2, []), "sizes must be a list with the number of neurons of each layer, at least one"),
        (lambda: nn.MLP(2, 3), "sizes must be a list"),
        (lambda: nn.MLP(2, [2.5, 1]), "n_outputs must be a whole number of at least 1, not 2.5"),
        (lambda: nn.MLP(2, [1], "rleu"), "unknown activation 'rleu'; it may be tanh, relu, leaky_relu, .* or None"),
        (lambda: nn.Neuron(2, "hypot"), "unknown activation 'hypot'"),
        (lambda: nn.Neuron(2, "sum"), "unknown activation 'sum'"),
        (lambda: nn.Neuron(2, init="zeros"), "unknown init 'zeros'; it may be 'he', 'glorot'"),
        (lambda: nn.Neuron(2)([1.0]), "expected 2 inputs, got 1"),
        (lambda: nn.MLP(2, [3, 1])([1.0, 2.0, 3.0]), "expected 2 inputs, got 3"),
    ],
)
def test_what_does_not_fit_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_repr_shows_how_it_was_made():
    assert repr(nn.MLP(2, [4, 1], "tanh")) == (
        "MLP(n_inputs=2, sizes=[4, 1], activation='tanh', output_activation=None)"
    )
    assert repr(nn.Layer(2, 3)) == "Layer(n_inputs=2, n_outputs=3, activation='relu')"
    assert repr(Tangle()) == "Tangle() with 10 parameters: alone, listed[0], listed.1[0], listed.1[1] and 6 more"


TAKES = "a model takes one example, a list of 2 numbers"


@pytest.mark.parametrize("model", [nn.Neuron(2), nn.Layer(2, 2), nn.MLP(2, [3, 1])], ids=repr)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([[[1, 2], [3, 4]]], f"{TAKES}; inputs[0] is itself a list. For a batch: [model(x) for x in batch]"),
        ([np.ones((3, 2))], f"{TAKES}; inputs[0] is itself a ndarray. For a batch: [model(x) for x in batch]"),
        ([1], f"{TAKES}, not 1: model([1])"),
        ([1, 2], f"{TAKES}, not 2 arguments: model([1, 2])"),
        ([["1", 2]], f"{TAKES}; inputs[0] is '1'"),
        ([[1, None]], f"{TAKES}; inputs[1] is None"),
    ],
)
def test_a_model_takes_one_example(model, arguments, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        model(*arguments)


@pytest.mark.parametrize("missing", [math.nan, np.float64("nan"), Value(math.nan)])
def test_a_gap_in_the_inputs_of_a_model_is_named(missing):
    for model in (nn.Neuron(2), nn.Layer(2, 2), nn.MLP(2, [3, 1])):
        with pytest.raises(ValueError, match=r"inputs\[1\] is nan, .*: fill the gap or leave the example out"):
            model([1.0, missing])
    broken = nn.MLP(1, [2, 1], init=lambda: math.nan)
    assert math.isnan(broken([1.0]).data)  # that is no fault of the inputs


def test_inputs_may_come_one_by_one():
    for model in (nn.Neuron(2, seed=0), nn.MLP(2, [3, 1], seed=0)):
        assert model(x for x in (1.0, 2.0)).data == model([1.0, 2.0]).data


# ---- state -----------------------------------------------------------------------------------------------------------


def test_state_goes_from_model_to_model():
    first, second = nn.MLP(2, [3, 1], seed=1), nn.MLP(2, [3, 1], seed=2)
    second.load_state_dict(first.state_dict())
    assert second.state_dict() == first.state_dict()
    assert second([1.0, 2.0]).data == first([1.0, 2.0]).data


def test_a_state_that_does_not_fit_is_listed_and_changes_nothing():
    model = nn.Neuron(2, seed=1)
    before = model.state_dict()
    wrong = {"w[0]": 1.0, "w[1]": [1.0, 2.0], "c": 3.0}
    with pytest.raises(ValueError, match=r"^missing: b; unexpected: c; not one number: w\[1\]$"):
        model.load_state_dict(wrong)
    with pytest.raises(ValueError, match=r"not one number: b$"):
        model.load_state_dict({**before, "b": 10**400})
    with pytest.raises(ValueError, match=r"unexpected: layers.0.neurons.1.w\[0\], .* and 2 more"):
        nn.MLP(2, [1, 1]).load_state_dict(nn.MLP(2, [4, 1]).state_dict())
    assert model.state_dict() == before


def test_copies_and_pickles_of_a_model_are_independent():
    model = nn.MLP(2, [3, 1], "tanh", seed=1)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.state_dict() == model.state_dict()
        assert twin([1.0, 2.0]).data == model([1.0, 2.0]).data
        twin.parameters()[0].data = 99.0
        assert model.parameters()[0].data != 99.0
    shared = Tangle()
    assert copy.deepcopy(shared).again is not shared.alone
    assert len(copy.deepcopy(shared).parameters()) == 10


def test_labels_of_ones_own_stay_and_others_tell_the_place():
    class Own(nn.Module):
        def __init__(self):
            self.gain = nn.Parameter(0.5, label="g")
            self.ws = np.array([Value(1.0), Value(2.0)])
            self.layer = nn.Layer(1, 1, seed=0)
            self.settings = {"rate": 0.1}

    model = Own()
    assert [p.label for p in model.parameters()] == ["g", "ws[0]", "ws[1]", "layer.neurons.0.w[0]", "layer.neurons.0.b"]
    assert all(type(p) is nn.Parameter for p in model.parameters())
