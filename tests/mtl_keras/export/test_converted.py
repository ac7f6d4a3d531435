"""LiteRT and ONNX files, in runtimes of their own."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import export
from mtl_keras.export import onnx_names, runtimes
from tests.mtl_keras.export.image_model import image_model, random_images
from tests.mtl_keras.export.tiny_model import tiny_model
from tests.test_case import vector_data, vector_model

WRITERS = {".tflite": export.litert, ".onnx": export.onnx}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model, and both files of it."""
    model = image_model()
    folder = tmp_path_factory.mktemp("files")
    return model, {
        ending: write(model, folder / f"net{ending}")
        for ending, write in WRITERS.items()
    }


@pytest.mark.sampled
@pytest.mark.parametrize("ending", WRITERS)
def test_names_and_answers_are_the_models(files, ending):
    model, paths = files
    runtime = runtimes.open_file(paths[ending])
    assert runtime.inputs == {"image": (None, 8, 8, 1)}
    for size in (1, 7, 2):
        images = random_images(size).astype("float32") / 255
        expected = model.predict(images, verbose=0)
        answers = runtime({"image": images})
        assert set(answers) == set(expected)
        for task, value in expected.items():
            np.testing.assert_allclose(answers[task], value, atol=1e-5)


@pytest.mark.slow
def test_float16_is_half_the_size_and_differs_a_little(tmp_path):
    model = vector_model(hidden=512)
    x, _ = vector_data()
    whole = export.litert(model, tmp_path / "a.tflite")
    half = export.litert(model, tmp_path / "b.tflite", float16=True)
    assert half.stat().st_size < 0.65 * whole.stat().st_size
    exact = export.compare(model, whole, {"x": x}).differences
    rounded = export.compare(model, half, {"x": x}).differences
    for task in exact:
        assert exact[task] < 1e-6
        assert 1e-6 < rounded[task] < 1e-2


def loop_model():
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 3), name="x")
    states = keras.layers.SimpleRNN(4, return_sequences=True)(x)
    return keras.Model(x, {"tag": keras.layers.Dense(2, name="tag")(states)})


@pytest.mark.slow
def test_a_loop_needs_a_batch_size_in_litert(tmp_path):
    model = loop_model()
    path = tmp_path / "loop.tflite"
    with pytest.raises(ValueError, match="TensorListReserve.*batch_size=1"):
        export.litert(model, path)
    assert list(tmp_path.iterdir()) == []
    export.litert(model, path, batch_size=2)
    # Any number of examples is asked about two by two.
    for size in (1, 2, 5):
        x = np.random.default_rng(0).normal(size=(size, 6, 3))
        found = export.compare(model, path, {"x": x.astype("float32")})
        assert found.num_examples == size
        assert found.differences["tag"] < 1e-5


@pytest.mark.slow
def test_a_loop_in_onnx(tmp_path):
    model = loop_model()
    path = export.onnx(model, tmp_path / "loop.onnx")
    x = np.random.default_rng(0).normal(size=(5, 6, 3)).astype("float32")
    assert export.compare(model, path, {"x": x}).differences["tag"] < 1e-5


def test_gelu_in_onnx(tmp_path):
    # It is computed by erfc, which tf2onnx does not know.
    x = keras.Input((3,), name="x")
    model = keras.Model(x, {"a": keras.layers.Dense(4, "gelu", name="a")(x)})
    path = export.onnx(model, tmp_path / "gelu.onnx")
    values = np.linspace(-5, 5, 30).reshape(10, 3).astype("float32")
    found = export.compare(model, path, {"x": values})
    assert found.differences["a"] < 1e-6


def words_model():
    word = keras.Input((), dtype="string", name="word")
    number = keras.layers.StringLookup(vocabulary=["a", "b"])(word)
    vector = keras.layers.Embedding(3, 4)(number)
    return keras.Model(word, {"a": keras.layers.Dense(2, name="a")(vector)})


@pytest.mark.slow
def test_litert_cannot_compute_in_16_bits(tmp_path, capfd):
    model = image_model(policy="mixed_bfloat16")
    with pytest.raises(ValueError, match="dtype policy float32"):
        export.litert(model, tmp_path / "a.tflite")
    # Nor is the terminal filled with what the converter writes beside.
    assert "error" not in capfd.readouterr().err


@pytest.mark.slow
def test_onnx_computes_in_float16(tmp_path):
    model = image_model(policy="mixed_float16")
    path = export.onnx(model, tmp_path / "a.onnx")
    images = random_images(3).astype("float32") / 255
    found = export.compare(model, path, {"image": images})
    assert max(found.differences.values()) < 1e-2


@pytest.mark.slow
def test_litert_looks_words_up(tmp_path):
    model = words_model()
    path = export.litert(model, tmp_path / "words.tflite")
    words = np.array([b"b", b"other", b"a"])
    (expected,) = model.predict(tf.constant(words), verbose=0).values()
    answer = runtimes.open_file(path)({"word": words})["a"]
    np.testing.assert_allclose(answer, expected, atol=1e-6)


def test_onnx_cannot_look_words_up(tmp_path):
    with pytest.raises(ValueError, match="tf2onnx cannot.*LookupTableFind"):
        export.onnx(words_model(), tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_operation_that_onnx_does_not_know_is_named(tmp_path):
    # tf2onnx only logs it, and leaves it in the file.
    x = keras.Input((3,), name="x")
    tangent = keras.layers.Lambda(tf.math.digamma, name="a")(x)
    with pytest.raises(ValueError, match="Received: .*Digamma"):
        export.onnx(keras.Model(x, {"a": tangent}), tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_its_runtime_cannot_run_is_not_written(
    tmp_path, monkeypatch
):
    def fail(runtime, model):
        raise RuntimeError("perm size: 2 does not match input rank: 3")

    monkeypatch.setattr(runtimes, "try_out", fail)
    for ending, write in WRITERS.items():
        with pytest.raises(ValueError, match="cannot run.*perm size"):
            write(tiny_model(), tmp_path / f"a{ending}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", WRITERS)
def test_paths_that_are_refused(tmp_path, ending):
    write = WRITERS[ending]
    model = tiny_model()
    with pytest.raises(ValueError, match=f"must end in {ending}"):
        write(model, tmp_path / "a.txt")
    (tmp_path / f"folder{ending}").mkdir()
    with pytest.raises(ValueError, match="which is a folder"):
        write(model, tmp_path / f"folder{ending}", overwrite=True)
    (tmp_path / f"a{ending}").write_text("mine")
    with pytest.raises(ValueError, match="overwrite=True"):
        write(model, tmp_path / f"a{ending}")
    assert (tmp_path / f"a{ending}").read_text() == "mine"


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, "2", True])
def test_a_wrong_batch_size(tmp_path, batch_size):
    with pytest.raises(ValueError, match="`batch_size` must be"):
        export.litert(
            tiny_model(), tmp_path / "a.tflite", batch_size=batch_size
        )


@pytest.mark.parametrize(
    ("ending", "module", "package"),
    [
        (".tflite", "ai_edge_litert.interpreter", "ai-edge-litert"),
        (".onnx", "onnxruntime", "onnxruntime"),
        (".onnx", "tf2onnx.convert", "tf2onnx"),
    ],
)
def test_missing_packages_are_named(
    tmp_path, monkeypatch, ending, module, package
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=f"{package}.*mtl-keras.serving"):
        WRITERS[ending](tiny_model(), tmp_path / f"a{ending}")


@pytest.mark.parametrize("ending", WRITERS)
def test_another_backend_is_named(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="the backend 'jax'"):
        WRITERS[ending](None, tmp_path / f"a{ending}")


def named_model(inputs, outputs):
    """A model whose outputs tell its inputs and its tasks apart."""
    keras.utils.set_random_seed(0)
    tensors = [keras.Input((2,), name=name) for name in inputs]
    joined = keras.layers.Concatenate()([*tensors, tensors[0]])
    return keras.Model(
        tensors,
        {
            name: keras.layers.Dense(size)(joined)
            for size, name in enumerate(outputs, start=1)
        },
    )


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        (["inputs"], ["outputs", "a"]),
        (["args_0", "inputs"], ["output_0", "inputs_1"]),
        (["self", "a b"], ["name", "inputs"]),
        (
            ["input_of_model_1", "input_of_model_0"],
            ["output_of_model_1", "output_of_model_0"],
        ),
    ],
)
def test_onnx_file_has_the_names_of_the_model(tmp_path, inputs, outputs):
    model = named_model(inputs, outputs)
    path = export.onnx(model, tmp_path / "net.onnx")
    runtime = runtimes.open_file(path)
    assert sorted(runtime.inputs) == sorted(inputs)
    assert sorted(runtime.outputs) == sorted(outputs)
    rng = np.random.default_rng(0)
    x = {n: rng.normal(size=(3, 2)).astype("float32") for n in inputs}
    expected = model.predict([x[name] for name in inputs], verbose=0)
    for name, value in runtime(x).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5)


def test_one_name_for_input_and_output_is_refused_in_onnx(tmp_path):
    with pytest.raises(ValueError, match="'x' as both. Rename"):
        export.onnx(named_model(["x"], ["x"]), tmp_path / "net.onnx")


@pytest.mark.parametrize("name", ["self", "a b", "_a"])
@pytest.mark.parametrize("write", [export.saved_model, export.litert])
def test_input_that_no_signature_can_have_is_named(tmp_path, write, name):
    with pytest.raises(ValueError, match=f"an input '{name}'"):
        write(named_model([name], ["t"]), tmp_path / "1.tflite")


def test_tensors_inside_make_way_for_restored_names():
    from onnx import helper

    branch = helper.make_graph(
        [helper.make_node("Add", ["in", "y"], ["z"])], "branch", [], []
    )
    graph = helper.make_graph(
        [
            helper.make_node("Neg", ["in"], ["y"]),
            helper.make_node("If", ["y"], ["out"], then_branch=branch),
        ],
        "graph",
        [helper.make_tensor_value_info("in", 1, [1])],
        [helper.make_tensor_value_info("out", 1, [1])],
    )
    onnx_names.rename(graph, {"in": "x", "out": "y"})
    (negative, condition) = graph.node
    assert (negative.input[:], negative.output[:]) == (["x"], ["y_inner"])
    assert (condition.input[:], condition.output[:]) == (["y_inner"], ["y"])
    (add,) = condition.attribute[0].g.node
    assert add.input[:] == ["x", "y_inner"]
    assert [graph.input[0].name, graph.output[0].name] == ["x", "y"]
