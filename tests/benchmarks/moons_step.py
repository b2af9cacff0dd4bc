"""One training step on moons, against micrograd: 100 points, MLP 2-16-16-1, micrograd's hinge loss and penalty.

    .venv/bin/pip install -e ".[bench]"
    .venv/bin/python tests/benchmarks/moons_step.py

Five programs, each in fresh processes: micrograd; micrograd's own program with its imports changed, to our Value alone
(so that micrograd's nn builds the same graph of little nodes) and to our nn as well; our nn, dot and losses in a loop by
hand; and the same with the cyclic garbage collector off, which shows what that takes.
"""

import gc
import random
import statistics
import sys
import time

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
    "our Value": "import micrograd.engine, tinygrad_edu\nmicrograd.engine.Value = tinygrad_edu.Value\n"
    "from micrograd.engine import Value\nfrom micrograd.nn import MLP",
    "our Value and nn": "from tinygrad_edu import Value\nfrom tinygrad_edu.nn.layers import MLP",
    "our nn and losses": "from tinygrad_edu.nn.layers import MLP",
    "no collector": "from tinygrad_edu.nn.layers import MLP",
}


def milliseconds(name: str) -> float:
    """The median time of a step, after the first."""
    names: dict[str, object] = {"random": random}
    exec(IMPORTS[name] + SETUP, names)
    step = LOOP
    if name in ("our nn and losses", "no collector"):
        exec(OWN_SETUP, names)
        step = OURS
    if name == "no collector":
        gc.disable()
    code = compile(step, name, "exec")
    times = []
    for _ in range(STEPS if name == "micrograd" else 5 * STEPS):
        started = time.perf_counter()
        exec(code, names)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:]) * 1000


def main() -> None:
    from compare import report

    medians = in_turn(__file__, list(IMPORTS), rounds=3)
    for name, median in medians.items():
        print(f"{name:20} {median:9.2f} ms a step {medians['micrograd'] / median:8.1f} times faster than micrograd")
    ratio = {name: medians["micrograd"] / median for name, median in medians.items()}
    report([
        ("micrograd's program, imports of Value changed, times faster", ratio["our Value"], "at least", 8),
        ("micrograd's program, imports of Value and nn changed", ratio["our Value and nn"], "at least", 8),
        ("with our nn, dot and losses, times faster", ratio["our nn and losses"], "at least", 100),
    ])  # fmt: skip


if __name__ == "__main__":
    if "--measure" in sys.argv:
        print(milliseconds(sys.argv[-1]))
    else:
        main()
