"""Names for labels: whatever a label says, a name that Python and C take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.compiling.c_text import TAKEN

if TYPE_CHECKING:
    from collections.abc import Iterable


class Identifiers:
    """Names that Python and C take, each given once."""

    def __init__(self, taken: Iterable[str]) -> None:
        import keyword  # here, because most programs compile nothing

        self._taken = {*taken, *keyword.kwlist, *TAKEN, "_"}
        self._copies: dict[str, int] = {}

    def name(self, label: str) -> str:
        """Make up a name like ``label``; for none v1, v2 and so on.

        >>> names = Identifiers(["exp"])
        >>> [names.name(label) for label in ("x", "x", "exp", "layers.0.neurons.3.w[1]", "two words\\n", "", "")]
        ['x', 'x_2', 'exp_2', 'w_0_3_1', 'two_words', 'v1', 'v2']
        """
        stem = label and _stem(label)
        copy = self._copies.get(stem, 1)
        while True:
            name = f"{stem}_{copy}" if copy > 1 else stem
            name = f"v{copy}" if not stem else name
            copy += 1
            if name not in self._taken:
                break
        self._copies[stem] = copy
        self._taken.add(name)
        return name


def _stem(label: str) -> str:
    """Take the letters, digits and underscores of a label; of a place in a model only its last word and the numbers."""
    import re

    words = re.findall(r"\w+", _normal(label[:200]))
    if "." in label and len(words) > 1:
        *_, last = [word for word in words if not word.isdecimal()] or [""]
        words = [last, *(word for word in words if word.isdecimal())]
    stem = "_".join(words)[:40].strip("_")
    if not stem.isascii():
        stem = "".join(c for c in stem if ("x" + c).isidentifier()).strip("_")
        stem = _normal(stem)  # once more: what was left out may have kept letters apart
    return stem if not stem or stem.isidentifier() else f"v_{stem}"


def _normal(text: str) -> str:
    """Read the text as Python does in a name (NFKC)."""
    if text.isascii():
        return text
    import unicodedata

    return unicodedata.normalize("NFKC", text)
