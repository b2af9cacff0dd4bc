"""Walks of a recorded graph besides the backward pass: local derivatives, paths, expansion, a check by differences."""

from __future__ import annotations

from contextvars import Context
from heapq import nlargest

from tinygrad_edu.value import Value, record, topological_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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


# ---- expansion -------------------------------------------------------------------------------------------------------


def expand(root: Value, max_nodes: int = 1_000_000) -> tuple[Value, dict[Value, Value]]:
    """The graph with every composite written out as what it is defined as, down to primitives.

    Leaves stay the same Values, and what was recorded keeps its numbers: only the parts of composites are computed. A
    composite whose definition fails at these numbers (the exp(800) in sigmoid(-800)) stays as it is. Returns the new
    root, and for each new node the node of the old graph that it is a part of.

    Raises:
        ValueError: if more than ``max_nodes`` come of it, as of a definition that leads back to itself.

    >>> from tinygrad_edu.ops import sigmoid
    >>> x = Value(0.0, label="x")
    >>> root, _ = expand(sigmoid(x))
    >>> [node.op.name for node in topological_order(root) if node.op]
    ['negative', 'exp', 'add', 'divide']
    """
    return Context().run(_expand, root, max_nodes)  # a fresh context: recorded even inside no_grad


def _expand(root: Value, max_nodes: int) -> tuple[Value, dict[Value, Value]]:
    origin: dict[Value, Value] = {}
    fixed: set[Value] = set()  # composites that cannot be opened
    order = topological_order(root)
    while any(node.op and node.op.definition and node not in fixed for node in order):
        images: dict[Value, Value] = {}
        known: set[Value] = set()
        for node in order:
            images[node] = image = _image(node, images, fixed)
            for made in _new_nodes(image, known):
                origin[made] = origin.get(node, node)
            if image is not node:
                image.label, image.data, image.grad = node.label, node.data, node.grad
        root = images[root]
        order = bounded_order(root, max_nodes, "open")
        _fill_in_grads(root, set(images.values()))
    return root, origin


def _image(node: Value, images: Mapping[Value, Value], fixed: set[Value]) -> Value:
    op = node.op
    if op is None:
        return node
    operands = [images[parent] for parent in node.parents]
    if op.definition and node not in fixed:
        try:
            image = op.definition(*operands)
            if isinstance(image, Value) and not any(image is operand for operand in operands):
                return image
        except (ArithmeticError, ValueError):
            pass
    image = record(op, node.data, tuple(operands))
    if op.definition:
        fixed.add(image)
    return image


def _new_nodes(image: Value, known: set[Value]) -> list[Value]:
    """What ``image`` was made from that is not yet among ``known``, itself included; now it is."""
    found, stack = [], [image]
    while stack:
        node = stack.pop()
        if node not in known:
            known.add(node)
            found.append(node)
            stack += node.parents
    return found


def _fill_in_grads(root: Value, given: set[Value]) -> None:
    """Give nodes that are not ``given`` the grads that follow from those of the nodes made from them.

    Where a part has no derivative, although the whole has one, they are NaN. Leaves keep theirs.
    """
    for node in reversed(topological_order(root)):
        inner = [parent not in given and parent.op is not None for parent in node.parents]
        if node.grad == 0 or not any(inner):
            continue
        try:
            locals_ = local_derivatives(node)
        except (ArithmeticError, ValueError):
            locals_ = [float("nan")] * len(inner)
        for parent, local, is_inner in zip(node.parents, locals_, inner):
            if is_inner:
                parent.grad += node.grad * local


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

STEPS = [0.02 * 100.0**-k for k in range(6)]  # of which each is halved five times


def difference_quotient(order: Sequence[Value], node: Value) -> tuple[float, float]:
    """How the last Value of ``order`` answers to small changes of ``node``, and an estimate of the error.

    Central differences at ever smaller steps, extrapolated to a step of 0 (Ridders' method: Press et al., *Numerical
    Recipes*, 3rd ed., section 5.7). Uses no derivative rule. At a kink the error is of the size of the result; where
    the function is not defined on both sides both are NaN.

    >>> x = Value(3.0)
    >>> slope, error = difference_quotient(topological_order(x * x), x)
    >>> round(slope, 9), error < 1e-9
    (6.0, True)
    """
    respond, between = _response(order, node)
    size = abs(node.data)
    best = error = float("nan")
    least = (float("inf"), float("inf"))
    for step in [h * max(1.0, size) for h in STEPS] + [h * size for h in STEPS[:3] if size < 1]:
        try:
            slope, doubt = _ridders(respond, node.data, step, between)
        except (ArithmeticError, ValueError):
            continue  # the function is not defined so far away
        rank = (doubt / abs(slope) if slope else doubt and float("inf"), doubt)
        if rank < least:
            best, error, least = slope, doubt, rank
        if doubt <= 1e-9 * abs(slope):
            break
    return best, error


def _response(order: Sequence[Value], node: Value) -> tuple[Callable[[float], float], float]:
    """The last Value of ``order`` as a function of the number in ``node``, and the largest number on the way to it."""
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


def _ridders(function: Callable[[float], float], x: float, step: float, between: float) -> tuple[float, float]:
    centre = function(x)
    best, error = float("nan"), float("inf")
    row, rises, bends = list[float](), list[float](), list[float]()
    for _ in range(6):
        above, below = x + step, x - step
        high, low = function(above), function(below)
        noise = 2**-52 * max(abs(high), abs(low), between) / step  # what rounding may add, on the way too
        new_row = [(high - low) / (above - below)]
        for power, old in enumerate(row, 1):
            new_row.append(new_row[-1] + (new_row[-1] - old) / (4**power - 1))
            new_error = max(abs(new_row[-1] - new_row[-2]), abs(new_row[-1] - old)) + noise
            if new_error <= error:
                best, error = new_row[-1], new_error
        row = new_row
        rises.append(high - low)
        bends.append(((high - centre) - (centre - low)) / step)
        step /= 2
    # What is left of these as the step goes to 0, extrapolated: a jump, and two sides with different slopes.
    jump = (8 * (2 * rises[-1] - rises[-2]) - (2 * rises[-2] - rises[-3])) / 7
    kink = 2 * bends[-1] - bends[-2]
    return best, error + abs(jump) / step + abs(kink) + abs(best - row[1])  # large steps may agree by accident
