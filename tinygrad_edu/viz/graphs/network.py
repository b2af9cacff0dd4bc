"""Drawings of networks: a circle for each neuron, a line for each weight, before anything was computed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tinygrad_edu.formulas.formula import digits, visible
from tinygrad_edu.nn.layers import MLP, Layer, Neuron
from tinygrad_edu.viz.graphs.boxes import legend_rows
from tinygrad_edu.viz.graphs.picture import GREY, INK, Picture, Scale, escaped, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.nn.module import Module

ROOM = 16  # a larger layer is drawn with its middle left out
ENDS = 6  # of which this many neurons are shown at either end
FEW = 24  # up to so many weights are written at their lines
WORDS = {"shape": "plaintext", "style": "", "fixedsize": "false"}
NUMBER = {"shape": "box", "color": "white", "fillcolor": "white", "fontsize": "9", "fixedsize": "false"}
NUMBER |= {"margin": "0.02", "height": "0.1", "width": "0.1"}


def draw_network(model: Module) -> Picture:
    """The drawing of a module that is a neuron, a layer, or layers one after the other; see ``draw``."""
    layers = _layers(model)
    weights = [w.data for _, neurons in layers for neuron in neurons for w in neuron.w]
    few = len(weights) <= FEW
    gap = 1.0 if few else 0.72
    columns = [Column(0, gap, [f"x[{i}]" for i in range(len(layers[0][1][0].w))])]
    for _, neurons in layers:
        columns.append(Column(len(columns), gap, [f"b\n{digits(neuron.b.data)}" for neuron in neurons]))
    picture = Picture(engine="neato")
    picture.attr(splines="line", outputorder="edgesfirst")
    picture.attr("node", shape="circle", style="filled", width="0.62", fixedsize="true", fontsize="9", color=INK)
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


def _layers(model: Module) -> Sequence[tuple[str, Sequence[Neuron]]]:
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
        gap: from a circle to the next, in inches.
        labels: the text of each circle.
        shown: the indices of those that are drawn.
        left_out: how many are not.
        height: how many places it takes.
    """

    def __init__(self, depth: int, gap: float, labels: Sequence[str]) -> None:
        self.depth, self.gap, self.labels = depth, gap, labels
        self.shown, self.left_out = list(range(len(labels))), 0
        self.height = len(labels)
        if len(labels) > ROOM:
            self.left_out = len(labels) - 2 * ENDS
            del self.shown[ENDS:-ENDS]
            self.height = 2 * ENDS + 1

    def place(self, index: int) -> tuple[float, float]:
        """The place of a circle, in inches."""
        row = index if index < ENDS or not self.left_out else index - self.left_out + 1
        return 2.4 * self.depth, self.gap * ((self.height - 1) / 2 - row)

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
        above = _pos((2.4 * self.depth, self.gap * (top - 1) / 2 + 0.76))
        picture.node(f"{self.node(0)}_title", title, pos=above, **WORDS)


def _pos(place: tuple[float, float]) -> str:
    return f"{place[0]:.3f},{place[1]:.3f}!"


def _connect(
    picture: Picture, tail: tuple[Column, int], head: tuple[Column, int], weight: float, scale: Scale, few: bool
) -> None:
    """A line for a weight; of a few, with its number on it, nearer to the one end or the other to keep them apart."""
    (tails, i), (heads, j) = tail, head
    ends = tails.node(i), heads.node(j)
    width = float(scale.width(weight)) * (1 if few else 0.5)
    picture.edge(*ends, color=scale.line(weight), penwidth=f"{width:.2f}", tooltip=f"w[{i}] = {weight}")
    if few:
        (x0, y0), (x1, y1) = tails.place(i), heads.place(j)
        t = 0.3 + 0.4 * (i + 0.5) / tails.height
        picture.node("_".join(ends), digits(weight), pos=_pos((x0 + t * (x1 - x0), y0 + t * (y1 - y0))), **NUMBER)


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
