"""Drawings of recorded graphs: every value with its number and gradient, on every arrow the local derivative.

Multiply along a path and add over paths, and you have the gradient: that is the chain rule, and it can be read off the
picture. ``draw`` is for looking at graphs of some hundred values; ``folding.py`` makes small ones of large ones, and
``network.py`` draws a network that has not computed anything yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.value import Constant, Value
from tinygrad_edu.formulas.formula import visible
from tinygrad_edu.nn.module import Module
from tinygrad_edu.viz.graphs.expansion import expand as expanded
from tinygrad_edu.viz.graphs.expression import names
from tinygrad_edu.viz.graphs.groups import group_of_each, parts, role
from tinygrad_edu.viz.graphs.walks import bounded_order, outdated, total_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from tinygrad_edu.viz.graphs.picture import Picture

LEVELS = ("op", "neuron", "layer")
CHANGED = "numbers have been set since this was computed: grads are older than the data and the arrows"
IN_NOTEBOOKS = 20  # a Value with more values behind it shows itself as text


def draw(value: Value | Module, *, level: str = "op", expand: bool = False, max_nodes: int = 500) -> Picture:
    """Draw what was recorded, or a network.

    A box is a value: its name, its number (data) and its gradient (grad). What computed it stands at its left. The
    number on an arrow is the local derivative, by which a gradient is multiplied on its way back along the arrow. Blue
    is negative, orange positive; the stronger the colour and the thicker the arrow, the larger the gradient. The
    gradients are what is in ``grad`` now: 0 before ``backward``.

    Args:
        value: a Value that was computed from Values, or a Module, which is drawn as circles and weighted connections.
        level: how deep to look: "op" shows every operation, "neuron" every neuron as one box, "layer" every layer. On
            the last two what was computed in the same way for many examples is one box.
        expand: whether to open composite operations, such as a sigmoid or a dot, into what they are defined as.
        max_nodes: the most boxes to draw.

    Returns:
        a ``graphviz.Digraph`` that shows itself in a notebook; ``draw(value).render("picture.svg")`` writes a file.

    Raises:
        TypeError: if ``value`` is neither a Value nor a Module of layers.
        ValueError: for an unknown level, or more than ``max_nodes`` boxes.

    >>> x = Value(3.0, label="x")
    >>> picture = draw(x * x)
    >>> picture.source.count("->")
    2
    """
    if level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(LEVELS)}, not {level!r}")
    if expand and (level != "op" or isinstance(value, Module)):
        raise ValueError('expand=True opens operations, which only a Value at level="op" shows')
    if isinstance(value, Module):
        from tinygrad_edu.viz.graphs.network import draw_network

        return draw_network(value)
    if not isinstance(value, Value):
        several = "; draw one of them, or their sum" if isinstance(value, (list, tuple)) else ""
        graph = "; gradients(y, x, create_graph=True) gives Values to draw" * isinstance(value, float)
        raise TypeError(f"draw takes a Value or a Module, not {type(value).__name__}{several}{graph}")
    if level != "op":
        from tinygrad_edu.viz.graphs.folding import draw_folded

        return draw_folded(value, level, max_nodes)
    try:
        order = bounded_order(value, max_nodes, "draw")
        changed = outdated(order) is not None
        origin: dict[Value, Value] = {}
        if expand:
            value, origin = expanded(value, max_nodes)
            order = bounded_order(value, max_nodes, "draw")
    except ValueError as error:
        raise ValueError(
            f'{error}; draw(value, level="neuron" or "layer") shows less, max_nodes=... allows more'
        ) from None
    return _drawn(order, origin, changed)


def _drawn(order: Sequence[Value], origin: Mapping[Value, Value], changed: bool) -> Picture:
    from tinygrad_edu.viz.graphs.boxes import HINT, arrow, box, legend, scale_of
    from tinygrad_edu.viz.graphs.layout import FAR, STRAIGHT
    from tinygrad_edu.viz.graphs.picture import Picture

    picture = Picture()
    if total_span(order) > FAR:
        picture.attr(**STRAIGHT)
    scale = scale_of(order)
    ids = {node: f"v{i}" for i, node in enumerate(order)}
    groups = group_of_each(order, origin)
    labels = names(order)
    _add_boxes(
        picture,
        order,
        groups,
        {node: (ids[node], box(node, _short(node, labels[node].text, groups[node]), labels, scale)) for node in order},
    )
    for node in order:
        for parent, local in zip(node.parents, _locals(node)):
            picture.edge(ids[parent], ids[node], **arrow(node, parent, local, scale))
    kinds, exceeded = {role(node) for node in order}, order[-1].grad > scale.largest
    picture.attr(label=legend(kinds, scale, exceeded, CHANGED if changed else HINT), labelloc="b")
    return picture


def _add_boxes(
    picture: Picture, order: Sequence[Value], groups: Mapping[Value, str], boxes: Mapping[Value, tuple[str, str]]
) -> None:
    """Put every box into the picture, those of a neuron into the frame of the neuron, in that of its layer."""
    import graphviz

    from tinygrad_edu.viz.graphs.picture import quoted

    frames: dict[tuple[str, ...], Any] = {(): picture}
    for node in order:
        path = parts(groups[node])
        for depth in range(1, len(path) + 1):
            if path[:depth] not in frames:
                frame = graphviz.Digraph(f"cluster_{len(frames)}")
                frame.attr(
                    label=f"<{quoted(visible(path[depth - 1]))}>", labeljust="l", fontcolor="#6b6b6b", fontsize="11"
                )
                frame.attr(color="#c8c8c8", style="rounded", margin="10")
                frames[path[:depth]] = frame
        name, label = boxes[node]
        frames[path].node(name, f"<{label}>", tooltip=_tooltip(node))
    for path in sorted((p for p in frames if p), key=len, reverse=True):
        frames[path[:-1]].subgraph(frames[path])


def _locals(node: Value) -> Iterable[float | None]:
    """The local derivatives; None for each where there are none."""
    try:
        return local_derivatives(node)
    except (ArithmeticError, ValueError):
        return [None] * len(node.parents)


def _short(node: Value, name: str, group: str) -> str:
    """The name inside the frame of a group: ``w[0]`` in that of ``layers.0.neurons.1``."""
    if group and node.label == group:
        return "output"
    if group and len(node.label) > len(name):  # cut off: what is inside of the group may not be
        return visible(node.label.removeprefix(group + "."))
    return name.removeprefix(group + ".") if group else name


def _tooltip(node: Value) -> str:
    from tinygrad_edu.viz.graphs.picture import quoted

    text = f"{visible(node.label, 200)} = {node.data}" if node.label else f"{node.data}"
    return quoted(text if isinstance(node, Constant) else f"{text}, grad {node.grad}")


# ---- in notebooks ----------------------------------------------------------------------------------------------------


def _shown(value: Value, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, Any]:
    """A Value's drawing if it is small enough and can be laid out; its text in any case."""
    shown: dict[str, Any] = {"text/plain": repr(value)}
    try:
        if value.op is not None:
            shown |= draw(value, max_nodes=IN_NOTEBOOKS)._repr_mimebundle_()
    except Exception:  # a notebook shows at least the text, whatever is wrong: a rule may raise anything
        pass
    return shown


Value._repr_mimebundle_ = _shown  # type: ignore[attr-defined]  # value.py, floors below, knows nothing of pictures
