"""Answers of which several are right: a number of the learner's choice, and a choice among names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.formulas.formula import digits
from tinygrad_edu.lessons.sheet import current_sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from tinygrad_edu.lessons.sheet import Verdict

ROUND = sorted(
    (m * 10.0**e for e in range(-3, 7) for m in (1, 1.2, 1.5, 2, 2.2, 2.5, 3, 4, 5, 6, 7, 8, 9)),
    key=lambda x: abs(math.log(x)),
)


def check_within(
    answer: Any, of: Callable[[float], float], low: float = -math.inf, high: float = math.inf, question: object = ""
) -> Verdict:
    """Check a number that the learner has chosen: whether what comes of it lies between two numbers.

    Args:
        answer: a number.
        of: computes, from the answer, the number that matters.
        low, high: what that should be at least and at most.

    >>> verdict = check_within(3, of=lambda x: x * x, low=1, high=2, question="the scale")
    the scale: not yet. Hint: At 3 it is 9, and should be between 1 and 2.
    """
    key, sheet = str(question) or "the number", current_sheet()
    number = getattr(answer, "data", answer)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        what = "put a number in the place of the dots" if answer is ... else "this is no number"
        return sheet.refuse(key, f"{what}, such as 0.5, without quotes.")
    if low > -math.inf and high < math.inf:
        wanted = f"between {digits(low)} and {digits(high)}"
    else:
        wanted = f"at most {digits(high)}" if high < math.inf else f"at least {digits(low)}"

    def solve() -> str:
        found = next((x for x in ROUND if low <= _outcome(of, x) <= high), None)
        if found is None:
            return f"No round number gives something {wanted}."
        return f"For example {digits(found)}: at it, it is {digits(_outcome(of, found))}."

    result = _outcome(of, float(number))
    said = digits(result) if math.isfinite(result) else "beyond all bounds"
    hint = f"At {digits(float(number))} it is {said}, and should be {wanted}."
    return sheet.judge(key, low <= result <= high, solve, hint)


def check_names(answer: Any, of: Iterable[str], among: Iterable[str], question: object = "") -> Verdict:
    """Check a choice among names, in any order.

    Args:
        answer: names, as text with spaces between, or "none".
        of: the right ones.
        among: all that there are to choose from.

    >>> verdict = check_names("a c", of=["a", "b"], among="abc", question="2f")
    Question 2f: not yet. Hint: Right so far: 1. Too many: 1. Missing: 1.
    """
    key, sheet, right, names = str(question) or "the names", current_sheet(), [*of], [*among]
    if not isinstance(answer, str):
        return sheet.refuse(key, f'put names in the place of the dots, such as "{" ".join(names[:2])}", or "none".')
    given = {word for word in answer.replace(",", " ").split() if word != "none"}
    for word in sorted(given - {*names}):
        return sheet.refuse(key, f'there is no {word} here: there is {", ".join(names)}, or "none".')
    good = len(given & {*right})
    hint = f"Right so far: {good}. Too many: {len(given) - good}. Missing: {len(right) - good}."
    return sheet.judge(key, given == {*right}, lambda: f"It is {', '.join(right) or 'none'}.", hint)


def _outcome(of: Callable[[float], float], x: float) -> float:
    """What comes of a number; NaN if it is undefined or too large."""
    try:
        return float(of(x))
    except (ArithmeticError, ValueError):
        return math.nan
