"""Each layout's small folder is read to the same arrays."""

import numpy as np
import pytest

from tests.zoo.datasets.folders import generated
from zoo.datasets import folders

_READERS = {
    "class_folders": "class folders",
    "csv_pixels": "table of files",
    "csv_fractions": "table of files",
    "coco": "COCO",
    "voc": "Pascal VOC",
    "yolo": "YOLO",
    "labelme": "Labelme",
    "mask_folders": "masks",
    "sentence_csv": "table of sentences",
    "sentence_tsv": "table of sentences",
    "sentence_jsonl": "table of sentences",
    "conll": "CoNLL",
    "conll_iob1": "CoNLL",
    "conll_bioes": "CoNLL",
    "slot_files": "seq.in, seq.out, label",
    "table_csv": "table",
    "recordings": "table of files",
}


def _source(name, tmp_path, **options):
    make, kinds, inputs = generated.LAYOUTS[name]
    folder = generated.fresh(tmp_path / "data", make)
    return folders.read(folder, kinds, inputs, **options)


@pytest.mark.parametrize("name", generated.LAYOUTS)
def test_layout_is_recognised(name, tmp_path):
    source = _source(name, tmp_path)
    assert source.layout == _READERS[name]
    assert source.problems() == []
    assert source.splits == ("test", "train")
    assert set(source.labelled) == set(source.kinds)


def _labels_by_image(source):
    return {
        example.inputs["image"].rsplit("/", 1)[-1]: (
            example.split,
            source.encode(example),
        )
        for example in source.examples()
    }


@pytest.mark.parametrize("name", ["class_folders", *generated.OBJECTS])
def test_images_have_the_labels_that_were_written(name, tmp_path):
    source = _source(name, tmp_path)
    assert source.class_names["cls"] == generated.CLASSES
    read = _labels_by_image(source)
    assert len(read) == len(generated.SCENES)
    for split, image, label, box in generated.SCENES:
        read_split, labels = read[f"{image}.png"]
        assert read_split == split
        assert labels["cls"] == generated.CLASSES.index(label)
        if "box" in labels:
            assert labels["det"] == 1
            fractions = np.array(box) / np.tile(generated.SIZE, 2)
            np.testing.assert_allclose(labels["box"], fractions, atol=1e-5)


@pytest.mark.parametrize("name", generated.TEXTS)
def test_sentences_have_the_labels_that_were_written(name, tmp_path):
    source = _source(name, tmp_path)
    tags = ("O", "B-artist", "I-artist", "B-city", "I-city")
    assert source.class_names["slot"] == (*tags, "B-genre", "I-genre")
    assert source.class_names["intent"] == ("Play", "Weather")
    read = {
        " ".join(e.inputs["tokens"]): (e.split, source.encode(e))
        for e in source.examples()
    }
    assert len(read) == len(generated.SENTENCES)
    for split, text, intent in generated.SENTENCES:
        read_split, labels = read[text]
        assert read_split == split
        assert source.class_names["intent"][labels["intent"]] == intent
        names = [source.class_names["slot"][n] for n in labels["slot"]]
        assert names == generated.tags_of(text)


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("conll", "IOB2"), ("conll_iob1", "IOB1"), ("conll_bioes", "BIOES")],
)
def test_schemes_of_tags_are_told_apart(name, scheme, tmp_path):
    assert _source(name, tmp_path).scan.scheme("slot") == scheme


def test_table_has_the_numbers_that_were_written(tmp_path):
    source = _source("table_csv", tmp_path)
    assert source.column_types == {"rooms": "number", "heating": "category"}
    for example, row in zip(source.examples(), generated.TABLE, strict=True):
        split, rooms, heating, price, sold, town, time, event = row
        assert example.split == split
        assert example.inputs == {"rooms": str(rooms), "heating": heating}
        assert source.encode(example) == {
            "price": price,
            "sold": sold,
            "town": generated.CLASSES.index(town),
            "stay": [time, event],
        }


def test_missing_labels_of_a_table_are_marked(tmp_path):
    (tmp_path / "a.csv").write_text(
        "x,price,sold,town,time,event\n1,,?,,3,\n2,5,yes,rome,?,1\n"
        "3,6,no,bern,4,0\n"
    )
    source = folders.read(tmp_path, generated.TABLE_KINDS, "table")
    first, second, third = map(source.encode, source.examples())
    assert np.isnan(first.pop("price")) and np.isnan(first.pop("stay")).all()
    assert first == {"sold": -1, "town": -1}
    assert second["sold"] == 1 and np.isnan(second["stay"]).all()
    assert third["stay"] == [4.0, 0] and third["town"] == 0


def test_missing_labels_of_sentences_are_marked(tmp_path):
    (tmp_path / "a.tsv").write_text(
        'text\tintent\tslot\nsay "hi\t?\t\nsay it\tTalk\tO B-what\n'
    )
    source = folders.read(tmp_path, generated.SENTENCE_KINDS, "text")
    first, second = source.examples()
    # Quotes have no meaning in a TSV.
    assert first.inputs["tokens"] == ["say", '"hi']
    assert source.encode(first) == {"intent": -1, "slot": [-1, -1]}
    assert source.encode(second) == {"intent": 0, "slot": [0, 1]}


def test_largest_object_decides_the_class_and_the_box(tmp_path):
    generated.image(tmp_path / "a")
    generated.image(tmp_path / "b")
    (tmp_path / "labels.csv").write_text(
        "path,cls,x1,y1,x2,y2\na.png,pear,0,0,8,8\nb.png,pear,0,0,8,8\n"
        "a.png,plum,8,8,24,24\n"
    )
    kinds = {**generated.OBJECT_KINDS, "pear": "presence", "plum": "presence"}
    source = folders.read(tmp_path, kinds)
    first, second = map(source.encode, source.examples())
    assert source.class_names["cls"] == ("pear", "plum")
    assert first["cls"] == 1 and second["cls"] == 0
    assert first["box"] == [8 / 40, 8 / 32, 24 / 40, 24 / 32]
    assert [first["pear"], first["plum"]] == [1, 1]
    assert [second["pear"], second["plum"]] == [1, 0]
    assert first["det"] == second["det"] == 1


def test_an_error_names_the_table_that_the_row_is_in(tmp_path):
    generated.image(tmp_path / "a")
    row = "path,cls,x1,y1,x2,y2\na.png,pear,"
    (tmp_path / "train.csv").write_text(f"{row}0,0,8,8\n")
    (tmp_path / "train_more.csv").write_text(f"{row}9,0,8,8\n")
    source = folders.read(tmp_path, generated.OBJECT_KINDS)
    with pytest.raises(folders.DataError, match="^train_more.csv:2: 'box'"):
        source.check()


def test_a_class_list_decides_the_order_and_refuses_others(tmp_path):
    make, kinds, _ = generated.LAYOUTS["csv_pixels"]
    folder = generated.fresh(tmp_path / "data", make)
    (folder / "classes.txt").write_text("orange\nbanana\napple\nplum\n")
    source = folders.read(folder, kinds)
    assert source.class_names["cls"] == ("orange", "banana", "apple", "plum")
    assert source.encode(next(source.examples()))["cls"] == 2
    source = folders.read(folder, kinds, classes={"cls": ["apple", "banana"]})
    with pytest.raises(folders.DataError, match="labels.csv:4.*'orange'"):
        source.check()


def test_columns_may_have_other_names(tmp_path):
    (tmp_path / "a.conll").write_text("1 we PRON O\n2 run VERB B-act\n")
    columns = {"token": 1, "pos": 2, "slot": 3}
    kinds = {"pos": "tagging", "slot": "tagging"}
    source = folders.read(tmp_path, kinds, "text", columns=columns)
    (example,) = source.examples()
    assert example.inputs["tokens"] == ["we", "run"]
    assert example.labels == {"pos": ["PRON", "VERB"], "slot": ["O", "B-act"]}


def test_columns_in_a_txt_file_are_recognised(tmp_path):
    (tmp_path / "classes_slot.txt").write_text("O\nB-act\nI-act\n")
    (tmp_path / "readme.txt").write_text("A data set\nof three words\n")
    (tmp_path / "train.txt").write_text("we O\nrun B-act\n\ngo B-act\n")
    source = folders.read(tmp_path, {"slot": "tagging"}, "text")
    assert source.layout == "CoNLL"
    labels = [example.labels["slot"] for example in source.examples()]
    assert labels == [["O", "B-act"], ["B-act"]]


def test_parquet_is_read_as_csv_is(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    generated.table_csv(tmp_path / "csv")
    table = pandas.read_csv(tmp_path / "csv" / "houses.csv")
    (tmp_path / "parquet").mkdir()
    table.to_parquet(tmp_path / "parquet" / "houses.parquet")
    sources = [
        folders.read(tmp_path / name, generated.TABLE_KINDS, "table")
        for name in ("csv", "parquet")
    ]
    first, second = (
        [(e.split, e.inputs, s.encode(e)) for e in s.examples()]
        for s in sources
    )
    assert first == second


def test_unknown_layout_is_told_what_was_looked_for_and_found(tmp_path):
    (tmp_path / "notes.md").write_text("hello")
    (tmp_path / "a.csv").write_text("paht,label\nx.png,cat\n")
    with pytest.raises(ValueError, match="a table with") as error:
        folders.read(tmp_path, {"cls": "classification"})
    for text in ("data.yaml", "xml", "path", "2 files", "'paht', 'label'"):
        assert text.lower() in str(error.value).lower()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"cls": "clasification"},), "Did you mean 'classification'"),
        (({},), "must name a task"),
        (({"cls": "box"}, "picture"), "Unknown input"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        folders.read(tmp_path, *arguments)


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be a folder.*not there"):
        folders.read(tmp_path / "nothing", {"cls": "classification"})


def test_splits_that_lack_training_are_refused(tmp_path):
    (tmp_path / "test.csv").write_text("text,intent\nhello you,Talk\n")
    source = folders.read(tmp_path, {"intent": "classification"}, "text")
    with pytest.raises(folders.DataError, match="a split 'train'"):
        source.check()
