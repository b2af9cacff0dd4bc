"""Small data sets to learn from, as plain lists: ``inputs, targets = moons(100)``; and points of one's own from a file.

Inputs are points ``[x, y]``, targets their classes, 0, 1, ... All are reproducible from a seed; without one they follow
``random.seed``. ``noise`` is the standard deviation of what is added to each coordinate, in the units of the points:
the radius of a moon, a circle or a spiral is 1. A number of points or a noise out of range is a ``ValueError``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.engine.operation import whole_number
from tinygrad_edu.nn.randomness import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeAlias

    from tinygrad_edu.nn.files import Path

    Points: TypeAlias = "tuple[list[list[float]], list[int]]"


def xor() -> Points:
    """The four points of exclusive or, which no straight line separates.

    >>> xor()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    return [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]


def moons(n: int = 100, noise: float = 0.1, seed: int | None = None) -> Points:
    """Two half circles of radius 1, interleaved, as scikit-learn's ``make_moons`` draws them.

    >>> inputs, targets = moons(100, seed=0)
    >>> len(inputs), sum(targets)
    (100, 50)
    """

    def point(kind: int, t: float) -> tuple[float, float]:
        x, y = _polar(1.0, t / 2)
        return (1 - x, 0.5 - y) if kind else (x, y)

    return scatter(point, 2, n, noise, seed)


def circles(n: int = 100, noise: float = 0.05, seed: int | None = None) -> Points:
    """A circle of radius 1 around one of radius 1/2.

    >>> inputs, targets = circles(100, noise=0, seed=0)
    >>> sorted({round(math.hypot(*point), 6) for point in inputs})
    [0.5, 1.0]
    """
    return scatter(lambda kind, t: _polar(0.5 if kind else 1.0, t), 2, n, noise, seed)


def spirals(n: int = 100, noise: float = 0.02, seed: int | None = None) -> Points:
    """Two spirals of one turn each around the origin, out to radius 1.

    >>> inputs, targets = spirals(100, seed=0)
    >>> len(inputs), sum(targets)
    (100, 50)
    """
    return scatter(lambda kind, t: _polar(0.1 + 0.9 * t, t + kind / 2), 2, n, noise, seed)


def blobs(n: int = 100, noise: float = 0.25, seed: int | None = None, *, classes: int = 3) -> Points:
    """Round clouds, one for each class, with their centres evenly on a circle of radius 1.

    >>> inputs, targets = blobs(90, seed=0)
    >>> [targets.count(kind) for kind in range(3)]
    [30, 30, 30]
    """
    classes = whole_number("classes", classes, at_least=1)
    return scatter(lambda kind, _: _polar(1.0, 1 / 4 + kind / classes), classes, n, noise, seed)


def _polar(radius: float, turns: float) -> tuple[float, float]:
    return radius * math.cos(2 * math.pi * turns), radius * math.sin(2 * math.pi * turns)


def scatter(
    point: Callable[[int, float], Sequence[float]], classes: int, n: int, noise: float = 0.1, seed: int | None = None
) -> Points:
    """``n`` points in random order, as evenly over the classes as can be, each with noise around ``point(class, t)``.

    In each class the points stand at the middles of ``n / classes`` equal parts of the range of t, from 0 to 1.

    >>> scatter(lambda kind, t: (t, kind), 1, 2, noise=0, seed=0)
    ([[0.25, 0.0], [0.75, 0.0]], [0, 0])
    """
    n = whole_number("n", n, at_least=1)
    if n < classes:
        raise ValueError(f"n = {n} is out of range; there is at least one point for each of the {classes} classes")
    if not 0 <= noise < math.inf:
        raise ValueError(f"noise = {noise} is out of range; it is a standard deviation, at least 0")
    rng, examples = generator(seed), []
    for kind in range(classes):
        size = len(range(kind, n, classes))
        middles = [(i + 0.5) / size for i in range(size)]
        examples += [([rng.gauss(x, noise) for x in point(kind, t)], kind) for t in middles]
    rng.shuffle(examples)
    return [inputs for inputs, _ in examples], [kind for _, kind in examples]


def read_csv(path: Path) -> tuple[list[list[float]], list[int], list[str]]:
    """Points from a CSV file, a row for each: inputs, targets, and the names of the classes in alphabetical order.

    Columns are separated by commas, semicolons or tabs. The class, any text, stands in the column that a first line of
    names calls ``label``, ``class`` or ``target``, or else in the last column; all other columns are numbers. A first
    line without any number in them is taken for names. Empty lines are left out.

    Raises:
        ValueError: naming the file and the line, if a quote is not closed, or a row has a different number of columns,
            something else than a number, or no class; naming the file and the column, if its largest number is beyond
            1e100 or below 1e-100; naming the file, if there are fewer than two classes or more than 20, or if it is not
            UTF-8 text.
        OSError: if the file cannot be read.
    """
    lines, separator = _csv_lines(path)
    width = max(len(lines[0][1]), 2) if lines else 2
    named = bool(lines) and not any(map(_is_finite, lines[0][1][:-1]))
    titles = lines.pop(0)[1] if named else [f"{i + 1}" for i in range(width)]
    lowered = [title.lower() for title in titles]
    column = next((lowered.index(name) for name in ("label", "class", "target") if name in lowered), width - 1)
    rows, labels = [], []
    for i, line in lines:
        if len(line) != width:
            raise ValueError(f"{path}, line {i}: expected {width} columns between {separator!r}, found {len(line)}")
        labels.append(line.pop(column))
        if not labels[-1]:
            raise ValueError(f"{path}, line {i}: the class is missing")
        for cell in line:
            if not _is_finite(cell):
                raise ValueError(f"{path}, line {i}: {cell!r} is not a number")
        rows.append([float(cell) for cell in line])
    for title, numbers in zip(titles[:column] + titles[column + 1 :], zip(*rows)):
        largest = max(map(abs, numbers))
        if largest and not 1e-100 <= largest <= 1e100:
            raise ValueError(f"{path}, column {title}: numbers up to {largest:g} cannot be learned from; choose a unit "
                             "that gives numbers near 1")  # fmt: skip
    classes = sorted(set(labels))
    if not 2 <= len(classes) <= 20:
        raise ValueError(f"{path}: expected 2 to 20 classes in column {column + 1}, or in one named label, found "
                         f"{len(classes)} among {len(rows)} points")  # fmt: skip
    return rows, [classes.index(label) for label in labels], classes


def _csv_lines(path: Path) -> tuple[list[tuple[int, list[str]]], str]:
    """The lines that are not empty, each with its number and divided into cells, and the separator of the cells."""
    import csv
    import io

    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text; save it as CSV with that encoding") from None
    separator = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for line in reader:
            cells = [cell.strip() for cell in line]
            if any(cells):
                lines.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{path}, line {start}: {error}; is a quote not closed?") from None
    return lines, separator


def class_indices(targets: Iterable[Any]) -> list[int]:
    """The targets as indices of classes, 0, 1, ..., whether they are ints, floats or booleans.

    Raises:
        ValueError: if one of them is not a whole number of at least 0.

    >>> class_indices([0.0, 1.0, True])
    [0, 1, 1]
    """
    indices = [int(target) for target in targets]
    for index, target in zip(indices, targets):
        if index != target or index < 0:
            raise ValueError(f"a class is a whole number of at least 0, not {target}; of targets -1 and 1 take t > 0")
    return indices


def _is_finite(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
