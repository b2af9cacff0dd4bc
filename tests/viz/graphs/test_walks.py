"""Walks of a recorded graph: local derivatives, order, what is out of date."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import ROWS, operands

from tinygrad_edu import Value, draw, explain, expression, topological_order
from tinygrad_edu import sum as total
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.viz.graphs import walks
from tinygrad_edu.viz.graphs.walks import bounded_order, outdated

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


# ---- the order of a graph that is small enough -----------------------------------------------------------------------


def test_a_small_graph_comes_in_order_and_a_larger_one_is_refused():
    x = Value(2.0)
    y = (x * x).exp()
    assert bounded_order(y, 3, "draw") == topological_order(y)
    with pytest.raises(ValueError, match="the graph has more than 2 values, too many to draw one by one"):
        bounded_order(y, 2, "draw")


def chain(length):
    x = Value(0.5)
    for _ in range(length):
        x = -x
    return x


@pytest.mark.parametrize(("show", "doing"), [(draw, "draw"), (explain, "explain"), (expression, "write out")])
def test_larger_graphs_and_other_things_are_not_shown(show, doing):
    with pytest.raises(ValueError, match=f"the graph has more than 500 values, too many to {doing} one by one"):
        show(chain(500))
    with pytest.raises(TypeError, match=rf"{doing} takes a Value .*, not float; gradients\(y, x, create_graph=True\)"):
        show(0.5)
    with pytest.raises(TypeError, match=rf"{doing} takes a Value .*, not list; {doing} one of them, or their sum"):
        show([Value(1.0)])


@pytest.mark.parametrize(
    "build", [lambda: chain(1_000_000), lambda: ops.sum_(*[Value(1.0) for _ in range(1_000_000)])], ids=["deep", "wide"]
)
def test_a_graph_of_a_million_values_is_refused_without_walking_it(build, monkeypatch):
    root = build()
    visits = []
    parents = Value.parents.fget
    monkeypatch.setattr(Value, "parents", property(lambda node: visits.append(node) or parents(node)))
    monkeypatch.setattr(walks, "topological_order", None)
    with pytest.raises(ValueError, match="more than 500"):
        bounded_order(root, 500, "draw")
    assert len(visits) <= 501


def test_a_value_used_a_million_times_is_refused_too():
    x = Value(1.0, label="x")
    y = total([x] * 1_000_000)
    with pytest.raises(ValueError, match="values are used more than 5000 times, too often to explain one by one"):
        bounded_order(y, 500, "explain")
    assert len(bounded_order(total([x] * 5000), 500, "explain")) == 2


def test_an_operation_with_chance_in_it_is_not_outdated(own_operation):
    numbers = iter(range(1, 100))
    own = own_operation("own", lambda x: x * next(numbers), lambda y, x: (y / x,))
    assert outdated(topological_order(own(Value(1.0)))) is None
