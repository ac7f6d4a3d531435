import numpy as np
import pytest
from sklearn.metrics import f1_score

from mtl_keras import LabelSpec, Task, losses
from mtl_keras.model.task_loss import LabelledBatch
from tests.mtl_keras.losses import examples


def masks(*shape, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=shape).astype("float32")
    return rng.integers(0, 2, shape), p


def dice_of(y, p, smoothing):
    y, p = y.astype("float64"), p.astype("float64")
    hits = 2 * (y * p).sum() + smoothing
    return 1 - hits / (y.sum() + p.sum() + smoothing)


def test_hard_masks_give_scikit_learn_s_f1_of_each_image():
    y, p = masks(5, 9, 7)
    answer = (p > 0.5).astype("float32")
    expected = [
        1 - f1_score(a.ravel(), b.ravel())
        for a, b in zip(y, answer, strict=True)
    ]
    values = np.asarray(losses.DiceLoss(0.0).call(y, answer))
    np.testing.assert_allclose(
        values.mean(axis=(1, 2)), expected, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("labels", [(5, 9, 7), (5, 9, 7, 1)])
@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_mean_over_labelled_pixels_is_the_mean_over_images(labels, smoothing):
    y, p = masks(5, 9, 7)
    gone = np.random.default_rng(1).uniform(size=y.shape) < 0.4
    gone[2] = True  # An image without any label does not count.
    marked = np.where(gone, 255, y).astype("uint8").reshape(labels)
    loss = losses.DiceLoss(smoothing)
    spec = LabelSpec(labels[1:], "int32", 255, 0, 1)
    batch = LabelledBatch(
        Task("mask", loss=loss, label=spec),
        loss,
        marked,
        p[..., None],
        None,
        None,
    )
    expected = np.mean(
        [
            dice_of(y[i][~gone[i]], p[i][~gone[i]], smoothing)
            for i in (0, 1, 3, 4)
        ]
    )
    assert float(batch.count) == (~gone).sum()
    assert float(batch.total / batch.count) == pytest.approx(expected, abs=1e-6)


def test_classes_give_the_mean_over_classes():
    p = examples.probabilities(3, 8, 8, 4)
    y = np.random.default_rng(1).integers(0, 4, (3, 8, 8))
    expected = [
        dice_of(y[i] == c, p[i, ..., c], 1.0)
        for i in range(3)
        for c in range(4)
    ]
    values = np.asarray(losses.DiceLoss().call(y, p))
    assert values.shape == y.shape
    assert values.mean() == pytest.approx(np.mean(expected), abs=1e-6)


def test_an_empty_mask_costs_nothing_where_nothing_is_predicted():
    values = losses.DiceLoss().call(
        np.zeros((2, 5)), np.zeros((2, 5), "float32")
    )
    np.testing.assert_array_equal(values, np.zeros((2, 5)))
