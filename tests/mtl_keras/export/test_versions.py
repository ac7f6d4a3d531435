"""The number of a model's next version."""

import pytest

from mtl_keras import export


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], "1"),
        (["1"], "2"),
        (["1", "2", "10"], "11"),
        (["0007"], "8"),
        # Files of versions without a SavedModel count, others do not.
        (["1", "net-3.tflite", "net-float16-4.tflite"], "5"),
        (["net-2.onnx", "net-9.onnx.json", "notes-12.txt"], "3"),
        (["old-5", ".3.partial", "v4", "-2", "\u0663"], "1"),
    ],
)
def test_is_larger_than_any_that_is_there(tmp_path, names, expected):
    for name in names:
        (tmp_path / name).mkdir()
    assert export.next_version(tmp_path) == tmp_path / expected


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    folder = tmp_path / "deep" / "model"
    assert export.next_version(str(folder)) == folder / "1"
    assert not folder.parent.exists()


def test_a_file_has_no_versions(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(ValueError, match="which is a file"):
        export.next_version(tmp_path / "a")


def test_an_export_has_no_versions(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_text("")
    with pytest.raises(ValueError, match="itself an export"):
        export.next_version(tmp_path / "1")
