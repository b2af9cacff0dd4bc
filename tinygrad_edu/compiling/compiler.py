"""Compilation: a function recorded once, and printed with its gradient as straight-line Python on bare floats."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.linearization import Linearization
from tinygrad_edu.calculus.tracing import name_of, parameter_name
from tinygrad_edu.calculus.warning import in_the_callers_code
from tinygrad_edu.compiling.c_functions import FUNCTION_NAMES, repeat_c, straight_c
from tinygrad_edu.compiling.c_text import CText, NoMachineCode, c_module
from tinygrad_edu.compiling.code_cache import ERRORS, cached
from tinygrad_edu.compiling.listing import Listing
from tinygrad_edu.compiling.machine import MachineFunction, address, array_of
from tinygrad_edu.compiling.program import Program
from tinygrad_edu.compiling.recorded_function import RecordedFunction, agree, record_twice
from tinygrad_edu.compiling.shape import Shape, plain_number, plain_numbers
from tinygrad_edu.compiling.source_text import FunctionText, as_tuple, backward_comment, module
from tinygrad_edu.compiling.symbols import CompileError
from tinygrad_edu.engine.backward import add_to_grads
from tinygrad_edu.engine.operation import number, whole_number
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

LONG = 150  # so many lines are worth being called as machine code


def compile(f: Callable[..., Any], *examples: Any) -> Compiled:
    """Compile a function: from then on it computes its value, and its gradient, without recording anything.

    The function is run on Values in the place of ``examples``; the engine records the value and, with the rules of the
    table, the gradient, and what was recorded is printed as straight-line Python (``source``).

    A function that is compiled is taken to be a function: what it computes depends on its arguments and on the Values
    it refers to, and nothing else. Whatever else it does, a print or a log, happens while it is recorded and not
    afterwards. It is recorded twice, with slightly different numbers, and run on plain numbers; what it then computes
    differently, as a branch or a random number makes it, is refused. Loops and calls are fine, and ``where`` chooses
    between two results.

    All arguments become Values. A setting, such as an index, a count or a class, is therefore no argument:
    ``compile(lambda scores: cross_entropy(scores, 1), [0.0, 0.0])``. Plain numbers around the function stay what they
    were when it was compiled (compile again after changing one). Values there, such as the parameters of a model, are
    read at each call, and ``backward`` adds to their ``grad``.

    Args:
        f: a function of numbers, or of nested lists, tuples and dicts of numbers, that returns such.
        examples: an example of each argument; later ones must have the same structure.

    Returns:
        the compiled function, see ``Compiled``. Its code is about as fast as the same formulas written by hand; to this
        come a few microseconds for each call. Long code becomes machine code, which is faster still, where the extra
        ``fast`` is installed; its numbers are first compared with the engine's.

    Raises:
        CompileError: (a TypeError) if what the function does depends on numbers, differs from call to call, or does
            not use its arguments.
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
    except CompileError as error:
        raise in_the_callers_code(error) from None
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
        outside: the Values that the function refers to, such as the parameters of a model.
    """

    def __init__(self, f: Callable[..., Any], examples: tuple[Any, ...]) -> None:
        self._f = f
        self._arguments = Shape(examples)
        self._recorded = record_twice("compile", f, self._arguments.example)
        self.outside = self._recorded.outside
        self._result = Shape(self._recorded.result)
        self._codes: dict[str, Callable[..., Any]] = {}
        self._remark = ""
        self._signature = self._recorded.signature()
        self._check_with_numbers()
        self._code("value" if not self._result.is_number else "backward" if self.outside else "value_and_gradient")

    def __call__(self, *args: Any) -> Any:
        try:
            numbers, results = self._numbers(args), None
        except TypeError:
            if any(isinstance(x, Value) for _, x in trees.leaves(args)):
                return self._f(*args)
            raise
        try:
            found = self._code("value")(*numbers)
            results = (found,) if self._result.is_number else found
            is_right = math.isfinite(sum(results))
        except ERRORS:
            is_right = False
        if results is None or not is_right:
            results = [output._data for output in RecordedFunction("compile", self._f, args).outputs]
        return self._result.around(results)

    def gradient(self, *args: Any) -> Any:
        """Compute the derivative by each number among the arguments: for one argument in its structure, for several a
        tuple.

        Raises:
            TypeError: if the function returns more than one number, or has no arguments.
            ZeroDivisionError, ValueError, OverflowError: where a derivative is infinite or undefined.
        """
        if not self._arguments.example:
            raise TypeError(
                f"{name_of(self._f)} takes no arguments to differentiate by; backward() adds the derivatives by the "
                "Values that it refers to to their grad"
            )
        return self.value_and_gradient(*args)[1]

    def value_and_gradient(self, *args: Any) -> tuple[Any, Any]:
        """Compute the value and the gradient, for the price of the gradient; see ``gradient``."""
        value, slopes = self.value_and_slopes("value_and_gradient", args)
        gradient = self._arguments.around(slopes)
        return value, gradient[0] if len(gradient) == 1 else gradient

    def backward(self, *args: Any) -> Any:
        """Add the derivatives by all Values that the function refers to, such as the parameters of a model, to their
        ``grad``; return the value.

        Raises:
            TypeError: if it returns more than one number, or refers to no Values.
            ZeroDivisionError, ValueError, OverflowError: as ``gradient``; nothing is added then.

        >>> w = Value(3.0, label="w")
        >>> square = compile(lambda: w * w)
        >>> square.backward(), w.grad
        (9.0, 6.0)
        """
        if not self.outside:
            raise TypeError(
                f"{name_of(self._f)} refers to no Values, such as the parameters of a model, that backward() could add "
                "derivatives to; gradient(...) gives those by its arguments"
            )
        value, slopes = self.value_and_slopes("backward", args)
        add_to_grads(self.outside, slopes)
        return value

    def repeat(self, times: int, *args: Any) -> Any:
        """Apply the function to its own result, so many times: f(f(f(x))) for 3. The result is built as the argument
        is, or for several arguments as a tuple of them.

        With the extra ``fast`` all of it is one call of machine code.

        Raises:
            TypeError: if the result is built in another way than the arguments.
            ValueError: if ``times`` is not a whole number.

        >>> step = compile(lambda x: x - 0.1 * (2 * x), 1.0)
        >>> round(step.repeat(10, 1.0), 6)
        0.107374
        """
        times = whole_number("times", times, at_least=0)
        examples = self._arguments.example
        is_alone = len(examples) == 1
        try:
            trees.matched(self._result.example, examples[0] if is_alone else examples, "the result")
        except ValueError as error:
            raise TypeError(f"what {name_of(self._f)} returns cannot be its argument again: {error}") from None
        numbers = self._numbers(args)
        try:
            self._machine_code("value")  # which is compared with the engine
            found = array_of(numbers)
            is_undefined = self.text("value").machine_code(True)(times, address(found))
            if not is_undefined and math.isfinite(sum(numbers)):
                return self._result.around(found[: self._result.size].tolist())
        except NoMachineCode as error:
            self._remark = error.remark()
        result: Any = args[0] if is_alone else args
        for _ in range(times):
            result = self(result) if is_alone else self(*result)
        return result

    @property
    def source(self) -> str:
        """The code, a Python module of its own."""
        return module(self._texts())

    @property
    def c_source(self) -> str:
        """The same code in C, which becomes machine code where there is much of it and the extra ``fast`` is installed.

        Raises:
            ValueError: if something in it cannot be written in C, such as an operation of one's own without a text.

        >>> from tinygrad_edu import compile
        >>> print(compile(lambda x: x ** 3, 2.0).c_source.partition("\\n\\nint value_and")[0])
        #include <fenv.h>
        #include <math.h>
        <BLANKLINE>
        int value(const double *arguments, double *results)
        {
            feclearexcept(FE_ALL_EXCEPT);
            const double x = arguments[0];
            results[0] = pow(x, 3.0);
            return fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);  // 0: all was defined and not too large
        }
        """
        try:
            return c_module([text.in_c() for text in self._texts()])
        except NoMachineCode as error:
            raise ValueError(f"there is no C: {error}") from None

    def remark(self) -> str:
        """Say why the code runs in Python although there is much of it; or nothing."""
        return self._remark

    def value_and_slopes(self, kind: str, args: tuple[Any, ...]) -> tuple[Any, Sequence[float]]:
        """Compute the value and the derivatives by the numbers in the arguments ("value_and_gradient") or by the Values
        in ``outside`` ("backward"), as a list or tuple of numbers."""
        if not self._result.is_number:
            raise TypeError(
                f"a gradient is that of a function that returns one number; {name_of(self._f)} returned "
                f"{trees.described(self._result.example)}"
            )
        numbers = self._numbers(args)
        try:
            value, slopes = self._code(kind)(*numbers)
            is_right = math.isfinite(value + sum(slopes))
        except ERRORS:
            is_right = False
        if not is_right:
            recorded = RecordedFunction("compile", self._f, args)
            by = self.outside if kind == "backward" else recorded.inputs
            value, slopes = recorded.outputs[0]._data, recorded.slopes(by)
        return value, slopes

    def _numbers(self, args: tuple[Any, ...]) -> Sequence[float]:
        """List the numbers in the arguments, and those in Values from outside."""
        numbers = self._arguments.floats(args)
        if numbers is None:
            count = len(self._arguments.example)
            if len(args) != count:
                expected = "1 argument" if count == 1 else f"{count} arguments"
                raise TypeError(f"{name_of(self._f)} was compiled for {expected}, not for {len(args)}")
            numbers = []
            for place, (arg, example) in enumerate(zip(args, self._arguments.example)):
                name = parameter_name(self._f, place)
                numbers += [plain_number(name, x) for x in trees.matched(arg, example, name)]
        return [*numbers, *[x._data for x in self.outside]] if self.outside else numbers

    def _code(self, kind: str) -> Callable[..., Any]:
        """Find the code of one of the three functions, made when it is needed: machine code of a long one, and Python's
        where there is none."""
        if kind not in self._codes:
            text = self.text(kind)
            try:
                self._codes[kind] = self._machine_code(kind) if len(text.lines) >= LONG else text.function
            except NoMachineCode as error:
                self._remark, self._codes[kind] = error.remark(), text.function
        return self._codes[kind]

    def _machine_code(self, kind: str) -> Callable[..., Any]:
        """Make the machine code of one of the three.

        Raises:
            NoMachineCode: if there is none, or it gives something else than the engine at the examples.
        """
        function = self._recorded
        by = {"value": [], "value_and_gradient": function.inputs, "backward": function.outside}[kind]
        count = len(function.outputs) + len(by)
        code = MachineFunction(self.text(kind).machine_code(), count)
        with suppress(ArithmeticError, ValueError):  # where there is no value here
            found = code(*[x._data for x in function.variables])
            expected = [*[x._data for x in function.outputs], *(function.slopes(by) if by else [])]
            if function.is_repeatable() and not agree(found, expected):
                raise NoMachineCode("it gives other numbers than the engine")
        if kind != "value":
            return lambda *numbers: ((results := code(*numbers))[0], results[1:])
        return (lambda *numbers: code(*numbers)[0]) if self._result.is_number else code

    def _texts(self) -> list[FunctionText]:
        texts = [self.text("value")]
        if self._result.is_number and self._recorded.inputs:
            texts.append(self.text("value_and_gradient"))
        if self._result.is_number and self.outside:
            texts.append(self.text("backward"))
        return texts

    def text(self, kind: str) -> FunctionText:
        """Find the text of one of the three."""
        return cached((kind, self._result.is_number, self._signature), lambda: _function(kind, self._recorded))

    def _check_with_numbers(self) -> None:
        """Compare what was recorded with what the function gives for plain numbers, if it takes such.

        Raises:
            CompileError: if they differ by more than rounding in another order of summation can make.
        """
        if not self._recorded.is_repeatable():
            return
        outputs = self._recorded.outputs
        found = [output._data for output in outputs]
        try:
            given = self._f(*plain_numbers(self._arguments.example))
            expected = [number(getattr(x, "_data", x)) for x in trees.matched(given, self._recorded.result, "result")]
            if agree(found, expected):
                return
            sizes = Linearization(outputs, self._recorded.variables).magnitudes()
        except Exception:  # it takes Values only, or has no value or derivative here
            return
        for x, right, (_, noise) in zip(found, expected, sizes):
            if not agree([x], [right], 100 * noise):
                raise CompileError(
                    f"{name_of(self._f)} gives something else for plain numbers than for Values, {right} and {x}: it "
                    "may look a number up in a dict or a set, or ask for its type"
                )

    def __repr__(self) -> str:
        return f"<compiled {name_of(self._f)}>"


def _function(kind: str, recorded: RecordedFunction) -> FunctionText:
    """Write the function that gives the value, or the value and the derivatives by arguments or by Values from outside
    ("backward")."""
    program = Program(recorded.variables)
    results = program.add(recorded.outputs)
    by = {"value": [], "value_and_gradient": recorded.inputs, "backward": recorded.outside}[kind]
    slopes = program.differentiate(recorded.outputs, by, [1.0]) if by else []
    listing = Listing(program, results, slopes, recorded.variables, FUNCTION_NAMES)
    head = f"def {kind}({', '.join(listing.names)}):"
    is_number = trees.is_leaf(recorded.result)
    if kind == "value":
        returned = listing.results[0] if is_number else as_tuple(listing.results)
        value = (kind, listing.called, listing.names, listing.forward, listing.results)
        count = len(listing.results)

        def in_c(is_repeated: bool = False) -> CText:
            return repeat_c(straight_c(*value), count) if is_repeated else straight_c(*value)

        return FunctionText(kind, listing.called, [head, *listing.forward, f"return {returned}"], in_c)
    [result] = listing.results
    names, backward = [], list(listing.backward)
    start = 0 if kind == "value_and_gradient" else len(recorded.inputs)
    for x, slope in zip(listing.names[start:], listing.slopes):
        names.append(slope if slope == f"d_{x}" else listing.fresh(f"d_{x}"))
        if slope != names[-1]:
            backward.append(f"{names[-1]} = {slope}")
    lines = ["# forward", *listing.forward] if listing.forward else []
    lines.append(backward_comment(backward, result if result.isidentifier() else "the result"))
    code = (kind, listing.called, listing.names, [*lines, *backward], [result, *names])
    returned = f"return {result}, {as_tuple(names)}"
    return FunctionText(kind, listing.called, [head, *lines, *backward, returned], lambda: straight_c(*code))


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
