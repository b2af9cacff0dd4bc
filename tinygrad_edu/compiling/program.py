"""A recorded computation as a program, in which nothing is computed twice, and its derivatives."""

from __future__ import annotations

import math
from contextlib import suppress
from struct import pack
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.linearization import RecordedLinearization
from tinygrad_edu.calculus.simplifying import Simplifier, constant
from tinygrad_edu.compiling.symbols import CompileError, Symbol, symbolically
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.backward import local_derivatives, recorded_derivatives, topological_order
from tinygrad_edu.engine.operation import BUILT_IN, TABLE, Operation
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Constant, Value, record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tinygrad_edu.engine.value import Operand


class Primitive:
    """An operation of a program that is no row of the table, such as to call the rule of one.

    Attributes: as those of ``Operation``; ``source`` is the Python expression that gives the function to be called.
    """

    __slots__ = ("name", "operands", "python", "source")
    is_condition, of_two = False, None

    def __init__(self, name: str, python: str = "", operands: tuple[str, ...] = (), source: str = "") -> None:
        self.name, self.python, self.operands, self.source = name, python, operands, source


WHOLE_POWER = Primitive("whole power", "x ** n", ("x", "n"))  # for other exponents x ** n may be a complex number
SUM_OF_PRODUCTS = Primitive("sum of products")  # of its operands, two by two; a product with 1 is a term alone


class Program:
    """The Values that a computation needs, each once and as simple as can be.

    What is computed twice, in the same way from the same operands, is one Value (value numbering: Cooper and Torczon,
    *Engineering a Compiler*, 2nd ed., section 8.4.1), except for operations of one's own, which may draw random
    numbers. Definitions take the place of operations that are written so, and a sum of three products or more is one
    Value, its products included, because these are nearly all that networks compute. The numbers in the Values mean
    nothing.

    Args:
        variables: the leaves that stand for numbers given later; every other leaf is a constant.

    Attributes:
        order: all that is computed, operands before results.
        derivative_by: for derivatives, what each is the derivative by.

    >>> x = Value(3.0, label="x")
    >>> program = Program([x])
    >>> [result] = program.add([x * x + x * x * 5])
    >>> [node.op.name for node in program.order]
    ['multiply', 'multiply', 'add']
    """

    def __init__(self, variables: Sequence[Value]) -> None:
        self.order: list[Value] = []
        self.derivative_by: dict[Value, Value] = {}
        self._nodes: dict[Value, Value] = {variable: variable for variable in variables}  # by what they stand for
        self._known: dict[Any, Value] = {}
        self._simply = Simplifier(self._operation)

    def add(self, values: Sequence[Value]) -> list[Value]:
        """Add what ``values`` need; return what stands for each of them."""
        return recorded(self._add, values)

    def _add(self, values: Sequence[Value]) -> list[Value]:
        for node in topological_order(*values):
            if node not in self._nodes:
                self._nodes[node] = self._node(node)
        return [self._nodes[value] for value in values]

    def differentiate(
        self, outputs: Sequence[Value], inputs: Sequence[Value], cotangents: Sequence[Operand]
    ) -> list[Value]:
        """Add the derivatives of the sum of ``outputs`` times ``cotangents``; return what stands for each.

        Each is named after what it is the derivative by. One that several share, as the terms of a sum do, is named
        after a computed one, best one with a label; what was there before keeps its name.
        """
        before = len(self.order)
        at = _CompiledLinearization(outputs, inputs)
        found: Any = recorded(at.pull, cotangents)
        self._nodes.update((stand_in, self._nodes[node]) for stand_in, node in at.stand_ins.items())
        slopes = self.add(found)
        new = {*self.order[before:]}
        pairs = [*zip(inputs, found), *at.adjoints.items()]
        for node, derivative in sorted(pairs, key=lambda pair: (pair[0].op is None, not pair[0].label)):
            slope = self._nodes.get(derivative) if isinstance(derivative, Value) else None
            if slope in new:
                self.derivative_by.setdefault(slope, self._nodes[node])
        return slopes

    def _node(self, node: Value) -> Value:
        op = node.op
        if op is None:
            return self._value(node._data)
        operands = [self._nodes[parent] for parent in node.parents]
        is_defined = op.python == "definition" and any(constant(x) is None for x in operands)
        result = self._sum_of_products(op, operands) if is_defined else self._value(self._simply(op, *operands))
        if result is None:
            result = self._defined(node, operands)
        if result.op is not None and not result.label:
            result.label = str(node.label)
        return result

    def _defined(self, node: Value, operands: Sequence[Value]) -> Value:
        """Add ``node`` written out as the definition of its operation."""
        stand_ins = {parent: Symbol(parent._data) for parent in node.parents}  # so that the walk ends at them
        self._nodes.update((stand_ins[parent], operand) for parent, operand in zip(node.parents, operands))
        definition: Any = node.op.definition  # type: ignore[union-attr]
        return self._add([symbolically(definition, *[stand_ins[parent] for parent in node.parents])])[0]

    def _sum_of_products(self, op: Any, operands: Sequence[Value]) -> Value | None:
        """Make one node of a sum of products, unless it is short or has repeated terms, signs, constants or conditions,
        which could make it simpler: these are written out as defined."""
        if op.products is None:
            return None
        one, products = self._value(1.0), [(a, self._value(b)) for a, b in op.products(*operands)]
        for x in operands:
            made_by = x.op
            if made_by is None:
                if x.is_constant and x is not one:
                    return None
            elif made_by is ops.negative or made_by.is_condition:
                return None
        if len(products) < 3 or len({*products}) < len(products):
            return None
        factors: list[Value] = []
        for a, b in products:
            known = b if a is one else self._known.get((ops.multiply, a, b))
            factors += (a, b) if known is None else (known, one)
        return self._made(SUM_OF_PRODUCTS, tuple(factors))

    def _operation(self, op: Any, *operands: Operand) -> Value:
        """Make a node, or find the one that was made before."""
        values = tuple([self._value(x) for x in operands])
        if op.python in op.operands:  # it lets an operand pass, as detach does
            return values[op.operands.index(op.python)]  # type: ignore[no-any-return]
        if op is ops.power and (constant(values[1]) or 0.5).is_integer():
            op = WHOLE_POWER
        return self._made(op, values)

    def _made(self, op: Any, values: tuple[Value, ...]) -> Value:
        key = (op, *values)
        node = self._known.get(key)
        if node is None or _is_own(op):
            groups = values if len(values) <= 2 else (values,)
            node = self._known[key] = record(op, math.nan, *groups)
            self.order.append(node)
        return node

    def _value(self, x: Operand) -> Value:
        if isinstance(x, Value):
            return x
        return self._known.setdefault(pack("d", x), Constant(x))  # 0.0 and -0.0 are equal, nan is not equal to nan


def _is_own(op: Operation | Primitive) -> bool:
    return isinstance(op, Operation) and op.name not in BUILT_IN


class _CompiledLinearization(RecordedLinearization):
    """The derivative as a graph that holds for all numbers.

    Attributes:
        stand_ins: Symbols in the graph, and what they stand for.
    """

    def __init__(self, outputs: Sequence[Value], inputs: Sequence[Value]) -> None:
        super().__init__(outputs, inputs)
        self.stand_ins: dict[Value, Value] = {}

    def locals(self, node: Value) -> Sequence[Operand]:
        """Record the local derivatives of ``node``. A rule that cannot be written down, because it branches, works on
        numbers only or has no value here, is called each time."""
        if node not in self._locals:
            written = _written_rule(node) or _written_rule(self._of_symbols(node))
            self._locals[node] = written or recorded(_called_rule, node)
        return self._locals[node]

    def _of_symbols(self, node: Value) -> Value:
        """Copy a node so that all it was made from are Symbols: those from outside are not, and cannot be compared."""
        copies = {x: x if x.is_constant else Symbol(x._data) for x in (*node.parents, node)}
        self.stand_ins.update((copy, x) for x, copy in copies.items() if copy is not x)
        copy, parents = copies[node], tuple([copies[parent] for parent in node.parents])
        copy.op, copy._first, copy._second = node.op, parents, None
        return copy

    def _locals_under(self, upstream: Operand, node: Value) -> Sequence[Operand]:
        return self.locals(node)

    def _sum(self, products: Sequence[tuple[Operand, Operand]]) -> Operand:
        """Add up three products or more as one node."""
        if len(products) <= 2:
            return super()._sum(products)
        upstreams, locals_ = zip(*products)
        factors = [x if isinstance(x, Value) else Constant(x) for x in upstreams + locals_]
        return record(ops.dot, math.nan, tuple(factors))


def _written_rule(node: Value) -> Sequence[Operand] | None:
    """Record the local derivatives of ``node``; None if its rule cannot be written down."""
    try:
        return symbolically(recorded_derivatives, node)
    except (ArithmeticError, ValueError, TypeError, LookupError, AttributeError):
        return None


def _called_rule(node: Value) -> list[Value]:
    """Record a call of the rule, and the items of what it gives."""
    op: Any = node.op
    with suppress(ArithmeticError, ValueError):
        local_derivatives(node)  # which knows what is wrong with a rule
    rule: Any = Primitive(f"{op.name}_rule", source=f"{find_call(op)}.rule")
    call = record(rule, math.nan, (node, *node.parents))
    items: list[Any] = [Primitive(f"item {i}", f"rule[{i}]", ("rule",)) for i in range(len(node.parents))]
    return [record(item, math.nan, call) for item in items]


def find_call(op: Operation) -> str:
    """Write the Python expression that gives an operation of the table.

    Raises:
        CompileError: if its name means another one by now.
    """
    if TABLE.get(op.name) is not op:
        raise CompileError(
            f"another operation called {op.name!r} has been defined since this one was used; use the new"
        )
    return f"find({op.name!r})"
