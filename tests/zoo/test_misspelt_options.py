"""A misspelt option of any entry is refused with the one that was meant."""

import inspect

import pytest

import zoo
from zoo import registry

# Refused for the default trunk, however it is spelt.
_OF_PRETRAINED_TRUNKS = {"trainable"}


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
