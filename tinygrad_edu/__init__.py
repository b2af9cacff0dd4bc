"""Automatic differentiation to learn from: a scalar engine, small networks built on it, and eyes to see it work.

>>> from tinygrad_edu import Value
>>> x = Value(3.0, label="x")
>>> y = x * x
>>> y.backward()
>>> x.grad
6.0
"""

# ruff: noqa: I001, RUF022
# fmt: off
import sys

from tinygrad_edu import nn
from tinygrad_edu.calculus.checking import GradientMismatch, check_gradients
from tinygrad_edu.calculus.linearization import gradients
from tinygrad_edu.calculus.transforms import derivative, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from tinygrad_edu.calculus.trees import tree_map
from tinygrad_edu.compiling.compiled_loss import compile_loss
from tinygrad_edu.compiling.compiler import compile as compile  # not in __all__: a star import leaves Python's alone
from tinygrad_edu.compiling.symbols import CompileError
from tinygrad_edu.engine.backward import topological_order
from tinygrad_edu.engine.functions import Values, amax, dot, logsumexp, mean, softmax
from tinygrad_edu.engine.functions import sum as sum  # likewise
from tinygrad_edu.engine.operation import Operation
from tinygrad_edu.engine.ops import (
    absolute, add, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, ceil, cos, cosh, deg2rad, degrees,
    detach, divide, elu, equal, erf, erfc, exp, exp2, expm1, fabs, floor, gelu, gelu_tanh, greater, greater_equal,
    heaviside, hypot, leaky_relu, less, less_equal, log, log1p, log2, log10, logaddexp, logical_and, logical_or,
    maximum, minimum, mish, multiply, negative, not_equal, positive, power, rad2deg, radians, relu, remainder, selu,
    sigmoid, sign, silu, sin, sinh, softplus, sqrt, subtract, tan, tanh, where,
)
from tinygrad_edu.engine.recording import no_grad
from tinygrad_edu.engine.value import Value
from tinygrad_edu.nn import losses
from tinygrad_edu.training import data, optim
from tinygrad_edu.training.diagnosis import diagnose
from tinygrad_edu.training.fit import classifier, fit
from tinygrad_edu.training.history import History
from tinygrad_edu.viz.explaining.explanation import explain
from tinygrad_edu.viz.graphs.drawing import draw
from tinygrad_edu.viz.graphs.expression import expression

__all__ = [
    "CompileError", "GradientMismatch", "History", "Operation", "Value", "Values", "absolute", "add", "amax", "arccos",
    "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "ceil", "check_gradients", "classifier",
    "compile_loss", "cos", "cosh", "data", "deg2rad", "degrees", "derivative", "detach", "diagnose", "divide", "dot",
    "draw", "elu", "equal", "erf", "erfc", "exp", "exp2", "explain", "expm1", "expression", "fabs", "fit", "floor",
    "gelu", "gelu_tanh", "grad", "gradients", "greater", "greater_equal", "heaviside", "hessian", "hvp", "hypot",
    "jacobian", "jvp", "leaky_relu", "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp", "logical_and",
    "logical_or", "logsumexp", "losses", "maximum", "mean", "minimum", "mish", "multiply", "negative", "nn", "no_grad",
    "not_equal", "optim", "positive", "power", "rad2deg", "radians", "relu", "remainder", "selu", "sigmoid", "sign",
    "silu", "sin", "sinh", "softmax", "softplus", "sqrt", "subtract", "tan", "tanh", "topological_order", "tree_map",
    "value_and_grad", "vjp", "where",
]
# fmt: on

for _name in ("data", "losses", "optim"):  # so that "from tinygrad_edu.optim import Adam" works, too
    sys.modules[f"{__name__}.{_name}"] = globals()[_name]
