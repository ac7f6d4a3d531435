"""Real folders are read as they lie."""

import os
from pathlib import Path

import pytest

from zoo.datasets import folders
from zoo.datasets.folders.inspection import Inspection
from zoo.datasets.snips import names

pytestmark = pytest.mark.real_data


def _source(name, kinds, inputs="image", **options):
    root = os.environ.get("MTL_KERAS_DATA")
    if not root or not (Path(root) / name).is_dir():
        pytest.skip(f"needs {name} in the folder $MTL_KERAS_DATA")
    source = folders.read(Path(root) / name, kinds, inputs, **options)
    assert [p for p in source.problems() if p.is_error] == []
    return source


def test_fruit():
    kinds = {"cls": "classification", "banana": "presence", "box": "box"}
    source = _source("fruit", kinds)
    assert source.class_names["cls"] == ("apple", "banana", "orange")
    inspection = Inspection(source)
    assert inspection.num_errors == 0
    assert inspection.num_examples == {"train": 240, "test": 60}
    # Of "mixed" photographs some hold a banana that is not the largest.
    counts = inspection.counts
    assert counts["banana"]["test", "yes"] > counts["cls"]["test", "banana"]


def test_pets():
    kinds = {"breed": "classification", "box": "box", "mask": "mask"}
    source = _source("pets3", kinds)
    inspection = Inspection(source)
    assert inspection.num_examples == {"train": 300, "test": 298}
    assert inspection.counts["box"] == {
        ("train", "labelled"): 296,
        ("train", "missing"): 4,
        ("test", "missing"): 298,
    }


def test_snips_has_the_classes_of_its_builder():
    kinds = {"intent": "classification", "slot": "tagging"}
    source = _source("snips", kinds, "text")
    assert source.class_names == {"intent": names.INTENTS, "slot": names.TAGS}
    assert source.scan.splits == {
        "train": 13_084,
        "validation": 700,
        "test": 700,
    }


def test_parts_of_speech_of_english_web_sentences():
    columns = {"pos": 3}
    source = _source("ewt/ud", {"pos": "tagging"}, "text", columns=columns)
    assert source.scan.scheme("pos") == "plain"
    assert len(source.class_names["pos"]) == 17
    assert source.scan.num_examples == 12_543 + 2_001 + 2_077
