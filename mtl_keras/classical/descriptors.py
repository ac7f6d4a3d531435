"""HOG and SIFT descriptors of images, by scikit-image.

Dalal and Triggs, CVPR 2005; Lowe, IJCV 60, 2004. They are fixed features,
computed outside of the model: NumPy arrays that a model of linear heads reads.
"""

import numpy as np

from mtl_keras import checks

_HINT = (
    "HOG and SIFT need scikit-image. Install it by "
    "`pip install 'mtl-keras[descriptors]'`."
)

# scikit-image doubles an image, and needs 12 pixels for the first octave.
_FEWEST_PIXELS = 6


def hog(
    images,
    *,
    orientations: int = 9,
    cell: int = 8,
    block: int = 2,
) -> np.ndarray:
    """Computes histograms of oriented gradients.

    Args:
        images: Array of shape `(images, height, width)` or `(images, height,
            width, channels)` with 1 or 3 channels, of any range.
        orientations: Integer of at least 1, the bins of a histogram.
        cell: Integer of at least 1, the side of a cell in pixels.
        block: Integer of at least 1, the side of a block in cells, over which
            histograms are normalised.

    Returns:
        float32 array of shape `(images, size)`, `skimage.feature.hog` of each
        image.

    Raises:
        ValueError: If an image is smaller than a block, or the shape does not
            fit.
        ImportError: If scikit-image is not installed.
    """
    feature = _skimage_feature()
    for name, value in (
        ("orientations", orientations),
        ("cell", cell),
        ("block", block),
    ):
        checks.integer(name, value, low=1)
    images = _checked(images)
    if min(images.shape[1:3]) < cell * block:
        raise ValueError(
            f"HOG needs images of at least {cell * block} pixels a side, one "
            f"block. Received: images of {images.shape[1]} by "
            f"{images.shape[2]} pixels. Enlarge them, or reduce `cell`."
        )
    is_colour = images.shape[-1] == 3
    return np.stack(
        [
            feature.hog(
                image if is_colour else image[..., 0],
                orientations=orientations,
                pixels_per_cell=(cell, cell),
                cells_per_block=(block, block),
                channel_axis=-1 if is_colour else None,
            )
            for image in images
        ]
    ).astype("float32")


class SIFTWords:
    """A fixed vector from SIFT descriptors: a bag of visual words.

    An image has any number of SIFT descriptors. `adapt` finds `num_words`
    typical ones by k-means; an image's vector is the square root of how often
    each word is the nearest one of its descriptors, divided by their number
    (Csurka et al., 2004; the root after Arandjelovic and Zisserman, CVPR
    2012).

    Args:
        num_words: Integer of at least 2. Defaults to 64.
        max_descriptors: Integer of at least `num_words`, the most
            descriptors that k-means reads, drawn at random. Defaults to
            20,000.
        seed: Integer. Defaults to 0.
    """

    def __init__(
        self,
        num_words: int = 64,
        *,
        max_descriptors: int = 20_000,
        seed: int = 0,
    ):
        self.num_words = checks.integer("num_words", num_words, low=2)
        self.max_descriptors = checks.integer(
            "max_descriptors", max_descriptors, low=self.num_words
        )
        self.seed = checks.integer("seed", seed, low=0)
        self._words = None

    def adapt(self, images) -> "SIFTWords":
        """Finds the words; returns itself.

        Args:
            images: Array as for `hog`.

        Raises:
            ValueError: If the images have fewer descriptors than words.
        """
        from sklearn import cluster

        parts = descriptors(images)
        pool = np.concatenate([part for part in parts if len(part)] or [[]])
        if len(pool) < self.num_words:
            raise ValueError(
                f"{self.num_words} words need as many SIFT descriptors. "
                f"Received: {len(pool)} in {len(parts)} images. Enlarge the "
                "images, or reduce `num_words`."
            )
        rng = np.random.default_rng(self.seed)
        pool = pool[rng.permutation(len(pool))[: self.max_descriptors]]
        self._words = cluster.KMeans(
            self.num_words, n_init=1, random_state=self.seed
        ).fit(pool)
        return self

    def __call__(self, images) -> np.ndarray:
        """Counts the words of images.

        Args:
            images: Array as for `hog`.

        Returns:
            float32 array of shape `(images, num_words)`; zeros for an image
            in which SIFT finds no point.

        Raises:
            ValueError: If `adapt` was not called.
        """
        if self._words is None:
            raise ValueError(
                "SIFTWords is not fitted. Call `adapt(images)` with the "
                "training images first."
            )
        parts = descriptors(images)
        counts = np.zeros((len(parts), self.num_words), "float32")
        for row, part in zip(counts, parts, strict=True):
            if len(part):
                nearest = self._words.predict(part)
                row += np.bincount(nearest, minlength=self.num_words)
        totals = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
        return np.sqrt(counts / totals)


def descriptors(images) -> list[np.ndarray]:
    """Computes the SIFT descriptors of each image.

    Args:
        images: Array as for `hog`; colours become grey values.

    Returns:
        List of arrays of shape `(points, 128)`; `(0, 128)` for an image
        without a point.

    Raises:
        ValueError: If the shape does not fit or images are too small.
        ImportError: If scikit-image is not installed.
    """
    feature = _skimage_feature()
    images = _checked(images)
    if min(images.shape[1:3]) < _FEWEST_PIXELS:
        raise ValueError(
            f"SIFT needs images of at least {_FEWEST_PIXELS} pixels a side. "
            f"Received: images of {images.shape[1]} by {images.shape[2]} "
            "pixels. Enlarge them."
        )
    weights = [0.2125, 0.7154, 0.0721] if images.shape[-1] == 3 else [1.0]
    descriptors = []
    for image in images @ np.array(weights, "float32"):
        low, high = float(image.min()), float(image.max())
        sift = feature.SIFT()
        rows = np.zeros((0, 128), "float32")
        if high > low:
            try:
                # Where an image is flat scikit-image divides by 0, and drops
                # the point.
                with np.errstate(divide="ignore", invalid="ignore"):
                    # Its threshold of contrast is for values from 0 to 1.
                    sift.detect_and_extract((image - low) / (high - low))
                rows = sift.descriptors.astype("float32")
            except RuntimeError as error:
                if "found no features" not in str(error):
                    raise
        descriptors.append(rows)
    return descriptors


def _skimage_feature():
    try:
        from skimage import feature
    except ImportError as error:
        raise ImportError(_HINT) from error
    return feature


def _checked(images) -> np.ndarray:
    images = checks.array("images", images, "float32")
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
        raise ValueError(
            "Expected images of shape (images, height, width) or (images, "
            "height, width, channels) with 1 or 3 channels. Received: shape "
            f"{images.shape}"
        )
    if not np.isfinite(images).all():
        raise ValueError(
            "Expected images of finite numbers. Received: NaN or infinity"
        )
    return images
