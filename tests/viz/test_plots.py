"""Pictures: that they hold what they should; how they look is for people to see."""

import itertools
import math
import sys

import numpy as np
import pytest
from matplotlib import colors, pyplot

from tinygrad_edu import Value, classifier, data, fit, log, nn
from tinygrad_edu.formulas.formula import digits
from tinygrad_edu.training.fit import History
from tinygrad_edu.viz import plots
from tinygrad_edu.viz.terminal import boundary_text


def right_half(point):
    return int(point[0] > 0)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def test_loss_curve_shows_loss_and_metric():
    history = fit(nn.MLP(2, [4, 1], seed=0), *data.xor(), epochs=5, metric="accuracy")
    figure = plots.loss_curve(history)
    left, right = figure.axes
    assert list(left.lines[0].get_ydata()) == history.loss
    assert list(right.lines[0].get_ydata()) == history.metric
    assert (left.get_yscale(), left.get_ylabel(), right.get_ylabel()) == ("log", "loss", "accuracy")
    _, ax = pyplot.subplots()
    plain = History("metric")
    plain.loss = [1.0, 0.0]
    assert plots.loss_curve(plain, ax) is ax.get_figure()
    assert ax.get_yscale() == "linear"
    for draw in (plots.loss_curve, plots.gradient_sizes):
        with pytest.raises(ValueError, match="no completed epoch"):
            draw(History("metric"))


def test_one_epoch_is_a_dot():
    history = fit(nn.MLP(2, [4, 1], seed=0), *data.xor(), epochs=1, metric="accuracy")
    lines = [axes.lines[0] for axes in plots.loss_curve(history).axes + plots.gradient_sizes(history).axes]
    assert [line.get_marker() for line in lines] == [".", ".", "o"]


# ---- gradient sizes --------------------------------------------------------------------------------------------------


def lightness(colour):
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), colors.to_rgb(colour)))


def labels_of(ax):
    return {text.get_text(): text for text in ax.texts}


def test_gradient_sizes_has_a_line_for_each_layer_named_at_its_end():
    history = fit(nn.MLP(2, [4, 4, 1], "tanh", seed=0), *data.xor(), epochs=5)
    (ax,) = plots.gradient_sizes(history).axes
    lines = [line for line in ax.lines if len(line.get_xdata()) == 5]
    assert [list(line.get_ydata()) for line in lines] == list(history.gradient.values())
    assert all(list(line.get_xdata()) == [1, 2, 3, 4, 5] for line in lines)
    assert ax.get_yscale() == "log"
    assert "root mean square" in ax.get_ylabel()
    labels = labels_of(ax)
    assert {name: label.get_color() for name, label in labels.items()} == {
        name: line.get_color() for name, line in zip(["layers.0", "layers.1", "layers.2"], lines)
    }
    shades = [lightness(line.get_color()) for line in lines]
    assert shades == sorted(shades)
    assert shades[-1] < 0.7  # to be seen on white
    by_height = sorted(labels, key=lambda name: labels[name].get_position()[1])
    assert by_height == sorted(labels, key=lambda name: history.gradient[name][-1])
    _, given = pyplot.subplots()
    assert plots.gradient_sizes(history, given) is given.get_figure()


@pytest.mark.parametrize("count", [4, 30])
def test_names_at_the_ends_keep_apart_and_beside_the_axes(count):
    history = History("metric")
    history.loss = [1.0, 1.0]
    history.gradient = {f"layers.{i}": [1e-3, 1.0 + i / 1e6] for i in range(count)}
    (ax,) = plots.gradient_sizes(history).axes
    places = sorted(label.get_position()[1] for label in ax.texts)
    assert 0 <= places[0] <= places[-1] <= 1
    assert min(b - a for a, b in itertools.pairwise(places)) > 0.99 / max(count, 14)


def test_gradients_of_zero_are_triangles_below():
    history = History("metric")
    history.loss = [1.0, 1.0, 1.0]
    history.gradient = {"layers.0": [1e-3, 0.0, 0.0], "layers.1": [1e-3, 0.0, 1e-2]}
    (ax,) = plots.gradient_sizes(history).axes
    below = [list(line.get_xdata()) for line in ax.lines if line.get_marker() == "v"]
    assert below == [[2, 3], [2]]
    line = next(line for line in ax.lines if list(line.get_xdata()) == [1, 2, 3])
    assert [math.isnan(size) for size in line.get_ydata()] == [False, True, True]
    assert set(labels_of(ax)) == {"layers.0: 0", "layers.1"}
    history.gradient = {"layers.0": [0.0] * 3}
    plots.gradient_sizes(history).canvas.draw()


def test_gradient_bars_are_what_fit_notes():
    model = nn.MLP(2, [4, 4, 1], "tanh", seed=0)
    with pytest.raises(ValueError, match="every grad of the model is 0; call backward"):
        plots.gradient_bars(model)
    assert not pyplot.get_fignums()
    history = fit(model, *data.xor(), epochs=1)
    (ax,) = plots.gradient_bars(model).axes
    assert [bar.get_width() for bar in ax.patches] == [sizes[-1] for sizes in history.gradient.values()]
    assert [label.get_text() for label in ax.get_yticklabels()] == [*history.gradient]
    assert [text.get_text() for text in ax.texts] == [digits(bar.get_width()) for bar in ax.patches]
    assert ax.get_xscale() == "log"
    for parameter in model.layers[0].parameters():
        parameter.grad = 0.0
    _, given = pyplot.subplots()
    assert plots.gradient_bars(model, given) is given.get_figure()
    given.get_figure().canvas.draw()
    assert next(text.get_text() for text in given.texts) == "0"


# ---- tangents --------------------------------------------------------------------------------------------------------


def test_a_tangent_leads_to_newtons_next_guess():
    (ax,) = plots.tangent(lambda x: x * x - 2, 2.0).axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "f(x)", "tangent at 2, slope 4", "Newton's step: 2 → 1.5"]  # fmt: skip
    lines = {line.get_label(): line for line in ax.lines}
    xs, ys = lines["f(x)"].get_data()
    assert list(ys) == [x * x - 2 for x in xs]
    assert min(xs) < 1.5 < 2 < max(xs)
    xs, ys = lines["tangent at 2, slope 4"].get_data()
    assert list(ys) == pytest.approx([4 * x - 6 for x in xs])


def test_a_flat_tangent_leads_nowhere_and_a_function_may_end():
    (ax,) = plots.tangent(lambda x: x * x + 1, 0.0).axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "f(x)",
        "tangent at 0, slope 0: no zero to step to",
    ]
    (ax,) = plots.tangent(log, 2.0).axes
    heights = next(line for line in ax.lines if line.get_label() == "f(x)").get_ydata()
    assert 0 < sum(map(math.isnan, heights)) < len(heights)
    with pytest.raises(ValueError, match="log of"):
        plots.tangent(log, -1.0)


# ---- decision boundaries ---------------------------------------------------------------------------------------------


def test_decision_boundary_shows_areas_and_points():
    inputs, targets = [[-1.0, 0.0], [-2.0, 1.0], [1.0, 0.0]], [0, 0, 1]
    figure = plots.decision_boundary(right_half, inputs, targets, names=["left", "right"])
    (ax,) = figure.axes
    assert [len(points.get_offsets()) for points in ax.collections[-2:]] == [2, 1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["class left", "class right"]
    _, given = pyplot.subplots()
    assert plots.decision_boundary(right_half, inputs, targets, given) is given.get_figure()
    assert given.get_legend() is None


def areas_of(ax):
    """The colours of the areas, and a function that tells which one is at a place."""
    filled = [area for area in ax.collections if area in ax.get_children() and getattr(area, "filled", False)]
    shown = {colors.to_hex(area.get_facecolor()[0]).upper(): area for area in filled}

    def colour_at(x, y):
        return [
            colour for colour, area in shown.items() if any(path.contains_point((x, y)) for path in area.get_paths())
        ]

    return set(shown), colour_at


@pytest.mark.parametrize(("outputs", "last"), [(1, None), (1, "sigmoid"), (2, None), (3, None)])
def test_a_model_is_shown_by_its_classes(outputs, last):
    points = data.blobs(30, seed=0, classes=max(outputs, 2))
    model = nn.MLP(2, [4, outputs], "tanh", last, seed=1)
    loss = "cross_entropy" if outputs > 1 else "binary_cross_entropy" if last else "binary_cross_entropy_with_logits"
    fit(model, *points, loss=loss, epochs=60)
    (ax,) = plots.decision_boundary(model, *points).axes
    shown, colour_at = areas_of(ax)
    assert shown == set(plots.COLOURS[: max(outputs, 2)])
    clear = 0
    for x, y in points[0]:
        classes = {classifier(model)([x + dx, y + dy]) for dx in (-0.1, 0, 0.1) for dy in (-0.1, 0, 0.1)}
        if len(classes) == 1:  # away from the boundary
            assert colour_at(x, y) == [plots.COLOURS[classes.pop()]]
            clear += 1
    assert clear > 15


def test_a_class_that_no_point_has_is_an_area_too():
    (ax,) = plots.decision_boundary(lambda point: 2 * int(point[0] > 0), [[-1.0, 0.0], [1.0, 1.0]], [0, 1]).axes
    shown, colour_at = areas_of(ax)
    assert shown == {plots.COLOURS[0], plots.COLOURS[2]}  # and no strip of class 1 where 0 and 2 meet
    assert colour_at(0.5, 0.0) == [plots.COLOURS[2]]


def test_classes_beyond_the_colours_have_other_markers():
    inputs, targets = data.blobs(36, seed=0, classes=12)
    (ax,) = plots.decision_boundary(right_half, inputs, targets, names=["first"]).axes
    handles, labels = ax.get_legend_handles_labels()
    assert labels == ["class first", *[f"class {i}" for i in range(1, 12)]]
    looks = {(tuple(h.get_facecolor()[0]), h.get_paths()[0].vertices.tobytes()) for h in handles}
    assert len(looks) == 12


def test_one_unit_is_as_long_in_both_directions_unless_that_makes_a_strip():
    inputs, targets = data.moons(20, seed=0)
    (ax,) = plots.decision_boundary(right_half, inputs, targets).axes
    assert ax.get_aspect() == 1
    (wide,) = plots.decision_boundary(right_half, [[100 * x, y] for x, y in inputs], targets).axes
    assert wide.get_aspect() == "auto"


def test_arrays_can_be_drawn():
    inputs, targets = data.moons(20, seed=0)
    plots.decision_boundary(right_half, np.array(inputs), np.array(targets))


@pytest.mark.parametrize(
    ("model", "inputs", "targets", "message"),
    [
        (right_half, [], [], "nothing to draw: inputs and targets are empty"),
        (right_half, [[0.0, 0.0]] * 3, [0, 1], "3 inputs do not go with 2 targets"),
        (right_half, [[0.0, 0.0], [0.0, 0.0, 1.0]], [0, 1], r"inputs\[1\] is \[0.0, 0.0, 1.0\], not a point \[x, y\]"),
        (right_half, [0.0, 1.0], [0, 1], r"inputs\[0\] is \[0.0\], not a point"),
        (right_half, [[0.0, math.nan]], [0], r"inputs\[0\] is \[0.0, nan\], not a point"),
        (nn.MLP(3, [1]), [[0.0, 0.0]], [0], "expected 3 inputs, got 2"),
        (lambda point: point[0], [[0.5, 0.0]], [0], "a class is a whole number of at least 0"),
    ],
)
def test_what_cannot_be_drawn_is_explained_and_leaves_no_figure(model, inputs, targets, message):
    with pytest.raises(ValueError, match=message):
        plots.decision_boundary(model, inputs, targets)
    with pytest.raises(ValueError, match=message):
        plots.decision_boundaries({"model": model}, inputs, targets)
    assert not pyplot.get_fignums()


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (4, 4), (5, 3), (8, 4), (9, 3)])
def test_decision_boundaries_are_side_by_side_with_one_legend(count, columns):
    inputs, targets = data.moons(20, seed=0)
    models = {f"from {i}": lambda point, i=i: int(point[0] > i / 8) for i in range(count)}
    figure = plots.decision_boundaries(models, inputs, targets, names=["upper", "lower"])
    figure.canvas.draw()
    assert [ax.get_title() for ax in figure.axes] == list(models)
    assert len({ax.get_position().x0.round(3) for ax in figure.axes}) == columns
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["class upper", "class lower"]
    assert all(ax.get_legend() is None for ax in figure.axes)
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in figure.axes}) == 1
    lowest = figure.axes[-columns:]
    assert all(any(t.get_visible() and t.get_text() for t in ax.get_xticklabels()) for ax in lowest)
    for i, ax in enumerate(figure.axes):  # each of its own model
        _, colour_at = areas_of(ax)
        assert colour_at(i / 8 - 0.1, 0.2) == [plots.COLOURS[0]]
        assert colour_at(i / 8 + 0.1, 0.2) == [plots.COLOURS[1]]


def test_the_boundary_of_a_line_is_a_line():
    neuron = nn.Neuron(2, None)
    neuron.load_state_dict({"w[0]": 1.0, "w[1]": 0.3, "b": -0.1})
    (ax,) = plots.decision_boundary(neuron, *data.moons(20, seed=0)).axes
    (line,) = [area for area in ax.collections if not getattr(area, "filled", True)]
    places = np.concatenate([path.vertices for path in line.get_paths()])
    assert len(places) > 50
    assert np.abs(places @ [1.0, 0.3] - 0.1).max() < 1e-9


def test_a_model_that_cannot_be_compiled_is_drawn_too():
    class Branching(nn.Module):
        def __call__(self, x):
            return Value(1.0) if x[0] > 0 else Value(-1.0)

    (ax,) = plots.decision_boundary(Branching(), [[-1.0, 0.0], [1.0, 0.5]], [0, 1]).axes
    _, colour_at = areas_of(ax)
    assert colour_at(-0.5, 0.1) == [plots.COLOURS[0]]
    assert colour_at(0.5, 0.1) == [plots.COLOURS[1]]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_model_that_knows_one_class_only_is_drawn(weight):
    neuron = nn.Neuron(2, None)
    neuron.load_state_dict({"w[0]": 0.0, "w[1]": 0.0, "b": weight})
    (ax,) = plots.decision_boundary(neuron, [[-1.0, 0.0], [1.0, 0.5]], [0, 1]).axes
    assert areas_of(ax)[0] == {plots.COLOURS[int(weight)]}


@pytest.mark.parametrize(("backend", "left"), [("inline", 0), ("qtagg", 2)])
def test_a_notebook_shows_a_figure_once(monkeypatch, backend, left):
    figures = [
        plots.loss_curve(fit(nn.Neuron(2, seed=0), *data.xor(), epochs=2)),
        plots.decision_boundaries({"rule": right_half}, [[0.0, 1.0], [1.0, 1.0]], [0, 1]),
    ]
    monkeypatch.setattr("matplotlib.get_backend", lambda: backend)
    for figure in figures:
        with pytest.raises(NotImplementedError):  # by which IPython knows that it is to show it
            figure._ipython_display_()
    assert len(pyplot.get_fignums()) == left  # what inline would show once more at the end of the cell


def test_decision_boundaries_draws_on_given_axes():
    inputs, targets = data.moons(20, seed=0)
    models = {"rule": right_half, "network": nn.MLP(2, [1], seed=0)}
    figure, grid = pyplot.subplots(2, 2)
    assert plots.decision_boundaries(models, inputs, targets, grid) is figure
    assert [ax.get_title() for ax in grid.flat] == ["rule", "network", "", ""]
    assert not figure.legends
    plots.decision_boundaries(models, inputs, targets, [grid[1, 1], grid[1, 0]])
    assert [ax.get_title() for ax in grid.flat] == ["rule", "network", "network", "rule"]
    with pytest.raises(ValueError, match="2 models do not go on 1 axes"):
        plots.decision_boundaries(models, inputs, targets, [grid[0, 0]])
    with pytest.raises(ValueError, match="no models were given"):
        plots.decision_boundaries({}, inputs, targets)


def test_a_plane_of_one_point_can_be_drawn():
    plots.decision_boundary(right_half, [[1.0, 1.0]], [1])
    assert "x" in boundary_text(right_half, [[1.0, 1.0]], [1])


def test_targets_that_are_no_classes_are_refused():
    for draw in (plots.decision_boundary, boundary_text):
        with pytest.raises(ValueError, match="of targets -1 and 1 take t > 0"):
            draw(right_half, [[0.0, 0.0], [1.0, 1.0]], [-1, 1])
        draw(right_half, [[0.0, 0.0], [1.0, 1.0]], [0.0, True])


def test_boundary_text_keeps_to_its_width():
    inputs, targets = data.blobs(60, seed=0)
    for width in (10, 40, 79):
        text = boundary_text(lambda p: int(p[0] > 0) + int(p[1] > 0), inputs, targets, width=width, names="abc")
        picture, legend = text.split("\n")[:-4], text.split("\n")[-4:]
        assert all(len(line) <= width for line in picture)
        assert legend[1:] == ["  o class a", "░ x class b", "▒ + class c"]
        assert {"o", "x", "+", "░", "▒"} <= set("".join(picture))


def test_without_matplotlib_they_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    history = History("")
    history.loss.append(1.0)
    with pytest.raises(ModuleNotFoundError, match="plots need matplotlib: pip install matplotlib"):
        plots.loss_curve(history)
