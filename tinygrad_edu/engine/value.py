"""``Value``: a number that remembers how it was computed.

Arithmetic on Values records a graph: each result keeps the operation that made it and the Values it was made from.
``backward.py`` walks that graph from a result to its leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine import operation, ops
from tinygrad_edu.engine.backward import backward, zero_grad
from tinygrad_edu.engine.operation import TABLE, Operation, number
from tinygrad_edu.engine.recording import current_mode

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, TypeAlias

    Operand: TypeAlias = "Value | float"


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
    __slots__ = ("_data", "_first", "_grad", "_second", "label", "op")
    is_constant = False  # whether it is only a plain number that met a Value

    _data: float
    _grad: float
    _first: Any  # a Value, a tuple of them, or None for a leaf
    _second: Any  # likewise, or None
    label: str
    op: Operation | None

    def __init__(self, data: float, label: str = "", name: None = None) -> None:
        if name is not None:
            raise TypeError(f"the name of a Value is its label: Value({data!r}, label={name!r})")
        if not isinstance(label, str):
            raise TypeError(f"a label is a string, not {type(label).__name__}")
        self._data = data if type(data) is float else number(data)
        self._grad = 0.0
        self.label = label
        self.op = self._first = self._second = None
        mode = current_mode()
        if mode is not None:
            mode.made(self)

    @property
    def data(self) -> float:
        mode = current_mode()
        if mode is not None:
            mode.read(self)
        return self._data

    @data.setter
    def data(self, data: float) -> None:
        self._data = number(data)

    @property
    def grad(self) -> float:
        mode = current_mode()
        if mode is not None:
            mode.read(self)
        return self._grad

    @grad.setter
    def grad(self, grad: float) -> None:
        self._grad = number(grad)

    @property
    def parents(self) -> tuple[Value, ...]:
        first, second = self._first, self._second
        if second is None:
            return () if first is None else first if type(first) is tuple else (first,)
        return first + second if type(first) is tuple else (first, second)

    # ---- like the float it holds ----

    def __lt__(self, other: Operand) -> bool:
        return self.data < _number_in(other)

    def __le__(self, other: Operand) -> bool:
        return self.data <= _number_in(other)

    def __gt__(self, other: Operand) -> bool:
        return self.data > _number_in(other)

    def __ge__(self, other: Operand) -> bool:
        return self.data >= _number_in(other)

    def __eq__(self, other: object) -> bool:
        return self.data == _number_in(other)

    def __ne__(self, other: object) -> bool:
        return self.data != _number_in(other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return self.data != 0

    def conjugate(self) -> Value:
        """Return the Value itself, as a float does: NumPy's variance asks for it."""
        return self

    def __float__(self) -> NoReturn:
        raise TypeError(
            "a Value does not turn into a plain number by itself, because that would cut it off from its graph. "
            "Use v.data for the number, and exp(v) or v.exp() rather than math.exp(v)"
        )

    __int__ = __index__ = __float__

    def __xor__(self, other: object) -> NoReturn:
        raise TypeError("^ is not a power in Python; write x ** 2")

    __rxor__ = __xor__

    def __invert__(self) -> NoReturn:
        raise TypeError("~ is not the opposite of a condition in Python (~True is -2); for x > 0 write x <= 0")

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data}, grad={self._grad}{label})"

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else repr(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        level = {self}
        for _ in range(200):  # pickle and deepcopy recurse from a result to its operands
            level = {parent for node in level for parent in node.parents}
            if not level:
                return super().__reduce_ex__(protocol)
        raise ValueError(
            "the graph behind this Value is too deep to be copied or pickled; take v.data, or a state_dict()"
        )

    @property
    def _prev(self) -> NoReturn:
        raise AttributeError("what micrograd calls v._prev is v.parents here")

    @property
    def _backward(self) -> NoReturn:
        raise AttributeError("there is no v._backward(), as in micrograd: v.backward() goes through the whole graph")

    # ---- derivatives: backward.py ----

    backward = backward
    zero_grad = zero_grad

    # ---- arithmetic, and all other operations of the table, which become methods below ----

    if TYPE_CHECKING:

        def __add__(self, other: Operand) -> Value: ...

        __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __add__
        __pow__ = __rpow__ = __mod__ = __rmod__ = __add__

        def __neg__(self) -> Value: ...

        __pos__ = __abs__ = __neg__

        def __getattr__(self, name: str) -> Callable[..., Value]: ...


class Constant(Value):
    """The leaf that a plain number becomes when it meets a Value: the 1 of ``x + 1``."""

    __slots__ = ()
    is_constant = True

    def __init__(self, data: float) -> None:
        self._data = data if type(data) is float else number(data)
        self._grad = 0.0
        self.label = ""
        self.op = self._first = self._second = None


# ---- recording -------------------------------------------------------------------------------------------------------

_new = object.__new__


def record(
    op: Operation, data: float, first: Value | tuple[Value, ...], second: Value | tuple[Value, ...] | None = None
) -> Value:
    """Make the node that ``op`` made from one operand, or from two, or from one or two tuples of them."""
    node = _new(Value)
    node._data = data if type(data) is float else number(data)
    node._grad = 0.0
    node.label = ""
    node.op = op
    node._first = first
    node._second = second
    mode = current_mode()
    if mode is not None:
        mode.made(node)
    return node


def apply(op: Operation, operands: tuple[Any, ...]) -> Value:
    """Do what ``op(*operands)`` does if there is a Value among the operands: numbers become constants."""
    values = tuple([x if isinstance(x, Value) else Constant(x) for x in operands])
    try:
        data = op.forward(*[value._data for value in values])
    except (ArithmeticError, ValueError) as error:
        raise _no_value(op, values, error) from None
    return record(op, data, *values) if len(values) <= 2 else record(op, data, values)


def apply_to_lists(op: Operation, left: tuple[Any, ...], right: tuple[Any, ...]) -> Any:
    """Do what ``op(*left, *right)`` does, for an ``op`` that is defined for all numbers.

    Nodes made from the same tuple share it, such as the tuple of inputs of a layer's neurons.
    """
    try:
        numbers = [x._data for x in left + right]
    except AttributeError:  # a plain number among them
        return op(*left, *right)
    return record(op, op.forward(*numbers), left, right or None) if numbers else op()


def _no_value(op: Operation, operands: tuple[Value, ...], error: Exception) -> Exception:
    """Make the error of an operation that is undefined here, and tell who traces about it."""
    named = op.domain_error(operands, error)
    mode = current_mode()
    if mode is not None:
        mode.failed(named)
    return named


# ---- the methods of Value --------------------------------------------------------------------------------------------


def _of_one(op: Operation) -> Callable[[Value], Value]:
    """Make the function that applies ``op`` to one Value, which is both the method and the operation when called."""
    forward, of_anything = op.forward, op.__call__

    def function(x: Any) -> Any:
        if type(x) is float:
            return of_anything(x)
        try:
            data = forward(x._data)
        except AttributeError:  # an int, say
            return of_anything(x)
        except (ArithmeticError, ValueError) as error:
            raise _no_value(op, (x,), error) from None
        return record(op, data, x)

    return function


def _infix(op: Operation) -> tuple[Callable[[Value, Operand], Value], Callable[[Value, Operand], Value]]:
    """Make the methods that apply ``op`` with the Value at the left and at the right: ``__add__`` and ``__radd__``."""
    forward = op.forward

    def method(self: Value, other: Operand) -> Value:
        right = other if type(other) is Value else _operand(other)
        if right is None:
            return NotImplemented  # type: ignore[no-any-return]
        try:
            data = forward(self._data, right._data)
        except (ArithmeticError, ValueError) as error:
            raise _no_value(op, (self, right), error) from None
        return record(op, data, self, right)

    def reflected(self: Value, other: Operand) -> Value:
        left = _operand(other)
        return NotImplemented if left is None else method(left, self)

    return method, reflected


def _operand(x: Any) -> Value | None:
    """Return ``x`` if it is a Value, a constant if it is a number, and None for anything else."""
    try:
        return x if isinstance(x, Value) else Constant(x)
    except TypeError:
        return None


def _number_in(x: Any) -> float:
    number: float = x.data if isinstance(x, Value) else x
    return number


def _add_method(op: Operation) -> None:
    """Give ``Value`` the operation as a method.

    Raises:
        ValueError: if its name is that of something else a Value has.
    """
    taken = getattr(Value, op.name, None)
    if taken is not None and getattr(getattr(taken, "operation", None), "name", None) != op.name:
        raise ValueError(f"{op.name!r} already means something else on a Value; choose another name")
    if op.arity is None:
        return
    if op.operands == ("x",) and not op.defaults:  # the fast function takes its operand by that name, too
        method: Any = _of_one(op)
        op.__call__ = method
    else:

        def method(self: Value, *operands: Operand, **named: Operand) -> Value:
            return op(self, *operands, **named)

    method.__name__, method.__qualname__, method.__doc__, method.operation = op.name, op.name, op.summary, op
    setattr(Value, op.name, method)


for _op in TABLE.values():
    _add_method(_op)
operation.watchers.append(_add_method)
for _name, _op in {"add": ops.add, "sub": ops.subtract, "mul": ops.multiply, "truediv": ops.divide, "pow": ops.power,
                   "mod": ops.remainder}.items():  # fmt: skip
    for _method_name, _method in zip((f"__{_name}__", f"__r{_name}__"), _infix(_op)):
        setattr(Value, _method_name, _method)
# fmt: off
for _name, _op in {"__neg__": ops.negative, "__pos__": ops.positive, "__abs__": ops.absolute, "__floor__": ops.floor,
                   "__ceil__": ops.ceil, "fabs": ops.fabs, "radians": ops.radians, "degrees": ops.degrees}.items():
    setattr(Value, _name, getattr(Value, _op.name))
# fmt: on
Value._apply_ = staticmethod(apply)  # type: ignore[attr-defined]  # how operation.py, which comes before, applies a row
