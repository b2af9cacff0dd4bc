"""Walks of a recorded graph besides the backward pass: its order, local derivatives, what is out of date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Constant, Value, topological_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.engine.value import Operand


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
        locals_ = node.op.rule(node._data, *[parent._data for parent in parents])
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
    operands = [parent._data if type(parent) is Constant else parent for parent in parents]
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
