"""The derivative of a recorded computation: a linear map, in forward mode and in reverse mode, of numbers or of graphs.

It is a product of local derivatives, one factor for each operation between inputs and outputs. Forward mode multiplies
them from the inputs on, reverse mode from the outputs back (Griewank and Walther, *Evaluating Derivatives*, 2nd ed.,
chapter 3). In both, zero absorbs, as ``engine/backward.py`` has it: no rule is asked where nothing flows.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.simplifying import simply
from tinygrad_edu.calculus.warning import warn
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.backward import local_derivatives, recorded_derivatives, sweep, topological_order
from tinygrad_edu.engine.recording import current_mode, recorded
from tinygrad_edu.engine.value import Constant, Value, record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias

    from tinygrad_edu.engine.value import Operand

    Steps: TypeAlias = "list[tuple[Value, list[tuple[Value, Any]]]]"


class Linearization:
    """The derivative of ``outputs`` with respect to ``inputs``, where they are now, carrying numbers.

    Args:
        outputs, inputs: Values of one graph. Inputs may be computed ones.

    Attributes:
        order: all that the outputs were made from, in topological order.
        nodes: of these, what was computed from inputs.
        leaves: of these, the leaves that are neither inputs nor plain numbers.

    >>> x, y = Value(2.0), Value(3.0)
    >>> derivative = Linearization([x * y, x + y], [x, y])
    >>> derivative.push([1.0, 0.0]), derivative.pull([1.0, 0.0]), derivative.jacobian()
    ([3.0, 1.0], [3.0, 2.0], [[3.0, 2.0], [1.0, 1.0]])
    """

    def __init__(self, outputs: Sequence[Value], inputs: Sequence[Value]) -> None:
        self.outputs, self.inputs = outputs, inputs
        self.order = topological_order(*outputs)
        self.nodes: list[Value] = []
        self.leaves: list[Value] = []
        self._steps: Steps | None = None
        reached = self._reached = set(inputs)
        for node in self.order:
            first, second = node._first, node._second
            if first is None:
                if node not in reached and not node.is_constant:
                    self.leaves.append(node)
            elif type(first) is tuple:
                if not reached.isdisjoint(first) or (second and not reached.isdisjoint(second)):
                    reached.add(node)
                    self.nodes.append(node)
            elif first in reached or second in reached:
                reached.add(node)
                self.nodes.append(node)

    def push(self, tangents: Sequence[Any]) -> list[Operand]:
        """Forward mode: compute how the outputs change when the inputs change by ``tangents``; J v, or jvp."""
        moving = [(x, tangent) for x, tangent in zip(self.inputs, tangents) if not is_zero(tangent)]
        if len(moving) < len(self.inputs):
            return type(self)(self.outputs, [x for x, _ in moving])._push([tangent for _, tangent in moving])
        return self._push(tangents)

    def pull(self, cotangents: Sequence[Any]) -> list[Operand]:
        """Reverse mode: compute how the sum of the outputs times ``cotangents`` changes with each input; vᵀ J, or
        vjp."""
        adjoints = dict.fromkeys((*self.order, *self.inputs), 0.0)
        for output, cotangent in zip(self.outputs, cotangents):
            adjoints[output] += cotangent
        sweep(self.nodes, adjoints)
        return [adjoints[x] for x in self.inputs]

    def jacobian(self, mode: str = "auto") -> list[list[Operand]]:
        """Compute the matrix, a row for each output: pushed column by column, or pulled row by row, whichever are
        fewer."""
        if mode == "forward" or (mode == "auto" and len(self.inputs) < len(self.outputs)):
            columns = [self._push(unit) for unit in units(len(self.inputs))]
            return [[column[i] for column in columns] for i in range(len(self.outputs))]
        return [self._pull_by_steps(unit) for unit in units(len(self.outputs))]

    def magnitudes(self) -> list[tuple[list[float], float]]:
        """Compute for each output its derivatives as they would be if no terms cancelled, with absolute values
        everywhere, and how large a change of the output rounding makes: the accuracy of both is to be compared with
        these.

        >>> x = Value(2.0)
        >>> Linearization([x * 3 - x * 2.5], [x]).magnitudes()
        [([5.5], 4.9960036108132044e-15)]
        """
        steps = [(node, [(parent, abs(local)) for parent, local in terms]) for node, terms in self.steps()]
        rounded = {node: abs(node._data) + _size_of_terms(node) for node, _ in steps}
        found = []
        for unit in units(len(self.outputs)):
            arriving = self._arriving(steps, unit)
            noise = 2**-53 * sum([arriving[node] * size for node, size in rounded.items()])
            found.append(([arriving[x] for x in self.inputs], noise))
        return found

    def locals(self, node: Value) -> Sequence[Any]:
        """List the local derivatives of ``node``."""
        return local_derivatives(node)

    def steps(self) -> Steps:
        """List the nodes through which something can flow to an output, each with its operands on the way and the
        local derivatives by them. Rules are run once."""
        if self._steps is None:
            steps, needed = [], {*self.outputs}
            for node in reversed(self.nodes):
                if node in needed:
                    terms = [
                        (parent, local)
                        for parent, local in zip(node.parents, self.locals(node))
                        if parent in self._reached and not is_zero(local)
                    ]
                    needed.update([parent for parent, _ in terms])
                    steps.append((node, terms))
            self._steps = steps[::-1]
        return self._steps

    def _push(self, tangents: Sequence[Any]) -> list[Operand]:
        moving = dict.fromkeys(self._reached, 0.0)
        for x, tangent in zip(self.inputs, tangents):
            moving[x] += tangent
        for node, terms in self.steps():
            for parent, local in terms:
                if moving[parent]:
                    moving[node] += moving[parent] * local
        return [moving.get(output, 0.0) for output in self.outputs]

    def _pull_by_steps(self, cotangents: Sequence[Any]) -> list[Operand]:
        """Do what ``pull`` does with local derivatives that are found only once: faster when it is done many times."""
        arriving = self._arriving(self.steps(), cotangents)
        return [arriving[x] for x in self.inputs]

    def _arriving(self, steps: Steps, cotangents: Sequence[float]) -> dict[Value, float]:
        arriving = dict.fromkeys(self._reached, 0.0)
        for output, cotangent in zip(self.outputs, cotangents):
            if output in arriving:
                arriving[output] += cotangent
        for node, terms in reversed(steps):
            upstream = arriving[node]
            if upstream:
                for parent, local in terms:
                    arriving[parent] += upstream * local
        return arriving


class RecordedLinearization(Linearization):
    """The same carrying Values, so that the results are graphs too and can be differentiated again.

    Attributes:
        adjoints: after ``pull``, the derivative by each node on the way, a Value or a plain number.

    >>> x = Value(3.0)
    >>> [slope] = RecordedLinearization([x * x], [x]).pull([1.0])
    >>> slope.op, slope.data
    (<operation multiply>, 6.0)
    """

    def __init__(self, outputs: Sequence[Value], inputs: Sequence[Value]) -> None:
        super().__init__(outputs, inputs)
        self.adjoints: dict[Value, Operand] = {}
        self._locals: dict[Value, Sequence[Operand]] = {}

    def locals(self, node: Value) -> Sequence[Operand]:
        """Record the local derivatives of ``node``, once."""
        if node not in self._locals:
            self._locals[node] = recorded_derivatives(node)
        return self._locals[node]

    def pull(self, cotangents: Sequence[Operand]) -> list[Operand]:
        """Reverse mode; see ``Linearization.pull``."""
        return self._as_values(recorded(self._pull, cotangents), cotangents)

    _pull_by_steps = pull

    def _push(self, tangents: Sequence[Operand]) -> list[Operand]:
        return self._as_values(recorded(self._push_values, tangents), tangents)

    def _as_values(self, found: Sequence[Operand], seeds: Sequence[Operand]) -> list[Operand]:
        """Make each a Value of its own, to have a label of its own: a Value that was there already, such as the x that
        is the derivative of w * x by w, is taken over into a new one."""
        taken = {*self.order, *(seed for seed in seeds if isinstance(seed, Value))}
        values: list[Operand] = []
        for x in found:
            value = x if isinstance(x, Value) else ConstantDerivative(x)
            values.append(recorded(record, ops.positive, value._data, value) if value in taken else value)
            taken.add(value)
        return values

    def _push_values(self, tangents: Sequence[Operand]) -> list[Operand]:
        moving: dict[Value, Operand] = {}
        for x, tangent in zip(self.inputs, tangents):
            moving[x] = _total([moving.get(x, 0.0), tangent])
        for node, terms in self.steps():
            moved = [(moving[parent], local) for parent, local in terms if parent in moving]
            changes = [_product(change, local) for change, local in moved if not _is_absorbed(change, local)]
            moving[node] = _total([moving.get(node, 0.0), *changes])
        return [moving.get(output, 0.0) for output in self.outputs]

    def _pull(self, cotangents: Sequence[Operand]) -> list[Operand]:
        arriving: dict[Value, list[tuple[Operand, Operand]]] = {node: [] for node in (*self.inputs, *self.nodes)}
        for output, cotangent in zip(self.outputs, cotangents):
            if not is_zero(cotangent):
                arriving.get(output, []).append((cotangent, 1.0))
        for node in reversed(self.nodes):
            upstream = self.adjoints[node] = self._sum(arriving[node])
            if is_zero(upstream):
                continue
            arriving[node] = [(upstream, 1.0)]
            for parent, local in zip(node.parents, self._locals_under(upstream, node)):
                if parent in arriving and not is_zero(local):
                    arriving[parent].append((upstream, local))
        return [self._sum(arriving[x]) for x in self.inputs]

    def _sum(self, products: Sequence[tuple[Operand, Operand]]) -> Operand:
        """Add up the products of upstreams and local derivatives, none of which is a plain 0."""
        return _total([_product(upstream, local) for upstream, local in products])

    def _locals_under(self, upstream: Operand, node: Value) -> Sequence[Operand]:
        """List the local derivatives of ``node``. One that meets an upstream so that 0 takes out what is infinite or
        undefined, here if not everywhere, is a plain 0."""
        arrives = not isinstance(upstream, Value) or upstream._data != 0
        try:
            locals_ = self.locals(node)
        except (ArithmeticError, ValueError):
            if arrives:
                raise
            return ()
        return [0.0 if _is_absorbed(upstream, x) else x for x in locals_]


class ConstantDerivative(Constant):
    """A derivative that is the same everywhere, such as the 3 of 3 * x. Other constants stay inside their formulas;
    this one is handed to the user, who may compute with it and differentiate with respect to it.
    """

    __slots__ = ()
    is_constant = False

    def __init__(self, data: float) -> None:
        super().__init__(data)
        mode = current_mode()
        if mode is not None:
            mode.made(self)


def units(count: int) -> list[list[float]]:
    """List the rows of a unit matrix.

    >>> units(2)
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return [[float(i == j) for j in range(count)] for i in range(count)]


def is_zero(x: Operand) -> bool:
    """Tell whether ``x`` is a plain 0, which stays 0 however the inputs change.

    >>> is_zero(0.0), is_zero(Value(0.0))
    (True, False)
    """
    return not isinstance(x, Value) and x == 0


def _is_absorbed(a: Operand, b: Operand) -> bool:
    """Tell whether, of two factors, one is 0 and the other infinite or undefined."""
    x, y = (factor._data if isinstance(factor, Value) else factor for factor in (a, b))
    return (x == 0 and not isfinite(y)) or (y == 0 and not isfinite(x))


def _size_of_terms(node: Value) -> float:
    """Add up the sizes of the parts that a number was put together from: rounding is to be compared with them."""
    return sum([abs(local * parent._data) for local, parent in zip(local_derivatives(node), node.parents)])


def _product(upstream: Operand, local: Operand) -> Operand:
    """Multiply; a plain 0 absorbs also what is not finite."""
    return 0.0 if is_zero(upstream) or is_zero(local) else simply(ops.multiply, upstream, local)


def _total(terms: Sequence[Operand]) -> Operand:
    """Add up, without recording additions of a plain 0."""
    terms = [term for term in terms if not is_zero(term)]
    if len(terms) <= 2:
        return 0.0 if not terms else terms[0] if len(terms) == 1 else simply(ops.add, *terms)
    return ops.sum_(*terms)


def gradients(output: Value, inputs: Any, create_graph: bool = False) -> Any:
    """The derivatives of a Value with respect to Values that it was made from; touches no ``grad``.

    Args:
        output: the result of a recorded computation.
        inputs: a Value, or a list, tuple or dict of Values; leaves or computed ones.
        create_graph: give Values that remember how they were computed, to be differentiated again, drawn and explained.

    Returns:
        a number, or a Value with ``create_graph``, for each input, in the structure of ``inputs``; 0 for one that
        ``output`` was not made from.

    Raises:
        TypeError: if ``output`` or an input is not a Value, or, with ``create_graph``, a rule works on numbers only.
        ZeroDivisionError, ValueError, OverflowError: where a derivative is infinite or undefined; see
            ``Value.backward``.

    >>> x = Value(0.5, label="x")
    >>> y = x.tanh()
    >>> gradients(y, x)
    0.7864477329659274
    >>> slope = gradients(y, x, create_graph=True)    # 1 - y * y
    >>> slope.op, round(gradients(slope, x), 12)
    (<operation subtract>, -0.726861981384)
    """
    if not isinstance(output, Value):
        raise TypeError(f"gradients are those of a Value, not of a {type(output).__name__}")
    mode = current_mode()
    if mode is not None and not create_graph:
        mode.read(output)
    leaves = list(trees.leaves(inputs, "inputs"))
    for path, leaf in leaves:
        if not isinstance(leaf, Value):
            raise TypeError(f"gradients are with respect to Values; {path} is {trees.described(leaf)}")
    values = [leaf for _, leaf in leaves]
    if output.op is None and not isinstance(output, Constant) and not any(output is value for value in values):
        warn(
            "this output was not computed from anything, so its gradients are 0. The output comes first, "
            "gradients(output, inputs), and inside no_grad nothing is recorded"
        )
    kind = RecordedLinearization if create_graph else Linearization
    return trees.rebuilt(inputs, kind([output], values).pull([1.0]))
