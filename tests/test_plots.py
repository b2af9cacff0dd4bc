"""Pictures: that they hold what they should; how they look is for people to see."""

import pytest
from matplotlib import pyplot

from tinygrad_edu import data, fit, nn
from tinygrad_edu.training import History
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
    with pytest.raises(ValueError, match="no completed epoch"):
        plots.loss_curve(History("metric"))


def test_decision_boundary_shows_areas_and_points():
    inputs, targets = [[-1.0, 0.0], [-2.0, 1.0], [1.0, 0.0]], [0, 0, 1]
    figure = plots.decision_boundary(right_half, inputs, targets, names=["left", "right"])
    (ax,) = figure.axes
    assert [len(points.get_offsets()) for points in ax.collections[-2:]] == [2, 1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["class left", "class right"]
    _, given = pyplot.subplots()
    assert plots.decision_boundary(right_half, inputs, targets, given) is given.get_figure()
    assert given.get_legend() is None


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
