"""The command line: ``tinygrad-edu train moons``, ``predict model.json 0.5 0.2``, and the commands for formulas."""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

from tinygrad_edu import nn
from tinygrad_edu.cli import formula_commands as formulas
from tinygrad_edu.cli.playground_command import SETS, write_playground
from tinygrad_edu.engine.functions import softmax
from tinygrad_edu.engine.operation import BUILT_IN
from tinygrad_edu.engine.recording import no_grad
from tinygrad_edu.engine.value import Value
from tinygrad_edu.formulas.messages import nearest, short
from tinygrad_edu.formulas.plain import printable
from tinygrad_edu.formulas.reader import ALIASES, OPERATORS
from tinygrad_edu.nn.randomness import generator
from tinygrad_edu.training import data, optim
from tinygrad_edu.training.fit import classifier, fit
from tinygrad_edu.viz.terminal import boundary_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn, TypeAlias

    from tinygrad_edu.training.data import Points
    from tinygrad_edu.training.history import History

    Commands: TypeAlias = "argparse._SubParsersAction[_Parser]"

COMMANDS = ("train", "predict", "draw", "explain", "page", "playground")
DATA_SETS: dict[str, Callable[..., Points]] = {
    make.__name__: make for make in (data.moons, data.circles, data.spirals, data.blobs)
}
OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {"adam": optim.Adam, "adamw": optim.AdamW, "sgd": optim.SGD}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one line, where argparse would print the usage as well."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, or print the help without one; return the exit status, 2 after an error printed on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without some character shows a ? instead of failing
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if given[:1] == ["predict"] and not {"--", "-h", "--help"} & set(given):
        given.insert(1, "--")  # a number such as -1e-3 is not an option
    elif given[0] in ("draw", "explain", "page"):
        given[1:] = formulas.options_first(given[1:])
    parser = _parser()
    if given[0] not in COMMANDS and not given[0].startswith("-"):
        near = nearest(given[0], COMMANDS) or f"; there are {', '.join(COMMANDS)}"
        parser.error(f"there is no command {short(given[0])!r}{near}")
    options = parser.parse_args(given)
    try:
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    except (ValueError, TypeError, OSError, ArithmeticError, RuntimeError) as error:
        message = "\n".join(map(_escaped, str(error).split("\n")))
        print(f"tinygrad-edu {options.command}: {message}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="tinygrad-edu",
        description="Train small neural networks and look at what they learn; type a formula and see its derivatives "
        "flow. Every derivative comes from the engine; none is written by hand.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar=" | ".join(COMMANDS))
    _add_train(commands)
    _add_predict(commands)
    _add_formulas(commands)
    _add_playground(commands)
    return parser


def _add(commands: Commands, run: Callable[[argparse.Namespace], None], name: str, help: str, example: str) -> _Parser:
    description = f"{help[0].upper()}{help[1:]}. Example: tinygrad-edu {name} {example}"
    command = commands.add_parser(name, help=help, description=description)
    command.set_defaults(run=run)
    return command


# fmt: off
def _add_train(commands: Commands) -> None:
    train = _add(commands, _train, "train", "train a network to tell classes of points apart, check it on points it "
                 "has not seen, and draw the boundary it found", "moons --hidden 16,16 --epochs 100")
    add = train.add_mutually_exclusive_group(required=True).add_argument
    add("set", nargs="?", choices=["xor", *DATA_SETS], metavar="xor|moons|circles|spirals|blobs", help="the points")
    add("--data", metavar="FILE", help="a CSV file of points, the class in the column 'label' or else in the last")
    add = train.add_argument
    add("--hidden", type=_sizes, default="16,16", metavar="N,N", help="sizes of the hidden layers, or 0 (%(default)s)")
    add("--activation", default="tanh", metavar="NAME", help="tanh, relu, ... or none, for hidden layers (%(default)s)")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="how the weights follow the gradients (%(default)s)")
    add("--lr", type=float, metavar="RATE", help="learning rate, which falls to 0 along a cosine (0.02, for sgd 0.5)")
    add("--epochs", type=int, default=100, metavar="N", help="how often to go through the points (%(default)s)")
    add("--batch-size", type=int, default=20, metavar="N", help="points for each step (%(default)s)")
    add("--points", type=int, default=200, metavar="N", help="how many to draw, a quarter for the check (%(default)s)")
    add("--noise", type=float, metavar="SIZE", help="how far points stray from their shape, which is about 1 in size")
    add("--seed", type=int, default=0, metavar="N", help="the same seed gives the same run (%(default)s)")
    add("--out", metavar="DIR", help="where to write model.json, history.csv and, with matplotlib, two pictures")


def _add_predict(commands: Commands) -> None:
    add = _add(commands, _predict, "predict", "ask a trained network for the class of a point",
               "out/model.json 0.5 0.2").add_argument
    add("model", metavar="MODEL", help="a file that train --out or Module.save wrote")
    add("inputs", nargs="+", type=float, metavar="x", help="the inputs, a number each")


def _add_formulas(commands: Commands) -> None:
    draw = _add(commands, formulas.draw_formula, "draw", "draw how a formula is computed, with every value, its "
                "gradient, and on each arrow the local derivative", f"{formulas.EXAMPLE} -o neuron.svg")
    explain = _add(commands, formulas.explain_formula, "explain", "tell step by step where the result of a formula "
                   "comes from and then, backward, where its derivatives do", f"{formulas.EXAMPLE} --wrt w")
    page = _add(commands, formulas.write_page, "page", "make a web page on which one changes the numbers of a "
                "formula and steps through its derivatives: one file, for any browser, without network",
                f"{formulas.EXAMPLE} -o neuron.html")
    functions = sorted({*BUILT_IN, *ALIASES} - {row.name for row in OPERATORS.values()})
    for command in (draw, explain, page):
        command.epilog = f"Functions: {', '.join(functions)}."
        add = command.add_argument
        add("formula", metavar="FORMULA", help="numbers, names, + - * / ** ( ) and functions; in quotes")
        add("numbers", metavar="NAME=NUMBER", nargs="*", default=[], help="the number of each name in the formula")
    draw.add_argument("-o", "--out", default="drawing.svg", metavar="FILE", help="the picture to write, by its ending "
                      f"{' or '.join(formulas.PICTURES)} (%(default)s)")
    draw.add_argument("--expand", action="store_true", help="open operations such as sigmoid into simpler ones")
    explain.add_argument("--wrt", metavar="NAME", help="only the derivative with respect to this: all paths to it")
    add = explain.add_mutually_exclusive_group().add_argument
    add("--markdown", action="store_true", help="print Markdown with LaTeX formulas")
    add("--latex", action="store_true", help="print LaTeX, for a document with amsmath")
    page.add_argument("-o", "--out", default="page.html", metavar="FILE", help="the page to write, .html (%(default)s)")
    page.add_argument("--open", action="store_true", help="open the page in the browser")


def _add_playground(commands: Commands) -> None:
    add = _add(commands, write_playground, "playground", "make a web page on which a small network learns to tell "
               "classes of points apart, step by step: one file, for any browser, without network",
               "moons -o moons.html").add_argument
    add("set", choices=SETS, metavar="|".join(SETS), help="the points")
    add("-o", "--out", default="playground.html", metavar="FILE", help="the page to write, .html (%(default)s)")
    add("--open", action="store_true", help="open the page in a browser")
    add("--hidden", type=_sizes, default="8,8", metavar="N,N", help="sizes of the hidden layers, or 0 (%(default)s)")
    add("--activation", default="tanh", metavar="NAME", help="tanh, relu, ... or none, for hidden layers (%(default)s)")
    add("--points", type=int, default=100, metavar="N", help="how many points (%(default)s)")
    add("--noise", type=float, metavar="SIZE", help="how far points stray from their shape, which is about 1 in size")
    add("--seed", type=int, default=0, metavar="N", help="the same seed gives the same page (%(default)s)")
# fmt: on


def _sizes(text: str) -> list[int]:
    if not re.fullmatch(r"0|[1-9]\d*(,[1-9]\d*)*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of sizes such as 16,16, or 0")
    return [] if text == "0" else [int(part) for part in text.split(",")]


# ---- train -----------------------------------------------------------------------------------------------------------


def _train(options: argparse.Namespace) -> None:
    learn, held, classes = _points(options)
    points = learn[0] + held[0], learn[1] + held[1]
    if options.out:
        os.makedirs(options.out, exist_ok=True)
    inputs, targets = learn
    dimensions, outputs = len(inputs[0]), 1 if len(classes) == 2 else len(classes)
    activation = None if options.activation == "none" else options.activation
    model = nn.MLP(dimensions, [*options.hidden, outputs], activation, seed=options.seed)
    usual_rate = 0.5 if options.optimizer == "sgd" else 0.02
    rate = usual_rate if options.lr is None else options.lr
    print(f"{options.data or options.set}: {len(inputs)} points to learn from, {len(held[0])} held out")
    centre, spread = _scaling(inputs) if options.data else ([0.0] * dimensions, [1.0] * dimensions)
    history = fit(
        model,
        [[(x - c) / s for x, c, s in zip(row, centre, spread)] for row in inputs],
        targets,
        loss="binary_cross_entropy_with_logits" if outputs == 1 else "cross_entropy",
        optimizer=OPTIMIZERS[options.optimizer](model.parameters(), lr=rate),
        epochs=options.epochs,
        batch_size=options.batch_size,
        schedule=optim.cosine(max(options.epochs, 1)),
        seed=options.seed,
        metric="accuracy",
    )
    _take_scaling_in(model, centre, spread)
    model.metadata = {"classes": classes}
    classify = classifier(model)
    right = [classify(row) == target for row, target in zip(*held)]
    written = _write(options.out, model, history, points) if options.out else ""
    print(history)
    final = f"final loss {history.loss[-1]:.4g}" if history.loss else "no epoch was completed"
    print(f"{final}, accuracy on the held-out points {sum(right) / len(right):.1%}")
    if dimensions == 2:
        width = min(shutil.get_terminal_size().columns, 80) - 1
        print(printable(boundary_text(classify, *points, width=width, names=list(map(_escaped, classes)))))
    if written:
        print(written)
    if history.interrupted:
        raise KeyboardInterrupt


def _points(options: argparse.Namespace) -> tuple[Points, Points, list[object]]:
    """The examples to learn from, those held out for the check, and the names of the classes."""
    noise = {} if options.noise is None else {"noise": options.noise}
    if options.set == "xor":
        corners, kinds = data.xor()
        near, places = data.scatter(lambda place, _: corners[place], len(corners), 100, seed=options.seed, **noise)
        return (corners, kinds), (near, [kinds[place] for place in places]), [0, 1]
    classes: Sequence[object]
    if options.data:
        inputs, targets, classes = data.read_csv(options.data)
    else:
        inputs, targets = DATA_SETS[options.set](options.points, seed=options.seed, **noise)
        classes = sorted(set(targets))
    if len(inputs) < 4:
        raise ValueError(f"{len(inputs)} points are too few to learn from some and check with others")
    order = generator(options.seed).sample(range(len(inputs)), len(inputs))
    inputs, targets = [inputs[i] for i in order], [targets[i] for i in order]
    quarter = len(order) // 4
    return (inputs[quarter:], targets[quarter:]), (inputs[:quarter], targets[:quarter]), list(classes)


def _scaling(rows: list[list[float]]) -> tuple[list[float], list[float]]:
    """The mean and the standard deviation (1 for a constant) of each column: networks learn best on numbers near 1."""
    from statistics import fmean, pstdev

    columns = list(zip(*rows))
    return [fmean(column) for column in columns], [pstdev(column) or 1.0 for column in columns]


def _take_scaling_in(model: nn.MLP, centre: Sequence[float], spread: Sequence[float]) -> None:
    """Change the first layer to take numbers as they come: w (x - c) / s + b is (w / s) x + (b - w c / s)."""
    for neuron in model.layers[0].neurons:
        for w, c, s in zip(neuron.w, centre, spread):
            w.data /= s
            neuron.b.data -= w.data * c


def _write(out: str, model: nn.MLP, history: History, points: Points) -> str:
    """Write the model, its history and, with matplotlib, pictures; return a line that says so."""
    model.save(os.path.join(out, "model.json"))
    history.to_csv(os.path.join(out, "history.csv"))
    written = ["model.json", "history.csv"]
    try:
        import matplotlib
    except ImportError:
        return f"wrote {', '.join(written)} to {out}; for pictures: pip install matplotlib"
    matplotlib.use("agg")
    from matplotlib import pyplot

    from tinygrad_edu.viz import plots

    figures = {}
    if history.loss:
        figures["loss.png"] = plots.loss_curve(history)
    if len(points[0][0]) == 2:
        names = model.metadata["classes"]
        figures["boundary.png"] = plots.decision_boundary(classifier(model), *points, names=names)
    for name, figure in figures.items():
        figure.savefig(os.path.join(out, name), dpi=150)
        pyplot.close(figure)
    return f"wrote {', '.join([*written, *figures])} to {out}"


# ---- predict ---------------------------------------------------------------------------------------------------------


def _predict(options: argparse.Namespace) -> None:
    if not all(map(math.isfinite, options.inputs)):
        raise ValueError("an input is not a finite number")
    model: Any = nn.load(options.model)
    with no_grad():
        prediction = model(options.inputs)
        scores = prediction if isinstance(prediction, list) else [prediction]
        if not all(math.isfinite(score.data) for score in scores):
            raise ValueError("an output of the network is not a finite number; its weights or these inputs are too "
                             "large")  # fmt: skip
        probabilities = softmax(scores if len(scores) > 1 else [Value(0.0), *scores])
    names = _class_names(model.metadata)
    if len(names) == len(probabilities):
        probability, name = max(zip([p.data for p in probabilities], names), key=lambda pair: pair[0])
        print(f"class {name} (probability {probability:.4f})")
    else:
        print(" ".join(f"{score.data:.6g}" for score in scores))


def _class_names(metadata: object) -> list[str]:
    """Find the names of the classes in the metadata of a model, where ``train`` writes them; [] if there are none."""
    classes = metadata.get("classes") if isinstance(metadata, dict) else None
    if not isinstance(classes, list) or not all(type(name) in (str, int, float) for name in classes):
        return []
    return [_escaped(name) for name in classes]


def _escaped(text: object) -> str:
    """Escape what could control a terminal, such as colours and bells, in a text that comes from somebody's file."""
    return str(text) if str(text).isprintable() else repr(str(text))[1:-1]
