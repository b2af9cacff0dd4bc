"""What one does on the page: numbers are changed, questions answered, inputs learn."""

import pytest

from tinygrad_edu import Value, explain, log, tanh
from tinygrad_edu.formulas.formula import digits


def neuron(w=0.5, x=-2.0, b=0.25):
    w, x, b = Value(w, label="w"), Value(x, label="x"), Value(b, label="b")
    y = tanh(w * x + b)
    y.label = "y"
    return y


def shown(tab, box):
    return [tab.text_content(f"#n{box} .data"), tab.text_content(f"#n{box} .grad")]


def expected(value, box):
    value.backward()
    node = explain(value, names=False).order[box]
    return [f"data {digits(node.data)}", f"grad {digits(node.grad)}"]


def test_everything_follows_what_is_typed_slid_and_stepped(visit):
    tab = visit(neuron())
    tab.keyboard.press("End")
    tab.fill("#x0", "1,5")
    assert [shown(tab, i) for i in (0, 1, 5)] == [expected(neuron(w=1.5), i) for i in (0, 1, 5)]
    tab.fill("#x0", "−1e-1")
    assert shown(tab, 1) == expected(neuron(w=-0.1), 1)
    tab.fill("#x0", "2 apples")  # no number: nothing changes, and the field says so
    assert tab.get_attribute("#x0", "aria-invalid") == "true"
    assert shown(tab, 1) == expected(neuron(w=-0.1), 1)
    tab.press("#x0", "Enter")
    assert tab.input_value("#x0") == "−0.1"
    tab.press("#x0", "ArrowUp")
    assert shown(tab, 0) == expected(neuron(w=-0.09), 0)
    tab.focus("#x1 + input")
    tab.keyboard.press("Home")
    assert shown(tab, 1) == expected(neuron(w=-0.09, x=-4.0), 1)
    tab.click("#reset")
    assert [tab.input_value(f"#x{i}") for i in (0, 1)] == ["0.5", "−2"]
    assert tab.is_disabled("#reset")


def test_sentences_and_formulas_follow_too(visit):
    tab, other = visit(neuron()), visit(neuron(w=-1.25))
    steps = int(tab.get_attribute("#slider", "max"))
    tab.fill("#x0", "-1.25")
    for step in range(steps + 1):
        for each in (tab, other):
            each.fill("#slider", str(step))
        assert tab.inner_text("#step") == other.inner_text("#step")
        assert tab.inner_html("#drawing") == other.inner_html("#drawing")
    for box in (0, 1, 5):
        for each in (tab, other):
            each.click(f"#n{box}")
        assert tab.inner_text("#about") == other.inner_text("#about")


def test_the_address_holds_the_numbers_and_the_step(visit):
    tab = visit(neuron(), "#w=-1.5&step=6&nobody=3&x=many")
    assert tab.text_content("#count") == "step 7 of 11"
    assert tab.input_value("#x0") == "−1.5"
    assert tab.input_value("#x1") == "−2"
    tab.keyboard.press("ArrowRight")
    tab.fill("#x1", "0.5")
    assert tab.evaluate("location.hash") == "#w=-1.5&x=0.5&step=7"


def test_an_undefined_value_is_told_as_python_tells_it(visit):
    tab = visit(log(Value(2.0, label="z")) * 3)
    tab.fill("#x0", "-1")
    tab.focus("#panel")
    tab.keyboard.press("End")
    assert tab.text_content("#title") == "Here it ends"
    with pytest.raises(ValueError, match="undefined") as error:
        log(Value(-1.0, label="z"))
    assert tab.text_content("#words").casefold() == f"{error.value}.".casefold()
    assert tab.text_content("#n1 .data") == "data ?"
    tab.fill("#x0", "1")
    assert tab.text_content("#n1 .data") == "data 0"


def test_questions_are_asked_before_each_step_back_and_mistakes_told_apart(visit):
    a, b = Value(3.0, label="a"), Value(-2.5, label="b")
    tab = visit(a * b + a)
    tab.click("#quiz")
    kinds, asked = set(), 0
    while tab.is_enabled("#next"):
        tab.click("#next")
        while tab.is_visible("#question"):
            asked += 1
            kinds.add(tab.text_content("#question-words").rpartition(". ")[2].split()[-1])
            right = tab.evaluate("quiz.open[0].numbers.right")
            tab.fill("#answer", str(-right))
            tab.keyboard.press("Enter")
            assert "✗ Not yet. If this number grew a little" in tab.text_content("#feedback")
            tab.keyboard.press("Enter")
            assert tab.text_content("#feedback") == "✗ The size is right, the sign is not."
            tab.fill("#answer", f"{right}/2*(1 + 1)")
            tab.keyboard.press("Enter")
            assert tab.text_content("#feedback").startswith("✓")
    assert {"derivative?", "far?"} <= kinds
    assert f"0 of {asked} at the first try" in tab.text_content("#score")


def test_an_answer_may_name_the_values_and_a_bad_one_is_no_try(visit):
    tab = visit(neuron())
    tab.click("#quiz")
    tab.click("#next")
    assert "local derivative" in tab.text_content("#question-words")
    for bad, said in [
        ("", "something is missing"),
        ("2*q", "there is no q"),
        ("(1", "never closed"),
        ("1/0", "undefined"),
    ]:
        tab.fill("#answer", bad)
        tab.keyboard.press("Enter")
        assert said in tab.text_content("#feedback").lower()
    assert not tab.is_visible("#give-up")
    tab.fill("#answer", "1 - y**2")
    tab.keyboard.press("Enter")
    assert tab.text_content("#feedback").startswith("✓")
    assert "1 of 1 at the first try" in tab.text_content("#score")


def test_a_question_about_other_numbers_is_withdrawn(visit):
    tab = visit(neuron())
    tab.click("#quiz")
    tab.click("#next")
    assert tab.is_visible("#question")
    tab.fill("#x0", "-1.25")
    assert not tab.is_visible("#question")
    tab.click("#next")
    assert tab.evaluate("quiz.open[0].numbers.right") == tab.evaluate("computation.uses[0].local")


def test_numbers_at_which_a_mistake_goes_unnoticed_are_drawn_again(visit):
    tab = visit(Value(2.0, label="a") * Value(2.0, label="b"))  # here 2 + 2 and 2 · 2 are the same
    assert tab.evaluate("hidden()") > 0
    tab.click("#quiz")
    assert tab.evaluate("hidden()") == 0
    assert "These numbers were drawn" in tab.text_content("#score")
    tab.click("#reset")
    assert tab.input_value("#x0") == "2"


def test_inputs_learn_by_gradient_descent(visit):
    w, x = Value(2.0, label="w"), Value(3.0, label="x")
    y = (w * x - 1) ** 2
    tab = visit(y)
    tab.click("#descent summary")
    tab.fill("#rate", "0.01")
    tab.click("#descend")
    y.backward()
    assert float(tab.input_value("#x0")) == pytest.approx(2 - 0.01 * w.grad)
    assert tab.input_value("#x1") == "3"  # only what is called w or b, if there is no parameter
    assert "25 → " in tab.text_content("#descended")
    for _ in range(4):
        tab.click("#descend-ten")
    assert float(tab.input_value("#x0")) == pytest.approx(1 / 3, abs=1e-3)
    assert len(tab.get_attribute("#curve polyline", "points").split()) == 42
    tab.fill("#x0", "3")
    tab.click("#descend")  # from another place the curve begins anew
    assert len(tab.get_attribute("#curve polyline", "points").split()) == 2
    tab.fill("#rate", "5")
    tab.click("#reset")
    tab.click("#descend")
    assert "it went up. Take a smaller rate" in tab.text_content("#descended")
    tab.fill("#rate", "fast")
    tab.click("#descend")
    assert "a number above 0" in tab.text_content("#descended")
