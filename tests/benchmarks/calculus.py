"""``grad`` of a function of 84 operations against HIPS autograd and PyTorch, and the cost of ``hessian``.

    python tests/benchmarks/calculus.py

Each package runs the same function of one number, with its own functions, in fresh processes that take turns; PyTorch
has one thread and is left out where it is not installed (pip install torch). A Hessian is measured against as many
gradients of the same function as it has rows, for Rosenbrock's function and a small network's loss.
"""

import importlib.util
import sys
import time
from itertools import pairwise

from compare import in_turn, report

SIZES = (10, 20, 40, 80)


def function(sin, exp):
    """A function of 84 operations, whichever package has the sin and the exp."""

    def f(x):
        y = x
        for _ in range(12):
            y = sin(y) * x + exp(-y) / (1 + y * y)
        return y

    return f


def ours():
    from tinygrad_edu import exp, grad, sin

    return grad(function(sin, exp))


def autograd():
    import autograd
    import autograd.numpy as np

    return autograd.grad(function(np.sin, np.exp))


def pytorch():
    import torch

    torch.set_num_threads(1)
    f = function(torch.sin, torch.exp)

    def gradient(x):
        x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(f(x), x)[0].item()

    return gradient


def rosenbrock(x):
    return sum([(1 - a) ** 2 + 100 * (b - a * a) ** 2 for a, b in pairwise(x)])


def network(x):
    from tinygrad_edu import dot, mean, tanh

    hidden = [tanh(dot(x, [((7 * i + 3 * j) % 5 - 2) / 3 for j in range(len(x))])) for i in range(8)]
    return mean([(h - 0.3) ** 2 for h in hidden])


def milliseconds(function, argument, repeat):
    """The best of several rounds."""
    best = float("inf")
    for _ in range(7):
        started = time.perf_counter()
        for _ in range(repeat):
            function(argument)
        best = min(best, (time.perf_counter() - started) / repeat)
    return best * 1000


def one(name):
    """A time in milliseconds, or for a Hessian how many times as long as all its rows' gradients it takes."""
    if name in ("ours", "autograd", "pytorch"):
        return milliseconds(globals()[name](), 0.5, repeat=200)
    from tinygrad_edu import grad, hessian

    f, n = globals()[name.split()[0]], int(name.split()[1])
    x = [0.1 * (i % 7) for i in range(n)]
    return milliseconds(hessian(f), x, repeat=2) / (n * milliseconds(grad(f), x, repeat=20))


def main():
    peers = ["autograd", "pytorch"] if importlib.util.find_spec("torch") else ["autograd"]
    hessians = [f"{f} {n}" for f in ("rosenbrock", "network") for n in SIZES]
    seen = in_turn(__file__, ["ours", *peers, *hessians], rounds=5)
    print(f"grad of 84 operations: {seen['ours']:.3f} ms")
    rows = [
        (f"grad: times as fast as {peer}", seen[peer] / seen["ours"], "at least", 6 if peer == "autograd" else 2)
        for peer in peers
    ]
    for f in ("rosenbrock", "network"):
        rows += [(f"hessian / n gradients, {f}, n = {n}", seen[f"{f} {n}"], "at most", 2) for n in SIZES]
    report(rows)


if __name__ == "__main__":
    if "--measure" in sys.argv:
        print(one(sys.argv[-1]))
    else:
        main()
