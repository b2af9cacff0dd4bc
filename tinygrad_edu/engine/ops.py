"""The table of operations: each one described once, and everything else in the package read from it.

A row says what an operation is called, how a number is computed and what its local derivatives are::

    tanh = Operation("tanh", math.tanh, lambda y, x: (1 - y * y,))

The third entry is the *rule*: given the output ``y`` and the operands it returns one derivative per operand. Rules are
ordinary arithmetic, so they work on whatever they are given. On floats they yield floats, which is backpropagation of
numbers; on Values they yield Values, a derivative that is itself a recorded graph and can be differentiated again.

A *composite* has a ``definition`` as well: the same function in simpler operations. It is recorded as one node, which
is fast and numerically stable; its definition shows where its derivative comes from, and tests it.
"""

from __future__ import annotations

import math
import operator
import sys
from functools import reduce
from typing import TYPE_CHECKING

from tinygrad_edu.engine.operation import BUILT_IN, TABLE, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

sign: Operation  # rules may look ahead in the table
cos: Operation
hypot: Operation
cosh: Operation
floor: Operation
sigmoid: Operation
where: Operation

# fmt: off
# ---- arithmetic ------------------------------------------------------------------------------------------------------

add = Operation(
    "add", operator.add, lambda y, a, b: (1.0, 1.0),
    "Sum of two numbers, a + b.", "add(1.0, 2.0) = 3.0", notation="a + b", python="a + b",
)
subtract = Operation(
    "subtract", operator.sub, lambda y, a, b: (1.0, -1.0),
    "Difference, a - b.", "subtract(1.0, 2.0) = -1.0", notation="a - b", python="a - b",
)
multiply = Operation(
    "multiply", operator.mul, lambda y, a, b: (b, a),
    "Product, a * b.", "multiply(2.0, 3.0) = 6.0", notation="a · b", python="a * b",
)
divide = Operation(
    "divide", operator.truediv, lambda y, a, b: (1 / b, -y / b),
    "Quotient, a / b.", "divide(1.0, 4.0) = 0.25", notation="a / b", python="a / b",
)
remainder = Operation(
    "remainder", operator.mod, lambda y, a, b: (1.0, -floor((a - y) / b + 0.5)),
    "What a whole number of b leaves of a, a % b; it has the sign of b.", "remainder(7.0, 4.0) = 3.0",
    notation="a mod b", python="a % b",
)
negative = Operation(
    "negative", operator.neg, lambda y, x: (-1.0,),
    "The number negated, -x.", "negative(2.0) = -2.0", notation="-x", python="-x",
)
positive = Operation(
    "positive", operator.pos, lambda y, x: (1.0,),
    "The number itself, +x.", "positive(2.0) = 2.0", notation="+x", python="x",
)
absolute = Operation(
    "absolute", abs, lambda y, x: (sign(x),),
    "The number without its sign; slope 0 at 0.", "absolute(-2.0) = 2.0", notation="|x|", python="fabs(x)",
)
fabs = absolute  # as NumPy calls it, too
detach = Operation(
    "detach", operator.pos, lambda y, x: (0.0,),
    "The number itself, as a constant: its derivative is 0 by definition, and check_gradients says that it differs. It "
    "makes a target that does not move, reward + discount * detach(next_value); a step with the slope of what it "
    "rounds, x + detach(floor(x) - x); and a shift that changes nothing, exp(x - detach(largest)) in a softmax.",
    "detach(2.0) = 2.0", python="x",
)

# ---- powers and roots ------------------------------------------------------------------------------------------------


def _power(x: float, n: float) -> float:
    result = x**n
    if isinstance(result, complex):
        raise ValueError("a negative number to a fractional power is not real")
    return float(result)


def _power_rule(y: Any, x: Any, n: Any) -> tuple[Any, Any]:
    """n xⁿ⁻¹ and y ln x. By a constant, a plain number beside a Value, nobody asks for the derivative: NaN stands for
    it, since it may be infinite."""
    by_x = math.nan if type(x) is float and type(n) is not float else _slope_by_base(x, n)
    by_n = math.nan if type(n) is float and type(x) is not float else _slope_by_exponent(y, x)
    return by_x, by_n


def _slope_by_base(x: Any, n: Any) -> Any:
    if type(n) is float:  # what is recorded is n x for squares, rather than n x¹
        return 0.0 if n == 0 else n * (1.0 if n == 1 else x if n == 2 else x ** (n - 1))
    return n * _choose((x == 0) & (n == 0), 1.0, x) ** (n - 1)  # 0 · 0⁻¹ is 0 here, as in PyTorch


def _slope_by_exponent(y: Any, x: Any) -> Any:
    """y ln x, which at x = 0 is 0, its limit. A negative x has powers at whole n only, and no slope between: NaN."""
    positive = _choose(x > 0, x, 1.0)
    return _choose(x > 0, y * log(positive), _choose(x == 0, 0.0, math.nan))


def _choose(condition: Any, a: Any, b: Any) -> Any:
    """a if the condition holds, otherwise b. Where a comparison is recorded, for compiling, the choice is, too."""
    return (a if condition else b) if type(condition) is bool else where(condition, a, b)


power = Operation(
    "power", _power, _power_rule,
    "x to the power n; where x < 0, for whole n only, with a derivative with respect to x but none to n (NaN).",
    "power(-2.0, 3.0) = -8.0", notation="x ^ n", python="pow(x, n)",
)
sqrt = Operation(
    "sqrt", math.sqrt, lambda y, x: (0.5 / y,),
    "Square root, for x >= 0.", "sqrt(9.0) = 3.0", notation="√x",
)

# ---- steps: constant on either side, so every derivative is zero -----------------------------------------------------

sign = Operation(
    "sign", lambda x: x if x != x else float((x > 0) - (x < 0)), lambda y, x: (0.0,),
    "-1, 0 or 1: the sign of a number.", "sign(-2.0) = -1.0",
    python="float((x > 0.0) - (x < 0.0)) if x == x else x",
)
floor = Operation(
    "floor", lambda x: float(math.floor(x)), lambda y, x: (0.0,),
    "The largest whole number that is not above x.", "floor(-0.5) = -1.0", notation="⌊x⌋", python="float(floor(x))",
)
ceil = Operation(
    "ceil", lambda x: float(math.ceil(x)), lambda y, x: (0.0,),
    "The smallest whole number that is not below x.", "ceil(0.5) = 1.0", notation="⌈x⌉", python="float(ceil(x))",
)
heaviside = Operation(
    "heaviside", lambda x, at_zero: 1.0 if x > 0 else 0.0 if x < 0 else at_zero if x == 0 else x,
    lambda y, x, at_zero: (0.0, 1 - abs(sign(x))),
    "0 where x < 0, 1 where x > 0, and at_zero in between.", "heaviside(2.0, 0.5) = 1.0",
    python="1.0 if x > 0.0 else 0.0 if x < 0.0 else at_zero if x == 0.0 else x",
)

# ---- exponentials and logarithms -------------------------------------------------------------------------------------


def _logaddexp(a: float, b: float) -> float:
    # equal ones apart: the difference of two infinities is not a number
    return a + math.log1p(math.exp(b - a)) if a > b else b + math.log1p(math.exp(a - b)) if a != b else a + math.log(2)


exp = Operation(
    "exp", math.exp, lambda y, x: (y,),
    "e to the power x.", "exp(0.0) = 1.0",
)
expm1 = Operation(
    "expm1", math.expm1, lambda y, x: (exp(x),),
    "exp(x) - 1, accurate also where x is tiny.", "expm1(1e-20) = 1e-20", definition=lambda x: exp(x) - 1,
)
exp2 = Operation(
    "exp2", lambda x: 2.0 ** x, lambda y, x: (y * math.log(2),),
    "2 to the power x.", "exp2(3.0) = 8.0",
    definition=lambda x: 2.0 ** x, notation="definition", python="2.0 ** x",
)
log = Operation(
    "log", math.log, lambda y, x: (1 / x,),
    "Natural logarithm, for x > 0.", "log(1.0) = 0.0",
)
log1p = Operation(
    "log1p", math.log1p, lambda y, x: (1 / (1 + x),),
    "log(1 + x), accurate also where x is tiny.", "log1p(1e-20) = 1e-20", definition=lambda x: log(1 + x),
)
log2 = Operation(
    "log2", math.log2, lambda y, x: (1 / (x * math.log(2)),),
    "Logarithm to base 2, for x > 0.", "log2(8.0) = 3.0", definition=lambda x: log(x) / math.log(2),
)
log10 = Operation(
    "log10", math.log10, lambda y, x: (1 / (x * math.log(10)),),
    "Logarithm to base 10, for x > 0.", "log10(100.0) = 2.0", definition=lambda x: log(x) / math.log(10),
)
logaddexp = Operation(
    "logaddexp", _logaddexp, lambda y, a, b: (sigmoid(a - b), sigmoid(b - a)),
    "log(exp(a) + exp(b)), without overflow.", "logaddexp(1000.0, 0.0) = 1000.0",
    definition=lambda a, b: log(exp(a) + exp(b)),
    python="a + log1p(exp(b - a)) if a > b else b + log1p(exp(a - b)) if a != b else a + log(2.0)",
)

# ---- trigonometric (angles in radians) and their inverses ------------------------------------------------------------


def _one_minus_square(x: Any) -> Any:
    """1 - x², with all its digits: a product near 1, where 1 - x * x cancels; near 0 the derivative of the product
    would."""
    return _choose(abs(x) < 0.5, 1 - x * x, (1 - x) * (1 + x))


deg2rad = Operation(
    "deg2rad", math.radians, lambda y, x: (math.pi / 180,),
    "An angle in radians, from degrees.", "deg2rad(180.0) = 3.141592653589793",
    definition=lambda x: x * (math.pi / 180),
)
rad2deg = Operation(
    "rad2deg", math.degrees, lambda y, x: (180 / math.pi,),
    "An angle in degrees, from radians.", "rad2deg(math.pi) = 180.0", definition=lambda x: x * (180 / math.pi),
)
radians, degrees = deg2rad, rad2deg  # as NumPy calls them, too
sin = Operation(
    "sin", math.sin, lambda y, x: (cos(x),),
    "Sine of an angle in radians.", "sin(0.0) = 0.0",
)
cos = Operation(
    "cos", math.cos, lambda y, x: (-sin(x),),
    "Cosine of an angle in radians.", "cos(0.0) = 1.0",
)
tan = Operation(
    "tan", math.tan, lambda y, x: (1 + y * y,),
    "Tangent of an angle in radians.", "tan(0.0) = 0.0", definition=lambda x: sin(x) / cos(x),
)
arcsin = Operation(
    "arcsin", math.asin, lambda y, x: (1 / sqrt(_one_minus_square(x)),),
    "The angle in radians, from -pi/2 to pi/2, whose sine is x.", "arcsin(0.0) = 0.0",
)
arccos = Operation(
    "arccos", math.acos, lambda y, x: (-1 / sqrt(_one_minus_square(x)),),
    "The angle in radians, from 0 to pi, whose cosine is x.", "arccos(1.0) = 0.0",
)
arctan = Operation(
    "arctan", math.atan, lambda y, x: (1 / (1 + x * x),),
    "The angle in radians, from -pi/2 to pi/2, whose tangent is x.", "arctan(0.0) = 0.0",
)
arctan2 = Operation(
    "arctan2", math.atan2, lambda angle, y, x: (x / hypot(x, y) / hypot(x, y), -y / hypot(x, y) / hypot(x, y)),
    "The angle in radians, from -pi to pi, of the point (x, y); y comes first.", "arctan2(0.0, 1.0) = 0.0",
)
hypot = Operation(
    "hypot", math.hypot, lambda y, a, b: (a / y, b / y),
    "Length of the vector (a, b).", "hypot(3.0, 4.0) = 5.0", definition=lambda a, b: sqrt(a * a + b * b),
)

# ---- hyperbolic and their inverses -----------------------------------------------------------------------------------

sinh = Operation(
    "sinh", math.sinh, lambda y, x: (cosh(x),),
    "Hyperbolic sine.", "sinh(0.0) = 0.0", definition=lambda x: (exp(x) - exp(-x)) / 2,
)
cosh = Operation(
    "cosh", math.cosh, lambda y, x: (sinh(x),),
    "Hyperbolic cosine.", "cosh(0.0) = 1.0", definition=lambda x: (exp(x) + exp(-x)) / 2,
)
tanh = Operation(
    "tanh", math.tanh, lambda y, x: (1 - y * y,),
    "Hyperbolic tangent, between -1 and 1.", "tanh(0.0) = 0.0",
    definition=lambda x: (exp(x) - exp(-x)) / (exp(x) + exp(-x)), init="glorot",
)
arcsinh = Operation(
    "arcsinh", math.asinh, lambda y, x: (1 / hypot(1, x),),
    "Inverse of sinh.", "arcsinh(0.0) = 0.0",
)
arccosh = Operation(
    "arccosh", math.acosh, lambda y, x: (1 / (sqrt(x - 1) * sqrt(x + 1)),),
    "Inverse of cosh, for x >= 1.", "arccosh(1.0) = 0.0",
)
arctanh = Operation(
    "arctanh", math.atanh, lambda y, x: (1 / _one_minus_square(x),),
    "Inverse of tanh, for -1 < x < 1.", "arctanh(0.0) = 0.0",
)

# ---- the error function: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1 ------------------------------

erf = Operation(
    "erf", math.erf, lambda y, x: (2 / math.sqrt(math.pi) * exp(-x * x),),
    "Error function: the chance that a normal variable lies within x * sqrt(2) deviations.", "erf(0.0) = 0.0",
)
erfc = Operation(
    "erfc", math.erfc, lambda y, x: (-2 / math.sqrt(math.pi) * exp(-x * x),),
    "1 - erf(x), accurate also where erf(x) is close to 1.", "erfc(0.0) = 1.0", definition=lambda x: 1 - erf(x),
)

# ---- the larger and the smaller --------------------------------------------------------------------------------------

maximum = Operation(
    "maximum", lambda a, b: a if a >= b or a != a else b,
    lambda y, a, b: (heaviside(a - b, 0.5), heaviside(b - a, 0.5)),
    "The larger of two numbers; equal ones share the derivative, half each.", "maximum(1.0, 2.0) = 2.0",
    python="a if a >= b or a != a else b",
)
minimum = Operation(
    "minimum", lambda a, b: a if a <= b or a != a else b,
    lambda y, a, b: (heaviside(b - a, 0.5), heaviside(a - b, 0.5)),
    "The smaller of two numbers; equal ones share the derivative, half each.", "minimum(1.0, 2.0) = 1.0",
    python="a if a <= b or a != a else b",
)

# ---- conditions in Iverson's brackets, 1 where they hold and otherwise 0; a choice by them --------------------------

greater = Operation(
    "greater", lambda a, b: float(a > b), lambda y, a, b: (0.0, 0.0),
    "1 where a > b, otherwise 0.", "greater(2.0, 1.0) = 1.0",
    notation="[a > b]", python="a > b", is_condition=True,
)
greater_equal = Operation(
    "greater_equal", lambda a, b: float(a >= b), lambda y, a, b: (0.0, 0.0),
    "1 where a >= b, otherwise 0.", "greater_equal(1.0, 1.0) = 1.0",
    notation="[a ≥ b]", python="a >= b", is_condition=True,
)
less = Operation(
    "less", lambda a, b: float(a < b), lambda y, a, b: (0.0, 0.0),
    "1 where a < b, otherwise 0.", "less(2.0, 1.0) = 0.0",
    notation="[a < b]", python="a < b", is_condition=True,
)
less_equal = Operation(
    "less_equal", lambda a, b: float(a <= b), lambda y, a, b: (0.0, 0.0),
    "1 where a <= b, otherwise 0.", "less_equal(1.0, 1.0) = 1.0",
    notation="[a ≤ b]", python="a <= b", is_condition=True,
)
equal = Operation(
    "equal", lambda a, b: float(a == b), lambda y, a, b: (0.0, 0.0),
    "1 where a == b, otherwise 0.", "equal(1.0, 2.0) = 0.0",
    notation="[a = b]", python="a == b", is_condition=True,
)
not_equal = Operation(
    "not_equal", lambda a, b: float(a != b), lambda y, a, b: (0.0, 0.0),
    "1 where a != b, otherwise 0.", "not_equal(1.0, 2.0) = 1.0",
    notation="[a ≠ b]", python="a != b", is_condition=True,
)
logical_and = Operation(
    "logical_and", lambda a, b: float(bool(a and b)), lambda y, a, b: (0.0, 0.0),
    "1 where both conditions hold (are not 0), otherwise 0.", "logical_and(1.0, 0.0) = 0.0",
    notation="[a ∧ b]", python="a and b", is_condition=True,
)
logical_or = Operation(
    "logical_or", lambda a, b: float(bool(a or b)), lambda y, a, b: (0.0, 0.0),
    "1 where one of two conditions holds (is not 0) or both do, otherwise 0.", "logical_or(1.0, 0.0) = 1.0",
    notation="[a ∨ b]", python="a or b", is_condition=True,
)
where = Operation(
    "where", lambda condition, a, b: a if condition else b,
    lambda y, condition, a, b: (0.0, where(condition, 1.0, 0.0), where(condition, 0.0, 1.0)),
    "a where the condition holds (is not 0), otherwise b. All three are computed: where a is not always defined, write "
    "where(x > 0, log(maximum(x, 1e-300)), 0.0) rather than where(x > 0, log(x), 0.0). (x > 0) & (x < 1) is both "
    "of two conditions, | is either, and the opposite of x > 0 is x <= 0.",
    "where(2.0 > 1.0, 3.0, 4.0) = 3.0", python="a if condition else b",
)

# ---- activations, as PyTorch defines them ----------------------------------------------------------------------------


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al., arXiv:1706.02515


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -709 else math.exp(x)  # exp(709) is about as large as a float can be


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _elu_rule(y: Any, x: Any, alpha: Any = 1.0) -> tuple[Any, Any]:
    below = where(less(x, 0.0), x, 0.0)  # flat at 0, so that nothing curves there
    return where(greater(x, 0.0), 1.0, alpha * exp(below)), expm1(below)


def _mish_rule(y: Any, x: Any) -> tuple[Any]:
    t = tanh(softplus(x))
    return (t + x * sigmoid(x) * (1 - t * t),)


def _gelu_rule(y: Any, x: Any) -> tuple[Any]:
    """Φ(x) + x φ(x), Φ and φ the normal distribution and its density: Hendrycks and Gimpel, arXiv:1606.08415."""
    return (0.5 * erfc(-x / math.sqrt(2)) + x * exp(-x * x / 2) / math.sqrt(2 * math.pi),)


def _gelu_tanh(x: Any) -> Any:
    return 0.5 * x * (1 + tanh(_gelu_inner(x)))


def _gelu_inner(x: Any) -> Any:
    return math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)


def _gelu_tanh_rule(y: Any, x: Any) -> tuple[Any]:
    t = tanh(_gelu_inner(x))
    steepness = 0.5 * math.sqrt(2 / math.pi) * x * (1 - t * t)
    return (0.5 * (1 + t) + steepness + 3 * 0.044715 * steepness * x * x,)


relu = Operation(
    "relu", lambda x: 0.0 if x <= 0 else x, lambda y, x: (greater(x, 0.0),),
    "Rectified linear unit: x where x > 0, otherwise 0; slope 0 at 0.", "relu(-2.0) = 0.0",
    definition=lambda x: x * greater(x, 0.0), init="he", python="0.0 if x <= 0.0 else x",
)
leaky_relu = Operation(
    "leaky_relu", lambda x, negative_slope: x if x > 0 else x * negative_slope,
    lambda y, x, negative_slope=0.01: (
        where(greater(x, 0.0), 1.0, negative_slope), where(greater(x, 0.0), 0.0, x),
    ),
    "x where x > 0, otherwise x * negative_slope.", "leaky_relu(-2.0) = -0.02",
    definition=lambda x, negative_slope=0.01: x * where(greater(x, 0.0), 1.0, negative_slope),
    init="he", python="x if x > 0.0 else x * negative_slope",
)
elu = Operation(
    "elu", lambda x, alpha: x if x > 0 else alpha * math.expm1(x), _elu_rule,
    "Exponential linear unit: x where x > 0, otherwise alpha * (exp(x) - 1).", "elu(2.0) = 2.0",
    definition=lambda x, alpha=1.0: where(greater(x, 0.0), x, alpha * (exp(x * (1 - greater(x, 0.0))) - 1)),
    init="he", python="x if x > 0.0 else alpha * expm1(x)",
)
selu = Operation(
    "selu", lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * math.expm1(x)),
    lambda y, x: (SELU_SCALE * _elu_rule(y, x, SELU_ALPHA)[0],),
    "Scaled exponential linear unit, 1.0507 * elu(x, 1.6733), which keeps mean 0 and variance 1 from layer to layer.",
    "selu(1.0) = 1.0507009873554805", definition=lambda x: SELU_SCALE * elu(x, SELU_ALPHA), init="he",
    python="definition",
)
sigmoid = Operation(
    "sigmoid", _sigmoid, lambda y, x: (y * (1 - y),),
    "Logistic function 1 / (1 + exp(-x)), between 0 and 1.", "sigmoid(0.0) = 0.5",
    definition=lambda x: 1 / (1 + exp(-x)), init="glorot", notation="σ(x)",
    python="1.0 / (1.0 + exp(-x)) if x > -709.0 else exp(x)",
)
silu = Operation(
    "silu", lambda x: x * _sigmoid(x), lambda y, x: (sigmoid(x) * (1 + x * (1 - sigmoid(x))),),
    "Sigmoid linear unit (swish), x * sigmoid(x).", "silu(0.0) = 0.0", definition=lambda x: x * sigmoid(x), init="he",
    python="x / (1.0 + exp(-x)) if x > -709.0 else x * exp(x)",
)
gelu = Operation(
    "gelu", lambda x: 0.5 * x * math.erfc(-x / math.sqrt(2)), _gelu_rule,
    "Gaussian error linear unit: x times the chance that a normal variable is below x.", "gelu(0.0) = 0.0",
    definition=lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))), init="he", python="0.5 * x * erfc(-x / sqrt(2.0))",
)
gelu_tanh = Operation(
    "gelu_tanh", _gelu_tanh, _gelu_tanh_rule,
    'gelu by a formula with tanh that is within 0.0005 of it: PyTorch\'s gelu with approximate="tanh".',
    "gelu_tanh(0.0) = 0.0", definition=lambda x: _gelu_tanh(x), init="he", python="definition",
)
softplus = Operation(
    "softplus", _softplus, lambda y, x: (sigmoid(x),),
    "log(1 + exp(x)), a smooth relu; it does not overflow.", "softplus(1000.0) = 1000.0",
    definition=lambda x: log(1 + exp(x)), init="he", python="x + log1p(exp(-x)) if x > 0.0 else log1p(exp(x))",
)
mish = Operation(
    "mish", lambda x: x * math.tanh(_softplus(x)), _mish_rule,
    "x * tanh(softplus(x)): like silu, smooth and not monotonic (Misra, arXiv:1908.08681).", "mish(0.0) = 0.0",
    definition=lambda x: x * tanh(softplus(x)), init="he", python="definition",
)

# ---- any number of operands (functions.py takes them as lists) -------------------------------------------------------


def _left_to_right(numbers: Iterable[Any], start: Any) -> Any:
    return reduce(operator.add, numbers, start)


# Python's own sum goes from left to right up to 3.11; since then it is more exact, and sums would depend on the Python.
_add_up: Callable[..., Any] = sum if sys.version_info < (3, 12) else _left_to_right


def _total(numbers: Iterable[Any]) -> Any:
    rest = iter(numbers)
    return _add_up(rest, next(rest, 0.0))


def _mean(*operands: Any) -> Any:
    return _total(operands) / len(operands)


def _dot(*operands: Any) -> Any:
    if len(operands) % 2:
        raise ValueError("it takes two lists of the same length")
    return _total(map(operator.mul, operands, operands[len(operands) // 2 :]))


def _dot_rule(y: Any, *operands: Any) -> tuple[Any, ...]:
    half = len(operands) // 2
    return operands[half:] + operands[:half]


def _linear(*operands: float) -> float:
    if not len(operands) % 2:
        raise ValueError("it takes two lists of the same length and a number")
    products = map(operator.mul, operands, operands[len(operands) // 2 : -1])
    start = -0.0 if len(operands) > 1 else 0.0  # -0.0 changes nothing that is added, the sign of a zero included
    return _add_up(products, start) + operands[-1]  # type: ignore[no-any-return]


def _linear_rule(y: Any, *operands: Any) -> tuple[Any, ...]:
    half = len(operands) // 2
    return (*operands[half:-1], *operands[:half], 1.0)


def _logsumexp(*operands: float) -> float:
    top = max(operands)
    if not math.isfinite(top):
        return math.nan if any(x != x for x in operands) else top
    others = [math.exp(x - top) for x in operands]
    others.remove(1.0)  # the largest itself; log1p keeps what the others add, however little
    return top + math.log1p(_total(others))


def proportions(operands: Sequence[Any]) -> list[Any]:
    """Divide exp(a), exp(b), ... by their sum: softmax, and the derivative of logsumexp.

    The largest is shifted to 0 first, so that nothing overflows and nothing is lost where all are large (Goodfellow,
    Bengio and Courville, *Deep Learning*, section 4.1).
    """
    is_known = all(type(x > 0.0) is bool for x in operands)  # which is largest, if comparisons are not recorded
    top = max(operands) if is_known else detach(amax(*operands))  # which changes nothing, and has no derivative
    shares = [exp(x - top) for x in operands]
    total = sum_(*shares)
    return [share / total for share in shares]


def _shares(top: Any, operands: Sequence[Any]) -> tuple[Any, ...]:
    """1 divided among the operands that are equal to ``top``."""
    ties = [equal(x, top) for x in operands]
    total = sum_(*ties)
    return tuple(tie / total for tie in ties)


sum_ = Operation(
    "sum", lambda *operands: _total(operands), lambda y, *operands: (1.0,) * len(operands),
    "The operands added up.", definition=lambda *operands: _total(operands), notation="a + b", python="definition",
    products=lambda *operands: [(x, 1.0) for x in operands],
)
mean = Operation(
    "mean", _mean, lambda y, *operands: (1 / len(operands),) * len(operands),
    "The mean of the operands.", definition=_mean, python="definition",
)
dot = Operation(
    "dot", _dot, _dot_rule,
    "The sum of a * b over two lists; its operands are (*a, *b).",
    definition=_dot, notation="definition", python="definition",
    products=lambda *operands: [*zip(operands, operands[len(operands) // 2 :])],
)
linear = Operation(
    "linear", _linear, _linear_rule,
    "A neuron's weighted sum with its bias, dot(x, w) + b; its operands are (*x, *w, b).",
    definition=lambda *operands: dot(*operands[:-1]) + operands[-1], notation="definition", python="definition",
    products=lambda *operands: [*zip(operands, operands[len(operands) // 2 : -1]), (operands[-1], 1.0)],
)
amax = Operation(
    "amax", lambda *operands: math.nan if any(x != x for x in operands) else max(operands),
    lambda y, *operands: _shares(y, operands),
    "The largest of the operands; equal ones share the derivative.", of_two=maximum,
)
logsumexp = Operation(
    "logsumexp", _logsumexp, lambda y, *operands: tuple(proportions(operands)),
    "log(exp(a) + exp(b) + ...), without overflow.",
    definition=lambda *operands: log(_total(map(exp, operands))), of_two=logaddexp,
)

# fmt: on

BUILT_IN.update(TABLE)
__test__ = {row.name: row.__doc__ for row in TABLE.values()}  # each row's example, for doctest
