"""Articles B and D: fully connected sigmoid layers of any depth, mean binary cross-entropy, batch gradient descent.

``train(inputs, targets, layer_dims, epochs, lr)`` is the articles' whole program. Nothing has to be indexed, because
nothing is derived by hand: article D stores the output layer's gradient under the key of the layer before, and its
listing cannot run.

Both articles start every weight at N(0, 1) / 100. This demo shows what that does: the size (root mean square) of the
gradient of each layer, for the articles' start and for Glorot's. Going backward each layer multiplies the signal by its
small weights and by the sigmoid's slope, at most 1/4: almost nothing is left for the first layer, and the loss stays at
log 2 = 0.6931, the loss of not knowing.

Prints the sizes before training; draws them over the epochs, side by side, in article_b_d.png (or in the path given).
"""

import random
import sys

from tinygrad_edu import data, fit, nn, optim

LAYER_DIMS = [2, 8, 8, 8, 1]
EPOCHS = 300


def init_params(layer_dims, seed=3):
    """The network with the articles' initial weights, N(0, 1) / 100 from seed 3, and biases of 0."""
    rng = random.Random(seed)
    return nn.MLP(layer_dims[0], layer_dims[1:], "sigmoid", "sigmoid", init=lambda: rng.gauss(0, 1) * 0.01)


def train(inputs, targets, layer_dims, epochs, lr):
    """The trained network and its history: the cost and the size of the gradients before each step."""
    model = init_params(layer_dims)
    return model, descend(model, inputs, targets, epochs, lr)


def descend(model, inputs, targets, epochs, lr):
    """Batch gradient descent; its history."""
    optimizer = optim.SGD(model.parameters(), lr=lr)
    return fit(model, inputs, targets, loss="binary_cross_entropy", optimizer=optimizer, epochs=epochs)


def both_starts(inputs, targets, epochs):
    """The histories of networks of ``LAYER_DIMS`` with the articles' initial weights and with Glorot's."""
    starts = {
        "N(0, 1) / 100": init_params(LAYER_DIMS),
        "Glorot": nn.MLP(LAYER_DIMS[0], LAYER_DIMS[1:], "sigmoid", "sigmoid", seed=3),
    }
    return {name: descend(model, inputs, targets, epochs, 1.0) for name, model in starts.items()}


def draw(histories, path):
    """The size of the gradients over the epochs, one picture for each start on the same scale."""
    from matplotlib import pyplot

    from tinygrad_edu.viz import plots

    figure, grid = pyplot.subplots(1, len(histories), figsize=(11, 4.2), layout="constrained", sharey=True)
    grid[0].set_ylim(1e-9, 1)
    for axes, (name, history) in zip(grid, histories.items()):
        plots.gradient_sizes(history, axes)
        axes.set_title(f"weights at the start: {name}\nloss {history.loss[0]:.4f} → {history.loss[-1]:.4f}")
        axes.label_outer()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main(path="article_b_d.png", epochs=EPOCHS):
    print(__doc__)
    inputs, targets = data.moons(40, seed=0)
    histories = both_starts(inputs, targets, epochs)
    print(f"{'weights at the start':22}" + "".join(f"{f'layer {i + 1}':>10}" for i in range(len(LAYER_DIMS) - 1)))
    for name, history in histories.items():
        print(f"{name:22}" + "".join(f"{sizes[0]:10.1e}" for sizes in history.gradient.values()))
    print(f"\ncost before and after {epochs} epochs at a rate of 1:")
    _, shallow = train(inputs, targets, [2, 8, 1], epochs, 1.0)
    print(f"  one hidden layer, N(0, 1) / 100: {shallow.loss[0]:.4f} -> {shallow.loss[-1]:.4f}")
    for name, history in histories.items():
        print(f"  three hidden layers, {name}: {history.loss[0]:.4f} -> {history.loss[-1]:.4f}")
    try:
        draw(histories, path)
    except ImportError:
        print('no picture without matplotlib: pip install "tinygrad_edu[plot]"')
    else:
        print(f"\nwrote {path}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
