"""Names: a Value is called by its label, or by the variable of the caller that holds it."""

import subprocess
import sys

import pytest

from tinygrad_edu import Value, Values, draw, explain, expression, losses, nn
from tinygrad_edu.viz.graphs.names import names_of, place_of


def named(report):
    return [str(step.name) for step in report.forward]


def test_the_callers_variables_name_the_values():
    x = Value(3.0)
    y = x * x
    z = y * y.exp()
    assert str(expression(z)) == "y·exp(y)\n  where y = x·x"
    assert named(explain(z)) == ["x", "y", "v1", "z"]
    assert str(explain(z, wrt=x)).startswith("∂z/∂x: 4 paths from z to x")
    for level in ("op", "neuron"):
        source = draw(z, level=level).source
        assert "<b>x</b>" in source
        assert "<b>z</b>" in source
    assert "x = 3.0, grad 0.0" in draw(z).source  # the tooltip


def test_names_can_be_turned_off():
    x = Value(3.0)
    y = x * x
    assert named(explain(y, names=False)) == ["v1", "v2"]
    assert str(explain(y, wrt=x, names=False)).startswith("∂v2/∂v1")
    assert str(expression(y, names=False)) == "v1·v1"
    assert "<b>y</b>" not in draw(y, names=False).source + draw(y, level="layer", names=False).source


def test_a_label_wins_and_no_other_value_takes_its_name():
    x = Value(3.0, label="y")
    y = x * x
    assert named(explain(y)) == ["y", "v1"]


def test_of_two_variables_with_one_value_the_first_names_it():
    x = Value(3.0)
    same = x
    assert named(explain(same * 2)) == ["x", "v1"]


def test_names_with_an_underscore_do_not_count():
    _ = __ = _1 = Value(3.0)
    assert named(explain(_1 * 2)) == ["v1", "v2"]


def test_only_the_caller_is_asked():
    inner = Value(3.0)

    def show(value):
        return explain(value * 1)

    assert named(show(inner)) == ["value", "v1"]


def test_in_a_comprehension_the_variables_around_it_name_the_values():
    x = Value(3.0)
    y = x * x
    assert [named(explain(each)) for each in (y, y * x)] == [["x", "y"], ["x", "y", "each"]]
    assert {str(expression(y)) for _ in range(2)} == {"x·x"}


def test_composites_that_are_opened_keep_the_name():
    x = Value(0.5)
    y = x.sigmoid()
    source = draw(y * 2, expand=True).source
    assert "<b>y</b>" in source
    assert "<b>x</b>" in source


def test_a_result_that_shows_itself_in_a_cell_is_named_after_its_variable():
    pytest.importorskip("IPython")
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as Shell\n"
        "shell = Shell.instance()\n"
        "shell.display_formatter.active_types = ['text/plain', 'image/svg+xml']\n"
        "cell = 'from tinygrad_edu import Value; x = Value(3.0); y = x * x\\ny'\n"
        "import tinygrad_edu.viz.graphs.operations as operations\n"
        "draw = operations.draw_operations\n"
        "def seen(value, expand, most, variables):\n"
        "    print(sorted(variables.values()))\n"
        "    return draw(value, expand, most, variables)\n"
        "operations.draw_operations = seen\n"
        "shell.run_cell(cell)\n"
    )
    assert "['x', 'y']" in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout


def test_values_makes_a_leaf_for_each_name():
    w, x = Values(w=0.5, x=3)
    assert (w.data, w.label, x.data, x.label) == (0.5, "w", 3.0, "x")
    with pytest.raises(TypeError, match="expected a number, not str"):
        Values(w="0.5")


# ---- networks --------------------------------------------------------------------------------------------------------


def test_networks_are_written_as_on_a_blackboard():
    y = nn.MLP(2, [2, 1], "tanh", seed=0)([1.0, 2.0])
    first, second = "x₁·w₁₁⁽¹⁾ + x₂·w₁₂⁽¹⁾ + b₁⁽¹⁾", "x₁·w₂₁⁽¹⁾ + x₂·w₂₂⁽¹⁾ + b₂⁽¹⁾"
    whole = expression(y)
    assert str(whole) == f"tanh({first})·w₁₁⁽²⁾ + tanh({second})·w₁₂⁽²⁾ + b₁⁽²⁾"
    assert r"x_{1} \cdot w_{21}^{(1)}" in whole.to_latex()
    assert named(explain(y, names=False))[5:7] == ["z₁⁽¹⁾", "h₁⁽¹⁾"]
    assert named(explain(y))[-1] == "y"


def test_layers_and_modules_are_told_where_there_are_several():
    assert str(expression(nn.Layer(2, 1, "tanh")([1.0, 2.0]))) == "tanh(x₁·w₁₁ + x₂·w₁₂ + b₁)"
    labels = ["encoder.layers.1.neurons.0.b", "hidden.neurons.11.w[2]", "neurons.2"]
    assert [str(formula) for formula in names_of([Value(1.0, label) for label in labels]).values()] == [
        "encoder.b₁⁽²⁾", "hidden.w₁₂,₃", "h₃",
    ]  # fmt: skip
    for label in ("", "x[0]", "w[0]", "layers.0.weights[1]", "neurons.x", "neurons.1.w[0].b", "my_neurons.1"):
        assert place_of(label) is None


def test_inputs_are_counted_from_one_only_beside_a_network():
    assert [str(f) for f in names_of([Value(1.0, "x[0]"), Value(1.0, "x[zero]")]).values()] == ["x[0]", "x[zero]"]


def test_what_comes_of_several_examples_is_numbered_and_looks_like_no_power():
    model = nn.Layer(1, 1, "tanh", seed=0)
    loss = losses.mse([model([1.0]), model([2.0])], [0.0, 1.0])
    names = [str(step.name) for step in explain(loss).forward]
    assert {"x₁", "x₁#2", "z₁", "z₁#2", "h₁", "h₁#2", "w₁₁", "b₁"} <= set(names)
    assert len(set(names)) == len(names)


def test_a_box_of_a_neuron_has_its_letter_and_where_to_find_it():
    source = draw(nn.MLP(2, [2, 1], seed=0)([1.0, 2.0]), level="neuron").source
    assert "<b>h₂⁽¹⁾</b>" in source
    assert "layers.0.neurons.1" in source
