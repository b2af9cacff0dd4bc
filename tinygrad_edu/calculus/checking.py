"""``check_gradients``: the derivatives of a function in reverse mode, in forward mode and by differences, compared."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.differences import TINY, judge, rounding
from tinygrad_edu.calculus.linearization import Linearization, RecordedLinearization
from tinygrad_edu.calculus.tracing import check_function, name_of, new_input, outputs_of, parameter_name
from tinygrad_edu.engine.operation import whole_number
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Value
from tinygrad_edu.formulas.formula import Formula, digits, name, numeral, ratio
from tinygrad_edu.formulas.tables import Report, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from tinygrad_edu.formulas.tables import Cell

VERDICTS = {
    "agrees": "ok",
    "differs": "WRONG",
    "kink": "ok, at a kink",
    "edge": "ok, at an edge",
    "unclear": "unclear",
}
REMARKS = {
    "kink": "At a kink the slopes at both sides differ; what the engine gives is one of them or in between.",
    "edge": "At an edge the function is defined at one side only; there the slope agrees.",
    "unclear": "Where it is unclear, differences are too inexact to tell: the function jumps, is too steep, or rounds.",
}


class GradientMismatch(AssertionError):
    """Derivatives that differences contradict; ``report`` is the ``GradientReport`` about them."""

    def __init__(self, report: GradientReport) -> None:
        super().__init__(str(report))
        self.report = report


class Comparison:
    """One derivative, found in three ways.

    Attributes:
        what: its name.
        reverse, forward: what the engine gives in reverse and in forward mode.
        numeric: what differences give, and ``error``, how far that may be off.
        verdict: "agrees", "differs", "kink", "edge" or "unclear"; see ``differences.judge``. Where the two modes
            contradict each other it is "differs".
    """

    def __init__(
        self, what: Formula, reverse: float, forward: float, judged: tuple[float, float, str], by_rounding: float
    ) -> None:
        self.what = what
        self.reverse, self.forward = reverse, forward
        self.numeric, self.error, self.verdict = judged
        if abs(reverse - forward) > 1e-8 * max(abs(reverse), abs(forward)) + by_rounding + TINY:
            self.verdict = "differs"

    def cells(self) -> list[Cell]:
        """A row of the table; with its error what is hardly known, with more digits what is wrong."""
        numbers: list[Cell] = [numeral(x) for x in (self.reverse, self.forward, self.numeric)]
        if self.verdict == "differs":
            numbers = [f"{x:.10g}" for x in (self.reverse, self.forward, self.numeric)]
        elif self.verdict != "kink" and not self.error <= 1e-3 * abs(self.numeric) + TINY:
            numbers[-1] = f"{numbers[-1]} ± {digits(self.error)}"
        return [self.what, *numbers, f"{abs(self.reverse - self.numeric):.1e}", VERDICTS[self.verdict]]

    def __repr__(self) -> str:
        return f"<{self.what}: reverse {self.reverse}, forward {self.forward}, numeric {self.numeric}, {self.verdict}>"


class GradientReport(Report):
    """A report of ``check_gradients``; prints as a table.

    Attributes:
        comparisons: a ``Comparison`` for each derivative.
        ok: whether differences contradict none of them.
    """

    def __init__(self, title: str, comparisons: Sequence[Comparison]) -> None:
        self.comparisons = comparisons
        self.ok = all(comparison.verdict != "differs" for comparison in comparisons)
        verdicts = [comparison.verdict for comparison in comparisons]
        counts = [f"{verdicts.count(kind)} {VERDICTS[kind]}" for kind in VERDICTS if kind in verdicts]
        found = f"{len(verdicts)} derivative{'' if len(verdicts) == 1 else 's'}: {'; '.join(counts)}."
        remarks = [found, *[REMARKS[kind] for kind in REMARKS if kind in verdicts]]
        header = ["derivative", "reverse mode", "forward mode", "numeric", "difference", "verdict"]
        super().__init__([Table([title], header, [c.cells() for c in comparisons], ["\n".join(remarks)])])


def check_gradients(f: Callable[..., Any], *args: Any, order: int = 1, raise_exception: bool = False) -> GradientReport:
    """Compare the derivatives of a function in reverse mode, in forward mode and by differences.

    For use after adding an operation or writing a layer or a loss. Differences call ``f`` some dozens of times for each
    number, with that number a little changed, and see also what its graph does not tell, such as a way around it
    through ``x.data``. They come with an estimate of their error, and where they are too inexact the verdict says so
    instead of blaming the engine: at kinks, jumps, the edge of a domain, and where rounding hides all. What is off by
    less than a millionth is not noticed; and since a wrong rule may be right at some places, try several.

    Args:
        f: a function that returns numbers in any structure.
        args: its arguments, numbers in any structure. A ``Module`` stands for its parameters; it is left as it was.
        order: 2 checks the first derivatives, and their derivatives as well; and so on.
        raise_exception: whether to raise ``GradientMismatch`` if a derivative is wrong.

    Raises:
        GradientMismatch: see ``raise_exception``; an ``AssertionError`` that holds the report.
        TypeError: if arguments or results are not numbers.
        ZeroDivisionError, ValueError, OverflowError: as of ``Value.backward``, where a derivative is infinite.

    >>> check_gradients(lambda x, y: x * y, 2.0, 4.0)
    f at x = 2, y = 4
    <BLANKLINE>
    derivative  reverse mode  forward mode  numeric  difference  verdict
    ──────────  ────────────  ────────────  ───────  ──────────  ───────
    ∂f/∂x       4             4             4        0.0e+00     ok
    ∂f/∂y       2             2             2        0.0e+00     ok
    <BLANKLINE>
    2 derivatives: 2 ok.
    """
    depth = whole_number("order", order, at_least=1)
    subject = _Subject(f, args)
    before = [x.data for x in subject.inputs]
    try:
        comparisons = [comparison for level in range(1, depth + 1) for comparison in subject.compare(level)]
    finally:  # however it ends
        for x, number in zip(subject.inputs, before):
            x._data = number
    where = ", ".join(f"{x.label} = {digits(x.data)}" for x in subject.inputs[:4])
    report = GradientReport(f"{subject.name} at {where}{', ...' * (len(subject.inputs) > 4)}", comparisons)
    if raise_exception and not report.ok:
        raise GradientMismatch(report)
    return report


class _Subject:
    """A function, and the Values that stand for its arguments: setting their numbers and running it again gives what it
    does elsewhere."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any]) -> None:
        check_function("check_gradients", f)
        self.f = f
        self.name = "f" if name_of(f) == "<lambda>" else name_of(f)
        modules = [arg for arg in (f, *args) if _is_module(arg)]
        self.args = []
        self.inputs: list[Value] = []
        for place, arg in enumerate(args):
            if not _is_module(arg):
                fresh = [
                    new_input("check_gradients", path, leaf)
                    for path, leaf in trees.leaves(arg, parameter_name(f, place))
                ]
                self.inputs += fresh
                arg = trees.rebuilt(arg, fresh)
            self.args.append(arg)
        self.inputs += dict.fromkeys(parameter for module in modules for parameter in module.parameters())
        if not self.inputs:
            raise ValueError(f"there is nothing to check: {self.name} was given no numbers")

    def run(self, level: int) -> list[Value]:
        """Compute the results of ``f``, at level 0; at higher ones all derivatives of that order of all results."""
        if level == 0:
            outputs = outputs_of("check_gradients", self.f, recorded(self.f, *self.args))
            self.places = [path for path, _ in outputs]
            return [output for _, output in outputs]
        lower = self.run(level - 1)
        rows: list[list[Any]] = RecordedLinearization(lower, self.inputs).jacobian("reverse")
        return [slope for row in rows for slope in row]

    def compare(self, level: int) -> list[Comparison]:
        """The derivatives of that order, as the first derivatives of those below."""
        at = Linearization(self.run(level - 1), self.inputs)
        reverse: list[list[Any]] = at.jacobian("reverse")
        forward: list[list[Any]] = at.jacobian("forward")
        magnitudes = at.magnitudes()
        names = self._names(level)
        found = []
        for i, x in enumerate(self.inputs):
            responses = self._each(x, partial(self._outputs, level - 1), len(at.outputs))
            slopes = self._each(x, partial(self._slopes, level - 1, i), len(at.outputs))
            for j, (respond, slope) in enumerate(zip(responses, slopes)):
                terms, noise = magnitudes[j]
                by_rounding = 4e-15 * terms[i]
                judged = judge(reverse[j][i], respond, x.data, noise, partial(_doubt, slope, x.data, by_rounding))
                what = ratio("∂", *names[j], name(x.label))
                found.append((j, Comparison(what, reverse[j][i], forward[j][i], judged, by_rounding)))
        return [comparison for _, comparison in sorted(found, key=lambda pair: pair[0])]

    def _outputs(self, level: int) -> list[float]:
        return [value.data for value in self.run(level)]

    def _slopes(self, level: int, i: int) -> list[Any]:
        return [row[i] for row in Linearization(self.run(level), self.inputs).jacobian("reverse")]

    def _names(self, level: int) -> list[list[Formula]]:
        """For each number that ``run(level - 1)`` gives: what was differentiated, and by what."""
        found = [[name(self.name + place)] for place in self.places]
        for _ in range(level - 1):
            found = [[*names, name(x.label)] for names in found for x in self.inputs]
        return found

    def _each(self, x: Value, compute: Callable[[], list[float]], count: int) -> list[Callable[[float], float]]:
        """Each number that ``compute`` gives, as a function of the number in ``x``; all are computed at once."""

        @cache
        def everything(number: float) -> list[float]:
            before = x.data
            try:
                x.data = number
                return compute()
            finally:
                x._data = before

        def pick(j: int) -> Callable[[float], float]:
            return lambda number: everything(number)[j]

        return [pick(j) for j in range(count)]


def _is_module(x: Any) -> bool:
    """Tell whether ``x`` is a Module, or anything else that has parameters."""
    return hasattr(x, "parameters") and not isinstance(x, Value)


def _doubt(slope: Callable[[float], float], x: float, by_rounding: float) -> float:
    """Estimate how far the engine's derivative may be off because it is computed with floats."""
    try:
        return by_rounding + 100 * rounding(slope, x)
    except (ArithmeticError, ValueError):
        return by_rounding
