"""Warm-up requests, read back with TensorFlow Serving's own protocol."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import export
from mtl_keras.export import warmup
from tests.mtl_keras.export.image_model import (
    PREPROCESSOR,
    TASKS,
    image_model,
    random_images,
)
from tests.mtl_keras.export.tiny_model import tiny_model
from tests.test_case import vector_model


def requests_of(folder):
    from tensorflow_serving.apis import prediction_log_pb2

    file = folder / "assets.extra" / "tf_serving_warmup_requests"
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(file))
    ]
    assert all(log.WhichOneof("log_type") == "predict_log" for log in logs)
    return {
        log.predict_log.request.model_spec.signature_name: (
            log.predict_log.request
        )
        for log in logs
    }


def test_each_signature_answers_its_request(exported):
    model, folder = exported.model, exported.folder
    images = random_images(2)
    requests = requests_of(folder)
    served = tf.saved_model.load(str(folder)).signatures
    assert set(requests) == set(served)
    expected = model.predict(images / np.float32(255), verbose=0)
    for name, request in requests.items():
        assert request.model_spec.name == "net"
        inputs = {
            key: tf.constant(tf.make_ndarray(proto))
            for key, proto in request.inputs.items()
        }
        answers = served[name](**inputs)
        for task in set(answers) & set(TASKS):
            np.testing.assert_allclose(answers[task], expected[task], atol=1e-5)


def test_without_a_preprocessor_examples_are_dense(tmp_path):
    x = np.ones((3, 8), "float32")
    folder = export.saved_model(
        vector_model(), tmp_path / "1", examples={"x": x}
    )
    requests = requests_of(folder)
    assert set(requests) == {"serving_default", *TASKS}
    for request in requests.values():
        np.testing.assert_array_equal(tf.make_ndarray(request.inputs["x"]), x)


def test_without_examples_there_is_no_file(tmp_path):
    folder = export.saved_model(tiny_model(), tmp_path / "1")
    assert not (folder / "assets.extra" / warmup.FILE).exists()


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([b"x"], "must be a dict"),
        ({}, "without 'image'"),
        ({"imag": [b"x"]}, "Did you mean 'image'"),
        ({"image": [1.5]}, r"examples\['image'\]"),
        ({"image": b"x"}, r"of shape \(None,\)"),
        ({"image": []}, "at least one"),
        ({"image": [b"no image"]}, "valid inputs of the model"),
    ],
)
def test_examples_that_do_not_fit(tmp_path, examples, message):
    with pytest.raises(ValueError, match=message):
        export.saved_model(
            image_model(), tmp_path / "1", PREPROCESSOR, examples=examples
        )
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(ValueError, match="tensorflow-serving-api"):
        export.saved_model(
            vector_model(), tmp_path / "1", examples={"x": np.ones((1, 8))}
        )
