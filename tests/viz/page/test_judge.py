"""The judge in the browser: it gives the verdicts of Python's, on the same table."""

import json
import pathlib
import random

import tinygrad_edu.viz.page.page as page_module
from tinygrad_edu.calculus.mistakes import (
    MISTAKES,
    diagnose_answer,
    flow_numbers,
    local_numbers,
    mistakes_for_page,
    results,
    sum_numbers,
    unnoticed,
)

JUDGE = pathlib.Path(page_module.__file__).with_name("judge.js")
ASKED = """([table, questions]) => questions.map(([kind, given, answers]) => {
  const numbers = { local: localNumbers, flow: flowNumbers, sum: sumNumbers }[kind](...given);
  const told = answers.map((answer) => diagnoseAnswer(table, kind, answer, numbers));
  return [told.map((found) => found?.name ?? found), unnoticed(table, kind, numbers).map((found) => found.name)];
})"""


def test_the_page_judges_as_python_does(browser):
    draw = random.Random(0)
    name = {"local": local_numbers, "flow": flow_numbers, "sum": sum_numbers}
    questions, expected = [], []
    for _ in range(100):
        a, b, c, d, e = (draw.choice([-2.0, -1.0, 0.0, 0.25, 1.0, 3.0, draw.uniform(-3, 3)]) for _ in range(5))
        for kind, given in [
            ("local", ([a, b], 0, c, [d, e])),
            ("flow", (a, b, c)),
            ("sum", ([a, b, c][: draw.randint(1, 3)],)),
        ]:
            numbers = name[kind](*given)
            answers = [
                numbers["right"],
                a,
                draw.uniform(-9, 9),
                *(x for row in MISTAKES for x in results(row, numbers)),
            ]
            told = [diagnose_answer(kind, answer, numbers) for answer in answers]
            questions.append((kind, given, answers))
            expected.append([[getattr(x, "name", x) for x in told], [row.name for row in unnoticed(kind, numbers)]])
    tab = browser.new_page()
    tab.add_script_tag(content=JUDGE.read_text(encoding="utf-8"))
    found = tab.evaluate(ASKED, json.loads(json.dumps([mistakes_for_page(), questions])))
    assert found == expected
