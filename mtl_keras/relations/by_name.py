"""Measures of relation by name, for a trained model and its data."""

from mtl_keras.messages import listed, unknown
from mtl_keras.relations import cka as alignment
from mtl_keras.relations import columns, correlation, cosines
from mtl_keras.relations.affinity import affinity
from mtl_keras.relations.matrix import Relations


def _correlation(method, read):
    return lambda model, data, steps, **options: correlation.correlation(
        read(model, data, steps), method, **options
    )


def _lasso(read):
    return lambda model, data, steps, **options: correlation.lasso(
        read(model, data, steps), **options
    )


def _cka(model, data, steps):
    return alignment.cka(alignment.head_features(model, data, steps))


_LABELS, _PREDICTIONS = columns.label_columns, columns.prediction_columns
_FUNCTIONS = {
    "affinity": affinity,
    "cka": _cka,
    "gradients": cosines.gradients,
    "label_lasso": _lasso(_LABELS),
    "label_pearson": _correlation("pearson", _LABELS),
    "label_spearman": _correlation("spearman", _LABELS),
    "prediction_lasso": _lasso(_PREDICTIONS),
    "prediction_pearson": _correlation("pearson", _PREDICTIONS),
    "prediction_spearman": _correlation("spearman", _PREDICTIONS),
}
#: The names that `measure` takes.
MEASURES = tuple(_FUNCTIONS)


def measure(
    name: str, model, data, steps: int | None = None, **options
) -> Relations:
    """Computes one measure of relation for a model and its data.

    Args:
        name: String, of `MEASURES`.
        model: `MultiTaskModel`, compiled for `"affinity"` and `"gradients"`.
        data: Batches `(inputs, labels)`, such as a `tf.data.Dataset`, or a
            tuple of arrays `(inputs, labels)`.
        steps: Integer, the number of batches to read. Defaults to all.
        **options: Those of the measure's function, such as `alpha`.

    Returns:
        `Relations`.

    Raises:
        ValueError: If the name or an option is unknown, or as of the measure.
    """
    if name not in MEASURES:
        raise ValueError(unknown("measure", name, MEASURES))
    legal = {
        "affinity": ("learning_rate",),
        "cka": (),
        "gradients": (),
    }.get(name, ("alpha", "min_common"))
    if name.endswith(("pearson", "spearman")):
        legal = ("min_common",)
    for option in options:
        if option not in legal:
            raise ValueError(
                f"The measure {name!r} takes the options {listed(legal)}. "
                f"Received: {option}={options[option]!r}"
            )
    return _FUNCTIONS[name](model, data, steps, **options)
