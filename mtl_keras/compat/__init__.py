"""Every use of private names of Keras and TensorFlow; checked on Keras 3.15."""

from mtl_keras.compat.buffers import (
    give_back,
    held_values,
    own_buffers,
)
from mtl_keras.compat.configs import (
    config_of,
    serialized,
)
from mtl_keras.compat.functional import (
    bind_training,
    convert_inputs,
    flat_inputs,
    flat_outputs,
    inner_graph,
    inner_order,
    is_functional,
    is_plain,
    lambda_like,
    nested_layers,
    ordered_nodes,
    standardize_inputs,
)
from mtl_keras.compat.replicas import (
    is_multi_worker,
    sum_gradients_before_clipping,
    train_on_several_workers,
)
from mtl_keras.compat.tensors import (
    get_mask,
    is_concrete,
    set_mask,
    where_keeping_logits,
)
from mtl_keras.compat.traces import (
    release_traced_steps,
)
from mtl_keras.compat.training import (
    activity_losses,
    call_in_training,
    clear_losses,
    track_total_loss,
    training_loss,
    update_metrics,
    weight_losses,
    with_callbacks_first,
)

__all__ = [
    "activity_losses",
    "bind_training",
    "call_in_training",
    "clear_losses",
    "config_of",
    "convert_inputs",
    "flat_inputs",
    "flat_outputs",
    "get_mask",
    "give_back",
    "held_values",
    "inner_graph",
    "inner_order",
    "is_concrete",
    "is_functional",
    "is_multi_worker",
    "is_plain",
    "lambda_like",
    "nested_layers",
    "ordered_nodes",
    "own_buffers",
    "release_traced_steps",
    "serialized",
    "set_mask",
    "standardize_inputs",
    "sum_gradients_before_clipping",
    "track_total_loss",
    "train_on_several_workers",
    "training_loss",
    "update_metrics",
    "weight_losses",
    "where_keeping_logits",
    "with_callbacks_first",
]
