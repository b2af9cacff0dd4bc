"""What functions refer to besides their arguments, and may change: variables, attributes, lists, random generators."""

from __future__ import annotations

import sys
from operator import is_
from os import __file__ as standard_library
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType

from tinygrad_edu.operation import Operation
from tinygrad_edu.randomness import Generators, is_generator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, ParamSpec, TypeAlias, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")
    Kept: TypeAlias = tuple[str, Callable[[], Any], Callable[[Any], object]]  # what it is, how to read and write it

PLAIN = {float, int, bool, complex, str, bytes, type(None)}
LONG = 1000  # a longer list or dict holds data: only its length is kept in mind
STANDARD_LIBRARY = standard_library.removesuffix("os.py")


class Surroundings:
    """What functions refer to, directly or through their variables, lists, dicts, objects such as models, and other
    functions, at the time when it is made.

    Args:
        functions: functions, or objects that can be called.

    >>> seen = []
    >>> before = Surroundings(seen).contents()
    >>> seen.append(1.0)
    >>> before.change()
    'changes a list'
    """

    def __init__(self, *functions: object) -> None:
        reached = list(_reached(functions))
        self._generators = Generators([x for x, _ in reached if is_generator(x)])
        self._kept = [kept for x, is_foreign in reached if not is_foreign for kept in _kept(x)]

    def fingerprint(self) -> bytes:
        """What the states of all generators are: equal to what it was before if nothing was drawn since."""
        return self._generators.fingerprint()

    def contents(self) -> Contents:
        """What variables, lists, dicts, sets and attributes hold now."""
        return Contents(self._kept)

    def undisturbed(self, function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """What ``function`` gives, everything left as it was."""
        contents = self.contents()
        try:
            return self._generators.undisturbed(function, *args, **named)
        finally:
            contents.restore()


class Contents:
    """What variables, lists, dicts, sets and attributes hold at one time."""

    def __init__(self, kept: Sequence[Kept]) -> None:
        self._before = [(what, read, write, read()) for what, read, write in kept]

    def change(self) -> str:
        """What has been done since, such as "sets Model.count" or "changes a list"; nothing if all is as it was."""
        for what, read, _, before in self._before:
            now = read()
            if not _is_same(now, before):
                if not what.startswith("sets"):
                    return f"changes {what}"
                names = [name for name in (*now, *before) if not _is_same([now.get(name)], [before.get(name)])]
                return what + str(names[0])
        return ""

    def restore(self) -> None:
        """Put back what there was."""
        for _, read, write, before in self._before:
            if not _is_same(read(), before):
                write(before)


def _is_same(now: Any, before: Any) -> bool:
    if isinstance(now, (int, set)):
        return bool(now == before)
    if len(now) != len(before):
        return False
    if isinstance(now, dict):
        return _is_same([*now], [*before]) and _is_same([*now.values()], [*before.values()])
    if all(map(is_, now, before)):
        return True
    return all(x is y or (type(x) is type(y) and type(x) in PLAIN and x == y) for x, y in zip(now, before))


# ---- what is kept in mind of each object -----------------------------------------------------------------------------


def _kept(x: Any) -> Iterator[Kept]:
    if type(x).__name__ == "deque" or issubclass(type(x), (list, dict, set)):
        yield _items(x)
    if type(x) is FunctionType:
        yield "sets ", lambda: _variables(x), lambda variables: _set_variables(x, variables)
    if (attributes := _attributes(x)) is not None:
        yield f"sets {_name(x)}.", attributes.copy, lambda before: _refill(attributes, before)
    if _slots(x):
        yield f"sets {_name(x)}.", lambda: _slots(x), lambda before: _set_slots(x, before)


def _items(x: Any) -> Kept:
    """What there is to know of a list, dict or set."""
    what = f"a {_name(x)}"
    is_list = not issubclass(type(x), (dict, set))
    if len(x) > LONG:
        return what, x.__len__, lambda length: is_list and [x.pop() for _ in range(len(x) - length)]
    if is_list:
        return what, lambda: [*_elements(x)], lambda before: _refill(x, before)
    kind = dict if issubclass(type(x), dict) else set
    return what, lambda: kind.copy(x), lambda before: _refill(x, before)


def _elements(x: Any) -> Iterator[Any]:
    """What is in a list or the like, even if its class has another idea of that."""
    kinds: list[Any] = [kind for kind in (list, tuple, set, frozenset) if issubclass(type(x), kind)]
    return kinds[0].__iter__(x) if kinds else iter(x)


def _refill(container: Any, before: Any) -> None:
    container.clear()
    (container.update if hasattr(container, "update") else container.extend)(before)


def _name(x: object) -> str:
    return str(getattr(x, "__name__", "")) if type(x) is FunctionType else type(x).__name__


def _attributes(x: object) -> dict[str, Any] | None:
    """The attributes of an object, as a dict that can be changed; None if it has none."""
    try:
        attributes = object.__getattribute__(x, "__dict__")
    except Exception:
        return None
    return attributes if type(attributes) is dict else None


def _slots(x: object) -> dict[str, Any]:
    """The attributes that are no items of a dict."""
    found = {}
    for kind in type(x).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else [*slots]:
            try:
                found[name] = object.__getattribute__(x, name)
            except AttributeError:
                continue  # not set, or a private name
    return found


def _set_slots(x: object, before: dict[str, Any]) -> None:
    for name, value in before.items():
        object.__setattr__(x, name, value)


def _variables(function: Any) -> dict[str, Any]:
    """The global and nonlocal variables that a function names."""
    names = [name for name in _names(function.__code__) if name in function.__globals__]
    return {name: function.__globals__[name] for name in names} | {
        name: cell.cell_contents for name, cell in _cells(function).items() if _is_filled(cell)
    }


def _set_variables(function: Any, variables: dict[str, Any]) -> None:
    cells = _cells(function)
    for name, value in variables.items():
        if name in cells:
            cells[name].cell_contents = value
        else:
            function.__globals__[name] = value


def _cells(function: Any) -> dict[str, Any]:
    names = function.__code__.co_freevars if type(function) is FunctionType else ()
    return dict(zip(names, getattr(function, "__closure__", None) or ()))


# ---- the way to them -------------------------------------------------------------------------------------------------


def _reached(functions: tuple[object, ...]) -> Iterator[tuple[Any, bool]]:
    """All objects that functions refer to, without plain ones, modules, classes and what is ours; and whether each
    belongs to a library, which may keep and change what it likes.
    """
    seen: set[int] = set()
    stack: list[tuple[Any, bool]] = [(function, False) for function in functions]
    while stack:
        x, is_foreign = stack.pop()
        if type(x) in PLAIN or id(x) in seen or issubclass(type(x), (ModuleType, type, Operation)):
            continue  # an operation may draw numbers: compiled code calls it, too
        seen.add(id(x))
        module = x.__module__ if type(x) is FunctionType else type(x).__module__
        if _is_ours(module) and not hasattr(type(x), "named_parameters"):
            stack += [(cell.cell_contents, is_foreign) for cell in _cells(x).values() if _is_filled(cell)]
            continue
        is_foreign = is_foreign or _is_foreign(module)
        yield x, is_foreign
        stack += [] if is_generator(x) else [(part, is_foreign) for part in _parts(x)]


def _is_ours(module: str | None) -> bool:
    return str(module).partition(".")[0] == __package__


def _is_foreign(module: str | None) -> bool:
    """Whether a module belongs to a library."""
    if module in ("builtins", "collections", "functools", None) or _is_ours(module):
        return False
    file = getattr(sys.modules.get(str(module)), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file or file.startswith(STANDARD_LIBRARY)


def _parts(x: Any) -> list[Any]:
    """What an object refers to."""
    kind = type(x)
    if kind.__name__ == "deque" or issubclass(kind, (list, tuple, set, frozenset)):
        return [item for item in _elements(x) if type(item) not in PLAIN] if len(x) <= LONG else []
    if issubclass(kind, dict):
        return [*dict.values(x)] if len(x) <= LONG else []
    if kind in (MethodType, BuiltinMethodType):
        return [x.__self__, getattr(x, "__func__", None)]
    if kind is FunctionType:
        return [*_variables(x).values(), *vars(x).values(), x.__defaults__, x.__kwdefaults__]
    if kind.__name__ == "partial":  # of functools, which is slow to import
        return [getattr(x, name, None) for name in ("func", "args", "keywords")]
    bases = [base for base in kind.__mro__ if not (_is_ours(base.__module__) or _is_foreign(base.__module__))]
    own = [value for base in bases for value in vars(base).values()]
    return [*(_attributes(x) or {}).values(), *_slots(x).values(), *own]


def _names(code: Any) -> list[str]:
    """The global names in code, also in that of the functions and comprehensions in it."""
    inner = [name for constant in code.co_consts if hasattr(constant, "co_names") for name in _names(constant)]
    return [*code.co_names, *inner]


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # what the function will refer to is yet to come
        return False
