"""Functions of any number of values, given as lists: sums, products of lists, softmax.

Each takes Values and plain numbers, in a list or any other iterable (a NumPy array too). Values among them give a
Value, recorded as one node however long the list; plain numbers alone give a plain number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine import ops
from tinygrad_edu.engine.value import Value, apply_to_lists

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tinygrad_edu.engine.value import Operand


def sum(values: Iterable[Operand], start: Operand = 0) -> Any:
    """The sum of ``values`` and ``start``, as one node; 0 for none at all.

    Raises:
        TypeError: if ``values`` is not a list, or holds something that is not a number.

    >>> sum([1.0, 2.0, 3.0])
    6.0
    """
    operands = _operands("sum", values)
    return ops.sum_(*operands) if type(start) is int and start == 0 else ops.sum_(start, *operands)


def mean(values: Iterable[Operand]) -> Any:
    """The arithmetic mean of ``values``, as one node.

    Raises:
        ValueError: if there are none.

    >>> mean([1.0, 2.0, 6.0])
    3.0
    """
    return ops.mean(*_not_empty("mean", values))


def dot(a: Iterable[Operand], b: Iterable[Operand]) -> Any:
    """The sum of the products of two lists of equal length, as one node; 0 for empty ones.

    Raises:
        ValueError: if their lengths differ.

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    left, right = _operands("dot", a), _operands("dot", b)
    if len(left) != len(right):
        raise ValueError(f"dot takes two lists of the same length, not of {len(left)} and {len(right)}")
    return apply_to_lists(ops.dot, left, right)


def amax(values: Iterable[Operand]) -> Any:
    """The largest of ``values``, as one node; equal ones share the derivative.

    Raises:
        ValueError: if there are none.

    >>> amax([1.0, 3.0, 2.0])
    3.0
    """
    return ops.amax(*_not_empty("amax", values))


def logsumexp(values: Iterable[Operand]) -> Any:
    """log(exp(a) + exp(b) + ...), as one node; it does not overflow.

    Raises:
        ValueError: if there are no values.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    return ops.logsumexp(*_not_empty("logsumexp", values))


def softmax(values: Iterable[Operand]) -> list[Any]:
    """Positive numbers with the sum 1, in the proportions of exp(a), exp(b), ...: a list as long as ``values``.

    Scores of any size are fine: only their differences count.

    Raises:
        ValueError: if there are no values.

    >>> [round(p, 6) for p in softmax([1000.0, 1000.0, 0.0])]
    [0.5, 0.5, 0.0]
    """
    return ops.proportions(_not_empty("softmax", values))


def Values(**numbers: float) -> tuple[Value, ...]:
    """Make a labelled leaf for each name.

    >>> w, x = Values(w=0.5, x=3)
    >>> w * x, x
    (Value(data=1.5, grad=0.0), Value(data=3.0, grad=0.0, label='x'))
    """
    return tuple([Value(data, label) for label, data in numbers.items()])


def _operands(name: str, values: Iterable[Operand]) -> tuple[Operand, ...]:
    try:
        return tuple(values)
    except TypeError:
        raise TypeError(f"{name} takes a list of numbers, not a single {type(values).__name__}") from None


def _not_empty(name: str, values: Iterable[Operand]) -> tuple[Operand, ...]:
    operands = _operands(name, values)
    if not operands:
        raise ValueError(f"{name} of no values is undefined")
    return operands
