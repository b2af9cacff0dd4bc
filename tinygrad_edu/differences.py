"""Derivatives by differences: how a function answers to small changes of a number, and how well that is known.

Nothing here uses a derivative rule, so that rules can be judged by it.
"""

from __future__ import annotations

from math import inf, nan, nextafter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeAlias

    Function: TypeAlias = Callable[[float], float]
    Verdict: TypeAlias = Literal["agrees", "differs", "kink", "edge", "unclear"]

STEPS = [0.02 * 100.0**-k for k in range(6)]  # of which each is halved five times


def judge(claimed: float, function: Function, x: float, largest: float = 0.0) -> tuple[float, float, Verdict]:
    """Whether ``claimed`` can be the derivative of a function at ``x``.

    Returns:
        the slope by differences, an estimate of its error, and the verdict:

        - "agrees" or "differs": what they do, as far as the error tells;
        - "kink": the slopes at both sides differ, and what is claimed is neither outside nor far from them;
        - "edge": the function is defined at one side only, and the slope there agrees;
        - "unclear": differences cannot tell.

    >>> judge(6.0, lambda x: x * x, 3.0)[2], judge(5.9, lambda x: x * x, 3.0)[2], judge(0.0, abs, 0.0)[2]
    ('agrees', 'differs', 'kink')
    """
    slope, error = difference_quotient(function, x, largest)
    size = max(largest, abs(function(x)))
    if _is_rough(function, x, size):
        return slope, error, "unclear"
    smallest = 1e-9 * size / max(1.0, abs(x))  # slopes that count as 0
    if _is_known(slope, error, smallest):
        return slope, error, "agrees" if _is_near(claimed, slope, error) else "differs"
    sides = [one_sided_quotient(function, x, side, largest) for side in (-1, 1)]
    known = [side for side in sides if _is_known(*side, smallest)]
    if len(known) == 2:
        (low, low_error), (high, high_error) = sorted(known)
        inside = low <= claimed <= high or _is_near(claimed, low, low_error) or _is_near(claimed, high, high_error)
        return (low + high) / 2, (high - low) / 2 + low_error + high_error, "kink" if inside else "differs"
    if len(known) == 1 and any(slope != slope for slope, _ in sides):
        return (*known[0], "edge" if _is_near(claimed, *known[0]) else "differs")
    return slope, error, "unclear"


def _is_rough(function: Function, x: float, size: float) -> bool:
    """Whether neighbouring floats give results so different that the slope between them is lost: sin at 1e30."""
    try:
        return abs(function(nextafter(x, inf)) - function(x)) > 1e-6 * size + 1e-300
    except (ArithmeticError, ValueError):
        return False


def _is_known(slope: float, error: float, smallest: float) -> bool:
    return error <= 1e-4 * abs(slope) or error <= smallest


def _is_near(claimed: float, slope: float, error: float) -> bool:
    return abs(claimed - slope) <= 1e-6 * max(abs(claimed), abs(slope)) + 10 * error + 1e-300


def difference_quotient(function: Function, x: float, largest: float = 0.0) -> tuple[float, float]:
    """The slope of a function at ``x``, and an estimate of the error.

    Central differences at ever smaller steps, extrapolated to a step of 0 (Ridders' method: Press et al., *Numerical
    Recipes*, 3rd ed., section 5.7). At a kink the error is of the size of the result; where the function is not defined
    on both sides both are NaN. ``largest`` is the largest number that comes up on the way to the result: rounding there
    adds to the error.

    >>> slope, error = difference_quotient(lambda x: x * x, 3.0)
    >>> round(slope, 9), error < 1e-9
    (6.0, True)
    """
    return _best(_ridders, function, x, largest)


def one_sided_quotient(function: Function, x: float, side: int, largest: float = 0.0) -> tuple[float, float]:
    """The slope of a function at one side of ``x``, -1 for the left and 1 for the right, and an estimate of the error.

    >>> slope, error = one_sided_quotient(abs, 0.0, -1)
    >>> slope, error < 1e-9
    (-1.0, True)
    """

    def quotient(function: Function, x: float, step: float, largest: float) -> tuple[float, float]:
        return _one_sided(function, x, side * step, largest)

    return _best(quotient, function, x, largest)


def _best(
    scheme: Callable[[Function, float, float, float], tuple[float, float]], function: Function, x: float, largest: float
) -> tuple[float, float]:
    """What a scheme gives with the first step that is as good as it gets, or else with the best of all."""
    best = error = nan
    least = (inf, inf)
    size = abs(x)
    for step in [h * max(1.0, size) for h in STEPS] + [h * size for h in STEPS[:3] if size < 1]:
        try:
            slope, doubt = scheme(function, x, step, largest)
        except (ArithmeticError, ValueError):
            continue  # the function is not defined so far away
        rank = (doubt / abs(slope) if slope else doubt and inf, doubt)
        if rank < least:
            best, error, least = slope, doubt, rank
        if doubt <= 1e-9 * abs(slope):
            break
    return best, error


def _noise(step: float, *numbers: float) -> float:
    """What rounding may add to a difference quotient, on the way to the numbers in it too."""
    return 2**-52 * max(map(abs, numbers)) / abs(step)


def _ridders(function: Callable[[float], float], x: float, step: float, largest: float) -> tuple[float, float]:
    centre = function(x)
    best, error = nan, inf
    row, rises, bends = list[float](), list[float](), list[float]()
    for _ in range(6):
        above, below = x + step, x - step
        high, low = function(above), function(below)
        noise = _noise(step, high, low, largest)
        new_row = [(high - low) / (above - below)]
        for power, old in enumerate(row, 1):
            new_row.append(new_row[-1] + (new_row[-1] - old) / (4**power - 1))
            new_error = max(abs(new_row[-1] - new_row[-2]), abs(new_row[-1] - old)) + noise
            if new_error <= error:
                best, error = new_row[-1], new_error
        row = new_row
        rises.append(high - low)
        bends.append(((high - centre) - (centre - low)) / step)
        step /= 2
    # What is left of these as the step goes to 0, extrapolated: a jump, and two sides with different slopes.
    jump = (8 * (2 * rises[-1] - rises[-2]) - (2 * rises[-2] - rises[-3])) / 7
    kink = 2 * bends[-1] - bends[-2]
    return best, error + abs(jump) / step + abs(kink) + abs(best - row[1])  # large steps may agree by accident


def _one_sided(function: Function, x: float, step: float, largest: float) -> tuple[float, float]:
    """Forward or backward differences, extrapolated: their error is a series in all powers of the step."""
    centre = function(x)
    best, error = nan, inf
    row = list[float]()
    for _ in range(6):
        there = x + step
        value = function(there)
        noise = _noise(step, value, centre, largest)
        new_row = [(value - centre) / (there - x)]
        for power, old in enumerate(row, 1):
            new_row.append(new_row[-1] + (new_row[-1] - old) / (2**power - 1))
            new_error = max(abs(new_row[-1] - new_row[-2]), abs(new_row[-1] - old)) + 2**power * noise
            if new_error <= error:
                best, error = new_row[-1], new_error
        row = new_row
        step /= 2
    return best, error + abs(best - row[1])
