"""Options that replicas cannot take are refused; others mean the same there."""

import types

import keras
import pytest
from keras import optimizers

from mtl_keras.engine import distribution
from mtl_keras.optimizers import PerPart


class MirroredStrategy:
    num_replicas_in_sync = 2


def model(optimizer=None, num_replicas=2, skips=False, **options):
    """What `prepare_replicas` reads of a compiled model."""
    strategy = MirroredStrategy()
    strategy.num_replicas_in_sync = num_replicas
    options = {"steps_per_execution": 1, "jit_compile": False, **options}
    return types.SimpleNamespace(
        optimizer=optimizer or optimizers.SGD(),
        distribute_strategy=strategy,
        finite_watch=types.SimpleNamespace(skips=skips),
        **options,
    )


def refusal(*args, **kwargs):
    with pytest.raises(ValueError) as error:
        distribution.prepare_replicas(model(*args, **kwargs))
    # One replica takes them all.
    distribution.prepare_replicas(model(*args, **kwargs, num_replicas=1))
    return str(error.value)


def test_several_steps_in_one_execution():
    assert refusal(steps_per_execution=4) == (
        "`steps_per_execution` must be 1 on 2 replicas of MirroredStrategy: "
        "TensorFlow cannot put steps that wait for each other into one loop. "
        "Received: steps_per_execution=4. Leave it out of `compile`, or train "
        "on one device."
    )


def test_skipped_steps():
    assert refusal(skips=True) == (
        "`on_nonfinite` must be 'raise' on 2 replicas of MirroredStrategy: "
        "skipping a step puts the update under a condition, and there "
        "TensorFlow's replicas cannot wait for each other. Received: "
        "on_nonfinite='skip_step'. Leave it out of `compile`, or train on "
        "one device."
    )


def test_xla():
    assert refusal(jit_compile=True) == (
        "`jit_compile` must be False on 2 replicas of MirroredStrategy: XLA "
        "cannot compile the sums over the replicas. Received: "
        "jit_compile=True. Leave it out of `compile` ('auto' is off there), "
        "or train on one device."
    )


@pytest.mark.parametrize(
    "wrap",
    [
        lambda optimizer: optimizer,
        lambda optimizer: optimizers.LossScaleOptimizer(optimizer),
        lambda optimizer: PerPart({"trunk": "sgd", "heads": optimizer}),
        lambda optimizer: optimizers.LossScaleOptimizer(
            PerPart({"trunk": "sgd", "heads": optimizer})
        ),
    ],
    ids=["plain", "scaled", "parts", "scaled_parts"],
)
def test_gradient_accumulation_wherever_it_is(wrap):
    inner = optimizers.Adam(gradient_accumulation_steps=3)
    message = refusal(wrap(inner))
    assert message == (
        "`gradient_accumulation_steps` must be None on 2 replicas of "
        "MirroredStrategy: it puts an update under a condition, and there "
        "TensorFlow's replicas cannot wait for each other. Received: "
        f"gradient_accumulation_steps=3 in the optimizer {inner.name!r}. Leave "
        "it out and make the batch larger, or train on one device."
    )


def test_averages_put_in_place_during_training():
    overwriting = {"use_ema": True, "ema_overwrite_frequency": 2}
    message = refusal(optimizers.SGD(**overwriting))
    assert "Received: ema_overwrite_frequency=2" in message
    assert "`fit` ends with the averages" in message
    # It does nothing without averages, and averages alone do no harm.
    for options in ({"ema_overwrite_frequency": 2}, {"use_ema": True}):
        distribution.prepare_replicas(model(optimizers.SGD(**options)))


def test_model_without_a_strategy_needs_nothing():
    plain = model(optimizers.SGD(gradient_accumulation_steps=2))
    del plain.distribute_strategy
    before = dict(vars(plain.optimizer))
    distribution.prepare_replicas(plain)
    assert vars(plain.optimizer) == before


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="tf.distribute is TensorFlow's",
)
def test_clipping_outside_of_a_strategy_stays_as_it_is():
    optimizer = optimizers.SGD(1.0, clipnorm=0.5)
    distribution.prepare_replicas(model(optimizer))
    weight = keras.Variable([3.0, 4.0])
    optimizer.apply([keras.ops.convert_to_tensor([3.0, 4.0])], [weight])
    assert keras.ops.convert_to_numpy(weight) == pytest.approx([2.7, 3.6])
