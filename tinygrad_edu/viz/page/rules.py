"""Rules of the table as trees that the page's script computes with and writes out.

A tree is a number, ``"y"`` for the output, ``"0"`` for the first operand, or a list of an operation and its operands.
A rule may go different ways at different numbers, as that of a power does at 0. It is followed once for each way in
which its comparisons can end, and becomes a tree of cases.
"""

from __future__ import annotations

from collections import Counter
from math import nan
from typing import TYPE_CHECKING

from tinygrad_edu.calculus.simplifying import simplified
from tinygrad_edu.engine.backward import topological_order
from tinygrad_edu.engine.recording import Tracer, current_mode, recorded, traced
from tinygrad_edu.engine.value import Constant, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from tinygrad_edu.engine.operation import Operation

    Tree: TypeAlias = "float | str | list[Any]"
    Question: TypeAlias = "tuple[str, Tree, Tree]"  # a sign, such as >, and what is compared

MOST = 1024  # ways that a rule may go


class NoTree(Exception):
    """A rule that cannot be followed without numbers; the message says why."""


def rule_cases(node: Value) -> Any:
    """Write the rule of a Value's operation: the derivative by each operand, or a question with what follows from it.

    Operands that are plain numbers of a formula stand in it as numbers.

    Returns:
        a list of trees, or ``{"ask": [sign, tree, tree], "yes": ..., "no": ...}``; None for a way that leads to an
        error.

    Raises:
        NoTree: if the rule takes numbers out of its operands, or may go more than 1,024 ways.

    >>> x = Value(0.5)
    >>> rule_cases(x.tanh())
    [[<operation subtract>, 1.0, [<operation multiply>, 'y', 'y']]]
    >>> rule_cases(x.arccos())["ask"]
    ['<', [<operation absolute>, '0'], 0.5]
    """
    return _Cases(node).after([])


def definition_tree(op: Operation, count: int) -> tuple[Tree, list[int]]:
    """Write the definition of a composite of so many operands, and which operands are in it more than once.

    >>> from tinygrad_edu.engine.ops import exp2
    >>> definition_tree(exp2, 1)
    ([<operation power>, 2.0, '0'], [])
    """
    stubs = [Value(0.5) for _ in range(count)]
    assert op.definition is not None
    result = recorded(op.definition, *stubs)
    uses = Counter(parent for node in topological_order(result) for parent in node.parents)
    names = {stub: str(i) for i, stub in enumerate(stubs)}
    return tree(result, names), [i for i, stub in enumerate(stubs) if uses[stub] > 1]


def tree(x: Any, names: Mapping[Value, str]) -> Tree:
    """Write what was computed from the Values in ``names`` as a tree.

    >>> x = Value(3.0)
    >>> tree(2 * x + 1, {x: "0"})
    [<operation add>, [<operation multiply>, 2.0, '0'], 1.0]
    """
    if not isinstance(x, Value):
        return float(x)
    if x in names:
        return names[x]
    return x._data if x.op is None else [x.op, *(tree(parent, names) for parent in x.parents)]


# ---- one rule, every way -------------------------------------------------------------------------------------------


class _Cases:
    """The rule of a Value's operation, followed again and again."""

    def __init__(self, node: Value) -> None:
        assert node.op is not None
        self.node, self.rule, self.ways = node, node.op.rule, 0

    def after(self, told: list[bool]) -> Any:
        """What the rule gives when its first comparisons end as told."""
        asked, derivatives = self._followed(told)
        if len(asked) <= len(told):
            return derivatives
        question, _ = asked[len(told)]
        yes, no = self.after([*told, True]), self.after([*told, False])
        return yes if yes == no else {"ask": [*question], "yes": yes, "no": no}

    def _followed(self, told: Sequence[bool]) -> tuple[Sequence[Any], list[Tree] | None]:
        self.ways += 1
        if self.ways > 2 * MOST:
            raise NoTree(f"its rule may go more than {MOST} ways")
        # Numbers would fail on ways that they do not lead to; NaN fails nearly nowhere, but has no floor.
        for data in (lambda x: nan, float):
            tracer = CaseTracer(told)
            try:
                return tracer.asked, traced(tracer, self._derivatives, tracer, data)
            except (ArithmeticError, ValueError):
                continue
        return tracer.asked, None

    def _derivatives(self, tracer: CaseTracer, data: Callable[[float], float]) -> list[Tree]:
        node = self.node
        stubs = [p._data if isinstance(p, Constant) else Value(data(p._data)) for p in node.parents]
        output = Value(data(node._data))
        tracer.names = {stub: str(i) for i, stub in enumerate(stubs) if isinstance(stub, Value)} | {output: "y"}
        try:
            return [tree(simplified(d), tracer.names) for d in self.rule(output, *stubs)]
        except (ArithmeticError, ValueError, NoTree):
            raise
        except Exception as error:  # a rule that is made for numbers may do anything with Values
            raise NoTree(f"its rule works with numbers only ({type(error).__name__}: {error})") from None


class Case(Value):
    """A Value that stands for a number yet unknown: the tracer says how its comparisons end."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return _answer("!==", self, 0.0)


class CaseTracer(Tracer):
    """A tracer that makes Cases of all Values, answers their comparisons as told and then with yes, and notes them.

    Args:
        told: the first answers.

    Attributes:
        names: the trees of the Values that the rule is called with.
        asked: the comparisons, each with its answer.
    """

    def __init__(self, told: Sequence[bool]) -> None:
        super().__init__()
        self.told, self.names = told, dict[Value, str]()
        self.asked: list[tuple[Question, bool]] = []

    def made(self, value: Value) -> None:
        super().made(value)
        if type(value) is Value:
            value.__class__ = Case

    def read(self, value: Value) -> None:
        raise NoTree("its rule takes a number out of its operands")

    def answer(self, question: Question) -> bool:
        """Answer a comparison, the same one always in the same way."""
        for known, answer in self.asked:
            if known == question:
                return answer
        answer = self.told[len(self.asked)] if len(self.asked) < len(self.told) else True
        self.asked.append((question, answer))
        return answer


def _answer(sign: str, left: Value, right: Any) -> bool:
    mode = current_mode()
    assert mode is not None
    tracer = mode.tracers[-1]
    assert isinstance(tracer, CaseTracer)
    return tracer.answer((sign, tree(left, tracer.names), tree(right, tracer.names)))


for _name, _sign in {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "===", "ne": "!=="}.items():
    setattr(Case, f"__{_name}__", lambda self, other, sign=_sign: _answer(sign, self, other))
