"""Small folders of every layout, made from one truth."""

import json
import shutil
import wave

import numpy as np
from PIL import Image

SIZE = (40, 32)  # Width and height.
OBJECT_KINDS = {
    "cls": "classification",
    "det": "presence",
    "box": "box",
}
SENTENCE_KINDS = {"intent": "classification", "slot": "tagging"}
CLASSES = ("apple", "banana", "orange")

# Image, class, box in pixels; the last two hold no object and no label.
SCENES = [
    ("train", f"img{i}", CLASSES[i % 3], (4 + i, 2, 20 + i, 12 + i))
    for i in range(12)
] + [("test", f"img{i}", CLASSES[i % 3], (1, 2, 31, 28)) for i in range(12, 15)]

SENTENCES = [
    ("train", "play jazz by queen", "Play"),
    ("train", "play some rock", "Play"),
    ("train", "weather in new york", "Weather"),
    ("train", "weather in rome now", "Weather"),
    ("train", "play blues", "Play"),
    ("train", "is it warm in bern", "Weather"),
    ("train", "play jazz and rock", "Play"),
    ("train", "rain in rome bern", "Weather"),
    ("test", "play rock", "Play"),
    ("test", "weather in san jose", "Weather"),
]
_SLOTS = {
    "jazz": "genre",
    "queen": "artist",
    "rock": "genre",
    "blues": "genre",
    "rome": "city",
    "bern": "city",
    "new": "city",
    "york": "+city",
    "san": "city",
    "jose": "+city",
}


def tags_of(sentence):
    """The tags of a sentence, in BIO (IOB2)."""
    tags = []
    for word in sentence.split():
        kind = _SLOTS.get(word)
        if kind is None:
            tags.append("O")
        else:
            prefix = "I" if kind[0] == "+" else "B"
            tags.append(f"{prefix}-{kind.lstrip('+')}")
    return tags


def image(path, seed=0, suffix=".png", size=SIZE):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(f"{path}{suffix}")


def mask(path, size=SIZE):
    pixels = np.zeros((size[1], size[0]), np.uint8)
    pixels[2:12, 3:20] = 1
    Image.fromarray(pixels).save(path)


def images(folder):
    for number, (split, name, *_) in enumerate(SCENES):
        image(folder / split / name, number)


def class_folders(folder):
    for number, (split, name, label, _) in enumerate(SCENES):
        image(folder / split / label / name, number)


def csv_pixels(folder):
    images(folder)
    lines = ["path,cls,x1,y1,x2,y2"]
    for split, name, label, box in SCENES:
        lines.append(f"{split}/{name}.png,{label},{','.join(map(str, box))}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


def csv_fractions(folder):
    for number, (_, name, *_) in enumerate(SCENES):
        image(folder / "images" / name, number)
    lines = ["id,split,cls,x1,y1,x2,y2"]
    for split, name, label, box in SCENES:
        scaled = [c / SIZE[i % 2] for i, c in enumerate(box)]
        lines.append(
            f"{name},{split},{label},{','.join(f'{c:.6f}' for c in scaled)}"
        )
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


def coco(folder):
    images(folder)
    for part in ("train", "test"):
        scenes = [scene for scene in SCENES if scene[0] == part]
        content = {
            "images": [
                {"id": i, "file_name": f"{part}/{s[1]}.png"}
                for i, s in enumerate(scenes)
            ],
            "categories": [
                {"id": i + 1, "name": name} for i, name in enumerate(CLASSES)
            ],
            "annotations": [
                {
                    "id": i,
                    "image_id": i,
                    "category_id": 1 + CLASSES.index(label),
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                }
                for i, (_, _, label, (x1, y1, x2, y2)) in enumerate(scenes)
            ],
        }
        path = folder / f"instances_{part}.json"
        path.write_text(json.dumps(content, indent=1))


def voc(folder):
    images(folder)
    for split, name, label, box in SCENES:
        corners = "\n".join(
            f"   <{key}>{value}</{key}>"
            for key, value in zip(
                ("xmin", "ymin", "xmax", "ymax"), box, strict=True
            )
        )
        (folder / split / f"{name}.xml").write_text(
            f"<annotation>\n <filename>{name}.png</filename>\n <size>\n"
            f"  <width>{SIZE[0]}</width><height>{SIZE[1]}</height>\n </size>\n"
            f" <object>\n  <name>{label}</name>\n  <bndbox>\n{corners}\n"
            "  </bndbox>\n </object>\n</annotation>\n"
        )


def labelme(folder):
    images(folder)
    for split, name, label, (x1, y1, x2, y2) in SCENES:
        content = {
            "shapes": [
                {
                    "label": label,
                    # From another corner, as people draw.
                    "points": [[x2, y1], [x1, y2]],
                    "shape_type": "rectangle",
                }
            ],
            "imagePath": f"{name}.png",
        }
        path = folder / split / f"{name}.json"
        path.write_text(json.dumps(content, indent=1))


MASK_KINDS = {"mask": "mask"}


def mask_folders(folder):
    for number, (split, name, *_) in enumerate(SCENES):
        image(folder / split / "images" / name, number)
        path = folder / split / "masks" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        mask(path)
    (folder / "classes_mask.txt").write_text("ground\nthing\n")


def yolo(folder):
    for number, (split, name, label, box) in enumerate(SCENES):
        image(folder / "images" / split / name, number)
        x1, y1, x2, y2 = (c / SIZE[i % 2] for i, c in enumerate(box))
        path = folder / "labels" / split / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"{CLASSES.index(label)} {(x1 + x2) / 2:.6f} {(y1 + y2) / 2:.6f} "
            f"{x2 - x1:.6f} {y2 - y1:.6f}\n"
        )
    (folder / "data.yaml").write_text(
        "train: images/train\ntest: images/test\nnames:\n"
        + "".join(f"  {i}: {name}\n" for i, name in enumerate(CLASSES))
    )


def sentence_csv(folder, separator=",", suffix=".csv"):
    folder.mkdir(parents=True, exist_ok=True)
    lines = [separator.join(("text", "intent", "slot", "split"))]
    for split, text, intent in SENTENCES:
        cells = (text, intent, " ".join(tags_of(text)), split)
        lines.append(separator.join(cells))
    (folder / f"data{suffix}").write_text("\n".join(lines) + "\n")


def sentence_tsv(folder):
    sentence_csv(folder, "\t", ".tsv")


def sentence_jsonl(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "test"):
        rows = [
            {"tokens": text.split(), "slot": tags_of(text), "intent": intent}
            for split, text, intent in SENTENCES
            if split == part
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{part}.jsonl").write_text(text)


def bioes(tags):
    """BIO to BIOES."""
    ends = [not after.startswith("I-") for after in [*tags[1:], "O"]]
    change = {("B", True): "S", ("I", True): "E"}
    return [
        tag if tag == "O" else change.get((tag[0], end), tag[0]) + tag[1:]
        for tag, end in zip(tags, ends, strict=True)
    ]


def iob1(tags):
    """BIO to IOB1: B only between two chunks of one kind."""
    return [
        f"I{tag[1:]}"
        if tag[0] == "B" and (before == "O" or before[2:] != tag[2:])
        else tag
        for before, tag in zip(["O", *tags[:-1]], tags, strict=True)
    ]


def conll(folder, change=lambda tags: tags):
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "test"):
        lines = ["-DOCSTART- O", ""]
        for split, text, intent in SENTENCES:
            if split == part:
                lines.append(f"# intent = {intent}")
                tags = change(tags_of(text))
                words = text.split()
                lines += [f"{w} {t}" for w, t in zip(words, tags, strict=True)]
                lines.append("")
        (folder / f"{part}.conll").write_text("\n".join(lines) + "\n")


def conll_iob1(folder):
    conll(folder, iob1)


def conll_bioes(folder):
    conll(folder, bioes)


def slot_files(folder):
    for part in ("train", "test"):
        inside = folder / part
        inside.mkdir(parents=True, exist_ok=True)
        rows = [
            (text, " ".join(tags_of(text)), intent)
            for split, text, intent in SENTENCES
            if split == part
        ]
        for name, column in zip(
            ("seq.in", "seq.out", "label"), zip(*rows, strict=True), strict=True
        ):
            (inside / name).write_text("\n".join(column) + "\n")


TABLE_KINDS = {
    "price": "regression",
    "sold": "presence",
    "town": "classification",
    "stay": "survival",
}
TABLE = [
    # split, rooms, heating, price, sold, town, time, event
    (
        "test" if i >= 12 else "train",
        i % 5 + 1,
        ("gas", "oil")[i % 2],
        100.5 + i,
        i % 2,
        CLASSES[i % 3],
        2.5 * i,
        (i + 1) % 2,
    )
    for i in range(15)
]


def table_csv(folder):
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["split,rooms,heating,price,sold,town,stay_time,stay_event"]
    lines += [",".join(map(str, row)) for row in TABLE]
    (folder / "houses.csv").write_text("\n".join(lines) + "\n")


RECORDING_KINDS = {"digit": "classification", "speaker": "classification"}


def recording(path, seed):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = np.random.default_rng(seed).integers(-99, 99, 800)
        file.writeframes(samples.astype("<i2").tobytes())


def recordings(folder):
    (folder / "wav").mkdir(parents=True, exist_ok=True)
    lines = ["path,digit,speaker,split"]
    for i in range(15):
        recording(folder / "wav" / f"{i}.wav", i)
        split = "test" if i >= 12 else "train"
        speaker = "anna" if i % 2 else "otto"
        lines.append(f"wav/{i}.wav,{i % 3},{speaker},{split}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


OBJECTS = {
    "csv_pixels": csv_pixels,
    "csv_fractions": csv_fractions,
    "coco": coco,
    "voc": voc,
    "yolo": yolo,
    "labelme": labelme,
}
TEXTS = {
    "sentence_csv": sentence_csv,
    "sentence_tsv": sentence_tsv,
    "sentence_jsonl": sentence_jsonl,
    "conll": conll,
    "conll_iob1": conll_iob1,
    "conll_bioes": conll_bioes,
    "slot_files": slot_files,
}
# Layout to its maker, the tasks' kinds and the input.
LAYOUTS = {
    "class_folders": (class_folders, {"cls": "classification"}, "image"),
    **{name: (make, OBJECT_KINDS, "image") for name, make in OBJECTS.items()},
    **{name: (make, SENTENCE_KINDS, "text") for name, make in TEXTS.items()},
    "mask_folders": (mask_folders, MASK_KINDS, "image"),
    "table_csv": (table_csv, TABLE_KINDS, "table"),
    "recordings": (recordings, RECORDING_KINDS, "audio"),
}


def fresh(folder, make):
    """Makes a folder anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make(folder)
    return folder
