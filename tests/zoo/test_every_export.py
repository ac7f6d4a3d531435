"""Every export of every model of the zoo, from the registry: none is left out.

A model has the first weights on its card, with what they were trained with,
or where it has none random ones. Files are converted of the defaults as well,
where these are another graph.
"""

import functools
import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from mtl_keras import export
from tests.answering_process import AnsweringProcess
from tests.mtl_keras.data.hostile_files import moving, tone, wav
from tests.serving_process import num_operations, serve, stored_shapes
from tests.zoo.served import SERVED, is_default

CONVERTED = SERVED + [
    (name, None) for name, weights in SERVED if not is_default(name, weights)
]
# A CRF and an LSTM are loops over tokens, which LiteRT wants a batch size for.
LITERT_BATCH_SIZE = {
    ("cls_ner_srl", "ewt_joint"): 1,
    ("intent_slot", "snips"): 1,
    ("tag_parse", "ewt_joint"): 1,
}
SIZES = (1, 7)

pytestmark = pytest.mark.slow


@functools.cache
def _model(name, weights):
    keras.utils.set_random_seed(0)
    return zoo.load(name, weights=weights)


def _pictures(num):
    rng = np.random.default_rng(num)
    pixels = [rng.integers(0, 256, (30, 50, 3), "uint8") for _ in range(num)]
    return [tf.io.encode_png(image).numpy() for image in pixels]


def _sentences(num):
    texts = [
        "play some jazz on spotify",
        "book a table for 3 in Paris tomorrow at 7:30",
        "rate this book five of 6 stars",
    ]
    return [texts[index % len(texts)] for index in range(num)]


def _marked_sentences(num):
    texts = ["Dogs >>bark<< .", "They said they >>left<< Rome in May ."]
    return [texts[index % len(texts)] for index in range(num)]


def _molecules(num):
    smiles = ["CCO", "c1ccccc1Cl", "[O-][N+](=O)c1ccccc1"]
    return [smiles[index % len(smiles)] for index in range(num)]


def _recordings(num):
    return [wav(tone(200.0 + 150 * number)) for number in range(num)]


def _clips(num):
    # Of different lengths: none has as many frames as a model reads.
    return [moving(3 + 20 * index, 30, 50) for index in range(num)]


# What a person gives each kind of preprocessor.
RAW = {
    "AudioPreprocessor": _recordings,
    "ClipPreprocessor": _clips,
    "ImagePreprocessor": _pictures,
    "SentencePreprocessor": _sentences,
    "SmilesPreprocessor": _molecules,
    "TokenPreprocessor": _marked_sentences,
}


def _cells(num, spec):
    """Cells of a column of a table, or vectors, some of which are missing."""
    rng = np.random.default_rng(num)
    if spec.dtype == tf.string:
        return ["" if index % 2 else "no" for index in range(num)]
    cells = rng.uniform(0, 100, (num, *spec.shape[1:]))
    if spec.dtype.is_floating:
        # Not the only one: saved_model_cli reads no NaN.
        cells[1::3] = np.nan
    return cells.astype(spec.dtype.as_numpy_dtype)


def _raw(model, num):
    signature = model.preprocessor.input_signature()
    make = RAW.get(type(model.preprocessor).__name__)
    if make is None:
        return {name: _cells(num, spec) for name, spec in signature.items()}
    return {name: make(num) for name in signature}


def _dense(model, num):
    specs = model.preprocessor.input_signature()
    raw = {
        key: tf.constant(value, specs[key].dtype)
        for key, value in _raw(model, num).items()
    }
    inputs, _ = model.preprocessor(raw)
    return {key: np.asarray(value) for key, value in inputs.items()}


@functools.cache
def _loaded(folder):
    """Loads an export once; its signatures die with it."""
    return tf.saved_model.load(str(folder))


# All tests of an export follow one another, so that one worker makes it.
@pytest.fixture(scope="module", params=SERVED, ids=lambda pair: pair[0])
def exported(request, tmp_path_factory):
    """An entry's name, its model and the folder of its export."""
    name, weights = request.param
    model = _model(name, weights)
    folder = export.saved_model(
        model,
        tmp_path_factory.mktemp("exports") / "1",
        model.preprocessor,
        model.postprocessor,
        dict(zoo.info(name)),
        examples=_raw(model, 2),
    )
    return name, model, folder


def test_each_signature_equals_the_model(exported):
    _, model, folder = exported
    calls, expected = {}, {}
    for size in SIZES:
        raw, dense = _raw(model, size), _dense(model, size)
        answers = model.predict(dense, batch_size=size, verbose=0)
        for task in ("serving", *model.tasks):
            wanted = [task] if task in model.tasks else list(model.tasks)
            raw_name = "serving_default" if task == "serving" else task
            for signature, inputs in (
                (raw_name, raw),
                (f"{task}_dense", dense),
            ):
                calls[signature, size] = inputs
                expected[signature, size] = {t: answers[t] for t in wanted}
    served = serve(folder, calls)
    loaded = _loaded(folder).signatures
    assert {signature for signature, _ in calls} == set(loaded)
    for call, outputs in expected.items():
        assert set(served[call]) & set(model.tasks) == set(outputs)
        for task, value in outputs.items():
            np.testing.assert_allclose(
                served[call][task], value, rtol=1e-5, atol=1e-5
            )


def test_a_task_computes_less_than_all(exported):
    _, model, folder = exported
    if len(model.tasks) == 1:
        pytest.skip("one task is all")
    loaded = _loaded(folder).signatures
    for task in model.tasks:
        for part, whole in (
            (task, "serving_default"),
            (f"{task}_dense", "serving_dense"),
        ):
            assert num_operations(loaded[part]) < num_operations(loaded[whole])


def test_variables_are_stored_once(exported):
    name, model, folder = exported
    expected = [tuple(w.shape) for w in model.weights]
    assert stored_shapes(folder) == sorted(expected)
    card = zoo.info(name)
    facts = next(iter(card["weights"].values()), card)
    assert facts["num_parameters"] == model.count_params()


# The very command, but TensorFlow is imported once for all its runs.
_CLI = """
import runpy

def answer(runs):
    for run in runs:
        sys.argv = run
        try:
            runpy.run_path(run[0], run_name="__main__")
        except SystemExit as ended:
            if ended.code:
                raise
"""
_COMMAND = str(Path(sys.executable).with_name("saved_model_cli"))


@functools.cache
def _cli():
    return AnsweringProcess(_CLI)


def _given(inputs, folder):
    """Writes inputs as `saved_model_cli run` reads them.

    Both flags, since in one process a flag stays from the run before.
    """
    texts, files = [], []
    for key, value in inputs.items():
        array = np.asarray(value)
        if array.dtype.kind in "SUO":
            # What separates its inputs must not stand in one.
            texts.append(f"{key}={list(value)!r}".replace(";", "\\x3b"))
            continue
        file = folder / f"{len(files)}.npy"
        np.save(file, array)
        files.append(f"{key}={file}")
    return ["--inputs", ";".join(files), "--input_exprs", ";".join(texts)]


def test_saved_model_cli_runs_a_signature(exported, tmp_path):
    # Another process answers each signature above; the command loads the
    # model anew for each, and can differ by how it reads the inputs alone.
    _, model, folder = exported
    raw, dense = _raw(model, 1), _dense(model, 1)
    answers = model.predict(dense, verbose=0)
    signatures = ["serving_default", "serving_dense"]
    runs = []
    for signature in signatures:
        inputs = dense if signature.endswith("_dense") else raw
        outdir = tmp_path / signature
        outdir.mkdir()
        runs.append(["run", "--dir", str(folder), "--tag_set", "serve"])
        runs[-1] += ["--signature_def", signature, "--outdir", str(outdir)]
        # All are written before the first run reads one.
        folder_of_inputs = tmp_path / f"{signature}_inputs"
        folder_of_inputs.mkdir()
        runs[-1] += _given(inputs, folder_of_inputs)
    _cli()([[_COMMAND, *run] for run in runs])
    for signature in signatures:
        files = {path.stem for path in (tmp_path / signature).iterdir()}
        assert files >= set(model.tasks)
        for task in model.tasks:
            received = np.load(tmp_path / signature / f"{task}.npy")
            np.testing.assert_allclose(
                received, answers[task], rtol=1e-5, atol=1e-5
            )


def test_warmup_requests_are_answered(exported):
    from tensorflow_serving.apis import prediction_log_pb2

    _, _, folder = exported
    file = folder / "assets.extra" / "tf_serving_warmup_requests"
    loaded = _loaded(folder).signatures
    asked = set()
    for record in tf.data.TFRecordDataset(str(file)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        asked.add(request.model_spec.signature_name)
        inputs = {
            key: tf.constant(tf.make_ndarray(proto))
            for key, proto in request.inputs.items()
        }
        answers = loaded[request.model_spec.signature_name](**inputs)
        assert all(len(value) == 2 for value in answers.values())
    assert asked == set(loaded)


def test_card_and_revision_lie_beside(exported):
    name, model, folder = exported
    extra = folder / "assets.extra"
    card = json.loads((extra / "card.json").read_text())
    assert card == dict(zoo.info(name))
    revision = json.loads((extra / "revision.json").read_text())
    assert set(revision["tasks"]) == set(model.tasks)


@pytest.mark.parametrize(("name", "weights"), CONVERTED)
@pytest.mark.parametrize("ending", [".tflite", ".onnx"])
def test_converted_files_agree(name, weights, ending, tmp_path):
    model = _model(name, weights)
    path = tmp_path / f"model{ending}"
    if ending == ".onnx":
        export.onnx(model, path)
    else:
        size = LITERT_BATCH_SIZE.get((name, weights))
        if size is not None:
            with pytest.raises(ValueError, match="TensorListReserve"):
                export.litert(model, path)
        export.litert(model, path, batch_size=size)
    for num in SIZES:
        found = export.compare(model, path, _dense(model, num))
        assert set(found.differences) == set(model.tasks)
        for difference in found.differences.values():
            assert difference < 1e-4
