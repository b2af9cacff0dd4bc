"""Answers of which several are right: numbers that do what they should, and choices among names."""

import math

import pytest

from tinygrad_edu.lessons import check_names, check_within, learner, solution


@pytest.fixture(autouse=True)
def new_sheet(capsys):
    learner("Ada")
    capsys.readouterr()


def test_a_number_is_right_if_what_comes_of_it_is_in_the_range():
    assert check_within(1.2, of=lambda x: x * x, low=1, high=2)
    assert check_within(2, of=lambda x: x, low=2)
    assert check_within(2, of=lambda x: x, high=2)
    assert "between 1 and 2" in check_within(3, of=lambda x: x, low=1, high=2).message
    assert "at least 4" in check_within(3, of=lambda x: x, low=4).message
    assert "at most 2" in check_within(3, of=lambda x: x, high=2).message


@pytest.mark.parametrize("f", [lambda x: math.nan, lambda x: 1 / 0, lambda x: math.exp(1e9), lambda x: math.inf])
def test_what_diverges_is_not_in_the_range(f):
    assert "beyond all bounds" in check_within(3, of=f, high=2).message


@pytest.mark.parametrize(("answer", "words"), [(..., "put a number in the place of the dots"), ("2*a", "this is no number"),
                                               (True, "this is no number"), (None, "this is no number")])  # fmt: skip
def test_what_is_no_number_is_no_try(answer, words, capsys):
    assert words in check_within(answer, of=lambda x: x, high=2, question=1).message
    assert solution(1) is None


def test_the_solution_is_searched_for():
    check_within(100, of=lambda x: x * x, low=0.09, high=0.1, question=1)
    assert "For example 0.3: at it, it is 0.09" in solution(1)
    check_within(100, of=lambda x: 7.0, high=2, question=2)
    assert solution(2) == "No round number gives something at most 2."


def test_names_are_right_in_any_order():
    assert check_names("b, a", of=["a", "b"], among="abc")
    assert check_names("none", of=[], among="abc")
    assert check_names("", of=[], among="abc")
    assert "Right so far: 1. Too many: 1. Missing: 1." in check_names("a c", of=["a", "b"], among="abc").message
    assert "Missing: 2" in check_names("none", of=["a", "b"], among="abc", question=1).message
    assert solution(1) == "It is a, b."


def test_what_is_not_among_the_names_is_no_try():
    assert "there is no q here: there is a, b, c" in check_names("q", of=["a"], among="abc", question=1).message
    assert "put names in the place of the dots" in check_names(..., of=["a"], among="abc", question=1).message
    assert solution(1) is None
