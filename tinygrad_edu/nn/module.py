"""``Module``, the base class of everything that has parameters: finding them, naming them, saving them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.operation import number
from tinygrad_edu.engine.value import Value
from tinygrad_edu.nn import saving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    from tinygrad_edu.nn.files import Path

    M = TypeVar("M", bound="Module")


class Parameter(Value):
    """A leaf that is learned, such as a weight: a Value like any other, drawn and explained as a parameter.

    >>> Parameter(0.5, label="w")
    Value(data=0.5, grad=0.0, label='w')
    """

    __slots__ = ()


class _Place(str):
    """A label that says where a parameter is; one that the user gave is a plain string, and stays."""

    __slots__ = ()


class _Load:
    """``load`` of a class, which makes a new model, and of a model, which takes the saved parameters over."""

    def __get__(self, model: M | None, kind: type[M]) -> Callable[[Path], M]:
        def load(path: Path) -> M:
            """Read a model that ``save`` wrote; see ``Module``."""
            return saving.load(kind, path, model)

        return load


class Module:
    """Base class of everything that has parameters; a class of one's own computes in ``__call__``.

    A parameter is a Value that was given, not computed. Parameters are found in the module's attributes, and in the
    Modules, lists, tuples, dicts and NumPy arrays there. The name of each says where it is, as
    ``layers.0.neurons.3.w[1]``. When it is assigned, alone or in a list, it becomes a ``Parameter`` with its name as
    the label, unless you have labelled it. (One that is appended to a list later is found all the same, and labelled
    at the next assignment.)

    ``model.save(path)`` writes a model to a file. ``nn.load(path)`` makes a new one from it by calling its class with
    what ``config`` gave, so a class of one's own returns its constructor's arguments from ``config``. An attribute
    ``metadata``, anything that JSON can hold, is saved along. ``Kind.load(path)`` makes sure that the new model is a
    ``Kind``, and ``model.load(path)`` gives an existing model the saved parameters.

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
    _changes = 0  # how often an attribute of this module was set or deleted: code compiled before may be outdated
    _name = ""  # where it is in the module that holds it

    def __setattr__(self, name: str, value: Any) -> None:
        has_members = any(True for _ in _walk(name, value, {}))
        object.__setattr__(self, name, value)
        vars(self)["_changes"] = self._changes + 1
        if has_members:
            self._name_members()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        vars(self)["_changes"] = self._changes + 1

    def _name_members(self) -> None:
        """Tell modules where they are, and label the parameters with their names."""
        for path, member in _walk("", self, {}):
            if isinstance(member, Module):
                vars(member)["_name"] = path
                continue
            if not member.label or type(member.label) is _Place:
                member.label = _Place(path)
            if type(member) is Value:  # it is learned, so it is drawn as what is learned
                member.__class__ = Parameter

    def __call__(self, inputs: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not say what it computes: define __call__(self, inputs)")

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """The name and Value of each parameter, once, in the order of the attributes."""
        return ((name, member) for name, member in _walk("", self, {}) if isinstance(member, Value))

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """The name and Module of each module in it, once; the first is itself, with the name ""."""
        return ((name, member) for name, member in _walk("", self, {}) if isinstance(member, Module))

    def parameters(self) -> list[Value]:
        """The parameters, each once."""
        return [parameter for _, parameter in self.named_parameters()]

    def _members(self) -> dict[str, object]:
        """The attributes to search for parameters, by name."""
        return vars(self)

    def zero_grad(self) -> None:
        """Set the ``grad`` of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The number in each parameter, under its name; a ValueError if two parameters have the same."""
        state: dict[str, float] = {}
        for name, parameter in self.named_parameters():
            if name in state:
                raise ValueError(f"two parameters are called {name}")
            state[name] = parameter.data
        return state

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Set the parameters to the numbers that ``state_dict`` gave.

        Raises:
            ValueError: if names are missing, unexpected or do not hold one number each; the model stays as it was.

        >>> from tinygrad_edu.nn.layers import Neuron
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
        """Write the model to a JSON file: its class, configuration, metadata and parameters, and nothing else.

        If the name ends with ``.safetensors``, the file has that format. The parameters of an MLP, a Layer or a Neuron
        are matrices there, with the names and shapes that ``nn.to_torch(model)`` has for them: its ``load_state_dict``
        takes them. A file with such a state dict that PyTorch wrote is read by ``model.load(path)``.

        Raises:
            ValueError: if ``config`` does not give the constructor's arguments, JSON cannot hold the configuration or
                the metadata, a parameter is infinite or NaN, or the parameters are to be matrices and are none.
            OSError: if the file cannot be written. However the writing ends, ``path`` holds the old file or the new.
        """
        saving.save(self, path)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.config().items())
        names = [name for name, _ in self.named_parameters()]
        parameters = f" with {len(names)} parameters: {_listing(names, 4)}" if names and not arguments else ""
        return f"{type(self).__name__}({arguments}){parameters}"


def load(path: Path) -> Module:
    """Make a new model from a file that ``Module.save`` wrote, of whatever class was saved: ``nn.load("moons.json")``.

    Random numbers are left alone, unless the constructor of a class of your own draws some.

    Raises:
        ValueError: naming the file, if it is damaged, of an unknown version, or holds a model of a class that is not
            defined or cannot be made from what it holds.
        OSError: if the file cannot be read.
    """
    return Module.load(path)


# ---- finding parameters ----------------------------------------------------------------------------------------------


def _walk(path: str, member: object, seen: dict[int, object]) -> Iterator[tuple[str, Value | Module]]:
    """The modules and parameters in ``member``, with their names; ``seen``, by id, keeps any from coming twice."""
    if id(member) in seen:
        return
    if isinstance(member, Value):
        if member.op is None:
            seen[id(member)] = member
            yield path, member
    elif getattr(getattr(member, "dtype", None), "kind", "") == "O":
        yield from _walk(path, member.tolist(), seen)  # type: ignore[attr-defined]
    elif isinstance(member, (set, frozenset)) and any(isinstance(item, (Value, Module)) for item in member):
        raise TypeError(f"the parameters in the set {path} have no order and so no names; use a list")
    elif isinstance(member, (Module, dict, list, tuple)):
        seen[id(member)] = member
        if isinstance(member, Module):
            yield path, member
            for name, item in member._members().items():
                yield from _walk(f"{path}.{name}" if path else name, item, seen)
        else:
            for key, item in member.items() if isinstance(member, dict) else enumerate(member):
                yield from _walk(f"{path}[{key}]" if isinstance(item, Value) else f"{path}.{key}", item, seen)


def _is_number(x: object) -> bool:
    try:
        number(x)
    except (TypeError, OverflowError):
        return False
    return True


def _listing(names: Sequence[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
