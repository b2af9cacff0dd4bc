"""Model files: JSON with a model's class, configuration, metadata and parameters; or, where the name ends with
``.safetensors``, the parameters as PyTorch's matrices, and all else as JSON in the header.

A file may come from anywhere. Whatever is wrong with it is a ``ValueError`` that names the file and fits on a screen,
and a network is made no larger than the numbers in the file can fill.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tinygrad_edu.nn import tensors
from tinygrad_edu.nn.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeVar

    from tinygrad_edu.nn.files import Path
    from tinygrad_edu.nn.module import Module

    M = TypeVar("M", bound="Module")

FORMAT = "tinygrad_edu model"
DEEPEST = 100  # levels of lists and dicts in a file
LONGEST = 800  # characters of a reason


def save(model: Module, path: Path) -> None:
    """Write the model to a file from which ``load`` makes it again."""
    import inspect
    import json

    with _errors_named(f"{type(model).__name__} cannot be saved"):
        document = {
            "format": FORMAT,
            "version": 1,
            "class": type(model).__name__,
            "config": model.config(),
            "metadata": model.metadata,
            "state": model.state_dict(),
        }
        try:
            inspect.signature(type(model)).bind(**document["config"])
        except TypeError as error:
            raise ValueError(f"config() does not give the arguments of the constructor: {error}") from None
        content: str | bytes = json.dumps(document, indent=1) + "\n"
        state = _parse(content)["state"]
        if _is_safetensors(path):
            del document["state"]
            content = tensors.to_bytes(tensors.to_tensors(model.config(), state), json.dumps(document))
    write_whole(path, content)


def load(kind: type[M], path: Path, model: M | None = None) -> M:
    """Make a new model from a file that holds one of class ``kind`` or derived from it, or fill ``model`` with it."""
    import json

    with open(path, "rb") as file:
        content = file.read()
    with _errors_named(f"{path} is damaged or not a model that this version of tinygrad_edu can read"):
        document = _parse_tensors(content, model) if _is_safetensors(path) else _parse(content)
    with _errors_named(f"{path} does not fit"):
        found, config = _find_class(kind, document["class"]), document["config"]
        if model is None:
            model = _make(found, config, document["state"])
        elif json.loads(json.dumps(model.config())) != config:
            raise ValueError(f"it holds a model with {str(config)[:300]}, this one has {model.config()}")
        model.load_state_dict(document["state"])
        model.metadata = document.get("metadata")
    return model


def _is_safetensors(path: Path) -> bool:
    return os.fsdecode(path).endswith(".safetensors")


@contextmanager
def _errors_named(what: str) -> Iterator[None]:
    """Turn any exception into a ValueError that begins with ``what``: a constructor may raise anything."""
    try:
        yield
    except Exception as error:
        reason = str(error) if isinstance(error, (TypeError, ValueError)) else repr(error)
        shown = "".join([c if c.isprintable() else ascii(c)[1:-1] for c in reason[: LONGEST + 1]])
        raise ValueError(f"{what}: {shown[:LONGEST]}{'...' if len(shown) > LONGEST else ''}") from None


def _parse(text: str | bytes) -> dict[str, Any]:
    """Read the document in a model file."""
    import json

    return _checked(json.loads(text, object_pairs_hook=_without_duplicates))


def _parse_tensors(content: bytes, model: Module | None) -> dict[str, Any]:
    """Read the same from a safetensors file. One that PyTorch wrote holds no more than the parameters, and the rest is
    that of the model to be filled."""
    import json

    found, header = tensors.from_bytes(content)
    if header is not None:
        document = json.loads(header, object_pairs_hook=_without_duplicates)
    elif model is None:
        raise ValueError(
            "it holds parameters, but does not say of which model: make it, and fill it by model.load(path)"
        )
    else:
        document = {"format": FORMAT, "version": 1, "class": type(model).__name__, "metadata": model.metadata,
                    "config": json.loads(json.dumps(model.config()))}  # fmt: skip
    document["state"] = tensors.to_state(document["config"], found)
    return _checked(document)


def _checked(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"it has no format {FORMAT!r}")
    version = repr(document.get("version"))  # True and 1.0 would equal 1
    if version != "1":
        raise ValueError(f"its format has version {version}, not 1")
    if not all(isinstance(document.get(part), dict) for part in ("config", "state")) or "class" not in document:
        raise ValueError("parts of the model are missing")
    _check("", document)
    if not all(type(x) in (int, float) for x in document["state"].values()):
        raise ValueError("its state holds something else than numbers")
    return document


def _check(place: object, x: object, depth: int = 0) -> None:
    """Refuse numbers that JSON does not have, and what is nested so deeply that others could not walk through it."""
    if depth > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    if isinstance(x, float) and not math.isfinite(x):
        raise ValueError(f"{place} is {x}, not a finite number")
    if isinstance(x, dict):
        for name, item in x.items():
            _check(name, item, depth + 1)
    elif isinstance(x, list):
        for item in x:
            _check(place, item, depth + 1)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    counts = Counter(name for name, _ in pairs)
    if len(counts) < len(pairs):
        raise ValueError(f"it holds {counts.most_common(1)[0][0]!r} twice")
    return dict(pairs)


def _find_class(kind: type[M], name: object) -> type[M]:
    """The class called ``name``: ``kind`` or one derived from it, of several the one defined last."""
    kinds = [kind]
    for found in kinds:
        kinds += found.__subclasses__()
    for found in reversed(kinds):
        if found.__name__ == name:
            return found
    raise ValueError(f"it holds a model of class {name!r}, which is no {kind.__name__} or not defined yet")


def _make(kind: type[M], config: dict[str, Any], state: dict[str, float]) -> M:
    """Make a model of this configuration, with any weights.

    The classes of ``layers`` are given an ``init`` that draws no random numbers and has no more weights than the file.
    Other classes are called as they are.
    """
    if getattr(kind.__init__, "__module__", "") != "tinygrad_edu.nn.layers":
        return kind(**config)
    try:
        return kind(**{**config, "init": iter(state.values()).__next__})
    except StopIteration:
        raise ValueError(f"its configuration asks for more than the {len(state)} parameters that it holds") from None
