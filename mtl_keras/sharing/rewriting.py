"""Runs one trunk for each task with layers of the task's own in it."""

import math

import keras
from keras import layers, tree

from mtl_keras import checks
from mtl_keras.calls import CallGraph

_KERNEL_LAYERS = (layers.Dense, layers.Conv1D, layers.Conv2D)


def per_task(trunk, inputs, task_names, rewrite, *, what: str) -> dict:
    """Runs a trunk once for each task, its kernel layers rewritten.

    The other layers are shared. Those with statistics of their inputs
    (`BatchNormalization`) are copied for each task, since each task's features
    are distributed in their own manner. A call whose inputs are the same for
    two tasks is made once.

    Args:
        trunk: `Trunk`.
        inputs: Keras tensor, or a list or dict of them.
        task_names: Tuple of strings.
        rewrite: Function of a `KernelLayer`, a Keras tensor and a task's name
            that returns the layer's output for the task.
        what: String, the architecture's name, for the error.

    Returns:
        Dict, task name to features of the trunk's structure.

    Raises:
        ValueError: If the trunk has no layer with a kernel that can be
            rewritten, or has one whose kernel is no matrix.
    """
    model = trunk.model(inputs, "trunk")
    graph = CallGraph(model)
    kernel_layers = {
        id(call.operation): KernelLayer(call.operation, what)
        for call in graph.calls
        if type(call.operation) in _KERNEL_LAYERS
    }
    if not kernel_layers:
        raise ValueError(
            f"The sharing {what!r} rewrites Dense, Conv1D and Conv2D layers, "
            "and the trunk has none, or hides them in a subclassed model. "
            "Received: a trunk of "
            f"{sorted({type(c.operation).__name__ for c in graph.calls})}"
        )
    shared_outputs = {}
    features = {}
    for task in task_names:
        values = dict(zip(graph.inputs, tree.flatten(inputs), strict=True))
        for call in graph.calls:
            kernel_layer = kernel_layers.get(id(call.operation))
            if kernel_layer is not None:
                tensor = values[call.reads[0]]
                outputs = [rewrite(kernel_layer, tensor, task)]
            elif isinstance(call.operation, layers.BatchNormalization):
                outputs = [_own_copy(call, task)(values[call.reads[0]])]
            else:
                key = (id(call), *(id(values[slot]) for slot in call.reads))
                if key not in shared_outputs:
                    shared_outputs[key] = _called(call, values)
                outputs = shared_outputs[key]
            values.update(zip(call.writes, outputs, strict=True))
        features[task] = tree.pack_sequence_as(
            model.output, [values[slot] for slot in graph.outputs]
        )
    return features


def _called(call, values) -> list:
    tensors = {
        id(tensor): values[slot]
        for tensor, slot in zip(
            call.node.input_tensors, call.reads, strict=True
        )
    }
    args, kwargs = call.node.arguments.fill_in(tensors)
    return tree.flatten(call.operation(*args, **kwargs))


def _own_copy(call, task):
    """Copies a layer with its weights, under the task's name."""
    source = call.operation
    config = {**source.get_config(), "name": f"{task}_{source.name}"}
    copy = type(source).from_config(config)

    def run(tensor):
        outputs = copy(tensor)
        copy.set_weights(source.get_weights())
        return outputs

    return run


class KernelLayer:
    """A layer `activation(x @ W + b)` of a trunk, taken apart.

    A convolution is one as well: `x` are its patches, and `W` has the shape
    `(height * width * channels, filters)`.

    Args:
        source: `keras.layers.Dense`, `Conv1D` or `Conv2D`, built.
        what: String, the architecture's name, for the error.

    Attributes:
        name: String.
        fan_in: Integer, the rows of `W`.
        units: Integer, its columns.
        full_rank: Integer, the smaller of both.
        has_bias: Boolean.
        kernel: NumPy array of shape `(fan_in, units)`.

    Raises:
        ValueError: If the convolution is grouped or channels come first.
    """

    def __init__(self, source, what: str):
        config = source.get_config()
        if config.get("groups", 1) != 1 or (
            config.get("data_format", "channels_last") != "channels_last"
        ):
            raise ValueError(
                f"The sharing {what!r} takes convolutions of one group with "
                f"channels last. Received: the layer {source.name!r} with "
                f"groups={config['groups']}, "
                f"data_format={config['data_format']!r}"
            )
        self.name = source.name
        self.has_bias = source.use_bias
        *rows, self.units = source.kernel.shape
        self.fan_in = math.prod(rows)
        self.full_rank = min(self.fan_in, self.units)
        self._config = config
        self._source = source
        self._layers = {}
        self._outputs = {}

    @property
    def kernel(self):
        """`W`, as it is now."""
        values = keras.ops.convert_to_numpy(self._source.kernel)
        return values.reshape(self.fan_in, self.units)

    @property
    def bias(self) -> list:
        """`[b]`, as it is now; empty without one."""
        return self._source.get_weights()[1:] if self.has_bias else []

    def linear(self, tensor, **changes):
        """Computes `x @ W + b`, by one layer for all tasks.

        Args:
            tensor: Keras tensor.
            **changes: As for `variant`.

        Returns:
            Keras tensor; the same one where `tensor` is the same.
        """
        return self.shared(
            tensor, self.name, kernel=self.kernel, bias=self.bias, **changes
        )

    def shared(self, tensor, name, *, kernel=None, bias=(), **changes):
        """Calls a variant of the layer that is one for all tasks.

        Args:
            tensor: Keras tensor.
            name: String, the name of the variant.
            kernel: NumPy array of shape `(fan_in, units)` to start with.
                Defaults to `None`, fresh ones.
            bias: List of at most one NumPy array, with it.
            **changes: As for `variant`.

        Returns:
            Keras tensor; the same one where `tensor` is the same.
        """
        layer = self._layers.get(name)
        if layer is None:
            layer = self._layers[name] = self.variant(name, **changes)
            if not layer.built:
                layer.build(tensor.shape)
            if kernel is not None:
                kernel = kernel.reshape(layer.kernel.shape)
                layer.set_weights([kernel, *bias])
        key = name, id(tensor)
        if key not in self._outputs:
            # The tensor is stored, so that no other gets its id.
            self._outputs[key] = tensor, layer(tensor)
        return self._outputs[key][1]

    def activate(self, tensor):
        """Applies the layer's activation."""
        activation = self._source.activation
        if activation in (None, keras.activations.linear):
            return tensor
        name = f"{self.name}_activation"
        if name not in self._layers:
            self._layers[name] = layers.Activation(activation, name=name)
        return self._layers[name](tensor)

    def variant(self, name: str, *, rank: int | None = None, **changes):
        """Makes a layer of the same geometry without an activation.

        Args:
            name: String.
            rank: Integer, its units or filters, without a bias. Defaults to
                those of the layer, with its bias.
            **changes: Other arguments of the layer.

        Returns:
            Keras layer, not built.
        """
        config = {**self._config, "activation": "linear", "name": name}
        if rank is not None:
            size = "units" if "units" in config else "filters"
            config.update({size: rank, "use_bias": False})
        return type(self._source).from_config({**config, **changes})


def rank_of(rank, layer: KernelLayer) -> int:
    """Chooses the rank of a layer's factors.

    Args:
        rank: Integer, or float in (0, 1], a fraction of the full rank.
        layer: `KernelLayer`.

    Returns:
        Integer of at least 1.

    Raises:
        ValueError: If the rank is above the full rank.
    """
    if isinstance(rank, float):
        return max(1, round(rank * layer.full_rank))
    if rank <= layer.full_rank:
        return rank
    raise ValueError(
        f"`rank` is above the full rank of the layer {layer.name!r}, "
        f"{layer.full_rank}: its kernel is a matrix of {layer.fan_in} x "
        f"{layer.units}. Use at most that, or a fraction such as rank=0.25. "
        f"Received: rank={rank}"
    )


def checked_rank(rank):
    """Checks a hyperparameter `rank` before any layer is known.

    Args:
        rank: Integer of at least 1, or float in (0, 1].

    Returns:
        `rank`, as an `int` or `float`.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(rank, float):
        return checks.number("rank", rank, above=0, high=1)
    return checks.integer("rank", rank, low=1)
