import keras
import numpy as np

from mtl_keras import Task
from mtl_keras.heads.expected_box import CornerBox, ExpectedBox
from tests.test_case import assert_close, to_numpy


def inverse_softplus(value):
    return np.log(np.expm1(value))


def test_one_place_gives_its_own_box():
    # Place (1, 2) of a 4 x 8 map has its centre at x = 2.5 / 8, y = 1.5 / 4.
    distances = np.zeros((1, 4, 8, 4))
    sides = np.array([0.1, 0.2, 0.3, 0.4])
    distances[0, 1, 2] = inverse_softplus(4 * sides)
    scores = np.zeros((1, 4, 8, 1))
    scores[0, 1, 2] = 200.0
    expected = [[2.5 / 8 - 0.1, 1.5 / 4 - 0.2, 2.5 / 8 + 0.3, 1.5 / 4 + 0.4]]
    assert_close(ExpectedBox()([distances, scores]), expected, atol=1e-6)


def test_box_moves_with_the_map():
    rng = np.random.default_rng(0)
    distances = rng.normal(size=(1, 8, 8, 4)) - 2
    scores = np.full((1, 8, 8, 1), -200.0)
    scores[0, 2:5, 3:5] = rng.normal(size=(3, 2, 1))
    moved = [np.roll(a, (1, 2), axis=(1, 2)) for a in (distances, scores)]
    shift = np.array([2, 1, 2, 1]) / 8
    assert_close(
        to_numpy(ExpectedBox()(moved))
        - to_numpy(ExpectedBox()([distances, scores])),
        shift[None],
        atol=1e-5,
    )


def test_box_is_cut_off_at_the_edge_but_its_gradient_is_not():
    distances = keras.Variable(np.full((1, 2, 2, 4), 5.0), dtype="float32")
    scores = np.zeros((1, 2, 2, 1), "float32")
    layer = ExpectedBox()
    assert_close(layer([distances, scores]), [[0.0, 0.0, 1.0, 1.0]])
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            left = layer([distances, scores])[0, 0]
        gradient = tape.gradient(left, distances.value)
    else:
        import jax

        gradient = jax.grad(lambda d: layer([d, scores])[0, 0])(distances.value)
    # A larger distance to the left moves the left side to the left.
    assert (to_numpy(gradient)[..., 0] < 0).all()


def test_unknown_map_size_is_allowed():
    distances = keras.Input((None, None, 4))
    scores = keras.Input((None, None, 1))
    box = ExpectedBox(voting=True)([distances, scores])
    model = keras.Model([distances, scores], box)
    inputs = [np.zeros((2, 3, 5, 4)), np.zeros((2, 3, 5, 1))]
    assert model.predict(inputs, verbose=0).shape == (2, 4)


def distances_to(boxes, height, width):
    """Makes the distances of boxes `(height, width, 4)`, fractions of 1."""
    y = (np.arange(height) + 0.5) / height
    x = (np.arange(width) + 0.5) / width
    x, y = np.meshgrid(x, y)
    corners = np.stack([x, y, x, y], axis=-1)
    outwards = (boxes - corners) * [-1, -1, 1, 1]
    return inverse_softplus(4 * outwards)[None]


def test_voting_frames_one_of_two_objects_in_inference_only():
    left, right = [0.0, 0.2, 0.45, 0.8], [0.55, 0.1, 1.0, 0.9]
    boxes = np.array([[left, right]])
    scores = np.log([0.6, 0.4]).reshape(1, 1, 2, 1)
    inputs = [distances_to(boxes, 1, 2), scores]
    mean = 0.6 * np.array(left) + 0.4 * np.array(right)
    layer = ExpectedBox(voting=True)
    assert_close(layer(inputs), [left], atol=1e-5)
    assert_close(layer(inputs, training=True), [mean], atol=1e-5)
    assert_close(ExpectedBox()(inputs), [mean], atol=1e-5)


def test_a_head_votes_where_it_is_asked_to():
    features = keras.Input((4, 4, 8))
    task = Task("box", "box")
    for options, expected in (({}, False), ({"voting": True}, True)):
        output = task.head.build(features, task, **options)
        layer = keras.Model(features, output).get_layer("box")
        assert layer.get_config()["voting"] is expected


def iou(first, second):
    sides = np.minimum(first[2:], second[2:]) - np.maximum(
        first[:2], second[:2]
    )
    common = np.prod(np.maximum(sides, 0.0))
    areas = [np.prod(box[2:] - box[:2]) for box in (first, second)]
    return common / (sum(areas) - common)


def test_votes_are_weights_times_overlap_with_the_best_box():
    rng = np.random.default_rng(0)
    centres = (np.indices((2, 3)).transpose(1, 2, 0) + 0.5) / [2, 3]
    centres = centres[..., ::-1]
    low = np.maximum(centres - rng.uniform(0.1, 0.4, (2, 3, 2)), 0.01)
    high = np.minimum(centres + rng.uniform(0.1, 0.4, (2, 3, 2)), 0.99)
    boxes = np.concatenate([low, high], axis=-1)
    scores = rng.normal(size=(1, 2, 3, 1))
    weights = np.exp(scores.ravel()) / np.exp(scores).sum()
    flat = boxes.reshape(-1, 4)
    overlaps = np.array([[iou(a, b) for b in flat] for a in flat])
    best = np.argmax(overlaps @ weights)
    votes = weights * overlaps[best]
    expected = votes @ flat / votes.sum()
    layer = ExpectedBox(voting=True)
    output = layer([distances_to(boxes, 2, 3), scores])
    assert_close(output, expected[None], atol=1e-5)


def test_voting_without_any_area_is_the_mean():
    # Far left of the image: clipped, each box is empty.
    boxes = np.full((1, 2, 2, 4), -30.0)
    boxes[..., 0] = 30.0
    scores = np.zeros((1, 2, 2, 1))
    assert_close(
        ExpectedBox(voting=True)([boxes, scores]),
        ExpectedBox()([boxes, scores]),
        atol=1e-5,
    )


def test_voting_survives_saving():
    layer = ExpectedBox.from_config(ExpectedBox(voting=True).get_config())
    assert layer.voting


def test_corner_box_by_hand():
    shares = np.array([[0.2, 0.5, 0.5, 1.0], [0.0, 1.0, 1.0, 0.3]])
    expected = [[0.2, 0.5, 0.6, 1.0], [0.0, 1.0, 1.0, 1.0]]
    assert_close(CornerBox()(shares), expected, atol=1e-6)
