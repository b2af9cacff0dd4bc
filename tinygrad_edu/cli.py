"""The command line: ``tinygrad-edu train moons``, ``tinygrad-edu predict model.json 0.5 0.2``."""

from __future__ import annotations

import argparse
import csv
import math
import os
import shutil
import sys

from tinygrad_edu import data, nn, optim
from tinygrad_edu.functions import softmax
from tinygrad_edu.ops import sigmoid
from tinygrad_edu.randomness import generator
from tinygrad_edu.training import classifier, fit
from tinygrad_edu.value import no_grad
from tinygrad_edu.viz.terminal import boundary_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    from tinygrad_edu.training import History

    Rows = list[list[float]]

DATA_SETS: dict[str, Callable[..., tuple[Rows, list[int]]]] = {
    "moons": data.moons,
    "circles": data.circles,
    "spirals": data.spirals,
    "blobs": data.blobs,
}
OPTIMIZERS: dict[str, tuple[Callable[..., optim.Optimizer], float]] = {
    "adam": (optim.Adam, 0.02),
    "adamw": (optim.AdamW, 0.02),
    "sgd": (optim.SGD, 0.5),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, where argparse would print the usage as well."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status, 2 for an error, of which one line on stderr tells."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without some character shows a ? instead of failing
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["predict"] and not {"--", "-h", "--help"} & set(given):
        given.insert(1, "--")  # a number such as -1e-3 is not an option
    options = _parser().parse_args(given)
    try:
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    except (ValueError, TypeError, OSError, ArithmeticError) as error:
        print(f"tinygrad-edu {options.command}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="tinygrad-edu",
        description="Train small neural networks and look at what they learn. Every derivative comes from the "
        "engine; none is written by hand.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="train | predict")
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
        "(%(default)s)")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="how the weights follow the gradients (%(default)s)")
    add("--lr", type=float, metavar="RATE", help="learning rate, the size of the first steps; it falls to 0 along a "
        "cosine (" + ", ".join(f"{rate} for {name}" for name, (_, rate) in OPTIMIZERS.items()) + ")")
    add("--epochs", type=int, default=100, metavar="N", help="how often to go through the points (%(default)s)")
    add("--batch-size", type=int, default=20, metavar="N", help="points for each step (%(default)s)")
    add("--points", type=int, default=200, metavar="N", help="how many points to draw; a quarter is held out for the "
        "check (%(default)s)")
    add("--noise", type=float, metavar="SIZE", help="how far points stray from their shape, which is about 1 in size "
        "(by default what suits it)")
    add("--seed", type=int, default=0, metavar="N", help="the same seed gives the same run (%(default)s)")
    add("--out", metavar="DIR", help="where to write model.json, history.csv and, with matplotlib, two pictures")
    # fmt: on
    predict = commands.add_parser(
        "predict",
        help="ask a trained network about one point",
        description="Print the class that a saved network gives to a point. "
        "Example: tinygrad-edu predict out/model.json 0.5 0.2",
    )
    predict.set_defaults(run=_predict)
    predict.add_argument("model", metavar="MODEL", help="a file that train --out or Module.save wrote")
    predict.add_argument("inputs", nargs="+", type=float, metavar="x", help="the inputs, a number each")
    return parser


def _sizes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part != "0"]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of sizes such as 16,16") from None


# ---- train -----------------------------------------------------------------------------------------------------------


def _train(options: argparse.Namespace) -> None:
    (inputs, targets), (held_inputs, held_targets), classes = _points(options)
    if options.out:
        os.makedirs(options.out, exist_ok=True)
    centre, spread = _scaling(inputs) if options.data else ([0.0] * len(inputs[0]), [1.0] * len(inputs[0]))
    outputs = 1 if len(classes) == 2 else len(classes)
    model = nn.MLP(len(inputs[0]), [*options.hidden, outputs], options.activation, seed=options.seed)
    make, rate = OPTIMIZERS[options.optimizer]
    print(f"{options.data or options.set}: {len(inputs)} points to learn from, {len(held_inputs)} held out")
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
    classify = classifier(model)
    right = sum(classify(row) == target for row, target in zip(held_inputs, held_targets))
    print(history)
    print(f"final loss {history.loss[-1]:.4g}" if history.loss else "no epoch was completed")
    print(f"accuracy on the held-out points {right / len(held_inputs):.1%}")
    if len(inputs[0]) == 2:
        width = min(shutil.get_terminal_size().columns, 80) - 1
        print(
            _printable(
                boundary_text(classify, inputs + held_inputs, targets + held_targets, width=width, names=classes)
            )
        )
    if options.out:
        model.metadata = {"classes": classes}
        _write(options.out, model, history, inputs + held_inputs, targets + held_targets, classes)


def _points(options: argparse.Namespace) -> tuple[tuple[Rows, list[int]], tuple[Rows, list[int]], list[Any]]:
    """What to learn from, what to check with, and the names of the classes."""
    if bool(options.data) == bool(options.set):
        raise ValueError("name a data set (xor, moons, circles, spirals or blobs) or give one with --data FILE")
    rng = generator(options.seed)
    if options.set == "xor":
        inputs, targets = data.xor()
        noise = 0.1 if options.noise is None else options.noise
        near = [(corner, kind) for corner, kind in zip(inputs, targets) for _ in range(25)]
        return (inputs, targets), ([[rng.gauss(x, noise) for x in corner] for corner, _ in near], [k for _, k in near]), [0, 1]  # fmt: skip
    if options.data:
        inputs, targets, classes = _read_csv(options.data)
    else:
        noise = {} if options.noise is None else {"noise": options.noise}
        inputs, targets = DATA_SETS[options.set](options.points, seed=options.seed, **noise)
        classes = sorted(set(targets))
    order = list(range(len(inputs)))
    rng.shuffle(order)
    held = max(1, len(order) // 4)
    if len(order) < 4:
        raise ValueError(f"{len(order)} points are too few to learn from some and check with others")
    learn, check = order[held:], order[:held]
    return (
        ([inputs[i] for i in learn], [targets[i] for i in learn]),
        ([inputs[i] for i in check], [targets[i] for i in check]),
        classes,
    )


def _read_csv(path: str) -> tuple[Rows, list[int], list[str]]:
    """Inputs, targets and the names of the classes, in alphabetical order."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = [(number, line) for number, line in enumerate(csv.reader(file), 1) if any(map(str.strip, line))]
    header = bool(lines) and not any(_is_number(cell) for cell in lines[0][1][:-1])
    names = [name.strip().lower() for name in lines[0][1]] if header else []
    column = names.index("label") if "label" in names else -1
    rows, labels = [], []
    for number, line in lines[header:]:
        cells = list(line)
        labels.append(cells.pop(column).strip() if len(cells) > 1 else "")
        if len(line) != len(lines[0][1]) or len(line) < 2:
            raise ValueError(f"{path}, line {number}: expected {max(len(lines[0][1]), 2)} columns, found {len(line)}")
        wrong = [cell for cell in cells if not _is_number(cell)]
        if wrong:
            raise ValueError(f"{path}, line {number}: {wrong[0]!r} is not a number")
        rows.append([float(cell) for cell in cells])
    classes = sorted(set(labels))
    if len(classes) < 2:
        raise ValueError(f"{path} holds {len(rows)} points of {len(classes)} class{'es' * (len(classes) != 1)}; "
                         "it takes at least two classes to tell apart")  # fmt: skip
    return rows, [classes.index(label) for label in labels], classes


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _scaling(rows: Rows) -> tuple[list[float], list[float]]:
    """The mean and the standard deviation (1 for a constant) of each column: networks learn best on numbers near 1."""
    columns = list(zip(*rows))
    centre = [sum(column) / len(column) for column in columns]
    spread = [math.hypot(*(x - c for x in column)) / math.sqrt(len(column)) for column, c in zip(columns, centre)]
    return centre, [s or 1.0 for s in spread]


def _take_scaling_in(model: nn.MLP, centre: Sequence[float], spread: Sequence[float]) -> None:
    """Change the first layer so that the model takes numbers as they come: w (x - c) / s + b = (w / s) x + b - w c / s."""
    for neuron in model.layers[0].neurons:
        for w, c, s in zip(neuron.w, centre, spread):
            w.data /= s
            neuron.b.data -= w.data * c


def _printable(text: str) -> str:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return text.translate(str.maketrans("░▒▓", ".:%"))
    return text


def _write(out: str, model: nn.MLP, history: History, inputs: Rows, targets: list[int], classes: list[Any]) -> None:
    model.save(os.path.join(out, "model.json"))
    history.to_csv(os.path.join(out, "history.csv"))
    written = ["model.json", "history.csv"]
    try:
        import matplotlib
    except ImportError:
        print('no pictures without matplotlib: pip install "tinygrad_edu[plot]"')
    else:
        matplotlib.use("agg")
        from tinygrad_edu.viz import plots

        if history.loss:
            plots.loss_curve(history).savefig(os.path.join(out, "loss.png"), dpi=150)
            written.append("loss.png")
        if len(inputs[0]) == 2:
            figure = plots.decision_boundary(classifier(model), inputs, targets, names=classes)
            figure.savefig(os.path.join(out, "boundary.png"), dpi=150)
            written.append("boundary.png")
    print(f"wrote {', '.join(written)} to {out}")


# ---- predict ---------------------------------------------------------------------------------------------------------


def _predict(options: argparse.Namespace) -> None:
    model: Any = nn.Module.load(options.model)
    with no_grad():
        prediction = model(options.inputs)
        scores = prediction if isinstance(prediction, list) else [prediction]
        classes = (model.metadata or {}).get("classes")
        if classes is None:
            print(" ".join(f"{score.data:.6g}" for score in scores))
            return
        one = sigmoid(scores[0])
        probabilities = [1 - one, one] if len(scores) == 1 else softmax(scores)
    best = max(range(len(classes)), key=lambda kind: probabilities[kind].data)
    print(f"class {classes[best]} (probability {probabilities[best].data:.4f})")
