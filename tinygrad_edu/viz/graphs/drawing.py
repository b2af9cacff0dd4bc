"""Drawings of recorded graphs: every value with its number and gradient, on every arrow the local derivative.

Multiply along a path and add over paths, and you have the gradient: that is the chain rule, and it can be read off the
picture. ``operations.py`` draws graphs of up to some hundred values, ``folding.py`` makes small drawings of large ones,
and ``network.py`` draws a network that has not computed anything yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.value import Value
from tinygrad_edu.nn.module import Module
from tinygrad_edu.viz.graphs.names import callers_variables
from tinygrad_edu.viz.graphs.walks import require_value

if TYPE_CHECKING:
    from typing import Any

    from tinygrad_edu.viz.graphs.picture import Picture

LEVELS = ("op", "neuron", "layer")
IN_NOTEBOOKS = 20  # a Value with more values behind it shows itself as text


def draw(
    value: Value | Module, *, level: str = "op", expand: bool = False, max_nodes: int = 500, names: bool = True
) -> Picture:
    """Draw what was recorded, or a network.

    A box is a value: its name, its number (data) and its gradient (grad). The operation stands at its left. The
    number on an arrow is the local derivative, by which a gradient is multiplied on its way back along the arrow. Blue
    is negative, orange positive; the stronger the colour and the thicker the arrow, the larger the gradient. The
    gradients are what is in ``grad`` now: 0 before ``backward``. What is wider than a page goes from top to bottom.

    Args:
        value: a Value that was computed from Values, or a Module, which is drawn as circles and weighted connections.
        level: how deep to look: "op" shows every operation, "neuron" every neuron as one box, "layer" every layer. On
            the last two what was computed in the same way for many examples is one box.
        expand: whether to open composite operations, such as a sigmoid or a dot, into what they are defined as.
        max_nodes: the most boxes to draw.
        names: whether Values without a label are called as the variables of the caller that hold them.

    Returns:
        a ``graphviz.Digraph`` that shows itself in a notebook; ``draw(value).render("picture.svg")`` writes a file.

    Raises:
        TypeError: if ``value`` is neither a Value nor a Module of layers.
        ValueError: for an unknown level, or more than ``max_nodes`` boxes.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> picture = draw(y)
    >>> picture.source.count("->"), "<b>y</b>" in picture.source
    (2, True)
    """
    if level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(LEVELS)}, not {level!r}")
    if expand and (level != "op" or isinstance(value, Module)):
        raise ValueError('expand=True opens operations, which only a Value at level="op" shows')
    if isinstance(value, Module):
        from tinygrad_edu.viz.graphs.network import draw_network

        return draw_network(value)
    require_value(value, "draw", "a Value or a Module")
    variables = callers_variables() if names else {}
    if level != "op":
        from tinygrad_edu.viz.graphs.folding import draw_folded

        return draw_folded(value, level, max_nodes, variables)
    from tinygrad_edu.viz.graphs.operations import draw_operations

    return draw_operations(value, expand, max_nodes, variables)


# ---- in notebooks ----------------------------------------------------------------------------------------------------


def _shown(value: Value, **_: Any) -> dict[str, str]:
    """A Value's drawing if it is small enough and can be laid out; its text in any case."""
    text = {"text/plain": repr(value)}
    try:
        if value.op is not None:
            return draw(value, max_nodes=IN_NOTEBOOKS)._repr_mimebundle_() | text
    except Exception:  # a notebook shows at least the text, whatever is wrong: a rule may raise anything
        pass
    return text


Value._repr_mimebundle_ = _shown  # type: ignore[attr-defined]  # value.py, floors below, knows nothing of pictures
