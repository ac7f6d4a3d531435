"""Prepared data are used again where their columns are those of the code."""

import numpy as np
import pytest

from zoo import prepared_data

tfds = pytest.importorskip("tensorflow_datasets")


class _Entry:
    data = {"objects": f"{__name__}:Objects"}


class Objects(tfds.core.GeneratorBasedBuilder):
    """Photographs with a list of objects each."""

    name = "objects_of_a_test"
    VERSION = tfds.core.Version("1.0.0")
    box_size = 4

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "number": tfds.features.Tensor(shape=(), dtype=np.int64),
                    "objects": tfds.features.Sequence(
                        {
                            "box": tfds.features.Tensor(
                                shape=(self.box_size,), dtype=np.float32
                            ),
                            "kind": tfds.features.ClassLabel(num_classes=3),
                            "name": tfds.features.Text(),
                        }
                    ),
                }
            )
        )

    def _split_generators(self, dl_manager):
        del dl_manager
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        box = np.zeros(self.box_size, np.float32)
        for number in range(3):
            objects = [{"box": box, "kind": 1, "name": "pear"}]
            yield number, {"number": number, "objects": objects}


def _reversed(infos):
    if not isinstance(infos, dict):
        return infos
    return {name: _reversed(infos[name]) for name in reversed(infos)}


def test_nested_columns_are_the_same_in_any_order(tmp_path, monkeypatch):
    # Read from a file, nested columns come in the order of a hash, which
    # differs between processes.
    prepared_data.prepared_builder(_Entry, "objects", tmp_path)
    features = tfds.features.FeaturesDict
    read = features.from_config.__func__
    in_order = features.get_tensor_info

    def read_reversed(cls, folder):
        stored = read(cls, folder)
        infos = _reversed(in_order(stored))
        monkeypatch.setattr(
            features,
            "get_tensor_info",
            lambda self: infos if self is stored else in_order(self),
        )
        return stored

    monkeypatch.setattr(
        tfds.features.FeatureConnector,
        "from_config",
        classmethod(read_reversed),
    )
    again = prepared_data.prepared_builder(_Entry, "objects", tmp_path)
    assert again.info.splits["train"].num_examples == 3


def test_data_with_another_nested_column_are_refused(tmp_path, monkeypatch):
    prepared_data.prepared_builder(_Entry, "objects", tmp_path)
    monkeypatch.setattr(Objects, "box_size", 5)
    with pytest.raises(ValueError, match="other columns: 'objects/box'") as e:
        prepared_data.prepared_builder(_Entry, "objects", tmp_path)
    assert "Delete the folder" in str(e.value)
    assert str(tmp_path / Objects.name / "1.0.0") in str(e.value)
