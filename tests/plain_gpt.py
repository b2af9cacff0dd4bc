"""The transformer of demos/gpt.py written out in single additions and products, as one writes it for an engine that has
nothing else. It takes Values of any engine that has ``+ - * / **``, ``exp``, ``log`` and ``relu``.
"""

LETTERS = ".abcdefghijklmnopqrstuvwxyz"
HEADS = 4


def loss(weights, name):
    """The mean of -log(chance of the next letter) over a name."""
    keys, values, losses = [], [], []
    for letter, after in zip(f".{name}", f"{name}."):
        scores = read(weights, LETTERS.index(letter), keys, values)
        losses.append(-softmax(scores)[LETTERS.index(after)].log())
    return sum(losses) / len(losses)


def read(weights, letter, keys, values):
    """The scores of what comes next."""
    place = weights["place"][len(keys)]
    x = normed([row[letter] + number for row, number in zip(weights["letter"], place)])
    query = times(weights["query"], x)
    keys.append(times(weights["key"], x))
    values.append(times(weights["value"], x))
    taken, width = [], len(x) // HEADS
    for start in range(0, len(x), width):
        own = range(start, start + width)
        shares = softmax([sum(query[i] * key[i] for i in own) / width**0.5 for key in keys])
        taken += [sum(share * value[i] for share, value in zip(shares, values)) for i in own]
    x = [a + b for a, b in zip(x, times(weights["mix"], taken))]
    hidden = [number.relu() for number in times(weights["hidden"], normed(x))]
    x = [a + b for a, b in zip(x, times(weights["out"], hidden))]
    return times(weights["score"], x)


def times(matrix, x):
    return [sum(w * number for w, number in zip(row, x)) for row in matrix]


def normed(x):
    scale = (sum(number * number for number in x) / len(x) + 1e-5) ** -0.5
    return [number * scale for number in x]


def softmax(scores):
    largest = max(score.data for score in scores)
    sizes = [(score - largest).exp() for score in scores]
    total = sum(sizes)
    return [size / total for size in sizes]
