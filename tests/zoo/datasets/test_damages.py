"""The check of damaged files fails for a reader that does not look."""

import pytest

from tests.zoo.datasets import damages
from zoo.datasets import originals

_FILES = {"a.txt": b"1\n2\n3\n"}
_SEED_OF_MISSING, _SEED_OF_NOISE = (
    damages.DAMAGES.index(damage) for damage in (damages.missing, damages.noise)
)


def test_a_reader_that_accepts_anything_fails(tmp_path):
    with pytest.raises(AssertionError, match="noise"):
        damages.assert_named(
            tmp_path, _FILES, lambda folder: None, _SEED_OF_NOISE
        )


def test_an_error_without_file_and_repair_fails(tmp_path):
    def read(folder):
        if not (folder / "a.txt").exists():
            raise ValueError("something is wrong")

    with pytest.raises(AssertionError, match="something is wrong"):
        damages.assert_named(tmp_path, _FILES, read, _SEED_OF_MISSING)


def test_an_error_with_both_passes(tmp_path):
    def read(folder):
        list(originals.lines(folder / "a.txt"))

    damages.assert_named(tmp_path, _FILES, read, _SEED_OF_MISSING)
