"""Models in safetensors files: what comes back, and what is refused."""

import json
import os

import pytest

from tinygrad_edu import Value, nn
from tinygrad_edu.nn import tensors
from tinygrad_edu.nn.tensors import Tensor

MODELS = [nn.MLP(2, [4, 3], "gelu", "sigmoid", seed=1), nn.MLP(2, [3, 1], None, seed=1), nn.Layer(2, 3, None, seed=1),
          nn.Neuron(4, seed=1)]  # fmt: skip
HEADER = json.dumps({"format": "tinygrad_edu model", "version": 1, "class": "Neuron", "metadata": None,
                     "config": {"n_inputs": 1, "activation": "relu"}})  # fmt: skip
NEURON = {"0.weight": Tensor([1, 1], [2.0]), "0.bias": Tensor([1], [3.0])}


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_saved_model_comes_back(model, tmp_path):
    path = tmp_path / "model.safetensors"
    model.metadata = {"classes": ["a", "b"]}
    model.save(path)
    for loaded in (type(model).load(path), nn.load(str(path)), type(model)(**model.config()).load(path)):
        assert type(loaded) is type(model)
        assert loaded.state_dict() == model.state_dict()
        assert loaded.config() == model.config()
        assert loaded.metadata == model.metadata
    assert os.listdir(tmp_path) == ["model.safetensors"]


def test_names_and_shapes_are_those_of_pytorch():
    shapes = [{name: tensor.shape for name, tensor in tensors.to_tensors(m.config(), m.state_dict()).items()}
              for m in MODELS]  # fmt: skip
    assert shapes == [
        {"0.weight": [4, 2], "0.bias": [4], "2.weight": [3, 4], "2.bias": [3]},
        {"0.weight": [3, 2], "0.bias": [3], "1.weight": [1, 3], "1.bias": [1]},
        {"0.weight": [3, 2], "0.bias": [3]},
        {"0.weight": [1, 4], "0.bias": [1]},
    ]


def test_what_has_no_matrices_is_not_saved(tmp_path):
    class Line(nn.Module):
        def __init__(self):
            self.a = Value(1.0)

    for model in (Line(), nn.Neuron(1, init=lambda: float("inf"))):
        with pytest.raises(ValueError, match=r"cannot be saved: (only an MLP, a Layer and a Neuron|.*is inf)"):
            model.save(tmp_path / "model.safetensors")
    assert os.listdir(tmp_path) == []


def test_a_model_of_another_make_is_refused(tmp_path):
    nn.MLP(2, [4, 1], "tanh", seed=0).save(tmp_path / "model.safetensors")
    other = nn.MLP(2, [4, 1], "relu", seed=1)
    before = other.state_dict()
    with pytest.raises(ValueError, match=r"model.safetensors does not fit: it holds a model with .*'tanh'"):
        other.load(tmp_path / "model.safetensors")
    assert other.state_dict() == before


def changed(**changes):
    """The file of a neuron, with changes to what the header says of its weights."""
    content = tensors.to_bytes(NEURON, HEADER)
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["0.weight"].update(changes)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: b"", "is damaged"),
        (lambda: b"{}", "is damaged"),
        (lambda: tensors.to_bytes(NEURON, HEADER)[:-3], "is damaged"),
        (lambda: b"\xff" * 8 + tensors.to_bytes(NEURON, HEADER)[8:], "is damaged"),
        (lambda: tensors.to_bytes(NEURON, "?"), "is damaged"),
        (lambda: tensors.to_bytes(NEURON, "[1]"), "is damaged"),
        (lambda: tensors.to_bytes(NEURON, "{}"), "is damaged"),
        (lambda: tensors.to_bytes(NEURON, HEADER.replace('"version": 1', '"version": 2')), ".*version 2, not 1"),
        (lambda: tensors.to_bytes({}, HEADER), "does not fit: its configuration asks for more than the 0 parameters"),
        (lambda: tensors.to_bytes({"w": NEURON["0.bias"]}, HEADER), ".*it holds w, and not the weight and bias of 0"),
        (lambda: tensors.to_bytes({**NEURON, "0.bias": Tensor([2], [1.0, 2.0])}, HEADER), r".*\[1, 1\] and \[2\], not"),
        (lambda: tensors.to_bytes({**NEURON, "0.weight": Tensor([1, 1], [float("nan")])}, HEADER), ".*is nan"),
        (lambda: tensors.to_bytes({**NEURON, "0.weight": Tensor([1, 2], [1.0, 2.0])}, HEADER), "does not fit: unexpected"),
        (lambda: changed(dtype="I64"), ".*0.weight holds numbers of the kind I64, not F64 or F32"),
        (lambda: changed(shape=[10**30, 1]), ".*0.weight has the shape"),
        (lambda: changed(shape=[-1, -1]), ".*a size in a shape must be"),
        (lambda: changed(shape=None), "is damaged"),
        (lambda: changed(data_offsets=[-8, 0]), ".*0.weight has the shape"),
        (lambda: changed(data_offsets=[8, 24]), ".*0.weight has the shape"),
        (lambda: changed(shape=[0, 1], data_offsets=[0, 0]), ".*it holds 16 bytes of numbers, and its tensors 8"),
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_file_is_named_and_changes_nothing(make, message, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(make())
    with pytest.raises(ValueError, match=rf"model\.safetensors {message}"):
        nn.load(path)
    model = nn.Neuron(1, seed=1)
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        model.load(path)
    assert model.state_dict() == before


def test_the_package_safetensors_reads_and_writes_the_same(tmp_path):
    files = pytest.importorskip("safetensors.numpy")
    [model, *_] = MODELS
    model.save(tmp_path / "ours.safetensors")
    arrays = files.load_file(tmp_path / "ours.safetensors")
    assert arrays["0.weight"].tolist() == [[w.data for w in neuron.w] for neuron in model.layers[0].neurons]
    assert arrays["2.bias"].tolist() == [neuron.b.data for neuron in model.layers[1].neurons]
    files.save_file({name: array + 1 for name, array in arrays.items()}, tmp_path / "theirs.safetensors")
    twin = nn.MLP(**model.config()).load(tmp_path / "theirs.safetensors")
    assert list(twin.state_dict().values()) == [x + 1 for x in model.state_dict().values()]
