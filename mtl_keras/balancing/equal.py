"""Equal weights: the plain sum of the tasks' losses."""

import keras

from mtl_keras.balancing.balancer import Balancer


@keras.saving.register_keras_serializable(package="mtl_keras")
class Equal(Balancer):
    """Gives each task the weight 1, as Keras does by default."""

    def weights(self, gramian=None, losses=None):
        """Returns ones.

        Args:
            gramian: Tensor of shape `(num_tasks, num_tasks)`, or `None`.
            losses: Tensor of shape `(num_tasks,)`, or `None`.

        Returns:
            float32 tensor of shape `(num_tasks,)`.
        """
        for given in (losses, gramian):
            if given is not None:
                shape = keras.ops.shape(keras.ops.convert_to_tensor(given))
                return keras.ops.ones((shape[0],), dtype="float32")
        if self.tasks is None:
            raise ValueError(
                "Equal.weights needs to know how many tasks there are. "
                "Received: gramian=None, losses=None, and no model is "
                "compiled with this balancer. Pass one of the two."
            )
        return keras.ops.ones((len(self.tasks),), dtype="float32")

    def get_config(self) -> dict:
        """Returns no arguments: there are none."""
        return {}
