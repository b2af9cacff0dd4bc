"""The package as a whole: what it exports, what it loads, and which file may import which."""

import ast
import pathlib
import subprocess
import sys

import pytest

import tinygrad_edu
from tinygrad_edu.engine.operation import BUILT_IN, TABLE

ROOT = pathlib.Path(tinygrad_edu.__file__).parent
FLOORS = ("engine", "formulas", ("nn", "calculus"), "compiling", "training", "viz", "lessons", "cli")


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


def our_imports():
    """For each file of the package the files that it imports when it runs, at its top or in a function."""
    files = dict(modules())
    found = {}
    for name, path in files.items():
        names = [n.removeprefix("tinygrad_edu").removeprefix(".") for n in runtime_imports(ast.parse(path.read_text()))
                 if n.partition(".")[0] == "tinygrad_edu"]  # fmt: skip
        found[name] = {n for n in names if n in files and n != name} - {""}
    return found


def test_a_folder_imports_only_from_those_below():
    level = {folder: i for i, floor in enumerate(FLOORS) for folder in ([floor] if isinstance(floor, str) else floor)}
    for name, imported in our_imports().items():
        folder = name.partition(".")[0]
        for other in imported if folder in level else ():
            below = other.partition(".")[0]
            assert below == folder or level[below] < level[folder], f"{name} imports {other}"


def test_no_file_imports_one_that_imports_it():
    left = our_imports()
    packages = {name for name, path in modules() if path.name == "__init__.py"}  # they hand on names from their files
    while left:
        free = {name for name, imported in left.items() if not (imported - packages) & left.keys()}
        assert free, f"a circle among {sorted(left)}"
        left = {name: imported for name, imported in left.items() if name not in free}


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
        tinygrad_edu.engine.operation.find("swish")
