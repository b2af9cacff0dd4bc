"""Paths through a graph: their number, and those with the largest products."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import STEPS, graphs

from tinygrad_edu import Value, topological_order
from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.operation import BUILT_IN, TABLE
from tinygrad_edu.viz.explaining.paths import count_paths, largest_paths

SMOOTH = [TABLE[name] for name in sorted(BUILT_IN - STEPS - {"maximum", "minimum", "amax"})]


def every_path(node, target):
    """All paths, by plain recursion."""
    if node is target:
        return [((), 1.0)]
    return [
        (((node, index), *rest), local * product)
        for index, (parent, local) in enumerate(zip(node.parents, local_derivatives(node)))
        for rest, product in every_path(parent, target)
    ]


@st.composite
def graphs_with_paths(draw):
    """The nodes of a graph that has a derivative everywhere and paths that can be listed."""
    nodes = draw(graphs(SMOOTH, size=7))
    try:
        nodes[-1].backward()
        for node in nodes:
            local_derivatives(node)  # backward asks for none where nothing arrives
    except (ArithmeticError, ValueError):
        assume(False)
    assume(all(math.isfinite(node.grad) and count_paths(nodes[-1], node) <= 2000 for node in nodes))
    return nodes


@given(graphs_with_paths(), st.data())
def test_paths_are_counted_and_found_as_enumeration_does(nodes, data):
    root, target = nodes[-1], data.draw(st.sampled_from(nodes))
    expected = every_path(root, target)
    assert count_paths(root, target) == len(expected)
    found = largest_paths(root, target, limit=2000)
    assert {path.edges for path in found} == {edges for edges, _ in expected}
    assert len(found) == len(expected)
    products = dict(expected)
    for path in found:
        assert path.product == pytest.approx(products[path.edges], rel=1e-9)
    scale = max([1.0, *(abs(path.product) for path in found)])
    assert sum(path.product for path in found) == pytest.approx(target.grad, rel=1e-9, abs=1e-9 * scale)


@given(graphs_with_paths(), st.integers(1, 6))
def test_the_largest_are_chosen(nodes, limit):
    root, target = nodes[-1], nodes[0]
    sizes = sorted((abs(product) for _, product in every_path(root, target)), reverse=True)
    found = [abs(path.product) for path in largest_paths(root, target, limit)]
    assert sorted(found, reverse=True) == pytest.approx(sizes[:limit], rel=1e-9)


@given(graphs_with_paths(), st.integers(1, 30))
def test_paths_come_in_the_order_of_backward(nodes, limit):
    root, target = nodes[-1], nodes[0]
    turn = {node: i for i, node in enumerate(reversed(topological_order(root)))}
    steps = [
        [(turn[node], index) for node, index in reversed(path.edges)] for path in largest_paths(root, target, limit)
    ]
    assert steps == sorted(steps)


def test_numbers_of_paths_that_no_one_could_list_are_counted_at_once():
    x = Value(1.0)
    y = x
    for _ in range(400):
        y = y * y
    assert count_paths(y, x) == 2**400
    found = largest_paths(y, x, limit=20)
    assert len(found) == 20
    assert len({tuple(index for _, index in path.edges) for path in found}) == 20
    assert {len(path.edges) for path in found} == {400}


def test_paths_that_are_infinite_or_undefined_count_as_the_largest():
    x = Value(1.0)
    y = x * math.nan + x * 2 + x * math.inf + x * 3
    products = [path.product for path in largest_paths(y, x, limit=3)]
    assert [p for p in products if math.isfinite(p)] == [3.0]


def test_a_node_is_on_one_path_to_itself_and_on_none_to_strangers():
    x = Value(2.0)
    y = x * x
    assert count_paths(y, y) == 1
    assert [(path.edges, path.product) for path in largest_paths(y, y, 5)] == [((), 1.0)]
    assert count_paths(x, y) == 0
    assert largest_paths(x, y, 5) == []


def test_a_long_path_is_followed_without_recursion():
    x = y = Value(0.5)
    for _ in range(2000):
        y = -y
    y.backward()
    assert count_paths(y, x) == 1
    [path] = largest_paths(y, x, 5)
    assert len(path.edges) == 2000
    assert path.product == x.grad
