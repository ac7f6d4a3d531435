"""Maps become a list of objects, served in the pixels of the image."""

import numpy as np
import tensorflow as tf

from mtl_keras import Task, data
from mtl_keras.data import detections

KINDS = ("apple", "pear")


def _maps(*peaks, shape=(6, 8)):
    """Maps with `(row, column, class, score, box)`."""
    maps = np.zeros((1, *shape, len(KINDS) + 4), "float32")
    for row, column, number, score, box in peaks:
        maps[0, row, column, number] = score
        maps[0, row, column, len(KINDS) :] = box
    return maps


LEFT, RIGHT = [0.0, 0.1, 0.4, 0.9], [0.5, 0.1, 1.0, 0.9]
NEAR_LEFT = [0.05, 0.1, 0.4, 0.9]


def test_peaks_are_listed_by_falling_score():
    maps = _maps((3, 1, 0, 0.4, LEFT), (3, 6, 1, 0.8, RIGHT))
    found = {k: v.numpy()[0] for k, v in detections.decode(maps).items()}
    assert found["classes"][:3].tolist() == [1, 0, -1]
    np.testing.assert_allclose(found["scores"][:3], [0.8, 0.4, 0.0])
    np.testing.assert_allclose(found["boxes"][:2], [RIGHT, LEFT])
    assert found["boxes"].shape == (detections.MOST, 4)


def test_a_neighbour_and_an_overlapping_box_of_the_class_are_the_same_object():
    maps = _maps(
        (3, 1, 0, 0.8, LEFT),
        # Beside the peak: not the highest there.
        (3, 2, 0, 0.7, RIGHT),
        # Farther away, but nearly the same box.
        (1, 5, 0, 0.6, NEAR_LEFT),
        # The same box, of another class.
        (5, 5, 1, 0.5, LEFT),
    )
    found = detections.decode(maps)
    assert found["classes"].numpy()[0, :3].tolist() == [0, 1, -1]


def test_boxes_are_clipped_to_the_image():
    maps = _maps((3, 1, 0, 0.8, [-0.5, 0.1, 0.4, 1.5]))
    box = detections.decode(maps)["boxes"][0, 0]
    np.testing.assert_allclose(box, [0.0, 0.1, 0.4, 1.0])


def test_served_objects_are_in_the_pixels_of_the_original():
    task = Task("boxes", "detection", class_names=KINDS)
    decoder = data.AnswerDecoder([task], 60, 80, threshold=0.5)
    maps = _maps((3, 1, 0, 0.4, LEFT), (3, 6, 1, 0.8, [0.5, 0.25, 1.0, 0.75]))
    # 400 x 200 pixels lie on the canvas between a quarter and three quarters
    # of a square; here the canvas is 80 x 60: the image is 40 rows high.
    context = {"size": np.array([[200, 400]], "int32")}
    served = {
        k: v.numpy()[0] for k, v in decoder({"boxes": maps}, context).items()
    }
    assert served["boxes_name"][:3].tolist() == [b"pear", b"apple", b""]
    assert served["boxes_present"][:2].tolist() == [True, False]
    # Rows 15 to 45 of the canvas are 5 to 35 of the image's 40.
    expected = [200, 5 / 40 * 200, 400, 35 / 40 * 200]
    np.testing.assert_allclose(served["boxes_pixels"][0], expected, rtol=1e-5)
    dense = decoder({"boxes": maps})
    np.testing.assert_allclose(
        dense["boxes_pixels"][0, 0], [40, 15, 80, 45], rtol=1e-5
    )


def test_decoding_is_a_graph_of_any_batch_size():
    decode = tf.function(
        detections.decode,
        input_signature=[tf.TensorSpec((None, 6, 8, 6), tf.float32)],
    )
    one = _maps((3, 1, 0, 0.4, LEFT))
    for num in (1, 3):
        found = decode(np.repeat(one, num, 0))
        assert found["scores"].shape == (num, detections.MOST)
    assert decode(one[:0])["scores"].shape == (0, detections.MOST)


def test_preprocessing_moves_the_boxes_and_keeps_the_classes():
    task = Task("boxes", "detection", class_names=KINDS)
    reader = data.ImagePreprocessor(40, 40, 3)
    rows = np.array([[0.0, 0.0, 1.0, 0.5, 1], [0, 0, 0, 0, -1]], "float32")
    _, context = reader(tf.zeros((20, 40, 3)))
    moved = reader.move_labels({"boxes": rows}, context, {"boxes": task})
    # The image is the canvas's second and third quarter.
    np.testing.assert_allclose(
        moved["boxes"][0], [0.0, 0.25, 1.0, 0.5, 1], atol=1e-6
    )
    assert float(moved["boxes"][1, 4]) == -1
    _, batch = reader(tf.zeros((2, 20, 40, 3)))
    both = np.stack([rows, rows])
    again = reader.move_labels({"boxes": both}, batch, {"boxes": task})
    np.testing.assert_allclose(again["boxes"][1], moved["boxes"])
