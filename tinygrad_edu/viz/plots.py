"""Pictures of training, drawn with matplotlib (the extra ``plot``).

Each function draws on the axes it is given, or on a new figure, and returns the figure. Colours are of palettes that
colour-blind readers can tell apart; in print without colours, markers tell classes and labels tell lines.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.engine.operation import number
from tinygrad_edu.nn.module import Module
from tinygrad_edu.training.data import class_indices
from tinygrad_edu.training.fit import classifier
from tinygrad_edu.viz.terminal import with_margin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tinygrad_edu.training.history import History

    Model: TypeAlias = "Module | Callable[[list[float]], int]"
    Points: TypeAlias = "list[list[float]]"

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")  # of Okabe and Ito
MARKERS = "os^DvP"


# ---- curves ----------------------------------------------------------------------------------------------------------


def loss_curve(history: History, ax: Axes | None = None) -> Figure:
    """The loss over the epochs on a logarithmic scale where it can be, and the metric on a scale of its own.

    Raises:
        ValueError: if the history holds no epoch.
    """
    epochs = _epochs(history)
    axes = _axes(ax)
    dot = "." if len(epochs) == 1 else ""  # one epoch makes no line
    lines = axes.plot(epochs, history.loss, marker=dot, color=COLOURS[0], label="loss")
    axes.set(xlabel="epoch", ylabel="loss", yscale="log" if min(history.loss) > 0 else "linear")
    axes.set_xlim(0, epochs[-1] + 1)
    axes.locator_params(axis="x", integer=True)
    if history.metric:
        right = axes.twinx()
        lines += right.plot(epochs, history.metric, "--" + dot, color=COLOURS[1], label=history.metric_name)
        right.set_ylabel(history.metric_name)
    axes.legend(handles=lines, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(lines), frameon=False)
    return _figure(axes)


def gradient_sizes(history: History, ax: Axes | None = None) -> Figure:
    """The size of each layer's gradient over the epochs, on a logarithmic scale: where gradients vanish, lines lie low.

    Lines go from dark, the first layer, to light, the last, and have their names at their ends. A gradient of exactly
    0, which no logarithm reaches, is a triangle at the lower edge. See ``History.gradient`` for what is measured.

    Raises:
        ValueError: if the history holds no epoch.
    """
    epochs = _epochs(history)
    axes = _axes(ax)
    from matplotlib import colormaps

    last = max(len(history.gradient) - 1, 1)
    shades = [colormaps["viridis"](0.75 * i / last) for i in range(len(history.gradient))]
    for sizes, colour in zip(history.gradient.values(), shades):
        axes.plot(epochs, [size or math.nan for size in sizes], "o" if len(epochs) == 1 else "-", color=colour)
        zeros = [epoch for epoch, size in zip(epochs, sizes) if not size]
        if zeros:
            axes.plot(zeros, [0.0] * len(zeros), "v", transform=axes.get_xaxis_transform(), clip_on=False, color=colour)
    axes.set(xlabel="epoch", ylabel="gradient of a layer (root mean square)", yscale="log", xlim=(0, epochs[-1]))
    axes.locator_params(axis="x", integer=True)
    _label_ends(axes, {name: sizes[-1] for name, sizes in history.gradient.items()}, shades)
    return _figure(axes)


def _epochs(history: History) -> range:
    if not history.loss:
        raise ValueError("there is nothing to draw: the history holds no completed epoch")
    return range(1, len(history.loss) + 1)


def _label_ends(axes: Axes, ends: Mapping[str, float], colours: Sequence[Any]) -> None:
    """Write each name to the right of the axes, as near to where its line ends as the other names let it."""
    low, high = map(math.log, axes.get_ylim())
    heights = [min(max((math.log(end) - low) / (high - low), 0.0), 1.0) if end else 0.0 for end in ends.values()]
    gap = 1 / max(len(heights), 14)  # enough for a line of text
    place = -gap
    for rank, (height, (name, end), colour) in enumerate(sorted(zip(heights, ends.items(), colours))):
        place = min(max(height, place + gap), 1.0 - gap * (len(heights) - 1 - rank))
        right = {"transform": axes.transAxes, "color": colour, "clip_on": False}
        axes.plot([1.0, 1.03], [height, place], linewidth=0.8, scalex=False, scaley=False, **right)
        axes.text(1.04, place, name if end else f"{name}: 0", verticalalignment="center", **right)


# ---- decision boundaries ---------------------------------------------------------------------------------------------


def decision_boundary(
    model: Model,
    inputs: Sequence[Sequence[float]],
    targets: Sequence[int],
    ax: Axes | None = None,
    *,
    names: Sequence[object] = (),
) -> Figure:
    """The plane, coloured by the class that a model gives to each place, with the points on it.

    A figure of its own has a legend too.

    Args:
        model: a Module that takes a point [x, y] and gives one output for two classes or an output for each class, as
            ``tinygrad_edu.classifier`` reads them; or a function that gives the class, 0, 1, ..., of a point.
        inputs: the points to show.
        targets: their classes.
        names: of the classes; by default their numbers.

    Raises:
        ValueError: if there are no points or others than of a plane, if a target is not the index of a class, or if
            the model takes another number of inputs.
    """
    plane = _Plane(inputs, targets, names)
    areas = plane.areas(model)
    axes = _axes(ax)
    plane.draw(axes, areas)
    if ax is None:
        handles, labels = axes.get_legend_handles_labels()
        columns = min(len(handles), 5)
        axes.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, frameon=False)
    return _figure(axes)


def decision_boundaries(
    models: Mapping[str, Model],
    inputs: Sequence[Sequence[float]],
    targets: Sequence[int],
    axes: Iterable[Axes] | None = None,
    *,
    names: Sequence[object] = (),
) -> Figure:
    """The decision boundaries of several models, side by side, at most four in a row.

    A figure of its own has one legend for all.

    Args:
        models: by the title of their picture.
        axes: where to draw, in the order of the models; a sequence or what ``pyplot.subplots`` gives.
        inputs, targets, names: see ``decision_boundary``.

    Raises:
        ValueError: as ``decision_boundary`` does; also if there are no models, or fewer axes than models.
    """
    plane = _Plane(inputs, targets, names)
    if not models:
        raise ValueError("there is nothing to draw: no models were given")
    areas = [plane.areas(model) for model in models.values()]
    panels = plane.panels(len(models)) if axes is None else list(getattr(axes, "flat", axes))
    if len(panels) < len(models):
        raise ValueError(f"{len(models)} models do not go on {len(panels)} axes")
    for panel, title, area in zip(panels, models, areas):
        plane.draw(panel, area)
        panel.set_title(title)
    figure = _figure(panels[0])
    if axes is None:
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(handles), 5), frameon=False)
    return figure


class _Plane:
    """The part of the plane where the points are, as a grid of places, and the points with their classes."""

    def __init__(self, inputs: Iterable[Any], targets: Iterable[Any], names: Sequence[object]) -> None:
        self.points, self.classes = _examples(inputs, targets)
        self.names = names
        self.xs, self.ys = map(_grid, zip(*self.points))
        height_to_width = (self.ys[-1] - self.ys[0]) / (self.xs[-1] - self.xs[0])
        self.alike = 1 / 3 <= height_to_width <= 3  # otherwise one unit of x as long as one of y would give a strip
        self.height = height_to_width if self.alike else 0.75

    def areas(self, model: Model) -> list[list[int]]:
        """The class that the model gives to each place, row by row."""
        classify = classifier(model) if isinstance(model, Module) else model
        return [class_indices([classify([x, y]) for x in self.xs]) for y in self.ys]

    def draw(self, axes: Axes, areas: list[list[int]]) -> None:
        first, *others = sorted({area for row in areas for area in row})
        for kind in (first, *others):
            inside = _smooth([[float(area == kind) for area in row] for row in areas])
            axes.contourf(self.xs, self.ys, inside, levels=[0.5, 1.5], colors=[_colour(kind)], alpha=0.25)
            if kind != first:
                axes.contour(self.xs, self.ys, inside, levels=[0.5], colors="0.3", linewidths=0.8)
        for kind in sorted(set(self.classes)):
            xs, ys = zip(*[point for point, other in zip(self.points, self.classes) if other == kind])
            marker = MARKERS[(kind + kind // len(COLOURS)) % len(MARKERS)]  # another one when colours come again
            label = f"class {self.names[kind] if kind < len(self.names) else kind}"
            style: dict[str, Any] = {"s": 22, "marker": marker, "edgecolor": "white", "linewidth": 0.5, "zorder": 3}
            axes.scatter(xs, ys, color=_colour(kind), label=label, **style)
        if self.alike:
            axes.set_aspect("equal")

    def panels(self, count: int) -> list[Axes]:
        """Axes for so many pictures on a new figure, with ticks at the left and below only."""
        rows = math.ceil(count / 4)
        columns = math.ceil(count / rows)
        size = (3.5 * columns, rows * (3.2 * self.height + 0.5) + 0.4)
        figure, grid = _pyplot().subplots(
            rows, columns, figsize=size, layout="constrained", sharex=True, sharey=True, squeeze=False
        )
        panels: list[Axes] = list(grid.flat)
        for empty in panels[count:]:
            figure.delaxes(empty)
        for lowest in panels[:count][-columns:]:
            lowest.tick_params(labelbottom=True)
        return panels[:count]


def _examples(inputs: Iterable[Any], targets: Iterable[Any]) -> tuple[Points, list[int]]:
    points = [[number(x) for x in point] if hasattr(point, "__len__") else [number(point)] for point in inputs]
    classes = class_indices(targets)
    if len(points) != len(classes):
        raise ValueError(f"{len(points)} inputs do not go with {len(classes)} targets")
    if not points:
        raise ValueError("there is nothing to draw: inputs and targets are empty")
    for i, point in enumerate(points):
        if len(point) != 2 or not all(map(math.isfinite, point)):
            raise ValueError(f"inputs[{i}] is {point}, not a point [x, y] of the plane")
    return points, classes


def _smooth(rows: list[list[float]]) -> list[list[float]]:
    """Each number averaged with its neighbours, so that a line between 0 and 1 has no steps."""

    def smooth(row: Sequence[float]) -> list[float]:
        return [(a + 2 * b + c) / 4 for a, b, c in zip([row[0], *row], row, [*row[1:], row[-1]])]

    columns = [smooth(column) for column in zip(*map(smooth, rows))]
    return [list(row) for row in zip(*columns)]


def _colour(kind: int) -> str:
    return COLOURS[kind % len(COLOURS)]


def _grid(coordinates: Sequence[float]) -> list[float]:
    low, high = with_margin(coordinates)
    return [low + i * (high - low) / 119 for i in range(120)]


# ---- figures ---------------------------------------------------------------------------------------------------------


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    axes: Axes = _pyplot().subplots(layout="constrained")[1]
    return axes


def _figure(axes: Any) -> Figure:
    return axes.get_figure()  # type: ignore[no-any-return]


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"plots need matplotlib: pip install matplotlib ({error})") from None
    return pyplot
