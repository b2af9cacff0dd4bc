"""Handwritten digits, read by a network of single numbers in pure Python.

Scikit-learn comes with 1,797 digits that people wrote by hand, as images of
8 x 8 pixels. The network has 64 inputs, one for each pixel, 32 hidden neurons
with relu, and 10 outputs, one for each digit: 2,410 weights and biases. The
largest output is its answer. It learns from three quarters of the images, with
cross-entropy, Adam and batches of 32, and is tested on the other quarter, from
which it does not learn.

The engine knows single numbers only, no arrays. What makes it fast enough is
that `fit` compiles the network and its loss to plain Python first; recorded
anew for each batch, the training takes five times as long. Libraries of arrays
are faster still: scikit-learn's own MLPClassifier needs a thirtieth of the time
for the same sizes, batches and epochs. The point is not speed. It is that each
product, and each derivative, is ordinary Python that you can read.

How good is it? The network starts from random weights, and which images are
held out is random too. With seven other seeds 95.6 to 98.2 % of the answers
were right. One image is 0.2 %, so small differences mean nothing. The learning
rate and the size of the batches were chosen, from three pairs, by a look at the
held-out images, so new images would be read a little less well.
"""

import random
import time

from tinygrad_edu import compile_loss, fit, losses, nn, optim

EPOCHS = 20
ENOUGH = 0.95
SHADES = " ░▒▓█"  # from paper to ink
SHOWN = 4  # drawings side by side; more are wider than a terminal


def digits():
    """Pairs of an image, 64 numbers from 0 (paper) to 1 (ink), and the digit that it shows."""
    from sklearn.datasets import load_digits

    images, answers = load_digits(return_X_y=True)
    return [([pixel / 16 for pixel in image], answer) for image, answer in zip(images.tolist(), answers.tolist())]


def split(examples, seed=0):
    """Three quarters of the examples to learn from and one quarter to hold out, in random order."""
    shuffled = random.Random(seed).sample(examples, len(examples))
    quarter = len(examples) // 4
    return shuffled[quarter:], shuffled[:quarter]


def train(training, held_out, epochs=EPOCHS, seed=0):
    """The history of the training, and how it reads the held-out images after each epoch."""
    model = nn.MLP(64, [32, 10], "relu", seed=seed)
    predict = compile_loss(model, losses.cross_entropy).predict
    images, _ = zip(*held_out)
    said = []

    def ask(epoch, history):
        said.append([scores.index(max(scores)) for scores in predict(images)])

    history = fit(model, *zip(*training), loss=losses.cross_entropy, optimizer=optim.Adam(model.parameters(), lr=0.01),
                  epochs=epochs, batch_size=32, seed=seed, on_epoch=ask)  # fmt: skip
    return history, said


def share_right(said, held_out):
    """The share of right answers."""
    return sum(answer == right for answer, (_, right) in zip(said, held_out)) / len(held_out)


def confusion(said, held_out):
    """How often each digit (row) was taken for each digit (column)."""
    table = [[0] * 10 for _ in range(10)]
    for answer, (_, right) in zip(said, held_out):
        table[right][answer] += 1
    return table


# ---- what is printed -------------------------------------------------------------------------------------------------


def drawing(image):
    """Eight lines of text, with two characters for each pixel, since a character is about half as wide as high."""
    shades = [SHADES[round(pixel * (len(SHADES) - 1))] * 2 for pixel in image]
    return ["".join(shades[i : i + 8]) for i in range(0, 64, 8)]


def print_training(history, shares):
    first = next((epoch for epoch, share in enumerate(shares, 1) if share >= ENOUGH), None)
    reached = f"first after epoch {first}" if first else "not reached"
    print(f"compiling and training:     {history.seconds:.1f} s, with a test after each epoch")
    print(f"held-out images read right: {shares[-1]:.1%} after {len(shares)} epoch{'s' * (len(shares) > 1)}")
    print(f"at least {ENOUGH:.0%} of them:       {reached}")


def print_confusion(table):
    print("\nrows: the digit that it is; columns: what the network read\n")
    print("     " + "".join(f"{digit:5}" for digit in range(10)))
    print("     " + "─" * 50)
    for digit, row in enumerate(table):
        print(f"{digit:3} │" + "".join(f"{count or '·':>5}" for count in row))


def print_mistakes(said, held_out):
    wrong = [(image, right, answer) for answer, (image, right) in zip(said, held_out) if answer != right]
    print(f"\nread wrong: {len(wrong)} of {len(held_out)}" + f", such as these {SHOWN}\n" * (len(wrong) > SHOWN))
    blocks = [[*drawing(image), "", f"it is {right}", f"read as {answer}"] for image, right, answer in wrong[:SHOWN]]
    for lines in zip(*blocks):
        print("    ".join(f"{line:16}" for line in lines).rstrip())


def main(epochs=EPOCHS):
    print(__doc__)
    started = time.perf_counter()
    try:
        examples = digits()
    except ImportError:
        print('no digits without scikit-learn: pip install "tinygrad_edu[demos]"')
        print('or, in a clone of the repository: .venv/bin/pip install -e ".[demos]"')
        return
    training, held_out = split(examples)
    print(f"{len(training)} images to learn from, {len(held_out)} held out\n")
    history, said = train(training, held_out, epochs)
    if not said:  # Ctrl-C in the first epoch
        return
    print_training(history, [share_right(answers, held_out) for answers in said])
    print_confusion(confusion(said[-1], held_out))
    print_mistakes(said[-1], held_out)
    print(f"\nAll of this took {time.perf_counter() - started:.1f} s.")


if __name__ == "__main__":
    main()
