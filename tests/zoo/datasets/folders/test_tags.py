"""Tags of every scheme become BIO."""

import pytest

from tests.zoo.datasets.folders import generated
from zoo.datasets.folders import tags
from zoo.datasets.folders.records import Damage

_BIO = "O B-a I-a B-a B-b I-b O B-b".split()


@pytest.mark.parametrize(
    "written",
    [
        _BIO,
        generated.iob1(_BIO),
        generated.bioes(_BIO),
        "O B-a L-a U-a B-b L-b O U-b".split(),
    ],
)
def test_every_scheme_becomes_bio(written):
    assert tags.to_bio(written, is_plain=False) == _BIO


def test_schemes_differ_from_bio_where_they_should():
    assert generated.iob1(_BIO) == "O I-a I-a B-a I-b I-b O I-b".split()
    assert generated.bioes(_BIO) == "O B-a E-a S-a B-b E-b O S-b".split()


def test_a_tag_that_continues_nothing_begins_a_span():
    converted = tags.to_bio("O I-a I-b E-b I-b".split(), is_plain=False)
    assert converted == "O B-a B-b I-b B-b".split()


def test_a_tag_of_no_scheme_is_refused():
    with pytest.raises(Damage, match="Received: 'city'"):
        tags.to_bio(["O", "city"], is_plain=False)


def test_parts_of_speech_stay_as_they_are():
    scheme = tags.Scheme()
    scheme.see(["NOUN", "VERB", "I-am-odd"])
    assert scheme.name == "plain"
    assert tags.to_bio(["NOUN", "O"], is_plain=True) == ["NOUN", "O"]
