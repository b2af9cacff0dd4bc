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
from functools import wraps
from typing import TYPE_CHECKING, TypeVar, cast

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.tracing import Trace, check_function, name_of
from tinygrad_edu.engine.operation import number, whole_number
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    from tinygrad_edu.calculus.tracing import Argnums, Function
    from tinygrad_edu.engine.value import Operand


T = TypeVar("T", bound="Callable[..., Any]")
MAX_ORDER = 50  # each order nests another trace, about ten calls deep


def _takes_argnums(transform: T) -> T:
    """Let a transform answer to HIPS autograd's name of the argument, ``argnum``, with its own."""

    @wraps(transform)
    def named(*args: Any, **named: Any) -> Any:
        if "argnum" in named:
            raise TypeError(f"the argument is called argnums: {transform.__name__}(f, argnums={named['argnum']!r})")
        return transform(*args, **named)

    return cast("T", named)


@_takes_argnums
def grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Make the gradient of a function that returns one number: a function of the same arguments.

    Args:
        f: the function; arguments given by keyword are passed on to it as they are.
        argnums: the position of the argument to differentiate with respect to, or a tuple of positions.
        has_aux: whether ``f`` returns a pair of the number and something else, which is then returned as well: the
            gradient and that.

    Returns:
        a function that gives the derivative with respect to each number in that argument, in its structure; for several
        arguments a tuple. Reverse mode: it takes a few times as many operations as ``f``, however many numbers there
        are.

    >>> grad(lambda x: x * x)(3.0)
    6.0
    >>> grad(lambda p: p["a"] * p["b"][0])({"a": 2.0, "b": [5.0]})
    {'a': 5.0, 'b': [2.0]}
    >>> grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 5.0)
    (5.0, 2.0)
    >>> grad(lambda x: (x * x, "a note"), has_aux=True)(3.0)
    (6.0, 'a note')
    >>> grad(lambda x: x * grad(lambda y: x + y)(2.0))(1.0)
    1.0
    """

    def derive(trace: Trace) -> Any:
        _, gradient = _value_and_gradient(trace)
        return (gradient, trace.aux()) if has_aux else gradient

    return _derived("grad", f, derive, argnums, has_aux)


@_takes_argnums
def value_and_grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Like ``grad``, but give the value of the function as well: (value, gradient), for the price of the gradient. With
    ``has_aux``, ((value, the rest), gradient).

    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """

    def derive(trace: Trace) -> Any:
        value, gradient = _value_and_gradient(trace)
        return ((value, trace.aux()) if has_aux else value), gradient

    return _derived("value_and_grad", f, derive, argnums, has_aux)


def derivative(f: Function, order: int = 1) -> Function:
    """Make the derivative of a function of one number, or a higher derivative; order 0 is the function itself.

    What ``f`` returns may be a number or a structure of numbers, such as the point of a curve. Forward mode, as often
    as ``order`` says; each order takes about three times as long as the one before. Further arguments are passed on.

    >>> derivative(lambda x: x ** 4)(2.0)
    32.0
    >>> derivative(lambda x: x ** 4, order=3)(2.0)
    48.0
    >>> from tinygrad_edu.engine.ops import cos, sin
    >>> derivative(lambda t: [cos(t), sin(t)])(0.0)
    [0.0, 1.0]
    """
    if not hasattr(order, "__index__"):
        raise TypeError(f"order is how often to differentiate, not {order!r}; where comes next: derivative(f)(x)")
    times = whole_number("order", order, at_least=0)
    if times > MAX_ORDER:
        raise ValueError(f"a derivative of order {times} is nested too deeply; the highest order is {MAX_ORDER}")
    for _ in range(times):
        f = _derived("derivative", f, _along_one_number)
    return f


@_takes_argnums
def jacobian(f: Function, argnums: Argnums = 0, mode: Literal["auto", "forward", "reverse"] = "auto") -> Function:
    """Make the function, of the same arguments, of all derivatives of all results of a function.

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
    return _derived("jacobian", f, lambda trace: _matrix(trace, mode), argnums)


@_takes_argnums
def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """Make the function of all second derivatives of a function that returns one number: the Jacobian of its gradient.

    For n numbers it takes no longer than n gradients, and often much less.

    >>> hessian(lambda x: x[0] ** 3 * x[1])([2.0, 3.0])
    [[36.0, 12.0], [12.0, 0.0]]
    """
    gradient = _derived("hessian", f, lambda trace: _value_and_gradient(trace)[1], argnums)
    return _named("hessian", f, _derived("hessian", gradient, lambda trace: _matrix(trace, "auto"), argnums))


def hvp(f: Function, x: Any, v: Any) -> Any:
    """Compute the Hessian of ``f`` at ``x`` times ``v``, without the Hessian: it takes up to ten times as long as a
    gradient, however many numbers there are.

    The gradient changes by this when ``x`` moves along ``v``: forward mode over reverse mode (Pearlmutter, "Fast exact
    multiplication by the Hessian", Neural Computation 6, 1994).

    Args:
        f: a function of one argument that returns one number.
        x: where.
        v: numbers in the structure of ``x``, as the result.

    >>> hvp(lambda x: x[0] ** 3 * x[1], [2.0, 3.0], [1.0, 0.0])
    [36.0, 12.0]
    """
    trees.matched(v, x, "v")  # for a message about v
    return jvp(grad(f), (x,), (v,))[1]


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Forward mode: compute the value of ``f``, and how it changes when its arguments move along ``tangents``.

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
    directions = _numbers("tangents", trees.matched(tuple(tangents), tuple(primals), "tangents"))
    trace = Trace("jvp", f, primals, {}, range(len(primals)))
    return trace.value(), trees.rebuilt(trace.result, trace.push(directions))


def vjp(f: Function, *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Reverse mode: compute the value of ``f``, and make a function that carries derivatives back from results to
    arguments.

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
        weights = _numbers("cotangents", trees.matched(cotangents, trace.result, "cotangents"))
        return trees.rebuilt(trace.variables, trace.pull(weights))  # type: ignore[no-any-return]

    return trace.value(), pullback


# ---- how each reads a trace --------------------------------------------------------------------------------------


def _value_and_gradient(trace: Trace) -> tuple[Any, Any]:
    trace.check_scalar()
    return trace.value(), trees.rebuilt(trace.variables, trace.pull([1.0]))


def _along_one_number(trace: Trace) -> Any:
    if not trees.is_leaf(trace.variables):
        raise TypeError(
            f"derivative is that of a function of one number, not of {trees.described(trace.variables)}: see grad"
        )
    return trees.rebuilt(trace.result, trace.push([1.0]))


def _matrix(trace: Trace, mode: str) -> Any:
    rows = [trees.rebuilt(trace.variables, row) for row in trace.jacobian(mode)]
    return trees.rebuilt(trace.result, rows)


def _derived(
    doing: str, f: Function, derive: Callable[[Trace], Any], argnums: Argnums = 0, has_aux: bool = False
) -> Function:
    """Make the function that traces ``f`` and gives what ``derive`` makes of it."""
    check_function(doing, f)
    if not all(hasattr(n, "__index__") for n in (argnums if isinstance(argnums, Sequence) else [argnums])):
        raise TypeError(
            f"argnums is the position of an argument or a tuple of positions, not {argnums!r}; where to differentiate "
            f"comes in the next parentheses: {doing}(f)(x)"
        )
    return _named(doing, f, lambda *args, **named: derive(Trace(doing, f, args, named, argnums, has_aux)))


def _named(doing: str, f: Function, derived: Function) -> Function:
    derived.__name__ = derived.__qualname__ = f"{doing}({name_of(f)})"
    derived.__doc__ = f"The result of {doing} for {name_of(f)}, with the same arguments."
    derived.__wrapped__ = f  # type: ignore[attr-defined]
    return derived


def _numbers(name: str, seeds: Sequence[Any]) -> list[Operand]:
    try:
        return [seed if isinstance(seed, Value) else number(seed) for seed in seeds]
    except TypeError as error:
        raise TypeError(f"{name} are numbers: {error}") from None
