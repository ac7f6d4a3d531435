"""Ensembles and merged models of finished trainings."""

import json
from pathlib import Path

import keras
import pytest

import zoo
from tests.zoo import tiny_entry
from zoo.commands import ensemble, merge

RECIPE = Path(__file__).parent / "tiny_recipe.py"


@pytest.fixture
def members(tiny, tmp_path):
    """Three folders of models with other weights."""
    folders = []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        folder = tmp_path / f"member_{seed}"
        zoo.save(zoo.load(tiny_entry.NAME), folder)
        folders.append(str(folder))
    return folders


@pytest.mark.slow
def test_trainings_become_a_model_with_its_gains(
    members, data_dir, tmp_path, capsys
):
    argv = [f"--members={','.join(members)}", f"--data_dir={data_dir}"]
    argv += ["--methods=average", "--bootstrap=5"]
    output = tmp_path / "made"
    argv += [f"--output={output}", "--export"]
    assert ensemble.main(argv) == 0
    assert (output / "average" / "1" / "saved_model.pb").is_file()
    printed = capsys.readouterr().out
    assert "3 members" in printed and "| cls_accuracy ↑ |" in printed
    content = json.loads((output / "table.json").read_text())
    assert len(content["members"]["det_auc"]) == 3
    assert set(content["over"]) == {"best on validation", "best here"}
    model = keras.models.load_model(output / "average.keras")
    assert sorted(model.tasks) == ["box", "cls", "det"]


@pytest.mark.slow
def test_models_of_one_task_each_become_a_joint_model(
    tiny, data_dir, tmp_path, capsys
):
    folders = []
    for task in ("cls", "det"):
        folder = tmp_path / task
        zoo.save(zoo.load(tiny_entry.NAME, tasks=[task]), folder)
        folders.append(str(folder))
    argv = [f"--members={','.join(folders)}", f"--data_dir={data_dir}"]
    output = tmp_path / "made"
    argv += ["--methods=joint", f"--output={output}", "--bootstrap=5"]
    assert ensemble.main(argv) == 0
    assert "joint, strength 1.000" in capsys.readouterr().out
    model = keras.models.load_model(output / "joint.keras")
    assert sorted(model.tasks) == ["cls", "det", "joint"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--export"], "--export needs --output"),
        (["--methods=mean"], "Expected one of 'average'"),
        ([], "at least two folders"),
        (["--methods=joint,vote"], "measured alone"),
        (["--members=a,b"], "'a' is not the folder of a training"),
    ],
)
def test_wrong_flags_are_named(argv, message, capsys):
    assert ensemble.main(argv) == 1
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_tasks_are_fine_tuned_alone_and_merged(
    tiny, data_dir, tmp_path, capsys
):
    argv = [f"--config={RECIPE}", f"--data_dir={data_dir}", "--seeds=1"]
    argv += [f"--workdir={tmp_path / 'w'}"]
    assert merge.main(argv) == 0
    table = (tmp_path / "w" / "table.md").read_text()
    for row in ("single", "joint", "average", "TIES", "per layer"):
        assert f"| {row} |" in table
    # The same command again reads what is there.
    before = (tmp_path / "w" / "seed_0.json").read_text()
    capsys.readouterr()
    assert merge.main(argv) == 0
    assert "fine-tunes" not in capsys.readouterr().out
    assert (tmp_path / "w" / "seed_0.json").read_text() == before
    assert merge.main([*argv, "--config.epochs=2"]) == 1
    assert "the result of another recipe" in capsys.readouterr().err
