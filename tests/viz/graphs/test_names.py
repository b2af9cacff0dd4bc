"""Names: a Value is called by its label, or by the variable of the caller that holds it."""

import subprocess
import sys

import pytest

from tinygrad_edu import Value, Values, draw, explain, expression


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
