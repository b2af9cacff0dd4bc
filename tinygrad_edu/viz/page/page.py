"""The page on which one steps through a computation and its backward pass: one HTML file that needs nothing else.

Everything that will be shown is worded here and put into the page as JSON; its script (``page.js``) only decides what
is visible, and builds text and MathML node by node, so that no text can become markup. The Content-Security-Policy
admits that script and that style sheet (``page.css``), by their hashes, and no connection to anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.calculus.differences import judge
from tinygrad_edu.calculus.linearization import Linearization
from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import Formula, DOTS, continued, digits, equation, joined, numeral, visible
from tinygrad_edu.viz.graphs.expression import expression, notation, of_node, operand_names
from tinygrad_edu.viz.graphs.groups import role
from tinygrad_edu.viz.graphs.walks import response
from tinygrad_edu.viz.page.svg import graph

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.formulas.formula import MathML
    from tinygrad_edu.viz.explaining.explanation import Computed, Contribution, Explanation


MANY = 12  # lines of a list that are shown
WIDTH = 34  # characters of a formula that fit on a phone


def page(explanation: Explanation) -> str:
    """The text of the HTML file."""
    import base64
    import hashlib
    import html
    import pathlib

    here = pathlib.Path(__file__)
    style, script = (here.with_suffix(kind).read_text(encoding="utf-8") for kind in (".css", ".js"))
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    whole = title(explanation)
    parts = {
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'",
        "title": html.escape(whole.text),
        "formula": markup(whole.mathml),
        "graph": graph(explanation),
        "data": as_json(data(explanation)).replace("<", "\\u003c"),
    }
    # Split first: what is put in may hold {{words}} of its own.
    outside, *places = here.with_suffix(".html").read_text(encoding="utf-8").split("{{")
    return outside + "".join(parts[word] + rest for word, _, rest in (place.partition("}}") for place in places))


def title(explanation: Explanation) -> Formula:
    """What is computed, as one formula if it is short, otherwise its last operation."""
    root = explanation.root
    whole = expression(root)
    if root.op is None:
        return explanation.names[root]
    outermost = of_node(root, explanation.names)[0]
    short = not whole.parts and len(whole.formula.text) <= 60
    return equation(explanation.names[root], whole.formula if short else outermost)


def markup(tree: MathML) -> str:
    """A formula as a MathML element."""
    import html

    def element(tag: str, *children: Any) -> str:
        inner = "".join(html.escape(child) if isinstance(child, str) else element(*child) for child in children)
        return f"<{tag}>{inner}</{tag}>"

    return element("math", tree).replace("<math>", '<math displaystyle="true">', 1)


TAGS = {
    "mrow": "r", "mfrac": "f", "msup": "p", "msub": "b", "msqrt": "q", "mi": "i", "mn": "n", "mo": "o", "mtext": "t",
}  # fmt: skip


def compact(tree: MathML) -> str | list[Any]:
    """A formula in a third of the space, as ``page.js`` reads it: ``"ix"`` for ``("mi", "x")``, rows in rows as one.

    But for rows that begin with a sign or a parenthesis: browsers space these by their place in the row.

    >>> compact(("mrow", ("mi", "y"), ("mo", "="), ("mrow", ("mi", "x"), ("mo", "+"), ("mn", "1"))))
    ['r', 'iy', 'o=', 'ix', 'o+', 'n1']
    """
    tag, *children = tree
    if isinstance(children[0], str):
        return TAGS[tag] + children[0]
    parts: list[Any] = []
    for child in map(compact, children):
        flat = tag == "mrow" and child[0] == "r" and child[1][0] != "o"
        parts += child[1:] if flat else [child]
    return parts[0] if tag == "mrow" and len(parts) == 1 else [TAGS[tag], *parts]


def as_json(content: dict[str, Any]) -> str:
    """What ``page.js`` reads; a formula is always an array, a string is a text."""
    import json

    def formula(x: Formula) -> list[Any]:
        short = compact(x.mathml)
        return ["r", short] if isinstance(short, str) else short

    return json.dumps(content, default=formula, ensure_ascii=False, separators=(",", ":"))


# ---- what the script shows -------------------------------------------------------------------------------------------


def data(explanation: Explanation) -> dict[str, Any]:
    """The steps, and what there is to know about each value, for ``page.js``."""
    number = {node: i for i, node in enumerate(explanation.order)}
    uses: dict[Value, list[Contribution]] = {node: [] for node in explanation.order}
    for use in explanation.backward:
        uses[use.parent].append(use)
    computed = {step.node: step for step in explanation.forward}
    largest = max((abs(x) for x in explanation.gradients.values() if abs(x) < float("inf")), default=1.0) or 1.0
    return {
        "steps": [*_forward(explanation, number), *_backward(explanation, number, uses, largest)],
        "nodes": [_about(node, computed.get(node), explanation, uses[node]) for node in explanation.order],
    }


def _forward(explanation: Explanation, number: Mapping[Value, int]) -> Iterable[dict[str, Any]]:
    given = [step for step in explanation.forward if step.node.op is None]
    yield {
        "phase": "forward",
        "title": "What is given",
        "words": "The forward pass computes each value from those before it. It starts from these.",
        "lines": _listed([equation(step.name, numeral(step.node.data)) for step in given]),
        "shows": [number[step.node] for step in given],
    }
    for step in explanation.forward:
        if step.node.op is not None:
            yield {
                "phase": "forward",
                "title": f"Compute {step.name}",
                "words": _computation(step, explanation),
                "lines": _lines("", _computed(step)),
                "shows": [number[step.node]],
                "node": number[step.node],
                "from": [number[parent] for parent in step.node.parents],
            }


def _listed(formulas: Sequence[Formula]) -> list[list[Any]]:
    """A line for each of the first formulas, and how many more there are."""
    more = [["", f"and {len(formulas) - MANY} more"]] if len(formulas) > MANY else []
    return [["", formula] for formula in formulas[:MANY]] + more


def _computation(step: Computed, explanation: Explanation) -> str:
    node = step.node
    assert node.op is not None
    what = ""  # signs speak for themselves; of a function say what it is, as its row does before any semicolon
    if notation(node.op)[0] == "before":
        what = visible(node.op.summary.partition("\n\n")[2] or f"{node.op.name}.", 200)
        what = what.partition(";")[0].rstrip(".") + ". "
    given = [equation(explanation.names[p], numeral(p.data)).text for p in node.parents if not isinstance(p, Constant)]
    source = _listing(list(dict.fromkeys(given)) or ["constants"]) if len(given) <= 4 else f"{len(given)} values"
    return f"{what}From {source} comes {step.name} = {digits(node.data)}."


def _listing(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _computed(step: Computed) -> list[Formula]:
    how = [step.formula, step.numbers] if step.formula and step.numbers else []
    return [step.name, *how, numeral(step.node.data)]


def _backward(
    explanation: Explanation, number: Mapping[Value, int], uses: Mapping[Value, list[Contribution]], largest: float
) -> Iterable[dict[str, Any]]:
    root, names = explanation.root, explanation.names
    own = explanation.derivative(root)
    yield {
        "phase": "backward",
        "title": f"Start from {names[root]}",
        "words": f"The backward pass finds out how much {names[root]} changes when each value changes a little. "
        f"For {names[root]} itself that is as much: 1.",
        "lines": [["", equation(own, numeral(1.0))]],
        "node": number[root],
        "grads": [[number[root], "1", *_strength(1.0, largest)]],
    }
    for step in explanation.backward:
        before = uses[step.parent]
        which = before.index(step)
        yield {
            "phase": "backward",
            "title": f"From {names[step.node]} back to {names[step.parent]}",
            "words": _flow(step, explanation, which, len(before)),
            "lines": _chain_rule(step, explanation, before[: which + 1]),
            "node": number[step.parent],
            "from": [number[step.node]],
            "edge": f"{number[step.node]}_{step.index}",
            "flow": _strength(step.amount, largest),
            "grads": [[number[step.parent], digits(step.total), *_strength(step.total, largest)]],
        }
    if explanation.failure:
        yield {"phase": "backward", "title": "Here it ends", "words": explanation.failure, "lines": []}
        return
    leaves = [step for step in explanation.forward if step.node.op is None]
    yield {
        "phase": "backward",
        "title": "All gradients are known",
        "words": f"If a value grows by a little, {names[root]} changes by its gradient times as much.",
        "lines": _listed(
            [equation(explanation.derivative(s.node), numeral(explanation.gradients[s.node])) for s in leaves]
        ),
    }


def _flow(step: Contribution, explanation: Explanation, which: int, count: int) -> str:
    names = explanation.names
    text = (
        f"{digits(step.upstream)} has arrived at {names[step.node]}. The local derivative is {digits(step.local)}, "
        f"so {digits(step.amount)} flows on to {names[step.parent]}."
    )
    if count > 1:
        text += f" It is contribution {which + 1} of {count}, because {names[step.parent]} is used {count} times"
        text += ", and they add up." if which else "."
    return text


def _chain_rule(step: Contribution, explanation: Explanation, before: Sequence[Contribution]) -> list[list[Any]]:
    rule = [step.ratio, step.rule]
    for more in (step.numbers, numeral(step.local)):
        if more.text != rule[-1].text:
            rule.append(more)
    upstream = explanation.derivative(step.node)
    through = joined([upstream, step.ratio])
    lines = [
        *_lines("Rule", rule),
        *_lines("Chain rule", [through, joined([step.upstream, step.local]), numeral(step.amount)]),
    ]
    if len(before) > 1:
        dots = [DOTS] if len(before) > 6 else []
        parts = joined([*dots, *[use.amount for use in before[-6:]]], "+")
        lines.append(["Sum", equation(explanation.derivative(step.parent), parts, numeral(step.total))])
    return lines


def _lines(term: str, formulas: Sequence[Formula]) -> list[list[Any]]:
    """An equation on as many lines as a phone needs; each but the first begins with a sign, = or +."""
    lines = [formulas[0]]
    for formula in formulas[1:]:
        terms = formula.parts[1:] if formula.parts[0] == "+" and len(formula.text) > WIDTH else (formula,)
        for i, part in enumerate(terms):
            before = "+" if i else "="
            longer = continued(lines[-1], before, part)
            lines[-1:] = [longer] if len(longer.text) <= WIDTH else [lines[-1], continued(None, before, part)]
    return [[term * (i == 0), line] for i, line in enumerate(lines)]


def _strength(x: float, largest: float) -> list[float]:
    """Which sign, and how strong a colour from 0 to 1."""
    if x != x or x == 0:
        return [0, 0]
    return [1 if x > 0 else -1, round(min(abs(x) / largest, 1.0) ** 0.5, 3)]


def _about(
    node: Value, step: Computed | None, explanation: Explanation, uses: Sequence[Contribution]
) -> dict[str, Any]:
    """Everything about one value."""
    names = explanation.names
    if step is None:
        return {"name": digits(node.data), "kind": "constant", "value": str(node.data)}
    gradient = explanation.gradients[node]
    root = explanation.root
    parts: list[list[Any]] = [
        [
            _through(use, names),
            equation(joined([use.upstream, use.local]), numeral(use.amount)),
        ]
        for use in uses
    ]
    if node is root:
        parts.insert(0, ["as the start of the backward pass", numeral(1.0)])
    if len(parts) > 1:
        parts.append(["sum", equation(explanation.derivative(node), numeral(gradient))])
    kind = role(node) or (f"computed by {visible(node.op.name)}" if node.op else "")
    return {
        "name": step.name.text,
        "kind": kind,
        "value": str(node.data),
        "computed": _lines("computed as", _computed(step)) if node.op else [],
        "gradient": "not known, because the backward pass fails" if explanation.failure else str(gradient),
        "parts": parts,
        "check": _check(node, explanation, gradient),
    }


def _through(use: Contribution, names: dict[Value, Formula]) -> str:
    """Where a contribution comes from; where an operation has the Value more than once, also through which use."""
    which = operand_names(use.node, names)[use.index].text
    return f"through {names[use.node]}" if which == names[use.parent].text else f"{which} through {names[use.node]}"


def _check(node: Value, explanation: Explanation, gradient: float) -> str:
    """What finite differences say about a gradient."""
    if node is explanation.root or explanation.failure:
        return ""
    [(_, noise)] = Linearization([explanation.root], [node]).magnitudes()
    slope, _, verdict = judge(gradient, response(explanation.order, node), node.data, noise)
    if verdict in ("agrees", "differs"):
        sign, ending = ("✓", "agrees") if verdict == "agrees" else ("✗", "does not agree")
        return f"{sign} finite differences give {slope:.8g}, which {ending}."
    return "Finite differences cannot tell here: at a kink, or at the edge of where the function is defined."
