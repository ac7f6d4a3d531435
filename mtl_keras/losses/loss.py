"""What every loss of this package provides."""

import keras


class Loss(keras.losses.Loss):
    """A loss that keeps one value for each label.

    `call(y_true, y_pred)` computes in float32 and returns unreduced values;
    the leading axes are free. It sees no missing label: a multi-task model
    replaces them before the call and drops their values afterwards. Value and
    gradient are finite for every legal input.

    Calling the object reduces the values as Keras does.

    Args:
        reduction: String or `None`, as in `keras.losses.Loss`. A multi-task
            model takes the mean over the labels present, or over their
            weights with `"mean_with_sample_weight"`; it refuses a sum.
        name: String. Defaults to `default_name`.
    """

    #: The name of an object that is given none.
    default_name: str | None = None

    #: Whether `call` is the mean of an elementwise formula over the last
    #: axis. `losses.values` then returns a value for every element.
    averages_last_axis = False

    #: Whether the value of one label depends on the other labels of the batch.
    #: `call` then takes a third argument, `present`: a boolean tensor of the
    #: label's shape, `False` where a label is missing or has the weight 0, or
    #: `None` if no label is missing. Missing labels must not affect the other
    #: values. The mean of the values over the labels present is the loss. On
    #: several replicas each couples its own part of the batch.
    couples_labels = False

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ):
        if name is None:
            name = self.default_name
        super().__init__(name=name, reduction=reduction)
