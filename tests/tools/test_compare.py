"""The comparison of balancers, on a small model of the zoo."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mtl_keras.training import run as running
from zoo.commands.compare import command as compare
from zoo.commands.compare import run as comparison_run
from zoo.commands.compare import runs as comparison_runs

ROOT = Path(__file__).parent.parent.parent
RECIPE = Path(__file__).parent / "tiny_recipe.py"
SINGLE = ["STL-box", "STL-cls", "STL-det"]


@pytest.fixture
def started(tiny, monkeypatch):
    """Runs happen in this process, whose memory is then not theirs."""
    folders = []

    def start(argv, log):
        folders.append(Path(argv[0].removeprefix("--workdir=")))
        log.write_text("")
        return comparison_run.main(argv)

    monkeypatch.setattr(comparison_runs, "start", start)
    # They take most of a small run's time and are tested elsewhere.
    monkeypatch.setattr(running.export, "saved_model", lambda *a, **k: None)
    monkeypatch.setattr(running, "_illustrate", lambda *a: None)
    return folders


@pytest.fixture
def flags(data_dir, tmp_path):
    return [
        f"--config={RECIPE}",
        f"--data_dir={data_dir}",
        f"--workdir={tmp_path / 'w'}",
    ]


def read(tmp_path):
    return json.loads((tmp_path / "w" / "table.json").read_text())


def names_of(folders):
    return [f"{path.parent.name}/{path.name}" for path in folders]


@pytest.mark.slow
def test_table_resume_and_a_run_that_fails(
    started, flags, tmp_path, capsys, monkeypatch
):
    argv = [*flags, "--balancers=rlw", "--seeds=1"]
    argv += ["--config.balancer.seed=3", "--config.balancer.monitor=true"]
    fails = {"rlw"}
    whole = comparison_runs.start

    def start(argv, log):
        if log.parent.parent.name in fails:
            log.write_text("so it goes\nerror: it broke\n")
            return 1
        return whole(argv, log)

    monkeypatch.setattr(comparison_runs, "start", start)
    assert compare.main(argv) == 1
    printed = capsys.readouterr()
    assert "without 'rlw'. rlw is left out: rlw, seed 0 failed: it broke" in (
        printed.err
    )
    table = read(tmp_path)
    assert {row["name"] for row in table["rows"]} == {"STL", "equal"}
    assert list(table["failed"]) == ["rlw"]
    folders = [f"{name}/rate-recipe-seed-0" for name in [*SINGLE, "equal"]]
    assert names_of(started) == folders

    # The same command again does what is left, and nothing else.
    fails.clear()
    started.clear()
    assert compare.main(argv) == 0
    assert names_of(started) == ["rlw/rate-recipe-seed-0"]
    assert "STL box, seed 0: done before" in capsys.readouterr().out
    check_table(tmp_path / "w")


def check_table(workdir):
    table = json.loads((workdir / "table.json").read_text())
    rows = {row["name"]: row for row in table["rows"]}
    assert set(rows) == {"STL", "equal", "rlw"}
    assert table["failed"] == {}
    assert table["tasks"] == ["box", "cls", "det"]
    assert set(table["measures"]) == {
        "box_iou",
        "cls_accuracy",
        "det_accuracy",
        "det_auc",
        "det_f1",
    }
    report = workdir / "runs" / "STL-cls" / "rate-recipe-seed-0" / "report.json"
    report = json.loads(report.read_text())
    received = rows["STL"]["metrics"]["cls_accuracy"]["mean"]
    assert received == pytest.approx(report["metrics"]["cls_accuracy"])
    assert "box_iou" not in report["metrics"]
    assert "--config.overrides.tasks=" in report["command"]
    config = workdir / "runs" / "rlw" / "rate-recipe-seed-0" / "config.json"
    config = json.loads(config.read_text())
    assert config["loss_weights"] == "rlw"
    assert config["balancer"] == {"seed": 3, "monitor": True}
    for row in rows.values():
        assert row["seconds_per_step"]["mean"] > 0
        assert row["peak_memory_bytes"] > 2**24
    # `equal` has no seed to take.
    assert any(
        note.startswith("equal: monitor=True") for note in table["notes"]
    )
    page = (workdir / "table.md").read_text()
    assert "| STL |" in page and "--balancers=rlw" in page
    assert (workdir / "table.png").stat().st_size > 1000


KEYS = {
    "box": ["box_iou"],
    "cls": ["cls_accuracy"],
    "det": ["det_accuracy", "det_auc", "det_f1"],
}


def pretend(folder):
    """Writes what a run would have measured."""
    name, rate = folder.parent.name, folder.name.split("-")[1]
    rate = 0.01 if rate == "recipe" else float(rate)
    # The higher a rate the better; but for `equal` on validation.
    value = 0.5 + 10 * rate
    validation = 0.5 - 10 * rate if name == "equal" else value
    tasks = [name[4:]] if name.startswith("STL-") else list(KEYS)
    keys = [key for task in tasks for key in KEYS[task]]
    report = {"split": "test", "metrics": dict.fromkeys(keys, value)}
    line = {"epoch": 0, "loss": 1.0}
    line |= {f"val_{key}": validation for key in keys}
    cost = {"train_seconds": {"0": 4.0, "1": 1.0, "2": 2.0}}
    cost |= {"steps_per_epoch": 4, "peak_memory_bytes": 2**25}
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "cost.json").write_text(json.dumps(cost))
    (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")


@pytest.fixture
def pretended(tiny, monkeypatch):
    """Runs that only say what they have measured; 0.1 at the recipe's rate."""
    folders = []

    def start(argv, log):
        folders.append(log.parent)
        pretend(log.parent)
        return 0

    monkeypatch.setattr(comparison_runs, "start", start)
    return folders


def test_rates_are_tuned_on_validation(pretended, flags, tmp_path):
    argv = [*flags, "--balancers=equal", "--seeds=2", "--tune_lr"]
    assert compare.main(argv) == 0
    # Three rates with seed 0, then the other seed with the best.
    tuned = [f"rate-{r}-seed-0" for r in ("0.00333", "recipe", "0.03")]
    expected = [f"{w}/{name}" for w in [*SINGLE, "equal"] for name in tuned]
    expected += [f"{way}/rate-0.03-seed-1" for way in SINGLE]
    assert names_of(pretended) == [*expected, "equal/rate-0.00333-seed-1"]
    table = read(tmp_path)
    rows = {row["name"]: row for row in table["rows"]}
    assert rows["STL"]["learning_rate"] == dict.fromkeys(KEYS, 0.03)
    assert rows["equal"]["learning_rate"] == 0.00333
    assert table["notes"][0].startswith(
        "Learning rates were chosen among 0.00333, 0.01, 0.03 by"
    )
    note = "equal: the learning rate 0.00333 is at the grid's end."
    assert note in table["notes"]
    # 0.5333 of the test split against 0.8.
    assert rows["equal"]["delta_libmtl"]["mean"] == pytest.approx(-33.3375)
    assert rows["equal"]["delta_m"]["mean"] == pytest.approx(33.3375)
    # The median of 4, 1 and 2 s over 4 steps; three tasks of it for STL.
    assert rows["equal"]["seconds_per_step"]["mean"] == pytest.approx(0.5)
    assert rows["STL"]["seconds_per_step"]["mean"] == pytest.approx(1.5)
    assert rows["STL"]["peak_memory_bytes"] == 2**25


def test_tuning_that_tells_nothing_is_said(pretended, flags, tmp_path):
    # A metric of 0 has no relative gain, so no rate can be chosen.
    start = comparison_runs.start

    def zero(argv, log):
        start(argv, log)
        path = log.parent / "metrics.jsonl"
        line = json.loads(path.read_text())
        line = {k: 0.0 if k == "val_box_iou" else v for k, v in line.items()}
        path.write_text(json.dumps(line) + "\n")
        return 0

    comparison_runs.start = zero
    argv = [*flags, "--balancers=equal", "--seeds=1", "--tune_lr"]
    assert compare.main(argv) == 0
    table = read(tmp_path)
    for way in ("STL box", "equal"):
        assert any(
            note.startswith(f"{way}: no learning rate gave")
            for note in table["notes"]
        )
    rates = table["rows"][0]["learning_rate"]
    assert rates == {"box": 0.01, "cls": 0.03, "det": 0.03}


def test_level_goes_to_the_methods_that_read_gradients(
    pretended, flags, tmp_path
):
    argv = [*flags, "--balancers=rlw,cagrad", "--seeds=1", "--on=features"]
    assert compare.main([*argv, "--config.balancer.c=0.4"]) == 0
    table = read(tmp_path)
    options = {row["name"]: row.get("hyperparameters") for row in table["rows"]}
    assert options["cagrad"] == {"on": "features", "c": 0.4}
    assert options["rlw"] == options["equal"] == {}
    assert "cagrad: c=0.4, on='features'" in table["notes"]


def test_a_single_task_that_fails_ends_the_comparison(
    pretended, flags, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(
        comparison_runs, "start", lambda argv, log: log.write_text("") or 1
    )
    assert compare.main([*flags, "--balancers=rlw", "--seeds=1"]) == 1
    assert "STL box, seed 0 failed: no output (status 1)" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "w" / "table.json").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "Expected --balancers"),
        (["--balancers=uncertanty"], "Did you mean 'uncertainty'?"),
        (["--balancers=static"], "Write 'recipe'"),
        (["--balancers=recipe"], "'recipe' would be 'equal'"),
        (["--balancers=rlw", "--config.seed=3"], "--seeds=N trains"),
        (
            ["--balancers=rlw", "--config.loss_weights.cls=2"],
            "what is compared",
        ),
        (["--balancers=rlw", "--on=features"], "takes 'on'"),
        (
            ["--balancers=uncertainty", "--config.balancer.learning_rat=1"],
            "Did you mean 'learning_rate'?",
        ),
        (
            ["--balancers=uncertainty", "--config.balancer.learning_rate=-1"],
            "learning_rate",
        ),
        (
            ["--balancers=rlw", "--config.overrides.tasks=('cls',)"],
            "nothing to balance",
        ),
        (
            ["--balancers=rlw", "--config.overrides.tasks=('clss','box')"],
            "Did you mean 'cls'?",
        ),
        (["--balancers=rlw", "--config.epohcs=2"], "Did you mean 'epochs'"),
    ],
)
def test_wrong_input_is_told_before_any_data_is_touched(
    started, tmp_path, capsys, argv, message
):
    nowhere = tmp_path / "data"
    flags = [f"--config={RECIPE}", f"--data_dir={nowhere}"]
    flags += [f"--workdir={tmp_path / 'w'}"]
    assert compare.main([*flags, *argv]) == 1
    assert message in capsys.readouterr().err
    assert not started and not nowhere.exists()
    assert not (tmp_path / "w").exists()


def test_epoch_of_one_task_cannot_be_chosen_for_all(tmp_path, tiny, capsys):
    recipe = tmp_path / "recipe.py"
    text = RECIPE.read_text().replace(
        '"seed": 1,', '"seed": 1, "monitor": "val_cls_loss",'
    )
    recipe.write_text(text)
    argv = [f"--config={recipe}", "--balancers=rlw", f"--workdir={tmp_path}"]
    assert compare.main(argv) == 1
    assert "Write --config.monitor=val_loss" in capsys.readouterr().err


def test_folder_of_another_comparison_is_refused(
    started, flags, tmp_path, capsys
):
    folder = tmp_path / "w" / "runs" / "rlw" / "rate-recipe-seed-1"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model": "other"}')
    assert compare.main([*flags, "--balancers=rlw"]) == 1
    assert "holds another run" in capsys.readouterr().err
    assert not started


def test_command_does_the_same_again(flags):
    from absl import flags as absl_flags

    values = absl_flags.FlagValues()
    compare.define(values)
    values(["", *flags, "--balancers=rlw,dwa", "--seeds=2", "--tune_lr"])
    text = compare.command(values, ["--config.epochs=1"])
    assert "--balancers=rlw,dwa --seeds=2 --tune_lr --config.epochs=1" in text


def test_each_architecture_meets_each_balancer(
    tiny, flags, tmp_path, monkeypatch
):
    arguments = {}

    def start(argv, log):
        arguments[log.parent.parent.name] = argv
        pretend(log.parent)
        return 0

    monkeypatch.setattr(comparison_runs, "start", start)
    argv = [*flags, "--sharing=soft,low_rank", "--balancers=pcgrad"]
    assert compare.main([*argv, "--seeds=1"]) == 0
    names = ["soft-equal", "low_rank-equal", "low_rank-pcgrad"]
    assert list(arguments) == [*SINGLE, *names]
    selected = "--config.overrides.sharing=low_rank"
    assert [selected in arguments[name] for name in names] == [
        False,
        True,
        True,
    ]
    table = read(tmp_path)
    sizes = {row["name"]: row["num_parameters"] for row in table["rows"]}
    # By hand: a convolution of 3 x 3 x 1 x 4 + 4, heads of 4 to 2, 1 and 4.
    trunk, heads = 40, 10 + 5 + 20
    assert sizes["STL"] == sizes["soft equal"] == 3 * trunk + heads
    # Rank 1 of 4: 9 are shared, each task has 4 and a bias of 4.
    assert sizes["low_rank equal"] == 9 + 3 * 8 + heads
    assert all(row["macs"] > 0 for row in table["rows"])
    assert any(
        note.startswith("soft pcgrad is left out: PCGrad(on=")
        for note in table["notes"]
    )
    assert "| parameters | MACs |" in (tmp_path / "w" / "table.md").read_text()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--sharing=mmo"], "Did you mean 'mmoe'?"),
        (["--sharing=esmm"], "needs two or more tasks of the kind 'presence'"),
        (
            ["--sharing=hard", "--config.overrides.sharing=mmoe"],
            "names the architectures that are compared",
        ),
    ],
)
def test_wrong_architectures_are_refused(
    started, flags, capsys, arguments, message
):
    argv = [*flags, "--balancers=rlw", "--seeds=1", *arguments]
    assert compare.main(argv) == 1
    assert message in capsys.readouterr().err
    assert not started


@pytest.mark.slow
def test_killed_comparison_goes_on_in_processes_of_its_own(data_dir, tmp_path):
    recipe = Path(__file__).parent / "registering_recipe.py"
    command = [sys.executable, "-m", "tools.compare", f"--config={recipe}"]
    command += [f"--data_dir={data_dir}", f"--workdir={tmp_path / 'w'}"]
    command += ["--balancers=rlw", "--seeds=1", "--config.balancer.seed=3"]
    command += ["--config.balancer.monitor=true"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    # Two runs show as much as five.
    for name in ("STL-box", "STL-det", "equal"):
        folder = tmp_path / "w" / "runs" / name / "rate-recipe-seed-0"
        folder.mkdir(parents=True)
        pretend(folder)
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        for line in first.stdout:
            if line.startswith("[2/5]"):
                break
        first.kill()
    assert line.startswith("[2/5] STL cls, seed 0: "), line
    report = tmp_path / "w/runs/STL-cls/rate-recipe-seed-0/report.json"
    before = report.stat().st_mtime_ns
    again = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert "[2/5] STL cls, seed 0: done before" in again.stdout
    assert report.stat().st_mtime_ns == before
    check_table(tmp_path / "w")
