"""Linear heads on descriptors of images: the trunk before neural networks."""

import dataclasses
import itertools

import keras
import numpy as np
import tensorflow as tf

import mtl_keras
from mtl_keras import classical, metrics
from mtl_keras.messages import listed, unknown

#: The loss of each kind of task: support vector machines, and boxes.
LOSSES = {
    "box": "box",
    "classification": "crammer_singer",
    "presence": "hinge",
    "regression": "mse",
}
_METRICS = {
    "box": "mean_iou",
    "classification": "accuracy",
    "presence": "auc",
    "regression": "r2",
}
#: What is tried: the arguments of the descriptor, the principal components
#: that are kept, and the weight decay.
CHOICES = {
    "hog": [
        {"cell": cell, "components": count, "decay": decay}
        for cell, count, decay in itertools.product(
            (8, 16), (16, 48, 128), (0.01, 0.3)
        )
    ],
    "sift": [
        {"words": words, "components": count, "decay": decay}
        for words, count, decay in itertools.product(
            (64, 256), (16, 48), (0.01, 0.3)
        )
    ],
}
_STEPS, _RATE = 300, 0.02


@dataclasses.dataclass(frozen=True)
class Measured:
    """The linear heads on one descriptor.

    Attributes:
        name: String, the descriptor.
        choice: Dict, what was best on the validation part.
        validation: Dict, log key to float, of that part.
        test: Dict, log key to float, of the test split.
    """

    name: str
    choice: dict
    validation: dict
    test: dict


def check(name: str, tasks) -> None:
    """Checks the name of a descriptor and the kinds of the tasks.

    Raises:
        ValueError: If either is unknown.
    """
    if name not in CHOICES:
        raise ValueError(unknown("descriptor", name, CHOICES))
    for task in tasks:
        if task.kind not in LOSSES or task.is_group:
            raise ValueError(
                "Linear heads on descriptors exist for single tasks of the "
                f"kinds {listed(LOSSES)}. Received: task {task.name!r} of kind "
                f"{task.kind!r}"
            )


def measure(name, tasks, train, test, choices=None) -> Measured:
    """Chooses on a third of the training images, and measures on the test.

    Args:
        name: String, of `CHOICES`.
        tasks: Sequence of `Task`.
        train: Tuple of images of shape `(images, height, width, channels)`
            and of a dict of task name to labels.
        test: Tuple, likewise.
        choices: List of dicts, what is tried. Defaults to `CHOICES[name]`.

    Returns:
        `Measured`.
    """
    check(name, tasks)
    images, labels = train
    is_held = np.arange(len(images)) % 3 == 2
    parts = [(images[~is_held], _some(labels, ~is_held))]
    parts.append((images[is_held], _some(labels, is_held)))
    best, cached = None, {}
    for choice in choices or CHOICES[name]:
        size = choice.get("cell", choice.get("words"))
        if size not in cached:
            cached[size] = _described(name, choice, parts[0][0], parts[1][0])
        logs = _fit(
            tasks, choice, *_with_labels(cached[size], parts[0][1], parts[1][1])
        )
        score = np.mean([logs[key(task)] for task in tasks])
        if best is None or score > best[0]:
            best = score, choice, logs
    _, choice, validation = best
    described = _described(name, choice, images, test[0])
    logs = _fit(tasks, choice, *_with_labels(described, labels, test[1]))
    return Measured(name, choice, validation, logs)


def key(task) -> str:
    """Returns the log key of the metric that a task is judged by."""
    metric = metrics.get(_METRICS[task.kind])
    return f"{task.name}_{metric.name}"


def _some(labels, is_chosen) -> dict:
    return {name: values[is_chosen] for name, values in labels.items()}


def _with_labels(described, first, second):
    return (described[0], first), (described[1], second)


def _described(name, choice, first, second):
    """Computes the descriptors; words are those of the first images."""
    if name == "hog":
        return [
            classical.hog(images, cell=choice["cell"])
            for images in (first, second)
        ]
    words = classical.SIFTWords(choice["words"]).adapt(first)
    return [words(first), words(second)]


def _fit(tasks, choice, train, test) -> dict:
    """Trains the heads, and returns the logs of the test part."""
    keras.utils.set_random_seed(0)
    x, y = train
    inputs = keras.Input(x.shape[1:], name="descriptor")
    components = classical.PCA(min(choice["components"], *x.shape))
    components.adapt(x)
    # One scale for all components keeps their relative importance.
    features = keras.layers.Rescaling(
        1 / float(np.std(np.asarray(components(x))) + 1e-12)
    )(components(inputs))
    tasks = [
        dataclasses.replace(task, loss=LOSSES[task.kind]) for task in tasks
    ]
    outputs = {task.name: task.head.build(features, task) for task in tasks}
    model = mtl_keras.MultiTaskModel(inputs, outputs, tasks=tasks)
    model.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(_RATE, _STEPS),
            weight_decay=choice["decay"],
        ),
        steps_per_execution=50,
        metrics={task.name: [_METRICS[task.kind]] for task in tasks},
    )
    # The whole split is one batch, and all steps one epoch: an epoch of one
    # step would cost more than the step.
    batch = tf.data.Dataset.from_tensors((x, y)).cache().repeat(_STEPS)
    model.fit(batch, verbose=0)
    logs = model.evaluate(
        *test, batch_size=len(test[0]), verbose=0, return_dict=True
    )
    keras.utils.clear_session()
    return {name: float(value) for name, value in logs.items()}
