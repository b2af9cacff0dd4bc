"""Article E: logistic regression against networks 2-h-2 with tanh and softmax, on two moons (200 points, noise 0.20).

Logistic regression draws a straight line, which no choice of weights can lay between the moons. Hidden units bend it:
one and two hardly help, three are enough, and fifty do no better on fresh points, a second sample that was never
trained on. Every network is trained on cross-entropy with what the article names as a better choice than its own batch
descent at a fixed rate: minibatches and a decaying rate.

Writes the decision boundaries, side by side, to article_e.png (or to the path given).
"""

import sys

from tinygrad_edu import classifier, data, fit, nn, optim

HIDDEN = (0, 1, 2, 3, 4, 5, 20, 50)  # 0: logistic regression
EPOCHS = 150


def build(hidden, seed=0):
    """A network 2-h-2, or 2-2 without a hidden layer; its outputs are the logits of the softmax."""
    return nn.MLP(2, [hidden, 2] if hidden else [2], "tanh", seed=seed)


def train(hidden, inputs, targets, epochs):
    """The trained network and its history."""
    model = build(hidden)
    history = fit(
        model,
        inputs,
        targets,
        loss="cross_entropy",
        optimizer=optim.SGD(model.parameters(), lr=0.5),
        schedule=optim.linear(epochs, end=0.01),
        batch_size=10,
        epochs=epochs,
        seed=0,
    )
    return model, history


def accuracy(model, inputs, targets):
    """The share of points that the model puts in their class."""
    classify = classifier(model)
    return sum(classify(point) == target for point, target in zip(inputs, targets)) / len(inputs)


def title(hidden):
    return f"{hidden} hidden unit{'s' * (hidden != 1)}" if hidden else "logistic regression"


def main(path="article_e.png", sizes=HIDDEN, epochs=EPOCHS):
    print(__doc__)
    sample, fresh = data.moons(200, noise=0.2, seed=0), data.moons(1000, noise=0.2, seed=1)
    models = {}
    print(f"{'h':>4} {'loss':>8} {'accuracy':>9} {'on fresh points':>16}")
    for hidden in sizes:
        models[hidden], history = train(hidden, *sample, epochs)
        scores = accuracy(models[hidden], *sample), accuracy(models[hidden], *fresh)
        print(f"{hidden or 'none':>4} {history.loss[-1]:8.4f} {scores[0]:9.1%} {scores[1]:16.1%}")
    try:
        from matplotlib import pyplot
    except ImportError:
        print('no picture without matplotlib: pip install "tinygrad_edu[plot]"')
        return
    from tinygrad_edu.viz import plots

    figure = plots.decision_boundaries({title(hidden): model for hidden, model in models.items()}, *sample)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    print(f"\nwrote {path}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
