"""HOG is scikit-image's; SIFT becomes a bag of words."""

import sys

import numpy as np
import pytest

from mtl_keras import classical
from mtl_keras.classical import descriptors


def _images(count=3, channels=1):
    rng = np.random.default_rng(0)
    coarse = rng.uniform(size=(count, 8, 8, channels))
    return np.kron(coarse, np.ones((1, 8, 8, 1))).astype("float32")


@pytest.mark.parametrize("channels", [1, 3])
def test_hog_is_scikit_image_s(channels):
    feature = pytest.importorskip("skimage.feature")
    images = _images(channels=channels)
    received = classical.hog(images, orientations=6, cell=16)
    for row, image in zip(received, images, strict=True):
        expected = feature.hog(
            image,
            orientations=6,
            pixels_per_cell=(16, 16),
            cells_per_block=(2, 2),
            channel_axis=-1,
        )
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_words_are_counted_by_the_nearest():
    pytest.importorskip("skimage")
    images = _images(4)
    images[3] = 0.5
    words = classical.SIFTWords(5, seed=1).adapt(images)
    vectors = words(images)
    centres = words._words.cluster_centers_
    for row, points in zip(
        vectors, descriptors.descriptors(images), strict=True
    ):
        if not len(points):
            assert not row.any()
            continue
        distances = ((points[:, None] - centres) ** 2).sum(-1)
        counts = np.bincount(distances.argmin(1), minlength=5)
        np.testing.assert_allclose(row**2, counts / len(points), atol=1e-6)
    # A flat image has no point.
    assert not vectors[3].any() and vectors[0].any()
    # The range of the values does not matter.
    np.testing.assert_allclose(words(255 * images), vectors, atol=1e-6)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: classical.hog(_images()[0, :8, :8, 0]), "Expected images"),
        (lambda: classical.hog(_images()[:, :8]), "at least 16 pixels"),
        (lambda: classical.hog(_images(channels=2)), "1 or 3 channels"),
        (lambda: classical.hog(_images() * np.nan), "finite"),
        (lambda: classical.hog(_images(), cell=0), "`cell`"),
        (lambda: classical.SIFTWords(1), "num_words"),
        (lambda: classical.SIFTWords(8, max_descriptors=4), "max_descriptors"),
        (
            lambda: classical.SIFTWords(2).adapt(_images()[:, :4, :4]),
            "at least 6 pixels.*4 by 4",
        ),
        (
            lambda: classical.hog([np.zeros((32, 32)), np.zeros((31, 32))]),
            "rows of one length",
        ),
        (lambda: classical.SIFTWords()(_images()), "not fitted"),
        (
            lambda: classical.SIFTWords(9).adapt(0 * _images()),
            "9 words need as many",
        ),
    ],
)
def test_wrong_input_is_refused(call, message):
    pytest.importorskip("skimage")
    with pytest.raises(ValueError, match=message):
        call()


def test_without_scikit_image_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(ImportError, match=r"mtl-keras\[descriptors\]"):
        classical.hog(_images())
