"""``check`` and its relatives: the verdict on an answer, which the engine computes and the notebook does not contain.

Each takes ``question``, what the question is called, for ``solution`` and ``progress``. An answer that is still ``...``
is none. A wrong answer raises nothing: the verdict is printed, and false.
"""

from __future__ import annotations

import ast
import math
from inspect import signature
from random import Random
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.linearization import gradients
from tinygrad_edu.calculus.mistakes import HINTS, diagnose_answer
from tinygrad_edu.engine.backward import topological_order
from tinygrad_edu.engine.operation import TABLE
from tinygrad_edu.engine.value import Value
from tinygrad_edu.formulas.formula import digits, ratio
from tinygrad_edu.formulas.reader import ALIASES, read
from tinygrad_edu.formulas.tables import Report
from tinygrad_edu.lessons.questions import derivative_numbers
from tinygrad_edu.lessons.sheet import current_sheet
from tinygrad_edu.viz.explaining.explanation import explain
from tinygrad_edu.viz.explaining.paths import count_paths, largest_paths
from tinygrad_edu.viz.graphs.names import callers_variables, names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from tinygrad_edu.calculus.mistakes import Numbers
    from tinygrad_edu.lessons.sheet import Verdict


def check(answer: Any, of: Value, wrt: Value, question: object = "") -> Verdict:
    """Check a derivative, ∂of/∂wrt, or tell which mistake was made; changes no ``grad``.

    Args:
        answer: a number, a Value, or a formula as text, in the names of the Values that ``of`` was computed from.
        of, wrt: the result, and a Value that it was computed from.

    Raises:
        TypeError: if ``of`` or ``wrt`` is not a Value.
        ValueError: if ``wrt`` is not among what ``of`` was computed from.
        ZeroDivisionError, ValueError, OverflowError: if a local derivative is infinite or undefined.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> if check("2*x", of=y, wrt=x):
    ...     print("Well done!")
    ∂y/∂x: right.
    Well done!
    """
    order, variables = _order(of), callers_variables()
    if not isinstance(wrt, Value):
        raise TypeError(f"wrt is the Value to differentiate by, not {type(wrt).__name__}")
    names = names_of(order, variables)
    if wrt not in names:
        raise ValueError(f"{wrt!r} is not among the values that {names[of]} was computed from")
    key = str(question) or str(ratio("∂", names[of], names[wrt]))
    is_one_step = of.parents.count(wrt) == count_paths(of, wrt)
    hint = HINTS["local" if is_one_step else "derivative"]
    found = derivative_numbers(of, wrt)
    return _check_number(key, "derivative", answer, order, found, lambda: explain(of, wrt=wrt), hint)


def check_paths(answer: Any, of: Value, wrt: Value, question: object = "") -> Verdict:
    """Check how many paths lead from a result to a Value that it was computed from.

    >>> x = Value(3.0, label="x")
    >>> verdict = check_paths(2, of=x * x, wrt=x, question="2d")
    Question 2d: right.
    """
    key, count = str(question) or "the paths", float(count_paths(of, wrt))
    return _check_number(key, "paths", answer, _order(of), {"right": count}, lambda: explain(of, wrt=wrt))


def check_value(answer: Any, of: Value | float, question: object = "") -> Verdict:
    """Check a value of the forward pass, or any other number that was computed.

    >>> x = Value(3.0, label="x")
    >>> verdict = check_value(9, of=x * x, question=1)
    Question 1: right.
    """
    if isinstance(of, Value):
        order, right, value = _order(of), of.data, of
        key = str(question) or str(names_of(order, callers_variables())[of])
        return _check_number(key, "value", answer, order, {"right": right}, lambda: Report(explain(value).tables[:1]))
    number = float(of)
    return _check_number(str(question), "number", answer, [], {"right": number}, lambda: f"It is {digits(number)}.")


def check_grad(answer: Any, of: Value, question: object = "") -> Verdict:
    """Check the number that is in ``of.grad`` now, after whatever calls of ``backward``.

    >>> x = Value(3.0, label="x")
    >>> y = x * x
    >>> y.backward()
    >>> y.backward()
    >>> verdict = check_grad(6, of=x, question="2c")
    Question 2c: not yet. Hint: What becomes of what was there before?
    """
    order = _order(of)
    name, right = names_of(order, callers_variables())[of], of.grad
    key = str(question) or f"{name}.grad"
    return _check_number(key, "grad", answer, order, {"right": right}, lambda: f"{name}.grad is {digits(right)} here.")


def check_order(answer: Any, of: Value, question: object = "") -> Verdict:
    """Check an order in which the values behind a result can be computed: any with operands before results.

    Args:
        answer: names, as text with spaces between, or a list of names or Values.

    >>> a = Value(3.0, label="a")
    >>> verdict = check_order("b a", of=a * 2, question="2a")
    Question 2a: not yet. Hint: There is no b here: there is a.
    """
    order = _order(of)
    called = {name: node for node, name in _typed(order).items()}
    key, sheet = str(question) or "the order", current_sheet()
    if answer is ... or not isinstance(answer, (str, list, tuple)):
        return sheet.refuse(key, 'put the names in the place of the dots, such as "a b c".')
    names = (
        answer.replace(",", " ").split() if isinstance(answer, str) else [str(getattr(x, "label", x)) for x in answer]
    )
    hint = _wrong_order(names, called)
    return sheet.judge(key, not hint, lambda: f"One order is {' '.join(called)}.", hint)


def check_graph(graph: Any, wrt: Value, derivative: float, paths: int = 1, question: object = "") -> Verdict:
    """Check a graph that the learner built: its derivative, and that there are enough paths.

    Args:
        graph: the result.
        wrt: a Value that it is to be computed from.
        derivative: by that, as the question asks for it.
        paths: how many ways at least are to lead from the result to ``wrt``; where 0 is a factor it is none.

    >>> x = Value(3.0, label="x")
    >>> verdict = check_graph(x * x, wrt=x, derivative=10, question="2e")
    Question 2e: not yet. Hint: The derivative is 6 here, not 10.
    """
    key, sheet = str(question) or "the graph", current_sheet()
    if graph is ...:
        return sheet.refuse(key, "put a graph of your own in the place of the dots.")
    if not isinstance(graph, Value) or wrt not in {*topological_order(graph)}:
        name = wrt.label or callers_variables().get(wrt, "the Value")
        return sheet.refuse(
            key, f"this is not computed from {name}; write a formula with {name} in it, without quotes."
        )
    found = gradients(graph, wrt)
    count = sum(path.product != 0 for path in largest_paths(graph, wrt, paths))
    hint = ""
    if not math.isclose(found, derivative, rel_tol=1e-9, abs_tol=1e-9):
        hint = f"The derivative is {digits(found)} here, not {digits(derivative)}."
    elif count < paths:
        hint = f"The derivative is right. Of paths there should be {paths} at least, and there are {count}."
    return sheet.judge(key, not hint, lambda: explain(graph, wrt=wrt), hint)


def check_function(
    f: Callable[..., Any],
    reference: Callable[..., Any],
    inputs: Sequence[tuple[Any, ...]] | None = None,
    question: object = "",
) -> Verdict:
    """Check that a function of the learner gives what another one gives, to six digits.

    Args:
        f, reference: functions that return a number or a structure of numbers.
        inputs: the arguments of each call; by default twenty times a random number for each parameter.

    >>> verdict = check_function(lambda x: 2 * x, lambda x: x * x, [(2.0,), (3.0,)], question="2b")
    Question 2b: not yet. Hint: At 3 your function gives 6, and 9 is right.
    """
    key, sheet = str(question) or getattr(f, "__name__", "the function"), current_sheet()
    if not callable(f):
        return sheet.refuse(key, "write a function, without calling it: its name alone.")
    random = Random(f"{sheet.name} {key}")
    count = len(signature(reference).parameters)
    drawn = inputs or [tuple(round(random.uniform(-2, 2), 3) for _ in range(count)) for _ in range(20)]
    tried = [(arguments, _outcome(f, arguments), _outcome(reference, arguments)) for arguments in drawn]
    if any("ellipsis" in str(given) for _, given, _ in tried):
        return sheet.refuse(key, "there are still dots in it; put your formulas in their places.")
    wrong = [case for case in tried if not _agree(case[1], case[2])]
    found = [_function_mistake(given, right) for _, given, right in wrong]
    mistake = found[0] if found and found.count(found[0]) == len(found) else None
    solved = _at(*tried[0]).partition(", and ")[2].capitalize() if not wrong else _at(*wrong[0])
    return sheet.judge(key, not wrong, lambda: solved, _at(*wrong[0]) if wrong else "", mistake)


# ---- answers ---------------------------------------------------------------------------------------------------------


def _check_number(
    key: str,
    kind: str,
    answer: Any,
    order: Sequence[Value],
    numbers: Numbers,
    solve: Callable[[], Any],
    hint: str = "",
) -> Verdict:
    sheet = current_sheet()
    try:
        given = _number(answer, order)
    except (ValueError, ArithmeticError) as error:
        return sheet.refuse(key, str(error))
    found = diagnose_answer(kind, given, numbers)
    if found == "right":
        return sheet.judge(key, True, solve, "")
    return sheet.judge(key, False, solve, hint or HINTS[kind], found)


def _number(answer: Any, order: Sequence[Value]) -> float:
    """Compute the number that an answer stands for.

    Raises:
        ValueError, ArithmeticError: if there is none, with what to write.
    """
    if isinstance(answer, str):
        return _computed(answer, order)
    number = getattr(answer, "data", answer)
    if isinstance(number, (int, float)) and not isinstance(number, bool):
        return float(number)
    put = "put your answer in the place of the dots" if answer is ... else "this is no answer"
    raise ValueError(f'{put}: a number, or a formula between quotes, such as "2*a".')


def _computed(text: str, order: Sequence[Value]) -> float:
    """Compute a formula in the names of the question's Values, or else of others that the caller has in variables."""
    others = {name: value.data for value, name in callers_variables().items()}
    own = {name: value.data for value, name in _typed(order).items()}
    known = others | own
    try:
        words = {node.id for node in ast.walk(ast.parse(text.strip(), mode="eval")) if isinstance(node, ast.Name)}
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        words = set(known)  # the reader says what is wrong
    unknown = sorted(words - {*known, *TABLE, *ALIASES})
    if unknown:
        raise ValueError(f"there is no {unknown[0]} here: there is {', '.join(own or others)}.")
    return read(text, {name: number for name, number in known.items() if name in words})[0].data


def _typed(order: Sequence[Value]) -> dict[Value, str]:
    """The names by which Values can be typed: their labels, or the caller's variables."""
    variables = callers_variables()
    names = {node: node.label or variables.get(node, "") for node in order if not node.is_constant}
    return {node: name for node, name in names.items() if name.isidentifier()}


def _order(of: Value) -> list[Value]:
    if not isinstance(of, Value):
        raise TypeError(f"of is the Value that the question is about, not {type(of).__name__}")
    return topological_order(of)


def _wrong_order(names: Sequence[str], called: dict[str, Value]) -> str:
    """Say what is wrong with an order; "" if it is right."""
    for name in names:
        if name not in called:
            return f"There is no {name} here: there is {', '.join(called)}."
        if names.count(name) > 1:
            return f"{name} stands there more than once; each value is computed once."
    missing = [name for name in called if name not in names]
    if missing:
        return f"Something is missing: {', '.join(missing)}."
    for i, name in enumerate(names):
        before = set(topological_order(called[name]))
        early = [later for later in names[i + 1 :] if called[later] in before]
        if early:
            return f"{name} is computed from {early[0]}, which must come before it."
    return ""


# ---- functions -------------------------------------------------------------------------------------------------------


def _outcome(f: Callable[..., Any], arguments: tuple[Any, ...]) -> list[float] | str:
    """List the numbers that a function returns; if it raises an error, or returns none, say so."""
    try:
        return [float(getattr(leaf, "data", leaf)) for _, leaf in trees.leaves(f(*arguments))]
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, NameError) as error:
        return f"{type(error).__name__}: {error}"


def _agree(given: list[float] | str, right: list[float] | str) -> bool:
    if isinstance(given, str) or isinstance(right, str):
        return isinstance(given, str) and isinstance(right, str)
    return len(given) == len(right) and all(
        math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-9) for x, y in zip(given, right)
    )


def _function_mistake(given: list[float] | str, right: list[float] | str) -> Any:
    if isinstance(given, str) or isinstance(right, str) or not len(given) == len(right) == 1:
        return None
    return diagnose_answer("function", given[0], {"right": right[0]})


def _at(arguments: tuple[Any, ...], given: list[float] | str, right: list[float] | str) -> str:
    """Say what a function gives and what it should give."""

    def words(outcome: list[float] | str) -> str:
        return f"an error ({outcome})" if isinstance(outcome, str) else ", ".join(map(digits, outcome))

    where = ", ".join(digits(x) if isinstance(x, (int, float)) else repr(x) for x in arguments)
    return f"At {where} your function gives {words(given)}, and {words(right)} is right."
