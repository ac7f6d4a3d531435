"""A wrong option of any entry is named; a misspelt one is corrected."""

import inspect

import pytest

import zoo
from zoo import registry

# Refused for the default trunk, however it is spelt.
_OF_PRETRAINED_TRUNKS = {"sentence_layers", "trainable"}


def _options():
    for name in zoo.list_models():
        build = inspect.signature(registry.find(name).entry.build)
        for option in build.parameters.values():
            is_text = isinstance(option.default, str)
            if is_text and option.name not in _OF_PRETRAINED_TRUNKS:
                yield name, option.name, option.default


@pytest.mark.parametrize(("name", "option", "default"), list(_options()))
def test_what_was_meant_is_named(name, option, default):
    with pytest.raises(ValueError, match=f"Did you mean '{default}'"):
        zoo.load(name, **{option: f"{default[:-1]}q"})


_WRONG = {bool: ("no", 2), int: ("3", 1.5, -1), float: ("0.1", -0.5)}


def _wrong_values():
    for name in zoo.list_models():
        build = inspect.signature(registry.find(name).entry.build)
        for option in build.parameters.values():
            for value in _WRONG.get(type(option.default), ()):
                yield name, option.name, value


@pytest.mark.parametrize(("name", "option", "value"), list(_wrong_values()))
def test_what_no_option_can_be_is_refused_by_name(name, option, value):
    with pytest.raises(ValueError, match=option):
        zoo.load(name, **{option: value})
