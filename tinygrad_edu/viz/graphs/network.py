"""Drawings of networks: a circle for each neuron, a line for each weight, before anything was computed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tinygrad_edu.formulas.formula import digits, visible
from tinygrad_edu.nn.layers import MLP, Layer, Neuron
from tinygrad_edu.viz.graphs.boxes import legend_rows
from tinygrad_edu.viz.graphs.picture import GREY, INK, Picture, Scale, escaped, styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from tinygrad_edu.nn.module import Module

    Place: TypeAlias = "tuple[float, float]"

ROOM = 16  # a larger layer is drawn with its middle left out
ENDS = 6  # of which this many neurons are shown at either end
FEW = 24  # up to so many weights are written at their lines
LETTER = 0.085, 0.19  # the room for a letter of a number, in inches
CANDIDATES = sorted(range(25, 77, 3), key=lambda share: abs(share - 50))  # places on a line, in percent
WORDS = {"shape": "plaintext", "style": "", "fixedsize": "false"}
NUMBER = {"shape": "box", "color": "white", "fillcolor": "white", "fontsize": "9", "fixedsize": "false"}
NUMBER |= {"margin": "0.02", "height": "0.1", "width": "0.1"}


def draw_network(model: Module) -> Picture:
    """The drawing of a module that is a neuron, a layer, or layers one after the other; see ``draw``."""
    layers = layers_of(model)
    weights = [w.data for _, neurons in layers for neuron in neurons for w in neuron.w]
    few = len(weights) <= FEW
    gaps = (2.6, 1.0) if few else (2.4 if len(layers) < 5 else 1.7, 0.72)  # room for numbers, or for lines only
    columns = [Column(0, gaps, [f"x[{i}]" for i in range(len(layers[0][1][0].w))])]
    for _, neurons in layers:
        columns.append(Column(len(columns), gaps, [f"b\n{digits(neuron.b.data)}" for neuron in neurons]))
    picture = Picture(engine="neato")
    picture.attr(splines="line", outputorder="edgesfirst")
    picture.attr(
        "node",
        shape="circle",
        style="filled",
        width="0.72" if few else "0.62",
        fixedsize="true",
        fontsize="9",
        color=INK,
    )
    picture.attr("edge", arrowhead="none")
    scale = Scale(weights)
    top = max(column.height for column in columns)
    titles = [["inputs"], *[[name, neurons[0].activation or "no activation"] for name, neurons in layers]]
    for column, lines in zip(columns, titles):
        column.add_to(picture, lines, top)
    for tails, heads, (_, neurons) in zip(columns, columns[1:], layers):
        for j in heads.shown:
            for i in tails.shown:
                _connect(picture, (tails, i), (heads, j), neurons[j].w[i].data, scale, few)
        if few:
            texts = {(i, j): digits(neurons[j].w[i].data) for i in tails.shown for j in heads.shown}
            _write_weights(picture, tails, heads, texts)
    caption = f"{type(model).__name__} with {len(model.parameters())} parameters{_caption(model)}"
    kinds = [f"{len(neurons)} in {name} ({neurons[0].activation or 'no activation'})" for name, neurons in layers]
    picture.words = f"{caption}: {len(columns[0].labels)} inputs, then neurons, {', '.join(kinds)}."
    legend = [
        styled(f"weight −{digits(scale.largest)}", size=10),
        scale.bar(scale.line, (-1, -0.6, -0.3, 0.3, 0.6, 1)),
        styled(f"+{digits(scale.largest)}", size=10),
        styled("b: bias", size=10),
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
        labels: the text of each circle.
        shown: the indices of those that are drawn.
        left_out: how many are not.
        height: how many places it takes.
    """

    def __init__(self, depth: int, gaps: tuple[float, float], labels: Sequence[str]) -> None:
        self.depth, (self.apart, self.gap), self.labels = depth, gaps, labels
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
            label = self.labels[i]
            picture.node(self.node(i), label, fillcolor=colour, tooltip=label, pos=_pos(self.place(i)))
        if self.left_out:
            middle = _pos(self.place(ENDS - 1 + self.left_out))
            picture.node(f"{self.node(0)}_more", f"{self.left_out} more", pos=middle, **WORDS)
        lines = "<br/>".join(escaped(visible(title)) for title in titles)
        title = f'<<font point-size="11" color="{GREY}">{lines}</font>>'
        above = _pos((self.apart * self.depth, self.gap * (top - 1) / 2 + 0.76))
        picture.node(f"{self.node(0)}_title", title, pos=above, **WORDS)


def _pos(place: Place) -> str:
    return f"{place[0]:.3f},{place[1]:.3f}!"


def _connect(
    picture: Picture, tail: tuple[Column, int], head: tuple[Column, int], weight: float, scale: Scale, few: bool
) -> None:
    """A line for a weight."""
    (tails, i), (heads, j) = tail, head
    width = float(scale.width(weight)) * (1 if few else 0.5)
    look = {"color": scale.line(weight), "penwidth": f"{width:.2f}", "tooltip": f"w[{i}] = {weight}"}
    picture.edge(tails.node(i), heads.node(j), **look)


def _write_weights(picture: Picture, tails: Column, heads: Column, weights: Mapping[tuple[int, int], str]) -> None:
    """Write each number on its line, where it hides no other number and as few other lines as can be."""
    lines = {(i, j): (tails.place(i), heads.place(j)) for i, j in weights}
    places = {line: _on_line(ends, 0.5) for line, ends in lines.items()}
    for _ in range(4):  # each number in turn makes room for the others
        for line, text in weights.items():

            def crowd(place: Place, line: tuple[int, int] = line, text: str = text) -> float:
                numbers = [(places[other], weights[other]) for other in lines if other != line]
                hidden = sum(_overlap(place, text, *number) for number in numbers)
                crossed = sum(_crosses(place, text, ends) for other, ends in lines.items() if other != line)
                return 100 * hidden + crossed

            places[line] = min((_on_line(lines[line], t / 100) for t in CANDIDATES), key=crowd)
    for (i, j), text in weights.items():
        picture.node(f"{tails.node(i)}_{heads.node(j)}", text, pos=_pos(places[i, j]), **NUMBER)


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
