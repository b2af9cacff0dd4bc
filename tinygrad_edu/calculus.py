"""Derivatives of Python functions: gradients, Jacobians, Hessians, and products with them.

Each takes a function of numbers, or of nested lists, tuples and dicts of numbers, and gives derivatives in the same
structure. The function is run once on Values, whatever loops, branches and calls it has, and what it recorded is
differentiated; it may use operators, comparisons, and the functions of this package.

Plain numbers give plain numbers. Where Values are involved, among the arguments or because the function uses some from
around it, the results are Values too, connected to these: that is how derivatives nest. Each call differentiates with
respect to new Values of its own, so that nested derivatives never mistake one variable for another (Siskind and
Pearlmutter, "Perturbation confusion and referential transparency", IFL 2005).

All of them raise ``TypeError`` for an argument or a result that does not consist of numbers, and the errors of
``Value.backward`` where a derivative is infinite or undefined. A function that returns a plain number has derivative 0,
with a warning, for something may have taken the number out of the graph.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu import ops, structure
from tinygrad_edu.linearization import Linearization, RecordedLinearization
from tinygrad_edu.operation import number, whole_number
from tinygrad_edu.value import Constant, Value, is_paused, traced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Literal, TypeAlias

    from tinygrad_edu.value import Operand

    Function: TypeAlias = Callable[..., Any]
    Argnums: TypeAlias = "int | Sequence[int]"


def grad(f: Function, argnums: Argnums = 0) -> Function:
    """The gradient of a function that returns one number, as a function of the same arguments.

    Args:
        f: the function; arguments given by keyword are passed on to it as they are.
        argnums: the position of the argument to differentiate with respect to, or a tuple of positions.

    Returns:
        a function that gives the derivative with respect to each number in that argument, in its structure; for several
        arguments a tuple. Reverse mode: it takes a few times as long as ``f``, however many numbers there are.

    >>> grad(lambda x: x * x)(3.0)
    6.0
    >>> grad(lambda p: p["a"] * p["b"][0])({"a": 2.0, "b": [5.0]})
    {'a': 5.0, 'b': [2.0]}
    >>> grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 5.0)
    (5.0, 2.0)
    >>> grad(lambda x: x * grad(lambda y: x + y)(2.0))(1.0)
    1.0
    """
    return _of("grad", f, lambda trace: _value_and_gradient(trace)[1], argnums)


def value_and_grad(f: Function, argnums: Argnums = 0) -> Function:
    """Like ``grad``, but gives the value of the function as well: (value, gradient), for the price of the gradient.

    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """
    return _of("value_and_grad", f, _value_and_gradient, argnums)


def derivative(f: Function, order: int = 1) -> Function:
    """The derivative of a function of one number, or a higher derivative; order 0 is the function itself.

    What ``f`` returns may be a number or a structure of numbers, such as the point of a curve. Forward mode, as often
    as ``order`` says; each order makes more work than the one before.

    >>> derivative(lambda x: x ** 4)(2.0)
    32.0
    >>> derivative(lambda x: x ** 4, order=3)(2.0)
    48.0
    >>> from tinygrad_edu.ops import cos, sin
    >>> derivative(lambda t: [cos(t), sin(t)])(0.0)
    [0.0, 1.0]
    """
    if not hasattr(order, "__index__"):
        raise TypeError(f"order is how often to differentiate, not {order!r}; where comes next: derivative(f)(x)")
    for _ in range(whole_number("order", order, at_least=0)):
        f = _of("derivative", f, _along_one_number)
    return f


def jacobian(f: Function, argnums: Argnums = 0, mode: Literal["auto", "forward", "reverse"] = "auto") -> Function:
    """All derivatives of all results of a function, as a function of the same arguments.

    Args:
        f: the function, which returns numbers in any structure.
        argnums: see ``grad``.
        mode: "forward" costs one pass for each number among the arguments, "reverse" one for each result; "auto" takes
            what is fewer.

    Returns:
        a function that gives the structure of the results, in the place of each number its gradient: for lists a matrix
        with a row for each result.

    >>> jacobian(lambda x: [x[0] * x[1], x[0] + x[1], x[0] ** 2])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0], [4.0, 0.0]]
    """
    if mode not in ("auto", "forward", "reverse"):
        raise ValueError(f'mode is "auto", "forward" or "reverse", not {mode!r}')
    return _of("jacobian", f, lambda trace: _matrix(trace, mode), argnums)


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """All second derivatives of a function that returns one number: the Jacobian of its gradient.

    For n numbers it takes about as long as n gradients.

    >>> hessian(lambda x: x[0] ** 3 * x[1])([2.0, 3.0])
    [[36.0, 12.0], [12.0, 0.0]]
    """
    _check_function("hessian", f)
    return _named("hessian", f, jacobian(grad(f, argnums), argnums))


def hvp(f: Function, x: Any, v: Any) -> Any:
    """The Hessian of ``f`` at ``x`` times ``v``, without the Hessian: it takes about ten times as long as a gradient,
    however many numbers there are.

    The gradient changes by this when ``x`` moves along ``v``: forward mode over reverse mode (Pearlmutter, "Fast exact
    multiplication by the Hessian", Neural Computation 6, 1994).

    Args:
        f: a function of one argument that returns one number.
        x: where.
        v: numbers in the structure of ``x``, as the result.

    >>> hvp(lambda x: x[0] ** 3 * x[1], [2.0, 3.0], [1.0, 0.0])
    [36.0, 12.0]
    """
    directions = structure.matched(v, x, "v")
    return jvp(grad(f), (x,), (structure.rebuilt(x, directions),))[1]


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Forward mode: the value of ``f``, and how it changes when its arguments move along ``tangents``.

    The tangents are carried along the recorded computation, operation by operation: the Jacobian times a vector,
    without the Jacobian.

    Args:
        f: a function that returns numbers in any structure.
        primals: the tuple of its arguments.
        tangents: the direction, in the structure of ``primals``.

    Returns:
        (value, derivative along the tangents), each in the structure that ``f`` returns.

    >>> jvp(lambda x, y: x * y, (2.0, 5.0), (1.0, 0.0))
    (10.0, 5.0)
    """
    for name, arguments in (("primals", primals), ("tangents", tangents)):
        if not isinstance(arguments, (tuple, list)):
            raise TypeError(f"jvp takes its {name} as a tuple, one for each argument, not {type(arguments).__name__}")
    directions = _numbers("tangents", structure.matched(tuple(tangents), tuple(primals), "tangents"))
    trace = Trace("jvp", f, primals, {}, range(len(primals)))
    return trace.value(), structure.rebuilt(trace.result, trace.push(directions))


def vjp(f: Function, *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Reverse mode: the value of ``f``, and a function that carries derivatives back from results to arguments.

    Returns:
        (value, pullback). ``pullback(cotangents)`` takes numbers in the structure of the value, the derivatives of
        something with respect to it, and gives a tuple of its derivatives with respect to each argument: a vector times
        the Jacobian, without the Jacobian. It can be called any number of times.

    >>> value, pullback = vjp(lambda x, y: [x * y, x + y], 2.0, 5.0)
    >>> value, pullback([1.0, 0.0]), pullback([0.0, 1.0])
    ([10.0, 7.0], (5.0, 2.0), (1.0, 1.0))
    """
    trace = Trace("vjp", f, primals, {}, range(len(primals)))

    def pullback(cotangents: Any) -> tuple[Any, ...]:
        weights = _numbers("cotangents", structure.matched(cotangents, trace.result, "cotangents"))
        return structure.rebuilt(trace.variables, trace.pull(weights))  # type: ignore[no-any-return]

    return trace.value(), pullback


# ---- one function, run once ------------------------------------------------------------------------------------------


class Trace:
    """A function run once on new Values, and the way from these to what it returned.

    Args:
        doing: who asks, for messages.
        f: the function.
        args, named: its arguments.
        argnums: the positions of those to differentiate with respect to.

    Attributes:
        variables: the structure of these arguments, and ``inputs``, the new Values in it.
        result: what ``f`` returned, and ``outputs``, its leaves as Values.
        gives_values: whether Values were involved that are not its own, so that derivatives are Values as well.
    """

    def __init__(
        self, doing: str, f: Function, args: Sequence[Any], named: Mapping[str, Any], argnums: Argnums
    ) -> None:
        self.doing, self.f = doing, f
        self.inputs: list[Value] = []
        origins: list[tuple[Value, Value]] = []  # inputs, and the Values for which they stand
        _check_function(doing, f)
        places = [_place(argnum, args, f) for argnum in (argnums if isinstance(argnums, Sequence) else [argnums])]
        if len(set(places)) < len(places):
            raise ValueError(f"argnums {argnums} names an argument twice")
        chosen = tuple([args[place] for place in places])
        self.variables = chosen if isinstance(argnums, Sequence) else chosen[0]
        new_args = list(args)
        for place in places:
            before = len(self.inputs)
            for path, leaf in structure.leaves(args[place], parameter_name(f, place)):
                self.inputs.append(new_input(doing, path, leaf))
                if isinstance(leaf, Value):
                    origins.append((self.inputs[-1], leaf))
            new_args[place] = structure.rebuilt(args[place], self.inputs[before:])
        self.result, own = traced(f, *new_args, **named)
        self.outputs = [output for _, output in outputs_of(doing, f, self.result)]
        self._warn_if_cut_off(own)
        self._at = Linearization(self.outputs, self.inputs)
        self.gives_values = bool(origins) or not own.issuperset(self._at.leaves)
        self._is_detached = bool(is_paused())
        if self.gives_values and not self._is_detached:
            self._at = RecordedLinearization(self.outputs, self.inputs)
            for value, leaf in origins:  # only now, so that the walks above ended at the inputs
                value.op, value._first = ops.positive, leaf

    def _warn_if_cut_off(self, own: set[Value]) -> None:
        """Warn if all that ``f`` returned are plain numbers, or Values that it made of such."""
        if not (self.outputs and self.inputs and all(_is_cut_off(output, own) for output in self.outputs)):
            return
        what = f"the plain number {self.outputs[0].data}" if structure.is_leaf(self.result) else "only plain numbers"
        variables = ", ".join([x.label for x in self.inputs[:3]] + ["..."] * (len(self.inputs) > 3))
        _warn(
            f"{name_of(self.f)} returned {what}, so its derivative by {variables} is 0. If it should not be, look "
            "for what takes a number out of the graph, such as x.data or no_grad(), and for a branch that returns a "
            "constant"
        )

    def check_scalar(self) -> None:
        """Raise a TypeError unless ``f`` returned one number."""
        if not structure.is_leaf(self.result):
            raise TypeError(
                f"{self.doing} takes a function that returns one number; {name_of(self.f)} returned "
                f"{structure.described(self.result)}. jacobian gives the gradient of each number in it"
            )

    def value(self) -> Any:
        """What ``f`` returned, as numbers unless it is connected to Values of the caller."""
        if not self.gives_values:
            return structure.rebuilt(self.result, [x.data for x in self.outputs])
        if self._is_detached:
            return structure.rebuilt(self.result, [Value(x.data) for x in self.outputs])
        return self.result

    def push(self, tangents: Sequence[Operand]) -> list[Operand]:
        """How the outputs change when the inputs change by ``tangents``."""
        at, numbers, gives_values = self._carrying(tangents)
        return self._given(at.push(numbers), gives_values)

    def pull(self, cotangents: Sequence[Operand]) -> list[Operand]:
        """How the sum of the outputs times ``cotangents`` changes with each input."""
        at, numbers, gives_values = self._carrying(cotangents)
        return self._given(at.pull(numbers), gives_values)

    def jacobian(self, mode: str) -> list[list[Operand]]:
        """The matrix of all derivatives, a row for each output."""
        return [self._given(row, self.gives_values) for row in self._at.jacobian(mode)]

    def _carrying(self, seeds: Sequence[Operand]) -> tuple[Linearization, Sequence[Operand], bool]:
        """What to send ``seeds`` through, the seeds, and whether the results are Values: also if there are some among
        the seeds."""
        if not any(isinstance(seed, Value) for seed in seeds):
            return self._at, seeds, self.gives_values
        if self._is_detached:
            return self._at, [seed.data if isinstance(seed, Value) else seed for seed in seeds], True
        return self._at if self.gives_values else RecordedLinearization(self.outputs, self.inputs), seeds, True

    def _given(self, found: list[Operand], gives_values: bool) -> list[Operand]:
        """As it is given to the caller: inside ``no_grad`` as Values that are not connected."""
        return [Value(x) for x in found] if gives_values and self._is_detached else found  # type: ignore[arg-type]


def new_input(doing: str, path: str, leaf: Any) -> Value:
    """The Value that stands for a number among the arguments.

    Raises:
        TypeError: if it is not a number.
    """
    if isinstance(leaf, Value):
        return Value(leaf.data, leaf.label or path)
    try:
        return Value(leaf, path)
    except TypeError:
        what = f"{path} is {structure.described(leaf)}"
    if hasattr(leaf, "parameters"):
        what += ". For the parameters of a model there is gradients(loss, model.parameters())"
    raise TypeError(f"{doing} takes numbers, or lists, tuples and dicts of numbers; {what}")


def outputs_of(doing: str, f: Function, result: Any) -> list[tuple[str, Value]]:
    """The place and Value of each number that ``f`` returned.

    Raises:
        TypeError: if there is anything else among them.
    """
    outputs: list[tuple[str, Value]] = []
    for path, leaf in structure.leaves(result):
        try:
            outputs.append((path, leaf if isinstance(leaf, Value) else _Plain(leaf)))
        except TypeError:
            what = structure.described(leaf) + " (is a return missing?)" * (leaf is None)
            where = f"in place {path} of what {name_of(f)} returned is" if path else f"{name_of(f)} returned"
            raise TypeError(f"{doing} takes a function that returns numbers; {where} {what}") from None
    return outputs


class _Plain(Constant):
    """A plain number that a function returned."""

    __slots__ = ()


def _is_cut_off(output: Value, own: set[Value]) -> bool:
    made_of_a_number = output.op is None and output in own and type(output) is Value
    return type(output) is _Plain or made_of_a_number


def _value_and_gradient(trace: Trace) -> tuple[Any, Any]:
    trace.check_scalar()
    return trace.value(), structure.rebuilt(trace.variables, trace.pull([1.0]))


def _along_one_number(trace: Trace) -> Any:
    if not structure.is_leaf(trace.variables):
        raise TypeError(
            f"derivative is that of a function of one number, not of {structure.described(trace.variables)}: see grad"
        )
    return structure.rebuilt(trace.result, trace.push([1.0]))


def _matrix(trace: Trace, mode: str) -> Any:
    rows = [structure.rebuilt(trace.variables, row) for row in trace.jacobian(mode)]
    return structure.rebuilt(trace.result, rows)


def _of(doing: str, f: Function, derive: Callable[[Trace], Any], argnums: Argnums = 0) -> Function:
    """The function that traces ``f`` and gives what ``derive`` makes of it."""
    _check_function(doing, f)
    numbers = list(argnums) if isinstance(argnums, (list, tuple)) else [argnums]
    if not all(hasattr(n, "__index__") for n in numbers):
        raise TypeError(
            f"argnums is the position of an argument or a tuple of positions, not {argnums!r}; where to differentiate "
            f"comes in the next parentheses: {doing}(f)(x)"
        )
    return _named(doing, f, lambda *args, **named: derive(Trace(doing, f, args, named, argnums)))


def _check_function(doing: str, f: object) -> None:
    if not callable(f):
        of_value = "; of a Value that was computed there are gradients(value, inputs)" * isinstance(f, Value)
        raise TypeError(f"{doing} takes a function, not {structure.described(f)}{of_value}")


def _named(doing: str, f: Function, derived: Function) -> Function:
    derived.__name__ = derived.__qualname__ = f"{doing}({name_of(f)})"
    derived.__doc__ = f"The result of {doing} for {name_of(f)}, with the same arguments."
    derived.__wrapped__ = f  # type: ignore[attr-defined]
    return derived


def name_of(f: Function) -> str:
    """What ``f`` is called."""
    return str(getattr(f, "__name__", type(f).__name__))


def _place(argnum: int, args: Sequence[Any], f: Function) -> int:
    if not -len(args) <= argnum < len(args):
        count = f"{len(args)} argument{'s' * (len(args) != 1)}"
        raise TypeError(
            f"argnums is {argnum}, but {name_of(f)} was given {count} by position; what is to be differentiated by is "
            "given so, f(x) rather than f(x=x)"
        )
    return argnum % len(args)


def parameter_name(f: Function, place: int) -> str:
    """What ``f`` calls its argument in that place, as far as that is easily known."""
    while hasattr(f, "__wrapped__"):
        f = f.__wrapped__
    if hasattr(f, "operands"):  # an operation
        names = f.operands
    else:
        is_bound = not hasattr(f, "__code__") or hasattr(f, "__func__")  # a method, or an object that can be called
        code = getattr(f if hasattr(f, "__code__") else type(f).__call__, "__code__", None)
        names = code.co_varnames[is_bound : code.co_argcount] if code else ()
    return str(names[place]) if place < len(names) else f"argument {place}"


def _numbers(name: str, seeds: Sequence[Any]) -> list[Operand]:
    try:
        return [seed if isinstance(seed, Value) else number(seed) for seed in seeds]
    except TypeError as error:
        raise TypeError(f"{name} are numbers: {error}") from None


def _warn(message: str) -> None:
    """Warn where this package was called."""
    import sys
    import warnings

    level, frame = 1, sys._getframe(0)
    while frame.f_back and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "tinygrad_edu":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)
