"""Explanations of large computations: what each neuron or layer received, gave and sends back."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tinygrad_edu.engine.backward import local_derivatives, sweep
from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import Formula, name, numbered, numeral, row, separated, spread, visible, words
from tinygrad_edu.formulas.tables import Report, Table
from tinygrad_edu.nn.module import Parameter
from tinygrad_edu.viz.graphs.folding import fold
from tinygrad_edu.viz.graphs.groups import role, symbol
from tinygrad_edu.viz.graphs.leftovers import Leftovers
from tinygrad_edu.viz.graphs.names import called, names_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.formulas.tables import Cell
    from tinygrad_edu.nn.files import Path
    from tinygrad_edu.viz.graphs.folding import Box
    from tinygrad_edu.viz.page.live import LivePage

MANY = 8  # more parameters than this are told as a range
MOST = 500  # boxes
COLON = Formula(": ", r"\colon ", ("mo", ":"))


class FoldedExplanation(Report):
    """A computation and its backward pass, neuron by neuron or layer by layer; see ``explain``.

    Attributes:
        root: the Value that is explained.
        order: all that it was computed from, operands before results, and itself.
        symbols: what those Values are called that have a name; ``variables``, the names of variables among them.
        box_of: the box of each Value but constants.
        sources: of each box those that it received something from.
        outputs: of each box the Values that are used outside of it.
        titles: the name of each box.
        gradients: the derivative of the last Value with respect to each.
        failure: why there are none, where a derivative is infinite or undefined; otherwise "".
    """

    def __init__(self, order: Sequence[Value], level: str, variables: Mapping[Value, str]) -> None:
        self.root, self.order, self.variables = order[-1], order, variables
        self.symbols = called(order, variables)
        self.box_of = fold(order, level, self.symbols)
        boxes = list(dict.fromkeys(self.box_of.values()))
        if len(boxes) > MOST:
            raise ValueError(f"that makes {len(boxes)} boxes, too many to explain one by one")
        self.sources: dict[Box, dict[Box, None]] = {box: {} for box in boxes}
        self.outputs: dict[Box, dict[Value, None]] = {box: {} for box in boxes}
        for node in order:
            for parent in node.parents:
                if parent in self.box_of and self.box_of[parent] is not self.box_of[node]:
                    self.sources[self.box_of[node]][self.box_of[parent]] = None
                    self.outputs[self.box_of[parent]][parent] = None
        self.outputs[self.box_of[order[-1]]][order[-1]] = None
        self.titles = self._title_of_each(boxes)
        self.gradients = {**dict.fromkeys(order, 0.0), order[-1]: 1.0}
        self.failure = ""
        tables = [self._forward(boxes)]
        try:
            sweep(order, self.gradients)
            remark = Leftovers(order).hint(self.titles[boxes[-1]].text)
            tables.append(self._backward(boxes[::-1], [remark] if remark else []))
        except (ArithmeticError, ValueError) as error:
            self.failure = f"{visible(str(error), 300)}: there are no derivatives"
            tables[0].remark = [self.failure]
        super().__init__(tables)

    @cached_property
    def names(self) -> dict[Value, Formula]:
        """The formula by which each Value is called."""
        return names_of(self.order, self.variables)

    def to_html(self, path: Path) -> None:
        """Write a page that shows the boxes, each of which can be opened, and on which every number can be changed: for
        any browser, one file that needs no network.

        Raises:
            OSError: if the file cannot be written; whatever was there stays.
            RuntimeError: if there is no Graphviz to lay the graph out; it says what to install.
            ValueError: for a computation of more than 2,000 Values, which the page would take too long to show.
        """
        from tinygrad_edu.nn.files import write_whole
        from tinygrad_edu.viz.page.levels import page_of_levels

        write_whole(path, page_of_levels(self))

    def live(self) -> LivePage:
        """Show the page in a notebook: ``explain(loss, level="neuron").live()`` at the end of a cell.

        Raises:
            RuntimeError, ValueError: as ``to_html`` does.
        """
        from tinygrad_edu.viz.page.levels import overview, page_of_levels
        from tinygrad_edu.viz.page.live import LivePage

        return LivePage(self.names[self.root].text, page_of_levels(self), overview(self))

    def _title_of_each(self, boxes: Sequence[Box]) -> dict[Box, Formula]:
        """The name of each box, no two alike: what its outputs are called if it is one thing, otherwise its title."""
        titles: dict[Box, Formula] = {}
        seen: dict[str, int] = {}
        for box in boxes:
            symbols = {self.symbols[v].text: self.symbols[v] for v in self.outputs[box] if v in self.symbols}
            if len(symbols) == 1 and (box.path or box.kind or len(self.outputs[box]) == 1):
                (title,) = symbols.values()
            elif box.path:
                title = name(box.path)
            else:
                text = box.title or "unnamed"
                title = Formula(text, words(text), ("mtext", text))
            seen[title.latex] = seen.get(title.latex, 0) + 1
            titles[box] = title if seen[title.latex] == 1 else numbered(title, seen[title.latex])
        return titles

    def _forward(self, boxes: Sequence[Box]) -> Table:
        rows: list[list[Cell]] = []
        for box in boxes:
            operations = ", ".join(dict.fromkeys(symbol(node.op) for node in box.members if node.op))
            received = _listed([self.titles[source] for source in self.sources[box]])
            gave = spread([node.data for node in self.outputs[box]])
            count = str(len(self.outputs[box]))
            rows.append([self.titles[box], operations or role(box.members[0]), received, count, gave])
        return Table(["Forward: each box from those before it"], ["box", "by", "received", "values", "gave"], rows)

    def _backward(self, boxes: Sequence[Box], remark: Sequence[Cell]) -> Table:
        rows: list[list[Cell]] = []
        for box in boxes:
            if box.path or not box.kind:
                arrived = spread([self.gradients[node] for node in self.outputs[box]])
                sent = [separated("→", [spread(flows), self.titles[to]]) for to, flows in self.sent(box).items()]
                rows.append([self.titles[box], arrived, _listed(sent), self._learned(box)])
            else:  # a leaf, at which all gradients end
                rows.append([self.titles[box], spread([self.gradients[node] for node in box.members]), "", ""])
        header = ["box", "grad that arrived", "sends back", "grads of its parameters"]
        return Table(["Backward: what each box sends back adds up where it arrives"], header, rows, remark)

    def sent(self, box: Box) -> dict[Box, list[float]]:
        """What goes from a box to each box before it: the contribution to the derivative by each Value there."""
        sent: dict[Value, float] = {}
        for node in box.members:
            upstream = self.gradients[node]
            for parent, local in zip(node.parents, local_derivatives(node) if upstream else [0.0] * len(node.parents)):
                if parent in self.box_of and self.box_of[parent] is not box and not isinstance(parent, Constant):
                    sent[parent] = sent.get(parent, 0.0) + (upstream and local and upstream * local)
        by_box: dict[Box, list[float]] = {}
        for parent, amount in sent.items():
            by_box.setdefault(self.box_of[parent], []).append(amount)
        return by_box

    def _learned(self, box: Box) -> Cell:
        parameters = [node for node in box.members if isinstance(node, Parameter)]
        if len(parameters) > MANY:
            grads = spread([self.gradients[parameter] for parameter in parameters])
            return f"{len(parameters)} parameters: {grads}"
        named = [(self.symbols[p], numeral(self.gradients[p])) for p in parameters if p in self.symbols]
        return _listed([row(name, COLON, grad) for name, grad in named])


def _listed(formulas: Sequence[Formula]) -> Cell:
    return separated(",", formulas) if formulas else ""
