"""The page on which one steps through a computation and its backward pass: one HTML file that needs nothing else.

Everything that will be shown is worded here and put into the page as JSON; its script (``SCRIPTS``) decides what is
visible, and builds text and MathML node by node, so that no text can become markup. The Content-Security-Policy
admits that script and that style sheet (``page.css``), by their hashes, and no connection to anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import pathlib
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.differences import judge
from tinygrad_edu.calculus.linearization import Linearization
from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.value import Constant, Value
from tinygrad_edu.formulas.formula import DOTS, Formula, continued, digits, equation, joined, numeral, visible
from tinygrad_edu.viz.graphs.expression import notation, of_node, operand_names, written_out
from tinygrad_edu.viz.graphs.groups import role
from tinygrad_edu.viz.graphs.picture import Scale
from tinygrad_edu.viz.page.svg import graph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    from tinygrad_edu.formulas.formula import MathML
    from tinygrad_edu.viz.explaining.explanation import Computed, Contribution, Explanation

    Line: TypeAlias = "list[str | Formula]"  # a term, which may be empty, and what it says

SCRIPTS = ("formula.js", "paths.js", "zoom.js", "walk.js", "page.js")  # one after the other, they are one script
MANY = 12  # lines of a list that are shown
WIDTH = 34  # characters of a formula that fit on a phone


def page(explanation: Explanation) -> str:
    """The text of the HTML file."""
    here = pathlib.Path(__file__)
    style = here.with_suffix(".css").read_text(encoding="utf-8")
    script = '"use strict";\n' + "\n".join((here.parent / name).read_text(encoding="utf-8") for name in SCRIPTS)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    title = _title(explanation)
    parts = {
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'",
        "title": html.escape(title.text),
        "formula": f'<math displaystyle="true">{_markup(title.mathml)}</math>',
        "graph": graph(explanation),
        "data": as_json(data(explanation)).replace("<", "\\u003c"),
    }
    # Split first: what is put in may hold {{words}} of its own.
    outside, *places = here.with_suffix(".html").read_text(encoding="utf-8").split("{{")
    return outside + "".join(parts[word] + rest for word, _, rest in (place.partition("}}") for place in places))


def _title(explanation: Explanation) -> Formula:
    """The whole computation as one formula if it is short, otherwise its last operation."""
    root, names = explanation.root, explanation.names
    if root.op is None:
        return names[root]
    whole = written_out(root, explanation.variables)
    short = not whole.parts and len(whole.formula.text) <= 60
    return equation(names[root], whole.formula if short else of_node(root, names)[0])


def _markup(tree: MathML) -> str:
    tag, *children = tree
    inner = "".join(html.escape(child) if isinstance(child, str) else _markup(child) for child in children)
    return f"<{tag}>{inner}</{tag}>"


TAGS = {
    "mrow": "r", "mfrac": "f", "msup": "p", "msub": "b", "msqrt": "q", "mi": "i", "mn": "n", "mo": "o", "mtext": "t",
}  # fmt: skip


def as_json(content: dict[str, Any]) -> str:
    """The data that ``page.js`` reads; a formula is always an array, a string is a text."""

    def compact(tree: MathML) -> str | list[Any]:
        tag, *children = tree
        return TAGS[tag] + children[0] if isinstance(children[0], str) else [TAGS[tag], *map(compact, children)]

    def formula(x: Formula) -> list[Any]:
        return ["r", compact(x.mathml)]

    return json.dumps(content, default=formula, ensure_ascii=False, separators=(",", ":"))


# ---- the steps -------------------------------------------------------------------------------------------------------


def data(explanation: Explanation) -> dict[str, Any]:
    """The steps, and what there is to know about each value, for ``page.js``."""
    number = {node: i for i, node in enumerate(explanation.order)}
    uses: dict[Value, list[Contribution]] = {node: [] for node in explanation.order}
    for use in explanation.backward:
        uses[use.parent].append(use)
    computed = {step.node: step for step in explanation.forward}
    return {
        "steps": [*_forward(explanation, number), *_backward(explanation, number, uses)],
        "nodes": [
            _numbers(node, explanation, number) | _about(node, computed.get(node), explanation, uses[node])
            for node in explanation.order
        ],
    }


def _forward(explanation: Explanation, number: Mapping[Value, int]) -> Iterable[dict[str, Any]]:
    given = [step for step in explanation.forward if step.node.op is None]
    yield {
        "phase": "forward",
        "title": "What is given",
        "words": "The forward pass computes each value from those before it. It starts from these.",
        "lines": _listed([equation(step.name, step.node.data) for step in given]),
        "shows": [number[step.node] for step in given],
    }
    for step in explanation.forward:
        if step.node.op is not None:
            yield {
                "phase": "forward",
                "title": f"Compute {step.name}",
                "words": _computation(step, explanation.names),
                "lines": _lines("", _computed(step)),
                "shows": [number[step.node]],
                "node": number[step.node],
                "from": [number[parent] for parent in step.node.parents],
            }


def _computation(step: Computed, names: Mapping[Value, Formula]) -> str:
    node = step.node
    assert node.op is not None
    function = ""  # signs speak for themselves; a function is said in the words of its row, up to any semicolon
    if notation(node.op)[0] == "before":
        summary = visible(node.op.summary.partition("\n\n")[2] or f"{node.op.name}.", 200)
        function = summary.partition(";")[0].rstrip(".") + ". "
    given = [equation(names[p], p.data).text for p in node.parents if not isinstance(p, Constant)]
    different = list(dict.fromkeys(given)) or ["constants"]
    if len(given) > 4:
        source = f"{len(given)} values"
    elif len(different) == 1:
        source = different[0]
    else:
        source = f"{', '.join(different[:-1])} and {different[-1]}"
    return f"{function}From {source} comes {step.name} = {digits(node.data)}."


def _backward(
    explanation: Explanation, number: Mapping[Value, int], uses: Mapping[Value, list[Contribution]]
) -> Iterable[dict[str, Any]]:
    root, names = explanation.root, explanation.names
    scale = Scale(explanation.gradients.values())
    yield {
        "phase": "backward",
        "title": f"Start from {names[root]}",
        "words": f"The backward pass finds out how much {names[root]} changes when each value changes a little. "
        f"For {names[root]} itself that is as much: 1.",
        "lines": [["", equation(explanation.derivative(root), 1.0)]],
        "node": number[root],
        "grads": [[number[root], "1", *_strength(scale(1.0))]],
    }
    for step in explanation.backward:
        so_far = uses[step.parent][: uses[step.parent].index(step) + 1]
        yield {
            "phase": "backward",
            "title": f"From {names[step.node]} back to {names[step.parent]}",
            "words": _flow(step, names, len(so_far), len(uses[step.parent])),
            "lines": _chain_rule(step, explanation, so_far),
            "node": number[step.parent],
            "from": [number[step.node]],
            "edge": f"{number[step.node]}_{step.index}",
            "flow": _strength(scale(step.amount)),
            "grads": [[number[step.parent], digits(step.total), *_strength(scale(step.total))]],
        }
    if explanation.failure:
        yield {"phase": "backward", "title": "Here it ends", "words": explanation.failure, "lines": []}
        return
    leaves = [step.node for step in explanation.forward if step.node.op is None]
    yield {
        "phase": "backward",
        "title": "All gradients are known",
        "words": f"If a value grows by a little, {names[root]} changes by its gradient times as much.",
        "lines": _listed([equation(explanation.derivative(leaf), explanation.gradients[leaf]) for leaf in leaves]),
    }


def _flow(step: Contribution, names: Mapping[Value, Formula], which: int, count: int) -> str:
    text = (
        f"{digits(step.upstream)} has arrived at {names[step.node]}. The local derivative is {digits(step.local)}, "
        f"so {digits(step.amount)} flows on to {names[step.parent]}."
    )
    if count > 1:
        text += f" It is contribution {which} of {count}, because {names[step.parent]} is used {count} times"
        text += ", and they add up." if which > 1 else "."
    return text


def _strength(share: float) -> list[float]:
    """The sign, and how strong a colour from 0 to 1."""
    return [(share > 0) - (share < 0), round(abs(share), 3) if share else 0]


# ---- lines of formulas -----------------------------------------------------------------------------------------------


def _listed(formulas: Sequence[Formula]) -> list[Line]:
    """A line for each of the first formulas, and how many more there are."""
    lines: list[Line] = [["", formula] for formula in formulas[:MANY]]
    if len(formulas) > MANY:
        lines.append(["", f"and {len(formulas) - MANY} more"])
    return lines


def _computed(step: Computed) -> list[Formula]:
    return [*filter(None, [step.name, step.formula, step.numbers]), numeral(step.node.data)]


def _chain_rule(step: Contribution, explanation: Explanation, so_far: Sequence[Contribution]) -> list[Line]:
    rule = [step.ratio, step.rule]
    for more in (step.numbers, numeral(step.local)):
        if more.text != rule[-1].text:
            rule.append(more)
    chain = joined([explanation.derivative(step.node), step.ratio])
    factors = joined([step.upstream, step.local])
    lines = [*_lines("Rule", rule), *_lines("Chain rule", [chain, factors, numeral(step.amount)])]
    if len(so_far) > 1:
        terms: list[Formula | float] = [use.amount for use in so_far[-6:]]
        if len(so_far) > 6:
            terms.insert(0, DOTS)
        lines.append(["Sum", equation(explanation.derivative(step.parent), joined(terms, "+"), step.total)])
    return lines


def _lines(term: str, formulas: Sequence[Formula]) -> list[Line]:
    """An equation on as many lines as a phone needs; each but the first begins with a sign, = or +."""
    lines = [formulas[0]]
    for formula in formulas[1:]:
        terms = formula.parts[1:] if formula.parts[0] == "+" and len(formula.text) > WIDTH else (formula,)
        for sign, part in zip("=" + "+" * len(terms), terms):
            longer = continued(lines[-1], sign, part)
            if len(longer.text) <= WIDTH:
                lines[-1] = longer
            else:
                lines.append(continued(None, sign, part))
    return [["" if i else term, line] for i, line in enumerate(lines)]


# ---- about one value -------------------------------------------------------------------------------------------------


def _about(
    node: Value, step: Computed | None, explanation: Explanation, uses: Sequence[Contribution]
) -> dict[str, Any]:
    """Everything that there is to know about one value, which a constant has no ``step`` for."""
    if step is None:
        return {"name": digits(node.data), "kind": "constant", "value": str(node.data)}
    gradient = explanation.gradients[node]
    parts: list[Line] = [[_through(use, explanation.names), use.product()] for use in uses]
    if node is explanation.root:
        parts.insert(0, ["as the start of the backward pass", numeral(1.0)])
    if len(parts) > 1:
        parts.append(["sum", equation(explanation.derivative(node), gradient)])
    return {
        "name": step.name.text,
        "kind": f"computed by {visible(node.op.name)}" if node.op else role(node),
        "value": str(node.data),
        "computed": _lines("computed as", _computed(step)) if node.op else [],
        "gradient": "not known, because the backward pass fails" if explanation.failure else str(gradient),
        "parts": parts,
        "check": _check(node, explanation, gradient),
    }


def _numbers(node: Value, explanation: Explanation, number: Mapping[Value, int]) -> dict[str, Any]:
    """The operands of a value, the local derivatives by them, where they exist, its number and its gradient."""
    try:
        locals_ = local_derivatives(node) if node.op else ()
    except (ArithmeticError, ValueError):
        locals_ = ()
    return {
        "from": [number[parent] for parent in node.parents],
        "locals": [*map(_finite, locals_)],
        "number": _finite(node.data),
        "grad": _finite(explanation.gradients[node]),
    }


def _finite(x: float) -> float | str:
    """A number; what JSON has none for, as text that JavaScript's Number reads."""
    return x if math.isfinite(x) else str(x).replace("nan", "NaN").replace("inf", "Infinity")


def _through(use: Contribution, names: dict[Value, Formula]) -> str:
    """Where a contribution comes from; where an operation has the Value more than once, also through which use."""
    operand = operand_names(use.node, names)[use.index].text
    return f"through {names[use.node]}" if operand == names[use.parent].text else f"{operand} through {names[use.node]}"


def _check(node: Value, explanation: Explanation, gradient: float) -> str:
    """A sentence on whether finite differences confirm a gradient."""
    if node is explanation.root or explanation.failure:
        return ""
    [(_, noise)] = Linearization([explanation.root], [node]).magnitudes()
    slope, _, verdict = judge(gradient, response(explanation.order, node), node.data, noise)
    if verdict == "agrees":
        return f"✓ finite differences give {slope:.8g}, which agrees."
    if verdict == "differs":
        return f"✗ finite differences give {slope:.8g}, which does not agree."
    return "Finite differences cannot tell here: at a kink, or at the edge of where the function is defined."


def response(order: Sequence[Value], node: Value) -> Callable[[float], float]:
    """The last Value of ``order`` as a function of the number in ``node``.

    >>> x = Value(3.0)
    >>> response([x, x * x], x)(4.0)
    16.0
    """
    affected = {node}
    for other in order:
        if not affected.isdisjoint(other.parents):
            affected.add(other)
    program = [(other, other.op, other.parents) for other in order if other in affected and other is not node]

    def respond(x: float) -> float:
        numbers = {node: x}
        for other, op, parents in program:
            assert op is not None
            numbers[other] = op.forward(*[numbers.get(parent, parent._data) for parent in parents])
        return numbers.get(order[-1], order[-1]._data)

    return respond
