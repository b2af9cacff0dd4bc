"""Leftovers: what is in the grads of a graph although its own backward pass did not bring it there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.engine.backward import sweep
from tinygrad_edu.engine.value import Constant
from tinygrad_edu.formulas.formula import digits, joined, visible
from tinygrad_edu.viz.graphs.walks import outdated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinygrad_edu.engine.value import Value
    from tinygrad_edu.formulas.formula import Formula

SHOWN = 3  # grads that a remark lists


class Leftovers:
    """The grads that hold more, or something else, than ``backward()`` of the last Value of ``order`` brings.

    What that brings is known from a sweep that starts with the grad of this last Value: 1 after one ``backward()``.
    Where numbers were set since they were computed it is not known, and nothing is said.

    Attributes:
        brought: for each Value that has something left over, how much of its grad was brought by the backward pass.
        source: where the rest may come from.

    >>> from tinygrad_edu import Value, topological_order
    >>> x = Value(3.0, label="x")
    >>> (x * x).backward()
    >>> z = 2 * x
    >>> z.backward()
    >>> print(Leftovers(topological_order(z)).sentence(x, "z"))
    grad 8 = 2 from z + 6 left over from before: zero_grad()
    """

    def __init__(self, order: Sequence[Value]) -> None:
        self.root = order[-1]
        start = self.root.grad
        self._repeated = start >= 2 and start.is_integer()
        self.source = "left over" if self._repeated or start in (0, 1) else "from elsewhere"
        self.brought: dict[Value, float] = {}
        if outdated(order) is not None:
            return
        due = dict.fromkeys(order, 0.0)
        due[self.root] = start
        try:
            sweep(order, due)
        except (ArithmeticError, ValueError, TypeError):
            return
        largest = max(map(abs, filter(math.isfinite, due.values())), default=0.0)
        for node in order:
            known = math.isfinite(node.grad) and math.isfinite(due[node]) and not isinstance(node, Constant)
            accounted_for = math.isclose(node.grad, due[node], rel_tol=1e-9, abs_tol=1e-12 * largest)
            if node.grad and known and not accounted_for:
                self.brought[node] = due[node]

    def lines(self, node: Value, name: str) -> list[str]:
        """The grad of a Value, in a line or two for its box; ``name`` is that of the root."""
        grad, brought = node.grad, self.brought.get(node)
        if brought is None:
            return [f"grad {digits(grad)}"]
        if not brought:
            return [f"grad {digits(grad)} {self.source}"]
        rest = joined([brought, grad - brought], "+").text.removeprefix(digits(brought)).strip()
        return [f"grad {digits(grad)} = {digits(brought)} from {visible(name, 12)}", f"{rest} {self.source}"]

    def sentence(self, node: Value, name: str) -> str:
        """The same in one line, with what to do."""
        remedy = " from before: zero_grad()" if node in self.brought and self.source == "left over" else ""
        return " ".join(self.lines(node, name)) + remedy

    def hint(self, name: str) -> str:
        """A sentence for below a picture; "" if nothing is left over."""
        if self.brought and self.source == "left over":
            grads = f"{len(self.brought)} grads" if len(self.brought) > 1 else "a grad"
            return f"left over in {grads}: from an earlier backward(); zero_grad() clears it"
        return self._repetition(name)

    def remark(self, formulas: Mapping[Value, Formula]) -> str:
        """Sentences for below a table; "" if nothing is left over."""
        root = formulas[self.root].text
        said = [f"{formulas[node]}: {self.sentence(node, root)}" for node in [*self.brought][:SHOWN]]
        if len(self.brought) > SHOWN:
            said.append(f"and {len(self.brought) - SHOWN} more")
        return ". ".join(filter(None, [self._repetition(root), "; ".join(said)]))

    def _repetition(self, name: str) -> str:
        if not self._repeated:
            return ""
        times = digits(self.root.grad)
        return (
            f"grad of {visible(name, 12)} is {times}, not 1: backward() ran {times} times without zero_grad(), "
            f"or on something made from {visible(name, 12)}"
        )
