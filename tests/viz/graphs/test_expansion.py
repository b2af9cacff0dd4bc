"""Expansion: composites written out as what they are defined as."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import COMPOSITES, graphs, operands

from tinygrad_edu import Value, no_grad, topological_order
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.value import Constant
from tinygrad_edu.viz.graphs.expansion import expand


def operations(root):
    return [node.op.name for node in topological_order(root) if node.op]


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
    assert operations(expand(Value(2.0).relu())[0]) == ["greater", "multiply"]  # equal to its operand, yet another


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


def test_a_deep_graph_is_expanded_without_recursion():
    x = Value(0.5)
    for _ in range(20_000):
        x = -x
    assert operations(expand(x.sigmoid())[0])[-4:] == ["negative", "exp", "add", "divide"]


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


def test_a_definition_that_leads_back_to_itself_is_refused(own_operation):
    own = own_operation("own", lambda x: x, lambda y, x: (1.0,), definition=lambda x: own(x) * 1)
    with pytest.raises(ValueError, match="more than 500 values, too many to open"):
        expand(own(Value(2.0)), 500)
