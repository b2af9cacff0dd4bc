"""Questions about a graph: what each mistake makes of a derivative, and numbers at which no mistake goes unnoticed."""

from __future__ import annotations

from math import prod
from random import Random
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.mistakes import TELLING, unnoticed
from tinygrad_edu.engine.backward import local_derivatives, topological_order
from tinygrad_edu.engine.ops import multiply
from tinygrad_edu.engine.value import Value
from tinygrad_edu.lessons.sheet import current_sheet
from tinygrad_edu.viz.explaining.paths import count_paths, largest_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinygrad_edu.calculus.mistakes import Numbers

    Uses = dict[Value, list[tuple[Value, float]]]  # of each Value: who uses it, and the local derivative by it

MAX_PATHS = 100


def derivative_numbers(y: Value, x: Value) -> Numbers:
    """Name the numbers of a question about ∂y/∂x: the derivative, and what the backward pass would give with a mistake.

    What a learner calls a path may be each way from y to x, all that comes through one use of x, or all that leaves y
    through one operand. A backward pass that replaces where it should add is left with one of these.

    >>> a, b = Value(3.0), Value(4.0)
    >>> numbers = derivative_numbers(a * b + a, a)
    >>> numbers["right"], numbers["one"], numbers["product"]
    (5.0, [1.0, 4.0], [4.0])
    """
    order = topological_order(y)
    uses = _uses(order)
    arriving, below = _arriving(order, uses), _derivatives_below(order, x)
    between = [node for node in order if node not in {x, y} and below[node] and arriving[node]]
    numbers: dict[str, float | Sequence[float]] = {
        "right": arriving[x],
        "value": y.data,
        "operand": x.data,
        "local": [below[node] for node in between if arriving[node] != 1],
        "upstream": [arriving[node] for node in between if below[node] != 1],
    }
    flows = [(user, arriving[user] and arriving[user] * local) for user, local in uses[x]]
    branches = [below[parent] * local for parent, local in zip(y.parents, local_derivatives(y)) if below[parent]]
    by_user = {user: sum(flow for node, flow in flows if node is user) for user, _ in flows}
    partitions = [[flow for _, flow in flows], [*by_user.values()], branches]
    if count_paths(y, x) <= MAX_PATHS:
        paths = largest_paths(y, x, MAX_PATHS)
        partitions.insert(0, [path.product for path in paths])
        if any(len(path.edges) > 1 for path in paths):
            numbers["added"] = sum(local_derivatives(node)[i] for path in paths for node, i in path.edges)
    if any(_is_product(node, below) for node in order):
        numbers["factors"] = _derivatives_below(order, x, factor_by_factor=True)[y]
    several = [group for group in ([x for x in group if x] for group in partitions) if len(group) > 1]
    if several:
        numbers["one"] = [*dict.fromkeys(x for group in several for x in group)]
        numbers["product"] = [*dict.fromkeys(map(prod, several))]
    return numbers


def numbers(*names: str, of: Callable[..., Value | list[Value]]) -> list[Value]:
    """Draw a number for each name, from the name of the learner, so that no mistake about a derivative of a result
    gives the right number.

    Args:
        names: of the Values to return.
        of: the function that computes the result from them, or a list of results.

    Raises:
        ValueError: if ``of`` is undefined at all that is drawn.

    >>> a, b = numbers("a", "b", of=lambda a, b: a * b + a)
    >>> a.label, b.label
    ('a', 'b')
    """
    random = Random(f"{current_sheet().name} {' '.join(names)}")
    drawn = []
    for _ in range(200):
        values = [Value(number, label=name) for name, number in zip(names, random.sample(TELLING, len(names)))]
        try:
            found = of(*values)
            results = found if isinstance(found, list) else [found]
            hidden = sum(_hidden(y, x) for y in results for x in values)
        except (ArithmeticError, ValueError):
            continue
        if not hidden:
            return values
        drawn.append((hidden, values))
    if not drawn:
        raise ValueError(f"the formula was undefined at all numbers that were drawn for {', '.join(names)}")
    return min(drawn, key=lambda pair: pair[0])[1]


def _hidden(y: Value, x: Value) -> int:
    """Count the mistakes that would go unnoticed; where the derivative is a number hard to read, one more."""
    if x not in {*topological_order(y)}:  # in a list it would be compared by its number
        return 0
    found = derivative_numbers(y, x)
    right: float = found["right"]  # type: ignore[assignment]
    return len(unnoticed("derivative", found)) + (not 0.01 < abs(right) < 1000)


def _uses(order: Sequence[Value]) -> Uses:
    """List, for each Value, its uses, in the order in which ``backward`` meets them."""
    uses: Uses = {node: [] for node in order}
    for node in reversed(order):
        for parent, local in zip(node.parents, local_derivatives(node)):
            uses[parent].append((node, local))
    return uses


def _arriving(order: Sequence[Value], uses: Uses) -> dict[Value, float]:
    """Compute the derivative of the last Value by each."""
    arriving = {order[-1]: 1.0}
    for node in reversed(order[:-1]):
        arriving[node] = sum(arriving[user] and arriving[user] * local for user, local in uses[node])
    return arriving


def _derivatives_below(order: Sequence[Value], x: Value, factor_by_factor: bool = False) -> dict[Value, float]:
    """Compute the derivative of each Value by ``x``; with a mistake, that of a product as the factors' multiplied."""
    below: dict[Value, float] = {}
    for node in order:
        terms = [(parent, local) for parent, local in zip(node.parents, local_derivatives(node)) if below[parent]]
        below[node] = 1.0 if node is x else sum(below[parent] * local for parent, local in terms)
        if factor_by_factor and _is_product(node, below):
            below[node] = prod(below[parent] for parent in node.parents)
    return below


def _is_product(node: Value, below: dict[Value, float]) -> bool:
    """Tell whether both factors change with what one differentiates by."""
    return node.op is multiply and all(below[parent] for parent in node.parents)
