"""An independent oracle: every operation once more, in mpmath's high precision, and derivatives by differences.

Nothing here uses the package. With 350 digits and steps of 1e-30 of an operand's size, second differences are right to
some 30 digits, so that what they disagree with is wrong; operands are 0 or at least 1e-100 in size.
"""

import math
from itertools import pairwise

from mpmath import mp, mpf

mp.dps = 350


def _sum(*xs):
    return mp.fsum(xs)


def _dot(*xs):
    half = len(xs) // 2
    return mp.fsum(a * b for a, b in zip(xs[:half], xs[half:]))


SCALE, ALPHA = mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")  # of selu

FUNCTIONS = {  # all but detach, whose derivative is 0 by definition and not that of what it computes
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "remainder": lambda a, b: a - b * mp.floor(a / b),
    "power": lambda x, n: mp.re(mp.power(x, n)),
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "absolute": abs,
    "sign": mp.sign,
    "floor": mp.floor,
    "ceil": mp.ceil,
    "heaviside": lambda x, at_zero: mpf(1) if x > 0 else mpf(0) if x < 0 else at_zero,
    "exp": mp.exp,
    "expm1": mp.expm1,
    "exp2": lambda x: mpf(2) ** x,
    "log": mp.ln,
    "log1p": mp.log1p,
    "log2": lambda x: mp.log(x, 2),
    "log10": mp.log10,
    "logaddexp": lambda a, b: mp.ln(mp.exp(a) + mp.exp(b)),
    "sqrt": mp.sqrt,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "arcsin": mp.asin,
    "arccos": mp.acos,
    "arctan": mp.atan,
    "arctan2": mp.atan2,
    "deg2rad": lambda x: x * mp.pi / 180,
    "rad2deg": lambda x: x * 180 / mp.pi,
    "hypot": mp.hypot,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "arcsinh": mp.asinh,
    "arccosh": mp.acosh,
    "arctanh": mp.atanh,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "maximum": max,
    "minimum": min,
    "greater": lambda a, b: mpf(a > b),
    "greater_equal": lambda a, b: mpf(a >= b),
    "less": lambda a, b: mpf(a < b),
    "less_equal": lambda a, b: mpf(a <= b),
    "equal": lambda a, b: mpf(a == b),
    "not_equal": lambda a, b: mpf(a != b),
    "logical_and": lambda a, b: mpf(a != 0 and b != 0),
    "logical_or": lambda a, b: mpf(a != 0 or b != 0),
    "where": lambda condition, a, b: a if condition else b,
    "amax": lambda *xs: max(xs),
    "relu": lambda x: max(x, mpf(0)),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
    "selu": lambda x: SCALE * (x if x > 0 else ALPHA * mp.expm1(x)),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "gelu": lambda x: x * mp.ncdf(x),
    "gelu_tanh": lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3))),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "mish": lambda x: x * mp.tanh(mp.log1p(mp.exp(x))),
    "sum": _sum,
    "mean": lambda *xs: mp.fsum(xs) / len(xs),
    "dot": _dot,
    "linear": lambda *xs: _dot(*xs[:-1]) + xs[-1],
    "logsumexp": lambda *xs: mp.ln(mp.fsum(map(mp.exp, xs))),
}


def _step(x):
    return (abs(x) or mpf(1)) * mpf(10) ** -30


def apart(xs):
    """Whether no two operands are so close that a step from one reaches the other."""
    xs = sorted(map(mpf, xs))
    return all(b - a > 4 * (_step(a) + _step(b)) for a, b in pairwise(xs))


def derivative(f, xs, i):
    """df/dx_i at ``xs``, by a central difference."""
    xs = [mpf(x) for x in xs]
    h = _step(xs[i])
    up, down = ([x + s * h if j == i else x for j, x in enumerate(xs)] for s in (1, -1))
    return (f(*up) - f(*down)) / (2 * h)


def second_derivative(f, xs, i, j):
    """d²f/dx_i dx_j at ``xs``: the difference of differences."""
    xs = [mpf(x) for x in xs]
    h = _step(xs[j])
    up, down = ([x + s * h if k == j else x for k, x in enumerate(xs)] for s in (1, -1))
    return (derivative(f, up, i) - derivative(f, down, i)) / (2 * h)


def close(actual, expected, scale=1.0, rel=1e-9, abs_=1e-13):
    """Whether a float equals a number of high precision, as well as floats of size ``scale`` can be expected to."""
    actual, expected = float(actual), mpf(expected)
    if math.isnan(actual):
        return False
    return abs(mpf(actual) - expected) <= rel * abs(expected) + abs_ * scale
