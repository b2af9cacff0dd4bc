"""Article C: XOR with a network 2-4-1 of sigmoids, and the loss that it really descends.

The article prints the mean squared error every 100 epochs, and starts its backward formulas from the error a2 - y. The
engine needs no such formula, so it can be asked which loss has the derivative a2 - y with respect to the output's score
z2. It is binary cross-entropy. The derivative of the squared error is 2 (a2 - y) a2 (1 - a2), which is smaller, and
smallest where the network is most wrong.

So the article prints one loss and descends another. This demo trains the same network on each, from the same weights
(N(0, 1), biases 0) at the article's rate of 0.1, over all four points at once for 10,000 epochs, and prints the squared
error of both every 1,000.
"""

import random

from tinygrad_edu import data, fit, losses, nn, no_grad, optim, sigmoid

EPOCHS = 10_000


def build(seed=1):
    """The article's network, which gives the score z2 before the last sigmoid."""
    rng = random.Random(seed)
    return nn.MLP(2, [4, 1], "sigmoid", init=lambda: rng.gauss(0, 1))


def squared_error(score, target):
    """What the article prints, for one point."""
    return losses.mse(sigmoid(score), target)


LOSSES = {"squared error": squared_error, "cross-entropy": losses.binary_cross_entropy_with_logits}


def output_derivatives(model, inputs, target):
    """a2 - y, and the derivative of each loss with respect to the score z2."""
    derivatives = {}
    for name, loss in LOSSES.items():
        score = model(inputs)
        loss(score, target).backward()
        derivatives[name] = score.grad
    return sigmoid(score).data - target, derivatives


def train(loss, epochs):
    """The squared error after each epoch of training on ``loss``."""
    model = build()
    inputs, targets = data.xor()
    errors = []

    def measure(epoch, history):
        with no_grad():
            errors.append(sum(squared_error(model(x), t).data for x, t in zip(inputs, targets)) / len(inputs))

    fit(model, inputs, targets, loss=loss, optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=epochs,
        on_epoch=measure)  # fmt: skip
    return errors


def main(epochs=EPOCHS):
    print(__doc__)
    print(f"{'point':>12} {'y':>2} {'a2 - y':>10} " + " ".join(f"d({name})/dz2" for name in LOSSES))
    for inputs, target in zip(*data.xor()):
        difference, derivatives = output_derivatives(build(), inputs, target)
        columns = " ".join(f"{derivatives[name]:{len(name) + 7}.6f}" for name in LOSSES)
        print(f"{inputs!s:>12} {target:2d} {difference:10.6f} {columns}")
    errors = {name: train(loss, epochs) for name, loss in LOSSES.items()}
    print("\nmean squared error when trained on\n" + f"{'epoch':>6} " + " ".join(f"{name:>14}" for name in LOSSES))
    for epoch in [1, *range(1000, epochs + 1, 1000)]:
        print(f"{epoch:6d} " + " ".join(f"{errors[name][epoch - 1]:14.6f}" for name in LOSSES))


if __name__ == "__main__":
    main()
