"""Present or absent: is there an object in the image."""

from mtl_keras.heads.dense import DenseHead
from mtl_keras.labels import LabelSpec


class PresenceHead(DenseHead):
    """Predicts the probability of presence; -1 or NaN marks a missing label."""

    kind = "presence"
    loss = "binary_cross_entropy"
    metrics = ("accuracy", "f1", "auc")
    label = LabelSpec(dtype="int32", missing=-1, minimum=0, maximum=1)
    activation = "sigmoid"
