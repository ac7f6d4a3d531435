"""Exports of several formats, and what answers from them."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from mtl_keras import files
from mtl_keras.export import warmup
from tests.test_case import vector_model
from tests.zoo import tiny_entry
from zoo import registry
from zoo.commands import export, predict, raw_inputs
from zoo.commands.predict import exported


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    """A small model's weights, a picture, and an export with examples."""
    folder = tmp_path_factory.mktemp("setting")
    picture = folder / "square.png"
    image = np.zeros((24, 24, 1), np.uint8)
    image[4:10, 6:12] = 255
    keras.utils.save_img(picture, image, scale=False)
    stored = folder / "tiny.weights.h5"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_registered", {})
        registry.register(tiny_entry.NAME, tiny_entry, tiny_entry.card())
        keras.utils.set_random_seed(0)
        zoo.load(tiny_entry.NAME).save_weights(stored)
        argv = [f"--model={tiny_entry.NAME}", f"--weights={stored}"]
        argv += ["--formats=saved_model,litert,onnx", "--float16"]
        argv += [f"--output={folder / 'served'}", str(picture)]
        assert export.main(argv) == 0
    return {"folder": folder / "served", "picture": picture, "weights": stored}


@pytest.fixture
def argv(setting, tiny):
    return [f"--model={tiny}", f"--weights={setting['weights']}"]


@pytest.mark.slow
def test_a_folder_holds_versions_and_files_beside(setting):
    names = {path.name for path in setting["folder"].iterdir()}
    assert names == {
        "1",
        "tiny_squares_net-float16-1.tflite",
        "tiny_squares_net-float16-1.tflite.json",
        "tiny_squares_net-1.onnx",
        "tiny_squares_net-1.onnx.json",
    }
    revision = setting["folder"] / "1" / "assets.extra" / "revision.json"
    found = json.loads(revision.read_text())
    assert found["model"] == tiny_entry.NAME
    assert found["weights"]["sha256"] == files.sha256(setting["weights"])
    assert (revision.parent / warmup.FILE).exists()


@pytest.mark.slow
def test_the_figures_of_a_file_lie_beside_it(setting):
    path = setting["folder"] / "tiny_squares_net-1.onnx.json"
    figures = json.loads(path.read_text())
    assert figures["num_examples"] == 1
    assert set(figures["differences"]) == {"cls", "det", "box"}
    assert all(0 <= value < 1e-5 for value in figures["differences"].values())


def test_each_export_is_a_new_version(setting, argv, tmp_path, capsys):
    argv += ["--formats=onnx", f"--output={tmp_path / 'net'}"]
    assert export.main(argv) == 0
    assert "Not measured" in capsys.readouterr().out
    assert export.main(argv) == 0
    names = {path.name for path in (tmp_path / "net").iterdir()}
    assert names == {"tiny_squares_net-1.onnx", "tiny_squares_net-2.onnx"}
    # A version that is named is made once.
    argv[-1] += "/2"
    assert export.main(argv) == 1
    assert "overwrite" in capsys.readouterr().err
    assert export.main([*argv, "--overwrite"]) == 0


@pytest.mark.slow
def test_a_split_gives_metrics_of_both(setting, argv, data_dir, tmp_path):
    argv += ["--formats=litert", f"--output={tmp_path / '7'}"]
    argv += ["--split=test[:8]", f"--data_dir={data_dir}"]
    assert export.main(argv) == 0
    path = tmp_path / "tiny_squares_net-7.tflite.json"
    figures = json.loads(path.read_text())
    assert figures["num_examples"] == 8
    assert figures["split"] == "test[:8]"
    for name in ("cls_accuracy", "box_iou", "det_loss"):
        pair = figures["metrics"][name]
        assert pair["file"] == pytest.approx(pair["model"], abs=1e-4)


def test_predict_asks_the_export_alone(
    setting, argv, tiny, tmp_path, capsys, monkeypatch
):
    picture = str(setting["picture"])
    drawn = f"--output={tmp_path / 'drawn'}"
    assert predict.main([*argv, drawn, picture]) == 0
    expected = capsys.readouterr().out
    monkeypatch.setattr(registry, "_registered", {})
    for folder in (setting["folder"], setting["folder"] / "1"):
        assert predict.main([f"--export={folder}", drawn, picture]) == 0
        assert capsys.readouterr().out == expected
    assert (tmp_path / "drawn" / "square.predicted.png").exists()


def test_predict_of_an_export_goes_on_after_a_file_that_is_no_picture(
    setting, tmp_path, capsys
):
    (tmp_path / "a.png").write_text("no picture")
    argv = [f"--export={setting['folder']}", f"--output={tmp_path / 'drawn'}"]
    argv += [str(tmp_path / "a.png"), str(setting["picture"])]
    assert predict.main(argv) == 1
    printed = capsys.readouterr()
    assert "square.png" in printed.out
    assert "a.png" in printed.err and "Traceback" not in printed.err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--formats=onxx"], "Did you mean 'onnx'"),
        (["--formats="], "Expected at least one format"),
        (["--float16"], "--float16 is of the format litert"),
        (["--formats=onnx", "--batch_size=1"], "--batch_size is of the format"),
        (["--formats=onnx", "--warmup", "a.png"], "--warmup is of the format"),
        (["--warmup"], "--warmup needs examples"),
        (["--split=test"], "--split is for measuring"),
        (["--output=a", "--overwrite"], "--output=a/1"),
        (["--output=file"], "which is a file"),
        (["nowhere.png"], "Received: 'nowhere.png', which is not one"),
        (["squar.png"], "Did you mean 'square.png'"),
        (["file"], "that the model's preprocessor can read"),
    ],
)
def test_wrong_flags(
    argv, setting, tmp_path, monkeypatch, capsys, given, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("no picture")
    (tmp_path / "square.png").write_bytes(setting["picture"].read_bytes())
    assert export.main([*argv, *given]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and message in printed
    assert {path.name for path in tmp_path.iterdir()} == {"file", "square.png"}


def test_an_earlier_export_is_kept_without_overwrite(tiny, tmp_path, capsys):
    stored = tmp_path / "tiny.weights.h5"
    zoo.load(tiny).save_weights(stored)
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").touch()
    argv = [f"--model={tiny}", f"--weights={stored}"]
    assert export.main([*argv, f"--output={tmp_path / '1'}"]) == 1
    assert "or replace this one by --overwrite" in capsys.readouterr().err


@pytest.mark.slow
def test_warmup_without_its_package(
    argv, setting, tmp_path, monkeypatch, capsys
):
    for name in ("tensorflow_serving", "tensorflow_serving.apis"):
        monkeypatch.setitem(sys.modules, name, None)
    argv += [f"--output={tmp_path / '1'}", str(setting["picture"])]
    assert export.main([*argv, "--warmup"]) == 1
    assert "tensorflow-serving-api" in capsys.readouterr().err
    # Nobody asked for it: the examples are not needed then.
    assert export.main(argv) == 0
    assert not (tmp_path / "1" / "assets.extra" / warmup.FILE).exists()


def dense_export(folder):
    from mtl_keras import export as library

    return library.saved_model(vector_model(), folder / "1")


def export_without_revision(folder):
    path = dense_export(folder)
    (path / "assets.extra" / "revision.json").unlink()
    return path


def damaged_export(folder, text="{}"):
    path = folder / "1"
    (path / "assets.extra").mkdir(parents=True)
    (path / "saved_model.pb").touch()
    (path / "assets.extra" / "revision.json").write_text(text)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder, "which is not one"),
        (lambda folder: folder / "nowhere", "which is not one"),
        (dense_export, "without a preprocessor"),
        (export_without_revision, "Export it again"),
        (damaged_export, "without 'preprocessor', 'tasks'"),
        (lambda f: damaged_export(f, "null"), "it holds null in place"),
        (lambda f: damaged_export(f, "[]"), "it holds a list in place"),
        (
            lambda f: damaged_export(f, '{"preprocessor": "", "tasks": [1]}'),
            "an object for each task",
        ),
    ],
)
def test_exports_that_cannot_answer(tmp_path, capsys, make, message):
    assert predict.main([f"--export={make(tmp_path)}", "a.png"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and message in printed


def test_an_export_needs_no_model(setting, capsys):
    argv = [f"--export={setting['folder']}", "--model=cls_det_box", "a.png"]
    assert predict.main(argv) == 1
    assert "Leave out one of them" in capsys.readouterr().err


COLUMNS = {
    "age": tf.TensorSpec((None,), tf.float32),
    "town": tf.TensorSpec((None,), tf.string),
}


def test_columns_are_read_from_json(tmp_path):
    (tmp_path / "a.json").write_text('{"age": [1, 2], "town": ["x", "y"]}')
    (tmp_path / "b.json").write_text('{"age": [3], "town": ["z"]}')
    paths = [str(tmp_path / name) for name in ("a.json", "b.json")]
    assert raw_inputs.read(COLUMNS, "ColumnPreprocessor", paths) == {
        "age": [1, 2, 3],
        "town": ["x", "y", "z"],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "a list in place of an object"),
        ("[" * 9999, "nested too deeply"),
        ('{"age": 1, "town": 2}', "a list for each"),
        ('{"age": [1]}', "a list for each"),
        ("{", "Expected a JSON file"),
        ("\udcff", "Expected a JSON file"),
    ],
)
def test_columns_that_cannot_be_read(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(ValueError, match=message):
        raw_inputs.read(COLUMNS, "ColumnPreprocessor", [str(path)])


@pytest.mark.slow
def test_an_export_of_sentences(tmp_path):
    argv = ["--model=intent_slot", f"--output={tmp_path}", "play some jazz"]
    assert export.main(argv) == 0
    code = (
        "from zoo.commands.predict import exported\n"
        f"found = exported.Exported({str(tmp_path)!r})\n"
        "print(found({'text': ['play some jazz']})['intent_name'][0].decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "PlayMusic"
    assert exported.Exported(tmp_path).preprocessor == "SentencePreprocessor"
