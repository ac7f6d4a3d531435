"""What `cls_ner_srl` builds, beyond what every entry is tested for."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from mtl_keras import Task
from zoo.commands.predict import sentences
from zoo.datasets.ewt_joint import names
from zoo.text import cls_ner_srl, trunks
from zoo.text.layers import AtMark, NearMark

_ENTRY = cls_ner_srl.ClsNerSrl()
_SPEC = _ENTRY.spec("ewt_joint")
_SMALL = {"units": 8, "word_units": 8, "spelling_units": 8, "hidden": 8}
_SENTENCES = ("Dogs >>bark<< .", "They said they >>left<< Rome", "Hm .")


def _build(tasks=None, **overrides):
    return _ENTRY.build(_ENTRY.spec("ewt_joint", tasks), **overrides)


@functools.cache
def _preprocessor():
    # Its graph takes seconds to trace: once.
    return _ENTRY.preprocessor(_SPEC)


def _inputs(texts):
    return _preprocessor()(tf.constant(texts))[0]


@pytest.mark.sampled
@pytest.mark.parametrize("trunk", trunks.list_trunks())
def test_padding_changes_no_output(trunk):
    keras.utils.set_random_seed(0)
    model = _build(trunk=trunk, crf=True, **_SMALL)
    together = model(_inputs(_SENTENCES))
    for row, sentence in enumerate(_SENTENCES):
        alone = model(_inputs([sentence]))
        length = alone["srl"].shape[1]
        for name, output in alone.items():
            expected = together[name][row]
            if name != "cls":
                expected = expected[:length]
            np.testing.assert_allclose(output[0], expected, atol=1e-5)


def test_roles_depend_on_which_word_is_marked():
    keras.utils.set_random_seed(0)
    model = _build(**_SMALL)
    one, other, none = (
        model(_inputs([text]))["srl"].numpy()
        for text in (">>Dogs<< bark .", "Dogs >>bark<< .", "Dogs bark .")
    )
    assert np.abs(one - other).max() > 1e-4
    assert np.abs(none - other).max() > 1e-4


def test_distances_are_from_the_first_mark_and_clipped():
    keras.utils.set_random_seed(0)
    layer = NearMark(3, farthest=2)
    mark = np.zeros((3, 6), "int32")
    mark[0, 2] = mark[1, 0] = mark[1, 4] = 1
    output = np.asarray(layer(mark))
    vectors = np.asarray(layer.vectors)
    # Number 2 is the mark itself, 5 a sentence without one.
    np.testing.assert_allclose(output[0], vectors[[0, 1, 2, 3, 4, 4]])
    np.testing.assert_allclose(output[1], vectors[[2, 3, 4, 4, 4, 4]])
    np.testing.assert_allclose(output[2], vectors[[5] * 6])


def test_features_of_the_predicate_are_those_at_the_mark():
    features = np.arange(24, dtype="float32").reshape(2, 4, 3)
    mark = np.array([[0, 1, 0, 0], [0, 0, 0, 0]], "int32")
    output = np.asarray(AtMark()([features, mark]))
    np.testing.assert_allclose(output, [features[0, 1], [0, 0, 0]])


def test_example_marks_the_predicate_of_the_data():
    split = _ENTRY.example(_SPEC)
    element = {
        "tokens": tf.constant(["Dogs", "bark", "."]),
        "predicate": tf.constant(1),
        "id": tf.constant("a"),
        **{name: tf.constant([0]) for name in _ENTRY.kinds},
    }
    inputs, labels = split(element)
    assert inputs["text"].numpy() == b"Dogs >>bark<< ."
    assert set(labels) == set(_ENTRY.kinds)
    inputs, _ = split({**element, "predicate": tf.constant(-1)})
    assert inputs["text"].numpy() == b"Dogs bark ."


@pytest.mark.parametrize("trunk", trunks.list_trunks())
def test_counted_model_has_the_same_variables(trunk):
    sizes = {**_SMALL, "trunk": trunk}
    counted = _build(**sizes, num_tokens=5)
    assert counted.count_params() == _build(**sizes).count_params()


def test_sizes_that_are_left_out_are_those_of_the_trunk():
    sizes = {"trunk": "bilstm", "word_units": 8, "spelling_units": 8}
    default = _build(**sizes)
    named = _build(**sizes, units=192, depth=2, crf=True)
    assert default.count_params() == named.count_params()
    assert default.get_layer("srl").transitions.shape == (71, 71)
    plain = _build(word_units=8, spelling_units=8)
    assert not hasattr(plain.get_layer("srl"), "transitions")
    assert plain.get_layer("trunk_norm").gamma.shape == (160,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trunk": "lstm"}, "Unknown trunk: 'lstm'.*mean 'bilstm'"),
        ({"trunk": "minlm"}, "'hub:PRESET'.*mean 'minilm'"),
        ({"trunk": ["conv"]}, r"Unknown trunk: \['conv'\]"),
        ({"tasks": ("sr",)}, "mean 'srl'"),
        ({"units": 6}, "multiple of 4"),
        ({"depth": 0}, "`depth` must be an integer of at least 1"),
        ({"hidden": 0}, "`hidden` must be an integer of at least 1"),
        ({"dropout": 1.0}, r"`dropout` must be a number in \[0, 1\)"),
        ({"crf": 2}, "`crf` must be"),
        ({"lora_rank": 4}, "no effect on the trunk 'conv'"),
        ({"trunk": "minilm", "units": 8}, "no effect on the trunk 'minilm'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        _build(**arguments)


_FOLDER = """\
# global.columns = token pos ner srl
# cls = news
Dogs NOUN O B-ARG0
>>bark<< VERB O O
U.S. PROPN B-LOC O

# cls = mail
Dogs NOUN O O
bark VERB O O

"""


@pytest.mark.slow
def test_folder_of_ones_own_with_marked_tokens(tmp_path):
    for split in ("train", "validation"):
        (tmp_path / f"{split}.conll").write_text(_FOLDER)
    places = {"data_dir": tmp_path / "prepared"}
    folder = str(tmp_path)
    model = zoo.load("cls_ner_srl", folder, **_SMALL, **places)
    assert model.tasks["cls"].class_names == ("mail", "news")
    # The mark is no part of the word.
    assert set(model.preprocessor.words) == {"dogs", "bark"}
    ((inputs, labels, _),) = zoo.dataset(
        "cls_ner_srl", "validation", folder, batch_size=2, **places
    )
    row = int(np.argmax(inputs["mark"].numpy().sum(axis=1)))
    assert inputs["mark"][row, :4].numpy().tolist() == [0, 1, 0, 0]
    tags = [model.tasks["srl"].class_names[t] for t in labels["srl"][row, :3]]
    assert tags == ["B-ARG0", "O", "O"]


def test_folder_with_two_predicates_in_a_sentence_is_refused(tmp_path):
    twice = _FOLDER.replace("Dogs NOUN O B-ARG0", ">>Dogs<< NOUN O B-ARG0")
    for split in ("train", "validation"):
        (tmp_path / f"{split}.conll").write_text(twice)
    message = r"train.conll:3.*at most.*Received: >>Dogs<< >>bark<<"
    with pytest.raises(ValueError, match=f"(?s){message}"):
        zoo.load("cls_ner_srl", str(tmp_path), data_dir=tmp_path / "prepared")


def test_lines_of_an_output():
    outputs = {
        "cls_name": np.bytes_("email"),
        "cls_score": np.float32(0.5),
        "pos_names": np.array([b"NOUN", b"VERB", b""], object),
        "pos_texts": np.array([b"Dogs", b"bark", b""], object),
        "ner_names": np.array([b""], object),
        "ner_texts": np.array([b""], object),
        "srl_names": np.array([b"ARG0"], object),
        "srl_texts": np.array([b"Dogs"], object),
    }
    tasks = {task.name: task for task in _ENTRY.tasks(_SPEC)}
    assert sentences.describe(outputs, tasks) == [
        "cls  email 0.50",
        "pos  Dogs/NOUN bark/VERB",
        "ner  none",
        "srl  ARG0: Dogs",
    ]


def test_blank_sentence_is_refused():
    with pytest.raises(ValueError, match="at least one word"):
        sentences.predict(None, {}, [" \n"], "TokenPreprocessor")


def test_two_predicates_are_refused():
    twice = "Dogs >>bark<< and >>bite<< ."
    with pytest.raises(ValueError, match="one predicate.*>>bark<< >>bite<<"):
        sentences.predict(None, {}, [twice], "TokenPreprocessor", marked=True)


def test_marks_are_words_of_a_model_without_them(capsys):
    twice = "Dogs >>bark<< and >>bite<< ."
    tasks = {"score": Task("score", "regression")}
    sentences.predict(lambda _: {}, tasks, [twice], "TokenPreprocessor")
    assert capsys.readouterr().out == twice + "\n"


def test_classes_are_those_of_the_data():
    assert _SPEC.classes["srl"] == names.ROLE_TAGS
    assert len(_SPEC.assets["words"]) == 8864
