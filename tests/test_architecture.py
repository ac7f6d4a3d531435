"""The house's rules, read from its source."""

import ast
import graphlib
import json
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
_MOST_LINES = 400
_MOST_MODULES_AT_THE_TOP = 16
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
    if path.parent == Path("mtl_keras/compat"):
        return
    tree = _tree(path)
    names = set(_imported(tree))
    names |= {
        _dotted(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    }
    private = {name for name in names if _PRIVATE.match(name)}
    assert not private, "a private name belongs in mtl_keras/compat"


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


def test_tests_mirror_the_source():
    tests = ROOT / "tests"
    folders = {
        path.parent.relative_to(tests) for path in tests.rglob("test_*.py")
    }
    for folder in folders:
        assert (ROOT / folder).is_dir(), f"tests/{folder} tests no folder"


def test_the_top_of_the_library_stays_small():
    modules = list((ROOT / "mtl_keras").glob("*.py"))
    assert len(modules) <= _MOST_MODULES_AT_THE_TOP


def _module(path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _on_import(body):
    """Yields the import statements that run when a module is imported."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for block in ("body", "orelse", "handlers", "finalbody"):
                yield from _on_import(getattr(node, block, ()))


def _imported_modules(path, modules) -> set[str]:
    imported = set()
    for node in _on_import(_tree(path).body):
        for name in _imported(ast.Module([node], [])):
            # `from package import module`, or a name that the package holds.
            target = name if name in modules else name.rpartition(".")[0]
            imported.add(target)
    return imported & modules


def _circle(edges) -> list[str]:
    """Returns modules that import one another in a circle, or none."""
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_itself_in_a_circle():
    paths = {_module(path): path for path in _sources(*_PACKAGES)}
    edges = {
        name: _imported_modules(path, paths.keys())
        for name, path in paths.items()
    }
    # A circle is seen only where imports are.
    assert "mtl_keras.checks" in edges["zoo.text.encoder"]
    assert _circle(edges) == []


def test_a_circle_of_imports_is_seen(tmp_path):
    for name, text in {
        "a": "from room import b",
        "b": "try:\n    import room.c\nexcept ImportError:\n    raise",
        "c": "class C:\n    from room.a import f",
        "d": "def f():\n    import room.d",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    modules = {f"room.{name}" for name in "abcd"}
    edges = {
        name: _imported_modules(tmp_path / f"{name[5:]}.py", modules)
        for name in modules
    }
    assert edges.pop("room.d") == set()
    first, *others = _circle(edges)
    assert {first, *others} == {"room.a", "room.b", "room.c"}
    assert others[-1] == first


_NAME = re.compile(r"(?<![\w/.>])(?:mtl_keras|zoo)(?:\.[A-Za-z_]\w*)+")
# Resolves each name as a user would who has imported the two packages; those
# of the second list may also need an `import` of their own.
_RESOLVE = """
import importlib, json, sys
import mtl_keras, zoo

def resolve(name, may_import):
    parts = name.split(".")
    value = sys.modules[parts[0]]
    for index, part in enumerate(parts[1:], 2):
        if may_import and not hasattr(value, part):
            importlib.import_module(".".join(parts[:index]))
        value = getattr(value, part)

wrong = []
for names, may_import in zip(json.load(sys.stdin), (False, True)):
    for name in names:
        try:
            resolve(name, may_import)
        except (AttributeError, ImportError) as error:
            wrong.append(f"{name}: {error}")
print(json.dumps(wrong))
"""


def _text_of_strings(path) -> str:
    return "\n".join(
        node.value
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_what_prose_names_can_be_imported():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    in_pages = _NAME.findall("\n".join(p.read_text("utf-8") for p in pages))
    # The strings of the source are its docstrings and its errors.
    in_strings = _NAME.findall(
        "\n".join(_text_of_strings(path) for path in _sources(*_PACKAGES))
    )
    assert "mtl_keras.export.saved_model" in in_pages
    assert "mtl_keras.graph.describe" in in_strings
    names = [sorted(set(in_pages)), sorted(set(in_strings))]
    assert json.loads(_python(_RESOLVE, json.dumps(names))) == []


def _python(code, text="") -> str:
    """Runs code in a new process and returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return done.stdout


@pytest.mark.parametrize(
    "use",
    [
        "import mtl_keras",
        "import zoo; assert zoo.list_models()",
        "import zoo; assert zoo.info(zoo.list_models()[0])",
    ],
)
def test_light_uses_load_no_backend(use):
    code = (
        f"import sys; {use}\n"
        "heavy = ('keras', 'tensorflow', 'jax', 'numpy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert _python(code).strip() == "[]"
