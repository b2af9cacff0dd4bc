"""``backward``: every node gets its derivative or none does, and where nothing flows no rule is asked."""

import gc
import math
import os
import signal
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value, compile, derivative, grad, gradients, greater, jvp, sign, sum, topological_order, where
from tinygrad_edu.engine import ops

# ---- every node gets its derivative ----------------------------------------------------------------------------------


def test_every_node_gets_its_derivative_and_twice_doubles_all_of_them():
    x, y = Value(2.0), Value(3.0)
    product = x * y
    z = product + x
    for times in (1, 2, 3):
        z.backward()
        assert (z.grad, product.grad, x.grad, y.grad) == (times, times, 4.0 * times, 2.0 * times)
    z.zero_grad()
    assert (z.grad, product.grad, x.grad, y.grad) == (0.0, 0.0, 0.0, 0.0)


def test_nodes_with_negative_derivatives_double_too():
    x = Value(3.0)
    y = x * 2
    z = -y
    z.backward()
    z.backward()
    assert (z.grad, y.grad, x.grad) == (2.0, -2.0, -4.0)


def test_zero_grad_clears_nan():
    x = Value(1.0)
    x.grad = math.nan
    x.zero_grad()
    assert x.grad == 0.0


def test_a_shared_value_adds_up_all_its_uses():
    x = Value(3.0)
    (x * x).backward()
    assert x.grad == 6.0
    x.zero_grad()
    y = x + x
    (y * y + y).backward()
    assert (x.grad, y.grad) == (26.0, 13.0)


def test_backward_from_a_leaf():
    x = Value(3.0)
    x.backward()
    assert x.grad == 1.0


def test_two_results_of_one_leaf_add_up():
    x = Value(2.0)
    (x * 3).backward()
    (x * x).backward()
    assert x.grad == 7.0


def test_topological_order_has_each_node_once_after_its_operands():
    x = Value(1.0)
    y = x * x
    z = y + y * x
    order = topological_order(z)
    assert len(order) == len(set(order)) == 4
    assert order[-1] is z
    place = {node: i for i, node in enumerate(order)}  # by identity; list.index would compare numbers
    assert all(place[parent] < place[node] for node in order for parent in node.parents)


def test_a_graph_a_million_deep_is_recorded_differentiated_and_freed():
    x = Value(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + x
    y.backward()
    assert x.grad == 1_000_001.0
    y.zero_grad()
    assert x.grad == 0.0
    before = sys.getrefcount(x)
    del y
    assert sys.getrefcount(x) == before - 1_000_001  # freed at once, without the cyclic collector


def test_a_graph_is_no_reference_cycle():
    gc.collect()
    gc.disable()
    try:
        x = Value(0.5)
        y = (ops.dot(x, x, x, x) * x.tanh() + 1).sigmoid()
        y.backward()
        del y
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_wide_and_a_shared_graph_take_linear_time():
    x = Value(0.5)
    y = x
    for _ in range(200):  # 2**200 paths
        y = y * 0.5 + y * 0.5
    y.backward()
    assert x.grad == 1.0


def test_threads_may_differentiate_graphs_that_share_leaves():
    x = Value(2.0)
    shared = x
    for _ in range(500):
        shared = shared + 0.0
    roots = [shared * i for i in range(1, 5)]

    def work(root):
        for _ in range(50):
            root.backward()

    threads = [threading.Thread(target=work, args=(root,)) for root in roots]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert x.grad == shared.grad == 50.0 * sum(range(1, 5))


# ---- all or none -----------------------------------------------------------------------------------------------------


def test_an_interrupt_changes_no_grad_and_the_next_gradient_is_right(own_operation):
    interrupts = [True]

    def interrupted_once(y, x):
        if interrupts and interrupts.pop():
            raise KeyboardInterrupt
        return (1.0,)

    stop = own_operation("stop", lambda x: x, interrupted_once)
    x = Value(2.0)
    x.grad = 5.0
    inner = stop(x * 3)
    y = inner * x
    with pytest.raises(KeyboardInterrupt):
        y.backward()
    assert (x.grad, inner.grad, y.grad) == (5.0, 0.0, 0.0)
    product = 1 * x
    product.backward()
    assert (x.grad, product.grad) == (6.0, 1.0)
    y.backward()
    assert (x.grad, inner.grad, y.grad) == (6.0 + 12.0, 2.0, 1.0)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer")
def test_ctrl_c_at_any_time_leaves_all_grads_added_or_none():
    y = Value(1.0)
    nodes = [y]
    for _ in range(3000):
        y = y + 0.0
        nodes.append(y)

    def interrupted(seconds):
        signal.setitimer(signal.ITIMER_REAL, seconds)
        y.backward()
        while True:  # where it was faster than the interrupt; signal.pause() would miss one that has just come
            pass

    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for i in range(20):
            y.zero_grad()
            with pytest.raises(KeyboardInterrupt):
                interrupted(0.0002 * (i + 1))  # the pass takes some milliseconds
            assert len({node.grad for node in nodes}) == 1
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, OverflowError, TypeError, RuntimeError])
def test_an_error_in_the_middle_adds_nothing_anywhere(own_operation, error):
    def fail(y, x):
        raise error("in the middle")

    broken = own_operation("broken", lambda x: x, fail)
    x = Value(2.0)
    first = x * x
    y = broken(first) * x + first
    with pytest.raises(error, match="in the middle"):
        y.backward()
    assert all(node.grad == 0.0 for node in topological_order(y))


FORKS_BESIDE_A_THREAD = """
import os, threading
from tinygrad_edu import Value

x = y = Value(1.0)
for _ in range(200):
    y = y + x
is_done = threading.Event()

def work():
    while not is_done.is_set():
        y.backward()

thread = threading.Thread(target=work)
thread.start()
for _ in range(5):
    child = os.fork()
    if child == 0:
        leaf = Value(3.0)
        (leaf * leaf).backward()
        y.backward()
        os._exit(0 if leaf.grad == 6.0 else 1)
    assert os.waitpid(child, 0)[1] == 0
is_done.set()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_beside_a_running_backward_does_not_hang():
    # in a Python of its own: what counts covered lines has a lock that a fork may inherit locked
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS_BESIDE_A_THREAD], check=True, timeout=100)


# ---- zero absorbs ----------------------------------------------------------------------------------------------------


def by_backward(f, *xs):
    values = [Value(x) for x in xs]
    f(*values).backward()
    return [value.grad for value in values]


def by_gradients(f, *xs):
    values = [Value(x) for x in xs]
    return gradients(f(*values), values)


def by_graphs(f, *xs):
    values = [Value(x) for x in xs]
    return [slope.data for slope in gradients(f(*values), values, create_graph=True)]


def by_forward_mode(f, *xs):
    units = [tuple(float(i == j) for j in range(len(xs))) for i in range(len(xs))]
    return [jvp(f, xs, unit)[1] for unit in units]


def by_compiled_code(f, *xs):
    slopes = compile(f, *xs).value_and_gradient(*xs)[1]
    return list(slopes) if len(xs) > 1 else [slopes]


WAYS = [by_backward, by_gradients, by_graphs, by_forward_mode, by_compiled_code]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("f", "xs", "expected"),
    [
        (lambda x: greater(x.sqrt(), 1.0) * x, (0.0,), [0.0]),
        (lambda x, y: x ** sign(y), (-2.0, 3.0), [1.0, 0.0]),
        (lambda x, y: x ** ops.maximum(x, y), (-2.0, 0.0), [0.0, math.nan]),
        (lambda x, y: x ** ops.relu(y), (-2.0, -1.0), [0.0, 0.0]),
        (lambda x, y: x ** (abs(y) + 1), (-2.0, 0.0), [1.0, 0.0]),
        (lambda y: 0.0**y, (0.5,), [0.0]),
        (lambda y: 0.0**y, (2.0,), [0.0]),
        (lambda x: (0 * x.sqrt()).exp() + x, (0.0,), [1.0]),
        (lambda x: where(greater(x, 1.0), x.arcsin(), 2 * x), (1.0,), [2.0]),
        (lambda x: ops.detach(x.sqrt()) + 3 * x, (0.0,), [3.0]),
        (lambda x: (x**0.5).floor() * x + x, (0.0,), [1.0]),
        (lambda x: ops.hypot(x, x).heaviside(0.5) + x, (0.0,), [1.0]),
    ],
)
def test_a_derivative_of_zero_passes_nothing_on(way, f, xs, expected):
    assert way(f, *xs) == pytest.approx(expected, rel=0, nan_ok=True)


STEEP = {  # where a derivative is infinite or undefined
    "sqrt": (lambda x: x.sqrt(), 0.0),
    "power": (lambda x: x**0.5, 0.0),
    "power2": (lambda x: (x - 1) ** (x / 2 + 0.5), 1.0),
    "arcsin": (lambda x: x.arcsin(), 1.0),
    "arccos": (lambda x: x.arccos(), -1.0),
    "arccosh": (lambda x: x.arccosh(), 1.0),
    "hypot": (lambda x: ops.hypot(x, x), 0.0),
    "arctan2": (lambda x: ops.arctan2(x, x), 0.0),
    "exponent": (lambda x: (-2.0) ** x, 3.0),
}
SMOOTH = [ops.positive, ops.negative, ops.sin, ops.tanh, ops.sigmoid, lambda v: 3 * v, lambda v: v * v, lambda v: v + 1]
BLOCKING = [  # constant around the place, so that nothing of their operand gets through
    lambda v: v * 0.0,
    sign,
    ops.floor,
    ops.ceil,
    ops.detach,
    lambda v: greater(v, 100.0),
    lambda v: ops.less_equal(v, 100.0),
    lambda v: ops.heaviside(v, 0.5),
    lambda v: where(v, 1.0, 2.0),
    lambda v: v**0,
]


@pytest.mark.parametrize("way", WAYS)
@given(
    st.sampled_from(sorted(STEEP)),
    st.lists(st.sampled_from(SMOOTH), max_size=2),
    st.sampled_from(BLOCKING),
    st.lists(st.sampled_from(SMOOTH), max_size=2),
)
def test_what_is_blocked_passes_nothing_on_however_steep_it_is(way, name, inner, block, outer):
    steep, x = STEEP[name]

    def f(x):
        value = steep(x)
        for g in (*inner, block, *outer):
            value = g(value)
        return value + 2 * x

    assert way(f, x) == [2.0]


@pytest.mark.parametrize("way", WAYS)
def test_what_does_flow_into_an_infinite_derivative_is_an_error(way):
    for f, x in ((lambda x: x.sqrt(), 0.0), (lambda x: x.arcsin(), 1.0), (lambda x: x**0.5, 0.0)):
        with pytest.raises(ZeroDivisionError, match=r"the derivative of \w+ at .* is infinite"):
            way(f, x)


def test_grad_of_a_power_of_zero_is_zero():
    assert grad(lambda y: 0.0**y)(0.5) == 0.0
    assert derivative(lambda y: 0.0**y)(0.5) == 0.0
