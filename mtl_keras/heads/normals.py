"""The direction of the surface at each pixel of an image."""

from mtl_keras.heads.maps import MapHead
from mtl_keras.labels import LabelSpec

# The limits of the field, in degrees (Fouhey et al., ICCV 2013).
_LIMITS = {"within_11": 11.25, "within_22": 22.5, "within_30": 30.0}


class NormalsHead(MapHead):
    """Predicts a unit vector for each pixel.

    A label is a map of directions of any length but 0; a pixel with a NaN has
    none. The metrics are those of NYUv2: mean and median angle in degrees, and
    the fractions of pixels within 11.25, 22.5 and 30 degrees.
    """

    kind = "normals"
    loss = "angular"
    metrics = ("angular_error", "median_angle", "within_angle")
    label = LabelSpec(shape=(None, None, 3))

    def channels(self, task) -> int:
        """Returns 3: x, y and z."""
        return 3

    def last_layer(self, task):
        """Makes the layer from scores to unit vectors."""
        from mtl_keras.heads.unit_vectors import UnitVectors

        return UnitVectors(dtype="float32", name=task.name)

    def default_metrics(self, task) -> list:
        """Returns the five metrics of normals."""
        from mtl_keras import metrics

        return [
            metrics.get("angular_error"),
            metrics.get("median_angle"),
            *(
                metrics.WithinAngle(limit, name=name)
                for name, limit in _LIMITS.items()
            ),
        ]
