"""The page of balancers tells what the code does."""

import pathlib

import pytest

from mtl_keras import balancing
from mtl_keras.balancing import catalogue, registry

ROOT = pathlib.Path(__file__).parents[3]
EVERY = balancing.list_balancers()
# No paper's: weights that a user gives.
OWN = {"equal", "static", "scheduled"}


def test_page_is_what_the_code_generates():
    written = (ROOT / "docs" / "balancers.md").read_text(encoding="utf-8")
    assert written == catalogue.page(), (
        "run `python -m tools.balancers --output=docs/balancers.md`"
    )


def test_every_method_says_when_to_use_it():
    sentences = {name: registry.method(name).when_to_use for name in EVERY}
    short = {n for n, text in sentences.items() if len(text.split()) < 4}
    assert not short, "write a sentence as the class attribute `when_to_use`"
    # Each has its own, none is that of a base class.
    assert len(set(sentences.values())) == len(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_hyperparameters_are_those_of_the_constructor(name):
    cls = registry.method(name)
    assert isinstance(balancing.get(name), cls)
    defaults = registry.hyperparameters(cls)
    # Each is taken, and its default is what a balancer has without it.
    balancer = balancing.get(name, **defaults)
    assert balancer.get_config() == balancing.get(name).get_config()
    wanted = set(defaults) | {"task_weights"} if name == "static" else defaults
    assert set(balancer.get_config()) == set(wanted), (
        "return every hyperparameter in `get_config`"
    )


@pytest.mark.parametrize("name", EVERY)
def test_entry_is_whole(name):
    entry = catalogue.entry(name)
    cls = type(balancing.get(name))
    assert entry.levels == cls.levels
    assert entry.summary.endswith(".")
    assert ("products of the gradients" in entry.reads) == (
        cls.reads_gradients and cls.is_weighting
    )
    assert ("scale free" in entry.properties) == cls.is_scale_free
    assert ("conflict free" in entry.properties) == cls.is_conflict_free
    assert ("preference" in entry.common) == cls.takes_preference
    assert "monitor" in entry.common


@pytest.mark.parametrize("name", sorted(set(EVERY) - OWN))
def test_every_method_names_its_source(name):
    assert "<https://" in catalogue.entry(name).paper, (
        "the second paragraph of the file's docstring is the source: authors, "
        "venue, year, https://..."
    )


def test_costs_and_reads_of_known_methods():
    famo = catalogue.entry("famo")
    assert famo.levels == ("losses",) and famo.reads == ("losses",)
    assert famo.hyperparameters == ("learning_rate=0.025", "gamma=0.01")
    assert "needs positive losses" in famo.properties
    moco = catalogue.entry("moco")
    assert "keeps numbers for each parameter" in moco.reads
    assert "update_every" not in moco.common
    drop = catalogue.entry("graddrop")
    assert "keeps numbers for each parameter" not in drop.reads
    cagrad = catalogue.entry("cagrad")
    assert cagrad.common[:3] == ("on", "update_every", "rescale")
    assert "weighs the heads too" in catalogue.entry("imtl").properties
    page = catalogue.page()
    assert "parameters: (1 + 2K) / 3; features: 1" in page
