"""Lessons 4 to 6: typical wrong answers are not taken for right, and what is to be shown is shown."""

import importlib.util
import pathlib
import sys

import pytest

from tinygrad_edu import Value
from tinygrad_edu.engine.operation import TABLE

LESSONS = pathlib.Path(__file__).parents[2] / "demos" / "lessons"
spec = importlib.util.spec_from_file_location("make_lessons", LESSONS / "make.py")
MAKE = importlib.util.module_from_spec(spec)
spec.loader.exec_module(MAKE)
SOURCES = {path.stem[0]: path for path in MAKE.sources()}


@pytest.fixture(autouse=True)
def _quickly(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("matplotlib", "torch"):
        monkeypatch.setitem(sys.modules, name, None)
    before = {*TABLE}
    yield
    for name in {*TABLE} - before:  # operations that lessons define
        del TABLE[name]
        delattr(Value, name)


def said_with(lesson, changes, capsys, until=""):
    """Run the teacher's cells with some texts replaced, up to that in which ``until`` is printed; return all that is
    printed."""
    cells = MAKE.notebook(SOURCES[lesson].read_text(encoding="utf-8"), teacher=True)["cells"]
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names, said = {"__name__": "lesson"}, ""
    for right, _ in changes:
        assert sum(code.count(right) for code in codes) == 1, right
    for code in codes:
        for right, wrong in changes:
            code = code.replace(right, wrong)
        exec(code, names)
        said += capsys.readouterr().out
        if until and until in said:
            break
    return said


WRONG = {
    "4": [
        ('"2*(w*x - t)*x"', '"2*(w*x - t)"', "1: not yet. Hint: You stopped on the way."),
        ('"w - 0.1 * 2*(w*x - t)*x"', '"w + 0.1 * 2*(w*x - t)*x"', "2: not yet"),
        ('"(new*x - t)**2"', '"(w*x - t)**2"', "3: not yet"),
        ("answer = 1 / (2 * x.data**2)", "answer = 0.001", "4: not yet. Hint: At 0.001 it is"),
        ("answer = 1.2 / x.data**2", "answer = 1 / (2 * x.data**2)", "5: not yet"),
        ('"g1 + g2"', '"g2"', "6: not yet"),
        ("answer = 4 * (2 + 1) + 1 * (4 + 1)", "answer = 4 * 2 + 4", "7: not yet"),
        ("        model.zero_grad()  # set all gradients to 0\n", "", "8: not yet"),
        ("answer = 0.2 ", "answer = 50.0 ", "9: not yet. Hint: At 50 it is beyond all bounds"),
    ],
    "5": [
        ("answer = 0.25 ", "answer = 1 ", "1: not yet"),
        ('"y*(1 - y) * v"', '"y*(1 - y)"', "2: not yet"),
        ('"h*(1 - h) * x"', '"x"', "3: not yet"),
        ('"y*(1 - y) * v * h*(1 - h) * x"', '"y*(1 - y) * h*(1 - h) * x"', "4: not yet"),
        ("answer = 0.25**4", "answer = 4 * 0.25", "5: not yet"),
        ("answer = 1 / (0.25 * 0.01 * 8) ** 3", "answer = 3", "6: not yet"),
        ('"-log(0.5)"', "0.5", "7: not yet"),
        ("scale = 1.0 ", "scale = 0.01 ", "8: not yet"),
        ("rate = 0.5 ", "rate = 0.0001 ", "9: not yet"),
        ("answer = 0 ", 'answer = "z" ', "10: not yet"),
        ('"0.01 * z"', "0.01", "11: not yet"),
        ("answer = 5 ", "answer = 3 ", "12: not yet"),
        ("answer = 1.0 ", "answer = -1.0 ", "13: not yet"),
    ],
    "6": [
        ('"r s"', '"r"', "1: not yet. Hint: Right so far: 1. Too many: 0. Missing: 1."),
        ('"q s"', '"none"', "2: not yet"),
        ('"q r s"', '"p q r s"', "3: not yet. Hint: Right so far: 3. Too many: 1. Missing: 0."),
        ('answer = "s"', 'answer = "t"', "4: there is no t here"),
        ("answer = 4 ", "answer = 3 ", "5: not yet"),
        ("answer = 0.75", "answer = 0.25", "6: not yet"),
        ("result.row.forward(*result.operands())", "sum(result.operands())", "7: not yet"),
        ("parent.grad = parent.grad + node.grad * local", "parent.grad = node.grad * local", "8: not yet"),
        ("lambda y, x: (-2 * x * y,)", "lambda y, x: (-2 * x,)", "9: not yet"),
        ("answer = -2 ", "answer = 0 ", "10: not yet"),
        ("lambda y, x: (3 * x * x,)", "lambda y, x: (3 * x,)", "11: not yet"),
    ],
}


@pytest.mark.parametrize("lesson", WRONG)
def test_typical_wrong_answers_are_wrong(lesson, capsys):
    said = said_with(lesson, [(right, wrong) for right, wrong, _ in WRONG[lesson]], capsys)
    for *_, verdict in WRONG[lesson]:
        assert f"Question {verdict}" in said


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("parent.grad = parent.grad + node.grad * local", "parent.grad = parent.grad + local"),
        ("for node in reversed(in_order(result, [])):", "for node in in_order(result, []):"),
        ("if result not in found:", "if True:"),
    ],
)
def test_an_engine_with_a_mistake_is_found_out(right, wrong, capsys):
    assert "Question 8: not yet" in said_with("6", [(right, wrong)], capsys, until="Question 8:")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("        loss.backward()  # go backward\n", ""),
        ("p.data = p.data - rate * p.grad  # take", "p.data = p.data + rate * p.grad  # take"),
        ("p.data = p.data - rate * p.grad  # take", "p.data = -rate * p.grad  # take"),
    ],
)
def test_a_loop_with_a_mistake_is_found_out(right, wrong, capsys):
    assert "Question 8: not yet" in said_with("4", [(right, wrong)], capsys, until="Question 8:")


def test_lessons_go_on_without_pytorch_and_matplotlib(capsys):
    assert "PyTorch is not installed here" in said_with("6", [], capsys)
    assert "There will be no diagrams" in said_with("5", [], capsys)


def test_the_twin_in_pytorch_has_the_same_derivatives(monkeypatch, tmp_path, capsys):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("torch")
    said = said_with("6", [], capsys)
    assert float(said.partition("largest difference: ")[2].split()[0]) < 1e-12
    assert "17 derivatives" in said
