"""Takes a model of the zoo apart, with what reads its raw inputs."""

import dataclasses

from zoo import registry


def task_models(model, tasks=None) -> dict:
    """Makes one independent model for each task of a model of the zoo.

    As `mtl_keras.extract.task_models`; besides, each model carries a
    `preprocessor` and a `postprocessor` of its task alone, for an export that
    reads raw inputs.

    Args:
        model: `MultiTaskModel`, made by `zoo.load`.
        tasks: Sequence of strings, the tasks to make models of. Defaults to
            `None`, all.

    Returns:
        Dict, task name to `MultiTaskModel` with this one output, not
        compiled. `model.save` saves it; `zoo.save` does not, since the zoo
        builds its models by their entries.

    Raises:
        ValueError: If the model was not made by `zoo.load`, or a task is
            unknown or named twice.
    """
    from mtl_keras import extract

    origin = getattr(model, "origin", None)
    if origin is None:
        raise ValueError(
            "Expected a model that zoo.load made. Received: "
            f"{type(model).__name__}. Use mtl_keras.extract.task_models."
        )
    name, spec, overrides = origin
    entry = registry.find(name).entry
    models = extract.task_models(model, tasks)
    for task, alone in models.items():
        own = dataclasses.replace(
            spec,
            tasks=(task,),
            classes={k: v for k, v in spec.classes.items() if k == task},
            inner=(),
        )
        for part in ("preprocessor", "postprocessor"):
            processor = entry.call(part, own, overrides)
            # Past Keras's tracking, as `zoo.load` does.
            object.__setattr__(alone, part, processor)
    return models
