"""Saved models: what comes back, and what is refused."""

import json
import math
import os
import random
import tracemalloc

import pytest

from tinygrad_edu import Value, nn
from tinygrad_edu.nn.saving import FORMAT


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
    for loaded in (type(model).load(path), nn.Module.load(str(path)), nn.load(path)):
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


def test_numbers_come_back_exactly(tmp_path):
    model = nn.Neuron(3)
    numbers = [0.1 + 0.2, 5e-324, -1.7976931348623157e308, -0.0]
    for p, x in zip(model.parameters(), numbers):
        p.data = x
    model.save(tmp_path / "model.json")
    assert list(map(repr, nn.load(tmp_path / "model.json").state_dict().values())) == list(map(repr, numbers))


def test_saving_and_loading_leave_random_numbers_and_the_network_alone(tmp_path):
    made = []

    class Counted(nn.MLP):
        def __init__(self, *args, **options):
            made.append(self)
            super().__init__(*args, **options)

    model = Counted(2, [3, 1], seed=0)
    model.save(tmp_path / "own.json")
    assert made == [model]
    nn.MLP(2, [3, 1], seed=0).save(tmp_path / "model.json")
    state = random.getstate()
    nn.load(tmp_path / "model.json")
    assert random.getstate() == state


def test_a_model_without_a_constructor_comes_back(tmp_path):
    class Bare(nn.Module):
        pass

    Bare().save(tmp_path / "bare.json")
    assert type(nn.load(tmp_path / "bare.json")) is Bare


def test_a_configuration_with_tuples_fits_itself(tmp_path):
    class Wave(nn.Module):
        def __init__(self, span):
            self.span, self.a = tuple(span), Value(1.0)

        def config(self):
            return {"span": self.span}

    wave = Wave((0, 1))
    wave.save(tmp_path / "wave.json")
    assert wave.load(tmp_path / "wave.json") is wave


def test_what_cannot_come_back_is_not_saved(tmp_path):
    class Needy(nn.Module):
        def __init__(self, size):
            self.w = [Value(0.0)] * size

    def of(metadata):
        model = nn.Neuron(1)
        model.metadata = metadata
        return model

    def with_weight(x):
        return nn.Neuron(2, init=lambda: x)

    nested = []
    for _ in range(900):
        nested = [nested]
    for model, reason in [
        (Needy(2), r"config\(\) does not give the arguments of the constructor: .*'size'"),
        (of({1, 2}), "set is not JSON"),
        (of({1: 0, "1": 0}), "it holds '1' twice"),
        (of([math.inf]), "metadata is inf, not a finite number"),
        (of(nested), "nested"),
        (with_weight(math.inf), r"w\[0\] is inf, not a finite number"),
        (with_weight(math.nan), r"w\[0\] is nan, not a finite number"),
    ]:
        with pytest.raises(ValueError, match=rf"^{type(model).__name__} cannot be saved: .*{reason}"):
            model.save(tmp_path / "model.json")
    assert os.listdir(tmp_path) == []


def damaged(**changes):
    document = {"format": FORMAT, "version": 1, "class": "Neuron", "config": {"n_inputs": 1, "activation": "relu"},
                "metadata": None, "state": {"w[0]": 1.0, "b": 0.0}}  # fmt: skip
    return json.dumps({**document, **changes}).encode()


def with_state(text):
    """A file in which one number of the state is this text."""
    return damaged(state={"w[0]": "?", "b": 0.0}).replace(b'"?"', text.encode())


UNREADABLE = "is damaged or not a model that this version of tinygrad_edu can read: "


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", UNREADABLE),
        (b"\xff\xfe\x00", UNREADABLE),
        (damaged()[:-30], UNREADABLE),
        (b"[1, 2]", UNREADABLE + "it has no format"),
        (b'{"weights": [1]}', UNREADABLE + "it has no format"),
        (b"[" * 100_000, UNREADABLE),
        (damaged(format="other"), UNREADABLE + "it has no format"),
        (damaged(version=2), UNREADABLE + "its format has version 2, not 1"),
        (damaged(version=0), UNREADABLE + "its format has version 0, not 1"),
        (damaged(version=True), UNREADABLE + "its format has version True, not 1"),
        (damaged(version="1"), UNREADABLE + "its format has version '1', not 1"),
        (damaged(state=None), UNREADABLE + "parts of the model are missing"),
        (damaged(metadata=0).replace(b'"metadata"', b'"state": {}, "m"'), UNREADABLE + "it holds 'state' twice"),
        (damaged(state={"w[0]": 1.0, "?": 0.0}).replace(b"?", b"w[0]"), UNREADABLE + r"it holds 'w\[0\]' twice"),
        (damaged(metadata=math.nan), UNREADABLE + "metadata is nan, not a finite number"),
        (damaged(metadata=[0]).replace(b"[0]", b"1e999"), UNREADABLE + "metadata is inf, not a finite number"),
        (damaged(metadata=0).replace(b": 0,", b": " + b"[" * 900 + b"]" * 900 + b","), UNREADABLE + ".*nested"),
        (damaged(metadata=0).replace(b": 0,", b": " + b'{"a":' * 900 + b"0" + b"}" * 900 + b","), UNREADABLE),
        *[
            (with_state(text), UNREADABLE + r"w\[0\] is .*not a finite number")
            for text in ("NaN", "-Infinity", "1e999")
        ],
        *[
            (with_state(text), UNREADABLE + "its state holds something else than numbers")
            for text in ("true", "null", '"1"', "[1.0]")
        ],
        (with_state("1" + "0" * 400), "does not fit: .*too large"),
        (with_state("1" + "0" * 5000), "(is damaged|does not fit)"),
        (
            damaged(**{"class": "Elephant"}),
            "does not fit: it holds a model of class 'Elephant', which is no Neuron or not defined yet",
        ),
        (damaged(**{"class": ["Neuron"]}), "does not fit: it holds a model of class"),
        (damaged(config={"size": 3}), "does not fit: .*size"),
        (damaged(config={"n_inputs": -3}), "does not fit: n_inputs must be"),
        (damaged(config={"n_inputs": 1, "activation": ["relu"]}), "does not fit: "),
        (damaged(state={"w[0]": 1.0}), "does not fit: missing: b"),
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


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("Neuron", {"n_inputs": 5_000_000}),
        ("Layer", {"n_inputs": 1, "n_outputs": 5_000_000}),
        ("MLP", {"n_inputs": 5_000_000, "sizes": [1]}),
        ("MLP", {"n_inputs": 1, "sizes": [2000, 5000]}),
        ("MLP", {"n_inputs": 10**30, "sizes": "99"}),
    ],
)
@pytest.mark.parametrize("count", [0, 50])
def test_a_small_file_cannot_ask_for_a_large_network(kind, config, count, tmp_path):
    state = {f"p{i}": 0.5 for i in range(count)}
    (tmp_path / "model.json").write_bytes(damaged(**{"class": kind}, config=config, state=state))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"model\.json does not fit: (.* than the \d+ parameters|n_outputs must be)"):
        nn.load(tmp_path / "model.json")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "changes",
    [
        {"class": "x" * 10**6},
        {"class": "\n\x1b[2J" * 1000},
        {"version": "x" * 10**6},
        {"config": {"n_inputs": 1, "x" * 10**6: 1}},
        {"config": {"n_inputs": 1, "activation": "\n" * 10**6}},
        {"state": {"x" * 10**6: 0.0}},
        {"state": {"\U0010ffff" * 10**4: 0.0}},
        {"state": {f"\n{i}": 0.0 for i in range(10**4)}},
    ],
)
def test_no_message_is_longer_than_a_screen(changes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.json").write_bytes(damaged(**changes))
    for load in (nn.Neuron.load, nn.Neuron(1).load):
        with pytest.raises(ValueError, match=r"^model\.json ") as caught:
            load("model.json")
        assert len(str(caught.value)) < 80 * 24
        assert str(caught.value).isprintable()


def test_whatever_a_constructor_raises_names_the_file(tmp_path):
    class Fragile(nn.Module):
        def __init__(self, table):
            self.w = Value(table["w"])

    (tmp_path / "model.json").write_bytes(damaged(**{"class": "Fragile"}, config={"table": {}}, state={}))
    with pytest.raises(ValueError, match=r"model\.json does not fit: KeyError\('w'\)"):
        nn.load(tmp_path / "model.json")


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
