"""Small drawings of large graphs: a box for each neuron or layer, however many examples went through it.

Values are folded together where they belong to the same module, and outside of modules where they were computed by the
same operation from the same boxes: the losses of a hundred examples become one box, which says that it is a hundred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.backward import local_derivatives, topological_order
from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import digits, visible
from tinygrad_edu.nn.module import Parameter
from tinygrad_edu.viz.graphs.boxes import HINT, framed, legend, raised
from tinygrad_edu.viz.graphs.groups import group_of_each, parts, role, symbol
from tinygrad_edu.viz.graphs.layout import direction
from tinygrad_edu.viz.graphs.leftovers import Leftovers
from tinygrad_edu.viz.graphs.names import called
from tinygrad_edu.viz.graphs.picture import GREY, Picture, Scale, styled

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.formulas.formula import Formula

MANY = 60  # more arrows than this are drawn without numbers


class Box:
    """Values that are drawn as one.

    Attributes:
        title: the name of their module or operation, or their label.
        kind: "input", "parameter" or, if they were computed, "".
        path: of the module they belong to; "" for none.
        members: the Values, operands before results.
        outputs: those of them that are used outside.
    """

    def __init__(self, title: str, kind: str, path: str, index: int) -> None:
        self.title, self.kind, self.path, self.id = title, kind, path, f"b{index}"
        self.members: list[Value] = []
        self.outputs: list[Value] = []


def draw_folded(root: Value, level: str, max_nodes: int, variables: Mapping[Value, str]) -> Picture:
    """The drawing of a graph at the level of "neuron" or "layer"; see ``draw``."""
    order = topological_order(root)
    names = called(order, variables)
    box_of = fold(order, level, names)
    boxes = list(dict.fromkeys(box_of.values()))
    if len(boxes) > max_nodes:
        less = ' level="layer" shows less;' if level == "neuron" else ""
        raise ValueError(f"that makes {len(boxes)} boxes, more than {max_nodes};{less} max_nodes=... allows more")
    arrows: dict[tuple[Box, Box], dict[Value, None]] = {}  # the Values that go from one to another, each once
    for node in order:
        for parent in node.parents:
            if parent in box_of and box_of[parent] is not box_of[node]:
                arrows.setdefault((box_of[parent], box_of[node]), {})[parent] = None
    for (tail, _), values in arrows.items():
        tail.outputs = list(dict.fromkeys([*tail.outputs, *values]))
    box_of[root].outputs.append(root)
    return _drawn(boxes, arrows, names, Leftovers(order).hint(names[root].text if root in names else "the last value"))


def fold(order: Sequence[Value], level: str, names: Mapping[Value, Formula]) -> dict[Value, Box]:
    """The box of each Value but constants, and of the last Value in any case; leaves of one name are in one box."""
    groups = group_of_each(order, {})
    boxes: dict[Hashable, Box] = {}
    box_of: dict[Value, Box] = {}
    for node in order:
        if isinstance(node, Constant) and node is not order[-1]:
            continue
        path = groups[node] if level == "neuron" else _layer(groups[node])
        key: Hashable
        if path:
            key = title = path
        elif node.op is None:
            title = names[node].text if node in names else ""
            if level == "layer" and node.label.endswith("]"):
                title = node.label.partition("[")[0]
            key = (title, type(node))
        else:
            title = symbol(node.op)
            key = (node.op.name, frozenset(box_of[parent].id for parent in node.parents if parent in box_of))
        if key not in boxes:
            boxes[key] = Box(visible(title), "" if path else role(node), path, len(boxes))
        box_of[node] = boxes[key]
        boxes[key].members.append(node)
    return box_of


def _layer(group: str) -> str:
    """The path of the layer of a group; its own for what is in no layer."""
    if not group:
        return ""
    *layer, last = parts(group)
    if layer:
        return ".".join(layer)
    return "layer" if last.startswith("neurons.") else last


# ---- drawing ---------------------------------------------------------------------------------------------------------


def _drawn(
    boxes: Sequence[Box],
    arrows: Mapping[tuple[Box, Box], Mapping[Value, None]],
    names: Mapping[Value, Formula],
    leftover: str,
) -> Picture:
    picture = Picture()
    picture.attr(rankdir=direction({box: [tail for tail, head in arrows if head is box] for box in boxes}))
    picture.attr(ranksep="1.2" if len(arrows) > MANY else "0.6", nodesep="0.12", ordering="out")
    scale = Scale(_strongest(box.outputs) for box in boxes[:-1] or boxes)
    for box in boxes:
        picture.node(box.id, f"<{_label(box, names, scale)}>", tooltip=_count(len(box.members), "value"))
    slopes_into = {box: _slopes(box) for box in boxes}
    hint = "the colour is that of the largest grad in the box"
    for (tail, head), values in arrows.items():
        slopes = [slopes_into[head].get(value, 0.0) for value in values] if slopes_into[head] else []
        flow = max((slope * head.outputs[0].grad for slope in slopes), key=abs, default=_strongest(values))
        look = {"color": scale.line(flow), "penwidth": scale.width(flow)}
        if len(arrows) <= MANY:
            if len(slopes) == 1:
                look["label"], hint = raised(f"× {digits(slopes[0])}"), HINT
            else:
                look["label"] = raised(_count(len(values), "value"))
        picture.edge(tail.id, head.id, **look)
    picture.words = f"Graph of a computation: {'; '.join(_in_words(box, arrows) for box in boxes)}."
    exceeded = _strongest(boxes[-1].outputs) > scale.largest
    picture.attr(label=legend({box.kind for box in boxes}, scale, exceeded, leftover or hint), labelloc="b")
    return picture


def _in_words(box: Box, arrows: Iterable[tuple[Box, Box]]) -> str:
    sources = ", ".join(tail.title for tail, head in arrows if head is box)
    return f"{box.title} from {sources}" if sources else box.title


def _count(number: int, thing: str) -> str:
    return f"1 {thing}" if number == 1 else f"{number} {thing}s"


def _strongest(values: Iterable[Value]) -> float:
    return max((value.grad for value in values), key=abs, default=0.0)


def _slopes(box: Box) -> dict[Value, float]:
    """The derivatives of the one output of a box with respect to all that goes into it; none if there are several
    outputs, or no derivative."""
    if len(box.outputs) != 1:
        return {}
    slopes = {box.outputs[0]: 1.0}
    try:
        for node in reversed(box.members):
            if slopes.get(node):
                for parent, local in zip(node.parents, local_derivatives(node)):
                    slopes[parent] = slopes.get(parent, 0.0) + slopes[node] * local
    except (ArithmeticError, ValueError):
        return {}
    return slopes


def _label(box: Box, names: Mapping[Value, Formula], scale: Scale) -> str:
    values = box.outputs or box.members
    head, name, lines = box.kind, box.title, []
    if len(values) == 1 and not box.path and not box.kind and values[0] in names:
        head, name = box.title, names[values[0]].text
    if box.path and len(symbols := {names[value].text for value in values if value in names}) == 1:
        head, name = box.path, symbols.pop()
    if box.path:
        operations = dict.fromkeys(symbol(node.op) for node in box.members if node.op)
        parameters = _count(sum(isinstance(node, Parameter) for node in box.members), "parameter")
        lines.append(styled(", ".join([*operations, parameters]), size=9, colour=GREY))
    if len(values) > 1:
        lines.append(f"{len(values)} values")
    for title, numbers in (("data", [value.data for value in values]), ("grad", [value.grad for value in values])):
        low, high = digits(min(numbers)), digits(max(numbers))
        lines.append(f"{title} {low}" if min(numbers) == max(numbers) else f"{title} {low} … {high}")
    return framed(head, name, lines, box.kind, scale.fill(_strongest(values)))
