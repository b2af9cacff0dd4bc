"""The levels of a page on a large computation: an overview of boxes, which are neurons or layers, and the inside of each.

The inside shows one example: where a box computed the same for many, the Values of the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import visible
from tinygrad_edu.viz.graphs.groups import role, symbol
from tinygrad_edu.viz.page.computation import compact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.viz.explaining.folded import FoldedExplanation
    from tinygrad_edu.viz.graphs.folding import Box


class Inside(NamedTuple):
    """What is shown of the inside of a box.

    Attributes:
        shown: the Values, operands before results, beginning with those that the box received.
        results: those of its outputs that are among them.
    """

    shown: Sequence[Value]
    results: Sequence[Value]


def inside(folded: FoldedExplanation, box: Box) -> Inside:
    """The operations in a box that lead to its outputs, of several of one name to the first, and what they received.

    >>> from tinygrad_edu import Value, explain, nn
    >>> neuron = nn.Neuron(1, "tanh", seed=0)
    >>> folded = explain(neuron([2.0]) + neuron([3.0]), level="neuron")
    >>> [len(inside(folded, box).shown) for box in folded.outputs if box.path]
    [5]
    """
    first: dict[str, Value] = {}
    for node in folded.outputs[box]:
        name = folded.symbols.get(node)
        first.setdefault(name.text if name else "", node)
    seen, stack = set(first.values()), [*first.values()]
    while stack:
        node = stack.pop()
        if folded.box_of.get(node) is box:
            stack += set(node.parents) - seen
            seen.update(node.parents)
    return Inside([node for node in folded.order if node in seen], [*first.values()])


def boxes_in_json(folded: FoldedExplanation) -> list[dict[str, Any]]:
    """The boxes for the page's script: with the numbers of their Values, and of the boxes that they received from."""
    number = {node: i for i, node in enumerate(folded.order)}
    numbered = {box: i for i, box in enumerate(folded.outputs)}

    def in_json(box: Box) -> dict[str, Any]:
        title = folded.titles[box]
        operations = dict.fromkeys(symbol(node.op) for node in box.members if node.op)
        written = {
            "name": [title.text, compact(title.mathml)],
            "path": visible(box.path, 200),
            "by": ", ".join(operations) or role(box.members[0]),
            "members": [number[node] for node in box.members],
            "outputs": [number[node] for node in folded.outputs[box]],
            "sources": [numbered[source] for source in folded.sources[box]],
        }
        if operations:
            shown, results = inside(folded, box)
            written |= {"inside": [number[node] for node in shown], "results": [number[node] for node in results]}
        return written

    return [in_json(box) for box in folded.outputs]
