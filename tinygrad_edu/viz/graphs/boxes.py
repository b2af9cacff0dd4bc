"""The parts that drawings of Values share: boxes, the texts beside arrows, and the legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.formulas.formula import digits
from tinygrad_edu.viz.graphs.picture import GREY, INK, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.viz.graphs.picture import Scale

HINT = "× on an arrow: the local derivative. Multiply along a path, add over paths"


def framed(head: str, name: str, lines: Sequence[str], kind: str, fill: str, symbol: str = "") -> str:
    """A box of lines in Graphviz's HTML: a small grey head and a bold name, each if it is not empty, and the rest.

    Args:
        kind: "input", "parameter" or, for what was computed, "".
        fill: the colour behind it.
        symbol: shown at the left of all lines.
    """
    rows = list(lines)
    if name:
        rows.insert(0, styled(name, size=13, bold=True))
    if head:
        rows.insert(0, styled(head, size=9, colour=GREY))
    # Room on both sides: the viewer's fonts may be wider than those of the layout.
    cells = [f"<td>\u00a0{row}\u00a0</td>" for row in rows]
    if symbol:
        cells[0] = f'<td rowspan="{len(rows)}" cellpadding="7">{styled(symbol, size=15)}</td><vr/>{cells[0]}'
    return _table("".join(f"<tr>{cell}</tr>" for cell in cells), kind, fill)


def _table(rows: str, kind: str, fill: str) -> str:
    """A table in the frame of its kind: thick for a parameter, rounded for what was computed."""
    border = 2 if kind == "parameter" else 1
    shape = "" if kind else ' style="rounded"'
    return (
        f'<table border="{border}" cellborder="0" cellspacing="0" cellpadding="4"{shape} '
        f'color="{INK}" bgcolor="{fill}">{rows}</table>'
    )


def raised(text: str) -> str:
    """The text beside an arrow, far enough from it to be read."""
    return f'<<table border="0" cellspacing="0" cellpadding="4"><tr><td>{text}</td></tr></table>>'


def legend(kinds: set[str], scale: Scale, exceeded: bool, hint: str = HINT, size: int = 10) -> str:
    """The explanation of boxes, colours and numbers, for below the picture.

    Args:
        kinds: the kinds of the boxes in it.
        scale: of the colours.
        exceeded: whether the grad of the root is beyond it.
        hint: what else to say, in lines.
        size: of the letters, in points.
    """
    cells = []
    for kind in ("input", "parameter", "constant", ""):
        if kind == "constant" and kind in kinds:
            cells.append(styled(kind, size=size, colour=GREY))
        elif kind in kinds:
            cells.append(_table(f"<tr><td>{styled(kind or 'computed', size=size)}</td></tr>", kind, "white"))
    if scale.largest:
        largest = digits(scale.largest)
        cells += [
            styled(f"grad −{largest}", size=size),
            scale.bar(scale.fill, (-1, -0.6, -0.3, 0, 0.3, 0.6, 1)),
            styled(f"+{largest} or more" if exceeded else f"+{largest}", size=size),
        ]
    else:
        cells.append(styled("grads are 0 until backward()", size=size))
    return legend_rows(cells, *[[styled(line, size=size)] for line in hint.splitlines()])


def legend_rows(*rows: Sequence[str]) -> str:
    """Rows of cells side by side, without frames."""
    style = 'border="0" cellborder="0" cellpadding="2"'
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    tables = "".join(f'<tr><td><table {style} cellspacing="6"><tr>{line}</tr></table></td></tr>' for line in lines)
    return f'<<table {style} cellspacing="0">{tables}</table>>'
