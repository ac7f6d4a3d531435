"""The builder joins three annotations by sentence; nothing is downloaded."""

import collections
import importlib.resources
import io
import os
import tarfile
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from mtl_keras import files
from tests.zoo.datasets import damages
from zoo.datasets.ewt_joint import Builder, Sentences, builder, names, treebank
from zoo.datasets.ewt_joint.sentences import word_features

_CONLLU = """\
# newdoc id = weblog-one
# sent_id = weblog-one-0001
# text = Ann left Rome.
1\tAnn\tAnn\tPROPN\tNNP\tNumber=Sing\t2\tnsubj\t_\t_
2\tleft\tleave\tVERB\tVBD\tTense=Past\t0\troot\t_\t_
3\tRome\tRome\tPROPN\tNNP\tNumber=Sing\t2\tobj\t_\t_
4\t.\t.\tPUNCT\t.\t_\t2\tpunct\t_\t_

# sent_id = weblog-one-0002
# text = He wants to go
1\tHe\the\tPRON\tPRP\t_\t2\tnsubj\t_\t_
2\twants\twant\tVERB\tVBZ\t_\t0\troot\t_\t_
2.1\tonce\tonce\tADV\tRB\t_\t_\t_\t2:advmod\t_
3-4\ttogo\t_\t_\t_\t_\t_\t_\t_\t_
3\tto\tto\tPART\tTO\t_\t4\tmark\t_\t_
4\tgo\tgo\tVERB\tVB\t_\t2\txcomp\t_\t_

# newdoc id = email-two
# sent_id = email-two-0001
# text = Thanks
1\tThanks\tthanks\tNOUN\tNNS\t_\t0\troot\t_\t_

# newdoc id = reviews-three
# sent_id = reviews-three-0001
# text = Bad
1\tBad\tbad\tADJ\tJJ\t_\t0\troot\t_\t_

"""
_IOB = """\
# sent_id = weblog-one-0001
1\tAnn\tB-PER\t-\ta
2\tleft\tO\t-\t-
3\tRome\tB-LOC\t-\ta
4\t.\tO\t-\t-

# sent_id = weblog-one-0002
1\tHe\tB-OTH\t-\ta
2\twants\tO
3\tto\tO
4\tgo\tO

# sent_id = email-two-0001
1\tThanks\tO

# sent_id = reviews-three-0001
1\tBad\tO

"""
_ONE = """\
x 0 0 [WORD] NNP * - - (ARG0*)
x 0 1 [WORD] VBD * leave leave.01 (V*)
x 0 2 [WORD] NNP * - - (ARG1*
x 0 3 [WORD] . * - - *)

x 1 0 [WORD] PRP * - - (ARG0*) (ARG0*)
x 1 1 [WORD] VBZ * want want.01 (V*) *
x 1 2 [WORD] TO * - - (ARG1* (ARGM-XYZ*)
x 1 3 [WORD] VB * go go.01 *) (V*)
"""
_TWO = "x 0 0 [WORD] NNS * - -\n"
_FILES = {
    "weblog/00/one.xml.gold_skel": _ONE,
    "email/00/two.xml.gold_skel": _TWO,
}


def _archive(contents=None):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in (contents or _FILES).items():
            member = tarfile.TarInfo(f"data/google/ewt/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _read(folder):
    skeletons = treebank.read_skeletons(folder / "roles.tar.gz")
    return list(
        treebank.read(folder / "a.conllu", folder / "a.iob2", skeletons)
    )


def _small(folder, conllu=_CONLLU, iob=_IOB, archive=None):
    (folder / "a.conllu").write_text(conllu, encoding="utf-8")
    (folder / "a.iob2").write_text(iob, encoding="utf-8")
    (folder / "roles.tar.gz").write_bytes(archive or _archive())
    return folder


def test_three_annotations_of_a_sentence_are_joined(tmp_path):
    first, second, third, fourth = _read(_small(tmp_path))
    assert first["tokens"] == ["Ann", "left", "Rome", "."]
    assert first["genre"] == "weblog"
    assert first["pos"] == ["PROPN", "VERB", "PROPN", "PUNCT"]
    assert first["features"][1] == "Tense=Past"
    assert first["head"] == [2, 0, 2, 2]
    assert first["relation"] == ["nsubj", "root", "obj", "punct"]
    assert first["ner"] == ["B-PER", "O", "B-LOC", "O"]
    assert first["roles"] == [(1, ["B-ARG0", "O", "B-ARG1", "I-ARG1"])]
    # Contractions and words that were left out are no words.
    assert second["tokens"] == ["He", "wants", "to", "go"]
    # Other kinds of entities are none, rare roles are one kind.
    assert second["ner"][0] == "O"
    assert second["roles"] == [
        (1, ["B-ARG0", "O", "B-ARG1", "I-ARG1"]),
        (3, ["B-ARG0", "O", "B-OTHER", "O"]),
    ]
    assert third["roles"] == []
    # PropBank has no such document.
    assert fourth["roles"] is None


def test_roles_of_other_words_are_missing(tmp_path):
    other = {"weblog/00/one.xml.gold_skel": _ONE.replace("VBD", "NN")}
    changed = _ONE.replace(" NNP ", " X ").replace(" VBD ", " X ")
    assert _read(_small(tmp_path, archive=_archive(other)))[0]["roles"]
    other = {"weblog/00/one.xml.gold_skel": changed}
    # One tag of four agrees.
    first = _read(_small(tmp_path, archive=_archive(other)))[0]
    assert first["roles"] is None


def _examples(tmp_path, *, is_training):
    return [
        example
        for sentence in _read(_small(tmp_path))
        for example in builder.of_predicates(sentence, is_training=is_training)
    ]


def test_a_label_of_the_sentence_counts_once_in_evaluation(tmp_path):
    examples = _examples(tmp_path, is_training=False)
    assert [e["predicate"] for e in examples] == [1, 1, 3, -1, -1]
    assert [e["cls"] for e in examples] == [
        "weblog",
        "weblog",
        -1,
        "email",
        "reviews",
    ]
    assert examples[2]["pos"] == examples[2]["ner"] == [-1] * 4
    assert examples[2]["srl"] == ["B-ARG0", "O", "B-OTHER", "O"]
    # No predicate, no roles; not annotated, no label.
    assert (examples[3]["srl"], examples[4]["srl"]) == (["O"], [-1])


def test_in_training_the_class_alone_counts_once(tmp_path):
    examples = _examples(tmp_path, is_training=True)
    assert [examples[1]["cls"], examples[2]["cls"]] == ["weblog", -1]
    assert examples[2]["pos"] == examples[1]["pos"]
    assert examples[2]["ner"] == examples[1]["ner"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conllu": _CONLLU.replace("VERB", "VRB")}, "a part of speech"),
        ({"conllu": _CONLLU.replace("\t2\tobj", "\t5\tobj")}, "a head from 0"),
        ({"conllu": _CONLLU.replace("\t2\tobj", "\t²\tobj")}, "a head from 0"),
        ({"conllu": _CONLLU.replace("weblog-one\n", "x\n")}, "a document of"),
        ({"conllu": _CONLLU.replace("3\tRome", "5\tRome")}, "word 3"),
        ({"conllu": _CONLLU + "Dogs\n"}, "a word"),
        ({"iob": _IOB.replace("B-PER", "PER")}, "O, B-... or I-"),
        ({"iob": _IOB.replace("4\t.\tO\t-\t-\n", "")}, "4 words of the s"),
        ({"iob": _IOB.replace("one-0001", "one-0009")}, "4 words of the s"),
        ({"iob": f"{_IOB}# sent_id = x\n1\ta\tO\n\n"}, "the sentence x"),
        (
            {"archive": _archive({"weblog/00/one.gold_skel": "x 0 0 a\n"})},
            "8 columns",
        ),
        ({"archive": _archive({"other": "x"})}, "files *"),
    ],
)
def test_damaged_files_are_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=f"damaged. Expected {message}"):
        _read(_small(tmp_path, **changes))


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    damages.assert_named(
        tmp_path,
        {
            "a.conllu": _CONLLU.encode(),
            "a.iob2": _IOB.encode(),
            "roles.tar.gz": _archive(),
        },
        _read,
        seed,
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": [2, 1, 0]}, "heads without a cycle in x, word 1"),
        ({"head": [0, 0, 1]}, "one word with the head 0 in x, word 2"),
        ({"relation": ["root", "object", "punct"]}, "a relation of UD"),
    ],
)
def test_sentences_without_a_tree_are_refused(changes, message):
    sentence = {
        "id": "x",
        "head": [0, 1, 1],
        "relation": ["root", "obj", "punct"],
    }
    treebank.check_tree(Path("a.conllu"), sentence)
    with pytest.raises(ValueError, match=f"a.conllu.*Expected {message}"):
        treebank.check_tree(Path("a.conllu"), sentence | changes)


def test_other_roles_than_the_original_are_refused(tmp_path):
    path = _small(tmp_path) / "roles.tar.gz"
    contents = dict(treebank.skeleton_files(path))
    assert set(contents) == {("weblog", "one"), ("email", "two")}
    total = treebank.digest(contents)
    assert treebank.read_skeletons(path, total)
    with pytest.raises(ValueError, match=f"2 files of sha256 {'0' * 16}"):
        treebank.read_skeletons(path, "0" * 64)


def test_unpacked_files_are_those_of_the_archive(tmp_path):
    path = _small(tmp_path) / "roles.tar.gz"
    with tarfile.open(path) as archive:
        # Not `extractall`: its `filter` came with Python 3.11.4, and is asked
        # for since 3.12.
        for member in filter(tarfile.TarInfo.isfile, archive.getmembers()):
            unpacked = tmp_path / "unpacked" / member.name
            unpacked.parent.mkdir(parents=True, exist_ok=True)
            unpacked.write_bytes(archive.extractfile(member).read())
    assert treebank.read_skeletons(tmp_path / "unpacked") == (
        treebank.read_skeletons(path)
    )


def test_files_of_a_folder_become_examples(tmp_path, monkeypatch):
    manual = tmp_path / "files"
    for folder in ("ud", "uner", "propbank"):
        (manual / folder).mkdir(parents=True)
    for paths in builder.FILES.values():
        for path, text in zip(paths, (_CONLLU, _IOB), strict=True):
            (manual / path).write_text(text, encoding="utf-8")
    archive = manual / builder.SKELETON_FILE
    archive.write_bytes(_archive())
    total = treebank.digest(dict(treebank.skeleton_files(archive)))
    monkeypatch.setattr(builder, "_SKELETONS", total)
    made = Builder(data_dir=str(tmp_path / "data"))
    made.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=str(manual))
    )
    sizes = {k: v.num_examples for k, v in made.info.splits.items()}
    assert sizes == {"train": 5, "validation": 5, "test": 5}
    missing = [
        example["cls"]
        for example in made.as_dataset(split="test").as_numpy_iterator()
    ]
    assert sorted(missing)[:2] == [-1, 1]
    # The trees are read from the same files.
    trees = Sentences(data_dir=str(tmp_path / "data"))
    trees.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=str(manual))
    )
    heads = {
        example["id"]: example["head"].tolist()
        for example in trees.as_dataset(split="test").as_numpy_iterator()
    }
    assert len(heads) == 4
    assert heads[b"weblog-one-0002"] == [2, 0, 4, 2]


def test_every_file_has_a_checksum_of_one_commit():
    table = importlib.resources.files("zoo.datasets.ewt_joint")
    lines = (table / "checksums.tsv").read_text().splitlines()
    urls = [line.split("\t")[0] for line in lines]
    assert set(urls) == set(builder.URLS.values())
    assert len(urls) == 6
    assert set(urls) <= set(Builder.url_infos)


def test_names_are_whole():
    assert len(names.GENRES) == 5 and len(names.PARTS_OF_SPEECH) == 17
    assert len(names.ENTITY_TAGS) == 7
    assert len(names.ROLE_TAGS) == len(set(names.ROLE_TAGS)) == 71


@pytest.fixture
def real():
    folder = os.environ.get("MTL_KERAS_DATA")
    if not folder:
        pytest.skip("MTL_KERAS_DATA is not set")
    return Path(folder) / "ewt"


@pytest.mark.real_data
def test_real_files_are_those_of_the_checksums(real):
    for path, url in builder.URLS.items():
        assert files.sha256(real / path) == Builder.url_infos[url].checksum


@pytest.mark.real_data
def test_real_files_become_the_treebanks_splits(real):
    skeletons = treebank.read_skeletons(
        real / builder.SKELETON_FILE, builder._SKELETONS
    )
    relations, features = set(), set()
    counts, roles, words = {}, collections.Counter(), collections.Counter()
    for split, (conllu, iob) in builder.FILES.items():
        sentences = list(treebank.read(real / conllu, real / iob, skeletons))
        missing = sum(s["roles"] is None for s in sentences)
        predicates = sum(len(s["roles"] or ()) for s in sentences)
        counts[split] = (len(sentences), predicates, missing)
        relations = {r for s in sentences for r in s["relation"]} | relations
        if split == "train":
            features = {each for s in sentences for each in s["features"]}
            words.update(t.lower() for s in sentences for t in s["tokens"])
            roles.update(
                tag[2:]
                for sentence in sentences
                for _, tags in sentence["roles"] or ()
                for tag in tags
                if tag[0] == "B"
            )
    assert counts == {
        "train": (12543, 40466, 7),
        "validation": (2001, 4974, 31),
        "test": (2077, 4798, 18),
    }
    assert set(roles) == set(names.ROLES)
    assert relations == set(names.RELATIONS)
    assert features == {*word_features()} - {names.OTHER_FEATURES}
    assert min(roles.values()) >= 20
    table = importlib.resources.files("zoo.datasets.ewt_joint") / "words.txt"
    expected = sorted(word for word, count in words.items() if count > 1)
    assert table.read_text(encoding="utf-8").split("\n")[:-1] == expected
