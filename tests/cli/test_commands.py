"""The command line, run as a person runs it."""

import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import explain, nn
from tinygrad_edu.cli import commands as cli
from tinygrad_edu.formulas.plain import plain
from tinygrad_edu.formulas.reader import assignments, read
from tinygrad_edu.viz.graphs.layout import MISSING

POINTS = [
    (x / 10, y / 10, "cat" if x * y > 0 else "dog") for x in (-12, -9, -5, 4, 8, 11) for y in (-11, -7, -3, 5, 9, 12)
]


def run(*arguments, capsys):
    status = cli.main([str(a) for a in arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def failing(*arguments, capsys):
    """The line on stderr of a command that must fail with status 2 and print nothing else."""
    try:
        status = cli.main([str(a) for a in arguments])
    except SystemExit as stop:
        status = stop.code
    printed = capsys.readouterr()
    assert status == 2
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("tinygrad-edu")
    return printed.err


@pytest.mark.parametrize("name", ["xor", "moons", "circles", "spirals", "blobs"])
def test_it_trains_on_every_data_set(name, capsys):
    epochs = 150 if name == "spirals" else 60
    status, out, err = run("train", name, "--epochs", epochs, "--points", 120, capsys=capsys)
    assert status == 0
    assert err == ""  # no progress bar where stderr is no terminal
    assert "held out" in out
    assert f"{epochs} epochs in" in out
    assert "final loss " in out
    accuracy = float(out.split("accuracy on the held-out points ")[1].split("%")[0])
    assert accuracy >= 80
    assert "o class 0" in out
    assert "x class 1" in out
    assert ("+ class 2" in out) is (name == "blobs")


def test_the_same_seed_gives_the_same_run(capsys):
    def lines(seed):
        out = run("train", "moons", "--epochs", 2, "--seed", seed, capsys=capsys)[1]
        return [line for line in out.splitlines() if "epochs in" not in line]

    assert lines(1) == lines(1) != lines(2)


def test_out_holds_the_model_the_history_and_pictures(tmp_path, capsys):
    out = tmp_path / "new" / "run"
    status, printed, _ = run("train", "moons", "--epochs", 3, "--hidden", "4", "--activation", "relu", "--optimizer", "sgd",
                             "--lr", 0.1, "--batch-size", 50, "--noise", 0.2, "--out", out, capsys=capsys)  # fmt: skip
    assert status == 0
    assert "wrote model.json, history.csv, loss.png, boundary.png" in printed
    assert sorted(os.listdir(out)) == ["boundary.png", "history.csv", "loss.png", "model.json"]
    assert nn.MLP.load(out / "model.json").config()["sizes"] == [4, 1]
    with open(out / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert set(rows[0]) == {"epoch", "loss", "accuracy"}
    assert (out / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_it_says_how_to_get_pictures(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    status, printed, _ = run("train", "xor", "--epochs", 1, "--out", tmp_path, capsys=capsys)
    assert status == 0
    assert "for pictures: pip install matplotlib" in printed
    assert sorted(os.listdir(tmp_path)) == ["history.csv", "model.json"]


def test_no_hidden_layer_and_no_epoch(tmp_path, capsys):
    status, printed, _ = run("train", "moons", "--hidden", "0", "--epochs", 0, "--out", tmp_path, capsys=capsys)
    assert status == 0
    assert "no epoch was completed" in printed
    assert nn.MLP.load(tmp_path / "model.json").config()["sizes"] == [1]


def write_points(path, header):
    first = header is not None and header[:1].lower() in "lc"  # the label's column
    rows = [(k, 1000 + 100 * x, y) if first else (1000 + 100 * x, y, k) for x, y, k in POINTS]
    text = (header + "\n" if header else "") + "".join(f"{a}, {b},{c}\n" for a, b, c in rows) + "\n"
    path.write_text(text.replace(",", "\t") if header and "\t" in header else text, encoding="utf-8-sig")
    return path


def test_points_of_ones_own(tmp_path, capsys):
    path = write_points(tmp_path / "points.csv", "label,x,y")
    status, printed, _ = run("train", "--data", path, "--epochs", 150, "--out", tmp_path / "out", capsys=capsys)
    assert status == 0
    assert "27 points to learn from, 9 held out" in printed
    assert "o class cat" in printed
    for x, y, kind in POINTS[::5]:
        status, printed, _ = run("predict", tmp_path / "out" / "model.json", 1000 + 100 * x, y, capsys=capsys)
        assert status == 0
        assert printed.startswith(f"class {kind} (probability ")


def test_the_same_is_learned_wherever_the_label_stands_and_with_or_without_a_header(tmp_path, capsys):
    learned = set()
    for header in ("label,x,y", "x,y,label", "a,b,kind", "Class\tx\ty", None):
        path = write_points(tmp_path / "points.csv", header)
        assert run("train", "--data", path, "--hidden", 2, "--epochs", 1, "--out", tmp_path, capsys=capsys)[0] == 0
        learned.add((tmp_path / "model.json").read_text())
    assert len(learned) == 1


def test_a_column_of_one_number_does_not_matter(tmp_path, capsys):
    path = tmp_path / "points.csv"
    path.write_text("".join(f"{x},0.1,{'a' if x < 0 else 'b'}\n" for x, _, _ in POINTS))
    assert run("train", "--data", path, "--hidden", 4, "--out", tmp_path, capsys=capsys)[0] == 0
    for x, constant in ((-1, 0.1), (-1, 0.10001), (1, 0.1), (1, 0.10001)):
        printed = run("predict", tmp_path / "model.json", x, constant, capsys=capsys)[1]
        assert printed.startswith("class a" if x < 0 else "class b")


def test_a_very_narrow_terminal_has_a_picture_too(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1")
    assert run("train", "xor", "--epochs", 1, "--activation", "none", capsys=capsys)[0] == 0


def test_ctrl_c_keeps_what_was_learned_and_is_told_by_the_status(tmp_path, capsys, monkeypatch):
    def interrupted(*args, **options):
        return real(*args, **options, on_epoch=lambda *_: signal.raise_signal(signal.SIGINT))

    real = cli.fit
    monkeypatch.setattr(cli, "fit", interrupted)
    status, printed, _ = run("train", "xor", "--out", tmp_path, capsys=capsys)
    assert status == 130
    assert "interrupted" in printed
    assert (tmp_path / "model.json").exists()


def test_more_than_two_inputs_have_no_picture(tmp_path, capsys):
    path = tmp_path / "points.csv"
    path.write_text("".join(f"{x},{y},1.0,{x - y},{kind}\n" for x, y, kind in POINTS))
    status, printed, _ = run("train", "--data", path, "--epochs", 2, "--out", tmp_path / "out", capsys=capsys)
    assert status == 0
    assert "class cat" not in printed
    assert sorted(os.listdir(tmp_path / "out")) == ["history.csv", "loss.png", "model.json"]


def test_predict_of_three_classes_and_of_any_model(tmp_path, capsys):
    run("train", "blobs", "--epochs", 30, "--out", tmp_path, capsys=capsys)
    assert run("predict", tmp_path / "model.json", "0", "1", capsys=capsys)[1].startswith("class 0 (probability 0.9")
    model = nn.MLP(1, [2], None, init=lambda: 2.0)
    model.save(tmp_path / "any.json")
    assert run("predict", tmp_path / "any.json", "-1e-3", capsys=capsys)[1] == "-0.002 -0.002\n"


def predicted(metadata, tmp_path, capsys, sizes=(2,), weight=2.0):
    """What predict prints, for x = 1, of a model whose file has this metadata."""
    model = nn.MLP(1, list(sizes), None, init=lambda: weight)
    model.metadata = metadata
    model.save(tmp_path / "model.json")
    return run("predict", tmp_path / "model.json", "1", capsys=capsys)


@pytest.mark.parametrize(
    "metadata",
    [None, [], "ab", {"classes": None}, {"classes": "ab"}, {"classes": 2}, {"classes": {"a": 0, "b": 1}}, {"classes": []},
     {"classes": ["a"]}, {"classes": ["a", "b", "c"]}, {"classes": ["a", None]}, {"classes": [["a"], "b"]}, {"classes": [True, False]}],
    ids=str,
)  # fmt: skip
def test_predict_prints_scores_where_the_file_does_not_name_the_classes(metadata, tmp_path, capsys):
    assert predicted(metadata, tmp_path, capsys) == (0, "2 2\n", "")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("é 重", "é 重"), (3, "3"), (0.5, "0.5"), ("\x1b[31mred\a", r"\x1b[31mred\x07"), ("a\nb", r"a\nb"), ("\u202egnp", r"\u202egnp")],
    ids=ascii,
)  # fmt: skip
def test_predict_escapes_what_could_control_a_terminal(name, shown, tmp_path, capsys):
    assert predicted({"classes": [name, "b"]}, tmp_path, capsys) == (0, f"class {shown} (probability 0.5000)\n", "")


@pytest.mark.parametrize("sizes", [[1], [2]])
def test_predict_refuses_outputs_that_are_not_finite(sizes, tmp_path, capsys):
    status, out, err = predicted({"classes": ["a", "b"]}, tmp_path, capsys, [1, *sizes], weight=1e200)
    assert (status, out) == (2, "")
    assert "an output of the network is not a finite number" in err


def test_an_error_about_a_file_cannot_control_the_terminal(tmp_path, capsys):
    path = tmp_path / "points\x1b[31m.csv"
    path.write_text("")
    assert r"points\x1b[31m.csv" in failing("train", "--data", path, capsys=capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["fly"],
            "there is no command 'fly'; there are train, predict, draw, explain, page, playground (see tinygrad-edu --help)",
        ),
        (["daw", "x*2", "x=1"], "there is no command 'daw'; did you mean draw? (see tinygrad-edu --help)"),
        (["Explain"], "there is no command 'Explain'; did you mean explain?"),
        (["2*x", "x=1"], "there is no command '2*x'; there are"),
        ([""], "there is no command ''; there are"),
        (["--", "fly"], "invalid choice: "),
        (["--version"], "required: train | predict"),
        (["draw", "x*2", "x=1", "--expnd"], "unrecognized arguments: --expnd (see tinygrad-edu --help)"),
        (["train"], "one of the arguments xor|moons|circles|spirals|blobs --data is required"),
        (
            ["train", "moons", "--data", "x.csv"],
            "argument --data: not allowed with argument xor|moons|circles|spirals|blobs",
        ),
        (["train", "mons"], "invalid choice: 'mons'"),
        (["train", "moons", "--hidden", "a"], "'a' is not a list of sizes such as 16,16"),
        (["train", "moons", "--hidden=-3"], "'-3' is not a list of sizes such as 16,16, or 0"),
        (["train", "moons", "--hidden", "0,4"], "'0,4' is not a list of sizes"),
        (["train", "moons", "--activation", "rleu"], "unknown activation 'rleu'; it may be tanh, relu"),
        (["train", "moons", "--optimizer", "x"], "invalid choice: 'x'"),
        (["train", "moons", "--lr", "-1"], "lr = -1.0 is out of range"),
        (["train", "moons", "--lr", "1e300", "--activation", "relu"], "Try a smaller learning rate"),
        (["train", "moons", "--epochs", "many"], "invalid int value"),
        (["train", "moons", "--batch-size", "0"], "batch_size must be"),
        (["train", "moons", "--noise", "-1"], "noise = -1.0 is out of range"),
        (["train", "moons", "--points", "2"], "2 points are too few"),
        (["train", "--data", "nothing.csv"], "nothing.csv"),
        (["predict", "nothing.json", "1"], "nothing.json"),
        (["predict", "nothing.json", "nan"], "an input is not a finite number"),
        (["predict", "nothing.json", "one"], "invalid float value: 'one'"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_status_2(arguments, message, capsys):
    assert message in failing(*arguments, capsys=capsys)


def test_wrong_files_and_numbers_of_inputs_are_explained(tmp_path, capsys):
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"a": 1}))
    assert "model.json is damaged or not a model" in failing("predict", path, "1", capsys=capsys)
    path.write_text("1,a\n2,b\n")
    assert "2 points are too few" in failing("train", "--data", path, capsys=capsys)
    path.write_text("1,2,a\n3,four,b\n")
    assert "model.json, line 2: 'four' is not a number" in failing("train", "--data", path, capsys=capsys)
    nn.MLP(2, [1]).save(path)
    assert "expected 2 inputs, got 1" in failing("predict", path, "1", capsys=capsys)
    assert "Not a directory" in failing("train", "xor", "--out", path / "x", capsys=capsys) or os.name == "nt"


def test_help_is_there_for_every_command(capsys):
    for arguments in (["--help"], ["train", "--help"], ["predict", "--help"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert stop.value.code == 0
        assert "None" not in capsys.readouterr().out


def test_without_a_command_it_prints_the_help(capsys):
    assert told([], capsys) == told(["--help"], capsys)
    assert told([], capsys)[::2] == (0, "")


def test_interrupted_before_training_it_ends_quietly(capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_points", interrupt)
    assert run("train", "moons", capsys=capsys) == (130, "", "")


# ---- formulas --------------------------------------------------------------------------------------------------------

NEURON = ["tanh(w*x + b)", "w=0.5", "x=2", "b=-1"]


def told(arguments, capsys):
    """The status of a command, however it ends, and what it printed on stdout and stderr."""
    try:
        status = cli.main([str(a) for a in arguments])
    except SystemExit as stop:
        status = stop.code
    return status, *capsys.readouterr()


def neuron(label="y"):
    y, names = read(NEURON[0], assignments(NEURON[1:]))
    y.label = label
    return y, names


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.svg", b"<?xml"),
        ("a.PNG", b"\x89PNG"),
        ("new/folder/a.pdf", b"%PDF"),
        ("a b.dot", b"digraph"),
        ("-a.svg", b"<?xml"),
    ],
)
def test_draw_writes_the_picture_that_the_ending_says(name, start, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = f"./{name}" if name.startswith("-") else name
    assert told(["draw", *NEURON, "-o", name], capsys) == (0, f"wrote {name}\n", "")
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize(("command", "name"), [("draw", "drawing.svg"), ("page", "page.html")])
def test_without_a_name_the_file_gets_one(command, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert told([command, *NEURON], capsys) == (0, f"wrote {name}\n", "")
    assert os.listdir() == [name]


def test_a_drawing_shows_the_gradients_and_the_result_by_a_name(tmp_path, capsys):
    told(["draw", *NEURON, "-o", tmp_path / "a.svg"], capsys)
    text = (tmp_path / "a.svg").read_text(encoding="utf-8").replace("\u00a0", "").replace("&#160;", "")
    assert all(shown in text for shown in (">w<", ">y<", ">tanh<", "grad 2<", "grad 0.5<"))


@pytest.mark.parametrize("options", [[], ["--expand"]])
def test_a_formula_is_drawn_where_a_derivative_does_not_exist(options, tmp_path, capsys):
    path = tmp_path / "a.svg"
    status, out, err = told(["draw", "sqrt(x)*sigmoid(x)", "x=0", *options, "-o", path], capsys)
    assert (status, out) == (0, f"wrote {path}\n")
    assert err.startswith("tinygrad-edu draw: the derivative of sqrt at x = 0.0 is infinite")
    assert err.endswith(", so no gradient can be computed; every grad in the picture is 0\n")
    assert ">no derivative<" in path.read_text(encoding="utf-8")


def test_expand_opens_operations(tmp_path, capsys):
    for options, shown in (([], False), (["--expand"], True)):
        assert told(["draw", "sigmoid(x)", "x=1", *options, "-o", tmp_path / "a.svg"], capsys)[0] == 0
        assert (">exp<" in (tmp_path / "a.svg").read_text(encoding="utf-8")) is shown


def test_page_writes_a_page(tmp_path, capsys):
    path = tmp_path / "new" / "neuron.html"
    assert told(["page", *NEURON, "-o", path], capsys) == (0, f"wrote {path}\n", "")
    assert "<!doctype html>" in path.read_text(encoding="utf-8").lower()


def test_page_opens_the_page_and_says_if_there_is_no_browser(tmp_path, capsys, monkeypatch):
    path = tmp_path / "a page.html"
    opened, found = [], [True, False]
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or found[len(opened) - 1])
    assert told(["page", *NEURON, "-o", path, "--open"], capsys) == (0, f"wrote {path}\n", "")
    message = f"tinygrad-edu: no browser was found here; open {path} in one\n"
    assert told(["page", *NEURON, "-o", path, "--open"], capsys) == (0, f"wrote {path}\n", message)
    assert opened == [path.as_uri()] * 2


def test_explain_prints_the_explanation(capsys):
    y, names = neuron()
    for options, expected in (
        ([], f"{explain(y)}\n"),
        (["--markdown"], explain(y).to_markdown()),
        (["--latex"], explain(y).to_latex()),
        (["--wrt", "w"], f"{explain(y, wrt=names['w'])}\n"),
        (["--wrt=b", "--markdown"], explain(y, wrt=names["b"]).to_markdown()),
        (["--latex", "--wrt", "x"], explain(y, wrt=names["x"]).to_latex()),
    ):
        assert told(["explain", *NEURON, *options], capsys) == (0, expected, "")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["2*x", "x=1"], "y"),
        (["y*x", "x=1", "y=2"], "z"),
        (["f + y*z", "y=1", "z=2", "f=3"], "y1"),
        (["f + y*z - y1", "y=1", "z=2", "f=3", "y1=4"], "y2"),
        (["x", "x=2"], "x"),
        (["y", "y=2"], "y"),
        (["7"], "y"),
        (["v1*v2", "v1=2", "v2=3"], "y"),
    ],
)
def test_the_result_has_a_name_of_its_own(arguments, name, capsys):
    status, out, _ = told(["explain", *arguments], capsys)
    assert status == 0
    assert f"∂{name}/∂{name}" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["-w*x", "w=2", "x=-3", "--wrt", "x"],
        ["--wrt", "x", "-w*x", "w=2", "x=-3"],
        ["-w*x", "--wrt", "x", "w=2", "x=-3"],
        ["w=2", "-w*x", "x=-3", "--wrt=x"],
        ["--wrt=x", "--", "-w*x", "w=2", "x=-3"],
        ["--wrt", "x", "w=2", "x=-3", "-w*x"],
    ],
)
def test_options_and_numbers_stand_anywhere_and_a_formula_may_start_with_a_minus(arguments, capsys):
    status, out, err = told(["explain", *arguments], capsys)
    assert (status, err) == (0, "")
    assert out.startswith("∂y/∂x: one path from y to x")
    assert out.endswith("∂y/∂x = −2\n")


def test_numbers_stand_before_a_formula_that_names_an_operand_too(capsys):
    assert told(["explain", "x=2", "elu(x, alpha=2)"], capsys)[::2] == (0, "")


@pytest.mark.parametrize(
    "formula", ["-h*2", "-o*2", "- h", "--h + 1", "-(h)", "+h", "(-h)", "-sqrt(h)", "-h/o", "-2e-3*h"]
)
def test_a_formula_that_looks_like_an_option_is_a_formula(formula, capsys):
    numbers = [f"{name}=4" for name in "ho" if name in formula]
    assert told(["explain", formula, *numbers], capsys)[::2] == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["draw"], "the following arguments are required: FORMULA (see tinygrad-edu draw --help)"),
        (["draw", "x*2", "x=1", "-o"], "argument -o/--out: expected one argument (see tinygrad-edu draw --help)"),
        (["draw", "x*2", "x=1", "-o", ""], "the name of a picture ends in .svg or .png or .pdf or .dot, not ''"),
        (["draw", "x*2", "x=1", "-o", "a.gif"], "the name of a picture ends in .svg or .png or .pdf or .dot, not 'a.gif'"),
        (["draw", "x*2", "x=1", "-o", ".svg"], "the name of a picture ends in .svg or .png or .pdf or .dot, not '.svg'"),
        (["page", "x*2", "x=1", "-o", "a.svg"], "the name of a page ends in .html or .htm, not 'a.svg'"),
        (["page", "x*2", "x=1", "-o", "x=2"], "the name of a page ends in .html or .htm, not 'x=2'"),
        (["explain", "x", "x=1", "--latex", "--markdown"], "argument --markdown: not allowed with argument --latex (see tinygrad-edu explain --help)"),
        (["explain", "x", "x=1", "--wrt"], "argument --wrt: expected one argument (see tinygrad-edu explain --help)"),
        (["explain", "w*x", "x=1", "w=2", "--wrt", "y"], "the formula has no name 'y'; its names are x, w"),
        (["explain", "2", "--wrt", "x"], "the formula has no name 'x'; its names are none"),
        (["page", ""], "the formula is empty; write one such as tanh(w*x + b)"),
        (["draw", "tahn(x)", "x=1"], "there is no function tahn; did you mean tan, tanh, detach?\ntahn(x)\n^^^^"),
        (["page", "w*x", "w=1"], "x has no number; give it one: x=...\nw*x\n  ^"),
        (["explain", "-x^2", "x=1"], "'^' is not allowed in a formula; write ** for a power\n-x^2\n  ^"),
        (["explain", "y = w*x", "w=1"], "write what is right of =, and give numbers apart, as in w=0.5\ny = w*x\n  ^"),
        (["draw", "x", "x=1", "x=2"], "'x=2' gives x a second number; give it one"),
        (["draw", "x", "x=one"], "'x=one' does not give a number to a name; write it like w=0.5, and a formula with spaces between quotes"),
        (["draw", "x", "x=nan"], "'x=nan' does not give a number to a name; write it like w=0.5, and a formula with spaces between quotes"),
        (["draw", "x", "b", "x=1"], "'b' does not give a number to a name; write it like w=0.5, and a formula with spaces between quotes"),
        (["draw", "w*x", "+", "b", "w=1"], "'+' does not give a number to a name; write it like w=0.5, and a formula with spaces between quotes"),
        (["page", "log(x)", "x=-1"], "log of x = -1.0 is undefined\nlog(x)\n^^^^^^"),
        (["draw", "x*x", "X=3"], "x has no number; give it one: x=...; did you mean X?\nx*x\n^"),
        (["draw", "x", "x=1/0"], "'x=1/0' does not give a number to a name; write it like w=0.5, and a formula with spaces between quotes"),
        (["draw", "x*max", "x=1", "max=2"], "max is a function; give the number another name"),
        (["draw", "x" + "*x" * 600, "x=1"], "the graph has more than 500 values, too many to draw one by one"),
        (["draw", "--expand", "gelu(x)" + "*gelu(x)" * 99, "x=1"], "the graph has more than 500 values, too many to open one by one"),
        (["explain", "x" + "*x" * 600, "x=1"], "the graph has more than 500 values, too many to explain one by one"),
        (["page", "x" + "*x" * 600, "x=1"], "the graph has more than 500 values, too many to explain one by one"),
        (["draw", "-" * 9999 + "x", "x=1"], "the formula is nested too deeply; compute a part of it apart, or write a long sum as sum(a, b, ...)"),
        (["draw", "2", "-o", "file/a.svg"], "file/a.svg cannot be written: a part of its path is a file, not a folder"),
        (["page", "2", "-o", "file/a.html"], "file/a.html cannot be written: a part of its path is a file, not a folder"),
        (["draw", "2", "-o", "folder.svg"], "folder.svg cannot be written: "),
        (["page", "2", "-o", "folder.html"], "folder.html cannot be written: "),
        (["draw", "2", "-o", "a" * 300 + ".svg"], "a" * 300 + ".svg cannot be written: "),
    ],
    ids=lambda value: ascii(value)[:60],
)  # fmt: skip
def test_a_mistake_with_a_formula_is_told_and_nothing_is_written(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    os.makedirs("folder.svg")
    os.makedirs("folder.html")
    for name in ("drawing.svg", "page.html", "file"):
        (tmp_path / name).write_text("as it was")
    before = sorted(os.listdir())
    status, out, err = told(arguments, capsys)
    line = err.removesuffix("\n").removeprefix(f"tinygrad-edu {arguments[0]}: ")
    assert (status, out, err[:13]) == (2, "", "tinygrad-edu ")
    assert line == message or (message.endswith(": ") and line.startswith(message) and line.count("\n") == 0)
    assert sorted(os.listdir()) == before
    assert {(tmp_path / name).read_text() for name in ("drawing.svg", "page.html", "file")} == {"as it was"}


@pytest.mark.parametrize("command", [["draw", "2", "-o", "a\0.svg"], ["page", "2", "-o", "a\0.html"]], ids=ascii)
def test_a_name_that_no_file_can_have_is_an_error_like_others(command, capsys):
    status, out, err = told(command, capsys)
    assert (status, out) == (2, "")
    assert err.startswith(f"tinygrad-edu {command[0]}: ")


@pytest.mark.parametrize(
    ("command", "name"), [("draw", "a.svg"), ("draw", "new/a.dot"), ("page", "a.html"), ("page", "new/a.html")]
)
def test_without_graphviz_it_says_what_to_run(command, name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("shutil.which", lambda *_: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.svg").write_text("as it was")
    assert told([command, *NEURON, "-o", name], capsys) == (2, "", f"tinygrad-edu {command}: {MISSING}\n")
    assert os.listdir() == ["a.svg"]
    assert (tmp_path / "a.svg").read_text() == "as it was"
    assert told(["explain", *NEURON], capsys)[0] == 0


@pytest.mark.parametrize("command", ["draw", "explain", "page"])
def test_help_has_an_example_that_works(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments in ([command, "--help"], [command, "x", "-h"]):
        status, out, err = told(arguments, capsys)
        assert (status, err) == (0, "")
    description = " ".join(out.split("\n\n")[1].split())
    example = shlex.split(description.split("Example: ")[1])
    assert example[:2] == ["tinygrad-edu", command]
    assert told(example[1:], capsys)[::2] == (0, "")
    assert "leaky_relu" in out
    assert "abs, " in out


def test_interrupted_while_drawing_it_ends_quietly(monkeypatch, tmp_path, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinygrad_edu.cli.formula_commands.draw", interrupt)
    assert told(["draw", *NEURON, "-o", tmp_path / "a.svg"], capsys) == (130, "", "")


LONG = [
    "gelu(linear(x1, x2, w1, w2, b)) + logsumexp(x1, x2)*mean(x1, x2, w1, w2, b)",
    "x1=1",
    "x2=2",
    "w1=3",
    "w2=-1.25",
    "b=0.125",
]
MANY = ["x" + "*x" * 30, "x=1.1"]


@pytest.mark.parametrize("columns", [1, 40, 60, 80, 120])
@pytest.mark.parametrize("arguments", [NEURON, LONG, [*LONG, "--wrt", "b"], [*MANY, "--wrt", "x"]], ids=str)
def test_an_explanation_keeps_within_the_terminal(arguments, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    status, out, _ = told(["explain", *arguments], capsys)
    assert status == 0
    longest = max(map(len, out.splitlines()))
    words = max(len(word) for word in out.split())
    assert longest <= max(columns, words + 4)
    assert longest <= columns or columns == 1


IN_ASCII = """\
Forward: each value from those before it

value  formula      in numbers   result
-----  -----------  -----------  -------
x      input                     4
v1     sqrt x       sqrt 4       2
v2     x*(1*10^-7)  4*(1*10^-7)  4*10^-7
y      v1 - v2      2 - 4*10^-7  2

Backward: each use of a value adds its contribution to the grad

derivative  rule                         upstream * local = contribution  grad
----------  ---------------------------  -------------------------------  --------
dy/dy       where it starts                                               1
dy/dv1      d(v1 - v2)/dv1 = 1           1 * 1 = 1                        1
dy/dv2      d(v1 - v2)/dv2 = -1          1 * (-1) = -1                    -1
dy/dx       d(x*(1*10^-7))/dx = 1*10^-7  (-1) * (1*10^-7) = -1*10^-7      -1*10^-7
dy/dx       d(sqrt x)/dx = 0.5 / sqrt x  1 * 0.25 = 0.25                  0.25
"""


def test_the_signs_that_an_explanation_may_have_are_typed_in_ascii():
    assert plain("∂(x₍₁₎·x₍₁₂₎)/∂x₍₁₎ = x₍₁₂₎") == "d(x_(1)*x_(12))/dx_(1) = x_(12)"
    assert plain("√x₍₁₎ + x₍₂₎² → σ(x₀)⁻¹") == "sqrt x_(1) + x_(2)^2 -> sigmoid(x_0)^-1"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
def test_an_explanation_can_be_read_where_signs_are_missing(encoding, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    for form in ([], ["--latex"], ["--markdown"], ["--wrt", "x"]):
        with io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n") as stdout:
            monkeypatch.setattr(sys, "stdout", stdout)
            assert cli.main(["explain", "sqrt(x) - x*1e-7", "x=4", *form]) == 0
            text = stdout.buffer.getvalue().decode(encoding)
        assert "?" not in text
        assert form or text == IN_ASCII


WILD = st.one_of(
    st.text(max_size=8),
    st.sampled_from([*NEURON, "x*y", "-x", "--x", "x=1", "y=-2", "--", "-", "-o", "-oa", "--wrt", "--wrt=x", "x", "--latex", "--markdown", "=",
        "--=", "--wrt=", "\ud800", "\0", "--out", "é=1", "-x=2", "1e999"]),
)  # fmt: skip


@given(st.lists(WILD, max_size=6))
def test_whatever_is_typed_ends_with_a_status(arguments):
    try:
        status = cli.main(["explain", *arguments])
    except SystemExit as stop:
        status = stop.code
    assert status in (0, 2)


# ---- as a process ----------------------------------------------------------------------------------------------------


def process(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "tinygrad_edu", *arguments], capture_output=True, text=True, check=False,
                          timeout=60, **options)  # fmt: skip


def test_the_module_runs_and_passes_the_status_on():
    assert process("train", "xor", "--epochs", "1").returncode == 0
    wrong = process("predict", "nothing.json", "1")
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr


def test_a_terminal_without_the_characters_gets_others():
    plain = process("train", "xor", "--epochs", "1", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert plain.returncode == 0
    assert plain.stdout.isascii()
    assert ". x class 1" in plain.stdout


def test_a_reader_that_stops_reading_is_no_error():
    command = f'"{sys.executable}" -m tinygrad_edu train xor --epochs 1 | head -c 5'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""


def test_bytes_that_are_no_text_are_an_error_like_others():
    command = [sys.executable, "-m", "tinygrad_edu", "explain", b"x + \xff", "x=1"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith(b"tinygrad-edu explain: '\\udcff' is not allowed in a formula")
    assert b"Traceback" not in done.stderr


# ---- playground ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["moons", "blobs"])
def test_a_playground_is_written_and_opened_if_asked(name, tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    out = tmp_path / "new folder" / "page.html"
    arguments = ["playground", name, "--hidden", "3", "--points", "12", "-o", out]
    assert told(arguments, capsys) == (0, f"wrote {out}\n", "")
    assert f"A network learns: {name}" in out.read_text(encoding="utf-8")
    assert opened == []
    assert told([*arguments, "--open"], capsys)[0] == 0
    assert opened == [out.as_uri()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mons"], "invalid choice: 'mons'"),
        (["moons", "-o", "page.txt"], "the name of a page ends in .html or .htm, not 'page.txt'"),
        (["moons", "--hidden", "40,40"], "of at most 400 parameters; this one has 1,801"),
        (["moons", "--points", "5000"], "at most 4 classes and 1,000 points"),
    ],
)
def test_a_playground_that_cannot_be_is_refused(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert message in failing("playground", *arguments, capsys=capsys)
    assert [*tmp_path.iterdir()] == []
