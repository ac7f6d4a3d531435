"""A search killed at any moment ends as one that was never disturbed."""

import json
import math

import keras_tuner
import pytest
from keras_tuner.engine.trial import TrialStatus

from mtl_keras.tuning import oracles, tuner
from mtl_keras.tuning.objective import Objective

OBJECTIVE = Objective("gain", True, {})
NUM_TRIALS = 6
# A Gaussian process is slow to fit.
_FEWER = {"bayesian": 4}


def space():
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1e-1, sampling="log", default=0.01)
    hp.Choice("balancer", ["static", "cagrad"])
    hp.Float("c", 0.1, 0.9, parent_name="balancer", parent_values=["cagrad"])
    return hp


class Killed(BaseException):
    """What a kill leaves of a process: nothing is tidied up."""


class Search:
    """Processes that search in one folder, each until it is killed."""

    def __init__(self, name, folder, num_trials=None, fails=()):
        self.name, self.folder, self.fails = name, folder, fails
        self.num_trials = num_trials or _FEWER.get(name, NUM_TRIALS)
        self.results, self.trained = {}, []
        self.events, self.last = 0, math.inf

    def moment(self):
        """One of the moments at which a kill may come."""
        self.events += 1
        if self.events > self.last:
            raise Killed

    def run(self, name, hp):
        self.moment()
        # As a trial's folder, which is read before anything is trained.
        if name not in self.results:
            if name in self.fails:
                raise ValueError(f"trial {name} cannot be trained")
            self.trained.append(name)
            self.results[name] = -abs(math.log(hp["rate"] / 0.003))
        self.moment()
        return self.results[name]

    def start(self, last=math.inf):
        self.events, self.last = 0, last
        oracle = oracles.make(
            self.name,
            space(),
            OBJECTIVE,
            max_trials=self.num_trials,
            epochs=4,
            seed=0,
        )
        self.oracle = oracle
        write = oracles.write_text

        def dying(path, content):
            self.moment()
            write(path, content)
            self.moment()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(oracles, "write_text", dying)
            oracle.keep_in(
                self.folder / "oracle.json", max_trials=self.num_trials
            )
            tuner.Tuner(oracle, self.run, self.folder).search()
        return oracle


def told(oracle):
    """What is known of the trials in the end."""
    return {
        int(name): (trial.status, trial.score, trial.hyperparameters.values)
        for name, trial in oracle.trials.items()
    }


@pytest.fixture(scope="module", params=oracles.TUNERS)
def undisturbed(request, tmp_path_factory):
    search = Search(request.param, tmp_path_factory.mktemp("whole"))
    oracle = search.start()
    assert sorted(map(int, oracle.trials)) == list(range(search.num_trials))
    assert len(oracle.end_order) == search.num_trials
    return search


@pytest.mark.sampled
def test_killed_at_any_moment(undisturbed, tmp_path):
    expected = told(undisturbed.oracle)
    step = 8 if undisturbed.name == "bayesian" else 1
    for last in range(0, undisturbed.events, step):
        folder = tmp_path / str(last)
        search = Search(undisturbed.name, folder)
        with pytest.raises(Killed):
            search.start(last)
        oracle = search.start()
        assert told(oracle) == expected, last
        assert sorted(oracle.end_order, key=int) == sorted(
            oracle.trials, key=int
        )
        assert sorted(search.trained) == sorted(undisturbed.trained), last


def test_killed_again_and_again(undisturbed, tmp_path):
    search = Search(undisturbed.name, tmp_path)
    for _ in range(100):
        try:
            oracle = search.start(last=6)
            break
        except Killed:
            continue
    assert told(oracle) == told(undisturbed.oracle)
    assert sorted(search.trained) == sorted(undisturbed.trained)


def test_first_trial_is_the_recipe(undisturbed):
    values = undisturbed.oracle.trials["0"].hyperparameters.values
    assert values["rate"] == 0.01 and values["balancer"] == "static"
    assert "c" not in values


def test_values_have_few_digits(undisturbed):
    for trial in undisturbed.oracle.trials.values():
        rate = trial.hyperparameters.values["rate"]
        assert rate == float(f"{rate:.4g}")


def test_no_point_is_tried_twice(undisturbed):
    points = [
        json.dumps(
            {k: v for k, v in values.items() if "tuner/" not in k or "id" in k},
            sort_keys=True,
        )
        for _, _, values in told(undisturbed.oracle).values()
    ]
    assert len(set(points)) == len(points)


def test_finished_search_goes_on_with_more_trials(undisturbed, tmp_path):
    if undisturbed.name == "bayesian":
        pytest.skip("its share of random points depends on the number")
    search = Search(undisturbed.name, tmp_path, num_trials=4)
    search.start()
    search.num_trials = NUM_TRIALS
    assert told(search.start()) == told(undisturbed.oracle)


def test_discrete_space_ends_when_all_is_tried(tmp_path):
    hp = keras_tuner.HyperParameters()
    hp.Choice("balancer", ["a", "b", "c"])
    for name in ("random", "bayesian"):
        oracle = oracles.make(
            name, hp.copy(), OBJECTIVE, max_trials=6, epochs=4, seed=0
        )
        oracle.keep_in(tmp_path / name / "oracle.json", max_trials=6)
        tuner.Tuner(oracle, lambda *a: 1.0, tmp_path / name).search()
        found = [t.hyperparameters["balancer"] for t in oracle.trials.values()]
        assert sorted(found) == ["a", "b", "c"]


def test_failed_trial_leaves_the_others(tmp_path):
    oracle = Search("random", tmp_path, fails=("1", "3")).start()
    assert not oracle.has_failed()
    assert len(oracle.end_order) == NUM_TRIALS
    failed = [n for n, t in oracle.trials.items() if t.status == "FAILED"]
    assert failed == ["1", "3"]
    assert oracle.trials["1"].message == "trial 1 cannot be trained"


def test_failures_in_a_row_end_the_search_and_are_tried_again(tmp_path):
    search = Search("random", tmp_path, fails=("1", "2", "3"))
    oracle = search.start()
    assert oracle.has_failed()
    assert sorted(oracle.trials) == ["0", "1", "2", "3"]
    search.fails = ()
    oracle = search.start()
    assert not oracle.has_failed()
    expected = Search("random", tmp_path / "whole").start()
    assert told(oracle) == told(expected)
    assert sorted(search.trained) == sorted(oracle.trials)


def test_objective_that_is_nan_fails_the_trial(tmp_path):
    search = Search("random", tmp_path)
    search.results["2"] = math.nan
    oracle = search.start()
    assert oracle.trials["2"].status == TrialStatus.FAILED
    assert len(oracle.end_order) == NUM_TRIALS


@pytest.mark.parametrize("text", ["", "{", "[]", '{"oracle": {}}'])
def test_damaged_state_is_told(tmp_path, text):
    path = tmp_path / "oracle.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is damaged"):
        oracles.read(path)
