"""A training step of the GPT of demos/gpt.py: a plain engine, our Value, our operations, compiled.

    .venv/bin/python tests/benchmarks/gpt.py

Each side runs in fresh processes that take turns. A step is zero_grad, the loss of one name, backward and Adam. The plain
program is tests/plain_gpt.py, in single additions and products; the plain engine is the ``Number`` below, in the manner of
Karpathy's microgpt, with Adam as a loop over it. "with our operations" is the demo's transformer, recorded each time,
with letters looked up instead of multiplied with one-hot rows. "compiled" is the mean of a whole run of 500 steps, compiling included, each for the longest name; "compiling"
is the first call alone, made ready to run. The recorded sides take names of all lengths, which stand for the whole list.
"""

import importlib.util
import math
import pathlib
import sys
import time

from compare import in_turn, report

TESTS = pathlib.Path(__file__).parents[1]
STEPS = 500


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


demo, plain = module(TESTS.parent / "demos" / "gpt.py"), module(TESTS / "plain_gpt.py")
SOME = sorted(demo.NAMES, key=len)[50::100]


def milliseconds(step, names):
    """The mean time of a step, after a first one."""
    step(names[0])
    started = time.perf_counter()
    for name in names:
        step(name)
    return (time.perf_counter() - started) / len(names) * 1000


def example(name):
    return demo.one_hot(f".{name}"), demo.one_hot(f"{name}.", 1 / (len(name) + 1))


# ---- the plain engine ------------------------------------------------------------------------------------------------


class Number:
    """A number with what it was made from, and its derivatives by these."""

    __slots__ = ("children", "data", "grad", "slopes")

    def __init__(self, data, children=(), slopes=()):
        self.data, self.grad, self.children, self.slopes = data, 0.0, children, slopes

    def __add__(self, other):
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        return Number(self.data**n, (self,), (n * self.data ** (n - 1),))

    def exp(self):
        y = math.exp(self.data)
        return Number(y, (self,), (y,))

    def log(self):
        return Number(math.log(self.data), (self,), (1 / self.data,))

    def relu(self):
        return Number(max(0.0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -other

    def __truediv__(self, other):
        return self * other**-1

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        order, seen = [], set()

        def visit(number):
            if number not in seen:
                seen.add(number)
                for child in number.children:
                    visit(child)
                order.append(number)

        visit(self)
        self.grad = 1.0
        for number in reversed(order):
            for child, slope in zip(number.children, number.slopes):
                child.grad += slope * number.grad


class PlainAdam:
    def __init__(self, parameters):
        self.parameters, self.count = parameters, 0
        self.means, self.squares = [0.0] * len(parameters), [0.0] * len(parameters)

    def step(self):
        self.count += 1
        for i, p in enumerate(self.parameters):
            self.means[i] = 0.85 * self.means[i] + 0.15 * p.grad
            self.squares[i] = 0.99 * self.squares[i] + 0.01 * p.grad * p.grad
            mean, square = self.means[i] / (1 - 0.85**self.count), self.squares[i] / (1 - 0.99**self.count)
            p.data -= 0.01 * mean / (math.sqrt(square) + 1e-8)
            p.grad = 0.0


def plain_engine():
    sys.setrecursionlimit(100_000)
    weights = {name: [[Number(w.data) for w in row] for row in rows] for name, rows in demo.random_weights().items()}
    adam = PlainAdam([w for rows in weights.values() for row in rows for w in row])

    def step(name):
        loss = plain.loss(weights, name)
        loss.backward()
        adam.step()
        return loss.data

    return step


# ---- ours ------------------------------------------------------------------------------------------------------------


def adam_for(weights):
    from tinygrad_edu import optim

    return optim.Adam([w for rows in weights.values() for row in rows for w in row], lr=0.01, betas=(0.85, 0.99))


def recorded(loss_of):
    """A step that records ``loss_of(weights, name)``."""
    weights = demo.random_weights()
    adam = adam_for(weights)

    def step(name):
        adam.zero_grad()
        loss = loss_of(weights, name)
        loss.backward()
        adam.step()
        return loss.data

    return step


def with_our_operations():
    from tinygrad_edu import logsumexp, mean

    def loss(weights, name):
        memory, losses = [], []
        for letter, after in zip(f".{name}", f"{name}."):
            column = demo.LETTERS.index(letter)
            scores, _ = demo.read(weights, [row[column] for row in weights["letter"]], memory)
            losses.append(logsumexp(scores) - scores[demo.LETTERS.index(after)])
        return mean(losses)

    return recorded(loss)


def compiled():
    from tinygrad_edu import compile

    weights = demo.random_weights()
    adam = adam_for(weights)
    loss = compile(lambda letters, targets: demo.loss(weights, letters, targets), *example(""))

    def step(name):
        adam.zero_grad()
        found = loss.backward(*example(name))
        adam.step()
        return found

    return step


def run_compiled():
    """Milliseconds per step of a whole run."""
    started = time.perf_counter()
    step = compiled()
    for name in demo.NAMES[:STEPS]:
        step(name)
    return (time.perf_counter() - started) / STEPS * 1000


def compiling():
    """Milliseconds for compiling and the first step, less those of the second."""
    started = time.perf_counter()
    step = compiled()
    step("anna")
    first = (time.perf_counter() - started) * 1000
    return first - milliseconds(step, SOME)


def check_that_all_do_the_same():
    steps = plain_engine(), recorded(plain.loss), with_our_operations(), compiled()
    for name in SOME[:3]:
        expected, *found = [step(name) for step in steps]
        assert all(math.isclose(x, expected, rel_tol=1e-12) for x in found), (expected, found)


MEASURED = {
    "the plain engine": lambda: milliseconds(plain_engine(), SOME),
    "our Value, the plain program": lambda: milliseconds(recorded(plain.loss), SOME),
    "our Value, with our operations": lambda: milliseconds(with_our_operations(), SOME),
    f"compiled, {STEPS} steps with compiling": run_compiled,
    "compiling": compiling,
}


def main():
    check_that_all_do_the_same()
    taken = in_turn(__file__, [*MEASURED], rounds=5)
    for name, found in taken.items():
        print(f"{name:40} {found:10.3f} ms")
    engine, value, operations, whole, once = taken.values()
    report([
        ("GPT step, the plain program: times faster than the plain engine", engine / value, "at least", 1),
        ("GPT step, with our operations: times faster", engine / operations, "at least", 7),
        ("GPT step, compiled: times faster", engine / whole, "at least", 40),
        ("GPT, compiling: seconds", once / 1000, "at most", 3),
    ])  # fmt: skip


if __name__ == "__main__":
    print(MEASURED[sys.argv[-1]]()) if "--measure" in sys.argv else main()
