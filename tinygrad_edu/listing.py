"""A program as Python text: what each instruction is called, how it is written, and which fit into one line."""

from __future__ import annotations

import builtins
import math
from functools import lru_cache

from tinygrad_edu.operation import BUILT_IN, TABLE, Operation
from tinygrad_edu.symbolic import CompileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tinygrad_edu.program import Function, Instruction, Program

# How tightly an expression holds together: the place in this list of one that is put together like it.
SAMPLES = ("p if q else r", "p > q", "p + q", "p * q", "-p", "p ** q", "p")
KINDS = ("IfExp", "Compare", "Add Sub", "Mult Div FloorDiv Mod", "UnaryOp", "Pow", "Call Name Constant Subscript")
LOOSEST, CONDITION, MINUS, ATOM = 0, 1, 4, 6
NAME = 7  # a name or a number: what costs nothing to write twice
FOLDED = 72  # characters of an expression that may still become part of another one
LINKS = 16  # so many terms stand in one sum, more in several: Python's parser has limits
WIDTH = 110
OUR_NAMES = ("find", "value", "value_and_gradient", "gradient", "predict", "loss", "penalty")


class Template:
    """How Python writes an operation, with slots for its operands.

    Attributes:
        pieces: the text before, between and after the slots.
        slots: for each the number of the operand, how tightly it must hold together, and whether it is a "test", an
            "exponent" or "" for anything else.
        level: how tightly all of it holds together.
        functions: the names in it that are no operands.

    >>> template = Template("a - b", ("a", "b"))
    >>> template.slots
    [(0, 2, ''), (1, 3, '')]
    """

    def __init__(self, python: str, operands: Sequence[str]) -> None:
        import ast
        import re

        tree = ast.parse(python, mode="eval").body
        parts = re.split(rf"\b({'|'.join(map(re.escape, operands))})\b", python)
        kind = type(getattr(tree, "op", tree)).__name__
        kind = type(tree).__name__ if isinstance(tree, ast.UnaryOp) else kind
        self.level = next((i for i, names in enumerate(KINDS) if kind in names.split()), LOOSEST)
        self.pieces = parts[::2]
        self.functions = {x.id for x in ast.walk(tree) if isinstance(x, ast.Name)} - {*operands}
        branches = [branch for x in ast.walk(tree) if isinstance(x, ast.IfExp) for branch in (x.body, x.orelse)]
        lazy = {x.col_offset for branch in branches for x in ast.walk(branch) if isinstance(x, ast.Name)}
        roles = {x.test.col_offset: "test" for x in ast.walk(tree) if isinstance(x, ast.IfExp)}
        powers = [x for x in ast.walk(tree) if isinstance(x, ast.BinOp) and isinstance(x.op, ast.Pow)]
        roles |= {x.right.col_offset: "exponent" for x in powers}
        self.slots: list[tuple[int, int, str]] = []
        for i in range(1, len(parts), 2):
            offset = len("".join(parts[:i]))
            # What would be computed twice, or only now and then, is computed before.
            only_a_name = offset in lazy or parts.count(parts[i]) > 1
            level = NAME if only_a_name else _needed([*parts[:i]], [*parts[i + 1 :]])
            self.slots.append((operands.index(parts[i]), level, roles.get(offset, "")))


def _needed(before: list[str], after: list[str]) -> int:
    """How tightly an operand must hold together to need no parentheses here: with and without them, it is the same."""

    def meaning(operand: str) -> object:
        try:
            code = compile("".join([*before, operand, *after]), "", "eval")
        except SyntaxError:
            return None
        return code.co_code, code.co_names, code.co_consts

    return next(level for level, sample in enumerate(SAMPLES) if meaning(sample) == meaning(f"({sample})"))


template = lru_cache(maxsize=None)(Template)


class Listing:
    """The text of a program, statement by statement.

    Args:
        program: the instructions.
        results: the places of all that is asked for; what none of them needs is left out.
        variables: how many of the instructions, at the beginning, are variables.
        reserved: names that mean something else where the text will stand.

    Attributes:
        names: of each variable.
        assigned: the other names, as far as statements were made.
        from_math, definitions: what must stand before the text: functions of math, and others by name.
    """

    def __init__(self, program: Program, results: Sequence[int], variables: int, reserved: Iterable[str] = ()) -> None:
        self.program = program
        self._uses = [0] * len(program.instructions)
        self._written: dict[int, tuple[str, int]] = {}  # by place: its name, or the expression that is put in its place
        self.assigned: list[str] = []
        self._done: set[int] = set()
        self._links: dict[int, int] = {}  # how many operations of the same kind an expression is a chain of
        for result in results:
            self._uses[result] += 1
        for place in reversed(self._needed(results)):
            for operand in program.instructions[place].operands:
                self._uses[operand] += 1
        self._name_functions()
        self._identifiers = _Identifiers({*reserved, *self._functions})
        self.names = [self._identifiers.name(i.label) for i in program.instructions[:variables]]
        self._written.update((place, (name, NAME)) for place, name in enumerate(self.names))
        shared = {place for place in program.adjoints if self._uses[place] > 1}
        self._visible = {program.adjoints[place] for place in shared}  # because there is a d_v1, there is a v1

    def statements(self, results: Sequence[int]) -> list[str]:
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

    def expression(self, place: int, lines: list[str]) -> str:
        """What stands for an instruction that was computed; if need be, ``lines`` gets more assignments."""
        return self._operand(place, LOOSEST, lines, may_be_long=True)

    def fresh(self, label: str) -> str:
        """A name like ``label`` that nothing has yet."""
        return self._identifiers.name(label)

    def name(self, place: int, lines: list[str]) -> str:
        """What stands for an instruction, as a name or a number."""
        text = self.expression(place, lines)
        if self._written[place][1] < NAME:
            name = self._identifiers.name(self._label(place))
            lines.append(f"{name} = {text}")
            self.assigned.append(name)
            self._written[place] = name, NAME
        return self._written[place][0]

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
            text, level = self._filled(template(op.python, op.operands), place, lines)
        else:
            operands = [self._operand(operand, LOOSEST, lines) for operand in instruction.operands]
            text, level = f"{self._functions_of[op]}({', '.join(operands)})", ATOM
            if isinstance(op, Operation) and op.name not in BUILT_IN:
                text = f"float({text})"  # one's own functions may give an int
        self._written[place] = text, level
        is_comparison = level == CONDITION and all(self._written[x][1] == NAME for x in instruction.operands)
        is_shared = self._uses[place] > 1 and not is_comparison  # which is as short as a name would be
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

    def _operand(self, place: int, level: int, lines: list[str], role: str = "", may_be_long: bool = False) -> str:
        """What stands for an operand that must hold together as tightly as ``level``."""
        text, own = self._written[place]
        if own == CONDITION and role != "test":
            text, own = f"1.0 if {text} else 0.0", LOOSEST
        constant = self.program.instructions[place].constant
        if role == "exponent" and constant is not None and constant.is_integer() and abs(constant) < 1000:
            text = str(int(constant))  # x ** 2 is the same as x ** 2.0
        if own < NAME and len(text) > FOLDED and not may_be_long:
            return self.name(place, lines)
        if own >= level:
            return text
        if level < NAME or constant is not None:
            return f"({text})"
        return self.name(place, lines)

    def _label(self, place: int) -> str:
        """What an instruction is to be called: by its label, d_x if it is the derivative by x, or nothing."""
        label = self.program.instructions[place].label
        if label or place not in self.program.adjoints:
            return label
        by = self.program.adjoints[place]
        text, level = self._written.get(by, ("", LOOSEST))
        return f"d_{text}" if level == NAME and text.isidentifier() else ""

    # ---- functions that are called ----

    def _name_functions(self) -> None:
        """Say what the functions that are called are called, the same in all listings of the program."""
        self.from_math: set[str] = set()
        self.definitions: dict[str, str] = {}
        self._functions_of: dict[Operation | Function, str] = {}
        mentioned: set[str] = set()
        used = {i.op for place, i in enumerate(self.program.instructions) if self._uses[place]}
        identifiers = _Identifiers({*dir(math), *dir(builtins), *OUR_NAMES})
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
                self.definitions[name] = op.source if not isinstance(op, Operation) else found(op) + ".forward"
        numbers = [i.constant for place, i in enumerate(self.program.instructions) if self._uses[place]]
        self.from_math |= {name for name in mentioned if hasattr(math, name)}
        self.from_math |= {"inf" for x in numbers if x is not None and math.isinf(x)}
        self.from_math |= {"nan" for x in numbers if x is not None and math.isnan(x)}
        self._functions = {*self.from_math, *mentioned, *self.definitions, "find", "float"}


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


class _Identifiers:
    """Names that Python takes, each given once."""

    def __init__(self, taken: Iterable[str]) -> None:
        import keyword

        self._taken = {*taken, *keyword.kwlist, "_"}
        self._copies: dict[str, int] = {}

    def name(self, label: str) -> str:
        """A name like ``label``; for none v1, v2 and so on.

        >>> names = _Identifiers(["exp"])
        >>> [names.name(label) for label in ("x", "x", "exp", "layers.0.neurons.3.w[1]", "two words\\n", "", "")]
        ['x', 'x_2', 'exp_2', 'w_0_3_1', 'two_words', 'v1', 'v2']
        """
        stem = _stem(label)
        copy = self._copies.get(stem, 1)
        while True:
            name = f"{stem}_{copy}" if copy > 1 else stem
            name = f"v{copy}" if not stem else name
            copy += 1
            if name not in self._taken:
                break
        self._copies[stem] = copy
        self._taken.add(name)
        return name


def _stem(label: str) -> str:
    """The letters, digits and underscores of a label; of a place in a model only its last word and the numbers."""
    import re
    import unicodedata

    words = re.findall(r"\w+", unicodedata.normalize("NFKC", label[:200]))
    if "." in label and len(words) > 1:
        *_, last = [word for word in words if not word.isdecimal()] or [""]
        words = [last, *(word for word in words if word.isdecimal())]
    stem = "".join(c for c in "_".join(words)[:40] if ("x" + c).isidentifier()).strip("_")
    stem = unicodedata.normalize("NFKC", stem)  # once more: what was left out may have kept letters apart
    return stem if not stem or stem.isidentifier() else f"v_{stem}"


def _literal(x: float) -> tuple[str, int]:
    return repr(x), MINUS if math.copysign(1.0, x) < 0 else NAME


def module(listings: Sequence[Listing], functions: Sequence[Sequence[str]]) -> str:
    """The text of functions, each given as its lines, the first of which begins it; what they import comes first."""
    from_math = sorted({name for listing in listings for name in listing.from_math})
    definitions = {name: source for listing in listings for name, source in listing.definitions.items()}
    imports = [f"from math import {', '.join(from_math)}"] * bool(from_math)
    imports += ["from tinygrad_edu.operation import find"] * bool(definitions)
    imports += [f"{name} = {source}" for name, source in definitions.items()]
    texts = ["\n".join([wrapped(first), *[wrapped(f"    {line}") for line in lines]]) for first, *lines in functions]
    return "\n\n".join(["\n".join(imports)] * bool(imports) + texts) + "\n"


def as_tuple(items: Sequence[str]) -> str:
    """The text of a tuple.

    >>> as_tuple(["x"]), as_tuple(["x", "y"])
    ('(x,)', '(x, y)')
    """
    return f"({', '.join(items)}{',' * (len(items) == 1)})"


def backward_comment(lines: Sequence[str], what: str) -> str:
    """What the names in the backward part mean, said of the first of them."""
    name = next((line.partition(" = ")[0] for line in lines if line.startswith("d_")), "")
    return f"# backward: {name} is the derivative of {what} by {name[2:]}" if name else "# backward"


def wrapped(line: str) -> str:
    """A statement in lines of at most about 110 columns, cut after commas in brackets or before the terms of a sum.

    >>> print(wrapped("    (" + ", ".join(f"number_{i}" for i in range(14)) + ") = numbers"))
        (number_0, number_1, number_2, number_3, number_4, number_5, number_6, number_7, number_8, number_9,
            number_10, number_11, number_12, number_13) = numbers
    >>> print(wrapped("total = " + " + ".join(f"number_{i}" for i in range(14))))
    total = (number_0 + number_1 + number_2 + number_3 + number_4 + number_5 + number_6 + number_7 + number_8
        + number_9 + number_10 + number_11 + number_12 + number_13)
    """
    if len(line) <= WIDTH:
        return line
    head, sign, value = line.partition(" = " if " = " in line else " += " if " += " in line else "return ")
    if _is_cut(value, " + ") and not _is_cut(value, ", "):
        line = f"{head}{sign}({value})"
        return _cut(line, " + ", "+ ", 1)
    return _cut(line, ", ", "", 1)


def _is_cut(text: str, separator: str) -> bool:
    """Whether ``separator`` stands in ``text`` outside of brackets."""
    parts, depth = text.split(separator), 0
    for part in parts[:-1]:
        depth += _depth(part)
        if depth <= 0:
            return True
    return False


def _depth(text: str) -> int:
    """How many brackets are open at the end."""
    return text.count("(") + text.count("[") - text.count(")") - text.count("]")


def _cut(line: str, separator: str, begins: str, least: int) -> str:
    """The line in several, cut at separators that stand in brackets."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    lines, depth = [""], 0
    for i, part in enumerate(line.split(separator)):
        if i and depth >= least and len(lines[-1]) + len(part) + len(separator) > WIDTH:
            lines[-1] += separator.removesuffix(begins).rstrip()
            lines.append(indent + begins + part)
        else:
            lines[-1] += separator * (i > 0) + part
        depth += _depth(part)
    return "\n".join(lines)
