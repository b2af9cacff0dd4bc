"""README: its examples print what it says they print, and its commands are the ones that are tested."""

import contextlib
import importlib.util
import io
import pathlib
import re
import textwrap

import pytest

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n((?:    [^\n]*\n|\n)*)", README, re.DOTALL)  # and the output below it


@pytest.mark.parametrize(("code", "output"), EXAMPLES, ids=lambda text: text.strip()[-40:].splitlines()[-1:])
def test_an_example_prints_what_it_says(code, output, tmp_path, monkeypatch, own_operation):
    import tinygrad_edu

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tinygrad_edu, "Operation", own_operation)
    expected = re.findall(r"print\(.*\)\s+# (.*)", code) + textwrap.dedent(output).strip().splitlines()
    assert expected
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue().rstrip().splitlines() == expected


def test_every_example_runs_in_a_notebook_and_the_first_ends_with_its_picture(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat.v4"), pytest.importorskip("nbclient")
    if importlib.util.find_spec("ipykernel") is None:
        pytest.skip("needs ipykernel")
    cells = [nbformat.new_code_cell(cell) for code, _ in EXAMPLES for cell in ("%reset -f", code)]
    notebook = nbformat.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=100, resources={"metadata": {"path": tmp_path}}).execute()
    for (code, below), cell in zip(EXAMPLES, notebook.cells[1::2]):
        printed = "".join(shown.get("text", "") for shown in cell.outputs if shown.get("name") == "stdout")
        expected = re.findall(r"print\(.*\)\s+# (.*)", code) + textwrap.dedent(below).strip().splitlines()
        lines = [line for line in printed.splitlines() if line and "epochs |" not in line]  # without the progress bar
        assert lines == [line for line in expected if line]
    assert '<img src="data:image/svg+xml' in notebook.cells[1].outputs[-1].data["text/html"]


def test_every_picture_is_there():
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", README)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).exists()


def test_the_commands_that_ci_runs_are_in_the_readme():
    run = (ROOT / ".ci" / "run").read_text()
    for marker in re.findall(r"readme_command '(.*?)'", run):
        assert len([line for line in README.splitlines() if marker in line]) == 1
