"""The command that makes a page on which a network learns: ``tinygrad-edu playground moons``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu import nn
from tinygrad_edu.cli.formula_commands import PAGES, check_ending, save, show
from tinygrad_edu.training import data
from tinygrad_edu.viz.playground.playground import playground

if TYPE_CHECKING:
    import argparse

SETS = ("moons", "circles", "spirals", "blobs")


def write_playground(options: argparse.Namespace) -> None:
    """Write the page on which a network learns, and open it if that is asked for."""
    check_ending(options.out, PAGES, "page")
    noise = {} if options.noise is None else {"noise": options.noise}
    inputs, targets = getattr(data, options.set)(options.points, seed=options.seed, **noise)
    classes = len(set(targets))
    activation = None if options.activation == "none" else options.activation
    model = nn.MLP(2, [*options.hidden, 1 if classes == 2 else classes], activation, seed=options.seed)
    save(options.out, playground(model, inputs, targets, title=options.set).to_html)
    if options.open:
        show(options.out)
