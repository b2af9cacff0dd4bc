"""The drawing on the page: laid out by Graphviz, and written as SVG whose parts the page's script can find. Until the
script changes it, it shows the end of the backward pass.

The box of the Value number i has the id ``n{i}``, the arrow to its operand number k ``e{i}_{k}``. All colours are
classes, which the page's style sheet decides on.
"""

from __future__ import annotations

import json
import math
from html import escape
from typing import TYPE_CHECKING

from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import digits, visible
from tinygrad_edu.viz.graphs.groups import role, symbol
from tinygrad_edu.viz.graphs.layout import lay_out, line_style
from tinygrad_edu.viz.graphs.picture import Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.viz.explaining.explanation import Contribution, Explanation

    Point: TypeAlias = "tuple[float, float]"

LINE, GAP = 18, 8  # height of a line of text and space around text, in points


def graph(explanation: Explanation) -> str:
    """The drawing as an SVG element."""
    scale = Scale(explanation.gradients.values())
    uses = {(step.node, step.index): step for step in explanation.backward}
    boxes = {node: Box(node, i, explanation, scale) for i, node in enumerate(explanation.order)}
    layout = json.loads(lay_out(_dot(boxes), "json0"))
    left, bottom, right, top = map(float, layout["bb"].split(","))

    def point(text: str) -> Point:
        x, y = map(float, text.split(","))
        return x - left + 12, top - y + 12

    centres = {item["name"]: point(item["pos"]) for item in layout["objects"]}
    wires = {item["id"]: item for item in layout.get("edges", [])}
    label = escape(f"Graph of the computation of {visible(explanation.names[explanation.root].text)}")
    pieces = [
        f'<svg class="backward" role="group" aria-label="{label}" '
        f'viewBox="0 0 {right - left + 24:.0f} {top - bottom + 24:.0f}">',
        *[
            _wire(wires[f"{box.number}_{index}"], point, uses.get((node, index)))
            for node, box in boxes.items()
            for index, parent in enumerate(node.parents)
        ],
        *[box.drawn(centres[f"n{box.number}"]) for box in boxes.values()],
        "</svg>",
    ]
    return "".join(pieces)


def _dot(boxes: Mapping[Value, Box]) -> str:
    """The sizes of all boxes and labels, in the DOT language, for Graphviz to place them."""
    apart = min(0.25 + sum(len(node.parents) for node in boxes) / 200, 1)  # many arrows need room to bend
    lines = [f'digraph {{ rankdir=LR ranksep={apart} nodesep=0.2 node [shape=box fixedsize=true label=""]']
    lines += [f"{name}={value}" for name, value in line_style([*boxes]).items()]
    lines += [f"n{box.number} [width={box.width / 72:.3f} height={box.height / 72:.3f}]" for box in boxes.values()]
    for node, box in boxes.items():
        for index, parent in enumerate(node.parents):
            label = "" if isinstance(parent, Constant) else ' label="× −0.1234" fontsize=14'
            lines.append(f'n{boxes[parent].number} -> n{box.number} [id="{box.number}_{index}"{label}]')
    return "\n".join([*lines, "}"])


class Box:
    """The box of a Value.

    Attributes:
        number: of the Value, in the order of the explanation.
        width, height: in points; Graphviz need not know about fonts.
    """

    def __init__(self, node: Value, number: int, explanation: Explanation, scale: Scale) -> None:
        self.node, self.number = node, number
        self.data, self.grad = digits(node.data), digits(explanation.gradients[node])
        self.share = scale(explanation.gradients[node])
        self.name = visible(explanation.names[node].text, 24)
        self.symbol = symbol(node.op) if node.op else ""
        self.left = 10.0 * len(self.symbol) + 2 * GAP if node.op else 0.0  # the width of the place for the symbol
        if isinstance(node, Constant):
            self.width, self.height = 9.0 * len(self.data) + 10, 24
        else:
            letters = max(len(self.name), len("data −0.00000"), len(self.data) + 5)
            self.width, self.height = 8.9 * letters + 2 * GAP + self.left, 3 * LINE + 2 * GAP

    def drawn(self, centre: Point) -> str:
        """The box as an SVG element."""
        if isinstance(self.node, Constant):
            text = f'<text x="{centre[0]:.1f}" y="{centre[1] + 5:.1f}">{self.data}</text>'
            return f'<g class="node constant" id="n{self.number}">{text}</g>'
        x, y = centre[0] - self.width / 2, centre[1] - self.height / 2
        middle = x + self.left + (self.width - self.left) / 2
        kind, rounding, sign = role(self.node), 1, ""
        if self.node.op:
            kind, rounding = "computed", 10
            sign = (
                f'<text class="sign" x="{x + self.left / 2:.1f}" y="{centre[1] + 6:.1f}">{escape(self.symbol)}</text>'
                f'<path class="rule" d="M{x + self.left:.1f},{y:.1f} v{self.height:.1f}"/>'
            )
        size = f'x="{x:.1f}" y="{y:.1f}" width="{self.width:.1f}" height="{self.height:.1f}" rx="{rounding}"'
        lines = {"name": self.name, "data": f"data {self.data}", "grad": f"grad {self.grad}"}
        texts = "".join(
            f'<text class="{part}" x="{middle:.1f}" y="{y + GAP + LINE * (i + 0.8):.1f}">{escape(text)}</text>'
            for i, (part, text) in enumerate(lines.items())
        )
        ground = (
            f'<rect class="ground" {size}/><rect class="tint" fill-opacity="{0.12 + abs(self.share) / 2:.3f}" {size}/>'
        )
        return f'<g class="node {kind} known {_sign(self.share)}" id="n{self.number}">{ground}{sign}{texts}</g>'


def _wire(wire: Mapping[str, str], point: Callable[[str], Point], use: Contribution | None) -> str:
    """An arrow: a Bézier curve, its head and, unless from a constant, its label and a place for a sign."""
    end, (x, y), *curve = (point(text.removeprefix("e,")) for text in wire["pos"].split())
    path = f"M{x:.1f},{y:.1f} C" + " ".join(f"{a:.1f},{b:.1f}" for a, b in curve)
    tip = curve[-1]
    dx, dy = (end[0] - tip[0]) * 0.4, (end[1] - tip[1]) * 0.4
    head = f"{end[0]:.1f},{end[1]:.1f} {tip[0] - dy:.1f},{tip[1] + dx:.1f} {tip[0] + dy:.1f},{tip[1] - dx:.1f}"
    line = f'<path class="line" stroke-width="1.5" d="{path}"/><polygon points="{head}"/>'
    if "lp" not in wire:
        return f'<g class="wire pale" id="e{wire["id"]}">{line}</g>'
    label_x, label_y = point(wire["lp"])
    length = math.dist(curve[0], (x, y)) or 1.0
    at_x, at_y = x + 8 * (curve[0][0] - x) / length, y + 8 * (curve[0][1] - y) / length
    label, kind, mark = "", "wire", ""
    if use:
        label, kind = f"× {digits(use.local)}", f"wire reached {_sign(use.amount)}"
        mark = "+" if use.amount > 0 else "−" if use.amount < 0 else "0"
    return (
        f'<g class="{kind}" id="e{wire["id"]}">{line}'
        f'<text class="local" x="{label_x:.1f}" y="{label_y + 2:.1f}">{label}</text>'
        f'<g class="flow"><circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="8"/>'
        f'<text x="{at_x:.1f}" y="{at_y + 5:.1f}">{mark}</text></g></g>'
    )


def _sign(x: float) -> str:
    """The class of what has this sign."""
    return "positive" if x > 0 else "negative" if x < 0 else ""
