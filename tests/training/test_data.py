"""The data sets: their shapes, their classes, their randomness."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import data

MAKERS = {"moons": data.moons, "circles": data.circles, "spirals": data.spirals, "blobs": data.blobs}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@given(n=st.integers(3, 60), seed=st.integers(0, 10**9))
def test_points_are_plain_lists_evenly_over_the_classes(make, n, seed):
    inputs, targets = make(n, seed=seed)
    assert len(inputs) == len(targets) == n
    assert all(type(point) is list and [type(x) for x in point] == [float, float] for point in inputs)
    counts = [targets.count(kind) for kind in sorted(set(targets))]
    assert max(counts) - min(counts) <= 1
    assert (inputs, targets) == make(n, seed=seed)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_without_a_seed_they_follow_random_seed(make):
    random.seed(1)
    first = make(20)
    random.seed(1)
    assert make(20) == first != make(20)


def test_shapes_without_noise():
    for (x, y), kind in zip(*data.moons(50, noise=0, seed=0)):
        assert math.hypot(x - kind, y - 0.5 * kind) == pytest.approx(1)
        assert (y <= 0.5) if kind else (y >= 0)
    for point, kind in zip(*data.circles(50, noise=0, seed=0)):
        assert math.hypot(*point) == pytest.approx(0.5 if kind else 1.0)
    for (x, y), kind in zip(*data.spirals(50, noise=0, seed=0)):
        radius = math.hypot(x, y)
        angle = 2 * math.pi * (radius - 0.1) / 0.9 + math.pi * kind
        assert (x, y) == pytest.approx((radius * math.cos(angle), radius * math.sin(angle)))
    assert len({tuple(point) for point in data.blobs(50, noise=0, seed=0, classes=5)[0]}) == 5


def test_class_indices():
    assert data.class_indices([0.0, 1, True]) == [0, 1, 1]
    for wrong in (-1, 0.5):
        with pytest.raises(ValueError, match=f"at least 0, not {wrong}; of targets -1 and 1 take t > 0"):
            data.class_indices([0, wrong])


def test_seeds_and_sizes_may_be_numpys_and_nothing_else():
    assert data.moons(np.int64(10), seed=np.int64(1)) == data.moons(10, seed=1)
    for wrong in ("1", 1.5, -1):
        with pytest.raises(ValueError, match="seed must be a whole number of at least 0"):
            data.moons(10, seed=wrong)


def test_noise_is_the_standard_deviation():
    inputs, _ = data.blobs(4000, noise=0.3, seed=0, classes=1)
    distances = [x for x, _ in inputs] + [y - 1 for _, y in inputs]
    assert math.sqrt(sum(d * d for d in distances) / len(distances)) == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.moons(1), "n = 1 is out of range; .* each of the 2 classes"),
        (lambda: data.blobs(2), "n = 2 is out of range; .* each of the 3 classes"),
        (lambda: data.blobs(2, classes=0), "classes must be a whole number of at least 1, not 0"),
        (lambda: data.circles(10, noise=-1), "noise = -1 is out of range"),
        (lambda: data.circles(10, noise=math.nan), "noise = nan is out of range"),
    ],
)
def test_what_is_out_of_range_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('1,2,a\n2,3,"b\n3,4,a\n4,5,b\n', ", line 2: .*; is a quote not closed"),
        ('1,2,a\n2,3,"b\n3,4,a\n4,5,"b\n', ", line 2: .*; is a quote not closed"),
        ('1,2,a\n2,3,"b"c\n', ", line 2: ',' expected after"),
        ('"wide,\nin cm",label\n1,a\n2,b\nx,a\n', ", line 5: 'x' is not a number"),
        ("1,2,a\n3,inf,b\n", ", line 2: 'inf' is not a number"),
        ("1,2,a\n\n3,b\n", ", line 3: expected 3 columns between ',', found 2"),
        ("1;2;a\n3;b\n", ", line 2: expected 3 columns between ';', found 2"),
        ("1\n2\n", ", line 2: expected 2 columns between ',', found 1"),
        ("1,2,a\n3,4, \n", ", line 2: the class is missing"),
        ("w,h,label\n1,1e308,a\n2,-1e308,b\n", ", column h: numbers up to 1e\\+308 cannot be learned from"),
        ("label,w,h\na,1,0\nb,2,1e-300\n", ", column h: numbers up to 1e-300 cannot be learned from"),
        ("1,1e200,a\n2,3,b\n", ", column 2: numbers up to 1e\\+200 cannot be learned from"),
        ("", ": expected 2 to 20 classes in column 2, or in one named label, found 0 among 0 points"),
        ("1,2,a\n3,4,a\n5,6,a\n", ": expected 2 to 20 classes in column 3, .* found 1 among 3 points"),
        ("".join(f"{i},{i}\n" for i in range(30)), ": expected 2 to 20 classes .* found 30 among 30 points"),
        ("1,2,caf\xe9\n3,4,th\xe9\n", " is not UTF-8 text"),
    ],
)
def test_a_mistake_in_a_csv_file_is_pointed_at(text, message, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=rf"points\.csv{message}"):
        data.read_csv(path)


@pytest.mark.parametrize(
    "text",
    [
        "0.5,-2,cat\n , ,\n1e3, 4,dog\n1,1,cat \n",
        "x,y,label\n0.5,-2,cat\n1e3,4,dog\n1,1,cat",
        "label,x,y\ncat,0.5,-2\n\ndog,1e3,4\ncat,1,1\n",
        "a,b,kind\n0.5,-2,cat\n1e3,4,dog\n1,1,cat\n",
        "Class\tx\ty\r\ncat\t0.5\t-2\r\ndog\t1e3\t4\r\ncat\t1\t1\r\n",
        "x; Target ;y\n0.5;cat;-2\n1e3;dog;4\n1;cat;1\n",
    ],
)
def test_the_class_is_in_the_column_of_its_name_or_in_the_last(text, tmp_path):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8-sig", newline="")
    expected = [[0.5, -2.0], [1000.0, 4.0], [1.0, 1.0]], [0, 1, 0], ["cat", "dog"]
    assert data.read_csv(tmp_path / "points.csv") == expected


def test_quoted_cells_may_hold_separators_and_line_breaks(tmp_path):
    path = tmp_path / "points.csv"
    path.write_bytes(b'"x, y",label\r\n"1","a, b"\r\n0,"c\r\nd"\r\n')
    assert data.read_csv(path) == ([[1.0], [0.0]], [0, 1], ["a, b", "c\r\nd"])
