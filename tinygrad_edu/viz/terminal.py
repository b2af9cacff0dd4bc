"""Pictures made of characters, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.training.data import class_indices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

AREAS = " ░▒▓"
POINTS = "ox+*#@%&"


def boundary_text(
    classify: Callable[[list[float]], int],
    inputs: Sequence[Sequence[float]],
    targets: Sequence[int],
    *,
    width: int = 72,
    names: Sequence[object] = (),
) -> str:
    """The plane, shaded by the class that a model gives to each place, with the points and a legend.

    Args:
        classify: gives the class, 0, 1, ..., of a point [x, y].
        inputs: the points to show.
        targets: their classes.
        width: at least 10, in characters. At most a third as many lines are used.
        names: of the classes; by default their numbers.

    Raises:
        ValueError: if a target is not the index of a class.

    >>> print(boundary_text(lambda point: int(point[0] > 0), [[-1.0, 0.0], [1.0, 0.0]], [0, 1], width=12))
          ░░░░░░
          ░░░░░░
    o     ░░░░░x
          ░░░░░░
    x from -1.2 to 1.2, y from -1 to 1
      o class 0
    ░ x class 1
    """
    kinds = class_indices(targets)
    (left, right), (low, high) = (with_margin(column) for column in zip(*inputs))
    width = max(width, 10)
    height = max(3, min(width // 3, round(width * (high - low) / (right - left) / 2)))
    xs = [left + (i + 0.5) * (right - left) / width for i in range(width)]
    ys = [high - (j + 0.5) * (high - low) / height for j in range(height)]
    rows = [[AREAS[classify([x, y]) % 4] for x in xs] for y in ys]
    for (x, y), kind in zip(inputs, kinds):
        i, j = int((x - left) / (right - left) * width), int((high - y) / (high - low) * height)
        rows[min(j, height - 1)][min(i, width - 1)] = POINTS[kind % 8]
    lines = ["".join(row).rstrip() for row in rows]
    lines.append(f"x from {left:.3g} to {right:.3g}, y from {low:.3g} to {high:.3g}")
    for kind in sorted(set(kinds)):
        lines.append(f"{AREAS[kind % 4]} {POINTS[kind % 8]} class {names[kind] if names else kind}")
    return "\n".join(lines)


def with_margin(coordinates: Sequence[float]) -> tuple[float, float]:
    """From the lowest to the highest, with a margin."""
    low, high = min(coordinates), max(coordinates)
    margin = 0.1 * (high - low) or 1.0
    return low - margin, high + margin
