"""The base of layers that merge features of several tasks into one."""

from keras import layers


class Merging(layers.Layer):
    """Merges a list of features of one shape; the first's mask stays."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, inputs, previous_mask=None):
        """Returns the first mask that there is: copies of a trunk agree."""
        del inputs
        masks = previous_mask if isinstance(previous_mask, list) else []
        return next((mask for mask in masks if mask is not None), None)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the last features in the list."""
        return input_shape[-1]
