"""The tools from training to an export, on a small model of the zoo."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo
from mtl_keras import export as library
from tests.zoo import tiny_entry
from zoo import registry, weights
from zoo.commands import (
    SUMMARIES,
    card,
    evaluate,
    export,
    list_models,
    predict,
    relations,
    train,
)

ROOT = Path(__file__).parent.parent.parent
RECIPE = Path(__file__).parent / "tiny_recipe.py"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data_dir):
    """The workdir of a finished training of one epoch."""
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_registered", {})
        registry.register(tiny_entry.NAME, tiny_entry, tiny_entry.card())
        argv = [f"--config={RECIPE}", f"--workdir={workdir}"]
        status = train.main(
            [*argv, f"--data_dir={data_dir}", "--config.overrides.width=5"]
        )
    assert status == 0
    return workdir


@pytest.fixture
def image_file(tmp_path, tiny, data_dir):
    """A PNG file of twice the model's size."""
    import keras

    path = tmp_path / "images" / "square.png"
    path.parent.mkdir()
    image = np.zeros((24, 24, 1), np.uint8)
    image[4:10, 6:12] = 255
    keras.utils.save_img(path, image, scale=False)
    return path


def test_training_leaves_its_config_report_and_weights(trained):
    config = json.loads((trained / "config.json").read_text())
    report = json.loads((trained / "report.json").read_text())
    assert config["overrides"]["width"] == 5
    assert report["split"] == "test"
    assert {"cls_accuracy", "det_auc"} <= set(report["metrics"])
    assert report["command"].endswith("--config.overrides.width=5")
    assert (trained / "model.weights.h5").exists()


@pytest.mark.slow
def test_the_same_training_again_changes_nothing(
    trained, tiny, data_dir, monkeypatch, capsys
):
    # The export takes most of the time.
    monkeypatch.setattr(library, "saved_model", lambda *a, **k: None)
    before = (trained / "metrics.jsonl").read_text()
    argv = [f"--config={RECIPE}", f"--workdir={trained}"]
    argv += [f"--data_dir={data_dir}", "--config.overrides.width=5"]
    assert train.main(argv) == 0
    assert (trained / "metrics.jsonl").read_text() == before
    assert " in all; few examples need more epochs" in capsys.readouterr().out


def test_evaluate_a_workdir(trained, tiny, data_dir, tmp_path, capsys):
    output = tmp_path / "figures.json"
    argv = [f"--workdir={trained}", f"--data_dir={data_dir}"]
    assert evaluate.main([*argv, f"--output={output}"]) == 0
    printed = capsys.readouterr().out
    assert "tiny_squares_net on tiny_squares, test split" in printed
    figures = json.loads(output.read_text())["metrics"]
    report = json.loads((trained / "report.json").read_text())["metrics"]
    for name in ("cls_accuracy", "det_auc", "box_iou"):
        assert f"{figures[name]:.4f}" in printed
        assert figures[name] == pytest.approx(report[name], abs=1e-6)


def test_predict_files_and_folders(trained, tiny, image_file, tmp_path, capsys):
    other = tmp_path / "others" / "square.png"
    other.parent.mkdir()
    shutil.copy(image_file, other)
    output = tmp_path / "drawn"
    argv = [f"--workdir={trained}", f"--output={output}"]
    argv += [str(image_file), str(image_file.parent), str(other)]
    assert predict.main(argv) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == [
        str(image_file),
        str(other),
    ]
    assert len(list(output.iterdir())) == 2


@pytest.mark.slow
def test_diverging_training_fails_with_words_and_exports_nothing(
    tiny, tmp_path, data_dir, capsys
):
    workdir = tmp_path / "w"
    argv = [f"--config={RECIPE}", f"--workdir={workdir}"]
    argv += ["--config.optimizer.learning_rate=1e30"]
    assert train.main([*argv, f"--data_dir={data_dir}"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert "finite" in printed or "NaN or infinity" in printed
    left = {path.name for path in workdir.iterdir()}
    assert left.isdisjoint(
        {"checkpoint.npz", "export", "model.weights.h5", "report.json"}
    )


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_changed_file_of_a_run_is_refused(
    trained, tiny, tmp_path, name, capsys
):
    for each in ("config.json", "model.weights.h5", "report.json"):
        shutil.copy(trained / each, tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    # In the recipe this is a space of the indentation, then a tab.
    place = content.index(b" ") if name == "config.json" else -1
    content[place] ^= 0x20 ^ 0x09
    (tmp_path / name).write_bytes(content)
    assert predict.main([f"--workdir={tmp_path}", "a.png"]) == 1
    printed = capsys.readouterr().err
    assert name in printed and "sha256" in printed


@pytest.mark.parametrize("text", ["null", "[]", "[" * 9999, '{"model": "a"}'])
def test_damaged_config_of_a_run_is_named(tmp_path, text, capsys):
    (tmp_path / "config.json").write_text(text)
    (tmp_path / "model.weights.h5").touch()
    assert predict.main([f"--workdir={tmp_path}", "a.png"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and "config.json'" in printed


def test_predict_continues_after_a_file_that_is_not_an_image(
    trained, tiny, image_file, tmp_path, capsys
):
    (image_file.parent / "aaa.png").write_text("not an image")
    argv = [f"--workdir={trained}", f"--output={tmp_path / 'drawn'}"]
    assert predict.main([*argv, str(image_file.parent)]) == 1
    printed = capsys.readouterr()
    assert str(image_file) in printed.out
    assert "aaa.png" in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.slow
def test_export_a_workdir(trained, tiny, tmp_path, capsys, monkeypatch):
    import tensorflow as tf

    output = tmp_path / "served" / "1"
    argv = [f"--workdir={trained}", f"--output={output}"]
    assert export.main(argv) == 0
    assert str(output) in capsys.readouterr().out
    served = tf.saved_model.load(str(output))
    assert {"serving_default", "cls", "det", "box"} <= set(served.signatures)
    assert export.main(argv) == 1
    options = {}
    monkeypatch.setattr(
        library, "saved_model", lambda *a, **given: options.update(given)
    )
    assert export.main([*argv, "--overwrite"]) == 0
    assert options["overwrite"]


def test_card_of_a_training(trained, tiny, tmp_path, data_dir, monkeypatch):
    monkeypatch.setattr(registry, "CARDS", tmp_path / "cards")
    monkeypatch.setattr(registry, "_packaged", {})
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(weights, "CHECKPOINTS", tmp_path / "checkpoints")
    argv = [f"--model={tiny}", f"--data_dir={data_dir}"]
    argv += ["--module=tests.zoo.tiny_entry"]
    assert card.main(argv) == 0
    assert zoo.info(tiny)["figures"] == []
    argv += [f"--workdirs={trained}", "--weights=squares"]
    assert card.main(argv) == 0
    found = zoo.info(tiny)
    assert found["weights"]["squares"]["overrides"] == {"width": 5}
    assert found["figures"][0]["seeds"] == [1]
    assert zoo.load(tiny, weights="squares").get_layer("conv0").filters == 5
    # Measuring again keeps what runs have measured.
    assert card.main([f"--model={tiny}", f"--data_dir={data_dir}"]) == 0
    assert dict(zoo.info(tiny)) == dict(found)


def test_list_models(tiny, capsys):
    assert list_models.main(["--pattern=tiny*", "--tasks=cls,box"]) == 0
    printed = capsys.readouterr().out
    assert tiny in printed
    assert list_models.main(["--pattern=tiny*", "--cards"]) == 0
    assert "zoo.load('tiny_squares_net')" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tool", "argv", "message"),
    [
        (train, ["--model=tiny_squares_net"], "Expected --workdir"),
        (train, ["--workdir=x"], "Expected --model"),
        (train, ["--model=tiny_squars", "--workdir=x"], "Did you mean"),
        (
            train,
            ["--model=other", f"--config={RECIPE}", "--workdir=x"],
            "The recipe is for 'tiny_squares_net'",
        ),
        (train, ["--recipe=a", "--workdir=x"], "--recipe names a recipe of"),
        (
            train,
            ["--model=intent_slot", "--recipe=snps", "--workdir=x"],
            "Did you mean 'snips'",
        ),
        (evaluate, [], "Expected either --workdir"),
        (evaluate, ["--model=a", "--workdir=b"], "Expected either --workdir"),
        (evaluate, ["--workdir=nowhere"], "not the folder of a training"),
        (evaluate, ["--model=tiny_squares_net"], "no trained weights"),
        (evaluate, ["--workdir=a", "--weights=b"], "has its own weights"),
        (predict, ["--model=tiny_squares_net"], "Expected image files"),
        (predict, ["--model=tiny_squares_net", "."], "holds no image"),
        (predict, ["--model=tiny_squares_net", ""], "an empty argument"),
        (export, ["--model=tiny_squares_ned"], "Did you mean"),
        (list_models, ["--tasks=clss"], "Did you mean 'cls'"),
        (card, [], "Expected --model"),
        (card, ["--model=new"], "Expected --module"),
        (card, ["--model=a", "--weights=b"], "needs --workdirs"),
    ],
)
def test_wrong_input(tiny, tmp_path, monkeypatch, capsys, tool, argv, message):
    monkeypatch.chdir(tmp_path)
    assert tool.main(argv) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert message in printed
    assert "Traceback" not in printed


def test_training_that_has_not_finished(trained, tiny, tmp_path, capsys):
    (tmp_path / "config.json").write_text((trained / "config.json").read_text())
    assert evaluate.main([f"--workdir={tmp_path}"]) == 1
    assert "has not finished" in capsys.readouterr().err


def test_split_that_is_not_there(trained, tiny, data_dir, capsys):
    argv = [f"--workdir={trained}", f"--data_dir={data_dir}"]
    assert evaluate.main([*argv, "--split=tset"]) == 1
    assert "Did you mean 'test'?" in capsys.readouterr().err


@pytest.mark.slow
def test_relations_of_a_trained_model(
    trained, tiny, data_dir, tmp_path, capsys
):
    argv = [f"--workdir={trained}", f"--data_dir={data_dir}", "--steps=1"]
    argv += [f"--output={tmp_path}", "--batch_size=64"]
    measures = ["label_pearson", "gradients", "affinity"]
    # Where there is a box, something is there: det is constant.
    with pytest.warns(UserWarning, match="box-det"):
        status = relations.main([*argv, f"--measures={','.join(measures)}"])
    assert status == 0
    assert "no grouping" in capsys.readouterr().out
    page = (tmp_path / "relations.md").read_text("utf-8")
    for name in measures:
        (figure,) = tmp_path.glob(f"*_{name}.png")
        assert f"![{name}]({figure.name})" in page
    assert page.count("| box | cls | det |") == 3
    assert "--steps=1" in page and str(data_dir) not in page
    assert relations.main([*argv, "--measures=gradient"]) == 1
    assert "Did you mean 'gradients'?" in capsys.readouterr().err
    assert relations.main([*argv, "--budget=0"]) == 1
    assert "at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(SUMMARIES))
def test_help_of_each_tool_needs_no_backend(name):
    code = (
        f"import runpy, sys; sys.argv = [{name!r}, '--help']\n"
        "try:\n"
        f"    runpy.run_module('tools.{name}', run_name='__main__')\n"
        "finally:\n"
        "    print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.startswith(SUMMARIES[name])
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_tool_is_thin_and_listed():
    files = {path.stem for path in (ROOT / "tools").glob("*.py")}
    assert files - {"__init__"} == set(SUMMARIES)
