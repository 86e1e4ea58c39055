"""Agreement with a reference: same first output, clear images, the gate."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eval import agreement
from pipeline.errors import GateMissed, StepError
from preprocess.dataset import index_csv

ROW = {
    "model": "m",
    "checkpoint": "m-0",
    "dataset": "d-0",
    "chip": "310P3",
    "precision": "fp16",
    "input": "uint8",
    "batch": 8,
    "sample_data": False,
}


def recorded(tmp_path, logits, reference, margin=0.1, **more):
    np.save(tmp_path / "a.npy", logits)
    np.save(tmp_path / "b.npy", reference)
    names = [f"<img src=x onerror=alert({n})>.JPEG" for n in range(len(logits) + 2)]
    index_csv.write(str(tmp_path / "index.csv"), names, [0] * len(names), shard_size=3)
    out = tmp_path / "agreement.json"
    agreement.write(
        (str(out), str(tmp_path / "flipped.csv")),
        index=str(tmp_path / "index.csv"),
        logits=str(tmp_path / "a.npy"),
        reference=str(tmp_path / "b.npy"),
        row=ROW,
        margin=margin,
        **more,
    )
    return out


def flips(tmp_path):
    """The lines of flipped.csv as (row, PyTorch's class, the compiled model's, margin)."""
    with open(tmp_path / "flipped.csv", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert all(line["name"] == f"<img src=x onerror=alert({line['row']})>.JPEG" for line in lines)
    columns = ("row", "torch", "compiled")
    return [(*(int(line[column]) for column in columns), float(line["margin"])) for line in lines]


def wrong_in(count, of):
    """`of` clear images, the first `count` of which have another first output than the reference."""
    reference = np.tile(np.array([[2.0, 0.0, 0.0]], np.float32), (of, 1))
    logits = reference.copy()
    logits[:count] = [0.0, 2.5, 0.0]
    return logits, reference


def test_images_without_a_clear_reference_do_not_count_for_the_clear_share():
    reference = np.array([[1.0, 0.95, 0], [1.0, 0.5, 0]], np.float32)
    logits = np.array([[0.9, 0.95, 0], [1.0, 0.5, 0.25]], np.float32)
    row = agreement.compare(logits, reference, margin=0.1)
    assert (row["same_top1_pct"], row["same_top1_clear_pct"], row["clear_images"]) == (50.0, 100.0, 1)
    assert (row["max_abs_diff"], row["worst_row"], row["images"], row["margin"]) == (0.25, 1, 2, 0.1)


@given(
    arrays(np.float32, (5, 4), elements=st.floats(-50, 50, width=32)),
    arrays(np.float32, (5, 4), elements=st.floats(-50, 50, width=32)),
)
def test_the_columns_are_those_counted_by_hand(logits, reference):
    row = agreement.compare(logits, reference, margin=0.5)
    same = [
        max(range(4), key=lambda i: (a[i], -i)) == max(range(4), key=lambda i: (b[i], -i))
        for a, b in zip(logits, reference, strict=True)
    ]
    clear = [sorted(map(float, each))[-1] - sorted(map(float, each))[-2] > 0.5 for each in reference]
    kept = [s for s, c in zip(same, clear, strict=True) if c]
    assert row["same_top1_pct"] == pytest.approx(100 * sum(same) / 5)
    assert row["clear_images"] == sum(clear)
    assert row["same_top1_clear_pct"] == (pytest.approx(100 * sum(kept) / len(kept)) if kept else None)
    assert row["max_abs_diff"] == max(
        abs(float(a) - float(b)) for a, b in zip(logits.flat, reference.flat, strict=True)
    )


def test_arrays_of_different_images_or_models_are_refused():
    with pytest.raises(StepError, match=r"\(2, 3\) against a reference of \(3, 3\)"):
        agreement.compare(np.zeros((2, 3)), np.zeros((3, 3)), margin=0.1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_agree_with_nothing_and_miss_the_gate(tmp_path, value):
    logits, reference = wrong_in(0, 4)
    logits = logits.copy()
    logits[2, 1] = value
    record = recorded(tmp_path, logits, reference)
    row = json.loads(record.read_text())
    assert (row["same_top1_pct"], row["nan_rows"], row["worst_row"]) == (75.0, 1, 2)
    with pytest.raises(GateMissed, match="the logits of 1 images hold NaN or infinity .image row 2 "):
        agreement.gate((str(tmp_path / "ok.json"),), record=str(record))


def test_a_reference_that_holds_no_numbers_is_refused_by_row():
    reference = np.zeros((4, 3), np.float32)
    reference[2, 1] = np.nan
    with pytest.raises(StepError, match="1 of 4 rows of the reference hold NaN or infinity, first: row 2"):
        agreement.compare(np.zeros((4, 3), np.float32), reference, margin=0.1)


def test_the_gate_passes_at_its_bound_and_its_verdict_holds_no_figures(tmp_path):
    for wrong in (0, 1):
        record = recorded(tmp_path, *wrong_in(wrong, 100))
        agreement.gate((str(tmp_path / f"ok{wrong}.json"),), record=str(record))
    assert (tmp_path / "ok0.json").read_bytes() == (tmp_path / "ok1.json").read_bytes()


def test_a_missed_gate_names_chip_batch_figure_and_record_in_one_line(tmp_path):
    record = recorded(tmp_path, *wrong_in(3, 100))
    with pytest.raises(GateMissed) as raised:
        agreement.gate((str(tmp_path / "ok.json"),), record=str(record), bound_pct=99.0)
    said = str(raised.value)
    assert (
        all(word in said for word in ("310P3", "batch 8", "97.00 %", "99 %", str(record)))
        and "\n" not in said
    )
    assert not (tmp_path / "ok.json").exists()


def test_a_gate_with_nothing_to_compare_is_missed(tmp_path):
    record = recorded(tmp_path, np.zeros((4, 3), np.float32), np.zeros((4, 3), np.float32))
    assert json.loads(record.read_text())["same_top1_clear_pct"] is None
    with pytest.raises(GateMissed, match="none of 4 images"):
        agreement.gate((str(tmp_path / "ok.json"),), record=str(record))


def test_images_that_cannot_be_decoded_do_not_count_as_agreement(tmp_path):
    reference = np.eye(4, 5, dtype=np.float32)
    logits = reference.copy()
    logits[3] = logits[3][::-1]
    logits[1] = [0, 0, 0, 0, 9]  # of an image that is not there
    (tmp_path / "undecodable.json").write_text(json.dumps([{"row": 1}, {"row": 900}]))
    record = recorded(tmp_path, logits, reference, undecodable=(str(tmp_path / "undecodable.json"),))
    row = json.loads(record.read_text())
    assert (row["images"], row["missing"], row["worst_row"]) == (3, 1, 3)
    assert row["same_top1_pct"] == pytest.approx(200 / 3)
    assert flips(tmp_path) == [(3, 3, 1, 1.0)]


@given(
    arrays(np.float32, (6, 4), elements=st.sampled_from([-1.5, 0.0, 0.25, 2.0])),
    arrays(np.float32, (6, 4), elements=st.sampled_from([-1.5, 0.0, 0.25, 2.0])),
    st.booleans(),
)
@settings(deadline=None)
def test_flipped_images_are_those_counted_by_hand_in_classes(tmp_path_factory, logits, reference, background):
    folder = tmp_path_factory.mktemp("flipped")
    recorded(folder, logits, reference, background=background)
    expected = []
    for row, (ours, torchs) in enumerate(zip(logits.tolist(), reference.tolist(), strict=True)):
        second, first = sorted(torchs)[-2:]
        classes = [torchs.index(first) - background, ours.index(max(ours)) - background]
        if classes[0] != classes[1]:
            expected.append((row, *classes, pytest.approx(first - second)))
    assert flips(folder) == expected


def test_of_a_model_with_background_an_image_without_numbers_has_no_class_and_another_the_background(
    tmp_path,
):
    reference = np.array([[0, 3, 1], [0, 3, 1], [0, 1, 5]], np.float32)
    logits = np.array([[np.nan, 3, 1], [4, 3, 1], [0, 1, 5]], np.float32)
    recorded(tmp_path, logits, reference, background=True)
    assert flips(tmp_path) == [(0, 0, -2, 2.0), (1, 0, -1, 2.0)]


def test_where_nothing_flipped_there_is_a_header_alone(tmp_path):
    recorded(tmp_path, *wrong_in(0, 4))
    assert (tmp_path / "flipped.csv").read_text() == "row,name,torch,compiled,margin\n"
