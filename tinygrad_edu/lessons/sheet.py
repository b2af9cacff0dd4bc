"""The sheet of a learner: a name, the questions tried so far, which of them are right, and their solutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tinygrad_edu.calculus.mistakes import Mistake


class Verdict:
    """The verdict on an answer: true if it is right, so that ``assert check(...)`` works, too.

    Attributes:
        is_right: whether it is.
        mistake: the row of the table of mistakes that it is, or None.
        message: the words that were printed.
    """

    def __init__(self, is_right: bool, message: str, mistake: Mistake | None = None) -> None:
        self.is_right, self.message, self.mistake = is_right, message, mistake

    def __bool__(self) -> bool:
        return self.is_right

    def __repr__(self) -> str:
        return "<right>" if self.is_right else "<not yet right>"

    def _ipython_display_(self) -> None:
        """Show nothing in a notebook: the message has been printed."""


class Question:
    """A question on the sheet: how often it was tried, whether it is right, and whether the solution was seen."""

    def __init__(self) -> None:
        self.tries = 0
        self.is_right = self.is_seen = False
        self.solve: Callable[[], Any] = str


class Sheet:
    """The questions of one learner, by what they are called.

    Attributes:
        name: of the learner; numbers are drawn from it.
        count: how many questions the lesson has; 0 if it is not known.
        last: what the question tried last is called.
    """

    def __init__(self, name: str = "", count: int = 0) -> None:
        self.name, self.count, self.last = name, count, ""
        self.questions: dict[str, Question] = {}

    def refuse(self, key: str, message: str) -> Verdict:
        """Print what is amiss with an answer that is none; this is no try."""
        return _printed(Verdict(False, f"{_called(key)}: {message}"))

    def judge(
        self, key: str, is_right: bool, solve: Callable[[], Any], hint: str, mistake: Mistake | None = None
    ) -> Verdict:
        """Note an answer and print the verdict: after the first wrong one a hint, later also what the mistake is."""
        question = self.questions.setdefault(key, Question())
        question.tries += 1
        question.is_right = is_right or question.is_right
        question.solve, self.last = solve, key
        if is_right:
            return _printed(Verdict(True, f"{_called(key)}: right."))
        hint = mistake.hint if mistake else hint
        words = f"not yet. Hint: {hint}"
        if question.tries > 1:
            said = mistake.diagnosis if mistake else hint
            words = f"not yet. {said} solution({_argument(key)}) shows how it is done."
        return _printed(Verdict(False, f"{_called(key)}: {words}", mistake))


_sheet = Sheet()


def current_sheet() -> Sheet:
    """Return the sheet that answers are noted on."""
    return _sheet


def learner(name: str, questions: int = 0) -> None:
    """Begin a new sheet: the numbers of its questions are drawn from the name, so that neighbours have different ones.

    Args:
        name: any name.
        questions: how many the lesson has, for ``progress``.

    >>> learner("Ada", questions=11)
    Hello Ada! There are 11 questions.
    """
    global _sheet
    _sheet = Sheet(name, questions)
    print(f"Hello {name}!{f' There are {questions} questions.' if questions else ''}")


def progress() -> None:
    """Print how many questions are right, and which of those tried are not.

    >>> learner("Ada", questions=2)
    Hello Ada! There are 2 questions.
    >>> progress()
    Ada: 0 of 2.
    """
    tried = _sheet.questions
    right = [key for key, question in tried.items() if question.is_right]
    seen = sum(tried[key].is_seen for key in right)
    wrong = [key for key in tried if key not in right]
    words = f"{_sheet.name or 'You'}: {len(right)} of {max(_sheet.count, len(tried))}"
    words += f", {seen} of them after the solution" if seen else ""
    print(f"{words}.{' Not yet right: ' if wrong else ''}{', '.join(wrong)}{'.' if wrong else ''}")


def solution(question: object = "") -> Any:
    """Return the solution of a question, or of the one tried last, which a notebook shows; before a try, ask for one.

    >>> learner("Ada")
    Hello Ada!
    >>> solution(1)
    Question 1: try it first; then solution(1) shows how it is done.
    """
    key = str(question) or _sheet.last
    if key not in _sheet.questions:
        print(f"{_called(key)}: try it first; then solution({_argument(key)}) shows how it is done.")
        return None
    found = _sheet.questions[key]
    found.is_seen = found.is_seen or not found.is_right
    return found.solve()


def _printed(verdict: Verdict) -> Verdict:
    print(verdict.message)
    return verdict


def _called(key: str) -> str:
    return f"Question {key}" if key[:1].isdigit() or not key else key


def _argument(key: str) -> str:
    return key if key.isdecimal() else repr(key)
