"""The page of architectures says what the code does."""

import pathlib

import pytest

from mtl_keras import sharing
from mtl_keras.sharing import catalogue, registry

ROOT = pathlib.Path(__file__).parents[3]
EVERY = sharing.list_sharings()


def test_page_is_what_the_code_generates():
    written = (ROOT / "docs" / "sharing.md").read_text(encoding="utf-8")
    assert written == catalogue.page(), (
        "run `python -m tools.sharing --output=docs/sharing.md`"
    )


@pytest.mark.parametrize("name", EVERY)
def test_section_has_the_drawing_and_every_hyperparameter(name):
    cls = registry.architecture(name)
    section = catalogue.section(name)
    assert cls.drawing.rstrip() in section
    assert "<https://" in section
    for key in registry.hyperparameters(cls):
        assert f"`{key}=" in section


def test_architectures_have_sentences_and_drawings_of_their_own():
    classes = [registry.architecture(name) for name in EVERY]
    for attribute in ("when_to_use", "drawing"):
        texts = {getattr(cls, attribute) for cls in classes}
        assert len(texts) == len(EVERY), attribute


def test_known_facts_are_on_the_page():
    assert "- *Levels*: `losses`. Each task has a trunk of its own" in (
        catalogue.section("soft")
    )
    assert "`rank=4`, `alpha=None`, `train_trunk=True`" in (
        catalogue.section("lora")
    )
