"""The second level of stacking: linear models on the members' outputs."""

import keras
import numpy as np
from keras import ops

from mtl_keras.ensemble import forms
from mtl_keras.ensemble.layers import to_probabilities
from mtl_keras.losses import probability

LOGITS = "logits"
PROBABILITIES = "probabilities"
# The score of a class without a label: a probability of about 1e-13.
_NEVER = -30.0
# More positions of masks and sentences than this are drawn from.
_MOST_ROWS = 100_000


def features_of(outputs, kind, from_logits, features):
    """Makes the inputs of the second level from the members' outputs.

    Args:
        outputs: List of float32 tensors of one shape, one a member.
        kind: String, as of `forms.Form`.
        from_logits: Sequence of booleans, one a member.
        features: String, `"logits"` or `"probabilities"`.

    Returns:
        float32 tensor. Of classes `(..., members * classes)`, of two classes
        the second one's only: `(..., members)`. Of others `(..., columns,
        members)`.
    """
    parts = []
    for output, logits in zip(outputs, from_logits, strict=True):
        part = to_probabilities(output, kind, logits)
        if kind == forms.CLASSES and part.shape[-1] == 2:
            part = part[..., 1:]
            if features == LOGITS:
                part = _logit(part)
        elif kind == forms.CLASSES and features == LOGITS:
            part = probability.log(part)
        elif kind == forms.BINARY and features == LOGITS:
            part = _logit(part)
        parts.append(part)
    if kind == forms.CLASSES:
        return ops.concatenate(parts, axis=-1)
    return ops.stack(parts, axis=-1)


def _logit(p):
    return probability.log(p) - probability.log(1.0 - p)


@keras.saving.register_keras_serializable(package="mtl_keras")
class StackedOutput(keras.layers.Layer):
    """A linear model on the outputs of the members for one task.

    Args:
        kind: String, as of `forms.Form`: `"classes"`, `"binary"` or
            `"values"`.
        from_logits: Sequence of booleans, one a member.
        features: String, `"logits"` or `"probabilities"`, what the linear
            model reads of classes and presence.
        by_column: Boolean, whether a group of classifications has a linear
            model for each column.
        to_logits: Boolean, whether the result holds logits.
    """

    def __init__(
        self,
        kind,
        from_logits,
        features=LOGITS,
        *,
        by_column=False,
        to_logits=False,
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.kind = kind
        self.from_logits = tuple(bool(each) for each in from_logits)
        self.features = features
        self.by_column = bool(by_column)
        self.to_logits = bool(to_logits)
        self.supports_masking = True

    def build(self, input_shape):
        """Creates kernel and bias, which are not trainable."""
        shape, num_members = tuple(input_shape[0]), len(self.from_logits)
        if self.kind == forms.CLASSES:
            num_classes = shape[-1]
            width = 1 if num_classes == 2 else num_classes
            kernel = (num_members * width, num_classes)
            bias = (num_classes,)
            if self.by_column:
                kernel, bias = (shape[-2], *kernel), (shape[-2], *bias)
        else:
            kernel, bias = (shape[-1], num_members), (shape[-1],)
        for name, size in (("kernel", kernel), ("bias", bias)):
            weight = self.add_weight(
                shape=size, initializer="zeros", name=name, trainable=False
            )
            setattr(self, name, weight)

    def call(self, inputs):
        """Computes the second level's prediction.

        Args:
            inputs: List of tensors of one shape, one a member.

        Returns:
            float32 tensor of the same shape.
        """
        read = features_of(inputs, self.kind, self.from_logits, self.features)
        if self.kind == forms.CLASSES:
            rule = "bgf,gfc->bgc" if self.by_column else "...f,fc->...c"
            scores = ops.einsum(rule, read, self.kernel) + self.bias
            return scores if self.to_logits else ops.softmax(scores, axis=-1)
        scores = ops.sum(read * self.kernel, axis=-1) + self.bias
        if self.kind == forms.VALUES or self.to_logits:
            return scores
        return ops.sigmoid(scores)

    def compute_mask(self, inputs, mask=None):
        """Passes on the mask of the first member."""
        return mask[0] if isinstance(mask, list | tuple) else mask

    def compute_output_shape(self, input_shape):
        """Returns the shape of one member's output."""
        return input_shape[0]

    def get_config(self):
        """Returns the arguments of the constructor."""
        return {
            **super().get_config(),
            "kind": self.kind,
            "from_logits": list(self.from_logits),
            "features": self.features,
            "by_column": self.by_column,
            "to_logits": self.to_logits,
        }


def fit(name, kind, read, labels, present, *, by_column, regularization, seed):
    """Fits the linear model of a task with scikit-learn.

    Args:
        name: String, the task, for errors.
        kind: String, as of `forms.Form`.
        read: Array, as of `features_of`.
        labels: Array: class numbers, 0 and 1, or numbers.
        present: Boolean array of the labels' shape.
        by_column: As for `StackedOutput`.
        regularization: Float, `alpha` of `Ridge`, and the inverse of `C` of
            `LogisticRegression`.
        seed: Integer, of the draw of positions.

    Returns:
        Pair of float arrays, the kernel and the bias of `StackedOutput`.

    Raises:
        ValueError: If a column has too few labels.
    """
    if kind == forms.CLASSES and not by_column:
        num_classes = labels[1]
        flat = read.reshape(-1, read.shape[-1])
        chosen = _rows(present.reshape(-1), seed)
        return _classes(
            name,
            flat[chosen],
            labels[0].reshape(-1)[chosen],
            num_classes,
            regularization,
        )
    if kind == forms.CLASSES:
        labels, num_classes = labels
        fitted = [
            _classes(
                name,
                read[present[:, column], column],
                labels[present[:, column], column],
                num_classes,
                regularization,
            )
            for column in range(read.shape[1])
        ]
        return tuple(np.stack(parts) for parts in zip(*fitted, strict=True))
    read = read.reshape(-1, *read.shape[-2:])
    labels = labels.reshape(-1, read.shape[1])
    present = present.reshape(-1, read.shape[1])
    fit_column = _binary if kind == forms.BINARY else _values
    fitted = []
    for column in range(read.shape[1]):
        chosen = _rows(present[:, column], seed)
        fitted.append(
            fit_column(
                name,
                read[chosen, column],
                labels[chosen, column],
                regularization,
            )
        )
    return tuple(np.stack(parts) for parts in zip(*fitted, strict=True))


def _rows(present, seed):
    chosen = np.flatnonzero(present)
    if len(chosen) > _MOST_ROWS:
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.choice(chosen, _MOST_ROWS, replace=False))
    return chosen


def _logistic(read, labels, regularization):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0 / regularization, max_iter=10_000)
    return model.fit(np.asarray(read, np.float64), labels)


def _require_classes(name, labels):
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(
            f"Stacking the task {name!r} needs labels of at least two classes. "
            f"Received: {len(labels)} labels, the classes {classes.tolist()}. "
            "Choose other tasks by tasks=[...]."
        )
    return classes


def _classes(name, read, labels, num_classes, regularization):
    labels = labels.astype(np.int64)
    classes = _require_classes(name, labels)
    fitted = _logistic(read, labels, regularization)
    coefficients, constants = fitted.coef_, fitted.intercept_
    if len(classes) == 2:
        # scikit-learn has one score for two classes.
        coefficients = np.concatenate([0 * coefficients, coefficients])
        constants = np.concatenate([0 * constants, constants])
    kernel = np.zeros((read.shape[1], num_classes))
    bias = np.full(num_classes, _NEVER)
    kernel[:, classes] = coefficients.T
    bias[classes] = constants
    return kernel, bias


def _binary(name, read, labels, regularization):
    labels = (labels > 0.5).astype(np.int64)
    _require_classes(name, labels)
    fitted = _logistic(read, labels, regularization)
    return fitted.coef_[0], fitted.intercept_[0]


def _values(name, read, labels, regularization):
    from sklearn.linear_model import Ridge

    if len(labels) < 2:
        raise ValueError(
            f"Stacking the task {name!r} needs at least two labels. Received: "
            f"{len(labels)}"
        )
    read = np.asarray(read, np.float64)
    labels = np.asarray(labels, np.float64)
    mean, spread = read.mean(0), read.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    # In units of the labels' spread, so that the penalty has no unit.
    scale = labels.std() or 1.0
    fitted = Ridge(alpha=regularization).fit(
        (read - mean) / spread, labels / scale
    )
    kernel = fitted.coef_ * scale / spread
    return kernel, fitted.intercept_ * scale - kernel @ mean
