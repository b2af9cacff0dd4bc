"""Laying out a graph, by whichever Graphviz there is: the system's ``dot``, or the libraries inside pygraphviz 2.

pygraphviz runs in a process of its own, as ``dot`` does: an interrupt stops it, and what it writes to stderr about
fonts is not shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.engine.value import Value

MISSING = (
    "drawing a graph takes Graphviz, and neither its command dot nor the package pygraphviz is here. Run:\n"
    '    python -m pip install "pygraphviz>=2"'
)
FAR = 2500
IN_PYGRAPHVIZ = """
import sys
sys.path[:] = [folder for folder in sys.path if folder]  # python -c would take modules from the current folder first
from pygraphviz import AGraph
source = sys.stdin.buffer.read().decode()
sys.stdout.buffer.write(AGraph(string=source).draw(format=sys.argv[1], prog=sys.argv[2]))
"""


def lay_out(source: str, format: str, engine: str = "dot") -> bytes:
    """Have Graphviz lay out a graph, and return it as the bytes of a file.

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

    try:
        return subprocess.run(_command(format, engine), input=source.encode(), capture_output=True, check=True).stdout
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {error.returncode}"]
        raise RuntimeError(f"Graphviz could not make {format} of the graph: {said[-1]}") from None
    except OSError as error:
        raise RuntimeError(f"Graphviz could not be started: {error}") from None


def _command(format: str, engine: str) -> list[str]:
    import importlib.util
    import shutil
    import sys

    dot = shutil.which("dot")
    if dot:
        return [dot, f"-K{engine}", f"-T{format}"]
    if importlib.util.find_spec("pygraphviz") is None:
        raise RuntimeError(MISSING)
    return [sys.executable, "-c", IN_PYGRAPHVIZ, format, engine]


def line_style(order: Sequence[Value]) -> dict[str, str]:
    """Options of the graph for the lines between Values: straight ones where many reach far.

    It would take Graphviz seconds, soon minutes, to bend lines around boxes that cross more than ``FAR`` levels
    together, when every Value stands behind all that it is made from and every leaf just before its first use.
    """
    level: dict[Value, int] = {}
    for node in order:
        level[node] = 1 + max((level[parent] for parent in node.parents), default=-1)
    start = {node: level[node] for node in order if node.op}
    for node in order:
        for parent in node.parents:
            start[parent] = min(start.get(parent, level[node] - 1), level[node] - 1)
    span = sum(level[node] - start[parent] for node in order for parent in node.parents)
    return {"splines": "line", "nslimit": "1", "nslimit1": "1"} if span > FAR else {}
