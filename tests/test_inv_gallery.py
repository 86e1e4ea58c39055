"""What lies beside the records for a person to look at, of whole builds: of the sample, and of images in
class folders with names that are HTML.
"""

import base64
import csv
import io
import json

import numpy as np
import pytest
from inv import built_sample, inv, once, own, rows
from PIL import Image

from preprocess.sample.splits import CLASSES

HOSTILE = "<img src=x onerror=alert(1)>"
FOLDERS = sorted([HOSTILE, *(f"kind {n:02d}" for n in range(15))])


def build_of_folders(out):
    """(OUT, answer) of an evaluation of 48 pictures of noise in 16 class folders."""
    noise = np.random.default_rng(1)
    for number in range(48):
        name = FOLDERS[number % 16]
        (out / "set" / name).mkdir(parents=True, exist_ok=True)
        levels = noise.integers(0, 256, (9, 12, 3), np.uint8)
        Image.fromarray(levels).resize((150, 140)).save(out / "set" / name / f"{HOSTILE}{number:02d}.JPEG")
    return out / "out", inv("eval", "--chip=cpu", "--bs=1,4", *own(out / "set"), out=out / "out", code=None)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return once(tmp_path_factory, "built-of-folders", build_of_folders)[0]


def lines(out, name):
    (path,) = out.glob(f"sample-*/cpu/*/*/bs4/{name}")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_gallery_lies_beside_the_accuracy_and_shows_its_wrong_images(out):
    (path,) = out.rglob("gallery.json")
    assert (path.parent / "accuracy.json").is_file() and path.parent.name == "bs4"
    gallery, (row,) = json.loads(path.read_text()), rows(out, "accuracy")
    assert gallery["wrong_total"] == row["images"] - row["top1_hits"] > 24 == len(gallery["wrong"])
    answers = lines(out, "answers.csv")
    for entry in gallery["wrong"]:
        answer = answers[entry["row"]]
        assert (entry["name"], str(entry["answer"])) == (answer["name"], answer["answer"])
        assert [each for each, _ in entry["guesses"]][0] == entry["answer"] != entry["label"]
        assert Image.open(io.BytesIO(base64.b64decode(entry["thumbnail"]))).size == (128, 128)
    first = [entry["guesses"][0][1] for entry in gallery["wrong"]]
    assert first == sorted(first, reverse=True) and all(len(e["guesses"]) == 5 for e in gallery["wrong"])


def test_hostile_names_of_files_and_classes_come_through_as_they_are(out):
    (path,) = out.rglob("gallery.json")
    gallery = json.loads(path.read_text())
    assert all(entry["name"].startswith(HOSTILE) for entry in gallery["wrong"])
    assert gallery["class_names"]["0"] == HOSTILE
    assert [line["name"] for line in lines(out, "classes.csv")] == FOLDERS


def test_flipped_images_are_listed_for_every_batch_size(out):
    (gallery,) = (json.loads(path.read_text()) for path in out.rglob("gallery.json"))
    tables = {path.parent.name: path.read_text().splitlines() for path in out.rglob("flipped.csv")}
    assert sorted(tables) == ["bs1", "bs4"]
    assert {table[0] for table in tables.values()} == {"row,name,torch,compiled,margin"}
    assert gallery["flipped_total"] <= sum(len(table) - 1 for table in tables.values())


def test_the_report_is_told_of_all_that_it_may_show(out):
    stamp = json.loads((out / "report" / "summary.json.stamp").read_text())
    names = {key.rpartition("/")[2] for key in stamp["inputs"]}
    assert names >= {"classes.csv", "confusions.csv", "calibration.json", "gallery.json", "flipped.csv"}


def test_of_the_sample_all_of_it_lies_beside_the_records(tmp_path_factory):
    out, _ = built_sample(tmp_path_factory)
    for row in rows(out, "throughput"):
        (path,) = out.glob(f"sample-*/cpu/*/devices-*/bs{row['batch']}/latencies.json")
        found = json.loads(path.read_text())
        assert found["queries"] == row["queries"] and found["latency_ms"][50] == row["latency_ms_p50"]
    assert len(list(out.rglob("flipped.csv"))) == len(rows(out, "agreement")) == 6
    (gallery,) = (json.loads(path.read_text()) for path in out.rglob("gallery.json"))
    (row,) = rows(out, "accuracy")
    assert gallery["wrong_total"] == row["images"] - row["top1_hits"]
    (path,) = out.rglob("classes.csv")
    with path.open(encoding="utf-8", newline="") as file:
        assert [line["name"] for line in csv.DictReader(file)] == list(CLASSES)
