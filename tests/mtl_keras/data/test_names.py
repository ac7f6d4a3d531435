"""Every preprocessor refuses a name that no input can have."""

import inspect

import pytest

from mtl_keras import data


def _named():
    for name in sorted(data.__all__):
        value = getattr(data, name)
        if isinstance(value, type) and name.endswith("Preprocessor"):
            if "name" in inspect.signature(value).parameters:
                yield name


def test_some_preprocessors_have_names():
    assert len(list(_named())) >= 7


@pytest.mark.parametrize("name", list(_named()))
@pytest.mark.parametrize("received", [3, "", "a b", "größe", None])
def test_a_wrong_name_is_refused(name, received):
    preprocessor = getattr(data, name)
    needed = {
        key: (("a",) if key == "words" else 3)
        for key, value in inspect.signature(preprocessor).parameters.items()
        if value.default is value.empty
    }
    with pytest.raises(ValueError, match="`name` must be a string"):
        preprocessor(**needed, name=received)
