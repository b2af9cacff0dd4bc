"""Optimizers and schedules, step for step as in PyTorch (whose steps are in pytorch_steps.json)."""

import json
import math
import pathlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value, nn, optim
from tinygrad_edu.compiling import update

PYTORCH = json.loads(pathlib.Path(__file__).with_name("pytorch_steps.json").read_text())


@pytest.mark.parametrize("case", PYTORCH["optimizers"], ids=lambda case: f"{case['name']}{case['options']}")
def test_update_rules_are_pytorchs(case):
    parameters = [Value(x) for x in PYTORCH["start"]]
    optimizer = getattr(optim, case["name"])(parameters, **case["options"])
    for gradients, expected in zip(PYTORCH["gradients"], case["steps"]):
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient
        optimizer.step()
        optimizer.lr *= PYTORCH["decay"]
        assert [p.data for p in parameters] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("case", PYTORCH["schedules"], ids=lambda case: case["name"])
def test_schedules_are_pytorchs(case):
    schedule = getattr(optim, case["name"])(*case["arguments"])
    assert [schedule(epoch) for epoch in range(12)] == pytest.approx(case["factors"], rel=1e-12, abs=1e-15)


def test_schedules_end_where_they_should():
    assert optim.constant()(1000) == 1.0
    assert optim.linear(10, 0.1)(50) == pytest.approx(0.1)
    assert optim.cosine(10, 0.1)(50) == pytest.approx(0.1)


@pytest.mark.filterwarnings("ignore:no gradient has arrived")  # where all numbers are 0
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5), st.floats(0, 1))
def test_plain_descent_is_data_minus_lr_times_grad(numbers, lr):
    parameters = [Value(x) for x in numbers]
    for parameter in parameters:
        parameter.grad = 2 * parameter.data
    optimizer = optim.SGD(parameters, lr=lr)
    optimizer.step()
    assert [p.data for p in parameters] == [x - lr * (2 * x) for x in numbers]
    optimizer.zero_grad()
    assert all(p.grad == 0 for p in parameters)


@pytest.mark.parametrize("make", [optim.SGD, lambda ps: optim.SGD(ps, momentum=0.9), optim.Adam, optim.AdamW])
def test_a_first_step_without_gradients_is_warned_of_once(make, recwarn):
    x = Value(3.0)
    loss = x * x
    loss.backward()
    optimizer = make([x])
    optimizer.zero_grad()  # too late: it should have come before backward
    with pytest.warns(UserWarning, match=r"every grad is 0 at the first step\(\)") as caught:
        optimizer.step()
    assert caught[0].filename == __file__
    optimizer.step()
    assert len(recwarn) == 0


def test_gradients_that_are_0_later_on_are_no_reason_to_warn(recwarn):
    x = Value(3.0)
    optimizer = optim.SGD([x], lr=0.5)
    for _ in range(3):  # the first step finds the minimum
        optimizer.zero_grad()
        (x * x).backward()
        optimizer.step()
    assert x.data == 0
    assert len(recwarn) == 0


def test_optimizers_and_schedules_print_as_what_they_are():
    model = nn.MLP(2, [4, 1])
    sgd = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    assert repr(sgd) == "SGD(17 parameters, lr=0.1, momentum=0.9, nesterov=False, weight_decay=0.0)"
    assert repr(optim.AdamW([Value(1.0)])) == (
        "AdamW(1 parameter, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)"
    )
    assert repr([optim.constant(), optim.linear(9), optim.step(5), optim.exponential(0.9), optim.cosine(5, 0.1)]) == (
        "[constant(), linear(9, end=0.0), step(5, gamma=0.1), exponential(0.9), cosine(5, end=0.1)]"
    )


@pytest.mark.parametrize("make", [
    lambda ps: optim.SGD(ps, lr=0.02, momentum=0.9), lambda ps: optim.Adam(ps, lr=0.1), lambda ps: optim.AdamW(ps, lr=0.1),
])  # fmt: skip
def test_they_find_a_minimum(make):
    x, y = Value(3.0), Value(-2.0)
    optimizer = make([x, y])
    for _ in range(500):
        optimizer.zero_grad()
        ((x - 1) ** 2 + 2 * (y + x) ** 2).backward()
        optimizer.step()
    assert math.hypot(x.data - 1, y.data + 1) < 0.02


@pytest.mark.filterwarnings("ignore:no gradient has arrived")
def test_a_gradient_of_zero_moves_nothing_even_without_eps():
    x = Value(1.0)
    optimizer = optim.Adam([x], eps=0.0)
    for gradient in (0.0, 1e-200):
        x.grad = gradient
        optimizer.step()
    assert x.data == 1.0


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: optim.SGD([]), ValueError, r"no parameters; pass model.parameters\(\)"),
        (lambda: optim.SGD(nn.Neuron(1)), TypeError, r"an optimizer takes model.parameters\(\), not a Neuron"),
        (lambda: optim.SGD([Value(1.0)], lr="a"), TypeError, "expected a number, not str"),
        (lambda: optim.SGD([Value(1.0) * 2]), ValueError, "an optimizer takes leaves; .* was computed from others"),
        (lambda: optim.SGD([Value(1.0)] * 2), ValueError, "a parameter more than once"),
        (lambda: optim.SGD([1.0]), TypeError, "takes Values, not float"),
        (lambda: optim.SGD([Value(1.0)], lr=-1), ValueError, "lr = -1 is out of range"),
        (lambda: optim.Adam([Value(1.0)], lr=math.nan), ValueError, "lr = nan is out of range"),
        (lambda: optim.SGD([Value(1.0)], momentum=-1), ValueError, "momentum = -1 is out of range"),
        (lambda: optim.SGD([Value(1.0)], nesterov=True), ValueError, "Nesterov's method needs a momentum"),
        (lambda: optim.SGD([Value(1.0)], weight_decay=-1), ValueError, "weight_decay = -1 is out of range"),
        (lambda: optim.Adam([Value(1.0)], betas=(1.0, 0.9)), ValueError, r"betas = \(1.0, 0.9\) is out of range"),
        (lambda: optim.Adam([Value(1.0)], eps=-1), ValueError, "eps = -1 is out of range"),
        (lambda: optim.linear(0), ValueError, "epochs = 0 is out of range"),
        (lambda: optim.cosine(0), ValueError, "epochs = 0 is out of range"),
        (lambda: optim.step(0), ValueError, "step_size = 0 is out of range"),
    ],
)
def test_what_is_out_of_range_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


# ---- machine code ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda ps: optim.SGD(ps, lr=0.1, weight_decay=0.01),
        lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9),
        lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
        lambda ps: optim.Adam(ps, lr=0.1, eps=0.0),
        lambda ps: optim.Adam(ps, lr=0.1, weight_decay=0.1),
        lambda ps: optim.AdamW(ps, lr=0.1),
    ],
)
def test_machine_code_changes_many_parameters_as_python_does(make, monkeypatch):
    found = []
    for many in (1, 10**9):
        monkeypatch.setattr(update, "MANY", many)
        rng = random.Random(1)
        parameters = [Value(rng.gauss(0, 1)) for _ in range(50)]
        optimizer = make(parameters)
        for _ in range(5):
            for parameter in parameters[1:]:  # the first has no gradient
                parameter.grad = rng.choice([0.0, 1e-9, rng.gauss(0, 1), 1e200])
            optimizer.step()
        found.append([parameter.data for parameter in parameters])
    assert found[0] == found[1]  # bit for bit
