"""Kinds of output: each builds its layers and has a loss and a label."""

from mtl_keras.heads.box import BoxHead
from mtl_keras.heads.classification import ClassificationHead
from mtl_keras.heads.count import CountHead
from mtl_keras.heads.depth import DepthHead
from mtl_keras.heads.detection import DetectionHead
from mtl_keras.heads.head import Head
from mtl_keras.heads.mask import MaskHead
from mtl_keras.heads.normals import NormalsHead
from mtl_keras.heads.presence import PresenceHead
from mtl_keras.heads.regression import RegressionHead
from mtl_keras.heads.survival import SurvivalHead
from mtl_keras.heads.tagging import TaggingHead
from mtl_keras.messages import unknown

_HEADS = {
    head.kind: head
    for head in (
        BoxHead(),
        ClassificationHead(),
        CountHead(),
        DepthHead(),
        DetectionHead(),
        MaskHead(),
        NormalsHead(),
        PresenceHead(),
        RegressionHead(),
        SurvivalHead(),
        TaggingHead(),
    )
}

__all__ = [
    "BoxHead",
    "ClassificationHead",
    "CountHead",
    "DepthHead",
    "DetectionHead",
    "Head",
    "MaskHead",
    "NormalsHead",
    "PresenceHead",
    "RegressionHead",
    "SurvivalHead",
    "TaggingHead",
    "get",
    "list_kinds",
]


def list_kinds() -> list[str]:
    """Lists the kinds of output that `Task(kind=...)` takes."""
    return sorted(_HEADS)


def get(kind: str) -> Head:
    """Returns the head of a kind.

    Args:
        kind: String, one of `list_kinds()`.

    Returns:
        `Head` instance.

    Raises:
        ValueError: If the kind is unknown.
    """
    if kind not in _HEADS:
        raise ValueError(unknown("kind of output", kind, _HEADS))
    return _HEADS[kind]
