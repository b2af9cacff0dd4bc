"""Lessons' judge: right answers, the mistake in wrong ones, hints before solutions, numbers of one's own, progress."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import graphs

from tinygrad_edu import Value, gradients, sin, tanh, topological_order
from tinygrad_edu.calculus.mistakes import MISTAKES, is_telling, results
from tinygrad_edu.engine.operation import TABLE
from tinygrad_edu.lessons import (
    check,
    check_function,
    check_grad,
    check_graph,
    check_order,
    check_paths,
    check_value,
    learner,
    numbers,
    progress,
    solution,
)
from tinygrad_edu.lessons.questions import derivative_numbers

SMOOTH = [TABLE[name] for name in ("add", "subtract", "multiply", "tanh", "sin", "exp")]


@pytest.fixture(autouse=True)
def new_sheet(capsys):
    learner("Ada", questions=3)
    capsys.readouterr()


def chain():
    """y = u² + 5·w of u = a·b and w = u + a, with a used twice and u three times."""
    a, b = Value(3.0, label="a"), Value(0.5, label="b")
    u = a * b
    u.label = "u"
    w = u + a
    y = u * u + 5 * w
    return y, a, b, u


def mistake(answer, of, wrt):
    verdict = check(answer, of=of, wrt=wrt)
    return verdict.is_right or (verdict.mistake and verdict.mistake.name)


def test_each_mistake_of_the_backward_pass_is_told():
    y, a, _b, _u = chain()
    # from y to a: through u·u twice, u·b = 1.5·0.5 each; through w and u 5·0.5; through w alone 5
    assert mistake(9.0, y, a) is True
    assert mistake(-9.0, y, a) == "wrong sign"
    assert mistake(4.0, y, a) == "only one path"  # all that comes through u
    assert mistake(5.0, y, a) == "only one path"
    assert mistake(2.5, y, a) == "only one path"
    assert mistake(0.75, y, a) == "only one path"
    assert mistake(0.75 * 0.75 * 2.5 * 5, y, a) == "paths multiplied"
    assert mistake(8.25, y, a) == "one path forgotten"
    assert mistake(-1.0, y, a) == "one path with the wrong sign"
    assert mistake(0.5, y, a) == "local derivative only"  # ∂u/∂a
    assert mistake(8.0, y, a) == "upstream only"  # ∂y/∂u
    assert mistake(18.0, y, a) == "a factor counted twice"
    assert mistake(4.5, y, a) == "half of it"
    assert mistake(y.data, y, a) == "the value instead of its derivative"
    assert mistake(3.0, y, a) == "the operand instead of the derivative"
    assert mistake(1234.0, y, a) is None


def test_factors_added_along_the_path_are_told():
    x = Value(0.75, label="x")
    y = tanh(3 * x)
    assert mistake(1 - math.tanh(2.25) ** 2 + 3, y, x) == "added instead of multiplied"
    assert mistake(1 - math.tanh(2.25) ** 2, y, x) == "upstream only"
    assert mistake(3, y, x) == "local derivative only"


def test_a_product_is_not_differentiated_factor_by_factor():
    x = Value(1.5, label="x")
    y = sin(x) * (x * 2 + 1) + x
    assert mistake(math.cos(1.5) * 2 + 1, y, x) == "derivatives of factors multiplied"


def test_paths_are_counted():
    y, a, _b, u = chain()
    assert check_paths(4, of=y, wrt=a)
    assert check_paths(3, of=y, wrt=u)
    assert "along every arrow" in check_paths(1, of=y, wrt=u).message


def test_graphs_that_learners_build():
    c, other = Value(3.0, label="c"), Value(3.0)
    assert check_graph(5 * c - 2 * c - 3 * c, wrt=c, derivative=0, paths=3)
    assert check_graph(c * c - 6 * c, wrt=c, derivative=0, paths=3)
    for graph, words in [
        (c * 2, "The derivative is 2 here, not 0."),
        (c - c, "Of paths there should be 3 at least, and there are 2."),
        (c - c + 0 * c, "there are 2."),
        (..., "put a graph of your own in the place of the dots"),
        (5, "this is not computed from c"),
        ("c*c", "without quotes"),
        (other * 0, "this is not computed from c"),
    ]:
        verdict = check_graph(graph, wrt=c, derivative=0, paths=3)
        assert not verdict
        assert words in verdict.message
    assert "3 paths" in str(solution())


def test_the_hint_for_a_single_step_speaks_of_no_paths():
    y, a, _b, u = chain()
    assert "hold the others" in check(123, of=u, wrt=a).message
    assert "Follow every path" in check(123, of=y, wrt=a).message


def test_answers_are_numbers_values_or_formulas_of_the_names():
    y, a, b, u = chain()
    c = Value(4.0)
    z = c * c
    assert check(9, of=y, wrt=a)
    assert check(8.999, of=y, wrt=a)
    assert check("(2*u + 5)*b + 5", of=y, wrt=a)
    assert check(" 2*a*b*b + 5*b + 5 ", of=y, wrt=a)
    assert check((2 * u + 5) * b + 5, of=y, wrt=a)
    assert check("2*c", of=z, wrt=c)  # called as the variable


@pytest.mark.parametrize(
    ("answer", "words"),
    [(..., "put your answer in the place of the dots: a number, or a formula between quotes"), (None, "this is no answer"),
     ("2*q", "there is no q here: there is a, b"), ("2a", "write 2*a for a product"), ("2 +", "something is missing here"),
     ("1/(a-3)", "is undefined"), ("", "the formula is empty"), (True, "this is no answer")],
)  # fmt: skip
def test_what_is_no_answer_is_no_try(answer, words, capsys):
    y, a, _b, _ = chain()
    verdict = check(answer, of=y, wrt=a, question=1)
    assert not verdict
    assert words in capsys.readouterr().out
    assert solution(1) is None


def test_a_check_changes_nothing():
    y, a, b, u = chain()
    y.backward()
    before = [(node.data, node.grad) for node in (y, a, b, u)]
    check(1, of=y, wrt=a)
    check("a", of=y, wrt=b)
    assert [(node.data, node.grad) for node in (y, a, b, u)] == before


def test_first_a_hint_then_the_mistake_and_the_solution_only_after_a_try(capsys):
    y, a, _b, _ = chain()
    assert solution(1) is None
    assert "try it first" in capsys.readouterr().out
    check(5, of=y, wrt=a, question=1)
    first = capsys.readouterr().out
    assert (
        first
        == "Question 1: not yet. Hint: Count the arrows that lead to the result from here. Have you followed every one?\n"
    )
    check(5, of=y, wrt=a, question=1)
    second = capsys.readouterr().out
    assert "You followed one path only." in second
    assert "solution(1) shows how it is done." in second
    assert "= 9" in str(solution(1))


def test_verdicts_can_be_asserted():
    x = Value(3.0, label="x")
    y = x * x
    assert check(6, of=y, wrt=x)
    with pytest.raises(AssertionError):
        assert check(7, of=y, wrt=x)


def test_progress_counts_what_is_right(capsys):
    y, a, b, _ = chain()
    check(9, of=y, wrt=a, question=1)
    check(5, of=y, wrt=b, question=2)
    capsys.readouterr()
    progress()
    assert capsys.readouterr().out == "Ada: 1 of 3. Not yet right: 2.\n"
    solution()  # of the last
    check("(2*u + 5)*a", of=y, wrt=b, question=2)
    check_value(y.data, of=y, question=3)
    capsys.readouterr()
    progress()
    assert capsys.readouterr().out == "Ada: 3 of 3, 1 of them after the solution.\n"
    check(0, of=y, wrt=a, question=1)  # what was right stays so
    capsys.readouterr()
    progress()
    assert capsys.readouterr().out.startswith("Ada: 3 of 3")


def test_a_grad_is_asked_for_as_it_is(capsys):
    y, a, _b, _u = chain()
    y.backward()
    assert check_grad(9, of=a)
    y.backward()
    assert check_grad(18, of=a)
    assert check_grad(9, of=a).mistake.name == "counted once"
    assert "a.grad" in capsys.readouterr().out


def test_values_of_the_forward_pass():
    _y, _a, _b, u = chain()
    assert check_value(1.5, of=u)
    assert check_value("a*b", of=u)
    assert check_value(-1.5, of=u).mistake.name == "wrong sign"
    assert check_value(0.25, of=0.25, question=2)
    assert "u" in str(solution("u"))


def test_orders():
    y, a, b, u = chain()
    y.label = "y"
    for right in ("a b u y", "b, a, u, y", [b, a, u, y], ["a", "b", "u", "y"]):
        assert check_order(right, of=y, question=1)
    for wrong, words in [("u a b y", "u is computed from a"), ("a b y", "missing: u"), ("a b u y q", "no q"), ("a a b u y", "more than once")]:  # fmt: skip
        verdict = check_order(wrong, of=y, question=1)
        assert not verdict
        assert words in verdict.message
    assert "put the names in the place of the dots" in check_order(..., of=y).message


def test_functions_are_tried_on_many_inputs():
    def right(x, y):
        return [x + y, x * y]

    def crooked(x, y):
        return [x + y, x * y if x > 0 else 0.0]

    assert check_function(lambda x, y: [y + x, y * x], right)
    assert check_function(lambda x, y: (Value(x) + y, Value(x) * y), right)
    assert "your function gives" in check_function(crooked, right).message
    assert check_function(lambda x: -2 * x, lambda x: 2 * x).mistake.name == "wrong sign"
    assert "TypeError" in check_function(lambda: 3, right).message
    assert "an error (ZeroDivisionError" in check_function(lambda x: 1 / 0, lambda x: x).message
    assert "without calling it" in check_function(3.0, right).message


def test_wrong_use_is_an_error():
    y, a, _b, _ = chain()
    with pytest.raises(TypeError, match="of is the Value that the question is about, not float"):
        check(3, of=3.0, wrt=a)
    with pytest.raises(TypeError, match="wrt is the Value to differentiate by, not str"):
        check(3, of=y, wrt="a")
    with pytest.raises(ValueError, match="is not among the values that"):
        check(3, of=y, wrt=Value(2.0))


def test_neighbours_have_different_numbers_and_a_cell_run_again_has_the_same():
    def drawn():
        return [x.data for x in numbers("a", "b", of=lambda a, b: a * a + sin(a) * b)]

    ada = drawn()
    assert drawn() == ada
    others = set()
    for name in ("Ben", "Cem", "Dora", "Eva"):
        learner(name)
        others.add(tuple(drawn()))
    assert len(others) > 2


@given(st.text(max_size=8), st.sampled_from([
    lambda a, b: a * b + a, lambda a, b: a * a + sin(a) * b, lambda a, b: tanh(a * b + 0.25), lambda a, b: (a + b) * (a - 2 * b),
    lambda a, b: (a - 0.25).log() * b]))  # fmt: skip
def test_at_drawn_numbers_no_mistake_gives_the_right_number(name, formula):
    learner(name)
    values = numbers("a", "b", of=formula)
    y = formula(*values)
    for x in values:
        found = derivative_numbers(y, x)
        assert is_telling("derivative", found)
        for row in MISTAKES:
            for answer in results(row, found) if "derivative" in row.kinds else ():
                assert check(answer, of=y, wrt=x).mistake is not None


def test_numbers_are_drawn_for_formulas_in_which_some_mistake_is_none():
    [x] = numbers("x", of=lambda x: x.exp())
    assert x.label == "x"
    with pytest.raises(ValueError, match="was undefined at all numbers that were drawn for x"):
        numbers("x", of=lambda x: (x - x).log())


@given(graphs(SMOOTH, st.floats(-2, 2)))
def test_the_right_number_is_the_engines_derivative(nodes):
    y, x = nodes[-1], nodes[0]
    if x in {*topological_order(y)}:
        assert derivative_numbers(y, x)["right"] == pytest.approx(gradients(y, x), rel=1e-9, abs=1e-12)
