"""Drawings of every operation: a box for each Value, an arrow from each operand with the local derivative on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import graphviz

from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.ops import add, multiply
from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import digits, visible
from tinygrad_edu.viz.graphs.boxes import HINT, framed, legend, raised
from tinygrad_edu.viz.graphs.expansion import expand as expanded
from tinygrad_edu.viz.graphs.expression import of_node, written
from tinygrad_edu.viz.graphs.groups import group_of_each, parts, role, symbol
from tinygrad_edu.viz.graphs.layout import direction, line_style
from tinygrad_edu.viz.graphs.leftovers import Leftovers
from tinygrad_edu.viz.graphs.names import names_of, place_of
from tinygrad_edu.viz.graphs.picture import GREY, Picture, Scale, escaped, styled
from tinygrad_edu.viz.graphs.walks import bounded_order, outdated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.formulas.formula import Formula

MANY = 20  # values of a network make a picture that is made smaller to fit a page
LESS = 'level="neuron" draws one box for each neuron, level="layer" one for each layer'
STEPS = 40  # of a computation are put into words
CHANGED = "numbers have been set since this was computed: grads are older than the data and the arrows"


def draw_operations(value: Value, expand: bool, max_nodes: int, variables: Mapping[Value, str]) -> Picture:
    """The drawing of a graph at the level of "op"; see ``draw``."""
    origin: dict[Value, Value] = {}
    try:
        order = bounded_order(value, max_nodes, "draw")
        changed = outdated(order) is not None
        leftovers = Leftovers(order)
        if expand:
            value, origin = expanded(value, max_nodes)
            order = bounded_order(value, max_nodes, "draw")
            results = {origin.get(node, node): node for node in order}  # of each composite its last part
            variables = {results[node]: name for node, name in variables.items() if node in results}
    except ValueError as error:
        smaller = 'draw(value, level="neuron" or "layer") shows less, max_nodes=... allows more'
        raise ValueError(f"{error}; {smaller}") from None
    picture = Picture()
    parents = {node: [parent for parent in node.parents if not isinstance(parent, Constant)] for node in order}
    groups = group_of_each(order, origin)
    beside = sum(role(node) == "parameter" for node in order if groups[node])  # Graphviz keeps frames apart
    along = direction(parents, beside)
    picture.attr(rankdir=along, remincross="false", **line_style({node: node.parents for node in order}))
    # The last grad is usually 1 whatever the others are.
    scale = Scale(node.grad for node in order[:-1] or order if not isinstance(node, Constant))
    ids = {node: f"v{i}" for i, node in enumerate(order)}
    formulas = names_of(order, variables)
    frames, root = _frames(picture, groups), formulas[value].text
    # In frames that lie side by side Graphviz puts what comes first last.
    framed_nodes = [node for node in order if groups[node]][:: -1 if along == "LR" else 1]
    for node in [node for node in order if not groups[node]] + framed_nodes:
        name = _short(node, formulas[node].text, groups[node])
        grad = leftovers.lines(node, root)
        box = _box(node, name, grad, formulas, scale)
        frames[parts(groups[node])].node(ids[node], f"<{box}>", tooltip=_tooltip(node, variables, leftovers, root))
    for path in sorted(filter(None, frames), key=len, reverse=True):
        frames[path[:-1]].subgraph(frames[path])
    for node in order:
        try:
            slopes: Sequence[float | None] = local_derivatives(node)
        except (ArithmeticError, ValueError):
            slopes = [None] * len(node.parents)
        for parent, slope in zip(node.parents, slopes):
            picture.edge(ids[parent], ids[node], **_arrow(node, parent, slope, scale))
    picture.words = _in_words(order, formulas)
    hint = CHANGED if changed else leftovers.hint(root) or HINT
    large = len(frames) > 1 and len(order) > MANY
    if large:
        hint += f"\n{LESS}"
    kinds, exceeded = {role(node) for node in order}, order[-1].grad > scale.largest
    picture.attr(label=legend(kinds, scale, exceeded, hint, 17 if large else 10), labelloc="b")
    return picture


def _in_words(order: Sequence[Value], formulas: Mapping[Value, Formula]) -> str:
    """The computation as a sentence; of a long one the beginning."""
    steps: list[str] = []
    for node in order:
        if not isinstance(node, Constant) and len(steps) < STEPS:
            rule = f"{of_node(node, formulas)[0]} = " if node.op else ""
            steps.append(f"{formulas[node]} = {rule}{digits(node.data)} (grad {digits(node.grad)})")
    more = len(order) - STEPS
    return f"Graph of a computation: {', '.join(steps)}{f' and so on, {len(order)} values' if more > 0 else ''}."


def _frames(picture: Picture, groups: Mapping[Value, str]) -> dict[tuple[str, ...], graphviz.Digraph]:
    """The frame of each neuron and layer by its path, and for no path the picture."""
    frames: dict[tuple[str, ...], graphviz.Digraph] = {(): picture}
    for path in map(parts, groups.values()):
        for depth in range(1, len(path) + 1):
            if path[:depth] not in frames:
                frame = graphviz.Digraph(f"cluster_{len(frames)}")
                title = f"<{escaped(visible(path[depth - 1]))}>"
                frame.attr(label=title, labeljust="l", fontcolor=GREY, fontsize="11")
                frame.attr(color="#c8c8c8", style="rounded", margin="10")
                frames[path[:depth]] = frame
    return frames


def _short(node: Value, name: str, group: str) -> str:
    """The name inside the frame of a group: ``scale`` in that of a module of one's own."""
    if place_of(node.label):
        return name
    if group and node.label == group:
        return "output"
    if group and len(node.label) > len(name):  # cut off: what is inside of the group may not be
        return visible(node.label.removeprefix(group + "."))
    return name.removeprefix(group + ".") if group else name


def _box(node: Value, name: str, grad: Sequence[str], formulas: Mapping[Value, Formula], scale: Scale) -> str:
    kind = role(node)
    if kind == "constant":
        return styled(digits(node.data), size=13, colour=GREY)
    sign = symbol(node.op) if node.op else ""
    numbers = [f"data {digits(node.data)}", *map(escaped, grad)]
    return framed(kind or _in_order(node, formulas), name, numbers, kind, scale.fill(node.grad), sign)


def _in_order(node: Value, formulas: Mapping[Value, Formula]) -> str:
    """The formula of an operation of two operands, where it matters which is which and arrows do not tell."""
    if node.op is None or node.op.arity != 2 or node.op in (add, multiply):
        return ""
    return visible(written(node, formulas).text, 24)


def _tooltip(node: Value, variables: Mapping[Value, str], leftovers: Leftovers, root: str) -> str:
    name = node.label or variables.get(node)
    text = f"{visible(name, 200)} = {node.data}" if name else f"{node.data}"
    grad = leftovers.sentence(node, root) if node in leftovers.brought else f"grad {node.grad}"
    return escaped(text if isinstance(node, Constant) else f"{text}, {grad}")


def _arrow(node: Value, parent: Value, slope: float | None, scale: Scale) -> dict[str, str]:
    """The look of the arrow from ``parent`` to ``node``, and its number."""
    if isinstance(parent, Constant):
        return {}
    if slope is None:
        return {"label": raised("no derivative")}
    flow = node.grad * slope if node.grad else 0.0
    return {"label": raised(f"× {digits(slope)}"), "color": scale.line(flow), "penwidth": scale.width(flow)}
