"""Numbers without bounds: a price, a temperature."""

from mtl_keras.heads.dense import DenseHead
from mtl_keras.labels import LabelSpec


class RegressionHead(DenseHead):
    """Predicts one number, without an activation; NaN marks a missing label."""

    kind = "regression"
    loss = "MeanSquaredError"
    metrics = ("mae",)
    label = LabelSpec()

    def pool(self, features, name: str):
        """Averages a feature map over all positions."""
        from keras import layers

        return layers.GlobalAveragePooling2D(name=f"{name}_pool")(features)
