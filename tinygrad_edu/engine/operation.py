"""``Operation``: a row of the table of operations, and the function that it describes."""

from __future__ import annotations

from types import BuiltinFunctionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol, TypeVar, overload

    class Traced(Protocol):
        """An object that stands in for a number and knows how an operation is applied to it."""

        def _apply_(self, operation: Operation, operands: tuple[Any, ...]) -> Any: ...

    T = TypeVar("T", bound=Traced)

    class Call(Protocol):
        """A number for numbers; if there is a Value among the operands, a Value."""

        @overload
        def __call__(self, *operands: float, **named: float) -> float: ...  # type: ignore[overload-overlap]
        @overload
        def __call__(self, *operands: T | float, **named: T | float) -> T: ...


class Operation:
    """One row of the table, and the function that it describes.

    Calling it with plain numbers computes a float; with a Value among the operands it records a node.

    Args:
        name: its name, also in error messages.
        forward: computes the number, as ``forward(*numbers) -> float``. It raises what Python's floats would
            (``ValueError``, ``ZeroDivisionError``, ``OverflowError``) outside its domain.
        rule: the local derivatives, as ``rule(y, *operands) -> (dy/da, dy/db, ...)``. Its parameters name the operands
            and their defaults; ``*operands`` makes an operation of any number of operands.
        doc: one sentence for ``help``.
        example: ``"call = result"``, shown by ``help`` and run as a doctest.
        definition: for a composite, the same function written in simpler operations.
        init: for an activation, the initialisation of weights that suits it, "he" or "glorot".
        notation: how mathematics writes it, with any names for the operands: ``"a + b"``, ``"|x|"``, ``"√x"``,
            ``"σ(x)"``, or ``"definition"`` to write what it is defined as. By default its name with the operands in
            parentheses.
        python: how Python computes it from floats: an expression in the names of the operands and of functions of
            ``math``, equal to ``forward``; or ``"definition"``. By default a call of ``forward``.
        is_condition: whether it says that something holds: 1 if it does, otherwise 0.
        of_two: for any number of operands, the operation of two that gives the same, applied from left to right.
        products: for a sum of products, the function that lists the two factors of each, from the operands.

    Raises:
        ValueError: if the name is that of a built-in operation. (One's own operations may be defined again, as happens
            when a notebook cell is run twice.)
        TypeError: if ``forward`` is not a function, or ``rule`` not a Python function of ``y`` and the operands, or the
            definition that is to be used is missing.

    >>> cube = Operation("cube", lambda x: x ** 3, lambda y, x: (3 * x * x,))
    >>> cube(2.0)
    8.0
    """

    # Python calls an object by what its class has as __call__: here a slot, so that each row may have a function of its
    # own, and value.py gives an operation of one operand the fast function that is its method, too.
    __slots__ = ("__call__", "__dict__")
    __call__: Call

    def __init__(
        self,
        name: str,
        forward: Callable[..., float],
        rule: Callable[..., Sequence[Any]],
        doc: str = "",
        example: str = "",
        *,
        definition: Callable[..., Any] | None = None,
        init: str = "",
        notation: str = "",
        python: str = "",
        is_condition: bool = False,
        of_two: Operation | None = None,
        products: Callable[..., list[tuple[Any, Any]]] | None = None,
    ) -> None:
        if type(name) is not str or not name or not callable(forward):
            raise TypeError(f"an operation has a name and a function that computes it, not {name!r} and {forward!r}")
        if python == "definition" and definition is None:
            raise TypeError(f"the operation {name!r} has no definition that Python could compute")
        if name in BUILT_IN:
            raise ValueError(f"{name!r} is a built-in operation; choose another name for yours")
        code = getattr(rule, "__code__", None)
        variadic = code is not None and bool(code.co_flags & 0x04)  # inspect.CO_VARARGS
        if code is None or code.co_argcount + variadic < 2:
            raise TypeError(f"the rule of {name!r} must be a function of the output and the operands: lambda y, x: ...")
        self.__call__ = self._call
        self.name = name
        self.forward = forward
        self.rule = rule
        self.definition = definition
        self.init = init
        self.notation = notation
        self.python = python
        self.is_condition = is_condition
        self.of_two = of_two
        self.products = products
        self.operands: tuple[str, ...] = () if variadic else code.co_varnames[1 : code.co_argcount]
        self.defaults: tuple[float, ...] = getattr(rule, "__defaults__", None) or ()
        self.arity = None if variadic else len(self.operands)
        self.summary = f"{self.signature()}\n\n{doc}"
        call, _, result = example.partition(" = ")
        self.__name__ = name
        self.__doc__ = f"{self.summary}\n\n>>> {call}\n{result}\n" if example else self.summary
        for watcher in watchers:
            watcher(self)
        TABLE[name] = self

    def _call(self, *operands: Any, **named: Any) -> Any:
        if named or (len(operands) != self.arity and self.arity is not None):
            operands = self._bind(operands, named)
        for operand in operands:
            if type(operand) is not float:
                for traced in operands:
                    if hasattr(traced, "_apply_"):
                        return traced._apply_(self, operands)
                operands = tuple([number(x) for x in operands])
                break
        try:
            result = self.forward(*operands)
        except (ArithmeticError, ValueError) as error:
            raise self.domain_error(operands, error) from None
        return result if type(result) is float else number(result)

    def domain_error(self, operands: Sequence[Any], error: Exception) -> Exception:
        """Make the error to raise where ``forward`` raised ``error``: it names the operation and its operands."""
        verdict = "is too large for a float" if isinstance(error, OverflowError) else "is undefined"
        if isinstance(self.forward, BuiltinFunctionType):  # what math says adds nothing, and differs between Pythons
            error = type(error)()
        return _same_class(error, f"{self.name} of {_describe(operands)} {verdict}")

    def derivative_error(self, operands: Sequence[Any], error: Exception) -> Exception:
        """Make the error to raise where ``rule`` raised ``error``."""
        if isinstance(error, ZeroDivisionError):
            verdict = "is infinite"
        else:
            verdict = "is too large for a float" if isinstance(error, OverflowError) else "is undefined"
        return _same_class(error, f"the derivative of {self.name} at {_describe(operands)} {verdict}")

    def check_rule(self, locals_: object, count: int) -> None:
        """Raise a TypeError unless ``locals_``, which the rule returned, holds one derivative for each operand."""
        is_list = isinstance(locals_, (tuple, list))
        if is_list and len(locals_) == count and all(map(_is_number, locals_)):  # type: ignore[arg-type, call-overload]
            return
        raise TypeError(
            f"the rule of {self.name} must return a tuple of {count} derivative{'' if count == 1 else 's'}, one for "
            f"each operand, not {locals_!r}{'' if is_list or count > 1 else ': write (dy_dx,) with a comma'}"
        )

    def _bind(self, operands: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """Put the operands in order, with those given by keyword and the defaults filled in."""
        known = dict(zip(self.operands[len(self.operands) - len(self.defaults) :], self.defaults))
        known.update(zip(self.operands, operands))
        wrong = [name for name in named if name not in self.operands[len(operands) :]]
        known.update(named)
        if self.arity is None or wrong or len(operands) > self.arity or len(known) < self.arity:
            given = [*(type(operand).__name__ for operand in operands), *(f"{name}=..." for name in named)]
            raise TypeError(f"{self.signature()} was called with ({', '.join(given)})")
        return tuple(known[name] for name in self.operands)

    def signature(self) -> str:
        """Write a call of the operation: ``leaky_relu(x, negative_slope=0.01)``."""
        required = len(self.operands) - len(self.defaults)
        optional = [f"{name}={value}" for name, value in zip(self.operands[required:], self.defaults)]
        return f"{self.name}({', '.join([*self.operands[:required], *optional]) or '*operands'})"

    @property
    def __signature__(self) -> Any:  # for inspect.signature, which does not look into slots
        from inspect import signature

        of_rule = signature(self.rule)
        return of_rule.replace(parameters=[*of_rule.parameters.values()][1:])

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Operation], tuple[str]]:
        return find, (self.name,)  # rules are lambdas: pickle and deepcopy go by the name


TABLE: dict[str, Operation] = {}
BUILT_IN: set[str] = set()  # the names that ops.py has given
watchers: list[Callable[[Operation], None]] = []  # told of each new row: value.py makes it a method


def find(name: str) -> Operation:
    """Find the operation called ``name``.

    Raises:
        ValueError: if there is none.

    >>> find("tanh")
    <operation tanh>
    """
    if name not in TABLE:
        raise ValueError(f"there is no operation {name!r}; if it is your own, define it first")
    return TABLE[name]


def number(x: Any) -> float:
    """Convert an int, a float or a NumPy scalar to the float that it stands for.

    Raises:
        TypeError: for anything else, naming its type.
        OverflowError: for an int that is too large for a float.

    >>> number(3)
    3.0
    """
    is_numpy = getattr(x, "shape", None) == () and getattr(getattr(x, "dtype", None), "kind", None) in (
        "b",
        "i",
        "u",
        "f",
    )
    if not isinstance(x, (int, float)) and not is_numpy:
        raise TypeError(f"expected a number, not {_described(type(x))}")
    try:
        return float(x)
    except OverflowError:
        raise OverflowError(f"an int of {x.bit_length():,} bits is too large for a float") from None


def _described(kind: type) -> str:
    """Name a type, with its package if that is not Python itself."""
    package = kind.__module__.partition(".")[0]
    return kind.__name__ if package in ("builtins", "tinygrad_edu", "__main__") else f"{package}.{kind.__name__}"


def whole_number(name: str, x: Any, at_least: int) -> int:
    """Convert a whole number of Python or NumPy to an int.

    Raises:
        ValueError: if it is something else or too small, calling it ``name``.

    >>> whole_number("epochs", 10, at_least=0)
    10
    """
    if not hasattr(x, "__index__") or x < at_least:
        raise ValueError(f"{name} must be a whole number of at least {at_least}, not {x!r}")
    return int(x)


def _is_number(x: object) -> bool:
    return isinstance(x, (int, float)) or hasattr(x, "_apply_")


def _describe(operands: Sequence[Any]) -> str:
    texts = []
    for operand in operands[:4]:
        label = str(getattr(operand, "label", ""))
        label = label if len(label) <= 40 else label[:39] + "…"
        texts.append(f"{label} = {operand._data}" if label else f"{getattr(operand, '_data', operand)}")
    if len(operands) > 4:
        texts.append(f"{len(operands) - 4} more")
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def _same_class(error: Exception, message: str) -> Exception:
    text = f"{message} ({error.args[-1]})" if error.args else message  # an OverflowError may have a number first
    for kind in (ZeroDivisionError, OverflowError, ValueError):
        if isinstance(error, kind):
            return kind(text)
    return ArithmeticError(text)
