"""A recorded computation as a program: a list of instructions in which nothing is computed twice."""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING

from tinygrad_edu.compiling.symbols import symbolically
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.backward import topological_order
from tinygrad_edu.engine.operation import BUILT_IN, TABLE, Operation
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, TypeAlias

    Key: TypeAlias = tuple[Any, ...]


class Primitive:
    """What an instruction does if it is not an operation of the table, such as to call the rule of one.

    Attributes: as those of ``Operation``; ``source`` is the Python expression that gives the function to be called.
    """

    __slots__ = ("name", "operands", "python", "source")

    def __init__(self, name: str, python: str = "", operands: tuple[str, ...] = (), source: str = "") -> None:
        self.name, self.python, self.operands, self.source = name, python, operands, source


WHOLE_POWER = Primitive("whole power", "x ** n", ("x", "n"))  # for other exponents x ** n may be a complex number
BOTH, EITHER = ops.logical_and, ops.logical_or
CONDITIONS = {op for op in TABLE.values() if op.is_condition}


class Instruction:
    """One line of a program: an operation and the places of its operands, a constant, or a variable given from outside.

    Attributes:
        op: the operation, or None.
        operands: their places in the program.
        constant: the number, or None.
        label: what the Value that it was made from is called, or "".
    """

    __slots__ = ("constant", "label", "op", "operands")

    def __init__(
        self,
        op: Operation | Primitive | None = None,
        operands: tuple[int, ...] = (),
        constant: float | None = None,
        label: str = "",
    ) -> None:
        self.op, self.operands, self.constant, self.label = op, operands, constant, label

    def __repr__(self) -> str:
        what = self.op.name if self.op else self.label if self.constant is None else f"{self.constant}"
        return " ".join([what, *map(str, self.operands)])


class Program:
    """Instructions, operands before results.

    What is computed twice, in the same way from the same operands, is one instruction (value numbering: Cooper and
    Torczon, *Engineering a Compiler*, 2nd ed., section 8.4.1), except for operations of one's own, which may draw
    random numbers. What is computed from constants is a constant.

    Args:
        variables: the leaves that stand for numbers given later; every other leaf is a constant.

    Attributes:
        instructions: all of them.
        derivative_by: the places of derivatives, and of what each is the derivative by.

    >>> x = Value(3.0, label="x")
    >>> program = Program([x])
    >>> program.places([x * x + x * x * 5])
    [4]
    >>> program
    0  x
    1  multiply 0 0
    2  5.0
    3  multiply 1 2
    4  add 1 3
    """

    def __init__(self, variables: Sequence[Value]) -> None:
        self.instructions: list[Instruction] = []
        self.derivative_by: dict[int, int] = {}
        self._places: dict[Value, int] = {}
        self._known: dict[Key, int] = {}
        for variable in variables:
            self._places[variable] = self._append(Instruction(label=str(variable.label)))

    def places(self, values: Sequence[Value]) -> list[int]:
        """Where ``values`` are computed, after adding what is needed for that."""
        for node in topological_order(*values):
            if node not in self._places:
                self._places[node] = self._place(node)
        return [self._places[value] for value in values]

    def backward_places(self, derivatives: Sequence[Value], adjoints: Iterable[tuple[Value, Any]]) -> list[int]:
        """Where ``derivatives`` are computed, as ``places`` gives it. Pairs (node, derivative) in ``adjoints`` tell
        what each is the derivative by. A place that there was before keeps its name; a derivative that several nodes
        share, as the terms of a sum do, is named after a computed one, best one with a label.
        """
        before = len(self.instructions)
        found = self.places(derivatives)
        for node, derivative in sorted(adjoints, key=lambda pair: (pair[0].op is None, not pair[0].label)):
            place = self._places.get(derivative, 0) if isinstance(derivative, Value) else 0
            if place >= before:
                self.derivative_by.setdefault(place, self._places[node])
        return found

    def __repr__(self) -> str:
        return "\n".join(f"{place}  {instruction}" for place, instruction in enumerate(self.instructions))

    def rename(self, place: int, name: str) -> None:
        """Give what is computed at ``place`` another name; variables keep theirs."""
        if self.instructions[place].op is not None:
            self.instructions[place].label = name

    def _append(self, instruction: Instruction) -> int:
        self.instructions.append(instruction)
        return len(self.instructions) - 1

    def _place(self, node: Value) -> int:
        op = node.op
        if op is None:
            return self._constant(node._data)
        operands = tuple([self._places[parent] for parent in node.parents])
        if op.name in BUILT_IN and all(self.instructions[operand].constant is not None for operand in operands):
            return self._constant(node._data)
        same = self._simplified(op, operands)
        if same is None:
            same = self._defined(op, node) if op.python == "definition" else self._operation(op, operands)
        return self._labelled(same, str(node.label))

    def _labelled(self, place: int, label: str) -> int:
        instruction = self.instructions[place]
        instruction.label = instruction.label or label
        return place

    def _simplified(self, op: Operation, operands: tuple[int, ...]) -> int | None:
        """The place of what is the same for all numbers, zeros, infinities and NaN included, but simpler; or None."""
        constants = [self.instructions[operand].constant for operand in operands]
        negated = [self._negated(operand) for operand in operands]
        if op is ops.positive:
            return operands[0]
        if op is ops.negative:
            return negated[0]  # -(-x) is x
        if op is ops.where and constants[0] is not None:
            return operands[1] if constants[0] else operands[2]
        is_condition = [self.instructions[operand].op in CONDITIONS for operand in operands]
        if op is ops.where and is_condition[0] and [*map(str, constants[1:])] == ["1.0", "0.0"]:
            return operands[0]
        if op is ops.add and (negated[0] is not None or negated[1] is not None):  # a + (-b) is a - b
            pair = (operands[0], negated[1]) if negated[1] is not None else (operands[1], negated[0])
            return self._operation(ops.subtract, pair)  # type: ignore[arg-type]
        if op is ops.add and operands[0] == operands[1]:
            return self._operation(ops.multiply, (self._constant(2.0), operands[0]))
        if op is ops.multiply and (1.0 in constants or -1.0 in constants):
            place = constants.index(1.0 if 1.0 in constants else -1.0)
            other = operands[1 - place]
            return other if constants[place] == 1 else self._operation(ops.negative, (other,))
        if op is ops.power and constants[1] is not None and constants[1].is_integer():
            if constants[1] in (0.0, 1.0):
                return operands[0] if constants[1] else self._constant(1.0)
            return self._operation(WHOLE_POWER, operands)
        return None

    def _negated(self, place: int) -> int | None:
        """The place of x, if -x is computed at ``place``."""
        instruction = self.instructions[place]
        return instruction.operands[0] if instruction.op is ops.negative else None

    def _operation(self, op: Operation | Primitive, operands: tuple[int, ...]) -> int:
        """The place of an operation, the same for what was computed before."""
        key = (op, operands)
        if isinstance(op, Operation) and op.name not in BUILT_IN:
            return self._append(Instruction(op, operands))
        if key not in self._known:
            self._known[key] = self._append(Instruction(op, operands))
        return self._known[key]

    def _constant(self, x: float) -> int:
        key = ("constant", pack("d", x))  # 0.0 and -0.0 are equal, and nan is not equal to nan
        if key not in self._known:
            self._known[key] = self._append(Instruction(constant=x))
        return self._known[key]

    def _defined(self, op: Operation, node: Value) -> int:
        """The place of ``node`` written out as the definition of its operation."""
        assert op.definition is not None
        stand_ins = {parent: Value(parent._data) for parent in node.parents}  # so that the walk ends at them
        for parent, stand_in in stand_ins.items():
            self._places[stand_in] = self._places[parent]
        return self.places([symbolically(recorded, op.definition, *[stand_ins[parent] for parent in node.parents])])[0]
