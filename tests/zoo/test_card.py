"""A card reads like a page, and says only what runs have measured."""

import json

import pytest

from mtl_keras import files
from tests.zoo import tiny_entry
from zoo import card_writer, weights
from zoo.card import Card


def _run(folder, seed, **changes):
    """Writes what a finished run leaves, with figures that follow its seed."""
    folder.mkdir()
    metrics = {"loss": 1.0, "cls_loss": 0.5, "cls_accuracy": 0.9 + seed / 100}
    report = {
        "model": tiny_entry.NAME,
        "data": "tiny_squares",
        "seed": seed,
        "split": "test",
        "metrics": metrics,
        "epochs": 2,
        "seconds": 10.0 + seed,
        "num_parameters": 75,
        "versions": {"keras": "3.15.1"},
        "command": f"python -m tools.train --config.seed={seed}",
    }
    config = {"data": "tiny_squares", "seed": seed, "overrides": {}}
    for name, value in changes.items():
        (config if name in ("overrides", "monitor", "mode") else report)[
            name
        ] = value
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def runs(tmp_path):
    return [_run(tmp_path / str(seed), seed) for seed in (0, 1, 2)]


def test_figures_are_mean_and_spread_over_seeds(runs):
    figures = card_writer.summarize(runs)
    # Of 0.90, 0.91 and 0.92: the sample standard deviation is 0.01.
    assert figures["metrics"] == {"cls_accuracy": [0.91, 0.01]}
    assert figures["seeds"] == [0, 1, 2]
    assert figures["num_parameters"] == 75


def test_one_seed_has_no_spread(runs):
    figures = card_writer.summarize(runs[1:2])
    assert figures["metrics"] == {"cls_accuracy": [0.91, None]}


def test_undefined_metric_stays_undefined(tmp_path):
    run = _run(tmp_path / "a", 0, metrics={"det_auc": None})
    assert card_writer.summarize([run])["metrics"] == {"det_auc": [None, None]}


@pytest.mark.parametrize(
    "changes", [{"split": "validation"}, {"epochs": 3}, {"overrides": {"a": 1}}]
)
def test_runs_of_different_recipes_are_refused(runs, tmp_path, changes):
    other = _run(tmp_path / "other", 7, **changes)
    with pytest.raises(ValueError, match=f"differs.*{next(iter(changes))}"):
        card_writer.summarize([*runs, other])


def test_the_same_seed_twice_is_refused(runs, tmp_path):
    with pytest.raises(ValueError, match="different seeds"):
        card_writer.summarize([*runs, _run(tmp_path / "again", 2)])


def test_folder_without_a_report_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not the workdir of a finished run"):
        card_writer.summarize([tmp_path])


def test_single_task_figures_come_together(tmp_path):
    parts = {"cls": {"cls_accuracy": 0.8}, "det": {"det_auc": 0.7}}
    runs = [
        _run(
            tmp_path / f"{task}{seed}",
            seed,
            metrics=metrics,
            overrides={"tasks": [task]},
        )
        for task, metrics in parts.items()
        for seed in (0, 1)
    ]
    assert card_writer.summarize_single(runs) == {
        "cls_accuracy": [0.8, 0.0],
        "det_auc": [0.7, 0.0],
    }


def test_run_of_all_tasks_is_no_single_task_run(runs):
    with pytest.raises(ValueError, match="has one task"):
        card_writer.summarize_single(runs)


def test_best_run_by_validation_is_shipped(runs, tiny, tmp_path, monkeypatch):
    import zoo

    monkeypatch.setattr(weights, "CHECKPOINTS", tmp_path / "checkpoints")
    for run, figure in zip(runs, (0.3, 0.1, 0.2), strict=True):
        zoo.load(tiny).save_weights(run / "model.weights.h5")
        line = json.dumps({"epoch": 0, "val_loss": figure})
        (run / "metrics.jsonl").write_text(line + "\n")
    facts = card_writer.ship(zoo.info(tiny), "squares", runs)
    path = tmp_path / "checkpoints" / facts["file"]
    assert facts["seed"] == 1
    assert facts["sha256"] == files.sha256(path)
    assert facts["bytes"] == path.stat().st_size
    assert (facts["seconds"], facts["num_parameters"]) == (11.0, 75)
    # A recipe of the zoo is named where the command was one's own.
    assert "recipe" not in facts


@pytest.mark.parametrize(
    "flag",
    ["--recipe=snips-minilm", "--config=zoo/recipes/intent_slot_minilm.py"],
)
def test_recipe_of_other_weights_stays_on_the_card(tmp_path, flag):
    command = f"python -m tools.train --model=intent_slot {flag} --workdir=a/b"
    run = _run(tmp_path / "run", 1, command=command)
    facts = card_writer.summarize([run])
    assert facts["recipe"] == "intent_slot_minilm.py"
    assert facts["command"].endswith(f"{flag} --workdir=runs/b")


@pytest.mark.parametrize(
    "flags",
    [
        "--model=intent_slot --recipe=snips",
        "--config=zoo/recipes/intent_slot.py",
    ],
)
def test_recipe_of_the_model_itself_is_not_named(tmp_path, flags):
    command = f"python -m tools.train {flags} --workdir=a/b"
    run = _run(tmp_path / "run", 1, command=command)
    assert "recipe" not in card_writer.summarize([run])


def test_description_is_measured(tiny):
    content = card_writer.describe(tiny, tiny_entry.TinySquares())
    # Convolution 3*3*1*4 + 4; cls 4*2 + 2, det 4 + 1, box 4*4 + 4.
    assert content["num_parameters"] == 40 + 10 + 5 + 20
    # Convolution 12*12*4*9; cls 4*2, det 4, box 4*4.
    assert content["macs"] == {
        "input": "image 12 x 12 x 1",
        "value": 5184 + 8 + 4 + 16,
    }
    assert content["tasks"]["cls"]["class_names"] == ["small", "large"]


def test_data_is_described_by_its_builder(data_dir):
    facts = card_writer.describe_data(
        tiny_entry.TinySquares(), "tiny_squares", data_dir
    )
    assert facts == {
        "builder": "tests.zoo.tiny_squares:Builder",
        "version": "1.0.0",
        "splits": {"train": 20, "validation": 10, "test": 10},
        "licence": "CC0-1.0",
    }


def _full_card():
    return Card(
        {
            "name": "tiny",
            "summary": "Three answers about squares.",
            "tasks": {
                "box": {"kind": "box", "answer": "where it is"},
                "cls": {
                    "kind": "classification",
                    "answer": "one of 2 classes",
                    "class_names": ["small", "large"],
                },
            },
            "inputs": {"image": {"shape": [12, 12, 1], "dtype": "float32"}},
            "num_parameters": 12345,
            "macs": {"input": "image 12 x 12 x 1", "value": 678900},
            "data": {"squares": {"splits": {"train": 2000}, "licence": "CC0"}},
            "weights": {
                "squares": {
                    "bytes": 1_500_000,
                    "data": "squares",
                    "licence": "Apache-2.0",
                    "sha256": "0123456789abcdef" * 4,
                }
            },
            "figures": [
                {
                    "weights": "squares",
                    "data": "squares",
                    "split": "test",
                    "seeds": [0, 1],
                    "metrics": {"box_iou": [0.8, 0.01], "cls_f1": [0.9, 0.02]},
                    "single_task": {"cls_f1": [0.85, None]},
                    "command": "python -m tools.train --model tiny",
                }
            ],
            "published": [{"model": "Net", "cls_f1": 0.8, "source": "A, 2020"}],
        }
    )


def test_card_prints_as_a_page():
    page = str(_full_card())
    assert page.splitlines()[0] == "tiny"
    for part in (
        "Three answers about squares.",
        "cls  one of 2 classes: small, large",
        "12,345 parameters",
        "678,900 multiply-accumulates for one input (image 12 x 12 x 1)",
        "squares; train 2,000; CC0",
        "squares  1.5 MB, trained on squares, Apache-2.0",
        "    together    0.8000 ± 0.0100  0.9000 ± 0.0200",
        "    one by one                -           0.8500",
        "Net: cls_f1 0.8 (A, 2020)",
        "zoo.load('tiny', weights='squares')",
    ):
        assert part in page
    assert max(map(len, page.splitlines())) <= 79


def test_card_survives_its_file(tmp_path):
    path = tmp_path / "tiny.json"
    _full_card().write(path)
    assert dict(Card.read(path)) == dict(_full_card())


def test_card_is_read_only():
    with pytest.raises(TypeError):
        _full_card()["num_parameters"] = 1


@pytest.mark.parametrize(
    "content",
    [b'{"name": "tiny", ', b"null", b"[1]", b"[" * 9999, b'{"name": "\xff"}'],
)
def test_damaged_card(tmp_path, content):
    path = tmp_path / "tiny.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="tiny.json is not a model's card"):
        Card.read(path)
