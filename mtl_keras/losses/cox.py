"""Cox's partial likelihood (Cox, JRSS B 34, 1972), ties as Breslow's."""

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
    seen, at the time `t_i`, those still at risk `R_i = {j: t_j >= t_i}`:

        loss_i = log(sum over R_i (exp(r_j))) - r_i

    and 0 for an example whose event was not seen. (Katzman et al., DeepSurv,
    2018, https://arxiv.org/abs/1606.00931, equation 4.) Of examples with the
    same time each has all of them at risk (Breslow, Biometrics 30, 1974).

    The risk sets are those of the batch: an example without a label is in
    none, and larger batches come nearer to the likelihood of all data. On
    several replicas each has the risk sets of its own part of the batch. The
    mean is over all labels, also those whose event was not seen: the sum of
    the values is the negative log-likelihood.

    Labels have shape `(..., 2)`: a time in any unit, and 1 where the event
    came then or 0 where it was not seen until then. Predictions have shape
    `(..., 1)` or `(...)`, any number, without an activation; values have
    shape `(...)`. It takes the square of the batch in memory.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"cox"`.
    """

    couples_labels = True

    def __init__(
        self,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cox",
    ):
        super().__init__(reduction=reduction, name=name)

    def call(self, y_true, y_pred, present=None):
        """Computes a value for each example.

        Args:
            y_true: Tensor of times and events, shape `(..., 2)`.
            y_pred: Tensor of log-risks, shape `(..., 1)` or `(...)`.
            present: Boolean tensor of the labels' shape or `(...)`, `False`
                where a label is missing; `None` if none is.

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
        kept = coupling.mask(self.name, present, risk)
        values = _breslow(
            ops.reshape(coupling.keep(time, kept), (-1,)),
            ops.reshape(coupling.keep(event, kept), (-1,)),
            ops.reshape(coupling.keep(risk, kept), (-1,)),
            ops.reshape(kept, (-1,)),
        )
        return ops.reshape(values, ops.shape(risk))


def _breslow(time, event, risk, kept):
    """Computes the values of one row of examples."""
    at_risk = ops.logical_and(
        ops.expand_dims(time, 0) >= ops.expand_dims(time, 1),
        ops.expand_dims(kept, 0),
    )
    row = ops.expand_dims(risk, 0)
    # The greatest of each risk set is taken out, so that nothing overflows
    # and a set of small risks is not rounded to 0 by a large risk outside.
    greatest = ops.stop_gradient(
        ops.max(ops.where(at_risk, row, _LOWEST), axis=1, keepdims=True)
    )
    # Inside the `where` twice: a risk outside the set may overflow.
    above = ops.where(at_risk, row - greatest, 0.0)
    total = ops.sum(ops.where(at_risk, ops.exp(above), 0.0), axis=1)
    log_total = ops.log(ops.where(kept, total, 1.0))
    return ops.where(event > 0, log_total + (greatest[:, 0] - risk), 0.0)
