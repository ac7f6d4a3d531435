"""Every model of the zoo can be searched: none can be forgotten."""

import pathlib

import keras_tuner
import pytest
from keras_tuner.oracles import RandomSearchOracle

import zoo
from mtl_keras.training import recipe
from tests.zoo import tiny_entry
from zoo import recipe_file

NAMES = zoo.list_models()


def declared(name, space, **options):
    (first, *others) = zoo.info(name)["tasks"]
    if not others:
        # There is no gain over a model of the only task.
        options.setdefault("objective", f"{first}_auc")
    model = zoo.hypermodel(name, space, **options)
    hp = keras_tuner.HyperParameters()
    model.declare_hyperparameters(hp)
    return model, hp


@pytest.mark.parametrize("space", ["small", "full"])
@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_the_recipe(name, space):
    model, hp = declared(name, space)
    # One task has no weights to be searched.
    has_weights = len(zoo.info(name)["tasks"]) > 1
    assert len(hp.space) >= 2 + has_weights
    found, expected = model.config(hp).to_dict(), model.recipe.to_dict()
    for field in ("loss_weights", "balancer", "batch_size", "seed", "epochs"):
        assert found.get(field) == expected.get(field), field
    given = dict(expected.get("overrides") or {})
    assert given.items() <= found["overrides"].items()
    rate = expected["optimizer"]["learning_rate"]
    parts = found["optimizer"].get("parts") or {"all": found["optimizer"]}
    assert {part["learning_rate"] for part in parts.values()} == {rate}


@pytest.mark.sampled
@pytest.mark.parametrize("space", ["small", "full"])
@pytest.mark.parametrize("name", NAMES)
def test_points_build_and_compile(name, space, tmp_path):
    model, hp = declared(name, space)
    oracle = RandomSearchOracle(
        objective=model.objective, max_trials=9, hyperparameters=hp, seed=3
    )
    # One of each choice of a balancer costs too much: three points.
    for number in range(3 if space == "full" else 1):
        point = hp.copy()
        point.values = oracle.populate_space(str(number))["values"]
        config = model.config(point)
        built = model.build(point)
        recipe.compile_model(built, config.to_dict(), 10)
        assert set(built.tasks) == set(zoo.info(name)["tasks"])
        path = tmp_path / "recipe.py"
        path.write_text(recipe_file.source(config, ["A point."]))
        assert recipe_file.read(path, []).to_dict() == config.to_dict()


@pytest.mark.parametrize("name", NAMES)
def test_entries_that_declare_a_search_change_the_model(name):
    model, hp = declared(name, "full")
    own = {h.name for h in hp.space} & set(model.config(hp).overrides)
    assert own, (
        f"the entry {name!r} must say what is searched: set `search_dropout` "
        "and `search_values`, or override `search`; see zoo.Entry"
    )


@pytest.fixture
def config(tiny):
    path = pathlib.Path(tiny_entry.__file__).parents[1] / "tools"
    return recipe_file.read(path / "tiny_recipe.py", [])


def test_entry_without_a_declaration_searches_the_common_part(tiny, config):
    model, hp = declared(tiny, "full", config=config)
    assert dict(model.config(hp).overrides) == {"width": 4}
    names = {h.name for h in hp.space}
    assert "shared_dropout" in names and "width" not in names
    assert "optimizer.parts.trunk.learning_rate" in names


def test_declaration_of_an_entry_is_searched(tiny, config, monkeypatch):
    def search(self, hp, space, defaults):
        low = hp.Int("width", 2, 8, default=defaults["width"])
        return {"width": low, "depth": 2 if space == "full" else 1}

    monkeypatch.setattr(tiny_entry.TinySquares, "search", search)
    model, hp = declared(tiny, "small", config=config)
    assert hp.values["width"] == 4
    hp.values["width"] = 6
    assert dict(model.config(hp).overrides) == {"width": 6, "depth": 1}
    assert model.build(hp).get_layer("conv0").filters == 6


@pytest.mark.slow
def test_tuner_of_kerastuner_trains_on_the_entrys_data(
    tiny, config, data_dir, tmp_path
):
    model = zoo.hypermodel(
        tiny, objective="cls_accuracy", config=config, data_dir=data_dir
    )
    tuner = keras_tuner.RandomSearch(
        model,
        objective=model.objective,
        max_trials=1,
        seed=1,
        directory=tmp_path,
        max_consecutive_failed_trials=1,
    )
    tuner.search(verbose=0)
    assert 0 <= tuner.oracle.trials["0"].score <= 1
    config = model.config(tuner.get_best_hyperparameters()[0])
    assert config.model == tiny


def test_gain_needs_a_folder_for_single_tasks(tiny, config):
    model, hp = declared(tiny, "small", config=config)
    with pytest.raises(ValueError, match="workdir='runs/search'"):
        model.fit(hp, model.build(hp))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"space": "ful"}, "Did you mean 'full'"),
        ({"objective": "val_loss"}, "two scales"),
        ({"objective": "cls_acuracy"}, "Did you mean 'cls_accuracy'"),
    ],
)
def test_wrong_arguments(tiny, config, arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.hypermodel(tiny, config=config, **arguments)


def test_unknown_model_and_foreign_recipe(tiny, config):
    with pytest.raises(ValueError, match="Did you mean 'tiny_squares_net'"):
        zoo.hypermodel("tiny_square_net", config=config)
    with pytest.raises(ValueError, match="The recipe is for"):
        zoo.hypermodel(NAMES[0], config=config)
