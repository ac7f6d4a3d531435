"""A small model of the zoo's form, for tests of the zoo itself."""

import keras

from mtl_keras import MultiTaskModel, Task
from mtl_keras.data import AnswerDecoder, ImagePreprocessor

NAME = "tiny_squares_net"
DATA = {
    "tiny_squares": "tests.zoo.tiny_squares:Builder",
    "other_squares": "tests.zoo.tiny_squares:Builder",
}
_SIDE = 12
_OUTPUTS = {"box": (4, "sigmoid"), "cls": (2, "softmax"), "det": (1, "sigmoid")}


def card():
    tasks_of_card = {
        "box": {"kind": "box"},
        "cls": {"kind": "classification"},
        "det": {"kind": "presence"},
    }
    return {"tasks": tasks_of_card, "data": {name: {} for name in DATA}}


def tasks(data, names=None):
    every = (
        Task("cls", "classification", class_names=("small", "large")),
        Task("det", "presence"),
        Task("box", "box"),
    )
    return tuple(t for t in every if names is None or t.name in names)


def build(data, tasks=None, width=4, depth=1):
    inputs = keras.Input((_SIDE, _SIDE, 1), name="image")
    x = inputs
    for number in range(depth):
        x = keras.layers.Conv2D(
            width, 3, padding="same", activation="relu", name=f"conv{number}"
        )(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    answered = globals()["tasks"](data, tasks)
    outputs = {
        task.name: keras.layers.Dense(*_OUTPUTS[task.name], name=task.name)(x)
        for task in answered
    }
    return MultiTaskModel({"image": inputs}, outputs, tasks=answered)


def preprocessor(data):
    return ImagePreprocessor(_SIDE, _SIDE, 1)


def postprocessor(data, tasks=None):
    return AnswerDecoder(globals()["tasks"](data, tasks), _SIDE, _SIDE)


def example(data):
    def split(element):
        labels = {name: element[name] for name in ("cls", "det", "box")}
        return {"image": element["image"]}, labels

    return split


def augmentation(data):
    return None
