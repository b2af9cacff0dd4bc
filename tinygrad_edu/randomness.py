"""Where random numbers come from, everywhere in the package."""

from __future__ import annotations

from tinygrad_edu.operation import Operation, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")


def generator(seed: int | random.Random | None) -> Any:
    """A generator of its own for a seed; for None the one that ``random.seed`` sets; a generator is taken as it is.

    Raises:
        ValueError: if the seed is not a whole number of at least 0.

    >>> generator(1).random() == generator(1).random()
    True
    """
    import random  # here, because it is the slowest import of all

    if isinstance(seed, random.Random):
        return seed
    return random if seed is None else random.Random(whole_number("seed", seed, at_least=0))


class Generators:
    """The generators that functions may draw from: those that everybody shares, and those that are found in what the
    functions refer to, such as their closures and the attributes of a model.

    Args:
        functions: functions, or objects that can be called.

    >>> import random
    >>> rng = random.Random(0)
    >>> generators = Generators(lambda: rng.random())
    >>> before = generators.fingerprint()
    >>> number = rng.random()
    >>> generators.fingerprint() == before
    False
    """

    def __init__(self, *functions: object) -> None:
        import random
        import sys

        shared = [random, *[sys.modules[name] for name in ["numpy.random"] if name in sys.modules]]
        self._found: list[Any] = [*shared, *_generators_in(functions)]

    def fingerprint(self) -> bytes:
        """What all states are: equal to what it was before if nothing was drawn since."""
        import pickle

        return pickle.dumps([_state(generator) for generator in self._found])

    def undisturbed(self, function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """What ``function`` gives, all generators left as they were."""
        before = [_state(generator) for generator in self._found]
        try:
            return function(*args, **named)
        finally:
            for generator, state in zip(self._found, before):
                _set_state(generator, state)


def undisturbed(function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """What ``function`` gives, the generators that everybody shares left as they were.

    >>> import random
    >>> undisturbed(random.random) == random.random()
    True
    """
    return Generators().undisturbed(function, *args, **named)


def _state(generator: Any) -> Any:
    if hasattr(generator, "getstate"):  # Python's, the module or an object
        return generator.getstate()
    return generator.get_state() if hasattr(generator, "get_state") else generator.bit_generator.state


def _set_state(generator: Any, state: Any) -> None:
    if hasattr(generator, "setstate"):
        generator.setstate(state)
    elif hasattr(generator, "set_state"):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state


def _generators_in(functions: tuple[object, ...]) -> list[object]:
    """The generators among what functions refer to, directly or through lists, dicts, objects and other functions."""
    from types import BuiltinMethodType, FunctionType, MethodType, ModuleType

    seen: set[int] = set()
    found, stack = [], [*functions]
    while stack:
        x = stack.pop()
        if id(x) in seen or isinstance(x, (ModuleType, type, str, Operation)):
            continue  # an operation may draw numbers: compiled code calls it, too
        seen.add(id(x))
        if hasattr(x, "getstate") or hasattr(x, "get_state") or hasattr(x, "bit_generator"):
            found.append(x)
        elif isinstance(x, (list, tuple, set)):
            stack += x
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
            stack += [vars(x), *[dict(vars(kind)) for kind in own]]
    return found


def _names(code: Any) -> list[str]:
    """The global names in code, also in that of the functions and comprehensions in it."""
    inner = [name for constant in code.co_consts if hasattr(constant, "co_names") for name in _names(constant)]
    return [*code.co_names, *inner]


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # what the function will refer to is yet to come
        return False
