"""The commands that take a formula: ``tinygrad-edu draw "tanh(w*x + b)" w=0.5 x=2 b=-1``, explain and page."""

from __future__ import annotations

import os
import re
import sys
from itertools import islice
from typing import TYPE_CHECKING

from tinygrad_edu.cli.reader import ALIASES, OPERATORS, assignments, read
from tinygrad_edu.engine.operation import BUILT_IN
from tinygrad_edu.formulas.plain import plain, printable
from tinygrad_edu.formulas.tables import Report, Table
from tinygrad_edu.viz.explaining.explanation import explain
from tinygrad_edu.viz.graphs.drawing import draw

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import Any

    from tinygrad_edu.engine.value import Value

NAMES = ("draw", "explain", "page")
EXAMPLE = '"tanh(w*x + b)" w=0.5 x=2 b=-1'
PICTURES, PAGES = (".svg", ".png", ".pdf", ".dot"), (".html", ".htm")
TAKES_ONE = ("-o", "--out", "--wrt")
OPTION = re.compile(r"-[ho]|-o.*\.[A-Za-z]+|--[a-z][a-z-]*(=.*)?", re.DOTALL)


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the three commands to those of the parser."""
    add = _command(
        commands,
        _draw,
        "draw a formula, with the gradient of every value in it",
        "Draw how a formula is computed, with every value, its gradient, and on each arrow the local derivative.",
        " -o neuron.svg",
    ).add_argument
    add("-o", "--out", default="drawing.svg", metavar="FILE", help="the picture to write; its ending, "
        f"{_either(PICTURES)}, says of which kind (%(default)s)")  # fmt: skip
    add("--expand", action="store_true", help="open operations such as sigmoid into the simpler ones they stand for")
    command = _command(
        commands,
        _explain,
        "tell step by step where a formula's derivatives come from",
        "Tell step by step where the result of a formula comes from and then, backward, where its derivatives do.",
        " --wrt w",
    )
    command.add_argument("--wrt", metavar="NAME", help="only the derivative with respect to this: all paths to it")
    add = command.add_mutually_exclusive_group().add_argument
    add("--markdown", dest="form", action="store_const", const="markdown", help="print Markdown with LaTeX formulas")
    add("--latex", dest="form", action="store_const", const="latex", help="print LaTeX, for a document with amsmath")
    add = _command(
        commands,
        _page,
        "make a page on which to step through the computation",
        "Make a web page on which one steps through a formula's computation and its derivatives: one file, for any "
        "browser, that needs no network.",
        " -o neuron.html",
    ).add_argument
    add("-o", "--out", default="page.html", metavar="FILE", help="the page to write, .html (%(default)s)")


def _command(
    commands: argparse._SubParsersAction[Any], run: Callable[..., None], help: str, description: str, options: str
) -> argparse.ArgumentParser:
    """Add a command with the arguments that all three have."""
    name = run.__name__.strip("_")
    functions = sorted({*BUILT_IN, *ALIASES} - {row.name for row in OPERATORS.values()})
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help,
        description=f"{description} Example: tinygrad-edu {name} {EXAMPLE}{options}",
        epilog=f"Functions: {', '.join(functions)}.",
        allow_abbrev=False,
    )
    command.set_defaults(run=run)
    command.add_argument("formula", metavar="FORMULA", help="numbers, names, + - * / ** ( ) and functions; in quotes")
    command.add_argument(
        "numbers", metavar="NAME=NUMBER", nargs="*", default=[], help="the number of each name in the formula"
    )
    return command


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
            if argument in TAKES_ONE:
                options += islice(rest, 1)
        else:
            others.append(argument)
    return [*options, "--", *sorted(others, key=lambda other: re.match(r"[^(]*=", other) is not None)]


# ---- the commands ----------------------------------------------------------------------------------------------------


def _draw(options: argparse.Namespace) -> None:
    _check_ending(options.out, PICTURES, "picture")
    result, _ = _computed(options)
    note = ""
    try:
        result.backward()
    except (ArithmeticError, ValueError) as error:
        note = f"tinygrad-edu draw: {error}, so no gradient can be computed; every grad in the picture is 0"
    try:
        picture = draw(result, expand=options.expand)
    except ValueError as error:
        raise ValueError(str(error).partition("; draw(")[0]) from None  # the rest is advice for Python
    _save(options.out, picture.render)
    if note:
        print(note, file=sys.stderr)


def _explain(options: argparse.Namespace) -> None:
    result, values = _computed(options)
    report: Report
    if options.wrt is None:
        report = explain(result)
    elif options.wrt in values:
        report = explain(result, wrt=values[options.wrt])
    else:
        named = f"; --wrt can be {_either(values)}" if values else ""
        raise ValueError(f"the formula has no name {options.wrt!r}{named}")
    if options.form:
        print(printable(report.to_latex() if options.form == "latex" else report.to_markdown()), end="")
    else:
        print(_as_text(report))


def _page(options: argparse.Namespace) -> None:
    _check_ending(options.out, PAGES, "page")
    result, _ = _computed(options)
    _save(options.out, explain(result).to_html)


def _computed(options: argparse.Namespace) -> tuple[Value, dict[str, Value]]:
    """Read the formula: its result, with a name of its own, and the Values of the names in it."""
    result, values = read(options.formula, _numbers(options.numbers))
    names = ["y", "z", "f", *(f"y{i}" for i in range(1, len(values) + 1))]
    result.label = result.label or next(name for name in names if name not in values)
    return result, values


def _numbers(texts: Sequence[str]) -> dict[str, float]:
    try:
        return assignments(texts)
    except ValueError as error:
        if any("=" not in text and not text.isidentifier() for text in texts):  # a piece of a formula
            raise ValueError(f"{error}\nA formula with spaces or parentheses goes between quotes: {EXAMPLE}") from None
        raise


def _as_text(report: Report) -> str:
    """Write the tables, in plain characters if need be, with lines wrapped that are longer than the terminal's."""
    import shutil
    from textwrap import fill

    text = str(report)
    if printable(text) != text:
        tables = [
            Table(table.title, table.header, [[plain(str(cell)) for cell in row] for row in table.rows], table.remark)
            for table in report.tables
        ]
        text = plain(str(Report(tables)))
    columns = shutil.get_terminal_size((100, 24)).columns
    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        lines.append(line if len(line) <= columns else fill(line, columns, subsequent_indent=indent))
    return "\n".join(lines)


# ---- files -----------------------------------------------------------------------------------------------------------


def _check_ending(path: str, endings: Sequence[str], kind: str) -> None:
    if os.path.splitext(path)[1].lower() not in endings:
        raise ValueError(f"the name of a {kind} ends in {_either(endings)}, not {path!r}")


def _save(path: str, write: Callable[[str], object]) -> None:
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


def _either(words: Sequence[str] | dict[str, Value]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
