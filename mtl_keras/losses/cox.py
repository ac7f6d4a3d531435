"""Cox's partial likelihood (Cox, JRSS B 34, 1972), with Breslow's ties."""

import keras
from keras import ops

from mtl_keras import shapes
from mtl_keras.losses import coupling, survival
from mtl_keras.losses.loss import Loss

# Below every risk; float32 ends at 3.4e38.
_LOWEST = -3e38


@keras.saving.register_keras_serializable(package="mtl_keras")
class Cox(Loss):
    """Negative logarithm of the partial likelihood within a batch.

    With `r` the predicted log-risks, and for each example `i` whose event was
    observed, at the time `t_i`, the risk set `R_i = {j: t_j >= t_i}`:

        loss_i = log(sum over R_i (exp(r_j))) - r_i

    and 0 for an example whose event was not observed (Katzman et al., DeepSurv,
    2018, https://arxiv.org/abs/1606.00931, equation 4). Examples with the same
    time are in each other's risk sets (Breslow, Biometrics 30, 1974).

    The risk sets are those of the batch: an example without a label is in
    none, and larger batches approximate the likelihood of all data better. On
    several replicas each has the risk sets of its own part of the batch. The
    mean is over all labels, including censored ones: the sum of the values is
    the negative log-likelihood.

    Labels have shape `(..., 2)`: a time in any unit, and 1 if the event
    happened at that time or 0 if it was not observed until then. Predictions
    have shape `(..., 1)` or `(...)`, any number, without an activation; values
    have shape `(...)`. Memory grows with the square of the batch size.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"cox"`.
    """

    default_name = "cox"
    couples_labels = True

    def call(self, y_true, y_pred, present=None):
        """Computes a value for each example.

        Args:
            y_true: Tensor of times and events, shape `(..., 2)`.
            y_pred: Tensor of log-risks, shape `(..., 1)` or `(...)`.
            present: Boolean tensor of the labels' shape or `(...)`, `False`
                where a label is missing; `None` if no label is missing.

        Returns:
            float32 tensor of shape `(...)`; 0 where a label is missing.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        risk = y_pred
        if len(risk.shape) == len(y_true.shape) and risk.shape[-1] == 1:
            risk = ops.squeeze(risk, axis=-1)
        time, event = survival.time_and_event(
            self.name, y_true, risk.shape, y_pred
        )
        is_present = coupling.mask(self.name, present, risk)
        values = _breslow(
            ops.reshape(coupling.where_present(time, is_present), (-1,)),
            ops.reshape(coupling.where_present(event, is_present), (-1,)),
            ops.reshape(coupling.where_present(risk, is_present), (-1,)),
            ops.reshape(is_present, (-1,)),
        )
        return ops.reshape(values, ops.shape(risk))


def _breslow(time, event, risk, is_present):
    """Computes the values of examples; all arguments are vectors."""
    at_risk = ops.logical_and(
        ops.expand_dims(time, 0) >= ops.expand_dims(time, 1),
        ops.expand_dims(is_present, 0),
    )
    row = ops.expand_dims(risk, 0)
    # The maximum of each risk set is subtracted, so that nothing overflows and
    # a set of small risks is not rounded to 0 by a large risk outside.
    greatest = ops.stop_gradient(
        ops.max(ops.where(at_risk, row, _LOWEST), axis=1, keepdims=True)
    )
    # `where` before and after `exp`: a risk outside the set may overflow, and
    # its gradient would be NaN.
    above = ops.where(at_risk, row - greatest, 0.0)
    total = ops.sum(ops.where(at_risk, ops.exp(above), 0.0), axis=1)
    log_total = ops.log(ops.where(is_present, total, 1.0))
    return ops.where(event > 0, log_total + (greatest[:, 0] - risk), 0.0)
