"""The card and the revision that lie beside an exported model."""

import hashlib
import json

import pytest

import mtl_keras
from mtl_keras import export
from mtl_keras.export import revision as facts
from tests.mtl_keras.export.tiny_model import tiny_model
from tests.test_case import TASKS, vector_model


@pytest.mark.parametrize("as_file", [False, True])
def test_the_card_lies_beside_the_model(tmp_path, as_file):
    card = {"name": "tiny", "tasks": ["box", "cls"]}
    argument = card
    if as_file:
        argument = tmp_path / "card.json"
        argument.write_text(json.dumps(card))
    folder = export.saved_model(tiny_model(), tmp_path / "1", card=argument)
    assert folder == tmp_path / "1"
    stored = folder / "assets.extra" / "card.json"
    assert json.loads(stored.read_text()) == card


def revision_of(folder):
    return json.loads((folder / "assets.extra" / "revision.json").read_text())


def test_the_revision_tells_version_tasks_and_weights(tmp_path):
    weights = {"name": "mine", "sha256": "0" * 64}
    folder = export.saved_model(
        vector_model(), tmp_path / "1", revision={"weights": weights}
    )
    revision = revision_of(folder)
    assert revision["mtl_keras"] == mtl_keras.__version__
    assert revision["weights"] == weights
    assert revision["preprocessor"] is None
    kinds = {name: task["kind"] for name, task in revision["tasks"].items()}
    assert kinds == {task.name: task.kind for task in TASKS}


def test_changed_file_of_an_export_is_found(tmp_path):
    folder = export.saved_model(tiny_model(), tmp_path / "1")
    revision = revision_of(folder)
    (data,) = folder.glob("variables/*.data-*")
    assert revision["files"][f"variables/{data.name}"] == (
        hashlib.sha256(data.read_bytes()).hexdigest()
    )
    assert "saved_model.pb" in revision["files"]
    facts.check_sums(revision, folder)
    data.write_bytes(bytes(data.stat().st_size))
    with pytest.raises(ValueError, match="data-.* is lost or has changed"):
        facts.check_sums(revision, folder)
    data.unlink()
    with pytest.raises(ValueError, match="data-.* is lost.*Received: no file"):
        facts.check_sums(revision, folder)
    # An export of an earlier version.
    del revision["files"]
    facts.check_sums(revision, folder)


def test_the_revision_names_the_preprocessor(exported):
    revision = revision_of(exported.folder)
    assert revision["preprocessor"] == "ImagePreprocessor"
    # A plain model does not know the kinds of its outputs.
    assert revision["tasks"] == {"box": {}, "cls": {}, "det": {}}


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("abc", "must be a dict"),
        ({"tasks": 1}, "Received: 'tasks'"),
        ({"weights": object()}, "plain data"),
    ],
)
def test_a_revision_that_cannot_be_written(tmp_path, revision, message):
    with pytest.raises(ValueError, match=message):
        export.saved_model(tiny_model(), tmp_path / "1", revision=revision)
    assert list(tmp_path.iterdir()) == []
