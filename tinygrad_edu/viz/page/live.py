"""The page in a notebook: in a frame of its own and, where the notebook is not trusted, at least its drawing."""

from __future__ import annotations

import base64
import html
import pathlib

from tinygrad_edu.formulas.formula import visible

HEIGHT = 640  # pixels: the chain rule is seen without scrolling


class LivePage:
    """The page of an explanation, which shows itself in a notebook; see ``Explanation.live``.

    Args:
        name: of what is explained.
        page: the text of the HTML file.
        drawing: the SVG element that it begins with.
    """

    def __init__(self, name: str, page: str, drawing: str) -> None:
        self.name, self.page, self.drawing = visible(name), page, drawing

    def __repr__(self) -> str:
        return f"<live page of {self.name}: a notebook shows it; without one, write it to a file with to_html(path)>"

    def _repr_html_(self) -> str:
        # What is inside of a frame shows only where the frame was taken away, as JupyterLab does without trust.
        return (
            f'<iframe srcdoc="{html.escape(self.page)}" title="{html.escape(self.name)}, step by step" width="100%" '
            f'height="{HEIGHT}" style="border: 0" sandbox="allow-scripts" allow="fullscreen">'
            f"<p>Trust this notebook, or run this cell, to step through the computation.</p>{self._picture()}</iframe>"
        )

    def _picture(self) -> str:
        style = pathlib.Path(__file__).with_name("page.css").read_text(encoding="utf-8")
        start, end, rest = self.drawing.partition(">")
        drawing = f'{start} xmlns="http://www.w3.org/2000/svg"{end}<style>{style}</style>{rest}'
        data = base64.b64encode(drawing.encode()).decode()
        spoken = f"Graph of {self.name}, with every value, its gradient, and on each arrow the local derivative"
        return f'<img alt="{html.escape(spoken)}" src="data:image/svg+xml;base64,{data}" width="100%">'
