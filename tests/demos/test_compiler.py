"""The demos of the compiler: what the network of the digits learns, and the code of a neuron beside its formulas."""

import os
import pathlib
import random
import re
import subprocess
import sys

import pytest
from samples import demo

from tinygrad_edu import compile

DEMOS = pathlib.Path(__file__).parents[2] / "demos"


digits, compiler = demo("digits"), demo("compiler")


def run(name, call, tmp_path):
    """What the script prints, somewhere else than here, with ``call`` in the place of ``main()``."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"}
    program = f"import runpy; runpy.run_path({os.fspath(DEMOS / name)!r}){call}"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True,
                          encoding="utf-8", env=environment, check=True, timeout=120)  # fmt: skip
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80  # as wide as a terminal
    return done.stdout


# ---- digits ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts():
    return digits.split(digits.digits())


@pytest.mark.thorough
def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    examples, original = digits.digits(), load_digits()
    assert len(examples) == 1797
    for (image, answer), pixels, target in zip(examples, original.data, original.target, strict=True):
        assert [16 * pixel for pixel in image] == list(pixels)
        assert type(answer) is int
        assert answer == target


def test_a_quarter_is_held_out_and_shares_no_image_with_the_rest(parts):
    training, held_out = parts
    assert (len(training), len(held_out)) == (1348, 449)
    seen, new = ({tuple(image) for image, _ in part} for part in parts)
    assert not seen & new
    assert sorted([*training, *held_out]) == sorted(digits.digits())
    assert {answer for _, answer in held_out} == {*range(10)}


def test_the_network_reads_digits_after_few_epochs(parts):
    history, said = digits.train(*parts, epochs=3)
    shares = [digits.share_right(answers, parts[1]) for answers in said]
    assert history.compiled
    assert len(shares) == 3
    assert shares[-1] > 0.9
    random.seed(0)
    guesses = [random.randrange(10) for _ in parts[1]]
    assert digits.share_right(guesses, parts[1]) < 0.2


def test_the_confusion_table_adds_up(parts):
    _, held_out = parts
    rng = random.Random(0)
    said = [right if rng.random() < 0.8 else rng.randrange(10) for _, right in held_out]
    table = digits.confusion(said, held_out)
    answers = [right for _, right in held_out]
    assert [sum(row) for row in table] == [answers.count(digit) for digit in range(10)]
    assert [sum(column) for column in zip(*table)] == [said.count(digit) for digit in range(10)]
    assert sum(table[i][i] for i in range(10)) == pytest.approx(digits.share_right(said, held_out) * len(held_out))
    assert table[3][5] == sum(right == 3 and answer == 5 for answer, right in zip(said, answers))


def test_a_drawing_has_two_characters_for_each_pixel():
    image = [0.0] * 64
    image[8 + 2], image[63] = 1.0, 0.5
    lines = digits.drawing(image)
    assert [len(line) for line in lines] == [16] * 8
    assert lines[1] == " " * 4 + "██" + " " * 10
    assert lines[7] == " " * 14 + "▒▒"


@pytest.mark.thorough
def test_digits_tells_how_it_went(tmp_path):
    printed = run("digits.py", "['main'](epochs=4)", tmp_path)
    assert re.search(r"compiling and training: +\d+\.\d s", printed)
    assert re.search(r"read right: 9\d\.\d% after 4 epochs", printed)
    assert re.search(r"at least 95% of them: +(not reached|first after epoch \d)\n", printed)
    assert re.search(r"All of this took \d+\.\d s\.\n$", printed)
    table = re.findall(r"^  (\d) │(.*)$", printed, re.MULTILINE)
    assert [int(digit) for digit, _ in table] == [*range(10)]
    counts = [[0 if cell == "·" else int(cell) for cell in cells.split()] for _, cells in table]
    assert sum(map(sum, counts)) == 449
    wrong = 449 - sum(counts[i][i] for i in range(10))
    assert f"read wrong: {wrong} of 449" in printed
    pairs = zip(*[map(int, re.findall(rf"\b{words} (\d)\b", printed)) for words in ("it is", "read as")], strict=True)
    for right, answer in pairs:
        assert right != answer
        assert counts[right][answer] > 0


def test_digits_says_when_enough_were_right_for_the_first_time(capsys):
    history, _ = digits.train([([0.0] * 64, 0)], [([0.0] * 64, 0)], epochs=1)
    digits.print_training(history, [0.5, 0.95, 0.9, 0.96])
    assert "first after epoch 2\n" in capsys.readouterr().out
    digits.print_training(history, [0.94])
    assert "not reached\n" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [0, 1, 4, 5])
def test_digits_shows_at_most_a_few_mistakes(wrong, parts, capsys):
    held_out = parts[1][:20]
    digits.print_mistakes(
        [right if i >= wrong else (right + 1) % 10 for i, (_, right) in enumerate(held_out)], held_out
    )
    printed = capsys.readouterr().out
    assert f"read wrong: {wrong} of 20" in printed
    assert printed.count("it is") == printed.count("read as") == min(wrong, 4)
    assert ("such as these" in printed) == (wrong > 4)


def test_digits_without_scikit_learn_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    digits.main()
    message = capsys.readouterr().out.removeprefix(digits.__doc__ + "\n")
    assert 'pip install "tinygrad_edu[demos]"' in message
    assert '.venv/bin/pip install -e ".[demos]"' in message
    assert len(message.splitlines()) == 2


# ---- the compiler ----------------------------------------------------------------------------------------------------


def places():
    rng = random.Random(1)
    return [compiler.NUMBERS, *[tuple(rng.uniform(-1, 1) for _ in range(6)) for _ in range(50)]]


def lines_of_code():
    return compiler.function_lines(compiler.compiled().source)


def test_the_three_ways_agree():
    for numbers in places():
        hand, compiled, recorded = compiler.three_ways(numbers)
        assert compiled == pytest.approx(hand, rel=1e-12, abs=1e-12)
        assert recorded == pytest.approx(hand, rel=1e-12, abs=1e-12)


def test_the_code_is_real():
    code = {}
    exec(compiler.compiled().source, code)
    for numbers in places():
        value, slopes = code["value_and_gradient"](*numbers)
        assert [value, *slopes] == pytest.approx(compiler.three_ways(numbers)[0], rel=1e-12, abs=1e-12)


def test_every_formula_of_the_textbook_is_paired_with_a_line_and_every_line_with_a_formula():
    rows = compiler.paired(lines_of_code())
    paired = [formula for _, formulas in rows for formula in formulas]
    assert sorted(paired) == sorted(compiler.TEXTBOOK.values())
    assert all(formulas for line, formulas in rows if " = " in line)
    assert [line for line, formulas in rows if not formulas and not line.strip().startswith("#")] == [
        rows[0][0],
        rows[-1][0],
    ]


def textbook_in_python(formula):
    """``dL/dz = dL/da (1−a²)`` as ``dLdz = dLda * (1-a**2)``."""
    for written, meant in (("tanh z", "tanh(z)"), ("−", "-"), ("²", "**2"), ("/", ""), ("₁", "1"), ("₂", "2")):
        formula = formula.replace(written, meant)
    name, right = formula.split(" = ")
    right = re.sub(r"(w\d)(x\d)", r"\1 * \2", right)
    return name, re.sub(r"\b(2|dLd\w) (?=[\w(])", r"\1 * ", right)


def test_a_line_computes_the_same_number_as_the_formula_beside_it():
    """Both are run as they are printed, so the pairs are right whatever the compiler calls what it computes."""
    for numbers in places():
        given = dict(zip(compiler.NAMES, numbers))
        code = {**given, "tanh": compiler.math.tanh}
        for line in lines_of_code()[1:-1]:
            exec(line.strip(), code)
        book = {**given, "tanh": compiler.math.tanh}
        for formula in compiler.TEXTBOOK.values():
            name, right = textbook_in_python(formula)
            book[name] = eval(right, book)
        for line, formulas in compiler.paired(lines_of_code()):
            for formula in formulas:
                computed = code[line.partition(" = ")[0].strip()]
                assert computed == pytest.approx(book[textbook_in_python(formula)[0]], rel=1e-12, abs=1e-12)


def test_a_formula_without_a_line_is_an_error():
    lines = lines_of_code()
    without = [line for line in lines if not line.strip().startswith("d_w2 =")]
    assert len(without) == len(lines) - 1
    with pytest.raises(LookupError, match="dL/dw₂ = dL/dz x₂"):
        compiler.paired(without)


def test_the_code_is_that_of_the_function_shown():
    source = compile(compiler.loss, *compiler.NUMBERS).source
    assert all(line in source.splitlines() for line in lines_of_code())
    assert lines_of_code()[0].startswith("def value_and_gradient(w1, w2, b, x1, x2, y)")
    assert lines_of_code()[-1].strip().startswith("return L, (")


def test_the_compiler_demo_shows_code_numbers_and_times(tmp_path):
    printed = run("compiler.py", "['main'](seconds=0.01)", tmp_path)
    in_c = compiler.c_statements(compiler.compiled().c_source)
    for line in lines_of_code()[1:-1]:
        statement = line.strip()
        assert statement in printed
        assert statement.startswith("#") or in_c[statement.split()[0]] in printed
    for formula in compiler.TEXTBOOK.values():
        assert formula in printed
    assert float(re.search(r"largest difference: (\S+)", printed)[1]) < 1e-12
    rows = re.findall(
        r"^(the neuron|MLP 2-16-16-1), \d+ examples? +(\S+) [µm]s +(\S+) [µm]s +(\S+)$", printed, re.MULTILINE
    )
    assert len(rows) == 2
    for _, recorded, compiled, ratio in rows:
        assert float(ratio) == pytest.approx(float(recorded) / float(compiled), rel=0.05)
    assert float(rows[1][3]) > 2
