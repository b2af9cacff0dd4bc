"""What functions refer to and may change: noticed, refused when it is compiled, and put back."""

import collections
import dataclasses
import random
import types
import unittest.mock
import weakref

import numpy
import pytest

import tinygrad_edu as tg
from tinygrad_edu import CompileError, Value, compile, compile_loss, data, fit, losses, nn
from tinygrad_edu.compiling.surroundings import LONG, Surroundings

count = 0


def counts_globally(x):
    global count
    count += 1
    return x * x


def counts_in_an_attribute(x):
    counts_in_an_attribute.calls = getattr(counts_in_an_attribute, "calls", 0) + 1
    return x * x


def counts_nonlocally():
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return x * x

    return f, lambda: calls


def changing(container, change):
    """A function that changes a container, and a way to see what is in it."""

    def f(x):
        change(container)
        return x * x

    return f, lambda: repr(container)


class Slotted:
    __slots__ = ("calls",)

    def __init__(self):
        self.calls = 0

    def __repr__(self):
        return f"{self.calls} calls"

    def add(self):
        self.calls += 1


class Private:
    __slots__ = ("__calls", "__weakref__")

    def __repr__(self):
        return f"{getattr(self, '_Private__calls', None)}"

    def add(self):
        self.__calls = getattr(self, "_Private__calls", 0) + 1


class Metric(list):
    """Its ``update`` is not what puts items back."""

    def update(self, x):
        self.append(x)

    def extend(self, items):
        raise AssertionError


class Adding(dict):
    def update(self, **items):
        for name, x in items.items():
            self[name] = self.get(name, 0) + x


class Prefixed(collections.OrderedDict):
    """Its hooks would change what is put back."""

    def __setitem__(self, name, x):
        super().__setitem__("p_" + name, x)

    def __getitem__(self, name):
        return super().__getitem__(name) * 2


class Own(collections.deque):
    def __init__(self):
        super().__init__()


class Holder:
    calls = 0
    cache = {}  # noqa: RUF012


def counts_in_a_class(x):
    Holder.calls += 1
    return x * x


def keeps_in_a_class(x):
    Holder.cache[len(Holder.cache)] = 1
    return x * x


CHANGING = {
    "a global variable": (counts_globally, lambda: count, "sets count"),
    "a nonlocal variable": (*counts_nonlocally(), "sets calls"),
    "an attribute of a function": (counts_in_an_attribute, lambda: vars(counts_in_an_attribute), r"sets \w+\.calls"),
    "a list": (*changing([], lambda x: x.append(1.0)), "changes a list"),
    "a deque": (*changing(collections.deque([1]), lambda x: x.append(1.0)), "changes a deque"),
    "a list that is full": (*changing([1.0] * (2 * LONG), lambda x: x.append(1.0)), "changes a list"),
    "an item": (*changing([0], lambda x: x.append(x.pop() + 1)), "changes a list"),
    "a dict": (*changing({"n": 0}, lambda x: x.update(n=x["n"] + 1)), "changes a dict"),
    "the order of a dict": (*changing({"a": 1, "b": 2, "c": 3}, lambda x: x.update(a=x.pop(next(iter(x))))), "a dict"),
    "a Counter": (*changing(collections.Counter(), lambda x: x.update("a")), "changes a Counter"),
    "an OrderedDict": (
        *changing(collections.OrderedDict(a=1, b=2), lambda x: x.update(a=x["a"] + 1)),
        "an? OrderedDict",
    ),
    "a defaultdict": (*changing(collections.defaultdict(list), lambda x: x["a"].append(1)), "changes a list"),
    "a set": (*changing(set(), lambda x: x.add(len(x))), "changes a set"),
    "a private slot": (*changing(Private(), Private.add), r"sets Private\._Private__calls"),
    "a list of a class of one's own": (*changing(Metric([1.0]), lambda x: x.update(2.0)), "changes a Metric"),
    "a dict of a class of one's own": (*changing(Adding(a=1), lambda x: x.update(a=1)), "changes an Adding"),
    "the beginning of a long deque": (
        *changing(collections.deque(range(2 * LONG)), lambda x: x.appendleft(-1)),
        "changes a deque",
    ),
    "a full deque": (
        *changing(collections.deque(range(1500), maxlen=1500), lambda x: x.append(1.5)),
        "changes a deque",
    ),
    "a long dict": (*changing(dict.fromkeys(range(2 * LONG)), lambda x: x.popitem()), "changes a dict"),
    "a long set": (*changing({*range(2 * LONG)}, lambda x: x.add(-len(x))), "changes a set"),
    "an OrderedDict with hooks": (
        *changing(Prefixed(a=1), lambda x: x.setdefault(f"{len(x)}", 1)),
        "changes a Prefixed",
    ),
    "a deque with an __init__": (*changing(Own(), lambda x: x.append(1)), "changes an Own"),
    "an array without dimensions": (*changing(numpy.array(0.0), lambda x: x.__iadd__(1.0)), "changes an array"),
    "an array of one's own": (
        *changing(numpy.zeros(2).view(numpy.matrix), lambda x: x.__iadd__(1.0)),
        "changes an array",
    ),
    "a namespace": (*changing(types.SimpleNamespace(n=0), lambda x: setattr(x, "n", x.n + 1)), r"SimpleNamespace\.n"),
    "an array": (*changing(numpy.zeros(3), lambda x: x.__iadd__(1.0)), "changes an array"),
    "an attribute of a class": (counts_in_a_class, lambda: Holder.calls, r"sets Holder\.calls"),
    "a dict of a class": (keeps_in_a_class, lambda: Holder.cache, "changes a dict"),
    "a slot": (*changing(Slotted(), Slotted.add), r"sets Slotted\.calls"),
}


@pytest.mark.parametrize("kind", CHANGING)
def test_a_change_is_refused_and_put_back(kind):
    f, see, message = CHANGING[kind]
    before = str(see())
    with pytest.raises(CompileError, match=f"{message} when it is called, which compiled code would not do"):
        compile(f, 2.0)
    assert str(see()) == before
    with pytest.raises(CompileError, match=message):
        compile_loss(lambda row: f(row[0]) * Value(1.0), losses.mse)([[1.0]], [1.0])
    assert str(see()) == before
    neuron = nn.Neuron(1, seed=0)
    history = fit(neuron, [[1.0], [2.0]], [1.0, 3.0], loss=lambda p, t: f(p - t), epochs=2)
    assert "which compiled code would not do" in history.remark
    assert str(see()) != before


class Dotted(dict):
    __getattr__ = dict.get


class Silent:
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class Failing:
    def __getattr__(self, name):
        raise RuntimeError(name)


class Environment:
    """It has a state, and is no random generator."""

    def get_state(self, i):
        raise AssertionError


class Odd(list):
    def __iter__(self):
        raise RuntimeError


class Unhashable(type):
    def __eq__(cls, other):
        return cls is other


class OfUnhashable(metaclass=Unhashable):
    w = 2.0


class Lengthless(list):
    def __len__(self):
        raise TypeError


class Slot:
    __slots__ = ("name",)


class Overridden(Slot):
    @property
    def name(self):
        raise NotImplementedError


@pytest.mark.parametrize(
    "thing",
    [Dotted(scale=2.0), Silent(), Failing(), Environment(), unittest.mock.MagicMock(), random.SystemRandom(), Odd([1.0]),
     OfUnhashable(), Lengthless([2.0]), Overridden(), Own(), Prefixed(a=1), numpy.broadcast_to(numpy.zeros(1), 3),
     collections.namedtuple("Point", "x")(1.0), tg, losses, float, len, [[...]] * 2, {1: {}}, Value(1.0), nn.MLP(2, [1])],
    ids=lambda thing: type(thing).__name__,
)  # fmt: skip
def test_whatever_is_referred_to_does_no_harm(thing):
    assert compile(lambda x: x * (2.0 if thing is not None else 1.0), 1.0)(3.0) == 6.0


class Center:
    __slots__ = ("ref", "w")

    def __init__(self):
        self.w = Value(2.0)

    def __call__(self, x):
        if not hasattr(self, "ref"):
            self.ref = x
        return self.w * (x - self.ref)


def test_what_a_first_call_makes_is_not_kept():
    center = Center()
    with pytest.raises(CompileError, match="makes Values when it is called for the first time, and keeps them"):
        compile(center, 5.0)
    assert not hasattr(center, "ref")
    assert center(1.0).data == 0.0

    def outer():
        def f(x):
            nonlocal reference
            try:
                return x - reference
            except NameError:
                reference = x
                return x - reference

        with pytest.raises(CompileError):
            compile(f, 5.0)
        result = f(Value(1.0)).data
        reference = None
        return result

    assert outer() == 0.0


def test_one_that_cannot_be_put_back_does_not_keep_others_from_it():
    counts, calls = numpy.zeros(1), []
    view = numpy.broadcast_to(counts, (3,))

    class Frozen(type):
        def __setattr__(cls, name, value):
            raise TypeError

    class Counting(metaclass=Frozen):
        n = 0

    def f(x):
        counts[0] += 1
        type.__setattr__(Counting, "n", Counting.n + 1)
        calls.append(view[0])
        return x * 2

    with pytest.raises(CompileError, match="when it is called, which compiled code would not do"):
        compile(f, 1.0)
    assert (counts.tolist(), Counting.n, calls) == ([0.0], 0, [])


def test_what_is_set_to_the_same_is_no_change():
    class Same(nn.Module):
        def __init__(self):
            self.net = nn.Neuron(2, seed=0)

        def double(self, x):
            return x * 2

        def __call__(self, x):
            self.shape, self.activation = (len(x), (1, "a")), self.double
            self.net = vars(self).pop("net")
            return self.activation(self.net(x))

    assert fit(Same(), [[1.0, 2.0]], [1.0], epochs=2).remark == ""


def test_weak_references_are_left_alone():
    class Weak:
        __slots__ = ("__weakref__", "w")

    weak = Weak()
    weak.w = 2.0
    cache = weakref.WeakKeyDictionary()

    def f(x):
        if weak not in cache:
            cache[weak] = weak.w * 2
        return x * cache[weak]

    assert compile(f, 1.0)(2.0) == 8.0


def test_a_loss_is_called_once_for_each_example_and_a_seed_gives_the_same():
    log = []

    def noisy(prediction, target):
        log.append(target)
        return (prediction - target + random.gauss(0, 1)) ** 2

    inputs, targets = data.xor()
    model = nn.MLP(2, [3, 1], "tanh", seed=1)
    random.seed(3)
    found = compile_loss(model, noisy)(inputs, targets)
    assert log == targets
    random.seed(3)
    assert found == pytest.approx(tg.mean([noisy(model(x), t) for x, t in zip(inputs, targets)]).data, rel=1e-12)


def test_what_does_not_change_is_no_change():
    class Settled(nn.Module):
        def __init__(self):
            self.net, self.cache = nn.Neuron(2, seed=0), {}

        def __call__(self, x):
            self.size, self.scale = len(x), 1 / len(x) ** 0.5
            self.cache.setdefault("factor", self.scale)
            return self.net(x) * self.cache["factor"]

    assert fit(Settled(), [[1.0, 2.0, 3.0][:2]], [1.0], epochs=2).remark == ""


@dataclasses.dataclass
class Dropout:
    rng: random.Random
    __slots__ = ("rng",)

    def __call__(self, xs):
        return [x * (self.rng.random() >= 0.5) for x in xs]


class Holding:
    rng = None

    def __call__(self, xs):
        return [x * (Holding.rng[0].random() >= 0.5) for x in xs]


@pytest.mark.parametrize(
    "dropout",
    [
        Dropout(random.Random(0)),
        Holding(),
        collections.deque([Dropout(random.Random(0))]),
        frozenset([random.Random(0)]),
        {"inner": {"deep": [random.Random(0)]}},
    ],
    ids=lambda x: type(x).__name__,
)
def test_generators_are_found_and_put_back(dropout):
    Holding.rng = [random.Random(0)]
    generators = []

    def remember(x):
        if isinstance(x, random.Random):
            generators.append(x)
        elif isinstance(x, dict):
            [*map(remember, x.values())]
        elif isinstance(x, (list, frozenset, collections.deque)):
            [*map(remember, x)]
        else:
            remember(x.rng)

    remember(dropout)
    states = [generator.getstate() for generator in generators]
    around = Surroundings(lambda x: dropout)
    before = around.fingerprint()
    around.undisturbed(lambda: [generator.random() for generator in generators])
    assert around.fingerprint() == before
    assert [generator.getstate() for generator in generators] == states


def test_data_that_a_loss_can_reach_costs_nothing():
    class Trainer:
        def __init__(self):
            self.rows = [[0.5, float(i)] for i in range(100_000)]
            self.model = nn.Neuron(2, seed=0)
            self.looked_at = 0

        def criterion(self, prediction, target):
            return (prediction - target) ** 2

    trainer = Trainer()
    reached = Surroundings(trainer.criterion).contents()
    assert len(reached._before) < 20
    assert compile_loss(trainer.model, trainer.criterion)(trainer.rows[:3], [0, 1, 2]) > 0
