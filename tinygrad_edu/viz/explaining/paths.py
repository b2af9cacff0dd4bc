"""One gradient as the sum over all paths, along each the product of the local derivatives: the chain rule, unrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.calculus.linearization import gradients
from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import Formula, equation, joined, numeral, ratio, separated
from tinygrad_edu.formulas.tables import Report, Table
from tinygrad_edu.viz.graphs.expression import names, operand_names
from tinygrad_edu.viz.graphs.walks import bounded_order, count_paths, largest_paths, local_derivatives, outdated

if TYPE_CHECKING:
    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.formulas.tables import Cell
    from tinygrad_edu.viz.graphs.walks import Path as Way

MAX_NODES = 500
MAX_PATHS = 20


def order_to_explain(root: Value) -> list[Value]:
    """The topological order of a graph that can be explained; see ``explain`` for what raises a ValueError."""
    order = bounded_order(root, MAX_NODES, "explain")
    if isinstance(root, Constant):
        kind = (
            "a derivative that is the same everywhere" if type(root) is not Constant else "a plain number of a formula"
        )
        raise ValueError(f"{root.data} is {kind}: there is nothing to explain")
    changed = outdated(order)
    if changed is not None:
        raise ValueError(
            f"{names(order)[changed]} = {changed.data} was computed before what it was made from got other numbers; "
            "compute it again to explain it"
        )
    return order


class PathExplanation(Report):
    """One gradient as a sum over paths; see ``explain``.

    Attributes:
        count: how many paths there are.
        paths: those shown, each with the product of its local derivatives.
        total: the sum over all of them, the derivative.
    """

    def __init__(self, root: Value, wrt: Value) -> None:
        order = order_to_explain(root)
        formulas = names(order)
        if wrt not in formulas:
            raise ValueError(f"{wrt!r} is not among the values that {formulas[root]} was computed from")
        self.count = count_paths(root, wrt)
        self.paths = largest_paths(root, wrt, MAX_PATHS)
        self.total = gradients(root, wrt)
        rows: list[list[Cell]] = [
            [str(i), _route(path, root, formulas), *_product(path)] for i, path in enumerate(self.paths, 1)
        ]
        name = ratio("∂", formulas[root], formulas[wrt])
        plural = f"{self.count:,} paths" if self.count != 1 else "one path"
        title: list[Cell] = [name, f": {plural} from ", formulas[root], " to ", formulas[wrt]]
        super().__init__([Table(title, ["path", "through", "local derivatives", "product"], rows, self._sum(name))])

    def _sum(self, name: Formula) -> list[Cell]:
        products = [path.product for path in self.paths]
        if self.count > len(products):
            most = f"These are the {len(products)} paths with the largest products, which add up to "
            return [
                most,
                numeral(sum(products)),
                f"; all {self.count:,} add up to ",
                equation(name, numeral(self.total)),
            ]
        if len(products) == 1:
            return [equation(name, numeral(self.total))]
        return [equation(name, joined(products, "+"), numeral(self.total))]


def _route(path: Way, root: Value, formulas: dict[Value, Formula]) -> Formula:
    """The names along a path; where an operation has the next Value more than once, also which use it is."""
    stations = [formulas[root], *[operand_names(node, formulas)[index] for node, index in path.edges]]
    return separated("→", stations)


def _product(path: Way) -> list[Formula]:
    return [joined([local_derivatives(node)[index] for node, index in path.edges]), numeral(path.product)]
