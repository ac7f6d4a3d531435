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
