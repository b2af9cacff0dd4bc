"""The command line, run as a person runs it."""

import csv
import json
import os
import signal
import subprocess
import sys

import pytest

from tinygrad_edu import cli, nn

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


@pytest.mark.parametrize("header", [None, "x,y,label", "label,x,y", "a,b,kind", "Class\tx\ty"])
def test_points_of_ones_own(header, tmp_path, capsys):
    path = tmp_path / "points.csv"
    first = header is not None and header[:1].lower() in "lc"
    rows = [(k, 1000 + 100 * x, y) if first else (1000 + 100 * x, y, k) for x, y, k in POINTS]
    text = (header + "\n" if header else "") + "".join(f"{a}, {b},{c}\n" for a, b, c in rows) + "\n"
    text = text.replace(",", "\t") if header and "\t" in header else text
    path.write_text(text, encoding="utf-8-sig")
    status, printed, _ = run("train", "--data", path, "--epochs", 150, "--out", tmp_path / "out", capsys=capsys)
    assert status == 0
    assert "27 points to learn from, 9 held out" in printed
    assert "o class cat" in printed
    for x, y, kind in POINTS[::5]:
        status, printed, _ = run("predict", tmp_path / "out" / "model.json", 1000 + 100 * x, y, capsys=capsys)
        assert status == 0
        assert printed.startswith(f"class {kind} (probability ")


def test_a_column_of_one_number_does_not_matter(tmp_path, capsys):
    path = tmp_path / "points.csv"
    path.write_text("".join(f"{x},0.1,{'a' if x < 0 else 'b'}\n" for x, _, _ in POINTS))
    assert run("train", "--data", path, "--hidden", 4, "--out", tmp_path, capsys=capsys)[0] == 0
    for x, constant in ((-1, 0.1), (-1, 0.10001), (1, 0.1), (1, 0.10001)):
        printed = run("predict", tmp_path / "model.json", x, constant, capsys=capsys)[1]
        assert printed.startswith("class a" if x < 0 else "class b")


def test_a_file_in_another_encoding_is_named(tmp_path, capsys):
    path = tmp_path / "points.csv"
    path.write_bytes("1,2,caf\xe9\n3,4,th\xe9\n".encode("latin-1"))
    assert "points.csv is not UTF-8 text" in failing("train", "--data", path, capsys=capsys)


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: train | predict"),
        (["fly"], "invalid choice: 'fly'"),
        (["train"], "name a data set (xor, moons, circles, spirals or blobs) or give one with --data FILE"),
        (["train", "moons", "--data", "x.csv"], "give either the data set moons or --data x.csv, not both"),
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds 0 points"),
        (
            "1,2,a\n3,4,a\n5,6,a\n",
            "holds 3 points of 1 class, where 2 to 20 are expected; the class is taken from column 3",
        ),
        ("1,2,a\n3,four,b\n", "line 2: 'four' is not a number"),
        ("1,2,a\n3,inf,b\n", "line 2: 'inf' is not a number"),
        ("1,2,a\n\n3,b\n", "line 3: expected 3 columns between ',', found 2"),
        ("1\n2\n", "expected 2 columns between ',', found 1"),
        ("1,a\n2,b\n", "2 points are too few"),
        ("1;2;a\n3;b\n", "line 2: expected 3 columns between ';', found 2"),
        ("1,2,a\n3,4, \n", "line 2: the class is missing"),
        ("".join(f"{i},{i}\n" for i in range(30)), "holds 30 points of 30 classes, where 2 to 20 are expected"),
    ],
)
def test_a_mistake_in_a_file_of_points_is_pointed_at(text, message, tmp_path, capsys):
    path = tmp_path / "points.csv"
    path.write_text(text)
    assert message in failing("train", "--data", path, capsys=capsys)


def test_wrong_files_and_numbers_of_inputs_are_explained(tmp_path, capsys):
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"a": 1}))
    assert "model.json is damaged or not a model" in failing("predict", path, "1", capsys=capsys)
    nn.MLP(2, [1]).save(path)
    assert "expected 2 inputs, got 1" in failing("predict", path, "1", capsys=capsys)
    assert "Not a directory" in failing("train", "xor", "--out", path / "x", capsys=capsys) or os.name == "nt"


def test_help_is_there_for_every_command(capsys):
    for arguments in (["--help"], ["train", "--help"], ["predict", "--help"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert stop.value.code == 0
        assert "None" not in capsys.readouterr().out


def test_interrupted_before_training_it_ends_quietly(capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_points", interrupt)
    assert run("train", "moons", capsys=capsys) == (130, "", "")


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
