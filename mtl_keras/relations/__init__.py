"""Which tasks belong together: measures of relation, and a grouping by them.

Each measure returns `Relations`, a matrix over tasks; `measure` computes one by
its name for a trained model.
"""

from mtl_keras.relations.affinity import affinity
from mtl_keras.relations.by_name import MEASURES, measure
from mtl_keras.relations.cka import cka, head_features, linear_cka
from mtl_keras.relations.columns import label_columns, prediction_columns
from mtl_keras.relations.correlation import correlation, lasso
from mtl_keras.relations.cosines import gradients, logged
from mtl_keras.relations.grouping import Grouping, group
from mtl_keras.relations.matrix import Relations

__all__ = [
    "MEASURES",
    "Grouping",
    "Relations",
    "affinity",
    "cka",
    "correlation",
    "gradients",
    "group",
    "head_features",
    "label_columns",
    "lasso",
    "linear_cka",
    "logged",
    "measure",
    "prediction_columns",
]
