"""The source of lesson 6; ``make.py`` says how it becomes notebooks."""

# %% [markdown]
# # Lesson 6: Your own engine, your own operation
#
# For five lessons an engine has computed derivatives for you. Today you look inside, break it in four ways, and write
# your own in thirty lines. Then you teach it an operation that nobody has had before. At the end, your network moves to
# PyTorch, the engine that the big ones use, and gives the same numbers there.
#
# As before: **Shift + Enter**, answers in the place of `...`, predict first. You should have written a function and a
# class in Python before.

# %% [markdown] teacher
# **For the teacher.** 60 minutes: four broken engines 15, thirty lines 20, an operation of one's own 15, PyTorch 10. Those
# who have never seen a class can work in pairs with those who have. Part 1 goes well on paper, with the four graphs on
# the board.

# %%
import math
import random

from tinygrad_edu import Operation, Value, check_gradients, compile, data, derivative, draw, exp
from tinygrad_edu import explain, fit, mean, nn, optim, topological_order
from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.operation import TABLE
from tinygrad_edu.lessons import check_function, check_names, check_value, learner, numbers, progress, solution

learner("Ada", questions=11)  # write your own name between the quotes

# %% [markdown]
# ## 1. Four broken engines
#
# This is all there is to going backward. `topological_order` lists the boxes of a graph, operands before results, as you
# did in lesson 1. `local_derivatives` are the numbers on the arrows.


# %%
def backward(result):
    grads = dict.fromkeys(topological_order(result), 0.0)
    grads[result] = 1.0
    for node in reversed(topological_order(result)):  # from the result to the beginning
        for parent, local in zip(node.parents, local_derivatives(node)):
            grads[parent] += grads[node] * local
    return grads


# %% [markdown]
# Four graphs to try it on:

# %%
a, b = numbers("a", "b", of=lambda a, b: [a * b * 5, a * a + b, (a * b) * (a * b) + a])
u = a * b
graphs = {
    "p": a * b,  # a single step
    "q": u * 5,  # a chain
    "r": a * a + b,  # a is used twice
    "s": u * u + a,  # u, which was computed, is used twice; and so is a
}
for name, graph in graphs.items():
    graph.label = name
    grads = backward(graph)
    print(f"{name}: ∂{name}/∂a = {grads[a]}, ∂{name}/∂b = {grads[b]}")

# %%
draw(graphs["s"])


# %% [markdown]
# Now somebody changes one line. Which graphs get a wrong ∂/∂a or ∂/∂b, and which are right all the same, by luck? Answer
# with their names, such as `"p r"`, or with `"none"`.
#
# **Question 1.** Here `=` stands in the place of `+=`.


# %%
def replacing(result):
    grads = dict.fromkeys(topological_order(result), 0.0)
    grads[result] = 1.0
    for node in reversed(topological_order(result)):
        for parent, local in zip(node.parents, local_derivatives(node)):
            grads[parent] = grads[node] * local  # changed
    return grads


def broken(engine):
    """The names of the graphs of which this engine gives a wrong derivative by a or b."""
    return [name for name, graph in graphs.items() if any(
        abs(engine(graph)[x] - backward(graph)[x]) > 1e-9 for x in (a, b) if x in backward(graph))]  # fmt: skip


answer = "r s"  # your answer
check_names(answer, of=broken(replacing), among=graphs, question=1)

# %% [markdown]
# **Question 2.** Here the local derivative is passed on alone.


# %%
def forgetting(result):
    grads = dict.fromkeys(topological_order(result), 0.0)
    grads[result] = 1.0
    for node in reversed(topological_order(result)):
        for parent, local in zip(node.parents, local_derivatives(node)):
            grads[parent] += local  # changed
    return grads


answer = "q s"  # your answer
check_names(answer, of=broken(forgetting), among=graphs, question=2)

# %% [markdown]
# **Question 3.** Here the walk begins at the inputs, and ends at the result.


# %%
def forward_walking(result):
    grads = dict.fromkeys(topological_order(result), 0.0)
    grads[result] = 1.0
    for node in topological_order(result):  # changed
        for parent, local in zip(node.parents, local_derivatives(node)):
            grads[parent] += grads[node] * local
    return grads


answer = "q r s"  # your answer
check_names(answer, of=broken(forward_walking), among=graphs, question=3)

# %% [markdown]
# **Question 4.** Here nobody asks for an order. Each box hands on what it has, as soon as something arrives, and does so
# each time that it is reached.


# %%
def hasty(result):
    grads = dict.fromkeys(topological_order(result), 0.0)
    grads[result] = 1.0
    waiting = [result]
    while waiting:
        node = waiting.pop()
        for parent, local in zip(node.parents, local_derivatives(node)):
            grads[parent] += grads[node] * local
            waiting.append(parent)  # changed
    return grads


answer = "s"  # your answer
check_names(answer, of=broken(hasty), among=graphs, question=4)

# %% [markdown] teacher
# **Ask the class.** Every mutant passes the test `p`, and most engines in blogs are tried on `p` only. Which graph would
# you take if you could have just one? (`s`: it breaks all four.) In question 4, why is `r` right although `a` is used
# twice? (Nothing lies behind `a`, so it hands nothing on. `u` hands on first one part and then, with it, the first part
# once more.)

# %% [markdown]
# ## 2. Thirty lines
#
# What the engine knows about `tanh` is one row of a table. It has a function that computes the number, `forward`, and one
# that gives the local derivatives, `rule`. The rule is given the result, which often helps, and the operands; it returns
# a list with one derivative for each operand.

# %%
row = TABLE["tanh"]
print("tanh(2) is", row.forward(2.0))
print("and its slope there is", row.rule(row.forward(2.0), 2.0))

# %% [markdown]
# **Question 5.** What is the *first* number in what the rule of the product says about 3 · 4 = 12? That is the call
# `TABLE["multiply"].rule(12.0, 3.0, 4.0)`.

# %%
answer = 4  # your answer
check_value(answer, of=TABLE["multiply"].rule(12.0, 3.0, 4.0)[0], question=5)

# %% [markdown]
# **Question 6.** The rule of `tanh` is given the result 0.5, and an operand that it does not look at. What does it return?
# (Lesson 3.)

# %%
answer = 0.75  # your answer
check_value(answer, of=TABLE["tanh"].rule(0.5, math.atanh(0.5))[0], question=6)

# %% [markdown]
# Now your engine. A `Number` is what a `Value` is: a number, the row that made it, the boxes it was made from, and `grad`.
# There are two gaps, one on the way forward and one on the way back.


# %%
# <learner>
# class Number:
#     def __init__(self, data, row=None, parents=()):
#         self.data, self.row, self.parents, self.grad = data, row, parents, 0.0
#
#     def operands(self):
#         return [parent.data for parent in self.parents]
#
#
# def apply(name, *parents):
#     """Compute with a row of the table, and remember how."""
#     result = Number(None, TABLE[name], parents)
#     result.data = ...  # call row.forward with the operands; f(*[3, 4]) is f(3, 4)
#     return result
#
#
# def in_order(result, found):
#     """List all boxes behind a result, and the result: operands first, each once."""
#     if result not in found:
#         for parent in result.parents:
#             in_order(parent, found)
#         found.append(result)
#     return found
#
#
# def go_backward(result):
#     """Put derivatives into the grad of all boxes."""
#     result.grad = 1.0
#     for node in reversed(in_order(result, [])):
#         if node.row is not None:
#             for parent, local in zip(node.parents, node.row.rule(node.data, *node.operands())):
#                 parent.grad = ...  # one line of part 1
# <solution>
class Number:
    def __init__(self, data, row=None, parents=()):
        self.data, self.row, self.parents, self.grad = data, row, parents, 0.0

    def operands(self):
        return [parent.data for parent in self.parents]


def apply(name, *parents):
    """Compute with a row of the table, and remember how."""
    result = Number(None, TABLE[name], parents)
    result.data = result.row.forward(*result.operands())
    return result


def in_order(result, found):
    """List all boxes behind a result, and the result: operands first, each once."""
    if result not in found:
        for parent in result.parents:
            in_order(parent, found)
        found.append(result)
    return found


def go_backward(result):
    """Put derivatives into the grad of all boxes."""
    result.grad = 1.0
    for node in reversed(in_order(result, [])):
        if node.row is not None:
            for parent, local in zip(node.parents, node.row.rule(node.data, *node.operands())):
                parent.grad = parent.grad + node.grad * local


# <end>

# %% [markdown]
# We try it on fifty random formulas of two numbers, and compare with the engine of the package. Formula 3, for example:


# %%
def random_formula(seed):
    """Lines such as ("multiply", 0, 2): the product of number 0 and number 2. Numbers 0 and 1 are the inputs."""
    choose = random.Random(seed)
    lines = []
    for count in range(2, 8):
        name = choose.choice(["add", "subtract", "multiply", "tanh", "sin"])
        others = [choose.randrange(count) for _ in range(TABLE[name].arity - 1)]
        lines.append((name, count - 1, *others))
    return lines


def compute(formula, inputs, apply):
    """Compute the lines of a formula, one after the other; the last is the result."""
    nodes = [*inputs]
    for name, *places in formula:
        nodes.append(apply(name, *[nodes[i] for i in places]))
    return nodes[-1]


for line in random_formula(3):
    print(line)

# %% [markdown]
# **Question 7.** The way forward.


# %%
def my_value(seed):
    return compute(random_formula(seed), [Number(0.5), Number(-1.5)], apply).data


def value_of_package(seed):
    return compute(random_formula(seed), [Value(0.5), Value(-1.5)], lambda name, *xs: TABLE[name](*xs)).data


check_function(my_value, value_of_package, [(seed,) for seed in range(50)], question=7)

# %% [markdown]
# **Question 8.** The way back.


# %%
def my_derivatives(seed):
    inputs = [Number(0.5), Number(-1.5)]
    go_backward(compute(random_formula(seed), inputs, apply))
    return [x.grad for x in inputs]


def derivatives_of_package(seed):
    inputs = [Value(0.5), Value(-1.5)]
    compute(random_formula(seed), inputs, lambda name, *xs: TABLE[name](*xs)).backward()
    return [x.grad for x in inputs]


check_function(my_derivatives, derivatives_of_package, [(seed,) for seed in range(50)], question=8)

# %% [markdown]
# If both are right, you have written an engine for derivatives. It knows every operation of the table, because it knows
# none of them: it only asks the row.

# %%
print(len(TABLE), "operations, such as", ", ".join([*TABLE][:12]))

# %% [markdown] teacher
# **Ask the class.** Where does the engine know that the derivative of a product is the other factor? (Nowhere; the table
# does.) What would have to be changed for a new operation? (One row.) `result not in found` looks through a list, and
# `in_order` calls itself: what happens with a graph of 10,000 boxes? (It is slow, and Python allows some 1000 calls inside
# each other. The package uses a set and a list of its own: `tinygrad_edu/engine/backward.py`, worth reading now.)

# %% [markdown]
# ## 3. An operation of your own
#
# There is no hill among the operations: `hill(x)` is e to the power −x², 1 at the top, and falling to 0 on both sides. We
# write it as a row: a name, what computes the number, and the rule. But the rule below is wrong: it says that the slope
# is 1 everywhere.
#
# **Question 9.** Repair the rule. `y` is the result, `x` the operand. (A chain: e to the power *n* changes as fast as it is
# large, `y` times as fast as *n*. And *n* = −x².) Mind the comma: a list of one derivative is written `(derivative,)`.

# %%
# <learner>
# hill = Operation("hill", lambda x: math.exp(-x * x), lambda y, x: (1.0,))
# <solution>
hill = Operation("hill", lambda x: math.exp(-x * x), lambda y, x: (-2 * x * y,))
# <end>


def slope_of_hill(x):
    return derivative(lambda x: exp(-x * x))(x)


check_function(lambda x: hill.rule(hill(x), x)[0], slope_of_hill, question=9)

# %% [markdown]
# The package has a check for that, too. It needs no right rule to compare with: it changes the input a tiny bit, as in
# lesson 1. (“Numeric” is what it finds so.)

# %%
check_gradients(hill, 0.7)

# %% [markdown]
# One row, and every part of the package knows your operation. (If question 9 is not yet right, every part believes the
# wrong rule.) It can be drawn:

# %%
x = Value(0.7, label="x")
y = x * hill(x)
y.backward()
draw(y)

# %% [markdown]
# Explained:

# %%
explain(y)

# %% [markdown]
# Made into a program without any Values, which computes the number and the derivative (`compile`):

# %%
fast = compile(lambda x: x * hill(x), 0.7)
print(fast(0.7), "and", y.data)
print(fast.source)

# %% [markdown]
# Differentiated twice, because the rule itself is made of operations:
#
# **Question 10.** How fast does the *slope* of the hill change at the top, where `x` is 0? (Your rule of question 9
# gives the slope. It is a product: two paths.)

# %%
answer = -2  # your answer
check_value(answer, of=derivative(derivative(lambda x: exp(-x * x)))(0.0), question=10)

# %% [markdown]
# On the live page: open `lesson6.html`, which is now beside this notebook, in your browser.

# %%
explain(y).to_html("lesson6.html")

# %% [markdown]
# And as what bends the numbers in a network, in the place of `tanh`. XOR once more:

# %%
inputs, kinds = data.xor()
hills = nn.MLP(2, [4, 1], "hill", seed=1)
print(fit(hills, inputs, kinds, optimizer=optim.SGD(hills.parameters(), lr=0.2), epochs=200, progress=False))

# %% [markdown]
# **Question 11.** Now invent an operation of your own: any formula of `x` that has a slope between −2 and 2, in the place
# of `x * x * x`, and the rule that belongs to it. Write the formula with functions of `math`, such as `math.sin(x)`, and
# the rule with those of the package (`from tinygrad_edu import cos`).

# %%
# <learner>
# mine = Operation("mine", lambda x: x * x * x, lambda y, x: (1.0,))
# <solution>
mine = Operation("mine", lambda x: x * x * x, lambda y, x: (3 * x * x,))
# <end>


def by_tiny_changes(x, tiny=1e-3):
    near, far = mine(x + tiny) - mine(x - tiny), mine(x + 2 * tiny) - mine(x - 2 * tiny)
    return (8 * near - far) / (12 * tiny)


check_function(lambda x: mine.rule(mine(x), x)[0], lambda x: by_tiny_changes(x), question=11)

# %% [markdown] teacher
# **Ask the class.** Collect some, and draw them. Does a network learn XOR with it (put it in the place of `"hill"`)? What
# must an operation have for that? (It must bend: with a straight line, many layers are no more than one.)

# %% [markdown]
# ## 4. The same network in PyTorch
#
# PyTorch is what researchers use. It does what you have written today, for whole tables of numbers at once, on large
# machines. First we train a network here and save it in a file, in a format that PyTorch's world reads as well.

# %%
model = nn.MLP(2, [4, 1], "tanh", seed=1)
print(fit(model, inputs, kinds, optimizer=optim.SGD(model.parameters(), lr=0.2), epochs=20, progress=False))
model.save("xor.safetensors")
same = nn.load("xor.safetensors")
print("before and after saving:", model([1.0, 0.0]).data, same([1.0, 0.0]).data)

# %% [markdown]
# Then the twin. The same four points go through both, both go backward, and we look for the largest difference.

# %%
try:
    import torch

    twin = nn.to_torch(model)
    print(twin)

    loss = mean([(model(point) - kind) ** 2 for point, kind in zip(inputs, kinds)])
    model.zero_grad()
    loss.backward()

    points = torch.tensor(inputs, dtype=torch.float64)
    rights = torch.tensor(kinds, dtype=torch.float64)
    loss_there = ((twin(points)[:, 0] - rights) ** 2).mean()
    loss_there.backward()

    grads = []
    for layer in model.layers:  # in PyTorch's order: the weights of a layer, then its biases
        grads += [weight.grad for neuron in layer.neurons for weight in neuron.w]
        grads += [neuron.b.grad for neuron in layer.neurons]
    grads_there = [g for parameter in twin.parameters() for g in parameter.grad.flatten().tolist()]
    print("loss here and there:", loss.data, loss_there.item())
    print(len(grads), "derivatives; largest difference:", max(abs(g - h) for g, h in zip(grads, grads_there)))
except ImportError:
    print("PyTorch is not installed here, so there is no twin: pip install torch. All else works without it.")

# %% [markdown] teacher
# **Ask the class.** Why is the difference not exactly 0? (About 16 digits are kept, and PyTorch adds in another order.)
# What has PyTorch that this engine has not? (Speed, tables of numbers, graphics cards, and thousands of operations.) And
# what is the same? (`backward`.)

# %% [markdown]
# ## How far did you get?

# %%
progress()

# %% [markdown]
# **What to keep.** An engine needs three things: a table of operations with their local derivatives, a memory of how each
# result was made, and a walk back in the right order that multiplies and adds. You have written one. Everything else,
# up to the programs that write texts and paint pictures, is more of the same.
