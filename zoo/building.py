"""Builds the model that was chosen and loads what fits of its weights."""

import dataclasses


def build(chosen) -> tuple:
    """Builds a model and loads its weights, as far as they fit.

    Args:
        chosen: `zoo.choice.Choice`.

    Returns:
        Triple of the model, its `Spec` and its `LoadingReport` or `None`.

    Raises:
        ValueError: If the weights are damaged or do not fit.
    """
    # Imports a backend, which listing the zoo must not do.
    from zoo import partial_loading

    spec, trained = chosen.spec, chosen.trained
    if trained is None:
        return build_model(chosen.entry, spec, chosen.overrides), spec, None
    trained_spec = chosen.trained_spec or spec
    try:
        old = build_model(chosen.entry, trained_spec, chosen.overrides)
    except ValueError as error:
        if trained.base is None:
            raise
        raise ValueError(
            f"{trained.described} are over the base {trained.base!r}. Expected "
            f"it with sha256 {trained.base_sha256}. Received: no base. {error}"
        ) from error
    trained.load_into(old)
    if _is_same_model(spec, trained_spec):
        return old, spec, partial_loading.whole(old, trained.title)
    # A head that reads one that is left out keeps it as a part of itself.
    reads = partial_loading.tasks_read_by(old)
    inner = {other for task in spec.tasks for other in reads.get(task, ())}
    inner = tuple(n for n in trained_spec.tasks if n in inner - {*spec.tasks})
    if inner or trained_spec.inner:
        inner = (*inner, *(set(trained_spec.inner) - {*spec.tasks}))
        classes = {n: trained_spec.classes[n] for n in inner}
        spec = dataclasses.replace(
            spec, inner=inner, classes={**classes, **spec.classes}
        )
    model = build_model(chosen.entry, spec, chosen.overrides)
    report = partial_loading.transfer(old, model, trained.title)
    return model, spec, report


def _is_same_model(spec, trained_spec) -> bool:
    return all(
        getattr(spec, part) == getattr(trained_spec, part)
        for part in ("tasks", "classes", "inner")
    )


def build_model(entry, spec, overrides):
    """Builds a model with fresh weights.

    Args:
        entry: `zoo.Entry`.
        spec: `zoo.Spec`; its tasks of `inner` have no output.
        overrides: Dict, arguments of `entry.build`.

    Returns:
        `mtl_keras.MultiTaskModel`, not compiled.

    Raises:
        ValueError: If an argument is out of range.
    """
    if not spec.inner:
        return entry.build(spec, **overrides)
    from mtl_keras import MultiTaskModel

    every = dataclasses.replace(
        spec, tasks=(*spec.tasks, *spec.inner), inner=()
    )
    model = entry.build(every, **overrides)
    outputs = {task: model.output[task] for task in spec.tasks}
    # Those of `build`, whose overrides may have changed a loss.
    tasks = [model.tasks[task] for task in spec.tasks]
    return MultiTaskModel(model.input, outputs, tasks=tasks, name=model.name)
