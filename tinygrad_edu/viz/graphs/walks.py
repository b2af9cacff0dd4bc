"""Walks of a recorded graph besides the backward pass: local derivatives, paths, what a changed number does."""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING

from tinygrad_edu.engine.backward import local_derivatives, topological_order
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


MANY_USES = 10  # times as many as there may be values


def bounded_order(root: Value, max_nodes: int, doing: str) -> list[Value]:
    """The topological order of a graph that is small enough to look at.

    Raises:
        TypeError: if ``root`` is not a Value.
        ValueError: if there are more than ``max_nodes``; it takes no longer to find out than to see that many.

    >>> len(bounded_order(Value(2.0) + 1, 500, "draw"))
    3
    """
    if not isinstance(root, Value):
        hint = "; gradients(y, x, create_graph=True) gives Values" * isinstance(root, float)
        raise TypeError(f"{doing} takes a Value that was computed from Values, not {type(root).__name__}{hint}")
    seen, uses = {root}, 0
    stack = [root]
    while stack and len(seen) <= max_nodes and uses <= MANY_USES * max_nodes:
        parents = stack.pop().parents
        uses += len(parents)
        stack += set(parents) - seen
        seen.update(parents)
    if len(seen) > max_nodes:
        raise ValueError(f"the graph has more than {max_nodes} values, too many to {doing} one by one")
    if uses > MANY_USES * max_nodes:
        raise ValueError(f"values are used more than {MANY_USES * max_nodes} times, too often to {doing} one by one")
    return topological_order(root)


def outdated(order: Sequence[Value]) -> Value | None:
    """The first Value whose number is no longer what its operation gives: ``data`` was set after it was computed.

    >>> x = Value(2.0)
    >>> y = x * x
    >>> x.data = 5.0
    >>> outdated(topological_order(y)) is y
    True
    """
    for node in order:
        if node.op is not None:
            try:
                now = float(node.op.forward(*[parent._data for parent in node.parents]))
            except (ArithmeticError, ValueError):
                return node
            if now != node._data and now == now == float(node.op.forward(*[parent._data for parent in node.parents])):
                return node  # and not an operation that gives another number each time, such as a dropout
    return None


def total_span(order: Sequence[Value]) -> int:
    """How many levels all arrows of a drawing cross together, when every Value stands behind all that it is made from
    and every leaf just before its first use: what Graphviz has to route.

    >>> x = Value(2.0)
    >>> y = x * x
    >>> total_span(topological_order(y * y * x))
    8
    """
    level: dict[Value, int] = {}
    for node in order:
        level[node] = 1 + max((level[parent] for parent in node.parents), default=-1)
    start = {node: level[node] for node in order if node.op}
    for node in order:
        for parent in node.parents:
            start[parent] = min(start.get(parent, level[node] - 1), level[node] - 1)
    return sum(level[node] - start[parent] for node in order for parent in node.parents)


# ---- paths -----------------------------------------------------------------------------------------------------------


class Path:
    """One way from an output down to a node.

    Attributes:
        edges: the steps, from the output on: (node, index of one of its operands).
        product: of the local derivatives along them.
    """

    def __init__(self, edges: list[tuple[Value, int]], product: float) -> None:
        self.edges = edges
        self.product = product


def count_paths(root: Value, target: Value) -> int:
    """How many ways lead from ``root`` down to ``target``; two from ``x * x`` to ``x``.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> count_paths(y * y, x)
    4
    """
    order = topological_order(root)
    counts = dict.fromkeys(order, 0)
    counts[root] = 1
    for node in reversed(order):
        for parent in node.parents:
            counts[parent] += counts[node]
    return counts.get(target, 0)


def largest_paths(root: Value, target: Value, limit: int) -> list[Path]:
    """The paths from ``root`` to ``target`` with the largest products, at most ``limit``, in the order in which
    ``backward`` meets them.

    >>> x = Value(3.0)
    >>> [path.product for path in largest_paths(x * x, x, limit=5)]
    [3.0, 3.0]
    """
    order = topological_order(root)
    leading = {target}
    for node in order:
        if not leading.isdisjoint(node.parents):
            leading.add(node)
    # At each node the largest products so far, each with the step that came last, linked to those before.
    begun: dict[Value, list[tuple[float, tuple[object, ...]]]] = {node: [] for node in leading}
    begun[root] = [(1.0, ())]
    for node in reversed(order):
        if node is target or not begun.get(node):
            continue
        begun[node] = _largest(limit, begun[node])
        for index, (parent, local) in enumerate(zip(node.parents, local_derivatives(node))):
            if parent in leading:
                begun[parent] += [(product * local, (steps, node, index)) for product, steps in begun[node]]
    return [Path(_unlink(steps), product) for product, steps in _largest(limit, begun.get(target, []))]


def _largest(limit: int, paths: list[tuple[float, tuple[object, ...]]]) -> list[tuple[float, tuple[object, ...]]]:
    """Those with the largest products, in the order in which they came."""
    chosen = {id(path) for path in nlargest(limit, paths, key=lambda path: _size(path[0]))}
    return [path for path in paths if id(path) in chosen]


def _size(product: float) -> float:
    return abs(product) if product == product else float("inf")


def _unlink(steps: tuple[Any, ...]) -> list[tuple[Value, int]]:
    edges = []
    while steps:
        steps, node, index = steps
        edges.append((node, index))
    return edges[::-1]


# ---- what a changed number does --------------------------------------------------------------------------------------


def response(order: Sequence[Value], node: Value) -> Callable[[float], float]:
    """The last Value of ``order`` as a function of the number in ``node``.

    >>> x = Value(3.0)
    >>> response(topological_order(x * x), x)(4.0)
    16.0
    """
    changed, program = {node}, []
    for other in order:
        op = other.op
        if op is not None and not changed.isdisjoint(other.parents) and other is not node:
            changed.add(other)
            program.append((other, op, other.parents))

    def respond(x: float) -> float:
        numbers = {node: x}
        for other, op, parents in program:
            numbers[other] = op.forward(*[numbers.get(parent, parent._data) for parent in parents])
        return numbers.get(order[-1], order[-1]._data)

    return respond
