"""What the problems of low-rank, soft and ESMM sharing say of their data."""

import numpy as np
import pytest

from zoo.problems import rank, selection, trace_norm


def _kernels(x, labels):
    """Solves for each task's kernel from labels without noise."""
    columns = [np.reshape(values, (len(x), -1)) for values in labels.values()]
    return [np.linalg.lstsq(x, each, rcond=None)[0] for each in columns]


def test_tasks_share_three_directions():
    (_, labels), (other, truth) = rank.data(0, 3)
    stacked = np.concatenate(_kernels(other, truth), axis=1)
    values = np.linalg.svd(stacked, compute_uv=False)
    assert np.sum(values > 1e-4 * values[0]) == 3
    present = [np.isfinite(values[:, 0]).sum() for values in labels.values()]
    assert present == [40] * 6


def test_matrix_of_tasks_has_rank_two():
    (x, labels), (other, truth) = trace_norm.data(0)
    stacked = np.concatenate(_kernels(other, truth), axis=1)
    values = np.linalg.svd(stacked, compute_uv=False)
    assert np.sum(values > 1e-4 * values[0]) == 2
    assert [np.isfinite(v).sum() for v in labels.values()] == [60] * 8
    present = np.isfinite(labels["t0"])
    noise = labels["t0"][present] - (x[present] @ stacked[:, 0])
    assert noise.std() == pytest.approx(1, abs=0.25)


def test_clicks_are_rare_and_select_what_converts_less():
    _, labels, truth = selection.data(0, 20000)
    assert labels["click"].mean() == pytest.approx(1 / 6, abs=0.02)
    correlation = np.corrcoef(truth["click"], truth["conditional"])[0, 1]
    assert correlation < -0.3
    # A purchase without a click does not happen.
    assert np.all(labels["buy"] <= labels["click"])
    both = truth["click"] * truth["conditional"]
    assert labels["buy"].mean() == pytest.approx(both.mean(), rel=0.15)
    assert selection.bias(np.array([0.2, 0.4]), np.array([0.1, 0.3])) == (
        pytest.approx(0.5)
    )
