"""The page on which one changes the numbers of a computation and steps through its backward pass: one HTML file that
needs nothing else.

What it shows is computed and worded by its script, from the data that ``computation.py`` sends as JSON; text and MathML
are built node by node, so that no text can become markup.
"""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.mistakes import mistakes_for_page
from tinygrad_edu.compiling.js_text import library
from tinygrad_edu.formulas.formula import Formula, equation
from tinygrad_edu.viz.graphs.expression import of_node, written_out
from tinygrad_edu.viz.html_file import html_file, scripts_beside
from tinygrad_edu.viz.page.computation import ComputationData
from tinygrad_edu.viz.page.svg import graph

if TYPE_CHECKING:
    from tinygrad_edu.formulas.formula import MathML
    from tinygrad_edu.viz.explaining.explanation import Explanation

SCRIPTS = [  # one after the other, they are one script
    "formula", "computation", "story", "judge", "answers", "elements", "zoom", "walk", "paths", "page", "inputs",
    "descent", "asks", "begin",
]  # fmt: skip


def page(explanation: Explanation) -> str:
    """The text of the HTML file."""
    return page_file(ComputationData(explanation), _title(explanation), graph(explanation))


def page_file(computation: ComputationData, title: Formula, drawing: str, insides: str = "") -> str:
    """The text of an HTML file that begins with a drawing; ``insides`` are drawings of what is in its boxes."""
    given = f"const functions = {computation.functions};\nconst MISTAKES = {json.dumps(mistakes_for_page())};\n"
    scripts = ["levels", *SCRIPTS] if "boxes" in computation.content else SCRIPTS
    parts = {
        "title": html.escape(title.text),
        "formula": f'<math displaystyle="true">{_markup(title.mathml)}</math>',
        "graph": drawing,
        "insides": insides,
        "data": json.dumps(computation.content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    return html_file(__file__, [library(), given, *scripts_beside(__file__, *scripts)], parts)


def _title(explanation: Explanation) -> Formula:
    """The whole computation as one formula if it is short, otherwise its last operation."""
    root, names = explanation.root, explanation.names
    if root.op is None:
        return names[root]
    whole = written_out(root, explanation.variables)
    short = not whole.parts and len(whole.formula.text) <= 60
    return equation(names[root], whole.formula if short else of_node(root, names)[0])


def _markup(tree: MathML) -> str:
    tag, *children = tree
    inner = "".join(html.escape(child) if isinstance(child, str) else _markup(child) for child in children)
    return f"<{tag}>{inner}</{tag}>"
