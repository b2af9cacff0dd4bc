"""Functions of lists: one node each, and plain numbers for plain numbers."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value, dot, logsumexp, mean, softmax


def values(*numbers):
    return [Value(x) for x in numbers]


@pytest.mark.parametrize(
    ("call", "operation", "result"),
    [
        (lambda xs: tg.sum(xs), "sum", 6.0),
        (lambda xs: mean(xs), "mean", 2.0),
        (lambda xs: dot(xs, [4.0, 5.0, 6.0]), "dot", 32.0),
        (lambda xs: dot([4.0, 5.0, 6.0], xs), "dot", 32.0),
        (lambda xs: logsumexp(xs), "logsumexp", 3.4076059644443806),
    ],
)
def test_a_list_of_any_length_is_one_node(call, operation, result):
    y = call(values(1.0, 2.0, 3.0))
    assert y.op.name == operation
    assert y.data == pytest.approx(result, rel=1e-15)
    assert all(parent.op is None for parent in y.parents)
    plain = call([1.0, 2.0, 3.0])
    assert type(plain) is float
    assert plain == y.data
    for form in (tuple, iter, np.array, lambda xs: (x for x in xs)):
        assert call(form([1.0, 2.0, 3.0])) == y.data


def test_sum_of_none_and_with_a_start():
    assert tg.sum([]) == dot([], []) == 0.0
    assert tg.sum([1, 2], 10) == 13.0
    total = tg.sum(values(1.0, 2.0), Value(10.0))
    assert (total.data, total.op.name) == (13.0, "sum")
    zero = Value(0.0)
    assert any(parent is zero for parent in tg.sum(values(1.0), zero).parents)


def test_long_lists_of_whole_numbers_are_summed_exactly():
    assert tg.sum(range(100_000)) == 4_999_950_000.0
    assert dot(range(100_000), [1] * 100_000) == 4_999_950_000.0


def test_pythons_sum_works_too():
    xs = values(1.0, 2.0)
    total = sum(xs)
    total.backward()
    assert (total.data, xs[0].grad, xs[1].grad) == (3.0, 1.0, 1.0)


def test_softmax_sums_to_one_and_differentiates():
    xs = values(1.0, 2.0, 3.0)
    ps = softmax(xs)
    assert sum(p.data for p in ps) == pytest.approx(1.0, abs=1e-15)
    ps[0].backward()
    p = [v.data for v in ps]
    assert [x.grad for x in xs] == pytest.approx([p[0] * (1 - p[0]), -p[0] * p[1], -p[0] * p[2]], rel=1e-12)
    assert softmax([1e16, 1e16]) == [0.5, 0.5]
    assert softmax([5.0]) == [1.0]
    assert softmax([1000.0, 0.0]) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: mean([]), ValueError, "mean of no values"),
        (lambda: logsumexp([]), ValueError, "logsumexp of no values"),
        (lambda: softmax([]), ValueError, "softmax of no values"),
        (lambda: dot([1.0], [1.0, 2.0]), ValueError, "same length, not of 1 and 2"),
        (lambda: tg.sum(Value(1.0)), TypeError, "sum takes a list of numbers, not a single Value"),
        (lambda: dot(1.0, [1.0]), TypeError, "dot takes a list of numbers, not a single float"),
        (lambda: mean(["a", 1.0]), TypeError, "expected a number, not str"),
    ],
)
def test_what_does_not_fit_is_explained(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
