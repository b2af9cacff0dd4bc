"""Random programs, with shared values, repeated operands and operations of many operands."""

from typing import NamedTuple

from hypothesis import strategies as st
from samples import CHOOSING, KINKED, LOGICAL, ROUNDING

from tinygrad_edu import topological_order
from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.engine.operation import BUILT_IN, TABLE


class Program(NamedTuple):
    """Numbers to start from, and steps (operation, places of earlier values); the last value is the result."""

    leaves: list[float]
    steps: list[tuple[str, list[int]]]

    def run(self, leaves, table=TABLE):
        values = list(leaves)
        for name, places in self.steps:
            values.append(table[name](*[values[place] for place in places]))
        return values


@st.composite
def programs(draw, size=60, names=BUILT_IN):
    """Any operations on any earlier values, repeated ones too; a step that is out of domain or at a kink is left out, as
    is one that is so steep that only rounding would come through.
    """
    number = st.floats(-2, 2).filter(lambda x: abs(x) > 1e-3)
    program = Program(draw(st.lists(number, min_size=1, max_size=4)), [])
    values = list(program.leaves)
    sizes = [1.0] * len(values)  # of the derivatives, if no contributions cancelled
    for _ in range(draw(st.integers(1, size))):
        row = TABLE[draw(st.sampled_from(sorted(names)))]
        count = row.arity or {"dot": 4, "linear": 5}.get(row.name) or draw(st.integers(1, 5))
        places = draw(st.lists(st.integers(0, len(values) - 1), min_size=count, max_size=count))
        operands = [values[place] for place in places]
        if is_at_a_kink(row.name, operands):
            continue
        try:
            value = row(*operands)
            locals_ = row.rule(value, *operands)
        except (ArithmeticError, ValueError):
            continue
        steepness = sum(abs(local) * sizes[place] for local, place in zip(locals_, places))
        if abs(value) <= 100 and steepness <= 1000 and all(abs(local) <= 100 for local in locals_):
            program.steps.append((row.name, places))
            values.append(value)
            sizes.append(steepness)
    return program


def is_at_a_kink(name, operands):
    if name == "power":
        return operands[0] < 1e-3  # at negative numbers only whole exponents have a power
    if name == "arctan2":
        return abs(operands[0]) < 1e-6 and operands[1] < 1e-6  # it jumps from -pi to pi
    if name in CHOOSING:
        return abs(operands[0] - operands[1]) < 1e-6
    if name in LOGICAL:
        return min(map(abs, operands)) < 1e-6
    if name in ROUNDING:
        quotient = operands[0] / (operands[1] if len(operands) == 2 else 1.0) if operands[-1] else 0.0
        return abs(quotient - round(quotient)) < 1e-6
    if name == "amax":
        return len(operands) > 1 and max(operands) - sorted(operands)[-2] < 1e-6
    return name in KINKED | {"where"} and abs(operands[0]) < 1e-6


def magnitudes(root, leaves):
    """The derivatives by each leaf if no contributions cancelled: what rounding is to be compared with.

    The derivative of an operation counts as 1e-7 at least: 1 - y² has the rounding of numbers of size 1 where tanh
    saturates.
    """
    arriving = dict.fromkeys(topological_order(root), 0.0)
    arriving[root] = 1.0
    for node in reversed(topological_order(root)):
        for parent, local in zip(node.parents, local_derivatives(node)):
            arriving[parent] += arriving[node] * max(abs(local), 1e-7)
    return [arriving.get(leaf, 0.0) for leaf in leaves]


def agree(found, expected, sizes, relative):
    return all(abs(a - b) <= relative * (abs(b) + size) for a, b, size in zip(found, expected, sizes))
