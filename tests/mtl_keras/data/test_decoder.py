import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import Task
from mtl_keras.data import AnswerDecoder

TASKS = (
    Task("cls", "classification", class_names=("apple", "banana", "cherry")),
    Task("det", "presence"),
    Task("box", "box"),
)
OUTPUTS = {
    "cls": np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]], "float32"),
    "det": np.array([[0.9], [0.2]], "float32"),
    "box": np.array([[0.25, 0.25, 0.75, 0.5], [0, 0, 1, 1]], "float32"),
}
# On a canvas of 8 x 8, 40 x 80 lies in rows 2 to 6 and 16 x 16 everywhere.
CONTEXT = {"size": np.array([[40, 80], [16, 16]], "int32")}


def decoder(**kwargs):
    return AnswerDecoder(TASKS, 8, 8, **kwargs)


def test_answers_by_hand():
    answers = decoder()(OUTPUTS, CONTEXT)
    assert answers["cls_name"].numpy().tolist() == [b"banana", b"apple"]
    np.testing.assert_allclose(answers["cls_score"], [0.7, 0.5])
    np.testing.assert_array_equal(answers["det_present"], [True, False])
    np.testing.assert_allclose(
        answers["box_pixels"], [[20, 0, 60, 20], [0, 0, 16, 16]]
    )
    assert len(answers) == 4


def test_without_context_the_model_input_is_the_original():
    answers = decoder()({"box": OUTPUTS["box"]})
    np.testing.assert_allclose(
        answers["box_pixels"], [[2, 2, 6, 4], [0, 0, 8, 8]]
    )


def test_only_the_answers_of_the_outputs_are_given():
    answers = decoder()({"cls": OUTPUTS["cls"], "depth": np.zeros((2, 4))})
    assert set(answers) == {"cls_name", "cls_score"}


def test_classes_without_names_are_numbers():
    tasks = [Task("cls", "classification", num_classes=3)]
    answers = AnswerDecoder(tasks, 8, 8)({"cls": OUTPUTS["cls"]})
    assert answers["cls_name"].numpy().tolist() == [b"1", b"0"]


def test_only_boxes_need_the_size_of_the_input():
    answers = AnswerDecoder(TASKS[:1])({"cls": OUTPUTS["cls"]})
    assert answers["cls_name"].numpy().tolist() == [b"banana", b"apple"]
    with pytest.raises(ValueError, match="task 'box'.*height=None, width=8"):
        AnswerDecoder(TASKS, width=8)


def test_half_precision_outputs():
    halves = {name: tf.cast(x, tf.bfloat16) for name, x in OUTPUTS.items()}
    answers = decoder()(halves, CONTEXT)
    assert answers["cls_score"].dtype == tf.float32
    assert answers["box_pixels"].dtype == tf.float32


def test_saved_beside_a_model():
    config = keras.saving.serialize_keras_object(decoder(threshold=0.1))
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == decoder(threshold=0.1).get_config()
    answers = again(OUTPUTS, CONTEXT)
    np.testing.assert_array_equal(answers["det_present"], [True, True])
    assert answers["cls_name"].numpy().tolist() == [b"banana", b"apple"]


def test_names_that_clash_are_named():
    tasks = [*TASKS, Task("cls_name", "presence")]
    outputs = OUTPUTS | {"cls_name": OUTPUTS["det"]}
    with pytest.raises(ValueError, match="a task 'cls_name'"):
        AnswerDecoder(tasks, 8, 8)(outputs)


def test_a_wrong_threshold_is_named():
    with pytest.raises(ValueError, match="threshold=50"):
        decoder(threshold=50)


def test_mask_is_decoded_in_the_pixels_of_each_original():
    task = Task("area", "mask", class_names=("ground", "pet"))
    canvas = np.zeros((2, 8, 8), int)
    # Of 40 x 80, which lies in rows 2 to 6, the left half; of 16 x 16 a cell.
    canvas[0, :, :4] = 1
    canvas[1, 7, 0] = 1
    decode = AnswerDecoder([task], 8, 8)
    answers = decode({"area": np.eye(2)[canvas]}, CONTEXT)
    assert set(answers) == {"area_classes"}
    expected = np.full((2, 40, 80), 255)
    expected[0] = 0
    expected[0, :, :40] = 1
    expected[1, :16, :16] = 0
    expected[1, 14:16, :2] = 1
    assert answers["area_classes"].dtype == tf.uint8
    np.testing.assert_array_equal(answers["area_classes"], expected)
    dense = decode({"area": np.eye(2)[canvas]})["area_classes"]
    np.testing.assert_array_equal(dense, canvas)
    empty = {"size": np.zeros((0, 2), "int32")}
    none = decode({"area": np.zeros((0, 8, 8, 2), "float32")}, empty)
    assert none["area_classes"].shape == (0, 0, 0)


def test_masks_of_too_many_classes_are_refused():
    names = [str(number) for number in range(256)]
    with pytest.raises(
        ValueError, match="at most 255 classes. Received: .*256"
    ):
        AnswerDecoder([Task("area", "mask", class_names=names)], 8, 8)
