"""Reading what a person typed: a formula such as ``tanh(w*x + b)`` into Values, and ``w=0.5`` into a number.

Nothing that is typed is run as Python. A formula is looked at three times: its words and signs (in ``tokens.py``), of
which few are allowed; the tree that Python's parser makes of it, of which few kinds of nodes are; and then the rows of
the table are applied from the inside out, with a stack, because Python's own is too short for a deep formula.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.cli.pointing import nearest, pointed, short
from tinygrad_edu.cli.tokens import check_tokens
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.operation import TABLE, Operation
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    # a node, the row to apply (None for a number or a name), its operands, and the names of the last of these
    Step: TypeAlias = "tuple[Any, Operation | None, list[Any], list[str]]"

LONGEST = 10_000  # characters

# fmt: off
ALIASES = {"abs": ops.absolute, "max": ops.maximum, "min": ops.minimum, "ln": ops.log}
OTHER_NAMES = {
    "fabs": "abs", "pow": "power", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "logistic": "sigmoid", "expit": "sigmoid",
    "σ": "sigmoid", "swish": "silu", "sgn": "sign", "step": "heaviside",
}
CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045, "tau": 6.283185307179586}
OPERATORS = {
    "Add": ops.add, "Sub": ops.subtract, "Mult": ops.multiply, "Div": ops.divide, "Pow": ops.power,
    "USub": ops.negative, "UAdd": ops.positive,
}
COUNTS: dict[str, tuple[Callable[[int], bool], str]] = {
    "dot": (lambda n: n > 0 and n % 2 == 0, "two lists of the same length: dot(a, b, c, d) is a*c + b*d"),
    "linear": (lambda n: n % 2 == 1, "inputs, as many weights, and a bias: linear(x1, x2, w1, w2, b)"),
}
REFUSED = {  # what the parser says, and what that means
    "too many nested": "parentheses are nested too deeply; compute a part of the formula apart",
    "positional argument": "operands with a name, such as alpha=1, come after those without",
    "leading zeros": "write this number without zeros in front",
}
# fmt: on
TOO_DEEP = "the formula is nested too deeply; compute a part of it apart, or write a long sum as sum(a, b, ...)"


def read(text: str, numbers: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
    """The Value that a formula has, recorded, and the Values of its names, which are labelled with them.

    A formula is made of numbers, names, ``+ - * / **``, parentheses and the functions of the table, one's own too.
    Of these ``abs``, ``max``, ``min`` and ``ln`` are called so too. A name is one Value however often it is written. A
    table row of lists takes their elements: ``mean(a, b, c)``.

    Args:
        text: the formula, of at most 10,000 characters; it may go over several lines and have ``# comments``.
        numbers: a number for each name in it.

    Raises:
        TypeError: if ``text`` is not a string, or one of ``numbers`` not a number.
        ValueError: if the formula has anything else in it, is incomplete, or does not use the names that ``numbers``
            has. The message shows the line of the formula with the place marked.
        ValueError, ZeroDivisionError, OverflowError: if the formula is undefined or too large at these numbers, with
            the same mark.

    >>> y, names = read("tanh(w*x + b)", {"w": 0.5, "x": 2.0, "b": -1.0})
    >>> y.backward()
    >>> y.data, names["w"].grad
    (0.0, 2.0)
    """
    if not isinstance(text, str):
        raise TypeError(f"a formula is a string, not {type(text).__name__}")
    functions = {**ALIASES, **TABLE}
    values: dict[str, Value] = {}
    for given, number in numbers.items():
        name = _name(given)
        if name in functions:
            raise ValueError(f"{name} is a function; give the number another name")
        if name in values:
            raise ValueError(f"{short(name)} is given twice")
        values[name] = Value(number, label=name)
    if len(text) > LONGEST:
        raise ValueError(f"the formula has {len(text)} characters, more than {LONGEST}; compute a part of it apart")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    check_tokens(text, functions)
    formula = _Formula(text, values, functions)
    steps = formula.steps(formula.parse())
    used = {node.id for node, *_ in steps if hasattr(node, "id")}
    for name in values:
        if name not in used:
            near = nearest(name, sorted(used))
            raise ValueError(f"a number is given for {short(name)}, which the formula does not use{near}")
    return formula.compute(steps), values


def assignments(texts: Sequence[str]) -> dict[str, float]:
    """The numbers that texts such as ``w=0.5`` give to names.

    Raises:
        ValueError: if a text is something else, a number is not finite, or a name is given twice.

    >>> assignments(["w=0.5", "x=2"])
    {'w': 0.5, 'x': 2.0}
    """
    numbers: dict[str, float] = {}
    for text in texts:
        given, _, digits = text.partition("=")
        try:
            number = float(digits)
        except ValueError:
            instead = _computed(digits) or "write it like w=0.5"
            raise ValueError(f"{short(text)!r} does not give a number to a name; {instead}") from None
        if number - number != 0:
            raise ValueError(f"{short(text)!r} gives a number that is not finite; write it like w=0.5")
        name = _name(given.strip())
        if name in numbers:
            raise ValueError(f"{short(text)!r} gives {short(name)} a second number; give it one")
        numbers[name] = number
    return numbers


def _computed(text: str) -> str:
    """What to write instead of a formula such as 1/2 where a number is expected; "" if it is none, or not finite."""
    try:
        number = read(text, {})[0].data
    except (ValueError, ArithmeticError):
        return ""
    finite = number - number == 0
    return f"{short(text.strip())} is not a number, write {number}" if finite and text.isprintable() else ""


def _name(given: str) -> str:
    """The name as Python's parser would spell it: the ligature ﬁ, say, is fi to it."""
    import keyword
    import unicodedata

    name = unicodedata.normalize("NFKC", given)
    if not name.isidentifier():
        raise ValueError(f"{short(given)!r} is not a name; a name has letters, digits and _, and no digit in front")
    if keyword.iskeyword(name):
        raise ValueError(f"{name} is a word of the Python language; choose another name")
    return name


# ---- the tree --------------------------------------------------------------------------------------------------------


class _Formula:
    """The text of a formula, the Values of its names, and the functions that it may call."""

    def __init__(self, text: str, values: dict[str, Value], functions: dict[str, Operation]) -> None:
        import re

        self.text, self.values, self.functions = text, values, functions
        blank = re.sub(r"#[^\n]*", lambda comment: " " * len(comment[0]), text)
        self.line = re.sub(r"\s", " ", blank).lstrip()  # as one line, of which a node's place is an offset
        self.indent = len(text) - len(self.line)

    def parse(self) -> Any:
        import ast

        try:
            return ast.parse(self.line, mode="eval").body
        except (RecursionError, MemoryError):
            raise ValueError(TOO_DEEP) from None
        except SyntaxError as error:
            known = [meaning for said, meaning in REFUSED.items() if str(error.msg).startswith(said)]
            message = known[0] if known else "something is missing here, or too much"
            start = self.indent + max(error.offset or 1, 1) - 1
            raise ValueError(pointed(message, self.text, start, start + 1)) from None

    def steps(self, tree: Any) -> list[Step]:
        """What to do, operands before results and left before right; an error where something is not allowed."""
        order: list[Step] = []
        stack: list[Any] = [tree]  # of nodes, and of steps, each below its operands
        while stack:
            node = stack.pop()
            if isinstance(node, tuple):
                order.append(node)
            else:
                step = self.step(node)
                stack += [step, *reversed(step[2])]
        return order

    def step(self, node: Any) -> Step:
        """What to do for one node; this is the list of all that is allowed."""
        kind, row = type(node).__name__, OPERATORS.get(type(getattr(node, "op", None)).__name__)
        if kind == "Name":
            self.check_name(node)
        if kind == "Name" or (kind == "Constant" and type(node.value) in (int, float)):
            return node, None, [], []
        if kind in ("UnaryOp", "BinOp") and row:
            return node, row, [node.operand] if kind == "UnaryOp" else [node.left, node.right], []
        if kind == "Call" and type(node.func).__name__ == "Name":
            row, names = self.function(node.func), [str(keyword.arg) for keyword in node.keywords]
            misfit = _misfit(node.func.id, row, len(node.args), names)
            if misfit:
                raise self.error(misfit, node)
            return node, row, [*node.args, *(keyword.value for keyword in node.keywords)], names
        if kind == "Call" and type(node.func).__name__ == "Attribute":
            node = node.func
        name = OTHER_NAMES.get(getattr(node, "attr", ""), getattr(node, "attr", ""))
        instead = f"; write {name}(...)" if name in self.functions else f"; write {name}" if name in CONSTANTS else ""
        what = "a name with a ." if name else "this"
        raise self.error(f"{what} is not allowed in a formula{instead}", node)

    def check_name(self, node: Any) -> None:
        name = node.id
        if name in self.values:
            return
        if name in self.functions:
            raise self.error(f"{name} is a function; write what it is applied to: {name}(...)", node)
        message = f"{short(name)} has no number; give it one: {short(name)}={CONSTANTS.get(name, '...')}"
        if len(name) <= 3 and set(name) <= set(self.values):
            near = f"; did you mean {'*'.join(name)}?"
        else:
            twins = [given for given in self.values if given.casefold() == name.casefold()]
            near = f"; {short(twins[0])} has one, and is another name" if twins else nearest(name, self.values)
        raise self.error(message + near, node)

    def function(self, node: Any) -> Operation:
        """The row that a call names."""
        name, product = node.id, f"write {short(node.id)}*(...) for a product"
        if name in self.values:
            raise self.error(f"{short(name)} is a number, not a function; {product}", node)
        if name in self.functions:
            return self.functions[name]
        if name == "softmax":
            several = "softmax gives several numbers, a formula has one result"
            raise self.error(f"{several}; one of them is exp(a - logsumexp(a, b))", node)
        other = f"; write {OTHER_NAMES[name]}(...)" if name in OTHER_NAMES else nearest(name, self.functions)
        raise self.error(f"there is no function {short(name)}{other or f'; {product}'}", node)

    def compute(self, steps: Sequence[Step]) -> Value:
        """The Value of the formula: each step takes its operands from the stack and leaves its result there."""
        stack: list[Any] = []
        for node, row, operands, names in steps:
            if row is None:
                stack.append(self.values[node.id] if hasattr(node, "id") else float(node.value))
                continue
            first, named = len(stack) - len(operands), len(stack) - len(names)
            try:
                result = row(*stack[first:named], **dict(zip(names, stack[named:])))
            except (ArithmeticError, ValueError) as error:
                raise self.error(str(error), node, type(error)) from None
            stack[first:] = [result]
        return stack[0] if isinstance(stack[0], Value) else Value(stack[0])

    def error(self, message: str, node: Any, kind: type[Exception] = ValueError) -> Exception:
        """An error that points at the node. Python says where it is in bytes of UTF-8."""
        line = self.line.encode()
        start, end = (self.indent + len(line[:at].decode()) for at in (node.col_offset, node.end_col_offset))
        return kind(pointed(message, self.text, start, end))


def _misfit(name: str, row: Operation, count: int, names: Sequence[str]) -> str:
    """What is wrong with a call of ``row``, as ``name``, with ``count`` operands and then those called ``names``; "" if
    nothing."""
    if row.arity is None:
        fits, wanted = COUNTS.get(row.name, (bool, "operands, at least one"))
        return "" if fits(count) and not names else f"{row.name} takes {wanted}"
    free, required = row.operands[count:], row.operands[: row.arity - len(row.defaults)]
    fits_names = sorted(set(names)) == sorted(names) and set(names) <= set(free)
    if count <= row.arity and fits_names and set(required[count:]) <= set(names):
        return ""
    if row in (ops.maximum, ops.minimum):
        return f"{name} takes two operands; of three write {name}(a, {name}(b, c))"
    return f"this call does not fit {row.signature()}"
