"""The names by which pictures, formulas and explanations call the Values of a graph."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tinygrad_edu.engine.ops import positive
from tinygrad_edu.engine.value import Constant, Value
from tinygrad_edu.formulas.formula import Formula, name, numeral, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACKAGE = __file__.removesuffix(os.path.join("viz", "graphs", "names.py"))
NOTEBOOK = ("IPython", "decorator")  # what is between the cell of a notebook and a Value that is shown there


def names_of(order: Sequence[Value], variables: Mapping[Value, str] | None = None) -> dict[Value, Formula]:
    """A name for each Value, no two of them alike: its label, the variable that holds it, or v1, v2, ... in order.

    Constants are written as their number, and +x without a name of its own has that of x.

    Args:
        order: the Values, operands before results.
        variables: the name of the variable that holds a Value, as ``callers_variables`` finds it.
    """
    texts = called(order, variables or {})
    copies: dict[str, int] = {}
    formulas: dict[Value, Formula] = {}
    unnamed, known = [], set(order)
    for node in order:
        if isinstance(node, Constant):
            formulas[node] = numeral(node.data, constant=True)
        elif node in texts:
            latex = name(texts[node]).latex
            copies[latex] = copies.get(latex, 0) + 1
            formulas[node] = name(texts[node], copies[latex])
        elif node.op is not positive or node.parents[0] not in known:
            unnamed.append(node)
    counted = map(name, (f"v{i}" for i in range(1, len(order) + len(copies) + 1)))
    formulas.update(zip(unnamed, (formula for formula in counted if formula.latex not in copies)))
    for node in order:
        if node not in formulas:
            formulas[node] = formulas[node.parents[0]]
    return formulas


def called(order: Sequence[Value], variables: Mapping[Value, str]) -> dict[Value, str]:
    """The label of each Value or, without one, its variable, unless that is the label of another."""
    labels = {node: node.label for node in order if visible(node.label)}
    taken = {name(label).latex for label in labels.values()}
    free = {node: variable for node, variable in variables.items() if name(variable).latex not in taken}
    return {node: labels.get(node) or free[node] for node in order if node in labels or node in free}


def callers_variables() -> dict[Value, str]:
    """The Values that the caller of this package has in variables, each with the name of the first that holds it.

    The caller is the innermost function, module or notebook cell outside of the package. Names that begin with an
    underscore do not count: among them are those that a notebook gives to all results.

    >>> x = Value(3.0)
    >>> _y = x * x
    >>> callers_variables()[x], _y in callers_variables()
    ('x', False)
    """
    frame = sys._getframe()
    while frame.f_back and (
        frame.f_code.co_filename.startswith(PACKAGE)
        or str(frame.f_globals.get("__name__")).partition(".")[0] in NOTEBOOK
    ):
        frame = frame.f_back
    found: dict[Value, str] = {}
    for variable, value in frame.f_locals.items():
        if isinstance(value, Value) and variable[:1].isalpha():  # pytest has variables such as @py_assert1
            found.setdefault(value, variable)
    return found
