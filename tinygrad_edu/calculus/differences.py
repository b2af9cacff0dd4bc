"""Derivatives by differences: how a function answers to small changes of a number, and how well that is known.

Nothing here uses a derivative rule, so that rules can be judged by it.
"""

from __future__ import annotations

from itertools import pairwise
from math import factorial, inf, isfinite, nan, nextafter, sqrt, ulp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeAlias

    Function: TypeAlias = Callable[[float], float]
    Verdict: TypeAlias = Literal["agrees", "differs", "kink", "edge", "unclear"]

TINY = 1e-200  # where products of derivatives underflow
STEPS = [2e-12 * 100.0**k for k in range(6)]


def judge(
    claimed: float, function: Function, x: float, noise: float = 0.0, doubt: Callable[[], float] = lambda: 0.0
) -> tuple[float, float, Verdict]:
    """Judge whether ``claimed`` can be the derivative of a function at ``x``.

    Args:
        claimed: a derivative, as it was computed.
        function: the function; it may raise an ArithmeticError or ValueError where it is not defined.
        x: where.
        noise: by how much rounding on the way may change what the function gives.
        doubt: how far rounding may have moved ``claimed``; only asked if something is wrong otherwise.

    Returns:
        the slope by differences, an estimate of its error, and the verdict:

        - "agrees" or "differs": what they do, to six digits and as far as the error tells;
        - "kink": the slopes at both sides differ, and what is claimed is one of them or between them;
        - "edge": the function is defined at one side only, and the slope there agrees;
        - "unclear": differences cannot tell.

    >>> judge(6.0, lambda x: x * x, 3.0)[2], judge(5.9, lambda x: x * x, 3.0)[2], judge(0.0, abs, 0.0)[2]
    ('agrees', 'differs', 'kink')
    """

    def is_near(slope: float, error: float) -> bool:
        return abs(claimed - slope) <= 1e-6 * abs(slope) + 10 * error + TINY

    def against(slope: float, error: float, scales: int) -> Verdict:
        if is_near(slope, error):
            is_resolved = error <= 0.01 * max(abs(claimed), abs(slope))
            is_zero = max(abs(claimed), abs(slope) - error) <= probe.zero
            return "agrees" if is_resolved or is_zero else "unclear"
        is_hidden = isfinite(claimed) and abs(claimed - slope) <= doubt()
        return "unclear" if is_hidden or scales < 2 else "differs"

    probe = Probe(function, x, noise)
    slope, error, scales = probe.central()
    if scales:
        return slope, error, against(slope, error, scales)
    left, right = probe.one_sided(-1), probe.one_sided(1)
    if left[2] and right[2]:
        (low, low_error, _), (high, high_error, _) = sorted((left, right))
        middle, spread = (low + high) / 2, (high - low) / 2 + low_error + high_error
        if high - low <= 10 * (low_error + high_error):
            return middle, spread, against(middle, spread, min(left[2], right[2]))
        inside = low <= claimed <= high or is_near(low, low_error) or is_near(high, high_error)
        return middle, spread, "kink" if inside else "differs"
    for (slope_there, error_there, scales_there), other_side in ((left, inf), (right, -inf)):
        if scales_there and is_near(slope_there, error_there) and probe.is_undefined_next_to_it(other_side):
            return slope_there, error_there, "edge"
    return slope, error, "unclear"


def rounding(function: Function, x: float) -> float:
    """Estimate how much rounding moves the results of a function close to ``x``.

    What is left of neighbouring values when all that is smooth is taken away, by differences of differences of
    differences (Moré and Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33, 2011).

    >>> rounding(lambda x: (1e6 + x) - 1e6, 0.5) > 1e-12 > rounding(lambda x: x * x, 0.5)
    True
    """
    found = 0.0
    for spacing in (1e-12, 1e-9, 1e-6):
        step = spacing * (abs(x) or 1e-3)
        values = [function(x + i * step) for i in range(-3, 4)]
        for _ in range(3):
            values = [b - a for a, b in pairwise(values)]
        found = max(found, *map(abs, values))
    return found / sqrt(factorial(6)) * factorial(3)


class Probe:
    """A function that is looked at around one place, with steps of many sizes.

    ``central`` and ``one_sided`` give a slope, an estimate of its error, and how many sizes of steps agree on it, 0 if
    it is not known. At a kink the error is of the size of the slope; where the function is not defined both are NaN.

    Args:
        function, x, noise: see ``judge``.

    >>> slope, error, _ = Probe(lambda x: x * x, 3.0).central()
    >>> round(slope, 7), error < 1e-6
    (6.0, True)
    """

    def __init__(self, function: Function, x: float, noise: float = 0.0) -> None:
        self.function, self.x, self.noise = function, x, noise if isfinite(noise) else 0.0
        self.centre = function(x)
        size = abs(x)
        self.steps = sorted({h * max(1.0, size) for h in STEPS} | {h * size for h in STEPS[2:] if 0 < size < 1})
        slope, curvature = self._around()
        # Slopes so small, when compared with the function around and with what rounding hides, that they count as 0.
        self.smallest = max(1e-9 * max(abs(self.centre) / max(1.0, size), slope), 1e5 * self.noise, 1e-300)
        # A derivative so small is 0 at one of the numbers that x, a float, stands for: the cosine of pi / 2.
        self.zero = 4 * curvature * ulp(x) + TINY

    def _around(self) -> tuple[float, float]:
        """Estimate how steep and how bent the function is within the largest step; 0 where it is not defined there."""
        step = self.steps[-1]
        try:
            rises = [self.function(self.x + s) - self.centre for s in (-step, step)]
        except (ArithmeticError, ValueError):
            return 0.0, 0.0
        slope, curvature = max(map(abs, rises)) / step, abs(sum(rises)) / step / step
        return slope if slope < inf else 0.0, curvature if curvature < inf else 0.0

    def is_undefined_next_to_it(self, side: float) -> bool:
        """Tell whether the next float towards ``side``, an infinity, is not in the domain of the function."""
        try:
            self.function(nextafter(self.x, side))
        except (ArithmeticError, ValueError):
            return True
        return False

    def _noise(self, *values: float) -> float:
        """Estimate how much rounding may add to a difference."""
        return max(self.noise, 2**-53 * max(map(abs, values)), 2**-1074)

    def central(self) -> tuple[float, float, int]:
        """The slope on both sides, by central differences (Press et al., *Numerical Recipes*, 3rd ed., section 5.7)."""
        return self._agreed(self._both_sides)

    def one_sided(self, side: int) -> tuple[float, float, int]:
        """The slope on the left, -1, or on the right, 1."""
        return self._agreed(lambda step: self._one_side(side * step))

    def _agreed(self, scheme: Callable[[float], tuple[float, float]]) -> tuple[float, float, int]:
        """Take the slope from the smallest steps that can tell one, and from larger ones as long as they agree.

        Large steps alone may agree by accident, as on a wave; the smallest see what is true here.
        """
        best, error, scales = nan, inf, 0
        doubtful = (nan, nan)
        for step in self.steps:
            try:
                slope, doubt = scheme(step)
            except (ArithmeticError, ValueError):
                continue  # the function is not defined so far away
            if not (doubt <= 1e-3 * abs(slope) or doubt <= self.smallest):
                if not doubt > doubtful[1]:
                    doubtful = slope, doubt
                continue
            if scales and abs(slope - best) > 10 * (doubt + error):
                break
            scales += 1
            if doubt < error:
                best, error = slope, doubt
            if scales > 1 and error <= max(1e-8 * abs(best), 1e-3 * self.smallest):
                break
        return (best, error, scales) if scales else (*doubtful, 0)

    def _both_sides(self, step: float) -> tuple[float, float]:
        x, quotients, rises, bends, error = self.x, list[float](), list[float](), list[float](), 0.0
        for h in [step / 2**i for i in range(5)]:
            above, below = x + h, x - h
            high, low = self.function(above), self.function(below)
            quotients.append((high - low) / (above - below))
            rises.append(high - low)
            bends.append(((high - self.centre) - (self.centre - low)) / h)
            lopsided = abs(bends[-1] / h * ((above + below) / 2 - x))  # the middle may not be quite x
            error = max(error, self._noise(high, low) / h + lopsided)
        # What is left of these as the step goes to 0, extrapolated: a jump, and two sides with different slopes.
        jump = (8 * (2 * rises[-1] - rises[-2]) - (2 * rises[-2] - rises[-3])) / 7
        kink = 2 * bends[-1] - bends[-2]
        slope, spread = _extrapolated(quotients, [4])
        return slope, error + spread + abs(jump) / h + abs(kink)

    def _one_side(self, step: float) -> tuple[float, float]:
        quotients, error = list[float](), 0.0
        for h in [step / 2**i for i in range(5)]:
            there = self.x + h
            value = self.function(there)
            quotients.append((value - self.centre) / (there - self.x))
            error = max(error, 4 * self._noise(value, self.centre) / abs(h))
        slope, spread = _extrapolated(quotients, [2, 4])
        return slope, error + spread


def _extrapolated(quotients: list[float], powers: list[int]) -> tuple[float, float]:
    """The limit of quotients at steps that are halved each time, and how far apart its estimates are.

    Each power, of the factor by which a term of the error falls, takes one such term away (Richardson's extrapolation).
    """
    for power in powers:
        quotients = [b + (b - a) / (power - 1) for a, b in pairwise(quotients)]
    middle = quotients[len(quotients) // 2]
    return middle, max(quotients) - min(quotients)
