"""A workdir holds one run: the same one is let in, another is refused."""

import json
import os
import subprocess
import sys

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


@pytest.mark.parametrize(
    "content",
    [b"null", b"[]", b"3", b"[" * 10_000, b'{"a":' * 10_000, b"\xff\xfe{}"],
)
def test_recipe_that_is_not_an_object_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ValueError, match="config.json' is damaged"):
        check_workdir(tmp_path, CONFIG)


def test_one_process_at_a_time(tmp_path):
    first, second = (check_workdir(tmp_path / "w", CONFIG) for _ in range(2))
    with first.locked():
        with (
            pytest.raises(ValueError, match=f"in use by .*{os.getpid()}"),
            second.locked(),
        ):
            pytest.fail("two processes hold one lock")
    # Nothing was claimed, and nothing is left.
    assert not (tmp_path / "w").exists()
    with second.locked():
        second.claim()
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["config.json"]


def test_another_run_that_came_first_is_seen(tmp_path):
    late = check_workdir(tmp_path, CONFIG)
    _claimed(tmp_path, epochs=9)
    with pytest.raises(ValueError, match="holds another run"), late.locked():
        pytest.fail("two runs hold one folder")


def test_kill_releases_the_lock(tmp_path):
    source = (
        "import os, sys\n"
        "from mtl_keras import files\n"
        "with files.lock(sys.argv[1], 'It'):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    lock = tmp_path / ".lock"
    done = subprocess.run([sys.executable, "-c", source, lock], check=False)
    assert done.returncode == -9
    assert lock.exists()
    with check_workdir(tmp_path, CONFIG).locked():
        assert lock.read_text() == str(os.getpid())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"warmup_epochs": 3}, "must be less than `epochs`"),
        ({"name": "adamm"}, "Did you mean 'adam'"),
        ({"warmup_epochs": 2}, "must be less than `epochs`"),
        ({"weight_decay": -3}, "`optimizer.weight_decay` must be"),
        ({"weight_decay": float("nan")}, "`optimizer.weight_decay` must be"),
        ({"global_clipnorm": 0}, "`optimizer.global_clipnorm` must be"),
        ({"clipvalue": "1"}, "`optimizer.clipvalue` must be"),
        ({"weight_decai": 0.1}, "does not take what the recipe gives it"),
    ],
)
def test_a_wrong_optimizer_is_found_before_any_data(changed, message, tmp_path):
    config = {**CONFIG, "optimizer": {"name": "adam", **changed}}
    with pytest.raises(ValueError, match=message):
        check_workdir(tmp_path / "run", config)
