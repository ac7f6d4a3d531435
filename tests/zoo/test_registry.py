"""Which models there are, and what is said of names that there are not."""

import subprocess
import sys
import types

import pytest

import zoo
from tests.zoo import tiny_entry
from zoo import registry

_HEAVY = ("keras", "tensorflow", "numpy", "jax", "tensorflow_datasets")


def test_listing_imports_nothing_heavy():
    code = (
        "import sys, zoo; names = zoo.list_models()\n"
        "[str(zoo.info(name)) for name in names]\n"
        f"print([m for m in {_HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_list_is_sorted_and_filtered_by_pattern(tiny):
    names = zoo.list_models()
    assert tiny in names
    assert names == sorted(names)
    assert zoo.list_models("tiny_*") == [tiny]
    assert zoo.list_models("nothing_*") == []


def test_list_is_filtered_by_names_and_kinds_of_tasks(tiny):
    assert tiny in zoo.list_models(tasks="cls")
    assert tiny in zoo.list_models(tasks=["presence", "box"])


def test_list_is_filtered_by_data(tiny):
    assert zoo.list_models(data="tiny_squares") == [tiny]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": "clss"}, "Unknown task: 'clss'.*Did you mean 'cls'"),
        ({"data": "tiny_square"}, "Unknown data.*Did you mean 'tiny_squares'"),
    ],
)
def test_list_refuses_unknown_filters(tiny, arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.list_models(**arguments)


@pytest.mark.parametrize("function", [zoo.info, zoo.load, zoo.recipe])
def test_unknown_model(tiny, function):
    with pytest.raises(ValueError, match="Did you mean 'tiny_squares_net'"):
        function("tiny_square_net")


def test_registered_name_is_replaced_by_the_same_name(tiny):
    card = {"tasks": {"a": {"kind": "box"}}, "data": {"b": {}}}
    zoo.register(tiny, "tests.zoo.tiny_entry", card)
    assert set(zoo.info(tiny)["tasks"]) == {"a"}


def test_packaged_name_is_refused(monkeypatch, tiny):
    entry = registry.find(tiny)
    monkeypatch.setattr(registry, "_packaged", {"packaged": entry})
    with pytest.raises(ValueError, match="has a model named 'packaged'"):
        zoo.register("packaged", entry.entry, dict(entry.card))


class _Blank(zoo.Entry):
    """An entry without a part of its own."""


def test_registered_entry_must_have_its_parts(tiny):
    card = {"tasks": {"a": {"kind": "box"}}, "data": {"b": {}}}
    with pytest.raises(ValueError, match="define 'data', 'kinds', 'build'"):
        zoo.register("mine", _Blank, card)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (types.SimpleNamespace(build=None), "Expected a zoo.Entry"),
        (registry, "'zoo.registry' must define one zoo.Entry"),
        ("tests.zoo.tiny_entry:Tiny", "Expected a zoo.Entry"),
    ],
)
def test_source_that_is_no_entry(source, message):
    with pytest.raises(ValueError, match=message):
        registry.entry_of(source)


@pytest.mark.parametrize(
    "source",
    [
        tiny_entry,
        tiny_entry.TinySquares,
        tiny_entry.TinySquares(),
        "tests.zoo.tiny_entry",
        "tests.zoo.tiny_entry:TinySquares",
    ],
)
def test_entry_is_registered_by_class_instance_or_name(tiny, source):
    zoo.register("mine", source, tiny_entry.card())
    assert isinstance(registry.find("mine").entry, tiny_entry.TinySquares)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"data": {"a": {}}}, "without 'tasks'"),
        ({"tasks": {"a": {"kind": "box"}}}, "without 'data'"),
        ({"tasks": {"a": "box"}, "data": {"b": {}}}, "a dict with 'kind'"),
        ({"tasks": ["a"], "data": {"b": {}}}, "must be a dict from name"),
    ],
)
def test_registered_card_must_be_one(card, message):
    with pytest.raises(ValueError, match=message):
        zoo.register("mine", "some.module", card)


def test_weights_have_a_recipe_of_their_own():
    own = zoo.recipe("intent_slot", weights="snips-minilm")
    assert own.name == "intent_slot_minilm.py"
    plain = zoo.recipe("intent_slot", weights="snips")
    assert plain == zoo.recipe("intent_slot") != own
    assert zoo.recipe("intent_slot", "minilm") == own
    with pytest.raises(ValueError, match="recipe of 'intent_slot'.*Did you"):
        zoo.recipe("intent_slot", weights="snips-minilmm")


def test_a_model_may_have_recipes_beside_its_own():
    lite0 = zoo.recipe("cls_box_seg", "lite0")
    assert lite0.name == "cls_box_seg_lite0.py"
    with pytest.raises(ValueError, match="mean 'lite0'.*Received: 'lite'"):
        zoo.recipe("cls_box_seg", "lite")
    with pytest.raises(ValueError, match="Unknown recipe of 'cls_box_seg'"):
        zoo.recipe("cls_box_seg", ["lite0"])
    with pytest.raises(ValueError, match="Unknown model"):
        zoo.recipe(["cls_box_seg"])


def test_model_without_recipe(tiny):
    with pytest.raises(ValueError, match="has no recipe"):
        zoo.recipe(tiny)


def test_lazy_names_are_completed_and_suggested():
    assert set(zoo.__all__) <= set(dir(zoo))
    assert {"datasets", "pretrained", "text", "video", "vision"} <= set(
        dir(zoo)
    )
    with pytest.raises(AttributeError, match="Did you mean 'hypermodel'"):
        _ = zoo.hypermodle
