"""A compiled model is saved whole, or not at all."""

import keras
import pytest

from mtl_keras import MultiTaskModel, Task


def model():
    inputs = keras.Input((4,))
    trunk = keras.layers.Dense(3)(inputs)
    outputs = {n: keras.layers.Dense(1)(trunk) for n in ("price", "size")}
    tasks = [Task("price", "regression"), Task("size", "regression")]
    return MultiTaskModel(inputs, outputs, tasks=tasks)


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5"])
def test_file_that_would_drop_the_losses_is_refused(name, tmp_path):
    compiled = model()
    compiled.compile("sgd", loss={"price": "mae"}, loss_weights="uncertainty")
    with pytest.raises(ValueError, match="does not hold the losses.*'.keras'"):
        compiled.save(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_weights_and_a_model_that_is_not_compiled_may_be_hdf5(tmp_path):
    source = model()
    source.save(tmp_path / "model.h5")
    loaded = keras.models.load_model(
        tmp_path / "model.h5", {"MultiTaskModel": MultiTaskModel}
    )
    assert loaded.tasks == source.tasks
    source.compile("sgd")
    source.save_weights(tmp_path / "model.weights.h5")
    source.load_weights(tmp_path / "model.weights.h5")
