"""The problems' truth, and how their results become a page."""

import inspect

import numpy as np
import pytest

import zoo.problems
from zoo.commands import benchmark, sharing_benchmark
from zoo.problems import adult, between, cohorts, conflict, groups

ENTRY = "survival_cohorts"


@pytest.mark.parametrize("name", zoo.problems.list_problems())
def test_every_problem_has_a_title_a_text_and_runs_by_seed(name):
    problem = zoo.problems.get(name)
    title, text = inspect.getdoc(problem).split("\n\n", maxsplit=1)
    assert "\n" not in title and text
    assert list(inspect.signature(problem.run).parameters) == ["seed"]


def _correlation(first, second):
    return np.corrcoef(first, second)[0, 1]


def test_labels_conflict_or_agree_as_the_page_says():
    for kind, expected in (("conflict", 0.0), ("agree", 1.0)):
        _, labels = conflict.data(kind, 0)[1]
        assert _correlation(labels["a"], labels["b"]) == pytest.approx(
            expected, abs=0.05
        )
        for values in labels.values():
            assert values.mean() == pytest.approx(0, abs=0.06)
            assert values.std() == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("relatedness", [0.0, 0.6, 1.0])
def test_labels_are_related_as_the_page_says(relatedness):
    train, (_, labels) = between.data(relatedness, 0)
    assert _correlation(labels["a"], labels["b"]) == pytest.approx(
        relatedness, abs=0.05
    )
    assert np.isfinite(train[1]["b"]).sum() == 500


def test_groups_are_independent_and_of_variance_one():
    _, labels = groups.data(0)[1]
    np.testing.assert_array_equal(labels["a1"], labels["a2"])
    assert abs(_correlation(labels["a1"], labels["b1"])) < 0.06
    for values in labels.values():
        assert values.std() == pytest.approx(1, abs=0.08)


def test_section_has_means_and_deviations():
    results = [
        {"hard": {"size": 1000, "error": 0.5}, "ple": {"error": 0.1}},
        {"hard": {"size": 1000, "error": 0.7}, "ple": {"error": 0.1}},
    ]
    lines = zoo.problems.section("conflict", results).splitlines()
    assert lines[0].startswith("## Two tasks that conflict")
    assert "|  | size | error |" in lines
    assert "| hard | 1,000 | 0.600 ± 0.141 |" in lines
    assert "| ple | - | 0.100 ± 0.000 |" in lines


def test_a_section_replaces_the_one_of_its_title_only():
    page = "# Page\n\n## One\n\nold\n\n## Two\n\ntext\n"
    new = sharing_benchmark.with_section(page, "## One\n\nnew\n")
    assert new == "# Page\n\n## One\n\nnew\n\n## Two\n\ntext\n"
    more = sharing_benchmark.with_section(new, "## Three\n\nend\n")
    assert more == new + "\n## Three\n\nend\n"


def test_unknown_problems_are_refused(capsys):
    assert benchmark.main(["sharing", "--problems=conflct"]) != 0
    assert "Did you mean 'conflict'" in capsys.readouterr().err


def test_adult_without_its_files_says_what_it_needs(monkeypatch, tmp_path):
    monkeypatch.setenv("MTL_KERAS_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"adult\.data"):
        adult.read()


def test_adult_reads_categories_and_both_labels(monkeypatch, tmp_path):
    folder = tmp_path / "adult"
    folder.mkdir()
    line = (
        "{}, Private, 1, Bachelors, {}, {}, Sales, Husband, White, Male, "
        "0, 0, 40, Cuba, {}\n"
    )
    train = line.format(20, 9, "Never-married", "<=50K")
    train += line.format(40, 13, "Divorced", ">50K")
    (folder / "adult.data").write_text(train + "\n")
    test = line.format(30, 11, "Never-married", ">50K.").replace("Cuba", "?")
    (folder / "adult.test").write_text("|a remark\n" + test)
    monkeypatch.setenv("MTL_KERAS_DATA", str(tmp_path))
    monkeypatch.setattr(adult, "_NUMBERS", ["age"])
    (x, labels), (test_x, test_labels) = adult.read()
    # An age, and one level of each of six categories.
    np.testing.assert_array_equal(x, [[-1] + [1] * 6, [1] + [1] * 6])
    np.testing.assert_array_equal(test_x, [[0] + [1] * 5 + [0]])
    np.testing.assert_array_equal(labels["income"], [0, 1])
    np.testing.assert_array_equal(labels["never_married"], [1, 0])
    assert test_labels["income"] == [1] and test_labels["never_married"] == [1]


@pytest.mark.sampled
@pytest.mark.parametrize("name", cohorts.WIDTHS)
def test_models_of_the_cohorts_are_of_one_size(name):
    single = name == "single task"
    # The cohort with the most columns.
    tasks = ("support",) if single else tuple(zoo.info(ENTRY)["tasks"])
    hard = 62_488
    assert abs(cohorts.build(name, tasks).count_params() - hard) < 0.05 * hard


def _patients():
    """Two of each cohort; each has only its own inputs and label."""
    model = zoo.load(ENTRY)
    rng = np.random.default_rng(0)
    inputs, labels = {}, {}
    for place, task in enumerate(model.tasks):
        size = model.input[f"{task}_input"].shape[1]
        values = rng.normal(size=(8, size)).astype("float32")
        inputs[f"{task}_input"] = values
        labels[task] = np.full((8, 2), np.nan, "float32")
        labels[task][2 * place : 2 * place + 2] = [[1, 1], [2, 1]]
    return inputs, labels


@pytest.mark.slow
@pytest.mark.parametrize("method", ["equal", "cagrad"])
def test_each_cohort_is_measured(method, monkeypatch):
    monkeypatch.setattr(cohorts, "_BATCH_SIZE", 8)
    patients = _patients()
    for name in ("single task", "hard"):
        values, size = cohorts.trained(name, method, patients, patients, 0)
        assert set(values) == {"metabric", "support", "gbsg", "whas"}
        # Two patients are in order or not, and each pair is learned.
        assert set(values.values()) == {1.0}
        assert size > 50_000
