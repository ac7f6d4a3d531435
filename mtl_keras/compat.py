"""Every use of a private Keras name; checked on Keras 3.15.

Keras has no public way to walk the graph of a functional model, and models
made of parts of it (`keras.Model(inner, output)`) rewire the user's graph.
"""

import copy

import keras
from keras import ops
from keras.src.backend import get_keras_mask, set_keras_mask
from keras.src.losses.loss import unscale_loss_for_distribution
from keras.src.models.functional import Functional, operation_fn
from keras.src.models.sequential import Sequential

# Operations of TensorFlow whose input Keras takes for logits.
_FROM_LOGITS = ("Sigmoid", "Softmax")
# The methods through which Keras 3.15 runs a functional model's graph. A
# subclass that overrides one of them may compute something else.
_RUN = (
    "__call__",
    "call",
    "_run_through_graph",
    "_standardize_inputs",
    "_convert_inputs_to_tensors",
    "_adjust_input_rank",
)


def inner_graph(operation):
    """Returns the functional graph inside an operation.

    Of a subclass, such as KerasHub's backbones, only where it runs the graph
    as Keras does: it overrides neither `call` nor what `call` uses.

    Args:
        operation: Layer or operation of Keras.

    Returns:
        `Functional` model whose nodes the operation runs, or `None` where the
        operation is opaque.
    """
    if type(operation) is Sequential:
        operation = operation._functional
    if not isinstance(operation, Functional):
        return None
    cls = type(operation)
    runs_as_keras = all(
        getattr(cls, name) is getattr(Functional, name)
        and name not in vars(operation)
        for name in _RUN
    )
    return operation if runs_as_keras else None


def inner_order(model, node) -> list[int]:
    """Finds which tensor of a node enters each input of its model.

    A model whose inputs are a list may be called with a dict of their names.

    Args:
        model: Functional model.
        node: Keras node, a call of the model.

    Returns:
        List of integers, a place in `node.input_tensors` for each of
        `flat_inputs(model)`.
    """
    received = node.arguments.args[0] if node.arguments.args else None
    if isinstance(received, dict) and not isinstance(
        model._inputs_struct, dict
    ):
        names = sorted(received)
        return [names.index(tensor.name) for tensor in model._inputs]
    return list(range(len(model._inputs)))


def convert_inputs(model, tensors: list) -> list:
    """Casts flat inputs, and adds or drops an axis, as the model's call does.

    Args:
        model: Functional model.
        tensors: List of tensors in the order of `flat_inputs(model)`.
    """
    return model._adjust_input_rank(model._convert_inputs_to_tensors(tensors))


def is_concrete(tensor) -> bool:
    """Tells whether a tensor has values now, outside of a traced program."""
    if keras.backend.backend() == "jax":
        import jax

        return not isinstance(tensor, jax.core.Tracer)
    return hasattr(tensor, "numpy")


def is_functional(model) -> bool:
    """Tells whether a model was built from input and output tensors."""
    return isinstance(model, Functional)


def ordered_nodes(model) -> list:
    """Lists the nodes of a functional model in the order they run.

    Args:
        model: Functional model.

    Returns:
        List of Keras nodes, each with `operation`, `input_tensors`, `outputs`
        and `arguments.fill_in`; those of inputs are left out.
    """
    by_depth = model._nodes_by_depth
    return [
        node
        for depth in sorted(by_depth, reverse=True)
        for node in by_depth[depth]
        if node.operation is not None and not node.is_input
    ]


def flat_inputs(model) -> list:
    """Returns the input tensors of a functional model, flattened."""
    return list(model._inputs)


def flat_outputs(model) -> list:
    """Returns the output tensors of a functional model, flattened.

    Of a dict of outputs, they are in the order of the sorted keys.
    """
    return list(model._outputs)


def standardize_inputs(model, inputs) -> list:
    """Flattens and casts inputs as the functional model's `call` does."""
    return list(model._standardize_inputs(inputs))


def bind_training(operation, *, training):
    """Binds `training` where the operation accepts it."""
    return operation_fn(operation, training=training)


def with_callbacks_first(callback_list, callbacks: list):
    """Copies a `CallbackList`, with callbacks that know their model first.

    A list decides when it is made whether its callbacks may run in threads
    beside the next step, which those that read the model may not.
    """
    extended = copy.copy(callback_list)
    extended.callbacks = [*callbacks, *callback_list.callbacks]
    extended._async_train = extended._async_test = False
    return extended


def own_buffers(variables) -> None:
    """Gives each variable a buffer of its own.

    With `use_ema=True`, Keras 3.15 ends `fit` by assigning the averages to
    the weights. On JAX both then hold one array, and the next `fit` fails:
    its compiled step is given the array twice and may keep it only once
    ("donate the same buffer twice"). TensorFlow copies when it assigns.

    Args:
        variables: List of `keras.Variable`, those assigned to.
    """
    if keras.backend.backend() == "jax":
        for variable in variables:
            # None where an error took the step's state with it.
            if variable._value is not None:
                variable.assign(ops.copy(variable.value))


def held_values(variables) -> list:
    """Lists `(variable, value)` of variables on JAX, without a copy.

    On TensorFlow there is nothing to list: values are changed in place.

    Args:
        variables: List of `keras.Variable`.
    """
    if keras.backend.backend() != "jax":
        return []
    return [(v, v._value) for v in variables if v._value is not None]


def give_back(held) -> None:
    """Restores the values of variables that lost them.

    Args:
        held: What `held_values` returned. A value that a step has consumed is
            skipped; Keras then restores what the step returned.
    """
    for variable, value in held:
        if variable._value is None and not value.is_deleted():
            variable.assign(value)


def sum_gradients_before_clipping(optimizer) -> None:
    """Makes an optimizer clip the gradient of the whole batch on replicas.

    Keras 3.15 clips each replica's part of the gradient and then sums the
    parts, so the step on two replicas is up to twice as long as on one
    device. Here the parts are summed first and then clipped. Each replica
    returns its fraction of the clipped sum, since the optimizer sums again.

    Args:
        optimizer: Optimizer of Keras that holds no other.
    """
    if not (
        optimizer.clipnorm or optimizer.global_clipnorm or optimizer.clipvalue
    ):
        return
    import tensorflow as tf

    clip = type(optimizer)._clip_gradients

    def clip_sum(grads):
        context = tf.distribute.get_replica_context()
        present = [g for g in grads if g is not None]
        if context is None or context.num_replicas_in_sync == 1 or not present:
            return clip(optimizer, grads)
        sums = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, present))
        sums = [g if g is None else next(sums) for g in grads]
        fraction = 1.0 / context.num_replicas_in_sync
        return [
            g if g is None else tf.math.scalar_mul(fraction, g)
            for g in clip(optimizer, sums)
        ]

    optimizer._clip_gradients = clip_sum


def clear_losses(model) -> None:
    """Clears the activity losses of an earlier step.

    Keras does so when a model is called; an engine calls its layers.
    """
    model._clear_losses()


def activity_losses(model) -> list:
    """Lists the losses of `add_loss` and activity regularizers since then."""
    losses = []
    for layer in model._flatten_layers():
        losses.extend(layer._get_own_losses())
    return losses


def nested_layers(layer) -> list:
    """Lists the layers inside a layer or model, at every depth.

    Keras lists those of a model in `layers`, and has no public list of those
    inside a layer such as an attention block.
    """
    return list(layer._flatten_layers(include_self=False))


def weight_losses(model) -> list:
    """Lists the penalties of the weights that have a regularizer."""
    return model._get_regularization_losses()


def call_in_training(model, x):
    """Calls a model as Keras's own training step does.

    Args:
        model: `keras.Model`; its `call` may lack the argument `training`.
        x: Inputs of a batch.
    """
    if model._call_has_training_arg:
        return model(x, training=True)
    return model(x)


def training_loss(model, x, y, y_pred, sample_weight):
    """Computes a batch's loss; `compute_loss` may lack `training`.

    Args:
        model: Compiled `keras.Model`.
        x: As in `compute_loss`.
        y: As in `compute_loss`.
        y_pred: As in `compute_loss`.
        sample_weight: As in `compute_loss`.
    """
    return model._compute_loss(
        x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True
    )


def track_total_loss(model, x, loss) -> None:
    """Adds a batch to Keras's own tracker of the total loss.

    Args:
        model: Compiled `keras.Model`.
        x: Inputs of the batch, which says how many examples it has.
        loss: Scalar tensor.
    """
    first = next(t for t in keras.tree.flatten(x) if t is not None)
    model._loss_tracker.update_state(
        unscale_loss_for_distribution(loss),
        sample_weight=ops.shape(first)[0],
    )


def update_metrics(model, metrics_variables, loss, x, y, y_pred, weights):
    """Updates the metrics of a step on JAX; returns the logs and their state.

    Args: the state of the metrics, then as in `keras.Model.compute_metrics`.
    """
    return model._update_metrics_variables(
        metrics_variables, loss, x, y, y_pred, weights
    )


def get_mask(tensor):
    """Returns the Keras mask of a tensor, or `None`."""
    return get_keras_mask(tensor)


def set_mask(tensor, mask) -> None:
    """Sets the Keras mask of a tensor."""
    set_keras_mask(tensor, mask)


def where_keeping_logits(condition, output, value: float):
    """Replaces elements of an output; its logits stay known to Keras.

    On TensorFlow, cross entropies find the logits that an output was computed
    from, which saturated probabilities have lost.
    """
    logits = None
    if keras.backend.backend() == "tensorflow":
        logits = getattr(output, "_keras_logits", None)
        # An array has no operation, and asking an eager tensor raises.
        operation = getattr(output, "op", None)
        if logits is None and getattr(operation, "type", "") in _FROM_LOGITS:
            # Always inside the domain of its loss.
            return output
    replaced = ops.where(condition, output, ops.cast(value, output.dtype))
    if logits is not None:
        zero = ops.cast(0.0, logits.dtype)
        replaced._keras_logits = ops.where(condition, logits, zero)
    return replaced


def is_multi_worker(strategy) -> bool:
    """Whether a strategy of TensorFlow runs in several processes."""
    import tensorflow as tf

    kind = tf.distribute.MultiWorkerMirroredStrategy
    return isinstance(strategy, kind) and (
        strategy.extended._in_multi_worker_mode()
    )


def train_on_several_workers(model) -> None:
    """Lets a model train under `MultiWorkerMirroredStrategy`.

    Keras 3.15 fails there twice. It reduces the first batch as one structure
    to learn its shapes; a local replica's part has the same shapes. And it
    averages the logs along axis 0, which scalars do not have.

    Args:
        model: Compiled `keras.Model` made in the scope of such a strategy.
    """
    import tensorflow as tf
    from keras.src.backend.tensorflow import trainer

    strategy = model.distribute_strategy

    def local(value):
        if isinstance(value, tf.distribute.DistributedValues):
            return strategy.experimental_local_results(value)[0]
        return value

    def build(iterator=None, data_batch=None):
        if iterator is not None:
            _, _, batches = next(iter(iterator))
            data_batch = next(batches)
        data_batch = keras.tree.map_structure(local, data_batch)
        with strategy.scope():
            model._symbolic_build(data_batch=data_batch)

    object.__setattr__(model, "_maybe_symbolic_build", build)
    if getattr(trainer.reduce_per_replica, "takes_scalars", False):
        return
    reduce = trainer.reduce_per_replica

    def reduce_logs(values, strategy, reduction):
        is_mean = reduction in ("auto", "mean")
        if not (is_mean and is_multi_worker(strategy)):
            return reduce(values, strategy, reduction)
        return keras.tree.map_structure(
            lambda value: strategy.reduce("MEAN", value, axis=None), values
        )

    reduce_logs.takes_scalars = True
    trainer.reduce_per_replica = reduce_logs
