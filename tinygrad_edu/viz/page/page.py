"""The page on which one changes the numbers of a computation and steps through its backward pass: one HTML file that
needs nothing else.

What it shows is computed and worded by its script, from the data that ``computation.py`` sends as JSON; text and MathML
are built node by node, so that no text can become markup. The Content-Security-Policy admits that script and that style
sheet (``page.css``), by their hashes, and no connection to anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import pathlib
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.mistakes import mistakes_for_page
from tinygrad_edu.compiling.js_text import library
from tinygrad_edu.formulas.formula import Formula, equation
from tinygrad_edu.viz.graphs.expression import of_node, written_out
from tinygrad_edu.viz.explaining.folded import FoldedExplanation
from tinygrad_edu.viz.page.computation import ComputationData
from tinygrad_edu.viz.page.levels import Insides, overview
from tinygrad_edu.viz.page.svg import graph

if TYPE_CHECKING:
    from tinygrad_edu.formulas.formula import MathML
    from tinygrad_edu.viz.explaining.explanation import Explanation

SCRIPTS = [  # one after the other, they are one script
    "formula", "computation", "story", "judge", "answers", "elements", "zoom", "walk", "paths", "page", "inputs",
    "descent", "asks", "begin",
]  # fmt: skip


def page(explanation: Explanation | FoldedExplanation) -> str:
    """The text of the HTML file."""
    computation = ComputationData(explanation)
    content, templates, scripts = computation.content, "", SCRIPTS
    if isinstance(explanation, FoldedExplanation):
        insides = Insides(explanation)
        content["boxes"], scripts = insides.boxes, ["levels", *SCRIPTS]
        templates = "".join(f'<template id="inside{i}">{svg}</template>' for i, svg in enumerate(insides.drawings))
    style, outline = _stripped(_file("page.css")), _file("page.html")
    given = f"const functions = {computation.functions};\nconst MISTAKES = {json.dumps(mistakes_for_page())};\n"
    script = _stripped("\n".join([library(), given, *(_file(f"{name}.js") for name in scripts)]))
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    title = _title(explanation)
    parts = {
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'",
        "title": html.escape(title.text),
        "formula": f'<math displaystyle="true">{_markup(title.mathml)}</math>',
        "graph": drawing_of(explanation),
        "templates": templates,
        "data": json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    # Split first: what is put in may hold {{words}} of its own.
    outside, *places = outline.split("{{")
    return outside + "".join(parts[word] + rest for word, _, rest in (place.partition("}}") for place in places))


def drawing_of(explanation: Explanation | FoldedExplanation) -> str:
    """The drawing that the page begins with, as an SVG element."""
    return overview(explanation) if isinstance(explanation, FoldedExplanation) else graph(explanation)


def _file(name: str) -> str:
    return pathlib.Path(__file__).with_name(name).read_text(encoding="utf-8")


def _stripped(source: str) -> str:
    """The source without its comments and indents, which are for those who read it in the package."""
    lines = [line.strip() for line in source.split("\n")]
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))


def _title(explanation: Explanation | FoldedExplanation) -> Formula:
    """The whole computation as one formula if it is short, otherwise its last operation; at a level only its name."""
    root, names = explanation.root, explanation.names
    if root.op is None or isinstance(explanation, FoldedExplanation):
        return names[root]
    whole = written_out(root, explanation.variables)
    short = not whole.parts and len(whole.formula.text) <= 60
    return equation(names[root], whole.formula if short else of_node(root, names)[0])


def _markup(tree: MathML) -> str:
    tag, *children = tree
    inner = "".join(html.escape(child) if isinstance(child, str) else _markup(child) for child in children)
    return f"<{tag}>{inner}</{tag}>"
