"""What a neuron is compiled to, Python and C, beside the formulas of a textbook.

A neuron with two inputs, tanh and the squared error, for one example:

    z = w1 x1 + w2 x2 + b,   a = tanh z,   e = a - y,   L = e²

To train it one needs the derivatives of L. A textbook finds them by going back
from L, step by step, with the chain rule. `backward()` does the same with what
it has recorded. `compile` records once, and writes what it has found down as
Python: the forward pass, and the formulas of the backward pass. In its code
d_w1 is what the textbook calls dL/dw1. The same statements it writes in C,
which becomes machine code where there are many.

This demo prints each statement as the compiler gives it, beside the formula of
the textbook. What is the same number is computed once: e grows by 1 where a
grows by 1, so dL/da is dL/de, and one line has two formulas.

Then it compares numbers: the formulas worked out by hand, the compiled code and
`backward()` should agree, but for rounding. Last it measures how much faster
compiled code is than recording the graph, each time anew, and `backward()`.
"""

import math
import time

from tinygrad_edu import Value, compile, compile_loss, data, losses, mean, nn, tanh

# By the name in the code. A name for which there is no line must be the same number as one for which there is.
TEXTBOOK = {
    "z": "z = w₁x₁ + w₂x₂ + b",
    "a": "a = tanh z",
    "e": "e = a − y",
    "L": "L = e²",
    "d_e": "dL/de = 2 e",
    "d_a": "dL/da = dL/de",
    "d_z": "dL/dz = dL/da (1−a²)",
    "d_b": "dL/db = dL/dz",
    "d_w1": "dL/dw₁ = dL/dz x₁",
    "d_w2": "dL/dw₂ = dL/dz x₂",
    "d_x1": "dL/dx₁ = dL/dz w₁",
    "d_x2": "dL/dx₂ = dL/dz w₂",
    "d_y": "dL/dy = −dL/de",
}
SAME = {"d_a": "d_e"}  # the same number, under one name in the code
NAMES = ("w1", "w2", "b", "x1", "x2", "y")
NUMBERS = (0.5, -1.5, 0.25, 2.0, 0.75, 1.0)
EXAMPLES = 100
SECONDS = 0.5  # for each measurement


def loss(w1, w2, b, x1, x2, y):
    """The squared error of the neuron. The labels become names in the code."""
    z = w1 * x1 + w2 * x2 + b
    z.label = "z"
    a = tanh(z)
    a.label = "a"
    e = a - y
    e.label = "e"
    squared = e**2
    squared.label = "L"
    return squared


# ---- three ways to the derivatives -----------------------------------------------------------------------------------


def by_hand(w1, w2, b, x1, x2, y):
    """L and its derivatives by the formulas of the textbook."""
    z = w1 * x1 + w2 * x2 + b
    a = math.tanh(z)
    e = a - y
    dL_de = 2 * e
    dL_da = dL_de
    dL_dz = dL_da * (1 - a**2)
    return e**2, (dL_dz * x1, dL_dz * x2, dL_dz, dL_dz * w1, dL_dz * w2, -dL_de)


def recorded(*numbers):
    """L and its derivatives by ``backward()``."""
    values = [Value(number) for number in numbers]
    result = loss(*values)
    result.backward()
    return result.data, tuple(value.grad for value in values)


def compiled():
    """The function that is compiled; ``value_and_gradient`` of it gives L and its derivatives."""
    return compile(loss, *NUMBERS)


# ---- the code and the textbook ---------------------------------------------------------------------------------------


def function_lines(source, name="value_and_gradient"):
    """The lines of one function of a module."""
    lines = source.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"def {name}("))
    end = next((i for i, line in enumerate(lines) if i > start and not line.strip()), len(lines))
    return lines[start:end]


def paired(lines):
    """For each line of code the formulas of the textbook that it computes.

    Raises:
        LookupError: if no line computes a formula.
    """
    places = {line.partition("=")[0].strip(): i for i, line in enumerate(lines) if " = " in line}
    formulas = [[] for _ in lines]
    for name, formula in TEXTBOOK.items():
        place = places.get(SAME.get(name, name))
        if place is None:
            raise LookupError(f"no line of the code computes {formula}")
        formulas[place].append(formula)
    return list(zip(lines, formulas))


def c_statements(c_source):
    """The statements of the C, by the names that they give."""
    lines = c_source.partition("value_and_gradient")[2].splitlines()
    statements = [line.strip() for line in lines if line.startswith("    double ")]
    return {statement.split()[1]: statement for statement in statements}


def print_side_by_side(source, c_source):
    in_c = c_statements(c_source)
    print(f"{'the textbook':21}{'Python':26}C\n{'─' * 20} {'─' * 25} {'─' * 33}")
    for line, formulas in paired(function_lines(source)):
        statement = line.strip()
        if statement.startswith("#"):
            print(statement)
        elif formulas:
            print(f"{formulas[0]:21}{statement:26}{in_c[statement.split()[0]]}")
            print("".join(f"{formula}\n" for formula in formulas[1:]), end="")


# ---- numbers ---------------------------------------------------------------------------------------------------------


def three_ways(numbers=NUMBERS):
    """L and its derivatives by hand, compiled and recorded, a list for each."""
    found = by_hand(*numbers), compiled().value_and_gradient(*numbers), recorded(*numbers)
    return [[value, *slopes] for value, slopes in found]


def print_three_ways(columns):
    at = ", ".join(f"{name} = {number:g}" for name, number in zip(NAMES, NUMBERS))
    print(f"\nat {at}\n\n{'':8}{'by hand':>18}{'compiled':>18}{'backward()':>18}")
    for name, row in zip(["L", *[f"dL/d{name}" for name in NAMES]], zip(*columns)):
        print(f"{name:8}" + "".join(f"{number:18.12f}" for number in row))
    print(f"\nlargest difference: {max(max(row) - min(row) for row in zip(*columns)):.1e}")


# ---- time ------------------------------------------------------------------------------------------------------------


def seconds_for(call, seconds):
    """How long a call takes: the shortest of as many as fit into the time, as other work on the machine only adds."""
    shortest, end = math.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        call()
        shortest = min(shortest, time.perf_counter() - started)
    return shortest


def time_neuron(seconds):
    """Seconds recorded and compiled, and those of the code alone and by hand, for one example."""
    function, code = compiled(), {}
    exec(function.source, code)
    calls = (recorded, function.value_and_gradient, code["value_and_gradient"], by_hand)
    return [seconds_for(lambda call=call: call(*NUMBERS), seconds) for call in calls]


def time_network(seconds):
    """Seconds recorded and compiled, for the loss of a batch and its gradient, and for compiling."""
    inputs, targets = data.moons(EXAMPLES, seed=0)
    model = nn.MLP(2, [16, 16, 1], "tanh", seed=0)
    of_one = losses.binary_cross_entropy_with_logits
    of_all = compile_loss(model, of_one)
    started = time.perf_counter()
    of_all(inputs, targets)  # the first call compiles
    first = time.perf_counter() - started

    def record():
        mean([of_one(model(x), t) for x, t in zip(inputs, targets)]).backward()

    times = seconds_for(record, seconds), seconds_for(lambda: of_all(inputs, targets), seconds)
    return *times, first - times[1]


def print_times(neuron, network):
    print(f"\n{'the loss and its gradient':30}{'recorded':>13}{'compiled':>13}{'ratio':>8}")
    slow, fast, code, hand = [seconds * 1e6 for seconds in neuron]
    print(f"{'the neuron, 1 example':30}{slow:10.2f} µs{fast:10.2f} µs{slow / fast:8.1f}")
    slow, fast, once = [seconds * 1e3 for seconds in network]
    print(f"{f'MLP 2-16-16-1, {EXAMPLES} examples':30}{slow:10.2f} ms{fast:10.2f} ms{slow / fast:8.1f}")
    print(f"\nOf the compiled neuron's time the code above takes {code:.2f} µs, and the formulas by")
    print(f"hand take {hand:.2f} µs; the rest goes into checking arguments and building results.")
    print(f"Compiling the network took {once:.0f} ms, once: {once / slow:.1f} batches could be recorded in that.")


def main(seconds=SECONDS):
    print(__doc__)
    function = compiled()
    print_side_by_side(function.source, function.c_source)
    print_three_ways(three_ways())
    print_times(time_neuron(seconds), time_network(seconds))


if __name__ == "__main__":
    main()
