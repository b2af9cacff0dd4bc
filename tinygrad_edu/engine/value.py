"""``Value``: a number that remembers how it was computed, and the backward pass through what it remembers.

Arithmetic on Values records a graph: each result keeps the operation that made it and the Values it was made from.
``backward`` walks that graph from the result to the leaves, and each operation's rule (see ``ops.py``) turns the
derivative with respect to a result into contributions to the derivatives with respect to its operands. That is the
chain rule, in the order that computes every derivative once: reverse-mode differentiation (Griewank and Walther,
*Evaluating Derivatives*, 2nd ed., chapter 3).
"""

from __future__ import annotations

from _thread import RLock
from typing import TYPE_CHECKING

from tinygrad_edu.compiling.symbols import check_branch, check_reading, is_comparison, is_condition, is_symbolic
from tinygrad_edu.engine import operation, ops
from tinygrad_edu.engine.operation import TABLE, Operation, number
from tinygrad_edu.engine.recording import is_paused, recorded, register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn, TypeAlias

    Operand: TypeAlias = "Value | float"

_new = object.__new__
_NOTHING = object()
sweep_lock = RLock()  # two threads may sweep through the same nodes


def record(
    op: Operation, data: float, first: Value | tuple[Value, ...], second: Value | tuple[Value, ...] | None = None
) -> Value:
    """The node that ``op`` made from one operand, or from two, or from one or two tuples of them.

    Inside ``no_grad`` it is a leaf.
    """
    node = _new(Value)
    node._data = data if type(data) is float else number(data)
    node._grad = node._adjoint = 0.0
    node.label = ""
    if is_paused():
        node.op = node._first = node._second = None
        if is_symbolic():
            for operands in (first, second or ()):
                for operand in operands if type(operands) is tuple else (operands,):
                    check_reading(operand, "no_grad() around")  # type: ignore[arg-type]
        register(node)
    else:
        node.op = op
        node._first = first
        node._second = second
    return node


def apply(op: Operation, operands: tuple[Any, ...]) -> Value:
    """What ``op(*operands)`` does if there is a Value among the operands: numbers become leaves, and it is recorded."""
    values: tuple[Value, ...] = tuple([x if isinstance(x, Value) else Constant(x) for x in operands])
    try:
        data = op.forward(*[value._data for value in values])
    except (ArithmeticError, ValueError) as error:
        raise op.domain_error(values, error) from None
    return record(op, data, *values) if len(values) <= 2 else record(op, data, values)


def apply_to_lists(op: Operation, left: tuple[Any, ...], right: tuple[Any, ...]) -> Any:
    """What ``op(*left, *right)`` does, for an ``op`` that is defined for all numbers.

    Nodes made from the same tuple share it, such as the tuple of inputs of a layer's neurons.
    """
    try:
        numbers = [x._data for x in left + right]
    except AttributeError:  # a plain number among them
        return op(*left, *right)
    return record(op, op.forward(*numbers), left, right or None) if numbers else op()


def _constant(x: Any) -> Value | None:
    """A leaf that holds the number ``x``; ``x`` itself if it is a Value (a subclass, say); None for anything else."""
    try:
        return x if isinstance(x, Value) else Constant(x)
    except TypeError:
        return None


def _prefix(op: Operation) -> Callable[[Value], Value]:
    """The method that applies ``op`` to the Value alone."""
    forward = op.forward

    def method(self: Value) -> Value:
        try:
            data = forward(self._data)
        except (ArithmeticError, ValueError) as error:
            raise op.domain_error((self,), error) from None
        return record(op, data, self)

    return _named(method, op)  # type: ignore[no-any-return]


def _infix(op: Operation) -> tuple[Callable[[Value, Operand], Value], Callable[[Value, Operand], Value]]:
    """The methods that apply ``op`` with the Value at the left and at the right: ``__add__`` and ``__radd__``."""
    forward = op.forward

    def method(self: Value, other: Operand) -> Value:
        right = other if type(other) is Value else _constant(other)
        if right is None:
            return NotImplemented  # type: ignore[no-any-return]
        try:
            data = forward(self._data, right._data)
        except (ArithmeticError, ValueError) as error:
            raise op.domain_error((self, right), error) from None
        return record(op, data, self, right)

    def reflected(self: Value, other: Operand) -> Value:
        left = _constant(other)
        return NotImplemented if left is None else method(left, self)

    return _named(method, op), _named(reflected, op)


def _method(op: Operation) -> Any:
    """The method that applies ``op`` to the Value and whatever else it is given."""

    def method(self: Value, *operands: Operand, **named: Operand) -> Value:
        return op(self, *operands, **named)

    return _named(method, op)


def _compare(compare: Callable[[Any, Any], Any], as_operation: Callable[[Any, Any], Any]) -> Any:
    """The comparison of two numbers, of which either may be in a Value; ``as_operation`` is what to record of it where
    comparisons are recorded.
    """

    def method(self: Value, other: object) -> Any:
        if is_symbolic() and _constant(other) is not None:
            return recorded(as_operation, self, other)
        return compare(self._data, other._data if isinstance(other, Value) else other)

    return method


def _named(method: Any, op: Operation) -> Any:
    method.__name__, method.__qualname__, method.__doc__, method.operation = op.name, op.name, op.summary, op
    return method


class Value:
    """A number in a recorded computation.

    Args:
        data: the number: an int, a float or a NumPy scalar.
        label: a name, for messages, drawings and explanations.

    Attributes:
        data: the number, a float; may be set. What was computed from it before stays as it was: compute it again
            before the next ``backward``.
        grad: the sum of all derivatives that ``backward`` has brought here, a float; may be set.
        label: the name, a string; may be set.
        op: the operation that made this Value, or None for a leaf.
        parents: the operands it was made from, in order, repeats kept.

    Raises:
        TypeError: if ``data`` is not a number or ``label`` not a string.

    A Value behaves like the float it holds, and every operation of the table is a method and a function of the package.
    Comparisons compare the numbers; hashing is by identity, so that equal numbers stay different nodes.

    >>> x = Value(3.0, label="x")
    >>> y = x * x + 1
    >>> y.backward()
    >>> x.grad
    6.0
    """

    # One operand or two, as nearly all nodes have, take a slot each. A tuple for every node would be a second object,
    # half as much memory again and twice as much to look through for the garbage collector. An operation of lists keeps
    # these there, as tuples that many nodes may share.
    __slots__ = ("_adjoint", "_data", "_first", "_grad", "_second", "label", "op")
    is_plain = False  # whether it is only a plain number that met a Value

    _data: float
    _grad: float
    _adjoint: float  # d(root)/d(this) during a backward pass, otherwise 0
    _first: Any  # a Value, a tuple of them, or None for a leaf
    _second: Any  # likewise, or None
    label: str
    op: Operation | None

    def __init__(self, data: float, label: str = "") -> None:
        if type(label) is not str:
            raise TypeError(f"a label is a string, not {type(label).__name__}")
        self._data = data if type(data) is float else number(data)
        self._grad = self._adjoint = 0.0
        self.label = label
        self.op = self._first = self._second = None
        register(self)

    @property
    def data(self) -> float:
        if is_symbolic():
            check_reading(self, "data of")
        return self._data

    @data.setter
    def data(self, data: float) -> None:
        if is_symbolic():
            check_reading(self, "setting data of")
        self._data = number(data)

    @property
    def grad(self) -> float:
        if is_symbolic():
            check_reading(self, "grad of")
        return self._grad

    @grad.setter
    def grad(self, grad: float) -> None:
        if is_symbolic():
            check_reading(self, "setting grad of")
        self._grad = number(grad)

    @property
    def parents(self) -> tuple[Value, ...]:
        first, second = self._first, self._second
        if second is None:
            return () if first is None else first if type(first) is tuple else (first,)
        return first + second if type(first) is tuple else (first, second)

    # ---- arithmetic: Python's operators, applied as the table says ----

    __add__, __radd__ = _infix(ops.add)
    __sub__, __rsub__ = _infix(ops.subtract)
    __mul__, __rmul__ = _infix(ops.multiply)
    __truediv__, __rtruediv__ = _infix(ops.divide)
    __pow__, __rpow__ = _infix(ops.power)
    __neg__ = _prefix(ops.negative)
    __pos__ = _prefix(ops.positive)
    __abs__ = _prefix(ops.absolute)

    _apply_ = staticmethod(apply)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Value]: ...  # the operations of the table, as methods

    # ---- like the float it holds ----

    __lt__ = _compare(lambda a, b: a < b, lambda a, b: ops.greater(b, a))
    __le__ = _compare(lambda a, b: a <= b, lambda a, b: ops.greater_equal(b, a))
    __gt__ = _compare(lambda a, b: a > b, lambda a, b: ops.greater(a, b))
    __ge__ = _compare(lambda a, b: a >= b, lambda a, b: ops.greater_equal(a, b))
    __eq__ = _compare(lambda a, b: a == b, lambda a, b: ops.equal(a, b))
    __ne__ = _compare(lambda a, b: a != b, lambda a, b: 1 - ops.equal(a, b))
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        if is_symbolic():
            check_branch(self)
        return self._data != 0

    def __float__(self) -> NoReturn:
        if is_comparison(self):
            check_branch(self)
        for_the_number = "v.data for the number, and " * (not is_symbolic())  # there it is refused
        raise TypeError(
            "a Value does not turn into a plain number by itself, because that would cut it off from its graph. "
            f"Use {for_the_number}exp(v) or v.exp() rather than math.exp(v)"
        )

    __int__ = __index__ = __float__

    def __xor__(self, other: object) -> NoReturn:
        raise TypeError("^ is not a power in Python; write x ** 2")

    __rxor__ = __xor__

    def __and__(self, other: object) -> Any:
        """Both conditions, where comparisons are recorded; elsewhere they give bools, which have an & of their own."""
        takes_it = is_symbolic() and is_condition(self) and is_condition(other)
        return recorded(lambda: self.minimum(other)) if takes_it else NotImplemented

    def __or__(self, other: object) -> Any:
        takes_it = is_symbolic() and is_condition(self) and is_condition(other)
        return recorded(lambda: self.maximum(other)) if takes_it else NotImplemented

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> NoReturn:
        raise TypeError("~ is not the opposite of a condition in Python (~True is -2); for x > 0 write x <= 0")

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data}, grad={self._grad}{label})"

    def __format__(self, spec: str) -> str:
        if spec and is_symbolic():
            check_reading(self, "formatting")
        return format(self._data, spec) if spec else repr(self)

    # ---- the backward pass ----

    def backward(self) -> None:
        """Add to the ``grad`` of every node that this Value was made from, itself included, its derivative
        d(self)/d(node).

        Calling it again adds the same once more; ``zero_grad`` starts afresh. After an error nothing is added anywhere.

        Raises:
            ZeroDivisionError: if a local derivative is infinite, such as that of sqrt at 0.
            ValueError, OverflowError: if the rule of an operation raises it, for a derivative that is undefined or too
                large. Sums and products of derivatives overflow to infinity as those of floats do.

        >>> a, b = Value(2.0), Value(3.0)
        >>> (a * b + a).backward()
        >>> a.grad, b.grad
        (4.0, 2.0)
        """
        if is_symbolic():
            check_reading(self, "backward() of")
        nodes = topological_order(self)
        with sweep_lock:
            try:
                self._adjoint = 1.0
                sweep(nodes)
                for node in nodes:
                    node._grad += node._adjoint
            finally:
                for node in nodes:
                    node._adjoint = 0.0

    def zero_grad(self) -> None:
        """Set ``grad`` to 0 in every node that this Value was made from, itself included.

        >>> x = Value(2.0)
        >>> y = x * x
        >>> y.backward()
        >>> y.zero_grad()
        >>> x.grad, y.grad
        (0.0, 0.0)
        """
        for node in topological_order(self):
            node._grad = 0.0


class Constant(Value):
    """The leaf that a plain number becomes when it meets a Value: the 1 of ``x + 1``."""

    __slots__ = ()
    is_plain = True

    def __init__(self, data: float) -> None:
        self._data = data if type(data) is float else number(data)
        self._grad = self._adjoint = 0.0
        self.label = ""
        self.op = self._first = self._second = None


def topological_order(*roots: Value) -> list[Value]:
    """Every node that ``roots`` were made from, each once, operands before results and from left to right. A single
    root is the last.

    The walk goes depth first with a stack of its own, because Python's is too short for a deep graph.

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


def sweep(nodes: Sequence[Value]) -> None:
    """Carry the adjoints that some nodes have to all that these were made from: the backward pass.

    An adjoint is d(root)/d(node); before, it is 1 in a root and 0 elsewhere. The nodes are in topological order. Most
    have one operand or two; spelling these out makes the sweep three times faster than a loop over operands would be
    alone.
    """
    for node in reversed(nodes):
        op = node.op
        if op is None:
            continue
        upstream = node._adjoint
        first, second = node._first, node._second
        locals_: Any = _NOTHING
        try:
            if type(first) is tuple:
                if upstream:  # nothing flows from a dead unit, and what its many operands would get need not be known
                    parents = first + second if second else first
                    locals_ = op.rule(node._data, *[parent._data for parent in parents])
                    for parent, local in zip(parents, locals_, strict=True):
                        parent._adjoint += upstream * local
            elif second is not None:
                locals_ = local_first, local_second = op.rule(node._data, first._data, second._data)
                if upstream:
                    first._adjoint += upstream * local_first
                    second._adjoint += upstream * local_second
            else:
                locals_ = (local_first,) = op.rule(node._data, first._data)
                if upstream:
                    first._adjoint += upstream * local_first
        except (ArithmeticError, ValueError, TypeError) as error:
            if locals_ is not _NOTHING:
                op.check_rule(locals_, len(node.parents))
            if isinstance(error, TypeError):
                raise
            raise op.derivative_error(node.parents, error) from None


def _make_method(op: Operation) -> None:
    """Give ``Value`` the operation as a method.

    Raises:
        ValueError: if its name is that of something else a Value has.
    """
    taken = getattr(Value, op.name, None)
    if taken is not None and getattr(getattr(taken, "operation", None), "name", None) != op.name:
        raise ValueError(f"{op.name!r} already means something else on a Value; choose another name")
    if op.arity is not None:
        setattr(Value, op.name, _prefix(op) if op.arity == 1 else _method(op))


for _op in TABLE.values():
    _make_method(_op)
operation.watchers.append(_make_method)
