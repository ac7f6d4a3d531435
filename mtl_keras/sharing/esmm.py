"""ESMM: entire space multi-task model.

Ma et al., SIGIR 2018, https://arxiv.org/abs/1804.07931.
"""

import keras
from keras import layers

from mtl_keras.sharing.composed import Chained


@keras.saving.register_keras_serializable(package="mtl_keras")
class Esmm(Chained):
    """Chains probabilities of tasks that follow each other.

    With tasks in the order of their happening, such as click, then
    conversion, the output of a task is
    `p(click and conversion) = p(click) * p(conversion | click)`, so that all
    rows train it, those without a click included. Its label is whether both
    happened: 0 where there was no click. The conditional probability is the
    output of the layer `"<task>_given_<task before>"`:

    ```python
    layer = model.get_layer("conversion_given_click")
    conditional = keras.Model(model.input, layer.output)
    ```

    What is unbiased over all rows is the product: rows that are hardly ever
    clicked say little of the conditional alone (`docs/results/sharing.md`).

    Args:
        base: Name of an architecture, a dict with hyperparameters, or a
            `Sharing`, which makes the features. Defaults to `"hard"`.
    """

    when_to_use = (
        "A task that happens only after another, such as a purchase after a "
        "click, and whose labels are selected by it."
    )
    cost = "That of its base; one product a task."
    drawing = """\
           +-- head click ----------------+---- p(click)
x -- trunk-+                              |
           +-- head conversion | click --(x)--- p(click, conversion)
"""

    def inner_name(self, task_name, before):
        """Returns the name of the conditional probability."""
        return f"{task_name}_given_{before}"

    def joining_layer(self, task_name):
        """Makes the product with the probability of the task before."""
        return layers.Multiply(dtype="float32", name=task_name)
