"""The loss of maps, against the formulas worked out position by position."""

import math

import numpy as np
import pytest

from mtl_keras import losses
from tests.mtl_keras.losses.examples import boxes
from tests.mtl_keras.losses.test_giou import algorithm_1

ROWS, COLUMNS, CLASSES = 4, 6, 2
NOTHING = (0.0, 0.0, 0.0, 0.0, -1.0)


def objects(count, num_objects=3, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.tile(np.array(NOTHING, "float32"), (count, num_objects, 1))
    box = boxes(count * num_objects, seed).reshape(count, num_objects, 4)
    for index in range(count):
        # From none to all.
        real = index % (num_objects + 1)
        rows[index, :real, :4] = box[index, :real]
        rows[index, :real, 4] = rng.integers(0, CLASSES, real)
    return rows


def maps(count, seed=0):
    rng = np.random.default_rng(seed)
    heat = rng.uniform(0.05, 0.9, (count, ROWS, COLUMNS, CLASSES))
    box = boxes(count * ROWS * COLUMNS, seed + 9)
    box = box.reshape(count, ROWS, COLUMNS, 4)
    return np.concatenate([heat, box], -1).astype("float32")


def example():
    return objects(8), maps(8), (8,)


def by_hand(rows, predicted, box_weight):
    """The loss of one image, in float64, one position at a time."""
    real = [row.astype("float64") for row in rows if row[4] >= 0]

    def kernel(row, i, j):
        x = min(int((row[0] + row[2]) / 2 * COLUMNS), COLUMNS - 1)
        y = min(int((row[1] + row[3]) / 2 * ROWS), ROWS - 1)
        dx = (j - x) / COLUMNS / (0.09 * (row[2] - row[0]))
        dy = (i - y) / ROWS / (0.09 * (row[3] - row[1]))
        return math.exp(-(dx**2 + dy**2) / 2)

    def area(row):
        return (row[2] - row[0]) * (row[3] - row[1])

    focal, sums, weights = 0.0, [0.0] * len(real), [0.0] * len(real)
    for i in range(ROWS):
        for j in range(COLUMNS):
            for number in range(CLASSES):
                q = float(predicted[i, j, number])
                t = max(
                    (kernel(r, i, j) for r in real if r[4] == number),
                    default=0.0,
                )
                if t == 1:
                    focal -= (1 - q) ** 2 * math.log(q)
                else:
                    focal -= (1 - t) ** 4 * q**2 * math.log(1 - q)
            near = [n for n, r in enumerate(real) if kernel(r, i, j) > 0.05]
            if near:
                n = min(near, key=lambda n: area(real[n]))
                k = kernel(real[n], i, j)
                sums[n] += k * algorithm_1(real[n][:4], predicted[i, j, -4:])
                weights[n] += k
    overlap = sum(s / w for s, w in zip(sums, weights, strict=True) if w)
    return (focal + box_weight * overlap) / max(len(real), 1)


@pytest.mark.parametrize("box_weight", [0.0, 5.0])
def test_is_the_focal_loss_and_the_overlap_of_the_smallest(box_weight):
    y, p = objects(12, seed=3), maps(12, seed=4)
    loss = losses.CenterBoxes(box_weight)
    expected = [by_hand(*pair, box_weight) for pair in zip(y, p, strict=True)]
    np.testing.assert_allclose(loss.call(y, p), expected, rtol=2e-4)


def test_right_maps_cost_less_than_any_other():
    row = np.array([[[0.25, 0.25, 0.75, 0.75, 1], NOTHING]], "float32")
    right = np.full((1, ROWS, COLUMNS, CLASSES + 4), 1e-4, "float32")
    right[..., -4:] = row[0, 0, :4]
    right[0, 2, 3, 1] = 1 - 1e-4
    loss = losses.get("center_boxes")
    best = float(loss.call(row, right)[0])
    assert best < 1e-2
    for place, value in (
        ((0, 2, 3, 1), 0.3),
        ((0, 2, 3, 0), 0.7),
        ((0, 0, 0, 1), 0.7),
        ((0, 2, 3, -1), 0.5),
    ):
        worse = right.copy()
        worse[place] = value
        assert float(loss.call(row, worse)[0]) > best + 0.02, place


def test_order_and_filling_of_the_list_do_not_matter():
    y, p = objects(8, seed=5), maps(8, seed=6)
    loss = losses.get("center_boxes")
    longer = np.concatenate([y, np.tile(NOTHING, (8, 4, 1))], 1)
    expected = np.asarray(loss.call(y, p))
    for other in (y[:, ::-1], longer[:, ::-1].astype("float32")):
        np.testing.assert_allclose(loss.call(other, p), expected, rtol=1e-5)


def test_shapes_that_do_not_fit_are_explained():
    with pytest.raises(ValueError, match="labels of shape .batch, objects, 5"):
        losses.get("center_boxes").call(objects(2)[..., :4], maps(2))
