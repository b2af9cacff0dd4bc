"""The demo of a GPT: its loss is that of the same program in single additions and products, and names get better."""

import random
import re

import plain_gpt
import pytest
from samples import demo

from tinygrad_edu import compile, optim, tree_map

pytestmark = pytest.mark.thorough

gpt = demo("gpt")


def parameters(weights):
    return [weight for matrix in weights.values() for row in matrix for weight in row]


def example(name):
    return gpt.one_hot(f".{name}"), gpt.one_hot(f"{name}.", 1 / (len(name) + 1))


def embedded(weights, letter):
    return [row[gpt.LETTERS.index(letter)] for row in weights["letter"]]


def losses(weights, one_step):
    """The losses of 20 steps of Adam, on names of all lengths."""
    adam = optim.Adam(parameters(weights), lr=0.01, betas=(0.85, 0.99))
    found = []
    for name in sorted(gpt.NAMES, key=len)[::50]:
        adam.zero_grad()
        found.append(one_step(name))
        adam.step()
    return found


def recorded(loss):
    loss.backward()
    return loss.data


@pytest.fixture(scope="module")
def plain_losses():
    weights = gpt.random_weights()
    return losses(weights, lambda name: recorded(plain_gpt.loss(weights, name)))


def test_recorded_it_learns_as_the_plain_program_does(plain_losses):
    weights = gpt.random_weights()
    found = losses(weights, lambda name: recorded(gpt.loss(weights, *example(name))))
    assert len(found) == 20
    assert found == pytest.approx(plain_losses, rel=1e-12, abs=0)


def test_compiled_it_learns_as_the_plain_program_does(plain_losses):
    weights = gpt.random_weights()
    compiled = compile(lambda letters, targets: gpt.loss(weights, letters, targets), *example("anna"))
    assert {*compiled.outside} == {*parameters(weights)}
    found = losses(weights, lambda name: compiled.backward(*example(name)))
    assert found == pytest.approx(plain_losses, rel=1e-12, abs=0)


def test_it_has_some_4000_weights():
    assert len(parameters(gpt.random_weights())) == 4112


def test_names_look_like_names_and_fit():
    assert len({*gpt.NAMES}) == len(gpt.NAMES) == 1000
    assert {*"".join(gpt.NAMES)} == {*gpt.LETTERS} - {"."}
    assert max(map(len, gpt.NAMES)) == gpt.LENGTH - 1


def test_what_comes_after_a_letter_does_not_depend_on_later_ones():
    weights = tree_map(lambda weight: weight.data, gpt.random_weights())
    scores = []
    for name in ("anna", "andy"):
        memory = []
        scores.append([gpt.read(weights, embedded(weights, letter), memory)[0] for letter in f".{name}"])
    assert scores[0][:3] == scores[1][:3]
    assert scores[0][3] != scores[1][3]


def test_each_head_shares_its_attention_among_the_letters_so_far():
    weights = tree_map(lambda weight: weight.data, gpt.random_weights())
    memory = []
    for count, letter in enumerate(".emma", 1):
        _, shares = gpt.read(weights, embedded(weights, letter), memory)
        assert [len(share) for share in shares] == [count] * gpt.HEADS
        assert [sum(share) for share in shares] == pytest.approx([1.0] * gpt.HEADS)


def test_an_invented_name_ends_and_consists_of_letters():
    weights, rng = gpt.random_weights(), random.Random(0)
    for _ in range(10):
        assert re.fullmatch(r"[a-z.]{0,11}", gpt.invent(weights, rng))


def test_it_learns_and_writes_a_picture(tmp_path, capsys):
    gpt.main(tmp_path / "gpt.png", steps=200)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 110
    first, second = map(float, re.findall(r"^ +\d00 names, loss (\d\.\d\d): \w", printed, re.MULTILINE))
    assert second < first < 3.2  # log(27) = 3.3 is to know nothing
    assert re.search(r"^invented: \w+, \w+", printed, re.MULTILINE)
    assert (tmp_path / "gpt.png").read_bytes().startswith(b"\x89PNG")
