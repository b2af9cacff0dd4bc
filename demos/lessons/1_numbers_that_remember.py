"""The source of lesson 1; ``make.py`` says how it becomes notebooks."""

# %% [markdown]
# # Lesson 1: Numbers that remember
#
# A calculator gives you a number and forgets at once how it came about. In this lesson numbers remember. That one
# ability is enough for the computer to answer a question that all of machine learning rests on: *if I change this
# number a little, how much does the result change?*
#
# You need: multiplication, and how to run a cell (click into it, then press **Shift + Enter**). Run every cell, from
# top to bottom.
#
# In some cells there are three dots `...`. Put your answer in their place and run the cell. An answer is a number, such
# as `7.5`, or a formula between quotes, such as `"2*a + 1"`. A wrong answer is no disaster: you get a hint. Predict
# first, compute afterwards. That is how it sticks.

# %% [markdown] teacher
# **For the teacher.** 50 minutes: numbers that remember 10, how fast 15, backward 15, a graph of one's own 10. Nothing
# to prepare. Everybody types a name of their own in the next cell, so neighbours have different numbers; a formula is
# worth discussing, a number is not worth copying. `solution(3)` shows the solution of question 3, after a try.
#
# Goals: a result is a graph; the order of computing; a derivative is a speed of change; `grad` is where `backward()`
# *adds* what it finds.

# %%
from tinygrad_edu import Value, draw, explain, topological_order
from tinygrad_edu.lessons import check, check_grad, check_graph, check_order, check_value
from tinygrad_edu.lessons import learner, numbers, progress, solution

learner("Ada", questions=11)  # write your own name between the quotes

# %% [markdown]
# ## 1. What a number can remember
#
# A `Value` is a number in a box. Its name is its label.

# %%
a, b = numbers("a", "b", of=lambda a, b: a * b + a)  # your own two numbers, made from your name
print(a)
print(b)

# %%
u = a * b
y = u + a
print(y.data)  # the number in the box
print(y.op)  # the operation that made it
print(y.parents)  # the two boxes it was made from

# %% [markdown]
# `y` knows that it is a sum, and of what. `u` knows that it is a product, and of what. So `y` holds its whole history.
# Such a history can be drawn. Here is another one. Each box is a value, and `data` is its number; what the other numbers
# are, you will find out.

# %%
k, m = Value(2.0, label="k"), Value(5.0, label="m")
draw(m - k * k)

# %% [markdown]
# **Question 1.** Back to `u = a*b` and `y = u + a`. The computer starts with `a` and `b` and needs everything else. Write the names `a`, `b`, `u`, `y` in
# an order in which it can compute them.

# %%
order = "a b u y"  # your answer
check_order(order, of=y, question=1)

# %% [markdown]
# **Question 2.** How many boxes does the drawing of `z = c*c + c` have? Decide before you draw it. (Box, not arrow.)

# %%
c = Value(5.0, label="c")
z = c * c + c
answer = 3  # your answer
check_value(answer, of=len(topological_order(z)), question=2)  # which lists all boxes behind z, each once

# %%
draw(z)

# %% [markdown] teacher
# **Ask the class.** Why is there only one box `c`, although the formula says `c` three times? (One number, used three
# times: three arrows leave it.) Who said 5 drew a *tree*; the computer draws a *graph*. This will matter in lesson 2.

# %% [markdown]
# **Question 3.** A number remembers how it was made. Does it also *watch* what it was made from? Below, `p` gets another
# number after `q` was computed. What is in `q` now?

# %%
p = Value(2.0, label="p")
q = p * 3
p.data = 10.0
answer = 6  # your answer
check_value(answer, of=q.data, question=3)

# %% [markdown]
# ## 2. How fast does it change?
#
# Now the question from the beginning. We change `a` by a tiny bit, compute everything again and look at the result.

# %%
tiny = 0.001
before = a.data * b.data + a.data
after = (a.data + tiny) * b.data + (a.data + tiny)
print("y changed by", after - before)
print("that is", (after - before) / tiny, "times as much as a changed")

# %% [markdown]
# This number is called the **derivative** of `y` by `a`, written ∂y/∂a. It is a speed: *y changes so many times as fast
# as a*. If it is 3, then `y` grows by 0.003 when `a` grows by 0.001. If it is negative, `y` shrinks when `a` grows.
#
# **Question 4.** `u` is the product `a*b`. How many times as fast as `a` does it change, while `b` stays as it is? If you
# do not know, play with the cell above. You may answer with a formula.

# %%
answer = "b"  # your answer
check(answer, of=u, wrt=a, question=4)

# %% [markdown]
# **Question 5.** And how many times as fast as `b`?

# %%
answer = "a"  # your answer
check(answer, of=u, wrt=b, question=5)

# %% [markdown]
# **Question 6.** `y` is the sum `u + a`. Look at this last step alone: how many times as fast as `u` does `y` change?

# %%
answer = 1  # your answer
check(answer, of=y, wrt=u, question=6)

# %% [markdown]
# **Question 7.** Now the whole: how many times as fast as `a` does `y` change? Careful: `a` is used twice.

# %%
answer = "b + 1"  # your answer
check(answer, of=y, wrt=a, question=7)

# %% [markdown] teacher
# **Ask the class.** Compare with the experiment of the tiny change: it gives the same. (Not to the last digit: that is
# lesson 3.) Those who answered `b` in question 7 followed one arrow only and read so in the hint. Do not explain paths
# yet; *both uses of a count* is enough.

# %% [markdown]
# ## 3. All at once: `backward`
#
# One line finds the derivatives by *all* boxes. It starts at the result and goes back along the arrows, and it puts what
# it finds into `grad`, the second number of each box. The numbers on the arrows are the derivatives of single steps, as
# in questions 4 to 6.

# %%
y.backward()
draw(y)

# %% [markdown]
# **Question 8.** What is in `y.grad`? (How many times as fast as `y` does `y` change?)

# %%
answer = 1  # your answer
check_grad(answer, of=y, question=8)

# %% [markdown]
# **Question 9.** Predict: we call `backward()` a second time. What is in `a.grad` then? The formula may use `a` and `b`.

# %%
y.zero_grad()  # 0 into every grad, so that this cell can be run again
y.backward()
y.backward()
answer = "2*(b + 1)"  # your answer
check_grad(answer, of=a, question=9)

# %% [markdown]
# Surprised? `backward()` **adds** to what is in `grad` already. There is a good reason, and you meet it in lesson 2. To
# start afresh there is `y.zero_grad()`.
#
# **Question 10.** What is in `b.grad` after these three lines?

# %%
y.zero_grad()
y.backward()
u.backward()
answer = "2*a"  # your answer
check_grad(answer, of=b, question=10)

# %% [markdown] teacher
# **Ask the class.** `u.backward()` adds ∂u/∂b = a to ∂y/∂b = a. Why did `y.grad` not change in that line? (`u` was not
# made from `y`; backward goes back only.) Forgetting `zero_grad` is the most common mistake when networks are trained:
# lesson 4.

# %% [markdown]
# ## 4. A graph of your own
#
# **Question 11.** Build a graph from `d` in which the result changes exactly **10** times as fast as `d`. Use `d` at
# least twice. You have `+`, `-`, `*`, and plain numbers. `explain(mine, wrt=d)` in a cell of its own shows where your
# derivative comes from.

# %%
d = Value(2.0, label="d")
mine = d * d + 6 * d  # your answer
check_graph(mine, wrt=d, derivative=10, paths=2, question=11)

# %% [markdown]
# Below is a page on which you can play the whole story of `y`, step by step, there and back. Change a number, and look
# what follows. **Ask me** turns it round: then the page asks you. Afterwards put `mine` in the place of `y` and play your
# own.

# %%
explain(y).live()

# %% [markdown]
# ## How far did you get?

# %%
progress()

# %% [markdown]
# **What to keep.** A result is a graph of all that it was computed from. A derivative says how many times as fast the
# result changes as one of these numbers. `backward()` finds all of them in one walk from the end to the beginning, and
# adds them to `grad`.
