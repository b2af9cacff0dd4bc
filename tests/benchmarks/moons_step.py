"""One training step on moons, against micrograd: 100 points, MLP 2-16-16-1, micrograd's hinge loss and penalty.

    .venv/bin/pip install -e ".[bench]"
    .venv/bin/python tests/benchmarks/moons_step.py

Programs, each in fresh processes: micrograd; micrograd's own program with its imports changed, to our Value alone (so
that micrograd's nn builds the same graph of little nodes) and to our nn as well; our nn and losses in a loop of one's
own; and the step by hand, as in compiled.py, straight-line Python without a graph. micrograd and our nn run also with
Python's cyclic garbage collector off. It takes most of micrograd's time, and how much depends on the machine.
"""

import gc
import random
import statistics
import sys
import time
from functools import partial

from compare import in_turn

STEPS = 7
SETUP = """
import random
import numpy as np
from sklearn.datasets import make_moons
np.random.seed(1337)
random.seed(1337)
X, y = make_moons(n_samples=100, noise=0.1)
y = y * 2 - 1
model = MLP(2, [16, 16, 1])
"""
# The loop of micrograd's demo notebook.
LOOP = """
inputs = [list(map(Value, xrow)) for xrow in X]
scores = list(map(model, inputs))
losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores)]
data_loss = sum(losses) * (1.0 / len(losses))
reg_loss = 1e-4 * sum((p * p for p in model.parameters()))
total_loss = data_loss + reg_loss
accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores)]
model.zero_grad()
total_loss.backward()
for p in model.parameters():
    p.data -= 0.1 * p.grad
"""
OURS = """
scores = [model(row) for row in rows]
total_loss = mean([hinge(score, label) for score, label in zip(scores, labels)]) + 1e-4 * l2_penalty(parameters)
model.zero_grad()
total_loss.backward()
optimizer.step()
"""
OWN_SETUP = """
from tinygrad_edu import mean, optim
from tinygrad_edu.nn.losses import hinge, l2_penalty
rows, labels = X.tolist(), y.tolist()
parameters = model.parameters()
optimizer = optim.SGD(parameters, lr=0.1)
"""
IMPORTS = {
    "micrograd": "from micrograd.engine import Value\nfrom micrograd.nn import MLP",
    "micrograd, no collector": "from micrograd.engine import Value\nfrom micrograd.nn import MLP",
    "our Value": "import micrograd.engine, tinygrad_edu\nmicrograd.engine.Value = tinygrad_edu.Value\n"
    "from micrograd.engine import Value\nfrom micrograd.nn import MLP",
    "our Value and nn": "from tinygrad_edu import Value\nfrom tinygrad_edu.nn.layers import MLP",
    "our nn and losses": "from tinygrad_edu.nn.layers import MLP",
    "the same, no collector": "from tinygrad_edu.nn.layers import MLP",
}


def milliseconds(name: str) -> float:
    """The median time of a step, after the first; of the processor, so that other programs do not count."""
    if name == "by hand":
        from compiled import hand_step

        step, _ = hand_step()
    else:
        names: dict[str, object] = {"random": random}
        exec(IMPORTS[name] + SETUP, names)
        own = name in ("our nn and losses", "the same, no collector")
        if own:
            exec(OWN_SETUP, names)
        step = partial(exec, compile(OURS if own else LOOP, name, "exec"), names)
    if name.endswith("no collector"):
        gc.disable()
    times = []
    for _ in range(STEPS if name.startswith("micrograd") else 5 * STEPS):
        started = time.process_time()
        step()
        times.append(time.process_time() - started)
    return statistics.median(times[1:]) * 1000


def main() -> None:
    from compare import report

    medians = in_turn(__file__, [*IMPORTS, "by hand"], rounds=3)
    print(f"{'a step':24} {'ms':>9} {'times micrograd':>16} {'without collector':>18} {'by hand':>9}")
    for name, median in medians.items():
        others = [medians[other] / median for other in ("micrograd", "micrograd, no collector", "by hand")]
        print(f"{name:24} {median:9.2f} {others[0]:15.1f}x {others[1]:17.1f}x {1 / others[2]:8.1f}x")
    ratio = {name: medians["micrograd"] / median for name, median in medians.items()}
    report([
        ("micrograd's program, imports of Value changed, times faster", ratio["our Value"], "at least", 8),
        ("micrograd's program, imports of Value and nn changed", ratio["our Value and nn"], "at least", 8),
        ("with our nn and losses, times faster", ratio["our nn and losses"], "at least", 100),
        ("the same, against micrograd with its collector off", ratio["our nn and losses"] / ratio["micrograd, no collector"], "at least", 5),
    ])  # fmt: skip


if __name__ == "__main__":
    if "--measure" in sys.argv:
        print(milliseconds(sys.argv[-1]))
    else:
        main()
