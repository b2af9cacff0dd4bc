"""Fitting a curve, and how far to trust what was found.

A weight on a spring swings around a level c, ever less:

    y = a exp(-k t) cos(w t) + c

Its position is measured at some times, each with an error from the normal
distribution with a known standard deviation. Which a, k, w and c fit best?
Those that make the data most likely, or their negative log-likelihood least:
half the sum of the squared residuals, each in standard deviations, which is
called half of chi-squared.

- To find them, Gauss and Newton replace the curve by its tangents: with J the
  Jacobian of the residuals r, the step solves  JᵀJ · step = -Jᵀr.
- How sharp is the minimum? The Hessian of the negative log-likelihood says. Its
  inverse is the covariance matrix of the parameters, and the square roots of
  the diagonal are their standard errors (Press et al., Numerical Recipes, 3rd
  ed., sections 15.5 and 15.6).
- The covariance of the parameters also gives the standard error of the curve at
  each place: with g the gradient of y with respect to the parameters, it is the
  square root of  gᵀ · covariance · g.

That the inverse of the Hessian is the covariance is exact for a straight line
and an approximation for this curve. So it is put to the test: the experiment is
repeated with fresh errors many times, and the spread of what is found is
compared with the standard errors that the Hessian claims.

Draws the data, the curve and its error band, and all repetitions, in
curve_fit.png (or in the path given).
"""

import math
import random
import statistics
import sys
from typing import NamedTuple

from tinygrad_edu import cos, dot, exp, grad, hessian, jacobian

NAMES = "akwc"
TRUE = [2.0, 0.25, 2.5, 0.5]
GUESS = [1.5, 0.1, 2.3, 0.0]  # as one would read it off a picture of the data
SIGMA = 0.25
TIMES = [0.4 * i for i in range(24)]
REPETITIONS = 150
BLUE, RED = "#0072B2", "#D55E00"  # colour-blind readers can tell them apart (Okabe and Ito)
WITHIN = math.erf(math.sqrt(0.5))  # the share of a normal distribution within one standard deviation: 68.3 %


def model(parameters, t):
    """The position at time ``t``."""
    a, k, w, c = parameters
    return a * exp(-k * t) * cos(w * t) + c


def measurements(rng):
    """The positions at ``TIMES``, each with an error."""
    return [model(TRUE, t) + rng.gauss(0, SIGMA) for t in TIMES]


def residuals(parameters, data):
    """What the curve leaves unexplained at each time, in standard deviations of the errors."""
    return [(y - model(parameters, t)) / SIGMA for t, y in zip(TIMES, data)]


def half_chi_squared(parameters, data):
    """The negative log-likelihood, but for a constant."""
    r = residuals(parameters, data)
    return 0.5 * dot(r, r)


# ---- fitting ---------------------------------------------------------------------------------------------------------


class Fit(NamedTuple):
    """The parameters that were found, their covariance matrix, and chi-squared."""

    parameters: list
    covariance: list
    chi_squared: float

    @property
    def errors(self):
        """The standard error of each parameter."""
        return [math.sqrt(row[i]) for i, row in enumerate(self.covariance)]


def fit(data, guess=GUESS):
    """The most likely parameters, and how certain they are."""
    parameters, least = minimize(data, guess)
    return Fit(parameters, inverse(hessian(half_chi_squared)(parameters, data)), 2 * least)


def minimize(data, parameters, tolerance=1e-6):
    """The parameters with the least half chi-squared, by the method of Gauss and Newton; and how much that is.

    A step that leads up is halved, because the tangents hold nearby only.

    Raises:
        ArithmeticError: if 100 steps do not suffice.
    """
    height = half_chi_squared(parameters, data)
    for _ in range(100):
        r, columns = residuals(parameters, data), [*zip(*jacobian(residuals)(parameters, data))]
        step = solve([[dot(a, b) for b in columns] for a in columns], [-dot(a, r) for a in columns])
        while max(map(abs, step)) > tolerance:
            trial = [p + s for p, s in zip(parameters, step)]
            if (lower := half_chi_squared(trial, data)) < height:
                parameters, height = trial, lower
                break
            step = [s / 2 for s in step]
        else:
            return parameters, height
    raise ArithmeticError("no minimum was found")


def solve(matrix, right):
    """The solution x of matrix · x = right by Gaussian elimination with row exchanges."""
    rows = [[*row, last] for row, last in zip(matrix, right)]
    for k in range(len(rows)):
        best = max(range(k, len(rows)), key=lambda i: abs(rows[i][k]))  # a small pivot would magnify rounding errors
        rows[k], rows[best] = rows[best], rows[k]
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k])]
    x = [0.0] * len(rows)  # from the last to the first; those not yet found are 0 and do not count
    for k in reversed(range(len(rows))):
        x[k] = (rows[k][-1] - dot(rows[k][:-1], x)) / rows[k][k]
    return x


def inverse(matrix):
    """The inverse of a symmetric matrix: its columns solve the equations for the columns of the unit matrix."""
    n = len(matrix)
    return [solve(matrix, [float(i == j) for j in range(n)]) for i in range(n)]


def curve_error(found, t):
    """The standard error of the fitted curve at ``t``: that of the parameters, carried on by the curve's gradient."""
    g = grad(model)(found.parameters, t)
    return math.sqrt(dot(g, [dot(row, g) for row in found.covariance]))


def share(fits, i):
    """The share of fits in which the true value of a parameter lies within one standard error of what was found."""
    return sum(abs(each.parameters[i] - TRUE[i]) <= each.errors[i] for each in fits) / len(fits)


# ---- what is printed -------------------------------------------------------------------------------------------------


def print_fit(found):
    print(f"{'':9} {'true':>8} {'estimate':>10} {'± std. error':>13} {'off by':>17}")
    for name, true, estimate, error in zip(NAMES, TRUE, found.parameters, found.errors):
        off = (estimate - true) / error
        print(f"{name:9} {true:8.4f} {estimate:10.4f} {f'± {error:.4f}':>13} {off:+6.2f} std. errors")
    freedom = len(TIMES) - len(TRUE)
    per_degree, spread = found.chi_squared / freedom, math.sqrt(2 / freedom)
    print(f"\nchi-squared per degree of freedom: {found.chi_squared:.1f} / {freedom} = {per_degree:.2f}", end="")
    print(f"; 1 ± {spread:.2f} is expected")


def print_repetitions(found, fits):
    count = len(fits)
    print(f"\nThe same experiment {count} times, with fresh errors:\n")
    print(f"{'':9} {'spread of':>10} {'std. error,':>13} {'std. error,':>13} {'true value within':>19}")
    print(f"{'':9} {'estimates':>10} {'first fit':>13} {'mean of all':>13} {'± std. error':>19}")
    for i, name in enumerate(NAMES):
        spread = statistics.stdev(each.parameters[i] for each in fits)
        mean = statistics.fmean(each.errors[i] for each in fits)
        print(f"{name:9} {spread:10.4f} {found.errors[i]:13.4f} {mean:13.4f} {share(fits, i):19.1%}")
    of_share, of_spread = math.sqrt(WITHIN * (1 - WITHIN) / count), math.sqrt(0.5 / (count - 1))
    print(f"\nThe last column should be {WITHIN:.1%}. So many repetitions measure it to within")
    print(f"± {of_share:.1%}, and a spread to within ± {of_spread:.0%} (one standard error each).")


# ---- what is drawn ---------------------------------------------------------------------------------------------------


def draw(data, found, fits, path):
    """The fit with its error band, and where the estimates of all repetitions fell."""
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 5), layout="constrained", width_ratios=(1.5, 1))
    draw_fit(left, data, found)
    draw_scatter(right, found, fits)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def draw_fit(axes, data, found):
    times = [TIMES[-1] * i / 200 for i in range(201)]
    curve = [model(found.parameters, t) for t in times]
    errors = [curve_error(found, t) for t in times]
    for width, alpha in ((2, 0.2), (1, 0.35)):
        low, high = ([y + side * width * e for y, e in zip(curve, errors)] for side in (-1, 1))
        name = f"± {width} standard error{'s' * (width > 1)} of the curve"
        axes.fill_between(times, low, high, color=BLUE, alpha=alpha, linewidth=0, label=name)
    axes.plot(times, curve, color=BLUE, label="fitted curve")
    axes.plot(times, [model(TRUE, t) for t in times], "--", color=RED, label="true curve")
    axes.errorbar(TIMES, data, SIGMA, fmt="o", color="0.2", markersize=3.5, linewidth=0.9, label="measured, ± σ")
    axes.set(xlabel="t", ylabel="y", title="a damped oscillation: y = a exp(−k t) cos(w t) + c")
    axes.legend(frameon=False, loc="upper right", reverse=True)


def draw_scatter(axes, found, fits):
    """The estimates of a and k, and the ellipses in which 68 % and 95 % should fall by the first fit."""
    axes.plot(*zip(*[each.parameters[:2] for each in fits]), "o", color="0.45", markersize=3, alpha=0.8)
    for expected, style in ((0.68, "-"), (0.95, "--")):
        radius = math.sqrt(-2 * math.log(1 - expected))  # of two normal variables: Numerical Recipes, section 15.6
        inside = sum(distance(found, each.parameters) <= radius for each in fits) / len(fits)
        name = f"should hold {expected:.0%}, holds {inside:.0%}"
        axes.plot(*zip(*ellipse(found, radius)), style, color=BLUE, label=name)
    axes.plot(*TRUE[:2], "*", color=RED, markersize=14, label="true values")
    axes.set(xlabel="a", ylabel="k", title=f"a and k of {len(fits)} repetitions; ellipses by the first fit")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.25 * (high - low))  # room for the legend
    axes.legend(frameon=False, loc="upper left")


def ellipse(found, radius):
    """The places around the true a and k at a distance of so many standard deviations, by the covariance of ``found``.

    The lower triangle of Cholesky's factor turns a circle into that ellipse.
    """
    error_a, error_k = found.errors[:2]
    correlation = found.covariance[0][1] / (error_a * error_k)
    for i in range(101):
        u, v = radius * math.cos(math.tau * i / 100), radius * math.sin(math.tau * i / 100)
        yield TRUE[0] + error_a * u, TRUE[1] + error_k * (correlation * u + math.sqrt(1 - correlation**2) * v)


def distance(found, parameters):
    """How far a and k are from the true ones, in standard deviations by the covariance of ``found``."""
    off = [p - true for p, true in zip(parameters[:2], TRUE)]
    return math.sqrt(dot(off, solve([row[:2] for row in found.covariance[:2]], off)))


def main(path="curve_fit.png", repetitions=REPETITIONS):
    print(__doc__)
    rng = random.Random(3)
    data = measurements(rng)
    found = fit(data)
    print_fit(found)
    fits = [fit(measurements(rng)) for _ in range(repetitions)]
    print_repetitions(found, fits)
    try:
        draw(data, found, fits, path)
    except ImportError:
        print('no picture without matplotlib: pip install "tinygrad_edu[plot]"')
    else:
        print(f"\nwrote {path}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
