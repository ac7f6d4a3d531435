"""What a run leaves behind: lines without a gap, a table, valid JSON."""

import json

import numpy as np
import pytest

from mtl_keras.training.report import MetricsFile, Report


@pytest.fixture
def file(tmp_path):
    file = MetricsFile(tmp_path / "run" / "metrics.jsonl")
    for epoch in range(4):
        file.append({"epoch": epoch, "loss": 1.0 / (epoch + 1)})
    return file


def epochs(file):
    return [line["epoch"] for line in file.read()]


def test_no_file_has_no_lines(tmp_path):
    assert MetricsFile(tmp_path / "metrics.jsonl").read() == []


def test_lines_come_back(file):
    assert file.read() == [
        {"epoch": epoch, "loss": 1.0 / (epoch + 1)} for epoch in range(4)
    ]


def test_last_line_may_be_cut_anywhere(file):
    whole = file.path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in range(start, len(whole) - 1):
        file.path.write_bytes(whole[:end])
        assert epochs(file) == [0, 1, 2]
    file.path.write_bytes(whole[:-1])
    assert epochs(file) == [0, 1, 2, 3]


def test_keep_mends_a_cut_line_so_that_the_epoch_can_be_added(file):
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[:-5])
    file.keep(3)
    file.append({"epoch": 3, "loss": 0.25})
    assert file.path.read_bytes() == whole


def test_keep_drops_the_epochs_that_are_run_again(file):
    file.keep(2)
    assert epochs(file) == [0, 1]
    file.keep(0)
    assert epochs(file) == []


def test_damage_in_the_middle_is_an_error(file):
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[:5] + whole[20:])
    with pytest.raises(ValueError, match="Line 1 of .* is damaged"):
        file.read()


@pytest.mark.parametrize(
    "value", [float("nan"), np.float32("nan"), float("inf"), np.array(-np.inf)]
)
def test_what_json_does_not_have_is_null(tmp_path, value):
    file = MetricsFile(tmp_path / "metrics.jsonl")
    file.append({"epoch": 0, "det_auc": value})
    strict = json.loads(file.path.read_text(), parse_constant=pytest.fail)
    assert strict == {"epoch": 0, "det_auc": None}


def test_numbers_of_numpy_are_plain(tmp_path):
    file = MetricsFile(tmp_path / "metrics.jsonl")
    file.append(
        {"epoch": np.int64(0), "loss": np.float32(0.5), "x": [np.int8(1)]}
    )
    assert file.read() == [{"epoch": 0, "loss": 0.5, "x": [1]}]


def report(**metrics):
    return Report(
        model="cls_det_box",
        data="digit_scenes",
        seed=0,
        split="test",
        metrics=metrics,
        epochs=2,
        seconds=1.5,
        num_parameters=10,
        versions={"keras": "3"},
    )


def test_table_has_a_line_for_each_metric():
    table = report(cls_accuracy=0.98765, det_auc=float("nan")).table()
    assert table.splitlines() == [
        "cls_det_box on digit_scenes, test split",
        "  cls_accuracy     0.9877",
        "  det_auc             nan",
    ]


def test_report_can_be_read_again(tmp_path):
    path = tmp_path / "report.json"
    report(cls_accuracy=0.5, det_auc=float("nan")).save(path)
    read = Report(**json.loads(path.read_text()))
    assert read == report(cls_accuracy=0.5, det_auc=None)
    assert read.table().endswith("  det_auc               -")


@pytest.mark.parametrize(
    "line", [b"[1, 2]", b"null", b'{"epoch": "\xff"}', b"[" * 9999, b"{}"]
)
def test_line_of_something_else_is_named(file, line):
    whole = file.path.read_bytes().splitlines()
    whole[1] = line
    file.path.write_bytes(b"\n".join(whole) + b"\n")
    with pytest.raises(ValueError, match="Line 2 of .* is damaged"):
        file.read()
    file.path.write_bytes(line + b"\n")
    with pytest.raises(ValueError, match="Line 1 of .* is damaged"):
        file.read()


def test_lines_that_are_missing_are_counted(file):
    assert file.keep(4) == 0
    assert file.keep(3) == 0
    assert file.keep(5) == 2
    file.path.unlink()
    assert file.keep(2) == 2
