"""The demos of derivatives of functions: their mathematics against NumPy and closed forms, and what they say."""

import math
import os
import pathlib
import random
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from samples import demo

from tinygrad_edu import Value, grad, gradients, hessian, jvp
from tinygrad_edu import sum as total

DEMOS = pathlib.Path(__file__).parents[2] / "demos"
NAMES = ("newton", "curve_fit", "forward_reverse")


newton, curve_fit, forward_reverse = map(demo, NAMES)
RNG = np.random.default_rng(0)


def symmetric(eigenvalues):
    """A random symmetric matrix with these eigenvalues."""
    rotation = np.linalg.qr(RNG.normal(size=(len(eigenvalues), len(eigenvalues))))[0]
    matrix = rotation @ np.diag(eigenvalues) @ rotation.T
    return (matrix + matrix.T) / 2


# ---- Newton's method -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_newton_solves_as_numpy_does(n):
    for _ in range(20):
        matrix, right = symmetric(RNG.uniform(0.1, 10, n)), RNG.normal(size=n)
        found = newton.solve(matrix.tolist(), right.tolist())
        np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_newton_tells_which_matrices_are_positive_definite(n):
    for _ in range(50):
        eigenvalues = RNG.uniform(0.1, 10, n) * RNG.choice([1, 1, 1, -1], n)
        found = newton.solve(symmetric(eigenvalues).tolist(), [1.0] * n)
        assert (found is not None) == (eigenvalues.min() > 0)


def rosenbrock_derivatives(x, y):
    """By hand, for two numbers."""
    gradient = [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]
    return gradient, [[2 - 400 * (y - x * x) + 800 * x * x, -400 * x], [-400 * x, 200]]


@pytest.mark.parametrize("at", [[-1.2, 1.0], [0.0, 1.0], [1.0, 1.0], [0.3, -2.0]])
def test_rosenbrocks_derivatives_are_those_by_hand(at):
    gradient, second = rosenbrock_derivatives(*at)
    np.testing.assert_allclose(grad(newton.rosenbrock)(at), gradient, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(hessian(newton.rosenbrock)(at), second, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("at", [[-1.2, 1.0], [0.0, 1.0], [0.5, 3.0], [-0.1, 0.02]])
def test_newtons_direction_leads_downhill(at):
    gradient, second = map(np.array, rosenbrock_derivatives(*at))
    direction, shift = newton.newton_direction(second.tolist(), gradient.tolist())
    np.testing.assert_allclose(direction, np.linalg.solve(second + shift * np.eye(2), -gradient), rtol=1e-9)
    assert gradient @ direction < 0
    assert (shift > 0) == (np.linalg.eigvalsh(second).min() <= 0)


def test_newtons_direction_without_curvature_is_that_of_gradient_descent():
    direction, shift = newton.newton_direction([[0.0, 0.0], [0.0, 0.0]], [3.0, -4.0])
    np.testing.assert_allclose(np.array(direction) * shift, [-3.0, 4.0])
    with pytest.raises(ArithmeticError, match="finite"):
        newton.newton_direction([[math.nan]], [1.0])


def test_newton_converges_quadratically():
    """error after <= C error², with one C for all of the last steps, and without any remedy."""
    path = newton.newton(newton.rosenbrock, newton.START)
    errors = [newton.error(place.x) for place in path]
    assert errors[-1] < 1e-14
    assert all(place.share == 1 and place.shift == 0 for place in path[-6:])
    assert all(after < 80 * before**2 for before, after in zip(errors[-6:], errors[-5:]))
    digits = [newton.digits(place.x) for place in path]
    assert digits[-3] > 5 > digits[-4] > 2
    assert digits[-2] > 1.7 * digits[-3]


def test_newton_halves_steps_until_armijos_condition_holds():
    path = newton.newton(newton.rosenbrock, newton.START)
    assert path[2].full > 100 * path[1].height  # the full second step leads far up
    assert any(place.share < 1 for place in path)
    for before, after in pairwise(path):
        gradient = np.array(rosenbrock_derivatives(*before.x)[0])
        promised = gradient @ (np.array(after.x) - before.x)
        assert promised < 0
        assert after.height <= before.height + 1e-4 * promised


@pytest.mark.parametrize("start", [[0.0, 1.0], [0.0] * 10, [0.0, 1.0] * 10, [2.0, -1.0, 0.5]])
def test_newton_converges_for_more_unknowns_and_from_a_hessian_that_is_not_positive_definite(start):
    path = newton.newton(newton.rosenbrock, start)
    np.testing.assert_allclose(path[-1].x, np.ones(len(start)), atol=1e-10)
    if start == [0.0, 1.0]:
        assert path[1].shift > 0


def test_newton_may_find_a_minimum_that_is_not_the_lowest():
    last = newton.newton(newton.rosenbrock, newton.START * 5)[-1]
    assert last.slope < 1e-10
    assert last.height > 1
    assert np.linalg.eigvalsh(hessian(newton.rosenbrock)(last.x)).min() > 0


def test_newton_does_not_end_in_a_saddle():
    """Pure Newton steps from here go to (0, 0), where x² - y² + y⁴ is flat but not lowest."""
    path = newton.newton(lambda p: p[0] ** 2 - p[1] ** 2 + p[1] ** 4, [1.0, 0.1])
    np.testing.assert_allclose(path[-1].x, [0, math.sqrt(0.5)], atol=1e-9)


@pytest.mark.thorough
def test_gradient_descent_is_given_the_best_rate_and_is_slow_all_the_same():
    largest = np.linalg.eigvalsh(rosenbrock_derivatives(1, 1)[1]).max()
    assert newton.largest_curvature(rosenbrock_derivatives(1, 1)[1]) == pytest.approx(largest)
    paths = {rate: newton.descend(newton.rosenbrock, newton.START, rate, newton.STEPS) for rate in newton.RATES[2:]}
    best = min(paths, key=lambda rate: paths[rate][-1].height)
    assert best == max(rate for rate in newton.RATES if rate < 2 / largest)
    assert newton.error(paths[best][-1].x) > 1e-4
    assert all(paths[rate][-1].slope > 1 for rate in newton.RATES if rate > 2 / largest)
    assert len(paths[0.01]) < 10
    assert paths[0.01][-1].height > 1e6


# ---- a fitted curve --------------------------------------------------------------------------------------------------


def curve_by_hand(parameters):
    """The curve at ``TIMES``, its derivatives by the parameters, and its second derivatives."""
    a, k, w, c = parameters
    t = np.array(curve_fit.TIMES)
    cosine, sine, one, zero = np.exp(-k * t) * np.cos(w * t), np.exp(-k * t) * np.sin(w * t), t**0, 0 * t
    first = np.array([cosine, -a * t * cosine, -a * t * sine, one])
    by_kw = a * t**2 * sine
    second = np.array([
        [zero, -t * cosine, -t * sine, zero],
        [-t * cosine, a * t**2 * cosine, by_kw, zero],
        [-t * sine, by_kw, -a * t**2 * cosine, zero],
        [zero, zero, zero, zero],
    ])  # fmt: skip
    return a * cosine + c, first, second


def test_a_fit_is_a_minimum_and_its_covariance_the_inverse_of_the_hessian():
    data = curve_fit.measurements(random.Random(3))
    found = curve_fit.fit(data)
    curve, first, second = curve_by_hand(found.parameters)
    r = (data - curve) / curve_fit.SIGMA**2
    np.testing.assert_allclose(first @ r, 0, atol=1e-3)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(first @ first.T / curve_fit.SIGMA**2 - second @ r))
    np.testing.assert_allclose(found.errors, np.sqrt(np.diag(found.covariance)))
    assert found.chi_squared == pytest.approx((r**2).sum() * curve_fit.SIGMA**2)


def test_the_band_is_the_covariance_carried_on_by_the_gradient():
    found = curve_fit.fit(curve_fit.measurements(random.Random(3)))
    first = curve_by_hand(found.parameters)[1]
    by_hand = np.sqrt(np.einsum("it,ij,jt->t", first, found.covariance, first))
    np.testing.assert_allclose([curve_fit.curve_error(found, t) for t in curve_fit.TIMES], by_hand)


def test_a_fit_that_is_linear_in_its_parameters_is_that_of_linear_least_squares(monkeypatch):
    monkeypatch.setattr(curve_fit, "model", lambda p, t: p[0] + p[1] * t + p[2] * t**2 + p[3] * t**3)
    x = np.vander(curve_fit.TIMES, 4, increasing=True)
    data = (x @ [1.0, 2.0, -0.5, 0.03] + RNG.normal(0, curve_fit.SIGMA, len(x))).tolist()
    found = curve_fit.fit(data, [0.0] * 4)
    np.testing.assert_allclose(found.parameters, np.linalg.lstsq(x, data, rcond=None)[0], rtol=1e-6)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(x.T @ x) * curve_fit.SIGMA**2, rtol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 4, 10])
def test_curve_fit_solves_and_inverts_as_numpy_does(n):
    for _ in range(10):
        matrix, right = RNG.normal(size=(n, n)), RNG.normal(size=n)
        found = curve_fit.solve(matrix.tolist(), right.tolist())
        np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-7, atol=1e-9)
        matrix = symmetric(RNG.uniform(0.1, 10, n))
        np.testing.assert_allclose(curve_fit.inverse(matrix.tolist()), np.linalg.inv(matrix), rtol=1e-8, atol=1e-9)
    assert curve_fit.solve([[0.0, 1.0], [1.0, 0.0]], [2.0, 3.0]) == [3.0, 2.0]  # not without an exchange of rows


@pytest.mark.thorough
def test_the_standard_errors_are_the_spread_of_repeated_fits():
    rng = random.Random(7)
    fits = [curve_fit.fit(curve_fit.measurements(rng)) for _ in range(60)]
    spread = np.std([found.parameters for found in fits], axis=0, ddof=1)
    np.testing.assert_allclose(np.mean([found.errors for found in fits], axis=0), spread, rtol=0.3)
    mean = np.mean([found.parameters for found in fits], axis=0)
    np.testing.assert_array_less(np.abs(mean - curve_fit.TRUE), 4 * spread / math.sqrt(60))
    assert 0.55 < np.mean([curve_fit.share(fits, i) for i in range(4)]) < 0.8


def test_the_ellipse_lies_at_its_distance_from_the_true_values():
    found = curve_fit.fit(curve_fit.measurements(random.Random(3)))
    by_hand = np.linalg.inv(np.array(found.covariance)[:2, :2])
    for point in curve_fit.ellipse(found, 1.5):
        off = np.array(point) - curve_fit.TRUE[:2]
        assert math.sqrt(off @ by_hand @ off) == pytest.approx(1.5)
        assert curve_fit.distance(found, [*point, 0.0, 0.0]) == pytest.approx(1.5)


# ---- forward and reverse mode ----------------------------------------------------------------------------------------


def test_operations_are_counted_once_and_long_sums_as_additions():
    x, y = Value(2.0), Value(3.0)
    assert forward_reverse.operations(x) == 0
    assert forward_reverse.operations(x * y + 1) == 2
    assert forward_reverse.operations(total([x, y, x, y, x])) == 4
    product = x * y
    assert forward_reverse.operations([product, product, product.tanh()]) == 2
    assert forward_reverse.operations(+product) == 1


def test_the_functions_have_the_derivatives_by_hand():
    weights = RNG.normal(size=20).tolist()
    signals = [1.0]
    for w in weights:
        signals.append(signals[-1] + 0.1 * math.tanh(w * signals[-1]))
    upstream, by_hand = 2 * (signals[-1] - 2), []
    for w, signal in zip(reversed(weights), reversed(signals[:-1])):
        slope = 0.1 * (1 - math.tanh(w * signal) ** 2)
        by_hand.insert(0, upstream * slope * signal)
        upstream *= 1 + slope * w
    np.testing.assert_allclose(grad(forward_reverse.loss)(weights), by_hand, rtol=1e-12)

    angle, speed, by_start, of_speed, by_hand = 1.0, 0.0, 1.0, 0.0, []
    for _ in range(20):
        of_speed -= 0.1 * math.cos(angle) * by_start
        speed -= 0.1 * math.sin(angle)
        angle, by_start = angle + 0.1 * speed, by_start + 0.1 * of_speed
        by_hand.append(by_start)
    np.testing.assert_allclose(jvp(lambda x: forward_reverse.pendulum(x, 20), (1.0,), (1.0,))[1], by_hand, rtol=1e-12)


def test_one_pass_costs_the_same_at_any_size_and_many_grow():
    ratio = forward_reverse.ratio
    gradient = forward_reverse.many_inputs((16, 32, 64), random.Random(0))
    curve = forward_reverse.many_outputs((16, 32, 64))
    for costs, one_pass, many in ((gradient, "reverse", "forward"), (curve, "forward", "reverse")):
        assert all(ratio(each, one_pass) < 5 for each in costs)  # the cheap gradient principle
        assert ratio(costs[-1], one_pass) == pytest.approx(ratio(costs[0], one_pass), rel=0.05)
        for before, after in pairwise(costs):
            assert 1.8 < ratio(after, many) / ratio(before, many) < 2.2
        assert all(each.difference < 1e-13 for each in costs)


def test_the_gradient_of_one_pull_is_that_of_n_pushes_and_costs_a_fraction():
    """The same count without ``jacobian``: ``gradients`` and, for one input after the other, ``jvp``."""
    x = [Value(RNG.normal()) for _ in range(32)]
    y = forward_reverse.loss(x)
    pulled = gradients(y, x, create_graph=True)
    pushed = [jvp(forward_reverse.loss, (x,), ([float(i == j) for j in range(32)],))[1] for i in range(32)]
    np.testing.assert_allclose([p.data for p in pushed], [p.data for p in pulled], rtol=1e-12)
    [measured] = forward_reverse.many_inputs((32,), random.Random(0))
    assert forward_reverse.operations(pulled) == measured.reverse
    assert forward_reverse.operations(pushed) >= measured.forward > 5 * measured.reverse


# ---- the scripts -----------------------------------------------------------------------------------------------------


LESS_WORK = {"newton": {"steps": 20}, "curve_fit": {"repetitions": 2}, "forward_reverse": {"sizes": (1, 2, 4)}}


@pytest.mark.parametrize("name", NAMES)
def test_a_script_runs_anywhere_and_writes_its_picture(name, tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"}
    program = f"import runpy; runpy.run_path({os.fspath(DEMOS / name)!r} + '.py')['main'](**{LESS_WORK[name]})"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True,
                          encoding="utf-8", env=environment, check=True, timeout=120)  # fmt: skip
    assert done.stdout.endswith(f"wrote {name}.png\n")
    assert max(map(len, done.stdout.splitlines())) <= 80  # as wide as a terminal
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", NAMES)
def test_a_script_without_matplotlib_says_that_there_is_no_picture(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    demo(name).main(tmp_path / "none.png", **LESS_WORK[name])
    assert "no picture without matplotlib" in capsys.readouterr().out
    assert not (tmp_path / "none.png").exists()
