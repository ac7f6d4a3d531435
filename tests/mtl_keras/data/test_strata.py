import numpy as np
import pytest

from mtl_keras import LabelSpec, Task
from mtl_keras.data import splits

CLS = Task("cls", label=LabelSpec((), "int32", missing=-1))
PRICE = Task("price", label=LabelSpec(()))
BOX = Task("box", label=LabelSpec((4,), rule="box_xyxy"))
ASSAYS = Task("assays", label=LabelSpec((3,)))
TAGS = Task("tags", label=LabelSpec((None,), "int32", missing=-1))
NAN = np.nan


def strata(tasks, num_bins=4, **labels):
    return splits.strata(labels, tasks, num_bins=num_bins)


def test_each_class_and_missing_are_strata():
    found = strata([CLS], cls=[2, -1, 0, 2, -1])
    np.testing.assert_array_equal(found, [[2], [0], [1], [2], [0]])


def test_a_number_is_sorted_into_bins_of_equal_size():
    price = np.append(np.random.default_rng(0).permutation(100), [NAN] * 7)
    (codes,) = strata([PRICE], price=price).T
    assert np.bincount(codes).tolist() == [7, 25, 25, 25, 25]
    assert price[codes == 1].max() < price[codes == 2].min()


def test_few_numbers_are_strata_as_they_are():
    (codes,) = strata([PRICE], price=[0.0, 1.0, 1.0, NAN, 0.0]).T
    assert codes.tolist() == [1, 2, 2, 0, 1]


def test_of_a_box_counts_whether_there_is_one():
    box = [[0, 0, 1, 1], [NAN] * 4, [0, NAN, 1, 1]]
    assert strata([BOX], box=box).tolist() == [[1], [0], [0]]


def test_a_list_of_numbers_is_stratified_number_by_number():
    found = strata([ASSAYS], assays=[[0, NAN, 1.0], [1, 1, 1]])
    assert found.tolist() == [[1, 0, 1], [2, 1, 1]]


def test_of_a_sequence_counts_which_classes_occur():
    found = strata([TAGS], tags=[[3, 3, -1], [5, 3, 5], [-1, -1, -1]])
    assert found.tolist() == [[1, 0], [1, 1], [2, 2]]


def test_tasks_are_columns_in_the_order_of_their_names():
    found = strata([PRICE, CLS], price=[1.0, 2.0], cls=[1, 0])
    assert found.tolist() == [[2, 1], [1, 2]]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"clz": [1]}, "Did you mean 'cls'"),
        ({}, "at least one task"),
        ({"cls": [1], "price": [1.0, 2.0]}, "the same length"),
        ({"cls": [[1, 2], [3, 4]]}, "'cls' expects"),
        ({"cls": ["a"]}, "'cls'.*class numbers"),
    ],
)
def test_labels_that_do_not_fit_are_named(labels, message):
    with pytest.raises(ValueError, match=message):
        splits.strata(labels, [CLS, PRICE])


def test_bins_are_counted():
    with pytest.raises(ValueError, match="num_bins=0"):
        strata([PRICE], num_bins=0, price=[1.0])
