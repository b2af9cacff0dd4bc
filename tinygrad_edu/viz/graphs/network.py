"""Drawings of networks: a circle for each neuron, a line for each weight, before anything was computed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tinygrad_edu.formulas.formula import digits, visible
from tinygrad_edu.nn.layers import MLP, Layer, Neuron
from tinygrad_edu.viz.graphs.boxes import legend_row
from tinygrad_edu.viz.graphs.picture import GREY, INK, Picture, Scale, escaped, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.nn.module import Module

ROOM = 16  # a larger layer is drawn with its middle left out
ENDS = 6  # of which this many neurons are shown at either end
FEW = 24  # up to so many weights are written at their lines


def draw_network(model: Module) -> Picture:
    """The drawing of a module that is a neuron, a layer, or layers one after the other; see ``draw``."""
    layers = _layers(model)
    inputs = [f"x[{i}]" for i in range(len(layers[0][1][0].w))]
    columns = [Column(0, ["inputs"], inputs)]
    for name, neurons in layers:
        titles = [name, neurons[0].activation or "no activation"]
        columns.append(Column(len(columns), titles, [f"b\n{digits(neuron.b.data)}" for neuron in neurons]))
    picture = Picture(engine="neato")
    picture.attr(splines="line", outputorder="edgesfirst")
    picture.attr("node", shape="circle", style="filled", width="0.62", fixedsize="true", fontsize="9", color=INK)
    picture.attr("edge", arrowhead="none")
    weights = [w.data for _, neurons in layers for neuron in neurons for w in neuron.w]
    scale = Scale(weights)
    top = max(column.height for column in columns)
    for column in columns:
        column.gap = 1.0 if len(weights) <= FEW else Column.gap
        column.add_to(picture, top)
    for tails, heads, (_, neurons) in zip(columns, columns[1:], layers):
        for head in heads.shown:
            for tail in tails.shown:
                _connect(picture, (tails, tail), (heads, head), neurons[head].w[tail].data, scale, len(weights) <= FEW)
    picture.attr(label=_legend(model, scale), labelloc="b")
    return picture


def _layers(model: Module) -> list[tuple[str, Sequence[Neuron]]]:
    """The layers of a module from first to last, each with its name and its neurons."""
    if isinstance(model, Neuron):
        return [("neuron", [model])]
    layers: list[tuple[str, Sequence[Neuron]]] = [
        (name or "layer", m.neurons) for name, m in model.named_modules() if isinstance(m, Layer)
    ]
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
        titles: the lines of text above it.
        labels: the text of each circle.
        shown: the indices of those that are drawn.
        height: how many places it takes.
    """

    gap = 0.72  # from a circle to the next, in inches

    def __init__(self, depth: int, titles: Sequence[str], labels: Sequence[str]) -> None:
        self.depth, self.titles, self.labels = depth, titles, labels
        self.left_out = len(labels) - 2 * ENDS if len(labels) > ROOM else 0
        count = len(labels)
        self.shown = [i for i in range(count) if not self.left_out or i < ENDS or i >= count - ENDS]
        self.height = len(self.shown) + bool(self.left_out)

    def place(self, index: int) -> tuple[float, float]:
        """Where a circle is, in inches."""
        row = index if index < ENDS or not self.left_out else index - self.left_out + 1
        return 2.4 * self.depth, self.gap * ((self.height - 1) / 2 - row)

    def add_to(self, picture: Picture, top: int) -> None:
        """Draw the circles, and the titles above the tallest column of all, which has ``top`` places."""
        words = {"shape": "plaintext", "style": "", "fixedsize": "false"}
        colour = "#f2f2f2" if self.depth else "white"
        for i in self.shown:
            picture.node(self.node(i), self.labels[i], fillcolor=colour, tooltip=self.labels[i], pos=_at(self.place(i)))
        if self.left_out:
            picture.node(
                f"{self.node(0)}_more", f"{self.left_out} more", pos=_at(self.place(ENDS - 1 + self.left_out)), **words
            )
        lines = "<br/>".join(escaped(visible(title)) for title in self.titles)
        title = f'<font point-size="11" color="{GREY}">{lines}</font>'
        picture.node(
            f"{self.node(0)}_title", f"<{title}>", pos=_at((2.4 * self.depth, self.gap * (top - 1) / 2 + 0.76)), **words
        )

    def node(self, index: int) -> str:
        """The name of a circle in the graph."""
        return f"n{self.depth}_{index}"


def _at(place: tuple[float, float]) -> str:
    return f"{place[0]:.3f},{place[1]:.3f}!"


def _connect(
    picture: Picture, tail: tuple[Column, int], head: tuple[Column, int], weight: float, scale: Scale, few: bool
) -> None:
    """A line for a weight; of a few, with its number on it, nearer to the one end or the other to keep them apart."""
    names = tail[0].node(tail[1]), head[0].node(head[1])
    width = float(scale.width(weight)) * (1 if few else 0.5)
    picture.edge(*names, color=scale.line(weight), penwidth=f"{width:.2f}", tooltip=f"w[{tail[1]}] = {weight}")
    if few:
        (x0, y0), (x1, y1) = tail[0].place(tail[1]), head[0].place(head[1])
        t = 0.3 + 0.4 * (tail[1] + 0.5) / tail[0].height
        place = _at((x0 + t * (x1 - x0), y0 + t * (y1 - y0)))
        look = {
            "shape": "box",
            "color": "white",
            "fillcolor": "white",
            "fontsize": "9",
            "margin": "0.02",
            "height": "0.1",
        }
        picture.node("_".join(names), digits(weight), pos=place, width="0.1", fixedsize="false", **look)


def _caption(model: Module) -> str:
    """For a class of one's own, of which only the layers can be seen, what the picture does not know."""
    if isinstance(model, (MLP, Layer, Neuron)):
        return ""
    inside = {id(p) for _, layer in model.named_modules() if isinstance(layer, Layer) for p in layer.parameters()}
    others = [visible(name, 20) for name, parameter in model.named_parameters() if id(parameter) not in inside]
    missing = f"; not drawn: {', '.join(others[:4])}{' …' * (len(others) > 4)}" if others else ""
    return f", layers in the order in which they were assigned{missing}"


def _legend(model: Module, scale: Scale) -> str:
    count = len(model.parameters())
    cells = [
        styled(text, size=10)
        for text in (
            f"{type(model).__name__} with {count} parameters{_caption(model)}",
            f"weight −{digits(scale.largest)}",
            f"+{digits(scale.largest)}",
            "b: bias",
        )
    ]
    cells.insert(2, scale.bar(scale.line, (-1, -0.6, -0.3, 0.3, 0.6, 1)))
    return legend_row(cells)
