"""Walks of a recorded graph besides the backward pass: its derivative as a linear map, as numbers or as a graph, and
the paths through it.
"""

from __future__ import annotations

from heapq import nlargest

from tinygrad_edu import ops, structure
from tinygrad_edu.value import Constant, Value, record, recorded, sweep, sweep_lock, topological_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from tinygrad_edu.value import Operand


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
        raise TypeError(f"{doing} takes a Value that was computed from Values, not {type(root).__name__}")
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


def local_derivatives(node: Value) -> list[float]:
    """The derivatives of ``node`` with respect to each of its operands: what the rule of its operation gives.

    Raises:
        ZeroDivisionError, ValueError, OverflowError: where there is none; see ``Value.backward``.

    >>> x = Value(3.0)
    >>> local_derivatives(x * x)
    [3.0, 3.0]
    """
    if node.op is None:
        return []
    parents = node.parents
    try:
        locals_ = node.op.rule(node.data, *[parent.data for parent in parents])
    except (ArithmeticError, ValueError) as error:
        raise node.op.derivative_error(parents, error) from None
    node.op.check_rule(locals_, len(parents))
    return [float(local) for local in locals_]


def recorded_derivatives(node: Value) -> list[Operand]:
    """The same as a graph: what the rule gives when it is run on Values. What it leaves plain is constant.

    Raises:
        TypeError: if the rule works on numbers only.

    >>> x = Value(3.0, label="x")
    >>> y = x.sin()
    >>> [cosine] = recorded_derivatives(y)
    >>> cosine.op, cosine.parents[0] is x
    (<operation cos>, True)
    """
    op, parents = node.op, node.parents
    assert op is not None
    operands = [parent.data if type(parent) is Constant else parent for parent in parents]
    try:
        locals_ = recorded(op.rule, node, *operands)
    except (ArithmeticError, ValueError) as error:
        raise op.derivative_error(parents, error) from None
    except TypeError as error:
        raise TypeError(
            f"the rule of {op.name} works on numbers only, so its derivative has no graph. Write the rule with the "
            f"functions of tinygrad_edu, exp(x) rather than math.exp(x) ({error})"
        ) from error
    op.check_rule(locals_, len(parents))
    return [float(x) if isinstance(x, (int, float)) else x for x in locals_]


def runs_rule(node: Value, upstream: float) -> bool:
    """Whether ``backward`` asks for the local derivatives of ``node`` when ``upstream`` has arrived there: for lists of
    operands only if something has, so that a derivative which is undefined does not matter otherwise."""
    return node.op is not None and (upstream != 0 or type(node._first) is not tuple)


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
                now = float(node.op.forward(*[parent.data for parent in node.parents]))
            except (ArithmeticError, ValueError):
                return node
            if now != node.data and now == now == float(node.op.forward(*[parent.data for parent in node.parents])):
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


# ---- the derivative as a linear map ----------------------------------------------------------------------------------


class Linearization:
    """The derivative of ``outputs`` with respect to ``inputs``, where they are now: a linear map, never written out.

    It is a product of local derivatives, one factor for each operation between inputs and outputs. ``push`` multiplies
    them from the inputs on, which is forward mode; ``pull`` from the outputs back, which is reverse mode (Griewank and
    Walther, *Evaluating Derivatives*, 2nd ed., chapter 3).

    Args:
        outputs, inputs: Values of one graph. Inputs may be computed ones.
        create_graph: carry Values, so that the results are graphs too; otherwise numbers.

    Attributes:
        nodes: all that was computed from inputs on the way to outputs, in topological order.
        has_others: whether outputs were also made from other leaves than inputs and plain numbers.

    >>> x, y = Value(2.0), Value(3.0)
    >>> at = Linearization([x * y, x + y], [x, y])
    >>> at.push([1.0, 0.0])
    [3.0, 1.0]
    >>> at.pull([1.0, 0.0])
    [3.0, 2.0]
    """

    def __init__(self, outputs: Sequence[Value], inputs: Sequence[Value], create_graph: bool = False) -> None:
        self.outputs, self.inputs, self.create_graph = outputs, inputs, create_graph
        self.order = topological_order(*outputs)
        self.nodes: list[Value] = []
        self.has_others = False
        self._locals: dict[Value, Sequence[Operand]] = {}
        reached = set(inputs)
        for node in self.order:
            first, second = node._first, node._second
            if first is None:
                if type(node) is not Constant and node not in reached:
                    self.has_others = True
            elif type(first) is tuple:
                if not reached.isdisjoint(first) or (second and not reached.isdisjoint(second)):
                    reached.add(node)
                    self.nodes.append(node)
            elif first in reached or second in reached:
                reached.add(node)
                self.nodes.append(node)

    def locals(self, node: Value) -> Sequence[Operand]:
        """The local derivatives of ``node``, found once."""
        if node not in self._locals:
            self._locals[node] = recorded_derivatives(node) if self.create_graph else local_derivatives(node)
        return self._locals[node]

    def push(self, tangents: Sequence[Operand]) -> list[Operand]:
        """Forward mode: how the outputs change when the inputs change by ``tangents``; J v (jvp)."""
        return recorded(self._push, tangents)

    def _push(self, tangents: Sequence[Operand]) -> list[Operand]:
        moving: dict[Value, Operand] = {}
        for x, tangent in zip(self.inputs, tangents):
            moving[x] = _total([tangent], moving.get(x, 0.0))
        for node in self.nodes:
            terms = [(local, moving.get(parent, 0.0)) for parent, local in zip(node.parents, self.locals(node))]
            moving[node] = _total([_product(t, local) for local, t in terms], moving.get(node, 0.0))
        return [moving.get(output, 0.0) for output in self.outputs]

    def pull(self, cotangents: Sequence[Operand]) -> list[Operand]:
        """Reverse mode: how the sum of outputs times ``cotangents`` changes with each input; vᵀ J (vjp)."""
        return recorded(self._pull, cotangents) if self.create_graph else self._pull_numbers(cotangents)

    def _pull_numbers(self, cotangents: Sequence[Any]) -> list[Operand]:
        with sweep_lock:
            try:
                for output, cotangent in zip(self.outputs, cotangents):
                    output._adjoint += cotangent
                sweep(self.nodes)
                return [x._adjoint for x in self.inputs]
            finally:
                for node in self.order:
                    node._adjoint = 0.0

    def _pull(self, cotangents: Sequence[Operand]) -> list[Operand]:
        arriving: dict[Value, list[Operand]] = {node: [] for node in (*self.inputs, *self.nodes)}
        for output, cotangent in zip(self.outputs, cotangents):
            arriving.get(output, []).append(cotangent)
        for node in reversed(self.nodes):
            upstream = _total(arriving[node])
            arriving[node] = [upstream]
            if _is_zero(upstream):
                continue
            for parent, local in zip(node.parents, self.locals(node)):
                if parent in arriving:
                    arriving[parent].append(_product(upstream, local))
        return [_total(arriving[x]) for x in self.inputs]


def _is_zero(x: Operand) -> bool:
    """Whether ``x`` is a plain 0, which stays 0 however the inputs change."""
    return type(x) is float and x == 0


def _product(upstream: Operand, local: Operand) -> Operand:
    """The product, without recording multiplications by a plain 0, 1 or -1. Nothing flows where nothing arrives, even
    where a local derivative is not finite, as in ``backward``.
    """
    if _is_zero(upstream) or type(upstream) is type(local) is float:
        return upstream and upstream * local
    for factor, other in ((upstream, local), (local, upstream)):
        if not isinstance(factor, Value) and factor in (0.0, 1.0, -1.0):
            return 0.0 if factor == 0 else other if factor == 1 else -other
    return upstream * local


def _total(terms: Sequence[Operand], start: Operand = 0.0) -> Operand:
    """The sum, without recording additions of a plain 0."""
    terms = [term for term in (start, *terms) if not _is_zero(term)]
    if len(terms) <= 2:
        return 0.0 if not terms else terms[0] if len(terms) == 1 else terms[0] + terms[1]
    return ops.sum_(*terms)


def gradients(output: Value, inputs: Any, create_graph: bool = False) -> Any:
    """The derivatives of a Value with respect to Values that it was made from; touches no ``grad``.

    Args:
        output: the result of a recorded computation.
        inputs: a Value, or a list, tuple or dict of Values; leaves or computed ones.
        create_graph: give Values that remember how they were computed, to be differentiated again, drawn and explained.

    Returns:
        a number, or a Value with ``create_graph``, for each input, in the structure of ``inputs``; 0 for one that
        ``output`` was not made from.

    Raises:
        TypeError: if ``output`` or an input is not a Value, or, with ``create_graph``, a rule works on numbers only.
        ZeroDivisionError, ValueError, OverflowError: where a derivative is infinite or undefined; see
            ``Value.backward``.

    >>> x = Value(0.5, label="x")
    >>> y = x.tanh()
    >>> gradients(y, x)
    0.7864477329659274
    >>> slope = gradients(y, x, create_graph=True)    # 1 - y * y
    >>> slope.op, round(gradients(slope, x), 12)
    (<operation subtract>, -0.726861981384)
    """
    if not isinstance(output, Value):
        raise TypeError(f"gradients are those of a Value, not of a {type(output).__name__}")
    leaves = list(structure.leaves(inputs, "inputs"))
    for path, leaf in leaves:
        if not isinstance(leaf, Value):
            raise TypeError(f"gradients are with respect to Values; {path} is a {type(leaf).__name__}")
    at = Linearization([output], [leaf for _, leaf in leaves], create_graph)
    found = at.pull([1.0])
    return structure.rebuilt(inputs, as_values(found, at.order) if create_graph else found)


def as_values(found: Sequence[Operand], order: Sequence[Value]) -> list[Value]:
    """Each as a Value of its own: one that is part of ``order`` already, such as the x that is the derivative of w * x
    by w, is taken over into a new one, so that it can have a label of its own."""
    old = set(order)
    values = [x if isinstance(x, Value) else Constant(x) for x in found]
    return [record(ops.positive, x.data, x) if x in old else x for x in values]


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


# ---- a check by differences ------------------------------------------------------------------------------------------


def response(order: Sequence[Value], node: Value) -> tuple[Callable[[float], float], float]:
    """The last Value of ``order`` as a function of the number in ``node``, and the largest number on the way to it.

    >>> x = Value(3.0)
    >>> function, largest = response(topological_order(x * x), x)
    >>> function(4.0), largest
    (16.0, 9.0)
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
            numbers[other] = op.forward(*[numbers.get(parent, parent.data) for parent in parents])
        return numbers.get(order[-1], order[-1].data)

    return respond, max((abs(other.data) for other, *_ in program), default=0.0)
