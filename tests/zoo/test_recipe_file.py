"""Overrides of a recipe: right ones win, wrong ones are named."""

from pathlib import Path

import pytest
from PIL import Image

from zoo import recipe_file

RECIPE = Path(__file__).parents[1] / "tools" / "tiny_recipe.py"


def test_overrides_win():
    config = recipe_file.read(
        RECIPE,
        [
            "--config.optimizer.learning_rate=1e-3",
            "--config.epochs=3",
            "--config.optimizer.name=sgd",
        ],
    )
    assert config.optimizer.learning_rate == 1e-3
    assert config.optimizer.name == "sgd"
    assert config.epochs == 3
    assert config.batch_size == 8


def test_open_fields_take_names_that_are_not_there_yet():
    config = recipe_file.read(
        RECIPE,
        [
            "--config.overrides.tasks=('cls',)",
            "--config.overrides.trunk=plain",
            "--config.overrides.width=2",
            "--config.loss_weights.box=2.0",
            "--config.splits.train=train[:64]",
        ],
    )
    assert config.overrides.to_dict() == {
        "tasks": ("cls",),
        "trunk": "plain",
        "width": 2,
    }
    assert config.loss_weights.to_dict() == {"box": 2.0}
    assert config.splits.train == "train[:64]"


def test_open_field_as_a_whole():
    config = recipe_file.read(RECIPE, ["--config.loss_weights=equal"])
    assert config.loss_weights == "equal"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("--config.epohcs=3", "no field 'config.epohcs'.*mean 'epochs'"),
        (
            "--config.optimizer.learning_rat=3",
            "no field 'config.optimizer.learning_rat'.*mean 'learning_rate'",
        ),
        ("--config.epochs.more=3", "no field 'config.epochs.more'"),
        ("--config.overrides.a.b=3", "no fields within its fields"),
        ("--config.class_weigh=3", "one of.*mean 'class_weight'"),
        ("--config.epochs=many", "does not fit the recipe.*epochs"),
        ("--config.epochs=1.5", "does not fit the recipe.*epochs"),
    ],
)
def test_wrong_override(override, message):
    with pytest.raises(ValueError, match=message):
        recipe_file.read(RECIPE, [override])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def get_config(", "does not run as Python: SyntaxError"),
        ("epochs = 3", "must have a function `get_config"),
        ("def get_config():\n    return {'a': 1}", "ConfigDict"),
        ("get_config = 3", "must have a function `get_config"),
        ("def get_config():\n    return 1 / 0", "fails: ZeroDivisionError"),
        ("def get_config(a):\n    return a", "fails: TypeError"),
    ],
)
def test_file_that_is_no_recipe(tmp_path, text, message):
    path = tmp_path / "recipe.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        recipe_file.read(path, [])


def test_missing_file(tmp_path):
    with pytest.raises(ValueError, match="There is no recipe"):
        recipe_file.read(tmp_path / "recipe.py", [])


@pytest.fixture
def weighted(tmp_path):
    """A recipe with a weight for two tasks, and for a name of no task."""
    text = RECIPE.read_text().replace(
        '"seed": 1,',
        '"seed": 1, "loss_weights": {"box": 2.0, "cls": 3.0, "mine": 4.0},',
    )
    path = tmp_path / "weighted.py"
    path.write_text(text)
    return path


def test_weights_of_tasks_that_are_left_out_are_dropped(tiny, weighted):
    whole = recipe_file.choose(None, weighted, [])
    assert set(whole.loss_weights) == {"box", "cls", "mine"}
    only_cls = ["--config.overrides.tasks=('cls',)"]
    chosen = recipe_file.choose(None, weighted, only_cls)
    # A misspelt name stays, so that the compiled model can name it.
    assert chosen.loss_weights.to_dict() == {"cls": 3.0, "mine": 4.0}


def test_weights_that_are_typed_are_never_dropped(tiny, weighted):
    overrides = ["--config.overrides.tasks=('cls',)"]
    overrides += ["--config.loss_weights.box=5.0"]
    chosen = recipe_file.choose(tiny, weighted, overrides)
    assert chosen.loss_weights["box"] == 5.0


def test_a_folder_decides_the_tasks_and_loses_the_recipes_parts(tmp_path):
    for name in ("a", "b"):
        for split in ("train", "test"):
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(folder / "1.png")
    typed = ["--config.weights=digit_scenes", "--config.class_weight=balanced"]
    config = recipe_file.choose(
        "cls_det_box", None, typed, str(tmp_path / "photos")
    )
    assert config.data == str(tmp_path / "photos")
    assert "cls" in config.overrides.tasks
    assert "box" not in config.overrides.tasks
    assert set(config.loss_weights) == set(config.overrides.tasks)
    assert config.splits is None
    assert (config.weights, config.class_weight) == ("digit_scenes", "balanced")
    typed = ["--config.splits.train=train[:1]"]
    config = recipe_file.choose(
        "cls_det_box", None, typed, str(tmp_path / "photos")
    )
    assert config.splits.train == "train[:1]"


def test_recipe_needs_a_model_or_a_path():
    with pytest.raises(ValueError, match="Expected --model.*Received: neither"):
        recipe_file.choose(None, None, [])


def test_recipe_of_another_model_is_refused(tiny):
    with pytest.raises(ValueError, match="The recipe is for 'tiny_squares"):
        recipe_file.choose("other", RECIPE, [])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("--config.overrides.tasks=5", "must be a tuple of names.*tasks"),
        ("--config.overrides.tasks=cls", "must be a tuple of names"),
        ("--config.overrides.tasks=(1,)", "must be a tuple of names"),
        ("--config.overrides=5", "`config.overrides` must hold names"),
        ("--config.balancer=5", "`config.balancer` must hold names"),
        ("--config.splits=train", "`config.splits` must hold names"),
        ("--config.overrides.tasks=" + "(" * 9999, "must be a tuple of names"),
    ],
)
def test_open_field_of_another_type_is_named(override, message):
    with pytest.raises(ValueError, match=message):
        recipe_file.choose(None, RECIPE, [override])


def test_stages_policy_and_parts_need_not_be_in_the_recipe():
    config = recipe_file.read(
        RECIPE,
        [
            "--config.stages=[{'epochs':1,'trainable':'none'},{}]",
            "--config.dtype_policy=mixed_bfloat16",
            "--config.optimizer.trunk_learning_rate=1e-4",
        ],
    )
    assert config.to_dict()["stages"] == [
        {"epochs": 1, "trainable": "none"},
        {},
    ]
    assert config.dtype_policy == "mixed_bfloat16"
    assert config.optimizer.trunk_learning_rate == 1e-4
    config = recipe_file.read(
        RECIPE,
        [
            "--config.optimizer.parts.trunk.learning_rate=1e-4",
            "--config.optimizer.parts.heads={}",
        ],
    )
    parts = {"trunk": {"learning_rate": 1e-4}, "heads": {}}
    assert config.optimizer.to_dict()["parts"] == parts


def test_recipe_with_stages_is_written_and_read_again(tmp_path):
    config = recipe_file.read(
        RECIPE, ["--config.stages=[{'epochs':1},{'trainable':'all'}]"]
    )
    recipe_file.write(config, tmp_path / "again.py", ["Again."])
    again = recipe_file.read(tmp_path / "again.py", [])
    assert again.to_dict() == config.to_dict()
