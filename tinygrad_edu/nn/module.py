"""``Module``: what has parameters, by name; their state, and files that hold a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.operation import number
from tinygrad_edu.engine.value import Value
from tinygrad_edu.nn.files import write_whole
from tinygrad_edu.nn.randomness import undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    from tinygrad_edu.nn.files import Path

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
                if model.config() != document["config"]:
                    raise ValueError(f"it holds a model with {document['config']}, this one has {model.config()}")
                model.load_state_dict(document["state"])
                model.metadata = document.get("metadata")
            except (TypeError, ValueError, LookupError) as error:
                raise ValueError(f"{path} does not fit: {error}") from None
            return model

        return load


class Parameter(Value):
    """A leaf that is learned, such as a weight: a Value like any other, drawn and explained as a parameter.

    >>> Parameter(0.5, label="w")
    Value(data=0.5, grad=0.0, label='w')
    """

    __slots__ = ()


class _Place(str):
    """A label that says where a parameter is; one that the user gave is a plain string, and stays."""

    __slots__ = ()


class Module:
    """What has parameters: the Values found in its attributes, and in Modules, lists, tuples, dicts and NumPy arrays
    in them. A class of one's own computes in ``__call__``.

    A parameter is a Value that was given, not computed. Its name says where it is: ``layers.0.neurons.3.w[1]``. When it
    is assigned, alone or in a list, it becomes a ``Parameter`` and that is its label, unless you have labelled it
    otherwise. (What is appended to a list later is found all the same, but gets its label with the next assignment.)
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
    changes = 0  # how often an attribute of any module was set or deleted: what was compiled before may be outdated
    load = _Load()
    _name = ""  # where it is in the module that holds it

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        Module.changes += 1
        is_array = getattr(getattr(value, "dtype", None), "kind", "") == "O"
        if (is_array or isinstance(value, (Value, Module, list, tuple, dict))) and any(
            True for _ in _walk("", value, {})
        ):
            for path, member in _walk("", self, {}):
                if isinstance(member, Module):
                    vars(member)["_name"] = path
                    continue
                if not member.label or type(member.label) is _Place:
                    member.label = _Place(path)
                if type(member) is Value:  # it is learned, so it is drawn as what is learned
                    member.__class__ = Parameter

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        Module.changes += 1

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
        """What to search for parameters, by name."""
        return vars(self)

    def zero_grad(self) -> None:
        """Set the ``grad`` of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The number in each parameter, under its name."""
        return {name: parameter.data for name, parameter in self._by_name().items()}

    def _by_name(self) -> dict[str, Value]:
        """The parameters by name; a ValueError if two have the same."""
        by_name: dict[str, Value] = {}
        for name, parameter in self.named_parameters():
            if name in by_name:
                raise ValueError(f"two parameters are called {name}")
            by_name[name] = parameter
        return by_name

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
        parameters = self._by_name()
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
            if _structure(_build(type(self), json.loads(text))) != _structure(self):
                raise ValueError("its parts were changed after it was made")
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{type(self).__name__} cannot be rebuilt from what config() and metadata give: {error}"
            ) from None
        write_whole(path, text + "\n")

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.config().items())
        return f"{type(self).__name__}({arguments})"


# ---- finding parameters ----------------------------------------------------------------------------------------------


def _structure(module: Module) -> list[tuple[str, str, dict[str, Any]]]:
    """Where in a module there are modules, of what class and how configured."""
    return [(path, type(member).__name__, member.config()) for path, member in module.named_modules()]


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
    if isinstance(document.get("version"), int) and document["version"] > 1:
        raise ValueError(f"{path} was saved by a newer version of tinygrad_edu: format {document['version']}")
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
    kind = _find_class(kind, document["class"])
    model = undisturbed(kind, **document["config"])  # the first weights are overwritten
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
