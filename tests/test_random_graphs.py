"""Random programs, with shared values, repeated operands and operations of many operands, against other ways to know."""

import math
import random

import oracle
from hypothesis import assume, given
from hypothesis import strategies as st

from tinygrad_edu import Value, dot
from tinygrad_edu import sum as total
from tinygrad_edu.operation import BUILT_IN, TABLE

# Operations that are smooth and defined at every number, and stay small: a random program of them is never out of domain.
SMOOTH = ["add", "subtract", "multiply", "negative", "sin", "cos", "tanh", "arctan", "sigmoid", "softplus", "erf", "gelu",
          "silu", "arcsinh", "sum", "mean", "dot", "linear", "logsumexp"]  # fmt: skip


@st.composite
def programs(draw, names, size):
    """Leaves, and steps (operation, indices of earlier values); an index may come up any number of times."""
    number = st.floats(-2, 2).filter(lambda x: x == 0 or abs(x) > 1e-100)  # what the oracle can step around
    leaves = draw(st.lists(number, min_size=1, max_size=4))
    steps = []
    for position in range(len(leaves), len(leaves) + draw(st.integers(1, size))):
        row = TABLE[draw(st.sampled_from(names))]
        count = row.arity or {"dot": 4, "linear": 5}.get(row.name) or draw(st.integers(1, 5))
        steps.append((row.name, draw(st.lists(st.integers(0, position - 1), min_size=count, max_size=count))))
    return leaves, steps


def run(program, leaves, table):
    values = list(leaves)
    for name, operands in program:
        values.append(table(name)(*[values[i] for i in operands]))
    return values


@given(programs(SMOOTH, 12))
def test_random_graphs_agree_with_high_precision_differences(program):
    leaves, steps = program
    values = [Value(x) for x in leaves]
    result = run(steps, values, TABLE.get)[-1]
    assume(abs(result.data) < 1e6)
    result.backward()

    def exact(*xs):
        return run(steps, xs, oracle.FUNCTIONS.get)[-1]

    gradient = [oracle.derivative(exact, leaves, i) for i in range(len(leaves))]
    assume(all(abs(g) < 1e6 for g in gradient))
    for value, expected in zip(values, gradient):
        assert oracle.close(value.grad, expected, 1 + max(abs(node.data) for node in values), rel=1e-8, abs_=1e-10)


@given(programs(sorted(BUILT_IN - {"sign", "heaviside"}), 30))
def test_the_sweep_is_the_sum_over_paths(program):
    """Every operation: the derivatives of all nodes, found by carrying each leaf's forward with the local derivatives."""
    leaves, steps = program
    values = [Value(x) for x in leaves]
    try:
        nodes = run(steps, values, TABLE.get)
        nodes[-1].backward()
    except (ArithmeticError, ValueError):
        assume(False)
    sizes = [abs(node.data) + abs(node.grad) for node in nodes]
    assume(all(math.isfinite(size) and size < 1e8 for size in sizes))
    for i, leaf in enumerate(values):
        tangents = [float(i == j) for j in range(len(values))]
        try:
            for (name, operands), node in zip(steps, nodes[len(values) :]):
                local = TABLE[name].rule(node.data, *[nodes[k].data for k in operands])
                assume(all(abs(d) < 1e6 for d in local))  # where larger ones cancel, what is left is rounding
                tangents.append(sum(d * tangents[k] for d, k in zip(local, operands)))
        except (ArithmeticError, ValueError):
            assume(False)  # a node that the result does not depend on, where its derivative is infinite
        assume(all(math.isfinite(t) and abs(t) < 1e8 for t in tangents))
        assert math.isclose(leaf.grad, tangents[-1], rel_tol=1e-7, abs_tol=1e-7 * (1 + max(map(abs, tangents))))


@given(st.randoms(use_true_random=False), st.integers(5, 40))
def test_tuples_that_nodes_share_at_any_depth_are_walked_in_order(rng: random.Random, size: int):
    """Sums and products of stored tuples, which nodes share, against derivatives carried forward from each leaf."""
    leaves = [Value(rng.uniform(-1, 1)) for _ in range(3)]
    nodes, groups = list(leaves), []
    for _ in range(size):
        if len(groups) < 2 or rng.random() < 0.3:
            groups.append(tuple(rng.choices(nodes, k=3)))
        a, b = rng.choice(groups), rng.choice(groups)
        nodes.append(rng.choice([dot(a, b), total(a), rng.choice(nodes) * rng.choice(nodes)]))
        if abs(nodes[-1].data) > 1e3:
            nodes.pop()
    root = nodes[-1]
    for node in nodes:
        node.grad = 0.5
    root.backward()
    for leaf in leaves:
        tangent = {}
        for node in nodes:
            if node.op is None:
                tangent[node] = float(node is leaf)
            else:
                local = node.op.rule(node.data, *[parent.data for parent in node.parents])
                tangent[node] = sum(d * tangent[parent] for d, parent in zip(local, node.parents))
        scale = max(1.0, *map(abs, tangent.values()))
        assert math.isclose(leaf.grad - 0.5, tangent[root], rel_tol=1e-9, abs_tol=1e-9 * scale)
