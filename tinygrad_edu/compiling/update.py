"""``Update``: the rule by which an optimizer changes one parameter, compiled to change all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.compiling.c_functions import update_c
from tinygrad_edu.compiling.c_text import NoMachineCode
from tinygrad_edu.compiling.code_cache import cached
from tinygrad_edu.compiling.js_functions import update_js
from tinygrad_edu.compiling.listing import Listing
from tinygrad_edu.compiling.machine import address, array_of
from tinygrad_edu.compiling.program import Program
from tinygrad_edu.compiling.recorded_function import record_twice
from tinygrad_edu.compiling.source_text import FunctionText, as_tuple

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Sequence
    from typing import Any

    from tinygrad_edu.compiling.recorded_function import RecordedFunction
    from tinygrad_edu.engine.value import Value

MANY = 100  # so many parameters are worth machine code, if something is kept for each


class Update:
    """A rule for one parameter, as code for all.

    Args:
        rule: the function (data, grad, *state, *settings) -> [data, *state], written with operations of the table. The
            state is what the optimizer keeps for each parameter, the settings are the same for all.
        state: how many numbers the state is.

    >>> from tinygrad_edu import Value
    >>> descent = Update(lambda data, grad, lr: [data - lr * grad], 0)
    >>> x = Value(3.0)
    >>> x.grad = 6.0
    >>> descent([x], [], [0.1])
    >>> round(x.data, 6)
    2.4
    """

    def __init__(self, rule: Callable[..., list[Any]], state: int) -> None:
        function = record_twice("an optimizer", rule, [0.5] * rule.__code__.co_argcount)
        self._text = cached(("update", state, function.signature()), lambda: update_text(function, state))

    def in_js(self) -> str:
        """Write the function in JavaScript; see ``js_functions.update_js``."""
        return self._text.in_js()

    def __call__(self, parameters: Sequence[Value], state: Sequence[array[float]], settings: Sequence[float]) -> None:
        """Change the ``data`` of every parameter, and what the optimizer keeps."""
        if state and len(parameters) >= MANY:
            try:
                return self._run_machine(parameters, state, settings)
            except NoMachineCode:
                pass
        self._text.function(parameters, settings, *state)

    def _run_machine(
        self, parameters: Sequence[Value], state: Sequence[array[float]], settings: Sequence[float]
    ) -> None:
        data = array_of([parameter._data for parameter in parameters])
        grads = array_of([parameter._grad for parameter in parameters])
        self.run(data, grads, state, settings)
        for parameter, x in zip(parameters, data.tolist()):
            parameter._data = x

    def run(
        self, data: array[float], grads: array[float], state: Sequence[array[float]], settings: Sequence[float]
    ) -> bool:
        """Change the numbers in ``data``, and what the optimizer keeps; tell whether all was defined and not too large.

        Raises:
            NoMachineCode: if there is none.
        """
        code = self._text.machine_code()
        given = array_of(settings)
        return not code(len(data), *map(address, (given, grads, data, *state)))


def update_text(rule: RecordedFunction, state: int) -> FunctionText:
    """Write the function (parameters, settings, *state), which changes parameters and state in their places."""
    program = Program(rule.variables)
    listing = Listing(
        program, program.add(rule.outputs), [], rule.variables, ["parameters", "parameter", "settings", "i"]
    )
    data, grad, *others = listing.names
    kept, settings = others[:state], others[state:]
    arrays = [listing.fresh(f"{name}s") for name in kept]
    places = [f"{array}[i]" for array in arrays]
    loop = [
        f"{', '.join([data, grad, *kept])} = {', '.join(['parameter._data', 'parameter._grad', *places])}",
        *listing.forward,
        f"{', '.join(['parameter._data', *places])} = {', '.join(listing.results)}",
    ]
    lines = [
        f"def update({', '.join(['parameters', 'settings', *arrays])}):",
        f"{as_tuple(settings)} = settings",
        "for i, parameter in enumerate(parameters):" if kept else "for parameter in parameters:",
        *[f"    {line}" for line in loop],
    ]
    called, forward, results = listing.called, listing.forward, listing.results
    return FunctionText("update", called, lines,
                        lambda: update_c(called, settings, [data, grad, *kept], forward, results),
                        lambda: update_js(called, settings, [data, grad, *kept], forward, results))  # fmt: skip
