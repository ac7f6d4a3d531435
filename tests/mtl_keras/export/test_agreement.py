"""What a converted model's answers differ by."""

import json

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import export
from tests.mtl_keras.export.image_model import image_model
from tests.test_case import assert_close, vector_data, vector_model


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model, an ONNX file of it, and one of the same model elsewhere."""
    folder = tmp_path_factory.mktemp("files")
    model, other = vector_model(seed=0), vector_model(seed=1)
    return (
        model,
        export.onnx(model, folder / "same.onnx"),
        export.onnx(other, folder / "other.onnx"),
        other,
    )


def test_differences_are_the_greatest(files):
    model, _, path, other = files
    x, _ = vector_data()
    found = export.compare(model, path, {"x": x})
    assert found.num_examples == len(x)
    assert found.metrics == {}
    ours, theirs = (m.predict(x, verbose=0) for m in (model, other))
    for task, value in found.differences.items():
        assert_close(value, np.abs(ours[task] - theirs[task]).max(), rtol=1e-3)


@pytest.mark.slow
def test_metrics_are_those_of_evaluate(files):
    model, _, path, other = files
    x, labels = vector_data()
    dataset = tf.data.Dataset.from_tensor_slices((x, labels)).batch(32)
    found = export.compare(model, path, dataset)
    for index, judged in enumerate((model, other)):
        judged.compile()
        logs = judged.evaluate(dataset, verbose=0, return_dict=True)
        del logs["loss"]
        assert set(found.metrics) == set(logs)
        for name, value in logs.items():
            assert_close(found.metrics[name][index], value, rtol=1e-4)


@pytest.mark.slow
def test_metrics_of_compile_and_weights_count(files):
    _, path, _, _ = files
    model = vector_model(seed=0)
    x, labels = vector_data()
    del labels["box"]
    weights = {"cls": np.linspace(0, 2, len(x)).astype("float32")}
    dataset = tf.data.Dataset.from_tensor_slices((x, labels, weights))
    dataset = dataset.batch(20)
    model.compile("adam", metrics={"det": ["auc"]}, loss_weights="cagrad")
    logs = model.evaluate(dataset, verbose=0, return_dict=True)
    found = export.compare(model, path, dataset)
    for pair in (
        found.metrics["det_auc"],
        found.metrics["cls_loss"],
    ):
        assert_close(pair[0], pair[1], rtol=1e-4)
    assert_close(found.metrics["cls_loss"][0], logs["cls_loss"], rtol=1e-4)
    assert_close(found.metrics["det_auc"][0], logs["det_auc"], rtol=1e-4)
    # Nothing was labelled: JSON has no NaN.
    data = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert data["metrics"]["box_iou"]["model"] in (None, 0.0)


def test_the_table_has_a_line_per_task_and_metric():
    agreement = export.Agreement(
        "same.onnx", 70, {"cls": 1.5e-6}, {"cls_accuracy": (0.5, 0.75)}
    )
    assert agreement.table().splitlines() == [
        "same.onnx and the model, 70 examples",
        "                greatest difference",
        "  cls                       1.5e-06",
        "                   model      file  difference",
        "  cls_accuracy    0.5000    0.7500    +2.5e-01",
    ]


def test_wrong_input(files, tmp_path):
    model, path, _, _ = files
    x, labels = vector_data()
    for examples in (x, None, "x"):
        with pytest.raises(ValueError, match="must be a dict of input name"):
            export.compare(model, path, examples)
    with pytest.raises(ValueError, match="at least one example"):
        export.compare(model, path, {"x": x[:0]})
    with pytest.raises(ValueError, match="made from this model.*'image'"):
        export.compare(image_model(), path, {"image": x})
    with pytest.raises(ValueError, match="ends in .tflite or .onnx"):
        export.compare(model, tmp_path, {"x": x})
    with pytest.raises(ValueError, match="which is not a file"):
        export.compare(model, tmp_path / "a.onnx", {"x": x})
    for ending in (".onnx", ".tflite"):
        damaged = tmp_path / f"damaged{ending}"
        damaged.write_bytes(path.read_bytes()[:100])
        with pytest.raises(ValueError, match="a complete .*cannot read"):
            export.compare(model, damaged, {"x": x})


def test_labels_need_a_model_that_knows_its_tasks(files):
    import keras

    model, path, _, _ = files
    plain = keras.Model(
        model.inputs, dict(zip(model.tasks, model.outputs, strict=True))
    )
    x, labels = vector_data()
    dataset = tf.data.Dataset.from_tensor_slices((x, labels)).batch(32)
    with pytest.raises(ValueError, match="a MultiTaskModel"):
        export.compare(plain, path, dataset)
    assert export.compare(plain, path, {"x": x}).differences["cls"] < 1e-5
