import numpy as np
import pytest

from mtl_keras.heads.attention import AttentionPooling, spatial_softmax
from tests.test_case import assert_close, to_numpy


def test_spatial_softmax_sums_to_one_over_all_positions():
    scores = np.random.default_rng(0).normal(size=(3, 4, 5, 1)) * 30
    assert_close(to_numpy(spatial_softmax(scores)).sum((1, 2, 3)), np.ones(3))


def test_a_high_score_selects_its_position():
    features = np.random.default_rng(0).normal(size=(2, 4, 5, 6))
    scores = np.zeros((2, 4, 5, 1))
    scores[:, 2, 3] = 100.0
    pooled = AttentionPooling()([features, scores])
    assert_close(pooled, features[:, 2, 3], rtol=1e-5, atol=1e-6)


def test_equal_scores_average():
    features = np.random.default_rng(0).normal(size=(2, 4, 5, 6))
    pooled = AttentionPooling()([features, np.zeros((2, 4, 5, 1))])
    assert_close(pooled, features.mean(axis=(1, 2)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shift", [-50.0, 50.0])
def test_a_shift_of_all_scores_changes_nothing(shift):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 4, 5, 6))
    scores = rng.normal(size=(2, 4, 5, 1))
    assert_close(
        AttentionPooling()([features, scores + shift]),
        AttentionPooling()([features, scores]),
        rtol=1e-4,
        atol=1e-5,
    )
