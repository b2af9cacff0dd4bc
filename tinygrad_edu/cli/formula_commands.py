"""The commands that take a formula: ``tinygrad-edu draw "tanh(w*x + b)" w=0.5 x=2 b=-1``, explain and page."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import sys
import textwrap
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from tinygrad_edu.formulas.plain import plain, printable
from tinygrad_edu.formulas.reader import assignments, read
from tinygrad_edu.formulas.tables import Report, Table
from tinygrad_edu.viz.explaining.explanation import explain
from tinygrad_edu.viz.graphs.drawing import draw

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from tinygrad_edu.engine.value import Value

EXAMPLE = '"tanh(w*x + b)" w=0.5 x=2 b=-1'
PICTURES, PAGES = (".svg", ".png", ".pdf", ".dot"), (".html", ".htm")
OPTION = re.compile(r"-[ho]|-o.*\.[A-Za-z]+|--[a-z][a-z-]*(=.*)?", re.DOTALL)


def options_first(arguments: Sequence[str]) -> list[str]:
    """Put the arguments in the order options, ``--``, formula, numbers: a formula may start with a minus.

    >>> options_first(["x=2", "-x*2", "-o", "y.svg"])
    ['-o', 'y.svg', '--', '-x*2', 'x=2']
    """
    options: list[str] = []
    others: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            others += rest
        elif OPTION.fullmatch(argument):
            options.append(argument)
            if argument in ("-o", "--out", "--wrt"):
                options += islice(rest, 1)
        else:
            others.append(argument)
    return [*options, "--", *sorted(others, key=lambda other: re.match(r"[^(]*=", other) is not None)]


# ---- the commands ----------------------------------------------------------------------------------------------------


def draw_formula(options: argparse.Namespace) -> None:
    """Write the picture of a formula."""
    check_ending(options.out, PICTURES, "picture")
    result, _ = _computed(options)
    try:
        result.backward()
    except (ArithmeticError, ValueError) as error:
        without = "so no gradient can be computed; every grad in the picture is 0"
        print(f"tinygrad-edu draw: {error}, {without}", file=sys.stderr)
    with _without_advice():
        picture = draw(result, expand=options.expand)
    save(options.out, picture.render)


def explain_formula(options: argparse.Namespace) -> None:
    """Print where the derivatives of a formula come from."""
    result, values = _computed(options)
    if options.wrt not in (None, *values):
        raise ValueError(f"the formula has no name {options.wrt!r}; its names are {', '.join(values) or 'none'}")
    with _without_advice():
        report: Report = explain(result) if options.wrt is None else explain(result, wrt=values[options.wrt])
    text = report.to_latex() if options.latex else report.to_markdown() if options.markdown else _as_text(report)
    print(printable(text), end="")


def write_page(options: argparse.Namespace) -> None:
    """Write the page on which to step through a formula."""
    check_ending(options.out, PAGES, "page")
    result, _ = _computed(options)
    with _without_advice():
        explanation = explain(result)
    save(options.out, explanation.to_html)
    if options.open:
        show(options.out)


@contextmanager
def _without_advice() -> Iterator[None]:
    """Cut from the message of an error what it advises to write in Python."""
    try:
        yield
    except ValueError as error:
        raise ValueError(re.split(r"; (?:draw|explain)\(", str(error))[0]) from None


def _computed(options: argparse.Namespace) -> tuple[Value, dict[str, Value]]:
    """Read the formula: its result, with a name of its own, and the Values of the names in it."""
    result, values = read(options.formula, assignments(options.numbers))
    names = ["y", "z", "f", *(f"y{i}" for i in range(1, len(values) + 1))]
    result.label = result.label or next(name for name in names if name not in values)
    return result, values


def _as_text(report: Report) -> str:
    """Write the tables, in plain characters if need be, with lines wrapped that are longer than the terminal's."""
    text = str(report)
    if printable(text) != text:
        rows = [[[plain(str(cell)) for cell in row] for row in table.rows] for table in report.tables]
        tables = [Table(old.title, old.header, new, old.remark) for old, new in zip(report.tables, rows)]
        text = plain(str(Report(tables)))
    columns = shutil.get_terminal_size((100, 24)).columns
    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        lines.append(line if len(line) <= columns else textwrap.fill(line, columns, subsequent_indent=indent))
    return "\n".join(lines) + "\n"


# ---- files -----------------------------------------------------------------------------------------------------------


def check_ending(path: str, endings: Sequence[str], kind: str) -> None:
    """Raise a ValueError if the name of a file does not say that it is of this kind."""
    if os.path.splitext(path)[1].lower() not in endings:
        raise ValueError(f"the name of a {kind} ends in {' or '.join(endings)}, not {path!r}")


def save(path: str, write: Callable[[str], object]) -> None:
    """Let ``write`` write the file, in a new folder if need be, and say so."""
    try:
        try:
            write(path)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write(path)
    except OSError as error:
        no_folder = isinstance(error, (FileExistsError, NotADirectoryError))
        reason = "a part of its path is a file, not a folder" if no_folder else error.strerror or error
        raise OSError(f"{path} cannot be written: {reason}") from None
    print(f"wrote {path}")


def show(path: str) -> None:
    """Open the file in the browser, or say that there is none."""
    import webbrowser

    if not webbrowser.open(pathlib.Path(path).absolute().as_uri()):
        print(f"tinygrad-edu: no browser was found here; open {path} in one", file=sys.stderr)
