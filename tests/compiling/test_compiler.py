"""Compiled functions against the same functions recorded: all operations, random programs, whatever the arguments."""

import math
import random
import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from programs import agree, magnitudes, programs
from samples import ROWS, operands

import tinygrad_edu as tg
from tinygrad_edu import CompileError, Value, compile, dot, exp, grad, gradients, log, nn, relu, sin, sqrt, tanh, where
from tinygrad_edu.compiling.program import Program
from tinygrad_edu.compiling.template import template
from tinygrad_edu.engine.ops import linear

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 1e-300, 1e300, 700.0, -700.0, -709.5, -800.0, 800.0, math.inf, -math.inf]
FLOATS = st.one_of(st.sampled_from([*SPECIAL, math.nan]), st.floats(-10, 10), st.floats())


def same(a, b, relative=1e-12, absolute=0.0):
    return a == b or (a != a and b != b) or abs(a - b) <= relative * max(abs(a), abs(b)) + absolute


def recorded(f, *args):
    """The value and the gradient by the engine, for arguments that are numbers."""
    values = [Value(x) for x in args]
    result = f(*values)
    result.backward()
    return result.data, tuple(value.grad for value in values)


def outcome(f, *args):
    """What a function gives, or the class and the message of what it raises."""
    try:
        return f(*args)
    except (ArithmeticError, ValueError) as error:
        return type(error), str(error)


def lines(compiled, function="value_and_gradient"):
    """The statements of a function in the source, without comments."""
    text = compiled.source.partition(f"def {function}(")[2].partition("\n\n")[0]
    return [line.strip() for line in text.splitlines()[1:] if not line.strip().startswith("#")]


# ---- all operations, and random programs -----------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@settings(max_examples=min(100, settings().max_examples))  # each compiles
@given(data=st.data())
def test_every_operation_compiles(row, data):
    """At other numbers than those that it was recorded with."""
    example = data.draw(operands(row))
    other = [data.draw(st.sampled_from(operands_like(row, len(example), data))) for _ in range(2)]
    compiled = compile(lambda *xs: row(*xs), *example)
    for numbers in (example, *other):
        expected = outcome(recorded, row, *numbers)
        found = outcome(compiled.value_and_gradient, *numbers)
        if type(expected[0]) is type:
            assert found[0] is expected[0]
            continue
        (value, slopes), (right, rights) = found, expected
        slopes = slopes if len(numbers) > 1 else (slopes,)
        cancelled = 1e-13 if row.arity is None else 0.0  # sums may be added up in another order
        assert same(value, right, absolute=cancelled)
        assert same(compiled(*numbers), right, absolute=cancelled)
        pairs = zip(slopes, rights, strict=True)
        assert all(same(a, b, absolute=cancelled) for a, b in pairs), (row, numbers, slopes, rights)


def operands_like(row, count, data):
    """Several lists of so many operands, in the domain and out of it."""
    inside = [xs for xs in (data.draw(operands(row)) for _ in range(3)) if len(xs) == count]
    return [*inside, tuple(data.draw(st.lists(st.floats(-3, 3), min_size=count, max_size=count)))]


@pytest.mark.parametrize("row", [row for row in ROWS if row.python not in ("", "definition")], ids=lambda r: r.name)
@given(data=st.data())
def test_the_python_of_a_row_computes_what_its_forward_does(row, data):
    numbers = data.draw(st.tuples(*[FLOATS] * row.arity))
    names = {name: getattr(math, name) for name in template(row).functions if hasattr(math, name)}
    try:
        expected = row.forward(*numbers)
    except (ArithmeticError, ValueError):
        with pytest.raises((ArithmeticError, ValueError, TypeError)):
            math.isfinite(eval(row.python, names, dict(zip(row.operands, numbers))))  # TypeError for a complex number
        return
    found = eval(row.python, names, dict(zip(row.operands, numbers)))
    found = float(bool(found)) if row.is_condition else found
    assert same(found, expected, 1e-14)
    assert math.copysign(1.0, found) == math.copysign(1.0, expected) or math.isnan(expected)


@given(programs(), st.randoms(use_true_random=False))
def test_random_programs_compile(program, rng):
    compiled = compile(lambda *xs: program.run(xs)[-1], *program.leaves)
    for factor in (1.0, 1.0 + rng.uniform(-1e-2, 1e-2)):
        numbers = [x * factor for x in program.leaves]
        leaves = [Value(x) for x in numbers]
        try:
            root = program.run(leaves)[-1]
            root.backward()
            sizes = magnitudes(root, leaves)
        except (ArithmeticError, ValueError):
            assume(False)
        value, slopes = compiled.value_and_gradient(*numbers)
        slopes = slopes if len(numbers) > 1 else (slopes,)
        assert same(value, root.data, 1e-10)
        assert agree(slopes, [leaf.grad for leaf in leaves], sizes, 1e-10)


def test_values_and_gradients_agree_to_the_last_digits():
    def f(w, x):
        return tg.mean([tanh(dot(row, x)) ** 2 for row in w]) + tg.logsumexp(x) * sin(w[0][0])

    rng = random.Random(0)
    w, x = [[rng.gauss(0, 1) for _ in range(3)] for _ in range(4)], [rng.gauss(0, 1) for _ in range(3)]
    compiled = compile(f, w, x)
    w[1][2], x[0] = 0.25, -1.5
    value, (dw, dx) = compiled.value_and_gradient(w, x)
    right, (right_w, right_x) = tg.value_and_grad(f, (0, 1))(w, x)
    assert value == pytest.approx(right, rel=1e-14)
    np.testing.assert_allclose(dw, right_w, rtol=1e-12)
    np.testing.assert_allclose(dx, right_x, rtol=1e-12)
    assert compiled(w, x) == value
    assert compiled.gradient(w, x) == (dw, dx)


# ---- operations of one's own -----------------------------------------------------------------------------------------


def test_own_operations_compile_whatever_their_rules_are_made_of(own_operation):
    bell = own_operation("bell", lambda x: math.exp(-x * x), lambda y, x: (-2 * x * y,))
    numbers_only = own_operation("numbers_only", math.sin, lambda y, x: (math.cos(x),))
    branching = own_operation("branching", lambda a, b: max(a, b), lambda y, a, b: (1.0, 0.0) if a > b else (0.0, 1.0))
    odd_name = own_operation('odd "name"\nimport os', lambda x: x + 1, lambda y, x: (1.0,))

    def f(x, y):
        return bell(x) * numbers_only(y) + branching(x, y) + odd_name(x)

    compiled = compile(f, 1.0, 2.0)
    for x, y in ((1.0, 2.0), (2.0, 1.0), (-0.5, 0.3)):
        value, slopes = compiled.value_and_gradient(x, y)
        right, rights = recorded(f, x, y)
        assert same(value, right)
        assert all(map(same, slopes, rights))
    assert "numbers_only_rule(" in compiled.source  # called, where it cannot be written out
    assert "branching_rule(" in compiled.source
    assert "bell_rule" not in compiled.source


def test_an_operation_defined_anew_is_compiled_anew(own_operation):
    first = own_operation("mine", lambda x: x * 2, lambda y, x: (2.0,))
    assert compile(lambda x: first(x), 3.0).value_and_gradient(3.0) == (6.0, 2.0)
    second = own_operation("mine", lambda x: x * 5, lambda y, x: (5.0,))
    assert compile(lambda x: second(x), 3.0).value_and_gradient(3.0) == (15.0, 5.0)


def test_an_operation_that_draws_random_numbers_draws_them_each_time(own_operation):
    rng = random.Random(0)
    noise = own_operation("noise", lambda x: x + rng.random(), lambda y, x: (1.0,))
    compiled = compile(lambda x: noise(x) - noise(x), 1.0)
    assert len({compiled(1.0) for _ in range(5)} - {0.0}) == 5


def test_an_own_operation_may_say_how_python_writes_it(own_operation):
    remainder = own_operation("modulo", lambda a, b: a % b, lambda y, a, b: (1.0, -(a // b)), python="a % b")
    ramp = own_operation("ramp", lambda x: max(x, 0.0), lambda y, x: (tg.greater(x, 0.0),), python="definition",
                         definition=lambda x: x * (x > 0))  # fmt: skip
    compiled = compile(lambda x, a, b: x * remainder(a, b) + ramp(a - 4), 2.0, 5.0, 3.0)
    assert "x * (a % b)" in compiled.source
    assert compiled.value_and_gradient(2.0, 5.0, 3.0) == (5.0, (2.0, 3.0, -2.0))
    assert compiled(2.0, 3.5, 3.0) == 1.0
    with pytest.raises(TypeError, match="has no definition"):
        own_operation("nothing", lambda x: x, lambda y, x: (1.0,), python="definition")


def test_an_operation_may_let_its_operand_pass(own_operation):
    """As one that reverses gradients does."""
    reverse = own_operation("reverse", lambda x: x, lambda y, x: (-1.0,), python="x")
    compiled = compile(lambda x, w: w * reverse(x + 1), 2.0, 3.0)
    assert compiled(2.0, 3.0) == 9.0
    assert compiled.value_and_gradient(2.0, 3.0) == (9.0, (-3.0, 3.0))
    no = own_operation("no", lambda x: float(not x > 0), lambda y, x: (0.0,), python="not x > 0")
    compiled = compile(lambda x, w: 1 - no(x * w) * no(w) + w * 2 ** no(x), 2.0, 3.0)
    for x, w in ((1.0, 2.0), (-1.0, 2.0), (1.0, -2.0), (-1.0, -2.0)):
        assert compiled(x, w) == 1 - float(not x * w > 0) * float(not w > 0) + w * 2 ** float(not x > 0)


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("math.exp(x)", "in 'math.exp.x.', math is neither an operand nor a function of math, such as exp"),
        ("sigmoid(x)", "sigmoid is neither"),
        ("x **", "is not an expression that Python can compute"),
    ],
)
def test_python_that_cannot_be_is_explained(own_operation, python, message):
    own = own_operation("own", lambda x: x, lambda y, x: (1.0,), python=python)
    with pytest.raises(CompileError, match=message):
        compile(lambda x: own(x), 1.0)
    history = tg.fit(nn.Neuron(1, "own"), [[1.0]], [2.0], epochs=2)
    assert re.search(f"not compiled: .*{message}", history.remark)


@pytest.mark.parametrize("python", ["x * 2.5", "x * 2.0 if x > -3.0 else x", "2.0 * fabs(x)"])
def test_python_that_computes_something_else_than_forward_is_refused(own_operation, python):
    own = own_operation("double", lambda x: x * 2, lambda y, x: (2.0,), python=python)
    with pytest.raises(CompileError, match=r"'double' says that Python writes it .* and its forward gives -?\d"):
        compile(lambda x: own(x), 1.0)
    strict = own_operation("strict", math.sqrt, lambda y, x: (0.5 / y,), python="pow(fabs(x), 0.5)")
    with pytest.raises(CompileError, match=r"at -0\.75 this is 0\.8.* and its forward gives ValueError"):
        compile(lambda x: strict(x), 1.0)


@pytest.mark.parametrize(
    "rule", [lambda y, x: (x.is_integer() * 1.0,), lambda y, x: ({True: 1.0, False: -1.0}[x > 0],)]
)
def test_rules_that_take_numbers_only_are_called(own_operation, rule):
    own = own_operation("own", lambda x: x, rule)
    compiled = compile(lambda x: own(x) * 2, 1.5)
    for x in (2.0, -1.0, -1.5):
        assert compiled.gradient(x) == 2 * rule(x, x)[0]


def test_an_operation_whose_name_means_another_by_now_is_refused(own_operation):
    old = own_operation("twice_defined", lambda x: x * 2, lambda y, x: (2.0,))
    own_operation("twice_defined", lambda x: x * 3, lambda y, x: (3.0,))
    with pytest.raises(CompileError, match="has been defined since"):
        compile(lambda x: old(x), 1.0)


@pytest.mark.parametrize("name", ["float", "value", "zip", "find", "d_x", "x", "print", "value_and_gradient", "math",
                                  "error", "total", "target", "targets", "rows", "predictions", "loss_of", "share"])  # fmt: skip
def test_an_own_operation_may_have_any_name(own_operation, name):
    own = own_operation(name, lambda x: x * 2, lambda y, x: (2.0,))
    assert compile(lambda x: own(x) * tg.sign(own(x)), 1.0).value_and_gradient(3.0) == (6.0, 2.0)
    neuron = nn.Neuron(1, name, init=lambda: 1.0)
    loss = tg.compile_loss(neuron, tg.losses.mse)
    assert loss([[3.0]], [1.0]) == 25.0
    assert loss.recorded == 0


def test_a_rule_that_is_wrong_says_so_as_it_does_recorded(own_operation):
    own = own_operation("own", lambda x: x, lambda y, x: 1.0)
    with pytest.raises(TypeError, match="the rule of own must return a tuple of 1 derivative"):
        compile(lambda x: own(x), 2.0)


# ---- what is refused, and errors -------------------------------------------------------------------------------------


def branches(x):
    return x * x if x > 0 else -x


def keeps_a_number(x):
    return x * x.data


def detaches(x):
    with tg.no_grad():
        y = x * 2
    return x * y


def trains(x):
    y = abs(x)
    y.backward()
    return x * y


def draws(x):
    return x * random.random()


@pytest.mark.parametrize(
    ("f", "kind", "message"),
    [
        (branches, CompileError, r"a branch is taken by whether x > 0.*where\(x > 0, a, b\).*maximum.*\(x > 0\) & \(x < 1\)"),
        ("x + 1", TypeError, "Python's own is builtins.compile"),
        (lambda x: x if x == 2 else 0 * x, CompileError, "whether x == 2"),
        (lambda x: x if x >= 1 else 0 * x, CompileError, "whether x >= 1"),
        (lambda x: max([x, x * x]), CompileError, "maximum and minimum for max and min of two, amax and softmax for lists"),
        (lambda x: sorted([x, x * x])[0], CompileError, "a computed value"),
        (lambda x: 1.0 * bool(x * 2), CompileError, "a branch is taken by whether a Value is 0"),
        (lambda x: x ** x if x != 3 else x, CompileError, "a branch is taken"),
        (keeps_a_number, CompileError, r"the number in x is taken out of the graph.*where\(x > 0, a, b\)"),
        (detaches, CompileError, "the number in x is taken out of the graph"),
        (lambda x: [1.0, 2.0][int(x.data)] * x, CompileError, "the number in x"),
        (draws, CompileError, "draws random numbers"),
        (lambda x: x * (5.0 if x in {1.0, 2.0} else 1.0), CompileError, "gives something else for plain numbers"),
        (lambda x: {2.0: 5.0}.get(x, 1.0) * x, CompileError, "10.0 and 2.0: it may look a number up"),
        (lambda x: x * x if isinstance(x, float) else x, CompileError, "ask for its type"),
        (lambda x: x * float(f"{x:.1f}"), CompileError, "the number in x is taken out"),
        (lambda x: x.data, CompileError, "the number in x"),
        (lambda x: float(x > 0) * x, CompileError, "whether x > 0 is used as an index, a count or a float"),
        (lambda x: 3.0, CompileError, "returned a number that was not computed from its arguments"),
        (lambda x: Value(2.0) * 3, CompileError, "not computed from its arguments"),
        (lambda x: None, TypeError, r"returned None \(is a return missing\?\)"),
        (lambda x: "text", TypeError, "compile takes a function that returns numbers"),
        (lambda x: math.exp(x), CompileError, r"Write exp\(x\) rather than math.exp"),
        (3.0, TypeError, "compile takes a function, not a number"),
        (lambda x, y: x * y, TypeError, r"an example of each argument, as in compile\(f, 0\.5, 1\.0\): missing .* 'y'"),
        (lambda x: x if x < 0 else -x, CompileError, "whether x < 0,"),
        (lambda x: x - gradients(abs(x), x), CompileError, "the number in a Value is taken out"),
        (trains, CompileError, "the number in a Value is taken out"),
        (lambda x: x * x.grad, CompileError, "the number in x is taken out of the graph"),
        (lambda x: [1.0, 2.0][x > 0] * x, CompileError, "whether x > 0 is used as an index"),
        (lambda x: [1.0, 2.0, 3.0][x] * x, CompileError, "x is used as an index.* a setting is no argument: compile"),
        (lambda x: sum(x for _ in range(x)), CompileError, "a setting is no argument"),
        (lambda x: int(x) * x, CompileError, "a setting is no argument"),
        (lambda x: log(x - 2), ValueError, "log of 0.0 is undefined"),
    ],
)  # fmt: skip
def test_what_cannot_be_compiled_is_refused(f, kind, message):
    with pytest.raises(kind, match=message):
        compile(f, 2.0)


def test_what_is_no_float_is_not_compared():
    """Nothing is known of how it would compare with other numbers."""
    for other in (Fraction(1, 2), Decimal("0.5"), 0.5j):
        for compare in (lambda x, y: x > y, lambda x, y: y >= x, lambda x, y: x == y, lambda x, y: x != y):
            with pytest.raises(CompileError, match=f"is compared with a {type(other).__name__}; compare it with a flo"):
                compile(lambda x, y=other, compare=compare: where(compare(x, y), x * x, x), 2.0)
    assert compile(lambda x: where(x > np.float64(0.5), x * x, x) * (x != "text"), 2.0)(3.0) == 9.0


def catches_a_value_error(x):
    try:
        return log(x - 3)
    except ValueError:
        return x * 1.0


def catches_a_type_error(x):
    try:
        return x * bool(x > 1)
    except TypeError:
        return x * 1.0


def test_errors_that_a_function_catches_while_it_is_recorded_refuse_it():
    with pytest.raises(CompileError, match=r"log of x - 3|log of -1\.0 is undefined.*catches this error"):
        compile(catches_a_value_error, 2.0)
    with pytest.raises(CompileError, match="a branch is taken by whether x > 1"):
        compile(catches_a_type_error, 2.0)


def test_what_differs_when_it_is_called_again_is_refused():
    numbers, count, rng = iter(range(1, 100)), [0.0], random.Random(0)

    def counts(x):
        count[0] += 1.0
        return x * count[0]

    for f in (lambda x: x * next(numbers), counts, lambda x: x * rng.random(), lambda x: x * np.random.rand()):
        with pytest.raises(CompileError, match="computes something else when it is called again"):
            compile(f, 2.0)

    def relabels(x):
        y = x * 2
        y.label = f"call {next(numbers)}"
        return y

    assert compile(relabels, 2.0)(3.0) == 6.0


def test_a_value_from_outside_is_not_frozen():
    flag = Value(2.0, label="flag")
    with pytest.raises(CompileError, match="the number in flag is taken out of the graph"):
        compile(lambda x: x * flag.data, 1.0)
    with pytest.raises(CompileError, match=r"the number in flag is taken.*greater\(x, 0\.0\)"):
        compile(lambda x: x * 2 if flag > 0 else x, 1.0)
    compiled = compile(lambda x: where(tg.greater(flag, 0.0), x * 2, x), 1.0)
    assert compiled(3.0) == 6.0
    flag.data = -1.0
    assert compiled(3.0) == 3.0


def test_what_a_function_makes_and_keeps_is_refused():
    class Center:
        ref = None

        def __call__(self, x):
            self.ref = x if self.ref is None else self.ref
            return x - self.ref

    with pytest.raises(CompileError, match="makes Values when it is called, and keeps them"):
        compile(Center(), 5.0)


def test_what_else_it_does_happens_while_it_is_recorded():
    log = []

    def f(x):
        log.append(1)
        return x * x

    compiled = compile(f, 2.0)
    times = len(log)
    assert [compiled(x) for x in (1.0, 2.0, 3.0)] == [1.0, 4.0, 9.0]
    assert len(log) == times


def test_sums_whose_terms_cancel_are_not_refused():
    """The numbers depend on the order of summation, by no more than rounding."""
    for example in ([1e16, 1e16], [1.0, 2.0]):
        compiled = compile(lambda x: linear(x[0], x[1], 1.0, -1.0, 1.0), example)
        assert compiled([1e16, 1e16]) == linear(1e16, 1e16, 1.0, -1.0, 1.0)
    assert compile(lambda x: sum(x), [1e16, 1.0, -1e16])([1.0, 2.0, 3.0]) == 6.0  # Python's sum is compensated
    model = nn.MLP(3, [8, 8, 1], "sin", seed=0)
    rng = random.Random(0)
    for _ in range(5):
        compile(model, [rng.uniform(-1e7, 1e7) for _ in range(3)])


def test_branches_on_what_stays_the_same_are_fine():
    def f(x, power=3):
        total, count = x * 0, Value(0.0)
        for i in range(power):
            count = count + 1
            if count >= 2 or i > 5:
                total = total + x**i
        return total if power > 2 and count == 3 else -total

    assert compile(f, 2.0)(3.0) == 12.0


def test_where_chooses():
    compiled = compile(lambda x: where(x > 0, x * x, -x), 2.0)
    assert [compiled.value_and_gradient(x) for x in (3.0, -3.0, 0.0)] == [(9.0, 6.0), (3.0, -1.0), (0.0, -1.0)]
    assert "if x > 0.0 else" in compiled.source
    chosen = compile(lambda x, y: where(x != y, 1.0, x) + where(x <= y, x, y) + where(x < y, y, 0.0), 2.0, 1.0)
    for x, y in ((1.0, 2.0), (2.0, 1.0), (2.0, 2.0)):
        assert chosen(x, y) == (1.0 if x != y else x) + (x if x <= y else y) + (y if x < y else 0.0)


def test_conditions_are_combined():
    def f(x, y):
        inside = where((x > 0) & (x < 1) & (y != 0), 1.0, 2.0)
        return inside + where((x <= 0) | (y > 5), 10.0, 20.0) + where(True & (x > 0), 100.0, 200.0) + x * 0

    compiled = compile(f, 0.5, 1.0)
    for x, y in ((0.5, 1.0), (0.5, 0.0), (2.0, 6.0), (-1.0, 1.0)):
        assert compiled(x, y) == f(Value(x), Value(y)).data
    with pytest.raises(TypeError, match="unsupported operand"):
        Value(1.0) & Value(2.0)
    with pytest.raises(TypeError, match="unsupported operand"):
        compile(lambda x: where((x > 0) | "text", x, x), 1.0)
    with pytest.raises(TypeError, match="unsupported operand"):
        compile(lambda x: where((x > 0) & x, x, 0.0), 1.0)
    with pytest.raises(TypeError, match="for x > 0 write x <= 0"):
        compile(lambda x: where(~(x > 0), x, 0.0), 1.0)


def test_conditions_are_written_as_python_writes_them():
    both = compile(lambda x, y: where((x > 0) & (x < 1) & (y >= 2), x * 3, 0.0), 0.5, 3.0)
    assert lines(both, "value")[-1] == "return v1 if x > 0.0 and x < 1.0 and y >= 2.0 else 0.0"
    either = compile(lambda x, y: ((x > 0) & (y > 0) | (y < 2)) * 5, 0.5, 3.0)
    assert lines(either, "value") == ["return (1.0 if x > 0.0 and y > 0.0 or y < 2.0 else 0.0) * 5.0"]
    nested = compile(lambda x, y: ((x > 0) | (y > 0)) & (x == y) & False, 0.5, 3.0)
    for x, y in ((0.5, 3.0), (0.5, 0.5), (-1.0, -1.0), (-1.0, 1.5)):
        assert both(x, y) == (x * 3 if 0 < x < 1 and y >= 2 else 0.0)
        assert either(x, y) == (5.0 if (x > 0 and y > 0) or y < 2 else 0.0)
        assert nested(x, y) == 0.0


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: relu(a > b) * 3,
        lambda a, b: tg.heaviside(a > b, 0.5) + a,
        lambda a, b: tg.sign(a > b) - abs(a >= b),
        lambda a, b: tg.maximum(a > b, b > 1) * tg.minimum(a, a == b),
        lambda a, b: where((a > b) > (b > 1), a, b),
        lambda a, b: ((a > b) == (b > 1)) * 2,
        lambda a, b: (a > b) ** 2 + tg.leaky_relu(a > b, 0.1) + tg.elu(b > a, 1.0),
        lambda a, b: where(where(a > b, b > 1, a > 1), a, b),
        lambda a, b: where(((a > 0) * (b > 0)) & (a < b) | ((a > 1) != (b > 1)), a, b),
        lambda a, b: -(a > b) + sin(a > b) * (b > a),
    ],
)
def test_conditions_are_numbers_too(f):
    compiled = compile(f, 2.0, 1.0)
    for a, b in ((2.0, 1.0), (-1.0, -2.0), (-2.0, 3.0), (0.5, 0.5), (3.0, 2.0), (math.nan, 1.0)):
        value, slopes = recorded(lambda a, b: f(a, b) + Value(0.0), a, b)  # recorded, conditions are bools
        assert same(compiled(a, b), value)
        assert all(map(same, compiled.gradient(a, b), slopes))


@pytest.mark.parametrize(
    ("python", "forward"),
    [
        ("x or 1e-9", lambda x: float(x or 1e-9)),
        ("x and 3.0", lambda x: float(x and 3.0)),
        ("x > 0 and x < 2", lambda x: float(0 < x < 2)),
        ("x > 0 or x < -2", lambda x: float(x > 0 or x < -2)),
        ("not (x > 0)", lambda x: float(not x > 0)),
        ("0 < x < 2", lambda x: float(0 < x < 2)),
        ("1 if x > 0 else -1", lambda x: 1.0 if x > 0 else -1.0),
        ("floor(x)", lambda x: float(math.floor(x))),
        ("x.is_integer()", lambda x: float(x.is_integer())),
        ("-(x > 0)", lambda x: 0.0 - float(x > 0)),
        ("(x > 0) + (x > 1)", lambda x: float(x > 0) + float(x > 1)),
        ("-x % 2", lambda x: -x % 2),
        ("x // 2", lambda x: x // 2),
    ],
)
def test_texts_of_own_operations_are_computed_as_python_does(own_operation, python, forward):
    own = own_operation("own", forward, lambda y, x: (1.0,), python=python)
    f = lambda a, b: own(a * b) * 5 + own(a > b) - 2 ** own(b) / (1 + own(-a) ** 2)  # noqa: E731
    alone = compile(lambda x: own(x), 1.5)
    compiled = compile(f, 1.5, 2.0)
    for a in (-3.5, -1.0, 0.0, 0.5, 2.0, 4.0):
        assert (alone(a), type(alone(a))) == (forward(a), float)
        for b in (-2.0, 1.0, 2.5):
            assert same(compiled(a, b), f(a, b))


def test_both_sides_of_a_condition_are_computed_as_recorded():
    f = lambda x: where((x > 0) & (log(x) < 1), x, 0.0)  # noqa: E731
    compiled = compile(f, 2.0)
    assert compiled(2.0) == 2.0
    assert outcome(compiled, -1.0) == outcome(lambda x: f(Value(x, "x")), -1.0)
    assert outcome(compiled, -1.0)[0] is ValueError


def test_where_computes_all_as_recorded():
    """What is not taken may still be undefined, and says so."""
    f = lambda x: where(x > 0, log(x), 0.0)  # noqa: E731
    compiled = compile(f, 2.0)
    assert outcome(compiled, -1.0) == outcome(lambda x: f(Value(x, "x")).data, -1.0)
    assert outcome(compiled, -1.0)[0] is ValueError


@pytest.mark.parametrize(
    ("f", "example", "bad"),
    [
        (log, 1.0, -1.0),
        (sqrt, 4.0, -4.0),
        (lambda x: 1 / x, 1.0, 0.0),
        (lambda x: x**0.5, 1.0, -1.0),
        (lambda x: abs(x**0.5), 1.0, -1.0),
        (lambda x: exp(x), 1.0, 1000.0),
        (lambda x: x**2, 1.0, 1e200),
        (lambda x: tg.arcsin(x) + 1, 0.5, 2.0),
    ],
)
def test_errors_are_those_of_the_engine(f, example, bad):
    compiled = compile(f, example)
    expected = outcome(lambda x: tg.value_and_grad(f)(x), bad)
    assert type(expected[0]) is type
    assert outcome(compiled, bad) == outcome(compiled.gradient, bad) == expected


def test_an_infinite_derivative_is_an_error_of_the_gradient_alone():
    compiled = compile(sqrt, 1.0)
    assert compiled(0.0) == 0.0
    with pytest.raises(ZeroDivisionError, match=r"the derivative of sqrt at x = 0\.0 is infinite"):
        compiled.gradient(0.0)


def test_it_compiles_where_it_has_no_derivative_and_works_elsewhere():
    compiled = compile(lambda x: sqrt(x) * 3, 0.0)
    assert compiled.value_and_gradient(4.0) == (6.0, 0.75)


def test_numbers_that_are_not_finite_are_as_recorded():
    f = lambda x, y: relu(x) * y + tg.maximum(x, y)  # noqa: E731
    compiled = compile(f, 1.0, 2.0)
    for x in SPECIAL:
        for y in (math.inf, math.nan, -0.0, 1.0):
            value, slopes = compiled.value_and_gradient(x, y)
            right, rights = recorded(f, x, y)
            assert same(value, right)
            assert all(map(same, slopes, rights)), (x, y)


# ---- arguments and results -------------------------------------------------------------------------------------------


class Pair(NamedTuple):
    a: float
    b: list


def test_arguments_and_results_keep_their_structure():
    def f(p):
        return p["w"][0] * p["pair"].a + p["pair"].b[0] ** 2

    compiled = compile(f, {"w": [1.0, 2.0], "pair": Pair(3.0, [4.0])})
    arg = {"w": [2, np.float64(2.0)], "pair": Pair(np.float32(0.5), [True])}
    assert compiled(arg) == 2.0
    assert compiled.gradient(arg) == {"w": [0.5, 0.0], "pair": Pair(2.0, [2.0])}
    many = compile(lambda x: {"sum": x[0] + x[1], "both": (x[0], [x[1] * 2])}, [1.0, 2.0])
    assert many([3.0, 4.0]) == {"sum": 7.0, "both": (3.0, [8.0])}
    with pytest.raises(TypeError, match=r"a gradient is that of a function that returns one number; .* a dict"):
        many.gradient([1.0, 2.0])


NESTED = {"w": [[1.0, 2.0], [3.0, 4.0]], 7: ({"b": 5.0, None: [(6.0,)]}, []), "one": [[8.0]], "none": {}}


def test_nested_arguments_of_any_kind():
    def f(p):
        total = dot(p["w"][0], p["w"][1]) * p[7][0]["b"] + p[7][0][None][0][0] ** 2
        return total * p["one"][0][0]

    compiled = compile(f, NESTED)
    assert compiled(NESTED) == 8.0 * (11 * 5 + 36)
    assert compiled.gradient(NESTED) == grad(f)(NESTED)
    other = {"one": [[2]], "none": {}, 7: ({None: [(1.0,)], "b": 0.5}, []), "w": [(1.0, 2.0), [3.0, 4.0]]}
    assert compiled(other) == 2 * (11 * 0.5 + 1)  # in another order, with a tuple and an int
    same = compile(lambda p: p, NESTED)
    assert same(NESTED) == NESTED
    deep = [[1.0, 2.0]]
    for _ in range(60):
        deep = [deep]
    assert compile(lambda p: p, deep)(deep) == deep


@pytest.mark.parametrize("wrong", [{"a": [[1.0, 2.0]]}, {"a": [[1.0], [2.0, 3.0]]}, {"b": [[1.0, 2.0], [3.0, 4.0]]},
                                   {"a": [[1.0, 2.0], 3.0]}, {"a": {0: [1.0, 2.0], 2: [3.0, 4.0]}}, [[1.0, 2.0]], 3.0])  # fmt: skip
def test_nested_arguments_that_do_not_fit_are_explained(wrong):
    compiled = compile(lambda p: p["a"][0][0] * p["a"][1][1], {"a": [[1.0, 2.0], [3.0, 4.0]]})
    with pytest.raises(ValueError, match=r"p.* must be built like its counterpart"):
        compiled(wrong)
    with pytest.raises(TypeError, match="in p is a str"):
        compiled({"a": [[1.0, "2"], [3.0, 4.0]]})


def test_arrays_are_arguments_and_gradients():
    compiled = compile(lambda m, x: dot(m[0], x) * dot(m[1], x), np.eye(2), np.ones(2))
    m, x = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, -1.0])
    dm, dx = compiled.gradient(m, x)
    assert dm.shape == (2, 2)
    np.testing.assert_allclose(dm, np.outer([m[1] @ x, m[0] @ x], x), rtol=1e-14)
    np.testing.assert_allclose(dx, m[0] * (m[1] @ x) + m[1] * (m[0] @ x), rtol=1e-14)


@pytest.mark.parametrize(
    ("args", "kind", "message"),
    [
        ((1.0,), TypeError, "was compiled for 2 arguments, not for 1"),
        ((1.0, 2.0), ValueError, "y must be built like its counterpart: a list of 2, not a number"),
        ((1.0, [2.0]), ValueError, "a list of 2, not a list of 1"),
        ((1.0, [1.0, "2"]), TypeError, "in y is a str"),
        ((None, [1.0, 2.0]), TypeError, "in x is None"),
    ],
)
def test_arguments_that_do_not_fit_are_explained(args, kind, message):
    def f(x, y):
        return x * y[0] + y[1]

    with pytest.raises(kind, match=message):
        compile(f, 1.0, [2.0, 3.0])(*args)


def test_with_values_it_is_the_function_itself():
    compiled = compile(lambda x, y: x * y[0] + y[1], 1.0, [2.0, 3.0])
    x = Value(5.0)
    compiled(x, [2.0, 3.0]).backward()
    assert x.grad == 2.0
    assert grad(compile(sin, 1.0))(0.5) == math.cos(0.5)
    assert compile(compile(sin, 1.0), 1.0).gradient(0.5) == math.cos(0.5)
    with pytest.raises(TypeError, match=r"compiled code takes plain numbers; in x is a Value\. Pass x\.data"):
        compiled.gradient(x, [2.0, 3.0])


def test_arguments_that_the_function_changes_stay_as_they_were():
    def f(xs):
        xs.append(xs[0] * 2)
        return xs[-1] * xs[0]

    example = [3.0]
    compiled = compile(f, example)
    assert example == [3.0]
    assert compiled([2.0]) == 8.0
    assert compiled.gradient([2.0]) == [8.0]


def test_integers_are_numbers():
    compiled = compile(lambda x, y: x * y + x**2, 1.0, 1.0)
    assert compiled(2, 3) == 10.0
    assert isinstance(compiled(2, 3), float)
    assert compiled.gradient(2, 3) == (7.0, 2.0)
    assert isinstance(compile(lambda x: [x, x * x], 1.0)(3)[0], float)


def test_values_from_around_are_read_each_time():
    neuron = nn.Neuron(2, "tanh", seed=0)
    compiled = compile(lambda x: neuron(x) * 2, [1.0, 2.0])
    for number in (0.5, -2.0):
        neuron.w[0].data = number
        assert compiled([0.3, 0.4]) == pytest.approx(neuron([0.3, 0.4]).data * 2, rel=1e-14)
    assert neuron.w[0].grad == 0.0


def test_backward_adds_to_the_grads_of_the_values_from_outside():
    model, points = nn.MLP(2, [3, 1], "tanh", seed=0), [[0.5, -1.0], [1.0, 2.0]]

    def loss(shift):
        return tg.mean([(model(x) - shift) ** 2 for x in points])

    step = compile(loss, 0.5)
    for shift in (0.5, -1.0):
        model.zero_grad()
        error = step.backward(shift)
        found = [p.grad for p in model.parameters()]
        model.zero_grad()
        right = loss(shift)
        right.backward()
        assert error == pytest.approx(right.data, rel=1e-14)
        assert found == pytest.approx([p.grad for p in model.parameters()], rel=1e-12)
    step.backward(-1.0)
    assert [p.grad for p in model.parameters()] == pytest.approx([2 * slope for slope in found], rel=1e-12)
    assert step.gradient(0.5) == pytest.approx(grad(lambda shift: loss(shift))(0.5).data, rel=1e-12)


def test_a_function_without_arguments_has_no_gradient_but_backward():
    w = Value(3.0, label="w")
    square = compile(lambda: w * w)
    assert (square(), square.backward(), w.grad) == (9.0, 9.0, 6.0)
    with pytest.raises(TypeError, match=r"takes no arguments to differentiate by; backward\(\) adds"):
        square.gradient()
    assert "def backward(w):" in square.source
    assert "def value_and_gradient" not in square.source
    with pytest.raises(TypeError, match=r"refers to no Values.* gradient\(\.\.\.\) gives those by its arguments"):
        compile(sin, 1.0).backward(1.0)


def test_backward_that_fails_adds_nothing():
    w, v = Value(0.0, label="w"), Value(2.0)
    root = compile(lambda: w.sqrt() * v)
    with pytest.raises(ZeroDivisionError, match="the derivative of sqrt at w"):
        root.backward()
    assert (w.grad, v.grad) == (0.0, 0.0)


def test_the_derivative_of_a_derivative_compiles():
    f = lambda x: sin(x) * x**3  # noqa: E731
    slope = compile(grad(f), 1.0)
    assert slope(2.0) == pytest.approx(grad(f)(2.0), rel=1e-14)
    assert slope.gradient(2.0) == pytest.approx(grad(grad(f))(2.0), rel=1e-14)
    bend = compile(tg.hessian(lambda x: x[0] ** 3 * x[1]), [1.0, 1.0])
    assert bend([2.0, 3.0]) == [[36.0, 12.0], [12.0, 0.0]]


def test_softmax_compiles_and_is_right_for_scores_of_any_size():
    compiled = compile(lambda z: tg.softmax(z)[0], [1.0, 2.0, 3.0])
    for z in ([1000.0, 999.0, 0.0], [-5.0, 3.0, 3.0], [1e16, 1e16 + 2, 0.0]):
        value, slopes = compiled.value_and_gradient(z)
        right, rights = tg.value_and_grad(lambda z: tg.softmax(z)[0])(z)
        assert value == pytest.approx(right, rel=1e-12)
        assert slopes == pytest.approx(rights, rel=1e-12, abs=1e-16)


# ---- the source ------------------------------------------------------------------------------------------------------

HOSTILE = [
    "x\nimport os", "'''", '"', "\\", "lambda", "None", "__debug__", "__import__", "exp", "tanh", "find", "v1", "v2", "d_x",
    "x", "x", "x_2", "nan", "inf", "float", "1e5", "\u210c", "\uff41", "a b", "#", "x = 1; y", "🎉", "", " ", "print", "_", "__", "é",
    "w[0]", "a.b.c[3]", "..", "rows", "math", "value", "self", "\u202e", "match", "x" * 500,
]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8)), min_size=1, max_size=12))
def test_no_label_gets_into_the_source_as_it_is(labels):
    def f(xs):
        total = Value(0.0)
        for label, x in zip(labels, xs):
            total = tanh(total + exp(-x * x)) * x
            total.label = label
        return total

    numbers = [0.1 * i + 0.5 for i in range(len(labels))]
    named = dict(zip(labels, numbers))
    for g, arg in ((f, numbers), (lambda d: f(list(d.values())), named)):
        compiled = compile(g, arg)
        assert same(compiled(arg), f([Value(x) for x in (arg.values() if isinstance(arg, dict) else arg)]).data)
        for line in compiled.source.splitlines():
            assert line.isprintable()
            assert re.fullmatch(r"[\w\s.,=+*/<>!()\[\]:'#-]*", line), line


def test_a_power_is_written_down_whatever_is_given():
    """A rule that branches is called, which is slow."""
    w = Value(2.0, label="w")
    for f, args in ((lambda x, n: x**n, (2.0, 3.0)), (lambda x: x**2.5, (2.0,)), (lambda x: 3.0**x, (2.0,)),
                    (lambda x: w**x, (3.0,)), (lambda x: x**w, (3.0,))):  # fmt: skip
        assert ".rule" not in compile(f, *args).source


def test_derivatives_hold_where_the_example_had_none():
    """An upstream that is 0 at the example says nothing about other numbers."""
    f = lambda x, y: where(y > 100, x**y, 0.0)  # noqa: E731
    found = compile(f, -2.0, 3.0).value_and_gradient(2.0, 101.0)
    assert found == (2.0**101, pytest.approx((101 * 2.0**100, 2.0**101 * math.log(2)), rel=1e-12))


def test_the_source_runs_by_itself():
    compiled = compile(lambda x, y: tg.logsumexp([x, y]) * log(x) ** y + tg.gelu(x), 2.0, 3.0)
    namespace = {}
    exec(compiled.source, namespace)
    assert namespace["value"](2.5, 3.5) == compiled(2.5, 3.5)
    assert namespace["value_and_gradient"](2.5, 3.5) == compiled.value_and_gradient(2.5, 3.5)


def test_labels_are_names_and_operations_lines():
    def loss(w, x, y):
        a = sin(w * x)
        a.label = "a"
        return (a - y) ** 2

    assert lines(compile(loss, 1.0, 2.0, 3.0)) == [
        "v1 = w * x",
        "a = sin(v1)",
        "v2 = a - y",
        "d_a = 2.0 * v2",
        "d_v1 = d_a * cos(v1)",
        "d_w = d_v1 * x",
        "d_x = d_v1 * w",
        "d_y = -d_a",
        "return v2 ** 2, (d_w, d_x, d_y)",
    ]


def test_nothing_is_computed_twice_and_nothing_in_vain():
    compiled = compile(lambda x, y: sin(x * y) + sin(x * y) * exp(2.0 * sin(x * y)), 0.5, 0.7)
    text = "\n".join(lines(compiled))
    assert text.count("sin(") == text.count("cos(") == text.count("exp(") == 1
    unused = compile(lambda x, y: x * 3 + 0 * Value(2.0) * math.pi, 0.5, 0.7)
    assert lines(unused) == ["d_x = 3.0", "d_y = 0.0", "return x * 3.0 + 0.0, (d_x, d_y)"]
    constants = compile(lambda x: x * (Value(2.0) * 3 + tg.sqrt(Value(4.0))), 1.0)
    assert lines(constants, "value") == ["return x * 8.0"]


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda a, b: a + -b, "a - b"),
        (lambda a, b: -a + b, "b - a"),
        (lambda a, b: tg.negative(-a) * b, "a * b"),
        (lambda a, b: a * 1 + b**1, "a + b"),
        (lambda a, b: a**1 - b, "a - b"),
        (lambda a, b: a * -1.0 - b, "-a - b"),
        (lambda a, b: a + b**0, "a + 1.0"),
        (lambda a, b: a**2 * b**-1, "a ** 2 * b ** -1"),
        (lambda a, b: a**0.5 + b, "pow(a, 0.5) + b"),
        (lambda a, b: where(Value(1.0), a, b) * 3, "a * 3.0"),
        (lambda a, b: where(Value(0.0), a, b) * 3, "b * 3.0"),
        (lambda a, b: a - -b, "a + b"),
        (lambda a, b: -a * b - 1, "-(a * b) - 1.0"),
        (lambda a, b: a * -b / -exp(a), "a * b / exp(a)"),
        (lambda a, b: a / -1.0 + b / 1, "b - a"),
        (lambda a, b: -a + -a - b, "-(2.0 * a) - b"),
        (lambda a, b: tg.detach(a) * b, "a * b"),
        (lambda a, b: +a + b, "a + b"),
        (lambda a, b: a + a - b, "2.0 * a - b"),
        (lambda a, b: where(a != b, a, b) * 2, "(a if a != b else b) * 2.0"),
        (lambda a, b: (a > b) * (a > 1) * b, "(1.0 if a > b and a > 1.0 else 0.0) * b"),
        (lambda a, b: where(a > 0, 1.0, 0.0) - b, "(1.0 if a > 0.0 else 0.0) - b"),
        (lambda a, b: where(a <= 1, 1.0, -0.0) - b, "(1.0 if a <= 1.0 else (-0.0)) - b"),
    ],
)
def test_what_is_the_same_for_all_numbers_is_written_simpler(f, text):
    compiled = compile(f, 2.0, 3.0)
    assert lines(compiled, "value") == [f"return {text}"]
    for a, b in ((2.0, 3.0), (0.0, 4.0), (1.5, -0.5)):
        assert same(compiled(a, b), f(Value(a), Value(b)).data)


def test_a_power_of_two_has_a_plain_gradient():
    compiled = compile(lambda x: 2**x, 1.0)
    assert compiled.gradient(3.0) == pytest.approx(8 * math.log(2), rel=1e-14)
    assert " if " not in compiled.source


@pytest.mark.parametrize("c", [math.inf, -math.inf, math.nan, -0.0, 0.0, 1e-320, 1e22, -1.5, 0.1])
def test_constants_survive(c):
    compiled = compile(lambda x: [x + c, c - x, x * c, tg.arctan2(x * 0.0 + c, -1.0 + 0 * x), x**2 * -c], 1.0)
    expected = [
        y.data
        for y in [
            Value(2.0) + c,
            c - Value(2.0),
            Value(2.0) * c,
            tg.arctan2(Value(2.0) * 0.0 + c, Value(-1.0)),
            Value(4.0) * -c,
        ]
    ]
    for found, right in zip(compiled(2.0), expected):
        assert same(found, right)
        assert math.isnan(right) or math.copysign(1, found) == math.copysign(1, right)


def test_zero_and_minus_zero_are_two_constants():
    x = Value(1.0)
    program = Program([x])
    places = program.add([x * 0.0, x * -0.0, x * 0.0, x * math.nan, x * math.nan])
    assert places[0] is places[2]
    assert places[0] is not places[1]
    assert places[3] is places[4]


def test_precedence_is_kept():
    def f(a, b, c):
        return [a - (b - c), a - b - c, a / (b / c), a / b / c, (-a) ** 2, -(a**2), (a + b) * c, (a ** b) ** c,
                a ** (b ** c), (a * -1) * -1, -(a - b), (a * b) ** -2, a * (b / c), 2 ** -a, where(a > b, b, c) * 2, -(a > b) * c]  # fmt: skip

    compiled = compile(f, 1.5, 2.5, 0.5)
    for args in ((1.5, 2.5, 0.5), (3.0, 2.0, 0.25)):
        assert compiled(*args) == pytest.approx([float(getattr(y, "data", y)) for y in f(*map(Value, args))], rel=1e-14)


# ---- scale, and the cache --------------------------------------------------------------------------------------------


def test_long_sums_deep_chains_and_wide_fans():
    many = [0.01 * i for i in range(3000)]
    f = lambda x: dot(x, x) + tg.mean(x) + tg.sum([a * x[0] for a in x])  # noqa: E731
    compiled = compile(f, many)
    value, slopes = compiled.value_and_gradient(many)
    right, rights = tg.value_and_grad(f)(many)
    assert value == pytest.approx(right, rel=1e-12)
    np.testing.assert_allclose(slopes, rights, rtol=1e-10)
    assert max(map(len, compiled.source.splitlines())) < 150

    def chain(x):
        for _ in range(3000):
            x = sin(x) + x * 0.1
        return x

    assert compile(chain, 0.5).gradient(0.7) == pytest.approx(grad(chain)(0.7), rel=1e-10)


def test_sums_of_all_kinds_of_terms():
    """Repeated, negative and constant ones, conditions, and products that are used elsewhere."""

    def f(a, b, c):
        xs = [a, -b, 2.0, c, a > 0.5, 1.0, a, -1.0, 0.0, b]
        ys = [b, c, a, 1.0, c, b, b, -a, a, a > 0.5]
        product = a * c
        sums = [dot(xs[i:j], ys[i:j]) for i in range(10) for j in range(i + 1, 11)]
        sums += [tg.sum(xs[i : i + 4]) for i in range(6)] + [dot([a, b, c], [c, a, b]) + dot([c, a, b], [b, c, a])]
        return tg.sum([sin(x) * product for x in sums])

    compiled = compile(f, 0.7, -0.3, 1.1)
    for args in ((0.7, -0.3, 1.1), (0.2, 0.9, -1.3)):
        value, slopes = recorded(lambda a, b, c: f(a, b, tg.multiply(c, 1.0)), *args)
        assert compiled.value_and_gradient(*args)[0] == pytest.approx(value, rel=1e-12)
        assert compiled.gradient(*args) == pytest.approx(slopes, rel=1e-12)


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda a, b, c: dot([a, b, c], [b, c, a]), "a * b + b * c + c * a"),
        (lambda a, b, c: linear(a, b, b, c, a), "a * b + b * c + a"),
        (lambda a, b, c: dot([1.0, b, c], [a, 1.0, b]) - a, "a + b + c * b - a"),
        (lambda a, b, c: tg.sum([a + b, c - a, b, c]) + a, "a + b + (c - a) + b + c + a"),
        (lambda a, b, c: tg.sum([a, -b, c]) * 2, "(a - b + c) * 2.0"),
        (lambda a, b, c: dot([a, a, b], [b, b, c]), "2.0 * (a * b) + b * c"),
        (lambda a, b, c: -dot([a, b + c, exp(c)], [-b, b, c]), "-((b + c) * b - a * b + exp(c) * c)"),
    ],
)
def test_sums_are_written_as_one_would(f, text):
    compiled = compile(f, 2.0, 3.0, 4.0)
    assert lines(compiled, "value") == [f"return {text}"]


def test_a_weight_that_is_used_often_has_a_gradient_in_one_statement():
    w = [Value(0.1 * i, f"w{i}") for i in range(4)]
    compiled = compile(lambda rows: tg.sum([tanh(dot(w, row)) for row in rows]), [[1.0] * 4] * 3)
    assert [line.count(" * ") for line in lines(compiled, "backward") if line.startswith("d_w")] == [3] * 4


def test_source_is_linear_in_the_graph():
    def size(n):
        return len(compile(lambda x: dot(x, [sin(a) for a in x]), [1.0] * n).source)

    assert 1.9 < size(800) / size(400) < 2.3


def test_what_computes_the_same_is_compiled_once(monkeypatch):
    first = compile(lambda x: tanh(x) * 2, 1.0)
    again = compile(lambda x: tanh(x) * 2, 5.0)
    other = compile(lambda x: tanh(x) * 3, 1.0)
    assert first._code("value") is again._code("value")
    assert other._code("value") is not first._code("value")
    assert other(1.0) == 3 * math.tanh(1.0)


def test_the_cache_does_not_grow_for_ever(monkeypatch):
    from tinygrad_edu.compiling import code_cache

    for i in range(2 * code_cache.KEPT):
        compile(lambda x, i=i: x * float(i), 1.0)
    assert len(code_cache._texts) <= code_cache.KEPT
    monkeypatch.setattr(code_cache, "CHARACTERS", 1000)
    for i in range(5):
        compile(lambda x, i=i: sin(x * float(i)), 0.5)
    assert sum(text.size for text in code_cache._texts.values()) <= 1000
    assert compile(lambda x: sin(x * 4.0), 1.0)._code("value") is compile(lambda x: sin(x * 4.0), 1.0)._code("value")


def test_what_it_is_shows():
    assert repr(compile(tanh, 1.0)) == "<compiled tanh>"


def test_the_traceback_of_a_refusal_shows_the_callers_code_alone():
    def branching(x):
        return x if x > 0 else -x

    def frames(function, *args):
        with pytest.raises(CompileError) as caught:
            function(*args)
        return [frame.name for frame in caught.traceback]

    assert frames(compile, branching, 1.0) == ["frames", "compile", "branching"]
    loss = tg.compile_loss(lambda x: branching(x[0] * Value(1.0)), tg.losses.mse)
    assert frames(loss, [[1.0]], [0.0]) == ["frames", "__call__", "_backward", "<lambda>", "branching"]
