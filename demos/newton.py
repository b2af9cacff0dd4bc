"""Newton's method: what second derivatives are good for.

Rosenbrock's function (1 - x)² + 100 (y - x²)² is a long, narrow, bent valley
with its lowest point at (1, 1). Gradient descent knows the slope only. Its rate
must be small enough for the steep walls, and is then far too small for the
nearly level floor: it is in the valley soon, and creeps along it for thousands
of steps.

Newton's method knows the curvature as well. It replaces the function by a bowl,
the quadratic function with the same gradient and the same Hessian, and steps to
the bottom of that:  Hessian · step = -gradient.  Two things can go wrong far
from the minimum, and each has a remedy:

- The bowl fits only nearby, and a full step may end higher than it began. So
  the step is halved until the function has really fallen (backtracking, with
  Armijo's condition).
- The bowl may be a saddle or upside down, where the Hessian is not positive
  definite. It has no bottom then, and Newton's step may lead uphill. So a
  multiple of the unit matrix is added to the Hessian until it is positive
  definite, which turns the step towards that of gradient descent.

Near the minimum neither is needed, and the number of right digits about doubles
with each step. All this works for any number of unknowns; where a function has
several minima, the one that is found need not be the lowest.

For the remedies see Nocedal and Wright, Numerical Optimization, 2nd ed.,
chapter 3; for the function, Rosenbrock, The Computer Journal 3, 1960.

Draws the paths of both methods in newton.png (or in the path given).
"""

import math
import sys
from itertools import pairwise
from typing import NamedTuple

from tinygrad_edu import Value, grad, hessian, topological_order, value_and_grad

START = [-1.2, 1.0]  # Rosenbrock's own
OTHER_STARTS = ([0.0, 1.0], [0.0] * 10, [0.0, 1.0] * 5, START * 5, [0.0, 1.0] * 10)
RATES = (0.0005, 0.001, 0.0015, 0.00199, 0.0021, 0.01)
STEPS = 10_000  # of gradient descent


def rosenbrock(x):
    """Rosenbrock's function, of two numbers or, as a sum over neighbours, of more; the minimum is 0 at (1, ..., 1)."""
    return sum((1 - a) ** 2 + 100 * (b - a * a) ** 2 for a, b in pairwise(x))


# ---- Newton's method -------------------------------------------------------------------------------------------------


def solve(matrix, right):
    """The solution x of matrix · x = right by Gaussian elimination; None unless the symmetric matrix is positive
    definite.

    It is positive definite exactly if all pivots are positive, and then no rows have to be exchanged: the elimination
    is as stable as Cholesky's (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., chapter 10).
    """
    rows = [[*row, last] for row, last in zip(matrix, right)]
    for k, pivot_row in enumerate(rows):
        if not pivot_row[k] > 0:
            return None
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot_row[k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], pivot_row)]
    x = [0.0] * len(rows)
    for k in reversed(range(len(rows))):
        *row, last = rows[k]
        x[k] = (last - sum(row[j] * x[j] for j in range(k + 1, len(rows)))) / row[k]
    return x


def newton_direction(curvature, gradient):
    """The step to the bottom of the bowl, and what had to be added to the Hessian's diagonal for there to be one."""
    size = norm([h for row in curvature for h in row]) or 1.0  # no eigenvalue is larger
    for shift in (0.0, *[size * 2.0**k for k in range(-10, 2)]):
        shifted = [[h + shift * (i == j) for j, h in enumerate(row)] for i, row in enumerate(curvature)]
        direction = solve(shifted, [-g for g in gradient])
        if direction is not None:
            return direction, shift
    raise ArithmeticError(f"this Hessian is not made of finite numbers: {curvature}")


def backtrack(f, x, value, gradient, direction):
    """The share of the step to take: 1, 1/2, 1/4, ..., the first that Armijo's condition allows.

    It asks for a ten-thousandth of the fall that the slope promises. Merely "not higher" would not do: ever smaller
    gains could add up to less than the way to the minimum.
    """
    slope = sum(g * d for g, d in zip(gradient, direction))  # below 0: a positive definite Hessian leads downhill
    share = 1.0
    while share > 1e-10 and not f(ahead(x, share, direction)) <= value + 1e-4 * share * slope:
        share /= 2
    return share


class Place(NamedTuple):
    """Where a method stands, and how it got there: the share of Newton's step that it took, what was added to the
    Hessian's diagonal, and the height to which the full step would have led."""

    x: list
    height: float
    slope: float  # the length of the gradient
    share: float = 1.0
    shift: float = 0.0
    full: float = 0.0


def newton(f, start, tolerance=1e-10, limit=200):
    """The path from ``start`` to where the gradient is shorter than ``tolerance``."""
    x, how, path = start, (), []
    while True:
        height, gradient = value_and_grad(f)(x)
        path.append(Place(x, height, norm(gradient), *how))
        if path[-1].slope < tolerance or len(path) > limit:
            return path
        direction, shift = newton_direction(hessian(f)(x), gradient)
        share = backtrack(f, x, height, gradient, direction)
        how = share, shift, f(ahead(x, 1.0, direction))
        x = ahead(x, share, direction)


def ahead(x, share, direction):
    return [a + share * d for a, d in zip(x, direction)]


def norm(vector):
    return math.hypot(*vector)


def error(x):
    """How far the coordinate that is most wrong is from 1."""
    return max(abs(a - 1) for a in x)


# ---- gradient descent ------------------------------------------------------------------------------------------------


def descend(f, start, rate, steps):
    """The path of gradient descent at a constant rate; it ends early where the function exceeds a million."""
    x, path = start, []
    for _ in range(steps + 1):
        height, gradient = value_and_grad(f)(x)
        path.append(Place(x, height, norm(gradient)))
        if height > 1e6:
            break
        x = ahead(x, -rate, gradient)
    return path


def largest_curvature(matrix):
    """The larger eigenvalue of a symmetric 2 × 2 matrix."""
    (a, b), (_, c) = matrix
    return (a + c) / 2 + math.hypot((a - c) / 2, b)


# ---- what is printed -------------------------------------------------------------------------------------------------


def print_newton(path):
    print("Newton's method, and the share of the full step that it took. (The error is that")
    print("of the coordinate which is further from 1; so many digits of both are right.)\n")
    print(f"{'step':>4} {'share':>6} {'x':>11} {'y':>11} {'f':>9} {'|gradient|':>10} {'error':>8} {'digits':>6}")
    for i, place in enumerate(path):
        share = f"{place.share:g}" if i else ""
        x, y = place.x
        print(
            f"{i:4d} {share:>6} {x:11.8f} {y:11.8f} {place.height:9.1e} {place.slope:10.1e} "
            f"{error(place.x):8.0e} {digits(place.x):6.1f}"
        )
    worst = max(range(1, len(path)), key=lambda i: path[i].full / path[i - 1].height)
    print(
        f"\nWhy steps are halved: the full step {worst} would have led from f = {path[worst - 1].height:.3g}"
        f"\nup to f = {path[worst].full:.4g}."
    )


def digits(x):
    """How many digits after the point are right; a float holds 16."""
    return max(0.0, -math.log10(max(error(x), 1e-16)))


def print_descent(paths):
    print("\nGradient descent from the same place, at several rates, while f < 1,000,000:\n")
    print(f"{'rate':>8} {'steps':>6} {'highest f':>10} {'last f':>9} {'|gradient|':>10} {'error':>8}")
    for rate, path in paths.items():
        last = path[-1]
        print(
            f"{rate:8g} {len(path) - 1:6d} {max(place.height for place in path):10.1e} {last.height:9.1e} "
            f"{last.slope:10.1e} {error(last.x):8.0e}"
        )
    limit = 2 / largest_curvature(hessian(rosenbrock)([1.0, 1.0]))
    print(
        f"\nThe limit is 2 / (largest eigenvalue of the Hessian), {limit:.6f} at the minimum:"
        "\na faster descent bounces from wall to wall, and its gradient stays long."
    )


def print_cost(found, descent):
    """Both methods in the same currency, for a step of Newton's is more work than one of gradient descent."""
    x = [Value(a) for a in START]
    gradient = count_operations(grad(rosenbrock)(x))
    second = count_operations([h for row in hessian(rosenbrock)(x) for h in row])
    all_steps, all_descent = (len(found) - 1) * (gradient + second), (len(descent) - 1) * gradient
    print(
        f"\nA gradient takes {gradient} recorded operations, a Hessian {second}. Newton's method needed"
        f"\n{all_steps:,} in gradients and Hessians for {digits(found[-1].x):.0f} right digits;"
        f" the best gradient descent\nused {all_descent:,} for {digits(descent[-1].x):.1f}."
    )


def count_operations(values):
    return sum(node.op is not None for node in topological_order(*values))


def print_starts(starts):
    print("\nNewton's method from other places, and with n unknowns:\n")
    print(
        f"{'n':>3} {'from':21} {'steps':>5} {'halved':>6} {'shifted':>7} {'last f':>9} {'|gradient|':>10} {'x[0]':>8}"
    )
    for start in starts:
        path = newton(rosenbrock, start)
        name = ", ".join(f"{x:g}" for x in start[:4]) + ", ..." * (len(start) > 4)
        halved, shifted = sum(place.share < 1 for place in path), sum(place.shift > 0 for place in path)
        last = path[-1]
        print(
            f"{len(start):3d} {name:21} {len(path) - 1:5d} {halved:6d} {shifted:7d} {last.height:9.1e} "
            f"{last.slope:10.1e} {last.x[0]:8.5f}"
        )
        if last.height > 1e-6:
            print("    This is a minimum, but not the lowest.")


# ---- what is drawn ---------------------------------------------------------------------------------------------------


def draw(found, descent, rate, path):
    """The paths on a map of the function, and how far they have come down after each step."""
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 5.4), layout="constrained", width_ratios=(1.4, 1))
    draw_map(left)
    red, blue = "#D55E00", "#0072B2"
    marked = [step for step in (100, 200, 500, 1000, 10_000) if step < len(descent)]
    draw_path(left, descent, red, 1.1, {"marker": "s", "markevery": marked}, marked, inside=True)
    draw_path(left, found, blue, 1.8, {"marker": "o"}, range(0, len(found), 4), inside=False)
    left.set_title("two ways down Rosenbrock's valley; the numbers count steps")
    for steps, name, style in (
        (descent, f"gradient descent,\nrate {rate:g}", {"color": red, "linewidth": 1.8, "linestyle": "--"}),
        (found, "Newton's\nmethod", {"color": blue, "linewidth": 1.8, "marker": "o", "markersize": 5}),
    ):
        falling = [(i, place.height) for i, place in enumerate(steps) if i and place.height]  # a logarithm knows no 0
        right.plot(*zip(*falling), **style)
        right.annotate(
            name, falling[-1], (-8, 0), textcoords="offset points", ha="right", va="center", color=style["color"]
        )
    right.set(xscale="log", yscale="log", xlabel="step", title="f after each step")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def draw_map(axes):
    """Contour lines of the function, with a factor of √10 from one to the next, and its minimum."""
    xs, ys = ([low + (high - low) * i / 400 for i in range(401)] for low, high in ((-1.6, 1.5), (-0.7, 1.9)))
    logarithms = [[math.log10(rosenbrock([x, y]) + 1e-9) for x in xs] for y in ys]
    levels = [k / 2 for k in range(-2, 8)]
    axes.contourf(xs, ys, logarithms, levels=levels, cmap="Greys", alpha=0.3, extend="both")
    axes.contour(xs, ys, logarithms, levels=levels, colors="0.6", linewidths=0.6, linestyles="solid")
    for level in (1, 2):  # where x = 0, f is 1 + 100 y²
        spot = 0.0, math.sqrt((10**level - 1) / 100)
        behind = {"facecolor": "0.92", "edgecolor": "none", "pad": 1.0}
        axes.text(*spot, f"f = {10**level:g}", fontsize=8, color="0.3", ha="center", va="center", bbox=behind)
    axes.plot(1, 1, "*", color="black", markersize=14, zorder=4)
    axes.set(xlabel="x", ylabel="y")


def draw_path(axes, path, color, linewidth, markers, numbered, inside):
    """A line through all places, with markers at some, and numbers at some on the one side of the bend or the other."""
    axes.plot(*zip(*[place.x for place in path]), color=color, linewidth=linewidth, markersize=5, **markers)
    for i in numbered:
        to_right = (path[i].x[0] < 0) == inside
        place = {"xytext": (7 if to_right else -7, 3 if inside else -12), "textcoords": "offset points"}
        axes.annotate(f"{i:,}", path[i].x, color=color, ha="left" if to_right else "right", fontsize=9, **place)


def main(path="newton.png", steps=STEPS):
    print(__doc__)
    found = newton(rosenbrock, START)
    print_newton(found)
    paths = {rate: descend(rosenbrock, START, rate, steps) for rate in RATES}
    print_descent(paths)
    best = min(paths, key=lambda rate: paths[rate][-1].height)
    print_cost(found, paths[best])
    print_starts(OTHER_STARTS)
    try:
        draw(found, paths[best], best, path)
    except ImportError:
        print('no picture without matplotlib: pip install "tinygrad_edu[plot]"')
    else:
        print(f"\nwrote {path}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
