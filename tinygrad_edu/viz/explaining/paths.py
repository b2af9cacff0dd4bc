"""One gradient as the sum over all paths, along each the product of the local derivatives: the chain rule, unrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.calculus.linearization import gradients
from tinygrad_edu.engine.backward import local_derivatives, topological_order
from tinygrad_edu.engine.value import Value
from tinygrad_edu.formulas.formula import Formula, equation, joined, numeral, ratio, separated
from tinygrad_edu.formulas.tables import Report, Table
from tinygrad_edu.viz.graphs.expression import operand_names
from tinygrad_edu.viz.graphs.leftovers import Leftovers
from tinygrad_edu.viz.graphs.names import names_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinygrad_edu.formulas.tables import Cell

MAX_PATHS = 20


class PathExplanation(Report):
    """One gradient as a sum over paths; see ``explain``.

    Attributes:
        count: how many paths there are.
        paths: those shown, each with the product of its local derivatives.
        total: the sum over all of them, the derivative.
    """

    def __init__(self, order: list[Value], wrt: Value, variables: Mapping[Value, str]) -> None:
        root, formulas = order[-1], names_of(order, variables)
        if wrt not in formulas:
            raise ValueError(f"{wrt!r} is not among the values that {formulas[root]} was computed from")
        self.count = count_paths(root, wrt)
        self.paths = largest_paths(root, wrt, MAX_PATHS)
        self.total = gradients(root, wrt)
        rows: list[list[Cell]] = []
        for i, path in enumerate(self.paths, 1):
            # Where an operation has a Value more than once, its name tells which use it is.
            names_on_it = [formulas[root], *[operand_names(node, formulas)[index] for node, index in path.edges]]
            factors = joined([local_derivatives(node)[index] for node, index in path.edges])
            rows.append([str(i), separated("→", names_on_it), factors, numeral(path.product)])
        name = ratio("∂", formulas[root], formulas[wrt])
        paths = "one path" if self.count == 1 else f"{self.count:,} paths"
        title: list[Cell] = [name, f": {paths} from ", formulas[root], " to ", formulas[wrt]]
        remark = self._sum(name)
        leftovers = Leftovers(order)
        if wrt in leftovers.brought:
            remark += [f". {formulas[wrt]}: {leftovers.sentence(wrt, formulas[root].text)}"]
        super().__init__([Table(title, ["path", "through", "local derivatives", "product"], rows, remark)])

    def _sum(self, name: Formula) -> list[Cell]:
        products = [path.product for path in self.paths]
        if self.count == 1:
            return [equation(name, self.total)]
        if self.count == len(products):
            return [equation(name, joined(products, "+"), self.total)]
        some = f"These are the {len(products)} paths with the largest products, which add up to "
        return [some, numeral(sum(products)), f"; all {self.count:,} add up to ", equation(name, self.total)]


# ---- all paths -------------------------------------------------------------------------------------------------------


class Path(NamedTuple):
    """One way from an output down to a Value.

    Attributes:
        edges: the steps, from the output on: (node, index of one of its operands).
        product: of the local derivatives along them.
    """

    edges: tuple[tuple[Value, int], ...]
    product: float


def count_paths(root: Value, target: Value) -> int:
    """Count the ways from ``root`` down to ``target``; two from ``x * x`` to ``x``.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> count_paths(y * y, x)
    4
    """
    order = topological_order(root)
    counts = dict.fromkeys(order, 0)
    counts[root] = 1
    for node in reversed(order):
        for parent in node.parents:
            counts[parent] += counts[node]
    return counts.get(target, 0)


def largest_paths(root: Value, target: Value, limit: int) -> list[Path]:
    """The paths from ``root`` to ``target`` with the largest products, at most ``limit``, in the order in which
    ``backward`` meets them.

    >>> x = Value(3.0)
    >>> [path.product for path in largest_paths(x * x, x, limit=5)]
    [3.0, 3.0]
    """
    order = topological_order(root)
    leading = {target}
    for node in order:
        if not leading.isdisjoint(node.parents):
            leading.add(node)
    arrived: dict[Value, list[Path]] = {node: [] for node in leading}
    arrived[root] = [Path((), 1.0)]
    for node in reversed(order):
        if node is target or node not in leading:
            continue
        begun = _largest(arrived[node], limit)
        for index, (parent, local) in enumerate(zip(node.parents, local_derivatives(node))):
            if parent in leading:
                arrived[parent] += [Path((*path.edges, (node, index)), path.product * local) for path in begun]
    return _largest(arrived.get(target, []), limit)


def _largest(paths: list[Path], limit: int) -> list[Path]:
    """Those with the largest products, in the order in which they came; undefined ones count as infinite."""

    def size(i: int) -> float:
        product = paths[i].product
        return abs(product) if product == product else float("inf")

    return [paths[i] for i in sorted(sorted(range(len(paths)), key=size, reverse=True)[:limit])]
