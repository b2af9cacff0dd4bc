"""The source of lesson 5; ``make.py`` says how it becomes notebooks."""

# %% [markdown]
# # Lesson 5: Vanishing gradients
#
# A network with many layers can do more than one with few. For a long time nobody could train them: the first layers did
# not learn. Today you find out why, with the chain rule and a pocket calculator, and then you repair a network that was
# published with this fault.
#
# As before: **Shift + Enter**, answers in the place of `...`, predict first. You need lessons 2 to 4: paths, neurons, the
# training loop.

# %% [markdown] teacher
# **For the teacher.** 60 minutes: the slope of a sigmoid 15, the network 15, a better start 15, dead neurons 15. If time
# is short, leave part 4 for homework. Part 1 has numbers made from the name; in parts 2 and 3 all have the same network.
#
# The network of part 2 is built as in two popular articles, "Building a Neural Network from scratch in Python" and "How to
# build a Neural Network from scratch": sigmoid everywhere, and all weights about 0.01. With one hidden layer that works.
# With three it learns nothing, and no error message says so.

# %%
import math
import random

from tinygrad_edu import Value, data, diagnose, draw, fit, gradients, leaky_relu, losses, mean, nn, optim, relu, sigmoid
from tinygrad_edu.lessons import check, check_value, check_within, learner, numbers, progress, solution

try:
    from tinygrad_edu.viz import plots
    import matplotlib
except ImportError:
    print("There will be no diagrams: they need matplotlib, pip install matplotlib. The numbers are printed, too.")
    plots = None

learner("Ada", questions=13)  # write your own name between the quotes

# %% [markdown]
# ## 1. What comes through a sigmoid
#
# The **sigmoid** squeezes every number between 0 and 1. Its derivative has a handy form: if `y = sigmoid(n)`, then `y`
# changes `y*(1 - y)` times as fast as `n`.

# %%
for number in (-6.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 6.0):
    n = Value(number)
    print(f"n = {number:4}   sigmoid(n) = {sigmoid(number):.4f}   slope = {gradients(sigmoid(n), n):.4f}")

# %% [markdown]
# **Question 1.** What is the largest slope that a sigmoid has anywhere?

# %%
answer = 0.25  # your answer
middle = Value(0.0)
check_value(answer, of=gradients(sigmoid(middle), middle), question=1)

# %% [markdown]
# Two neurons in a row, each with one weight: `h = sigmoid(u*x)` and `y = sigmoid(v*h)`.

# %%
u, v, x = numbers("u", "v", "x", of=lambda u, v, x: sigmoid(v * sigmoid(u * x)))
h = sigmoid(u * x)
y = sigmoid(v * h)
print(f"u = {u.data}, v = {v.data}, x = {x.data}, h = {h.data:.4f}, y = {y.data:.4f}")

# %% [markdown]
# **Question 2.** How many times as fast as `h` does `y` change? (Through the second sigmoid, then through the product.)

# %%
answer = "y*(1 - y) * v"  # your answer
check(answer, of=y, wrt=h, question=2)

# %% [markdown]
# **Question 3.** And `h`, compared with the first weight `u`?

# %%
answer = "h*(1 - h) * x"  # your answer
check(answer, of=h, wrt=u, question=3)

# %% [markdown]
# **Question 4.** The whole way: ∂y/∂u.

# %%
answer = "y*(1 - y) * v * h*(1 - h) * x"  # your answer
check(answer, of=y, wrt=u, question=4)

# %%
y.zero_grad()
y.backward()
draw(y)

# %% [markdown]
# **Question 5.** Now *four* sigmoids in a row, and all weights are 1. Each sigmoid lets through at most what you found in
# question 1. How much is it, at most, after all four?

# %%
answer = 0.25**4  # your answer
check_value(answer, of=gradients(sigmoid(middle), middle) ** 4, question=5)

# %% [markdown] teacher
# **Ask the class.** How large would the weights have to be, so that nothing is lost on the way? (4 each, to make up for
# 1/4. But then the numbers that go into the sigmoids are large, and there the slope is much less than 1/4.) So one can
# not simply take large weights.

# %% [markdown]
# ## 2. A network that does not learn
#
# Two articles on the internet show how to build networks like this one: 2 inputs, three hidden layers of 8 neurons, 1
# output, sigmoid everywhere. All weights are random numbers of about 0.01 at the beginning, `scale=0.01`. The network should
# tell apart two kinds of points, which lie in two interleaved half-moons.

# %%
inputs, targets = data.moons(20, seed=0)


def network(scale, activation):
    rng = random.Random(3)  # the same random numbers each time
    return nn.MLP(2, [8, 8, 8, 1], activation, "sigmoid", init=lambda: scale * rng.gauss(0, 1))


def gradient_sizes(model):
    """Go backward once, and list the size of the gradient in each of the four layers (the root of the mean square)."""
    loss = mean([losses.binary_cross_entropy(model(point), target) for point, target in zip(inputs, targets)])
    model.zero_grad()
    loss.backward()
    grads = [[p.grad for p in layer.parameters()] for layer in model.layers]
    return [math.sqrt(mean([g * g for g in layer])) for layer in grads]


def ratio(model):
    """The gradient of layer 1, divided by that of layer 4."""
    sizes = gradient_sizes(model)
    return sizes[0] / sizes[3]


# %% [markdown]
# **Question 6.** Estimate before you measure: how many times **larger** is the gradient of layer 4, the last, than that of
# layer 1? On the way back, each layer multiplies by a slope of at most 0.25 and by weights of about 0.01, and there are 8
# neurons to come through. Three such layers lie between. An estimate is good here if it is at most 100 times too large or
# too small; the check tells you your number divided by the measured one.

# %%
answer = 1 / (0.25 * 0.01 * 8) ** 3  # your answer
check_within(answer, of=lambda guess: guess * ratio(network(0.01, "sigmoid")), low=0.01, high=100, question=6)

# %% [markdown]
# Now look at it. (In the picture the first layer is called `layers.0`. Mind the scale: from mark to mark the gradient grows
# to ten times as much.)

# %%
faulty = network(0.01, "sigmoid")
for number, size in enumerate(gradient_sizes(faulty), start=1):
    print(f"layer {number}: {size:.2g}")
plots.gradient_bars(faulty) if plots else None

# %% [markdown]
# A weight is changed by rate · gradient. In the first layer that is almost nothing, so this layer stays as random as it
# was. And the layers behind it get nothing to work with.
#
# **Question 7.** The loss here is −log(p), where p is the probability that the network gives to the right answer. A network
# that knows nothing says 0.5 each time. What is its loss? (You may write `log(...)` between quotes.)

# %%
answer = "-log(0.5)"  # your answer
check_value(answer, of=losses.binary_cross_entropy(0.5, 1).data, question=7)

# %%
optimizer = optim.SGD(faulty.parameters(), lr=1.0)
history = fit(faulty, inputs, targets, loss="binary_cross_entropy", optimizer=optimizer, epochs=100, progress=False)
print(history)
history.diagnose()

# %% [markdown] teacher
# **Ask the class.** After 100 rounds the network is where it was: at the loss of question 7. Would 1000 rounds help? (No.)
# A rate 1000 times as large? (Layer 4 would jump, and layer 1 still stand.) Where does the factor 8 in question 6
# come from, and why is it less in truth? (Paths are added, but the signs are random and half of them cancel: rather √8.)

# %% [markdown]
# ## 3. A better start
#
# What if the weights are larger? Here is the ratio, layer 1 divided by layer 4, for some scales. A good start has a ratio
# near 1: all layers learn.

# %%
for scale in (0.01, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0):
    print(f"sigmoid, scale {scale:4}: ratio {ratio(network(scale, 'sigmoid')):.5f}")

# %% [markdown]
# Better, but not good. The sigmoid has two faults: its slope is at most 0.25, and what it gives is always positive. `tanh`
# is steeper, with a slope of up to 1, and gives positive and negative numbers.
#
# **Question 8.** Find a scale with which the ratio is between 0.5 and 2, with `tanh`.

# %%
scale = 1.0  # your answer
check_within(scale, of=lambda scale: ratio(network(scale, "tanh")), low=0.5, high=2, question=8)

# %%
better = network(0.3 if scale is ... else scale, "tanh")
for number, size in enumerate(gradient_sizes(better), start=1):
    print(f"layer {number}: {size:.2g}")
plots.gradient_bars(better) if plots else None

# %% [markdown]
# Nobody has to search. A neuron adds up *n* products of random sign, so the sum is about √n times as large as one of
# them. Weights of about 1/√n make up for that, and numbers keep their size from layer to layer. The recipes built on this
# are called *Glorot* (for tanh) and *He* (for relu). The package takes the one that suits, if you do not say anything.

# %%
print("by Glorot's recipe:", ratio(nn.MLP(2, [8, 8, 8, 1], "tanh", "sigmoid", seed=2)))

# %% [markdown] teacher
# **Ask the class.** Is the ratio all that matters? Let them measure `gradient_sizes(network(0.01, "tanh"))`: the ratio is
# not bad (0.3), and all four are tiny. A good start has gradients that are equal *and* not small. And with
# `network(20, "tanh")`? (Layer 1 gets some thirty times as much as layer 4. Gradients can explode as well as vanish.)

# %% [markdown]
# **Question 9.** Repair the network of the articles. It now has `tanh`, and your scale of question 8. Find a learning
# rate with which the loss after 100 rounds is below 0.2.


# %%
def trained(rate):
    model = network(0.3 if scale is ... else scale, "tanh")
    optimizer = optim.SGD(model.parameters(), lr=rate)
    history = fit(model, inputs, targets, loss="binary_cross_entropy", optimizer=optimizer, epochs=100, progress=False)
    return model, history


rate = 0.5  # your answer
check_within(rate, of=lambda rate: trained(rate)[1].loss[-1], high=0.2, question=9)

# %%
model, repaired = trained(0.01 if rate is ... else rate)
print("before:", history)
print("after: ", repaired)
plots.decision_boundary(model, inputs, targets) if plots else None

# %%
repaired.diagnose()

# %% [markdown]
# ## 4. Dead neurons
#
# Today most networks use `relu`: `relu(n)` is `n` if that is positive, and otherwise 0. Its slope is 1 or 0. Where it is
# 1, nothing is lost, however many layers there are. But where it is 0 …
#
# The neuron below has a bias of −20. Whatever its input is, `n` is negative.

# %%
w, z = numbers("w", "z", of=lambda w, z: leaky_relu(w * z - 20))
b = Value(-20.0, label="b")
n = w * z + b
r = relu(n)
print(f"w = {w.data}, z = {z.data}, n = {n.data}, r = {r.data}")

# %% [markdown]
# **Question 10.** ∂r/∂w.

# %%
answer = 0  # your answer
check(answer, of=r, wrt=w, question=10)

# %%
draw(r)

# %% [markdown]
# So a step of training changes nothing: not `w`, not `b`. If that is so for *every* example, the neuron will never change
# again. It is **dead**.
#
# **Question 11.** `leaky_relu(n)` is `n` if that is positive, and otherwise `0.01*n`. What is ∂s/∂w?

# %%
s = leaky_relu(n)
answer = "0.01 * z"  # your answer
check(answer, of=s, wrt=w, question=11)

# %% [markdown]
# Small, but not 0: this one can come back. Now a layer of 8 relu neurons, all with the bias −1. For each neuron we print
# its largest output over all 20 points.


# %%
def relu_network(bias):
    model = nn.MLP(2, [8, 1], "relu", seed=1)
    for neuron in model.layers[0].neurons:
        neuron.b.data = bias
    return model


def largest_outputs(model):
    return [max(neuron(point).data for point in inputs) for neuron in model.layers[0].neurons]


for number, largest in enumerate(largest_outputs(relu_network(-1.0)), start=1):
    print(f"neuron {number}: largest output {largest:.3f}")

# %% [markdown]
# **Question 12.** How many of the eight are dead?

# %%
answer = 5  # your answer
report = diagnose(relu_network(-1.0), inputs, targets)
check_value(answer, of=report[0].numbers["idle"], question=12)

# %%
report

# %% [markdown]
# **Question 13.** Find a bias with which no neuron is dead.

# %%
answer = 1.0  # your answer
check_within(answer, of=lambda bias: largest_outputs(relu_network(float(bias))).count(0.0), high=0, question=13)

# %% [markdown] teacher
# **Ask the class.** How does a neuron die during training, if it was alive at the start? (One step that is too large, and
# its bias is far below 0.) Why does one dead neuron matter little, and a layer of dead ones end it all?

# %% [markdown]
# ## How far did you get?

# %%
progress()

# %% [markdown]
# **What to keep.** Going back, each layer multiplies. By less than 1 each time, and the first layers learn nothing; by
# more than 1 each time, and they jump. A good start keeps the gradients of all layers about equal. A relu that is 0 for
# every example is dead. And a network that does not learn gives no error message: you have to look.
