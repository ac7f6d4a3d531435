"""Writes models for serving: a SavedModel, a LiteRT file, an ONNX file.

A SavedModel takes raw inputs and needs only TensorFlow; a LiteRT or an ONNX
file takes preprocessed tensors and needs only its small runtime.
"""

from mtl_keras.export.agreement import Agreement, compare
from mtl_keras.export.archive import saved_model
from mtl_keras.export.litert_file import litert
from mtl_keras.export.onnx_file import onnx
from mtl_keras.export.versions import next_version

__all__ = [
    "Agreement",
    "compare",
    "litert",
    "next_version",
    "onnx",
    "saved_model",
]
