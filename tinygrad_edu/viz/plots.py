"""Pictures of training, drawn with matplotlib (the extra ``plot``).

Each function draws on the axes it is given, or on a new figure, and returns the figure. Colours are of the Okabe-Ito
palette, which colour-blind readers can tell apart; classes also differ in their markers.
"""

from __future__ import annotations

from tinygrad_edu.data import class_indices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tinygrad_edu.training import History

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MARKERS = "os^Dv*"


def loss_curve(history: History, ax: Axes | None = None) -> Figure:
    """The loss over the epochs on a logarithmic scale where it can be, and the metric on a scale of its own.

    Raises:
        ValueError: if the history holds no epoch.
    """
    if not history.loss:
        raise ValueError("there is nothing to draw: the history holds no completed epoch")
    axes = _axes(ax)
    epochs = range(1, len(history.loss) + 1)
    lines = axes.plot(epochs, history.loss, color=COLOURS[0], label="loss")
    axes.set(xlabel="epoch", ylabel="loss", yscale="log" if min(history.loss) > 0 else "linear")
    if history.metric:
        right = axes.twinx()
        lines += right.plot(epochs, history.metric, color=COLOURS[1], linestyle="--", label=history.metric_name)
        right.set_ylabel(history.metric_name)
    axes.legend(handles=lines, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(lines), frameon=False)
    return _figure(axes)


def decision_boundary(
    classify: Callable[[list[float]], int],
    inputs: Sequence[Sequence[float]],
    targets: Sequence[int],
    ax: Axes | None = None,
    *,
    names: Sequence[object] = (),
) -> Figure:
    """The plane, coloured by the class that a model gives to each place, with the points on it.

    A figure of its own has a legend too.

    Args:
        classify: gives the class, 0, 1, ..., of a point [x, y]; see ``tinygrad_edu.classifier``.
        inputs: the points to show.
        targets: their classes.
        names: of the classes; by default their numbers.

    Raises:
        ValueError: if a target is not the index of a class.
    """
    axes = _axes(ax)
    xs, ys = (_grid([point[axis] for point in inputs]) for axis in (0, 1))
    targets = class_indices(targets)
    kinds = sorted(set(targets))
    areas = [[float(classify([x, y])) for x in xs] for y in ys]
    levels = [kind - 0.5 for kind in range(max(kinds) + 2)]
    axes.contourf(
        xs, ys, areas, levels=levels, colors=[COLOURS[kind % 6] for kind in range(max(kinds) + 1)], alpha=0.25
    )
    for kind in kinds:
        points = [point for point, target in zip(inputs, targets) if target == kind]
        axes.scatter(
            [x for x, _ in points],
            [y for _, y in points],
            s=18,
            color=COLOURS[kind % 6],
            marker=MARKERS[kind % 6],
            edgecolor="white",
            linewidth=0.5,
            label=f"class {names[kind] if names else kind}",
        )
    axes.set_aspect("equal")
    if ax is None:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(kinds), frameon=False)
    return _figure(axes)


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]


def _figure(axes: Any) -> Figure:
    return axes.get_figure()  # type: ignore[no-any-return]


def _grid(coordinates: Sequence[float], steps: int = 120) -> list[float]:
    """From the lowest coordinate to the highest, with a margin."""
    low, high = min(coordinates), max(coordinates)
    margin = 0.1 * (high - low) or 1.0
    return [low - margin + i * (high - low + 2 * margin) / (steps - 1) for i in range(steps)]
