"""The source of lesson 3; ``make.py`` says how it becomes notebooks."""

# %% [markdown]
# # Lesson 3: A neuron by hand
#
# A neuron is a small formula. It takes some inputs, multiplies each with a **weight**, adds a **bias** and bends the
# result with a function. Networks that read handwriting or write texts are made of very many of these. Today you compute
# one neuron, forward and backward, by hand. After that there is no magic left in it.
#
# As before: **Shift + Enter**, answers in the place of `...`, predict first. You need the two rules of lesson 2: multiply
# along a path, add over the paths.

# %% [markdown] teacher
# **For the teacher.** 55 minutes: forward 10, backward 20, saturation 10, by hand in code 15. Paper and a pocket
# calculator help: each works with numbers of their own. Formulas are accepted as well, and are quicker.

# %%
from tinygrad_edu import Value, check_gradients, draw, grad, gradients, relu, tanh
from tinygrad_edu.lessons import check, check_function, check_value, learner, numbers, progress, solution

learner("Ada", questions=12)  # write your own name between the quotes

# %% [markdown]
# ## 1. Forward
#
# Our neuron has two inputs `x1` and `x2`, the weights `w1` and `w2`, and the bias `b`. The bending function is `tanh`: it
# squeezes every number between −1 and 1.


# %%
def neuron(w1, w2, x1, x2, b):
    return tanh(w1 * x1 + w2 * x2 + b)


w1, w2, x1, x2, b = numbers("w1", "w2", "x1", "x2", "b", of=neuron)
for value in (w1, w2, x1, x2, b):
    print(value.label, "=", value.data)

n = w1 * x1 + w2 * x2 + b
y = tanh(n)

# %% [markdown]
# **Question 1.** Compute `n`, the number that goes into `tanh`.

# %%
answer = "w1*x1 + w2*x2 + b"  # your answer
check_value(answer, of=n, question=1)

# %% [markdown]
# ## 2. Backward, step by step
#
# We go back from `y`. The first step is `tanh`. Its derivative has a handy form: `tanh(n)` changes `1 - y*y` times as fast
# as `n`, where `y` is the value of `tanh(n)` itself. So nothing new must be computed; the neuron knows `y` already.
#
# **Question 2.** How many times as fast as `n` does `y` change?

# %%
answer = "1 - y*y"  # your answer
check(answer, of=y, wrt=n, question=2)

# %% [markdown]
# **Question 3.** The next step down, alone: how many times as fast as `w1` does `n` change?

# %%
answer = "x1"  # your answer
check(answer, of=n, wrt=w1, question=3)

# %% [markdown]
# **Question 4.** Both steps: ∂y/∂w1.

# %%
answer = "(1 - y*y) * x1"  # your answer
check(answer, of=y, wrt=w1, question=4)

# %% [markdown]
# **Question 5.** ∂y/∂x2. What does `x2` meet on its way into `n`?

# %%
answer = "(1 - y*y) * w2"  # your answer
check(answer, of=y, wrt=x2, question=5)

# %% [markdown]
# **Question 6.** ∂y/∂b.

# %%
answer = "1 - y*y"  # your answer
check(answer, of=y, wrt=b, question=6)

# %% [markdown]
# Here is all of it. Find your six answers in the picture: on the arrows, and as `grad`.

# %%
y.backward()
draw(y)

# %% [markdown]
# A weight changes the result in proportion to its **input**; an input, in proportion to its **weight**; and what comes
# back through `tanh`, the factor `1 - y*y`, is in all of them.

# %% [markdown] teacher
# **Ask the class.** If `x1` is 0, what is ∂y/∂w1, and why is that reasonable? (The weight has no influence at all.) Which
# of the five numbers would you change to change `y` most?

# %% [markdown]
# ## 3. How wrong is it?
#
# Say the neuron should answer `t`. How wrong it is, we measure by the **loss** `L = (y - t)**2`: 0 if it is right, and
# larger the farther it is off. (`**2` is "squared".) To learn means to change the weights so that `L` falls. For that one
# needs ∂L/∂w1, and it is one step more in the same chain.

# %%
[t] = numbers("t", of=lambda t: (y - t) ** 2)
L = (y - t) ** 2
print(f"y = {y.data:.4f}, t = {t.data}, L = {L.data:.4f}")

# %% [markdown]
# **Question 7.** ∂L/∂y. (A square, as in lesson 2.)

# %%
answer = "2*(y - t)"  # your answer
check(answer, of=L, wrt=y, question=7)

# %% [markdown]
# **Question 8.** ∂L/∂w1, all the way.

# %%
answer = "2*(y - t) * (1 - y*y) * x1"  # your answer
check(answer, of=L, wrt=w1, question=8)

# %% [markdown]
# Here is the whole walk back:

# %%
L.zero_grad()
L.backward()
draw(L)

# %% [markdown] teacher
# **Ask the class.** If ∂L/∂w1 is positive, should `w1` grow or shrink, so that the loss falls? (Shrink: against the
# derivative. That is all of *gradient descent*, lesson 4.)

# %% [markdown]
# ## 4. When a neuron falls asleep
#
# The factor `1 - y*y` is in every derivative. If `y` is near 1 or −1 it is near 0, and nothing comes through any more,
# however wrong the neuron is. One says the neuron is **saturated**.


# %%
def slope(number):
    """The derivative of tanh at a number, from the engine."""
    n = Value(number)
    return gradients(tanh(n), n)


for number in (-4, -2, -1, -0.5, 0, 0.5, 1, 2, 4):
    print(f"n = {number:4}   tanh(n) = {tanh(float(number)):8.4f}   slope = {slope(number):.4f}")

# %% [markdown]
# **Question 9.** How many times smaller is the slope at `n = 3` than at `n = 0`? You may compute with Python: `tanh(3.0)`
# is a number.

# %%
answer = 1 / (1 - tanh(3.0) ** 2)  # your answer
check_value(answer, of=slope(0) / slope(3), question=9)

# %% [markdown]
# Another bending function is `relu`: `relu(n)` is `n` itself if `n` is positive, and 0 otherwise.
#
# **Question 10.** Below, `w*x` is negative. What is ∂r/∂w? (Draw the graph of `relu` if you are not sure.)

# %%
w, x = Value(-2.0, label="w"), Value(1.5, label="x")
r = relu(w * x)
answer = 0  # your answer
check(answer, of=r, wrt=w, question=10)

# %% [markdown] teacher
# **Ask the class.** If a relu neuron is at 0 for *every* example, can it ever learn again? (No: every derivative is 0. It
# is called dead; lesson 5 brings some back to life.) A saturated tanh still learns, very slowly.

# %% [markdown]
# ## 5. Backward by hand, in code
#
# Now write it down once and for all: a function that computes the three derivatives of the loss of a neuron with *one*
# input, for any numbers. The engine checks it at twenty places.


# %%
def loss(w, x, b, t):
    return (tanh(w * x + b) - t) ** 2


# %% [markdown]
# **Question 11.** First forward (`n`, `y`), then backward, step by step. Each line needs the one before it only.


# %%
# <learner>
# def by_hand(w, x, b, t):
#     n = w * x + b
#     y = tanh(n)
#     dL_dy = ...
#     dL_dn = ...  # what came so far, times the derivative of tanh
#     dL_dw = ...
#     dL_dx = ...
#     dL_db = ...
#     return [dL_dw, dL_dx, dL_db]
# <solution>
def by_hand(w, x, b, t):
    n = w * x + b
    y = tanh(n)
    dL_dy = 2 * (y - t)
    dL_dn = dL_dy * (1 - y * y)  # what came so far, times the derivative of tanh
    dL_dw = dL_dn * x
    dL_dx = dL_dn * w
    dL_db = dL_dn
    return [dL_dw, dL_dx, dL_db]


# <end>


def by_engine(w, x, b, t):
    return list(grad(loss, argnums=(0, 1, 2))(w, x, b, t))


check_function(by_hand, by_engine, question=11)

# %% [markdown]
# How do we know that the *engine* is right? By the oldest method, that of lesson 1: change a number a tiny bit and look.
# `check_gradients` does it carefully, for all inputs.

# %%
check_gradients(loss, 0.5, 2.0, -1.5, 1.0)

# %% [markdown]
# **Question 12.** A last one to think about. The same weight `k` is used *twice*: `y = tanh(k * tanh(k * z))`, two neurons in
# a row with one weight. What is ∂y/∂k? Use the names `k`, `z`, `h` and `y`.

# %%
k, z = numbers("k", "z", of=lambda k, z: tanh(k * tanh(k * z)))
h = tanh(k * z)
y = tanh(k * h)
answer = "(1 - y*y) * (h + k * (1 - h*h) * z)"  # your answer
check(answer, of=y, wrt=k, question=12)

# %% [markdown]
# ## How far did you get?

# %%
progress()

# %% [markdown]
# **What to keep.** A neuron is a short chain. What comes back is multiplied with `1 - y*y` at the tanh, then with the
# input for a weight and with the weight for an input. Where `y` is near ±1, nothing comes through. And a weight that is
# used twice gets the sum.
