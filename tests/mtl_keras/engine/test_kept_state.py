"""A model keeps its weights through errors, and can be trained again.

Holds on both backends; on JAX it does not come by itself.
"""

import keras
import numpy as np
import pytest
from keras import optimizers

from tests import test_case as case

X, LABELS = case.vector_data(32)


def compiled(optimizer="sgd"):
    model = case.vector_model()
    model.compile(optimizer, metrics={name: [] for name in LABELS})
    return model


def assert_same_weights(model, expected):
    for one, other in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, other)


class EvaluatesAtTheEnd(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        self.model.evaluate(X, LABELS, verbose=0)


@pytest.mark.sampled
@pytest.mark.parametrize(
    "wrap",
    [lambda optimizer: optimizer, optimizers.LossScaleOptimizer],
    ids=["plain", "scaled"],
)
@pytest.mark.parametrize(
    "callbacks",
    [[], [EvaluatesAtTheEnd()]],
    ids=["alone", "evaluated"],
)
def test_second_fit_with_averages(wrap, callbacks):
    optimizer = optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
    model = compiled(wrap(optimizer))
    options = {"batch_size": 16, "shuffle": False, "verbose": 0}
    kernels = [model.get_weights()[0]]
    for _ in range(3):
        model.fit(X, LABELS, callbacks=callbacks, **options)
        kernels.append(model.get_weights()[0])
        # `fit` ends with the averages.
        kernel = model.get_layer("trunk").kernel
        averages = [v for v in optimizer.variables if v.shape == kernel.shape]
        assert any(
            np.array_equal(case.to_numpy(kernel), case.to_numpy(average))
            for average in averages
        )
    for one, other in zip(kernels[1:], kernels, strict=False):
        assert not np.array_equal(one, other)


def wrong_labels():
    yield X, {"cls": LABELS["cls"][:, None, None]}


def failing_data():
    raise OSError("no such image")
    yield


@pytest.mark.parametrize("data", [wrong_labels, failing_data])
def test_error_in_the_first_step_leaves_the_weights(data):
    model = compiled()
    expected = model.get_weights()
    with pytest.raises(Exception, match="expects labels of|no such image"):
        model.fit(data(), verbose=0)
    assert_same_weights(model, expected)
    model.fit(X, LABELS, verbose=0)


@pytest.mark.slow(on_jax=True)
def test_error_in_a_later_epoch_leaves_what_was_trained():
    model, expected = compiled(), compiled()
    options = {"batch_size": 16, "shuffle": False, "verbose": 0}
    expected.fit(X, LABELS, **options)

    class Fails(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                step = self.model.train_function

                def fail(*args):
                    self.model.train_function = step
                    raise OSError("no such image")

                self.model.train_function = fail

    with pytest.raises(OSError, match="no such image"):
        model.fit(
            X,
            LABELS,
            epochs=2,
            validation_data=(X, LABELS),
            callbacks=[Fails()],
            **options,
        )
    assert_same_weights(model, expected.get_weights())
    for each in (model, expected):
        each.fit(X, LABELS, **options)
    assert_same_weights(model, expected.get_weights())


@pytest.mark.parametrize("loop", ["evaluate", "predict"])
def test_error_of_evaluation_leaves_the_weights(loop):
    model = compiled()
    expected = model.get_weights()
    arguments = [X[:, :5]] if loop == "predict" else [X[:, :5], LABELS]
    with pytest.raises(ValueError):
        getattr(model, loop)(*arguments, verbose=0)
    assert_same_weights(model, expected)
    model.evaluate(X, LABELS, verbose=0)
