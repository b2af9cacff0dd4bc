"""Where random numbers come from, everywhere in the package."""

from __future__ import annotations

from tinygrad_edu.operation import whole_number

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


def undisturbed(function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """What ``function`` gives, the generator that ``random.seed`` sets left as it was.

    >>> import random
    >>> undisturbed(random.random) == random.random()
    True
    """
    import random

    before = random.getstate()
    try:
        return function(*args, **named)
    finally:
        random.setstate(before)


def global_state() -> tuple[object, ...]:
    """The state of the generators that everybody shares, as far as they are in use: equal if nothing was drawn.

    >>> import random
    >>> before = global_state()
    >>> _ = random.random()
    >>> global_state() == before
    False
    """
    import sys

    states: list[object] = []
    if "random" in sys.modules:
        states.append(sys.modules["random"].getstate())
    if "numpy.random" in sys.modules:
        name, key, *rest = sys.modules["numpy.random"].get_state()
        states.append((name, key.tobytes(), *rest))
    return tuple(states)
