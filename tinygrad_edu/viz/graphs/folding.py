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
from tinygrad_edu.viz.graphs.boxes import HINT, cell, legend, raised, table
from tinygrad_edu.viz.graphs.groups import group_of_each, parts, role, symbol
from tinygrad_edu.viz.graphs.picture import GREY, Picture, Scale, styled

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence, Sized

    from tinygrad_edu.engine.value import Value

MANY = 60  # more arrows than this are drawn without numbers


class Box:
    """Values that are drawn as one.

    Attributes:
        title: what they have in common.
        kind: "input", "parameter" or, if they were computed, "".
        path: of the module they belong to; "" for none.
        members: the Values, operands before results.
        outputs: those of them that are used outside.
    """

    def __init__(self, title: str, kind: str, path: str, index: int) -> None:
        self.title, self.kind, self.path, self.id = title, kind, path, f"b{index}"
        self.members: list[Value] = []
        self.outputs: list[Value] = []


def draw_folded(root: Value, level: str, max_nodes: int) -> Picture:
    """The drawing of a graph at the level of "neuron" or "layer"; see ``draw``."""
    order = topological_order(root)
    place = fold(order, level)
    boxes = list(dict.fromkeys(place.values()))
    if len(boxes) > max_nodes:
        less = ' level="layer" shows less;' if level == "neuron" else ""
        raise ValueError(f"that makes {len(boxes)} boxes, more than {max_nodes};{less} max_nodes=... allows more")
    arrows: dict[tuple[Box, Box], dict[Value, None]] = {}  # the Values that go from one to another, each once
    for node in order:
        for parent in node.parents:
            if parent in place and place[parent] is not place[node]:
                arrows.setdefault((place[parent], place[node]), {})[parent] = None
    for (tail, _), values in arrows.items():
        tail.outputs = list(dict.fromkeys([*tail.outputs, *values]))
    place[root].outputs.append(root)
    return _drawn(boxes, arrows)


def fold(order: Sequence[Value], level: str) -> dict[Value, Box]:
    """The box of each Value but constants, and of the last Value in any case."""
    groups = group_of_each(order, {})
    boxes: dict[Hashable, Box] = {}
    place: dict[Value, Box] = {}
    for node in order:
        if isinstance(node, Constant) and node is not order[-1]:
            continue
        path = _folded(groups[node], level)
        key: Hashable
        if path:
            key = title = path
        elif node.op is None:
            title = _stem(node.label) if level == "layer" else node.label
            key = (title, type(node))
        else:
            title = symbol(node.op)
            key = (node.op.name, frozenset(place[parent].id for parent in node.parents if parent in place))
        if key not in boxes:
            kind = "" if path else role(node)
            boxes[key] = Box(visible(title), kind, path, len(boxes))
        place[node] = boxes[key]
        boxes[key].members.append(node)
    return place


def _folded(group: str, level: str) -> str:
    """The path of the box that a group goes into: its own, or that of its layer."""
    *layer, neuron = parts(group) or ("",)
    if level == "neuron" or not neuron:
        return group
    alone = "layer" if neuron.startswith("neurons.") else neuron  # a layer, or a neuron, that is in no other module
    return ".".join(layer) or alone


def _stem(label: str) -> str:
    return label.partition("[")[0] if label.endswith("]") else label


# ---- drawing ---------------------------------------------------------------------------------------------------------


def _drawn(boxes: Sequence[Box], arrows: Mapping[tuple[Box, Box], Mapping[Value, None]]) -> Picture:
    picture = Picture()
    picture.attr(ranksep="1.2" if len(arrows) > MANY else "0.6", nodesep="0.12", ordering="out")
    scale = Scale(_strongest(box.outputs) for box in boxes[:-1] or boxes)
    for box in boxes:
        picture.node(box.id, f"<{_label(box, scale)}>", tooltip=_count(box.members))
    into = {box: _slopes(box) for box in boxes}
    hint = "the colour is that of the largest grad in the box"
    for (tail, head), values in arrows.items():
        slopes = [into[head].get(value, 0.0) for value in values] if into[head] else []
        flow = max((slope * head.outputs[0].grad for slope in slopes), key=abs, default=_strongest(values))
        look = {"color": scale.line(flow), "penwidth": scale.width(flow)}
        if len(arrows) <= MANY:
            look["label"] = raised(_count(values))
            if len(slopes) == 1:
                look["label"], hint = raised(f"× {digits(slopes[0])}"), HINT
        picture.edge(tail.id, head.id, **look)
    exceeded = _strongest(boxes[-1].outputs) > scale.largest
    picture.attr(label=legend({box.kind for box in boxes}, scale, exceeded, hint), labelloc="b")
    return picture


def _count(values: Sized) -> str:
    return f"{len(values)} value{'s' * (len(values) != 1)}"


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


def _label(box: Box, scale: Scale) -> str:
    values = box.outputs or box.members
    label = visible(values[0].label) if len(values) == 1 and not box.path and not box.kind else ""
    head, name = (box.title, label) if label else (box.kind, box.title)
    rows = [
        *([styled(head, size=9, colour=GREY)] if head else []),
        *([styled(name, size=13, bold=True)] if name else []),
        *_contents(box),
        *([f"{len(values)} values"] if len(values) > 1 else []),
        f"data {_range([value.data for value in values])}",
        f"grad {_range([value.grad for value in values])}",
    ]
    cells = "".join(f"<tr>{cell(row)}</tr>" for row in rows)
    return table(cells, box.kind, scale.fill(_strongest(values)))


def _contents(box: Box) -> list[str]:
    """What a module's box holds: its operations and its parameters."""
    if not box.path:
        return []
    names = dict.fromkeys(symbol(node.op) for node in box.members if node.op)
    count = sum(isinstance(node, Parameter) for node in box.members)
    parameters = f"{count} parameter{'s' * (count != 1)}"
    return [styled(", ".join([*names, parameters]), size=9, colour=GREY)]


def _range(numbers: Sequence[float]) -> str:
    low, high = min(numbers), max(numbers)
    return digits(low) if low == high else f"{digits(low)} … {digits(high)}"
