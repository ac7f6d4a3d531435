"""What an entry gets from its base class."""

import pytest

import zoo
from mtl_keras import Task


class Fruit(zoo.Entry):
    """A fruit and where it is."""

    data = {"a": "package:Builder", "b": "package:Builder"}
    kinds = {"box": "box", "cls": "classification"}
    classes = {
        "a": {"cls": ("apple", "pear")},
        "b": {"cls": ("fig", "kiwi", "lime")},
    }

    def build(self, spec, *, width=3, size=8):
        return spec, width, size

    def preprocessor(self, spec, *, size=8):
        return size


ENTRY = Fruit()


def test_spec_has_all_tasks_in_order_with_the_classes_of_the_data():
    spec = ENTRY.spec("b")
    assert spec.data == "b"
    assert spec.tasks == ("box", "cls")
    assert spec.classes == {"cls": ("fig", "kiwi", "lime")}


def test_spec_of_some_tasks_has_their_classes_only():
    assert ENTRY.spec("a", ["cls", "box"]).tasks == ("cls", "box")
    spec = ENTRY.spec("a", "box")
    assert spec.tasks == ("box",)
    assert spec.classes == {}
    assert "box" in spec and "cls" not in spec


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("c",), "Unknown data: 'c'"),
        (("a", ["clss"]), "Unknown task: 'clss'.*mean 'cls'"),
        (("a", ()), "must name at least one of 'box', 'cls'"),
    ],
)
def test_wrong_spec_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ENTRY.spec(*arguments)


def test_tasks_have_the_classes_of_the_spec():
    # Those of the spec, not of the entry: they may be the user's own.
    spec = zoo.Spec("a", ("cls", "box"), {"cls": ("plum", "date")})
    assert ENTRY.tasks(spec) == (
        Task("cls", "classification", class_names=("plum", "date")),
        Task("box", "box"),
    )


def test_each_method_receives_the_overrides_that_it_names():
    spec = ENTRY.spec("a")
    assert ENTRY.overrides() == {"width": 3, "size": 8}
    given = {"width": 5, "size": 9}
    assert ENTRY.call("build", spec, given) == (spec, 5, 9)
    assert ENTRY.call("preprocessor", spec, given) == 9
    assert ENTRY.call("preprocessor", spec, {}) == 8
    assert ENTRY.call("augmentation", spec, given) is None
    assert ENTRY.call("batching", spec, given) == {}


def test_example_is_split_by_the_names_of_the_tasks():
    split = ENTRY.example(ENTRY.spec("a", "box"))
    inputs, labels = split({"image": 1, "box": 2, "cls": 3, "mask": 4})
    assert inputs == {"image": 1, "mask": 4}
    # Labels of all tasks: the loader leaves out those of other tasks.
    assert labels == {"box": 2, "cls": 3}


def test_build_must_be_defined():
    with pytest.raises(NotImplementedError, match="must define `build"):
        zoo.Entry().build(ENTRY.spec("a"))
