"""gallery.json: which images are shown, counted again by hand; what of them; and as the network saw them."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

from eval import answers_csv
from eval.judging import gallery
from pipeline.errors import StepError
from preprocess.dataset import index_csv
from preprocess.dataset.classes import TABLE

HOSTILE = "<img src=x onerror=alert(1)>"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def written(folder, logits, labels, *, background=False, size=16, pixels=None, flips=(), bad=(), **more):
    """gallery.json of these images, in shards of `size`. `flips`: of each batch size {row: (PyTorch's class,
    margin)}.
    """
    logits, count = np.asarray(logits, np.float32), len(labels)
    pixels = np.zeros((count, 8, 8, 3), np.uint8) if pixels is None else pixels
    answers = [int(row.argmax()) - background if np.isfinite(row).all() else -2 for row in logits]
    answers = [-2 if row in bad else answer for row, answer in enumerate(answers)]
    names = [f"{HOSTILE}{n}.JPEG" for n in range(count)]
    index_csv.write(str(folder / "index.csv"), names, labels, size)
    answers_csv.write(str(folder / "answers.csv"), names, labels, answers)
    (folder / "bad.json").write_text(json.dumps([{"row": row} for row in bad]))
    files = {"logits": [], "shards": [], "flipped": []}
    for n, first in enumerate(range(0, count, size)):
        for kind, array in (("logits", logits), ("shards", pixels)):
            files[kind].append(str(folder / f"{kind}-{n}.npy"))
            np.save(files[kind][-1], array[first : first + size])
    for n, flipped in enumerate(flips):
        files["flipped"].append(str(folder / f"flipped-{n}.csv"))
        lines = [f"{row},x,{torch},0,{margin}\n" for row, (torch, margin) in flipped.items()]
        (folder / f"flipped-{n}.csv").write_text("row,name,torch,compiled,margin\n" + "".join(lines))
    of_data = {"index": str(folder / "index.csv"), "answers": str(folder / "answers.csv")}
    of_data |= {"undecodable": (str(folder / "bad.json"),), "background": background}
    gallery.write((str(folder / "gallery.json"),), **of_data, **files, **more)
    return json.loads((folder / "gallery.json").read_text())


def by_hand(logits, labels, background, chances):
    """The wrong images (row, answer, guesses), the most confident first, by sorting all there is."""
    wrong = []
    for row, (outputs, label) in enumerate(zip(logits.tolist(), labels, strict=True)):
        order = sorted(range(len(outputs)), key=lambda n: (-outputs[n], n))
        if order[0] - background != label:
            best = [[n - background, pytest.approx(chances[row][n])] for n in order[:5]]
            wrong.append((-chances[row][order[0]], row, order[0] - background, best))
    return [each[1:] for each in sorted(wrong, key=lambda each: each[:2])]


@pytest.mark.parametrize("form", ["logits", "ties", "probabilities", "three classes"])
@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("size", [7, 3000])  # several shards, and several blocks of one
def test_the_most_confidently_wrong_are_shown_with_their_five_best_guesses(tmp_path, form, background, size):
    noise = np.random.default_rng([size, background])
    count, outputs = (1500 if size > 1024 else 90), (3 if form == "three classes" else 12) + background
    logits = noise.normal(0, 3, (count, outputs)).astype(np.float32)
    labels = noise.integers(0, outputs - background, count).tolist()
    if form == "ties":
        logits = noise.integers(-1, 3, (count, outputs)).astype(np.float32)
    chances = softmax(logits.astype(np.float64), axis=1).round(12)
    if form == "probabilities":
        logits = chances.astype(np.float32)
    found = written(tmp_path, logits, labels, background=background, size=size)
    expected = by_hand(logits, labels, background, chances)
    assert found["wrong_total"] == len(expected) > 24 and found["thumbnail_px"] == 160
    assert [(e["row"], e["answer"], e["guesses"]) for e in found["wrong"]] == expected[:24]
    for entry in found["wrong"]:
        assert entry["label"] == labels[entry["row"]] and entry["name"] == f"{HOSTILE}{entry['row']}.JPEG"


def test_images_without_numbers_come_first_and_what_cannot_be_decoded_is_counted_and_not_shown(tmp_path):
    logits = np.tile(np.array([[1, 9, 0]], np.float32), (6, 1))
    logits[3, 0], logits[5, 2], logits[1, 1] = np.nan, -np.inf, 3
    found = written(tmp_path, logits, [0, 0, 1, 0, 0, 2], bad=(4,))
    assert [entry["row"] for entry in found["wrong"]] == [3, 5, 0, 1] and found["wrong_total"] == 5
    assert [entry["answer"] for entry in found["wrong"]] == [-2, -2, 1, 1]
    assert [len(entry["guesses"]) for entry in found["wrong"]] == [0, 0, 3, 3]
    assert found["flipped"] == [] and found["flipped_total"] == 0


def test_a_shard_without_a_single_number_is_shown_and_no_more_than_24_of_it(tmp_path):
    found = written(tmp_path, np.full((40, 3), np.nan), [0] * 40)
    assert [entry["row"] for entry in found["wrong"]] == list(range(24)) and found["wrong_total"] == 40


def test_flipped_images_are_those_of_all_batch_sizes_the_clearest_first(tmp_path):
    logits = np.eye(40, 4, dtype=np.float32)
    logits[30] = np.nan
    one = {row: (row % 4, row / 10) for row in range(40) if row % 3 == 0}
    two = {row: (row % 4, row / 10) for row in range(40) if row % 4}
    found = written(tmp_path, logits, [0] * 40, flips=(one, two), batches=[1, 16], names=["a", "", "c"])
    rows = sorted({*one, *two}, reverse=True)
    assert found["flipped_total"] == len(rows) > 24
    assert [entry["row"] for entry in found["flipped"]] == rows[:24]
    for entry in found["flipped"]:
        assert entry["torch"] == entry["row"] % 4
        assert entry["batches"] == [n for n, flips in ((1, one), (16, two)) if entry["row"] in flips]
        assert (entry["guesses"] == []) == (entry["row"] == 30)
    assert found["class_names"] == {"0": "a", "2": "c"}


def test_of_equally_clear_flips_the_first_rows_are_shown(tmp_path):
    flips = dict.fromkeys(reversed(range(30)), (1, 0.5))
    found = written(tmp_path, np.eye(30, 4), [0] * 30, flips=(flips,), batches=[8])
    assert [entry["row"] for entry in found["flipped"]] == list(range(24))


def test_where_nothing_is_wrong_and_nothing_flipped_the_lists_are_empty(tmp_path):
    found = written(tmp_path, np.eye(4), [0, 1, 2, 3], flips=({}, {}), batches=[1, 4], names=["a"] * 4)
    assert found == {
        "wrong": [],
        "flipped": [],
        "wrong_total": 0,
        "flipped_total": 0,
        "thumbnail_px": 160,
        "class_names": {},
    }


def picture(entry):
    """An entry's thumbnail as int (h, w, 3)."""
    image = Image.open(io.BytesIO(base64.b64decode(entry["thumbnail"], validate=True)))
    assert image.format == "JPEG" and image.mode == "RGB"
    return np.asarray(image).astype(int)


def painted(height, width):
    """Pictures, uint8 RGB, each of a colour of its own and with a white upper left quarter."""
    colours = [(220, 30, 40), (20, 200, 60), (30, 50, 210), (200, 180, 20)]
    pixels = np.zeros((4, height, width, 3), np.uint8)
    pixels[:] = np.array(colours, np.uint8)[:, None, None]
    pixels[:, : height // 2, : width // 2] = 255
    return pixels


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("background", [False, True])
def test_a_thumbnail_is_the_picture_in_its_own_colours(tmp_path, order, dtype, background):
    pixels = painted(32, 32)
    stored, channels = (pixels if order == "rgb" else pixels[..., ::-1]), {}
    if dtype == "float32":
        values = (stored / 255 - np.array(MEAN)) / np.array(STD)
        stored, channels = values.transpose(0, 3, 1, 2).astype(np.float32), {"mean": MEAN, "std": STD}
    flips = ({row: (1, 1.0 - row / 10) for row in range(4)},)
    more = {"flips": flips, "batches": [1], "pixels": stored, "size": 3}
    logits = np.eye(4, 5 + background)
    found = written(tmp_path, logits, [4] * 4, background=background, order=order, **channels, **more)
    shown = sorted(found["wrong"], key=lambda entry: entry["row"])
    for entries in (shown, found["flipped"]):
        for entry, original in zip(entries, pixels.astype(int), strict=True):
            middles = (picture(entry)[8::16, 8::16], original[8::16, 8::16])
            assert np.abs(middles[0] - middles[1]).max() <= 12


@pytest.mark.parametrize(
    ("height", "width", "shape"),
    [(320, 320, (160, 160)), (240, 400, (96, 160)), (40, 30, (40, 30)), (161, 160, (160, 159))],
)
def test_a_thumbnail_keeps_its_form_and_is_never_enlarged(tmp_path, height, width, shape):
    found = written(tmp_path, np.eye(4), [3, 3, 3, 2], pixels=painted(height, width))
    assert [picture(entry).shape for entry in found["wrong"]] == [(*shape, 3)] * 4


def test_an_image_far_into_a_large_shard_is_shown_with_its_own_pixels(tmp_path):
    pixels = np.zeros((2300, 8, 8, 3), np.uint8)
    pixels[2100] = 200
    labels = [0] * 2300
    labels[2100] = 1
    found = written(tmp_path, np.tile([2.0, 1.0], (2300, 1)), labels, pixels=pixels, size=2200)
    assert [entry["row"] for entry in found["wrong"]] == [2100]
    assert np.abs(picture(found["wrong"][0]) - 200).max() <= 2


def test_pytorchs_class_has_its_name_though_it_is_none_of_the_guesses(tmp_path):
    logits, flips = [list(range(9, 0, -1))], ({0: (8, 1.0)},)
    found = written(tmp_path, logits, [0], flips=flips, batches=[1], names=list("abcdefghi"))
    assert found["class_names"] == {"8": "i", **{str(n): "abcde"[n] for n in range(5)}}


def test_classes_have_their_names_as_they_are_and_only_those_that_are_mentioned(tmp_path):
    names = [f"{HOSTILE}, {n}" for n in range(9)]
    found = written(tmp_path, np.eye(2, 10) * 3, [5, 0], background=True, names=names)
    # the first one's outputs: background, then classes 0 to 3; the second one is right
    assert found["class_names"] == {str(n): names[n] for n in (0, 1, 2, 3, 5)}
    assert found["wrong"][0]["answer"] == found["wrong"][0]["guesses"][0][0] == -1


def test_names_by_imagenets_table_are_the_first_of_each_classs_synonyms(tmp_path):
    found = written(tmp_path, np.eye(1, 1000), [65], class_table=TABLE)
    assert found["class_names"]["0"] == "tench" and found["class_names"]["65"] == "sea snake"


@pytest.mark.parametrize("more", [1, -1])
def test_logits_of_more_or_fewer_images_are_refused(tmp_path, more):
    written(tmp_path, np.eye(4), [0, 1, 2, 3])
    np.save(tmp_path / "logits-0.npy", np.zeros((4 + more, 4), np.float32))
    paths = {name: str(tmp_path / f"{name}.csv") for name in ("index", "answers")}
    shards = {kind: [str(tmp_path / f"{kind}-0.npy")] for kind in ("logits", "shards")}
    with pytest.raises(StepError, match="more logits than the 4" if more > 0 else "more images than the 3"):
        gallery.write((str(tmp_path / "again.json"),), **paths, **shards)
