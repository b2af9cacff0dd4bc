"""Chains of binary operations: time and memory for each, as the chain grows a hundredfold.

    python tests/benchmarks/chain.py

Each length is recorded and differentiated in fresh processes, once with Python's cyclic garbage collector as it is and
once with it off. Objects that live on are looked at by the collector again and again, in a short chain hardly at all and
in a long one about five times each; what that costs is the difference.
"""

import gc
import sys
import time
import tracemalloc

from compare import in_turn, report

from tinygrad_edu import Value


def chain(length: int) -> Value:
    x, factor = Value(1.0), Value(1.0000001)
    y = x
    for _ in range(length // 2):
        y = y * factor
        y = y + x
    return y


def microseconds(length: int) -> float:
    """Recording, differentiating and freeing a chain, for each operation; the best of as many as take some time."""
    best = float("inf")
    for _ in range(max(3, 200_000 // length)):
        started = time.perf_counter()
        y = chain(length)
        y.backward()
        del y
        best = min(best, time.perf_counter() - started)
    return best / length * 1e6


def recorded_bytes(length: int) -> float:
    """Memory for each recorded operation."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    y = chain(length)
    after, _ = tracemalloc.get_traced_memory()
    y.grad = 0.0
    return (after - before) / length


def peak_bytes(length: int) -> float:
    """Memory for each operation at the height of the backward pass."""
    tracemalloc.start()
    chain(length).backward()
    return tracemalloc.get_traced_memory()[1] / length


def one(name: str) -> float:
    kind, _, length = name.partition(" ")
    if kind == "off":
        gc.disable()
    return {"on": microseconds, "off": microseconds, "bytes": recorded_bytes, "peak": peak_bytes}[kind](int(length))


def main() -> None:
    lengths = [10_000, 100_000, 1_000_000]
    names = [f"{kind} {length}" for kind in ("on", "off", "bytes", "peak") for length in lengths]
    seen = in_turn(__file__, names, rounds=5)
    print(f"{'operations':>10} {'us each':>9} {'collector off':>14} {'bytes recorded':>15} {'bytes at the peak':>18}")
    for n in lengths:
        print(
            f"{n:10,d} {seen[f'on {n}']:9.3f} {seen[f'off {n}']:14.3f} {seen[f'bytes {n}']:15.1f} {seen[f'peak {n}']:18.1f}"
        )
    long, short = lengths[-1], lengths[0]
    report([
        ("bytes for a recorded binary operation", seen[f"bytes {long}"], "at most", 200),
        ("time for each of 1,000,000 / for each of 10,000", seen[f"on {long}"] / seen[f"on {short}"], "at most", 1.5),
        ("the same with the collector off", seen[f"off {long}"] / seen[f"off {short}"], "at most", 1.5),
        ("memory for each of 1,000,000 / for each of 10,000", seen[f"peak {long}"] / seen[f"peak {short}"], "at most", 1.1),
        ("microseconds for each of 1,000,000 operations", seen[f"on {long}"], "at most", 3),
    ])  # fmt: skip


if __name__ == "__main__":
    if "--measure" in sys.argv:
        print(one(sys.argv[-1]))
    else:
        main()
