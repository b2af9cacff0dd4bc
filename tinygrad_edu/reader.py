"""Reading what a person typed: a formula such as ``tanh(w*x + b)`` into Values, and ``w=0.5`` into a number.

Nothing that is typed is run as Python. A formula is looked at three times: its words and signs, of which few are
allowed; the tree that Python's parser makes of it, of which few kinds of nodes are; and then the rows of the table are
applied from the inside out, with a stack, because Python's own is too short for a deep formula.
"""

from __future__ import annotations

from tinygrad_edu import ops
from tinygrad_edu.operation import TABLE, Operation
from tinygrad_edu.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    # a node, the row to apply (None for a number or a name), its operands, and the names of the last of these
    Step: TypeAlias = "tuple[Any, Operation | None, list[Any], list[str]]"

LONGEST = 10_000  # characters
WIDTH = 70  # columns in which an error shows the formula

# fmt: off
TOKEN = (
    r"(?P<space>[ \t\n]+|\#[^\n]*)"
    r"|(?P<number>(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?)"
    r"|(?P<name>(?:[A-Za-z_]|[^\x00-\x7f])(?:[A-Za-z_0-9]|[^\x00-\x7f])*)"
    r"|(?P<sign>\*\*|//|[=!:<>]=|[\s\S])"
)
ALLOWED = {"+", "-", "*", "/", "**", "(", ")", ",", "=", "."}
CHOICE = "maximum, minimum, relu and heaviside choose by size"
INSTEAD = {  # of what else one may type, signs and words
    "^": "write ** for a power", "//": "write / for a quotient", "@": "write dot(a, b, c, d) for a*c + b*d",
    "%": "there is no remainder", "!": "there is no factorial",
    "<": CHOICE, ">": CHOICE, "<=": CHOICE, ">=": CHOICE, "==": CHOICE, "!=": CHOICE, "if": CHOICE, "else": CHOICE,
    "[": "group with ( ), and name an element, such as x0", "{": "group with ( )",
    "'": "write names and numbers without quotes", '"': "write names and numbers without quotes",
    ";": "write one formula at a time", ":=": "give a name its number apart from the formula, as in w=0.5",
    "True": "write 1", "False": "write 0",
    "−": "write -", "–": "write -", "×": "write *", "·": "write *", "⋅": "write *", "÷": "write /",  # noqa: RUF001
    "²": "write **2", "³": "write **3", "√": "write sqrt(...)",
}
IN_CALLS = {
    ",": "a comma is not allowed here; it stands between the operands of a function",
    "=": "= is not allowed in a formula; write what is right of it, and give numbers apart, as in w=0.5",
}
OTHER_NAMES = {
    "abs": "absolute", "fabs": "absolute", "max": "maximum", "min": "minimum", "pow": "power", "ln": "log",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "logistic": "sigmoid", "expit": "sigmoid", "swish": "silu", "sgn": "sign", "step": "heaviside",
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
    A name is one Value however often it is written. A table row of lists takes their elements: ``mean(a, b, c)``.

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
    values: dict[str, Value] = {}
    for given, number in numbers.items():
        name = _name(given)
        if name in TABLE:
            raise ValueError(f"{name} is a function; give the number another name")
        if name in values:
            raise ValueError(f"{_short(name)} is given twice")
        values[name] = Value(number, label=name)
    if len(text) > LONGEST:
        raise ValueError(f"the formula has {len(text)} characters, more than {LONGEST}; compute a part of it apart")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    _check_order(text)
    formula = _Formula(text, values)
    steps = formula.steps(formula.parse())
    used = {node.id for node, *_ in steps if hasattr(node, "id")}
    for name in values:
        if name not in used:
            near = _near(name, sorted(used))
            raise ValueError(f"a number is given for {_short(name)}, which the formula does not use{near}")
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
            raise ValueError(f"{_short(text)!r} does not give a number to a name; write it like w=0.5") from None
        if number - number != 0:
            raise ValueError(f"{_short(text)!r} gives a number that is not finite; write it like w=0.5")
        name = _name(given.strip())
        if name in numbers:
            raise ValueError(f"{_short(text)!r} gives {_short(name)} a second number; give it one")
        numbers[name] = number
    return numbers


def _name(given: str) -> str:
    """The name as Python's parser would spell it: the ligature ﬁ, say, is fi to it."""
    import keyword
    import unicodedata

    name = unicodedata.normalize("NFKC", given)
    if not name.isidentifier():
        raise ValueError(f"{_short(given)!r} is not a name; a name has letters, digits and _, and no digit in front")
    if keyword.iskeyword(name):
        raise ValueError(f"{name} is a word of the Python language; choose another name")
    return name


# ---- words and signs -------------------------------------------------------------------------------------------------


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Each number, name and sign, as its kind, itself and where it starts; an error where one is not allowed."""
    import keyword
    import re
    import unicodedata

    for match in re.finditer(TOKEN, text):
        kind, token, start = match.lastgroup or "", match[0], match.start()
        message = ""
        if kind == "name" and not token.isidentifier():  # the sign in the middle of x²
            at = next(i for i, char in enumerate(token) if not (("a" if i else "") + char).isidentifier())
            kind, token, start = "sign", token[at], start + at
        plain = unicodedata.normalize("NFKC", token)
        if keyword.iskeyword(plain) or (kind == "sign" and token not in ALLOWED):
            alike = f"write {plain}" if plain != token and plain.isascii() and plain.strip() else ""
            instead = INSTEAD.get(token) or INSTEAD.get(plain, alike)
            shown = token if token.isprintable() else f"the character U+{ord(token):04X}"
            message = f"{shown} is not allowed in a formula" + (f"; {instead}" if instead else "")
        elif kind == "number":
            try:
                message = "this number is too large for a float" if float(token) == float("inf") else ""
            except ValueError:
                message = "this is not a number; a _ stands between two of its digits"
        if message:
            raise ValueError(_pointed(message, text, start, start + len(token)))
        if kind != "space":
            yield kind, token, start


def _check_order(text: str) -> None:
    """Raise a ValueError where two tokens do not go together or a parenthesis is alone; the parser finds the rest."""
    kind, before, at = "", "", 0  # the token before this one
    calls: list[tuple[bool, int]] = []  # for each open parenthesis: whether it is a function's, and where it is
    for next_kind, token, start in _tokens(text):
        complete = kind in ("number", "name") or before == ")"
        message, since = "", start
        if complete and (next_kind != "sign" or (token == "(" and kind != "name")):
            both = f"{_short(before)}*{_short(token)}" if "sign" not in (kind, next_kind) else "* between these two"
            message, since = f"write {both} for a product", at
        elif not complete and token in ("*", "/", "**", ",", "=", "."):
            message = f"something is missing before this {token}"
        elif token in IN_CALLS and not (calls and calls[-1][0]):
            message = IN_CALLS[token]
        elif token == ")" and not calls:
            message = "this ) closes nothing"
        if message:
            raise ValueError(_pointed(message, text, since, start + len(token)))
        if token == "(":
            calls.append((kind == "name", start))
        elif token == ")":
            calls.pop()
        kind, before, at = next_kind, token, start
    if not before:
        raise ValueError("the formula is empty; write one such as tanh(w*x + b)")
    if calls:
        raise ValueError(_pointed("this ( is never closed", text, calls[-1][1], calls[-1][1] + 1))
    if kind == "sign" and before != ")":
        raise ValueError(_pointed(f"something is missing after this {before}", text, at, at + len(before)))


# ---- the tree --------------------------------------------------------------------------------------------------------


class _Formula:
    """The text of a formula and the Values of its names."""

    def __init__(self, text: str, values: dict[str, Value]) -> None:
        import re

        self.text, self.values = text, values
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
            raise ValueError(_pointed(message, self.text, start, start + 1)) from None

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
        if kind == "Constant" and type(node.value) in (int, float):
            return node, None, [], []
        if kind == "Name":
            self.check_name(node)
            return node, None, [], []
        if kind == "UnaryOp" and row:
            return node, row, [node.operand], []
        if kind == "BinOp" and row:
            return node, row, [node.left, node.right], []
        if kind == "Call" and type(node.func).__name__ == "Name":
            row, names = self.function(node.func), [str(keyword.arg) for keyword in node.keywords]
            misfit = _misfit(row, len(node.args), names)
            if misfit:
                raise self.error(misfit, node)
            return node, row, [*node.args, *(keyword.value for keyword in node.keywords)], names
        if kind == "Call" and type(node.func).__name__ == "Attribute":
            node = node.func
        name = OTHER_NAMES.get(getattr(node, "attr", ""), getattr(node, "attr", ""))
        instead = f"; write {name}(...)" if name in TABLE else f"; write {name}" if name in CONSTANTS else ""
        what = "a name with a ." if name else "this"
        raise self.error(f"{what} is not allowed in a formula{instead}", node)

    def check_name(self, node: Any) -> None:
        name = node.id
        if name in self.values:
            return
        if name in TABLE:
            raise self.error(f"{name} is a function; write what it is applied to: {name}(...)", node)
        message = f"{_short(name)} has no number; give it one: {_short(name)}={CONSTANTS.get(name, '...')}"
        product = len(name) <= 3 and set(name) <= set(self.values)
        near = f"; did you mean {'*'.join(name)}?" if product else _near(name, self.values)
        raise self.error(message + near, node)

    def function(self, node: Any) -> Operation:
        """The row that a call names."""
        name, product = node.id, f"write {_short(node.id)}*(...) for a product"
        if name in self.values:
            raise self.error(f"{_short(name)} is a number, not a function; {product}", node)
        if name not in TABLE:
            instead = f"; write {OTHER_NAMES[name]}" if name in OTHER_NAMES else _near(name, TABLE) or f"; {product}"
            raise self.error(f"there is no function {_short(name)}{instead}", node)
        return TABLE[name]

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
        return kind(_pointed(message, self.text, start, end))


def _misfit(row: Operation, count: int, names: Sequence[str]) -> str:
    """What is wrong with a call of ``row`` with ``count`` operands and then those called ``names``; "" if nothing."""
    if row.arity is None:
        fits, wanted = COUNTS.get(row.name, (bool, "operands, at least one"))
        return "" if fits(count) and not names else f"{row.name} takes {wanted}"
    free, required = row.operands[count:], row.operands[: row.arity - len(row.defaults)]
    fits_names = sorted(set(names)) == sorted(names) and set(names) <= set(free)
    if count <= row.arity and fits_names and set(required[count:]) <= set(names):
        return ""
    return f"this call does not fit {row.signature()}"


# ---- errors ----------------------------------------------------------------------------------------------------------


def _near(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name[:40], list(names))  # it takes long to compare long ones
    return f"; did you mean {', '.join(map(_short, near))}?" if near else ""


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _pointed(message: str, text: str, start: int, end: int) -> str:
    """The message, the line of the text where the place starts, and ^ under it; of a long line what is around it."""
    first = text.rfind("\n", 0, start) + 1
    last = (text + "\n").index("\n", start)
    before, place, after = (
        "".join(char if char.isprintable() else " " for char in part)
        for part in (text[first:start], text[start : min(end, last)], text[min(end, last) : last])
    )
    place = _cut(place, WIDTH // 2)
    before = _cut(before[::-1], WIDTH - _columns(place) - min(_columns(after), WIDTH // 5))[::-1]
    after = _cut(after, WIDTH - _columns(place) - _columns(before))
    line = before + place + after
    return f"{message}\n{line.rstrip()}\n{' ' * _columns(before)}{'^' * max(_columns(place), 1)}"


def _cut(text: str, columns: int) -> str:
    """The text, or as much of it as fits into so many columns with a … at its end."""
    if _columns(text) <= columns:
        return text
    fitting, room = 0, columns - 1
    while fitting < len(text) and room >= _columns(text[fitting]):
        room -= _columns(text[fitting])
        fitting += 1
    return text[:fitting] + "…"


def _columns(text: str) -> int:
    """How wide a terminal shows the text: letters of East Asia take two columns, accents on letters none."""
    import unicodedata

    return sum(
        0 if unicodedata.category(char) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
