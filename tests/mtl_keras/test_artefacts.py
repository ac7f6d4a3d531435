"""A run's files are checked against the sums in its report."""

import hashlib
import json

import pytest

from mtl_keras import artefacts


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.weights.h5"
    path.write_bytes(b"weights")
    report = {"sha256": artefacts.sums(tmp_path)}
    (tmp_path / "report.json").write_text(json.dumps(report))
    return path


def test_sums_are_of_the_files_that_exist(path):
    expected = hashlib.sha256(b"weights").hexdigest()
    assert artefacts.sums(path.parent) == {path.name: expected}
    assert artefacts.known_sum(path) == expected
    artefacts.check(path)


def test_changed_file_is_named(path):
    path.write_bytes(b"weightz")
    with pytest.raises(ValueError, match="model.weights.h5' has changed"):
        artefacts.check(path)


def test_file_without_a_sum_is_not_checked(path):
    artefacts.check(path.with_name("other.weights.h5"))
    # A report of an earlier version.
    (path.parent / "report.json").write_text("{}")
    artefacts.check(path)
    (path.parent / "report.json").unlink()
    artefacts.check(path)


@pytest.mark.parametrize("content", ["null", "[]", "{", '{"sha256": 3}'])
def test_damaged_report_is_named(path, content):
    (path.parent / "report.json").write_text(content)
    with pytest.raises(ValueError, match="report.json' is damaged"):
        artefacts.check(path)
