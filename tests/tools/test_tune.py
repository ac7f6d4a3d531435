"""The search for a recipe, on a small model of the zoo."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest

from mtl_keras import plots, training
from mtl_keras.training import run as running
from mtl_keras.tuning import roles
from zoo import preparation, recipe_file
from zoo.commands import train
from zoo.commands.tune import command as tune

ROOT = Path(__file__).parent.parent.parent
RECIPE = Path(__file__).parent / "tiny_recipe.py"
REGISTERING = Path(__file__).parent / "registering_recipe.py"
KEYS = ("box_iou", "cls_accuracy", "det_accuracy", "det_auc", "det_f1")


class Pretended:
    """Trainings that only say what they have measured: 0.5 and the rate."""

    def __init__(self):
        self.folders, self.fails = [], []
        self.value = lambda config: 0.5 + config.optimizer.learning_rate

    def train(self, model, datasets, config, workdir, *, until=None):
        workdir.mkdir(parents=True, exist_ok=True)
        self.folders.append(f"{workdir.parent.name}/{workdir.name}")
        if workdir.name in self.fails:
            raise RuntimeError("out of luck\nand more")
        value = self.value(config)
        tasks = (config.get("overrides") or {}).get("tasks") or KEYS
        line = {"epoch": 0, "loss": 1.0, "seconds": 2.0}
        for key in KEYS:
            if key in tasks or key.split("_")[0] in tasks:
                line[f"val_{key}"] = value
        (workdir / "config.json").write_text(json.dumps(config.to_dict()))
        (workdir / "metrics.jsonl").write_text(json.dumps(line) + "\n")
        (workdir / "checkpoint.npz").write_text("")
        return [line] * (until or 1)


@pytest.fixture
def pretended(tiny, monkeypatch):
    found = Pretended()
    monkeypatch.setattr(training, "train", found.train)
    monkeypatch.setattr(preparation, "prepare", lambda *a: (None, {}))
    monkeypatch.setattr(preparation, "make_datasets", lambda *a: {"train": int})
    # There is no model whose memory would have to be given back.
    monkeypatch.setattr(keras.backend, "clear_session", lambda: None)
    monkeypatch.setattr(gc, "collect", lambda: 0)
    return found


@pytest.fixture
def undrawn(monkeypatch):
    """Plots take most of a pretended search's time."""
    for name in ("parallel", "progress"):
        monkeypatch.setattr(plots, name, lambda table, path: path)


@pytest.fixture
def flags(tmp_path):
    return [f"--config={RECIPE}", f"--workdir={tmp_path / 'w'}"]


def read(tmp_path, name="table.json"):
    return json.loads((tmp_path / "w" / name).read_text())


def names(*numbers):
    return [f"trials/{number:04d}" for number in numbers]


def test_gain_table_plots_and_recipe(pretended, flags, tmp_path, capsys):
    assert tune.main([*flags, "--max_trials=4"]) == 0
    alone = [f"references/{task}" for task in ("box", "cls", "det")]
    assert pretended.folders == [*alone, *names(0, 1, 2, 3)]
    printed = capsys.readouterr().out
    assert "[4/4] trial 3: gain" in printed
    table = read(tmp_path)
    rows = {row["trial"]: row for row in table["rows"]}
    # The recipe itself is as good as single tasks by the same recipe.
    assert rows[0]["objective"] == pytest.approx(0)
    assert rows[0]["values"]["optimizer.learning_rate"] == 0.01
    assert table["references"] == dict.fromkeys(KEYS, 0.51)
    for row in rows.values():
        rate = row["values"]["optimizer.learning_rate"]
        gain = 100 * (rate - 0.01) / 0.51
        assert row["objective"] == pytest.approx(gain, abs=1e-6)
    highest = max(
        rows, key=lambda n: rows[n]["values"]["optimizer.learning_rate"]
    )
    assert table["best"] == highest
    assert table["recipe"] == 0
    page = (tmp_path / "w" / "table.md").read_text()
    assert f"The best is trial {highest}" in page and page in printed
    assert "The recipe itself, trial 0, has 0.00 %" in page
    for name in ("parallel.png", "progress.png"):
        assert (tmp_path / "w" / name).stat().st_size > 1000
    # Trials that nothing resumes from leave no checkpoint.
    assert not list((tmp_path / "w").rglob("checkpoint.npz"))

    recipe = recipe_file.read(tmp_path / "w" / "best_recipe.py", [])
    trained = read(tmp_path, f"trials/{highest:04d}/config.json")
    assert json.loads(json.dumps(recipe.to_dict())) == trained


def test_same_command_gives_the_same_and_does_nothing_twice(
    pretended, undrawn, flags, tmp_path
):
    argv = [*flags, "--max_trials=3", "--objective=val_box_iou"]
    assert tune.main(argv) == 0
    assert pretended.folders == names(0, 1, 2)
    first = read(tmp_path)
    assert tune.main(argv) == 0
    assert pretended.folders == names(0, 1, 2)
    assert read(tmp_path) == first
    # More trials go on with it, as if they had been asked for at once.
    argv[2] = "--max_trials=5"
    assert tune.main(argv) == 0
    assert pretended.folders == names(0, 1, 2, 3, 4)
    other = [f"--config={RECIPE}", f"--workdir={tmp_path / 'other'}"]
    assert tune.main([*other, *argv[2:]]) == 0
    whole = json.loads((tmp_path / "other" / "table.json").read_text())
    assert whole["rows"] == read(tmp_path)["rows"]


def test_hyperband_goes_on_with_the_best(pretended, undrawn, flags, tmp_path):
    argv = [*flags, "--tuner=hyperband", "--max_trials=3"]
    argv += ["--objective=cls_accuracy", "--config.epochs=2"]
    assert tune.main(argv) == 0
    table = read(tmp_path)
    rows = table["rows"]
    assert [row["epochs"] for row in rows] == [1, 1, 2]
    best = max(rows[:2], key=lambda row: row["objective"])
    assert rows[2]["values"] == best["values"]
    assert table["best"] == 2
    # The one of two epochs carries on what the one of one epoch left.
    assert (tmp_path / "w/trials/0002/checkpoint.npz").exists()
    assert "are not chosen as the best" in (
        (tmp_path / "w/table.md").read_text()
    )


def test_failing_trial_is_told_and_the_others_go_on(
    pretended, undrawn, flags, tmp_path, capsys
):
    pretended.fails = ["0001"]
    argv = [*flags, "--max_trials=3", "--objective=box_iou"]
    assert tune.main(argv) == 0
    told = "trial 1 failed: RuntimeError: out of luck"
    assert told in capsys.readouterr().out
    rows = read(tmp_path)["rows"]
    assert [row["status"] for row in rows] == [
        "completed",
        "failed",
        "completed",
    ]
    assert "Trial 1 failed: RuntimeError" in (
        (tmp_path / "w" / "table.md").read_text()
    )


def test_failures_in_a_row_end_the_search(
    pretended, undrawn, flags, tmp_path, capsys
):
    pretended.fails = ["0001", "0002", "0003"]
    argv = [*flags, "--max_trials=6", "--objective=box_iou"]
    assert tune.main(argv) == 1
    assert "Trial 3: RuntimeError: out of luck" in capsys.readouterr().err
    assert pretended.folders == names(0, 1, 2, 3)
    # What was reached before is there, and what failed is tried again.
    assert (tmp_path / "w" / "best_recipe.py").exists()
    pretended.fails = []
    assert tune.main(argv) == 0
    assert pretended.folders[4:] == names(1, 2, 3, 4, 5)


def test_loss_that_is_not_finite_fails_the_trial(
    pretended, undrawn, flags, capsys, monkeypatch
):
    whole = pretended.train

    def nan(*args, **options):
        lines = whole(*args, **options)
        return [{**line, "loss": None} for line in lines]

    monkeypatch.setattr(training, "train", nan)
    argv = [*flags, "--max_trials=1", "--objective=box_iou"]
    assert tune.main(argv) == 1
    assert "not a finite number" in capsys.readouterr().out


def test_references_of_zero_are_told(
    pretended, undrawn, flags, tmp_path, capsys
):
    pretended.value = lambda config: 0.0
    assert tune.main([*flags, "--max_trials=1"]) == 1
    assert "no relative gain over it exists" in capsys.readouterr().err
    assert not any("trials" in folder for folder in pretended.folders)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--tuner=bayesian"], "tuner: 'random' there, 'bayesian' now"),
        (["--space=full"], "space: 'small' there, 'full' now"),
        (["--objective=cls_accuracy"], "objective: 'box_iou' there"),
        (["--config.epochs=3"], "config.epochs: 1 there, 3 now"),
        (["--config.seed=2"], "config.seed: 1 there, 2 now"),
    ],
)
def test_two_searches_in_one_folder_are_refused(
    pretended, undrawn, flags, capsys, change, message
):
    argv = [*flags, "--max_trials=1", "--objective=box_iou"]
    assert tune.main(argv) == 0
    capsys.readouterr()
    assert tune.main([*argv, *change]) == 1
    printed = capsys.readouterr().err
    assert "holds another search" in printed and message in printed
    assert pretended.folders == names(0)


def test_folder_of_a_training_is_refused(tiny, flags, tmp_path, capsys):
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "config.json").write_text("{}")
    assert tune.main(flags) == 1
    assert "holds a training" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (["--objective=val_loss"], 1, "two scales"),
        (["--objective=loss"], 1, "two scales"),
        (["--objective=cls_acuracy"], 1, "Did you mean 'cls_accuracy'"),
        (["--tuner=grid"], 1, "Unknown tuner: 'grid'"),
        (["--tuner=baysian"], 1, "Did you mean 'bayesian'"),
        (["--space=ful"], 1, "Did you mean 'full'"),
        (["--max_trials=0"], 2, "max_trials"),
        (["--max_trials=many"], 2, "max_trials"),
        (["--workers=0"], 2, "workers"),
        (["--max_trails=3"], 2, "Did you mean '--max_trials'"),
        (["--config.epohcs=3"], 1, "Did you mean 'epochs'"),
        (["--config.monitor=val_cls_loss"], 1, "monitor"),
        (["--config.overrides.tasks=('cls',)"], 1, "one task"),
        (["--config.epochs=0"], 1, "`config.epochs` must be"),
        (["--config.optimizer.learning_rate=-1.0"], 1, "learning_rate"),
        (["--config.loss_weights.clss=2"], 1, "Did you mean 'cls'"),
    ],
)
def test_wrong_input_is_told_before_any_training(
    pretended, undrawn, flags, tmp_path, capsys, argv, status, message
):
    assert tune.main([*flags, *argv]) == status
    assert message in capsys.readouterr().err
    assert not pretended.folders and not (tmp_path / "w").exists()


def test_wrong_split_claims_no_folder(tiny, flags, data_dir, tmp_path, capsys):
    argv = [*flags, f"--data_dir={data_dir}", "--config.splits.train=trian"]
    assert tune.main(argv) == 1
    assert "Did you mean 'train'" in capsys.readouterr().err
    assert not (tmp_path / "w").exists()


def test_half_of_the_variables_are_refused(tiny, flags, capsys, monkeypatch):
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
    assert tune.main(flags) == 1
    assert "KERASTUNER_ORACLE_PORT" in capsys.readouterr().err


def test_workers_within_a_team_are_refused(tiny, flags, capsys, monkeypatch):
    for name in roles.VARIABLES:
        monkeypatch.setenv(name, "chief")
    assert tune.main([*flags, "--workers=2"]) == 1
    assert "Leave out either" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [["--objective=val_loss"], ["--tuner=grid"], ["--config.epohcs=3"], []],
)
def test_wrong_flags_are_told_without_a_backend(argv, tmp_path):
    folder = [f"--workdir={tmp_path / 'w'}"] if argv else []
    code = (
        "import sys\n"
        "from zoo.commands import tune\n"
        f"status = tune.main({['--model=cls_det_box', *folder, *argv]!r})\n"
        "heavy = ('keras', 'tensorflow', 'keras_tuner')\n"
        "print(status, [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.strip() == "1 []", done.stderr


def command(data_dir, workdir, *flags):
    return [
        sys.executable,
        "-m",
        "tools.tune",
        f"--config={REGISTERING}",
        f"--data_dir={data_dir}",
        f"--workdir={workdir}",
        "--objective=cls_accuracy",
        *flags,
    ]


@pytest.fixture
def start():
    """Starts processes; one that outlives a test that fails is ended."""
    processes = []

    def started(argv):
        # A process in the background of a shell ignores it, with its children.
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        output = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        process = subprocess.Popen(
            argv, cwd=ROOT, env=environment, text=True, **output
        )
        processes.append(process)
        signal.signal(signal.SIGINT, handler)
        return process

    yield started
    for process in processes:
        process.kill()
        process.wait()


def trained_epochs(workdir, trial):
    """How often each epoch of a trial has been trained, by its log."""
    log = (workdir / "trials" / f"{trial:04d}" / "run.log").read_text()
    return [
        line.split("epoch ")[1].split("/")[0]
        for line in log.splitlines()
        if " epoch " in line and "=" in line
    ]


@pytest.mark.slow
def test_killed_search_goes_on_and_its_recipe_reaches_its_score(
    start, tiny, data_dir, tmp_path, monkeypatch
):
    workdir = tmp_path / "w"
    argv = command(data_dir, workdir, "--max_trials=3", "--config.epochs=2")
    first = start(argv)
    for line in first.stdout:
        if line.startswith("[1/3] trial 0"):
            break
    # In the middle of trial 1: after its first epoch.
    second = workdir / "trials" / "0001" / "metrics.jsonl"
    while not second.exists() or not second.read_text():
        time.sleep(0.01)
    first.kill()
    first.communicate()
    result = workdir / "trials" / "0000" / "result.json"
    before = result.stat().st_mtime_ns
    again = start(argv)
    output, errors = again.communicate()
    assert again.returncode == 0, errors
    assert "Resumes after 1 trials." in output
    assert "[2/3] trial 1" in output and "[3/3] trial 2" in output
    assert result.stat().st_mtime_ns == before
    table = json.loads((workdir / "table.json").read_text())
    assert [row["trial"] for row in table["rows"]] == [0, 1, 2]
    assert {row["status"] for row in table["rows"]} == {"completed"}
    assert trained_epochs(workdir, 0) == ["1", "2"]
    assert trained_epochs(workdir, 1) == ["1", "2"]

    # Here, in another process than those of the search.
    monkeypatch.setattr(running.export, "saved_model", lambda *a, **k: None)
    monkeypatch.setattr(running, "_illustrate", lambda *a: None)
    retrained = tmp_path / "again"
    argv = [f"--config={workdir / 'best_recipe.py'}"]
    argv += [f"--data_dir={data_dir}", f"--workdir={retrained}"]
    assert train.main(argv) == 0
    lines = (retrained / "metrics.jsonl").read_text().splitlines()
    line = json.loads(lines[-1])
    best = table["rows"][table["best"]]
    for key, value in best["metrics"].items():
        # Not within the seeds' spread: bit by bit.
        assert line[f"val_{key}"] == value


@pytest.mark.slow
def test_chief_and_two_workers_do_every_trial_once(start, data_dir, tmp_path):
    workdir = tmp_path / "w"
    argv = command(data_dir, workdir, "--max_trials=4", "--workers=2")
    done = start(argv)
    output, errors = done.communicate()
    assert done.returncode == 0, errors + output
    assert "[4/4] trial" in output
    table = json.loads((workdir / "table.json").read_text())
    assert [row["trial"] for row in table["rows"]] == [0, 1, 2, 3]
    assert {row["status"] for row in table["rows"]} == {"completed"}
    for number in range(4):
        assert trained_epochs(workdir, number) == ["1"]
    logs = [(workdir / "logs" / f"worker-{n}.txt").read_text() for n in (1, 2)]
    started = [
        line.split(":")[0]
        for log in logs
        for line in log.splitlines()
        if line.startswith("trial ")
    ]
    assert sorted(started) == [f"trial {number}" for number in range(4)]
    # Both had something to do.
    assert all("trial " in log for log in logs)
    # A worker trains with the very numbers that the recipe will have.
    recipe = recipe_file.read(workdir / "best_recipe.py", [])
    config = workdir / "trials" / f"{table['best']:04d}" / "config.json"
    trained = json.loads(config.read_text())
    assert json.loads(json.dumps(recipe.to_dict())) == trained


@pytest.mark.slow
def test_interrupt_ends_all_and_leaves_what_can_go_on(
    start, data_dir, tmp_path
):
    workdir = tmp_path / "w"
    argv = command(data_dir, workdir, "--max_trials=50", "--workers=1")
    process = start(argv)
    for line in process.stdout:
        if line.startswith("[1/50] trial"):
            break
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted." in errors and "Traceback" not in errors
    state = json.loads((workdir / "oracle.json").read_text())
    assert 1 <= len(state["oracle"]["end_order"]) < 50
    # Nobody is left who would go on writing.
    before = (workdir / "oracle.json").stat().st_mtime_ns
    time.sleep(3)
    assert (workdir / "oracle.json").stat().st_mtime_ns == before
