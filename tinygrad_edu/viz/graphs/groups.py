"""The role of a recorded Value, and the neuron and layer that it belongs to, as the names of parameters tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.backward import topological_order
from tinygrad_edu.engine.value import Constant, Value
from tinygrad_edu.formulas.formula import visible
from tinygrad_edu.nn.module import Parameter
from tinygrad_edu.viz.graphs.expression import notation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinygrad_edu.engine.operation import Operation


def role(node: Value) -> str:
    """The role of a Value in its graph: "input", "parameter", "constant" or, if it was computed, "".

    >>> role(Value(1.0))
    'input'
    """
    if node.op is not None:
        return ""
    if isinstance(node, Constant):
        return "constant"
    return "parameter" if isinstance(node, Parameter) else "input"


def symbol(op: Operation) -> str:
    """The sign or the name of an operation, for its box.

    >>> from tinygrad_edu.engine.ops import multiply, tanh
    >>> symbol(multiply), symbol(tanh)
    ('×', 'tanh')
    """
    if op.arity is None:
        return visible(op.name, 20)
    _, left, right = notation(op)
    left = {"-": "−", "·": "×", "/": "÷"}.get(left, left)
    return visible(f"{left}·{right}" if left and right else left + right, 20)


def group_of_each(order: Sequence[Value], origin: Mapping[Value, Value]) -> dict[Value, str]:
    """The path of the module that each Value belongs to, such as ``layers.0.neurons.3``; "" for none.

    A parameter belongs where its label says. A Value computed from parameters of one module only, beside what comes
    from elsewhere, belongs there too, and so does one that carries the module's name, as a neuron's output does.

    Args:
        order: the Values, operands before results.
        origin: for Values that stand for a part of another, that one.
    """
    # In the order of the old graph: a part such as the 1 of 1 / (1 + exp(-x)) may come before the x of the whole.
    wholes = topological_order(origin[order[-1]]) if origin else order
    groups: dict[Value, str] = {}
    for node in wholes:
        modules = {_module(parent) for parent in node.parents if isinstance(parent, Parameter)}
        if isinstance(node, Parameter):
            groups[node] = _module(node)
        elif len(modules) == 1:
            groups[node] = modules.pop()
        else:
            groups[node] = node.label if any(groups[parent] == node.label for parent in node.parents) else ""
    return {node: groups[origin.get(node, node)] for node in order}


def _module(parameter: Parameter) -> str:
    return parameter.label.rpartition(".")[0]


def parts(path: str) -> tuple[str, ...]:
    """The modules on a path, each with its number.

    >>> parts("layers.0.neurons.3")
    ('layers.0', 'neurons.3')
    """
    modules: list[str] = []
    for word in path.split(".") if path else ():
        if modules and word.isdecimal():
            modules[-1] += f".{word}"
        else:
            modules.append(word)
    return tuple(modules)
