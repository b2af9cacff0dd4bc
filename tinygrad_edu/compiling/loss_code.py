"""Code of a loss: one piece for all targets, or one for each."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from tinygrad_edu.calculus import trees
from tinygrad_edu.calculus.linearization import Linearization
from tinygrad_edu.calculus.tracing import name_of
from tinygrad_edu.calculus.warning import with_place
from tinygrad_edu.compiling.code_cache import ERRORS, cached
from tinygrad_edu.compiling.function_graph import Graph, agree, graph_to_compile
from tinygrad_edu.compiling.listing import Listing
from tinygrad_edu.compiling.program import Program
from tinygrad_edu.compiling.program_gradient import differentiate
from tinygrad_edu.compiling.source_text import as_tuple, backward_comment, module
from tinygrad_edu.compiling.surroundings import Surroundings
from tinygrad_edu.compiling.symbols import CompileError, symbolically
from tinygrad_edu.engine.recording import recorded
from tinygrad_edu.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeAlias

    from tinygrad_edu.compiling.shape import Shape
    from tinygrad_edu.nn.objective import Loss

    LossCode: TypeAlias = Callable[..., tuple[float, ...]]  # (*predictions, target) -> (loss, *its derivatives)

MANY_TARGETS = 100  # at most so many targets get code of their own
CHECKED = 1000  # for so many targets the code for all is checked
PLACES = (0.0, 0.7, -1.3)  # from the example, where it is checked: at one alone a loss may be flat


class LossCodes:
    """A loss for each target: one piece of code if it does the same for all, otherwise one for each different target.

    A loss that branches on the prediction is recorded each time.

    Args:
        loss: called with a prediction and a target.
        prediction: an example of what the model gives, of plain numbers; may be set.
        target: how targets are built; those that are not numbers are given as tuples.

    Attributes:
        sources: the texts by target; by None for all targets.
        why_not: why the loss is recorded each time; or nothing.
    """

    def __init__(self, loss: Loss, prediction: Any, target: Shape | None) -> None:
        self.loss, self.prediction, self.target = loss, prediction, target
        self._around = Surroundings(loss)
        self.sources: dict[Any, str] = {}
        self.why_not = ""
        self._for_all: LossCode | None = None
        self._by_target: dict[Any, LossCode] = {}
        self._compared = False
        self._checked: set[Any] = set()  # the targets for which the code for all is known to be right
        self._graphs: list[tuple[Callable[..., Any], list[Any], Graph]] = []

    def of(self, targets: Sequence[Any]) -> Iterable[LossCode]:
        """The code for each target.

        Raises:
            CompileError: if the loss uses Values that are not in the prediction.
        """
        if self._for_all is not None and len(self._checked) < CHECKED:
            new = [target for target in dict.fromkeys(targets) if target not in self._checked]
            if new:
                self._around.undisturbed(self._check, new)
        if self._for_all is None:
            try:
                return [self._by_target[target] for target in targets]
            except KeyError:
                new = [target for target in dict.fromkeys(targets) if target not in self._by_target]
                self._around.undisturbed(self._learn, new)
        return repeat(self._for_all) if self._for_all else [self._by_target[target] for target in targets]

    def as_given(self, target: Any) -> Any:
        """The target as the loss takes it."""
        return self.target.around(target) if self.target and type(target) is tuple else target

    def is_current(self) -> bool:
        """Whether the loss still computes the same."""
        return all(symbolically(Graph, "loss", run, args).equals(graph) for run, args, graph in self._graphs)

    def _check(self, targets: Iterable[Any]) -> None:
        """Give up the code for all targets if it is wrong for one: a loss may look a target up in a dict or a set."""
        for target in targets:
            if target not in self._checked and len(self._checked) < CHECKED:
                self._checked.add(target)
                if self._for_all is not None and not self._is_right(self._for_all, target):
                    self._for_all = None
                    self.sources, self._graphs, self._by_target = {}, [], {}

    def _learn(self, new: Sequence[Any]) -> None:
        different = [*self._by_target, *new]
        if len(different) > 1 and not self._compared:
            self._compared = True
            self._for_all = self._same_for(*different[:2])
            self._check(different)
        if self._for_all is None and len(different) > MANY_TARGETS:
            self._for_all = self._recorded(different[0])  # it looks at every target anew
            self.sources, self._graphs, self._by_target = {}, [], {}
            self.why_not = f"it does something else for different targets, and there are more than {MANY_TARGETS}"
        for target in new if self._for_all is None else ():
            self._by_target[target] = self._special(target)

    def _same_for(self, one: Any, other: Any) -> LossCode | None:
        """The code for all targets, or None if for these two it is not the same."""

        loss = self.loss

        def run(prediction: Any, target: Any) -> Any:
            return loss(prediction, target)

        run.__name__ = name_of(loss)
        count = sum(1 for _ in trees.leaves(self.prediction))
        try:
            graph, again = [graph_to_compile("loss", run, [self.prediction, self.as_given(t)]) for t in (one, other)]
            _check_loss(graph, self.loss)
            source, code = self._code(graph, count, is_tuple=type(one) is tuple)
            if graph.signature() != again.signature():
                return None
        except Exception:  # whatever it does that is not meant for Values as targets
            return None
        self.sources, self._graphs = {None: source}, [(run, [self.prediction, self.as_given(one)], graph)]
        return code

    def _special(self, target: Any) -> LossCode:
        """The code for one target."""
        loss, given = self.loss, self.as_given(target)

        def run(prediction: Any) -> Any:
            return loss(prediction, given)

        run.__name__ = name_of(loss)
        try:
            graph = graph_to_compile("loss", run, [self.prediction])
        except CompileError as error:
            self.why_not = with_place(error)
            return self._recorded(target)
        _check_loss(graph, self.loss)
        source, code = self._code(graph, len(graph.inputs), is_tuple=False)
        if graph.is_repeatable() and not self._is_right(code, target):
            self.why_not = "its code gives something else: it may look the prediction up in a dict or a set"
            return self._recorded(target)
        self._graphs.append((run, [self.prediction], graph))
        self.sources[target] = source
        return code

    def _code(self, graph: Graph, count: int, is_tuple: bool) -> tuple[str, LossCode]:
        key = ("loss", count, is_tuple, graph.signature())
        source, functions = cached(key, lambda: _loss(graph, count, is_tuple))
        return source, functions["loss"]

    def _is_right(self, code: LossCode, target: Any) -> bool:
        """Whether the code gives what the loss gives for this target: it may ask for more than the target's number."""
        recorded_loss = self._recorded(target)
        for place in PLACES:
            numbers = [x + place for _, x in trees.leaves(self.prediction)]
            try:
                expected, found = recorded_loss(*numbers, target), code(*numbers, target)
            except ERRORS:
                continue  # it is not defined here, or the engine will decide
            if not agree(found, expected):
                return False
        return True

    def _recorded(self, target: Any) -> LossCode:
        """The loss itself, recorded each time."""
        _check_loss(
            Graph("loss", lambda prediction: self.loss(prediction, self.as_given(target)), [self.prediction]), self.loss
        )

        def compute(*numbers: Any) -> tuple[float, ...]:
            values = [Value(x) for x in numbers[:-1]]
            error = recorded(self.loss, trees.rebuilt(self.prediction, values), self.as_given(numbers[-1]))
            if not isinstance(error, Value):
                raise TypeError("the loss is a plain number: it has no derivatives")
            return error.data, *Linearization([error], values).pull([1.0])  # type: ignore[arg-type]

        return compute


def _check_loss(graph: Graph, loss: Loss) -> None:
    """Raise a CompileError if the loss is not one number that depends on the prediction alone."""
    if not trees.is_leaf(graph.result):
        raise CompileError(f"{name_of(loss)} returned {trees.described(graph.result)}; a loss is one number")
    if {*graph.inputs}.isdisjoint(graph.order):
        raise CompileError(f"what {name_of(loss)} returned was not computed from the prediction: it has no derivatives")
    if graph.around:
        raise CompileError(
            f"{name_of(loss)} uses a Value that is neither in the prediction nor in the target: "
            f"{graph.around[0].label or graph.around[0]!r}. A penalty on parameters can be given as l2"
        )


def _loss(graph: Graph, count: int, is_tuple: bool) -> str:
    """``count`` of the inputs are the prediction, the others the target, which may be a tuple of them."""
    program = Program(graph.inputs)
    results = program.places(graph.outputs)
    slopes = differentiate(program, graph.outputs, graph.inputs[:count], [1.0])
    listing = Listing(program, results, slopes, len(graph.inputs), ["target"] * is_tuple)
    returned = [*listing.results, *[listing.name(slope, listing.backward) for slope in slopes]]
    target = listing.names[count:]
    lines = [
        f"def loss({', '.join([*listing.names[:count], 'target' if is_tuple or not target else target[0]])}):",
        *[f"{as_tuple(target)} = target"] * is_tuple,
        *listing.forward,
        backward_comment(listing.backward, "the loss"),
        *listing.backward,
        f"return {', '.join(returned)}",
    ]
    return module([listing], [lines])
