"""Features of a sentence from all layers of a pretrained trunk."""

import keras
import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("keras_hub", reason="needs the extra hub")
pytest.importorskip("tensorflow_text", reason="needs the extra hub")

import zoo
from mtl_keras import export
from tests.serving_process import serve
from tests.test_case import assert_close, to_numpy
from tests.zoo import tiny_backbones
from zoo.text import pretrained
from zoo.text.encoder import SubwordEncoder

TEXTS = ("play gnomic jazz", "play some", "jazz")


@pytest.fixture(scope="module")
def trunk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    return tiny_backbones.save_bert(folder, num_layers=3)


@pytest.fixture(scope="module")
def inputs(trunk):
    return pretrained.preprocessor(trunk)(tf.constant(TEXTS))[0]


def _model(trunk, **arguments):
    features = pretrained.build(trunk, sentence_layers="all", **arguments)
    outputs = features.sentence, features.words
    return keras.Model(features.inputs, outputs)


def _by_hand(backbone, inputs):
    """Runs the embeddings and the blocks one after another."""
    ids, mask = inputs["token_ids"], inputs["padding_mask"]
    layer = backbone.get_layer
    x = (
        layer("token_embedding")(ids)
        + layer("position_embedding")(layer("token_embedding")(ids))
        + layer("segment_embedding")(tf.zeros_like(ids))
    )
    states = [layer("embeddings_layer_norm")(x)]
    for number in range(3):
        block = layer(f"transformer_layer_{number}")
        states.append(block(states[-1], padding_mask=mask))
    return [to_numpy(state) for state in states]


@pytest.mark.slow
@pytest.mark.parametrize("trainable", ["all", "lora", "none"])
def test_sentence_is_the_mean_of_each_layer(trunk, inputs, trainable):
    model = _model(trunk, trainable=trainable)
    sentence, words = (to_numpy(y) for y in model(inputs))
    backbone = model.get_layer("trunk").backbone
    states = _by_hand(backbone, inputs)
    present = inputs["padding_mask"].numpy()[..., None]
    means = [(x * present).sum(1) / present.sum(1) for x in states]
    assert sentence.shape == (3, 4 * 8)
    assert_close(sentence, np.concatenate(means, -1), atol=1e-5)
    # The words' features are those of the last layer, as without.
    plain = pretrained.build(trunk)
    plain = keras.Model(plain.inputs, (plain.sentence, plain.words))
    last, plain_words = (to_numpy(y) for y in plain(inputs))
    np.testing.assert_array_equal(words, plain_words)
    assert_close(sentence[:, -8:], last, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("trainable", ["all", "lora"])
def test_weights_are_stored_once_and_reloaded(
    trunk, inputs, trainable, tmp_path
):
    model = _model(trunk, trainable=trainable)
    plain = pretrained.build(trunk, trainable=trainable)
    plain = keras.Model(plain.inputs, plain.words)
    assert [v.shape for v in model.variables] == [
        v.shape for v in plain.variables
    ]
    for variable in model.trainable_variables:
        variable.assign_add(keras.ops.full(variable.shape, 0.01))
    model.save(tmp_path / "all.keras")
    plain.save(tmp_path / "last.keras")
    sizes = [(tmp_path / f"{n}.keras").stat().st_size for n in ("all", "last")]
    assert sizes[0] < 1.1 * sizes[1]
    again = keras.models.load_model(tmp_path / "all.keras")
    for ours, theirs in zip(model(inputs), again(inputs), strict=True):
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))


@pytest.mark.slow
def test_class_of_a_sentence_is_read_from_all_layers(trunk, tmp_path):
    sizes = {"trunk": trunk, "hidden": 8, "spelling_units": 8}
    model = zoo.load("cls_ner_srl", sentence_layers="all", **sizes)
    plain = zoo.load("cls_ner_srl", **sizes)
    kernels = [m.get_layer("cls").kernel.shape for m in (model, plain)]
    assert [kernel[0] for kernel in kernels] == [4 * 8 + 8, 8 + 8]
    texts = tf.constant(["play >>some<< jazz", "jazz"])
    inputs, _ = model.preprocessor({"text": texts})
    outputs = {name: to_numpy(y) for name, y in model(inputs).items()}
    # The gradient of the class alone reaches the first layer.
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(inputs)["cls"][:, 0])
    block = model.get_layer("trunk").backbone.get_layer("transformer_layer_0")
    gradients = tape.gradient(loss, [v.value for v in block.trainable_weights])
    assert any(np.abs(to_numpy(g)).max() > 0 for g in gradients)
    path = tmp_path / "export"
    export.saved_model(model, path, preprocessor=model.preprocessor)
    call = {("serving_default", 2): {"text": texts.numpy().tolist()}}
    (served,) = serve(path, call, modules=["tensorflow_text"]).values()
    for task in outputs:
        assert_close(served[task], outputs[task], atol=1e-5)


def test_layers_of_the_zoos_own_trunks_have_no_choice():
    with pytest.raises(ValueError, match="`sentence_layers` has no effect"):
        zoo.load("cls_ner_srl", sentence_layers="all")


def test_unknown_layers(trunk):
    with pytest.raises(ValueError, match="Did you mean 'last'"):
        pretrained.build(trunk, sentence_layers="lst")


def test_backbone_without_blocks_is_refused():
    ids, mask = (
        keras.Input((None,), dtype="int32", name=name)
        for name in ("token_ids", "padding_mask")
    )
    features = keras.layers.Embedding(9, 4, name="table")(ids)
    features = keras.layers.Multiply()([features, mask[..., None]])
    backbone = keras.Model(
        {"token_ids": ids, "padding_mask": mask}, {"sequence_output": features}
    )
    with pytest.raises(ValueError, match="blocks are numbered.*'table'"):
        SubwordEncoder(backbone, all_layers=True)
