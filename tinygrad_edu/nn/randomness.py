"""Where random numbers come from, everywhere in the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.operation import whole_number

if TYPE_CHECKING:
    import random
    from typing import Any


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
