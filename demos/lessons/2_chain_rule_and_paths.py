"""The source of lesson 2; ``make.py`` says how it becomes notebooks."""

# %% [markdown]
# # Lesson 2: The chain rule, and sums over paths
#
# In lesson 1 `backward()` found all derivatives at once. Today you find them yourself. You need two rules only:
# **multiply along a path** and **add over the paths**.
#
# As before: run every cell with **Shift + Enter**, put your answers in the place of `...`, predict before you compute.
# An answer is a number, or a formula between quotes in the names of the cell. `*` is "times", and `sin(a)` is a function.

# %% [markdown] teacher
# **For the teacher.** 55 minutes: chains 15, product or composition 15, paths 15, building 10. Best begun with a gear, or
# with an exchange of money twice over: why are the two rates multiplied? Whoever is stuck may call `solution(3)` after a
# try of question 3.
#
# Where classes lose their way: adding along a chain (question 1), taking a product for a composition (question 6), and
# following one path only (question 9). The checks name these mistakes.

# %%
from tinygrad_edu import Value, cos, draw, explain, gradients, sin
from tinygrad_edu.lessons import check, check_graph, check_paths, learner, numbers, progress, solution

learner("Ada", questions=11)  # write your own name between the quotes

# %% [markdown]
# ## 1. Chains
#
# `x` drives `u`, and `u` drives `y`, like gears. If `u` turns `r` times as fast as `x`, and `y` turns `s` times as fast
# as `u`: how fast does `y` turn?

# %%
r, s, x = numbers("r", "s", "x", of=lambda r, s, x: s * (r * x))
u = r * x
y = s * u
print(f"r = {r.data}, s = {s.data}")
draw(y)

# %% [markdown]
# **Question 1.** How many times as fast as `x` does `y` change? (A number, or a formula with `r` and `s`.)

# %%
answer = "r*s"  # your answer
check(answer, of=y, wrt=x, question=1)

# %% [markdown]
# That is the **chain rule**: ∂y/∂x = ∂y/∂u · ∂u/∂x. Along a chain the speeds are multiplied.
#
# Now a chain in which the speed itself depends on where we are: `q = v*v` with `v = r*x + s`. The speed of a square: `v*v`
# changes `2*v` times as fast as `v`. (You can find it with lesson 1: `v` is used twice, once as the left factor, once as
# the right one, and each use brings `v`.)

# %%
r, s, x = numbers("r", "s", "x", of=lambda r, s, x: (r * x + s) * (r * x + s))
v = r * x + s
q = v * v
print(f"r = {r.data}, s = {s.data}, x = {x.data}, so v = {v.data}")

# %% [markdown]
# **Question 2.** The outer step alone: how many times as fast as `v` does `q` change?

# %%
answer = "2*v"  # your answer
check(answer, of=q, wrt=v, question=2)

# %% [markdown]
# **Question 3.** The inner step alone: how many times as fast as `x` does `v` change?

# %%
answer = "r"  # your answer
check(answer, of=v, wrt=x, question=3)

# %% [markdown]
# **Question 4.** The whole chain: how many times as fast as `x` does `q` change?

# %%
answer = "2*v*r"  # your answer
check(answer, of=q, wrt=x, question=4)

# %% [markdown] teacher
# **Ask the class.** What would the answer to question 4 be if `x` were such that `v` is 0? What does the graph of `q` look
# like there? (Its lowest point; nothing that is multiplied by the 0 comes through.)

# %% [markdown]
# ## 2. Product or composition?
#
# Two formulas that look alike. In `f` the sine is taken *of* the product; in `g` the sine is a *factor* of it. You need
# to know: `sin(a)` changes `cos(a)` times as fast as `a`.

# %%
[a] = numbers("a", of=lambda a: [sin(a * a), sin(a) * a])
f = sin(a * a)
g = sin(a) * a
print(f"a = {a.data}")

# %%
draw(f)

# %%
draw(g)

# %% [markdown]
# **Question 5.** ∂f/∂a: first the arrow from `f` to the product, then on to `a`. It is a chain, at the end of which stands
# a square, as in question 2.

# %%
answer = "cos(a*a) * 2*a"  # your answer
check(answer, of=f, wrt=a, question=5)

# %% [markdown]
# **Question 6.** ∂g/∂a: here two arrows lead away from `g`. One goes to `sin(a)` and on to `a`; the other one goes to `a`
# at once.

# %%
answer = "cos(a)*a + sin(a)"  # your answer
check(answer, of=g, wrt=a, question=6)

# %% [markdown]
# So a **composition** is one path, and its steps are multiplied. A **product** is two paths: while one factor changes,
# the other one stays as it is. Both effects happen, so they are added.

# %% [markdown] teacher
# **Ask the class.** Many multiply the derivatives of the factors: cos(a)·1. Why can that not be right? Try `a*a`: it would
# give 1·1 = 1, but `a*a` at a = 3 changes 6 times as fast. Let somebody draw a square of side a that grows: two strips are
# added, each of length a.

# %% [markdown]
# ## 3. All paths
#
# Now both in one: `y = a*a + sin(a)*a`. A **path** goes from `y` along arrows to `a`. If an operation takes `a` twice, as
# `a*a` does, two arrows lead to `a`, and there are two paths.

# %%
[a] = numbers("a", of=lambda a: a * a + sin(a) * a)
square = a * a
wave = sin(a)
product = wave * a
y = square + product
print(f"a = {a.data}")
draw(y)

# %% [markdown]
# **Question 7.** How many paths lead from `y` to `a`?

# %%
answer = 4  # your answer
check_paths(answer, of=y, wrt=a, question=7)

# %% [markdown]
# **Question 8.** How many times as fast as `wave` does `y` change? (Multiply along the path from `y` to `wave`.)

# %%
answer = "a"  # your answer
check(answer, of=y, wrt=wave, question=8)

# %% [markdown]
# **Question 9.** ∂y/∂a: multiply along each of the paths, and add.

# %%
answer = "a + a + cos(a)*a + sin(a)"  # your answer
check(answer, of=y, wrt=a, question=9)

# %% [markdown]
# When you have it, compare your paths with these:

# %%
explain(y, wrt=a)

# %% [markdown]
# Now you see why `backward()` *adds* to `grad`: each path brings its part, one after the other, and every part counts. If
# it replaced what is there, only the path that came last would be left.
#
# ## 4. Why go backward?
#
# Each line below doubles: `v2 = v1 + v1`, and so on.

# %%
b = Value(1.0, label="b")
v1 = b + b
v2 = v1 + v1
v3 = v2 + v2
draw(v3)

# %% [markdown]
# **Question 10.** How many paths lead from `v3` to `b`?

# %%
answer = 8  # your answer
check_paths(answer, of=v3, wrt=b, question=10)

# %% [markdown]
# Doubled 20 times there are more than a million paths. Nobody wants to follow these one by one. `backward()` follows
# none: it walks back from box to box, *adds up* at each box what arrives there, and passes on the sum. For 20 doublings
# that is 40 arrows.

# %%
z = b
for _ in range(20):
    z = z + z
print("the derivative, and so the number of paths of 1 each:", gradients(z, b))

# %% [markdown] teacher
# **Ask the class.** How many additions would it take path by path? (A million.) It is the same trick as factoring out:
# p·r + q·r = (p + q)·r. Networks have billions of paths, and this is why they can be trained.

# %% [markdown]
# ## 5. Paths that cancel
#
# **Question 11.** Build a graph of `c` in which at least **three** paths lead from the result to `c`, and in which their
# parts add up to **0**: when `c` moves a tiny bit, the result stands still. A path with a factor 0 does not count. You
# have `+`, `-`, `*` and plain numbers. `draw(mine)` in a cell of its own shows your graph.

# %%
c = Value(3.0, label="c")
mine = 5 * c - 2 * c - 3 * c  # your answer
check_graph(mine, wrt=c, derivative=0, paths=3, question=11)

# %% [markdown] teacher
# **Ask the class.** Collect some. `5*c - 2*c - 3*c` is 0 everywhere; `c*c - 6*c` has three paths as well and stands still
# at c = 3 only. Which is more interesting, and what does its graph look like there?

# %% [markdown]
# ## How far did you get?

# %%
progress()

# %% [markdown]
# **What to keep.** Multiply along a path, add over the paths. A composition is one path; a product is two. Going
# backward, every box adds up what arrives and passes on the sum, so that a million paths cost no more than a few arrows.
