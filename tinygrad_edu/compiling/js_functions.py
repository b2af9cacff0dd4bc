"""Functions in JavaScript around the statements that the Python functions have.

They are fast and check nothing: what is undefined or too large becomes NaN or infinity, which the loss then is as well.
All arrays are of numbers, such as a Float64Array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.compiling.c_text import braces
from tinygrad_edu.compiling.js_text import NoJavaScript, js_name, js_statements, js_value
from tinygrad_edu.compiling.listing import Listing
from tinygrad_edu.compiling.program import Program
from tinygrad_edu.compiling.recorded_function import record_twice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from tinygrad_edu.compiling.c_functions import Pass
    from tinygrad_edu.compiling.listing import Called
    from tinygrad_edu.engine.value import Value


def recorded_js(name: str, f: Callable[..., Any], args: Sequence[Any]) -> tuple[str, list[Value]]:
    """Write the function (numbers, results), which puts into ``results`` what ``f`` gives.

    Returns:
        the text, and the Values outside of ``f`` that it uses: their numbers follow those of the arguments.

    Raises:
        CompileError: if ``f`` cannot be compiled; see ``compile``.
        NoJavaScript: if something in it cannot be written in JavaScript.

    >>> print(recorded_js("mean", lambda x, y: [(x + y) / 2], [0.5, 1.0])[0])
    function mean(numbers, results) {
        const x = numbers[0];
        const y = numbers[1];
        results[0] = (x + y) / 2.0;
    }
    """
    function = record_twice(name, f, args)
    program = Program(function.variables)
    listing = Listing(program, program.add(function.outputs), [], function.variables, ["numbers", "results"])
    known = [*listing.names, *listing.assigned]
    operations = listing.called.operations
    body = [*_taken(listing.names, "numbers"), *js_statements(listing.forward, operations, known)]
    body += [f"results[{i}] = {js_value(x, operations, known)};" for i, x in enumerate(listing.results)]
    return _function(f"{name}(numbers, results)", body), function.outside


def loss_js(
    name: str, called: Called, names: Sequence[str], count: int, lines: Sequence[str], returned: Sequence[str]
) -> str:
    """Write the function (*prediction, target, slopes) -> loss around statements.

    Args:
        names: of ``count`` numbers of the prediction, and of the target if it is needed.
        returned: the loss, and its derivatives by the prediction, which are put into ``slopes``.

    Raises:
        NoJavaScript: if the target is several numbers, or something in it is not written in JavaScript.
    """
    if len(names) > count + 1:
        raise NoJavaScript("the target is several numbers")
    known = [*names, *_assigned(lines)]
    loss, *slopes = [js_value(x, called.operations, known) for x in returned]
    body = [*js_statements(lines, called.operations, names)]
    body += [f"slopes[{i}] = {x};" for i, x in enumerate(slopes)]
    target = names[count] if len(names) > count else "target"
    heads = ", ".join([*map(js_name, [*names[:count], target]), "slopes"])
    return _function(f"{name}({heads})", [*body, f"return {loss};"])


def gradient_js(model: Pass) -> str:
    """Write the function (count, rows, targets, losses, parameters, slopes, gradient) -> the mean loss of so many
    examples, which puts its derivatives into ``gradient``. The rows stand one after the other, and each example has a
    function of its own in ``losses``."""
    operations, width = model.called.operations, len(model.inputs)
    known = [*model.inputs, *model.parameters, *_assigned(model.forward)]
    outputs = [js_value(x, operations, known) for x in model.outputs]
    inputs = [f"{js_name(x)} = rows[{width} * i + {j}]" for j, x in enumerate(model.inputs)]
    known += [*model.derivatives, *_assigned(model.backward)]
    loop = [
        f"const {', '.join(inputs)};",
        *js_statements(["# forward", *model.forward], operations, known),
        f"total += losses[i]({', '.join([*outputs, 'targets[i]', 'slopes'])});",
        *[f"const {js_name(name)} = slopes[{i}] * share;" for i, name in enumerate(model.derivatives)],
        *js_statements(model.backward, operations, known),
        *[f"{js_name(name)} += {js_value(x, operations, known)};" for name, x in zip(model.sums, model.slopes)],
    ]
    body = [
        *_taken(model.parameters, "parameters"),
        *[f"let {js_name(name)} = 0.0;" for name in model.sums],
        "let total = 0.0;",
        "const share = 1.0 / count; // the weight of each example in the mean",
        "for (let i = 0; i < count; i++) " + "\n".join(braces(loop)),
        *[f"gradient[{i}] = {js_name(name)};" for i, name in enumerate(model.sums)],
        "return total * share;",
    ]
    return _function("gradient(count, rows, targets, losses, parameters, slopes, gradient)", body)


def update_js(
    called: Called, settings: Sequence[str], names: Sequence[str], lines: Sequence[str], returned: Sequence[str]
) -> str:
    """Write the function (count, settings, grads, datas, *state) around statements.

    Args:
        settings: the names of numbers that are the same for all parameters.
        names: of a parameter's data, its grad and what is kept for it.
        returned: its new data and what is to be kept.
    """
    data, grad, *kept = names
    arrays = [f"{name}s" for name in (data, *kept)]
    known = [*settings, *names, *_assigned(lines)]
    loop = [
        *[f"const {js_name(name)} = {array}[i];" for name, array in zip((data, *kept), arrays)],
        f"const {js_name(grad)} = grads[i];",
        *js_statements(lines, called.operations, known),
        *[f"{array}[i] = {js_value(x, called.operations, known)};" for array, x in zip(arrays, returned)],
    ]
    body = [*_taken(settings, "settings"), "for (let i = 0; i < count; i++) " + "\n".join(braces(loop))]
    return _function(f"update(count, settings, grads, {', '.join(arrays)})", body)


def _function(head: str, body: Sequence[str]) -> str:
    lines = "\n".join(braces("\n".join(body).split("\n")))
    return f"function {head} {lines}"


def _assigned(lines: Sequence[str]) -> list[str]:
    return [line.partition(" = ")[0] for line in lines if not line.startswith("#")]


def _taken(names: Sequence[str], array: str) -> list[str]:
    """Name the numbers in an array."""
    return [f"const {js_name(name)} = {array}[{i}];" for i, name in enumerate(names)]
