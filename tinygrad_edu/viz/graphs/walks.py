"""Walks of a recorded graph besides the backward pass: its order, local derivatives, what is out of date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.backward import topological_order
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Sequence


MANY_USES = 10  # times as many as there may be values


def require_value(value: object, doing: str, wanted: str = "a Value that was computed from Values") -> None:
    """Raise a TypeError unless ``value`` is a Value; ``doing`` says what for."""
    if isinstance(value, Value):
        return
    hint = ""
    if isinstance(value, float):
        hint = "; gradients(y, x, create_graph=True) gives Values"
    elif isinstance(value, (list, tuple)):
        hint = f"; {doing} one of them, or their sum"
    raise TypeError(f"{doing} takes {wanted}, not {type(value).__name__}{hint}")


def bounded_order(root: Value, max_nodes: int, doing: str) -> list[Value]:
    """The topological order of a graph that is small enough to look at.

    Raises:
        TypeError: if ``root`` is not a Value.
        ValueError: if there are more than ``max_nodes``; it takes no longer to find out than to see that many.

    >>> len(bounded_order(Value(2.0) + 1, 500, "draw"))
    3
    """
    require_value(root, doing)
    seen, uses, stack = {root}, 0, [root]
    while stack:
        parents = stack.pop().parents
        uses += len(parents)
        stack += set(parents) - seen
        seen.update(parents)
        if len(seen) > max_nodes:
            raise ValueError(f"the graph has more than {max_nodes} values, too many to {doing} one by one")
        if uses > MANY_USES * max_nodes:
            raise ValueError(
                f"values are used more than {MANY_USES * max_nodes} times, too often to {doing} one by one"
            )
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
            operands = [parent._data for parent in node.parents]
            try:
                now, again = (float(node.op.forward(*operands)) for _ in range(2))
            except (ArithmeticError, ValueError):
                return node
            if now == again != node._data:  # an operation with chance in it gives another number each time
                return node
    return None
