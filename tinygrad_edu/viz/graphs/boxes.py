"""What a drawing of a graph is made of: the boxes of values, the arrows between them, and the legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.ops import add, multiply
from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import digits, visible
from tinygrad_edu.viz.graphs.expression import write
from tinygrad_edu.viz.graphs.groups import role, symbol
from tinygrad_edu.viz.graphs.picture import GREY, INK, Scale, styled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.formulas.formula import Formula

HINT = "× on an arrow: the local derivative. Multiply along a path, add over paths"


def scale_of(order: Sequence[Value]) -> Scale:
    """Colours for the grads of all Values but the last, whose grad is usually 1 whatever the others are."""
    return Scale(node.grad for node in order[:-1] or order if not isinstance(node, Constant))


def box(node: Value, name: str, formulas: Mapping[Value, Formula], scale: Scale) -> str:
    """The box of a Value, in Graphviz's HTML."""
    kind = role(node)
    if kind == "constant":
        return styled(digits(node.data), size=13, colour=GREY)
    head = kind or _in_order(node, formulas)
    rows = [
        *([styled(head, size=9, colour=GREY)] if head else []),
        styled(name, size=13, bold=True),
        f"data {digits(node.data)}",
        f"grad {digits(node.grad)}",
    ]
    left = ""
    if node.op is not None:
        left = f'<td rowspan="{len(rows)}" cellpadding="7">{styled(symbol(node.op), size=15)}</td><vr/>'
    cells = "".join(f"<tr>{left * (i == 0)}{cell(row)}</tr>" for i, row in enumerate(rows))
    return table(cells, kind, scale.fill(node.grad))


def _in_order(node: Value, formulas: Mapping[Value, Formula]) -> str:
    """The formula of an operation of two operands, where it matters which is which and arrows do not tell."""
    if node.op is None or node.op.arity != 2 or node.op in (add, multiply):
        return ""
    return visible(write(node.op, [formulas[p] for p in node.parents], [p.data for p in node.parents]).text, 24)


def cell(text: str) -> str:
    """A cell with room on both sides: the viewer's fonts may be wider than those of the layout."""
    return f"<td>\u00a0{text}\u00a0</td>"


def table(cells: str, kind: str, fill: str) -> str:
    """A table in Graphviz's HTML, in the frame of its kind: thick for a parameter, rounded for what was computed."""
    border = 2 if kind == "parameter" else 1
    shape = "" if kind else ' style="rounded"'
    return (
        f'<table border="{border}" cellborder="0" cellspacing="0" cellpadding="4"{shape} '
        f'color="{INK}" bgcolor="{fill}">{cells}</table>'
    )


def arrow(node: Value, parent: Value, local: float | None, scale: Scale) -> dict[str, str]:
    """How the arrow from ``parent`` to ``node`` looks, and its number."""
    if isinstance(parent, Constant):
        return {}
    if local is None:
        return {"label": raised("no derivative")}
    flow = node.grad * local if node.grad else 0.0
    return {"label": raised(f"× {digits(local)}"), "color": scale.line(flow), "penwidth": scale.width(flow)}


def raised(text: str) -> str:
    """The text beside an arrow, far enough from it to be read."""
    return f'<<table border="0" cellspacing="0" cellpadding="4"><tr><td>{text}</td></tr></table>>'


def legend(kinds: Iterable[str], scale: Scale, exceeded: bool, hint: str = HINT) -> str:
    """What the boxes, colours and numbers mean, for below the picture.

    Args:
        kinds: of the boxes in it.
        scale: of the colours.
        exceeded: whether the grad of the root is beyond it.
        hint: what else to say.
    """

    def sample(kind: str) -> str:
        if kind == "constant":
            return f"<td>{styled('constant', size=10, colour=GREY)}</td>"
        inner = f"<tr><td>{styled(kind or 'computed', size=10)}</td></tr>"
        return f"<td>{table(inner, kind, 'white')}</td>"

    samples = "".join(sample(kind) for kind in ("input", "parameter", "constant", "") if kind in set(kinds))
    largest = digits(scale.largest)
    colours = (
        f"<td>{styled(f'grad −{largest}', size=10)}</td>{scale.bar(scale.fill, (-1, -0.6, -0.3, 0, 0.3, 0.6, 1))}"
        f"<td>{styled(f'+{largest} or more' if exceeded else f'+{largest}', size=10)}</td>"
        if scale.largest
        else f"<td>{styled('grads are 0 until backward()', size=10)}</td>"
    )
    return (
        f'<<table border="0" cellborder="0" cellspacing="6" cellpadding="2"><tr>{samples}{colours}'
        f"<td>{styled(hint, size=10)}</td></tr></table>>"
    )
