"""The table of mistakes: what each gives, that none is taken for the truth, and that a browser can compute it."""

import json
import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinygrad_edu.calculus.mistakes import (
    HINTS,
    MISTAKES,
    diagnose_answer,
    flow_numbers,
    is_telling,
    local_numbers,
    mistakes_for_page,
    results,
    sum_numbers,
    tree,
    unnoticed,
)

NUMBERS = st.floats(-10, 10).filter(lambda x: abs(x) > 0.01)
FLOWS = st.builds(flow_numbers, NUMBERS, NUMBERS, NUMBERS)
SUMS = st.lists(NUMBERS, min_size=2, max_size=4).map(sum_numbers)
LOCALS = st.builds(
    lambda locals_, value, operands: local_numbers(locals_, 0, value, operands),
    st.lists(NUMBERS, min_size=1, max_size=3),
    NUMBERS,
    st.lists(NUMBERS, min_size=3, max_size=3),
)
QUESTIONS = st.one_of(
    *(st.tuples(st.just(kind), of) for kind, of in zip(["flow", "sum", "local"], [FLOWS, SUMS, LOCALS]))
)


def diagnosed(kind, answer, numbers):
    found = diagnose_answer(kind, answer, numbers)
    return getattr(found, "name", found)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(6.0, "right"), (3.0, "local derivative only"), (2.0, "upstream only"), (-6.0, "wrong sign"), (5.0, "added instead of multiplied"),
     (12.0, "a factor counted twice"), (14.0, "the value instead of its derivative"), (99.0, None)],
)  # fmt: skip
def test_what_flows_back_along_an_arrow(answer, expected):
    assert diagnosed("flow", answer, flow_numbers(upstream=2.0, local=3.0, value=7.0)) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(16.0, "right"), (5.0, "replaced instead of added"), (8.0, "only one path"), (3.0, "only one path"), (120.0, "paths multiplied"),
     (13.0, "one path forgotten"), (11.0, "one path forgotten"), (-16.0, "wrong sign"), (10.0, "one path with the wrong sign"),
     (32.0, "a factor counted twice"), (100.0, None)],
)  # fmt: skip
def test_the_sum_at_a_value_used_several_times(answer, expected):
    assert diagnosed("sum", answer, sum_numbers([8.0, 3.0, 5.0])) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(5.0, "right"), (3.0, "the other operand's derivative"), (15.0, "the value instead of its derivative"), (-5.0, "wrong sign"),
     (7.0, "the operand instead of the derivative"), (10.0, "a factor counted twice"), (2.5, "half of it"), (1.0, None)],
)  # fmt: skip
def test_the_local_derivative(answer, expected):
    assert diagnosed("local", answer, local_numbers([5.0, 3.0], 0, 15.0, [7.0, 5.0])) == expected


@given(QUESTIONS)
def test_every_mistake_is_told_from_the_truth_at_telling_numbers(question):
    kind, numbers = question
    assume(is_telling(kind, numbers))
    for mistake in MISTAKES:
        for answer in results(mistake, numbers) if kind in mistake.kinds else ():
            found = diagnose_answer(kind, answer, numbers)
            assert MISTAKES.index(found) <= MISTAKES.index(mistake)  # an earlier one may give the same number


@given(QUESTIONS)
def test_the_right_number_is_right_as_it_is_shown(question):
    kind, numbers = question
    for written in (numbers["right"], float(f"{numbers['right']:.4g}")):
        assert diagnose_answer(kind, written, numbers) == "right"


@given(QUESTIONS)
def test_numbers_are_telling_unless_a_mistake_gives_the_right_one(question):
    kind, numbers = question
    taken_for_right = [
        mistake for mistake in MISTAKES
        if kind in mistake.kinds and any(diagnose_answer(kind, answer, {"right": numbers["right"]}) == "right" for answer in results(mistake, numbers))
    ]  # fmt: skip
    assert unnoticed(kind, numbers) == taken_for_right
    assert is_telling(kind, numbers) == (not taken_for_right)


@pytest.mark.parametrize("right", [0.0, math.inf, math.nan])
def test_nothing_is_asked_where_there_is_no_number_to_tell(right):
    assert not is_telling("flow", {"right": right})
    assert diagnose_answer("flow", 3.0, {"right": right}) is None


def test_a_factor_of_1_and_a_single_path_leave_other_mistakes_to_be_told():
    assert is_telling("flow", flow_numbers(1.0, 3.5, 5.0))
    assert is_telling("flow", flow_numbers(3.5, 1.0, 5.0))
    assert is_telling("sum", sum_numbers([3.5, 0.0]))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_formula_is_arithmetic_that_means_the_same_in_javascript(mistake):
    numbers = {"right": 3.0, "one": 5.0, "product": 7.0, "last": 11.0, "local": 13.0, "upstream": 17.0, "added": 19.0, "value": 23.0,
               "other": 29.0, "operand": 31.0, "factors": 37.0}  # fmt: skip
    assert re.fullmatch(r"[a-z0-9.* +-]+", mistake.formula)
    assert results(mistake, numbers) == [eval(mistake.formula, {}, numbers)]
    assert json.loads(json.dumps(tree(mistake.formula))) == tree(mistake.formula)
    assert set(mistake.kinds) <= set(HINTS)
    assert mistake.diagnosis.endswith(".")


def test_the_page_is_given_what_belongs_to_its_questions():
    page = json.loads(json.dumps(mistakes_for_page()))
    asked = {"local", "flow", "sum"}
    assert [row["name"] for row in page["mistakes"]] == [row.name for row in MISTAKES if asked & {*row.kinds}]
    assert page["hints"] == {kind: HINTS[kind] for kind in asked}
    assert {"name", "kinds", "formula", "diagnosis", "hint"} == set(page["mistakes"][0])
