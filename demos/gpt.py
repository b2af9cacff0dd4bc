"""A transformer that learns names letter by letter, and then invents some: a GPT made of 4,112 single numbers.

It is built like GPT-2, as small as Karpathy's microgpt. The loss is compiled once, for the longest name: what others
lack has targets of 0, and counts nothing. Writes what the heads look at to gpt.png (or to the path given).
"""

import pathlib
import random
import sys

from tqdm import tqdm

from tinygrad_edu import Value, compile, dot, logsumexp, mean, optim, relu, softmax, tree_map

NAMES = pathlib.Path(__file__).with_name("names.txt").read_text(encoding="utf-8").split()
LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # "." begins and ends every name
WIDTH, HEADS, HIDDEN, LENGTH = 16, 4, 64, 1 + max(map(len, NAMES))  # with the "." at the beginning
SIZES = {"letter": (WIDTH, len(LETTERS)), "place": (LENGTH, WIDTH), "hidden": (HIDDEN, WIDTH), "out": (WIDTH, HIDDEN),
         "score": (len(LETTERS), WIDTH), **dict.fromkeys(["query", "key", "value", "mix"], (WIDTH, WIDTH))}  # fmt: skip


def random_weights(seed=0):
    normal = random.Random(seed).gauss
    return {name: [tuple(Value(normal(0, 0.08), f"{name}[{i}][{j}]") for j in range(n)) for i in range(m)]
            for name, (m, n) in SIZES.items()}  # fmt: skip


def times(matrix, x):
    x = tuple(x)  # which all rows share
    return [dot(row, x) for row in matrix]


def normed(x):
    """The same direction with numbers of about 1, so that nothing grows or fades from step to step."""
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]


def attention(head, query, memory):
    """What a head takes from the letters so far: of each letter's value, as far as its key fits the query."""
    own = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
    shares = softmax([dot(query[own], key[own]) / (WIDTH / HEADS) ** 0.5 for key, _ in memory])
    return [dot(shares, channel) for channel in zip(*[value[own] for _, value in memory])], shares


def read(weights, letter, memory):
    """The scores of what comes after one more letter (its 16 numbers), and the shares of the heads."""
    x = normed([a + b for a, b in zip(letter, weights["place"][len(memory)])])
    memory.append((times(weights["key"], x), times(weights["value"], x)))
    query = times(weights["query"], x)
    taken, shares = zip(*[attention(head, query, memory) for head in range(HEADS)])
    x = [a + b for a, b in zip(x, times(weights["mix"], [t for part in taken for t in part]))]
    hidden = [relu(h) for h in times(weights["hidden"], normed(x))]
    x = [a + b for a, b in zip(x, times(weights["out"], hidden))]
    return times(weights["score"], x), shares


def loss(weights, letters, targets):
    """The mean of -log(chance of the next letter): a target is 1/n for that letter, and 0 for the others."""
    memory = []
    scores = [read(weights, times(weights["letter"], letter), memory)[0] for letter in letters]
    return sum(sum(target) * logsumexp(row) - dot(target, row) for row, target in zip(scores, targets))


def one_hot(text, hot=1.0):
    """For each letter a row of 0s that is hot in its own place, and rows of 0s up to the full length."""
    return [[hot * (letter == one) for one in LETTERS] for letter in text.ljust(LENGTH)]


def train(weights, steps):
    """Learn from one name in each step; print the loss and some inventions after every hundred."""
    losses, rng = [], random.Random(1)
    examples = [(one_hot(f".{name}"), one_hot(f"{name}.", 1 / (len(name) + 1))) for name in NAMES]
    compiled = compile(lambda letters, targets: loss(weights, letters, targets), *examples[0])
    adam = optim.Adam(compiled.outside, betas=(0.85, 0.99))
    for step in tqdm(range(steps), "names", disable=None):
        adam.lr = 0.01 * (1 - step / steps)
        adam.zero_grad()
        losses.append(compiled.backward(*rng.choice(examples)))
        adam.step()
        if step % 100 == 99:
            some = [invent(weights, rng) for _ in range(4)]
            tqdm.write(f"{step + 1:5} names, loss {mean(losses[-100:]):.2f}: {', '.join(some)}")
    return losses


def invent(weights, rng, temperature=0.5):
    """A name, letter by letter; the lower the temperature, the more often the likeliest."""
    plain, memory, name = tree_map(lambda weight: weight.data, weights), [], "."
    while len(memory) < LENGTH and not name.endswith(".", 1):
        scores, _ = read(plain, times(plain["letter"], one_hot(name[-1])[0]), memory)
        name += rng.choices(LETTERS, softmax([score / temperature for score in scores]))[0]
    return name.strip(".")


def draw_attention(weights, name, path):
    from matplotlib.figure import Figure

    letters, memory, figure = f".{name}", [], Figure(figsize=(12.5, 3.2), layout="constrained")
    looks = [read(weights, times(weights["letter"], letter), memory)[1] for letter in one_hot(letters)[: len(letters)]]
    for head, ax in enumerate(figure.subplots(1, HEADS)):
        rows = [[share.data for share in row[head]] + [float("nan")] * (len(name) - i) for i, row in enumerate(looks)]
        image = ax.imshow(rows, "Blues", vmin=0, vmax=1)
        ax.set(title=f"where head {head + 1} looks", facecolor="0.93", xticks=range(len(rows)), xticklabels=letters)
        ax.set_yticks(range(len(rows)), [f"{here} → {after}" for here, after in zip(letters, f"{name}.")])
    figure.colorbar(image, ax=figure.axes, label="share of attention")
    figure.supylabel("letter read → letter to guess", fontsize="medium")
    figure.savefig(path, dpi=120)


def main(path="gpt.png", steps=1000):
    print("compiling the loss, then learning from one name in each step ...")
    weights, rng = random_weights(), random.Random(2)
    train(weights, steps)
    print("\ninvented:", ", ".join(sorted({invent(weights, rng) for _ in range(8)} - {*NAMES})))
    draw_attention(weights, "isabella", path)


if __name__ == "__main__":
    main(*sys.argv[1:2])
