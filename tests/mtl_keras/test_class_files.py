"""Classes are found by their files."""

import dataclasses

import pytest

from mtl_keras.balancing import registry as balancers
from mtl_keras.sharing import registry as sharings

REGISTER = '@keras.saving.register_keras_serializable(package="mine")\n'


@pytest.mark.parametrize(
    "files", [balancers._METHODS, sharings._ARCHITECTURES], ids=["b", "s"]
)
def test_a_new_file_is_a_new_class(tmp_path, files):
    (tmp_path / "halves.py").write_text(f"{REGISTER}class Halves(Base):\n")
    (tmp_path / "shared.py").write_text("class Shared(Base):\n")
    found = dataclasses.replace(files, folder=tmp_path)
    assert found.class_names == {"halves": "Halves"}
    (tmp_path / "two.py").write_text(
        f"{REGISTER}class One(Base):\n    x = 1\n{REGISTER}class Two(Base):\n"
    )
    found = dataclasses.replace(files, folder=tmp_path)
    with pytest.raises(ImportError, match="two.py with One, Two"):
        _ = found.class_names


def test_a_layer_is_no_architecture(tmp_path):
    text = f"{REGISTER}class Gate(layers.Layer):\n    x = 1\n"
    (tmp_path / "mine.py").write_text(f"{text}{REGISTER}class Mine(Sharing):\n")
    found = dataclasses.replace(sharings._ARCHITECTURES, folder=tmp_path)
    assert found.class_names == {"mine": "Mine"}
