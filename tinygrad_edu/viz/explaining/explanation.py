"""Explanations: where each number of a recorded computation, and of its backward pass, comes from.

``explain(value)`` tells the whole computation step by step, in the order of the arithmetic and then in the order of
``backward``; ``explain(value, wrt=x)`` tells one gradient as the sum over all paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.value import Constant, Value
from tinygrad_edu.formulas.formula import Formula, equation, joined, numeral, ratio, visible
from tinygrad_edu.formulas.tables import Report, Table
from tinygrad_edu.viz.explaining.paths import PathExplanation
from tinygrad_edu.viz.graphs.expression import of_node, of_rule, operand_names, write
from tinygrad_edu.viz.graphs.groups import role
from tinygrad_edu.viz.graphs.leftovers import Leftovers
from tinygrad_edu.viz.graphs.names import callers_variables, names_of, place_of
from tinygrad_edu.viz.graphs.walks import bounded_order, outdated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal, overload

    from tinygrad_edu.formulas.tables import Cell
    from tinygrad_edu.nn.files import Path
    from tinygrad_edu.viz.explaining.folded import FoldedExplanation
    from tinygrad_edu.viz.page.live import LivePage


class Computed(NamedTuple):
    """One step of the forward pass: a Value, its name, and how it was computed, in names and in numbers."""

    node: Value
    name: Formula
    formula: Formula | None = None
    numbers: Formula | None = None


class Contribution:
    """One step of the backward pass: the contribution of one use of a Value to the derivative with respect to it.

    Attributes:
        node: the Value that was computed.
        index: which of its operands the step is about, and ``parent``, that operand.
        ratio: the derivative that the rule gives, such as d tanh(z)/dz.
        rule, numbers: the rule, as a formula in names and in numbers.
        upstream, local: the two factors of ``amount``.
        total: the derivative with respect to ``parent`` after this step.
    """

    def __init__(
        self, node: Value, index: int, ratio: Formula, rule: tuple[Formula, Formula], upstream: float, local: float
    ) -> None:
        self.node, self.index, self.ratio = node, index, ratio
        self.parent = node.parents[index]
        self.rule, self.numbers = rule
        self.upstream, self.local = upstream, local
        self.amount = upstream * local if upstream and local else 0.0  # as in backward, zero absorbs
        self.total = 0.0

    def product(self) -> Formula:
        """The amount as an equation: upstream × local = amount."""
        return equation(joined([self.upstream, self.local]), self.amount)

    def __repr__(self) -> str:
        return f"<contribution {self.ratio} = {self.rule}: {self.product()}>"


class Explanation(Report):
    """A computation and its backward pass, step by step; see ``explain``.

    Attributes:
        root: the Value that is explained.
        order: all that it was computed from, operands before results, and itself.
        forward: a ``Computed`` for each Value but constants, in that order.
        backward: a ``Contribution`` for each use of each Value, in the order of ``Value.backward``.
        names: the formula by which each Value is called; ``variables``, the names of variables among them.
        gradients: the derivative of the root with respect to each Value.
        failure: why the backward pass ends early, where a derivative is infinite or undefined; otherwise "".
    """

    def __init__(self, order: list[Value], variables: Mapping[Value, str]) -> None:
        self.order, self.variables = order, variables
        self.root = order[-1]
        self.names = names_of(order, variables)
        self.gradients = dict.fromkeys(order, 0.0)
        self.failure = ""
        self.forward = [
            Computed(node, self.names[node], *(of_node(node, self.names) if node.op else ()))
            for node in order
            if not isinstance(node, Constant)
        ]
        self.backward = self._backward()
        super().__init__([self._forward_table(), self._backward_table()])

    def derivative(self, node: Value) -> Formula:
        """The name of the gradient of ``node``: ∂y/∂x."""
        return ratio("∂", self.names[self.root], self.names[node])

    def _backward(self) -> list[Contribution]:
        steps = []
        self.gradients[self.root] = 1.0
        for node in reversed(self.order):
            try:
                contributions = _contributions(node, self.gradients[node], self.names)
            except (ArithmeticError, ValueError) as error:
                reason = f"{visible(str(error), 300)}: here backward() raises {type(error).__name__}"
                self.failure = f"{reason}, and adds nothing to any grad."
                break
            for step in contributions:
                if not isinstance(step.parent, Constant):
                    self.gradients[step.parent] += step.amount
                    step.total = self.gradients[step.parent]
                    steps.append(step)
        return steps

    def _forward_table(self) -> Table:
        rows: list[list[Cell]] = [
            [step.name, step.formula or _origin(step.node), step.numbers or "", numeral(step.node.data)]
            for step in self.forward
        ]
        return Table(["Forward: each value from those before it"], ["value", "formula", "in numbers", "result"], rows)

    def _backward_table(self) -> Table:
        rows: list[list[Cell]] = [[self.derivative(self.root), "where it starts", "", numeral(1.0)]]
        for step in self.backward:
            rule = equation(step.ratio, step.rule)
            rows.append([self.derivative(step.parent), rule, step.product(), numeral(step.total)])
        header = ["derivative", "rule", "upstream × local = contribution", "grad"]
        title = ["Backward: each use of a value adds its contribution to the grad"]
        remark = self.failure or Leftovers(self.order).remark(self.names)
        return Table(title, header, rows, [remark] if remark else [])

    def to_html(self, path: Path) -> None:
        """Write a page to step through the computation, for any browser: one file that needs no network.

        Raises:
            OSError: if the file cannot be written; whatever was there stays.
            RuntimeError: if there is no Graphviz to lay the graph out; it says what to install.
        """
        from tinygrad_edu.nn.files import write_whole
        from tinygrad_edu.viz.page.page import page

        write_whole(path, page(self))

    def live(self) -> LivePage:
        """Show the page in a notebook: ``explain(y).live()`` at the end of a cell. An untrusted one shows the drawing.

        Raises:
            RuntimeError: if there is no Graphviz to lay the graph out; it says what to install.
        """
        from tinygrad_edu.viz.page.live import LivePage
        from tinygrad_edu.viz.page.page import page
        from tinygrad_edu.viz.page.svg import graph

        return LivePage(self.names[self.root].text, page(self), graph(self))


def _origin(leaf: Value) -> str:
    """The role of a leaf and, of what a formula calls by a letter, the name under which it is found."""
    return f"{role(leaf)} {leaf.label}" if place_of(leaf.label) else role(leaf)


def _contributions(node: Value, upstream: float, formulas: dict[Value, Formula]) -> list[Contribution]:
    """One for each operand of ``node``, when ``upstream`` has arrived at it."""
    if node.op is None:
        return []
    try:
        locals_ = local_derivatives(node)
    except (ArithmeticError, ValueError):
        if upstream:
            raise
        return []
    operands = operand_names(node, formulas)
    whole = write(node.op, operands, [parent.data for parent in node.parents])
    if len(whole.text) > 24:
        whole = formulas[node]
    sign = "d" if sum(not isinstance(parent, Constant) for parent in node.parents) == 1 else "∂"
    return [
        Contribution(node, i, ratio(sign, whole, operands[i]), rule, upstream, local)
        for i, (rule, local) in enumerate(zip(of_rule(node, formulas), locals_))
    ]


if TYPE_CHECKING:

    @overload
    def explain(value: Value, *, wrt: None = None, level: Literal["op"] = "op", names: bool = True) -> Explanation: ...
    @overload
    def explain(value: Value, *, level: Literal["neuron", "layer"], names: bool = True) -> FoldedExplanation: ...
    @overload
    def explain(value: Value, *, level: str, names: bool = True) -> Report: ...
    @overload
    def explain(value: Value, *, wrt: Value, names: bool = True) -> PathExplanation: ...


def explain(value: Value, *, wrt: Value | None = None, level: str = "op", names: bool = True) -> Report:
    """Explain where the number in ``value`` and all its derivatives come from; changes nothing, no ``grad`` either.

    Args:
        value: the result of a computation, at the level of "op" of at most 500 values.
        wrt: explain one derivative, with respect to this Value: every path from ``value`` to it, the product of the
            local derivatives along each, and their sum. Of more than 20 paths the 20 with the largest products.
        level: how deep to look, as for ``draw``: at every operation ("op"), or only at what each "neuron" or "layer"
            received, gave and sends back, where several examples are told as a range.
        names: whether Values without a label are called as the variables of the caller that hold them.

    Returns:
        what prints as tables, shows itself in a notebook, and has ``to_markdown()``, ``to_latex()`` and, without
        ``wrt``, ``to_html(path)``, which writes a page to step through, and ``live()``, which shows it in a notebook.

    Raises:
        TypeError: if ``value`` or ``wrt`` is not a Value.
        ValueError: for an unknown level, or one beside ``wrt``; if the graph is too large, if ``wrt`` is not part of
            it, or if numbers in it were set after others were computed from them, as an optimizer's step does.
        ZeroDivisionError, OverflowError: with ``wrt``, if a local derivative is infinite. Without, the explanation ends
            there and says why.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> explain(y)
    Forward: each value from those before it
    <BLANKLINE>
    value  formula  in numbers  result
    ─────  ───────  ──────────  ──────
    x      input                3
    y      x·x      3·3         9
    <BLANKLINE>
    Backward: each use of a value adds its contribution to the grad
    <BLANKLINE>
    derivative  rule                       upstream × local = contribution  grad
    ──────────  ─────────────────────────  ───────────────────────────────  ────
    ∂y/∂y       where it starts                                             1
    ∂y/∂x       ∂(x₍₁₎·x₍₂₎)/∂x₍₁₎ = x₍₂₎  1 × 3 = 3                        3
    ∂y/∂x       ∂(x₍₁₎·x₍₂₎)/∂x₍₂₎ = x₍₁₎  1 × 3 = 3                        6
    >>> explain(y, wrt=x)
    ∂y/∂x: 2 paths from y to x
    <BLANKLINE>
    path  through   local derivatives  product
    ────  ────────  ─────────────────  ───────
    1     y → x₍₁₎  3                  3
    2     y → x₍₂₎  3                  3
    <BLANKLINE>
    ∂y/∂x = 3 + 3 = 6
    """
    if level not in ("op", "neuron", "layer") or (wrt is not None and level != "op"):
        raise ValueError(f'level must be "op", "neuron" or "layer", and "op" beside wrt, not {level!r}')
    variables = callers_variables() if names else {}
    order = _order_to_explain(value, variables, 500 if level == "op" else 1_000_000)
    if level != "op":
        from tinygrad_edu.viz.explaining.folded import FoldedExplanation  # it takes graphviz, which takes a while

        return FoldedExplanation(order, level, variables)
    if wrt is None:
        return Explanation(order, variables)
    if not isinstance(wrt, Value):
        raise TypeError(f"wrt is the Value whose gradient to explain, not {type(wrt).__name__}")
    return PathExplanation(order, wrt, variables)


def _order_to_explain(root: Value, variables: Mapping[Value, str], max_nodes: int) -> list[Value]:
    try:
        order = bounded_order(root, max_nodes, "explain")
    except ValueError as error:
        raise ValueError(f'{error}; explain(value, level="neuron" or "layer") says less') from None
    if isinstance(root, Constant):
        kind = "a plain number of a formula" if type(root) is Constant else "a derivative that is the same everywhere"
        raise ValueError(f"{root.data} is {kind}: there is nothing to explain")
    changed = outdated(order)
    if changed is not None:
        raise ValueError(
            f"{names_of(order, variables)[changed]} = {changed.data} was computed before what it was made from got "
            "other numbers; compute it again to explain it"
        )
    return order
