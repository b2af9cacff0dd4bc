"""The drawing on the page: laid out by Graphviz, and written as SVG whose parts the page's script can find. Until the
script changes it, it shows the end of the backward pass.

The box of the Value number i has the id ``n{i}``, the arrow to its operand number k ``e{i}_{k}``. All colours are
classes, which the page's style sheet decides on.
"""

from __future__ import annotations

import json
import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import digits, visible
from tinygrad_edu.viz.graphs.groups import role, symbol
from tinygrad_edu.viz.graphs.layout import lay_out, line_style
from tinygrad_edu.viz.graphs.picture import Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.viz.explaining.explanation import Explanation

    Point: TypeAlias = "tuple[float, float]"

LINE, GAP = 18, 8  # height of a line of text and space around text, in points
LETTER = 8.9  # width of a letter


def graph(explanation: Explanation) -> str:
    """The drawing of every operation, as an SVG element."""
    scale = Scale(explanation.gradients.values())
    uses = {(step.node, step.index): step for step in explanation.backward}
    boxes = {node: _box(node, i, explanation, scale) for i, node in enumerate(explanation.order)}
    arrows = []
    for node, head in boxes.items():
        for index, parent in enumerate(node.parents):
            use = uses.get((node, index))
            local, amount = (f"× {digits(use.local)}", use.amount) if use else ("", None)
            arrows.append(Arrow(boxes[parent], head, index, isinstance(parent, Constant), local, amount))
    caption = f"Graph of the computation of {explanation.names[explanation.root]}"
    return drawing([*boxes.values()], arrows, caption, line_style({node: node.parents for node in boxes}))


class Box:
    """A box, or the number of a constant.

    Args:
        number: by which the script finds it.
        kind: "input", "parameter", "computed" or "constant".
        share: how strong the colour of its gradient is, from -1 to 1.
        symbol: shown at its left.
        remark: a line below the name.

    Attributes:
        width, height: in points; Graphviz need not know about fonts.
    """

    def __init__(
        self, number: int, kind: str, texts: tuple[str, str, str], share: float, symbol: str = "", remark: str = ""
    ) -> None:
        self.number, self.kind, self.share, self.symbol = number, kind, share, symbol
        name, data, grad = texts
        self.name, self.data = visible(name, 24), data
        self.lines = {"name": self.name, "remark": visible(remark, 24)} if remark else {"name": self.name}
        self.lines |= {"data": f"data {data}", "grad": f"grad {grad}"}
        self.left = 10.0 * len(symbol) + 2 * GAP if symbol else 0.0  # the width of the place for the symbol
        if kind == "constant":
            self.width, self.height = 9.0 * len(data) + 10, 24.0
        else:
            room = "grad −0.00 … 0.000" if "…" in data + grad else "grad −0.00000"
            letters = max(len(room), len(self.name), len(self.lines.get("remark", "")))
            self.width, self.height = LETTER * letters + 2 * GAP + self.left, len(self.lines) * LINE + 2.0 * GAP

    def drawn(self, centre: Point) -> str:
        """The box as an SVG element."""
        if self.kind == "constant":
            text = f'<text class="name" x="{centre[0]:.1f}" y="{centre[1] + 5:.1f}">{self.data}</text>'
            return f'<g class="node constant" id="n{self.number}">{text}</g>'
        x, y = round(centre[0] - self.width / 2), round(centre[1] - self.height / 2)
        width, height = round(self.width), round(self.height)
        middle = round(x + self.left + (width - self.left) / 2)
        rounding, sign = 10 if self.kind == "computed" else 1, ""
        if self.symbol:
            sign = (
                f'<text class="sign" x="{x + self.left / 2:.0f}" y="{centre[1] + 6:.0f}">{escape(self.symbol)}</text>'
                f'<path class="rule" d="M{x + self.left:.0f},{y} v{height}"/>'
            )
        size = f'x="{x}" y="{y}" width="{width}" height="{height}" rx="{rounding}"'
        room = width - self.left - 6
        texts = "".join(
            _text(part, text, middle, y + GAP + LINE * (i + 0.8), room)
            for i, (part, text) in enumerate(self.lines.items())
        )
        tint = f'<rect class="tint" fill-opacity="{0.12 + abs(self.share) / 2:.3f}" {size}/>'
        kinds = f"node {self.kind} known {_sign(self.share)}"
        return f'<g class="{kinds}" id="n{self.number}"><rect class="ground" {size}/>{tint}{sign}{texts}</g>'


def _text(part: str, text: str, x: float, y: float, room: float) -> str:
    """A text; what is too long for its box gets narrower letters."""
    squeezed = f' textLength="{room:.0f}" lengthAdjust="spacingAndGlyphs"' if LETTER * len(text) > room else ""
    return f'<text class="{part}" x="{x}" y="{y:.0f}"{squeezed}>{escape(text)}</text>'


def _box(node: Value, number: int, explanation: Explanation, scale: Scale) -> Box:
    gradient = explanation.gradients[node]
    texts = explanation.names[node].text, digits(node.data), digits(gradient)
    return Box(number, role(node) or "computed", texts, scale(gradient), symbol(node.op) if node.op else "")


class Arrow(NamedTuple):
    """An arrow.

    Attributes:
        place: among the arrows to the same box.
        pale: whether it comes from a constant, so that nothing flows back.
        local: the text beside it; None for no room for one.
        amount: what flows back, if it is known when the page is made.
    """

    tail: Box
    head: Box
    place: int
    pale: bool = False
    local: str | None = ""
    amount: float | None = None


def drawing(boxes: Sequence[Box], arrows: Sequence[Arrow], caption: str, style: Mapping[str, str]) -> str:
    """Boxes and arrows, laid out by Graphviz, as an SVG element."""
    layout = json.loads(lay_out(_dot(boxes, arrows, style), "json0"))
    left, bottom, right, top = map(float, layout["bb"].split(","))

    def point(text: str) -> Point:
        x, y = map(float, text.split(","))
        return x - left + 12, top - y + 12

    centres = {item["name"]: point(item["pos"]) for item in layout["objects"]}
    wires = {item["id"]: item for item in layout.get("edges", [])}
    pieces = [
        f'<svg class="backward" role="group" aria-label="{escape(visible(caption, 90))}" '
        f'viewBox="0 0 {right - left + 24:.0f} {top - bottom + 24:.0f}">',
        *[_wire(wires[_id(arrow)], point, arrow) for arrow in arrows],
        *[box.drawn(centres[f"n{box.number}"]) for box in boxes],
        "</svg>",
    ]
    return "".join(pieces)


def _id(arrow: Arrow) -> str:
    return f"{arrow.head.number}_{arrow.place}"


def _dot(boxes: Sequence[Box], arrows: Sequence[Arrow], style: Mapping[str, str]) -> str:
    """The sizes of all boxes and labels, in the DOT language, for Graphviz to place them."""
    apart = min(0.25 + len(arrows) / 200, 1)  # many arrows need room to bend
    lines = [f'digraph {{ rankdir=LR ranksep={apart} nodesep=0.2 node [shape=box fixedsize=true label=""]']
    lines += [f"{name}={value}" for name, value in style.items()]
    lines += [f"n{box.number} [width={box.width / 72:.3f} height={box.height / 72:.3f}]" for box in boxes]
    for arrow in arrows:
        label = "" if arrow.pale or arrow.local is None else ' label="× −0.1234" fontsize=14'
        lines.append(f'n{arrow.tail.number} -> n{arrow.head.number} [id="{_id(arrow)}"{label}]')
    return "\n".join([*lines, "}"])


def _wire(wire: Mapping[str, str], point: Callable[[str], Point], arrow: Arrow) -> str:
    """An arrow: a Bézier curve, its head and, unless from a constant, its label and a place for a sign."""
    end, (x, y), *curve = (point(text.removeprefix("e,")) for text in wire["pos"].split())
    path = f"M{x:.1f},{y:.1f} C" + " ".join(f"{a:.1f},{b:.1f}" for a, b in curve)
    tip = curve[-1]
    dx, dy = (end[0] - tip[0]) * 0.4, (end[1] - tip[1]) * 0.4
    head = f"{end[0]:.1f},{end[1]:.1f} {tip[0] - dy:.1f},{tip[1] + dx:.1f} {tip[0] + dy:.1f},{tip[1] - dx:.1f}"
    line = f'<path class="line" stroke-width="1.5" d="{path}"/><polygon points="{head}"/>'
    if arrow.pale:
        return f'<g class="wire pale" id="e{wire["id"]}">{line}</g>'
    label_x, label_y = point(wire["lp"]) if "lp" in wire else (x, y)
    length = math.dist(curve[0], (x, y)) or 1.0
    at_x, at_y = x + 8 * (curve[0][0] - x) / length, y + 8 * (curve[0][1] - y) / length
    kind, mark = "wire", ""
    if arrow.amount is not None:
        kind = f"wire reached {_sign(arrow.amount)}"
        mark = "+" if arrow.amount > 0 else "−" if arrow.amount < 0 else "0"
    return (
        f'<g class="{kind}" id="e{wire["id"]}">{line}'
        f'<text class="local" x="{label_x:.1f}" y="{label_y + 2:.1f}">{arrow.local or ""}</text>'
        f'<g class="flow"><circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="8"/>'
        f'<text x="{at_x:.1f}" y="{at_y + 5:.1f}">{mark}</text></g></g>'
    )


def _sign(x: float) -> str:
    """The class of what has this sign."""
    return "positive" if x > 0 else "negative" if x < 0 else ""
