"""Numbers and directions of an image's pixels as colours."""

import numpy as np

# Of pixels without a number.
_EMPTY = np.array([0, 0, 0], np.uint8)
# The nearest and the farthest percent are of one colour each: a single pixel
# must not take the colours of all others.
_PERCENTILES = (1.0, 99.0)


def depth_colours(depth) -> np.ndarray:
    """Colours depths: what is near is bright, what is far dark blue.

    Args:
        depth: Array of shape `(height, width)`; NaN and infinite numbers are
            black.

    Returns:
        uint8 array of shape `(height, width, 3)`.

    Raises:
        ValueError: If the shape is wrong.
    """
    import matplotlib

    depth = np.asarray(depth, np.float64)
    if depth.ndim != 2:
        raise ValueError(
            "`depth` must have the shape (height, width). Received: shape "
            f"{depth.shape}"
        )
    is_known = np.isfinite(depth)
    if not is_known.any():
        return np.broadcast_to(_EMPTY, (*depth.shape, 3)).copy()
    low, high = np.percentile(depth[is_known], _PERCENTILES)
    nearness = (high - np.where(is_known, depth, high)) / max(high - low, 1e-9)
    colours = matplotlib.colormaps["viridis"](np.clip(nearness, 0, 1))
    colours = np.round(255 * colours[..., :3]).astype(np.uint8)
    return np.where(is_known[..., None], colours, _EMPTY)


def normal_colours(normals) -> np.ndarray:
    """Colours directions: red is x, green y and blue z, from -1 to 1.

    Args:
        normals: Array of shape `(height, width, 3)`, unit vectors; those with
            a NaN are black.

    Returns:
        uint8 array of shape `(height, width, 3)`.

    Raises:
        ValueError: If the shape is wrong.
    """
    normals = np.asarray(normals, np.float64)
    if normals.ndim != 3 or normals.shape[-1] != 3:
        raise ValueError(
            "`normals` must have the shape (height, width, 3). Received: shape "
            f"{normals.shape}"
        )
    is_known = np.isfinite(normals).all(axis=-1, keepdims=True)
    fractions = (np.clip(np.where(is_known, normals, 0), -1, 1) + 1) / 2
    colours = np.round(255 * fractions).astype(np.uint8)
    return np.where(is_known, colours, _EMPTY)
