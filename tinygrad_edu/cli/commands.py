"""The command line: ``tinygrad-edu train moons``, ``predict model.json 0.5 0.2``, and the commands for formulas."""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
from typing import TYPE_CHECKING

from tinygrad_edu import nn
from tinygrad_edu.cli import formula_commands
from tinygrad_edu.cli.messages import nearest, short
from tinygrad_edu.engine.functions import softmax
from tinygrad_edu.engine.recording import no_grad
from tinygrad_edu.engine.value import Value
from tinygrad_edu.formulas.plain import printable
from tinygrad_edu.nn import optim
from tinygrad_edu.nn.randomness import generator
from tinygrad_edu.training import data
from tinygrad_edu.training.fit import classifier, fit
from tinygrad_edu.viz.terminal import boundary_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    from tinygrad_edu.training.history import History

    Rows = list[list[float]]
    Examples = tuple[Rows, list[int]]

DATA_SETS: dict[str, Callable[..., tuple[Rows, list[int]]]] = {
    "moons": data.moons,
    "circles": data.circles,
    "spirals": data.spirals,
    "blobs": data.blobs,
}
COMMANDS = ("train", "predict", *formula_commands.NAMES)
OPTIMIZERS: dict[str, tuple[Callable[..., optim.Optimizer], float]] = {
    "adam": (optim.Adam, 0.02),
    "adamw": (optim.AdamW, 0.02),
    "sgd": (optim.SGD, 0.5),
}


class _Parser(argparse.ArgumentParser):
    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse as argparse does, but refuse unknown arguments here already, where the command is known."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, unknown

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
    elif given[0] in formula_commands.NAMES:
        given[1:] = formula_commands.options_first(given[1:])
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
    formula_commands.add_to(commands)
    return parser


def _add_train(commands: argparse._SubParsersAction[_Parser]) -> None:
    train = commands.add_parser(
        "train",
        help="train a network on a data set and draw what it learned",
        description="Train a network to tell classes of points apart, check it on points it has not seen, and draw "
        "the boundary it found. Example: tinygrad-edu train moons --hidden 16,16 --epochs 100",
    )
    train.set_defaults(run=_train)
    add = train.add_argument
    # fmt: off
    add("set", nargs="?", choices=["xor", *DATA_SETS], metavar="xor|moons|circles|spirals|blobs", help="the points")
    add("--data", metavar="FILE", help="points of your own: a CSV file with a row for each, the class in the column "
        "'label' or else in the last")
    add("--hidden", type=_sizes, default="16,16", metavar="N,N", help="neurons in each hidden layer, 0 for no such "
        "layer (%(default)s)")
    add("--activation", default="tanh", metavar="NAME", help="what lets a boundary bend: tanh, relu, sigmoid, ... "
        "or none (%(default)s)")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="how the weights follow the gradients (%(default)s)")
    add("--lr", type=float, metavar="RATE", help="learning rate, the size of the first steps; it falls to 0 along a "
        "cosine (" + ", ".join(f"{rate} for {name}" for name, (_, rate) in OPTIMIZERS.items()) + ")")
    add("--epochs", type=int, default=100, metavar="N", help="how often to go through the points (%(default)s)")
    add("--batch-size", type=int, default=20, metavar="N", help="points for each step (%(default)s)")
    add("--points", type=int, default=200, metavar="N", help="how many points to draw, but for xor; a quarter is "
        "held out for the check (%(default)s)")
    add("--noise", type=float, metavar="SIZE", help="how far points stray from their shape, which is about 1 in size "
        "(by default what suits it)")
    add("--seed", type=int, default=0, metavar="N", help="the same seed gives the same run (%(default)s)")
    add("--out", metavar="DIR", help="where to write model.json, history.csv and, with matplotlib, two pictures")
    # fmt: on


def _add_predict(commands: argparse._SubParsersAction[_Parser]) -> None:
    predict = commands.add_parser(
        "predict",
        help="ask a trained network about one point",
        description="Print the class that a saved network gives to a point. "
        "Example: tinygrad-edu predict out/model.json 0.5 0.2",
    )
    predict.set_defaults(run=_predict)
    predict.add_argument("model", metavar="MODEL", help="a file that train --out or Module.save wrote")
    predict.add_argument("inputs", nargs="+", type=float, metavar="x", help="the inputs, a number each")


def _sizes(text: str) -> list[int]:
    try:
        sizes = [] if text == "0" else [int(part) for part in text.split(",")]
        if any(size < 1 for size in sizes):
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of sizes such as 16,16, or 0") from None
    return sizes


# ---- train -----------------------------------------------------------------------------------------------------------


class Points:
    """The examples to learn from, those held out for the check, and the names of the classes."""

    def __init__(self, learn: Examples, held: Examples, classes: Sequence[object]) -> None:
        self.learn, self.held = learn, held
        self.inputs, self.targets = learn[0] + held[0], learn[1] + held[1]
        self.classes = list(classes)
        self.dimensions = len(self.inputs[0])


def _train(options: argparse.Namespace) -> None:
    points = _points(options)
    if options.out:
        os.makedirs(options.out, exist_ok=True)
    outputs = 1 if len(points.classes) == 2 else len(points.classes)
    activation = None if options.activation == "none" else options.activation
    model = nn.MLP(points.dimensions, [*options.hidden, outputs], activation, seed=options.seed)
    make, rate = OPTIMIZERS[options.optimizer]
    inputs, targets = points.learn
    print(f"{options.data or options.set}: {len(inputs)} points to learn from, {len(points.held[0])} held out")
    centre, spread = _scaling(inputs) if options.data else ([0.0] * points.dimensions, [1.0] * points.dimensions)
    history = fit(
        model,
        [[(x - c) / s for x, c, s in zip(row, centre, spread)] for row in inputs],
        targets,
        loss="binary_cross_entropy_with_logits" if outputs == 1 else "cross_entropy",
        optimizer=make(model.parameters(), lr=rate if options.lr is None else options.lr),
        epochs=options.epochs,
        batch_size=options.batch_size,
        schedule=optim.cosine(max(options.epochs, 1)),
        seed=options.seed,
        metric="accuracy",
    )
    _take_scaling_in(model, centre, spread)
    model.metadata = {"classes": points.classes}
    classify = classifier(model)
    right = [classify(row) == target for row, target in zip(*points.held)]
    written = _write(options.out, model, history, points) if options.out else ""
    print(history)
    final = f"final loss {history.loss[-1]:.4g}" if history.loss else "no epoch was completed"
    print(f"{final}, accuracy on the held-out points {sum(right) / len(right):.1%}")
    if points.dimensions == 2:
        width = min(shutil.get_terminal_size().columns, 80) - 1
        names = [_escaped(name) for name in points.classes]
        picture = boundary_text(classify, points.inputs, points.targets, width=width, names=names)
        print(printable(picture))
    if written:
        print(written)
    if history.interrupted:
        raise KeyboardInterrupt


def _points(options: argparse.Namespace) -> Points:
    if options.data and options.set:
        raise ValueError(f"give either the data set {options.set} or --data {options.data}, not both")
    if not options.data and not options.set:
        raise ValueError("name a data set (xor, moons, circles, spirals or blobs) or give one with --data FILE")
    rng = generator(options.seed)
    classes: Sequence[object]
    if options.set == "xor":
        corners, kinds = data.xor()
        noise = 0.1 if options.noise is None else options.noise
        if not 0 <= noise < math.inf:
            raise ValueError(f"noise = {noise} is out of range; it is a standard deviation, at least 0")
        near = [
            ([rng.gauss(x, noise) for x in corner], kind) for corner, kind in zip(corners, kinds) for _ in range(25)
        ]
        return Points((corners, kinds), ([row for row, _ in near], [kind for _, kind in near]), [0, 1])
    if options.data:
        inputs, targets, classes = data.read_csv(options.data)
    else:
        chosen = {} if options.noise is None else {"noise": options.noise}
        inputs, targets = DATA_SETS[options.set](options.points, seed=options.seed, **chosen)
        classes = sorted(set(targets))
    if len(inputs) < 4:
        raise ValueError(f"{len(inputs)} points are too few to learn from some and check with others")
    order = list(range(len(inputs)))
    rng.shuffle(order)
    held, learn = order[: len(order) // 4], order[len(order) // 4 :]
    return Points(
        ([inputs[i] for i in learn], [targets[i] for i in learn]),
        ([inputs[i] for i in held], [targets[i] for i in held]),
        classes,
    )


def _scaling(rows: Rows) -> tuple[list[float], list[float]]:
    """The mean and the standard deviation (1 for a constant) of each column: networks learn best on numbers near 1."""
    centre, spread = [], []
    for column in zip(*rows):
        middle = sum(column) / len(column)
        centre.append(middle)
        deviation = math.hypot(*(x - middle for x in column)) / math.sqrt(len(column))
        spread.append(1.0 if min(column) == max(column) else deviation)
    return centre, spread


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
    if points.dimensions == 2:
        figures["boundary.png"] = plots.decision_boundary(
            classifier(model), points.inputs, points.targets, names=points.classes
        )
    for name, figure in figures.items():
        figure.savefig(os.path.join(out, name), dpi=150)
        pyplot.close(figure)
    return f"wrote {', '.join([*written, *figures])} to {out}"


# ---- predict ---------------------------------------------------------------------------------------------------------


def _predict(options: argparse.Namespace) -> None:
    if not all(map(math.isfinite, options.inputs)):
        raise ValueError("an input is not a finite number")
    model: Any = nn.Module.load(options.model)
    with no_grad():
        prediction = model(options.inputs)
        scores = prediction if isinstance(prediction, list) else [prediction]
        if not all(math.isfinite(score.data) for score in scores):
            raise ValueError(
                "an output of the network is not a finite number; its weights or these inputs are too large"
            )
        probabilities = softmax(scores if len(scores) > 1 else [Value(0.0), *scores])
    names = _class_names(model.metadata, len(probabilities))
    if names:
        best = max(range(len(names)), key=lambda kind: probabilities[kind].data)
        print(f"class {names[best]} (probability {probabilities[best].data:.4f})")
    else:
        print(" ".join(f"{score.data:.6g}" for score in scores))


def _class_names(metadata: object, count: int) -> list[str]:
    """Find the names of the classes in the metadata of a model; [] unless it has ``count`` of them, as train writes."""
    classes = metadata.get("classes") if isinstance(metadata, dict) else None
    if not isinstance(classes, list) or len(classes) != count:
        return []
    return [_escaped(name) for name in classes] if all(type(name) in (str, int, float) for name in classes) else []


def _escaped(text: object) -> str:
    """Escape what could control a terminal, such as colours and bells, in a text that comes from somebody's file."""
    shown = str(text)
    return shown if shown.isprintable() else repr(shown)[1:-1]
