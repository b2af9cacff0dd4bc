"""The lessons: right answers are right, wrong ones are told apart, and the notebooks are those of their sources."""

import importlib.util
import json
import pathlib
import re
import sys

import pytest

from tinygrad_edu import Value
from tinygrad_edu.calculus.mistakes import MISTAKES, results
from tinygrad_edu.engine.operation import TABLE
from tinygrad_edu.lessons import check, progress
from tinygrad_edu.lessons.questions import derivative_numbers

LESSONS = pathlib.Path(__file__).parents[2] / "demos" / "lessons"


def load_make():
    spec = importlib.util.spec_from_file_location("make_lessons", LESSONS / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE = load_make()


@pytest.fixture(autouse=True)
def without_large_packages(monkeypatch):
    """Lessons go on without these; the test in Jupyter has them. Operations that lessons define are gone afterwards."""
    for name in ("matplotlib", "torch"):
        monkeypatch.setitem(sys.modules, name, None)
    before = {*TABLE}
    yield
    for name in {*TABLE} - before:
        del TABLE[name]
        delattr(Value, name)


each_lesson = pytest.mark.parametrize("source", MAKE.sources(), ids=lambda path: path.stem)
LEARNERS = ["Ada", "", "Ben", "Çağla", "王", "x" * 50]
each_lesson_of_each_learner = pytest.mark.parametrize(
    ("source", "name"),  # of the later lessons, which train networks, fewer
    [(path, name) for path in MAKE.sources() for name in LEARNERS[: 6 if path.stem < "4" else 2]],
    ids=lambda part: getattr(part, "stem", None),
)


def play(source, teacher, name="Ada", before_check=None):
    """Run the cells of a notebook, one after the other; if given, call ``before_check`` with the arguments of each
    ``check`` before it."""
    names = {"__name__": "lesson", "before_check": before_check}
    for cell in MAKE.notebook(source.read_text(encoding="utf-8"), teacher)["cells"]:
        if cell["cell_type"] == "code":
            code = "".join(cell["source"]).replace('"Ada"', repr(name))
            if before_check:
                code = re.sub(r"^check(\(.*\))$", r"before_check\1\n\g<0>", code, flags=re.MULTILINE)
            exec(code, names)


@each_lesson_of_each_learner
def test_every_answer_of_the_teacher_is_right(source, name, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    play(source, teacher=True, name=name)
    said = capsys.readouterr().out
    count = said.partition("There are ")[2].split()[0]
    assert f"{name or 'You'}: {count} of {count}.\n" in said
    assert "not yet" not in said
    assert said.count(": right.") == int(count)


@each_lesson
def test_the_learner_is_told_where_answers_belong(source, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    play(source, teacher=False)
    said = capsys.readouterr().out
    count = int(said.partition("There are ")[2].split()[0])
    assert f"Ada: 0 of {count}." in said
    for number in range(1, count + 1):
        answered = said.partition(f"Question {number}: ")[2]
        assert answered.startswith(("put ", "there are still dots", "not yet"))  # not yet: code to repair


@each_lesson_of_each_learner
@pytest.mark.thorough
def test_every_mistake_of_the_table_is_told(source, name, monkeypatch, tmp_path, capsys):
    """Before each right answer to a question about a derivative come all numbers that mistakes give."""
    monkeypatch.chdir(tmp_path)
    tried = []

    def mistaken(answer, of, wrt, question):
        numbers = derivative_numbers(of, wrt)
        for row in MISTAKES:
            for given in results(row, numbers) if "derivative" in row.kinds and numbers["right"] else ():
                verdict = check(given, of=of, wrt=wrt, question=question)
                assert not verdict, f"question {question}: {row.name} gives {given} as well"
                assert MISTAKES.index(verdict.mistake) <= MISTAKES.index(row)
        tried.append(question)

    play(source, teacher=True, name=name, before_check=mistaken)
    assert len(tried) == source.read_text(encoding="utf-8").count("\ncheck(")
    capsys.readouterr()
    progress()
    assert "Not yet right" not in capsys.readouterr().out


@each_lesson
def test_answers_are_not_in_the_learners_notebook(source):
    text = source.read_text(encoding="utf-8")
    learner, teacher = (
        "".join("".join(cell["source"]) for cell in MAKE.notebook(text, kind)["cells"]) for kind in (False, True)
    )
    assert learner.count("= ...  # your answer") >= 7
    assert "# your answer" not in teacher
    assert "# a solution" not in learner
    assert "For the teacher" in teacher
    assert "teacher" not in learner
    assert "Ask the class" not in learner
    for mark in ("<learner>", "<solution>", "<end>", "%%"):
        assert mark not in learner + teacher


@each_lesson
def test_the_notebooks_are_those_of_their_source(source):
    for place, text in MAKE.written(source).items():
        assert place.read_text(encoding="utf-8") == text, "run python demos/lessons/make.py"


@pytest.mark.thorough
@each_lesson
def test_a_lesson_runs_in_jupyter(source, tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    if importlib.util.find_spec("ipykernel") is None:
        pytest.skip("needs ipykernel")
    text = json.dumps(MAKE.notebook(source.read_text(encoding="utf-8"), teacher=True))
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=100, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    words = "".join(output.get("text", "") for output in outputs)
    pictures = [output.data for output in outputs if "image/svg+xml" in output.get("data", {}).get("text/html", "")]
    assert words.count(": right.") >= 11
    assert len(pictures) >= 2
    assert "<right>" not in json.dumps(notebook)  # the message is printed, once
