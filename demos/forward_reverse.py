"""Forward mode and reverse mode: why backpropagation won.

The chain rule multiplies many small factors, the local derivatives, and there
are two orders in which to do it.

- Forward mode begins at one input and goes the way of the computation: one pass
  tells how everything changes with that input. For n inputs it takes n passes.
- Reverse mode begins at one output and goes back: one pass tells how that
  output changes with everything. For m outputs it takes m passes.

The loss of a network is one number, made from n weights. So reverse mode, which
for networks is called backpropagation, takes one pass where forward mode takes
n. That pass is cheap, too: by a theorem it costs at most 4 or 5 times as much
as the function, however many inputs there are (the cheap gradient principle:
Griewank and Walther, Evaluating Derivatives, 2nd ed., chapter 3). For a curve,
one input and m outputs, it is the other way round.

This demo measures both cases. It counts operations, not time. The engine can
record a derivative as a graph of Values, like any other computation, so what a
derivative costs can be seen in its graph: the operations in it, with those of
the function that it needs, where a sum of k numbers counts as k - 1 additions.
The mode with many passes is treated kindly. What its passes share is counted
once, and a pass leaves out all that its input or output has no part in.

Draws both cases in forward_reverse.png (or in the path given).
"""

import random
import sys
from typing import NamedTuple

from tinygrad_edu import Value, jacobian, sin, tanh, topological_order

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


# ---- what is differentiated ------------------------------------------------------------------------------------------


def loss(weights):
    """The squared error of a network for one example: as many layers as weights, each adding a little to the signal."""
    signal = 1.0
    for w in weights:
        signal = signal + 0.1 * tanh(w * signal)
    return (signal - 2.0) ** 2


def pendulum(start, steps, dt=0.1):
    """The angles of a pendulum in so many steps of time after it was let go at the angle ``start``."""
    angle, speed, angles = start, 0.0, []
    for _ in range(steps):
        speed = speed - dt * sin(angle)
        angle = angle + dt * speed
        angles.append(angle)
    return angles


# ---- what it costs ---------------------------------------------------------------------------------------------------


class Cost(NamedTuple):
    """How many operations a function takes, and all its derivatives in either mode; and by how much the derivatives of
    the two modes differ at most, as a share of the largest."""

    size: int
    function: int
    reverse: int
    forward: int
    difference: float


def cost(size, f, inputs, *others):
    """The cost of the derivatives of ``f`` by ``inputs``, a Value or a list of Values."""
    reverse, forward = (jacobian(f, mode=mode)(inputs, *others) for mode in ("reverse", "forward"))
    difference = max(abs(a.data - b.data) for a, b in zip(reverse, forward)) / max(abs(a.data) for a in reverse)
    return Cost(size, operations(f(inputs, *others)), operations(reverse), operations(forward), difference)


def operations(values):
    """How many additions, multiplications and so on it takes to compute a Value or all in a list.

    Arithmetic with nothing but plain numbers is not recorded and so not counted, and neither is ``positive``, which
    hands on a Value as it is.
    """
    nodes = topological_order(*values) if isinstance(values, list) else topological_order(values)
    return sum(max(1, len(node.parents) - 1) for node in nodes if node.op is not None and node.op.name != "positive")


def many_inputs(sizes, rng):
    """The cost of a gradient, by the number of weights."""
    return [cost(n, loss, [Value(rng.gauss(0, 1)) for _ in range(n)]) for n in sizes]


def many_outputs(sizes):
    """The cost of the derivative of a curve, by the number of its coordinates."""
    return [cost(m, pendulum, Value(1.0), m) for m in sizes]


# ---- what is printed -------------------------------------------------------------------------------------------------


def print_costs(letter, costs):
    print(f"{'':5} {'operations':>11} {'reverse':>11} {'times':>8} {'forward':>11} {'times':>8}")
    print(f"{letter:>5} {'of f':>11} {'mode':>11} {'f':>8} {'mode':>11} {'f':>8}")
    for each in costs:
        print(
            f"{each.size:5d} {each.function:11,d} {each.reverse:11,d} {ratio(each, 'reverse'):8.2f} "
            f"{each.forward:11,d} {ratio(each, 'forward'):8.2f}"
        )
    cheap, dear = sorted(("reverse", "forward"), key=lambda mode: ratio(costs[-1], mode))
    growth = {mode: ratio(costs[-1], mode) / ratio(costs[-2], mode) for mode in (cheap, dear)}
    print(
        f"\nThe one pass of {cheap} mode never took more than {max(ratio(each, cheap) for each in costs):.2f} times f."
    )
    print(f"From {letter} = {costs[-2].size} to {letter} = {costs[-1].size} the ratio to f grew:")
    print(f"  in {cheap} mode {growth[cheap]:.2f}-fold, in {dear} mode {growth[dear]:.2f}-fold.")
    print(f"The derivatives of both modes agree to within {max(each.difference for each in costs):.0e}.\n")


def ratio(each, mode):
    """What the derivatives cost in that mode, in evaluations of the function."""
    return getattr(each, mode) / each.function


# ---- what is drawn ---------------------------------------------------------------------------------------------------


def draw(gradient, curve, path):
    """The costs of both modes against the number of inputs and against the number of outputs."""
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.8), layout="constrained", sharey=True)
    draw_costs(left, gradient, {"reverse": "1 pass", "forward": f"{gradient[-1].size} passes"})
    left.set(xlabel="number of inputs n", title="n inputs, one output: the loss of a network")
    left.set_ylabel("operations of all derivatives ÷ operations of f")
    draw_costs(right, curve, {"reverse": f"{curve[-1].size} passes", "forward": "1 pass"})
    right.set(xlabel="number of outputs m", title="one input, m outputs: the path of a pendulum")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def draw_costs(axes, costs, passes):
    sizes = [each.size for each in costs]
    for mode, style in (("reverse", "o-"), ("forward", "s--")):
        ratios = [ratio(each, mode) for each in costs]
        colour = {"reverse": "#0072B2", "forward": "#D55E00"}[mode]  # of Okabe and Ito, as in tinygrad_edu.viz.plots
        axes.plot(sizes, ratios, style, color=colour, linewidth=1.8)
        end = f"{mode} mode, {passes[mode]}: {ratios[-1]:.3g} times f"
        axes.annotate(end, (sizes[-1], ratios[-1]), (-9, 7), textcoords="offset points", color=colour, ha="right")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.margins(y=0.09)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(axis="y", color="0.9")


def main(path="forward_reverse.png", sizes=SIZES):
    print(__doc__)
    print("n inputs, one output: the loss of a network with n weights\n")
    gradient = many_inputs(sizes, random.Random(0))
    print_costs("n", gradient)
    print("one input, m outputs: the path of a pendulum in m steps\n")
    curve = many_outputs(sizes)
    print_costs("m", curve)
    try:
        draw(gradient, curve, path)
    except ImportError:
        print('no picture without matplotlib: pip install "tinygrad_edu[plot]"')
    else:
        print(f"wrote {path}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
