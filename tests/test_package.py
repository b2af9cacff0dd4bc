"""The package as a whole: what it exports, what it loads, and which file may import which."""

import ast
import pathlib
import subprocess
import sys

import pytest

import tinygrad_edu
from tinygrad_edu.operation import BUILT_IN, TABLE

ROOT = pathlib.Path(tinygrad_edu.__file__).parent
FLOORS = {
    1: [
        "operation",
        "files",
        "plain",
        "pointing",
        "structure",
        "differences",
        "warning",
        "recording",
        "progress",
        "compiling",
        "compiling.identifiers",
        "compiling.source_text",
        "compiling.code_cache",
    ],
    2: ["contents", "symbolic", "randomness", "tokens", "history"],
    3: ["ops", "surroundings", "compiling.template"],
    4: ["value"],
    5: ["functions", "module", "graph", "reader", "compiling.program", "compiling.shape", "examples"],
    6: [
        "linearization",
        "expansion",
        "nn",
        "losses",
        "optim",
        "data",
        "compiling.listing",
        "viz",
        "viz.layout",
        "viz.formula",
    ],
    7: [
        "tracing",
        "compiling.program_gradient",
        "objective",
        "viz.terminal",
        "viz.picture",
        "viz.expression",
        "viz.report",
    ],
    8: ["calculus", "checking", "compiling.function_graph", "viz.groups", "viz.paths"],
    9: ["compiler", "compiling.loss_code", "compiling.model_code", "viz.boxes", "viz.svg"],
    10: ["compiled_objective", "viz.folding", "viz.network", "viz.page"],
    11: ["compiled_loss", "viz.drawing", "viz.explanation"],
    12: ["training", "formula_commands"],
    13: ["viz.plots"],
    14: ["cli"],
    15: ["__main__", ""],  # the package itself hands on the public names
}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names}


def modules():
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found.append((name.removesuffix("__init__").removesuffix("."), path))
    return found


def runtime_imports(tree):
    """The names of imported modules, leaving out those for type checkers."""
    checked = [n for n in ast.walk(tree) if isinstance(n, ast.If) and getattr(n.test, "id", "") == "TYPE_CHECKING"]
    skipped = {id(inner) for node in checked for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(("name", "path"), modules(), ids=[name or "__init__" for name, _ in modules()])
def test_a_file_imports_only_from_floors_below(name, path):
    assert name in FLOOR, "a new file has a floor"
    for imported in runtime_imports(ast.parse(path.read_text())):
        below = imported.removeprefix("tinygrad_edu").removeprefix(".") if imported.startswith("tinygrad_edu") else None
        if below:
            floor = FLOOR.get(below, FLOOR.get(below.rpartition(".")[0]))
            assert floor < FLOOR[name], f"{name or 'tinygrad_edu'} imports {imported}"


def test_every_operation_is_exported_and_is_a_method():
    for name in BUILT_IN:
        if TABLE[name].arity is not None:
            assert getattr(tinygrad_edu, name) is TABLE[name]
            assert name in tinygrad_edu.__all__
            assert callable(getattr(tinygrad_edu.Value, name))
    for name in tinygrad_edu.__all__:
        assert getattr(tinygrad_edu, name).__doc__


def test_a_star_import_leaves_pythons_sum_alone():
    names = {}
    exec("from tinygrad_edu import *", names)
    assert "sum" not in names
    assert {"Value", "tanh", "dot", "nn", "fit", "no_grad"} <= set(names)


def test_importing_it_loads_nothing_from_elsewhere():
    code = (
        "import sys; before = set(sys.modules); import tinygrad_edu; "
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(loaded - sys.stdlib_module_names - {'tinygrad_edu'}))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_every_public_name_has_a_docstring():
    for _, path in modules():
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), path
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name}"


def test_help_of_an_operation_is_its_own():
    assert tinygrad_edu.log1p.__doc__.startswith("log1p(x)\n\nlog(1 + x), accurate also where x is tiny.")
    assert tinygrad_edu.Value.tanh.__doc__.startswith("tanh(x)\n\nHyperbolic tangent")
    assert repr(tinygrad_edu.tanh) == "<operation tanh>"
    with pytest.raises(ValueError, match="no operation 'swish'; if it is your own, define it first"):
        tinygrad_edu.operation.find("swish")
