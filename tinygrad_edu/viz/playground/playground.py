"""``playground``: a page that trains a small network in the browser, one HTML file that needs nothing else.

The step that trains is the compiled one: the model's and the loss's statements and the optimizers' rules are printed as
JavaScript. The page's script (``playground.js``) only draws, and calls them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.compiling.batch_text import straight_text
from tinygrad_edu.compiling.compiled_loss import compile_loss
from tinygrad_edu.compiling.js_text import library, row_functions
from tinygrad_edu.compiling.recorded_function import RecordedFunction
from tinygrad_edu.nn import losses
from tinygrad_edu.training.examples import examples
from tinygrad_edu.training.fit import threshold_of
from tinygrad_edu.training.optim import adam_js, sgd_js
from tinygrad_edu.viz.graphs.network import layers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.nn.files import Path
    from tinygrad_edu.nn.layers import Neuron
    from tinygrad_edu.nn.module import Module

PARAMETERS, CLASSES = 400, 4  # as many as can be told apart on the page
