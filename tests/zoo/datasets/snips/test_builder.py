"""The builder reads the original's files; nothing here downloads."""

import collections
import hashlib
import importlib.resources
import os
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from mtl_keras.data import text
from tests.zoo.datasets import damages
from zoo.datasets.snips import Builder, names
from zoo.datasets.snips.builder import read

_FOLDERS = {"train": "train", "validation": "valid", "test": "test"}
_SENTENCES = ("play jazz  by queen", "rate it", "book a table")
_TAGS = ("O B-genre O B-artist", "O O", "O O O")
_INTENTS = ("PlayMusic", "RateBook", "BookRestaurant")


def _write(folder, sentences=_SENTENCES, tags=_TAGS, intents=_INTENTS):
    for name in _FOLDERS.values():
        part = folder / name
        part.mkdir(parents=True)
        (part / "seq.in").write_text("\n".join(sentences) + " \n")
        (part / "seq.out").write_text("\n".join(tags) + "\n")
        (part / "label").write_text("\n".join(intents) + "\n")
    return folder


def _prepared(tmp_path, manual):
    builder = Builder(data_dir=str(tmp_path / "data"))
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=str(manual))
    )
    return builder


def test_files_of_a_folder_become_examples(tmp_path):
    builder = _prepared(tmp_path, _write(tmp_path / "files"))
    assert {k: v.num_examples for k, v in builder.info.splits.items()} == {
        split: 3 for split in _FOLDERS
    }
    found = {
        b" ".join(example["tokens"]).decode(): example
        for example in builder.as_dataset(split="test").as_numpy_iterator()
    }
    # Two spaces between words are one.
    example = found["play jazz by queen"]
    tags = [names.TAGS[tag] for tag in example["tags"]]
    assert " ".join(tags) == _TAGS[0]
    assert names.INTENTS[example["intent"]] == "PlayMusic"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tags": _TAGS[:2]}, "seq.out' is damaged. Expected 3 lines"),
        ({"tags": ("O", *_TAGS[1:])}, "line 1 is damaged. .* 4 words. .* 1 t"),
        ({"intents": ("A", *_INTENTS[1:])}, "label', line 1 is damaged"),
    ],
)
def test_damaged_files_are_refused(tmp_path, changes, message):
    manual = _write(tmp_path / "files", **changes)
    with pytest.raises(ValueError, match=message):
        _prepared(tmp_path, manual)


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    files = {
        "seq.in": "\n".join(_SENTENCES),
        "seq.out": "\n".join(_TAGS),
        "label": "\n".join(_INTENTS),
    }
    damages.assert_named(
        tmp_path,
        {name: text.encode() for name, text in files.items()},
        lambda folder: list(read(*(folder / name for name in files))),
        seed,
    )


def test_every_file_has_a_checksum_of_one_commit():
    table = importlib.resources.files("zoo.datasets.snips") / "checksums.tsv"
    urls = [line.split("\t")[0] for line in table.read_text().splitlines()]
    assert len(urls) == len(set(urls)) == 9
    assert all("/SlotGated-SLU/61f0307" in url for url in urls)
    known = Builder.url_infos
    assert set(urls) <= set(known)


def test_names_are_whole():
    assert len(names.INTENTS) == 7 and len(names.SLOTS) == 39
    assert len(names.TAGS) == len(set(names.TAGS)) == 79


@pytest.fixture
def real():
    folder = os.environ.get("MTL_KERAS_DATA")
    if not folder:
        pytest.skip("MTL_KERAS_DATA is not set")
    return Path(folder) / "snips"


@pytest.mark.real_data
def test_real_files_are_those_of_the_checksums(real):
    known = {
        url.split("/data/snips/")[1]: info.checksum
        for url, info in Builder.url_infos.items()
        if "/data/snips/" in url
    }
    for path, checksum in known.items():
        digest = hashlib.sha256((real / path).read_bytes()).hexdigest()
        assert digest == checksum, path


@pytest.mark.real_data
def test_real_files_become_the_customary_split(real, tmp_path):
    builder = _prepared(tmp_path, real)
    sizes = {k: v.num_examples for k, v in builder.info.splits.items()}
    assert sizes == {"train": 13084, "validation": 700, "test": 700}


@pytest.mark.real_data
def test_vocabulary_holds_the_words_seen_twice(real):
    sentences = (real / "train" / "seq.in").read_text(encoding="utf-8")
    counts = collections.Counter(sentences.split())
    words = importlib.resources.files("zoo.datasets.snips") / "words.txt"
    expected = sorted(word for word, count in counts.items() if count > 1)
    assert words.read_text(encoding="utf-8").split("\n")[:-1] == expected


@pytest.mark.real_data
@pytest.mark.parametrize("folder", _FOLDERS.values())
def test_real_sentences_are_cut_as_the_data_is(real, folder):
    lines = (real / folder / "seq.in").read_text(encoding="utf-8")
    for line in lines.splitlines():
        assert text.tokens(line) == line.split()
