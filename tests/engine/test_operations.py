"""Each operation of the table against the oracle, over its domain and at its edges, to second order."""

import functools
import inspect
import math
import operator

import oracle
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from samples import CHOOSING, ROUNDING

import tinygrad_edu
from tinygrad_edu import (
    Operation,
    Value,
    check_gradients,
    compile,
    derivative,
    draw,
    explain,
    expression,
    grad,
    gradients,
    jvp,
)
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.operation import BUILT_IN, TABLE


def reals(low=-1e6, high=1e6, away=1e-6):
    """Floats of all sizes between two bounds: small ones drawn as often as large ones, none closer to 0 than ``away``."""
    spread = st.tuples(st.floats(-6, 6), st.sampled_from([-1, 1])).map(lambda t: t[1] * 10 ** t[0])
    return st.one_of(st.floats(low, high), spread).filter(lambda x: low <= x <= high and abs(x) >= away)


ANY = reals()
POSITIVE = st.floats(-100, 100).map(lambda e: 10**e)
MODERATE = st.floats(-30, 30)
BETWEEN = st.one_of(st.floats(-0.999999, 0.999999), st.floats(1e-12, 1e-3).map(lambda gap: 1 - gap))

# What the operands may be; every operation not named takes any real numbers.
DOMAINS = {
    "power": st.one_of(
        st.tuples(st.floats(1e-3, 1e3), st.floats(-20, 20)),
        st.tuples(st.floats(-10, 10).filter(lambda x: abs(x) > 1e-3), st.integers(-6, 6).map(float)),
    ),
    "exp": st.tuples(st.floats(-600, 600)),
    "exp2": st.tuples(st.floats(-800, 800)),
    "logaddexp": st.tuples(st.floats(-600, 600), st.floats(-600, 600)),
    "expm1": st.tuples(st.floats(-600, 600)),
    "log": st.tuples(POSITIVE),
    "log2": st.tuples(POSITIVE),
    "log10": st.tuples(POSITIVE),
    "sqrt": st.tuples(POSITIVE),
    "log1p": st.tuples(st.one_of(POSITIVE, st.floats(-0.999999, 1))),
    "tan": st.tuples(st.floats(-1.57, 1.57)),
    "sinh": st.tuples(st.floats(-300, 300)),
    "cosh": st.tuples(st.floats(-300, 300)),
    "arcsin": st.tuples(BETWEEN),
    "arccos": st.tuples(BETWEEN),
    "arctanh": st.tuples(BETWEEN),
    "arccosh": st.tuples(st.one_of(st.floats(1.000001, 1e6), st.floats(1e-12, 1).map(lambda gap: 1 + gap))),
    "leaky_relu": st.tuples(ANY, st.floats(0, 1)),
    "elu": st.tuples(st.floats(-600, 1e6).filter(lambda x: abs(x) > 1e-6), st.floats(0.1, 3)),
    "selu": st.tuples(st.floats(-600, 1e6).filter(lambda x: abs(x) > 1e-6)),
    "silu": st.tuples(st.floats(-600, 600)),
    "mish": st.tuples(st.floats(-600, 600)),
    "softplus": st.tuples(st.floats(-600, 600)),
    "logsumexp": st.lists(st.floats(-600, 600), min_size=1, max_size=6).map(tuple),
    "linear": st.integers(0, 5).flatmap(lambda n: st.tuples(*[MODERATE] * (2 * n + 1))),
    "dot": st.integers(0, 5).flatmap(lambda n: st.tuples(*[MODERATE] * (2 * n))),
}
ROWS = [TABLE[name] for name in sorted(BUILT_IN)]


def operands_of(row):
    if row.name in DOMAINS:
        return DOMAINS[row.name]
    if row.arity is None:
        return st.lists(MODERATE, min_size=1, max_size=6).map(tuple)
    return st.tuples(*[ANY] * row.arity)


def second_derivatives(row, xs):
    """d²y/dx_i dx_j as the engine finds it: the rule is applied to Values, and what it records is differentiated."""
    matrix = []
    for i in range(len(xs)):
        values = [Value(x) for x in xs]
        local = row.rule(row(*values), *values)[i]
        if isinstance(local, Value):
            local.backward()
        matrix.append([value.grad for value in values])
    return matrix


KNOWN = [TABLE[name] for name in sorted(oracle.FUNCTIONS)]


def test_every_row_but_detach_has_an_oracle():
    assert {row.name for row in ROWS} - {row.name for row in KNOWN} == {"detach"}


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row.name)
@given(data=st.data())
def test_value_and_both_derivatives_agree_with_the_oracle(row, data):
    xs = data.draw(operands_of(row).filter(lambda xs: all(x == 0 or abs(x) > 1e-100 for x in xs)))
    if row.name in (*CHOOSING, "amax"):
        assume(oracle.apart(xs))
    if row.name in ROUNDING:
        assume(xs[0] % (xs[1] if len(xs) == 2 else 1.0) != 0)
    exact = oracle.FUNCTIONS[row.name]
    assume(xs)
    values = [Value(x) for x in xs]
    y = row(*values)
    scale = max(1.0, *map(abs, xs))
    assert oracle.close(y.data, exact(*map(oracle.mpf, xs)), scale)
    assert row(*xs) == y.data
    y.backward()
    for i, value in enumerate(values):
        if row.name == "power" and i == 1 and xs[0] < 0:
            assert math.isnan(value.grad)  # a negative number has powers at whole exponents only
            continue
        expected = oracle.derivative(exact, xs, i)
        assert oracle.close(value.grad, expected, scale * max(1.0, abs(y.data)) if row.arity is None else 1.0), (
            row.name, xs, i, value.grad, float(expected))  # fmt: skip
    if row.name == "power" and xs[0] < 0:
        return
    pairs = [(i, j) for i in range(len(xs)) for j in range(len(xs))]
    expected = {pair: oracle.second_derivative(exact, xs, *pair) for pair in pairs}
    assume(all(abs(number) < 1e250 for number in expected.values()))
    found = second_derivatives(row, xs)
    scale = max([1, *map(abs, expected.values())])  # terms of this size may cancel
    for i, j in pairs:
        assert oracle.close(found[i][j], expected[i, j], scale, rel=1e-7, abs_=1e-12), (
            row.name, xs, i, j, found[i][j], float(expected[i, j]))  # fmt: skip


COMPOSITES = [row for row in ROWS if row.definition is not None]


@pytest.mark.parametrize("row", COMPOSITES, ids=[row.name for row in COMPOSITES])
@given(data=st.data())
def test_a_composite_equals_its_definition(row, data):
    if row.arity is None:
        size = {"dot": 4, "linear": 5}.get(row.name) or data.draw(st.integers(1, 5))
        xs = data.draw(st.tuples(*[MODERATE] * size))
    else:
        # where the naive formula neither overflows nor cancels
        xs = data.draw(st.tuples(*[st.floats(0.1, 5)] * row.arity))
        if row.name in (
            "relu",
            "leaky_relu",
            "elu",
            "sigmoid",
            "silu",
            "softplus",
            "gelu",
            "tanh",
            "sinh",
            "selu",
            "mish",
            "gelu_tanh",
        ):
            xs = (xs[0] * data.draw(st.sampled_from([-1, 1])), *xs[1:])
    node, parts = [Value(x) for x in xs], [Value(x) for x in xs]
    y, expanded = row(*node), row.definition(*parts)
    y.backward()
    expanded.backward()
    assert y.data == pytest.approx(expanded.data, rel=1e-10, abs=1e-12)
    assert [v.grad for v in node] == pytest.approx([v.grad for v in parts], rel=1e-9, abs=1e-11)


def gradient(f, *xs):
    values = [Value(float(x)) for x in xs]
    f(*values).backward()
    return [value.grad for value in values]


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (ops.relu, 0.0, 0.0),
        (ops.absolute, 0.0, 0.0),
        (ops.leaky_relu, 0.0, 0.01),
        (ops.elu, 0.0, 1.0),
        (lambda x: x.elu(3.0), 0.0, 3.0),
        (ops.selu, 0.0, 1.7580993408473766),
        (ops.sign, 0.0, 0.0),
        (lambda x: x.heaviside(0.5), 0.0, 0.0),
    ],
)
def test_at_a_kink_the_derivative_is_the_one_pytorch_takes(f, x, expected):
    assert gradient(f, x) == [expected]


@pytest.mark.parametrize("row", [row for row in COMPOSITES if row.init], ids=lambda row: row.name)
def test_the_definition_of_an_activation_has_the_same_slope_at_its_kink(row):
    if row.name != "gelu":
        assert gradient(row, 0.0) == pytest.approx(gradient(row.definition, 0.0))


@pytest.mark.parametrize("f", [ops.maximum, ops.minimum])
def test_a_tie_shares_the_derivative(f):
    assert gradient(f, 2.0, 2.0) == [0.5, 0.5]
    assert gradient(f, math.inf, 1.0) == ([1.0, 0.0] if f is ops.maximum else [0.0, 1.0])


@pytest.mark.parametrize(
    ("x", "n", "first", "second"),
    [
        (3.0, 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 1.0, 1.0, 0.0),
        (0.0, 2.0, 0.0, 2.0),
        (0.0, 3.0, 0.0, 0.0),
        (-2.0, 1.0, 1.0, 0.0),
        (-2.0, 2.0, -4.0, 2.0),
        (-2.0, 3.0, 12.0, -12.0),
        (-2.0, -1.0, -0.25, -0.25),
    ],
)
def test_powers_at_their_edges_to_second_order(x, n, first, second):
    for exponent in (n, int(n), Value(n)):
        base = Value(x)
        (base**exponent).backward()
        assert base.grad == first
    base = Value(x)
    slope = ops.power.rule(base ** Value(n), base, Value(n))[0]
    if isinstance(slope, Value):
        slope.backward()
        assert base.grad == second
    else:
        assert second == 0.0


def test_the_derivative_by_an_exponent_is_zero_at_base_zero():
    assert gradient(ops.power, 0.0, 2.0) == [0.0, 0.0]
    assert gradient(ops.power, 2.0, 3.0) == pytest.approx([12.0, 8 * math.log(2)])


POWERS = [(x, n) for x in (2.5, 0.3, 1.0) for n in (-1.5, -1.0, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0)]
POWERS += [(-1.5, n) for n in (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)] + [(0.0, n) for n in (1.0, 2.0, 3.0)]


@pytest.mark.parametrize(("x", "n"), POWERS)
def test_both_derivatives_of_a_power_whatever_is_a_value(x, n):
    """To second order, with base and exponent a Value or a plain number, with and without a graph, and compiled."""

    def by_base(x):
        return oracle.FUNCTIONS["power"](x, oracle.mpf(n))

    def by_exponent(n):
        return oracle.mpf(x) ** n

    slope, curve = oracle.derivative(by_base, [x], 0), oracle.second_derivative(by_base, [x], 0, 0)
    for f in (lambda base: base**n, lambda base: base ** Value(n)):
        assert oracle.close(derivative(f)(x), slope)
        assert oracle.close(derivative(f, order=2)(x), curve)
        compiled = compile(f, x)
        assert oracle.close(compiled.gradient(x), slope)
        assert "rule" not in compiled.source
    if x > 0:
        slope, curve = oracle.derivative(by_exponent, [n], 0), oracle.second_derivative(by_exponent, [n], 0, 0)
        for f in (lambda exponent: x**exponent, lambda exponent: Value(x) ** exponent):
            assert oracle.close(derivative(f)(n), slope)
            assert oracle.close(derivative(f, order=2)(n), curve)
            assert oracle.close(compile(f, n).gradient(n), slope)
    elif x == 0:
        assert gradient(lambda n: 0.0**n, n) == [0.0]
    else:
        assert math.isnan(gradient(lambda n: x**n, n)[0])
    compiled = compile(lambda x, n: x**n, 2.0, 3.0)
    assert "rule" not in compiled.source
    found, expected = compiled.gradient(x, n), gradient(ops.power, x, n)
    assert all(a == pytest.approx(b, rel=1e-14, nan_ok=True) for a, b in zip(found, expected))


def test_a_power_by_a_constant_asks_for_one_derivative():
    x = Value(3.0)
    assert ops.power.rule(x**2.0, x, 2.0)[0].parents == (2.0, x)  # n x, not n x¹
    assert ops.power.rule(x, x, 1.0)[0] == 1.0
    assert ops.power.rule(x**0.0, x, 0.0)[0] == 0.0
    for base in (0.0, -2.0):
        assert math.isnan(ops.power.rule(Value(1.0), base, Value(2.0))[0])
    assert math.isnan(ops.power.rule(x**2.0, x, 2.0)[1])


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda: ops.sigmoid(-1000.0), 0.0),
        (lambda: ops.sigmoid(1000.0), 1.0),
        (lambda: ops.softplus(1000.0), 1000.0),
        (lambda: ops.softplus(-1000.0), 0.0),
        (lambda: ops.silu(-1000.0), 0.0),
        (lambda: ops.gelu(-40.0), 0.0),
        (lambda: ops.elu(1000.0), 1000.0),
        (lambda: ops.logsumexp(1000.0, 1000.0), 1000 + math.log(2)),
        (lambda: ops.logsumexp(-1000.0, -1000.0), -1000 + math.log(2)),
        (lambda: ops.logsumexp(math.inf, 0.0), math.inf),
        (lambda: ops.logsumexp(-math.inf, -math.inf), -math.inf),
        (lambda: ops.tanh(1000.0), 1.0),
        (lambda: ops.hypot(1e200, 1e200), math.sqrt(2) * 1e200),
    ],
)
def test_nothing_overflows_that_need_not(f, expected):
    assert f() == pytest.approx(expected, abs=1e-300)


@pytest.mark.parametrize(
    ("f", "xs", "expected"),
    [
        (ops.sigmoid, (-1000.0,), [0.0]),
        (ops.softplus, (1000.0,), [1.0]),
        (ops.logsumexp, (1000.0, 1000.0), [0.5, 0.5]),
        (ops.elu, (1000.0, 1.0), [1.0, 0.0]),
        (ops.arctan2, (1e200, 1e200), [0.5e-200, -0.5e-200]),
        (ops.arctan2, (1e-200, 1e-200), [0.5e200, -0.5e200]),
        (ops.arcsinh, (1e200,), [1e-200]),
        (ops.arccosh, (1e200,), [1e-200]),
        (ops.arctan, (1e200,), [0.0]),
        (ops.erf, (1e200,), [0.0]),
        (ops.gelu, (1e200,), [1.0]),
        (ops.gelu, (-1e200,), [0.0]),
        (ops.hypot, (3e200, 4e200), [0.6, 0.8]),
        (ops.power, (1e-310, 0.0), [0.0, math.log(1e-310)]),
        (ops.logsumexp, (1e16, 1e16), [0.5, 0.5]),
        (ops.leaky_relu, (1.0, 1e20), [1.0, 0.0]),
        (ops.arctanh, (1 - 2**-53,), [2.0**52]),
        (ops.arcsin, (1 - 2**-53,), [2.0**26]),
        (ops.arccosh, (1 + 2**-52,), [2.0**25.5]),
        (ops.expm1, (-50.0,), [math.exp(-50)]),
    ],
)
def test_derivatives_do_not_overflow_that_need_not(f, xs, expected):
    assert gradient(f, *xs) == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_nan_passes_through_logsumexp():
    for xs in ((math.inf, math.nan), (math.nan, math.inf), (-math.inf, math.nan), (math.nan, 0.0), (0.0, math.nan)):
        assert math.isnan(ops.logsumexp(*xs))


def test_a_dead_unit_passes_nothing_on_even_where_its_derivative_is_not_finite(own_operation):
    steep = own_operation("steep", lambda x: x, lambda y, x: (math.inf,))
    steep2 = own_operation("steep2", lambda a, b: a + b, lambda y, a, b: (math.inf, math.inf))
    x = Value(1.0)
    (steep(x) * 0 + steep2(x, x) * 0).backward()
    assert x.grad == 0.0


@pytest.mark.parametrize("f", [ops.relu, ops.maximum, ops.minimum, ops.sign, ops.heaviside, ops.leaky_relu])
def test_nan_passes_through_steps(f):
    xs = [math.nan, 1.0][: f.arity]
    assert math.isnan(f(*xs))
    assert math.isnan(f(*reversed(xs))) or f in (ops.heaviside, ops.leaky_relu)


@pytest.mark.parametrize("name", ["arcsin", "arccos", "arctanh"])
@pytest.mark.parametrize("x", [1e-80, 1e-17, -1e-8, 0.3, 0.4999999, 0.5, -0.5000001, 0.9, 1 - 1e-9, -1 + 2**-53])
def test_inverse_functions_keep_all_their_digits_to_second_order(name, x):
    """Near 0, where 1 - x² written as a product has no slope, and near 1, where it cancels if it is not."""
    row, exact = TABLE[name], oracle.FUNCTIONS[name]
    slope, curve = oracle.derivative(exact, [x], 0), oracle.second_derivative(exact, [x], 0, 0)
    assert oracle.close(derivative(row)(x), slope, rel=1e-14, abs_=0.0)
    assert oracle.close(derivative(row, order=2)(x), curve, rel=1e-14, abs_=0.0)
    assert derivative(row, order=2)(0.0) == 0.0
    compiled = compile(lambda x: gradients(row(x), x, create_graph=True), 0.3)
    assert compiled(x) == derivative(row)(x)
    assert compiled.gradient(x) == pytest.approx(derivative(row, order=2)(x), rel=1e-14)


@pytest.mark.parametrize(
    ("f", "x", "value", "first", "second"),
    [
        (ops.elu, 0.0, 0.0, 1.0, 0.0),
        (lambda x: ops.elu(x, 2.0), 0.0, 0.0, 2.0, 0.0),
        (ops.elu, -1.0, -0.6321205588285577, 0.36787944117144233, 0.36787944117144233),
        (ops.selu, 0.0, 0.0, 1.7580993408473766, 0.0),
        (ops.selu, -0.001, -0.0017572205841202705, 1.7563421202632563, 1.7563421202632563),
        (ops.selu, 0.001, 0.0010507009873554805, 1.0507009873554805, 0.0),
        (ops.selu, -10.0, -1.7580195232607867, 7.981758658994182e-05, 7.981758658994182e-05),
        (ops.mish, 0.0, 0.0, 0.6, 0.64),
        (ops.mish, -1.0, -0.30340146137410895, 0.059216755877395, 0.34970567367064487),
        (ops.mish, -10.0, -0.00045398899185674697, -0.0004085797869029919, -0.0003631623373348363),
        (ops.mish, 1e200, 1e200, 1.0, 0.0),
        (ops.gelu_tanh, 0.0, 0.0, 0.5, 0.7978845608028654),
        (ops.gelu_tanh, -1.0, -0.15880800939172324, -0.08296408384578252, 0.24214819798377296),
        (lambda x: x % 0.1, 1.0, 0.09999999999999995, 1.0, 0.0),
        (lambda b: 1.0 % b, 0.1, 0.09999999999999995, -9.0, 0.0),
        (lambda b: -7.0 % b, 4.0, 1.0, 2.0, 0.0),
        (lambda a: ops.logaddexp(a, 1.0), 1.0, 1.6931471805599454, 0.5, 0.25),
        (ops.exp2, 3.0, 8.0, 5.545177444479562, 3.843624111345611),
    ],
)
def test_as_pytorch_has_it(f, x, value, first, second):
    """Numbers of PyTorch 2.13, except for the second derivative of mish at 1e200, which is NaN there."""
    assert f(x) == pytest.approx(value, rel=1e-14)
    assert gradient(f, x) == pytest.approx([first], rel=1e-13)
    assert derivative(f, order=2)(x) == pytest.approx(second, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("a", "b", "expected"), [(math.inf, math.inf, math.inf), (-math.inf, -math.inf, -math.inf), (-math.inf, 2.0, 2.0), (math.inf, -math.inf, math.inf), (1e3, 1e3, 1e3 + math.log(2)), (-1e3, 0.0, 0.0)])  # fmt: skip
def test_logaddexp_of_infinite_and_large_numbers(a, b, expected):
    assert ops.logaddexp(a, b) == ops.logaddexp(b, a) == expected
    assert math.isnan(ops.logaddexp(a, math.nan))
    assert math.isnan(ops.logaddexp(math.nan, b))


# ---- other names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "row"), [("fabs", ops.absolute), ("radians", ops.deg2rad), ("degrees", ops.rad2deg)])
def test_what_numpy_calls_otherwise_has_both_names(name, row):
    assert getattr(tinygrad_edu, name) is row
    assert getattr(Value(-30.0), name)().op is row
    with pytest.raises(ValueError, match=f"{name!r} already means something else on a Value"):
        Operation(name, math.sin, lambda y, x: (1.0,))
    assert name not in TABLE


def test_pythons_floor_and_ceil_record():
    assert (math.floor(Value(-0.5)).op, math.ceil(Value(-0.5)).op) == (ops.floor, ops.ceil)


# ---- detach ----------------------------------------------------------------------------------------------------------


def test_nothing_flows_back_through_detach():
    for f in (ops.detach, Value.detach):
        x = Value(3.0, label="x")
        y = f(x)
        assert (y.data, y.op, y.parents) == (3.0, ops.detach, (x,))
        (y * x).backward()
        assert (x.grad, y.grad) == (3.0, 3.0)
        slope = gradients(y * x, x, create_graph=True)
        assert slope.data == 3.0
        assert gradients(slope, x) == 0.0
    assert ops.detach(3) == 3.0
    assert grad(lambda x: x * x.detach())(3.0) == 3.0
    assert jvp(lambda x: x * x.detach(), (3.0,), (1.0,)) == (9.0, 3.0)
    compiled = compile(lambda x: x * x.detach(), 1.0)
    assert compiled.value_and_gradient(3.0) == (9.0, 3.0)


def test_what_detach_is_for():
    def softmax(*xs):
        top = ops.detach(ops.amax(*xs))
        shares = [ops.exp(x - top) for x in xs]
        return shares[0] / sum(shares[1:], shares[0])

    assert grad(softmax, argnums=(0, 1))(1000.0, 1000.0) == (0.25, -0.25)

    def rounded(x):  # a straight-through estimator
        return x + ops.detach(ops.floor(x) - x)

    assert rounded(2.75) == 2.0
    assert grad(lambda x: 3 * rounded(x))(2.75) == 3.0

    def error_of_a_prediction(now, later):  # of temporal-difference learning
        return (1.0 + 0.9 * ops.detach(later) - now) ** 2

    assert grad(error_of_a_prediction, argnums=(0, 1))(2.0, 3.0) == pytest.approx((-3.4, 0.0))


def test_detach_is_drawn_and_explained():
    x = Value(3.0, label="x")
    y = x * x.detach()
    assert str(expression(y)) == "x·detach(x)"
    assert "detach" in draw(y).source
    assert "detach(x)" in str(explain(y))


def test_check_gradients_says_that_detach_differs():
    assert not check_gradients(lambda x: x.detach(), 3.0).ok
    assert "check_gradients says that it differs" in ops.detach.__doc__


# ---- sums ------------------------------------------------------------------------------------------------------------

WIDE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e150, max_value=1e150)


@pytest.mark.parametrize("name", ["sum", "mean", "dot", "linear"])
@given(st.lists(WIDE, max_size=12))
@example([-0.0])
@example([-0.0, 1.0, -0.0])
def test_sums_go_from_left_to_right_and_are_their_definitions_bit_for_bit(name, numbers):
    if (name == "dot" and len(numbers) % 2) or (name == "linear" and len(numbers) % 2 == 0) or not numbers:
        numbers = [*numbers, 0.1]
    if name == "dot" and len(numbers) % 2:
        numbers = [*numbers, -0.3]
    row, half = TABLE[name], len(numbers) // 2
    terms = numbers if name in ("sum", "mean") else [a * b for a, b in zip(numbers[:half], numbers[half:])]
    total = functools.reduce(operator.add, terms) if terms else 0.0
    expected = total / len(numbers) if name == "mean" else total + numbers[-1] if name == "linear" else total
    values = [Value(x) for x in numbers]
    found = [
        row.forward(*numbers),
        row(*numbers),
        row(*values).data,
        row.definition(*numbers),
        row.definition(*values).data,
    ]
    assert {x.hex() for x in found} == {expected.hex()}
    if name != "mean":
        compiled = compile(lambda *xs: row(*xs), *[1.0] * len(numbers))
        assert compiled(*numbers).hex() == expected.hex()


def test_sums_are_not_compensated_on_any_python():
    assert (
        tinygrad_edu.sum([0.1] * 10) == 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 == 0.9999999999999999
    )
    assert tinygrad_edu.sum([1.0, 1e100, 1.0, -1e100]) == 0.0
    assert ops.linear(1e16, 1e16, 1.0, -1.0, 1.0) == 1.0
    assert ops.linear(1e16, 1.0, 1.0) == 1e16
    assert math.copysign(1.0, tinygrad_edu.sum([-0.0, -0.0])) == -1.0
    assert ops.dot() == 0.0
    assert ops.linear(2.0) == 2.0


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "kind", "message"),
    [
        (lambda: ops.log(Value(-1.0, "z")), ValueError, r"^log of z = -1.0 is undefined"),
        (lambda: ops.log(0.0), ValueError, r"^log of 0.0 is undefined"),
        (lambda: ops.log1p(Value(-1.0)), ValueError, r"^log1p of -1.0 is undefined"),
        (lambda: Value(-4.0, "q").sqrt(), ValueError, r"^sqrt of q = -4.0 is undefined"),
        (lambda: ops.arcsin(Value(2.0)), ValueError, r"^arcsin of 2.0 is undefined"),
        (lambda: ops.arccosh(Value(0.5)), ValueError, r"^arccosh of 0.5 is undefined"),
        (lambda: ops.arctanh(Value(1.0)), ValueError, r"^arctanh of 1.0 is undefined"),
        (lambda: ops.sin(Value(math.inf)), ValueError, r"^sin of inf is undefined"),
        (lambda: ops.exp(Value(1000.0, "x")), OverflowError, r"^exp of x = 1000.0 is too large for a float"),
        (lambda: ops.sinh(Value(1000.0)), OverflowError, r"^sinh of 1000.0 is too large"),
        (lambda: Value(10.0, "b") ** 400, OverflowError, r"^power of b = 10.0 and 400.0 is too large for a float \(Numerical result out of range\)"),
        (lambda: Value(1.0, "a") / Value(0.0, "b"), ZeroDivisionError, r"^divide of a = 1.0 and b = 0.0 is undefined"),
        (lambda: 1 / Value(0.0, "b"), ZeroDivisionError, r"^divide of 1.0 and b = 0.0 is undefined"),
        (lambda: Value(0.0) ** -1, ZeroDivisionError, r"^power of 0.0 and -1.0 is undefined"),
        (lambda: Value(-8.0, "x") ** (1 / 3), ValueError, r"^power of x = -8.0 and 0.333.* is undefined .*not real"),
        (lambda: (-8) ** Value(0.5), ValueError, r"^power of -8.0 and 0.5 is undefined .*not real"),
        (lambda: ops.exp(Value(1e4, "n" * 10_000)), OverflowError, r"^exp of n{39}… = 10000.0 is"),
    ],
)  # fmt: skip
def test_outside_its_domain_an_operation_names_itself_and_its_operands(f, kind, message):
    with pytest.raises(kind, match=message):
        f()


def test_an_error_of_many_operands_names_the_first():
    xs = [Value(1.0, f"x{i}") for i in range(6)]
    failing = Operation("failing_sum", lambda *xs: math.log(-1), lambda y, *xs: (1.0,) * len(xs))
    try:
        with pytest.raises(ValueError, match=r"^failing_sum of x0 = 1.0, x1 = 1.0, x2 = 1.0, x3 = 1.0 and 2 more is"):
            failing(*xs)
    finally:
        del TABLE["failing_sum"]


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (ops.sqrt, 0.0, r"^the derivative of sqrt at x = 0.0 is infinite"),
        (ops.arcsin, 1.0, r"^the derivative of arcsin at x = 1.0 is infinite"),
        (ops.arccos, -1.0, r"^the derivative of arccos at x = -1.0 is infinite"),
        (ops.arccosh, 1.0, r"^the derivative of arccosh at x = 1.0 is infinite"),
        (lambda x: x**0.5, 0.0, r"^the derivative of power at x = 0.0 and 0.5 is infinite"),
        (lambda x: ops.hypot(x, x), 0.0, r"^the derivative of hypot at x = 0.0 and x = 0.0 is infinite"),
        (lambda x: ops.arctan2(x, x), 0.0, r"^the derivative of arctan2 at x = 0.0"),
    ],
)
def test_an_infinite_derivative_is_an_error_and_changes_nothing(f, x, message):
    value = Value(x, "x")
    value.grad = 7.0
    y = f(value) + value
    with pytest.raises(ZeroDivisionError, match=message):
        y.backward()
    assert value.grad == 7.0
    assert y.grad == 0.0


def test_a_derivative_too_large_is_an_overflow():
    x = Value(1e-200, "x")
    y = x**-1.5
    with pytest.raises(OverflowError, match=r"^the derivative of power at x = 1e-200 and -1.5 is too large"):
        y.backward()


@pytest.mark.parametrize("wrong", ["1", None, 1j, [1.0], (1,), object(), {}])
def test_what_is_not_a_number_is_a_type_error_that_names_its_type(wrong):
    name = type(wrong).__name__
    for f in (Value, ops.tanh, Value(1.0).maximum, lambda w: ops.hypot(1.0, w)):
        with pytest.raises(TypeError, match=rf"not {name}"):
            f(wrong)
    for f in (lambda w: Value(1.0) + w, lambda w: w / Value(1.0), lambda w: Value(1.0) ** w):
        with pytest.raises(TypeError, match=name):
            f(wrong)


def test_wrong_calls_say_how_it_is_called():
    with pytest.raises(TypeError, match=r"tanh\(\) takes 1 positional argument but 2 were given"):
        ops.tanh(1, 2)
    with pytest.raises(TypeError, match=r"leaky_relu\(x, negative_slope=0.01\) was called with \(Value, slope=...\)"):
        ops.leaky_relu(Value(1.0), slope=0.2)
    with pytest.raises(TypeError, match=r"hypot\(a, b\) was called with \(int\)"):
        ops.hypot(1)
    with pytest.raises(TypeError, match=r"sum\(\*operands\) was called with \(start=...\)"):
        ops.sum_(start=1)
    assert ops.leaky_relu(-1.0, negative_slope=0.2) == -0.2 == Value(-1.0).leaky_relu(0.2).data


# ---- operations of one's own -----------------------------------------------------------------------------------------


def test_an_operation_of_ones_own_works_everywhere(own_operation):
    cube = own_operation("cube", lambda x: x**3, lambda y, x: (3 * x * x,), "x times x times x.", "cube(2.0) = 8.0")
    x = Value(2.0, "x")
    for y in (cube(x), x.cube()):
        assert y.data == 8.0
        assert y.op is cube
        x.grad = 0.0
        y.backward()
        assert x.grad == 12.0
    assert cube(2) == 8.0
    assert second_derivatives(cube, [2.0]) == [[12.0]]
    assert "x times x times x." in cube.__doc__
    from tinygrad_edu import nn

    assert nn.Neuron(1, "cube").activation == nn.Neuron(1, cube).activation == "cube"


def test_defining_it_again_replaces_it(own_operation):
    own_operation("twice", lambda x: 3 * x, lambda y, x: (3.0,))
    own_operation("twice", lambda x: 2 * x, lambda y, x: (2.0,))
    assert Value(1.0).twice().data == 2.0


def test_mistakes_in_a_row_are_explained(own_operation):
    with pytest.raises(ValueError, match="'tanh' is a built-in operation"):
        Operation("tanh", math.tanh, lambda y, x: (1 - y * y,))
    with pytest.raises(ValueError, match="'backward' already means something else on a Value"):
        Operation("backward", math.tanh, lambda y, x: (1 - y * y,))
    assert "backward" not in TABLE
    for rule in (math.cos, lambda: (1.0,), lambda y: (1.0,)):
        with pytest.raises(TypeError, match="the rule of 'odd' must be a function of the output and the operands"):
            Operation("odd", math.sin, rule)
    bare = own_operation("bare", lambda x: x, lambda y, x: 1.0)
    with pytest.raises(TypeError, match=r"tuple of 1 derivative, one for each operand, not 1.0: write \(dy_dx,\)"):
        bare(Value(1.0)).backward()
    short = own_operation("short", lambda a, b: a, lambda y, a, b: (1.0,))
    with pytest.raises(TypeError, match=r"tuple of 2 derivatives, one for each operand, not \(1.0,\)"):
        short(Value(1.0), 2.0).backward()
    many = own_operation("many", lambda *xs: 1.0, lambda y, *xs: (1.0,))
    with pytest.raises(TypeError, match=r"tuple of 3 derivatives"):
        many(Value(1.0), 2.0, 3.0).backward()
    empty = own_operation("empty", lambda x: x, lambda y, x: None)
    with pytest.raises(TypeError, match=r"tuple of 1 derivative, one for each operand, not None"):
        empty(Value(1.0)).backward()
    broken = own_operation("broken", lambda x: None, lambda y, x: (1.0,))
    for x in (1.0, Value(1.0)):
        with pytest.raises(TypeError, match="expected a number, not NoneType"):
            broken(x)
    whole = own_operation("whole", lambda x: round(x), lambda y, x: (0.0,))
    assert type(whole(1.5)) is type(whole(Value(1.5)).data) is float
    strange = own_operation("strange", lambda x: x, lambda y, x: ("a",))
    with pytest.raises(TypeError, match=r"the rule of strange must return a tuple of 1 derivative.* not \('a',\)"):
        strange(Value(1.0)).backward()
    for name, forward in (("", math.sin), (3, math.sin), ("odd", 3)):
        with pytest.raises(TypeError, match="has a name and a function that computes it"):
            Operation(name, forward, lambda y, x: (1.0,))
    with pytest.raises(ValueError, match="'__add__' already means something else on a Value"):
        Operation("__add__", math.sin, lambda y, x: (1.0,))


def test_an_arithmetic_error_of_another_kind_stays_one(own_operation):
    def fail(x):
        raise FloatingPointError("no such thing")

    odd = own_operation("odd", fail, lambda y, x: (1.0,))
    with pytest.raises(ArithmeticError, match=r"odd of x = 1.0 is undefined \(no such thing\)"):
        odd(Value(1.0, "x"))


def test_inspect_knows_how_an_operation_is_called():
    assert str(inspect.signature(ops.tanh)) == "(x)"
    assert str(inspect.signature(ops.leaky_relu)) == "(x, negative_slope=0.01)"
