"""A program as Python text: what each instruction is called, how it is written, and which fit into one line."""

from __future__ import annotations

import builtins
import math
from typing import TYPE_CHECKING

from tinygrad_edu.compiling.identifiers import Identifiers
from tinygrad_edu.compiling.program import BOTH, EITHER, Primitive
from tinygrad_edu.compiling.symbols import CompileError
from tinygrad_edu.compiling.template import ATOM, COMPARISON, CONDITIONS, LOOSEST, MINUS, NAME, template
from tinygrad_edu.engine.operation import BUILT_IN, TABLE, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tinygrad_edu.compiling.program import Instruction, Primitive, Program
    from tinygrad_edu.compiling.template import Template

FOLDED = 72  # characters of an expression that may still become part of another one
LINKS = 16  # so many terms stand in one sum, more in several: Python's parser has limits
OUR_NAMES = ("find", "value", "value_and_gradient", "gradient", "predict", "loss", "penalty")


class Listing:
    """The text of a program: statements that compute results, and statements that compute derivatives after them.

    Args:
        program: the instructions.
        results, slopes: the places of what is asked for, and of its derivatives; what none of these needs is left out.
        variables: how many of the instructions, at the beginning, are variables.
        reserved: names that mean something else where the text will stand.

    Attributes:
        names: of each variable.
        forward, backward: the statements.
        results, slopes: what stands for each after them.
        assigned: the names that the statements give.
        from_math, definitions: what must stand before the text: functions of math, and others by name.
    """

    def __init__(
        self,
        program: Program,
        results: Sequence[int],
        slopes: Sequence[int],
        variables: int,
        reserved: Iterable[str] = (),
    ) -> None:
        self.program = program
        self._reserved = frozenset(reserved)
        self._uses = [0] * len(program.instructions)
        self._written: dict[int, tuple[str, int]] = {}  # by place: its name, or the expression that is put in its place
        self.assigned: list[str] = []
        self._done: set[int] = set()
        self._short: set[int] = set()  # comparisons of names, which are as good as names
        self._links: dict[int, int] = {}  # how many operations of the same kind an expression is a chain of
        for place in (*results, *slopes):
            self._uses[place] += 1
        for place in reversed(self._needed([*results, *slopes])):
            for operand in program.instructions[place].operands:
                self._uses[operand] += 1
        self._name_functions()
        self._identifiers = Identifiers({*self._reserved, *self._functions})
        self.names = [self._identifiers.name(i.label) for i in program.instructions[:variables]]
        self._written.update((place, (name, NAME)) for place, name in enumerate(self.names))
        shared = {place for place in program.derivative_by if self._uses[place] > 1}
        self._visible = {program.derivative_by[place] for place in shared}  # where there is a d_v1, there is a v1
        self.forward = self._statements(results)
        is_alone = len(results) == 1 and not slopes
        self.results = [self.text(x) if is_alone else self._item(x, self.forward) for x in results]
        self.backward = self._statements(slopes)
        self.slopes = [self.text(slope) for slope in slopes]

    def text(self, place: int) -> str:
        """What stands for an instruction that was computed."""
        text, level = self._written[place]
        return _as_number(text, level)[0]

    def fresh(self, label: str) -> str:
        """A name like ``label`` that nothing has yet."""
        return self._identifiers.name(label)

    def name(self, place: int, lines: list[str]) -> str:
        """What stands for an instruction, as a name or a number."""
        text = self.text(place)
        if self._written[place][1] < NAME:
            name = self._identifiers.name(self._label(place))
            lines.append(f"{name} = {text}")
            self.assigned.append(name)
            self._written[place] = name, NAME
        return self._written[place][0]

    def _statements(self, results: Sequence[int]) -> list[str]:
        """Assignments that compute ``results``, without those that were given before."""
        lines: list[str] = []
        for place in self._needed(results):
            if place not in self._done:
                self._done.add(place)
                instruction = self.program.instructions[place]
                if instruction.constant is not None:
                    self._written[place] = _literal(instruction.constant)
                elif instruction.op is not None:
                    self._write(place, instruction, lines)
        return lines

    def _item(self, place: int, lines: list[str]) -> str:
        """What stands for an instruction among others with commas between: a name if it is long or needs reading
        twice."""
        text = self.text(place)
        return self.name(place, lines) if len(text) > FOLDED or " if " in text else text

    def _needed(self, results: Sequence[int]) -> list[int]:
        """The places of all that ``results`` need, in order."""
        needed = {*results} - self._done
        stack = [*needed]
        while stack:
            for operand in self.program.instructions[stack.pop()].operands:
                if operand not in needed and operand not in self._done:
                    needed.add(operand)
                    stack.append(operand)
        return sorted(needed)

    def _write(self, place: int, instruction: Instruction, lines: list[str]) -> None:
        op = instruction.op
        assert op is not None
        if op.python:
            shape = template(op.python, op.operands, op in (BOTH, EITHER))
            text, level = self._filled(shape, place, lines)
            if (
                isinstance(op, Operation)
                and op.name not in BUILT_IN
                and not shape.gives_float
                and level not in CONDITIONS
            ):
                text, level = f"float({text})", ATOM  # one's own text may give an int, as floor(x) does
        else:
            operands = [self._operand(operand, LOOSEST, lines) for operand in instruction.operands]
            text, level = f"{self._functions_of[op]}({', '.join(operands)})", ATOM
            if isinstance(op, Operation) and op.name not in BUILT_IN:
                text = f"float({text})"  # one's own functions may give an int
        self._written[place] = text, level
        if level == COMPARISON and all(self._written[x][1] == NAME for x in instruction.operands):
            self._short.add(place)
        is_shared = self._uses[place] > 1 and place not in self._short
        if instruction.label or is_shared or place in self._visible:
            self.name(place, lines)

    def _filled(self, shape: Template, place: int, lines: list[str]) -> tuple[str, int]:
        """The text of an operation around those of its operands, and how tightly it holds together."""
        instruction = self.program.instructions[place]
        pieces = [shape.pieces[0]]
        for (index, level, role), piece in zip(shape.slots, shape.pieces[1:]):
            operand = instruction.operands[index]
            links = self._links.get(operand, 1) if index == 0 else LINKS
            is_link = links < LINKS and self.program.instructions[operand].op is instruction.op
            if is_link and self._written[operand][1] == shape.level:
                self._links[place] = links + 1
            pieces += self._operand(operand, level, lines, role, is_link), piece
        return "".join(pieces), shape.level

    def _operand(self, place: int, level: int, lines: list[str], role: str = "", is_link: bool = False) -> str:
        """What stands for an operand that must hold together as tightly as ``level``."""
        text, own = self._written[place]
        if role == "test" and place in self._short:
            return text
        if role != "test":
            text, own = _as_number(text, own)
        constant = self.program.instructions[place].constant
        if role == "exponent" and constant is not None and constant.is_integer() and abs(constant) < 1000:
            text = str(int(constant))  # x ** 2 is the same as x ** 2.0
        if own < NAME and len(text) > FOLDED and not is_link:
            return self.name(place, lines)
        if own >= level:
            return text
        if level < NAME or constant is not None:
            return f"({text})"
        return self.name(place, lines)

    def _label(self, place: int) -> str:
        """What an instruction is to be called: by its label, d_x if it is the derivative by x, or nothing."""
        label = self.program.instructions[place].label
        if label or place not in self.program.derivative_by:
            return label
        by = self.program.derivative_by[place]
        text, level = self._written.get(by, ("", LOOSEST))
        return f"d_{text}" if level == NAME and text.isidentifier() else ""

    # ---- functions that are called ----

    def _name_functions(self) -> None:
        """Say what the functions that are called are called, the same in all listings of the program."""
        self.from_math: set[str] = set()
        self.definitions: dict[str, str] = {}
        self._functions_of: dict[Operation | Primitive, str] = {}
        mentioned: set[str] = set()
        used = {i.op for place, i in enumerate(self.program.instructions) if self._uses[place]}
        identifiers = Identifiers({*dir(math), *dir(builtins), *OUR_NAMES, *self._reserved})
        for op in dict.fromkeys(i.op for i in self.program.instructions if i.op is not None):
            forward = getattr(op, "forward", None)
            is_math = getattr(forward, "__module__", "") == "math" and op.name in BUILT_IN
            name = str(forward.__name__) if is_math and forward else "" if op.python else identifiers.name(op.name)
            self._functions_of[op] = name
            if op not in used:
                continue
            if op.python:
                mentioned |= template(op.python, op.operands).functions
            elif is_math:
                self.from_math.add(name)
            else:
                self.definitions[name] = _definition(op)
        numbers = [i.constant for place, i in enumerate(self.program.instructions) if self._uses[place]]
        self.from_math |= {name for name in mentioned if hasattr(math, name)}
        self.from_math |= {"inf" for x in numbers if x is not None and math.isinf(x)}
        self.from_math |= {"nan" for x in numbers if x is not None and math.isnan(x)}
        self._functions = {*self.from_math, *mentioned, *self.definitions, "find", "float"}


def _definition(op: Operation | Primitive) -> str:
    """The function that is called, and what it does if it is one of ours; one's own words might end the comment."""
    if not isinstance(op, Operation):
        return op.source
    _, _, doc = op.summary.partition("\n\n")
    return f"{found(op)}.forward" + f"  # {doc}" * (op.name in BUILT_IN)


def found(op: Operation) -> str:
    """The Python expression that gives an operation of the table.

    Raises:
        CompileError: if its name means another one by now.
    """
    if TABLE.get(op.name) is not op:
        raise CompileError(
            f"another operation called {op.name!r} has been defined since this one was used; use the new"
        )
    return f"find({op.name!r})"


def _as_number(text: str, level: int) -> tuple[str, int]:
    return (f"1.0 if {text} else 0.0", LOOSEST) if level in CONDITIONS else (text, level)


def _literal(x: float) -> tuple[str, int]:
    return repr(x), MINUS if math.copysign(1.0, x) < 0 else NAME
