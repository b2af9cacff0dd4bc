"""The backward pass: how derivatives flow from a result to all that it was made from.

Each operation's rule (see ``ops.py``) turns the derivative by its result into contributions to the derivatives by its
operands. That is the chain rule, in the order that computes every derivative once: reverse-mode differentiation
(Griewank and Walther, *Evaluating Derivatives*, 2nd ed., chapter 3).

**Zero absorbs.** A derivative of 0 passes nothing on, and where nothing arrives no rule is asked: what flows through an
infinite or undefined local derivative matters only if something does.
"""

from __future__ import annotations

from collections import deque
from itertools import repeat
from operator import add, attrgetter
from typing import TYPE_CHECKING

from tinygrad_edu.engine.recording import current_mode, recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from tinygrad_edu.engine.value import Operand, Value


def backward(self: Value) -> None:
    """Add to the ``grad`` of every node that this Value was made from, itself included, its derivative
    d(self)/d(node).

    Calling it again adds the same once more; ``zero_grad`` starts afresh. After an error nothing is added anywhere.

    Raises:
        ZeroDivisionError: if a local derivative is infinite, such as that of sqrt at 0.
        ValueError, OverflowError: if the rule of an operation raises it, for a derivative that is undefined or too
            large. Sums and products of derivatives overflow to infinity as those of floats do.

    >>> from tinygrad_edu import Value
    >>> a, b = Value(2.0), Value(3.0)
    >>> (a * b + a).backward()
    >>> a.grad, b.grad
    (4.0, 2.0)
    """
    mode = current_mode()
    if mode is not None:
        mode.read(self)
    nodes = topological_order(self)
    adjoints = dict.fromkeys(nodes, 0.0)  # d(self)/d(node) of each node, as far as it is known
    adjoints[self] = 1.0
    sweep(nodes, adjoints)
    add_to_grads(nodes, adjoints.values())


def add_to_grads(nodes: Sequence[Value], derivatives: Iterable[float]) -> None:
    """Add a derivative to the ``grad`` of each node, of all or of none: one loop in C, which no Ctrl-C and no other
    thread interrupts.

    >>> from tinygrad_edu import Value
    >>> x, y = Value(1.0), Value(2.0)
    >>> add_to_grads([x, y], [5.0, 6.0])
    >>> x.grad, y.grad
    (5.0, 6.0)
    """
    sums = map(add, map(attrgetter("_grad"), nodes), derivatives)
    deque(map(setattr, nodes, repeat("_grad"), sums), maxlen=0)


def zero_grad(self: Value) -> None:
    """Set ``grad`` to 0 in every node that this Value was made from, itself included.

    >>> from tinygrad_edu import Value
    >>> x = Value(2.0)
    >>> y = x * x
    >>> y.backward()
    >>> y.zero_grad()
    >>> x.grad, y.grad
    (0.0, 0.0)
    """
    for node in topological_order(self):
        node._grad = 0.0


def topological_order(*roots: Value) -> list[Value]:
    """List every node that ``roots`` were made from, each once, operands before results and from left to right. A
    single root is the last.

    The walk goes depth first with a stack of its own, because Python's is too short for a deep graph.

    >>> from tinygrad_edu import Value
    >>> x = Value(2.0, label="x")
    >>> y = x * x
    >>> [node.label for node in topological_order(y)]
    ['x', '']
    """
    order: list[Value] = []
    seen: set[Value] = set()
    finished: set[int] = set()  # ids of the tuples whose Values are all in order
    stack: list[Any] = [*reversed(roots)]  # of Values, and None above a node whose operands are above it
    pop = stack.pop
    while stack:
        node = pop()
        if node is None:  # all that the node was made from is in order
            node = pop()
            order.append(node)
            if type(node._first) is tuple:
                finished |= {id(node._first), id(node._second)}
        elif node not in seen:
            seen.add(node)
            first, second = node._first, node._second
            if first is None:
                order.append(node)
            elif type(first) is tuple:
                stack += (node, None)
                for group in (second or (), first):
                    if id(group) not in finished:
                        stack += reversed(group)
            else:
                stack += (node, None, first) if second is None else (node, None, second, first)
    return order


def sweep(nodes: Sequence[Value], adjoints: dict[Value, float]) -> None:
    """Add to each operand's adjoint what the chain rule sends back.

    Most nodes have one operand or two; spelling these out makes the sweep three times faster than a loop over operands
    would be alone.

    Args:
        nodes: in topological order.
        adjoints: d(root)/d(node) by node: before, 1 for a root and 0 for all others.
    """
    for node in reversed(nodes):
        upstream = adjoints[node]
        op = node.op
        if op is None or not upstream:
            continue
        first, second = node._first, node._second
        try:
            if upstream - upstream != 0:  # infinite or NaN, of which a derivative of 0 passes on nothing
                for parent, local in zip(node.parents, local_derivatives(node)):
                    adjoints[parent] += local and upstream * local
            elif type(first) is tuple:
                parents = first + second if second else first
                locals_ = op.rule(node._data, *[parent._data for parent in parents])
                if len(locals_) != len(parents):
                    raise TypeError
                for parent, local in zip(parents, locals_):
                    adjoints[parent] += upstream * local
            elif second is None:
                (local,) = op.rule(node._data, first._data)
                adjoints[first] += upstream * local
            else:
                local, local_second = op.rule(node._data, first._data, second._data)
                adjoints[first] += upstream * local
                adjoints[second] += upstream * local_second
        except (ArithmeticError, ValueError, TypeError):
            for parent, local in zip(node.parents, local_derivatives(node)):  # which knows what is wrong
                adjoints[parent] += upstream * local


def local_derivatives(node: Value) -> list[float]:
    """List the derivatives of ``node`` by each of its operands: what the rule of its operation gives.

    Raises:
        ZeroDivisionError, ValueError, OverflowError: where there is none; see ``Value.backward``.

    >>> from tinygrad_edu import Value
    >>> x = Value(3.0)
    >>> local_derivatives(x * x)
    [3.0, 3.0]
    """
    op, parents = node.op, node.parents
    if op is None:
        return []
    try:
        locals_ = op.rule(node._data, *[parent._data for parent in parents])
    except (ArithmeticError, ValueError) as error:
        if not any(parent.is_constant for parent in parents):
            raise op.derivative_error(parents, error) from None
        # The derivative by the 0 of 0 ** y is infinite, and nobody asks for it: run on Values the rule knows that.
        return [float(getattr(local, "_data", local)) for local in recorded_derivatives(node)]
    op.check_rule(locals_, len(parents))
    return [float(local) for local in locals_]


def recorded_derivatives(node: Value) -> list[Operand]:
    """List the derivatives of ``node`` by each of its operands as graphs: what the rule gives when it is run on Values.
    Constants are given to it as plain numbers; what it leaves plain is constant.

    Raises:
        TypeError: if the rule works on numbers only.

    >>> from tinygrad_edu import Value
    >>> x = Value(3.0, label="x")
    >>> y = x.sin()
    >>> [cosine] = recorded_derivatives(y)
    >>> cosine.op, cosine.parents[0] is x
    (<operation cos>, True)
    """
    op, parents = node.op, node.parents
    assert op is not None
    operands = [parent._data if parent.is_constant else parent for parent in parents]
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
