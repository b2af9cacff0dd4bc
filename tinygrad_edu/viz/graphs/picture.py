"""``Picture``: a Graphviz graph that needs no installed Graphviz, and the colours that pictures share."""

from __future__ import annotations

import base64
import html
from pathlib import Path
from typing import TYPE_CHECKING

import graphviz

from tinygrad_edu.nn.files import write_whole
from tinygrad_edu.viz.graphs.layout import lay_out

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

FORMATS = ("svg", "png", "pdf", "dot")
# Negative and positive: apart for colour-blind eyes by hue, and in a black-and-white print by lightness.
BLUE, ORANGE = (0x08, 0x51, 0x9C), (0xE0, 0x73, 0x0D)
INK, GREY, PALE = "#1a1a1a", "#6b6b6b", "#b4b4b4"
FONT = "Helvetica,Arial,sans-serif"


class Picture(graphviz.Digraph):  # type: ignore[misc]
    """A ``graphviz.Digraph`` that is laid out by the system's ``dot`` or, without it, by pygraphviz.

    In a notebook it shows itself. ``render("neuron.svg")`` writes a file, ``pipe(format="png")`` gives the bytes, and
    ``source`` is the graph in the DOT language. Formats: svg, png, pdf and dot.

    Attributes:
        words: what it shows, for those who cannot see it.
    """

    words = "a graph"

    def __init__(self, **options: Any) -> None:
        usual = {
            "format": "svg",
            "graph_attr": {"rankdir": "LR", "fontname": FONT, "bgcolor": "white", "ranksep": "0.6", "nodesep": "0.2"},
            "node_attr": {"shape": "plain", "fontname": FONT, "fontsize": "11", "fontcolor": INK},
            "edge_attr": {"fontname": FONT, "fontsize": "10", "arrowsize": "0.6", "color": PALE, "fontcolor": INK},
        }
        super().__init__(**usual | options)

    def __repr__(self) -> str:
        return '<picture: a notebook shows it, .render("picture.svg") writes it to a file>'

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> dict[str, str]:
        """An image at most as wide as the page: notebooks that are not trusted show images, but no SVG."""
        svg = base64.b64encode(self.pipe(format="svg")).decode()
        look = f'alt="{html.escape(self.words)}" style="max-width: 100%; height: auto"'
        return {"text/plain": repr(self), "text/html": f'<img src="data:image/svg+xml;base64,{svg}" {look}>'}

    def pipe(self, format: str | None = None, *_: Any, encoding: str | None = None, **__: Any) -> Any:
        """The picture as bytes or, given an ``encoding`` such as "utf-8", as text.

        Raises:
            ValueError: for an unknown format.
            RuntimeError: if there is no Graphviz; it says what to install.
        """
        format = format or self.format
        if format not in FORMATS:
            raise ValueError(f"a picture can be {', '.join(FORMATS)}, not {format!r}")
        result = lay_out(self.source, format, self.engine)
        return result.decode(encoding) if encoding else result

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        *_: Any,
        outfile: str | os.PathLike[str] | None = None,
        **__: Any,
    ) -> str:
        """Write the picture to a file and return its path.

        The ending of ``filename`` says which format: ``render("neuron.svg")``. Without one, or with another than
        ``format``, that of the format is added. Unlike graphviz it writes no second file for the DOT language, so that
        there is nothing for ``cleanup`` to do.

        Raises:
            ValueError: for an unknown format.
            RuntimeError: if there is no Graphviz; it says what to install.
            OSError: if the file cannot be written; whatever was there stays.
        """
        target = Path(directory or "", outfile or filename or self.filename)
        ending = target.suffix[1:].lower()
        if format is None and ending in graphviz.FORMATS - {"gv"}:
            format = ending  # also of neuron.jpg, a wish that cannot be met
        elif format is None or format != ending:
            format = format or self.format
            target = Path(f"{target}.{format}")
        picture = self.pipe(format)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, picture)
        if view:
            graphviz.view(str(target))
        return str(target)


# ---- colours ---------------------------------------------------------------------------------------------------------


class Scale:
    """Colours and widths for numbers of either sign: blue where negative, orange where positive, pale near 0.

    It follows the square root, so that small numbers beside large ones can still be seen. Numbers beyond the largest of
    ``numbers`` look like it.
    """

    def __init__(self, numbers: Iterable[float]) -> None:
        self.largest = max((abs(x) for x in numbers if abs(x) < float("inf")), default=0.0)

    def __call__(self, x: float) -> float:
        """The number on the scale, from -1 to 1."""
        if x != x or not x:
            return 0.0
        size = min((abs(x) / self.largest) ** 0.5, 1.0) if self.largest else 1.0
        return size if x > 0 else -size

    def fill(self, x: float) -> str:
        """A light background, on which black text can be read."""
        return _mixed(0.5 * self(x), (255, 255, 255))

    def line(self, x: float) -> str:
        """A colour for lines."""
        share = self(x)
        strength = 0.35 + 0.65 * abs(share)
        return _mixed(strength if share > 0 else -strength, (180, 180, 180)) if share else PALE

    def width(self, x: float) -> str:
        """A width for lines, in points."""
        return f"{0.8 + 3.2 * abs(self(x)):.2f}"

    def bar(self, colour: Callable[[float], str], shares: Sequence[float]) -> str:
        """The colours of these shares of the largest number, side by side."""
        cells = "".join(
            f'<td bgcolor="{colour(share * abs(share) * self.largest)}" width="16" height="12"></td>'
            for share in shares
        )
        return f'<table border="0" cellborder="0" cellspacing="0" cellpadding="0"><tr>{cells}</tr></table>'


def _mixed(share: float, ground: tuple[int, int, int]) -> str:
    colour = ORANGE if share > 0 else BLUE
    return "#" + "".join(f"{round(g + (c - g) * min(abs(share), 1.0)):02x}" for c, g in zip(colour, ground))


# ---- HTML-like labels: every text in them goes through escaped() -----------------------------------------------------


def escaped(text: str) -> str:
    """Text for a label or an attribute of Graphviz's HTML: nothing in it is markup.

    A backslash becomes a character that looks like it, because Graphviz puts the name of the node for \\N.
    """
    return html.escape(text).replace("\\", "\N{SET MINUS}")


def styled(text: str, *, size: int, colour: str = "", bold: bool = False) -> str:
    """Text in a size and colour."""
    shown = escaped(text) or "\u00a0"  # older versions of Graphviz take an empty element for an error
    if bold:
        shown = f"<b>{shown}</b>"
    painted = f' color="{colour}"' if colour else ""
    return f'<font point-size="{size}"{painted}>{shown}</font>'
