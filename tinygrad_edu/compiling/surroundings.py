"""What functions refer to besides their arguments, and may change: variables, attributes, lists, random generators."""

from __future__ import annotations

import sys
from os import __file__ as standard_library
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.warning import is_ours
from tinygrad_edu.compiling.contents import (
    PLAIN,
    Contents,
    attributes_of,
    container,
    is_array,
    kept,
    nonlocals_of,
    slots_of,
    variables_of,
)
from tinygrad_edu.engine.operation import Operation
from tinygrad_edu.nn.randomness import Generators, is_generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

LONG = 1000  # what a longer list or dict holds is data, and not looked at
USERS = {"builtins", "collections", "functools", "types", "argparse"}  # what they make belongs to the user
WRAPPERS = (MethodType, BuiltinMethodType, staticmethod, classmethod, property)
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
        self._kept = [item for x, is_foreign in reached if not is_foreign for item in kept(x)]

    def fingerprint(self) -> object:
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


def _reached(functions: tuple[object, ...]) -> Iterator[tuple[Any, bool]]:
    """All objects that functions refer to, without plain ones, modules and what is ours; and whether each can only be
    reached through a library, which may keep and change what it likes.
    """
    seen: set[int] = set()
    stack: list[Any] = [*functions]
    foreign: list[Any] = []  # looked at last: what the user can reach too belongs to the user
    while stack or foreign:
        is_foreign = not stack
        x = (stack or foreign).pop()
        if id(type(x)) in PLAIN or id(x) in seen or issubclass(type(x), (ModuleType, Operation)):
            continue  # an operation may draw numbers: compiled code calls it, too
        seen.add(id(x))
        module = x.__module__ if issubclass(type(x), (FunctionType, type)) else type(x).__module__
        if is_ours(module) and not hasattr(type(x), "named_parameters"):
            stack += nonlocals_of(x).values()
            continue
        is_foreign = is_foreign or (_is_foreign(module) and not is_array(x))
        if not (is_foreign and issubclass(type(x), type)):
            yield x, is_foreign
            (foreign if is_foreign else stack).extend([] if is_generator(x) else _parts(x))


def _is_foreign(module: str | None) -> bool:
    """Whether a module belongs to a library."""
    if module in USERS or module is None:
        return False
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file or file.startswith(STANDARD_LIBRARY)


def _parts(x: Any) -> list[Any]:
    """What an object refers to."""
    kind = type(x)
    base: Any = container(kind) or next((base for base in (tuple, frozenset) if issubclass(kind, base)), None)
    if base is not None:
        items = base.values(x) if issubclass(base, dict) else base.__iter__(x)
        return [item for item in items if id(type(item)) not in PLAIN] if base.__len__(x) <= LONG else []
    if issubclass(kind, type):
        return [*vars(x).values()]
    if kind is FunctionType:
        return [*variables_of(x).values(), *vars(x).values(), x.__defaults__, x.__kwdefaults__]
    if issubclass(kind, WRAPPERS) or kind.__name__ == "partial":  # of functools, which is slow to import
        return [getattr(x, name, None) for name in ("__self__", "__func__", "fget", "func", "args", "keywords")]
    bases = [base for base in kind.__mro__ if not is_ours(base.__module__)]
    return [*(attributes_of(x) or {}).values(), *slots_of(x).values(), *bases]
