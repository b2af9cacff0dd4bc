"""README: its examples print what it says they print, and its commands are the ones that are tested."""

import contextlib
import io
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda code: code.strip().splitlines()[-1][:40])
def test_an_example_prints_what_it_says(code, tmp_path, monkeypatch, own_operation):
    import tinygrad_edu

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tinygrad_edu, "Operation", own_operation)
    expected = re.findall(r"print\(.*\)\s+# (.*)", code)
    assert expected
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue().splitlines() == expected


def test_every_picture_is_there():
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", README)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).exists()


def test_the_commands_that_ci_runs_are_in_the_readme():
    run = (ROOT / ".ci" / "run").read_text()
    for marker in re.findall(r"readme_command '(.*?)'", run):
        assert len([line for line in README.splitlines() if marker in line]) == 1
