"""Walks of a recorded graph: expansion, paths, and the check by differences."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import COMPOSITES, ROWS, graphs, operands

from tinygrad_edu import Value, graph, no_grad, ops, topological_order
from tinygrad_edu import sum as total
from tinygrad_edu.graph import (
    bounded_order,
    count_paths,
    difference_quotient,
    expand,
    largest_paths,
    local_derivatives,
    runs_rule,
)
from tinygrad_edu.operation import BUILT_IN, TABLE
from tinygrad_edu.value import Constant

SMOOTH = [TABLE[name] for name in sorted(BUILT_IN - {"sign", "heaviside", "maximum", "minimum"})]


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
    slope, error = difference_quotient(topological_order(root), topological_order(root)[-100])
    assert abs(slope) == pytest.approx(abs(leaf.grad), abs=2 * error + 1e-9)
    assert operations(expand(root)[0])[-4:] == ["negative", "exp", "add", "divide"]


# ---- expansion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", COMPOSITES, ids=lambda row: row.name)
@given(data=st.data())
def test_every_composite_opens_into_primitives_of_the_same_value_and_gradient(row, data):
    leaves = [Value(x, label=f"x{i}") for i, x in enumerate(data.draw(operands(row)))]
    root = row(*leaves) * 3 + leaves[0]
    for _ in range(2):
        root.backward()
    twin, _ = expand(root)
    order = topological_order(twin)
    left = {(node.op.name, len(node.parents)) for node in order if node.op and node.op.definition}
    assert left <= {("sum", 1)}  # which would be nothing at all
    assert twin.data == root.data
    for node in order:
        if node.op:
            assert node.data == pytest.approx(node.op.forward(*[p.data for p in node.parents]), rel=1e-9, abs=1e-9)
    assert {node for node in order if node.label} == set(leaves) & set(topological_order(root))
    shown = {node: node.grad for node in order if node.op or node.label}
    twin.zero_grad()
    for _ in range(2):
        twin.backward()
    for node, grad in shown.items():
        assert grad == pytest.approx(node.grad, rel=1e-7, abs=1e-7)


def without_grad(node):
    return (node.data, node.label, node.op, tuple(map(id, node.parents)))


@given(graphs())
def test_an_expanded_graph_keeps_the_numbers_and_leaves_the_old_one_alone(nodes):
    root = nodes[-1]
    before = [(*without_grad(node), node.grad) for node in nodes]
    twin, origin = expand(root)
    assert [(*without_grad(node), node.grad) for node in nodes] == before
    assert twin.data == root.data
    assert set(origin.values()) <= set(topological_order(root))
    for leaf in topological_order(twin):
        assert leaf.op is not None or leaf in set(nodes) or isinstance(leaf, Constant)


def test_labels_and_shared_nodes_stay():
    x = Value(0.5, label="x")
    s = x.sigmoid()
    s.label = "s"
    twin, origin = expand(s * s)
    [divide] = [node for node in topological_order(twin) if node.label == "s"]
    assert divide.op is ops.divide
    assert twin.parents == (divide, divide)
    assert origin[divide] is s
    assert {origin[node].label for node in topological_order(twin)} == {"x", "s", ""}


def test_definitions_are_opened_all_the_way_down():
    x = Value(0.3, label="x")
    assert operations(expand(x.silu())[0]) == ["negative", "exp", "add", "divide", "multiply"]
    assert operations(expand(ops.linear(x, x, x))[0]) == ["multiply", "add"]
    assert operations(expand(Value(2.0).relu())[0]) == ["heaviside", "multiply"]  # equal to its operand, yet another


def test_a_graph_of_primitives_is_itself():
    x = Value(0.5)
    for root in (x, x * x + 1):
        assert expand(root) == (root, {})
        assert expand(root)[0] is root


def test_numbers_stay_as_recorded_even_where_a_definition_is_less_precise():
    x = Value(1e-20)
    root = 1 / x.log1p()  # log(1 + 1e-20) would be 0
    assert [node.data for node in topological_order(expand(root)[0]) if node.op] == [1.0, 1e-20, 1e20]
    x.data = -5.0  # as an optimizer may have done
    assert expand(root)[0].data == 1e20


def test_inner_grads_hold_what_came_from_every_root():
    x = Value(0.5)
    s = x.sigmoid()
    one, other = s * 2, s * 5
    one.backward()
    other.backward()
    twin, _ = expand(one)
    shown = {node.op.name: node.grad for node in topological_order(twin) if node.op}
    e = math.exp(-0.5)
    assert shown["exp"] == pytest.approx(-7 / (1 + e) ** 2)
    assert shown["negative"] == pytest.approx(-7 * e / (1 + e) ** 2)
    assert shown["divide"] == 7.0


def test_expansion_is_recorded_inside_no_grad():
    s = Value(0.5).sigmoid()
    with no_grad():
        assert operations(expand(s)[0]) == ["negative", "exp", "add", "divide"]


def test_a_composite_whose_definition_fails_stays():
    x = Value(-800.0)
    root = (x.sigmoid() * 2).tanh()
    root.backward()
    twin, _ = expand(root)
    assert operations(twin)[:2] == ["sigmoid", "multiply"]
    assert not {"tanh"} & set(operations(twin))
    assert twin.data == root.data


@pytest.mark.parametrize(
    "definition", [lambda x: x, lambda x: 2.0, lambda x: ops.log(x - 1e6), lambda x: ops.exp(x * 1e6)]
)
def test_a_definition_that_gives_nothing_new_or_fails_leaves_the_node(own_operation, definition):
    own = own_operation("own", lambda x: x, lambda y, x: (1.0,), definition=definition)
    root = own(Value(2.0)) * 3
    assert operations(expand(root)[0]) == ["own", "multiply"]


def test_a_composite_of_ones_own_opens(own_operation):
    own = own_operation(
        "cube", lambda x: x**3, lambda y, x: (3 * x * x,), definition=lambda x: ops.dot(x, x, x, x) * x / 2
    )
    x = Value(2.0)
    root = own(x)
    root.backward()
    twin, origin = expand(root)
    assert operations(twin) == ["multiply", "multiply", "add", "multiply", "divide"]
    assert set(origin.values()) == {x, root}
    assert [node.grad for node in topological_order(twin) if node.op] == [1.0, 1.0, 1.0, 0.5, 1.0]


def test_parts_without_a_derivative_have_an_undefined_grad(own_operation):
    own = own_operation("size", abs, lambda y, x: (ops.sign(x),), definition=lambda x: ops.sqrt(x * x))
    root = own(Value(0.0))
    root.backward()
    twin, _ = expand(root)
    square, root_of_it = topological_order(twin)[1:]
    assert math.isnan(square.grad)
    assert root_of_it.grad == 1.0


def test_a_value_that_a_definition_brings_along_keeps_its_grad(own_operation):
    scale = Value(3.0)
    own = own_operation("scaled", lambda x: 3 * x, lambda y, x: (3.0,), definition=lambda x: x * scale)
    root = own(Value(2.0))
    root.backward()
    expand(root)
    assert scale.grad == 0.0


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


# ---- the check by differences ----------------------------------------------------------------------------------------


def quotient(f, x):
    value = Value(x)
    return difference_quotient(topological_order(f(value)), value)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@given(data=st.data())
def test_differences_agree_with_the_rule_and_know_how_well(row, data):
    values = [Value(x) for x in data.draw(operands(row))]
    node = row(*values)
    node.backward()
    for value in values:
        slope, error = difference_quotient(topological_order(node), value)
        assert abs(slope - value.grad) <= 3 * error + 1e-9
        assert error <= 1e-6 * (1 + abs(value.grad) + abs(node.data))


@given(graphs(SMOOTH, size=6, biggest=10))
def test_differences_reach_every_node_of_a_graph(nodes):
    root = nodes[-1]
    try:
        root.backward()
    except ArithmeticError:
        assume(False)
    order = topological_order(root)
    # Where larger ones cancel, as in x / expm1(x) close to 0, it is the grad that is rounding.
    assume(all(abs(local) < 1e6 for node in order for local in local_derivatives(node)))
    for node in order:
        slope, error = difference_quotient(order, node)
        if error < 1e-3 * (1 + abs(slope)):
            assert slope == pytest.approx(node.grad, rel=1e-2, abs=1e-2 + 3 * error)
    assert difference_quotient(order, root)[0] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (ops.relu, 0.0),
        (abs, 0.0),
        (lambda x: ops.maximum(x, 2.0), 2.0),
        (lambda x: ops.minimum(x, -x), 0.0),
        (lambda x: x.heaviside(0.5), 0.0),
        (lambda x: ops.relu(x) * 1e-9, 0.0),
    ],
)
def test_at_a_kink_the_error_is_of_the_size_of_the_slopes(f, x):
    slope, error = quotient(f, x)
    value = Value(x)
    f(value).backward()
    assert abs(slope - value.grad) <= error
    assert error >= abs(slope)
    assert error > 0


@pytest.mark.parametrize("x", [1e-12, -1e-12, 1e-3, 0.01])
def test_close_to_a_kink_the_steps_are_short_enough(x):
    for f, expected in ((ops.relu, float(x > 0)), (abs, math.copysign(1.0, x))):
        slope, error = quotient(f, x)
        assert slope == pytest.approx(expected, abs=1e-9)
        assert error < 1e-6


@pytest.mark.parametrize("f", [ops.sqrt, lambda x: ops.arcsin(x + 1), lambda x: ops.arccosh(1 + x), lambda x: x**0.5])
def test_at_the_edge_of_a_domain_nothing_is_known(f):
    assert all(map(math.isnan, quotient(f, 0.0)))


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (ops.log, 1e-300, 1e300),
        (ops.exp, 700.0, math.exp(700)),
        (ops.exp, -700.0, math.exp(-700)),
        (lambda x: 1 / x, 1e-3, -1e6),
        (lambda x: x * x, 1e150, 2e150),
        (lambda x: x * 1e-30, 1.0, 1e-30),
        (lambda x: x / 2, 1.79e308, 0.5),
        (lambda x: ops.sin(x * 1e6), 1.0, 1e6 * math.cos(1e6)),
        (ops.sqrt, 1e-12, 5e5),
        (ops.arccosh, 1 + 1e-9, 1 / math.sqrt(2e-9)),
    ],
)
def test_steps_suit_huge_and_tiny_numbers(f, x, expected):
    slope, error = quotient(f, x)
    assert slope == pytest.approx(expected, rel=1e-5)
    assert error < 1e-3 * abs(expected)


def test_what_rounding_hides_is_not_claimed_to_be_known():
    slope, error = quotient(lambda x: x + 1e16, 1.0)
    assert abs(slope - 1.0) <= error


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_have_no_quotient(x):
    assert all(map(math.isnan, quotient(lambda x: x * x, x)))


def test_a_value_that_does_not_matter_has_the_slope_zero():
    x, y = Value(1.0), Value(2.0)
    assert difference_quotient(topological_order(x * y), Value(3.0))[0] == 0.0
    slope, error = quotient(lambda x: ops.relu(x - 5) * 3, 1.0)
    assert slope == 0.0
    assert error < 1e-9


def test_a_value_used_a_million_times_is_refused_too():
    x = Value(1.0, label="x")
    y = total([x] * 1_000_000)
    with pytest.raises(ValueError, match="values are used more than 5000 times, too often to explain one by one"):
        bounded_order(y, 500, "explain")
    assert len(bounded_order(total([x] * 5000), 500, "explain")) == 2


def test_a_definition_that_leads_back_to_itself_is_refused(own_operation):
    own = own_operation("own", lambda x: x, lambda y, x: (1.0,), definition=lambda x: own(x) * 1)
    with pytest.raises(ValueError, match="more than 500 values, too many to open"):
        graph.expand(own(Value(2.0)), 500)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ops.exp(-((x * 0.02) ** 2)) - 1,
        lambda x: ops.tanh(1000 * x),
        lambda x: ops.log(ops.sigmoid(x * 200 + 0.5)),
    ],
)
def test_a_right_gradient_is_never_called_wrong(f):
    for i in range(1, 60):
        x = Value(i / 600)
        y = f(x)
        y.backward()
        slope, error = difference_quotient(topological_order(y), x)
        assert abs(slope - x.grad) <= 1e-5 * abs(x.grad) + 10 * error + 1e-9


def test_an_operation_with_chance_in_it_is_not_outdated(own_operation):
    numbers = iter(range(1, 100))
    own = own_operation("own", lambda x: x * next(numbers), lambda y, x: (y / x,))
    assert graph.outdated(topological_order(own(Value(1.0)))) is None
