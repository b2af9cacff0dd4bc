"""Compilation: a function recorded once, and printed with its gradient as straight-line Python on bare floats."""

from __future__ import annotations

import math
from _thread import RLock
from struct import pack

from tinygrad_edu import structure
from tinygrad_edu.graph import local_derivatives, recorded_derivatives
from tinygrad_edu.linearization import Linearization, RecordedLinearization
from tinygrad_edu.listing import FOLDED, Listing, found
from tinygrad_edu.operation import number
from tinygrad_edu.program import Function, Program
from tinygrad_edu.randomness import global_state
from tinygrad_edu.recording import recorded, traced
from tinygrad_edu.source_text import as_tuple, backward_comment, module
from tinygrad_edu.symbolic import CompileError, symbolically
from tinygrad_edu.tracing import check_function, name_of, new_inputs, outputs_of, parameter_name
from tinygrad_edu.value import Value, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    from tinygrad_edu.value import Operand

    Code: TypeAlias = tuple[str, dict[str, Any]]  # the text, and the functions in it

KEPT = 64  # so many pieces of code are kept to be used again
NUDGE = 2.0**-10  # how far, in relation to itself, a number is moved to see what a function makes of another one
ERRORS = (ArithmeticError, ValueError, TypeError, LookupError)
_lock = RLock()
_codes: dict[tuple[Any, ...], Code] = {}  # by what is computed


def compile(f: Callable[..., Any], *examples: Any) -> Compiled:
    """Compile a function: from then on it computes its value, and its gradient, without recording anything.

    The function is run on Values in the place of ``examples``; the engine records the value and, with the rules of the
    table, the gradient, and what was recorded is printed as straight-line Python (``source``). It must compute in the
    same way for all numbers: loops and calls are fine, but no branch may depend on a number that changes; ``where``
    chooses between two results. Values from around it, such as the parameters of a model, are read at each call; what
    was computed from them before is computed anew.

    Args:
        f: a function of numbers, or of nested lists, tuples and dicts of numbers, that returns such.
        examples: arguments for it; of later ones only the numbers differ.

    Returns:
        the compiled function, see ``Compiled``. Its code is about as fast as the same formulas written by hand; to this
        come a few microseconds for each call.

    Raises:
        CompileError: (a TypeError) if what the function does depends on numbers, is something else each time or is no
            computation with its arguments.
        TypeError: if an argument or a result does not consist of numbers.
        ValueError, ZeroDivisionError, OverflowError: where the function has no value at ``examples``.

    >>> from tinygrad_edu.ops import tanh
    >>> neuron = compile(lambda w, x: tanh(w * x), 0.5, 1.0)
    >>> neuron(0.0, 3.0), neuron.gradient(0.0, 3.0)
    (0.0, (3.0, 0.0))
    >>> print(neuron.source)
    from math import tanh
    <BLANKLINE>
    def value(w, x):
        return tanh(w * x)
    <BLANKLINE>
    def value_and_gradient(w, x):
        # forward
        v1 = w * x
        v2 = tanh(v1)
        # backward: d_v1 is the derivative of v2 by v1
        d_v1 = 1.0 - v2 * v2
        d_w = d_v1 * x
        d_x = d_v1 * w
        return v2, (d_w, d_x)
    <BLANKLINE>
    """
    return Compiled(f, examples)


class Compiled:
    """A function that was compiled; made by ``compile``.

    Called with arguments like the examples it gives the value, in the structure that the function returned, the same as
    the function itself to within rounding. Where its code fails, or a result is not finite, the function is run on
    Values once more and gives what it gives there, or raises what it raises. (What does not matter for a result is not
    computed, and raises nothing.) With Values among the arguments it is the function itself, which records.

    Attributes:
        source: the code, a Python module of its own.
    """

    def __init__(self, f: Callable[..., Any], examples: tuple[Any, ...]) -> None:
        self._f = f
        self._examples = tuple([_plain(example) for example in examples])
        self._graph = graph_to_compile("compile", f, self._examples)
        self._is_scalar = is_scalar = structure.is_leaf(self._graph.result)
        self._gives_list = (_length(self._graph.result) or -1) >= 0
        self._lengths = [_length(example) for example in self._examples]
        self.source, functions = cached(
            ("function", is_scalar, self._graph.signature()), lambda: _function(self._graph)
        )
        self._value = functions["value"]
        self._value_and_gradient = functions.get("value_and_gradient")

    def __call__(self, *args: Any) -> Any:
        try:
            numbers, results = self._numbers(args), None
        except _ValueGiven:
            return self._f(*args)
        try:
            found = self._value(*numbers)
            results = (found,) if self._is_scalar else found
            is_right = math.isfinite(sum(results))
        except ERRORS:
            is_right = False
        if results is None or not is_right:
            results = [output._data for output in self._recorded(args).outputs]
        return list(results) if self._gives_list else structure.rebuilt(self._graph.result, results)

    def gradient(self, *args: Any) -> Any:
        """The derivative by each number among the arguments: for one argument in its structure, for several a tuple.

        Raises:
            TypeError: if the function returns more than one number.
            ZeroDivisionError, ValueError, OverflowError: where a derivative is infinite or undefined.
        """
        return self.value_and_gradient(*args)[1]

    def value_and_gradient(self, *args: Any) -> tuple[Any, Any]:
        """The value and the gradient, for the price of the gradient; see ``gradient``."""
        if self._value_and_gradient is None:
            raise TypeError(
                f"a gradient is that of a function that returns one number; {name_of(self._f)} returned "
                f"{structure.described(self._graph.result)}"
            )
        numbers = self._numbers(args)
        try:
            value, slopes = self._value_and_gradient(*numbers)
            is_right = math.isfinite(value + sum(slopes))
        except ERRORS:
            is_right = False
        if not is_right:
            graph = self._recorded(args)
            value, slopes = graph.outputs[0]._data, Linearization(graph.outputs, graph.inputs).pull([1.0])
        return value, self._gradient(slopes)

    def _numbers(self, args: tuple[Any, ...]) -> list[float]:
        """The numbers in the arguments, and those in Values from around the function."""
        if len(args) != len(self._examples):
            raise TypeError(f"{name_of(self._f)} was compiled for {len(self._examples)} arguments, not {len(args)}")
        numbers: list[float] = []
        for place, (arg, length) in enumerate(zip(args, self._lengths)):
            if length is None and type(arg) is float:
                numbers.append(arg)
            elif type(arg) is list and len(arg) == length and {*map(type, arg)} <= {float}:
                numbers += arg
            else:
                name = parameter_name(self._f, place)
                leaves = structure.matched(arg, self._examples[place], name)
                numbers += [x if type(x) is float else plain_number(name, x) for x in leaves]
        if self._graph.around:
            numbers += [x._data for x in self._graph.around]
        return numbers

    def _gradient(self, slopes: Sequence[float]) -> Any:
        """The derivatives in the structure of the arguments."""
        if len(self._lengths) > 1 or self._lengths == [-1]:
            gradient = structure.rebuilt(self._examples, slopes)
            return gradient[0] if len(gradient) == 1 else gradient
        return slopes[0] if self._lengths == [None] else list(slopes)

    def _recorded(self, args: tuple[Any, ...]) -> Graph:
        """What the function gives when it is run on Values."""
        return Graph("compile", self._f, args)

    def __repr__(self) -> str:
        return f"<compiled {name_of(self._f)}>"


class Graph:
    """What a function computes from arguments, recorded once on new Values.

    Attributes:
        inputs: the Values that stand for the numbers in the arguments.
        around: the leaves that are not its own, such as the parameters of a model.
        variables: both.
        result, outputs: what it returned, and the numbers in it as Values.
        order: all that these were made from, in topological order.
    """

    def __init__(self, doing: str, f: Callable[..., Any], args: Sequence[Any]) -> None:
        check_function(doing, f)
        self.inputs, new_args = new_inputs(doing, f, args, range(len(args)))
        result, own = traced(f, *new_args)
        self.outputs = [output for _, output in outputs_of(doing, f, result)]
        self.result = structure.rebuilt(result, self.outputs)  # the function may change its own
        at = Linearization(self.outputs, self.inputs)
        self.order = at.order
        self.around = [leaf for leaf in at.leaves if leaf not in own]
        self.variables = [*self.inputs, *self.around]
        self._signatures: dict[bool, tuple[Any, ...]] = {}

    def signature(self, with_labels: bool = True) -> tuple[Any, ...]:
        """What is computed, whatever the numbers: equal for graphs that have the same code."""
        if with_labels not in self._signatures:
            self._signatures[with_labels] = self._signature(with_labels)
        return self._signatures[with_labels]

    def _signature(self, with_labels: bool) -> tuple[Any, ...]:
        places: dict[Value, int] = {variable: place for place, variable in enumerate(self.variables)}
        parts: list[Any] = [str(variable.label) for variable in self.variables] if with_labels else []
        for node in self.order:
            if node not in places:
                places[node] = len(places)
                parts += (node.op, str(node.label) if with_labels else "", len(node.parents))
                parts += [places[parent] for parent in node.parents] if node.op else [pack("d", node._data)]
        return (len(self.inputs), *parts, *[places[output] for output in self.outputs])

    def equals(self, other: Graph, with_labels: bool = True) -> bool:
        """Whether the same is computed, with the same Values from around."""
        around = [*map(id, self.around)] == [*map(id, other.around)]
        return around and self.signature(with_labels) == other.signature(with_labels)


def graph_to_compile(doing: str, f: Callable[..., Any], args: Sequence[Any]) -> Graph:
    """The graph of a function that does the same for all numbers.

    Raises:
        CompileError: if it does not, as far as can be seen when it is run twice, the second time at numbers that are
            slightly different; or if what it returns was not computed from anything that changes.
    """
    before = global_state()
    graph = symbolically(Graph, doing, f, args)
    if {*graph.variables}.isdisjoint(graph.order):
        raise CompileError(
            f"{name_of(f)} returned {structure.described(graph.result)} that was not computed from its arguments, so "
            "there is nothing to compile (does something take a number out of the graph, as x.data and no_grad do?)"
        )
    again = _once_more(doing, f, args, [x._data for x in graph.inputs])
    if not again.equals(graph, with_labels=False) or global_state() != before:
        raise CompileError(
            f"{name_of(f)} computes something else when it is called again, with slightly different numbers: it takes "
            "a number out of the graph, as x.data does, or draws random numbers, or counts its calls. Compiled code "
            "would go on with what it saw first"
        )
    return graph


def _once_more(doing: str, f: Callable[..., Any], args: Sequence[Any], numbers: Sequence[float]) -> Graph:
    """The graph at numbers next to those that were given, at those themselves where it has none."""
    for nudge in (-NUDGE, NUDGE):
        nudged = [x + nudge * (abs(x) or 1.0) for x in numbers]
        try:
            return symbolically(Graph, doing, f, structure.rebuilt(tuple(args), nudged))
        except Exception:  # whatever a function does that is not meant for these numbers
            continue
    return symbolically(Graph, doing, f, args)


# ---- code ------------------------------------------------------------------------------------------------------------


def cached(key: tuple[Any, ...], make: Callable[[], str]) -> Code:
    """The code that ``make`` prints and the functions in it; for the same key the same."""
    with _lock:
        code = _codes.pop(key, None)
    if code is None:
        source = make()
        functions: dict[str, Any] = {}
        exec(source, functions)
        code = source, functions
    with _lock:
        _codes[key] = code  # the last used is the last to go
        while len(_codes) > KEPT:
            del _codes[next(iter(_codes))]
    return code


def differentiate(
    program: Program, outputs: Sequence[Value], inputs: Sequence[Value], cotangents: Sequence[Operand]
) -> list[int]:
    """The places of the derivatives of the sum of ``outputs`` times ``cotangents`` by ``inputs``, which the program
    gets."""
    at = _CompiledLinearization(outputs, inputs)
    found = symbolically(at.pull, cotangents)
    return program.backward_places(found, [*zip(inputs, found), *at.adjoints.items()])  # type: ignore[arg-type]


class _CompiledLinearization(RecordedLinearization):
    """The derivative as a graph that holds for all numbers."""

    def locals(self, node: Value) -> list[Operand]:
        """The local derivatives of ``node``. A rule that cannot be written down, because it branches, works on numbers
        only or has no value here, is called each time."""
        if node not in self._locals:
            try:
                self._locals[node] = symbolically(recorded_derivatives, node)
            except (ArithmeticError, ValueError, TypeError):
                self._locals[node] = list(recorded(_called_rule, node))
        return self._locals[node]


def _called_rule(node: Value) -> list[Value]:
    """The items of a call of the rule, as Values."""
    assert node.op is not None
    try:
        numbers = local_derivatives(node)
    except (ArithmeticError, ValueError):
        numbers = [math.nan] * len(node.parents)
    rule = Function(f"{node.op.name}_rule", source=f"{found(node.op)}.rule")
    call = record(rule, math.nan, (node, *node.parents))  # type: ignore[arg-type]
    return [
        record(Function(f"item {i}", f"rule[{i}]", ("rule",)), local, call)  # type: ignore[arg-type]
        for i, local in enumerate(numbers)
    ]


def _function(graph: Graph) -> str:
    """The text of a function that gives the value, and if it is one number of one that gives the gradient too."""
    program = Program(graph.variables)
    results = program.places(graph.outputs)
    value = Listing(program, results, len(graph.variables))
    lines = value.statements(results)
    returned = [value.expression(result, lines) for result in results]
    is_scalar = structure.is_leaf(graph.result)
    lines.append(f"return {returned[0] if is_scalar else as_tuple(returned)}")
    parameters = ", ".join(value.names)
    listings, functions = [value], [[f"def value({parameters}):", *lines]]
    if is_scalar:
        slopes = differentiate(program, graph.outputs, graph.inputs, [1.0])
        both = Listing(program, [*results, *slopes], len(graph.variables))
        forward = both.statements(results)
        backward = both.statements(slopes)
        result = both.expression(results[0], forward)
        result = both.name(results[0], forward) if len(result) > FOLDED else result
        names = []
        for x, slope in zip(both.names, slopes):
            names.append(both.fresh(f"d_{x}"))
            backward.append(f"{names[-1]} = {both.expression(slope, backward)}")
        lines = [
            *["# forward"] * bool(forward),
            *forward,
            backward_comment(backward, result if result.isidentifier() else "the result"),
            *backward,
        ]
        lines.append(f"return {result}, {as_tuple(names)}")
        listings.append(both)
        functions.append([f"def value_and_gradient({parameters}):", *lines])
    return module(listings, functions)


# ---- arguments -------------------------------------------------------------------------------------------------------


def plain_number(name: str, x: Any) -> float:
    """The float that ``x`` is.

    Raises:
        TypeError: if it is something else, such as a Value, calling it ``name``.
    """
    if isinstance(x, Value):
        raise _ValueGiven(f"compiled code takes plain numbers; in {name} is a Value. Pass x.data")
    try:
        return number(x)
    except TypeError:
        raise TypeError(f"compiled code takes plain numbers; in {name} is {structure.described(x)}") from None


class _ValueGiven(TypeError):
    """A Value in the place of a number."""


def _length(example: Any) -> int | None:
    """None for a number, the length of a list of numbers, and -1 for any other structure."""
    if structure.is_leaf(example):
        return None
    return len(example) if type(example) is list and all(map(structure.is_leaf, example)) else -1


def _plain(example: Any) -> Any:
    """The same with numbers in the place of Values."""
    leaves = [leaf._data if isinstance(leaf, Value) else leaf for _, leaf in structure.leaves(example)]
    return structure.rebuilt(example, leaves)
