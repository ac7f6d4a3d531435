"""What `command_speaker` builds, beyond what every entry is tested for."""

import csv

import numpy as np
import pytest
import tensorflow as tf

import zoo
from mtl_keras import graph
from tests.mtl_keras.data.hostile_files import tone, wav
from zoo.audio import command_speaker
from zoo.commands import predict

_ENTRY = command_speaker.CommandSpeaker()
_SPEC = _ENTRY.spec("spoken_digit")


def _build(tasks=None, **overrides):
    return _ENTRY.build(_ENTRY.spec("spoken_digit", tasks), **overrides)


def test_outputs_are_the_two_tasks():
    model = _build(width=0.5)
    sound = np.zeros((2, 97, 48), "float32")
    outputs = model.predict({"audio": sound}, verbose=0)
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {"command": (2, 10), "speaker": (2, 6)}
    assert list(_build(tasks="speaker", width=0.5).tasks) == ["speaker"]


def test_overrides_of_the_recording_reach_model_and_preprocessor():
    read = {"sample_rate": 16_000, "seconds": 0.5, "num_mels": 32}
    model = zoo.load("command_speaker", width=0.5, **read)
    inputs, _ = model.preprocessor({"audio": tf.constant([wav(tone())])})
    # (8,000 samples - a window of 512) / a step of 160, and the first.
    assert inputs["audio"].shape == (1, 47, 32)
    assert model.inputs[0].shape == (None, 47, 32)
    assert model.predict(inputs, verbose=0)["speaker"].shape == (1, 6)


def test_trunk_is_shared_and_heads_are_not():
    parts = graph.partition(_build(width=0.5))
    names = {variable.path.split("/")[0] for variable in parts.shared_variables}
    assert names and all(name.startswith("trunk_") for name in names)
    for task, variables in parts.task_variables.items():
        assert variables
        assert all(v.path.startswith(f"{task}") for v in variables)


@pytest.mark.parametrize("sharing", ["mmoe", "cross_stitch"])
def test_other_architectures_share_the_trunk(sharing):
    model = _build(width=0.5, sharing=sharing)
    assert model.sharing.name == sharing
    assert model.count_params() > _build(width=0.5).count_params()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": ("speakr",)}, "Did you mean 'speaker'"),
        ({"dropout": 1.0}, r"`dropout` must be a number in \[0, 1\)"),
        ({"width": 0}, "`width` must be a"),
        ({"seconds": 0.1}, "`seconds` must be a"),
        ({"num_mels": 4}, "`num_mels` must be an integer of at least 8"),
        ({"num_mels": 200}, "at least one frequency per band"),
        ({"sample_rate": 10}, "`sample_rate` from 1,000"),
    ],
)
def test_wrong_argument_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        _build(**arguments)
    assert "Received" in str(error.value)


def test_augmented_recording_keeps_its_shape_and_is_finite():
    reader = _ENTRY.preprocessor(_SPEC)
    files = [wav(tone(300 + 100 * each)) for each in range(4)]
    inputs, _ = reader({"audio": tf.constant(files)})
    change = _ENTRY.augmentation(_SPEC)
    seed = tf.constant([1, 2], tf.int64)
    changed, labels = change(inputs, {"command": tf.range(4)}, seed=seed)
    assert changed["audio"].shape == inputs["audio"].shape
    assert np.isfinite(changed["audio"]).all()
    assert (changed["audio"] != inputs["audio"]).numpy().mean() > 0.5
    np.testing.assert_array_equal(labels["command"], np.arange(4))


def test_outputs_become_names_and_scores():
    command, speaker = np.eye(10)[[3]], np.eye(6)[[4]] * 0.75
    decoded = _ENTRY.postprocessor(_SPEC)(
        {"command": command, "speaker": speaker}
    )
    assert decoded["command_name"].numpy().tolist() == [b"3"]
    assert decoded["speaker_name"].numpy().tolist() == [b"theo"]
    assert decoded["speaker_score"].numpy().tolist() == [0.75]


@pytest.fixture
def speech(tmp_path):
    """A folder of twelve recordings and a table, as users have."""
    folder = tmp_path / "speech"
    folder.mkdir()
    rows = [("path", "command", "speaker")]
    for number in range(12):
        (folder / f"{number}.wav").write_bytes(wav(tone(200.0 + 40 * number)))
        rows.append(
            (
                f"{number}.wav",
                ("go", "stop")[number % 2],
                ("anna", "")[number % 3 > 1],
            )
        )
    rows[2] = (*rows[2][:2], "otto")
    rows[5] = (*rows[5][:2], "otto")
    with open(folder / "labels.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.mark.slow
def test_folder_of_own_recordings_trains_the_model(speech, tmp_path):
    read = {"data": speech, "data_dir": tmp_path / "data", "width": 0.5}
    model = zoo.load("command_speaker", **read)
    assert model.tasks["command"].class_names == ("go", "stop")
    assert model.tasks["speaker"].class_names == ("anna", "otto")
    model.compile("adam")
    train = zoo.dataset("command_speaker", "train", batch_size=4, **read)
    history = model.fit(train, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    # A speaker that is not known has no weight.
    weights = [weight["speaker"] for _, _, weight in train.as_numpy_iterator()]
    assert 0 < np.concatenate(weights).mean() < 1


@pytest.mark.slow
def test_predictions_are_printed_and_drawn(speech, tmp_path, capsys):
    weights = tmp_path / "random.weights.h5"
    zoo.load("command_speaker").save_weights(weights)
    broken = speech / "broken.wav"
    broken.write_bytes((speech / "0.wav").read_bytes()[:-10])
    again = tmp_path / "0.wav"
    again.write_bytes((speech / "0.wav").read_bytes())
    argv = ["--model=command_speaker", f"--weights={weights}"]
    argv.append(f"--output={tmp_path / 'drawn'}")
    assert predict.main([*argv, str(speech), str(again)]) == 1
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert len(lines) == 14 and lines[-1] == f"Drawn in {tmp_path / 'drawn'}"
    assert lines[0].startswith(f"{speech / '0.wav'}  command ")
    assert "  speaker " in lines[0]
    # The same recording, whatever its name.
    assert lines[0].split("  ")[1:] == lines[12].split("  ")[1:]
    assert "broken.wav: Expected as many samples" in printed.err
    drawn = {path.name for path in (tmp_path / "drawn").iterdir()}
    assert len(drawn) == 13
    assert {"0.predicted.png", "0.1.predicted.png"} <= drawn
