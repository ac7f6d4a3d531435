import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import data, export
from tests.test_case import vector_data, vector_model

TASKS = ("box", "cls", "det")
DECODER = data.AnswerDecoder(
    [
        {"name": "cls", "kind": "classification", "class_names": "abc"},
        {"name": "det", "kind": "presence"},
        {"name": "box", "kind": "box"},
    ],
    height=8,
    width=8,
)
PREPROCESSOR = data.ImagePreprocessor(8, 8, 1)

# What a server does: TensorFlow alone, and every call by signature.
SERVER = """
import sys
# TensorFlow imports Keras where it finds it.
sys.modules["keras"] = sys.modules["mtl_keras"] = None
import numpy as np
import tensorflow as tf

folder, calls, answers = sys.argv[1:]
signatures = tf.saved_model.load(folder).signatures
calls = np.load(calls, allow_pickle=True)
results = {}
for key in calls.files:
    signature, size = key.split(":")
    values = calls[key]
    if values.dtype == object:
        values = tf.constant(list(values))
    else:
        values = tf.constant(values)
    for name, output in signatures[signature](image=values).items():
        results[key + ":" + name] = output.numpy()
np.savez(answers, **results)
"""


def picture_model(seed=0, policy="float32", names=TASKS):
    """A trunk with normalisation and dropout, and three heads of Dense."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    # As everywhere under mixed precision, answers are float32.
    with_policy = {"dtype": policy}
    image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, strides=2, **with_policy)(image)
    x = layers.BatchNormalization(**with_policy)(x)
    x = layers.Flatten(**with_policy)(layers.ReLU(**with_policy)(x))
    x = layers.Dropout(0.5, **with_policy)(x)
    answers = ((4, "sigmoid"), (3, "softmax"), (1, "sigmoid"))
    outputs = {
        name: layers.Dense(units, activation, dtype="float32", name=name)(
            layers.Dense(5, name=f"{name}_hidden", **with_policy)(x)
        )
        for name, (units, activation) in zip(names, answers, strict=True)
    }
    model = keras.Model(image, outputs)
    normalisation = model.layers[2]
    normalisation.moving_mean.assign([0.1, -0.2, 0.3, 0.0])
    normalisation.moving_variance.assign([0.5, 1.5, 2.0, 0.1])
    return model


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A trained model and the folder it was exported to, with everything."""
    model = picture_model()
    images = pictures(2).astype("float32")
    targets = model.predict(images, verbose=0)
    model.compile("adam", loss="mse")
    model.fit(images, targets, epochs=2, verbose=0)
    path = tmp_path_factory.mktemp("exported") / "1"
    return model, export.saved_model(model, path, PREPROCESSOR, DECODER)


def pictures(num, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (num, 8, 8, 1)).astype("uint8")


def encoded(images, encode=tf.io.encode_png):
    return np.array([encode(image).numpy() for image in images], object)


def serve(folder, tmp_path, calls):
    """Calls signatures in a process of its own; `{"name:size": values}`."""
    np.savez(tmp_path / "calls.npz", **calls)
    subprocess.run(
        [
            sys.executable,
            "-c",
            SERVER,
            folder,
            tmp_path / "calls.npz",
            tmp_path / "answers.npz",
        ],
        check=True,
        cwd=tmp_path,
    )
    return dict(np.load(tmp_path / "answers.npz", allow_pickle=True))


def num_operations(signature):
    """Counts the operations of a loaded signature, called functions too."""
    definition = signature.graph.as_graph_def()
    functions = definition.library.function
    return len(definition.node) + sum(len(f.node_def) for f in functions)


def test_each_signature_answers_like_the_model_without_keras(
    exported, tmp_path
):
    model, folder = exported
    calls, expected = {}, {}
    for size in (1, 7):
        images = pictures(size, seed=size)
        dense = images.astype("float32") / 255.0
        jpegs = encoded(images, tf.io.encode_jpeg)
        from_jpegs = PREPROCESSOR({"image": list(jpegs)})[0]["image"].numpy()
        inputs = {
            "serving_default": (encoded(images), dense),
            "serving_dense": (dense, dense),
        }
        for task in TASKS:
            inputs[task] = (jpegs, from_jpegs)
            inputs[f"{task}_dense"] = (dense, dense)
        for signature, (value, pixels) in inputs.items():
            calls[f"{signature}:{size}"] = value
            expected[f"{signature}:{size}"] = model.predict(pixels, verbose=0)

    answers = serve(folder, tmp_path, calls)

    for call, outputs in expected.items():
        signature = call.split(":")[0].removesuffix("_dense")
        for task in [signature] if signature in TASKS else TASKS:
            np.testing.assert_allclose(
                answers[f"{call}:{task}"], outputs[task], rtol=1e-5, atol=1e-5
            )
    keys = {key.split(":")[2] for key in answers if key.startswith("cls:")}
    assert keys == {"cls", "cls_name", "cls_score"}
    for call in ("serving_default:7", "serving_dense:7"):
        best = expected[call]["cls"].argmax(-1)
        names = answers[f"{call}:cls_name"]
        assert names.tolist() == [b"abc"[i : i + 1] for i in best]


def test_boxes_are_in_pixels_of_the_original_image(exported):
    _, folder = exported
    # 16 x 32 lies on the canvas of 8 x 8 as rows 2 to 6: one unit of y on the
    # canvas is 32 pixels of the original, of which 8 are the margin above.
    wide = np.zeros((16, 32, 1), "uint8")
    wide[4:12, 8:20] = 255
    served = tf.saved_model.load(str(folder)).signatures["box"]
    answer = served(image=tf.constant(encoded([wide]).tolist()))
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
    _, folder = exported
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
    model, folder = exported
    stored = tf.train.list_variables(str(folder / "variables" / "variables"))
    stored = [
        tuple(shape) for name, shape in stored if "OBJECT_GRAPH" not in name
    ]
    # Neither the optimizer's variables nor the seed of dropout are served.
    expected = [tuple(weight.shape) for weight in model.weights]
    assert sorted(stored) == sorted(expected)


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
    model = picture_model(policy="mixed_bfloat16")
    folder = export.saved_model(model, tmp_path / "1")
    images = pictures(7).astype("float32")
    served = tf.saved_model.load(str(folder)).signatures["serving_default"]
    answers = served(image=tf.constant(images))
    for task, output in model.predict(images, verbose=0).items():
        np.testing.assert_allclose(answers[task], output, atol=1e-5)


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
    stored = tf.train.list_variables(str(folder / "variables" / "variables"))
    # One more for the graph of objects.
    assert len(stored) == len(model.weights) + 1


def test_export_leaves_the_model_as_it_was(tmp_path):
    model = picture_model()
    images = pictures(3).astype("float32")
    config = json.dumps(model.get_config(), default=str)
    before = model.predict(images, verbose=0)
    export.saved_model(model, tmp_path / "1")
    after = model.predict(images, verbose=0)
    assert json.dumps(model.get_config(), default=str) == config
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


@pytest.mark.parametrize("as_file", [False, True])
def test_the_card_lies_beside_the_model(tmp_path, as_file):
    card = {"name": "picture", "tasks": ["box", "cls"]}
    given = card
    if as_file:
        given = tmp_path / "card.json"
        given.write_text(json.dumps(card))
    folder = export.saved_model(picture_model(), tmp_path / "1", card=given)
    assert folder == tmp_path / "1"
    stored = folder / "assets.extra" / "card.json"
    assert json.loads(stored.read_text()) == card


def test_overwrite_replaces_an_earlier_export_and_leaves_nothing_else(
    tmp_path,
):
    export.saved_model(picture_model(seed=0), tmp_path / "1")
    model = picture_model(seed=1)
    export.saved_model(model, tmp_path / "1", overwrite=True)
    images = pictures(1).astype("float32")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["cls"]
    np.testing.assert_allclose(
        served(image=tf.constant(images))["cls"],
        model.predict(images, verbose=0)["cls"],
        rtol=1e-5,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_an_export_that_fails_keeps_the_earlier_one(tmp_path):
    folder = export.saved_model(picture_model(), tmp_path / "1")
    before = sorted(path.name for path in folder.rglob("*"))

    def fail(outputs, context):
        raise RuntimeError("no answer")

    with pytest.raises(RuntimeError, match="no answer"):
        export.saved_model(
            picture_model(), folder, postprocessor=fail, overwrite=True
        )
    assert sorted(path.name for path in folder.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def named(*names):
    return picture_model(names=names)


class Subclassed(keras.Model):
    def call(self, inputs):
        return {"a": inputs}


def list_outputs():
    x = keras.Input((2,))
    return keras.Model(x, [keras.layers.Dense(1)(x)])


def nested_outputs():
    x = keras.Input((2,))
    return keras.Model(x, {"a": {"b": keras.layers.Dense(1)(x)}})


@pytest.mark.parametrize(
    ("make_model", "message"),
    [
        (lambda: "model", "must be a keras.Model"),
        (Subclassed, "no symbolic outputs"),
        (lambda: keras.Sequential([keras.layers.Dense(1)]), "no symbolic"),
        (list_outputs, "one flat dict"),
        (nested_outputs, "one flat dict"),
        (lambda: named("serving_default", "b", "c"), "'serving_default'"),
        (lambda: named("a", "a_dense", "c"), "the task 'a'"),
        (lambda: named("serving", "b", "c"), "the task 'serving'"),
        (lambda: named("variables", "b", "c"), "the task 'variables'"),
    ],
)
def test_models_that_cannot_be_exported(tmp_path, make_model, message):
    with pytest.raises(ValueError, match=message):
        export.saved_model(make_model(), tmp_path / "1", PREPROCESSOR)
    assert list(tmp_path.iterdir()) == []


def test_dense_names_are_free_without_a_preprocessor(tmp_path):
    folder = export.saved_model(named("a", "a_dense", "c"), tmp_path / "1")
    assert "a_dense" in tf.saved_model.load(str(folder)).signatures


def a_file(folder):
    path = folder / "1"
    path.write_text("")
    return path


def a_full_folder(folder):
    path = folder / "1"
    path.mkdir()
    (path / "thesis.txt").write_text("")
    return path


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("make_path", [a_file, a_full_folder])
def test_what_lies_at_the_path_is_kept(tmp_path, make_path, overwrite):
    path = make_path(tmp_path)
    with pytest.raises(ValueError, match="Received: .*1"):
        export.saved_model(picture_model(), path, overwrite=overwrite)
    assert path.is_file() or (path / "thesis.txt").is_file()


def test_an_export_is_not_replaced_unless_told(tmp_path):
    folder = export.saved_model(picture_model(), tmp_path / "1")
    with pytest.raises(ValueError, match="overwrite=True"):
        export.saved_model(picture_model(), folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preprocessor": lambda raw: (raw, {})}, "input_signature"),
        ({"postprocessor": "decoder"}, "function of"),
        ({"card": pathlib.Path("missing.json")}, "no file"),
        ({"card": {"model": object()}}, "plain data"),
        ({"postprocessor": lambda o, c: {"cls": o["cls"]}}, "from both"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        export.saved_model(
            picture_model(names=("cls", "b", "c")), tmp_path / "1", **arguments
        )


def test_another_backend_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="the backend 'jax'"):
        export.saved_model(None, tmp_path / "1")
