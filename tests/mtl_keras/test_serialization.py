"""Stand-ins: registered in any order of imports, and as good as the classes."""

import inspect
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import mtl_keras
import zoo  # noqa: F401  Its classes are looked up by the package's name.
from mtl_keras import serialization
from tests import test_case as case

ROOT = pathlib.Path(mtl_keras.__file__).parents[1]
# As much of Keras as the stand-ins touch; importing it costs nothing.
KERAS = """
import os, sys, types
if os.environ.pop("FAIL", None):
    raise RuntimeError("no backend")
_objects = {}
saving = types.SimpleNamespace(get_custom_objects=lambda: _objects)
"""
IMPORTS = {
    "the library first": "import mtl_keras, keras",
    "Keras first": "import keras, mtl_keras",
    "a part of the library first": "import mtl_keras.messages, keras",
    "the library twice": (
        "import importlib, mtl_keras\n"
        "importlib.reload(mtl_keras)\n"
        "import keras\n"
        "importlib.reload(mtl_keras)"
    ),
    "both packages wait": "import mtl_keras, zoo, keras",
    "Keras between the packages": "import mtl_keras, keras, zoo",
    "Keras is looked up only": (
        "import importlib.util, mtl_keras\n"
        "assert importlib.util.find_spec('keras')\n"
        "import keras"
    ),
    "Keras fails at first": (
        "import os, mtl_keras\n"
        "os.environ['FAIL'] = 'yes'\n"
        "try:\n"
        "    import keras\n"
        "except RuntimeError as error:\n"
        "    assert 'no backend' in str(error)\n"
        "else:\n"
        "    raise SystemError\n"
        "import keras"
    ),
    "a class of the user's is registered": (
        "import keras\n"
        "objects = keras.saving.get_custom_objects()\n"
        "objects['mtl_keras>GIoU'] = int\n"
        "import mtl_keras\n"
        "assert objects.pop('mtl_keras>GIoU') is int\n"
        "objects['mtl_keras>GIoU'] = None"
    ),
}


@pytest.fixture(scope="module")
def folder_of_keras(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    (folder / "keras.py").write_text(KERAS)
    return folder


@pytest.mark.parametrize("what", IMPORTS)
def test_stand_ins_are_registered(what, folder_of_keras):
    code = (
        "import sys\n"
        f"sys.path[:0] = [{str(folder_of_keras)!r}, {str(ROOT)!r}]\n"
        f"{IMPORTS[what]}\n"
        "print(*sorted(keras.saving.get_custom_objects()))\n"
        "print([f for f in sys.meta_path if 'AfterKeras' in repr(f)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    keys, waiting = done.stdout.splitlines()
    expected = set(serialization.registered("mtl_keras"))
    if "zoo" in IMPORTS[what]:
        expected |= set(serialization.registered("zoo"))
    assert keys.split() == sorted(expected)
    assert waiting == "[]"


@pytest.mark.parametrize("package", ["mtl_keras", "zoo"])
def test_every_registered_class_is_known_beforehand(package):
    root = pathlib.Path(sys.modules[package].__file__).parent
    count = sum(
        path.read_text(encoding="utf-8").count(
            "@keras.saving.register_keras_serializable("
        )
        for path in root.rglob("*.py")
    )
    stand_ins = serialization.registered(package)
    assert len(stand_ins) == count
    for key, stand_in in stand_ins.items():
        real = stand_in.imported()
        assert type(real) is not serialization.Deferred
        assert keras.saving.get_registered_object(key) is real


@pytest.fixture
def unimported(monkeypatch):
    """Keras's registry as it is after a bare `import mtl_keras`."""
    objects = keras.saving.get_custom_objects()
    stand_ins = serialization.registered("mtl_keras")
    for key, stand_in in stand_ins.items():
        monkeypatch.setitem(objects, key, stand_in)
    return stand_ins


def test_a_stand_in_is_as_good_as_its_class(unimported):
    giou = keras.saving.get_registered_object("mtl_keras>GIoU")
    assert giou is unimported["mtl_keras>GIoU"]
    assert inspect.isclass(giou)
    assert giou == mtl_keras.losses.GIoU
    assert giou != mtl_keras.losses.BoxLoss
    assert keras.saving.get_registered_name(giou) == "mtl_keras>GIoU"
    assert type(giou()) is mtl_keras.losses.GIoU
    assert isinstance(mtl_keras.losses.GIoU(), giou)
    assert not isinstance(mtl_keras.losses.BoxLoss(), giou)
    assert not hasattr(giou, "nothing")


def test_a_subclass_of_a_stand_in_is_one_of_its_class(unimported):
    giou = unimported["mtl_keras>GIoU"]

    class Scaled(giou):
        def call(self, y_true, y_pred):
            return 3 * super().call(y_true, y_pred)

    assert issubclass(Scaled, mtl_keras.losses.GIoU)
    assert type(Scaled) is type
    y = np.array([[0, 0, 0.5, 1]], "float32")
    p = np.array([[0, 0, 1, 1]], "float32")
    assert float(Scaled()(y, p)) == pytest.approx(1.5)


def test_losses_and_metrics_are_built_from_their_configs(unimported):
    config = {
        "class_name": "Focal",
        "registered_name": "mtl_keras>Focal",
        "config": {"gamma": 1.5},
    }
    loss = keras.losses.get(config)
    assert type(loss) is mtl_keras.losses.Focal
    assert loss.get_config()["gamma"] == 1.5
    config = keras.saving.serialize_keras_object(mtl_keras.metrics.MeanIoU("x"))
    metric = keras.metrics.get(config)
    assert type(metric) is mtl_keras.metrics.MeanIoU


def test_models_are_cloned_and_loaded(unimported, tmp_path):
    model = case.vector_model()
    model.compile("sgd", loss_weights="famo", loss={"box": "giou"})
    clone = keras.models.clone_model(model)
    assert type(clone) is mtl_keras.MultiTaskModel
    assert type(clone.balancer) is mtl_keras.balancing.FAMO
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    assert type(restored) is mtl_keras.MultiTaskModel
    for received, expected in zip(
        restored.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(received, expected)


def test_an_override_by_the_user_is_loaded(unimported):
    key = "mtl_keras>GIoU"

    @keras.saving.register_keras_serializable(package="mtl_keras", name="GIoU")
    class Own(mtl_keras.losses.GIoU):
        pass

    serialization.register("mtl_keras")
    assert keras.saving.get_registered_object(key) is Own
    config = keras.saving.serialize_keras_object(mtl_keras.losses.GIoU())
    assert type(keras.saving.deserialize_keras_object(config)) is Own
