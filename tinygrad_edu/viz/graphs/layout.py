"""Laying out a graph, by whichever Graphviz there is: the system's ``dot``, or the libraries inside pygraphviz 2.

pygraphviz runs in a process of its own, as ``dot`` does: an interrupt stops it, and what it writes to stderr about
fonts is not shown.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

Node = TypeVar("Node")
MISSING = (
    "drawing a graph takes Graphviz, and neither its command dot nor the package pygraphviz is here. Run:\n"
    '    python -m pip install "pygraphviz>=2"'
)
FAR = 2500
LONG = 5  # boxes in a row fit on a page
IN_PYGRAPHVIZ = """
import sys
sys.path[:] = [folder for folder in sys.path if folder]  # python -c would take modules from the current folder first
from pygraphviz import AGraph
graph, engine = AGraph(string=sys.stdin.buffer.read().decode()), sys.argv[1]
for format in sys.argv[2:]:
    sys.stdout.buffer.write(graph.draw(format=format, prog=engine))
"""
TEXT = re.compile(r'(<text [^>]*?\bx="([^"]*)" y="([^"]*)"[^>]*? font-size="([^"]*)"[^>]*)>([^<]*\S[^<]*)</text>')
LOW = "₀₁₂₃₄₅₆₇₈₉₍₎"
INDICES = re.compile(f"([{LOW}]+|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾]+)")


def lay_out(source: str, format: str, engine: str = "dot") -> bytes:
    """Have Graphviz lay out a graph, and return it as the bytes of a file.

    The texts of an SVG keep the width that they were laid out with, so that they stay inside their boxes whatever fonts
    the viewer has, and the whole is never wider than the window.

    Args:
        source: the graph in the DOT language.
        format: "svg", "png", "pdf", "dot" (the graph with positions), "json0" (the same as JSON), ...
        engine: "dot" for layers, "neato" for nodes that have their places already.

    Raises:
        RuntimeError: if there is no Graphviz, or it fails; the message says what to run.

    >>> lay_out("digraph { a -> b }", "svg").startswith(b"<?xml")
    True
    """
    import subprocess

    formats = ["svg", "json"] if format == "svg" else [format]  # the widths of texts are in the second
    try:
        result = subprocess.run(_command(formats, engine), input=source.encode(), capture_output=True, check=True)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {error.returncode}"]
        raise RuntimeError(f"Graphviz could not make {format} of the graph: {said[-1]}") from None
    except OSError as error:
        raise RuntimeError(f"Graphviz could not be started: {error}") from None
    if format != "svg":
        return result.stdout
    svg, end, layout = result.stdout.decode().partition("</svg>")
    return _with_widths(svg + end + "\n", json.loads(layout)).encode()


def _with_widths(svg: str, layout: Mapping[str, Any]) -> str:
    """An SVG whose texts have the widths that they have in the same ``layout`` as JSON."""
    widths: dict[tuple[float, ...], float] = {}
    for item in (layout, *layout.get("objects", ()), *layout.get("edges", ())):
        for part in (*item.get("_draw_", ()), *item.get("_ldraw_", ())):
            if part["op"] == "T":
                x, y = part["pt"]
                widths[round(x, 1), round(-y, 1)] = part["width"]

    def text(match: re.Match[str]) -> str:
        start, x, y, size, content = match.groups()
        width = widths.get((round(float(x), 1), round(float(y), 1)))
        length = f' textLength="{width:.2f}" lengthAdjust="spacingAndGlyphs"' if width else ""
        return f"{start}{length}>{_with_indices(content, float(size))}</text>"

    return TEXT.sub(text, svg.replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1))


def _with_indices(text: str, size: float) -> str:
    """Text of an SVG with small characters, lowered or raised, for such as ₁ and ⁷, which Arial and others lack."""
    from unicodedata import normalize

    plain, *pieces = INDICES.split(text)  # indices, plain text, indices, ...
    height = 0.0
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            to = (0.2 if piece[0] in LOW else -0.35) * size
            plain += f'<tspan dy="{to - height:.2f}" font-size="{0.7 * size:.2f}">{normalize("NFKC", piece)}</tspan>'
            height = to
        elif piece:
            plain += f'<tspan dy="{-height:.2f}">{piece}</tspan>'
            height = 0.0
    return plain


def _command(formats: Sequence[str], engine: str) -> list[str]:
    import importlib.util
    import shutil
    import sys

    dot = shutil.which("dot")
    if dot:
        return [dot, f"-K{engine}", *(f"-T{format}" for format in formats)]
    if importlib.util.find_spec("pygraphviz") is None:
        raise RuntimeError(MISSING)
    return [sys.executable, "-c", IN_PYGRAPHVIZ, engine, *formats]


def line_style(parents: Mapping[Node, Sequence[Node]]) -> dict[str, str]:
    """Options of the graph for the lines from parents to nodes: straight ones where many reach far.

    It would take Graphviz seconds, soon minutes, to bend lines around boxes that cross more than ``FAR`` levels
    together, when every node stands behind all that it is made from and every leaf just before its first use.
    """
    level = levels(parents)
    span = sum(level[node] - level[parent] for node, made_from in parents.items() for parent in made_from)
    return {"splines": "line", "nslimit": "1", "nslimit1": "1"} if span > FAR else {}


def direction(parents: Mapping[Node, Sequence[Node]], beside: int = 1) -> str:
    """Choose "LR", from left to right, or "TB", top to bottom, where the one is wider than a page and than the other.

    Args:
        parents: of each box those that arrows come from, operands before results.
        beside: how many boxes will lie side by side in any case.
    """
    level = levels(parents)
    length = 1 + max(level.values()) - min(level.values())
    breadth = max(beside, *Counter(level.values()).values())
    return "TB" if length > LONG and 2 * breadth < 3 * length else "LR"  # boxes are wide and low


def levels(parents: Mapping[Node, Sequence[Node]]) -> dict[Node, int]:
    """The level of each node: results behind all that they are made from, leaves just before their first use."""
    level: dict[Node, int] = {}
    for node, made_from in parents.items():
        level[node] = 1 + max((level[parent] for parent in made_from), default=-1)
    start = {node: level[node] for node, made_from in parents.items() if made_from}
    for node, made_from in parents.items():
        for parent in made_from:
            start[parent] = min(start.get(parent, level[node] - 1), level[node] - 1)
    return level | start
