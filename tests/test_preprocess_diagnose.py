"""Each plausible mistake is named by its word, and where nothing is wrong nothing is named."""

import json

import numpy as np
import pytest

from configs import schema
from pipeline.errors import BadData
from preprocess import presets, shards
from preprocess.dataset import classes
from preprocess.inspect import diagnose

OF = {known.index: known.ilsvrc_id for known in classes.table()}
OWN = presets.resolved(
    schema.preset("own"), {"resize": 256, "crop": 224, "mean": [0.1] * 3, "std": [0.2] * 3}
)
VARIANTS = list(presets.variants(OWN, None, schema.presets()))
LABELS = [int(label) for label in np.random.default_rng(5).integers(1, 999, 200)]


def logits(right, outputs=1000, shift=0, seed=0):
    """Logits of a network that gets this share of the pictures right."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (len(LABELS), outputs)).astype(np.float32)
    hit = rng.permutation(len(LABELS))[: int(right * len(LABELS))]
    values[hit, np.asarray(LABELS)[hit] + shift] += 12
    return values


def all_logits(best="as-is", **how):
    return {
        name: logits(0.78 if name == best else 0.5, seed=number, **how)
        for number, name in enumerate(VARIANTS)
    }


def test_nothing_wrong_is_said_to_be_nothing_wrong():
    assert diagnose.judged(all_logits(), LABELS, False)["word"] == "none"


@pytest.mark.parametrize(
    ("best", "word"),
    [
        ("bgr", "bgr"),
        ("unnormalised", "unnormalised"),
        ("unscaled", "unnormalised"),
        ("preset-mlperf", "preset"),
    ],
)
def test_a_way_of_preparing_that_fits_better_is_named(best, word):
    found = diagnose.judged(all_logits(best), LABELS, False)
    assert found["word"] == word and word in found["text"]


def test_a_model_file_that_does_not_normalise_is_named_so():
    assert diagnose.judged(all_logits("preset-seed"), LABELS, False, plain=True)["word"] == "unnormalised"


@pytest.mark.parametrize(
    ("mistake", "background", "word"),
    [
        (lambda label: label + 1, False, "one-based"),
        (lambda label: label + 1, True, "background"),
        (lambda label: OF[label], False, "devkit"),
        (lambda label: OF[label] - 1, False, "devkit"),
        (lambda label: OF[label], True, "devkit"),
        (lambda label: label - 1, False, "background"),
    ],
)
def test_a_wrong_label_file_is_named(mistake, background, word):
    values = all_logits(outputs=1000 + background, shift=int(background))
    assert diagnose.judged(values, [mistake(label) for label in LABELS], background)["word"] == word


def test_two_mistakes_are_both_named():
    assert (
        diagnose.judged(all_logits("bgr"), [label + 1 for label in LABELS], False)["word"]
        == "bgr + one-based"
    )


def test_a_network_that_knows_nothing_is_not_explained():
    values = {name: logits(0.001, seed=number) for number, name in enumerate(VARIANTS)}
    assert diagnose.judged(values, LABELS, False)["word"] == "none"


def test_labels_beyond_the_outputs_are_misses():
    hits, logs = diagnose.scored(np.zeros((2, 10), np.float32), np.array([10, -1]))
    assert not hits.any() and (logs == -20).all()


def test_the_diagnosis_is_written(tmp_path):
    index, files = str(tmp_path / "index.csv"), []
    shards.index(
        (index,), names=[f"{n}" for n in range(200)], labels=[label + 1 for label in LABELS], shard_size=208
    )
    for name, values in all_logits().items():
        files.append(str(tmp_path / f"{name}.npy"))
        np.save(files[-1], values)
    diagnose.write((str(tmp_path / "d.json"),), index=index, logits=files, names=VARIANTS)
    found = json.loads((tmp_path / "d.json").read_text())
    assert (
        found["word"] == "one-based"
        and found["images"] == 200
        and found["top1_pct"]["as-is / one-based"] == 78.0
    )


def said(tmp_path, bad):
    """The diagnosis of 200 pictures of which these rows could not be decoded."""
    index, files, lists = str(tmp_path / "index.csv"), [], []
    shards.index((index,), names=[f"{n}" for n in range(200)], labels=LABELS, shard_size=208)
    for name, values in all_logits().items():
        values[bad] = 0
        files.append(str(tmp_path / f"{name}.npy"))
        np.save(files[-1], values)
        lists.append(str(tmp_path / f"{name}-bad.json"))
        with open(lists[-1], "w") as file:
            json.dump([{"row": row} for row in bad], file)
    outputs = (str(tmp_path / "d.json"),)
    diagnose.write(outputs, index=index, logits=files, undecodable=lists, names=VARIANTS)
    return json.loads((tmp_path / "d.json").read_text())


def test_pictures_that_cannot_be_decoded_are_left_out_and_told(tmp_path):
    found = said(tmp_path, [0, 7, 199])
    assert (found["word"], found["images"], found["missing"]) == ("none", 197, 3)
    assert found["text"].endswith("on 197 pictures; 3 more cannot be decoded and were left out")


def test_nothing_to_diagnose_is_told(tmp_path):
    with pytest.raises(BadData, match="none of the 200 pictures can be decoded"):
        said(tmp_path, list(range(200)))


FORMS = [{"order": "rgb", "mean": [0.5] * 3, "std": [0.5] * 3}] * len(VARIANTS)


@pytest.mark.parametrize(("better", "word"), [(0.80, "none"), (0.86, "preset")])
def test_another_resize_alone_must_be_much_better(better, word):
    values = {name: logits(0.78, seed=1) for name in VARIANTS}
    values["preset-mlperf"] = logits(better, seed=1)
    assert (
        diagnose.judged(values, LABELS, False, forms=dict(zip(VARIANTS, FORMS, strict=True)))["word"] == word
    )


def test_labels_one_too_low_for_a_network_without_background_are_raised():
    found = diagnose.judged(all_logits(), [label - 1 for label in LABELS], False)
    assert found["word"] == "background" and "add 1 to each" in found["text"]
    found = diagnose.judged(all_logits(outputs=1001, shift=1), LABELS, False)
    assert found["word"] == "background" and "set background = true" in found["text"]
