"""Survival in intervals (Gensheimer and Narasimhan, PeerJ 7:e6257, 2019)."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.losses import probability, survival
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class DiscreteTime(Loss):
    """Negative log-likelihood of hazards, one for each interval of time.

    The prediction `h_j` is the probability that the event happens in interval
    `j`, given that it has not happened before. With `k` the event's interval
    (https://arxiv.org/abs/1805.00917, equation 2):

        loss = -log(h_k) - sum for j < k (log(1 - h_j))

    If the event was not observed, the first term is dropped and the sum runs
    over the intervals whose middle the last observation has passed. An event
    at or after the last edge counts as not observed until that edge.

    Labels have shape `(..., 2)`: a time, at least the first edge, and 1 if the
    event happened at that time or 0 if it was not observed until then.
    Predictions have shape `(..., num_intervals)`; values have shape `(...)`.

    Args:
        edges: Sequence of increasing floats, in the label's unit: interval `j`
            is `[edges[j], edges[j + 1])`. `None` for intervals of length 1
            from 0 on, as many as predictions.
        from_logits: Boolean. Whether predictions are logits instead of
            probabilities. Defaults to `False`.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"discrete_time"`.

    Raises:
        ValueError: If there are fewer than two edges, or they are not finite
            or not increasing.
    """

    def __init__(
        self,
        edges: Sequence[float] | None = None,
        *,
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str = "discrete_time",
    ):
        super().__init__(reduction=reduction, name=name)
        self.edges = None if edges is None else _checked(edges)
        self.from_logits = checks.boolean("from_logits", from_logits)

    def call(self, y_true, y_pred):
        """Computes a value for each label.

        Args:
            y_true: Tensor of times and events, shape `(..., 2)`.
            y_pred: Tensor of hazards, shape `(..., num_intervals)`.

        Returns:
            float32 tensor of shape `(...)`.

        Raises:
            ValueError: If the shapes do not fit each other or the edges.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        time, event = survival.time_and_event(
            self.name, y_true, y_pred.shape[:-1], y_pred
        )
        low, high = self._intervals(y_pred.shape[-1])
        time = ops.expand_dims(time, axis=-1)
        is_seen = ops.expand_dims(event, axis=-1) > 0
        middle = low + 0.5 * (high - low)
        survived = ops.where(is_seen, time >= high, time >= middle)
        # A time before the first edge belongs to the first interval.
        begun = ops.concatenate(
            [ops.ones_like(time, dtype="bool"), time >= high[..., :-1]], axis=-1
        )
        failed = ops.logical_and(
            is_seen, ops.logical_and(begun, ops.logical_not(time >= high))
        )
        if self.from_logits:
            log_rest = -ops.softplus(y_pred)
            log_hazard = -ops.softplus(-y_pred)
        else:
            log_rest = probability.log(1.0 - y_pred)
            log_hazard = probability.log(y_pred)
        return -ops.sum(
            ops.where(survived, log_rest, 0.0)
            + ops.where(failed, log_hazard, 0.0),
            axis=-1,
        )

    def _intervals(self, num_intervals):
        """Returns the lower and the upper edges, `(num_intervals,)` each."""
        edges = self.edges
        if edges is None:
            edges = [float(edge) for edge in range(num_intervals + 1)]
        if len(edges) != num_intervals + 1:
            raise ValueError(
                f"{self.name!r} has {len(edges) - 1} intervals and expects as "
                "many predictions for each example. Received: predictions of "
                f"{num_intervals} intervals"
            )
        edges = ops.convert_to_tensor(edges, "float32")
        return edges[:-1], edges[1:]

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "edges": self.edges,
            "from_logits": self.from_logits,
        }


def _checked(edges) -> list[float]:
    received = f"Received: edges={edges!r}"
    try:
        edges = [float(edge) for edge in edges]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`edges` must be a sequence of numbers. {received}"
        ) from error
    is_increasing = all(a < b for a, b in zip(edges, edges[1:], strict=False))
    if (
        len(edges) < 2
        or not is_increasing
        or not all(map(math.isfinite, edges))
    ):
        raise ValueError(
            "`edges` must be two or more finite, increasing numbers. "
            f"{received}"
        )
    return edges
