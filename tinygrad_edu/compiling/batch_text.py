"""The text of code that goes through batches of examples: a model forward and backward, and its loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.compiling.c_functions import BATCH_NAMES, LOSS_NAMES, Pass, gradient_c, loss_c, predict_c
from tinygrad_edu.compiling.js_functions import gradient_js, loss_js
from tinygrad_edu.compiling.listing import Listing
from tinygrad_edu.compiling.program import Program
from tinygrad_edu.compiling.source_text import FunctionText, as_tuple, backward_comment
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.compiling.recorded_function import RecordedFunction

FAST = 256  # so many local variables Python reaches with one byte; others are slower
RESERVED = ("rows", "targets", "losses", "parameters", "predictions", "target", "loss_of", "error", "total", "share",
            "zip", "len", *BATCH_NAMES)  # fmt: skip


def gradient_text(model: RecordedFunction) -> FunctionText:
    """Write the function (rows, targets, losses, parameters) -> (mean of the losses, predictions, its derivatives by
    each parameter), where ``losses`` holds the code of the loss of each example."""
    names = _output_names(model)
    arriving = [Value(1.0, f"d_{name}") for name in names]
    program = Program([*model.variables, *arriving])
    results = _outputs(model, program, names)
    slopes = program.differentiate(model.outputs, model.outside, arriving)
    listing = Listing(program, results, slopes, [*model.variables, *arriving], RESERVED)
    inputs, parameters = _names(model, listing)
    outputs, derivatives = listing.results, listing.names[len(model.variables) :]
    sums = [listing.fresh(f"grad_{name}") for name in parameters]
    labels = [(name, x.label) for name, x in zip(parameters, model.outside) if "[" in x.label and len(x.label) < 60]
    comments = [f"# {name} is {label!r}." for name, label in labels[-1:]]
    meaning = (
        f"# {derivatives[0]} is the derivative of this example's loss by {outputs[0]}; times share, of the mean loss"
    )
    backward = [backward_comment(listing.backward, "the mean loss"), *listing.backward]
    head = ["def gradient(rows, targets, losses, parameters):", *comments]
    in_loop = [*inputs, *derivatives, *listing.assigned]
    if len(in_loop) + len(parameters) + len(sums) > FAST:
        head += [f"# Python is fastest with the first {FAST} names that it meets.", _zeros(in_loop)]
    if parameters:
        head += [f"{as_tuple(parameters)} = parameters", _zeros(sums)]
    loop = [
        "# forward",
        *listing.forward,
        f"predictions.append({_shown(model, outputs)})",
        meaning,
        f"{', '.join(['error', *derivatives])} = loss_of({', '.join([*outputs, 'target'])})",
        "total += error",
        *[f"{name} *= share" for name in derivatives],
        *backward,
        *[f"{name} += {slope}" for name, slope in zip(sums, listing.slopes)],
    ]
    lines = [
        *head,
        "total, predictions, share = 0.0, [], 1.0 / len(rows)  # the weight of each example in the mean",
        f"for {as_tuple(inputs)}, target, loss_of in zip(rows, targets, losses):",
        *[f"    {line}" for line in loop],
        f"return total * share, predictions, {as_tuple(sums)}",
    ]
    statements = Pass(listing.called, inputs, parameters, outputs, listing.forward, backward, derivatives,
                      listing.slopes, sums, comments, meaning)  # fmt: skip
    return FunctionText("gradient", listing.called, lines, lambda targets: gradient_c(statements, targets),
                        lambda: gradient_js(statements))  # fmt: skip


def predict_text(model: RecordedFunction) -> FunctionText:
    """Write the function (rows, parameters) -> predictions, a number or a list of numbers for each row."""
    program = Program(model.variables)
    results = _outputs(model, program, _output_names(model))
    listing = Listing(program, results, [], model.variables, RESERVED)
    inputs, parameters = _names(model, listing)
    lines = ["def predict(rows, parameters):"]
    if parameters:
        lines.append(f"{as_tuple(parameters)} = parameters")
    lines += ["predictions = []", f"for {as_tuple(inputs)} in rows:"]
    lines += [f"    {line}" for line in listing.forward]
    lines += [f"    predictions.append({_shown(model, listing.results)})", "return predictions"]
    statements = Pass(listing.called, inputs, parameters, listing.results, listing.forward)
    return FunctionText("predict", listing.called, lines, lambda: predict_c(statements))


def loss_text(loss: RecordedFunction, count: int, is_tuple: bool) -> FunctionText:
    """Write the function (*prediction, target) -> (loss, *its derivatives by the prediction): ``count`` of the inputs
    are the prediction, the others the target, which may be a tuple of them."""
    program = Program(loss.inputs)
    results = program.add(loss.outputs)
    slopes = program.differentiate(loss.outputs, loss.inputs[:count], [1.0])
    listing = Listing(program, results, slopes, loss.inputs, ["target", *LOSS_NAMES] if is_tuple else LOSS_NAMES)
    returned = [*listing.results, *[listing.name(slope, listing.backward) for slope in slopes]]
    target = listing.names[count:]
    last = "target" if is_tuple or not target else target[0]
    lines = [f"def loss({', '.join([*listing.names[:count], last])}):"]
    if is_tuple:
        lines.append(f"{as_tuple(target)} = target")
    body = [*listing.forward, backward_comment(listing.backward, "the loss"), *listing.backward]
    called, names = listing.called, listing.names
    return FunctionText("loss", called, [*lines, *body, f"return {', '.join(returned)}"],
                        lambda: loss_c(called, names, count, body, returned),
                        lambda name: loss_js(name, called, names, count, body, returned))  # fmt: skip


def _output_names(model: RecordedFunction) -> list[str]:
    count = len(model.outputs)
    return [f"out_{i}" for i in range(count)] if count > 1 else ["out"]


def _outputs(model: RecordedFunction, program: Program, names: Sequence[str]) -> list[Value]:
    """Add the outputs to the program under their names; what is there twice is called by its first place."""
    results = program.add(model.outputs)
    for name, result in zip(names[::-1], results[::-1]):
        if result.op is not None:
            result.label = name
    return results


def _names(model: RecordedFunction, listing: Listing) -> tuple[list[str], list[str]]:
    """List the names of the inputs and of the parameters."""
    first = len(model.inputs)
    return listing.names[:first], listing.names[first : len(model.variables)]


def _shown(model: RecordedFunction, outputs: Sequence[str]) -> str:
    return outputs[0] if trees.is_leaf(model.result) else f"[{', '.join(outputs)}]"


def _zeros(names: Sequence[str]) -> str:
    return f"{as_tuple(names)} = [0.0] * {len(names)}"
