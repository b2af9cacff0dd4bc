"""The names by which pictures, formulas and explanations call the Values of a graph."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.engine.ops import positive
from tinygrad_edu.engine.value import Constant, Value
from tinygrad_edu.formulas.formula import Formula, indexed, name, numbered, numeral, row, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACKAGE = __file__.removesuffix(os.path.join("viz", "graphs", "names.py"))
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")  # from Python 3.12 on they have no frame of their own
NOTEBOOK = ("IPython", "decorator")  # what is between the cell of a notebook and a Value that is shown there


def names_of(order: Sequence[Value], variables: Mapping[Value, str] | None = None) -> dict[Value, Formula]:
    """A name for each Value, no two of them alike: what it is called or, for the rest, v1, v2, ... in order.

    Constants are written as their number, and +x without a name of its own has that of x.

    Args:
        order: the Values, operands before results.
        variables: the name of the variable that holds a Value, as ``callers_variables`` finds it.
    """
    names = called(order, variables or {})
    copies: dict[str, int] = {}
    formulas: dict[Value, Formula] = {}
    unnamed, known = [], set(order)
    for node in order:
        if isinstance(node, Constant):
            formulas[node] = numeral(node.data, constant=True)
        elif node in names:
            latex = names[node].latex
            copies[latex] = copies.get(latex, 0) + 1
            formulas[node] = names[node] if copies[latex] == 1 else numbered(names[node], copies[latex])
        elif node.op is not positive or node.parents[0] not in known:
            unnamed.append(node)
    counted = map(name, (f"v{i}" for i in range(1, len(order) + len(copies) + 1)))
    formulas.update(zip(unnamed, (formula for formula in counted if formula.latex not in copies)))
    for node in order:
        if node not in formulas:
            formulas[node] = formulas[node.parents[0]]
    return formulas


def called(order: Sequence[Value], variables: Mapping[Value, str]) -> dict[Value, Formula]:
    """What the Values with a name are called: as their label says or, without one, their variable, unless that is the
    label of another. What belongs to a layer has a letter with indices, as on a blackboard, except that the output of a
    network is called as the variable that holds it.

    >>> from tinygrad_edu import nn, topological_order
    >>> y = nn.MLP(1, [1, 1], "tanh", seed=0)([0.5])
    >>> print(*called(topological_order(y), {}).values())
    x₁ w₁₁⁽¹⁾ b₁⁽¹⁾ z₁⁽¹⁾ h₁⁽¹⁾ w₁₁⁽²⁾ b₁⁽²⁾ h₁⁽²⁾
    """
    places = {node: place for node in order if (place := place_of(node.label))}
    for node, place in [*places.items()]:
        if place.letter == "h" and len(node.parents) == 1 and not node.parents[0].label:
            places[node.parents[0]] = place._replace(letter="z")  # what goes into the activation
    modules = {place.module for place in places.values()}
    layers = {(place.module, place.layer) for place in places.values()}
    labels = {node: name(node.label) for node in order if node not in places and visible(node.label)}
    taken = {formula.latex for formula in labels.values()}
    names: dict[Value, Formula] = {}
    for node in order:
        variable = name(variables[node]) if node in variables else None
        if node in labels:
            index = node.label[2:-1] if places and node.label.startswith("x[") and node.label.endswith("]") else ""
            names[node] = indexed("x", [int(index) + 1]) if index.isdecimal() else labels[node]
        elif variable and variable.latex not in taken and (node.op or node not in places):
            names[node] = variable
        elif node in places:
            names[node] = places[node].formula(len(modules) > 1, len(layers) > 1)
    return names


class Place(NamedTuple):
    """The place of a weight, a bias or a result in a network; layers and neurons are counted from 1.

    Attributes:
        letter: "w", "b", "h" for the output of a neuron, or "z" for what goes into its activation.
        indices: the neuron and, of a weight, the input.
        layer: the number of the layer, or 0.
        module: the name of what the layer is in, or "".
    """

    letter: str
    indices: tuple[int, ...]
    layer: int
    module: str

    def formula(self, with_module: bool, with_layer: bool) -> Formula:
        """The letter with its indices, the layer and the module if wanted."""
        formula = indexed(self.letter, self.indices, self.layer if with_layer else 0)
        if not (with_module and self.module):
            return formula
        module = name(self.module)
        return row(module, Formula(".", ".", ("mo", ".")), formula)


def place_of(label: str) -> Place | None:
    """The place that a label tells, such as ``layers.0.neurons.3.w[1]``; None if it tells none.

    >>> place_of("layers.0.neurons.3.w[1]")
    Place(letter='w', indices=(4, 2), layer=1, module='')
    """
    import re

    found = re.fullmatch(r"(?:(.+)\.)?neurons\.(\d+)(?:\.(b)|\.w\[(\d+)\])?", label)
    if found is None:
        return None
    path, neuron, bias, weight = found.groups(default="")
    indices = (int(neuron) + 1, int(weight) + 1) if weight else (int(neuron) + 1,)
    *modules, holder, number = ["", "", *path.split(".")]
    layer = int(number) + 1 if holder == "layers" and number.isdecimal() else 0
    module = ".".join(filter(None, modules)) if layer else path
    return Place(bias or ("w" if weight else "h"), indices, layer, module)


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
    variables = [*frame.f_locals.items()]
    while frame.f_back and frame.f_code.co_name in COMPREHENSIONS:
        frame = frame.f_back
        variables = [*frame.f_locals.items(), *variables]
    found: dict[Value, str] = {}
    for variable, value in variables:
        if isinstance(value, Value) and variable[:1].isalpha():  # pytest has variables such as @py_assert1
            found.setdefault(value, variable)
    return found
