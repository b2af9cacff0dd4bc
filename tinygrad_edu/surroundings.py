"""What functions refer to besides their arguments, and may change: random generators, lists, dicts and attributes."""

from __future__ import annotations

from operator import is_

from tinygrad_edu.operation import Operation
from tinygrad_edu.randomness import Generators

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

PLAIN = {float, int, bool, str, bytes, type(None)}


class Surroundings:
    """What functions refer to, directly or through their closures, lists, dicts, objects such as models, and other
    functions.

    Args:
        functions: functions, or objects that can be called.

    >>> seen = []
    >>> around = Surroundings(lambda x: seen.append(x))
    >>> before = around.contents()
    >>> seen.append(1.0)
    >>> before.change()
    'changes a list'
    """

    def __init__(self, *functions: object) -> None:
        self._functions = functions
        self._generators = Generators([x for x in _reached(functions) if _is_generator(x)])

    def fingerprint(self) -> bytes:
        """What the states of all generators are: equal to what it was before if nothing was drawn since."""
        return self._generators.fingerprint()

    def contents(self) -> Contents:
        """What is in the lists, dicts, sets and objects now."""
        return Contents(self._functions)

    def undisturbed(self, function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """What ``function`` gives, everything left as it was."""
        contents = self.contents()
        try:
            return self._generators.undisturbed(function, *args, **named)
        finally:
            contents.restore()


class Contents:
    """What is in containers at one time. An object counts as the dict of its attributes."""

    def __init__(self, functions: tuple[object, ...]) -> None:
        self._copies = [(owner, container, container.copy()) for owner, container in _containers(functions)]

    def change(self) -> str:
        """What has been done since, such as "sets Model.count"; nothing if all is as it was."""
        for owner, container, before in self._copies:
            if not _is_same(container, before):
                if owner is None:
                    return f"changes a {type(container).__name__}"
                names = [name for name, x in container.items() if name not in before or before[name] is not x]
                verb, changed = ("sets", names) if names else ("deletes", [x for x in before if x not in container])
                return f"{verb} {type(owner).__name__}.{changed[0]}"
        return ""

    def restore(self) -> None:
        """Put back what there was."""
        for _, container, before in self._copies:
            if not _is_same(container, before):
                container.clear()
                (container.extend if isinstance(container, list) else container.update)(before)


def _is_same(container: Any, before: Any) -> bool:
    if isinstance(container, set):
        return bool(container == before)
    if len(container) != len(before):
        return False
    if isinstance(container, list):
        return all(map(is_, container, before))
    return all(name in before and before[name] is x for name, x in container.items())


def _containers(functions: tuple[object, ...]) -> Iterator[tuple[object, Any]]:
    """The containers that may change, and of the attributes of an object whose they are."""
    for x in _reached(functions):
        if type(x) in (list, dict, set):
            yield None, x
        elif _has_attributes(x) and (
            hasattr(x, "named_parameters") or not type(x).__module__.startswith("tinygrad_edu")
        ):
            yield x, vars(x)


def _has_attributes(x: object) -> bool:
    from types import FunctionType

    return type(getattr(x, "__dict__", None)) is dict and not isinstance(x, FunctionType)


def _is_generator(x: object) -> bool:
    return hasattr(x, "getstate") or hasattr(x, "get_state") or hasattr(x, "bit_generator")


def _reached(functions: tuple[object, ...]) -> Iterator[Any]:
    """All objects that functions refer to, without plain ones, modules and classes."""
    from types import BuiltinMethodType, FunctionType, MethodType, ModuleType

    seen: set[int] = set()
    stack: list[Any] = [*functions]
    while stack:
        x = stack.pop()
        if type(x) in PLAIN or id(x) in seen or isinstance(x, (ModuleType, type, Operation)):
            continue  # an operation may draw numbers: compiled code calls it, too
        seen.add(id(x))
        yield x
        if _is_generator(x):
            continue
        if isinstance(x, (list, tuple, set)):
            stack += [item for item in x if type(item) not in PLAIN]
        elif isinstance(x, dict):
            stack += x.values()
        elif isinstance(x, (MethodType, BuiltinMethodType)):
            stack += (x.__self__, getattr(x, "__func__", None))
        elif isinstance(x, FunctionType):
            stack += [x.__globals__[name] for name in _names(x.__code__) if name in x.__globals__]
            stack += [cell.cell_contents for cell in x.__closure__ or () if _is_filled(cell)]
            stack += (x.__defaults__, x.__kwdefaults__)
        elif type(x).__name__ == "partial":  # of functools, which is slow to import
            stack += [getattr(x, name, None) for name in ("func", "args", "keywords")]
        elif hasattr(x, "__dict__"):
            own = [kind for kind in type(x).__mro__ if not kind.__module__.startswith(("builtins", "tinygrad_edu"))]
            stack += [*vars(x).values(), *[value for kind in own for value in vars(kind).values()]]


def _names(code: Any) -> list[str]:
    """The global names in code, also in that of the functions and comprehensions in it."""
    inner = [name for constant in code.co_consts if hasattr(constant, "co_names") for name in _names(constant)]
    return [*code.co_names, *inner]


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # what the function will refer to is yet to come
        return False
