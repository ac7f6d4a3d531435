import keras
import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("keras_hub", reason="needs the extra hub")
pytest.importorskip("tensorflow_text", reason="needs the extra hub")

import zoo
from mtl_keras import MultiTaskModel, Task, data, export, graph
from mtl_keras.optimizers import PerPart
from tests.serving_process import serve
from tests.test_case import assert_close, to_numpy
from tests.zoo import tiny_backbones
from zoo.pretrained import minilm
from zoo.pretrained.adaptation import adapt_trunk
from zoo.text import pretrained
from zoo.text.encoder import MarkedSubwords

SENTENCES = ["play jazz", "Play gnomic jazz!", "don't play (some) jazz"]
TASKS = (
    Task("intent", "classification", num_classes=3),
    Task("slot", "tagging", class_names=("O", "B-a", "I-a")),
)


@pytest.fixture(scope="module")
def trunk(tmp_path_factory):
    return tiny_backbones.save_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def preprocessor(trunk):
    return pretrained.preprocessor(trunk)


@pytest.fixture(scope="module")
def inputs(preprocessor):
    return preprocessor({"text": tf.constant(SENTENCES)})[0]


def make_model(trunk, **arguments):
    keras.utils.set_random_seed(1)
    features = pretrained.build(trunk, **arguments)
    intent, slot = TASKS
    outputs = {
        "intent": intent.head.build(features.sentence, intent),
        "slot": slot.head.build(features.words, slot),
    }
    return MultiTaskModel(features.inputs, outputs, tasks=TASKS)


def labels_of(inputs):
    shape = inputs["word_starts"].shape
    present = inputs["word_starts"].numpy() > 0
    tags = np.arange(np.prod(shape)).reshape(shape) % 3
    return {
        "intent": np.arange(shape[0], dtype="int32") % 3,
        "slot": np.where(present, tags, -1).astype("int32"),
    }


def train(model, inputs, jit_compile=False):
    model.compile(
        PerPart(
            {
                "trunk": keras.optimizers.AdamW(1e-2),
                "heads": keras.optimizers.AdamW(1e-1),
            }
        ),
        jit_compile=jit_compile,
        run_eagerly=not jit_compile,
    )
    model.fit(inputs, labels_of(inputs), epochs=2, verbose=0)


def outputs_of(model, inputs):
    outputs = model(inputs, training=False)
    return {task: to_numpy(output) for task, output in outputs.items()}


def encoder_of(model):
    return model.get_layer("trunk")


def values_of(model):
    variables = encoder_of(model).backbone.weights
    return {v.path: to_numpy(v) for v in variables}


@pytest.mark.slow
def test_a_word_has_the_features_of_its_first_subword(trunk, inputs):
    features = pretrained.build(trunk)
    model = keras.Model(features.inputs, features.words)
    backbone = encoder_of(model).backbone
    token_ids = inputs["token_ids"].numpy()
    sequence = backbone(
        {
            "token_ids": token_ids,
            "padding_mask": inputs["padding_mask"].numpy(),
            "segment_ids": np.zeros_like(token_ids),
        }
    )["sequence_output"]
    sequence, words = to_numpy(sequence), to_numpy(model(inputs))
    # play gnom ##ic jazz ! behind [CLS].
    assert_close(words[1, :3], sequence[1, [1, 2, 4]], atol=1e-6)
    assert not words[1, 3:].any()


def test_first_subwords_of_marked_words_are_found():
    starts = np.array([[1, 2, 4, 0, 0], [1, 3, 0, 0, 0]], "int32")
    mark = np.array([[0, 0, 1, 0, 0], [0, 0, 0, 0, 1]], "int32")
    output = to_numpy(MarkedSubwords()([starts, mark]))
    # The mark of a word that stands nowhere is ignored.
    assert output.tolist() == [[0, 0, 0, 0, 1], [0] * 5]


@pytest.mark.slow
def test_features_depend_on_which_word_is_marked(trunk):
    marking = pretrained.preprocessor(trunk, marked=True)
    features = pretrained.build(trunk, marked=True)
    model = keras.Model(features.inputs, features.words)
    texts = ("play gnomic jazz", ">>play<< gnomic jazz", "play gnomic >>jazz<<")
    inputs, _ = marking(tf.constant(texts))
    none, first, last = to_numpy(model(inputs))
    plain = pretrained.build(trunk)
    plain_model = keras.Model(plain.inputs, plain.words)
    del inputs["mark"]
    assert_close(none, to_numpy(plain_model(inputs))[0], atol=1e-6)
    # Attention brings the mark to each word.
    for word in range(3):
        assert np.abs(none[word] - first[word]).max() > 1e-5
        assert np.abs(last[word] - first[word]).max() > 1e-5


@pytest.mark.slow
def test_padding_changes_nothing(trunk, preprocessor, inputs):
    model = make_model(trunk)
    alone, _ = preprocessor({"text": tf.constant(SENTENCES[:1])})
    expected = outputs_of(model, alone)
    received = outputs_of(model, inputs)
    assert_close(received["intent"][:1], expected["intent"], rtol=1e-5)
    assert_close(received["slot"][:1, :2], expected["slot"][:, :2], rtol=1e-5)


@pytest.fixture(scope="module", params=["all", "lora", "none"])
def trained(trunk, inputs, request):
    """A trained model and the values of its backbone before training."""
    model = make_model(trunk, trainable=request.param, lora_rank=2)
    before = values_of(model)
    train(model, inputs, jit_compile=True)
    return request.param, model, before


@pytest.mark.slow
@pytest.mark.sampled
def test_only_what_is_chosen_is_trained(trained):
    trainable, model, before = trained
    after = values_of(model)
    changed = {
        path
        for path, value in after.items()
        if not np.array_equal(value, before[path])
    }
    trained = {v.path for v in encoder_of(model).trainable_variables}
    assert changed == trained
    assert not any("pooled_dense" in path for path in trained)
    if trainable == "lora":
        # Query, key, value, output and 2 dense layers, 2 matrices each.
        assert len(trained) == 12
        assert all("lora_kernel" in path for path in trained)
    if trainable == "all":
        assert len(trained) == len(before) - 2


@pytest.mark.sampled
def test_reloaded_model_predicts_the_same(trained, inputs, tmp_path):
    _, model, _ = trained
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    expected, received = (outputs_of(m, inputs) for m in (model, again))
    for task in expected:
        np.testing.assert_array_equal(received[task], expected[task])
    names = [
        [v.path.split("/", 1)[1] for v in m.trainable_variables]
        for m in (model, again)
    ]
    assert names[0] == names[1]
    # The base is stored as it is, not merged with its adapters.
    for ours, theirs in zip(
        values_of(model).values(), values_of(again).values(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_training_resumes_after_a_reload_with_lora(trunk, inputs, tmp_path):
    model = make_model(trunk, trainable="lora", lora_rank=2)
    train(model, inputs)
    model.save_weights(tmp_path / "model.weights.h5")
    again = make_model(trunk, trainable="lora", lora_rank=2)
    again.load_weights(tmp_path / "model.weights.h5")
    for m in (model, again):
        m.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
        m.train_on_batch(inputs, labels_of(inputs))
    ours, theirs = (values_of(m) for m in (model, again))
    assert any("lora" in path for path in ours)
    for a, b in zip(ours.values(), theirs.values(), strict=True):
        assert_close(a, b, atol=1e-6)


def test_adapters_start_on_the_weights_of_a_model_without(
    trunk, inputs, tmp_path
):
    model = make_model(trunk)
    train(model, inputs)
    model.save_weights(tmp_path / "model.weights.h5")
    adapted = make_model(trunk, trainable="lora", lora_rank=2)
    adapted.load_weights(tmp_path / "model.weights.h5")
    expected, received = (outputs_of(m, inputs) for m in (model, adapted))
    assert_close(received["slot"], expected["slot"], rtol=1e-5)
    adapters = encoder_of(adapted).trainable_variables
    # A matrix of zeros on both sides would have no gradient.
    assert all(to_numpy(v).any() for v in adapters if v.name[-1] == "a")


def test_trunk_is_unfrozen_in_stages(trunk, inputs):
    model = make_model(trunk, trainable="none")
    train(model, inputs)
    frozen = values_of(model)
    adapt_trunk(model, "all")
    train(model, inputs)
    changed = [
        path
        for path, value in values_of(model).items()
        if not np.array_equal(value, frozen[path])
    ]
    assert len(changed) == len(frozen) - 2


def test_adapters_stay_when_everything_is_trained(trunk, inputs, tmp_path):
    model = make_model(trunk, trainable="lora", lora_rank=2)
    adapt_trunk(model, "all")
    assert (
        len(encoder_of(model).trainable_variables) == len(values_of(model)) - 2
    )
    train(model, inputs)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    expected, received = (outputs_of(m, inputs) for m in (model, again))
    np.testing.assert_array_equal(received["slot"], expected["slot"])
    assert len(again.trainable_variables) == len(model.trainable_variables)


def test_model_without_a_pretrained_trunk_is_explained():
    model = keras.Sequential([keras.layers.Dense(1, name="other")])
    with pytest.raises(ValueError, match="Expected a model with a pretrained"):
        adapt_trunk(model, "none")


def test_tasks_share_the_backbone(trunk):
    model = make_model(trunk)
    shared = {v.path for v in graph.partition(model).shared_variables}
    assert set(values_of(model)) <= shared


@pytest.mark.slow
def test_batches_have_the_lengths_of_the_buckets(preprocessor):
    rows = tf.data.Dataset.from_tensor_slices(
        ({"text": SENTENCES * 4}, {"intent": [0, 1, 2] * 4})
    )
    words = tf.constant([2, 3, 5] * 4)
    rows = tf.data.Dataset.zip(rows, tf.data.Dataset.from_tensor_slices(words))
    rows = rows.map(
        lambda row, count: (
            row[0],
            {**row[1], "slot": tf.fill([count], 1)},
        )
    )
    batches = data.pipeline(
        rows,
        TASKS,
        preprocessor=preprocessor,
        batch_size=4,
        training=False,
        bucket_lengths=(4, 8, 12),
    )
    lengths = set()
    for inputs, labels, _ in batches:
        shapes = {tuple(v.shape) for v in inputs.values()}
        assert len(shapes) == 1
        assert tuple(labels["slot"].shape) in shapes
        lengths.add(labels["slot"].shape[1])
        np.testing.assert_array_equal(
            labels["slot"] >= 0, inputs["word_starts"] > 0
        )
    assert lengths == {4, 8, 12}


def test_long_sentence_is_truncated_at_its_end(trunk, preprocessor):
    model = make_model(trunk)
    long, cut = "play " * 30, "play " * 14
    outputs = [
        outputs_of(model, preprocessor({"text": tf.constant([text])})[0])
        for text in (long, cut)
    ]
    assert outputs[0]["slot"].shape[1] == 30
    assert_close(outputs[0]["intent"], outputs[1]["intent"], rtol=1e-5)
    assert_close(
        outputs[0]["slot"][:, :14], outputs[1]["slot"][:, :14], rtol=1e-5
    )


@pytest.mark.slow
def test_export_needs_tensorflow_and_its_text_operations(
    trunk, preprocessor, tmp_path
):
    model = make_model(trunk, trainable="lora", lora_rank=2)
    folder = export.saved_model(
        model, tmp_path / "1", preprocessor, data.SpanDecoder(TASKS)
    )
    calls = {("serving_default", 3): {"text": SENTENCES}}
    calls["slot", 1] = {"text": [""]}
    answers = serve(folder, calls, modules=["tensorflow_text"])
    inputs, context = preprocessor({"text": tf.constant(SENTENCES)})
    expected = outputs_of(model, inputs)
    received = answers["serving_default", 3]
    for task in expected:
        assert_close(received[task], expected[task], rtol=1e-5)
    spans = data.SpanDecoder(TASKS)(expected, context)
    np.testing.assert_array_equal(
        received["slot_texts"], spans["slot_texts"].numpy()
    )
    assert answers["slot", 1]["slot"].shape == (1, 3, 3)


@pytest.fixture(scope="module")
def entry(trunk):
    model = zoo.load("intent_slot", trunk=trunk, trainable="lora", crf=True)
    rng = np.random.default_rng(0)
    # Large enough that the answers to the sentences differ.
    for variable in model.trainable_variables:
        variable.assign(0.5 * rng.normal(size=variable.shape))
    return model


def _check_export(model, sentences, tmp_path):
    """Serves an entry without Keras; compares with the model's answers."""
    folder = export.saved_model(
        model, tmp_path / "1", model.preprocessor, model.postprocessor
    )
    calls = {("serving_default", len(sentences)): {"text": sentences}}
    answers = serve(folder, calls, modules=["tensorflow_text"])
    (received,) = answers.values()
    inputs, context = model.preprocessor({"text": tf.constant(sentences)})
    expected = outputs_of(model, inputs)
    for task in expected:
        assert_close(received[task], expected[task], rtol=1e-4, atol=1e-6)
    spans = model.postprocessor(expected, context)
    for key in ("slot_texts", "slot_names", "intent_name"):
        np.testing.assert_array_equal(received[key], spans[key].numpy())
    return received


@pytest.mark.slow
def test_export_of_an_entry_needs_no_keras(entry, tmp_path):
    _check_export(entry, SENTENCES, tmp_path)


@pytest.mark.slow
def test_export_of_minilm_finds_the_slots(tmp_path):
    try:
        minilm.folder()
    except ValueError as error:
        pytest.skip(str(error))
    model = zoo.load("intent_slot", weights="snips-minilm")
    sentence = "Add the Rolling Stones to my party playlist"
    received = _check_export(model, [sentence, "rate it 4 stars"], tmp_path)
    assert received["intent_name"][0] == b"AddToPlaylist"
    slots = dict(
        zip(received["slot_names"][0], received["slot_texts"][0], strict=True)
    )
    assert slots[b"playlist"] == b"party"


def test_dropout_of_the_trunk_may_be_changed(trunk, inputs):
    for dropout, is_changed in ((0.0, False), (0.5, True)):
        features = pretrained.build(trunk, dropout=dropout)
        model = keras.Model(features.inputs, features.words)
        plain = to_numpy(model(inputs, training=False))
        trained = to_numpy(model(inputs, training=True))
        assert np.any(plain != trained) == is_changed


def test_dropout_of_the_trunk_is_an_override(trunk):
    model = zoo.load("intent_slot", trunk=trunk, trunk_dropout=0.25)
    assert model.get_layer("trunk").backbone.dropout == 0.25
    with pytest.raises(ValueError, match="`trunk_dropout` has no effect"):
        zoo.load("intent_slot", trunk_dropout=0.25)


def test_sentence_is_not_longer_than_the_trunk(trunk, preprocessor):
    assert preprocessor.max_length == 16
    with pytest.raises(ValueError, match="has 16 positions. Received"):
        pretrained.preprocessor(trunk, max_length=17)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trainable": "lorra"}, "Did you mean 'lora'"),
        ({"trainable": "lora", "lora_rank": 0}, "`lora_rank` must be"),
        ({"trunk": "hub:/no/such/folder"}, "KerasHub cannot load"),
        ({"trunk": "conv"}, "A pretrained text trunk is"),
    ],
)
def test_wrong_argument_is_explained(trunk, arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        pretrained.build(**{"trunk": trunk, **arguments})
    assert "Received" in str(error.value)


@pytest.mark.slow
def test_subwords_of_marked_tokens_are_those_of_the_words(trunk, preprocessor):
    marked = pretrained.preprocessor(trunk, marked=True)
    inputs, context = marked({"text": tf.constant(["play >>gnomic<< jazz"])})
    plain, _ = preprocessor({"text": tf.constant(["play gnomic jazz"])})
    for name, value in plain.items():
        np.testing.assert_array_equal(inputs[name], value)
    length = plain["word_starts"].shape[1]
    assert to_numpy(inputs["mark"]).tolist() == [[0, 1] + [0] * (length - 2)]
    assert context["text"].numpy()[0] == b"play gnomic jazz"
    # Punctuation is a word here, and no part of the words elsewhere.
    starts = marked(tf.constant("jazz !"))[0]["word_starts"]
    assert np.count_nonzero(starts) == 2
    again = type(marked).from_config(marked.get_config())
    np.testing.assert_array_equal(
        again(tf.constant("a >>jazz<<"))[0]["mark"],
        marked(tf.constant("a >>jazz<<"))[0]["mark"],
    )


@pytest.mark.slow
def test_mark_of_a_word_that_was_dropped_is_dropped(trunk):
    short = pretrained.preprocessor(trunk, max_length=4, marked=True)
    inputs, _ = short({"text": tf.constant(["play jazz jazz >>jazz<<"])})
    assert np.count_nonzero(inputs["word_starts"]) == 2
    assert np.count_nonzero(inputs["mark"]) == 0


@pytest.mark.slow
def test_entry_of_marked_tokens_reads_subwords(trunk):
    model = zoo.load("cls_ner_srl", trunk=trunk, hidden=8, crf=True)
    texts = tf.constant(["Dogs >>bark<< loudly .", "Hm ."])
    inputs, _ = model.preprocessor({"text": texts})
    outputs = model(inputs)
    assert outputs["srl"].shape[:2] == inputs["word_starts"].shape
    other = model.preprocessor(
        {"text": tf.constant([">>Dogs<< bark loudly .", "Hm ."])}
    )[0]
    difference = to_numpy(model(other)["srl"]) - to_numpy(outputs["srl"])
    assert np.abs(difference[0]).max() > 1e-5
    # The trunk knows the predicate, as the zoo's own do.
    difference = to_numpy(model(other)["pos"]) - to_numpy(outputs["pos"])
    assert np.abs(difference[0]).max() > 1e-6
    assert_close(model(other)["pos"][1, :2], outputs["pos"][1, :2])


@pytest.mark.slow
@pytest.mark.parametrize("entry", ["cls_ner_srl", "tag_parse"])
def test_spelling_beside_the_trunk_sees_upper_case(trunk, entry, tmp_path):
    sizes = {"trunk": trunk, "hidden": 8}
    texts = tf.constant(["JAZZ some gnomic", "jazz some gnomic"])
    for spelling, sees in ((None, False), (8, True)):
        model = zoo.load(entry, spelling_units=spelling, **sizes)
        inputs, _ = model.preprocessor({"text": texts})
        assert set(inputs) == {tensor.name for tensor in model.inputs}
        outputs = {name: to_numpy(y) for name, y in model(inputs).items()}
        upper, lower = outputs["pos"]
        assert (np.abs(upper[0] - lower[0]).max() > 1e-6) == sees
        if "cls" in outputs:
            change = np.abs(np.diff(outputs["cls"], axis=0)).max()
            assert (change > 1e-6) == sees
    path = tmp_path / "export"
    export.saved_model(model, path, preprocessor=model.preprocessor)
    call = {("serving_default", 2): {"text": texts.numpy().tolist()}}
    (served,) = serve(path, call, modules=["tensorflow_text"]).values()
    assert_close(served["pos"], to_numpy(model(inputs)["pos"]), atol=1e-5)


@pytest.mark.slow
def test_parser_trains_on_more_subwords_than_a_sentence_may_have_words(
    tmp_path,
):
    trunk = tiny_backbones.save_bert(tmp_path, max_sequence_length=256)
    model = zoo.load(
        "tag_parse", trunk=trunk, hidden=8, arc_units=8, relation_units=4
    )
    long = "gnomic " * 100
    inputs, _ = model.preprocessor({"text": tf.constant([long, "Hm ."])})
    shape = inputs["word_starts"].shape
    assert shape[1] > 160
    present = to_numpy(inputs["word_starts"]) > 0
    number = np.arange(shape[1], dtype="int32")
    # Each word hangs on the one before it.
    labels = {
        name: np.where(present, number if name == "head" else 0, -1)
        for name in model.tasks
    }
    # The padding behind the other sentence changes nothing.
    expected = model(model.preprocessor({"text": tf.constant(["Hm ."])})[0])
    outputs = model(inputs)
    for name, output in outputs.items():
        assert output.shape[:2] == shape
        assert_close(output[1, :2], expected[name][0, :2], atol=1e-5)
    model.compile("sgd", jit_compile=False)
    history = model.fit(inputs, labels, verbose=0).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.slow
def test_parser_reads_subwords(trunk):
    model = zoo.load(
        "tag_parse", trunk=trunk, hidden=8, arc_units=8, relation_units=4
    )
    texts = tf.constant(["Dogs >>bark<< loudly .", "Hm ."])
    inputs, context = model.preprocessor({"text": texts})
    assert set(inputs) == {tensor.name for tensor in model.inputs}
    # Nothing is marked here.
    assert context["text"].numpy()[0] == texts.numpy()[0]
    arcs = to_numpy(model(inputs)["head"])
    assert arcs.shape == (*inputs["word_starts"].shape, 161)
    present = to_numpy(inputs["word_starts"]) > 0
    assert present.sum(axis=1).tolist() == [4, 2]
    assert_close(arcs[present].sum(axis=-1), np.ones(6))
    # No word hangs on itself or on the padding.
    assert arcs[0, 0, 1] == arcs[1, 0, 3:].max() == 0
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 160"):
        model.preprocessor({"text": tf.constant(["a " * 161])})
