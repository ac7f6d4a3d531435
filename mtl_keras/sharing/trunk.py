"""The trunk that a user gives, of which an architecture makes copies."""

import keras
from keras import tree


class Trunk:
    """Builds copies of a trunk, each with variables of its own.

    ```python
    def trunk(x):
        return keras.layers.Dense(32, "relu")(x)

    trunk = sharing.Trunk(trunk)
    first, second = trunk(x, name="expert_0"), trunk(x, name="expert_1")
    ```

    Args:
        trunk: One of: a function from inputs to features, which is called
            once a copy and draws new weights each time; a Keras layer or
            model, which is itself the first copy, and whose config makes the
            others; or a list of these, the trunk's stages, each of which
            reads the features of the one before. A list within a list is one
            stage.
        copy_weights: Boolean, whether the other copies of a layer or model
            that has weights already start with those weights. Defaults to
            `True`, for pretrained trunks. With `False`, or a function, copies
            start apart.

    Attributes:
        stages: Tuple of `Trunk`, one for each stage; of a trunk without
            stages, itself alone.

    Raises:
        ValueError: If `trunk` is of another type.
    """

    def __init__(self, trunk, *, copy_weights: bool = True):
        if isinstance(trunk, list | tuple):
            if not trunk:
                raise ValueError(
                    "`trunk` needs at least one stage. Received: trunk=[]"
                )
            self.stages = tuple(
                Trunk.of(stage, copy_weights=copy_weights) for stage in trunk
            )
            return
        if not callable(trunk) or isinstance(trunk, type):
            raise ValueError(
                "`trunk` must be a function from inputs to features, a Keras "
                "layer or model, or a list of these, its stages. Received: "
                f"{trunk!r} of type {type(trunk).__name__}"
            )
        self.stages = (self,)
        self._source = trunk
        self._is_used = False
        # Before any call: a layer that is built later draws its own.
        self._has_weights = copy_weights and bool(
            getattr(trunk, "weights", None)
        )

    @property
    def has_weights(self) -> bool:
        """Whether copies start with weights that the trunk came with."""
        if self.stages == (self,):
            return self._has_weights
        return any(stage.has_weights for stage in self.stages)

    @classmethod
    def of(cls, trunk, *, copy_weights: bool = True) -> "Trunk":
        """Returns a `Trunk` as it is, and wraps anything else."""
        if isinstance(trunk, cls):
            return trunk
        return cls(trunk, copy_weights=copy_weights)

    def __call__(self, inputs, name: str | None = None):
        """Builds a copy and calls it.

        Args:
            inputs: Keras tensor, or a list or dict of them.
            name: String, the name of the copy, a nested model, so that its
                layers may have any name. `None` for the only copy: its layers
                then belong to the outer model.

        Returns:
            The features: what the trunk returns.

        Raises:
            ValueError: If a stage does not take the features of the one
                before it, or returns something else than Keras tensors.
        """
        if name is None:
            return self._run(inputs)
        return self.model(inputs, name)(inputs)

    def model(self, inputs, name: str) -> keras.Model:
        """Builds a copy that can be called several times.

        Args:
            inputs: Keras tensor, or a list or dict of them, of the shapes that
                the copy is to read.
            name: String, the name of the model.

        Returns:
            Functional `keras.Model` from such inputs to features.

        Raises:
            ValueError: As for `__call__`.
        """
        own_inputs = inputs_like(inputs)
        return keras.Model(own_inputs, self._run(own_inputs), name=name)

    def _run(self, inputs):
        if self.stages != (self,):
            features = inputs
            for place, stage in enumerate(self.stages):
                features = _called(stage._run, features, place)
            return features
        features = self._copy()(inputs)
        if not all(
            isinstance(tensor, keras.KerasTensor)
            for tensor in tree.flatten(features)
        ):
            raise ValueError(
                "`trunk` must return Keras tensors when it is called with the "
                f"model's inputs. Received: {features!r} from {self._source!r}"
            )
        return features

    def _copy(self):
        """Returns a function or layer that no other copy has."""
        source = self._source
        if not isinstance(source, keras.Layer):
            return source
        if not self._is_used:
            self._is_used = True
            return source
        clone = type(source).from_config(source.get_config())
        if not self._has_weights:
            return clone

        def call(inputs):
            features = clone(inputs)
            clone.set_weights(source.get_weights())
            return features

        return call


def inputs_like(tensors):
    """Makes inputs of a nested model.

    Args:
        tensors: Keras tensor, or a list or dict of them.

    Returns:
        The same structure of `keras.Input`.
    """
    if isinstance(tensors, dict):
        return {
            key: keras.Input(
                batch_shape=tensor.shape, dtype=tensor.dtype, name=key
            )
            for key, tensor in tensors.items()
        }
    return tree.map_structure(
        lambda t: keras.Input(batch_shape=t.shape, dtype=t.dtype), tensors
    )


def _called(run, features, place):
    try:
        return run(features)
    except ValueError as error:
        if place == 0:
            raise
        shapes = tree.map_structure(lambda t: tuple(t.shape), features)
        raise ValueError(
            f"Stage {place} of the trunk does not take the features of stage "
            f"{place - 1}, of shape {shapes}: {error}"
        ) from error
