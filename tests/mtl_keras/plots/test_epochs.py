import numpy as np
import pytest

from mtl_keras.plots import epochs


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        # Far enough apart: left where they are, in their order.
        ([30.0, 0.0, 60.0], [30.0, 0.0, 60.0]),
        # Too close: moved by the least.
        ([10.0, 12.0], [10.0, 25.0]),
        # No room above: pushed down.
        ([98.0, 99.0, 100.0], [70.0, 85.0, 100.0]),
        # The one below the room comes in.
        ([-20.0], [0.0]),
        # Too many for the room: evenly.
        ([50.0] * 11, [10.0 * index for index in range(11)]),
    ],
)
def test_labels_are_moved_apart(heights, expected):
    received = epochs.spread_out(heights, 15.0, 0.0, 100.0)
    np.testing.assert_allclose(received, expected)


def test_names_beyond_the_colours_differ_by_their_dashes():
    styles = epochs.styles([str(index) for index in range(32)])
    looks = {(s["color"], str(s["linestyle"])) for s in styles.values()}
    assert len(looks) == 32


def test_keys_of_two_tasks():
    assert epochs.balance_keys(["b", "a"]) == {
        "weight": ["a_weight", "b_weight"],
        "gradient_norm": ["a_gradient_norm", "b_gradient_norm"],
        "cosine": ["a_b_cosine"],
        "summary": ["cosine_mean", "cosine_lowest", "num_conflicts"],
    }
