"""README: its examples print what it says they print, and its commands are the ones that are tested."""

import contextlib
import io
import pathlib
import re
import textwrap

import nbclient
import nbformat
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


SECTIONS = [section for section in README.split("\n## ") if "```python" in section]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.splitlines()[0])
def test_a_section_works_as_a_notebook(section, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    examples = re.findall(r"```python\n(.*?)```\n\n((?:    [^\n]*\n|\n)*)", section, re.DOTALL)
    cells = [nbformat.v4.new_code_cell(code) for code, _ in examples]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": tmp_path}}).execute()
    for cell in cells:
        printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        for line in re.findall(r"print\(.*\)\s+# (.*)", cell.source):
            assert line in printed.splitlines()
        if cell.source.splitlines()[-1].startswith("draw("):
            assert '<img src="data:image/svg+xml' in cell.outputs[-1].data["text/html"]


def test_every_picture_is_there():
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", README)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).exists()


def test_the_commands_that_ci_runs_are_in_the_readme():
    run = (ROOT / ".ci" / "run").read_text()
    for marker in re.findall(r"readme_command '(.*?)'", run):
        assert len([line for line in README.splitlines() if marker in line]) == 1
