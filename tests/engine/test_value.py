"""``Value``: it behaves like a float, records what was done, and differentiates it."""

import asyncio
import contextvars
import copy
import math
import operator
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value, no_grad, topological_order
from tinygrad_edu.engine import ops

numbers = st.floats(-1e3, 1e3)


# ---- a number that records -------------------------------------------------------------------------------------------


def test_a_leaf_holds_what_it_is_given():
    x = Value(3, label="x")
    assert (x.data, x.grad, x.label, x.op, x.parents) == (3.0, 0.0, "x", None, ())
    assert type(x.data) is float
    for number in (True, 3, 3.0, np.float64(3), np.float32(3), np.int8(3), np.uint64(3), np.bool_(True), np.array(3.0)):
        assert type(Value(number).data) is float
        assert Value(number).data == float(number)


def test_data_grad_and_label_can_be_set():
    x = Value(1.0)
    x.data, x.grad, x.label = np.float32(0.5), 2, "x"
    assert (x.data, x.grad, x.label) == (0.5, 2.0, "x")
    assert type(x.data) is type(x.grad) is float
    for attribute in ("data", "grad"):
        with pytest.raises(TypeError, match="not str"):
            setattr(x, attribute, "1")
    assert (x.data, x.grad) == (0.5, 2.0)
    with pytest.raises(TypeError, match=r"the name of a Value is its label: Value\(3.0, label='x'\)"):
        Value(3.0, name="x")
    with pytest.raises(TypeError, match="a label is a string, not float"):
        Value(1.0, 2.0)
    with pytest.raises(AttributeError):
        x.lable = "a slip of the pen"


def test_numbers_too_large_for_a_float_are_an_overflow():
    for f in (Value, ops.exp, lambda x: Value(1.0) * x, lambda x: ops.sum_(Value(1.0), x)):
        with pytest.raises(OverflowError, match="an int of 1,329 bits is too large for a float"):
            f(10**400)


class Tensor:
    """A scalar as PyTorch has them: it has a shape and a dtype, and turns into a float, which would cut its graph."""

    shape = ()
    dtype = "torch.float32"

    def __float__(self):
        return 2.0


def test_scalars_of_other_libraries_are_refused_by_name(monkeypatch):
    monkeypatch.setattr(Tensor, "__module__", "torch")
    for f in (Value, ops.tanh, Value(3.0).maximum, lambda x: ops.dot(Value(1.0), x)):
        with pytest.raises(TypeError, match=r"^expected a number, not torch\.Tensor$"):
            f(Tensor())
    for f in (operator.add, operator.mul, operator.truediv, operator.pow, operator.mod):
        for operands in ((Value(3.0), Tensor()), (Tensor(), Value(3.0))):
            with pytest.raises(TypeError, match="unsupported operand"):
                f(*operands)


@pytest.mark.parametrize("dtype", [np.complex128, object, "datetime64[s]"])
def test_numpy_scalars_that_are_no_numbers_are_refused(dtype):
    with pytest.raises(TypeError, match=r"expected a number, not numpy\.ndarray"):
        Value(np.zeros((), dtype=dtype))


def test_a_result_keeps_its_operation_and_operands_in_order_with_repeats():
    x, y = Value(2.0), Value(3.0)
    z = x * x
    assert z.op is ops.multiply
    assert z.parents == (x, x)
    assert all(parent is x for parent in z.parents)
    d = x - y
    assert d.parents[0] is x
    assert d.parents[1] is y
    c = 1 - x
    assert (c.parents[0].data, c.parents[0].op) == (1.0, None)
    assert ops.dot(x, y, y, x).parents == (x, y, y, x)


@given(numbers, numbers)
def test_arithmetic_and_comparison_are_those_of_floats(a, b):
    for op in (operator.add, operator.sub, operator.mul, operator.truediv):
        if op is operator.truediv and b == 0:
            continue
        expected = op(a, b)
        assert op(Value(a), Value(b)).data == op(Value(a), b).data == op(a, Value(b)).data == expected
    for op in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
        assert op(Value(a), Value(b)) is op(Value(a), b) is op(a, Value(b)) is op(a, b)
    assert ((-Value(a)).data, (+Value(a)).data, abs(Value(a)).data) == (-a, +a, abs(a))
    assert bool(Value(a)) is bool(a)


def test_comparison_with_something_else_is_that_of_a_float():
    assert Value(1.0) != "1"
    assert Value(1.0) != None  # noqa: E711
    with pytest.raises(TypeError, match="not supported"):
        assert Value(1.0) < "1"


def test_equal_numbers_stay_different_nodes():
    a, b = Value(1.0), Value(1.0)
    assert a == b
    assert len({a, b}) == 2
    assert {a: "a", b: "b"}[a] == "a"


def test_infinity_and_nan_flow_as_they_do_in_floats():
    assert (Value(1e308) * 10).data == math.inf
    assert math.isnan((Value(math.inf) - math.inf).data)


@pytest.mark.parametrize("f", [float, int, math.exp, math.sqrt, complex, "{:d}".format])
def test_a_value_does_not_turn_into_a_plain_number_by_itself(f):
    if isinstance(f, type) or f in (math.exp, math.sqrt):
        with pytest.raises(
            TypeError, match=r"v\.data for the number, and exp\(v\) or v\.exp\(\) rather than math\.exp"
        ):
            f(Value(1.0))
    else:
        with pytest.raises(ValueError, match="format code"):
            f(Value(1.0))


def test_repr_and_format():
    x = Value(2.0, label="x")
    x.grad = 0.5
    assert repr(x) == str(x) == f"{x}" == "Value(data=2.0, grad=0.5, label='x')"
    assert repr(Value(2.0)) == "Value(data=2.0, grad=0.0)"
    assert f"{x:.3f} {x:>6.1f}" == "2.000    2.0"


def test_copies_and_pickles_are_independent():
    x = Value(2.0, label="x")
    y = (x * 3).tanh()
    for twin in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        twin.backward()
        assert twin.data == y.data
        assert twin.op is ops.tanh
        assert "x" in [node.label for node in topological_order(twin)]
    assert x.grad == y.grad == 0.0


# ---- NumPy -----------------------------------------------------------------------------------------------------------


def test_numpy_calls_the_operations():
    values = np.array([Value(0.5), Value(0.25)])
    for name in ("exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh",
                 "cosh", "tanh", "arcsinh", "arctanh", "log2", "log10"):  # fmt: skip
        results = getattr(np, name)(values)
        assert [v.data for v in results] == pytest.approx(list(getattr(np, name)(np.array([0.5, 0.25]))))
        assert all(v.op.name == name for v in results)
    assert [v.data for v in np.hypot(values, values)] == pytest.approx([0.5 * math.sqrt(2), 0.25 * math.sqrt(2)])
    assert [v.data for v in np.arctan2(values, values)] == pytest.approx([math.pi / 4] * 2)
    assert np.exp(Value(0.0)).data == 1.0


@pytest.mark.parametrize(
    ("f", "operation"),
    [
        (np.exp2, "exp2"),
        (np.deg2rad, "deg2rad"),
        (np.radians, "deg2rad"),
        (np.rad2deg, "rad2deg"),
        (np.degrees, "rad2deg"),
        (np.fabs, "absolute"),
        (np.abs, "absolute"),
        (np.floor, "floor"),
        (np.ceil, "ceil"),
        (np.positive, "positive"),
        (np.negative, "negative"),
        (lambda x: x % 0.75, "remainder"),
        (lambda x: 0.75 % x, "remainder"),
        (lambda x: np.mod(x, -0.75), "remainder"),
        (lambda x: np.remainder(x, x + 1), "remainder"),
    ],
)
def test_numpy_calls_operations_by_its_own_names_for_them(f, operation):
    numbers = [0.5, 2.25, -1.5]
    results = f(np.array([Value(x) for x in numbers]))
    assert [v.data for v in results] == pytest.approx(list(f(np.array(numbers))), rel=1e-15)
    assert all(v.op.name == operation for v in results)
    assert f(Value(0.5)).data == pytest.approx(f(0.5), rel=1e-15)


@pytest.mark.parametrize(
    "f",
    [
        np.mean,
        np.var,
        np.std,
        lambda x: np.var(x, ddof=1),
        lambda x: np.std(x, ddof=1),
        lambda x: np.vdot(x, x),
        lambda x: np.inner(x, x * x),
        lambda x: np.vdot(x, [1.0, 2.0, 3.0]),
        lambda x: np.conjugate(x).sum(),
        lambda x: x.std() / x.mean(),
        np.linalg.norm,
    ],
)
def test_statistics_of_numpy_work_and_have_derivatives(f):
    numbers = [0.5, 2.25, -1.5]
    values = np.array([Value(x) for x in numbers])
    result = f(values)
    assert result.data == pytest.approx(f(np.array(numbers)), rel=1e-14)
    result.backward()
    for i, value in enumerate(values):
        up, down = (f(np.array(numbers) + [h * (i == j) for j in range(3)]) for h in (1e-6, -1e-6))
        assert value.grad == pytest.approx((up - down) / 2e-6, rel=1e-7, abs=1e-7)


def test_arrays_of_values_multiply_as_matrices_and_broadcast():
    a = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
    b = np.array([1.0, 10.0])
    product = a @ b
    assert [v.data for v in product] == [21.0, 43.0]
    (product[0] + product[1]).backward()
    assert [[v.grad for v in row] for row in a] == [[1.0, 10.0], [1.0, 10.0]]
    assert [v.data for v in Value(2.0) * b] == [v.data for v in b * Value(2.0)] == [2.0, 20.0]
    assert (a.sum() / 2).data == a.mean().data * 2 == 5.0


@pytest.mark.parametrize("two", [np.float64(2), np.float32(2), np.int64(2), np.int32(2), np.array(2.0)])
def test_numpy_scalars_at_the_left_and_the_right(two):
    x = Value(3.0)
    for result, expected in ((two * x, 6.0), (x * two, 6.0), (two - x, -1.0), (x**two, 9.0), (two / x, 2 / 3)):
        assert type(result) is Value
        assert result.data == expected
    assert bool(two < x)


# ---- no_grad ---------------------------------------------------------------------------------------------------------


def test_no_grad_records_nothing_and_ends():
    x = Value(2.0)
    pause = no_grad()
    with pause, pause:
        assert (x * x).op is None
    assert (x * x).op is ops.multiply
    with no_grad():
        y = x * x + ops.dot(x, x).tanh()
        assert (y.op, y.parents) == (None, ())
        with no_grad():
            pass
        assert (x * x).op is None
    assert (x * x).op is ops.multiply
    with pytest.raises(RuntimeError, match="inside"), no_grad():
        raise RuntimeError("inside")
    assert (x * x).op is ops.multiply


def test_no_grad_decorates_functions_also_recursive_ones():
    @no_grad()
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    @no_grad
    def square(x):
        return x * x

    assert square.__name__ == "square"
    assert square(Value(2.0)).op is None
    assert power(Value(2.0), 5).op is None
    assert (Value(2.0) * 2).op is not None


def test_no_grad_left_elsewhere_than_entered_does_not_stop_recording():
    def generator():
        with no_grad():
            yield

    started = generator()
    contextvars.copy_context().run(next, started)
    started.close()
    assert (Value(1.0) * 2).op is ops.multiply


def test_no_grad_refuses_to_decorate_what_it_could_not_cover():
    async def coroutine():
        pass

    def generator():
        yield

    for function in (coroutine, generator):
        with pytest.raises(TypeError, match=r"decorates plain functions; .* write with no_grad\(\):"):
            no_grad()(function)


def test_no_grad_in_one_thread_leaves_others_recording():
    inside, done, recorded = threading.Event(), threading.Event(), []

    def other():
        inside.wait()
        recorded.append((Value(1.0) * 2).op)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with no_grad():
        inside.set()
        done.wait()
    thread.join()
    assert recorded == [ops.multiply]


def test_no_grad_in_one_task_leaves_others_recording():
    async def quiet():
        with no_grad():
            await asyncio.sleep(0)
            first = (Value(1.0) * 2).op
            await asyncio.sleep(0)
        return first, (Value(1.0) * 2).op

    async def loud():
        await asyncio.sleep(0)
        return (Value(1.0) * 2).op

    async def both():
        return await asyncio.gather(quiet(), loud())

    assert asyncio.run(both()) == [(None, ops.multiply), ops.multiply]


def test_a_graph_too_deep_to_copy_says_so():
    x = Value(1.0)
    for _ in range(1000):
        x = x + 1
    for copies in (pickle.dumps, copy.deepcopy):
        with pytest.raises(ValueError, match="the graph behind this Value is too deep to be copied or pickled"):
            copies(x)


def test_a_torch_tensor_is_refused_by_name():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="Tensor"):
        Value(3.0) * torch.tensor(2.0, requires_grad=True)
    with pytest.raises(TypeError, match=r"expected a number, not torch\.Tensor"):
        Value(torch.tensor(2.0))
