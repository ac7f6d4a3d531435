"""Recipes beside the models' own, over pretrained trunks: each takes a step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from mtl_keras.training.recipe import compile_model
from tests.zoo.batches import random_batch
from zoo import preparation, recipe_file, registry
from zoo.pretrained import efficientnet_lite0, minilm

_RECIPES = [
    path
    for path in sorted(registry.RECIPES.glob("*_*.py"))
    if path.stem not in (*zoo.list_models(), "__init__")
]


def _need(trunk):
    """Skips where a pretrained trunk is absent."""
    if trunk == minilm.NAME:
        pytest.importorskip("keras_hub", reason="needs the extra hub")
        pytest.importorskip("tensorflow_text", reason="needs the extra hub")
    find = {
        minilm.NAME: minilm.folder,
        efficientnet_lite0.NAME: efficientnet_lite0.weight_file,
    }[trunk]
    try:
        find()
    except ValueError as error:
        pytest.skip(str(error))


def _sentences(model):
    """A batch of two sentences, the second padded."""
    texts = tf.constant(["Dogs >>bark<< in Rome .", "Hm ."])
    inputs, _ = model.preprocessor({"text": texts})
    tags = np.where(inputs["word_starts"].numpy() > 0, 0, -1).astype("int32")
    labels = {
        name: tags if task.kind == "tagging" else np.zeros(2, "int32")
        for name, task in model.tasks.items()
    }
    return inputs, labels


def test_there_are_recipes():
    assert "tag_parse_minilm" in [path.stem for path in _RECIPES]


@pytest.mark.parametrize("path", _RECIPES, ids=lambda path: path.stem)
def test_recipe_is_found_by_the_end_of_its_name(path):
    config = recipe_file.read(path, [])
    name = path.stem.removeprefix(f"{config.model}_")
    assert zoo.recipe(config.model, name) == path
    assert config.data in zoo.info(config.model)["data"]


@pytest.mark.slow
@pytest.mark.parametrize("path", _RECIPES, ids=lambda path: path.stem)
def test_recipe_takes_a_step_compiled_by_xla(path):
    config = recipe_file.read(path, ["--config.jit_compile=True"])
    _need(config.overrides.trunk)
    keras.utils.set_random_seed(0)
    model = preparation.load_model(config)
    is_text = zoo.info(config.model)["reads"] == "text"
    inputs, labels = _sentences(model) if is_text else random_batch(model)
    compile_model(model, config.to_dict(), steps=1)
    logs = model.train_on_batch(inputs, labels, return_dict=True)
    assert np.isfinite(logs["loss"])
    assert all(np.isfinite(logs[f"{task}_loss"]) for task in model.tasks)
