"""What a recorded value is for: its role, and the neuron and layer it belongs to, as the names of parameters tell."""

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
    """What a Value is in its graph: "input", "parameter", "constant" or, if it was computed, "".

    >>> role(Value(1.0))
    'input'
    """
    if node.op is not None:
        return ""
    return "constant" if isinstance(node, Constant) else "parameter" if isinstance(node, Parameter) else "input"


def symbol(op: Operation) -> str:
    """The sign or the name of an operation, for its box.

    >>> from tinygrad_edu.engine.ops import multiply, tanh
    >>> symbol(multiply), symbol(tanh)
    ('×', 'tanh')
    """
    _, left, right = notation(op)
    if op.arity is None:
        return visible(op.name, 20)
    left = {"-": "−", "·": "×", "/": "÷"}.get(left, left)
    return visible(f"{left}·{right}" if left and right else left + right, 20)


def group_of_each(order: Sequence[Value], origin: Mapping[Value, Value]) -> dict[Value, str]:
    """The path of the module that each Value belongs to, such as ``layers.0.neurons.3``; "" for none.

    A parameter belongs where its label says. What is computed from parameters of one module only, beside what comes
    from elsewhere, belongs there too, and so does what carries the module's name, as a neuron's output does.

    Args:
        order: the Values, operands before results.
        origin: for Values that stand for a part of another, that one.
    """
    # In the order of the old graph: a part such as the 1 of 1 / (1 + exp(-x)) may come before the x of the whole.
    wholes = topological_order(origin.get(order[-1], order[-1])) if origin else order
    groups: dict[Value, str] = {}
    for node in wholes:
        groups[node] = _group(node, groups)
    return {node: groups[origin.get(node, node)] for node in order}


def _group(node: Value, groups: Mapping[Value, str]) -> str:
    if isinstance(node, Parameter):
        return node.label.rpartition(".")[0]
    owners = {parent.label.rpartition(".")[0] for parent in node.parents if isinstance(parent, Parameter)}
    if len(owners) == 1:
        return owners.pop()
    return next((groups[p] for p in node.parents if groups.get(p) and groups[p] == node.label), "")


def parts(path: str) -> tuple[str, ...]:
    """The modules on a path, each with its number: ``("layers.0", "neurons.3")``.

    >>> parts("layers.0.neurons.3")
    ('layers.0', 'neurons.3')
    """
    found: list[str] = []
    for word in path.split(".") if path else ():
        if found and word.isdecimal():
            found[-1] += f".{word}"
        else:
            found.append(word)
    return tuple(found)
