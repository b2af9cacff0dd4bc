"""Material for tests: operands well inside the domain of each operation, and random graphs of shared values."""

import importlib.util
import pathlib

from hypothesis import strategies as st

from tinygrad_edu import Value
from tinygrad_edu.engine.operation import BUILT_IN, TABLE

ROWS = [TABLE[name] for name in sorted(BUILT_IN)]
COMPOSITES = [row for row in ROWS if row.definition is not None]
CHECKED = [row for row in ROWS if row.name != "detach"]  # by differences; the derivative of detach is 0 by definition
COMPARISONS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"}
CHOOSING = COMPARISONS | {"maximum", "minimum"}  # by which operand is larger
ROUNDING = {"floor", "ceil", "remainder"}  # they jump from one whole number to the next
LOGICAL = {"logical_and", "logical_or"}
STEPS = (
    COMPARISONS | ROUNDING | LOGICAL | {"sign", "heaviside", "where", "detach"}
)  # they jump, or do not say how steep
KINKED = LOGICAL | {"absolute", "sign", "heaviside", "relu", "leaky_relu", "elu", "selu"}  # at 0

ANY, POSITIVE, SMALL = st.floats(-3, 3), st.floats(0.1, 5), st.floats(-0.95, 0.95)
AWAY = st.tuples(st.sampled_from([-1, 1]), POSITIVE).map(lambda t: t[0] * t[1])  # from 0
BETWEEN_WHOLE = st.tuples(st.integers(-3, 3), st.floats(0.05, 0.95)).map(sum)
DOMAINS = {
    "floor": st.tuples(BETWEEN_WHOLE),
    "ceil": st.tuples(BETWEEN_WHOLE),
    "remainder": st.tuples(BETWEEN_WHOLE, AWAY).map(lambda t: (t[0] * t[1], t[1])),
    "divide": st.tuples(ANY, AWAY),
    "power": st.tuples(st.floats(0.2, 3), ANY),
    "log": st.tuples(POSITIVE),
    "log2": st.tuples(POSITIVE),
    "log10": st.tuples(POSITIVE),
    "sqrt": st.tuples(POSITIVE),
    "log1p": st.tuples(st.floats(-0.9, 5)),
    "tan": st.tuples(st.floats(-1.4, 1.4)),
    "arcsin": st.tuples(SMALL),
    "arccos": st.tuples(SMALL),
    "arctanh": st.tuples(SMALL),
    "arccosh": st.tuples(st.floats(1.05, 5)),
    "arctan2": st.tuples(AWAY, AWAY),
    "hypot": st.tuples(AWAY, AWAY),
    "amax": st.lists(st.integers(-3, 3), min_size=1, max_size=5, unique=True).map(lambda xs: tuple(map(float, xs))),
    "where": st.tuples(AWAY, ANY, ANY),
    "dot": st.integers(1, 3).flatmap(lambda n: st.tuples(*[ANY] * (2 * n))),
    "linear": st.integers(0, 3).flatmap(lambda n: st.tuples(*[ANY] * (2 * n + 1))),
} | {name: st.tuples(ANY, AWAY).map(lambda t: (t[0], t[0] + t[1])) for name in CHOOSING}
DOMAINS |= {name: st.tuples(AWAY, *[POSITIVE] * (TABLE[name].arity - 1)) for name in KINKED}


def operands(row):
    """Numbers for an operation, where it is smooth."""
    if row.name in DOMAINS:
        return DOMAINS[row.name]
    return st.lists(ANY, min_size=1, max_size=5).map(tuple) if row.arity is None else st.tuples(*[ANY] * row.arity)


@st.composite
def graphs(draw, rows=ROWS, numbers=ANY, size=10, biggest=1e4):
    """The nodes of a random graph, leaves first and its root last. Any node may be used any number of times."""
    nodes = [Value(draw(numbers), label=name) for name in "abc"[: draw(st.integers(1, 3))]]
    for _ in range(draw(st.integers(1, size))):
        row = draw(st.sampled_from(rows))
        count = row.arity or {"dot": 4, "linear": 5}.get(row.name) or draw(st.integers(1, 4))
        chosen = [draw(st.sampled_from(nodes)) for _ in range(count)]
        try:
            node = row(*chosen)
        except (ArithmeticError, ValueError):
            continue  # out of domain
        if abs(node.data) <= biggest:
            nodes.append(node)
    return nodes


def demo(name):
    """The module of a demo."""
    path = pathlib.Path(__file__).parent.parent / "demos" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
