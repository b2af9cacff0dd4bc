"""Functions in C around the statements that the Python functions have.

Each tells whether something in it was undefined or too large: what the processor notes of every operation is cleared
before and read after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.compiling.c_text import CText, braces, c_statements, c_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.compiling.listing import Called

FUNCTION_NAMES = ("arguments", "results")  # names that the C functions have beside those of the statements
LOSS_NAMES = ("outputs", "targets", "slopes")
BATCH_NAMES = ("count", "gradient", "i", "loss", "losses", "none", "slopes", "which")
BEFORE = "feclearexcept(FE_ALL_EXCEPT);"
AFTER = "return fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);  // 0: all was defined and not too large"


class Pass(NamedTuple):
    """The way of an example through a model: statements of Python, and the names in them.

    Attributes:
        called: the functions that are called.
        inputs, parameters, outputs: of the model.
        forward, backward: the statements.
        derivatives: of the loss by each output, which ``backward`` begins with.
        slopes: by each parameter, which it ends with.
        sums: what these are added up in.
        comments: that stand at the head.
        meaning: of the derivatives, a comment.
    """

    called: Called
    inputs: Sequence[str]
    parameters: Sequence[str]
    outputs: Sequence[str]
    forward: Sequence[str]
    backward: Sequence[str] = ()
    derivatives: Sequence[str] = ()
    slopes: Sequence[str] = ()
    sums: Sequence[str] = ()
    comments: Sequence[str] = ()
    meaning: str = ""


def straight_c(name: str, called: Called, names: Sequence[str], lines: Sequence[str], returned: Sequence[str]) -> CText:
    """Write the function (arguments, results) around statements.

    Args:
        names: of the arguments.
        returned: the results.
    """
    body = [BEFORE, *_taken(names, "arguments"), *c_statements(lines, called.operations, names)]
    body += [*_given(returned, "results", called), AFTER]
    return CText(called, f"int {name}(const double *arguments, double *results)", body)


def repeat_c(value: CText, count: int) -> CText:
    """Write the function (times, numbers) around the function "value", which gives so many numbers: it puts them in the
    place of those that "value" was given, again and again."""
    body = [
        f"double results[{count}];",
        "int is_undefined = 0;",
        "for (; times > 0 && !is_undefined; times--)",
        *braces(
            [
                "is_undefined = value(numbers, results);",
                f"for (int i = 0; i < {count}; i++)",
                "    numbers[i] = results[i];",
            ]
        ),
        "return is_undefined;",
    ]
    return CText(value.called, "int repeat(long long times, double *numbers)", body, [*value.lines, ""])


def loss_c(called: Called, names: Sequence[str], count: int, lines: Sequence[str], returned: Sequence[str]) -> CText:
    """Write the function (outputs, targets, slopes) -> loss around statements.

    Args:
        names: of ``count`` numbers of the prediction, and of those of the target.
        returned: the loss, and its derivatives by the prediction.
    """
    body = [*_taken(names[:count], "outputs"), *_taken(names[count:], "targets")]
    body += [*c_statements(lines, called.operations, names), *_given(returned[1:], "slopes", called)]
    body.append(f"return {c_value(returned[0], called.operations)};")
    return CText(called, "double loss(const double *outputs, const double *targets, double *slopes)", body)


def predict_c(model: Pass) -> CText:
    """Write the function (count, rows, parameters, predictions)."""
    width = len(model.inputs)
    loop = [*_taken(model.inputs, "rows"), *c_statements(model.forward, model.called.operations)]
    loop += _given(model.outputs, "predictions", model.called)
    step = f"count--, rows += {width}, predictions += {len(model.outputs)}"
    body = [
        BEFORE,
        *_taken(model.parameters, "parameters"),
        *_refusing_infinity(width),
        f"for (; count > 0; {step})",
        *braces(loop),
        AFTER,
    ]
    head = "int predict(long long count, const double *rows, const double *parameters, double *predictions)"
    return CText(model.called, head, body)


def gradient_c(model: Pass, targets: int) -> CText:
    """Write the function (count, rows, targets, which, losses, parameters, predictions, loss, gradient), which finds
    the mean loss and its derivatives. An example has a row, a target of so many numbers, and which loss is its own."""
    operations, width = model.called.operations, len(model.inputs)
    step = f"count--, rows += {width}, targets += {targets}, which++, predictions += {len(model.outputs)}"
    loop = [
        *_taken(model.inputs, "rows"),
        *c_statements(["# forward", *model.forward], operations),
        *_given(model.outputs, "predictions", model.called),
        *c_statements([model.meaning], {}),
        f"double slopes[{len(model.derivatives)}];",
        "total += losses[*which](predictions, targets, slopes);",
        *[f"double {name} = slopes[{i}] * share;" for i, name in enumerate(model.derivatives)],
        *c_statements(model.backward, operations),
        *[f"{name} += {c_value(slope, operations)};" for name, slope in zip(model.sums, model.slopes)],
    ]
    body = [
        BEFORE,
        *c_statements(model.comments, {}),
        *_taken(model.parameters, "parameters"),
        *_declared("double", [f"{name} = 0.0" for name in model.sums]),
        "double total = 0.0, share = 1.0 / count;  // the weight of each example in the mean",
        *_refusing_infinity(width),
        f"for (; count > 0; {step})",
        *braces(loop),
        "*loss = total * share;",
        *[f"gradient[{i}] = {name};" for i, name in enumerate(model.sums)],
        AFTER,
    ]
    head = ("int gradient(long long count, const double *rows, const double *targets, const long long *which, "
            "Loss **losses, const double *parameters, double *predictions, double *loss, "
            "double *gradient)")  # fmt: skip
    above = ["typedef double Loss(const double *outputs, const double *targets, double *slopes);", ""]
    return CText(model.called, head, body, above)


def update_c(
    called: Called, settings: Sequence[str], names: Sequence[str], lines: Sequence[str], returned: Sequence[str]
) -> CText:
    """Write the function (count, settings, grads, datas, *state) around statements.

    Args:
        settings: the names of numbers that are the same for all parameters.
        names: of a parameter's data, its grad and what is kept for it.
        returned: its new data and what is to be kept.
    """
    data, grad, *kept = names
    arrays = [f"{name}s" for name in (data, *kept)]
    loop = [
        *_declared("const double", [f"{name} = {array}[i]" for name, array in zip((data, *kept), arrays)]),
        f"const double {grad} = grads[i];",
        *c_statements(lines, called.operations),
        *[f"{array}[i] = {c_value(text, called.operations)};" for array, text in zip(arrays, returned)],
    ]
    body = [BEFORE, *_taken(settings, "settings"), "for (long long i = 0; i < count; i++)", *braces(loop), AFTER]
    changed = ", ".join(f"double *{array}" for array in arrays)
    return CText(called, f"int update(long long count, const double *settings, const double *grads, {changed})", body)


# ---- their parts -----------------------------------------------------------------------------------------------------


def _taken(names: Sequence[str], array: str) -> list[str]:
    """Name the numbers in an array."""
    return _declared("const double", [f"{name} = {array}[{i}]" for i, name in enumerate(names)])


def _given(texts: Sequence[str], array: str, called: Called) -> list[str]:
    """Put numbers into an array."""
    return [f"{array}[{i}] = {c_value(text, called.operations)};" for i, text in enumerate(texts)]


def _refusing_infinity(width: int) -> list[str]:
    """Note infinite inputs as undefined: with them C goes on where Python raises, as in x / 0 for x = inf."""
    return [
        "double none = 0.0;",
        f"for (long long i = 0; i < {width} * count; i++)",
        "    none += 0.0 * rows[i];  // undefined where an input is infinite",
    ]


def _declared(kind: str, items: Sequence[str]) -> list[str]:
    return [f"{kind} {', '.join(items)};"] if items else []
