"""Random programs, with shared values, repeated operands and operations of many operands, against other ways to know."""

import math
import random

import oracle
from hypothesis import assume, given
from hypothesis import strategies as st
from programs import agree, is_at_a_kink, magnitudes, programs

from tinygrad_edu import Value, dot, gradients
from tinygrad_edu import sum as total
from tinygrad_edu.calculus.linearization import Linearization
from tinygrad_edu.viz.graphs.expansion import expand


@given(programs())
def test_all_ways_to_the_gradient_agree(program):
    """backward, reverse mode, forward mode, the gradient as a graph, and the graph with every composite expanded."""
    leaves = [Value(x) for x in program.leaves]
    root = program.run(leaves)[-1]
    sizes = magnitudes(root, leaves)
    reverse = gradients(root, leaves)
    assert all(leaf.grad == 0.0 for leaf in leaves)
    root.backward()
    assert agree([leaf.grad for leaf in leaves], reverse, sizes, 1e-10)
    [forward] = Linearization([root], leaves).jacobian("forward")
    assert agree(forward, reverse, sizes, 1e-10)
    as_graph = gradients(root, leaves, create_graph=True)
    assert agree([derivative.data for derivative in as_graph], reverse, sizes, 1e-10)
    expanded, _ = expand(root)
    assert agree(gradients(expanded, leaves), reverse, magnitudes(expanded, leaves), 1e-10)


@given(programs(names=oracle.FUNCTIONS))
def test_gradients_agree_with_differences_in_high_precision(program):
    leaves = [Value(x) for x in program.leaves]
    root = program.run(leaves)[-1]

    def exact(*xs):
        return program.run(xs, oracle.FUNCTIONS)[-1]

    expected = [float(oracle.derivative(exact, program.leaves, i)) for i in range(len(leaves))]
    assert agree(gradients(root, leaves), expected, magnitudes(root, leaves), 1e-8)


def test_no_program_has_a_step_at_the_cut_of_arctan2():
    """Where it jumps, the difference quotient is 2π / h."""
    assert is_at_a_kink("arctan2", [0.0, -0.5])
    assert not is_at_a_kink("arctan2", [0.0, 0.5])
    assert not is_at_a_kink("arctan2", [0.5, -0.5])


@given(programs(size=30), st.data())
def test_second_derivatives_agree_forward_over_reverse_and_reverse_over_reverse(program, data):
    leaves = [Value(x) for x in program.leaves]
    root = program.run(leaves)[-1]
    direction = data.draw(st.lists(st.floats(-1, 1), min_size=len(leaves), max_size=len(leaves)))
    try:
        slopes = gradients(root, leaves, create_graph=True)
        at = Linearization(slopes, leaves)
        forward = at.push(direction)
        reverse = at.pull(direction)  # the Hessian is symmetric
    except (ArithmeticError, ValueError):
        assume(False)  # the second derivative is infinite somewhere
    again = gradients(total([s * d for s, d in zip(slopes, direction)]), leaves)
    sizes = magnitudes(total([s * d for s, d in zip(slopes, direction)]), leaves)
    assert agree(again, reverse, sizes, 1e-10)
    assert agree(forward, reverse, [sum(sizes) + 1e-3] * len(sizes), 1e-8)


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
