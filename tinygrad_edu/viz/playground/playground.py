"""``playground``: a page on which a small network learns in the browser, one HTML file that needs nothing else.

What trains it there is the compiled step: the statements of the model and of its loss, and the rules of the optimizers,
are printed as JavaScript. The page's script (``playground.js``) calls them and draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.compiling.compiled_loss import compile_loss
from tinygrad_edu.compiling.js_functions import recorded_js
from tinygrad_edu.compiling.js_text import library
from tinygrad_edu.compiling.shape import plain_numbers
from tinygrad_edu.engine.backward import topological_order
from tinygrad_edu.nn import losses
from tinygrad_edu.training.examples import examples
from tinygrad_edu.training.fit import threshold_of
from tinygrad_edu.training.optim import SGD, Adam

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from tinygrad_edu.compiling.compiled_loss import CompiledLoss
    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.nn.files import Path
    from tinygrad_edu.nn.layers import Neuron
    from tinygrad_edu.nn.module import Module

HEIGHT = 760  # pixels, in a notebook
MOST_PARAMETERS, MOST_CLASSES, MOST_POINTS = 400, 4, 1000  # what a page can show and a step go through in no time


def playground(model: Module, inputs: Iterable[Any], targets: Iterable[Any], title: str = "points") -> Playground:
    """Make a page on which a network learns to tell classes of points apart.

    One sees its boundary, its weights, their gradients and the loss at every step, adds points, and opens a neuron to
    see what it computes. The page begins with the model's parameters as they are; the model itself stays as it is. The
    loss is the cross-entropy of its outputs.

    Args:
        model: layers one after the other that take two numbers, such as an ``nn.MLP``; with one output for two classes,
            otherwise with one for each.
        inputs: a list of points ``[x, y]``.
        targets: the class of each, 0, 1, ...
        title: what the page calls the points.

    Returns:
        a Playground, which shows itself in a notebook; ``to_html(path)`` writes a file.

    Raises:
        ValueError: if the model has more than 400 parameters or takes other than two numbers, there are more than 4
            classes or 1,000 points, or a target is no class.
        TypeError: if the model is no network of layers.

    >>> from tinygrad_edu import data, nn, viz
    >>> viz.playground(nn.MLP(2, [8, 8, 1], "tanh", seed=0), *data.moons(100, seed=0), title="moons")
    <playground: 100 points, MLP with 105 parameters>
    """
    return Playground(model, inputs, targets, title)


class Playground:
    """A page on which a network learns; made by ``playground``."""

    def __init__(self, model: Module, inputs: Iterable[Any], targets: Iterable[Any], title: str) -> None:
        self._model, self._title = model, title
        self._layers = [neurons for _, neurons in _layers(model)]
        self._points, self._kinds = map(plain_numbers, examples(inputs, targets))
        self._classes = max(2, len(self._layers[-1]))
        count = len(model.parameters())
        if count > MOST_PARAMETERS:
            raise ValueError(
                f"a playground is for small networks, of at most {MOST_PARAMETERS} parameters; this one has {count:,}. "
                "Take fewer or smaller layers, such as nn.MLP(2, [8, 8, 1])"
            )
        width = len(self._layers[0][0].w)
        if width != 2 or len(self._points[0]) != 2:
            shape = f"points of {len(self._points[0])} numbers and a model that takes {width}"
            raise ValueError(f"a playground shows points in a plane, [x, y], and a model that takes two, not {shape}")
        if self._classes > MOST_CLASSES or len(self._points) > MOST_POINTS:
            raise ValueError(
                f"a playground shows at most {MOST_CLASSES} classes and {MOST_POINTS:,} points, not {self._classes} "
                f"and {len(self._points):,}"
            )
        for i, kind in enumerate(self._kinds):
            if kind not in range(self._classes):
                raise ValueError(f"targets[{i}] is {kind!r}, not a class from 0 to {self._classes - 1}")
        self._kinds = [*map(int, self._kinds)]

    def to_html(self, path: Path) -> None:
        """Write the page, for any browser: one file that needs no network.

        Raises:
            OSError: if the file cannot be written; whatever was there stays.
            CompileError: if the model cannot be compiled.
            NoJavaScript: if an activation is one's own and does not say how Python computes it.
        """
        from tinygrad_edu.nn.files import write_whole

        write_whole(path, self._page())

    def _repr_html_(self) -> str:
        from html import escape

        # What is inside of a frame shows only where the frame was taken away, as JupyterLab does without trust.
        return (
            f'<iframe srcdoc="{escape(self._page())}" title="A network learns: {escape(self._title)}" width="100%" '
            f'height="{HEIGHT}" style="border: 0" sandbox="allow-scripts">'
            "<p>Trust this notebook, or run this cell, to see the network learn.</p></iframe>"
        )

    def _page(self) -> str:
        import json
        from html import escape

        from tinygrad_edu.viz.html_file import html_file, scripts_beside

        loss = self._loss()
        neurons, order = recorded_js("neurons", self._computed, [self._points[0]])
        optimizers = {
            "SGD": SGD(loss.parameters, lr=0.3),
            "SGD, momentum 0.9": SGD(loss.parameters, lr=0.1, momentum=0.9),
            "Adam": Adam(loss.parameters, lr=0.03),
        }
        rules = [f"[{json.dumps(name)}, {optimizer.js_source}]," for name, optimizer in optimizers.items()]
        place = {parameter: i for i, parameter in enumerate(loss.parameters)}
        content = {
            "title": self._title,
            "layers": [
                [{"w": [place[w] for w in x.w], "b": place[x.b], "activation": x.activation or ""} for x in neurons]
                for neurons in self._layers
            ],
            "parameters": [x.data for x in loss.parameters],
            "order": [place[x] for x in order],
            "rates": {name: optimizer.lr for name, optimizer in optimizers.items()},
            "points": self._points,
            "kinds": self._kinds,
            "classes": self._classes,
            "threshold": threshold_of(self._model),
        }
        data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        functions = [library(), loss.js_source, neurons, "const optimizers = new Map([", *rules, "]);"]
        return html_file(
            __file__,
            [*functions, *scripts_beside(__file__, "playground")],
            {"title": escape(self._title), "data": data},
        )

    def _loss(self) -> CompiledLoss:
        """Compile the loss for every class."""
        by_outputs = losses.cross_entropy if len(self._layers[-1]) > 1 else losses.binary_cross_entropy_with_logits
        is_probability = len(self._layers[-1]) == 1 and threshold_of(self._model) == 0.5
        loss = compile_loss(self._model, losses.binary_cross_entropy if is_probability else by_outputs)
        loss.prepare([self._points[0]] * self._classes, range(self._classes))
        return loss

    def _computed(self, point: list[Value]) -> list[Value]:
        """Compute the weighted sum and the output of each neuron, one after the other."""
        outputs = self._model(point)
        nodes = topological_order(*(outputs if isinstance(outputs, list) else [outputs]))
        by_parents = {tuple(map(id, x.parents)): x for x in nodes if x.parents}
        received, found = point, []
        for neurons in self._layers:
            computed = []
            for neuron in neurons:
                total = by_parents.get(tuple(map(id, (*received, *neuron.w, neuron.b))))
                output = by_parents.get((id(total),)) if neuron.activation else total
                if total is None or output is None:
                    raise _misfit(self._model)
                computed.append(output)
                found += [total, output]
            received = computed
        return found

    def __repr__(self) -> str:
        count = len(self._model.parameters())
        return f"<playground: {len(self._points)} points, {type(self._model).__name__} with {count} parameters>"


def _layers(model: Module) -> Sequence[tuple[str, Sequence[Neuron]]]:
    from tinygrad_edu.viz.graphs.network import layers_of

    try:
        return layers_of(model)
    except TypeError:
        raise _misfit(model) from None


def _misfit(model: Module) -> TypeError:
    return TypeError(f"a playground shows networks of layers one after the other, which {type(model).__name__} is not")
