"""Expansion: a recorded graph with every composite written out as what it is defined as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.backward import local_derivatives, topological_order
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Value, record
from tinygrad_edu.viz.graphs.walks import bounded_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def expand(root: Value, max_nodes: int = 1_000_000) -> tuple[Value, dict[Value, Value]]:
    """The graph with every composite written out as what it is defined as, down to primitives.

    Leaves stay the same Values, and what was recorded keeps its numbers: only the parts of composites are computed. A
    composite whose definition fails at these numbers (the exp(800) in sigmoid(-800)) stays as it is. Returns the new
    root, and for each new node the node of the old graph that it is a part of.

    Raises:
        ValueError: if more than ``max_nodes`` come of it, as of a definition that leads back to itself.

    >>> from tinygrad_edu.engine.ops import sigmoid
    >>> x = Value(0.0, label="x")
    >>> root, _ = expand(sigmoid(x))
    >>> [node.op.name for node in topological_order(root) if node.op]
    ['negative', 'exp', 'add', 'divide']
    """
    return recorded(_expand, root, max_nodes)


def _expand(root: Value, max_nodes: int) -> tuple[Value, dict[Value, Value]]:
    origin: dict[Value, Value] = {}
    fixed: set[Value] = set()  # composites that cannot be opened
    order = topological_order(root)
    while any(node.op and node.op.definition and node not in fixed for node in order):
        images: dict[Value, Value] = {}
        wholes: dict[Value, Value] = {}
        for node in order:
            images[node] = image = _image(node, images, fixed)
            stack = [image]
            while stack:
                part = stack.pop()
                if part not in wholes:
                    wholes[part] = origin.get(node, node)
                    stack += part.parents
            if image is not node:
                image.label, image.data, image.grad = node.label, node.data, node.grad
        root, origin = images[root], wholes
        order = bounded_order(root, max_nodes, "open")
        _fill_in_grads(order, set(images.values()))
    return root, origin


def _image(node: Value, images: Mapping[Value, Value], fixed: set[Value]) -> Value:
    """The Value that stands for ``node`` in the new graph, opened if it is a composite."""
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


def _fill_in_grads(order: Sequence[Value], given: set[Value]) -> None:
    """Give nodes that are not ``given`` the grads that follow from those of the nodes made from them.

    Where a part has no derivative, although the whole has one, they are NaN. Leaves keep theirs.
    """
    for node in reversed(order):
        inner = [parent not in given and parent.op is not None for parent in node.parents]
        if node.grad and any(inner):
            try:
                slopes = local_derivatives(node)
            except (ArithmeticError, ValueError):
                slopes = [float("nan")] * len(inner)
            for parent, slope, is_inner in zip(node.parents, slopes, inner):
                if is_inner:
                    parent.grad += node.grad * slope
