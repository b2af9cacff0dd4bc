"""The same network in PyTorch, and back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tinygrad_edu.nn.layers import MLP, Layer, Neuron
from tinygrad_edu.nn.tensors import to_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tinygrad_edu.nn.module import Module

# Each activation that PyTorch has, too: the class, and the attributes with which it is the same.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("ReLU", {}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.01}),
    "elu": ("ELU", {"alpha": 1.0}),
    "selu": ("SELU", {}),
    "silu": ("SiLU", {}),
    "mish": ("Mish", {}),
    "gelu": ("GELU", {"approximate": "none"}),
    "gelu_tanh": ("GELU", {"approximate": "tanh"}),
    "softplus": ("Softplus", {"beta": 1.0, "threshold": 40.0}),  # beyond it a straight line, 2e-9 off at PyTorch's 20
}


def to_torch(model: Module) -> Any:
    """Make the ``torch.nn.Sequential`` that does the same: its outputs and gradients are equal up to rounding.

    It takes tensors of type float64, of shape (inputs) or (examples, inputs), and gives (outputs) or
    (examples, outputs), also where there is only one output. It shares no numbers with the model.

    Args:
        model: an MLP, a Layer or a Neuron.

    Raises:
        TypeError: for a model of another class, or one that computes something else.
        ValueError: for an activation that PyTorch does not have, and for parameters that are shared.
        ImportError: without PyTorch, which the extra ``torch`` brings.

    >>> print(to_torch(MLP(2, [4, 1], "tanh")))                             # doctest: +SKIP
    Sequential(
      (0): Linear(in_features=2, out_features=4, bias=True)
      (1): Tanh()
      (2): Linear(in_features=4, out_features=1, bias=True)
    )
    >>> to_torch(Layer(2, 3, "sin"))
    Traceback (most recent call last):
    ValueError: PyTorch has no module for the activation sin; it has those for relu, tanh, sigmoid, leaky_relu, elu, \
selu, silu, mish, gelu, gelu_tanh, softplus
    """
    if type(model).__call__ not in (MLP.__call__, Layer.__call__, Neuron.__call__):
        raise TypeError(
            f"a {type(model).__name__} has no counterpart in PyTorch; an MLP, a Layer and a Neuron have one"
        )
    activations = [_activation_of(neurons) for neurons in _layers(model)]
    tensors = to_tensors(model.config(), model.state_dict())
    try:
        import torch
    except ImportError:
        raise ImportError("PyTorch is not installed: pip install torch") from None
    modules = []
    weights = [tensor for name, tensor in tensors.items() if name.endswith("weight")]
    biases = [tensor for name, tensor in tensors.items() if name.endswith("bias")]
    for weight, bias, activation in zip(weights, biases, activations):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], device="meta")  # which draws no random numbers
        for name, tensor in (("weight", weight), ("bias", bias)):
            array = torch.tensor(tensor.numbers, dtype=torch.float64).reshape(tensor.shape)
            setattr(linear, name, torch.nn.Parameter(array))
        modules.append(linear)
        if activation is not None:
            kind, attributes = ACTIVATIONS[activation]
            modules.append(getattr(torch.nn, kind)(**attributes))
    return torch.nn.Sequential(*modules)


def from_torch(sequential: Any) -> MLP:
    """Make the MLP that does the same as a ``torch.nn.Sequential`` of Linear layers and activations.

    It computes in 64 bits, whatever the type of the tensors is.

    Args:
        sequential: layers with biases, each followed by an activation or none, the same after all but the last.

    Raises:
        TypeError: for anything but a Sequential, or a module in it that has no counterpart here.
        ValueError: if the modules are not in that order, or have settings that have no counterpart.

    >>> import torch                                                        # doctest: +SKIP
    >>> from_torch(torch.nn.Sequential(torch.nn.Linear(2, 1)))              # doctest: +SKIP
    MLP(n_inputs=2, sizes=[1], activation=None, output_activation=None)
    >>> from_torch(Neuron(2))
    Traceback (most recent call last):
    TypeError: from_torch takes a torch.nn.Sequential, not a Neuron
    """
    torch: Any = sys.modules.get("torch")  # who has a Sequential has imported it
    if torch is None or type(sequential) is not torch.nn.Sequential:
        raise TypeError(f"from_torch takes a torch.nn.Sequential, not a {type(sequential).__name__}")
    linears: list[Any] = []
    activations: list[str | None] = []
    is_open = False  # whether an activation may follow
    for place, module in _flat(torch, sequential):
        if type(module) is torch.nn.Linear:
            _check(torch, place, module, linears)
            linears.append(module)
            activations.append(None)
        elif not is_open:
            raise ValueError(f"module {place}, {module}, does not follow a Linear")
        elif type(module) is not torch.nn.Identity:
            activations[-1] = _activation(torch, place, module)
        is_open = type(module) is torch.nn.Linear
    if not linears:
        raise ValueError("there is no Linear in this Sequential")
    *hidden, last = activations
    if len({*hidden}) > 1:
        raise ValueError(f"the hidden layers have different activations, {', '.join(map(str, hidden))}; those of an "
                         "MLP have the same")  # fmt: skip
    weights = iter([x for linear in linears for x in linear.weight.double().flatten().tolist()])
    sizes = [linear.out_features for linear in linears]
    model = MLP(linears[0].in_features, sizes, hidden[0] if hidden else None, last, init=weights.__next__)
    for layer, linear in zip(model.layers, linears):
        for neuron, bias in zip(layer.neurons, linear.bias.tolist()):
            neuron.b.data = bias
    return model


def _layers(model: Any) -> list[list[Neuron]]:
    if isinstance(model, Neuron):
        return [[model]]
    return [layer.neurons for layer in (model.layers if isinstance(model, MLP) else [model])]


def _activation_of(neurons: list[Neuron]) -> str | None:
    names = {neuron.activation for neuron in neurons}
    if len(names) > 1:
        raise ValueError(f"the neurons of a layer have different activations: {', '.join(sorted(map(str, names)))}")
    (name,) = names
    if name is not None and name not in ACTIVATIONS:
        raise ValueError(f"PyTorch has no module for the activation {name}; it has those for {', '.join(ACTIVATIONS)}")
    return name


def _flat(torch: Any, sequential: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """The modules in a Sequential and those in it, each with its name."""
    for i, module in enumerate(sequential):
        if type(module) is torch.nn.Sequential:
            yield from _flat(torch, module, f"{place}{i}.")
        else:
            yield f"{place}{i}", module


def _check(torch: Any, place: str, linear: Any, before: list[Any]) -> None:
    """Refuse a Linear that a layer of an MLP cannot be, or that does not fit behind those before."""
    if linear.bias is None:
        raise ValueError(f"module {place}, {linear}, has no bias; a layer of an MLP has one")
    if not linear.weight.dtype.is_floating_point:
        raise ValueError(f"module {place}, {linear}, has weights of the type {linear.weight.dtype}")
    if before and before[-1].out_features != linear.in_features:
        raise ValueError(f"module {place}, {linear}, does not fit the {before[-1].out_features} outputs before it")
    if any(linear.weight is other.weight for other in before):
        raise ValueError(f"module {place}, {linear}, shares its weights with another")


def _activation(torch: Any, place: str, module: Any) -> str:
    same_kind = {name: attributes for name, (kind, attributes) in ACTIVATIONS.items()
                 if type(module) is getattr(torch.nn, kind)}  # fmt: skip
    if not same_kind:
        raise TypeError(f"module {place}, {module}, has no counterpart in tinygrad_edu; Linear has one, and "
                        f"{', '.join(dict.fromkeys(kind for kind, _ in ACTIVATIONS.values()))}")  # fmt: skip
    for name, attributes in same_kind.items():
        if all(getattr(module, attribute) == value for attribute, value in attributes.items()):
            return name
    wanted = " or ".join(str(getattr(torch.nn, ACTIVATIONS[name][0])(**same_kind[name])) for name in same_kind)
    raise ValueError(f"module {place}, {module}, has no counterpart in tinygrad_edu; {wanted} has one")
