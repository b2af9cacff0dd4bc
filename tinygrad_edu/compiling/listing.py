"""A program as Python text: what each Value is called, how it is written, and what fits into one line."""

from __future__ import annotations

import builtins
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_edu.calculus.simplifying import constant
from tinygrad_edu.compiling.identifiers import Identifiers
from tinygrad_edu.compiling.program import SUM_OF_PRODUCTS, find_call
from tinygrad_edu.compiling.template import ATOM, COMPARISON, CONDITIONS, LOOSEST, MINUS, NAME, template
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.operation import BUILT_IN, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tinygrad_edu.compiling.program import Program
    from tinygrad_edu.engine.value import Value

FOLDED = 72  # characters of an expression that may still become part of another one
SUM = template(ops.add).level
LINKS = 16  # so many terms stand in one sum, more in several: Python's parser has limits
OUR_NAMES = ("find", "value", "value_and_gradient", "backward", "gradient", "predict", "loss")


class Called(NamedTuple):
    """The functions that a text calls.

    Attributes:
        from_math: names of functions and constants of math.
        definitions: the Python expressions that give the others, by name.
        operations: the operations that these are, by name.
    """

    from_math: set[str]
    definitions: dict[str, str]
    operations: dict[str, Any]


class Listing:
    """The text of a program: statements that compute results, and statements that compute derivatives after them.

    Args:
        program: the computation.
        results, slopes: what is asked for, and its derivatives; what none of these needs is left out.
        variables: the leaves that have names.
        reserved: names that mean something else where the text will stand.

    Attributes:
        names: of each variable.
        forward, backward: the statements.
        results, slopes: what stands for each after them.
        assigned: the names that the statements give.
        called: the functions that they call.
    """

    def __init__(
        self,
        program: Program,
        results: Sequence[Value],
        slopes: Sequence[Value],
        variables: Sequence[Value],
        reserved: Iterable[str] = (),
    ) -> None:
        self._program = program
        self._reserved = frozenset(reserved)
        self._written: dict[Value, tuple[str, int]] = {}  # its name, or the expression that is put in its place
        self._done: set[Value] = set()
        self._short: set[Value] = set()  # comparisons of names, which are as good as names
        self._links: dict[Value, int] = {}  # how many operations of the same kind an expression is a chain of
        self.assigned: list[str] = []
        needed = self._needed([*results, *slopes])
        self._uses = Counter([*results, *slopes, *[parent for node in needed for parent in node.parents]])
        self._name_functions(needed)
        self._identifiers = Identifiers({*self._reserved, *self._functions})
        self.names = [self.fresh(variable.label) for variable in variables]
        self._written.update((variable, (name, NAME)) for variable, name in zip(variables, self.names))
        by = program.derivative_by
        self._visible = {by[x] for x in by if self._uses.get(x, 0) > 1}  # where there is a d_v1, there is a v1
        self.forward = self._statements(results)
        is_alone = len(results) == 1 and not slopes
        self.results = [self.text(x) if is_alone else self._item(x, self.forward) for x in results]
        self.backward = self._statements(slopes)
        self.slopes = [self.text(slope) for slope in slopes]

    def text(self, node: Value) -> str:
        """Write what stands for a Value that was computed."""
        return _as_number(*self._found(node))[0]

    def fresh(self, label: str) -> str:
        """Make up a name like ``label`` that nothing has yet."""
        return self._identifiers.name(str(label))

    def name(self, node: Value, lines: list[str]) -> str:
        """Write what stands for a Value as a name or a number."""
        text, level = _as_number(*self._found(node))
        if level < NAME:
            text, level = self.fresh(self._label(node)), NAME
            lines.append(f"{text} = {self.text(node)}")
            self.assigned.append(text)
        self._written[node] = text, level
        return text

    def _found(self, node: Value) -> tuple[str, int]:
        """Find the text of a Value that was computed, and how tightly it holds together."""
        return self._written[node] if node in self._written else _literal(node._data)

    def _statements(self, results: Sequence[Value]) -> list[str]:
        """Write assignments that compute ``results``, without those that were written before."""
        lines: list[str] = []
        for node in self._needed(results):
            self._done.add(node)
            self._write(node, lines)
        return lines

    def _needed(self, results: Sequence[Value]) -> list[Value]:
        """List all that ``results`` need and that was not written yet, in order."""
        needed = {*results} - self._done
        stack = [*needed]
        while stack:
            for parent in stack.pop().parents:
                if parent not in needed and parent not in self._done:
                    needed.add(parent)
                    stack.append(parent)
        return [node for node in self._program.order if node in needed]

    def _item(self, node: Value, lines: list[str]) -> str:
        """Write what stands for a Value among others with commas between: a name if it is long or needs reading
        twice."""
        text = self.text(node)
        return self.name(node, lines) if len(text) > FOLDED or " if " in text else text

    def _write(self, node: Value, lines: list[str]) -> None:
        op: Any = node.op
        is_own = isinstance(op, Operation) and op.name not in BUILT_IN
        if op is SUM_OF_PRODUCTS:
            text, level, self._links[node] = self._sum(node.parents, lines)
        elif op.python:
            text, level, self._links[node] = self._filled(op, node.parents, lines)
            if is_own and not template(op).gives_float and level not in CONDITIONS:
                text, level = f"float({text})", ATOM  # one's own text may give an int, as floor(x) does
        else:
            operands = [self._operand(parent, LOOSEST, lines) for parent in node.parents]
            text, level = f"{self._functions_of[op]}({', '.join(operands)})", ATOM
            if is_own:
                text = f"float({text})"  # one's own functions may give an int
        self._written[node] = text, level
        if level == COMPARISON and all(self._found(x)[1] == NAME for x in node.parents):
            self._short.add(node)
        is_shared = self._uses[node] > 1 and node not in self._short
        if node.label or is_shared or node in self._visible:
            self.name(node, lines)

    def _sum(self, factors: Sequence[Value], lines: list[str]) -> tuple[str, int, int]:
        """Write a sum of products, in several lines if it is long; tell what ``_filled`` does."""
        text, links, written = "", 0, self._written.get
        for a, b in zip(factors[::2], factors[1::2]):
            left, right = written(a), written(b)
            if left and right and left[1] == right[1] == NAME:  # as nearly all are
                term = f"{left[0]} * {right[0]}"
            elif constant(b) == 1.0:
                is_link = not text and _kind(a.op) is ops.add and self._links.get(a, 1) < LINKS
                links = self._links.get(a, 1) if is_link and self._found(a)[1] == SUM else links
                term = self._operand(a, SUM if not text else SUM + 1, lines, is_link=is_link)
            else:
                term = self._product(a, b, lines)
            if links == LINKS:
                text, links = self._named(text, lines) if len(text) > FOLDED else text, 0
            text, links = (f"{text} + {term}", links + 1) if text else (term, links)
        return text, SUM, links

    def _product(self, a: Value, b: Value, lines: list[str]) -> str:
        """Write a product as a term of a sum."""
        text, _, _ = self._filled(ops.multiply, (a, b), lines)
        return self._named(text, lines) if len(text) > FOLDED else text

    def _named(self, text: str, lines: list[str]) -> str:
        """Give what is written a name."""
        name = self.fresh("")
        lines.append(f"{name} = {text}")
        self.assigned.append(name)
        return name

    def _filled(self, op: Any, parents: Sequence[Value], lines: list[str]) -> tuple[str, int, int]:
        """Write the text of an operation around those of its operands; tell how tightly it holds together, and how many
        operations of the same kind it is a chain of."""
        shape, chain = template(op), 1
        pieces = [shape.pieces[0]]
        for (index, level, role), piece in zip(shape.slots, shape.pieces[1:]):
            operand = parents[index]
            links = self._links.get(operand, 1) if index == 0 else LINKS
            is_link = links < LINKS and _kind(operand.op) is op
            if is_link and self._found(operand)[1] == shape.level:
                chain = links + 1
            pieces += self._operand(operand, level, lines, role, is_link), piece
        return "".join(pieces), shape.level, chain

    def _operand(self, node: Value, level: int, lines: list[str], role: str = "", is_link: bool = False) -> str:
        """Write what stands for an operand that must hold together as tightly as ``level``."""
        text, own = self._found(node)
        if role == "test" and node in self._short:
            return text
        if role != "test":
            text, own = _as_number(text, own)
        number = constant(node)
        if role == "exponent" and number is not None and number.is_integer() and abs(number) < 1000:
            text = str(int(number))  # x ** 2 is the same as x ** 2.0
        if own < NAME and len(text) > FOLDED and not is_link:
            return self.name(node, lines)
        if own >= level:
            return text
        return f"({text})" if level < NAME or number is not None else self.name(node, lines)

    def _label(self, node: Value) -> str:
        """Find what a Value is to be called: by its label, d_x if it is the derivative by x, or nothing."""
        if node.label or node not in self._program.derivative_by:
            return node.label
        text, level = self._written.get(self._program.derivative_by[node], ("", LOOSEST))
        return f"d_{text}" if level == NAME and text.isidentifier() else ""

    def _name_functions(self, needed: Sequence[Value]) -> None:
        """Find what the functions that are called are called, the same in all listings of the program."""
        self.called = called = Called(set(), {}, {})
        self._functions_of: dict[Any, str] = {}
        mentioned: set[str] = set()
        used = {_kind(node.op) for node in needed}
        identifiers = Identifiers({*dir(math), *dir(builtins), *OUR_NAMES, *self._reserved})
        for op in dict.fromkeys(_kind(node.op) for node in self._program.order):
            forward = getattr(op, "forward", None)
            if op.python:
                mentioned |= template(op).functions if op in used else set()
                continue
            is_math = getattr(forward, "__module__", "") == "math" and op.name in BUILT_IN
            name = self._functions_of[op] = forward.__name__ if is_math else identifiers.name(op.name)  # type: ignore[union-attr]
            if op in used and is_math:
                called.from_math.add(name)
            elif op in used:
                called.definitions[name], called.operations[name] = _definition(op), op
        constants = [node._data for node in self._uses if node.is_constant]
        called.from_math.update(name for name in mentioned if hasattr(math, name))
        called.from_math.update("nan" if x != x else "inf" for x in constants if not math.isfinite(x))
        self._functions = {*called.from_math, *mentioned, *called.definitions, "find", "float"}


def _kind(op: Any) -> Any:
    """Return the operation that the text of ``op`` is made with."""
    return ops.add if op is SUM_OF_PRODUCTS else op


def _definition(op: Any) -> str:
    """Write the function that is called, and what it does if it is one of ours; one's own words might end the
    comment."""
    if not isinstance(op, Operation):
        return str(op.source)
    _, _, doc = op.summary.partition("\n\n")
    return f"{find_call(op)}.forward  # {doc}" if op.name in BUILT_IN else f"{find_call(op)}.forward"


def _as_number(text: str, level: int) -> tuple[str, int]:
    return (f"1.0 if {text} else 0.0", LOOSEST) if level in CONDITIONS else (text, level)


def _literal(x: float) -> tuple[str, int]:
    return repr(x), MINUS if math.copysign(1.0, x) < 0 else NAME
