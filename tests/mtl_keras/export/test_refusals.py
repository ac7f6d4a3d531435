"""What cannot be exported, and what is said of it."""

import pathlib

import keras
import pytest
import tensorflow as tf

from mtl_keras import export
from tests.mtl_keras.export.image_model import PREPROCESSOR, image_model


def named(*names):
    return image_model(names=names)


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
        export.saved_model(image_model(), path, overwrite=overwrite)
    assert path.is_file() or (path / "thesis.txt").is_file()


def test_an_export_is_not_replaced_by_default(exported):
    with pytest.raises(ValueError, match="overwrite=True"):
        export.saved_model(image_model(), exported.folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preprocessor": lambda raw: (raw, {})}, "input_signature"),
        ({"postprocessor": "decoder"}, "function of"),
        ({"card": pathlib.Path("missing.json")}, "not a file"),
        ({"card": {"model": object()}}, "plain data"),
        ({"postprocessor": lambda o, c: {"cls": o["cls"]}}, "from both"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        export.saved_model(
            image_model(names=("cls", "b", "c")), tmp_path / "1", **arguments
        )


def test_another_backend_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="the backend 'jax'"):
        export.saved_model(None, tmp_path / "1")
