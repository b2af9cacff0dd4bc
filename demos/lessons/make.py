"""Write the lessons' notebooks from their sources: ``python demos/lessons/make.py``.

Each source, such as ``1_numbers_that_remember.py``, makes two: the learner's beside it, and the teacher's in
``teacher/``. A source is Python with cells as Jupytext writes them, ``# %%`` and ``# %% [markdown]``, and these marks:

- a cell ``# %% [markdown] teacher`` is in the teacher's only;
- of a line that ends in ``# your answer`` the learner has dots for what stands right of the =;
- of ``# <learner>``, ``# <solution>``, ``# <end>`` the learner has the first part, in the source a comment, and the
  teacher the second.
"""

from __future__ import annotations

import json
import pathlib
import re

HERE = pathlib.Path(__file__).parent
CELL = re.compile(r"^# %%(?: \[(?P<kind>markdown)\])?(?P<teacher> teacher)?\n", re.MULTILINE)
CHOICE = re.compile(r"^# <learner>\n(.*?)^# <solution>\n(.*?)^# <end>\n", re.MULTILINE | re.DOTALL)
ANSWER = re.compile(r"^(\w+ = ).*?  # your answer$", re.MULTILINE)


def notebook(source: str, teacher: bool) -> dict:
    """Make the notebook, as its file holds it, of the text of a source."""
    _, *parts = CELL.split(source)
    cells = []
    for kind, only_teacher, text in zip(parts[::3], parts[1::3], parts[2::3]):
        if only_teacher and not teacher:
            continue
        if kind:
            lines = re.sub(r"^# ?", "", text.strip(), flags=re.MULTILINE)
            cell = {"cell_type": "markdown", "metadata": {}}
        else:
            lines = code(text, teacher)
            cell = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
        cells.append(cell | {"id": f"cell-{len(cells) + 1}", "source": lines.splitlines(keepends=True)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def code(text: str, teacher: bool) -> str:
    """Make the code of a cell, with answers or with dots in their place."""

    def choose(found: re.Match[str]) -> str:
        return found[2] if teacher else re.sub(r"^# ?", "", found[1], flags=re.MULTILINE)

    text = re.sub(r"\n{3,}", "\n\n\n", CHOICE.sub(choose, text).strip())
    return text.replace("  # your answer", "  # a solution") if teacher else ANSWER.sub(r"\1...  # your answer", text)


def sources() -> list[pathlib.Path]:
    """List the sources of the lessons, in order."""
    return sorted(HERE.glob("[0-9]_*.py"))


def written(path: pathlib.Path) -> dict[pathlib.Path, str]:
    """Make the text of the learner's and the teacher's file, by their paths."""
    source = path.read_text(encoding="utf-8")
    places = {path.with_suffix(".ipynb"): False, HERE / "teacher" / f"{path.stem}.ipynb": True}
    return {
        place: json.dumps(notebook(source, teacher), indent=1, ensure_ascii=False) + "\n"
        for place, teacher in places.items()
    }


if __name__ == "__main__":
    for path in sources():
        for place, text in written(path).items():
            place.parent.mkdir(exist_ok=True)
            place.write_text(text, encoding="utf-8")
            print(f"wrote {place.relative_to(HERE)}")
