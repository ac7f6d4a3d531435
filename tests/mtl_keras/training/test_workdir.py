"""A workdir holds one run: the same one is let in, another is refused."""

import json

import pytest

from mtl_keras.training import check_workdir

CONFIG = {
    "model": "vector",
    "epochs": 2,
    "batch_size": 8,
    "seed": 0,
    "optimizer": {"name": "adam"},
}


def _claimed(folder, **changes):
    check_workdir(folder, {**CONFIG, **changes}).claim()
    return folder


def test_same_run_is_let_in(tmp_path):
    workdir = check_workdir(_claimed(tmp_path / "new"), CONFIG)
    assert workdir.path == tmp_path / "new"
    assert json.loads((workdir / "config.json").read_text()) == CONFIG


def test_tuples_of_a_recipe_equal_the_lists_of_its_file(tmp_path):
    overrides = {"tasks": ("cls", "det")}
    _claimed(tmp_path, overrides=overrides)
    check_workdir(tmp_path, {**CONFIG, "overrides": overrides})


def test_checked_folder_is_not_checked_again(tmp_path):
    workdir = check_workdir(tmp_path, CONFIG)
    _claimed(tmp_path, epochs=9)
    assert check_workdir(workdir, CONFIG) is workdir


@pytest.mark.parametrize(
    ("stored", "now", "message"),
    [
        ({"epochs": 3}, {}, "differs in epochs: 3 there, 2 now"),
        ({"data": "a"}, {}, "differs in data: 'a' there, None now"),
        ({}, {"data": "a"}, "differs in data: None there, 'a' now"),
        ({"seed": 1, "epochs": 3}, {}, "epochs: 3 .*; seed: 1 there, 0 now"),
    ],
)
def test_another_run_is_refused_by_its_fields(tmp_path, stored, now, message):
    _claimed(tmp_path, **stored)
    with pytest.raises(ValueError, match=message):
        check_workdir(tmp_path, {**CONFIG, **now})


def test_checkpoint_without_a_recipe_is_refused(tmp_path):
    (tmp_path / "checkpoint.npz").touch()
    with pytest.raises(ValueError, match="without a config.json"):
        check_workdir(tmp_path, CONFIG)


def test_damaged_recipe_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model": ')
    with pytest.raises(ValueError, match="config.json' is damaged"):
        check_workdir(tmp_path, CONFIG)
