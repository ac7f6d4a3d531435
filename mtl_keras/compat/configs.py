"""Configs of Keras's losses and metrics, with what Keras leaves out."""

import inspect

import keras


def config_of(source) -> dict:
    """Returns a loss's or metric's config with all of its arguments.

    Keras 3.15 leaves out `delta` of `Huber`, and `axis` of
    `CosineSimilarity` and `SparseCategoricalCrossentropy`, so that a reloaded
    model computes another loss (keras-team/keras#23286).

    Args:
        source: `keras.losses.Loss` or `keras.metrics.Metric`.

    Returns:
        Dict that the `from_config` of its class takes.
    """
    config = source.get_config()
    if not type(source).__module__.startswith("keras."):
        # A user's subclass may pass on other values than it received.
        return config
    accepted = inspect.signature(type(source).__init__).parameters
    arguments = getattr(source, "_fn_kwargs", {})
    lost = {
        name: value
        for name, value in arguments.items()
        if name in accepted and name not in config
    }
    return {**config, **lost}


def serialized(value):
    """Does as `keras.saving.serialize_keras_object`, with whole configs.

    Args:
        value: What Keras serializes: an object, or dicts and lists of them.

    Returns:
        Data that `keras.saving.deserialize_keras_object` takes.
    """
    return keras.saving.serialize_keras_object(_with_whole_configs(value))


def _with_whole_configs(value):
    if isinstance(value, dict):
        return {key: _with_whole_configs(entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_with_whole_configs(entry) for entry in value)
    if not isinstance(value, keras.losses.Loss | keras.metrics.Metric):
        return value
    data = keras.saving.serialize_keras_object(value)
    lost = {
        name: argument
        for name, argument in config_of(value).items()
        if name not in data["config"]
    }
    if lost:
        data["config"] |= keras.saving.serialize_keras_object(lost)
    return data
