"""The five articles: our gradients against their hand-written formulas, and what the demos say about them."""

import importlib
import math
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from samples import demo

from tinygrad_edu import data, losses, mean, nn, sigmoid, topological_order
from tinygrad_edu import sum as total

DEMOS = pathlib.Path(__file__).parents[2] / "demos"


def matrices(model, attribute):
    """For each layer W of shape (inputs, outputs) and b of shape (outputs,), of the numbers or of their gradients."""
    read = [
        (
            [[getattr(w, attribute) for w in n.w] for n in layer.neurons],
            [getattr(n.b, attribute) for n in layer.neurons],
        )
        for layer in model.layers
    ]
    return [(np.array(w).T, np.array(b)) for w, b in read]


def same(ours, by_hand):
    for (w, b), (dw, db) in zip(ours, by_hand, strict=True):
        np.testing.assert_allclose(w, dw, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(b, db, rtol=1e-12, atol=1e-12)


def logistic(z):
    return 1 / (1 + np.exp(-z))


def activations(parameters, x, squash=logistic):
    layers = [x]
    for w, b in parameters:
        layers.append(squash(layers[-1] @ w + b))
    return layers


# ---- A, B, D: cross-entropy through sigmoids -------------------------------------------------------------------------


def formulas_b_d(parameters, x, y):
    """dAL = -(Y/AL - (1-Y)/(1-AL)), then for each layer dZ = dA σ(Z)(1-σ(Z)), dW = dZ A_prevᵀ/m, dA_prev = Wᵀ dZ."""
    layers, gradients = activations(parameters, x), []
    da = -(y / layers[-1] - (1 - y) / (1 - layers[-1]))
    for (w, _), a, a_prev in zip(parameters[::-1], layers[:0:-1], layers[-2::-1]):
        dz = da * a * (1 - a)
        gradients.insert(0, (a_prev.T @ dz / len(x), dz.mean(axis=0)))
        da = dz @ w.T
    return gradients


@pytest.mark.parametrize("dims", [[2, 1], [2, 4, 1], [2, 5, 3, 1], [2, 3, 3, 3, 3, 1]])
@pytest.mark.parametrize("start", ["articles", "glorot"])
def test_b_and_d_at_any_depth(dims, start):
    inputs, targets = data.moons(20, seed=1)
    model = (
        demo("article_b_d").init_params(dims) if start == "articles" else nn.MLP(2, dims[1:], *["sigmoid"] * 2, seed=0)
    )
    mean([losses.binary_cross_entropy(model(x), t) for x, t in zip(inputs, targets)]).backward()
    by_hand = formulas_b_d(matrices(model, "data"), np.array(inputs), np.array(targets)[:, None])
    same(matrices(model, "grad"), by_hand)


def test_ds_dictionary_of_gradients_has_none_for_the_output_layer():
    """The listing's own indices for layers 1 .. 3: it is the output layer's gradient that the update does not find."""
    last, grads = 3, {}
    grads[f"dW{last - 1}"] = "of the output layer"
    for layer in reversed(range(last - 1)):
        grads[f"dW{layer + 1}"] = f"of layer {layer + 1}"
    assert grads["dW2"] == "of layer 2"  # the output layer's is overwritten
    with pytest.raises(KeyError, match="dW3"):
        [grads[f"dW{layer}"] for layer in range(1, last + 1)]


def test_b_and_d_the_first_layer_gets_almost_nothing_from_their_start():
    b_d = demo("article_b_d")
    points = data.moons(40, seed=0)
    small, glorot = b_d.both_starts(*points, 50).values()
    before = [[sizes[0] for sizes in history.gradient.values()] for history in (small, glorot)]
    assert before[0][0] < 1e-4 * before[0][-1]
    assert before[1][0] > 1e-3 * before[1][-1]
    assert all(sizes[-1] < 1e-6 for sizes in small.gradient.values())
    assert all(sizes[-1] > 1e-4 for sizes in glorot.gradient.values())
    assert small.loss[-1] == pytest.approx(math.log(2), abs=1e-3)


def test_b_and_d_one_hidden_layer_learns_from_their_start():
    _, history = demo("article_b_d").train(*data.moons(40, seed=0), [2, 8, 1], 200, 1.0)
    assert history.loss[-1] < 0.4


def test_a_the_loss_falls_monotonically_and_biases_are_needed():
    a = demo("article_a")
    points = data.circles(40, noise=0, seed=0)
    model, history = a.train(*points, biases=False, iterations=300)
    assert all(after <= before for before, after in zip(history.loss, history.loss[1:]))
    assert [unit.data for unit in model.layers[0]([0.0, 0.0])] == [0.5] * 6
    assert history.loss[-1] >= math.log(2) - 1e-9
    scores = [model([x, 0.3]).data + model([-x, -0.3]).data for x in (0.2, 0.7)]
    logit_sums = [math.log(p / (1 - p)) + math.log(q / (1 - q)) for p, q in
                  ((model([x, 0.3]).data, model([-x, -0.3]).data) for x in (0.2, 0.7))]  # fmt: skip
    assert logit_sums[0] == pytest.approx(logit_sums[1])
    assert scores[0] != scores[1]


# ---- C: one loss printed, another descended --------------------------------------------------------------------------


def formulas_c(parameters, x, y):
    """dZ2 = a2 - y, dW2 = a1ᵀ dZ2/m, db2 = mean(dZ2), dZ1 = (dZ2 W2ᵀ) σ'(z1), dW1 = Xᵀ dZ1/m, db1 = mean(dZ1)."""
    _, a1, a2 = activations(parameters, x)
    dz2 = a2 - y
    dz1 = dz2 @ parameters[1][0].T * a1 * (1 - a1)
    return [(x.T @ dz1 / len(x), dz1.mean(axis=0)), (a1.T @ dz2 / len(x), dz2.mean(axis=0))]


def gradients_c(loss):
    inputs, targets = data.xor()
    model = demo("article_c").build()
    mean([loss(model(x), t) for x, t in zip(inputs, targets)]).backward()
    return model, formulas_c(matrices(model, "data"), np.array(inputs), np.array(targets)[:, None])


def test_c_descends_cross_entropy():
    model, by_hand = gradients_c(losses.binary_cross_entropy_with_logits)
    same(matrices(model, "grad"), by_hand)


def test_c_does_not_descend_the_squared_error_that_it_prints():
    c = demo("article_c")
    model, by_hand = gradients_c(c.squared_error)
    for (w, _), (dw, _) in zip(matrices(model, "grad"), by_hand):
        assert np.abs(w - dw).max() > 0.1 * np.abs(dw).max()
    for inputs, target in zip(*data.xor()):
        a2 = sigmoid(c.build()(inputs)).data
        difference, derivatives = c.output_derivatives(c.build(), inputs, target)
        assert derivatives["cross-entropy"] == pytest.approx(difference, rel=1e-12)
        assert derivatives["squared error"] == pytest.approx(2 * difference * a2 * (1 - a2), rel=1e-12)


def test_c_training_on_the_printed_loss_behaves_differently(capsys):
    demo("article_c").main(epochs=1000)
    printed = re.findall(r"^ +(\d+) +(0\.\d+) +(0\.\d+)$", capsys.readouterr().out, re.MULTILINE)
    assert [int(epoch) for epoch, *_ in printed] == [1, 1000]
    squared_error, cross_entropy = map(float, printed[-1][1:])
    assert cross_entropy < 0.9 * squared_error


# ---- E: softmax and tanh ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [1, 3, 20])
def test_e_sums_over_the_examples(hidden):
    """δ3 = p - onehot(y), dW2 = a1ᵀ δ3, δ2 = (1 - a1²) δ3 W2ᵀ, dW1 = Xᵀ δ2: sums, not means."""
    inputs, targets = data.moons(30, noise=0.2, seed=0)
    model = demo("article_e").build(hidden, seed=2)
    total([losses.cross_entropy(model(x), t) for x, t in zip(inputs, targets)]).backward()
    (w1, b1), (w2, b2) = matrices(model, "data")
    x = np.array(inputs)
    a1 = np.tanh(x @ w1 + b1)
    scores = np.exp(a1 @ w2 + b2)
    d3 = scores / scores.sum(axis=1, keepdims=True) - np.eye(2)[targets]
    d2 = (1 - a1**2) * (d3 @ w2.T)
    same(matrices(model, "grad"), [(x.T @ d2, d2.sum(axis=0)), (a1.T @ d3, d3.sum(axis=0))])


def test_e_hidden_units_bend_what_logistic_regression_cannot():
    e = demo("article_e")
    points = data.moons(200, noise=0.2, seed=0)
    straight, bent = (e.accuracy(e.train(hidden, *points, epochs=60)[0], *points) for hidden in (0, 4))
    assert straight < 0.9 < 0.94 < bent


# ---- the scripts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(DEMOS.glob("*.py")), ids=lambda path: path.stem)
def test_a_demo_tells_what_it_shows(path):
    module = demo(path.stem)
    assert len(module.__doc__.split()) > 40
    assert callable(module.main)


def test_a_demo_runs_from_anywhere(tmp_path):
    done = subprocess.run([sys.executable, DEMOS / "article_b_d.py"], cwd=tmp_path, capture_output=True, text=True,
                          check=True, timeout=120)  # fmt: skip
    assert "three hidden layers, N(0, 1) / 100: 0.6931 -> 0.6931" in done.stdout
    assert (tmp_path / "article_b_d.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("name", "options"), [("article_e", {"sizes": (0, 1), "epochs": 1}), ("article_b_d", {"epochs": 2})])  # fmt: skip
def test_pictures_are_written_where_asked_if_matplotlib_is_there(name, options, tmp_path, capsys, monkeypatch):
    demo(name).main(tmp_path / "picture.png", **options)
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert f"wrote {tmp_path / 'picture.png'}" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    demo(name).main(tmp_path / "none.png", **options)
    assert "no picture without matplotlib" in capsys.readouterr().out
    assert not (tmp_path / "none.png").exists()


def test_b_and_d_draw_both_starts_on_one_scale(tmp_path, monkeypatch):
    from matplotlib import pyplot

    b_d, drawn = demo("article_b_d"), []
    monkeypatch.setattr(pyplot, "close", drawn.append)
    b_d.draw(b_d.both_starts(*data.moons(10, seed=0), 3), tmp_path / "b_d.png")
    monkeypatch.undo()
    left, right = drawn[0].axes
    pyplot.close(drawn[0])
    assert left.get_ylim() == right.get_ylim()
    assert [ax.get_title().split("\n")[0] for ax in (left, right)] == [
        "weights at the start: N(0, 1) / 100",
        "weights at the start: Glorot",
    ]
    for ax in (left, right):
        assert {text.get_text() for text in ax.texts} == {f"layers.{i}" for i in range(4)}
        assert all(ax.get_ylim()[0] < y < 1 for line in ax.lines[:4] for y in line.get_ydata())


def test_a_prints_its_table(capsys):
    demo("article_a").main(iterations=2)
    assert "circles  learned" in capsys.readouterr().out


def test_the_readmes_pictures_are_made_by_a_demo(tmp_path):
    readme = (DEMOS.parent / "README.md").read_text(encoding="utf-8")
    shown = {pathlib.Path(path).name for path in re.findall(r"!\[[^\]]*\]\(([^)]*)\)", readme)}
    pictures = demo("pictures")
    pictures.main(tmp_path, slow=())
    [slow] = pictures.main.__defaults__[1:]
    assert shown == {path.name for path in tmp_path.iterdir()} | {f"{name}.png" for name in slow}
    for path in tmp_path.glob("*.svg"):
        assert path.read_text(encoding="utf-8").rstrip().endswith("</svg>")


@pytest.mark.thorough
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium: apt-get install chromium")
def test_the_readmes_film_moves_and_is_small(tmp_path):
    pictures, path = demo("pictures"), tmp_path / "page.png"
    pictures.film(pictures.page(), path)
    with importlib.import_module("PIL.Image").open(path) as image:
        assert image.n_frames > 15
    assert path.stat().st_size < 500_000


def test_the_neuron_in_the_readme_is_what_its_caption_says():
    out = demo("pictures").neuron()
    w = next(node for node in topological_order(out) if node.label == "w")
    assert f"{w.grad:.4g}" == "2.359"
    assert f"{1 - out.data**2:.4g}" == "0.7864"
