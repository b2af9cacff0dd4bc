"""The words and signs of a formula: which are allowed, and which may stand beside each other.

Python's parser, which comes next, would find most of these mistakes too; here they get words for those who know no
Python, and nothing but arithmetic and calls of functions gets past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.cli.pointing import pointed, short

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# fmt: off
TOKEN = (
    r"(?P<space>[ \t\n]+|\#[^\n]*)"
    r"|(?P<number>(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?)"
    r"|(?P<name>(?:[A-Za-z_]|[^\x00-\x7f·\u0387])(?:[A-Za-z_0-9]|[^\x00-\x7f·\u0387])*)"  # Python has names with a ·
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
    "²": "write **2", "³": "write **3", **dict.fromkeys("⁰¹⁴⁵⁶⁷⁸⁹⁻", "write ** for a power"),
    "√": "write sqrt(...)", "|": "write abs(...)", "₍": "it counts the uses of a name; write the name alone",
    **dict.fromkeys("₀₁₂₃₄₅₆₇₈₉", "write the digits after a name as usual, as in x0"),
}
IN_CALLS = {
    ",": "a comma is not allowed here; it stands between the operands of a function",
    "=": "= is not allowed in a formula; write what is right of it, and give numbers apart, as in w=0.5",
}
# fmt: on


def _tokens(text: str, functions: Collection[str]) -> Iterator[tuple[str, str, int]]:
    """Each number, name and sign, as its kind, itself and where it starts; an error where one is not allowed."""
    import keyword
    import re
    import unicodedata

    for match in re.finditer(TOKEN, text):
        kind, token, start = match.lastgroup or "", match[0], match.start()
        message, word = "", ""
        if kind == "name" and not token.isidentifier():  # the sign in the middle of x²
            at = next(i for i, char in enumerate(token) if not (("a" if i else "") + char).isidentifier())
            kind, word, token, start = "sign", token[:at], token[at], start + at
        plain = unicodedata.normalize("NFKC", token)
        if keyword.iskeyword(plain) or (kind == "sign" and token not in ALLOWED):
            instead = INSTEAD.get(token) or INSTEAD.get(plain) or (f"write {plain}" if plain in ALLOWED else "")
            if word in functions and plain.isdecimal():  # tanh²(x)
                instead = f"write {short(word)}(...)**{plain}"
            shown = token if token.isprintable() else f"the character U+{ord(token):04X}"
            message = f"{shown} is not allowed in a formula" + (f"; {instead}" if instead else "")
        elif kind == "number":
            try:
                message = "this number is too large for a float" if float(token) == float("inf") else ""
            except ValueError:
                message = "this is not a number; a _ stands between two of its digits"
        if message:
            raise ValueError(pointed(message, text, start, start + len(token)))
        if kind != "space":
            yield kind, token, start


def check_tokens(text: str, functions: Collection[str]) -> None:
    """Raise a ValueError where two tokens do not go together or a parenthesis is alone; the parser finds the rest.

    ``functions`` are the names of those that the formula may call.
    """
    kind, before, at = "", "", 0  # the token before this one
    calls: list[tuple[bool, int]] = []  # for each open parenthesis: whether it is a function's, and where it is
    for next_kind, token, start in _tokens(text, functions):
        complete = kind in ("number", "name") or before == ")"
        message, since = "", start
        if before in functions and next_kind != "sign":
            operand = f"{short(token)}(...)" if token in functions else short(token)
            message = f"write {short(before)}({operand}): what a function is applied to stands in parentheses"
            since = at
        elif complete and (next_kind != "sign" or (token == "(" and kind != "name")):
            both = f"{short(before)}*{short(token)}" if "sign" not in (kind, next_kind) else "* between these two"
            message, since = f"write {both} for a product", at
        elif not complete and token in ("*", "/", "**", ",", "=", "."):
            message = f"something is missing before this {token}"
        elif token in IN_CALLS and not (calls and calls[-1][0]):
            message = IN_CALLS[token]
        elif token == ")" and not calls:
            message = "this ) closes nothing"
        if message:
            raise ValueError(pointed(message, text, since, start + len(token)))
        if token == "(":
            calls.append((kind == "name", start))
        elif token == ")":
            calls.pop()
        kind, before, at = next_kind, token, start
    if not before:
        raise ValueError("the formula is empty; write one such as tanh(w*x + b)")
    if calls:
        raise ValueError(pointed("this ( is never closed", text, calls[-1][1], calls[-1][1] + 1))
    if kind == "sign" and before != ")":
        raise ValueError(pointed(f"something is missing after this {before}", text, at, at + len(before)))
