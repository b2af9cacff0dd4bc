"""Lessons that check themselves: ``check(answer, of=y, wrt=x)`` says right, or which mistake it was.

>>> from tinygrad_edu import Value
>>> from tinygrad_edu.lessons import check, learner
>>> learner("Ada")
Hello Ada!
>>> a, b = Value(3.0, label="a"), Value(4.0, label="b")
>>> y = a * b + a
>>> verdict = check(1, of=y, wrt=a, question=1)
Question 1: not yet. Hint: Count the arrows that lead to the result from here. Have you followed every one?
>>> verdict = check("b + 1", of=y, wrt=a, question=1)
Question 1: right.
"""

from tinygrad_edu.lessons.checking import (
    check,
    check_function,
    check_grad,
    check_graph,
    check_order,
    check_paths,
    check_value,
)
from tinygrad_edu.lessons.choices import check_names, check_within
from tinygrad_edu.lessons.questions import numbers
from tinygrad_edu.lessons.sheet import learner, progress, solution

# fmt: off
__all__ = [
    "check", "check_function", "check_grad", "check_graph", "check_names", "check_order", "check_paths", "check_value",
    "check_within", "learner", "numbers", "progress", "solution",
]
# fmt: on
