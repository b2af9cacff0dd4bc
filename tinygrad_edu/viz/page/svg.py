"""The drawing on the page: laid out by Graphviz, and written as SVG whose parts the page's script can find.

The box of the Value number i has the id ``n{i}``, the arrow to its operand number k ``e{i}_{k}``. All colours are
classes, which the page's style sheet decides on.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import digits, visible
from tinygrad_edu.viz.graphs.groups import role, symbol
from tinygrad_edu.viz.graphs.layout import FAR, STRAIGHT, lay_out
from tinygrad_edu.viz.graphs.walks import total_span

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.viz.explaining.explanation import Explanation

LINE, GAP = 17, 9  # height of a line of text and space around text, in points


def graph(explanation: Explanation) -> str:
    """The drawing, laid out by Graphviz and written as SVG whose parts the script can find."""
    import json

    layout = json.loads(lay_out(_dot(explanation), "json0"))
    left, bottom, right, top = map(float, layout["bb"].split(","))
    width, height = right - left + 24, top - bottom + 24

    def point(text: str) -> tuple[float, float]:
        x, y = map(float, text.split(","))
        return x - left + 12, top - y + 12

    number = {node: i for i, node in enumerate(explanation.order)}
    places = {item["name"]: point(item["pos"]) for item in layout["objects"]}
    wires = {item["id"]: item for item in layout.get("edges", [])}
    locals_ = {(step.node, step.index): step.local for step in explanation.backward}
    lines, boxes = [], []
    for node, i in number.items():
        for index, parent in enumerate(node.parents):
            wire = wires[f"{i}_{index}"]
            label = f"× {digits(locals_[node, index])}" if (node, index) in locals_ else ""
            lines.append(_wire(f"{i}_{index}", wire, point, label, isinstance(parent, Constant)))
        boxes.append(_box(node, i, places[f"n{i}"], explanation))
    label = f"Graph of the computation of {visible(explanation.names[explanation.root].text)}"
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="group" aria-label="{escape(label)}">'
        f"{''.join(lines)}{''.join(boxes)}</svg>"
    )


def _dot(explanation: Explanation) -> str:
    """The sizes of all boxes and labels, in the DOT language, for Graphviz to place them."""
    lines = ['digraph { rankdir=LR ranksep=0.55 nodesep=0.25 node [shape=box fixedsize=true label=""]']
    if total_span(explanation.order) > FAR:
        lines.append(" ".join(f"{name}={value}" for name, value in STRAIGHT.items()))
    for i, node in enumerate(explanation.order):
        width, height = _size(node, explanation)
        lines.append(f"n{i} [width={width / 72:.3f} height={height / 72:.3f}]")
    number = {node: i for i, node in enumerate(explanation.order)}
    known = {(step.node, step.index) for step in explanation.backward}
    for node, i in number.items():
        for index, parent in enumerate(node.parents):
            label = ' label="× −0.1234" fontsize=12' if (node, index) in known else ""
            lines.append(f'n{number[parent]} -> n{i} [id="{i}_{index}"{label}]')
    return "\n".join([*lines, "}"])


def _size(node: Value, explanation: Explanation) -> tuple[float, float]:
    """Width and height of a box, in points; Graphviz need not know about fonts."""
    if isinstance(node, Constant):
        return 8.0 * len(digits(node.data)) + 10, 22
    text = 8.2 * max(len(_shown_name(node, explanation)), len("data −0.00000"), len(digits(node.data)) + 5)
    return text + 2 * GAP + _symbol_width(node), 3 * LINE + 2 * GAP


def _symbol_width(node: Value) -> float:
    return 9.0 * len(symbol(node.op)) + 2 * GAP if node.op else 0.0


def _shown_name(node: Value, explanation: Explanation) -> str:
    return visible(explanation.names[node].text, 24)


def _wire(id: str, wire: Mapping[str, str], point: Any, label: str, pale: bool) -> str:
    """An arrow: a Bézier curve, its head, and its label."""
    words = wire["pos"].split()
    end = point(words[0].removeprefix("e,"))
    points = [point(word) for word in words[1:]]
    curve = " ".join(f"{x:.1f},{y:.1f}" for x, y in points[1:])
    x, y = points[-1]
    dx, dy = end[0] - x, end[1] - y
    head = f"{end[0]:.1f},{end[1]:.1f} {x - dy * 0.4:.1f},{y + dx * 0.4:.1f} {x + dy * 0.4:.1f},{y - dx * 0.4:.1f}"
    text = ""
    if label:
        lx, ly = point(wire["lp"])
        text = f'<text class="local" x="{lx:.1f}" y="{ly + 4:.1f}">{escape(label)}</text>'
    kind = "wire pale" if pale else "wire"
    return (
        f'<g class="{kind}" id="e{id}"><path d="M{points[0][0]:.1f},{points[0][1]:.1f} C{curve}"/>'
        f'<polygon points="{head}"/>{text}</g>'
    )


def _box(node: Value, i: int, centre: tuple[float, float], explanation: Explanation) -> str:
    width, height = _size(node, explanation)
    x, y = centre[0] - width / 2, centre[1] - height / 2
    if isinstance(node, Constant):
        text = f'<text x="{centre[0]:.1f}" y="{centre[1] + 5:.1f}">{digits(node.data)}</text>'
        return f'<g class="node constant" id="n{i}">{text}</g>'
    kind = role(node) or "computed"
    name = _shown_name(node, explanation)
    left = _symbol_width(node)
    middle = x + left + (width - left) / 2
    sign = ""
    if node.op:
        sign = (
            f'<text class="sign" x="{x + left / 2:.1f}" y="{centre[1] + 6:.1f}">{escape(symbol(node.op))}</text>'
            f'<path class="rule" d="M{x + left:.1f},{y:.1f} v{height:.1f}"/>'
        )
    rounding = 10 if node.op else 1
    texts = "".join(
        f'<text class="{part}" x="{middle:.1f}" y="{y + GAP + LINE * (line + 0.8):.1f}">{escape(text)}</text>'
        for line, (part, text) in enumerate([("name", name), ("data", f"data {digits(node.data)}"), ("grad", "grad 0")])
    )
    spoken = escape(f"{name}, {kind}, {digits(node.data)}")
    return (
        f'<g class="node {kind}" id="n{i}" tabindex="0" role="button" aria-label="{spoken}">'
        f'<rect class="ground" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{rounding}"/>'
        f'<rect class="tint" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{rounding}"/>'
        f"{sign}{texts}</g>"
    )
