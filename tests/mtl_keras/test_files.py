import hashlib

import pytest

from mtl_keras import files


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "report.json"
    files.write_text(path, "old")

    def fail(file):
        file.write(b"half of the n")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write_atomically(path, fail)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


def test_text_is_written_in_utf_8(tmp_path):
    path = tmp_path / "made" / "names.txt"
    files.write_text(path, "Zürich")
    assert path.read_bytes() == "Zürich".encode()


def test_sha256_is_that_of_the_content(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"a" * 3_000_000)
    assert files.sha256(path) == hashlib.sha256(b"a" * 3_000_000).hexdigest()
