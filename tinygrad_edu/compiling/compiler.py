"""Compilation: a function recorded once, and printed with its gradient as straight-line Python on bare floats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.linearization import Linearization
from tinygrad_edu.calculus.tracing import name_of, parameter_name
from tinygrad_edu.compiling.code_cache import ERRORS, cached
from tinygrad_edu.compiling.function_graph import Graph, agree, graph_to_compile
from tinygrad_edu.compiling.listing import Listing
from tinygrad_edu.compiling.program import Program
from tinygrad_edu.compiling.program_gradient import differentiate
from tinygrad_edu.compiling.shape import FLOAT, Shape, plain_numbers
from tinygrad_edu.compiling.source_text import as_tuple, backward_comment, module
from tinygrad_edu.compiling.surroundings import Surroundings
from tinygrad_edu.compiling.symbols import CompileError
from tinygrad_edu.engine.operation import number
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


def compile(f: Callable[..., Any], *examples: Any) -> Compiled:
    """Compile a function: from then on it computes its value, and its gradient, without recording anything.

    The function is run on Values in the place of ``examples``; the engine records the value and, with the rules of the
    table, the gradient, and what was recorded is printed as straight-line Python (``source``). It must compute in the
    same way for all numbers: loops and calls are fine, but no branch may depend on an argument; ``where`` chooses
    between two results. To see that, it is run a few times (on plain numbers too), and then no more.

    All arguments become Values. A setting, such as an index, a count or a class, is therefore no argument:
    ``compile(lambda scores: cross_entropy(scores, 1), [0.0, 0.0])``.

    What the function takes from around it: plain numbers stay what they were when it was compiled (compile again after
    changing one). Values, such as the parameters of a model, are read at each call, and what was computed from them
    before is computed again.

    Args:
        f: a function of numbers, or of nested lists, tuples and dicts of numbers, that returns such.
        examples: an example of each argument; later ones must have the same structure.

    Returns:
        the compiled function, see ``Compiled``. Its code is about as fast as the same formulas written by hand; to this
        come a few microseconds for each call.

    Raises:
        CompileError: (a TypeError) if what the function does depends on numbers, differs from call to call, changes
            something around it, such as an attribute or a list, or does not use its arguments.
        TypeError: if an argument or a result does not consist of numbers.
        ValueError, ZeroDivisionError, OverflowError: where the function has no value at ``examples``.

    >>> from tinygrad_edu.engine.ops import tanh
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
    if isinstance(f, str):
        raise TypeError("this compile takes a function; Python's own is builtins.compile")
    try:
        return Compiled(f, examples)
    except TypeError:
        _check_count(f, examples)
        raise


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
        self._arguments = Shape(examples)
        self._each = [(parameter_name(f, place), Shape(example)) for place, example in enumerate(examples)]
        self._graph = graph_to_compile("compile", f, self._arguments.example)
        self._result = Shape(self._graph.result)
        key = ("function", self._result.is_number, self._graph.signature())
        self.source, functions = cached(key, lambda: _function(self._graph))
        self._value = functions["value"]
        self._value_and_gradient = functions.get("value_and_gradient")
        self._check_with_numbers()

    def __call__(self, *args: Any) -> Any:
        try:
            numbers, results = self._numbers(args), None
        except TypeError:
            if any(isinstance(x, Value) for _, x in trees.leaves(args)):
                return self._f(*args)
            raise
        try:
            found = self._value(*numbers)
            results = (found,) if self._result.is_number else found
            is_right = math.isfinite(sum(results))
        except ERRORS:
            is_right = False
        if results is None or not is_right:
            results = [output._data for output in self._recorded(args).outputs]
        return self._result.around(results)

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
                f"{trees.described(self._result.example)}"
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

    def _numbers(self, args: tuple[Any, ...]) -> Sequence[float]:
        """The numbers in the arguments, and those in Values from around the function."""
        if len(args) != len(self._each):
            count = f"{len(self._each)} argument{'s' * (len(self._each) != 1)}"
            raise TypeError(f"{name_of(self._f)} was compiled for {count}, not for {len(args)}")
        numbers: Sequence[float] = args
        if len(args) == 1:
            [(name, shape)] = self._each
            numbers = shape.numbers(name, args[0])
        elif self._arguments.kind is None or not {*map(type, args)} <= FLOAT:
            numbers = [x for arg, (name, shape) in zip(args, self._each) for x in shape.numbers(name, arg)]
        return [*numbers, *[x._data for x in self._graph.around]] if self._graph.around else numbers

    def _gradient(self, slopes: Sequence[float]) -> Any:
        """The derivatives in the structure of the arguments."""
        return self._each[0][1].around(slopes) if len(self._each) == 1 else self._arguments.around(slopes)

    def _recorded(self, args: tuple[Any, ...]) -> Graph:
        """What the function gives when it is run on Values."""
        return Graph("compile", self._f, args)

    def _check_with_numbers(self) -> None:
        """Compare the code with what the function gives for plain numbers, if it takes such.

        Raises:
            CompileError: if they differ.
        """
        if not self._graph.is_repeatable():
            return
        try:
            examples = self._arguments.example
            value = self._value(*self._numbers(examples))
            given = Surroundings(self._f).undisturbed(self._f, *plain_numbers(examples))
            result = trees.matched(given, self._graph.result, "result")
            expected = [number(getattr(x, "_data", x)) for x in result]
        except Exception:  # it takes Values only, or has no value here
            return
        found = [value] if self._result.is_number else value
        if not agree(found, expected):
            raise CompileError(
                f"{name_of(self._f)} gives something else for plain numbers than for Values, {expected[0]} and "
                f"{found[0]}: it may look a number up in a dict or a set, or ask for its type"
            )

    def __repr__(self) -> str:
        return f"<compiled {name_of(self._f)}>"


# ---- the text, and arguments -----------------------------------------------------------------------------------------


def _function(graph: Graph) -> str:
    """The text of a function that gives the value, and if it is one number of one that gives the gradient too."""
    program = Program(graph.variables)
    results = program.places(graph.outputs)
    value = Listing(program, results, [], len(graph.variables))
    is_scalar = trees.is_leaf(graph.result)
    returned = value.results[0] if is_scalar else as_tuple(value.results)
    parameters = ", ".join(value.names)
    listings, functions = [value], [[f"def value({parameters}):", *value.forward, f"return {returned}"]]
    if is_scalar:
        slopes = differentiate(program, graph.outputs, graph.inputs, [1.0])
        both = Listing(program, results, slopes, len(graph.variables))
        listings.append(both)
        functions.append([f"def value_and_gradient({parameters}):", *_value_and_gradient(both)])
    return module(listings, functions)


def _value_and_gradient(listing: Listing) -> list[str]:
    [result] = listing.results
    names, backward = [], list(listing.backward)
    for x, slope in zip(listing.names, listing.slopes):
        names.append(slope if slope == f"d_{x}" else listing.fresh(f"d_{x}"))
        backward += [f"{names[-1]} = {slope}"] * (names[-1] != slope)
    return [
        *["# forward"] * bool(listing.forward),
        *listing.forward,
        backward_comment(backward, result if result.isidentifier() else "the result"),
        *backward,
        f"return {result}, {as_tuple(names)}",
    ]


def _check_count(f: Callable[..., Any], examples: Sequence[Any]) -> None:
    """Raise a TypeError unless ``f`` can be called with so many arguments."""
    import inspect

    try:
        inspect.signature(f).bind(*examples)
    except ValueError:  # a function written in C does not tell
        return
    except TypeError as error:
        if callable(f):
            raise TypeError(
                f"{name_of(f)} is recorded with an example of each argument, as in compile(f, 0.5, 1.0): {error}"
            ) from None
