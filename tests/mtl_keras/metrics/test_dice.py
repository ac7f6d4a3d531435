import numpy as np
import pytest
from sklearn.metrics import f1_score

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams


def by_image(y, answer, kept, **options):
    """The mean over images with a label of scikit-learn's F1."""
    figures = [
        f1_score(a[k], b[k], **options)
        for a, b, k in zip(y, answer, kept, strict=True)
        if k.any()
    ]
    return np.mean(figures)


@pytest.mark.parametrize("labels", [(40, 6, 5), (40, 6, 5, 1)])
@pytest.mark.parametrize("threshold", [0.5, 0.2])
def test_masks_equal_scikit_learn_s_f1_of_each_image(labels, threshold):
    y, p, weight = streams.yes_or_no(40, 6, 5)
    weight[3] = 0
    expected = by_image(y, p > threshold, weight > 0, zero_division=1.0)
    received = streams.feed(
        metrics.Dice(threshold), y.reshape(labels), p[..., None], weight
    )
    assert received == pytest.approx(expected, rel=1e-6)


def test_classes_equal_scikit_learn_s_macro_f1_of_each_image():
    y, p, weight = streams.classes(40 * 30, 4)
    y, p = y.reshape(40, 30), p.reshape(40, 30, 4)
    weight = weight.reshape(40, 30)
    expected = by_image(y, p.argmax(-1), weight > 0, average="macro")
    received = streams.feed(metrics.Dice(), y, p, weight)
    assert received == pytest.approx(expected, rel=1e-6)


def test_nothing_there_and_nothing_found_is_right():
    assert streams.feed(metrics.Dice(), np.zeros((3, 5)), np.zeros((3, 5))) == 1


def test_one_weight_an_image():
    y, p, _ = streams.yes_or_no(40, 30)
    weight = np.random.default_rng(1).integers(0, 2, 40)
    received = streams.feed(metrics.Dice(), y, p, weight)
    kept = weight > 0
    expected = streams.feed(metrics.Dice(), y[kept], p[kept])
    assert received == pytest.approx(expected, rel=1e-6)
