"""What it costs to see a graph: drawing and explanation of 500 values against laying the drawing out, which is
Graphviz's work; and the page of 50 values.

Run with: python tests/benchmarks/pictures.py
"""

import statistics
import time

from tinygrad_edu import Value, draw, explain, nn
from tinygrad_edu.engine.backward import topological_order
from tinygrad_edu.viz.graphs.layout import lay_out
from tinygrad_edu.viz.page.page import page


def chain(count):
    """A graph of about so many values in which each is used twice."""
    x = Value(0.5, label="x")
    y = x
    while len(topological_order(y)) < count - 2:
        y = (y * x).tanh() + y
    return y


def network(count):
    """The loss of a network on examples until there are about so many values."""
    model = nn.MLP(2, [8, 6, 1], "tanh", seed=0)
    loss = model([1.0, -0.5])
    while len(topological_order(loss)) < count - 40:
        loss = loss + model([loss.data, 0.5]) ** 2
    return loss


def seconds(function, repeats=5):
    """The median time that the function takes, and its result."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def main():
    print(
        f"{'graph':<10}{'values':>8}{'draw':>10}{'explain':>10}{'lay out':>10}{'(draw + explain) / lay out, at most 1':>40}"
    )
    for make in (chain, network):
        root = make(500)
        root.backward()
        drawing, picture = seconds(lambda root=root: draw(root))
        explaining, _ = seconds(lambda root=root: str(explain(root)))
        laying, _ = seconds(lambda picture=picture: lay_out(picture.source, "svg"), 3)
        ratio = (drawing + explaining) / laying
        verdict = "ok" if ratio <= 1 else "FALLS SHORT"
        print(f"{make.__name__:<10}{len(topological_order(root)):>8}{drawing:>9.3f}s{explaining:>9.3f}s{laying:>9.3f}s"
              f"{ratio:>28.2f} {verdict}")  # fmt: skip
    root = chain(50)
    taken, text = seconds(lambda: page(explain(root)))
    size = len(text.encode())
    print(f"page of {len(topological_order(root))} values: {taken:.3f} s, {size:,} bytes, at most 200,000  "
          f"{'ok' if size <= 200_000 else 'FALLS SHORT'}")  # fmt: skip


if __name__ == "__main__":
    main()
