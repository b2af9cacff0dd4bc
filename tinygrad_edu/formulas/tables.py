"""Tables of formulas and words, which print as text, Markdown or LaTeX and show themselves in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.formulas.formula import LATEX_TEXT, Formula

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    Cell: TypeAlias = "Formula | str"


class Table:
    """A table of formulas and words, with a title above it and a remark below it."""

    def __init__(
        self, title: Sequence[Cell], header: Sequence[str], rows: Sequence[Sequence[Cell]], remark: Sequence[Cell] = ()
    ) -> None:
        self.title, self.header, self.rows, self.remark = title, header, rows, remark

    def to_text(self, columns: int) -> str:
        """As plain text; where the table is wider than so many columns, each row becomes a paragraph."""
        rows = [[str(cell) for cell in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.header, *rows)]
        if sum(widths) + 2 * (len(widths) - 1) <= columns:
            lines = [self.header, ["─" * width for width in widths], *rows]
            shown = ["  ".join(f"{cell:{width}}" for cell, width in zip(line, widths)).rstrip() for line in lines]
        else:
            shown = []
            for first, *others in rows:
                shown += [first, *[f"  {head}: {cell}" for head, cell in zip(self.header[1:], others) if cell]]
        return self._with_title(shown, str)

    def _with_title(self, lines: Sequence[str], written: Callable[[Cell], str], mark: str = "") -> str:
        title, remark = ("".join(map(written, cells)) for cells in (self.title, self.remark))
        return "\n".join([f"{mark}{title}{mark}", "", *lines, *(["", remark] if remark else [])])

    def to_markdown(self) -> str:
        """As a Markdown table, formulas between dollar signs."""
        rows = [" | ".join(_in_markdown(cell) for cell in row) for row in self.rows]
        rule = " | ".join("---" for _ in self.header)
        lines = [f"| {row} |" for row in [" | ".join(self.header), rule, *rows]]
        return self._with_title(lines, _in_markdown, "**")

    def to_latex(self) -> str:
        """As an array, for a formula of its own line."""
        header = " & ".join(_in_latex(cell) for cell in self.header)
        rows = " \\\\\n".join(" & ".join(_in_latex(cell) for cell in row) for row in self.rows)
        title, remark = ("".join(map(_in_latex_text, cells)) for cells in (self.title, self.remark))
        array = f"\\begin{{array}}{{{'l' * len(self.header)}}}\n{header} \\\\ \\hline\n{rows}\n\\end{{array}}"
        below = f"\n\n{remark}" if remark else ""
        return f"\\textbf{{{title}}}\n\\[\n{array}\n\\]{below}"


def _in_markdown(cell: Cell) -> str:
    if isinstance(cell, Formula):
        # In a label there may be what Markdown, where it knows no formulas, takes for a link.
        formulas = cell.parts[1:] if cell.parts[0] == "," else [cell]  # between formulas a line can end
        shown = ", ".join(f"${formula.latex}$" for formula in formulas)
        return shown.replace("|", r"\vert ").replace("](", r"]}\text{(")
    return "".join("\\" + c if c in r"\`*_{}[]<>()#+!|$" else c for c in cell)


def _in_latex(cell: Cell) -> str:
    if isinstance(cell, Formula):
        return rf"\displaystyle {cell.latex}"
    return rf"\text{{{cell.translate(LATEX_TEXT)}}}" if cell else ""


def _in_latex_text(cell: Cell) -> str:
    return f"${cell.latex}$" if isinstance(cell, Formula) else cell.translate(LATEX_TEXT)


class Report:
    """Tables that print as text, and show themselves as Markdown with formulas in a notebook."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.tables = tables

    def __str__(self) -> str:
        import shutil

        columns = shutil.get_terminal_size((100, 24)).columns
        return "\n\n".join(table.to_text(columns) for table in self.tables)

    __repr__ = __str__

    def to_markdown(self) -> str:
        """As Markdown tables, with formulas between dollar signs."""
        return "\n\n".join(table.to_markdown() for table in self.tables) + "\n"

    def to_latex(self) -> str:
        """As LaTeX, for a document that uses amsmath."""
        return "\n\n".join(table.to_latex() for table in self.tables) + "\n"

    def _repr_markdown_(self) -> str:
        return self.to_markdown()
