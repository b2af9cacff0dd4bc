"""The code of a loss: one function for all targets, or one for each, or the loss itself, recorded."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.tracing import name_of
from tinygrad_edu.calculus.warning import with_place
from tinygrad_edu.compiling.batch_text import loss_text
from tinygrad_edu.compiling.code_cache import ERRORS, cached
from tinygrad_edu.compiling.recorded_function import RecordedFunction, agree, record_twice
from tinygrad_edu.compiling.shape import Shape
from tinygrad_edu.compiling.symbols import CompileError
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeAlias

    from tinygrad_edu.compiling.source_text import FunctionText
    from tinygrad_edu.nn.objective import Loss

    LossCode: TypeAlias = Callable[..., Sequence[float]]  # (*prediction, target) -> (loss, *its derivatives)

MANY_TARGETS = 100  # at most so many targets get code of their own


class LossCodes:
    """The code of a loss for each target.

    Args:
        loss: called with a prediction and a target.
        prediction: an example of what the model gives, of plain numbers.
        target: how targets are built; those that are not numbers are given as tuples.

    Attributes:
        texts: the texts by target; by None for all targets.
        why_not: why the loss is recorded each time; or nothing.
    """

    def __init__(self, loss: Loss, prediction: Any, target: Shape) -> None:
        self._loss, self._prediction, self.target = loss, prediction, target
        self.texts: dict[Any, FunctionText] = {}
        self.why_not = ""
        self._is_repeatable = True
        self._for_all: LossCode | None = None
        self._by_target: dict[Any, LossCode] | None = None  # None until it is seen that one does not do for all

    def of(self, targets: Sequence[Any]) -> Iterable[LossCode]:
        """Find the code for each target.

        Raises:
            CompileError: if the loss is not one number that depends on the prediction alone.
        """
        if self._for_all is None and self._by_target is None:
            try:
                self._for_all = self._compiled(None, [self._prediction, self.as_given(targets[0])])
            except Exception:  # whatever it does that is not meant for a Value as target
                self._by_target = {}
        if self._for_all is None:
            assert self._by_target is not None
            try:
                return [self._by_target[target] for target in targets]
            except KeyError:
                self._learn([target for target in dict.fromkeys(targets) if target not in self._by_target])
        return repeat(self._for_all) if self._for_all else [self._by_target[target] for target in targets]  # type: ignore[index]

    def compare(self, prediction: Sequence[float], target: Any) -> None:
        """Run the engine on one example too. Where the code gives something else, go over to code for each target, and
        from there to recording: a loss may look a number up in a dict, or refer to something that has changed."""
        while True:
            code = next(iter(self.of([target])))
            if self.why_not or not self._is_repeatable:
                return
            try:
                values = trees.rebuilt(self._prediction, [*map(Value, prediction)])
                error: Any = recorded(self._loss, values, self.as_given(target))
                if agree(code(*prediction, target), [getattr(error, "_data", error)]):
                    return
            except ERRORS:  # it has no value here: the engine says so where it matters
                return
            if self._for_all is None:
                self._give_up("its code gives something else: it may look a number up in a dict or a set")
            self._for_all, self._by_target, self.texts = (self._recorded if self.why_not else None), {}, {}

    def as_given(self, target: Any) -> Any:
        """Return the target as the loss takes it."""
        return self.target.around(target) if type(target) is tuple else target

    def _learn(self, new: Sequence[Any]) -> None:
        assert self._by_target is not None
        if len(self._by_target) + len(new) > MANY_TARGETS:
            self._give_up(f"it does something else for different targets, and there are more than {MANY_TARGETS}")
        for target in new if not self.why_not else ():
            try:
                self._by_target[target] = self._compiled(target, [self._prediction], self.as_given(target))
            except CompileError as error:
                self._recorded(*[x for _, x in trees.leaves(self._prediction)], target)
                return self._give_up(with_place(error))

    def _compiled(self, key: Any, args: list[Any], *given: Any) -> LossCode:
        """Compile the loss, for one target if that is given."""

        def run(prediction: Any, target: Any = None) -> Any:
            return self._loss(prediction, given[0] if given else target)

        run.__name__ = name_of(self._loss)
        function = record_twice("loss", run, args)
        self._check(function)
        count = len(trees.leaves(self._prediction))
        is_tuple = not given and not self.target.is_number
        code_key = ("loss", count, is_tuple, function.signature())
        self.texts[key] = cached(code_key, lambda: loss_text(function, count, is_tuple))
        self._is_repeatable = self._is_repeatable and function.is_repeatable()
        return self.texts[key].function

    def _check(self, function: RecordedFunction) -> None:
        """Raise a CompileError if the loss is not one number that depends on the prediction alone."""
        name = name_of(self._loss)
        if not trees.is_leaf(function.result):
            raise CompileError(f"{name} returned {trees.described(function.result)}; a loss is one number")
        if {*function.inputs}.isdisjoint(function.order):
            raise CompileError(f"what {name} returned was not computed from the prediction: it has no derivatives")
        if function.outside:
            raise CompileError(
                f"{name} uses a Value that is neither in the prediction nor in the target: "
                f"{function.outside[0].label or function.outside[0]!r}. A penalty on parameters can be given as l2"
            )

    def _give_up(self, why_not: str) -> None:
        self.why_not, self._for_all, self.texts = why_not, self._recorded, {}

    def _recorded(self, *numbers: Any) -> Sequence[float]:
        """Record the loss of one example, each time."""
        *prediction, target = numbers
        given = self.as_given(target)
        args = [trees.rebuilt(self._prediction, prediction)]
        example = RecordedFunction("loss", lambda prediction: self._loss(prediction, given), args)
        self._check(example)
        return [example.outputs[0].data, *example.slopes(example.inputs)]
