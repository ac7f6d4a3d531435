"""Every model of the zoo, taken from the registry: none can be forgotten."""

import contextlib
import functools
import importlib
import os
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from mtl_keras import export, files
from tests.zoo.batches import BATCH_SIZE, random_batch
from tests.zoo.served import SERVED, is_default
from zoo import card_check, card_writer, recipe_file, registry, weights
from zoo.datasets import digit_clips, digit_scenes, scenes
from zoo.pretrained import minilm

NAMES = zoo.list_models()
# A softmax over positions ignores what is added to all of them: the gradient
# of this bias is 0, but for rounding.
_SHIFTS = "_attention/bias"


def test_there_are_entries():
    assert "cls_det_box" in NAMES


@functools.cache
def _model(name):
    keras.utils.set_random_seed(0)
    return zoo.load(name)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_named_after_the_tasks(name):
    model = _model(name)
    inputs, _ = random_batch(model)
    outputs = model.predict(inputs, verbose=0)
    assert set(outputs) == set(model.tasks) == set(zoo.info(name)["tasks"])
    for value in outputs.values():
        assert np.isfinite(value).all()


@pytest.mark.sampled
@pytest.mark.parametrize("name", NAMES)
def test_reload_gives_the_same_answers(name, tmp_path):
    model = _model(name)
    inputs, _ = random_batch(model)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    expected = model.predict(inputs, verbose=0)
    received = again.predict(inputs, verbose=0)
    for task, value in expected.items():
        np.testing.assert_allclose(received[task], value, rtol=1e-6)


@pytest.mark.sampled
@pytest.mark.parametrize("name", NAMES)
def test_step_compiled_by_xla_moves_every_variable(name):
    model = zoo.load(name)
    inputs, labels = random_batch(model)
    before = [v.numpy() for v in model.trainable_variables]
    # A step so large that no update is lost in rounding.
    model.compile(keras.optimizers.SGD(1.0), jit_compile=True)
    history = model.fit(
        inputs, labels, batch_size=BATCH_SIZE, verbose=0, shuffle=False
    ).history
    assert np.isfinite(history["loss"]).all()
    for task in model.tasks:
        assert f"{task}_loss" in history
    unmoved = [
        variable.path
        for variable, old in zip(model.trainable_variables, before, strict=True)
        if np.array_equal(variable.numpy(), old)
        and not variable.path.endswith(_SHIFTS)
    ]
    assert unmoved == []


@pytest.mark.parametrize("name", NAMES)
def test_gradient_reaches_every_variable(name):
    model = zoo.load(name)
    inputs, labels = random_batch(model)
    model.compile("sgd")
    variables = model.trainable_variables
    with tf.GradientTape() as tape:
        outputs = model(inputs, training=True)
        loss = model.compute_loss(y=labels, y_pred=outputs)
    gradients = tape.gradient(loss, [v.value for v in variables])
    for variable, gradient in zip(variables, gradients, strict=True):
        assert gradient is not None, variable.path
        if variable.path.endswith(_SHIFTS):
            continue
        size = float(tf.reduce_max(tf.abs(tf.convert_to_tensor(gradient))))
        assert np.isfinite(size) and size > 0, variable.path


# The first stands for all without --slow; test_every_export.py has the graphs
# that are served with the first weights.
_EXPORTED = NAMES[:1] + [
    name for name, weights_name in SERVED if not is_default(name, weights_name)
]


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(dict.fromkeys(_EXPORTED)))
def test_export_gives_the_models_answers(name, tmp_path):
    model = _model(name)
    inputs, _ = random_batch(model)
    path = export.saved_model(
        model,
        tmp_path / "1",
        preprocessor=model.preprocessor,
        postprocessor=model.postprocessor,
        card=dict(zoo.info(name)),
    )
    served = tf.saved_model.load(str(path))
    assert {"serving_default", *model.tasks} <= set(served.signatures)
    tensors = {key: tf.constant(value) for key, value in inputs.items()}
    received = served.signatures["serving_dense"](**tensors)
    for task, value in model.predict(inputs, verbose=0).items():
        np.testing.assert_allclose(received[task], value, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_card_tells_what_the_model_is(name):
    card = zoo.info(name)
    measured = card_writer.describe(name, registry.find(name).entry)
    for key in measured:
        if key != "data":
            assert card[key] == measured[key], "run `python -m tools.card`"
    assert set(card["data"]) == set(registry.find(name).entry.data)


@pytest.mark.parametrize("name", NAMES)
def test_card_prints(name):
    page = str(zoo.info(name))
    assert page.startswith(name)
    assert max(map(len, page.splitlines())) <= 79


_SHIPPED = [
    (name, weights_name)
    for name in NAMES
    for weights_name in zoo.info(name).get("weights", ())
]


def _need_base(name, weights_name):
    """Skips where the pretrained trunk of light weights is absent."""
    base = zoo.info(name)["weights"][weights_name].get("base")
    if base is None:
        return
    pytest.importorskip("keras_hub", reason="needs the extra hub")
    pytest.importorskip("tensorflow_text", reason="needs the extra hub")
    if base == minilm.NAME:
        try:
            minilm.folder()
        except ValueError as error:
            pytest.skip(str(error))


@pytest.mark.parametrize(("name", "weights_name"), _SHIPPED)
def test_weights_on_the_card_are_those_of_the_package(name, weights_name):
    facts = zoo.info(name)["weights"][weights_name]
    found = weights.find(zoo.info(name), weights_name)
    assert files.sha256(found.path) == facts["sha256"]
    assert found.path.stat().st_size == facts["bytes"] < 8e6


# Light weights are loaded by the slow test below: their base is large.
_WHOLE = [
    (name, weights_name)
    for name, weights_name in _SHIPPED
    if "base" not in zoo.info(name)["weights"][weights_name]
]


@pytest.mark.parametrize(("name", "weights_name"), _WHOLE)
def test_weights_on_the_card_load(name, weights_name):
    model = zoo.load(name, weights=weights_name)
    metrics = zoo.info(name)["weights"][weights_name]["metrics"]
    measured = {
        max((t for t in model.tasks if key.startswith(f"{t}_")), key=len)
        for key in metrics
    }
    assert measured == {*model.tasks}


@pytest.mark.parametrize("name", NAMES)
def test_recipe_fits_the_model(name):
    config = recipe_file.read(zoo.recipe(name), [])
    assert config.model == name
    assert config.data in zoo.info(name)["data"]
    zoo.load(name, config.data, **config.get("overrides", {}))


@pytest.mark.parametrize(("name", "weights_name"), _SHIPPED)
def test_recipe_of_the_weights_has_their_overrides(name, weights_name):
    config = recipe_file.read(zoo.recipe(name, weights=weights_name), [])
    facts = zoo.info(name)["weights"][weights_name]
    assert (config.model, config.data) == (name, facts["data"])
    assert config.overrides.to_dict() == facts["overrides"]


@pytest.mark.parametrize("name", NAMES)
def test_figures_name_weights_and_recipe(name):
    card = zoo.info(name)
    for figures in card.get("figures", ()):
        assert figures["data"] in card["data"]
        assert figures.get("weights") in {None, *card["weights"]}
        assert figures["command"].startswith("python -m tools.train")
        assert len(figures["seeds"]) == len(set(figures["seeds"])) > 0


def _give_real_files(entry, data, data_dir):
    """Puts the real files where a builder looks for files of its user."""
    module_name, _, class_name = entry.data[data].partition(":")
    builder = getattr(importlib.import_module(module_name), class_name)
    # The folder of the originals, where it is not named as the data set.
    name = getattr(builder, "SOURCE", data)
    folder = os.environ.get("MTL_KERAS_DATA")
    source = pathlib.Path(folder or "", name)
    if folder is None or not source.is_dir():
        pytest.skip(f"reads the real data in $MTL_KERAS_DATA/{name}")
    manual = data_dir / "downloads" / "manual" / name
    manual.parent.mkdir(parents=True, exist_ok=True)
    # Another worker may have done so.
    with contextlib.suppress(FileExistsError):
        manual.symlink_to(source, target_is_directory=True)


# Data that need no files, with the attribute that holds their sizes.
_MADE = {
    "digit_clips": (digit_clips.Builder, "CLIPS"),
    "digit_scenes": (digit_scenes.Builder, "SCENES"),
    "scenes": (scenes.Builder, "SCENES"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "weights_name"), _SHIPPED)
def test_weights_reach_the_figures_on_the_card(
    name, weights_name, data_dir, tmp_path, monkeypatch
):
    _need_base(name, weights_name)
    facts = zoo.info(name)["weights"][weights_name]
    if facts["data"] in _MADE:
        # Made here, a minute for all splits; each is the same without others.
        split, (builder, sizes) = facts["split"], _MADE[facts["data"]]
        only = {split: getattr(builder, sizes)[split]}
        monkeypatch.setattr(builder, sizes, only)
        data_dir = tmp_path
    else:
        _give_real_files(registry.find(name).entry, facts["data"], data_dir)
    compared = list(card_check.compare(name, weights_name, data_dir))
    assert len(compared) == len(facts["metrics"]) > 0
    assert [line for line, is_right in compared if not is_right] == []
