"""What every loss of this package provides."""

import keras


class Loss(keras.losses.Loss):
    """A loss that keeps one value for each label.

    `call(y_true, y_pred)` computes in float32 and returns unreduced values;
    the leading axes are free. It sees no missing label: a multi-task model
    replaces those before and drops their values after. For each legal input
    the value and the gradient are finite.

    Calling the object reduces the values as Keras does.

    Args:
        reduction: String or `None`, as in `keras.losses.Loss`. A multi-task
            model does not use it: it takes the mean over the labels present.
        name: String.
    """

    #: Whether `call` is the mean of an elementwise formula over the last
    #: axis. `losses.values` then gives every element a value of its own.
    averages_last_axis = False

    #: Whether the value of one label depends on the other labels of the batch.
    #: `call` then takes a third argument, `present`: a boolean tensor of the
    #: label's shape, `False` where a label is missing or has the weight 0, or
    #: `None` where none is. What is missing must not reach the other values.
    #: The values are shares of one figure: their mean over the labels present
    #: is the loss. On several replicas each couples its own part of the batch.
    couples_labels = False

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ):
        super().__init__(name=name, reduction=reduction)
