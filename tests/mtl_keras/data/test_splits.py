import warnings

import numpy as np
import pytest

from mtl_keras.data import splits

NUM = 1000


def labelled(num=NUM, seed=0):
    """Two tasks that depend on each other, both with missing labels."""
    rng = np.random.default_rng(seed)
    intent = rng.choice(5, num, p=[0.5, 0.25, 0.15, 0.07, 0.03])
    there = (rng.uniform(size=num) < 0.2 + 0.15 * intent).astype(int)
    there[rng.uniform(size=num) < 0.2] = -1
    return np.stack([intent, there], axis=1)


def groups_of(num=NUM, seed=1):
    """Groups of different sizes, each of one source."""
    sizes = np.random.default_rng(seed).integers(1, 8, num)
    return np.repeat(np.arange(num), sizes)[:num]


def largest_gap(codes, parts):
    """By how much the share of a stratum in a part differs from the whole."""
    return max(
        abs(np.mean(column[numbers] == value) - np.mean(column == value))
        for numbers in parts
        for column in codes.T
        for value in np.unique(column)
    )


def parts_held_out(folds):
    return [fold["test"] for fold in folds]


CASES = {
    "plain": {},
    "one task": {"strata": labelled()[:, 0]},
    "tasks": {"strata": labelled()},
    "groups": {"groups": groups_of()},
    "one task, groups": {"strata": labelled()[:, 0], "groups": groups_of()},
    "tasks, groups": {"strata": labelled(), "groups": groups_of()},
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@each_case
def test_each_example_is_in_exactly_one_test_part(case):
    folds = splits.folds(NUM, 5, **case)
    numbers = np.concatenate(parts_held_out(folds))
    np.testing.assert_array_equal(np.sort(numbers), np.arange(NUM))


@each_case
@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_the_parts_of_a_fold_hold_each_example_once(case, validation):
    for fold in splits.folds(NUM, 4, validation=validation, **case):
        assert ("validation" in fold) == bool(validation)
        numbers = np.concatenate(list(fold.values()))
        np.testing.assert_array_equal(np.sort(numbers), np.arange(NUM))
        assert all(np.all(np.diff(part) > 0) for part in fold.values())


@each_case
def test_hold_out_holds_each_example_once(case):
    parts = splits.hold_out(NUM, **case)
    assert list(parts) == ["train", "validation", "test"]
    numbers = np.concatenate(list(parts.values()))
    np.testing.assert_array_equal(np.sort(numbers), np.arange(NUM))


@each_case
def parts_held_out_have_their_sizes(case):
    tolerance = 3 if "groups" in case else 1
    for numbers in parts_held_out(splits.folds(NUM, 5, **case)):
        assert abs(len(numbers) - NUM / 5) <= tolerance
    parts = splits.hold_out(NUM, {"train": 0.85, "test": 0.15}, **case)
    assert abs(len(parts["test"]) - 150) <= tolerance


@pytest.mark.parametrize("name", [name for name in CASES if "group" in name])
def test_no_group_is_in_two_parts(name):
    case = CASES[name]
    folds = splits.folds(NUM, 5, validation=0.2, **case)
    for parts in [*folds, splits.hold_out(NUM, **case)]:
        seen = [set(case["groups"][numbers]) for numbers in parts.values()]
        assert sum(len(part) for part in seen) == len(set(case["groups"]))


@pytest.mark.parametrize("name", [name for name in CASES if "task" in name])
def test_strata_are_within_two_percent(name):
    case = CASES[name]
    codes = case["strata"].reshape(NUM, -1)
    folds = splits.folds(NUM, 5, validation=0.2, **case)
    parts = [part for fold in folds for part in fold.values()]
    parts += splits.hold_out(NUM, **case).values()
    assert largest_gap(codes, parts) <= 0.02
    # The same bar is no matter of course.
    assert largest_gap(codes, parts_held_out(splits.folds(NUM, 5))) > 0.02


def test_the_tasks_joint_distribution_is_kept():
    codes = labelled()
    joint = (codes[:, 0] * 3 + codes[:, 1])[:, None]
    parts = parts_held_out(splits.folds(NUM, 5, strata=codes))
    # Of each combination a fold has its share, rounded down or up a bit.
    assert largest_gap(joint, parts) <= 2 / (NUM / 5)


def test_many_labels_are_stratified_at_once():
    rng = np.random.default_rng(0)
    codes = rng.choice(3, (NUM, 12), p=[0.17, 0.75, 0.08])
    parts = parts_held_out(splits.folds(NUM, 5, strata=codes))
    assert [len(part) for part in parts] == [200] * 5
    assert largest_gap(codes, parts) <= 0.02


def test_a_rare_stratum_is_spread():
    codes = np.zeros((100, 2), int)
    codes[:5, 0] = 1
    codes[95:, 1] = 1
    for numbers in parts_held_out(splits.folds(100, 5, strata=codes)):
        assert codes[numbers].sum(axis=0).tolist() == [1, 1]


@each_case
def test_the_seed_decides(case):
    def all_parts(seed):
        folds = splits.folds(NUM, 3, validation=0.1, seed=seed, **case)
        folds.append(splits.hold_out(NUM, seed=seed, **case))
        return [numbers.tolist() for f in folds for numbers in f.values()]

    assert all_parts(5) == all_parts(5)
    assert all_parts(5) != all_parts(6)


def test_own_code_warns_of_no_rare_combination():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splits.folds(20, 5, strata=np.arange(40).reshape(20, 2))


def test_strata_and_groups_may_have_names():
    names = np.array(["ab", "c"])[labelled()[:, 0] % 2]
    objects = np.array([None, "x", 3], object)[labelled()[:, 1]]
    speakers = np.array([f"speaker {n}" for n in groups_of()])
    named = splits.folds(
        NUM, 3, strata={"a": names, "b": objects}, groups=speakers
    )
    assert len(named) == 3
    joined = {
        speaker: fold
        for fold, part in enumerate(named)
        for speaker in speakers[part["test"]]
    }
    for fold, part in enumerate(named):
        assert all(joined[s] == fold for s in speakers[part["test"]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: splits.folds(10, 1), "num_folds=1"),
        (lambda: splits.folds(10, 11), "number of examples, 10"),
        (lambda: splits.folds(4, 3, groups=[1, 1, 2, 2]), "of groups, 2"),
        (lambda: splits.folds(10, 2, validation=1.0), "validation=1.0"),
        (lambda: splits.folds(0, 2), "num_examples=0"),
        (lambda: splits.folds(10, 2, seed=-1), "seed=-1"),
        (lambda: splits.folds(10, 2, strata=[1, 2]), "each of the 10"),
        (lambda: splits.folds(2, 2, groups=[1.0, np.nan]), "not contain NaN"),
        (lambda: splits.hold_out(10, {"train": 0.5}), "sum to 1"),
        (lambda: splits.hold_out(10, {"a": 1.5, "b": -0.5}), "positive"),
        (lambda: splits.hold_out(3), "'validation' would be empty: 3 examples"),
        (lambda: splits.hold_out(9, groups=[1] * 9), "1 groups are too few"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
