"""Drawings of networks: a circle for each neuron, a line for each weight, before anything was computed."""

from __future__ import annotations

from functools import partial
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from tinygrad_edu.engine.value import Value
from tinygrad_edu.formulas.formula import digits, visible
from tinygrad_edu.nn.layers import MLP, Layer, Neuron
from tinygrad_edu.viz.graphs.boxes import legend_rows
from tinygrad_edu.viz.graphs.names import called
from tinygrad_edu.viz.graphs.picture import GREY, INK, Picture, Scale, escaped, styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from tinygrad_edu.nn.module import Module

    Place: TypeAlias = "tuple[float, float]"
    Line: TypeAlias = "tuple[int, int]"  # from which circle of a column to which of the next

ROOM = 16  # a larger layer is drawn with its middle left out
ENDS = 6  # of which this many neurons are shown at either end
FEW = 24  # up to so many weights are written at their lines
RADIUS = 0.42  # of a circle, and some room
LETTER = 0.08, 0.19  # the room for a letter of a number, in inches
CANDIDATES = sorted(range(25, 77, 3), key=lambda share: abs(share - 50))  # places on a line, in percent
WORDS = {"shape": "plaintext", "style": "", "fixedsize": "false"}
NUMBER = {"shape": "box", "color": "white", "fillcolor": "white", "fontsize": "9", "fixedsize": "false"}
NUMBER |= {"margin": "0.02", "height": "0.1", "width": "0.1"}


def draw_network(model: Module) -> Picture:
    """The drawing of a module that is a neuron, a layer, or layers one after the other; see ``draw``."""
    layers = layers_of(model)
    inputs = [Value(0.0, label=f"x[{i}]") for i in range(len(layers[0][1][0].w))]
    outputs = [[Value(0.0, label=neuron._name) for neuron in neurons] for _, neurons in layers]
    named = called([*inputs, *model.parameters(), *chain(*outputs)], {})  # as in the drawing of what it computes
    names = {value: visible(formula.text.rpartition(".")[2], 10) for value, formula in named.items()}  # in its column
    weights = [w for _, neurons in layers for neuron in neurons for w in neuron.w]
    few = len(weights) <= FEW
    gaps = (2.8, 1.0) if few else (2.4 if len(layers) < 5 else 1.7, 0.78)  # room for numbers, or for lines only
    columns = [Column(0, gaps, [names[x] for x in inputs], [f"inputs[{i}]" for i in range(len(inputs))])]
    for (_, neurons), results in zip(layers, outputs):
        texts = [
            f"{names.get(h, '')}\n{names.get(neuron.b, 'b')}\n{digits(neuron.b.data)}".strip()
            for h, neuron in zip(results, neurons)
        ]
        tooltips = [f"{h.label}, {neuron.b.label} = {neuron.b.data}" for h, neuron in zip(results, neurons)]
        columns.append(Column(len(columns), gaps, texts, tooltips))
    picture = Picture(engine="neato")
    picture.attr(splines="line", outputorder="edgesfirst")
    picture.attr(
        "node",
        shape="circle",
        style="filled",
        width="0.8" if few else "0.68",
        fixedsize="true",
        fontsize="9" if few else "8",
        color=INK,
    )
    picture.attr("edge", arrowhead="none")
    scale = Scale(w.data for w in weights)
    top = max(column.height for column in columns)
    titles = [["inputs"], *[[name, neurons[0].activation or "no activation"] for name, neurons in layers]]
    for column, lines in zip(columns, titles):
        column.add_to(picture, lines, top)
    for tails, heads, (_, neurons) in zip(columns, columns[1:], layers):
        shown = {(i, j): neurons[j].w[i] for j in heads.shown for i in tails.shown}
        for (i, j), w in shown.items():
            _connect(picture, tails.node(i), heads.node(j), w, scale, few)
        if few:
            _write_weights(picture, tails, heads, shown, names)
    caption = f"{type(model).__name__} with {len(model.parameters())} parameters{_caption(model)}"
    kinds = [f"{len(neurons)} in {name} ({neurons[0].activation or 'no activation'})" for name, neurons in layers]
    picture.words = f"{caption}: {len(inputs)} inputs, then neurons, {', '.join(kinds)}."
    legend = [
        styled(f"weight −{digits(scale.largest)}", size=10),
        scale.bar(scale.line, (-1, -0.6, -0.3, 0.3, 0.6, 1)),
        styled(f"+{digits(scale.largest)}", size=10),
        styled(f"in a circle: {'' if isinstance(model, Neuron) else 'the output h and '}the bias b", size=10),
    ]
    picture.attr(label=legend_rows([styled(caption, size=10)], legend), labelloc="b")
    return picture


def layers_of(model: Module) -> Sequence[tuple[str, Sequence[Neuron]]]:
    """The layers of a module from first to last, each with its name and its neurons."""
    if isinstance(model, Neuron):
        return [("neuron", [model])]
    layers = [(name or "layer", m.neurons) for name, m in model.named_modules() if isinstance(m, Layer)]
    fits = all(len(neurons) == len(after[0].w) for (_, neurons), (_, after) in pairwise(layers))
    if not layers or not fits:
        raise TypeError(
            f"draw shows networks of layers one after the other, which {type(model).__name__} is not; "
            "give it inputs and draw what it computes: draw(model(inputs))"
        )
    return layers


class Column:
    """A column of circles, all columns centred on one line.

    Attributes:
        depth: which column it is, from the left.
        apart, gap: from a column and from a circle to the next, in inches.
        labels, tooltips: the texts of each circle.
        shown: the indices of those that are drawn.
        left_out: how many are not.
        height: how many places it takes.
    """

    def __init__(self, depth: int, gaps: tuple[float, float], labels: Sequence[str], tooltips: Sequence[str]) -> None:
        self.depth, (self.apart, self.gap), self.labels, self.tooltips = depth, gaps, labels, tooltips
        self.shown, self.left_out = list(range(len(labels))), 0
        self.height = len(labels)
        if len(labels) > ROOM:
            self.left_out = len(labels) - 2 * ENDS
            del self.shown[ENDS:-ENDS]
            self.height = 2 * ENDS + 1

    def place(self, index: int) -> Place:
        """The place of a circle, in inches."""
        row = index if index < ENDS or not self.left_out else index - self.left_out + 1
        return self.apart * self.depth, self.gap * ((self.height - 1) / 2 - row)

    def node(self, index: int) -> str:
        """The name of a circle in the graph."""
        return f"n{self.depth}_{index}"

    def add_to(self, picture: Picture, titles: Sequence[str], top: int) -> None:
        """Draw the circles, and the titles above the tallest column of all, which has ``top`` places."""
        colour = "#f2f2f2" if self.depth else "white"
        for i in self.shown:
            label, tooltip = escaped(self.labels[i]), escaped(self.tooltips[i])
            picture.node(self.node(i), label, fillcolor=colour, tooltip=tooltip, pos=_pos(self.place(i)))
        if self.left_out:
            middle = _pos(self.place(ENDS - 1 + self.left_out))
            picture.node(f"{self.node(0)}_more", f"{self.left_out} more", pos=middle, **WORDS)
        lines = "<br/>".join(escaped(visible(title)) for title in titles)
        title = f'<<font point-size="11" color="{GREY}">{lines}</font>>'
        above = _pos((self.apart * self.depth, self.gap * (top - 1) / 2 + 0.76))
        picture.node(f"{self.node(0)}_title", title, pos=above, **WORDS)


def _pos(place: Place) -> str:
    return f"{place[0]:.3f},{place[1]:.3f}!"


def _connect(picture: Picture, tail: str, head: str, weight: Value, scale: Scale, few: bool) -> None:
    """A line for a weight."""
    width = float(scale.width(weight.data)) * (1 if few else 0.5)
    tooltip = escaped(f"{weight.label} = {weight.data}")
    picture.edge(tail, head, color=scale.line(weight.data), penwidth=f"{width:.2f}", tooltip=tooltip)


def _write_weights(
    picture: Picture, tails: Column, heads: Column, weights: Mapping[Line, Value], names: Mapping[Value, str]
) -> None:
    """Write each weight on its line, with its name if there is room for the names of all."""
    ends = {(i, j): (tails.place(i), heads.place(j)) for i, j in weights}
    texts = {line: f"{names.get(w, '')} {digits(w.data)}".strip() for line, w in weights.items()}
    places, free = _placed(ends, texts)
    if not free:
        texts = {line: digits(w.data) for line, w in weights.items()}
        places, _ = _placed(ends, texts)
    for i, j in texts:
        tooltip = f"{weights[i, j].label} = {weights[i, j].data}"
        node = f"{tails.node(i)}_{heads.node(j)}"
        picture.node(node, escaped(texts[i, j]), pos=_pos(places[i, j]), tooltip=escaped(tooltip), **NUMBER)


def _placed(lines: Mapping[Line, tuple[Place, Place]], texts: Mapping[Line, str]) -> tuple[dict[Line, Place], bool]:
    """A place for the text of each line, where it hides no other and as few other lines as can be; and whether none
    is hidden."""
    places = {line: _on_line(ends, 0.5) for line, ends in lines.items()}

    def hidden(place: Place, line: Line) -> int:
        circles = sum(abs(place[0] - x) < RADIUS + LETTER[0] * len(texts[line]) / 2 for x, _ in lines[line])
        others = [other for other in lines if other != line]
        return circles + sum(_overlap(place, texts[line], places[other], texts[other]) for other in others)

    def crowd(place: Place, line: Line) -> int:
        crossed = sum(_crosses(place, texts[line], ends) for other, ends in lines.items() if other != line)
        return 100 * hidden(place, line) + crossed

    for _ in range(4):  # each text in turn makes room for the others
        for line, ends in lines.items():
            places[line] = min((_on_line(ends, t / 100) for t in CANDIDATES), key=partial(crowd, line=line))
    return places, not any(hidden(place, line) for line, place in places.items())


def _on_line(ends: tuple[Place, Place], share: float) -> Place:
    (x0, y0), (x1, y1) = ends
    return x0 + share * (x1 - x0), y0 + share * (y1 - y0)


def _overlap(place: Place, text: str, other: Place, other_text: str) -> bool:
    width = LETTER[0] * (1 + (len(text) + len(other_text)) / 2)  # and one to keep them apart
    return abs(place[0] - other[0]) < width and abs(place[1] - other[1]) < LETTER[1]


def _crosses(place: Place, text: str, ends: tuple[Place, Place]) -> bool:
    """Whether a line runs behind a text."""
    (x0, y0), (x1, y1) = ends
    half = LETTER[0] * len(text) / 2
    left, right = (y0 + (x - x0) / (x1 - x0) * (y1 - y0) for x in (place[0] - half, place[0] + half))
    low, high = place[1] - LETTER[1] / 2, place[1] + LETTER[1] / 2
    return min(left, right) < high and max(left, right) > low


def _caption(model: Module) -> str:
    """A remark on a class of one's own, of which only the layers can be seen."""
    if isinstance(model, (MLP, Layer, Neuron)):
        return ""
    inside = {id(p) for _, layer in model.named_modules() if isinstance(layer, Layer) for p in layer.parameters()}
    others = [visible(name, 20) for name, parameter in model.named_parameters() if id(parameter) not in inside]
    caption = ", layers in the order in which they were assigned"
    if others:
        caption += f"; not drawn: {', '.join(others[:4])}"
    return f"{caption} …" if len(others) > 4 else caption
