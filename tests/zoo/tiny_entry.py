"""A small model of the zoo's form, for tests of the zoo itself."""

import keras

import mtl_keras
import zoo
from mtl_keras.data import AnswerDecoder, ImagePreprocessor

NAME = "tiny_squares_net"
_BUILDER = "tests.zoo.tiny_squares:Builder"
_SIDE = 12
_OUTPUTS = {"box": (4, "sigmoid"), "det": (1, "sigmoid")}


class TinySquares(zoo.Entry):
    """Which square it is, whether it is there and where."""

    data = {"tiny_squares": _BUILDER, "other_squares": _BUILDER}
    reads = "image"
    kinds = {"cls": "classification", "det": "presence", "box": "box"}
    classes = {name: {"cls": ("small", "large")} for name in data}

    def build(self, spec, *, width=4, depth=1, sharing="hard"):
        def trunk(inputs):
            x = inputs["image"]
            for number in range(depth):
                x = keras.layers.Conv2D(
                    width,
                    3,
                    padding="same",
                    activation="relu",
                    name=f"conv{number}",
                )(x)
            return keras.layers.GlobalAveragePooling2D()(x)

        sizes = dict(_OUTPUTS)
        if "cls" in spec:
            sizes["cls"] = len(spec.classes["cls"]), "softmax"

        def head(features, task):
            size = sizes[task.name]
            return keras.layers.Dense(*size, name=task.name)(features)

        return mtl_keras.build(
            {"image": keras.Input((_SIDE, _SIDE, 1), name="image")},
            self.tasks(spec),
            trunk=trunk,
            sharing=sharing,
            head=head,
        )

    def preprocessor(self, spec):
        return ImagePreprocessor(_SIDE, _SIDE, 1)

    def postprocessor(self, spec):
        return AnswerDecoder(self.tasks(spec), _SIDE, _SIDE)


def card():
    return {
        "tasks": {
            name: {"kind": kind}
            for name, kind in sorted(TinySquares.kinds.items())
        },
        "data": {name: {} for name in TinySquares.data},
    }
