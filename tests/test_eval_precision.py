"""What a coarse precision loses against float32: columns, the list of images, sentences, and limits."""

import csv
import json

import pytest
from eval_rows import PIXELS, REAL, judged
from hypothesis import given
from hypothesis import strategies as st

from eval import answers_csv, records
from eval.comparison import paired
from eval.precision import gate, loss, size, text
from pipeline.errors import BuildError, GateMissed, StepError
from stages.timing import compare

NONE = answers_csv.NONE
OF = {**REAL, **PIXELS, "chip": "cpu", "batch": 16}


def losses(folder, images):
    """(columns, lines of lost.csv) of images, a (label, float32's answer, the other's) each."""
    names = [f"i{n:03d}.jpg" for n in range(len(images))]
    labels, before, after = (list(column) for column in zip(*images, strict=True))
    answers_csv.write(str(folder / "answers.csv"), names, labels, before)
    columns = loss.columns(names, labels, after, str(folder / "answers.csv"), str(folder / "lost.csv"))
    with open(folder / "lost.csv", newline="") as file:
        return columns, list(csv.DictReader(file))


def int8(images=250, lost=0, won=0, same=None, **more):
    """An accuracy row of int8 with so many images lost and won."""
    pair = paired.Paired(images, ("",) * lost, ("",) * won, 0)
    columns = {
        "precision": "int8",
        "images": images,
        "loss_points": 100 * pair.drop,
        "loss_points_ci95": [100 * bound for bound in paired.drop_interval(pair)],
        "images_lost": lost,
        "images_won": won,
        "same_answers_pct": 98.0 if same is None else same,
    }
    return judged(OF, **{**columns, **more})


def test_the_columns_are_what_one_counts_by_hand(tmp_path):
    #                     same right, lost,      won,       wrong alike, wrong otherwise
    columns, listed = losses(tmp_path, [(1, 1, 1), (2, 2, 7), (3, 5, 3), (4, 9, 9), (6, 8, 9)] * 2)
    low, high = columns.pop("loss_points_ci95")
    assert columns == {
        "loss_points": 0.0,
        "images_lost": 2,
        "images_won": 2,
        "same_answers_pct": 40.0,
    }
    # Bonett and Price with one image more on each side: 1.96 sqrt((3 + 3)/12 / 12)
    assert (low, high) == (pytest.approx(-40.0, abs=0.02), pytest.approx(40.0, abs=0.02))
    assert [(line["name"], line["what"]) for line in listed] == [
        ("i001.jpg", "lost"),
        ("i002.jpg", "won"),
        ("i006.jpg", "lost"),
        ("i007.jpg", "won"),
    ]
    assert listed[0] == {"name": "i001.jpg", "label": "2", "fp32": "2", "answer": "7", "what": "lost"}


ANSWER = st.integers(0, 3)


@given(st.lists(st.tuples(ANSWER, st.sampled_from([*range(4), -1, NONE]), ANSWER), min_size=1, max_size=60))
def test_the_columns_and_the_list_are_those_of_a_count_image_by_image(tmp_path_factory, images):
    columns, listed = losses(tmp_path_factory.mktemp("loss"), images)
    lost = [n for n, (label, before, after) in enumerate(images) if before == label != after]
    won = [n for n, (label, before, after) in enumerate(images) if before != label == after]
    assert [(line["name"], line["what"]) for line in listed] == [
        (f"i{n:03d}.jpg", "lost" if n in lost else "won") for n in sorted([*lost, *won])
    ]
    top1 = [100 * sum(image[0] == image[at] for image in images) / len(images) for at in (1, 2)]
    assert (columns["images_lost"], columns["images_won"]) == (len(lost), len(won))
    assert columns["loss_points"] == pytest.approx(top1[0] - top1[1])
    assert columns["same_answers_pct"] == pytest.approx(
        100 * sum(before == after for _, before, after in images) / len(images)
    )
    low, high = columns["loss_points_ci95"]
    assert -100 <= low <= columns["loss_points"] <= high <= 100


def test_float32s_answers_on_other_images_are_refused(tmp_path):
    answers, names = str(tmp_path / "answers.csv"), ["a", "b", "c"]
    for theirs, labels in ((["a", "b"], [0, 1]), (["a", "c", "b"], [0, 1, 2]), (names, [0, 1, 1])):
        answers_csv.write(answers, theirs, labels, labels)
        with pytest.raises(StepError, match="answers.csv: it is of other images; there is nothing to pair"):
            loss.columns(names, [0, 1, 2], [0, 1, 2], answers, str(tmp_path / "lost.csv"))
    assert not (tmp_path / "lost.csv").exists()


def test_the_sentence_says_the_loss_its_interval_and_the_images():
    assert text.sentence(int8(lost=5, won=3, same=92.4)) == (
        "int8 loses 0.80 points of top-1 against fp32 (95 % interval of the loss -1.66 to 3.25): of 250"
        " images 5 are lost and 3 won, 92.40 % have the same answer"
    )
    assert text.sentence(int8(lost=1, won=3)).startswith("int8 gains 0.80 points of top-1 against fp32 (95 %")
    assert "of 250 images 1 is lost and 1 won, " in text.sentence(int8(lost=1, won=1))
    assert "of 250 images 0 are lost and 1 won, " in text.sentence(int8(lost=0, won=1))
    assert "of 1 image 1 is lost and 0 won, " in text.sentence(int8(images=1, lost=1))
    assert text.sentence(int8(calibrated_on=100)).endswith("; it was calibrated on 100 of them")
    assert text.sentence(judged(OF)) == "" == text.sentence(judged(OF, **loss.NO_LOSS))


def test_a_limit_is_missed_only_where_the_whole_interval_is_beyond_it():
    row = int8(images=1000, lost=60, won=10)
    low, high = row["loss_points_ci95"]
    assert low < row["loss_points"] == 5.0 < high
    held, words = text.verdict(row, low - 0.001)
    loss = f"loss 5.00 points, 95 % interval {low:.2f} to {high:.2f}"
    assert not held and words == f"--max-drop={low - 0.001:g} is missed: {loss}, all of it beyond the limit"
    for limit in (low, 5.0, 4.0, high - 0.001):
        held, words = text.verdict(row, limit)
        assert (
            held
            and f"--max-drop={limit:g} is not missed, and cannot be told to hold: {loss}; 1,000 images"
            in words
        )
    for limit in (high, 100):
        assert text.verdict(row, limit) == (
            True,
            f"--max-drop={limit:g} holds: {loss}, all of it within the limit",
        )


@pytest.mark.parametrize(("lost", "won"), [(0, 30), (3, 3), (0, 0), (40, 0)])
def test_of_a_limit_of_0_the_loss_and_its_interval_are_said_too(lost, won):
    row = int8(lost=lost, won=won)
    low, high = row["loss_points_ci95"]
    words = text.verdict(row, 0.0)[1]
    assert words.startswith("--max-drop=0 ")
    assert f": loss {row['loss_points']:.2f} points, 95 % interval {low:.2f} to {high:.2f}" in words


def test_what_cannot_be_told_says_how_many_images_would_tell():
    row = int8(images=250, lost=5, won=3)
    needed = paired.images_needed(paired.Paired(250, ("",) * 5, ("",) * 3, 0), 0.02)
    assert text.verdict(row, 2.0)[1].endswith(f"; 250 images, about {needed:,} are needed")
    assert text.verdict(row, 0.5)[1].endswith("; 250 images")  # no number would: it is beyond


def test_the_gate_passes_or_says_where_the_images_are(tmp_path):
    record, verdict = tmp_path / "accuracy.json", tmp_path / "drop.ok"
    records.write(str(record), int8(images=250, lost=40))
    with pytest.raises(GateMissed) as missed:
        gate.drop((str(verdict),), record=str(record), max_drop=1.0)
    assert str(missed.value).startswith(
        "int8 loses 16.00 points of top-1 against fp32 (95 % interval of the "
    )
    assert str(missed.value).endswith(f"beyond --max-drop=1. See lost.csv beside {record}")
    assert not verdict.exists()
    for lost in (0, 3):  # it held, and nothing after it is made anew by other figures
        records.write(str(record), int8(images=250, lost=lost))
        gate.drop((str(verdict),), record=str(record), max_drop=1.0)
        assert json.loads(verdict.read_text()) == {"max_drop": 1.0}


def test_the_size_is_that_of_the_compiled_file_and_of_its_network(tmp_path):
    (tmp_path / "bs16.onnx").write_bytes(bytes(1_234_567))
    (tmp_path / "counts.json").write_text('{"macs": 7, "parameters": 5}')
    out = str(tmp_path / "model.json")
    files = {"counts": str(tmp_path / "counts.json"), "model": str(tmp_path / "bs16.onnx")}
    size.write((out,), **files, row={**REAL, "dataset": None, "batch": 16})
    (row,) = records.read([out])
    assert (row["size_mb"], row["parameters"], row["macs"]) == (1.234567, 5, 7) and row["calibration"] is None
    size.write((out,), **files, row={**REAL, "dataset": None, "batch": 16, "calibration": "0123abcd"})
    assert records.read([out])[0]["calibration"] == "0123abcd"


def out_of(folder, *rows):
    """An OUT with a report of these rows alone."""
    (folder / "report").mkdir(parents=True)
    (folder / "report" / "summary.json").write_text(json.dumps({"schema": 1, "rows": rows}))
    return str(folder)


def fp32_and(tmp_path, **int8_row):
    fp32 = judged({**OF, "precision": "fp32"}, **loss.NO_LOSS)
    a, b = (
        out_of(tmp_path / "a", fp32),
        out_of(tmp_path / "b", fp32, {**int8(**int8_row), "calibration": "0123abcd"}),
    )
    return a, b


def test_compare_judges_int8_of_b_by_its_own_loss(tmp_path):
    a, b = fp32_and(tmp_path, images=250, lost=40)
    with pytest.raises(GateMissed) as missed:
        compare.compared(a, b, compare.limits("1", None))
    said = ("accuracy cpu int8 uint8 0123abcd, batch 16", "16.00 points", "A is B's own fp32")
    assert all(words in str(missed.value) for words in said)
    told = compare.compared(a, b, compare.limits(None, None))
    assert "A is B's own fp32" in told and "+16.00 points" in told and "only B" not in told


def test_compare_lets_pass_what_cannot_be_told(tmp_path):
    a, b = fp32_and(tmp_path, images=250, lost=5, won=3)
    lines = compare.compared(a, b, compare.limits("1", None)).splitlines()
    (line,) = [each for each in lines if "B's own fp32" in each]
    assert "held; cannot tell" in line


@pytest.mark.parametrize(
    "change",
    [
        {"loss_points_ci95": [float("nan"), 20.0]},
        {"loss_points_ci95": None},
        {"loss_points_ci95": [1.0]},
        {"loss_points": float("nan")},
        {"loss_points": "16"},
    ],
)
def test_a_loss_that_is_no_figure_passes_no_limit(tmp_path, change):
    a, b = fp32_and(tmp_path, images=250, lost=40, **change)
    with pytest.raises(BuildError, match="not a summary.json of this version"):
        compare.compared(a, b, compare.limits("1", None))


def test_lost_csv_names_any_image(tmp_path):
    names = ['a, "b".jpg', "ü/c d.jpg"]
    answers_csv.write(str(tmp_path / "a.csv"), names, [1, 2], [1, 2])
    loss.columns(names, [1, 2], [0, NONE], str(tmp_path / "a.csv"), str(tmp_path / "lost.csv"))
    text_of = (tmp_path / "lost.csv").read_text(encoding="utf-8")
    assert [line["name"] for line in csv.DictReader(text_of.splitlines())] == names
