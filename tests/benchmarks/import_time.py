"""How long ``import tinygrad_edu`` takes beside ``import decimal``, as whole processes less the bare interpreter.

python tests/benchmarks/import_time.py
"""

import statistics
import subprocess
import sys
import time

STATEMENTS = {"nothing": "pass", "decimal": "import decimal", "tinygrad_edu": "import tinygrad_edu"}


def main() -> None:
    seen: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(41):
        for name, statement in STATEMENTS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True)
            seen[name].append(time.perf_counter() - started)
    bare = statistics.median(seen.pop("nothing"))
    for name, times in seen.items():
        print(f"import {name:14} {(statistics.median(times) - bare) * 1000:6.1f} ms")


if __name__ == "__main__":
    main()
