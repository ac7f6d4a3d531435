"""Which variables of a pretrained trunk are trained: none, LoRA or all."""

import functools

import keras

from mtl_keras import checks, compat
from mtl_keras.messages import unknown

# The name of the layer that holds a pretrained trunk.
TRUNK = "trunk"
MODES = ("all", "lora", "none")
_LORA_LAYERS = (keras.layers.Dense, keras.layers.EinsumDense)


def check_mode(trainable) -> str:
    """Checks an argument `trainable` of a trunk.

    Args:
        trainable: What was received for it.

    Returns:
        `"all"`, `"lora"` or `"none"`.

    Raises:
        ValueError: If it is another value.
    """
    if trainable not in MODES:
        raise ValueError(unknown("`trainable` of a trunk", trainable, MODES))
    return trainable


def adapt(trunk, trainable: str, lora_rank: int = 8, unused=()) -> None:
    """Chooses what is trained of a trunk; compile the model afterwards.

    May be called again to train in stages: `"none"`, then `"all"`. A trunk
    with LoRA keeps its adapters: `"none"` freezes them, and `"all"` trains
    them together with the kernels that they adapt.

    Batch normalization stays frozen in each mode and uses the statistics of
    the pretraining, which the few images of a batch would spoil. Keras's guide
    (https://keras.io/guides/transfer_learning/) calls the trunk with
    `training=False` for that, which `fit` of Keras 3.15 overrides.

    Args:
        trunk: `keras.layers.Layer`, built, such as a KerasHub backbone.
        trainable: `"all"`; `"none"`, every variable is frozen; or `"lora"`,
            two small matrices for the kernel of each dense and einsum layer
            (Hu et al., ICLR 2022, https://arxiv.org/abs/2106.09685) are
            trained and everything else is frozen.
        lora_rank: Integer of at least 1, the rank of these matrices.
        unused: Strings, names of layers that stay frozen, since no output
            depends on them: they have no gradient.

    Raises:
        ValueError: If an argument is out of range, or `"lora"` finds no dense
            or einsum layer.
    """
    check_mode(trainable)
    rank = checks.integer("lora_rank", lora_rank, low=1)
    # Keras 3.15 passes the value on to inner layers only when it changes.
    trunk.trainable = trainable == "none"
    trunk.trainable = trainable != "none"
    layers = [
        layer
        for layer in compat.nested_layers(trunk)
        if layer.weights and layer.name not in unused
    ]
    if trainable == "lora":
        targets = [layer for layer in layers if _has_lora(layer)]
        if not targets:
            raise ValueError(
                "trainable='lora' adapts dense and einsum layers, and the "
                f"trunk {trunk.name!r} has none. Use trainable='all' or "
                "trainable='none'. Received: trainable='lora'"
            )
        for variable in trunk.variables:
            variable.trainable = False
        for layer in targets:
            if not layer.lora_enabled:
                enable_lora(layer, rank)
            layer.lora_kernel_a.trainable = True
            layer.lora_kernel_b.trainable = True
    for layer in compat.nested_layers(trunk):
        is_normalizing = isinstance(layer, keras.layers.BatchNormalization)
        if layer.name in unused or is_normalizing:
            layer.trainable = False


def adapt_trunk(model, trainable: str, lora_rank: int = 8) -> None:
    """Changes what is trained of a model's pretrained trunk.

    Compile the model afterwards. To train in stages, first the heads and then
    everything: `"none"`, then `"all"`.

    Args:
        model: Functional model whose trunk was built by
            `zoo.text.pretrained` or `zoo.vision.pretrained`.
        trainable: `"all"`, `"lora"` or `"none"`, as for `adapt`.
        lora_rank: Integer of at least 1, for a trunk that has no adapters.

    Raises:
        ValueError: If the model has no such trunk, or an argument is out of
            range.
    """
    if not has_trunk(model):
        names = [layer.name for layer in model.layers]
        raise ValueError(
            f"Expected a model with a pretrained trunk, a layer {TRUNK!r}. "
            f"Received: {model.name!r} with the layers {names[:5]} ..."
        )
    trunk = model.get_layer(TRUNK)
    if hasattr(trunk, "adapt"):
        trunk.adapt(trainable, lora_rank)
    else:
        adapt(trunk, trainable, lora_rank)


def has_trunk(model) -> bool:
    """Whether a model has a pretrained trunk, a layer of that name."""
    return any(layer.name == TRUNK for layer in model.layers)


def adapt_stage(model, trainable: str) -> None:
    """Changes what is trained of the trunk between two stages of training.

    The variables stay the same: adapters are added when a model is built, so
    that its weights can be loaded again.

    Args:
        model: As for `adapt_trunk`.
        trainable: As for `adapt_trunk`.

    Raises:
        ValueError: If it is `"lora"` and the trunk was built without adapters.
    """
    trunk = model.get_layer(TRUNK)
    if trainable == "lora" and not any(
        getattr(layer, "lora_enabled", False)
        for layer in compat.nested_layers(trunk)
    ):
        raise ValueError(
            "A stage with trainable='lora' needs a trunk that was built with "
            "adapters. Expected --config.overrides.trainable=lora. "
            f"Received: the trunk of {model.name!r} without adapters"
        )
    adapt_trunk(model, trainable)


def enable_lora(layer, rank: int) -> None:
    """Enables LoRA on one layer in a form that is saved unmerged.

    Keras 3.15 saves the sum of a kernel and its adapter, and loads an adapter
    as zeros, which have no gradient: training could not be resumed, and the
    kernel could not be told from that of the base.

    Args:
        layer: `Dense` or `EinsumDense` layer, built.
        rank: Integer.
    """
    layer.enable_lora(rank)
    load = layer.load_own_variables
    layer.save_own_variables = functools.partial(_save, layer)
    layer.load_own_variables = functools.partial(_load, layer, load)


def _has_lora(layer) -> bool:
    return isinstance(layer, _LORA_LAYERS)


def _save(layer, store):
    for variable in layer.weights:
        store[variable.name] = keras.ops.convert_to_numpy(variable)


def _load(layer, load, store):
    """Loads what `_save` saved, or the weights of a layer without LoRA."""
    if "lora_kernel_a" in store.keys():
        for variable in layer.weights:
            variable.assign(store[variable.name])
        return
    first = keras.ops.convert_to_numpy(layer.lora_kernel_a)
    load(store)
    layer.lora_kernel_a.assign(first)
