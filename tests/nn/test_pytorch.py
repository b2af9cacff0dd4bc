"""The same network in PyTorch and back; needs PyTorch, which CI does without."""

import random

import numpy as np
import pytest

from tinygrad_edu import Value, losses, mean, nn
from tinygrad_edu.nn.pytorch import ACTIVATIONS

torch = pytest.importorskip("torch")
POINTS = [[0.3, -1.2], [2.0, 0.5], [-40.0, 25.0]]  # the last one far out, where an activation may be cut off
TARGETS = [0.5, -1.0, 2.0]


def close(a, b):
    return np.asarray(a) == pytest.approx(np.asarray(b), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
@pytest.mark.parametrize("output", [None, "sigmoid"])
def test_outputs_and_gradients_are_equal(activation, output):
    model = nn.MLP(2, [5, 4, 1], activation, output, seed=1)
    for p in model.parameters():
        p.data += 0.1  # biases, too
    theirs = nn.to_torch(model)
    x = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    loss = ((theirs(x).squeeze(1) - torch.tensor(TARGETS, dtype=torch.float64)) ** 2).mean()
    loss.backward()
    inputs = [[Value(number) for number in point] for point in POINTS]
    predictions = [model(point) for point in inputs]
    mean([losses.mse(p, t) for p, t in zip(predictions, TARGETS)]).backward()
    assert close([p.data for p in predictions], theirs(x).flatten().tolist())
    assert close([[number.grad for number in point] for point in inputs], x.grad.tolist())
    for layer, linear in zip(model.layers, [m for m in theirs if isinstance(m, torch.nn.Linear)]):
        assert close([[w.grad for w in neuron.w] for neuron in layer.neurons], linear.weight.grad.tolist())
        assert close([neuron.b.grad for neuron in layer.neurons], linear.bias.grad.tolist())


@pytest.mark.parametrize("model", [nn.MLP(3, [4, 2], "gelu_tanh", "softplus", seed=0), nn.MLP(1, [2, 2, 1], None, seed=0),
                                   nn.Layer(3, 2, "elu", seed=0), nn.Neuron(2, "mish", seed=0)])  # fmt: skip
def test_there_and_back_is_the_same_model(model):
    back = nn.from_torch(nn.to_torch(model))
    assert list(back.state_dict().values()) == list(model.state_dict().values())
    if isinstance(model, nn.MLP):
        assert back.state_dict() == model.state_dict()
        assert back.config() == model.config()


def test_a_network_of_pytorchs_own_comes_over():
    torch.manual_seed(0)
    theirs = torch.nn.Sequential(
        torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.SiLU()), torch.nn.Linear(3, 3), torch.nn.SiLU(),
        torch.nn.Linear(3, 2), torch.nn.Identity(),
    )  # fmt: skip
    model = nn.from_torch(theirs)
    assert repr(model) == "MLP(n_inputs=2, sizes=[3, 3, 2], activation='silu', output_activation=None)"
    expected = theirs.double()(torch.tensor(POINTS, dtype=torch.float64)).tolist()
    assert close([[y.data for y in model(point)] for point in POINTS], expected)


def test_random_numbers_and_both_models_are_left_alone():
    model = nn.MLP(2, [3, 1], seed=0)
    before, ours, theirs = model.state_dict(), random.getstate(), torch.get_rng_state()
    sequential = nn.to_torch(model)
    nn.from_torch(sequential).parameters()[0].data = 9.0
    with torch.no_grad():
        sequential[0].weight.fill_(7.0)
    assert model.state_dict() == before
    assert random.getstate() == ours
    assert torch.equal(torch.get_rng_state(), theirs)


class Line(nn.Module):
    def __init__(self):
        self.a = Value(1.0)


class Doubled(nn.MLP):
    def __call__(self, inputs):
        return 2 * super().__call__(inputs)


def mixed():
    model = nn.Layer(2, 2, "relu", seed=0)
    model.neurons[1].activation = "tanh"
    return model


def tied():
    model = nn.MLP(2, [2, 2], seed=0)
    model.layers[1].neurons = model.layers[0].neurons
    return model


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (Line(), TypeError, "a Line has no counterpart in PyTorch"),
        (Doubled(2, [1]), TypeError, "a Doubled has no counterpart"),
        (nn.MLP(2, [2, 1], "sin"), ValueError, "PyTorch has no module for the activation sin; it has those for relu, "),
        (nn.MLP(2, [2, 1], output_activation="exp"), ValueError, "the activation exp"),
        (mixed(), ValueError, "the neurons of a layer have different activations: relu, tanh"),
        (tied(), ValueError, "with all their parameters"),
    ],
)
def test_what_pytorch_has_not_is_refused_by_name(model, error, message):
    with pytest.raises(error, match=message):
        nn.to_torch(model)


def linear(n_in=2, n_out=2, **options):
    return torch.nn.Linear(n_in, n_out, **options)


SHARED = linear()


@pytest.mark.parametrize(
    ("modules", "error", "message"),
    [
        ([], ValueError, "there is no Linear in this Sequential"),
        ([torch.nn.ReLU(), linear()], ValueError, r"module 0, ReLU\(\), does not follow a Linear"),
        ([linear(), torch.nn.ReLU(), torch.nn.Tanh()], ValueError, r"module 2, Tanh\(\), does not follow a Linear"),
        ([linear(), torch.nn.Dropout(0.1)], TypeError, r"module 1, Dropout\(p=0.1.*\), has no counterpart in tinygrad_edu; "
                                                       "Linear has one, and ReLU, Tanh"),
        ([linear(), torch.nn.Softmax(dim=-1)], TypeError, "Softmax"),
        ([torch.nn.Sequential(linear(), torch.nn.Hardtanh())], TypeError, "module 0.1, Hardtanh"),
        ([linear(), torch.nn.LeakyReLU(0.2)], ValueError, r"negative_slope=0.2\), .*; LeakyReLU\(negative_slope=0.01\) has"),
        ([linear(), torch.nn.Softplus()], ValueError, r"threshold=20.0\), .*threshold=40.0\) has one"),
        ([linear(bias=False)], ValueError, "module 0, Linear.* has no bias"),
        ([linear(2, 3), linear(2, 1)], ValueError, "module 1, Linear.* does not fit the 3 outputs before it"),
        ([linear(), torch.nn.ReLU(), linear(), torch.nn.Tanh(), linear()], ValueError, "different activations, relu, tanh"),
        ([SHARED, SHARED], ValueError, "(shares its weights|does not)"),
        ([linear(dtype=torch.complex64)], ValueError, "weights of the type torch.complex64"),
    ],
)  # fmt: skip
def test_what_tinygrad_edu_has_not_is_refused_by_name(modules, error, message):
    with pytest.raises(error, match=message):
        nn.from_torch(torch.nn.Sequential(*modules))


def test_anything_but_a_sequential_is_refused():
    for thing in (linear(), nn.Neuron(1), None):
        with pytest.raises(TypeError, match=rf"takes a torch.nn.Sequential, not a {type(thing).__name__}"):
            nn.from_torch(thing)


def test_a_safetensors_file_goes_both_ways(tmp_path):
    files = pytest.importorskip("safetensors.torch")
    model, other = (nn.MLP(2, [4, 3, 1], "tanh", seed=seed) for seed in (0, 1))
    model.save(tmp_path / "ours.safetensors")
    theirs = nn.to_torch(other)
    theirs.load_state_dict(files.load_file(tmp_path / "ours.safetensors"))
    assert nn.from_torch(theirs).state_dict() == model.state_dict()
    files.save_file(nn.to_torch(other).state_dict(), tmp_path / "theirs.safetensors")
    model.metadata = "kept"
    model.load(tmp_path / "theirs.safetensors")
    assert model.state_dict() == other.state_dict()
    assert model.metadata == "kept"
    with pytest.raises(ValueError, match=r"theirs.safetensors .*does not say of which model.*model.load\(path\)"):
        nn.load(tmp_path / "theirs.safetensors")
    single = {name: tensor.float() for name, tensor in theirs.state_dict().items()}
    files.save_file(single, tmp_path / "single.safetensors")
    assert close(model.load(tmp_path / "single.safetensors").layers[0].neurons[0].w[0].data,
                 single["0.weight"][0, 0].item())  # fmt: skip
