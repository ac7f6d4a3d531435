"""Outputs that keep their Keras masks through JAX's transformations."""

import jax

from mtl_keras import compat


class MaskedOutputs(dict):
    """A dict of outputs; `jax.grad` and `jax.jit` return their masks too.

    A Keras mask is an attribute of a tensor. A transformation of JAX returns
    other tensors, so that the metrics of a training step would not see the
    mask that its loss has seen.

    Args:
        outputs: Dict, task name to tensor.
    """


def _flatten(outputs):
    names = tuple(outputs)
    masks = [compat.get_mask(outputs[name]) for name in names]
    return ([outputs[name] for name in names], masks), names


def _unflatten(names, parts):
    outputs, masks = parts
    for output, mask in zip(outputs, masks, strict=True):
        if mask is not None:
            compat.set_mask(output, mask)
    return MaskedOutputs(zip(names, outputs, strict=True))


jax.tree_util.register_pytree_node(MaskedOutputs, _flatten, _unflatten)
