"""Walks of a recorded graph: local derivatives, paths."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import ROWS, STEPS, graphs, operands

from tinygrad_edu import Value, topological_order
from tinygrad_edu import sum as total
from tinygrad_edu.calculus.differences import Probe
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.operation import BUILT_IN, TABLE
from tinygrad_edu.viz.graphs import walks as graph
from tinygrad_edu.viz.graphs.expansion import expand
from tinygrad_edu.viz.graphs.walks import (
    bounded_order,
    count_paths,
    largest_paths,
    local_derivatives,
    response,
    runs_rule,
)

SMOOTH = [TABLE[name] for name in sorted(BUILT_IN - STEPS - {"maximum", "minimum", "amax"})]


def operations(root):
    return [node.op.name for node in topological_order(root) if node.op]


# ---- local derivatives -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@given(data=st.data())
def test_local_derivatives_are_what_backward_gives_the_operands(row, data):
    values = [Value(x) for x in data.draw(operands(row))]
    node = row(*values)
    node.backward()
    assert local_derivatives(node) == [value.grad for value in values]


def test_a_leaf_has_no_local_derivatives():
    assert local_derivatives(Value(1.0)) == []


@pytest.mark.parametrize("f", [lambda x: x.sqrt(), lambda x: abs(x) ** 0.5, lambda x: ops.hypot(x, x)])
def test_where_there_is_none_the_error_is_that_of_backward(f):
    node = f(Value(0.0, label="x"))
    with pytest.raises(ZeroDivisionError) as expected:
        node.backward()
    with pytest.raises(ZeroDivisionError) as error:
        local_derivatives(node)
    assert str(error.value) == str(expected.value)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_it_is_known_which_rules_backward_runs_where_nothing_arrives(own_operation, count):
    calls = []
    own = own_operation("own", lambda *xs: 0.0, lambda y, *xs: calls.append(1) or (0.0,) * len(xs))
    for node in (own(*[Value(1.0) for _ in range(count)]), ops.linear(*[Value(1.0)] * (2 * count + 1)), Value(1.0)):
        del calls[:]
        (node * 0.0).backward()
        assert runs_rule(node, 1.0) is runs_rule(node, math.nan) is (node.op is not None)
        if node.op is own:
            assert runs_rule(node, 0.0) is bool(calls)


# ---- the order of a graph that is small enough -----------------------------------------------------------------------


def test_a_small_graph_comes_in_order_and_a_larger_one_is_refused():
    x = Value(2.0)
    y = (x * x).exp()
    assert bounded_order(y, 3, "draw") == topological_order(y)
    with pytest.raises(ValueError, match="the graph has more than 2 values, too many to draw one by one"):
        bounded_order(y, 2, "draw")
    with pytest.raises(TypeError, match="draw takes a Value that was computed from Values, not float"):
        bounded_order(2.0, 2, "draw")


def chain(length):
    x = Value(0.5)
    for _ in range(length):
        x = -x
    return x


@pytest.mark.parametrize(
    "build", [lambda: chain(1_000_000), lambda: ops.sum_(*[Value(1.0) for _ in range(1_000_000)])], ids=["deep", "wide"]
)
def test_a_graph_of_a_million_values_is_refused_without_walking_it(build, monkeypatch):
    root = build()
    visits = []
    parents = Value.parents.fget
    monkeypatch.setattr(Value, "parents", property(lambda node: visits.append(node) or parents(node)))
    monkeypatch.setattr(graph, "topological_order", None)
    with pytest.raises(ValueError, match="more than 500"):
        bounded_order(root, 500, "draw")
    assert len(visits) <= 501


def test_no_walk_recurses():
    root = chain(20_000).sigmoid()
    leaf = topological_order(root)[0]
    root.backward()
    assert len(bounded_order(root, 30_000, "draw")) == 20_002
    assert count_paths(root, leaf) == 1
    [path] = largest_paths(root, leaf, 5)
    assert len(path.edges) == 20_001
    assert path.product == leaf.grad
    node = topological_order(root)[-100]
    slope, error, _ = Probe(response(topological_order(root), node), node.data).central()
    assert abs(slope) == pytest.approx(abs(leaf.grad), abs=2 * error + 1e-9)
    assert operations(expand(root)[0])[-4:] == ["negative", "exp", "add", "divide"]


# ---- paths -----------------------------------------------------------------------------------------------------------


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
    assert {tuple(path.edges) for path in found} == {edges for edges, _ in expected}
    assert len(found) == len(expected)
    products = dict(expected)
    for path in found:
        assert path.product == pytest.approx(products[tuple(path.edges)], rel=1e-9)
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
    assert [(path.edges, path.product) for path in largest_paths(y, y, 5)] == [([], 1.0)]
    assert count_paths(x, y) == 0
    assert largest_paths(x, y, 5) == []


def test_a_value_used_a_million_times_is_refused_too():
    x = Value(1.0, label="x")
    y = total([x] * 1_000_000)
    with pytest.raises(ValueError, match="values are used more than 5000 times, too often to explain one by one"):
        bounded_order(y, 500, "explain")
    assert len(bounded_order(total([x] * 5000), 500, "explain")) == 2


def test_an_operation_with_chance_in_it_is_not_outdated(own_operation):
    numbers = iter(range(1, 100))
    own = own_operation("own", lambda x: x * next(numbers), lambda y, x: (y / x,))
    assert graph.outdated(topological_order(own(Value(1.0)))) is None
