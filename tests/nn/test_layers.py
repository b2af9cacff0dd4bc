"""Modules: their parameters, their names, their files."""

import copy
import json
import math
import os
import pickle
import random
import threading

import numpy as np
import pytest

from tinygrad_edu import Value, nn, tanh, topological_order
from tinygrad_edu.nn.module import FORMAT


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
    model.extra = {Value(1.0)}
    with pytest.raises(TypeError, match="parameters in the set extra have no order"):
        model.parameters()


def test_a_module_without_call_says_so():
    with pytest.raises(TypeError, match=r"Tangle does not say what it computes: define __call__\(self, inputs\)"):
        Tangle()([1.0])


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
    assert repr(Tangle()) == "Tangle()"


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


# ---- files -----------------------------------------------------------------------------------------------------------


class Line(nn.Module):
    def __init__(self, degree=1, *, name="line"):
        self.coefficients = [Value(0.0) for _ in range(degree + 1)]
        self.name = name

    def config(self):
        return {"degree": len(self.coefficients) - 1, "name": self.name}


@pytest.mark.parametrize("model", [nn.MLP(2, [4, 3], "gelu", "sigmoid", seed=1), nn.Layer(2, 3, None, seed=1),
                                   nn.Neuron(4, seed=1), Line(3, name="cubic")])  # fmt: skip
def test_a_saved_model_comes_back(model, tmp_path):
    path = tmp_path / "model.json"
    model.metadata = {"classes": ["a", "b"]}
    model.save(path)
    state = random.getstate()
    for loaded in (type(model).load(path), nn.Module.load(str(path))):
        assert type(loaded) is type(model)
        assert loaded.state_dict() == model.state_dict()
        assert loaded.config() == model.config()
        assert loaded.metadata == model.metadata
    assert random.getstate() == state
    twin = type(model)(**model.config())
    assert twin.load(path) is twin
    assert twin.state_dict() == model.state_dict()
    assert os.listdir(tmp_path) == ["model.json"]


def test_loading_into_a_model_of_another_make_is_refused(tmp_path):
    nn.MLP(2, [4, 1], "tanh", seed=0).save(tmp_path / "model.json")
    other = nn.MLP(2, [4, 1], "relu", seed=1)
    before = other.state_dict()
    with pytest.raises(
        ValueError, match=r"model.json does not fit: it holds a model with .*'tanh'.* this one has .*'relu'"
    ):
        other.load(tmp_path / "model.json")
    assert other.state_dict() == before


def test_infinite_and_exact_numbers_survive(tmp_path):
    model = nn.Neuron(2)
    model.w[0].data, model.w[1].data, model.b.data = 0.1 + 0.2, math.inf, -0.0
    model.save(tmp_path / "model.json")
    loaded = nn.Neuron.load(tmp_path / "model.json")
    assert [p.data for p in loaded.parameters()] == [0.1 + 0.2, math.inf, 0.0]
    assert math.copysign(1, loaded.b.data) == -1


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    model = nn.Neuron(2, seed=1)
    model.save(path)
    before = path.read_bytes()
    for step in ("fsync", "replace"):
        with monkeypatch.context() as patched:

            def interrupt(*_):
                raise KeyboardInterrupt

            patched.setattr(os, step, interrupt)
            model.w[0].data += 1
            with pytest.raises(KeyboardInterrupt):
                model.save(path)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["model.json"]


def test_a_file_keeps_its_permissions_and_a_device_stays_one(tmp_path):
    path = tmp_path / "model.json"
    nn.Neuron(1).save(path)
    usual = tmp_path / "usual"
    usual.touch()
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o640)
    nn.Neuron(1).save(path)
    assert path.stat().st_mode & 0o777 == 0o640
    nn.Neuron(1).save("/dev/null")
    assert not os.path.isfile("/dev/null")


def test_threads_may_save_to_one_file(tmp_path):
    model, errors = nn.Neuron(50, seed=0), []

    def save():
        try:
            for _ in range(10):
                model.save(tmp_path / "model.json")
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=save) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["model.json"]


def test_saving_through_a_link_keeps_the_link(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    nn.Neuron(1).save(real)
    link.symlink_to(real)
    nn.Neuron(2).save(link)
    assert link.is_symlink()
    assert len(nn.Neuron.load(real).w) == 2


def test_what_cannot_come_back_is_not_saved(tmp_path):
    path = tmp_path / "model.json"

    class Needy(nn.Module):
        def __init__(self, size):
            self.w = [Value(0.0)] * size

    with pytest.raises(ValueError, match=r"Needy cannot be rebuilt from what config\(\) and metadata give: .*size"):
        Needy(2).save(path)
    model = nn.Neuron(1)
    model.metadata = {1, 2}
    with pytest.raises(ValueError, match=r"Neuron cannot be rebuilt .*set"):
        model.save(path)
    rebuilt = nn.MLP(2, [3, 1], "tanh")
    rebuilt.layers[0] = nn.Layer(2, 3, "relu")
    with pytest.raises(ValueError, match=r"MLP cannot be rebuilt .*its parts were changed"):
        rebuilt.save(path)
    grown = nn.Neuron(1)
    grown.extra = Value(1.0)
    with pytest.raises(ValueError, match=r"Neuron cannot be rebuilt .*unexpected: extra"):
        grown.save(path)
    assert not path.exists()


def damaged(**changes):
    document = {"format": FORMAT, "version": 1, "class": "Neuron", "config": {"n_inputs": 1, "activation": "relu"},
                "metadata": None, "state": {"w[0]": 1.0, "b": 0.0}}  # fmt: skip
    return json.dumps({**document, **changes}).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged or not a model that tinygrad_edu saved"),
        (b"\xff\xfe\x00", "is damaged or not a model"),
        (damaged()[:-30], "is damaged or not a model"),
        (b"[1, 2]", "is damaged or not a model"),
        (b'{"weights": [1]}', "is damaged or not a model"),
        (b"[" * 100_000, "is damaged or not a model"),
        (damaged(format="other"), "is damaged or not a model"),
        (damaged(version=2), "was saved by a newer version"),
        (damaged(state=None), "is damaged: parts of the model are missing"),
        (
            damaged(**{"class": "Elephant"}),
            "does not fit: it holds a model of class 'Elephant', where Neuron is expected",
        ),
        (damaged(config={"size": 3}), "does not fit: .*size"),
        (damaged(config={"n_inputs": -3}), "does not fit: n_inputs must be"),
        (damaged(state={"w[0]": 1.0}), "does not fit: missing: b"),
        (damaged(state={"w[0]": "1", "b": 0.0}), r"does not fit: not one number: w\[0\]"),
    ],
)
def test_a_damaged_or_foreign_file_is_named_and_changes_nothing(content, message, tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"model\.json {message}"):
        nn.Neuron.load(path)
    model = nn.Neuron(1, seed=1)
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"model\.json"):
        model.load(path)
    assert model.state_dict() == before


def test_a_missing_file_is_the_usual_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        nn.MLP.load(tmp_path / "nothing.json")
    with pytest.raises(FileNotFoundError, match=r"model\.json'$"):
        nn.MLP(1, [1]).save(tmp_path / "nowhere" / "model.json")


def test_the_class_defined_last_is_meant(tmp_path):
    def define():
        class Twice(nn.Module):
            def __init__(self):
                self.w = Value(1.0)

        return Twice

    old, new = define(), define()
    old().save(tmp_path / "model.json")
    assert type(nn.Module.load(tmp_path / "model.json")) is new


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
