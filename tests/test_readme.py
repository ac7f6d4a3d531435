"""What the README and the pages say is true: code runs, files exist."""

import json
import os
import pathlib
import pkgutil
import re
import shlex
import subprocess
import sys

import pytest

import zoo
from zoo import card_pages, readme_table

ROOT = pathlib.Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [
    README,
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
# Made of the cards; their code is what `tools.card --check` runs.
OF_CARDS = sorted((ROOT / "docs" / "zoo").glob("*.md"))
# These take minutes; tests/tools runs them on small models.
_LONG = ("train", "tune", "compare")


def text_of(page):
    return page.read_text(encoding="utf-8")


def code(page, language):
    return re.findall(rf"```{language}\n(.*?)```", text_of(page), re.DOTALL)


def prose(page):
    return re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)


def commands(page):
    """The commands of a page, as lists of arguments behind `-m tools.`."""
    shell = "\n".join(code(page, "bash"))
    lines = re.findall(r"^python -m tools\.(.*)$", shell, re.M)
    return [shlex.split(line, comments=True) for line in lines]


# Tests of their own run the code of these: test_own_data_page.py, with the
# folders that the page shows, test_pretrained_page.py, with the extras,
# test_medical_example_page.py, with patients that are made up, and
# test_classical_pages.py and test_transfer_page.py, whose blocks build on each
# other.
_RUN_ELSEWHERE = (
    "classical.md",
    "medical_example.md",
    "own_data.md",
    "pretrained.md",
    "relations.md",
    "transfer.md",
)
SNIPPETS = [
    (page, index)
    for page in PAGES
    if page.name not in _RUN_ELSEWHERE
    for index in range(len(code(page, "python")))
]
README_COMMANDS = [line for line in commands(README) if line[0] not in _LONG]

# Runs pieces one after the other, so that TensorFlow is imported once; writes
# what went wrong with each. The folder is the same for all of them.
_RUNNER = """
import json, sys, traceback
import zoo.commands
from zoo.datasets.digit_scenes import Builder

# As many scenes as the pages ask for; all of them take a minute.
Builder.SCENES = {"train": 512, "validation": 64, "test": 512}

snippets, lines = json.load(sys.stdin)
errors = []
for number, snippet in enumerate(snippets):
    try:
        exec(compile(snippet, f"code block {number}", "exec"), {})
        errors.append("")
    except BaseException:
        errors.append(traceback.format_exc())
for line in lines:
    try:
        status = zoo.commands.main(line)
        errors.append("" if status == 0 else f"status {status}")
    except BaseException:
        errors.append(traceback.format_exc())
with open("errors.json", "w") as file:
    json.dump(errors, file)
"""


def run(folder, data_dir, snippets, lines=()):
    """Runs code and commands in one process; returns an error for each."""
    folder.joinpath("docs").symlink_to(ROOT / "docs")
    process = subprocess.run(
        [sys.executable, "-W", "error:::mtl_keras", "-c", _RUNNER],
        input=json.dumps([list(snippets), list(lines)]),
        cwd=folder,
        env={
            **os.environ,
            "TFDS_DATA_DIR": str(data_dir),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert process.returncode == 0, process.stderr
    errors = json.loads(folder.joinpath("errors.json").read_text())
    assert len(errors) == len(snippets) + len(lines)
    # A tool prints why it failed, and only returns a status.
    return [error and f"{error}\n{process.stderr}" for error in errors]


@pytest.fixture(scope="module")
def errors(data_dir, tmp_path_factory):
    """What went wrong, by page and number of the code block."""
    snippets = [code(page, "python")[index] for page, index in SNIPPETS]
    folder = tmp_path_factory.mktemp("pages")
    return dict(
        zip(
            [*SNIPPETS, *map(tuple, README_COMMANDS)],
            run(folder, data_dir, snippets, README_COMMANDS),
            strict=True,
        )
    )


def test_there_is_code_to_run():
    assert len(code(README, "python")) >= 2
    assert len(SNIPPETS) > len(code(README, "python"))
    assert len(README_COMMANDS) >= 5
    shell = "".join(code(README, "bash"))
    assert "./tools/quickstart" in shell
    assert "./tools/test" in shell


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "index"),
    SNIPPETS,
    ids=[f"{page.name}-{index}" for page, index in SNIPPETS],
)
def test_code_block_runs(page, index, errors):
    assert not errors[page, index], errors[page, index]


@pytest.mark.slow
@pytest.mark.parametrize("line", README_COMMANDS, ids=" ".join)
def test_command_runs(line, errors):
    assert not errors[tuple(line)], errors[tuple(line)]


@pytest.mark.parametrize(
    "name", sorted({line[0] for page in PAGES for line in commands(page)})
)
def test_tool_exists(name):
    assert (ROOT / "tools" / f"{name}.py").is_file()


@pytest.mark.parametrize(
    "page", [*PAGES, *OF_CARDS], ids=lambda page: page.name
)
def test_links_lead_to_files(page):
    for path in re.findall(r"\]\(((?!http)[^)#]+)\)", prose(page)):
        assert (page.parent / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_can_be_imported_as_written(page):
    # Not behind a point: `tests.zoo` is another package.
    dotted_name = r"(?<![\w.])(?:mtl_keras|zoo)(?:\.\w+)+"
    for dotted in re.findall(dotted_name, text_of(page)):
        if not dotted.endswith(".py"):
            # Imports modules that nothing has imported yet, too.
            pkgutil.resolve_name(dotted)


@pytest.mark.parametrize("path", sorted(card_pages.pages(ROOT)))
def test_pages_of_the_zoo_are_those_of_the_cards(path):
    made = card_pages.pages(ROOT)[path]
    hint = "run `python -m tools.card --pages`"
    assert (ROOT / path).read_text(encoding="utf-8") == made, hint


@pytest.mark.parametrize("name", zoo.list_models())
def test_table_shows_the_metrics_of_the_card(name):
    row = next(
        line
        for line in readme_table.find(text_of(README)).splitlines()
        if line.startswith(f"| [`{name}`]")
    )
    card = json.loads((ROOT / "zoo" / "cards" / f"{name}.json").read_text())
    # Of the weights that were measured, where there are any.
    measured = next(iter(card["weights"].values()), card)
    assert f"| {measured['num_parameters']:,} |" in row
    for figures in readme_table.all_figures(card)[:1]:
        for task in card["tasks"]:
            # One metric of each task, to three digits.
            values = [
                f"{value[0]:.3f}".removeprefix("0")
                for key, value in figures["metrics"].items()
                if key.startswith(f"{task}_") and value[0] is not None
            ]
            assert any(value in row for value in values)
