"""Networks: neurons, layers of them, and multi-layer perceptrons.

No derivative is written here: a neuron computes its output from Values, and the backward pass does the rest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.engine import ops
from tinygrad_edu.engine.operation import TABLE, Operation, whole_number
from tinygrad_edu.engine.value import Value, apply_to_lists
from tinygrad_edu.nn.module import Module, Parameter
from tinygrad_edu.nn.randomness import generator

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, NoReturn, TypeAlias

    from tinygrad_edu.engine.value import Operand

    Activation: TypeAlias = "str | Operation | None"
    Init: TypeAlias = "str | Callable[[], float] | None"
    Seed: TypeAlias = "int | random.Random | None"

__all__ = ["MLP", "Layer", "Module", "Neuron", "Parameter"]


class Neuron(Module):
    """A weighted sum of the inputs with a bias, through an activation function: ``w`` and ``b``.

    Args:
        n_inputs: how many numbers it takes.
        activation: an operation of one operand, by name (``"relu"``, ``"tanh"``, your own) or itself; None for none.
        init: ``"he"`` or ``"glorot"``, or a function without arguments that draws a weight; by default what suits the
            activation. The bias starts at 0.
        seed: of the initial weights; without one they follow ``random.seed``.

    Raises:
        ValueError: if an argument is out of range or unknown; when called, if the number of inputs is wrong or one is
            NaN.
        TypeError: when called with anything but the numbers of one example.

    >>> neuron = Neuron(2, activation="tanh", seed=1)
    >>> neuron.w[0].data, neuron.w[1].data = 0.5, -1.0
    >>> neuron([2.0, 1.0])
    Value(data=0.0, grad=0.0)
    """

    def __init__(self, n_inputs: int, activation: Activation = "relu", *, init: Init = None, seed: Seed = None) -> None:
        n_inputs = whole_number("n_inputs", n_inputs, at_least=1)
        self.activation = _activation(activation)
        draw = _initializer(init, self.activation, n_inputs, 1, seed)
        # One tuple for the weights and the bias, which all nodes made by this neuron share.
        self._own: tuple[Value, ...] = (*[Parameter(draw()) for _ in range(n_inputs)], Parameter(0.0))

    def __call__(self, inputs: Iterable[Operand], *more: NoReturn) -> Value:
        if more or not hasattr(inputs, "__iter__"):
            raise _misfit(len(self._own) - 1, inputs, more)
        inputs = tuple(inputs)
        if len(inputs) != len(self._own) - 1:
            raise _misfit(len(self._own) - 1, inputs)
        try:
            total: Value = apply_to_lists(ops.linear, inputs, self._own)
        except TypeError:
            raise _misfit(len(self._own) - 1, inputs) from None
        if total._data != total._data:
            _refuse_nan(inputs)
        output: Value = total if self.activation is None else getattr(total, self.activation)()
        output.label = self._name
        return output

    @property
    def w(self) -> tuple[Value, ...]:
        """The weights, one for each input."""
        return self._own[:-1]

    @w.setter
    def w(self, w: Iterable[Value]) -> None:
        self._own = (*w, self.b)

    @property
    def b(self) -> Value:
        """The bias."""
        return self._own[-1]

    @b.setter
    def b(self, b: Value) -> None:
        self._own = (*self.w, b)

    def _members(self) -> dict[str, object]:
        return {"w": self.w, "b": self.b, **vars(self)}

    def config(self) -> dict[str, Any]:
        return {"n_inputs": len(self.w), "activation": self.activation}


class Layer(Module):
    """Neurons side by side, all given the same inputs; a list of their outputs, or the only one.

    A single Value, such as a layer of one neuron gives, is taken as a list of one.

    Args, and what it raises: as for ``Neuron``; ``n_outputs`` is the number of neurons.

    >>> len(Layer(2, 3, seed=0)([1.0, -1.0]))
    3
    """

    def __init__(
        self, n_inputs: int, n_outputs: int, activation: Activation = "relu", *, init: Init = None, seed: Seed = None
    ) -> None:
        n_inputs = whole_number("n_inputs", n_inputs, at_least=1)
        n_outputs = whole_number("n_outputs", n_outputs, at_least=1)
        self.activation = _activation(activation)
        draw = _initializer(init, self.activation, n_inputs, n_outputs, seed)
        self.neurons = [Neuron(n_inputs, activation, init=draw) for _ in range(n_outputs)]

    def __call__(self, inputs: Value | Iterable[Operand], *more: NoReturn) -> Any:
        if isinstance(inputs, Value):
            inputs = (inputs,)
        if more or not hasattr(inputs, "__iter__"):
            raise _misfit(len(self.neurons[0].w), inputs, more)
        inputs = tuple(inputs)
        try:
            values = tuple([x if isinstance(x, Value) else Value(x, f"x[{i}]") for i, x in enumerate(inputs)])
        except TypeError:
            raise _misfit(len(self.neurons[0].w), inputs) from None
        outputs = [neuron(values) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def config(self) -> dict[str, Any]:
        return {"n_inputs": len(self.neurons[0].w), "n_outputs": len(self.neurons), "activation": self.activation}


class MLP(Module):
    """A multi-layer perceptron: fully connected layers, one after the other.

    Args:
        n_inputs: how many numbers it takes.
        sizes: the number of neurons of each layer; the last is the number of outputs.
        activation: of all layers but the last; see ``Neuron``.
        output_activation: of the last layer; by default none, so that outputs are scores of any size.
        init, seed: see ``Neuron``; "he" is He et al., *Delving Deep into Rectifiers* (2015), section 2.2, and "glorot"
            Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010),
            equation 16.

    Called with a list of ``n_inputs`` numbers, it gives a Value if it has one output, otherwise a list of Values.

    Raises:
        ValueError: if an argument is out of range or unknown; when called, if the number of inputs is wrong or one is
            NaN.
        TypeError: when called with anything but the numbers of one example.

    >>> model = MLP(2, [16, 16, 1], seed=0)
    >>> len(model.parameters())
    337
    >>> type(model([1.0, -2.0]))
    <class 'tinygrad_edu.engine.value.Value'>
    """

    def __init__(self, n_inputs: int, sizes: Sequence[int], activation: Activation = "relu",
                 output_activation: Activation = None, *, init: Init = None, seed: Seed = None) -> None:  # fmt: skip
        sizes = list(sizes) if hasattr(sizes, "__iter__") else []
        if not sizes:
            raise ValueError("sizes must be a list with the number of neurons of each layer, at least one")
        rng = generator(seed)
        activations = [activation] * (len(sizes) - 1) + [output_activation]
        self.layers = [
            Layer(n_in, n_out, name, init=init, seed=None if seed is None else rng)
            for n_in, n_out, name in zip([n_inputs, *sizes], sizes, activations)
        ]
        self.activation = _activation(activation)
        self.output_activation = _activation(output_activation)

    def __call__(self, inputs: Iterable[Operand], *more: NoReturn) -> Any:
        if more:
            raise _misfit(len(self.layers[0].neurons[0].w), inputs, more)
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs

    def config(self) -> dict[str, Any]:
        return {
            "n_inputs": len(self.layers[0].neurons[0].w),
            "sizes": [len(layer.neurons) for layer in self.layers],
            "activation": self.activation,
            "output_activation": self.output_activation,
        }


# ---- inputs ----------------------------------------------------------------------------------------------------------


def _misfit(count: int, inputs: Any, more: Sequence[Any] = ()) -> Exception:
    """Make the error for inputs that are not ``count`` numbers in a list."""
    takes = f"a model takes one example, a list of {count} number{'s' * (count > 1)}"
    if more:
        return TypeError(f"{takes}, not {1 + len(more)} arguments: model([{', '.join(map(str, (inputs, *more)))}])")
    if not hasattr(inputs, "__iter__"):
        return TypeError(f"{takes}, not {inputs!r}: model([{inputs!r}])")
    for i, x in enumerate(inputs):
        if hasattr(x, "__iter__") and not isinstance(x, str):
            return TypeError(
                f"{takes}; inputs[{i}] is itself a {type(x).__name__}. For a batch: [model(x) for x in batch]"
            )
        if not isinstance(x, (Value, int, float)):
            return TypeError(f"{takes}; inputs[{i}] is {x!r}")
    return ValueError(f"expected {count} input{'s' * (count > 1)}, got {len(inputs)}")


def _refuse_nan(inputs: Iterable[Operand]) -> None:
    """Raise a ValueError if an input was given as NaN; those that were computed may be, when training explodes."""
    for i, x in enumerate(inputs):
        data = getattr(x, "_data", x)
        if data != data and getattr(x, "op", None) is None:
            raise ValueError(
                f"inputs[{i}] is nan, and so would be all that comes of it: fill the gap or leave the example out"
            )


# ---- arguments -------------------------------------------------------------------------------------------------------


def _activation(activation: Activation) -> str | None:
    """Find the name of an operation that can be called with one operand."""
    if activation is None:
        return None
    name = activation.name if isinstance(activation, Operation) else activation
    op = TABLE.get(name)
    if op is None or op.arity is None or op.arity - len(op.defaults) > 1:
        usual = ", ".join(row.name for row in TABLE.values() if row.init)
        raise ValueError(
            f"unknown activation {name!r}; it may be {usual}, any other operation of one operand (your own must be "
            "defined first), or None"
        )
    return name


def _initializer(init: Init, activation: str | None, n_inputs: int, n_outputs: int, seed: Seed) -> Callable[[], float]:
    """Find or make the function that draws a weight."""
    if callable(init):
        return init
    rng = generator(seed)
    if init is None:
        init = (activation and TABLE[activation].init) or "glorot"
    deviation, bound = math.sqrt(2 / n_inputs), math.sqrt(6 / (n_inputs + n_outputs))
    if init == "he":
        return lambda: rng.gauss(0.0, deviation)
    if init == "glorot":
        return lambda: rng.uniform(-bound, bound)
    raise ValueError(f"unknown init {init!r}; it may be 'he', 'glorot', or a function that draws a weight")
