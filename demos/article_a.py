"""Article A: two layers of sigmoids, log loss, gradient descent; and what leaving out the biases costs.

The article takes the biases as zero. This demo trains its network on two data sets, first without biases and then with
them, and counts how often the loss rose in 1,500 iterations: at this learning rate it never does, as the article says.

Without biases a hidden unit is exactly 1/2 at the origin, whatever it learns, and as sigmoid(-z) = 1 - sigmoid(z), the
scores of opposite points add up to a constant. Circles around the origin have points of one class on opposite sides, so
no such network can tell two circles apart: but for the noise in the points, its loss cannot fall below log 2 = 0.6931,
the loss of not knowing.
"""

from tinygrad_edu import classifier, data, fit, nn, optim

ITERATIONS = 1500


def train(inputs, targets, biases, iterations):
    """The article's network and the history of its training; ``biases`` says whether they are learned or stay 0."""
    model = nn.MLP(2, [6, 1], "sigmoid", "sigmoid", seed=0)
    learned = [p for name, p in model.named_parameters() if biases or not name.endswith(".b")]
    optimizer = optim.SGD(learned, lr=2.0)
    return model, fit(model, inputs, targets, loss="binary_cross_entropy", optimizer=optimizer, epochs=iterations)


def main(iterations=ITERATIONS):
    print(__doc__)
    print(f"{'data':8} {'biases':7} {'first loss':>10} {'last loss':>10} {'rises':>6} {'accuracy':>9}")
    for name, make in (("moons", data.moons), ("circles", data.circles)):
        inputs, targets = make(60, seed=1)
        for biases in (False, True):
            model, history = train(inputs, targets, biases, iterations)
            rises = sum(after > before for before, after in zip(history.loss, history.loss[1:]))
            classify = classifier(model)
            right = sum(classify(point) == target for point, target in zip(inputs, targets)) / len(inputs)
            print(
                f"{name:8} {'learned' if biases else 'zero':7} {history.loss[0]:10.4f} {history.loss[-1]:10.4f} "
                f"{rises:6d} {right:9.0%}"
            )
            if not biases:
                hidden = [unit.data for unit in model.layers[0]([0.0, 0.0])]
                print(f"         the hidden units at the origin: {hidden}")


if __name__ == "__main__":
    main()
