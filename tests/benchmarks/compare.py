"""Fresh processes, run in turn, and the ratios of what they print: what every benchmark here is made of.

A benchmark script prints one number when it is run with ``--measure NAME``. Machines are shared and noisy, so two sides
are measured in turn, several times, and their medians compared.
"""

import statistics
import subprocess
import sys


def measure(script: str, name: str) -> float:
    """What a fresh process prints for ``name``."""
    done = subprocess.run([sys.executable, script, "--measure", name], capture_output=True, text=True, check=True)
    return float(done.stdout)


def in_turn(script: str, names: list[str], rounds: int) -> dict[str, float]:
    """The median for each name."""
    seen: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            seen[name].append(measure(script, name))
    return {name: statistics.median(numbers) for name, numbers in seen.items()}


def report(rows: list[tuple[str, float, str, float]]) -> None:
    """Print each figure beside what was asked for: (what, figure, "at least" or "at most", limit)."""
    for what, figure, sense, limit in rows:
        held = figure >= limit if sense == "at least" else figure <= limit
        print(f"{what:66} {figure:9.2f}  {sense} {limit:g}  {'ok' if held else 'FALLS SHORT'}")
