"""What a recipe says about the model that it trains."""

import keras
import pytest
from ml_collections import ConfigDict

from zoo import preparation

CONFIG = {
    "model": "cls_det_box",
    "seed": 0,
    "batch_size": 4,
    "overrides": {"width": 0.25, "image_size": 16},
}


def load(**fields):
    return preparation.load_model(ConfigDict({**CONFIG, **fields}))


def test_policy_holds_for_the_model_and_for_nothing_else():
    before = keras.config.dtype_policy().name
    model = load(dtype_policy="mixed_bfloat16")
    assert keras.config.dtype_policy().name == before
    assert model.dtype_policy.name == "mixed_bfloat16"
    layer = model.get_layer("trunk_stem")
    assert (layer.compute_dtype, layer.variable_dtype) == (
        "bfloat16",
        "float32",
    )
    assert {output.dtype for output in model.outputs} == {"float32"}


def test_unknown_policy_is_an_error():
    before = keras.config.dtype_policy().name
    with pytest.raises(ValueError, match="dtype_policy.*'mixed_bfloat16'"):
        load(dtype_policy="mixed_bfloat")
    assert keras.config.dtype_policy().name == before


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"loss_weights": {"clas": 1.0}}, "names the task 'clas'.*'cls'"),
        ({"loss_weights": "cagradd"}, "Did you mean 'cagrad'"),
        ({"balancer": {"c": 0.4}}, "the balancer that `loss_weights` names"),
        ({"monitor": "val_los"}, "names 'val_los'.*Did you mean 'val_loss'"),
        ({"monitor": "val_cls_acuracy"}, "Did you mean 'val_cls_accuracy'"),
        (
            {
                "monitor": "val_box_loss",
                "overrides": {**CONFIG["overrides"], "tasks": ("cls",)},
            },
            "names 'val_box_loss'",
        ),
    ],
)
def test_wrong_names_are_found_before_data_is_prepared(
    monkeypatch, fields, message
):
    monkeypatch.setattr(preparation, "make_datasets", _prepares_nothing)
    with pytest.raises(ValueError, match=message):
        preparation.prepare(ConfigDict({**CONFIG, **fields}))


@pytest.mark.parametrize("monitor", ["val_loss", "val_cls_accuracy", None])
def test_right_names_are_accepted(monkeypatch, monitor):
    monkeypatch.setattr(preparation, "make_datasets", lambda *_: {"train": 1})
    config = {**CONFIG, "loss_weights": {"cls": 2.0}, "monitor": monitor}
    _, datasets = preparation.prepare(ConfigDict(config))
    assert datasets == {"train": 1}


def _prepares_nothing(*args):
    raise AssertionError("Data was prepared.")
