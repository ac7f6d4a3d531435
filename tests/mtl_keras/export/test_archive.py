import os
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import export, files
from tests.mtl_keras.export.image_model import (
    PREPROCESSOR,
    TASKS,
    encoded,
    image_model,
    random_images,
)
from tests.mtl_keras.export.tiny_model import tiny_model
from tests.serving_process import num_operations, serve, stored_shapes
from tests.test_case import vector_data, vector_model


@pytest.mark.slow
def test_each_signature_answers_like_the_model_without_keras(
    exported, tmp_path
):
    model, folder = exported.model, exported.folder
    calls, expected = {}, {}
    for size in (1, 7):
        images = random_images(size, seed=size)
        dense = images.astype("float32") / 255.0
        jpegs = encoded(images, tf.io.encode_jpeg)
        from_jpegs = PREPROCESSOR({"image": jpegs})[0]["image"].numpy()
        inputs = {
            "serving_default": (encoded(images), dense),
            "serving_dense": (dense, dense),
        }
        for task in TASKS:
            inputs[task] = (jpegs, from_jpegs)
            inputs[f"{task}_dense"] = (dense, dense)
        for signature, (value, pixels) in inputs.items():
            calls[signature, size] = {"image": value}
            expected[signature, size] = model.predict(pixels, verbose=0)

    answers = serve(folder, calls)

    for call, outputs in expected.items():
        signature = call[0].removesuffix("_dense")
        for task in [signature] if signature in TASKS else TASKS:
            np.testing.assert_allclose(
                answers[call][task], outputs[task], rtol=1e-5, atol=1e-5
            )
    assert set(answers["cls", 1]) == {"cls", "cls_name", "cls_score"}
    for signature in ("serving_default", "serving_dense"):
        best = expected[signature, 7]["cls"].argmax(-1)
        names = answers[signature, 7]["cls_name"]
        assert names.tolist() == [b"abc"[i : i + 1] for i in best]


@pytest.mark.slow
def test_boxes_are_in_pixels_of_the_original_image(exported):
    folder = exported.folder
    # 16 x 32 lies on the canvas of 8 x 8 as rows 2 to 6: one unit of y on the
    # canvas is 32 pixels of the original, of which 8 are the margin above.
    wide = np.zeros((16, 32, 1), "uint8")
    wide[4:12, 8:20] = 255
    served = tf.saved_model.load(str(folder)).signatures["box"]
    answer = served(image=tf.constant(encoded([wide])))
    x1, y1, x2, y2 = answer["box"].numpy()[0]
    by_hand = [
        32 * x1,
        np.clip(32 * y1 - 8, 0, 16),
        32 * x2,
        np.clip(32 * y2 - 8, 0, 16),
    ]
    np.testing.assert_allclose(
        answer["box_pixels"].numpy()[0], by_hand, rtol=1e-5
    )


def test_a_task_signature_computes_no_other_head(exported):
    folder = exported.folder
    loaded = tf.saved_model.load(str(folder)).signatures
    for task in TASKS:
        assert num_operations(loaded[task]) < num_operations(
            loaded["serving_default"]
        )
        assert num_operations(loaded[f"{task}_dense"]) < num_operations(
            loaded["serving_dense"]
        )
        assert all(
            name.startswith(task) for name in loaded[task].structured_outputs
        )


def test_variables_are_stored_once(exported):
    model, folder = exported.model, exported.folder
    # Neither the optimizer's variables nor the seed of dropout are served.
    expected = [tuple(weight.shape) for weight in model.weights]
    assert stored_shapes(folder) == sorted(expected)


def test_a_model_that_looks_words_up(tmp_path):
    layers = keras.layers
    word = keras.Input((), dtype="string", name="word")
    number = layers.StringLookup(vocabulary=["apple", "banana"])(word)
    vector = layers.Embedding(3, 4)(number)
    outputs = {"a": layers.Dense(2, name="a")(vector)}
    model = keras.Model(word, outputs)
    folder = export.saved_model(model, tmp_path / "1")
    words = tf.constant(["banana", "cherry"])
    served = tf.saved_model.load(str(folder)).signatures["a"](word=words)
    np.testing.assert_allclose(
        served["a"], model.predict(words, verbose=0)["a"], rtol=1e-5
    )


def test_mixed_precision_answers_like_the_model(tmp_path):
    model = image_model(policy="mixed_bfloat16")
    folder = export.saved_model(model, tmp_path / "1")
    images = random_images(7).astype("float32")
    served = tf.saved_model.load(str(folder)).signatures["serving_default"]
    answers = served(image=tf.constant(images))
    for task, output in model.predict(images, verbose=0).items():
        np.testing.assert_allclose(answers[task], output, atol=1e-5)


@pytest.mark.slow
def test_a_multi_task_model_after_training(tmp_path):
    model = vector_model()
    x, labels = vector_data()
    model.compile("adam")
    model.fit(x, labels, verbose=0)
    folder = export.saved_model(model, tmp_path / "1")
    signatures = tf.saved_model.load(str(folder)).signatures
    expected = model.predict(x, verbose=0)
    assert set(signatures) == {"serving_default", *expected}
    for task, output in expected.items():
        (answer,) = signatures[task](x=tf.constant(x)).values()
        np.testing.assert_allclose(answer, output, rtol=1e-5, atol=1e-6)
    assert len(stored_shapes(folder)) == len(model.weights)


def test_export_leaves_the_model_as_it_was(exported):
    (config, before), (config_after, after) = exported.states
    assert config_after == config
    for task in TASKS:
        np.testing.assert_array_equal(after[task], before[task])


def test_without_a_preprocessor_signatures_read_dense_inputs(tmp_path):
    a = keras.Input((3,), name="a")
    b = keras.Input((), dtype="int32", name="b")
    embedded = keras.layers.Embedding(5, 3)(b)
    dense = keras.layers.Dense
    outputs = {
        "both": dense(2, name="both")(keras.layers.add([a, embedded])),
        "one": dense(1, name="one")(a),
    }
    model = keras.Model({"b": b, "a": a}, outputs)
    folder = export.saved_model(model, str(tmp_path / "deep" / "1"))
    loaded = tf.saved_model.load(str(folder)).signatures
    assert set(loaded) == {"serving_default", "both", "one"}
    inputs = {"a": np.ones((2, 3), "float32"), "b": np.array([1, 4], "int32")}
    expected = model.predict(inputs, verbose=0)
    answer = loaded["serving_default"](
        **{k: tf.constant(v) for k, v in inputs.items()}
    )
    for task in outputs:
        np.testing.assert_allclose(answer[task], expected[task], rtol=1e-5)


def test_an_ordered_dict_of_outputs_keeps_its_names(tmp_path):
    x = keras.Input((2,), name="x")
    outputs = {
        "z": keras.layers.Dense(1, name="z")(x),
        "a": keras.layers.Dense(3, name="a")(x),
    }
    model = keras.Model(x, outputs)
    folder = export.saved_model(model, tmp_path / "1")
    loaded = tf.saved_model.load(str(folder)).signatures
    assert loaded["z"](x=tf.ones((1, 2)))["z"].shape == (1, 1)
    assert loaded["a"](x=tf.ones((1, 2)))["a"].shape == (1, 3)


def test_overwrite_replaces_an_earlier_export_and_leaves_nothing_else(
    tmp_path,
):
    export.saved_model(tiny_model(seed=0), tmp_path / "1")
    model = tiny_model(seed=1)
    export.saved_model(model, tmp_path / "1", overwrite=True)
    x = np.ones((1, 2), "float32")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["a"]
    np.testing.assert_allclose(
        served(x=tf.constant(x))["a"],
        model.predict(x, verbose=0)["a"],
        rtol=1e-5,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


@pytest.fixture
def earlier(tmp_path):
    """An export, and what it computes for an input of ones."""
    model = tiny_model()
    folder = export.saved_model(model, tmp_path / "1")
    return folder, model.predict(np.ones((1, 2)), verbose=0)["a"]


def assert_kept(folder, expected):
    served = tf.saved_model.load(str(folder)).signatures["a"]
    np.testing.assert_allclose(
        served(x=tf.ones((1, 2)))["a"], expected, rtol=1e-5
    )
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


def test_an_export_that_fails_keeps_the_earlier_one(earlier):
    folder, expected = earlier

    def fail(outputs, context):
        raise RuntimeError("no output")

    with pytest.raises(RuntimeError, match="no output"):
        export.saved_model(
            tiny_model(seed=1), folder, postprocessor=fail, overwrite=True
        )
    assert_kept(folder, expected)


def test_a_rename_that_fails_keeps_the_earlier_one(earlier, monkeypatch):
    folder, expected = earlier
    rename = os.rename

    def fail(source, target):
        if pathlib.Path(source).name == "new":
            raise OSError("disk full")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="disk full"):
        export.saved_model(tiny_model(seed=1), folder, overwrite=True)
    assert_kept(folder, expected)


@pytest.mark.parametrize("name", [".1.partial", ".1.k3_x09ab"])
@pytest.mark.parametrize("is_swapping", [False, True])
def test_what_a_killed_export_left_is_undone(earlier, name, is_swapping):
    folder, expected = earlier
    left = folder.with_name(name)
    left.joinpath("new").mkdir(parents=True)
    if is_swapping:
        # The kill came between the two renamings.
        folder.rename(left / "old")
    if is_swapping:
        with pytest.raises(ValueError, match="must not exist yet"):
            export.saved_model(tiny_model(seed=1), folder)
    else:
        export.saved_model(tiny_model(seed=0), folder, overwrite=True)
    assert_kept(folder, expected)


def test_a_folder_of_the_users_with_such_a_name_is_kept(tmp_path):
    own = tmp_path / ".1.abcdefgh"
    own.mkdir()
    own.joinpath("notes.txt").touch()
    export.saved_model(tiny_model(), tmp_path / "1")
    assert own.joinpath("notes.txt").exists()


def test_two_exports_at_once_are_refused(tmp_path):
    with (
        files.lock(tmp_path / ".1.lock", "It"),
        pytest.raises(ValueError, match="1' is in use by another process"),
    ):
        export.saved_model(tiny_model(), tmp_path / "1")
    assert not (tmp_path / "1").exists()


@pytest.mark.parametrize("write", [export.saved_model, export.onnx])
def test_weights_that_are_not_finite_are_not_exported(tmp_path, write):
    model = tiny_model()
    model.get_layer("a").bias.assign([0.0, np.nan, 0.0])
    with pytest.raises(ValueError, match="NaN or infinity in the variable"):
        write(model, tmp_path / "1.onnx")
    assert list(tmp_path.iterdir()) == []
