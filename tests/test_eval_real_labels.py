"""Other people's labels: which list is an image's, what counts, and files that are not what was meant."""

import hashlib
import json

import numpy as np
import pytest
from eval_rows import PUBLISHED, REAL, SAMPLE, STATED, judged
from scipy import stats

from eval import accuracy, records
from eval.judging import real_labels
from eval.report import write
from pipeline.errors import BuildError
from preprocess import undecodable

LISTS = [[1, 2], [0], [], [3], [3, 0]]
NAMES = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in (1, 2, 3, 4, 5)]
COLUMNS = {"real_labels": "real.json-12345678", "real_images": 46_837, "real_unlabelled": 3163,
           "real_top1_hits": 36_121, "real_top1_pct": 77.12, "real_top1_ci95_pct": [76.74, 77.5]}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def written(content):
        path = tmp_path / "real.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(path)

    return written


def refusal(path, names=NAMES, classes=4):
    with pytest.raises(BuildError) as told:
        real_labels.of_images(path, names, classes)
    assert str(told.value).startswith(f"--real-labels={path}: ") and "\n" not in str(told.value)
    return str(told.value).removeprefix(f"--real-labels={path}: ")


def test_an_answer_among_an_images_classes_is_right_and_images_without_one_do_not_count(file):
    path = file(LISTS)
    found = real_labels.columns(path, NAMES, [2, 1, 3, -1, 0], 4)
    interval = stats.binomtest(2, 4).proportion_ci(method="wilson")
    assert found == {
        "real_labels": f"real.json-{hashlib.sha256(json.dumps(LISTS).encode()).hexdigest()[:8]}",
        "real_images": 4,
        "real_unlabelled": 1,
        "real_top1_hits": 2,
        "real_top1_pct": 50.0,
        "real_top1_ci95_pct": pytest.approx([100 * interval.low, 100 * interval.high]),
    }
    assert real_labels.columns("", NAMES, [2, 1, 3, -1, 0], 4) == {}


def test_without_any_image_that_counts_there_is_no_share(file):
    wrong = real_labels.columns(file([[1], []]), NAMES[:2], [0, 0], 4)
    assert (wrong["real_images"], wrong["real_top1_pct"]) == (1, 0.0)
    found = real_labels.columns(file([[], []]), NAMES[:2], [0, 0], 4)
    assert (found["real_images"], found["real_top1_pct"], found["real_top1_ci95_pct"]) == (0, None, None)


def test_the_random_table_has_the_shares_that_counting_gives(file):
    draw = np.random.default_rng(3)
    lists = [sorted(set(draw.integers(0, 16, draw.integers(0, 4)).tolist())) for _ in range(500)]
    rows = draw.permutation(500)[:200]
    names = [f"n01440764/ILSVRC2012_val_{row + 1:08d}.png" for row in rows]
    answers = draw.integers(0, 16, 200).tolist()
    found = real_labels.columns(file(lists), names, answers, 16)
    counted = [(lists[row], answer) for row, answer in zip(rows, answers, strict=True) if lists[row]]
    hits = sum(answer in those for those, answer in counted)
    assert (found["real_images"], found["real_top1_hits"]) == (len(counted), hits)
    low, high = stats.binomtest(hits, len(counted)).proportion_ci(method="wilson")
    assert found["real_top1_ci95_pct"] == pytest.approx([100 * low, 100 * high])


@pytest.mark.parametrize("form", ["a/ILSVRC2012_val_{:08d}.jpg", "ILSVRC2012_val_{:08d}", "own {}.JPEG",
                                  "x/im9ge-{:03d}.png", "{}.jpeg"])  # fmt: skip
def test_the_number_in_a_name_says_which_list_is_the_images(file, form):
    names = [form.format(number) for number in (3, 1, 5, 2, 4)]
    found = real_labels.of_images(file(LISTS), names, 4)
    assert [sorted(each) for each in found] == [[], [1, 2], [0, 3], [0], [3]]


@pytest.mark.parametrize("names", [
    ["cat.JPEG", *NAMES[1:]],
    NAMES[:4] + ["ilsvrc2012_val_00000005.JPEG.x"],
    [f"own_{number}.JPEG" for number in range(5)],
    [f"own_{number}.JPEG" for number in (1, 2, 3, 4)],
    [f"own_{number}.JPEG" for number in (1, 2, 3, 4, 4)],
    [f"own_{number}.JPEG" for number in (1, 2, 3, 4, 5, 6)],
    [*(f"own_{number}.JPEG" for number in (1, 2, 3, 4, 5)), "cat.JPEG"],
    ["own_²"] * 5,
])  # fmt: skip
def test_names_that_do_not_tell_which_list_is_whose_are_refused_and_not_guessed(file, names):
    said = refusal(file(LISTS), names)
    assert said.startswith("which of its 5 items is that of ") and "ILSVRC2012_val_00000001.JPEG" in said


@pytest.mark.parametrize("number", [0, 6])
def test_a_number_beyond_the_list_names_the_picture(file, number):
    name = f"ILSVRC2012_val_{number:08d}.JPEG"
    assert f"it has 5 items, none for {name}" in refusal(file(LISTS), [*NAMES, name])


@pytest.mark.parametrize(("content", "words"), [
    (b"", "not JSON (Expecting value"),
    (b"[[1]", "not JSON ("),
    (b"\xff\xfe[", "not JSON (byte 0 is not UTF-8)"),
    (b"[" * 100_000, "not JSON ("),
    ({"a": [1]}, 'no list: {"a": [1]}'),
    ([1, 2], "item 0 is no list of whole numbers from 0: 1"),
    ([[1], ["1"]], 'item 1 is no list of whole numbers from 0: ["1"]'),
    ([[True]], "item 0 is no list"),
    ([[1.0]], "item 0 is no list"),
    ([[-1]], "item 0 is no list"),
    (b"[[NaN]]", "item 0 is no list"),
    ([["x" * 1000]], "..."),
])  # fmt: skip
def test_a_file_that_is_not_such_a_list_says_what_it_is(file, content, words):
    said = refusal(file(content))
    assert words in said and "expected ReaL's real.json" in said and len(said) < 350


def test_a_file_that_is_none_says_so(tmp_path):
    assert refusal(str(tmp_path / "no.json")).startswith("no such file; expected ReaL's real.json")
    assert refusal(str(tmp_path)).startswith("a folder, and no file; expected")


def test_a_class_that_the_model_has_not_is_told_with_its_item(file):
    assert refusal(file([*LISTS, [4], [5]])).startswith("item 6 has class 5, the model's are 0 to 3")
    assert refusal(file(LISTS), classes=3).startswith("item 3 has class 3, the model's are 0 to 2")


def test_an_image_that_could_not_be_decoded_is_wrong_where_it_has_a_class(tmp_path, file):
    index = "".join(f"{row},{name},0,0\n" for row, name in enumerate(NAMES))
    (tmp_path / "index.csv").write_text("row,name,label,shard\n" + index)
    np.save(tmp_path / "logits.npy", np.eye(4, dtype=np.float32)[[1, 0, 0, 3, 3]])
    undecodable.write(str(tmp_path / "bad.json"), [{"row": 3, "name": NAMES[3], "reason": "x"}])
    accuracy.write(
        [str(tmp_path / name) for name in ("accuracy.json", "a", "b", "c", "d")],
        index=str(tmp_path / "index.csv"), logits=[str(tmp_path / "logits.npy")],
        undecodable=[str(tmp_path / "bad.json")], real_labels=file(LISTS),
        row={**SAMPLE, "batch": 16}, classes=4, background=False,
    )  # fmt: skip
    (row,) = records.read([str(tmp_path / "accuracy.json")])
    assert (row["missing"], row["real_images"], row["real_top1_hits"], row["real_unlabelled"]) == (1, 4, 3, 1)


def reported(tmp_path, *each):
    for number, row in enumerate(each):
        records.write(str(tmp_path / f"{number}.json"), row)
    names = ("summary.json", "report.md", "index.html", "table.txt", "result.json")
    paths = [str(tmp_path / f"{number}.json") for number in range(len(each))]
    stated = {"published": PUBLISHED, "published_accuracy": STATED, "records": paths}
    write.write([str(tmp_path / name) for name in names], current=REAL, **stated)
    return (tmp_path / "report.md").read_text(), (tmp_path / "table.txt").read_text()


def test_tables_have_the_figure_only_where_some_row_has_it(tmp_path):
    page, table = reported(tmp_path, judged(REAL, **COLUMNS), judged(SAMPLE))
    head, _, *lines = [line for line in page.splitlines() if line.startswith("|")][:4]
    at = head.split("|").index(next(cell for cell in head.split("|") if cell.strip() == "ReaL top-1"))
    told = {tuple(cell.strip() for cell in line.split("|")[at : at + 3]) for line in lines}
    assert told == {("77.12", "76.74 – 77.50", "46,837 of 100"), ("–", "–", "–")}
    assert "; ReaL 77.12 % (76.74 to 77.50) of 46,837\n" in page
    assert "   ReaL 77.12 % (76.74 to 77.50) of 46,837   published 69.52 / 89.05" in table
    page, table = reported(tmp_path, judged(REAL))
    assert "| ReaL" not in page and "ReaL" not in table
    none = {**COLUMNS, "real_images": 0, "real_top1_pct": None, "real_top1_ci95_pct": None}
    assert "   ReaL of 0   published" in reported(tmp_path, judged(REAL, **none))[1]
