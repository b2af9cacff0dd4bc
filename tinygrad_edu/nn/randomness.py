"""Where random numbers come from, everywhere in the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.operation import whole_number

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
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
    """The generators that everybody shares, and others.

    >>> import random
    >>> rng = random.Random(0)
    >>> generators = Generators([rng])
    >>> before = generators.fingerprint()
    >>> number = rng.random()
    >>> generators.fingerprint() == before
    False
    """

    def __init__(self, others: Sequence[Any] = ()) -> None:
        import random
        import sys

        shared = [random, *[sys.modules[name] for name in ["numpy.random"] if name in sys.modules]]
        self._all: list[Any] = [*shared, *others]

    def fingerprint(self) -> object:
        """What all states are: equal to what it was before if nothing was drawn since."""
        states = [_state(generator) for generator in self._all]
        if all(hasattr(generator, "getstate") for generator in self._all):  # as Python's, which give tuples of numbers
            return states
        import pickle  # here, because it is slow to import

        return pickle.dumps(states)

    def undisturbed(self, function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """What ``function`` gives, all generators left as they were."""
        before = [_state(generator) for generator in self._all]
        try:
            return function(*args, **named)
        finally:
            for generator, state in zip(self._all, before):
                _set_state(generator, state)


def undisturbed(function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """What ``function`` gives, the generators that everybody shares left as they were.

    >>> import random
    >>> undisturbed(random.random) == random.random()
    True
    """
    return Generators().undisturbed(function, *args, **named)


def is_generator(x: object) -> bool:
    """Whether ``x`` draws random numbers from a state that can be read and set: one of Python, NumPy or PyTorch."""
    import random

    kind = type(x)
    if kind.__module__.partition(".")[0] in ("numpy", "torch"):
        return kind.__name__ in ("Generator", "RandomState")
    return issubclass(kind, random.Random) and kind.getstate is not random.SystemRandom.getstate


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
