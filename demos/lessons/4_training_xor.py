"""The source of lesson 4; ``make.py`` says how it becomes notebooks."""

# %% [markdown]
# # Lesson 4: Training XOR
#
# A network learns by a very simple trick, repeated many times: *find out how the error changes with each weight, and
# push each weight a little to the side on which the error falls*. Today you write this loop yourself. Then you repair
# the program of somebody who got it wrong in five places.
#
# As before: **Shift + Enter**, answers in the place of `...`, predict first. An answer is a number, or a formula between
# quotes in the names of the cell. Every cell needs those above it, so run them all.

# %% [markdown] teacher
# **For the teacher.** 60 minutes: one weight 20, `zero_grad` 10, the loop 15, five mistakes 15. If time is short, leave
# the five mistakes for homework; they check themselves. Everybody has the same network in part 3, so that results can be
# compared; the numbers of parts 1 and 2 are made from the name.
#
# Where classes lose their way: the sign of a step (question 2), and that a rate can be too *large* (question 5): most
# expect that a larger rate is only faster.

# %%
from tinygrad_edu import Value, data, diagnose, draw, fit, gradients, losses, mean, nn, optim
from tinygrad_edu.lessons import check, check_function, check_grad, check_value, check_within, learner, numbers
from tinygrad_edu.lessons import progress, solution

learner("Ada", questions=14)  # write your own name between the quotes

# %% [markdown]
# ## 1. One weight
#
# The smallest model there is: it multiplies its input `x` with a weight `w`. The right answer would be `t`. How wrong it
# is, the **loss**, is `L = (w*x - t)**2`.

# %%
w, x, t = numbers("w", "x", "t", of=lambda w, x, t: (w * x - t) ** 2)
L = (w * x - t) ** 2
print(f"w = {w.data}, x = {x.data}, t = {t.data}: the model says {w.data * x.data}, and L = {L.data}")

# %% [markdown]
# **Question 1.** How many times as fast as `w` does `L` change? (A chain: the square, then the product. See lesson 2.)

# %%
answer = "2*(w*x - t)*x"  # your answer
check(answer, of=L, wrt=w, question=1)

# %%
L.zero_grad()
L.backward()
draw(L)

# %% [markdown]
# If ∂L/∂w is positive, `L` grows with `w`, and so `w` must shrink. If it is negative, `w` must grow. Both are said by one
# formula: **new w = w − rate · ∂L/∂w**. The **learning rate** says how far we dare to go.
#
# **Question 2.** Take one step with the rate `0.1`. What is the new weight?

# %%
answer = "w - 0.1 * 2*(w*x - t)*x"  # your answer
check_value(answer, of=w.data - 0.1 * gradients(L, w), question=2)

# %% [markdown]
# **Question 3.** And what is the loss after this step? (The formula may use `new`, `x` and `t`.)

# %%
new = Value(w.data - 0.1 * gradients(L, w), label="new")
answer = "(new*x - t)**2"  # your answer
check_value(answer, of=((new * x - t) ** 2).data, question=3)

# %% [markdown]
# The function below takes many steps. Try some rates before you go on: change the `0.1`.


# %%
def descend(rate, steps):
    """List the weight and the loss, before the first step and after each."""
    weight, rows = Value(w.data), []
    for _ in range(steps + 1):
        loss = (weight * x - t) ** 2
        rows.append((weight.data, loss.data))
        weight = Value(weight.data - rate * gradients(loss, weight))
    return rows


def show(rate):
    for i, (weight, loss) in enumerate(descend(rate, 8)):
        print(f"after {i} steps: w = {weight:10.4f}   L = {loss:10.4f}")


def left_over(rate, steps):
    """How much of the loss is left after some steps: 0.5 for a half."""
    return descend(rate, steps)[-1][1] / L.data


show(0.1)

# %% [markdown]
# **Question 4.** Find a rate so good that a *single* step leaves less than a hundredth of the loss. Trying is allowed;
# a formula for it is better. (For a rate, write a number, or compute one with Python, such as `1 / x.data`.)

# %%
answer = 1 / (2 * x.data**2)  # your answer
check_within(answer, of=lambda rate: left_over(rate, 1), high=0.01, question=4)

# %% [markdown]
# **Question 5.** Is a larger rate always better? Find a rate with which the loss after ten steps is **larger** than at
# the beginning.

# %%
answer = 1.2 / x.data**2  # your answer
check_within(answer, of=lambda rate: left_over(rate, 10), low=1.0001, question=5)

# %%
if isinstance(answer, (int, float)):
    show(answer)

# %% [markdown]
# Look at the column of `w`: it jumps from one side of the valley to the other, and each time it lands higher up. One says
# that the training **diverges**. (If you have found no such rate yet, there is nothing to see above.)

# %% [markdown] teacher
# **Ask the class.** Draw the parabola and let somebody walk on it. A step multiplies the distance from the lowest point
# by 1 − 2·rate·x². When is that 0 (question 4), when negative (we jump over), when below −1 (question 5: from the rate
# 1/x² on)? So neighbours with a large `x` need a small rate. Why is *one* rate for many weights a compromise?

# %% [markdown]
# ## 2. What happens without `zero_grad`?
#
# In lesson 1 you saw that `backward()` *adds* to `grad`. Here two rounds of training, and nobody sets `grad` to 0.
# `g1` is the derivative in the first round, `g2` in the second.

# %%
v = Value(w.data, label="v")
first = (v * x - t) ** 2
first.backward()
g1 = Value(gradients(first, v), label="g1")
v.data = v.data - 0.05 * v.grad

second = (v * x - t) ** 2
second.backward()
g2 = Value(gradients(second, v), label="g2")
print(f"g1 = {g1.data:.4f}, g2 = {g2.data:.4f}")

# %% [markdown]
# **Question 6.** What is in `v.grad` now?

# %%
answer = "g1 + g2"  # your answer
check_grad(answer, of=v, question=6)

# %% [markdown]
# The next step would go by this number, and not by `g2`. Old derivatives, from places where we are no longer, keep
# pushing: like a sledge that cannot brake. So a training loop needs four things, always: compute the **loss**, set the
# gradients to **zero**, go **backward**, and take a **step**.

# %% [markdown] teacher
# **Ask the class.** Would it be enough to call `zero_grad` once, before the loop? (No: each round adds.) Why does the
# engine not do it by itself? (Because adding is what makes paths work, and sometimes one wants the sum of several losses.)

# %% [markdown]
# ## 3. The loop
#
# XOR, "either or": the answer is yes (1) if exactly one of two inputs is 1, otherwise no (−1). No single neuron can do
# it: no straight line separates the yes from the no. A network with four neurons in a hidden layer can.

# %%
inputs, kinds = data.xor()
targets = [1 if kind else -1 for kind in kinds]
for point, target in zip(inputs, targets):
    print(point, "->", target)


def network():
    return nn.MLP(2, [4, 1], "tanh", seed=1)  # 2 inputs, 4 neurons with tanh, 1 output; weights from the seed 1


# %% [markdown]
# **Question 7.** How many numbers does this network have to learn? Each neuron has a weight for each of its inputs, and a
# bias.

# %%
answer = 4 * (2 + 1) + 1 * (4 + 1)  # your answer
check_value(answer, of=len(network().parameters()), question=7)

# %%
draw(network())

# %% [markdown]
# The loss of the network is the mean of the four losses:


# %%
def network_loss(model):
    return mean([(model(point) - target) ** 2 for point, target in zip(inputs, targets)])


print("before training:", network_loss(network()).data)

# %% [markdown]
# **Question 8.** Write the loop. There are three gaps. You need `model.zero_grad()`, `loss.backward()`, and for each
# parameter `p` a step: `p.data` and `p.grad` are plain numbers. It is compared with `fit`, the training loop that is part
# of the package.


# %%
# <learner>
# def train(rate, steps):
#     model = network()
#     history = []
#     for _ in range(steps):
#         loss = network_loss(model)
#         history.append(loss.data)
#         ...  # set all gradients to 0
#         ...  # go backward
#         for p in model.parameters():
#             p.data = ...  # take a step
#     return history
# <solution>
def train(rate, steps):
    model = network()
    history = []
    for _ in range(steps):
        loss = network_loss(model)
        history.append(loss.data)
        model.zero_grad()  # set all gradients to 0
        loss.backward()  # go backward
        for p in model.parameters():
            p.data = p.data - rate * p.grad  # take a step
    return history


# <end>


def train_by_fit(rate, steps):
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=rate)
    return fit(model, inputs, targets, optimizer=optimizer, epochs=steps, progress=False).loss


check_function(train, train_by_fit, [(0.05, 4), (0.1, 6)], question=8)

# %% [markdown]
# **Question 9.** Find a rate with which the loss after 100 steps is below a millionth, 0.000001.

# %%
answer = 0.2  # your answer
check_within(answer, of=lambda rate: train_by_fit(rate, 101)[-1], high=1e-6, question=9)

# %% [markdown]
# Here is the network after 500 steps with the rate 0.05. The colours show what it answers everywhere in the plane, not
# only at the four points. (The picture needs `matplotlib`; you can go on without it.)

# %%
model = network()
history = fit(model, inputs, targets, optimizer=optim.SGD(model.parameters(), lr=0.05), epochs=500, progress=False)
for point, target in zip(inputs, targets):
    print(point, "->", round(model(point).data, 3), "and right is", target)
try:
    from tinygrad_edu.viz import plots

    picture = plots.decision_boundary(model, inputs, kinds)
except ImportError as error:
    picture = error
picture

# %% [markdown]
# The package can look over your shoulder. Here is a network in which all weights begin with the same number; `diagnose`
# says what is wrong with that.

# %%
alike = nn.MLP(2, [4, 1], "tanh", init=lambda: 0.5)
diagnose(alike, inputs, targets, optimizer=optim.SGD(alike.parameters(), lr=0.05))

# %% [markdown] teacher
# **Ask the class.** Why will four equal neurons stay equal for ever? (Same inputs, same weights, same derivatives, same
# steps.) Let them predict what `diagnose` says about `network()` with `lr=5`, then try it.

# %% [markdown]
# ## 4. Five mistakes
#
# Somebody has written the program below. It runs, no error appears, and it learns nothing. It has **five parts, and in
# each there is one mistake**. Repair them in the cell, one after the other, and run the cell and the one below it as
# often as you like. Each part has a check of its own.


# %%
# <learner>
# def examples(points, answers):
#     """Pair each point with its answer."""
#     return list(zip(points, sorted(answers)))
#
#
# def how_wrong(predictions, answers):
#     """The mean of the squared errors."""
#     return mean([p - a for p, a in zip(predictions, answers)])
#
#
# def forget(parameters):
#     """Set all gradients to 0."""
#     for p in parameters:
#         p.data = 0.0
#
#
# def step(parameters, rate):
#     """Move every parameter against its gradient."""
#     for p in parameters:
#         p.data = p.data + rate * p.grad
#
#
# def train_network(model, rate, steps):
#     """Train, and list the loss before each step."""
#     pairs = examples(inputs, targets)
#     history = []
#     loss = how_wrong([model(point) for point, _ in pairs], [answer for _, answer in pairs])
#     for _ in range(steps):
#         history.append(loss.data)
#         forget(model.parameters())
#         loss.backward()
#         step(model.parameters(), rate)
#     return history
# <solution>
def examples(points, answers):
    """Pair each point with its answer."""
    return list(zip(points, answers))  # sorted() tore the pairs apart


def how_wrong(predictions, answers):
    """The mean of the squared errors."""
    return mean([(p - a) ** 2 for p, a in zip(predictions, answers)])  # without the square, +1 and -1 cancel


def forget(parameters):
    """Set all gradients to 0."""
    for p in parameters:
        p.grad = 0.0  # not the data, which is what has been learned


def step(parameters, rate):
    """Move every parameter against its gradient."""
    for p in parameters:
        p.data = p.data - rate * p.grad  # minus: the loss is to fall


def train_network(model, rate, steps):
    """Train, and list the loss before each step."""
    pairs = examples(inputs, targets)
    history = []
    for _ in range(steps):
        loss = how_wrong([model(point) for point, _ in pairs], [answer for _, answer in pairs])  # anew in each round
        history.append(loss.data)
        forget(model.parameters())
        loss.backward()
        step(model.parameters(), rate)
    return history


# <end>

print([round(loss, 3) for loss in train_network(network(), 0.05, 10)])

# %% [markdown]
# **Questions 10 to 14.** The checks, in the order of the parts. Hints say what a part was given, what it made of it, and
# what is right:
#
# - 10: a point and its answer, beside a second point 0 with the answer −2; then the pairs.
# - 11: predictions and answers; then the error.
# - 12: `data` and `grad` of a weight; then the same after `forget`.
# - 13: `data` and `grad` of a weight, and the rate; then the new `data`.
# - 14: the rate and the number of steps; then the losses. It needs all the other parts.


# %%
def part_examples(point, target):
    return examples([[point], [0.0]], [target, -2.0])


def part_forget(number, gradient, with_part=True):
    p = Value(number)
    p.grad = gradient
    forget([p]) if with_part else optim.SGD([p]).zero_grad()
    return [p.data, p.grad]


def part_step(number, gradient, rate, with_part=True):
    p = Value(number)
    p.grad = gradient
    step([p], rate) if with_part else optim.SGD([p], lr=rate).step()
    return p.data


check_function(part_examples, lambda point, target: [point, target, 0, -2], [(1.0, 3.0), (5.0, 4.0)], question=10)
check_function(how_wrong, losses.mse, [([1.0, 3.0], [0.0, 1.0]), ([2.0, 0.5], [1.0, 1.0])], question=11)
check_function(part_forget, lambda n, g: part_forget(n, g, False), [(3.0, 4.0), (1.0, -2.0)], question=12)
check_function(part_step, lambda n, g, r: part_step(n, g, r, False), [(3.0, 4.0, 0.1), (1.0, -2.0, 0.5)], question=13)
check_function(
    lambda rate, steps: train_network(network(), rate, steps), train_by_fit, [(0.05, 4), (0.1, 6)], question=14
)

# %% [markdown] teacher
# **Ask the class.** Which of the five would you notice from the losses alone, and how? (The wrong sign: the loss grows.
# The loss computed once: it never changes. Zero in all weights: it stands still at once. The missing square: it falls
# below 0, without end. The sorted answers: it falls nicely, and the network has learned something else. The last is the
# worst kind: look at your data.)

# %% [markdown]
# ## How far did you get?

# %%
progress()

# %% [markdown]
# **What to keep.** Loss, zero, backward, step: that is all training. A step goes against the derivative. A rate that is
# too small is slow; one that is too large jumps out of the valley. And a program that runs without an error can be wrong
# in five places.
