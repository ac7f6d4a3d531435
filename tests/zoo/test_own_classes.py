"""Weights under other classes and tasks: what is loaded and what is new."""

import keras
import numpy as np
import pytest

import zoo
from tests.zoo import tiny_entry
from zoo import registry, saved

_CLASSES = {"cls": ("square", "circle", "star")}
# As small as the entry can be.
_SMALL = {
    "units": 8,
    "depth": 1,
    "word_units": 4,
    "spelling_units": 4,
    "dropout": 0.0,
}


def _values(model):
    return {v.path: keras.ops.convert_to_numpy(v).copy() for v in model.weights}


@pytest.fixture
def squares(tiny, tmp_path):
    """The folder of a saved model, and the values of its variables."""
    model = zoo.load(tiny, width=6)
    return zoo.save(model, tmp_path / "squares"), _values(model)


def _loaded(model, values):
    """Splits the paths of a model's variables by whether they are equal."""
    equal, other = set(), set()
    for path, value in _values(model).items():
        same = path in values and np.array_equal(values[path], value)
        (equal if same else other).add(path)
    return equal, other


def test_a_head_of_other_classes_is_new_and_all_else_is_loaded(squares):
    folder, values = squares
    model = zoo.load(folder, classes=_CLASSES)
    assert model.tasks["cls"].class_names == _CLASSES["cls"]
    assert model.output["cls"].shape[-1] == 3
    equal, other = _loaded(model, values)
    # A bias of zeros is equal by chance where its shape is.
    assert other == {"cls/kernel", "cls/bias"}
    assert "conv0/kernel" in equal
    report = model.loading_report
    assert set(report.loaded) == equal
    assert set(report.new) == other
    assert set(report.unused) == {"cls/kernel", "cls/bias"}
    assert report.heads["box"] == report.heads["det"] == "loaded"
    assert "3 classes, the weights' 2 differ" in report.heads["cls"]
    assert "2 new" in str(report)


def test_the_same_names_in_another_order_are_other_classes(squares):
    folder, values = squares
    model = zoo.load(folder, classes={"cls": ("large", "small")})
    _, other = _loaded(model, values)
    assert "cls/kernel" in other
    assert "cls/bias" in model.loading_report.new


def test_a_saved_folder_is_named_as_weights_too(squares, tiny):
    folder, values = squares
    model = zoo.load(tiny, weights=folder, classes=_CLASSES)
    assert _loaded(model, values)[1] == {"cls/kernel", "cls/bias"}
    with pytest.raises(ValueError, match="Expected weights of 'cls_det_box'"):
        zoo.load("cls_det_box", weights=folder)


def test_the_same_classes_load_the_head(squares):
    folder, values = squares
    model = zoo.load(folder, classes={"cls": ("small", "large")})
    assert _loaded(model, values) == (set(values), set())
    assert model.loading_report.is_complete


def test_tasks_that_are_left_out_keep_the_rest(squares):
    folder, values = squares
    model = zoo.load(folder, tasks=["box"])
    assert list(model.tasks) == ["box"]
    assert not _loaded(model, values)[1]
    assert {p.split("/")[0] for p in model.loading_report.unused} == {
        "cls",
        "det",
    }


def test_names_that_keras_gives_do_not_matter(tiny, tmp_path):
    class Unnamed(tiny_entry.TinySquares):
        """Layers without names."""

        def build(self, spec, *, width=4):
            from mtl_keras import MultiTaskModel

            inputs = keras.Input((12, 12, 1), name="image")
            x = keras.layers.Conv2D(width, 3)(inputs)
            x = keras.layers.Conv2D(width, 3)(x)
            x = keras.layers.GlobalAveragePooling2D()(x)
            outputs = {}
            for task in self.tasks(spec):
                hidden = keras.layers.Dense(5)(x)
                size = {"cls": task.num_classes, "det": 1, "box": 4}[task.name]
                outputs[task.name] = keras.layers.Dense(size, name=task.name)(
                    hidden
                )
            return MultiTaskModel(
                {"image": inputs}, outputs, tasks=self.tasks(spec)
            )

    registry.register("unnamed", Unnamed, tiny_entry.card())
    old = zoo.load("unnamed")
    folder = zoo.save(old, tmp_path / "unnamed")
    new = zoo.load(folder, classes=_CLASSES)
    kernels = [
        [
            keras.ops.convert_to_numpy(layer.kernel)
            for layer in model.layers
            if isinstance(layer, keras.layers.Conv2D)
        ]
        for model in (old, new)
    ]
    np.testing.assert_array_equal(kernels[0][0], kernels[1][0])
    np.testing.assert_array_equal(kernels[0][1], kernels[1][1])
    # The hidden layer of `cls` belongs to its head.
    assert len(new.loading_report.new) == 4


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    """A small saved `intent_slot` whose slots read the intent."""
    model = zoo.load("intent_slot", **_SMALL)
    folder = zoo.save(model, tmp_path_factory.mktemp("intent_slot") / "saved")
    return folder, model, _values(model)


_WORDS = ["play some jazz", "rain in york tomorrow"]


def _predicted(model):
    inputs, _ = model.preprocessor({"text": _WORDS})
    return model.predict(inputs, verbose=0)


def test_a_head_that_reads_a_new_one_is_new(sentences):
    folder, _, values = sentences
    model = zoo.load(folder, classes={"intent": ("Play", "Weather")})
    assert "reads the head of 'intent'" in model.loading_report.heads["slot"]
    new = {path.split("/")[0] for path in model.loading_report.new}
    assert new == {"intent_pool", "intent", "slot_hidden", "slot"}
    equal, _ = _loaded(model, values)
    trunk = {p for p in values if not p.startswith(("intent", "slot"))}
    assert trunk <= equal


def test_a_head_may_read_what_stays_when_it_is_new(sentences):
    folder, _, _ = sentences
    model = zoo.load(folder, classes={"slot": ("O", "B-when", "I-when")})
    assert model.loading_report.heads["intent"] == "loaded"
    new = {path.split("/")[0] for path in model.loading_report.new}
    assert new == {"slot_hidden", "slot"}


@pytest.mark.slow
def test_a_task_alone_keeps_the_head_that_it_reads(sentences, tmp_path):
    folder, whole, _ = sentences
    model = zoo.load(folder, tasks=["slot"])
    assert list(model.tasks) == ["slot"]
    assert model.loading_report.is_complete
    expected = _predicted(whole)["slot"]
    np.testing.assert_array_equal(_predicted(model)["slot"], expected)
    again = zoo.load(zoo.save(model, tmp_path / "slot"))
    assert list(again.tasks) == ["slot"]
    np.testing.assert_array_equal(_predicted(again)["slot"], expected)


def test_packaged_weights_keep_their_trunk():
    classes = {"intent": ("Play", "Weather"), "slot": ("O", "B-x", "I-x")}
    model = zoo.load("intent_slot", weights="snips", classes=classes)
    assert model.output["intent"].shape[-1] == 2
    assert model.output["slot"].shape[-1] == 3
    new = {path.split("/")[0] for path in model.loading_report.new}
    assert all(name.startswith(("intent", "slot")) for name in new)
    whole = _values(zoo.load("intent_slot", weights="snips"))
    values = _values(model)
    trunk = {p for p in whole if not p.startswith(("intent", "slot"))}
    assert len(trunk) > 30
    for path in trunk:
        np.testing.assert_array_equal(values[path], whole[path])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": {"clss": ("a", "b")}}, "Unknown task.*mean 'cls'"),
        ({"classes": {"cls": ("a", "b", "a")}}, "must differ.*'a' 2 times"),
        ({"classes": {"cls": ("a",)}}, "at least two classes"),
        ({"classes": {"cls": "ab"}}, "at least two classes"),
        ({"classes": {"cls": (1, 2)}}, "must be strings"),
        ({"classes": {"box": ("a", "b")}}, "'box' of kind 'box' has no class"),
        ({"classes": ("a", "b")}, "must be a dict of task name"),
        (
            {"classes": {"cls": ("a", "b")}, "tasks": ["box"]},
            "of tasks that the model has: 'box'",
        ),
    ],
)
def test_wrong_classes(tiny, arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.load(tiny, **arguments)


def test_reload_predicts_bitwise_the_same(squares):
    folder, _ = squares
    images = np.random.default_rng(0).random((3, 12, 12, 1), "float32")
    model = zoo.load(folder, classes=_CLASSES)
    again = zoo.load(zoo.save(model, folder.with_name("again")))
    assert again.tasks["cls"].class_names == _CLASSES["cls"]
    expected = model.predict({"image": images}, verbose=0)
    received = again.predict({"image": images}, verbose=0)
    for task in expected:
        np.testing.assert_array_equal(received[task], expected[task])


@pytest.mark.parametrize(
    "name", ["model.weights.h5", "assets.json", "card.json"]
)
def test_a_missing_or_damaged_part_is_named_with_its_sums(squares, name):
    folder, _ = squares
    path = folder / name
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)
    with pytest.raises(ValueError, match=f"{name}.*damaged.*sha256 .*sha256 "):
        zoo.load(folder)
    path.unlink()
    with pytest.raises(ValueError, match=f"lacks '{name}'.*sha256"):
        zoo.load(folder)


def test_a_description_that_was_changed_is_damaged(squares):
    folder, _ = squares
    path = folder / saved.DESCRIPTION
    text = path.read_text()
    path.write_text(text.replace('"small"', '"smell"'))
    with pytest.raises(ValueError, match="damaged.*sha256 .*sha256 "):
        zoo.load(folder)
    path.write_text(text[: len(text) // 2])
    with pytest.raises(ValueError, match="damaged"):
        zoo.load(folder)
    path.unlink()
    with pytest.raises(ValueError, match="there is no model.json"):
        zoo.load(folder)


def test_only_models_of_the_zoo_are_saved(tmp_path):
    x = keras.Input((3,))
    model = keras.Model(x, keras.layers.Dense(2)(x))
    with pytest.raises(ValueError, match="zoo.load made"):
        zoo.save(model, tmp_path)


def test_a_trunk_of_ones_own_is_not_json(tmp_path):
    x = keras.Input((64, 64, 1))
    trunk = keras.Model(x, keras.layers.Conv2D(3, 9, 8)(x))
    model = zoo.load("cls_det_box", trunk=trunk)
    with pytest.raises(ValueError, match="'trunk' cannot be written as JSON"):
        zoo.save(model, tmp_path)
