"""Examples are divided by what they hold, in stated parts."""

import hashlib

from zoo.datasets import hashed_splits


def test_equal_examples_are_in_one_split_of_the_stated_size():
    texts = [str(number) for number in range(20_000)]
    parts = [hashed_splits.part(text, 26, 51) for text in texts]
    assert parts == [hashed_splits.part(t.encode(), 26, 51) for t in texts]
    for name, count in (("test", 51), ("validation", 26), ("train", 179)):
        assert abs(parts.count(name) / len(texts) - count / 256) < 0.01


def test_the_first_byte_of_the_hash_decides():
    # Shipped weights were trained on these splits.
    for text in map(str, range(500)):
        byte = hashlib.sha256(text.encode()).digest()[0]
        expected = "test" if byte < 51 else "train"
        expected = "validation" if 51 <= byte < 77 else expected
        assert hashed_splits.part(text, 26, 51) == expected


def test_examples_keep_their_numbers_in_each_split():
    examples = [("train", {"x": 0}), ("test", {"x": 1}), ("train", {"x": 2})]
    of_train = hashed_splits.of_split(examples, "train")
    assert list(of_train) == [(0, {"x": 0}), (2, {"x": 2})]
