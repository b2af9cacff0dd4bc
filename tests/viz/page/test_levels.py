"""Networks on the live page: an overview of neurons or layers, each of which opens, at whatever numbers."""

import random
import re

import pytest

from tinygrad_edu import Value, data, explain, losses, mean, nn, topological_order
from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import digits
from tinygrad_edu.viz.page.levels import Insides, examples

# Of each box of the overview its texts in the drawing, and what the panel says of it.
OVERVIEW = """() => {
  show(steps.length - 1);
  return nodes.map(({ name, kind, gradient, parts }, b) => [
    name, kind, boxes[b].data.textContent, boxes[b].grad.textContent, gradient, ...parts.map(([, { text }]) => text),
  ]);
}"""
# Of each example of each box the texts of its boxes and arrows, beside the numbers of the Values.
INSIDES = """() => scenes.slice(1).map((inside) => {
  enter(inside, 999);
  return {
    name: inside.name,
    boxes: boxes.map(({ name, data, grad }, n) => [inside.leaves[n], name.textContent, data?.textContent, grad?.textContent]),
    arrows: wires.filter(({ local }) => local).map(({ node, index, local }) => [inside.leaves[node], index, local.textContent]),
  };
})"""
MOVE = """(numbers) => change(Object.fromEntries(numbers.map((x, k) => [computation.leaves[k], x])))"""

pytestmark = pytest.mark.thorough


def xor():
    """The loss of a small network on its four examples."""
    model = nn.MLP(2, [4, 1], "tanh", seed=0)
    loss = mean([losses.mse(model(x), t) for x, t in zip(*data.xor())])
    loss.label = "loss"
    return loss


def leaves_of(value):
    return [node for node in topological_order(value) if node.op is None and not isinstance(node, Constant)]


def computed_at(value, numbers):
    """The same computation at other numbers."""
    for leaf, x in zip(leaves_of(value), numbers):
        leaf.data = x
    for node in topological_order(value):
        if node.op is not None:
            node.data = node.op.forward(*[parent.data for parent in node.parents])
    return value


def settings(value, count):
    dice = random.Random(5)
    return [[round(dice.uniform(-2, 2), 2) for _ in leaves_of(value)] for _ in range(count)]


def expected_overview(folded):
    """What the tables of an explanation say, as the page says it."""
    forward, backward = ({str(row[0]): [*map(str, row[1:])] for row in table.rows} for table in folded.tables)
    boxes = []
    for box, title in folded.titles.items():
        name = str(title)
        by, _, _, gave = forward[name]
        arrived, sent, learned = backward[name]
        path = f"{box.path}: " if box.path and box.path != name else ""
        learned = re.sub(r"^\d+ parameters: ", "", learned).replace(": ", " = ")
        parts = [part for part in [*sent.split(", "), *learned.split(", ")] if part]
        boxes.append([name, path + by, f"data {gave}", f"grad {arrived}", arrived, *parts])
    return boxes


@pytest.mark.parametrize("level", ["neuron", "layer"])
def test_the_overview_says_what_python_says(visit, level):
    loss = xor()
    tab = visit(loss, level=level)
    assert tab.evaluate(OVERVIEW) == expected_overview(explain(loss, level=level, names=False))
    for numbers in settings(loss, 3):
        tab.evaluate(MOVE, numbers)
        expected = expected_overview(explain(computed_at(loss, numbers), level=level, names=False))
        assert tab.evaluate(OVERVIEW) == expected


def test_the_inside_of_each_box_says_what_python_says(visit):
    loss = xor()
    tab = visit(loss, level="neuron")
    for numbers in settings(loss, 2):
        tab.evaluate(MOVE, numbers)
        explanation = explain(computed_at(loss, numbers), names=False)
        order, locals_ = explanation.order, {(step.node, step.index): step.local for step in explanation.backward}
        shown = tab.evaluate(INSIDES)
        assert len(shown) == 7 * 4 + 1  # four examples of each box, and one loss
        for scene in shown:
            for i, name, data_text, grad_text in scene["boxes"]:
                assert name == explanation.names[order[i]].text
                if not isinstance(order[i], Constant):
                    assert data_text == f"data {digits(order[i].data)}"
                    assert grad_text == f"grad {digits(explanation.gradients[order[i]])}"
            for i, index, text in scene["arrows"]:
                assert text == f"× {digits(locals_[order[i], index])}"


def test_a_box_is_opened_and_left_with_the_mouse(visit):
    tab = visit(xor(), level="neuron")
    tab.fill("#slider", "12")
    tab.click("#n3")
    assert tab.text_content("#about-name") == "h₂⁽¹⁾"
    tab.click("#open")
    assert tab.inner_text("#level-name") == "Inside h₂⁽¹⁾"
    assert tab.text_content("#title") == "What arrives at h₂⁽¹⁾"
    assert tab.locator("#drawing svg").count() == 1
    assert tab.eval_on_selector_all(".input:visible label", "all => all.length") <= 5
    tab.click("#back")
    assert not tab.is_visible("#level")
    assert tab.input_value("#slider") == "12"
    tab.dblclick("#n6")  # of what it received one can go on to where that comes from
    assert tab.inner_text("#level-name") == "Inside h₁⁽²⁾"
    tab.dblclick("#n1")
    assert tab.inner_text("#level-name") == "Inside h₂⁽¹⁾"
    tab.dblclick("#n0")  # an input is only told about
    assert tab.text_content("#about-name") == "x₁"


def test_a_box_is_opened_and_left_with_the_keyboard(visit):
    tab = visit(xor(), level="neuron")
    focus = "[scene.name, document.activeElement.querySelector('.name').textContent]"
    tab.focus("#n0")
    for key in ("ArrowRight", "ArrowRight", "Enter", "Enter"):
        tab.keyboard.press(key)
    assert tab.evaluate(focus) == ["h₁⁽¹⁾", "x₁"]
    tab.keyboard.press("Escape")
    assert tab.evaluate(focus) == ["", "h₁⁽¹⁾"]
    tab.keyboard.press("Escape")
    assert tab.evaluate(focus) == ["", "h₁⁽¹⁾"]


def test_an_example_is_chosen_and_the_address_tells_where_one_is(visit):
    tab = visit(xor(), level="neuron")
    tab.dblclick("#n2")
    assert "This is example 1 of 4." in tab.text_content("#words")
    tab.keyboard.press("End")
    tab.select_option("#example", index=2)
    assert tab.text_content("#n0 .name") == "x₁#3"
    assert tab.evaluate("at === steps.length - 1")
    tab.reload()
    assert tab.text_content("#n0 .name") == "x₁#3"
    assert tab.evaluate("[scene.name, at === steps.length - 1]") == ["h₁⁽¹⁾, example 3", True]


def test_what_is_changed_inside_is_changed_everywhere(visit):
    loss = xor()
    tab = visit(loss, level="neuron")
    tab.dblclick("#n2")
    tab.click("#changes summary")
    tab.fill("[aria-label='w₁₁⁽¹⁾, parameter']", "2.5")
    tab.keyboard.press("Escape")  # leaves the field, not the box
    tab.click("#back")
    changed = "layers.0.neurons.0.w[0]"
    numbers = [2.5 if leaf.label == changed else leaf.data for leaf in leaves_of(loss)]
    expected = expected_overview(explain(computed_at(loss, numbers), level="neuron", names=False))
    assert tab.evaluate(OVERVIEW) == expected


def test_the_steps_go_box_by_box(visit):
    tab = visit(xor(), level="layer")
    titles = tab.evaluate("steps.map(({ title }) => title)")
    names = ["layers.0", "h₁⁽²⁾", "−", "^", "loss"]
    assert titles[:6] == ["What is given", *[f"Compute {name}" for name in names]]
    assert titles[6:] == [*[f"Back through {name}" for name in reversed(names)], "All gradients are known"]
    tab.fill("#slider", "1")
    assert tab.text_content("#words") == "From x come 16 values, −0.5656 … 0.8351, by linear, tanh."
    tab.fill("#slider", "10")
    assert tab.eval_on_selector_all(".wire.current", "all => all.map(({ id }) => id)") == ["e1_0"]
    tab.evaluate("choose(byId('e1_0'))")
    assert tab.text_content("#about-name") == "x → layers.0"
    assert tab.text_content("#about-kind") == "Forward 0 … 1 goes along this arrow, backward 0 … 0.1651."


def test_where_the_computation_fails_the_overview_and_the_inside_say_so(visit):
    neuron = nn.MLP(1, [1, 1], None, seed=0)
    tab = visit(neuron([2.0]).exp().log(), level="neuron")
    tab.evaluate("change({ [computation.leaves[0]]: 1e6 })")
    for where in ("", "#n2"):
        if where:
            tab.dblclick(where)
        tab.keyboard.press("End")
        assert tab.text_content("#title") == "Here it ends"
        assert "is too large for a float" in tab.text_content("#words")
    tab.evaluate("change({ [computation.leaves[0]]: 1 })")
    assert tab.text_content("#title") != "Here it ends"


def test_what_stands_still_and_what_was_only_given_have_a_page_too(visit, own_operation):
    cube = own_operation("cube", lambda x: x**3, lambda y, x: (3 * x * x,))
    tab = visit(cube(nn.MLP(1, [1], seed=0)([2.0])), level="layer")
    assert "cube" in tab.text_content("#fixed")
    tab.dblclick("#n1")
    assert tab.inner_text("#level-name") == "Inside h₁"
    tab = visit(Value(2.0, label="x"), level="neuron")
    tab.dblclick("#n0")
    assert tab.text_content("#about-name") == "x"


def test_questions_are_asked_inside_of_boxes(visit):
    tab = visit(xor(), level="neuron")
    assert not tab.is_visible("#quiz")
    tab.dblclick("#n2")
    tab.select_option("#example", index=3)
    tab.click("#quiz")
    tab.click("#next")
    assert "From h₁⁽¹⁾#4 back to z₁⁽¹⁾#4." in tab.text_content("#question-words")
    tab.click("#back")
    assert not tab.is_visible("#question")


@pytest.mark.parametrize("level", ["neuron", "layer"])
def test_the_page_is_one_small_file(tmp_path, level):
    path = tmp_path / "page.html"
    explain(xor(), level=level).to_html(path)
    assert path.stat().st_size <= 150_000


def test_the_page_shows_itself_in_a_notebook():
    shown = explain(xor(), level="layer").live()._repr_html_()
    assert "Inside of a box" in shown
    assert 'alt="Graph of loss' in shown


def test_neurons_of_a_layer_share_a_drawing():
    folded = explain(nn.MLP(3, [4, 3, 1], "tanh", seed=0)([1.0, 2.0, 3.0]), level="neuron")
    assert len(Insides(folded).drawings) == 3


def test_an_example_receives_what_another_one_gave():
    model = nn.Module()
    model.cell = nn.Neuron(1, "tanh", seed=0)
    first = model.cell([1.0])
    second = model.cell([first])
    folded = explain(first * second, level="neuron", names=False)
    (box,) = [box for box in folded.outputs if box.path]
    assert [(example.received[-1], example.results) for example in examples(folded, box)][1] == (first, [second])


def test_too_large_a_computation_is_refused(tmp_path):
    path = tmp_path / "page.html"
    loss = mean(Value(float(i)) * 2 for i in range(1100))
    with pytest.raises(ValueError, match="values are too many for a page, which takes up to 2000"):
        explain(loss, level="neuron").to_html(path)
    assert not path.exists()
