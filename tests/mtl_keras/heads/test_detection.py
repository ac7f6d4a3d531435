"""Maps of centres and boxes, and the numbers that are read from them."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, Task, graph
from mtl_keras.heads.center_maps import CenterMaps
from mtl_keras.heads.peak_counts import PeakCounts

KINDS = ("apple", "pear")
BOXES = Task("boxes", "detection", class_names=KINDS)
COUNTS = Task("counts", "count", class_names=KINDS)
NOTHING = [0.0, 0.0, 0.0, 0.0, -1.0]


def model_of(*tasks):
    keras.utils.set_random_seed(0)
    features = keras.Input((4, 5, 6), name="features")
    outputs, maps = {}, None
    for task in tasks:
        if task.kind == "detection":
            maps = task.head.build(features, task, hidden=8)
            outputs[task.name] = maps
        else:
            outputs[task.name] = task.head.build(features, task, maps=maps)
    return MultiTaskModel(features, outputs, tasks=tasks)


def features_of(batch=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(batch, 4, 5, 6)).astype("float32")


def test_distances_reach_from_a_positions_centre_to_the_sides():
    scores = np.zeros((1, 2, 4, 1), "float32")
    distances = np.zeros((1, 2, 4, 4), "float32")
    distances[0, 1, 2] = np.log([0.4, 1.2, 2.0, 0.8])
    maps = np.asarray(CenterMaps()([scores, distances]))
    assert maps.shape == (1, 2, 4, 5)
    np.testing.assert_allclose(maps[..., 0], 0.5)
    # The centre is (2.5 / 4, 1.5 / 2); a distance is a quarter of e**d.
    expected = [0.625 - 0.1, 0.75 - 0.3, 0.625 + 0.5, 0.75 + 0.2]
    np.testing.assert_allclose(maps[0, 1, 2, 1:], expected, rtol=1e-5)


def test_peaks_are_counted_and_their_slopes_are_not():
    maps = np.full((1, 5, 6, 6), 0.0, "float32")
    maps[0, 1, 1, 0] = 0.9
    maps[0, 1, 2, 0] = 0.8
    maps[0, 4, 5, 0] = 0.95
    maps[0, 2, 2, 1] = 0.3
    counts = np.asarray(PeakCounts(2)(maps))[0]
    assert counts[0] == pytest.approx(2.0, abs=0.25)
    assert counts[1] == pytest.approx((1 + 0.5) / 3, abs=0.4)
    assert counts[0] > counts[1]


def test_rounding_of_the_maps_hardly_changes_the_numbers():
    rng = np.random.default_rng(0)
    # Neighbours that are equal, as where a map is flat.
    maps = np.repeat(rng.uniform(0, 0.6, (2, 4, 4, 6)), 2, axis=1)
    maps = maps.astype("float32")
    rounded = maps + rng.uniform(-1e-6, 1e-6, maps.shape).astype("float32")
    counts = PeakCounts(2)
    np.testing.assert_allclose(counts(rounded), counts(maps), atol=5e-3)
    assert np.asarray(counts(maps)).min() > 0.5


def test_flat_maps_of_0_count_nothing():
    counts = PeakCounts(2)(np.zeros((1, 20, 20, 6), "float32"))
    np.testing.assert_allclose(counts, 0.0, atol=1e-4)


def test_maps_that_the_numbers_read_are_shared_by_both():
    parts = graph.partition(model_of(BOXES, COUNTS))
    assert {v.path.split("_")[0] for v in parts.shared_variables} == {"boxes"}
    assert parts.task_variables["boxes"] == []
    own = {v.path.split("/")[0] for v in parts.task_variables["counts"]}
    assert own == {"counts_peaks", "counts_correction"}


@pytest.mark.parametrize(
    "jit_compile", [pytest.param(True, marks=pytest.mark.slow), False]
)
def test_missing_lists_and_numbers_do_not_count(jit_compile):
    pytest.importorskip("pycocotools", reason="needs the extra coco")
    model = model_of(BOXES, COUNTS)
    model.compile(keras.optimizers.SGD(0.0), jit_compile=jit_compile)
    rows = np.array([[[0.1, 0.1, 0.6, 0.7, 1], NOTHING]] * 3, "float32")
    numbers = np.array([[0, 1], [2, 0], [1, 1]], "float32")
    rows[1], numbers[2, 0] = np.nan, np.nan
    x = features_of()
    logs = model.fit(x, {"boxes": rows, "counts": numbers}, verbose=0).history
    predicted = model.predict(x, verbose=0)
    loss = BOXES.default_loss()
    expected = loss.call(rows[[0, 2]], predicted["boxes"][[0, 2]])
    assert logs["boxes_loss"][0] == pytest.approx(
        float(np.mean(expected)), rel=1e-4
    )
    error = np.nanmean(np.abs(numbers - predicted["counts"]))
    assert logs["counts_mae"][0] == pytest.approx(error, rel=1e-4)


@pytest.mark.parametrize(
    ("row", "is_legal"),
    [
        ([0.1, 0.2, 0.5, 0.6, 1], True),
        (NOTHING, True),
        ([0.1, 0.2, 0.5, 0.6, 2], False),
        ([0.1, 0.2, 0.5, 0.6, 0.5], False),
        ([0.1, 0.2, 0.5, 1.5, 1], False),
        ([0.6, 0.2, 0.5, 0.6, 1], False),
        ([-0.5, 0.2, 0.5, 0.6, 1], False),
    ],
)
def test_objects_are_checked(row, is_legal):
    label = np.array([[NOTHING, row]], "float32")
    if is_legal:
        BOXES.label.check_array("boxes", label)
        return
    with pytest.raises(ValueError, match="'boxes' expects objects as x1, y1"):
        BOXES.label.check_array("boxes", label)


def test_missing_list_is_missing_as_a_whole():
    label = np.array([[NOTHING], [[0.1, 0.1, 0.2, np.nan, 0]]], "float32")
    present = BOXES.label.present(label)
    assert present[0].all() and not present[1].any()


@pytest.mark.parametrize("kind", ["count", "detection"])
def test_one_class_is_enough_and_none_is_refused(kind):
    assert Task("a", kind, class_names=("apple",)).num_classes == 1
    with pytest.raises(ValueError, match="needs `class_names`"):
        Task("a", kind)


def test_a_detection_needs_a_map():
    with pytest.raises(ValueError, match="needs a feature map"):
        BOXES.head.build(keras.Input((7,)), BOXES)


def test_reload_gives_the_same_maps(tmp_path):
    model = model_of(BOXES, COUNTS)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = features_of()
    expected = model.predict(x, verbose=0)
    for name, value in again.predict(x, verbose=0).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-6)
