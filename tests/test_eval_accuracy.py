"""Accuracy: hits over labels, decided ties, background, and what is refused."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import accuracy
from eval.interval import wilson
from pipeline.errors import StepError

ROW = {
    "model": "m", "checkpoint": "m-0", "dataset": "d-0", "chip": "cpu", "precision": "fp32", "input": "uint8",
    "batch": 16, "sample_data": False,
}  # fmt: skip
BESIDE = ("answers.csv", "classes.csv", "confusions.csv", "calibration.json")


def rank_by_hand(logits, target):
    order = sorted(range(len(logits)), key=lambda index: (-logits[index], index))
    return order.index(target)


def judge(tmp_path, logits, labels, classes, background=False, shards=1, undecodable=()):
    index = tmp_path / "index.csv"
    index.write_text(
        "row,name,label,shard\n" + "".join(f"{i},i{i}.JPEG,{label},0\n" for i, label in enumerate(labels))
    )
    paths = [str(tmp_path / f"logits-{number:05d}.npy") for number in range(shards)]
    for path, part in zip(paths, np.array_split(logits, shards), strict=True):
        np.save(path, part)
    lists = [tmp_path / "undecodable.json"] if undecodable else []
    for path in lists:
        path.write_text(
            json.dumps([{"row": row, "name": f"i{row}.JPEG", "reason": "x"} for row in undecodable])
        )
    out = tmp_path / "accuracy.json"
    accuracy.write(
        (str(out), *(str(tmp_path / name) for name in BESIDE)),
        index=str(index),
        logits=tuple(paths),
        undecodable=tuple(map(str, lists)),
        row=ROW,
        classes=classes,
        background=background,
    )
    return json.loads(out.read_text())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_ranks_are_those_of_sorting_with_the_lower_index_first(data):
    background = data.draw(st.booleans())
    classes, images = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 9))
    values = st.sampled_from([-1.5, 0.0, 0.25, 2.0, float("inf"), float("-inf")])
    logits = np.array(
        data.draw(
            st.lists(
                st.lists(values, min_size=classes + background, max_size=classes + background),
                min_size=images,
                max_size=images,
            )
        ),
        np.float32,
    )
    labels = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=images, max_size=images)))
    cut = data.draw(st.integers(0, images))
    said = accuracy.judge([logits[:cut], logits[cut:]], labels, classes, background)
    finite = np.isfinite(logits).all(axis=1)
    assert said.ranks.tolist() == [
        rank_by_hand(row.tolist(), label + background) if good else classes + background + accuracy.TOP
        for row, label, good in zip(logits, labels, finite, strict=True)
    ]
    assert said.answers.tolist() == [
        int(np.argmax(row)) - background if good else accuracy.NONE
        for row, good in zip(logits, finite, strict=True)
    ]
    assert said.nan_rows.tolist() == np.flatnonzero(~finite).tolist()
    constant = finite & (logits == logits[:, :1]).all(axis=1)
    assert said.constant_rows.tolist() == np.flatnonzero(constant).tolist()


def test_top1_to_top5_are_percent_of_the_labels(tmp_path):
    # the order of the outputs is 0, 1, 2, ...
    logits = np.tile(np.arange(10, 0, -1, dtype=np.float32), (8, 1))
    row = judge(tmp_path, logits, [0, 0, 1, 2, 3, 4, 5, 9], classes=10, shards=3)
    assert [row[f"top{k}_hits"] for k in range(1, 6)] == [2, 3, 4, 5, 6]
    assert [row[f"top{k}_pct"] for k in range(1, 6)] == [25.0, 37.5, 50.0, 62.5, 75.0]
    assert (row["images"], row["missing"], row["classes"], row["kind"]) == (8, 0, 10, "accuracy")


def test_with_background_class_c_is_output_c_plus_one_and_the_background_never_hits(tmp_path):
    logits = np.eye(4, dtype=np.float32)  # winners: background, class 0, class 1, class 2
    row = judge(tmp_path, logits, [0, 0, 1, 0], classes=3, background=True)
    assert row["top1_hits"] == 2


def test_of_equal_outputs_the_lower_index_comes_first(tmp_path):
    row = judge(tmp_path, np.zeros((3, 8), np.float32), [0, 1, 7], classes=8)
    assert (row["top1_hits"], row["top2_hits"], row["top5_hits"]) == (1, 2, 2)


def test_an_undecodable_image_is_wrong_and_missing_but_stays_in_the_denominator(tmp_path):
    row = judge(tmp_path, np.zeros((4, 8), np.float32), [0, 0, 0, 0], classes=8, undecodable=[1])
    assert (row["top1_hits"], row["top5_hits"], row["missing"], row["images"]) == (3, 3, 1, 4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_image_whose_outputs_hold_nan_or_infinity_is_wrong_and_counted(tmp_path, value):
    logits = np.tile(np.array([3, 2, 1], np.float32), (2100, 1))
    logits[2050, 1] = value
    row = judge(tmp_path, logits, [0] * 2100, classes=3)
    assert (row["nan_rows"], row["constant_rows"], row["top1_hits"], row["top3_hits"]) == (1, 0, 2099, 2099)
    assert (tmp_path / "answers.csv").read_text().splitlines()[2051] == "i2050.JPEG,0,"


def test_an_image_without_an_answer_is_no_hit_of_a_model_with_few_outputs(tmp_path):
    logits = np.array([[3, 2], [np.nan, 1], [0, 0], [0, 0]], np.float32)
    row = judge(tmp_path, logits, [0, 0, 0, 1], classes=2, undecodable=[2, 3])
    assert [row[f"top{k}_hits"] for k in range(1, 6)] == [1, 1, 1, 1, 1]


def test_images_whose_outputs_are_all_equal_are_counted(tmp_path):
    logits = np.tile(np.array([3, 2, 1], np.float32), (4, 1))
    logits[1:3] = -7.5
    assert judge(tmp_path, logits, [0, 1, 2, 0], classes=3)["constant_rows"] == 2


@pytest.mark.parametrize(
    "rows, words", [(3, "fewer logits than labels: 3 rows for 4"), (5, "more logits than labels: at least 5")]
)
def test_logits_that_are_not_one_row_a_label_are_refused(tmp_path, rows, words):
    with pytest.raises(StepError, match=words):
        judge(tmp_path, np.zeros((rows, 3), np.float32), [0] * 4, classes=3)


def test_logits_of_another_width_are_refused(tmp_path):
    with pytest.raises(StepError, match=r"\(1, 4\); expected \(images, 3\)"):
        judge(tmp_path, np.zeros((1, 4), np.float32), [0], classes=3)


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_that_is_no_class_is_refused(tmp_path, label):
    with pytest.raises(StepError, match=f"label {label} is no class of a model with 3"):
        judge(tmp_path, np.zeros((2, 3), np.float32), [0, label], classes=3)


def test_an_index_out_of_order_is_refused(tmp_path):
    path = tmp_path / "index.csv"
    path.write_text("row,name,label,shard\n1,b,0,0\n0,a,0,0\n")
    with pytest.raises(StepError, match="not numbered 0, 1, 2"):
        accuracy.write((), index=str(path), logits=(), row=ROW, classes=3, background=False)


def test_wilson_is_the_interval_computed_by_hand_and_the_published_one():
    # 81 of 100: (0.8292073 -+ 1.959964 * sqrt(0.001539 + 0.0000960)) / 1.0384146 = (0.8292073 -+ 0.0792523) /
    # 1.0384146
    assert wilson(81, 100) == pytest.approx((0.722212, 0.874853), abs=2e-6)
    # Newcombe 1998, table I, method 3
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@given(st.integers(1, 60_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_within_zero_and_one(counts):
    hits, images = counts
    low, high = wilson(hits, images)
    assert 0 <= low <= hits / images <= high <= 1
    assert (low == 0) == (hits == 0) and (high == 1) == (hits == images)
