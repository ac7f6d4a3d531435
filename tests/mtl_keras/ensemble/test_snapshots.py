"""A snapshot for each cycle of the learning rate."""

import keras
import numpy as np
import pytest

from mtl_keras import ensemble
from tests import test_case as case
from tests.mtl_keras.ensemble import linear_members as linear

X, LABELS = case.vector_data(32)


def train(callback, *, cycle_steps=4, epochs=4, **options):
    model = case.vector_model()
    rate = ensemble.Snapshots.schedule(0.1, cycle_steps)
    model.compile(keras.optimizers.SGD(rate), jit_compile=False)
    seen = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(
            case.to_numpy(callback.model.weights[0].value).copy()
        )
    )
    model.fit(
        X,
        LABELS,
        batch_size=16,
        epochs=epochs,
        verbose=0,
        callbacks=[callback, keep],
        **options,
    )
    return model, seen


def test_weights_are_kept_where_the_rate_restarts():
    # Two steps an epoch, so a cycle of four steps has two epochs.
    snapshots = ensemble.Snapshots()
    model, seen = train(snapshots)
    assert snapshots.epochs == [1, 3]
    models = snapshots.models(model)
    with pytest.raises(ValueError, match="must be the one that was trained"):
        snapshots.models(case.vector_model(hidden=4))
    for epoch, each in zip(snapshots.epochs, models, strict=True):
        case.assert_close(each.weights[0], seen[epoch])
    average = linear.predict(snapshots.average(model), X)["det"]
    expected = np.mean([linear.predict(m, X)["det"] for m in models], 0)
    case.assert_close(average, expected, atol=1e-6)


def test_rate_is_the_papers_cosine():
    rate = ensemble.Snapshots.schedule(0.2, 10)
    for step in (0, 3, 9, 10, 17):
        expected = 0.1 * (np.cos(np.pi * (step % 10) / 10) + 1)
        case.assert_close(rate(step), expected, rtol=1e-4)


@pytest.mark.slow
def test_a_cycle_within_an_epoch_is_refused():
    with pytest.raises(ValueError, match="must end with an epoch"):
        train(ensemble.Snapshots(), cycle_steps=3, epochs=2)


@pytest.mark.slow
def test_cycles_of_an_own_schedule_and_the_last_ones():
    snapshots = ensemble.Snapshots(1, keep=2)
    train(snapshots, epochs=3)
    assert snapshots.epochs == [1, 2]


def test_what_gives_no_snapshot_is_named():
    model = case.vector_model()
    model.compile("sgd")
    with pytest.raises(ValueError, match="CosineDecayRestarts. Received: 0.0"):
        model.fit(X, LABELS, verbose=0, callbacks=[ensemble.Snapshots()])
    with pytest.raises(ValueError, match="There is no snapshot"):
        ensemble.Snapshots().models(model)
    with pytest.raises(ValueError, match="`cycle_epochs` must be an integer"):
        ensemble.Snapshots(0)
