"""Explanations: their numbers are the engine's, and every way to print them is well formed."""

import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import ROWS, graphs

from tinygrad_edu import Value, explain, expression, nn, no_grad, topological_order
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.value import Constant
from tinygrad_edu.nn.module import Parameter
from tinygrad_edu.viz.explaining.paths import count_paths

NASTY = ["a|b", "||", "`code`", "<script>alert(1)</script>", "**b**", "a\nb", "\\", "$", "$$", "{", "}", "_x_", "#", "&",
         "%", "~", "^", "\0", "\ud800", "🎉", "x" * 10_000, "[a](javascript:b)", "\\|", "\\]", "| --- |", "&lt;b&gt;"]  # fmt: skip


def snapshot(root):
    return [(node, node.data, node.grad, node.label, node.op) for node in topological_order(root)]


def neuron():
    w, x, b = Value(0.5, label="w"), Value(2.0, label="x"), Value(-1.25, label="b")
    z = w * x + b
    z.label = "z"
    y = z.tanh()
    y.label = "y"
    return y, w, x, b, z


# ---- the numbers are those of backward -------------------------------------------------------------------------------


@st.composite
def differentiable(draw, **options):
    nodes = draw(graphs(**options))
    try:
        nodes[-1].backward()
        for node in topological_order(nodes[-1]):
            local_derivatives(node)  # backward asks for none where nothing arrives
    except (ArithmeticError, ValueError):
        assume(False)
    assume(all(math.isfinite(node.grad) for node in nodes))
    return nodes


@given(differentiable())
def test_contributions_add_up_to_what_backward_finds_bit_for_bit(nodes):
    root = nodes[-1]
    before = snapshot(root)
    explanation = explain(root)
    assert snapshot(root) == before
    totals = dict.fromkeys(explanation.order, 0.0)
    totals[root] = 1.0
    for step in explanation.backward:
        assert step.parent is step.node.parents[step.index]
        assert step.upstream == totals[step.node]
        totals[step.parent] += step.amount
        assert step.total == totals[step.parent]
    for node in explanation.order:
        if not isinstance(node, Constant):
            assert explanation.gradients[node] == totals[node] == node.grad


@given(differentiable())
def test_steps_are_in_the_order_of_the_forward_and_of_the_backward_pass(nodes):
    explanation = explain(nodes[-1])
    order = topological_order(nodes[-1])
    assert [step.node for step in explanation.forward] == [n for n in order if not isinstance(n, Constant)]
    expected = [
        (node, index)
        for node in reversed(order)
        for index, parent in enumerate(node.parents)
        if not isinstance(parent, Constant)
    ]
    assert [(step.node, step.index) for step in explanation.backward] == expected


@given(differentiable(size=6), st.data())
def test_one_gradient_is_that_of_backward(nodes, data):
    root = nodes[-1]
    wrt = data.draw(st.sampled_from(topological_order(root)))
    before = snapshot(root)
    explanation = explain(root, wrt=wrt)
    assert snapshot(root) == before
    assert explanation.count == count_paths(root, wrt)
    assert len(explanation.paths) == min(explanation.count, 20)
    if not isinstance(wrt, Constant):
        assert explanation.total == wrt.grad
    if explanation.count <= 20:
        assert math.fsum(path.product for path in explanation.paths) == pytest.approx(
            explanation.total, rel=1e-9, abs=1e-9 * max([1.0, *(abs(path.product) for path in explanation.paths)])
        )


def test_where_nothing_arrives_an_infinite_derivative_has_no_step_but_spoils_a_path():
    x = Value(1.0, label="x")
    y = x.arccos() * 0.0
    explanation = explain(y)
    assert [step.node for step in explanation.backward] == [y]
    assert explanation.gradients[x] == 0.0
    assert explanation.failure == ""
    with pytest.raises(ZeroDivisionError, match=r"the derivative of arccos at x = 1\.0 is infinite"):
        explain(y, wrt=x)


def test_grads_that_are_there_already_do_not_matter():
    y, w, *_ = neuron()
    for node in topological_order(y):
        node.grad = 100.0
    assert explain(y).gradients[w] == explain(y, wrt=w).total == pytest.approx(1.88, rel=1e-2)


def test_inside_no_grad_it_explains_the_same():
    y, *_ = neuron()
    expected = str(explain(y))
    with no_grad():
        assert str(explain(y)) == expected


def test_a_leaf_is_explained_as_what_it_is():
    x = Value(2.0, label="x")
    explanation = explain(x)
    assert [(step.name.text, step.formula) for step in explanation.forward] == [("x", None)]
    assert explanation.backward == []
    assert explanation.gradients == {x: 1.0}
    assert explain(x, wrt=x).total == 1.0


def test_a_dead_unit_passes_on_zeros():
    w, x, b = Parameter(1.0, label="w"), Value(-2.0, label="x"), Parameter(0.5, label="b")
    explanation = explain(ops.linear(x, w, b).relu())
    assert [(step.parent.label, step.amount) for step in explanation.backward] == [
        ("", 0),
        ("x", 0),
        ("w", 0),
        ("b", 0),
    ]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("factor", [0.0, 1.0])
def test_where_backward_fails_so_does_the_explanation_and_nowhere_else(own_operation, count, factor):
    def rule(y, *xs):
        raise ValueError("none here")

    own = own_operation("own", lambda *xs: 1.0, rule)
    x = Value(1.0, label="x")
    root = own(*[x] * count) * factor + x
    explanation, said = explain(root), ""
    try:
        root.backward()
    except ValueError as error:
        said = str(error)
    assert (explanation.failure.partition(": here")[0]) == said
    assert (said == "") is (factor == 0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.sqrt(),
        lambda x: ops.hypot(x, x),
        lambda x: x**0.5,
        lambda x: (x + 1).arccos(),
    ],
)
def test_an_infinite_derivative_is_the_error_of_backward(f):
    x = Value(0.0, label="x")
    root = f(x)
    with pytest.raises(ZeroDivisionError) as expected:
        root.backward()
    with pytest.raises(ZeroDivisionError) as error:
        explain(root, wrt=x)
    assert str(error.value) == str(expected.value)
    explanation = explain(root)
    assert (
        explanation.failure
        == f"{expected.value}: here backward() raises ZeroDivisionError, and adds nothing to any grad."
    )
    assert str(explanation).endswith(explanation.failure)
    assert len(explanation.forward) == sum(not isinstance(node, Constant) for node in topological_order(root))


def test_two_uses_in_one_operation_are_told_apart():
    x = Value(3.0, label="x")
    steps = explain(x * x).backward
    assert [f"{step.ratio} = {step.rule}" for step in steps] == [
        "∂(x₍₁₎·x₍₂₎)/∂x₍₁₎ = x₍₂₎",
        "∂(x₍₁₎·x₍₂₎)/∂x₍₂₎ = x₍₁₎",
    ]
    steps = explain(x / x).backward
    assert [str(step.rule) for step in steps] == ["1 / x₍₂₎", "−x₍₁₎ / x₍₂₎²"]
    assert repr(steps[0]) == "<contribution ∂(x₍₁₎ / x₍₂₎)/∂x₍₁₎ = 1 / x₍₂₎: 1 × 0.3333 = 0.3333>"


def test_numbers_set_after_the_computation_are_not_explained_away():
    x = Value(2.0, label="x")
    y = x * x
    y.label = "y"
    x.data = 5.0
    for wrt in (None, x):
        with pytest.raises(ValueError, match=r"y = 4\.0 was computed before what it was made from got other numbers"):
            explain(y, wrt=wrt)
    x.data = 2.0
    assert explain(y).gradients[x] == 4.0
    assert explain(Value(math.nan) * 2).failure == ""


def test_infinities_and_nan_are_explained():
    x = Value(math.nan, label="x")
    assert "NaN" in str(explain(x * math.inf))
    assert explain(Value(1.0, label="x") * math.inf).backward[0].amount == math.inf


# ---- what may be asked -----------------------------------------------------------------------------------------------


def test_wrt_is_a_value_of_the_graph():
    y, _, x, *_ = neuron()
    with pytest.raises(
        ValueError,
        match=r"Value\(data=1\.0, grad=0\.0, label='other'\) is not among the values that y was computed from",
    ):
        explain(y, wrt=Value(1.0, label="other"))
    with pytest.raises(ValueError, match="not among"):
        explain(x, wrt=y)
    with pytest.raises(TypeError, match="wrt is the Value whose gradient to explain, not str"):
        explain(y, wrt="x")
    with pytest.raises(TypeError, match="explain takes a Value"):
        explain(3, wrt=x)


def test_wrt_the_root_or_a_constant():
    y, *_ = neuron()
    assert [path.edges for path in explain(y, wrt=y).paths] == [()]
    z = y * 3
    assert explain(z, wrt=z.parents[1]).total == y.data


def test_of_many_paths_the_largest_are_shown():
    x = Value(1.0, label="x")
    y = x
    for _ in range(100):
        y = y * y
    y.label = "y"
    y.backward()
    explanation = explain(y, wrt=x)
    assert explanation.count == 2**100
    assert explanation.total == x.grad == 2.0**100
    text = str(explanation)
    assert "∂y/∂x: 1,267,650,600,228,229,401,496,703,205,376 paths from y to x" in text
    assert "These are the 20 paths with the largest products, which add up to 20; all 1,267," in text
    assert text.endswith("add up to ∂y/∂x = 1.268×10³⁰")


# ---- how it prints ---------------------------------------------------------------------------------------------------


def test_a_table_as_wide_as_the_screen_allows_and_paragraphs_where_it_is_not():
    y, w, *_ = neuron()
    for report in (explain(y), explain(y, wrt=w)):
        for table in report.tables:
            width = max(map(len, table.to_text(10_000).splitlines()[2:4]))
            wide = table.to_text(width)
            assert wide == table.to_text(10_000)
            assert "─" in wide
            narrow = table.to_text(width - 1)
            assert "─" not in narrow
            for row in table.rows:
                for cell in row:
                    assert str(cell) in narrow


def test_a_neuron_in_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    y, w, *_ = neuron()
    assert str(explain(y)).splitlines()[-7:] == [
        "──────────  ───────────────────────────  ───────────────────────────────  ────",
        "∂y/∂y       where it starts                                               1",
        "∂y/∂z       d tanh(z)/dz = 1 − tanh²(z)  1 × 0.94 = 0.94                  0.94",
        "∂y/∂v1      ∂(v1 + b)/∂v1 = 1            0.94 × 1 = 0.94                  0.94",
        "∂y/∂b       ∂(v1 + b)/∂b = 1             0.94 × 1 = 0.94                  0.94",
        "∂y/∂w       ∂(w·x)/∂w = x                0.94 × 2 = 1.88                  1.88",
        "∂y/∂x       ∂(w·x)/∂x = w                0.94 × 0.5 = 0.47                0.47",
    ]
    assert repr(explain(y)) == str(explain(y))
    assert str(explain(y, wrt=w)) == (
        "∂y/∂w: one path from y to w\n\n"
        "path  through         local derivatives  product\n"
        "────  ──────────────  ─────────────────  ───────\n"
        "1     y → z → v1 → w  0.94 × 1 × 2       1.88\n\n"
        "∂y/∂w = 1.88"
    )
    monkeypatch.setenv("COLUMNS", "40")
    assert str(explain(y)).splitlines()[-4:] == [
        "∂y/∂x",
        "  rule: ∂(w·x)/∂x = w",
        "  upstream × local = contribution: 0.94 × 0.5 = 0.47",
        "  grad: 0.47",
    ]


def test_roles_are_told_and_constants_have_no_rows():
    w, x = Parameter(0.5, label="w"), Value(2.0, label="x")
    explanation = explain(w * x + 1)
    rows = [[str(cell) for cell in row] for row in explanation.tables[0].rows]
    assert rows == [
        ["w", "parameter", "", "0.5"],
        ["x", "input", "", "2"],
        ["v1", "w·x", "0.5·2", "1"],
        ["v2", "v1 + 1", "1 + 1", "2"],
    ]


def every_report(label=""):
    """Explanations of all sorts, with ``label`` on everything."""
    for row in ROWS:
        count = row.arity or {"dot": 4, "linear": 5}.get(row.name, 3)
        values = [Value(1.5 if row.name == "arccosh" else 0.25 + i / 8, label=label) for i in range(count)]
        root = row(*values)
        root.label = label
        yield explain(root)
        yield explain(root, wrt=values[0])


def cells(line):
    return re.split(r"(?<!\\)\|", line)


@pytest.mark.parametrize("label", ["x", *NASTY], ids=ascii)
def test_markdown_is_a_table_whatever_the_labels(label):
    x = Value(0.5, label=label)
    root = abs(x * x).tanh()
    root.label = label
    for report in (explain(root), explain(root, wrt=x)):
        text = report.to_markdown()
        assert text == report._repr_markdown_()
        for block in re.split(r"\n\n", text.strip()):
            lines = block.split("\n")
            if lines[0].startswith("| "):
                assert len({len(cells(line)) for line in lines}) == 1
                assert set(lines[1]) <= set("| -")
        assert not re.search(r"(?<!\\)<", text)
        assert "`" not in text
        assert "](" not in text.replace("\\](", "")
        assert len(re.findall(r"(?<!\\)\$", text)) % 2 == 0


@pytest.mark.parametrize("label", ["x", *NASTY], ids=ascii)
def test_latex_is_balanced_whatever_the_labels(label):
    for report in every_report(label):
        text = re.sub(r"\\\\(?= |\n)", "", report.to_latex())
        bare = re.sub(r"\\[{}$&#%_]", "", text)
        assert bare.count("{") == bare.count("}")
        assert bare.count("$") % 2 == 0
        for left, right in ((r"\left", r"\right"), (r"\begin{array}", r"\end{array}"), (r"\[", r"\]")):
            assert len(re.findall(re.escape(left) + r"(?![a-z])", bare)) == len(
                re.findall(re.escape(right) + r"(?![a-z])", bare)
            )
        assert len({line.count("&") for line in bare.split("\n") if "&" in line}) == 1 or len(report.tables) > 1
        assert not re.search(r"[#%~`^](?![{])", bare.replace("^{", ""))


def test_an_operation_of_ones_own_is_explained(own_operation, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    cube = own_operation("cube", lambda x: x**3, lambda y, x: (3 * x**2,), notation="x³")
    x = Value(2.0, label="x")
    text = str(explain(cube(x)))
    assert "v1     x³       2³          8" in text
    assert "d(x³)/dx = 3·x²" in text
    assert "1 × 12 = 12" in text


def test_a_network_is_explained():
    out = nn.MLP(2, [3, 1], seed=0)([1.0, -2.0])
    out.backward()
    explanation = explain(out)
    for step in explanation.forward:
        assert explanation.gradients[step.node] == step.node.grad
    assert re.search(r"w₂₁⁽¹⁾\s+(formula: )?parameter layers.0.neurons.1.w\[0\]", str(explanation))


def test_rules_that_only_take_numbers_are_explained(own_operation):
    whole = own_operation("whole", lambda x: x, lambda y, x: (1.0 if x.is_integer() else 0.0,))
    looked_up = own_operation("looked_up", lambda x: x, lambda y, x: ({1.0: 2.0}[x],))
    x = Value(1.0, label="x")
    assert [str(step.rule) for step in explain(looked_up(whole(x))).backward] == ["2", "1"]


def test_a_definition_that_fails_or_repeats_itself_is_not_written_out(own_operation):
    x = Value(1000.0, label="x")
    soft = own_operation(
        "soft", lambda x: x, lambda y, x: (1.0,), definition=lambda x: ops.log(1 + ops.exp(x)), notation="definition"
    )
    assert str(expression(soft(x))) == "soft(x)"
    square = own_operation(
        "square", lambda x: x * x, lambda y, x: (2 * x,), definition=lambda x: x * x, notation="definition"
    )
    y = Value(1.0, label="x")
    assert str(expression(square(y))) == "x·x"
    for _ in range(24):
        y = square(y)
    assert len(str(expression(y))) < 500


def test_a_long_product_is_shortened(own_operation):
    product = own_operation("product", lambda *xs: 1.0, lambda y, *xs: (1.0,) * len(xs), notation="a · b")
    explanation = explain(product(*[Value(1.0, label=f"x{i}") for i in range(100)]))
    assert str(explanation.forward[-1].formula) == "x0·x1·x2·…·x98·x99"


def test_a_label_of_any_text_does_not_break_the_remark():
    assert "\ud800" not in str(explain(Value(0.0, label="\ud800\n").sqrt()))


def test_a_plain_number_is_not_explained():
    constant = (Value(1.0) + 2).parents[1]
    with pytest.raises(ValueError, match="there is nothing to explain"):
        explain(constant)
