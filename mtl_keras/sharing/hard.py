"""Hard parameter sharing.

Caruana, Machine Learning 1997, https://doi.org/10.1023/A:1007379606734.
"""

import keras

from mtl_keras.sharing.architecture import Sharing


@keras.saving.register_keras_serializable(package="mtl_keras")
class Hard(Sharing):
    """Gives all heads the features of one trunk."""

    when_to_use = (
        "The default: tasks that need the same features, and the smallest "
        "model. Compare every other architecture with it."
    )
    cost = "None: one trunk, whatever K."
    drawing = """\
           +-- head a
x -- trunk-+
           +-- head b
"""

    def features(self, inputs, task_names, trunk):
        """Calls the trunk once."""
        return dict.fromkeys(task_names, trunk(inputs))
