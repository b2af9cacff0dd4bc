"""Modules: what has parameters. Neurons, layers of them, and multi-layer perceptrons.

No derivative is written here: a neuron computes its output from Values, and the backward pass does the rest.
"""

from __future__ import annotations

import math

from tinygrad_edu import ops
from tinygrad_edu.files import write_whole
from tinygrad_edu.ops import TABLE, Operation, number
from tinygrad_edu.randomness import generator
from tinygrad_edu.value import Value, apply_to_lists

TYPE_CHECKING = False
if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    from tinygrad_edu.files import Path
    from tinygrad_edu.value import Operand

    M = TypeVar("M", bound="Module")

FORMAT = "tinygrad_edu model"


class _Load:
    """``load`` for a class, which makes a new model, and for a model, which takes the saved parameters over."""

    def __get__(self, model: M | None, kind: type[M]) -> Callable[[Path], M]:
        def load(path: Path) -> M:
            """Read a model that ``save`` wrote; see ``Module``."""
            document = _read(path)
            try:
                if model is None:
                    return _build(kind, document)
                _find_class(type(model), document["class"])
                model.load_state_dict(document["state"])
                model.metadata = document.get("metadata")
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path} does not fit: {error}") from None
            return model

        return load


class Module:
    """What has parameters: the Values found in its attributes, and in Modules, lists, tuples and dicts in them.

    A parameter is a Value that was given, not computed. Its name says where it is: ``layers.0.neurons.3.w[1]``.
    A module with constructor arguments that wants to be saved returns them from ``config``. An attribute ``metadata``,
    anything that JSON can hold, is saved and loaded along.

    ``Kind.load(path)`` gives a new model from a saved file, ``Module.load(path)`` one of whatever class was saved, and
    ``model.load(path)`` takes the saved parameters over. Each raises ``ValueError``, naming the file, for a file that
    is damaged, of another kind, or does not fit.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(3.0).backward()
    >>> [(name, p.grad) for name, p in line.named_parameters()]
    [('slope', 3.0), ('offset', 1.0)]
    """

    metadata: Any = None
    load = _Load()

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """The name and Value of each parameter, once, in the order of the attributes."""
        return _walk("", self, {})

    def parameters(self) -> list[Value]:
        """The parameters, each once."""
        return [parameter for _, parameter in self.named_parameters()]

    def _members(self) -> dict[str, object]:
        """What to search for parameters, by name."""
        return vars(self)

    def zero_grad(self) -> None:
        """Set the ``grad`` of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The number in each parameter, under its name."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Set the parameters to the numbers that ``state_dict`` gave.

        Raises:
            ValueError: if names are missing, unexpected or do not hold one number each; the model stays as it was.

        >>> neuron = Neuron(1, seed=0)
        >>> neuron.load_state_dict({"w[0]": 2.0, "bias": 0.0})
        Traceback (most recent call last):
        ValueError: missing: b; unexpected: bias
        """
        parameters = dict(self.named_parameters())
        problems = {
            "missing": [name for name in parameters if name not in state],
            "unexpected": [name for name in state if name not in parameters],
            "not one number": [name for name in parameters if name in state and not _is_number(state[name])],
        }
        if any(problems.values()):
            raise ValueError("; ".join(f"{kind}: {_listing(names)}" for kind, names in problems.items() if names))
        for name, parameter in parameters.items():
            parameter.data = state[name]

    def config(self) -> dict[str, Any]:
        """The constructor's arguments by name, as far as JSON can hold them: what a saved model is rebuilt from."""
        return {}

    def save(self, path: Path) -> None:
        """Write the model to a JSON file: class, configuration, metadata and parameters.

        Raises:
            ValueError: if the model could not be rebuilt from what is written.
            OSError: if the file cannot be written. However the writing ends, ``path`` holds the old file or the new.
        """
        import json

        document = {
            "format": FORMAT,
            "version": 1,
            "class": type(self).__name__,
            "config": self.config(),
            "metadata": self.metadata,
            "state": self.state_dict(),
        }
        try:
            text = json.dumps(document, indent=1)
            _build(type(self), json.loads(text))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{type(self).__name__} cannot be rebuilt from what config() and metadata give: {error}"
            ) from None
        write_whole(path, text + "\n")

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.config().items())
        return f"{type(self).__name__}({arguments})"


class Neuron(Module):
    """A weighted sum of the inputs with a bias, through an activation function: ``w`` and ``b``.

    Args:
        n_inputs: how many numbers it takes.
        activation: an operation of one operand, by name (``"relu"``, ``"tanh"``, your own) or itself; None for none.
        init: ``"he"`` or ``"glorot"``, or a function without arguments that draws a weight; by default what suits the
            activation. The bias starts at 0.
        seed: of the initial weights; without one they follow ``random.seed``.

    Raises:
        ValueError: if an argument is out of range or unknown; when called, if the number of inputs is wrong.

    >>> neuron = Neuron(2, activation="tanh", seed=1)
    >>> neuron.w[0].data, neuron.w[1].data = 0.5, -1.0
    >>> neuron([2.0, 1.0])
    Value(data=0.0, grad=0.0)
    """

    def __init__(
        self,
        n_inputs: int,
        activation: str | Operation | None = "relu",
        *,
        init: str | Callable[[], float] | None = None,
        seed: int | random.Random | None = None,
    ) -> None:
        _check_size("n_inputs", n_inputs)
        self.activation = _activation(activation)
        draw = _initializer(init, self.activation, n_inputs, 1, seed)
        # One tuple for the weights and the bias, which all nodes made by this neuron share.
        self._own = (*[Value(draw(), f"w[{i}]") for i in range(n_inputs)], Value(0.0, "b"))

    def __call__(self, inputs: Iterable[Operand]) -> Value:
        inputs = tuple(inputs)
        if len(inputs) != len(self._own) - 1:
            raise ValueError(f"expected {len(self._own) - 1} inputs, got {len(inputs)}")
        total: Value = apply_to_lists(ops.linear, inputs, self._own)
        return total if self.activation is None else getattr(total, self.activation)()

    @property
    def w(self) -> tuple[Value, ...]:
        """The weights, one for each input."""
        return self._own[:-1]

    @property
    def b(self) -> Value:
        """The bias."""
        return self._own[-1]

    def _members(self) -> dict[str, object]:
        return {"w": self.w, "b": self.b, **vars(self)}

    def config(self) -> dict[str, Any]:
        return {"n_inputs": len(self.w), "activation": self.activation}


class Layer(Module):
    """Neurons side by side, all given the same inputs; a list of their outputs, or the only one.

    Args, and what it raises: as for ``Neuron``; ``n_outputs`` is the number of neurons.

    >>> len(Layer(2, 3, seed=0)([1.0, -1.0]))
    3
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        activation: str | Operation | None = "relu",
        *,
        init: str | Callable[[], float] | None = None,
        seed: int | random.Random | None = None,
    ) -> None:
        _check_size("n_inputs", n_inputs)
        _check_size("n_outputs", n_outputs)
        draw = _initializer(init, _activation(activation), n_inputs, n_outputs, seed)
        self.neurons = [Neuron(n_inputs, activation, init=draw) for _ in range(n_outputs)]
        _label_parameters(self)

    def __call__(self, inputs: Iterable[Operand]) -> Any:
        values = tuple([x if isinstance(x, Value) else Value(x, f"x[{i}]") for i, x in enumerate(inputs)])
        outputs = [neuron(values) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def config(self) -> dict[str, Any]:
        first = self.neurons[0].config()
        return {"n_inputs": first["n_inputs"], "n_outputs": len(self.neurons), "activation": first["activation"]}


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
        ValueError: if an argument is out of range or unknown; when called, if the number of inputs is wrong.

    >>> model = MLP(2, [16, 16, 1], seed=0)
    >>> len(model.parameters())
    337
    >>> type(model([1.0, -2.0]))
    <class 'tinygrad_edu.value.Value'>
    """

    def __init__(
        self,
        n_inputs: int,
        sizes: Sequence[int],
        activation: str | Operation | None = "relu",
        output_activation: str | Operation | None = None,
        *,
        init: str | Callable[[], float] | None = None,
        seed: int | random.Random | None = None,
    ) -> None:
        sizes = list(sizes)
        if not sizes:
            raise ValueError("an MLP has at least one layer; sizes is empty")
        rng = generator(seed)
        activations = [activation] * (len(sizes) - 1) + [output_activation]
        self.layers = [
            Layer(n_in, n_out, name, init=init, seed=None if seed is None else rng)
            for n_in, n_out, name in zip([n_inputs, *sizes], sizes, activations)
        ]
        self.activation = _activation(activation)
        _label_parameters(self)

    def __call__(self, inputs: Iterable[Operand]) -> Any:
        for layer in self.layers[:-1]:
            outputs = layer(inputs)
            inputs = outputs if type(outputs) is list else [outputs]
        return self.layers[-1](inputs)

    def config(self) -> dict[str, Any]:
        layers = [layer.config() for layer in self.layers]
        return {
            "n_inputs": layers[0]["n_inputs"],
            "sizes": [layer["n_outputs"] for layer in layers],
            "activation": self.activation,
            "output_activation": layers[-1]["activation"],
        }


# ---- finding parameters ----------------------------------------------------------------------------------------------


def _walk(path: str, member: object, seen: dict[int, object]) -> Iterator[tuple[str, Value]]:
    """The parameters in ``member``, with their names; ``seen``, by id, keeps what is shared from being found twice."""
    if id(member) in seen:
        return
    if isinstance(member, Value):
        if member.op is None:
            seen[id(member)] = member
            yield path, member
    elif isinstance(member, (Module, dict, list, tuple)):
        seen[id(member)] = member
        if isinstance(member, Module):
            for name, item in member._members().items():
                yield from _walk(f"{path}.{name}" if path else name, item, seen)
        else:
            for key, item in member.items() if isinstance(member, dict) else enumerate(member):
                yield from _walk(f"{path}[{key}]" if isinstance(item, Value) else f"{path}.{key}", item, seen)


def _label_parameters(module: Module) -> None:
    for name, parameter in module.named_parameters():
        parameter.label = name


# ---- arguments -------------------------------------------------------------------------------------------------------


def _check_size(name: str, size: object) -> None:
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {size!r}")


def _activation(activation: str | Operation | None) -> str | None:
    """The name of an operation that can be called with one operand."""
    if activation is None:
        return None
    name = activation.name if isinstance(activation, Operation) else activation
    op = TABLE.get(name)
    if op is None or op.arity is None or op.arity - len(op.defaults) > 1:
        usual = ", ".join(row.name for row in TABLE.values() if row.init)
        raise ValueError(f"unknown activation {name!r}; it may be {usual}, any other operation of one operand, or None")
    return name


def _initializer(
    init: str | Callable[[], float] | None,
    activation: str | None,
    n_inputs: int,
    n_outputs: int,
    seed: int | random.Random | None,
) -> Callable[[], float]:
    """A function that draws a weight."""
    if callable(init):
        return init
    rng = generator(seed)
    if init is None:
        init = (activation and TABLE[activation].init) or "glorot"
    if init == "he":
        deviation = math.sqrt(2 / n_inputs)
        return lambda: rng.gauss(0.0, deviation)
    if init == "glorot":
        bound = math.sqrt(6 / (n_inputs + n_outputs))
        return lambda: rng.uniform(-bound, bound)
    raise ValueError(f"unknown init {init!r}; it may be 'he', 'glorot', or a function that draws a weight")


# ---- saved models ----------------------------------------------------------------------------------------------------


def _read(path: Path) -> dict[str, Any]:
    import json

    with open(path, "rb") as file:
        content = file.read()
    try:
        document = json.loads(content)
        ours = document["format"] == FORMAT
    except (ValueError, KeyError, TypeError, RecursionError):
        ours = False
    if not ours:
        raise ValueError(f"{path} is damaged or not a model that tinygrad_edu saved")
    if document.get("version") != 1:
        raise ValueError(f"{path} was saved by a newer version of tinygrad_edu: format {document.get('version')!r}")
    if not all(isinstance(document.get(part), dict) for part in ("config", "state")) or "class" not in document:
        raise ValueError(f"{path} is damaged: parts of the model are missing")
    return document  # type: ignore[no-any-return]


def _find_class(kind: type[M], name: object) -> type[M]:
    """The class called ``name``: ``kind`` or one derived from it, of several the one defined last."""
    kinds = [kind]
    for found in kinds:
        kinds += found.__subclasses__()
    for found in reversed(kinds):
        if found.__name__ == name:
            return found
    raise ValueError(f"it holds a model of class {name!r}, where {kind.__name__} is expected")


def _build(kind: type[M], document: Mapping[str, Any]) -> M:
    import random

    before = random.getstate()  # the first weights are overwritten: they must not use up the user's random numbers
    try:
        model = _find_class(kind, document["class"])(**document["config"])
    finally:
        random.setstate(before)
    model.load_state_dict(document["state"])
    model.metadata = document.get("metadata")
    return model


def _is_number(x: object) -> bool:
    try:
        number(x)
    except (TypeError, OverflowError):
        return False
    return True


def _listing(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
