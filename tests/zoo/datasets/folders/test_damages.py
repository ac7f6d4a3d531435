"""Damaged folders are read right, or refused with a file and a line."""

import json
import re

import pytest

from tests.zoo.datasets.folders import (
    damages,
    generated,
    mask_damages,
    object_damages,
    other_damages,
)
from zoo.datasets import folders

_DAMAGES = {
    "class_folders": object_damages.CLASS_FOLDERS,
    "csv_pixels": object_damages.CSV,
    "csv_fractions": object_damages.CSV,
    "coco": object_damages.COCO,
    "voc": object_damages.VOC,
    "yolo": object_damages.YOLO,
    "labelme": mask_damages.LABELME,
    "mask_folders": mask_damages.MASKS,
    "sentence_csv": other_damages.SENTENCE_TABLE,
    "sentence_tsv": other_damages.SENTENCE_TABLE,
    "sentence_jsonl": other_damages.JSONL,
    "conll": other_damages.CONLL,
    "conll_iob1": other_damages.CONLL,
    "conll_bioes": other_damages.CONLL,
    "slot_files": other_damages.SLOT_FILES,
    "table_csv": other_damages.TABLE,
    "recordings": other_damages.RECORDINGS,
}
NAN = float("nan")
_NUM = 200
# Enough for each kind of damage once.
_NUM_FAST = 16


def test_every_layout_is_damaged():
    assert set(_DAMAGES) == set(generated.LAYOUTS)


@pytest.mark.parametrize("name", _DAMAGES)
def test_a_few_damages_end_right_or_in_one_error(name, tmp_path):
    _damage(name, tmp_path, range(_NUM_FAST))


@pytest.mark.slow
@pytest.mark.parametrize("name", _DAMAGES)
def test_damages_end_right_or_in_one_error(name, tmp_path):
    _damage(name, tmp_path, range(_NUM_FAST, _NUM))


def _damage(name, tmp_path, seeds):
    make, kinds, inputs = generated.LAYOUTS[name]
    whole = _read(generated.fresh(tmp_path / "whole", make), kinds, inputs)
    for seed in seeds:
        options = _DAMAGES[name]
        damage = options[seed % len(options)]
        folder = generated.fresh(tmp_path / "damaged", make)
        expected = damage(damages.generator(seed), folder)
        what = f"seed {seed}, {damage}, {expected}"
        try:
            examples = _read(folder, kinds, inputs)
        except ValueError as error:
            _check_error(str(error), expected, what)
        else:
            assert expected.file is None, f"no error: {what}"
            assert examples == _changed(whole, expected, kinds), what


def _read(folder, kinds, inputs):
    """Reads a folder to `{name: (split, inputs, labels)}`, or raises."""
    source = folders.read(folder, kinds, inputs)
    source.check(decode=True)
    examples = {}
    for number, example in enumerate(source.examples(), 1):
        labels = {
            task: _named(label, source.class_names.get(task))
            for task, label in source.encode(example).items()
        }
        for task, kind in kinds.items():
            if kind == "mask":
                labels[task] = source.mask(example, task).tolist()
        name = example.inputs.get(inputs)
        if name is None:
            name = f"{example.split} {example.inputs}"
            if inputs == "table":
                name = f"{number} {name}"
            known = dict(example.inputs)
        else:
            name = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
            known = {}
        examples[name] = example.split, known, json.dumps(labels)
    return examples


def _named(label, names):
    """Numbers of classes depend on which there are; names do not."""
    if names is None:
        return label
    if isinstance(label, list):
        return [names[n] if n >= 0 else None for n in label]
    return names[label] if label >= 0 else None


def _check_error(text, expected, what):
    assert expected.file is not None, f"{text} for {what}"
    assert text.count("Received") <= 2, text
    assert "more errors" not in text, f"{text} for {what}"
    assert expected.file in text, f"{text} for {what}"
    if expected.lines is None:
        return
    line = re.search(rf"{re.escape(expected.file)}:(\d+)", text)
    assert line and int(line.group(1)) in expected.lines, f"{text} for {what}"


def _changed(whole, expected, kinds):
    """The examples of the whole folder, with what a damage took away."""
    changed = {k: v for k, v in whole.items() if k not in expected.without}
    for name, tasks in expected.missing.items():
        if isinstance(name, int):
            # A table's row by its place: its cells may stand twice.
            (name,) = (key for key in whole if key.startswith(f"{name} "))
        split, known, labels = changed[name]
        labels = json.loads(labels)
        for task in tasks:
            labels[task.lstrip("=")] = _missing(task, kinds)
        changed[name] = split, known, json.dumps(labels)
    return changed


def _missing(task, kinds):
    if task.startswith("="):
        return 0
    missing = {"box": [NAN] * 4, "presence": -1, "regression": NAN}
    return missing.get(kinds[task])


@pytest.mark.parametrize("name", generated.LAYOUTS)
def test_a_few_flipped_bytes_raise_no_other_error(name, tmp_path):
    _flip(name, tmp_path, range(4))


@pytest.mark.slow
@pytest.mark.parametrize("name", generated.LAYOUTS)
def test_flipped_bytes_raise_no_other_error(name, tmp_path):
    _flip(name, tmp_path, range(4, 100))


def _flip(name, tmp_path, seeds):
    """Changes bytes anywhere: only a `ValueError` may come of it."""
    make, kinds, inputs = generated.LAYOUTS[name]
    folder = generated.fresh(tmp_path / "damaged", make)
    paths = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    whole = {path: path.read_bytes() for path in paths}
    for seed in seeds:
        rng = damages.generator(seed)
        changed = damages.pick(rng, paths)
        content = bytearray(whole[changed])
        for _ in range(int(rng.integers(1, 4))):
            # Headers are where most can go wrong.
            end = len(content) if rng.integers(2) else min(len(content), 60)
            content[int(rng.integers(end))] = int(rng.integers(256))
        changed.write_bytes(content)
        try:
            _read(folder, kinds, inputs)
        except ValueError as error:
            assert str(error), seed
        changed.write_bytes(whole[changed])
