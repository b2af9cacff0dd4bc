"""Each operation of the table against the oracle, over its domain and at its edges, to second order."""

import math

import oracle
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import CHOOSING, ROUNDING

from tinygrad_edu import Operation, Value
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
        (lambda x: 0 * ops.sqrt(x), 0.0, r"^the derivative of sqrt at x = 0.0 is infinite"),
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
    with pytest.raises(TypeError, match=r"tanh\(x\) was called with \(int, int\)"):
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
