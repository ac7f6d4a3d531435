"""A small image model with three tasks, for tests of exports."""

import keras
import numpy as np
import tensorflow as tf

from mtl_keras import data

TASKS = ("box", "cls", "det")
DECODER = data.AnswerDecoder(
    [
        {"name": "cls", "kind": "classification", "class_names": "abc"},
        {"name": "det", "kind": "presence"},
        {"name": "box", "kind": "box"},
    ],
    height=8,
    width=8,
)
PREPROCESSOR = data.ImagePreprocessor(8, 8, 1)


def image_model(seed=0, policy="float32", names=TASKS):
    """A trunk with normalisation and dropout, and three heads of Dense."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    # As everywhere under mixed precision, outputs are float32.
    with_policy = {"dtype": policy}
    image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, strides=2, **with_policy)(image)
    x = layers.BatchNormalization(**with_policy)(x)
    x = layers.Flatten(**with_policy)(layers.ReLU(**with_policy)(x))
    x = layers.Dropout(0.5, **with_policy)(x)
    heads = ((4, "sigmoid"), (3, "softmax"), (1, "sigmoid"))
    outputs = {
        name: layers.Dense(units, activation, dtype="float32", name=name)(
            layers.Dense(5, name=f"{name}_hidden", **with_policy)(x)
        )
        for name, (units, activation) in zip(names, heads, strict=True)
    }
    model = keras.Model(image, outputs)
    normalisation = model.layers[2]
    normalisation.moving_mean.assign([0.1, -0.2, 0.3, 0.0])
    normalisation.moving_variance.assign([0.5, 1.5, 2.0, 0.1])
    return model


def random_images(num, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (num, 8, 8, 1)).astype("uint8")


def encoded(images, encode=tf.io.encode_png):
    return [encode(image).numpy() for image in images]
