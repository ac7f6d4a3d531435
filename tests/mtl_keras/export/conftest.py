"""One exported model, which several files of tests read."""

import dataclasses
import json
import pathlib

import keras
import pytest

from mtl_keras import export
from tests.mtl_keras.export.image_model import (
    DECODER,
    PREPROCESSOR,
    encoded,
    image_model,
    random_images,
)


@dataclasses.dataclass(frozen=True)
class Exported:
    """A trained model, its export, and the model before and after exporting.

    `states` are pairs of the config, as JSON, and of predictions.
    """

    model: keras.Model
    folder: pathlib.Path
    states: list


def _state(model, images):
    config = json.dumps(model.get_config(), default=str)
    return config, model.predict(images, verbose=0)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A model that was trained and exported with everything."""
    model = image_model()
    images = random_images(2).astype("float32")
    targets = model.predict(images, verbose=0)
    model.compile("adam", loss="mse")
    model.fit(images, targets, epochs=2, verbose=0)
    states = [_state(model, images)]
    folder = export.saved_model(
        model,
        tmp_path_factory.mktemp("exported") / "net" / "1",
        PREPROCESSOR,
        DECODER,
        examples={"image": encoded(random_images(2))},
    )
    states.append(_state(model, images))
    return Exported(model, folder, states)
