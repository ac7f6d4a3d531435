"""Temperatures and thresholds of a model's tasks."""

import numpy as np

from mtl_keras.calibration.reliability import expected_calibration_error
from mtl_keras.calibration.temperature import (
    calibrated,
    fit_temperature,
    losses,
)
from mtl_keras.calibration.threshold import best_threshold

_KINDS = ("classification", "presence")


def choose(model, dataset, *, measure: str = "f1") -> dict:
    """Chooses the temperature and the threshold of each task.

    A temperature is 1 where the gain of another may be chance: where the
    likelihood of the labels gains at most one standard error.

    Args:
        model: `MultiTaskModel`.
        dataset: `tf.data.Dataset` of `(inputs, {task: label}, ...)`, examples
            that the model was not trained on.
        measure: As for `best_threshold`.

    Returns:
        Dict, task name to a dict with `"temperature"` and, of a task of kind
        `"presence"`, `"threshold"`, of the calibrated probability. Groups,
        other kinds and tasks without any label are left out.
    """
    outputs, labels = predictions(model, dataset)
    decisions = {}
    for name, task in model.tasks.items():
        if task.kind not in _KINDS or task.is_group:
            continue
        if not (labels[name] >= 0).any():
            continue
        temperature = _chosen_temperature(outputs[name], labels[name])
        decisions[name] = {"temperature": round(temperature, 4)}
        if task.kind == "presence":
            probabilities = calibrated(
                outputs[name], decisions[name]["temperature"]
            )
            threshold = best_threshold(
                probabilities, labels[name], measure=measure
            )
            decisions[name]["threshold"] = round(threshold, 4)
    return decisions


def _chosen_temperature(probabilities, labels) -> float:
    """Fits a temperature; 1 where the gain may be chance.

    A temperature that is fitted to a small split can make a model that is
    calibrated already worse. It is kept where the likelihood of the labels
    gains more than one standard error.
    """
    temperature = fit_temperature(probabilities, labels)
    before, after = (
        losses(calibrated(probabilities, each), labels)
        for each in (1.0, temperature)
    )
    gains = before - after
    error = gains.std() / np.sqrt(len(gains))
    return temperature if gains.mean() > error else 1.0


def predictions(model, dataset) -> tuple[dict, dict]:
    """Predicts a dataset, and collects its labels.

    Args:
        model: `MultiTaskModel`.
        dataset: `tf.data.Dataset` of `(inputs, {task: label}, ...)`.

    Returns:
        Pair of dicts of task name to array, the outputs and the labels.
    """
    outputs, labels = {}, {}
    for inputs, batch, *_ in dataset:
        for name, value in model.predict_on_batch(inputs).items():
            outputs.setdefault(name, []).append(value)
        for name, value in batch.items():
            labels.setdefault(name, []).append(np.asarray(value))
    return tuple(
        {name: np.concatenate(parts) for name, parts in arrays.items()}
        for arrays in (outputs, labels)
    )


def apply(model, dataset) -> dict:
    """Chooses decisions, and lets the model's postprocessor apply them.

    Args:
        model: `MultiTaskModel` with a `postprocessor`.
        dataset: `tf.data.Dataset`, as for `choose`; the validation split.

    Returns:
        Dict, as of `choose`.

    Raises:
        ValueError: If there is no such dataset, or no postprocessor that
            applies decisions.
    """
    if dataset is None:
        raise ValueError(
            "`calibrate` needs a validation split. Expected one in the data. "
            "Received: none"
        )
    postprocessor = getattr(model, "postprocessor", None)
    if not hasattr(postprocessor, "decisions"):
        raise ValueError(
            "`calibrate` needs a postprocessor that applies temperatures, "
            "such as mtl_keras.data.AnswerDecoder. Received: "
            f"{type(postprocessor).__name__}"
        )
    decisions = choose(model, dataset)
    config = {**postprocessor.get_config(), "decisions": decisions}
    # Past Keras's tracking, as where the model was made.
    object.__setattr__(
        model, "postprocessor", type(postprocessor).from_config(config)
    )
    return decisions


def errors(model, dataset) -> dict:
    """Measures the calibration of each task that has a temperature.

    Args:
        model: `MultiTaskModel` whose `postprocessor` has `decisions`.
        dataset: `tf.data.Dataset`, as for `choose`; the test split.

    Returns:
        Dict of `"{task}_ece"`, the expected calibration error, and
        `"{task}_calibrated_ece"`, that after the temperature.
    """
    outputs, labels = predictions(model, dataset)
    measured = {}
    for name, decision in model.postprocessor.decisions.items():
        if not (labels[name] >= 0).any():
            continue
        scaled = calibrated(outputs[name], decision["temperature"])
        for key, values in (
            (f"{name}_ece", outputs[name]),
            (f"{name}_calibrated_ece", scaled),
        ):
            measured[key] = expected_calibration_error(values, labels[name])
    return measured
