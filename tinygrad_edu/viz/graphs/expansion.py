"""Expansion: a recorded graph with every composite written out as what it is defined as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.backward import local_derivatives, topological_order
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Value, record
from tinygrad_edu.viz.graphs.walks import bounded_order

if TYPE_CHECKING:
    from collections.abc import Mapping


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
