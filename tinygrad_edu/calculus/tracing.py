"""Tracing: a Python function run once on new Values, and what leads from these to what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.linearization import Linearization, RecordedLinearization
from tinygrad_edu.calculus.warning import warn
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.recording import Tracer, is_paused, traced
from tinygrad_edu.engine.value import Constant, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from tinygrad_edu.engine.value import Operand

    Function: TypeAlias = Callable[..., Any]
    Argnums: TypeAlias = "int | Sequence[int]"


class Trace:
    """A function run once on new Values, and the way from these to what it returned.

    Args:
        doing: who asks, for messages.
        f: the function.
        args, named: its arguments.
        argnums: the positions of those to differentiate with respect to.
        has_aux: whether ``f`` returns a pair, of which only the first part is differentiated.

    Attributes:
        variables: the structure of these arguments, and ``inputs``, the new Values in it.
        result: what ``f`` returned, and ``outputs``, its leaves as Values.
        gives_values: whether Values were involved that are not its own, so that derivatives are Values as well.
    """

    def __init__(
        self,
        doing: str,
        f: Function,
        args: Sequence[Any],
        named: Mapping[str, Any],
        argnums: Argnums,
        has_aux: bool = False,
    ) -> None:
        self.doing, self.f = doing, f
        check_function(doing, f)
        places = [_place(argnum, args, f) for argnum in (argnums if isinstance(argnums, Sequence) else [argnums])]
        if len(set(places)) < len(places):
            raise ValueError(f"argnums {argnums} names an argument twice")
        chosen = tuple([args[place] for place in places])
        self.variables = chosen if isinstance(argnums, Sequence) else chosen[0]
        self.inputs, new_args = new_inputs(doing, f, args, places)
        given = [leaf for place in places for _, leaf in trees.leaves(args[place])]
        origins = [(x, leaf) for x, leaf in zip(self.inputs, given) if isinstance(leaf, Value)]  # for which they stand
        tracer = Tracer()
        self.result = traced(tracer, f, *new_args, **named)
        if has_aux:
            if not isinstance(self.result, tuple) or len(self.result) != 2:
                raise TypeError(
                    f"with has_aux, {doing} takes a function that returns a pair (value, anything else); {name_of(f)} "
                    f"returned {trees.described(self.result)}"
                )
            self.result, self._aux = self.result
        own = tracer.leaves
        self.outputs = [output for _, output in outputs_of(doing, f, self.result)]
        self._warn_if_cut_off(own)
        self._at = Linearization(self.outputs, self.inputs)
        self.gives_values = bool(origins) or not own.issuperset(self._at.leaves)
        self._is_detached = bool(is_paused())
        if self.gives_values and not self._is_detached:
            self._at = RecordedLinearization(self.outputs, self.inputs)
            for value, leaf in origins:  # only now, so that the walks above ended at the inputs
                value.op, value._first = ops.positive, leaf
                value.label = ""  # the name is that of the leaf

    def _warn_if_cut_off(self, own: set[Value]) -> None:
        """Warn if all that ``f`` returned are plain numbers, or Values that it made of such."""
        if not (self.outputs and self.inputs and all(_is_cut_off(output, own) for output in self.outputs)):
            return
        what = f"the plain number {self.outputs[0]._data}" if trees.is_leaf(self.result) else "only plain numbers"
        variables = ", ".join(["..." if i == 3 else x.label for i, x in enumerate(self.inputs[:4])])
        warn(
            f"{name_of(self.f)} returned {what}, so its derivative by {variables} is 0. If it should not be, look "
            "for what takes a number out of the graph, such as x.data or no_grad(), and for a branch that returns a "
            "constant"
        )

    def check_scalar(self) -> None:
        """Raise a TypeError unless ``f`` returned one number."""
        if not trees.is_leaf(self.result):
            raise TypeError(
                f"{self.doing} takes a function that returns one number; {name_of(self.f)} returned "
                f"{trees.described(self.result)}. jacobian gives the gradient of each number in it"
            )

    def value(self) -> Any:
        """Return the value of ``f``, as numbers unless it is connected to Values of the caller."""
        if not self.gives_values:
            return trees.rebuilt(self.result, [x._data for x in self.outputs])
        if self._is_detached:
            return trees.rebuilt(self.result, [Value(x._data) for x in self.outputs])
        return self.result

    def aux(self) -> Any:
        """Return the second part of the pair that ``f`` returned, as numbers unless there are Values of the caller."""
        if self.gives_values and not self._is_detached:
            return self._aux
        return trees.tree_map(lambda leaf: leaf._data if isinstance(leaf, Value) else leaf, self._aux)

    def push(self, tangents: Sequence[Operand]) -> list[Operand]:
        """Compute how the outputs change when the inputs change by ``tangents``."""
        at, numbers, gives_values = self._carrying(tangents)
        return self._given(at.push(numbers), gives_values)

    def pull(self, cotangents: Sequence[Operand]) -> list[Operand]:
        """Compute how the sum of the outputs times ``cotangents`` changes with each input."""
        at, numbers, gives_values = self._carrying(cotangents)
        return self._given(at.pull(numbers), gives_values)

    def jacobian(self, mode: str) -> list[list[Operand]]:
        """Compute the matrix of all derivatives, a row for each output."""
        return [self._given(row, self.gives_values) for row in self._at.jacobian(mode)]

    def _carrying(self, seeds: Sequence[Operand]) -> tuple[Linearization, Sequence[Operand], bool]:
        """Choose the linearization to send ``seeds`` through; return it with the seeds, and whether the results are
        Values, as they are also if there are Values among the seeds."""
        if not any(isinstance(seed, Value) for seed in seeds):
            return self._at, seeds, self.gives_values
        if self._is_detached:
            return self._at, [seed._data if isinstance(seed, Value) else seed for seed in seeds], True
        return self._at if self.gives_values else RecordedLinearization(self.outputs, self.inputs), seeds, True

    def _given(self, found: list[Operand], gives_values: bool) -> list[Operand]:
        """Prepare results for the caller: inside ``no_grad``, Values that are not connected."""
        return [Value(x) for x in found] if gives_values and self._is_detached else found  # type: ignore[arg-type]


def new_inputs(doing: str, f: Function, args: Sequence[Any], places: Sequence[int]) -> tuple[list[Value], list[Any]]:
    """Make new Values that stand for the numbers in the arguments at ``places``; return them, and the arguments with
    them in place.

    Raises:
        TypeError: if there is anything else than numbers in these arguments.
    """
    inputs: list[Value] = []
    new_args = list(args)
    for place in places:
        leaves = trees.leaves(args[place], parameter_name(f, place))
        own = [new_input(doing, path, leaf) for path, leaf in leaves]
        new_args[place] = trees.rebuilt(args[place], own)
        inputs += own
    return inputs, new_args


def new_input(doing: str, path: str, leaf: Any) -> Value:
    """Make the Value that stands for a number among the arguments.

    Raises:
        TypeError: if it is not a number.
    """
    if isinstance(leaf, Value):
        return Value(leaf._data, leaf.label or path)
    try:
        return Value(leaf, path)
    except TypeError:
        what = f"{path} is {trees.described(leaf)}"
    if hasattr(leaf, "parameters"):
        what += ". For the parameters of a model there is gradients(loss, model.parameters())"
    raise TypeError(f"{doing} takes numbers, or lists, tuples and dicts of numbers; {what}")


def outputs_of(doing: str, f: Function, result: Any) -> list[tuple[str, Value]]:
    """List the place and Value of each number that ``f`` returned.

    Raises:
        TypeError: if there is anything else among them.
    """
    outputs: list[tuple[str, Value]] = []
    for path, leaf in trees.leaves(result):
        try:
            outputs.append((path, leaf if isinstance(leaf, Value) else _Plain(leaf)))
        except TypeError:
            what = "None (is a return missing?)" if leaf is None else trees.described(leaf)
            where = f"in place {path} of what {name_of(f)} returned is" if path else f"{name_of(f)} returned"
            raise TypeError(f"{doing} takes a function that returns numbers; {where} {what}") from None
    return outputs


class _Plain(Constant):
    """A plain number that a function returned."""

    __slots__ = ()


def _is_cut_off(output: Value, own: set[Value]) -> bool:
    made_of_a_number = output.op is None and output in own and type(output) is Value
    return type(output) is _Plain or made_of_a_number


def check_function(doing: str, f: object) -> None:
    """Raise a TypeError unless ``f`` can be called."""
    if not callable(f):
        hint = "; of a Value that was computed there are gradients(value, inputs)" if isinstance(f, Value) else ""
        raise TypeError(f"{doing} takes a function, not {trees.described(f)}{hint}")


def name_of(f: Function) -> str:
    """Tell the name of a function."""
    return str(getattr(f, "__name__", type(f).__name__))


def parameter_name(f: Function, place: int) -> str:
    """Tell the name of a function's argument in that place, as far as that is easily known."""
    while hasattr(f, "__wrapped__"):
        f = f.__wrapped__
    if hasattr(f, "operands"):  # an operation
        names = f.operands
    else:
        is_bound = not hasattr(f, "__code__") or hasattr(f, "__func__")  # a method, or an object that can be called
        code = getattr(f if hasattr(f, "__code__") else type(f).__call__, "__code__", None)
        names = code.co_varnames[is_bound : code.co_argcount] if code else ()
    return str(names[place]) if place < len(names) else f"x{place}"


def _place(argnum: int, args: Sequence[Any], f: Function) -> int:
    if not -len(args) <= argnum < len(args):
        count = "1 argument" if len(args) == 1 else f"{len(args)} arguments"
        raise TypeError(
            f"argnums is {argnum}, but {name_of(f)} was given {count} by position; what is to be differentiated by is "
            "given so, f(x) rather than f(x=x)"
        )
    return argnum % len(args)
