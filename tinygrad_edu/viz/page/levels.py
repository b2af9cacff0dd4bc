"""The levels of a page on a large computation: an overview of boxes, neurons or layers, and the inside of each.

The inside shows one example: where a box computed the same for many, the page lets choose.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import digits, spread, visible
from tinygrad_edu.viz.graphs.groups import role, symbol
from tinygrad_edu.viz.graphs.layout import line_style
from tinygrad_edu.viz.graphs.picture import Scale
from tinygrad_edu.viz.page.computation import ComputationData, compact
from tinygrad_edu.viz.page.page import page_file
from tinygrad_edu.viz.page.svg import Arrow, drawing
from tinygrad_edu.viz.page.svg import Box as Drawn

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence
    from typing import Any

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.viz.explaining.folded import FoldedExplanation
    from tinygrad_edu.viz.graphs.folding import Box

MOST = 2000  # Values on a page
MANY = 60  # more arrows than this are straight


def page_of_levels(folded: FoldedExplanation) -> str:
    """The text of the HTML file.

    Raises:
        ValueError: if there are too many Values.
    """
    if len(folded.order) > MOST:
        raise ValueError(f"{len(folded.order)} values are too many for a page, which takes up to {MOST}")
    insides, computation = Insides(folded), ComputationData(folded)
    computation.content["boxes"] = insides.boxes
    drawings = "".join(f'<template id="inside{i}">{svg}</template>' for i, svg in enumerate(insides.drawings))
    return page_file(computation, folded.names[folded.root], overview(folded), drawings)


def overview(folded: FoldedExplanation) -> str:
    """The drawing of all boxes, as an SVG element."""
    scale = Scale(folded.gradients.values())
    boxes = {box: _box(folded, box, i, scale) for i, box in enumerate(folded.outputs)}
    arrows = []
    for box, head in boxes.items():
        sent = {} if folded.failure else folded.sent(box)
        for index, source in enumerate(folded.sources[box]):
            amount = max(sent[source], key=abs) if source in sent else None
            arrows.append(Arrow(boxes[source], head, index, local=None, amount=amount))
    caption = f"Graph of the computation of {folded.names[folded.root]}, box by box"
    style = {"ranksep": "1.2", "splines": "line"} if len(arrows) > MANY else {"ranksep": "0.6"}
    return drawing([*boxes.values()], arrows, caption, style | {"ordering": "out"})


def _box(folded: FoldedExplanation, box: Box, number: int, scale: Scale) -> Drawn:
    outputs, operations = folded.outputs[box], _operations(box)
    grads = [folded.gradients[node] for node in outputs]
    texts = folded.titles[box].text, spread([node.data for node in outputs]).text, spread(grads).text
    many = f"{len(outputs)} × {operations}" if operations else f"{len(outputs)} values"
    remark = many if len(outputs) > 1 else operations
    kind = "computed" if operations else role(box.members[0])
    return Drawn(number, kind, texts, scale(max(grads, key=abs)), remark=remark)


def _operations(box: Box) -> str:
    return ", ".join(dict.fromkeys(symbol(node.op) for node in box.members if node.op))


class Example(NamedTuple):
    """What happens in a box for one example.

    Attributes:
        received: the Values that come from elsewhere, and constants.
        own: the parameters and the Values that are computed from them, operands before results.
        results: those of its outputs that are among them.
    """

    received: Sequence[Value]
    own: Sequence[Value]
    results: Sequence[Value]


def examples(folded: FoldedExplanation, box: Box) -> list[Example]:
    """The examples that went through a box: the outputs of one name belong to one each.

    >>> from tinygrad_edu import Value, explain, nn
    >>> model = nn.MLP(1, [1], seed=0)
    >>> folded = explain(model([2.0]) + model([3.0]), level="neuron")
    >>> [[len(example.own) for example in examples(folded, box)] for box in folded.outputs if box.path]
    [[3, 3]]
    """
    rounds: list[list[Value]] = []
    count: Counter[str] = Counter()
    for node in folded.outputs[box]:
        name = str(folded.symbols.get(node, ""))
        if count[name] == len(rounds):
            rounds.append([])
        rounds[count[name]].append(node)
        count[name] += 1
    return [_example(folded, box, results) for results in rounds]


def _example(folded: FoldedExplanation, box: Box, results: Sequence[Value]) -> Example:
    elsewhere = folded.outputs[box].keys() - results
    received: dict[Value, None] = {}
    own: dict[Value, None] = {}
    stack = [(node, False) for node in reversed(results)]
    while stack:  # the order is that of the operations, so that it is the same for all examples
        node, done = stack.pop()
        if done:
            own[node] = None
        elif folded.box_of.get(node) is not box or node in elsewhere:
            received[node] = None
        elif node not in own:
            stack += [(node, True), *((parent, False) for parent in reversed(node.parents))]
    return Example([*received], [*own], results)


class Insides:
    """What is in the boxes.

    Attributes:
        drawings: of examples; those that differ in names and numbers only have the same.
        boxes: the boxes for the page's script, with the numbers of their Values.
    """

    def __init__(self, folded: FoldedExplanation) -> None:
        self.folded = folded
        self.drawings: list[str] = []
        self._drawn: dict[Hashable, int] = {}
        self._number = {node: i for i, node in enumerate(folded.order)}
        self._numbered = {box: i for i, box in enumerate(folded.outputs)}
        self.boxes = [self._in_json(box) for box in folded.outputs]

    def _in_json(self, box: Box) -> dict[str, Any]:
        folded, title, operations = self.folded, self.folded.titles[box], _operations(box)
        written: dict[str, Any] = {
            "name": [title.text, compact(title.mathml)],
            "path": visible(box.path, 200),
            "by": operations or role(box.members[0]),
            "members": self._numbers(box.members),
            "outputs": self._numbers(folded.outputs[box]),
            "sources": [self._numbered[source] for source in folded.sources[box]],
        }
        if operations:
            written["examples"] = [self._example_in_json(example) for example in examples(folded, box)]
        return written

    def _numbers(self, nodes: Iterable[Value]) -> list[int]:
        return [self._number[node] for node in nodes]

    def _example_in_json(self, example: Example) -> dict[str, Any]:
        written = {name: self._numbers(nodes) for name, nodes in example._asdict().items()}
        return written | {"drawing": self._inside(example)}

    def _inside(self, example: Example) -> int:
        """The number of the drawing of an example."""
        shown = [*example.received, *example.own]
        parents = dict.fromkeys(example.received, ()) | {node: node.parents for node in example.own}
        boxes = {node: self._box_inside(node, i, bool(parents[node])) for i, node in enumerate(shown)}
        arrows = [
            Arrow(boxes[parent], boxes[node], index, isinstance(parent, Constant))
            for node in example.own
            for index, parent in enumerate(node.parents)
        ]
        looks = [(drawn.kind, drawn.symbol, drawn.width) for drawn in boxes.values()]
        key = (*looks, *[(arrow.tail.number, arrow.head.number) for arrow in arrows])
        if key not in self._drawn:
            self._drawn[key] = len(self.drawings)
            self.drawings.append(drawing([*boxes.values()], arrows, "Inside of a box", line_style(parents)))
        return self._drawn[key]

    def _box_inside(self, node: Value, number: int, computed: bool) -> Drawn:
        """The box of a Value, which the script fills in."""
        texts = self.folded.names[node].text, digits(node.data) if isinstance(node, Constant) else "", ""
        kind = role(node) or ("computed" if computed else "input")
        return Drawn(number, kind, texts, 0.0, symbol(node.op) if node.op and computed else "")
