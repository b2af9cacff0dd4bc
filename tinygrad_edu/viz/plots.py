"""Pictures of training, drawn with matplotlib (the extra ``plot``).

Each function draws on the axes it is given, or on a new figure, and returns the figure. Colours are of palettes that
colour-blind readers can tell apart; in print without colours, markers tell classes and labels tell lines.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.transforms import jvp
from tinygrad_edu.compiling.compiled_loss import compile_loss
from tinygrad_edu.compiling.shape import plain_numbers
from tinygrad_edu.engine.operation import number
from tinygrad_edu.engine.recording import no_grad
from tinygrad_edu.formulas.formula import digits
from tinygrad_edu.nn.losses import mse
from tinygrad_edu.nn.module import Module
from tinygrad_edu.training.data import class_indices
from tinygrad_edu.training.evidence import layer_of, root_mean_square
from tinygrad_edu.training.fit import threshold_of
from tinygrad_edu.viz.terminal import with_margin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tinygrad_edu.training.history import History

    Model: TypeAlias = "Module | Callable[[list[float]], int]"
    Points: TypeAlias = "list[list[float]]"
    Areas: TypeAlias = "dict[int, list[list[float]]]"

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


def gradient_bars(model: Module, ax: Axes | None = None) -> Figure:
    """The size of each layer's gradient at this moment, on a logarithmic scale: where gradients vanish, bars are short.

    It is measured as in ``gradient_sizes``, and written at the end of each bar.

    Raises:
        ValueError: if no gradient has arrived at the model.
    """
    grads: dict[str, list[float]] = {}
    for name, parameter in model.named_parameters():
        grads.setdefault(layer_of(name), []).append(parameter.grad)
    sizes = {layer: root_mean_square(numbers) for layer, numbers in grads.items()}
    if not any(sizes.values()):
        raise ValueError("there is nothing to draw: every grad of the model is 0; call backward() on its loss first")
    axes = _axes(ax)
    smallest, largest = min(filter(None, sizes.values())), max(sizes.values())
    bars = axes.barh([*sizes], [*sizes.values()], color=COLOURS[0])
    axes.bar_label(bars, [digits(size) for size in sizes.values()], padding=4)
    axes.set(xlabel="gradient of a layer (root mean square)", xscale="log")
    axes.set_xlim(smallest / 10, largest * (largest / smallest) ** 0.2 * 3)
    axes.invert_yaxis()  # the first layer above
    return _figure(axes)


def tangent(f: Callable[[Any], Any], at: float, ax: Axes | None = None) -> Figure:
    """A function, its tangent at one place, and where Newton's method goes from there: to the zero of the tangent.

    Args:
        f: a function of one number, as ``derivative`` takes them.
        at: the place.

    Raises:
        ValueError, ZeroDivisionError, OverflowError: where ``f`` has no value or no derivative there.
    """
    height, slope = jvp(f, (float(at),), (1.0,))
    zero = at - height / slope if slope else at
    middle, half = (at + zero) / 2, max(abs(at - zero), 0.5)
    xs = [middle + half * (i - 100) / 75 for i in range(201)]
    axes = _axes(ax)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.plot(xs, [_height(f, x) for x in xs], color=COLOURS[0], label="f(x)")
    ends = [xs[0], xs[-1]]
    line = [height + slope * (x - at) for x in ends]
    nowhere = "" if slope else ": no zero to step to"
    axes.plot(ends, line, "--", color=COLOURS[5], label=f"tangent at {digits(at)}, slope {digits(slope)}{nowhere}")
    axes.plot([at], [height], "o", color=COLOURS[5])
    if slope:
        axes.plot([zero, zero], [0, _height(f, zero)], ":", color="0.3", marker=".", markevery=[1])
        axes.plot([zero], [0], "s", color=COLOURS[2], label=f"Newton's step: {digits(at)} → {digits(zero)}")
    axes.set(xlabel="x", xlim=ends)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    return _figure(axes)


def _height(f: Callable[[Any], Any], x: float) -> float:
    """The value of a function, NaN where it has none."""
    try:
        with no_grad():
            return number(plain_numbers(f(x)))
    except (ArithmeticError, ValueError):
        return math.nan


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

    def areas(self, model: Model) -> Areas:
        """How far each place lies inside the area of each class that the model gives somewhere, above 0 inside."""
        places = [[x, y] for y in self.ys for x in self.xs]
        if isinstance(model, Module):
            inside = _margins(_outputs(model, places), threshold_of(model))
            rows = {kind: self._rows(margins) for kind, margins in inside.items()}
        else:
            classes = class_indices([model(place) for place in places])
            rows = {k: _smooth(self._rows([0.5 if kind == k else -0.5 for kind in classes])) for k in {*classes}}
        return {kind: rows[kind] for kind in sorted(rows) if any(x > 0 for row in rows[kind] for x in row)}

    def _rows(self, numbers: list[float]) -> list[list[float]]:
        width = len(self.xs)
        return [numbers[i : i + width] for i in range(0, len(numbers), width)]

    def draw(self, axes: Axes, areas: Areas) -> None:
        for i, (kind, inside) in enumerate(areas.items()):
            top = max(map(max, inside)) + 1
            axes.contourf(self.xs, self.ys, inside, levels=[0, top], colors=[_colour(kind)], alpha=0.25)
            if i:
                axes.contour(self.xs, self.ys, inside, levels=[0], colors="0.3", linewidths=0.8)
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
        _show_once(figure)
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


def _outputs(model: Module, places: Points) -> list[list[float]]:
    """What a model gives for each place, compiled if that is possible."""
    try:
        found = compile_loss(model, mse).predict(places)
    except Exception:  # recorded, the model raises what is an error of its own
        with no_grad():
            found = [plain_numbers(model(place)) for place in places]
    return [outputs if isinstance(outputs, list) else [outputs] for outputs in found]


def _margins(outputs: list[list[float]], threshold: float) -> dict[int, list[float]]:
    """How far the output of each class is above those of all others."""
    if len(outputs[0]) == 1:
        above = [output - threshold for (output,) in outputs]
        return {0: [-x or 1e-300 for x in above], 1: above}  # on the line it is class 0
    kinds = range(len(outputs[0]))
    return {k: [row[k] - max(row[:k] + row[k + 1 :]) for row in outputs] for k in kinds}


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
    return [low + i * (high - low) / 89 for i in range(90)]


# ---- figures ---------------------------------------------------------------------------------------------------------


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    figure, axes = _pyplot().subplots(layout="constrained")
    _show_once(figure)
    return axes  # type: ignore[no-any-return]


def _show_once(figure: Figure) -> None:
    """Take a figure that a notebook has shown as a result from what pyplot shows there when the cell ends."""

    def show() -> None:
        from matplotlib import get_backend, pyplot

        if get_backend().endswith("inline"):
            pyplot.close(figure)
        raise NotImplementedError  # IPython then shows it as ever

    figure._ipython_display_ = show  # type: ignore[attr-defined]


def _figure(axes: Any) -> Figure:
    return axes.get_figure()  # type: ignore[no-any-return]


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"plots need matplotlib: pip install matplotlib ({error})") from None
    return pyplot
