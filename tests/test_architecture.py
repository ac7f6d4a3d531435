"""The house's rules, read from its source."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_PACKAGES = ("mtl_keras", "zoo", "tools")
# A room imports from itself and from those after it: tools -> zoo -> mtl_keras.
_MAY_IMPORT = {
    "mtl_keras": {"mtl_keras"},
    "zoo": {"zoo", "mtl_keras"},
    "tools": {"tools", "zoo", "mtl_keras"},
}
# "Under about 400 lines".
_MOST_LINES = 450
_PRIVATE = re.compile(
    r"keras\.src\b|(keras|tf|tensorflow)\._[^_]|tensorflow\.(python|compiler)\b"
)


def _sources(*packages):
    return sorted(
        path.relative_to(ROOT)
        for package in packages
        for path in (ROOT / package).rglob("*.py")
    )


def _tree(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def _imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _dotted(node):
    """Returns `a.b.c` for an attribute of a plain name, else an empty text."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


@pytest.mark.parametrize("path", _sources(*_PACKAGES), ids=str)
def test_imports_run_one_way(path):
    allowed = _MAY_IMPORT[path.parts[0]]
    imported = {name.split(".")[0] for name in _imported(_tree(path))}
    assert imported.isdisjoint({*_PACKAGES, "tests"} - allowed)


@pytest.mark.parametrize("path", _sources(*_PACKAGES), ids=str)
def test_private_names_live_in_compat(path):
    if path == Path("mtl_keras/compat.py"):
        return
    tree = _tree(path)
    names = set(_imported(tree))
    names |= {
        _dotted(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    }
    private = {name for name in names if _PRIVATE.match(name)}
    assert not private, "a private name belongs in mtl_keras/compat.py"


@pytest.mark.parametrize("path", _sources(*_PACKAGES), ids=str)
def test_source_neither_asserts_nor_swallows(path):
    for node in ast.walk(_tree(path)):
        assert not isinstance(node, ast.Assert), node.lineno
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, node.lineno
            is_silent = all(isinstance(part, ast.Pass) for part in node.body)
            assert not is_silent, node.lineno


@pytest.mark.parametrize("path", _sources(*_PACKAGES), ids=str)
def test_a_room_stays_small(path):
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= _MOST_LINES


def test_no_file_is_a_drawer_for_everything():
    names = {path.stem for path in _sources(*_PACKAGES)}
    assert names.isdisjoint({"utils", "helpers", "common", "misc"})


@pytest.mark.parametrize("package", ["mtl_keras", "zoo"])
def test_every_folder_of_code_is_a_package(package):
    for path in _sources(package):
        assert (ROOT / path).with_name("__init__.py").exists(), path.parent


@pytest.mark.parametrize(
    "path",
    sorted(p.relative_to(ROOT) for p in (ROOT / "tests").rglob("test_*.py")),
    ids=str,
)
def test_folders_of_tests_are_packages(path):
    # Without them, tests/zoo would hide the package `zoo`.
    assert (ROOT / path).with_name("__init__.py").exists()


def test_importing_the_library_loads_no_backend():
    code = (
        "import sys, mtl_keras\n"
        "heavy = ('keras', 'tensorflow', 'jax', 'numpy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.strip() == "[]"
