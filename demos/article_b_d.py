"""Articles B and D: fully connected sigmoid layers of any depth, mean binary cross-entropy, batch gradient descent.

``train(inputs, targets, layer_dims, epochs, lr)`` is the articles' whole program. Nothing has to be indexed, because
nothing is derived by hand: article D stores the output layer's gradient under the key of the layer before, and its
listing cannot run.

Both articles start every weight at N(0, 1) / 100. This demo prints what that does: the mean size of the gradient of
each layer's weights, before training, for the articles' start and for Glorot's. Going backward each layer multiplies
the signal by its small weights and by the sigmoid's slope, at most 1/4: almost nothing is left for the first layer, and
the loss stays at log 2 = 0.6931, the loss of not knowing.
"""

import random

from tinygrad_edu import data, fit, losses, mean, nn, optim

LAYER_DIMS = [2, 8, 8, 8, 1]


def init_params(layer_dims, seed=3):
    """The network with the articles' initial weights, N(0, 1) / 100 from seed 3, and biases of 0."""
    rng = random.Random(seed)
    return nn.MLP(layer_dims[0], layer_dims[1:], "sigmoid", "sigmoid", init=lambda: rng.gauss(0, 1) * 0.01)


def train(inputs, targets, layer_dims, epochs, lr):
    """The trained network and the cost before each epoch."""
    model = init_params(layer_dims)
    return model, descend(model, inputs, targets, epochs, lr)


def descend(model, inputs, targets, epochs, lr):
    """Batch gradient descent; the cost before each epoch."""
    optimizer = optim.SGD(model.parameters(), lr=lr)
    return fit(model, inputs, targets, loss="binary_cross_entropy", optimizer=optimizer, epochs=epochs).loss


def gradient_sizes(model, inputs, targets):
    """The mean size of the derivative of the cost by a weight, for each layer from the first to the last."""
    model.zero_grad()
    mean([losses.binary_cross_entropy(model(x), t) for x, t in zip(inputs, targets)]).backward()
    weights = [[w for neuron in layer.neurons for w in neuron.w] for layer in model.layers]
    return [sum(abs(w.grad) for w in layer) / len(layer) for layer in weights]


def main():
    print(__doc__)
    inputs, targets = data.moons(40, seed=0)
    print(f"{'weights at the start':22}" + "".join(f"{f'layer {i + 1}':>10}" for i in range(len(LAYER_DIMS) - 1)))
    starts = {
        "N(0, 1) / 100": init_params(LAYER_DIMS),
        "Glorot": nn.MLP(LAYER_DIMS[0], LAYER_DIMS[1:], "sigmoid", "sigmoid", seed=3),
    }
    for name, model in starts.items():
        print(f"{name:22}" + "".join(f"{size:10.1e}" for size in gradient_sizes(model, inputs, targets)))
    print("\ncost before and after 300 epochs at a rate of 1:")
    _, costs = train(inputs, targets, [2, 8, 1], 300, 1.0)
    print(f"  one hidden layer, N(0, 1) / 100: {costs[0]:.4f} -> {costs[-1]:.4f}")
    for name, model in starts.items():
        costs = descend(model, inputs, targets, 300, 1.0)
        print(f"  three hidden layers, {name}: {costs[0]:.4f} -> {costs[-1]:.4f}")


if __name__ == "__main__":
    main()
