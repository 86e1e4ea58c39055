"""The report's files: all rows, the reference's form, and a page that says what is the sample's and what is
published.
"""

import json

import numpy as np
import pytest
from eval_rows import PUBLISHED, REAL, SAMPLE, STATED, of_ranks, rows

from eval import accuracy, records
from eval.report import terminal, write
from pipeline.errors import StepError


def written(tmp_path, *each, current=None):
    paths = [str(tmp_path / f"record-{number}.json") for number in range(len(each))]
    for path, row in zip(paths, each, strict=True):
        records.write(path, row)
    reported(tmp_path, paths, current=current)
    return json.loads((tmp_path / "summary.json").read_text()), (tmp_path / "report.md").read_text()


def reported(tmp_path, paths, **more):
    names = ["summary.json", "report.md", "index.html", "table.txt", "result.json"]
    names = names if more.get("current") else names[:-1]
    outputs = tuple(str(tmp_path / name) for name in names)
    write.write(outputs, records=tuple(paths), published=PUBLISHED, published_accuracy=STATED, **more)


def cells(page, start):
    """The cells of the first line of the page that starts so."""
    line = next(line for line in page.splitlines() if line.startswith(start))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_summary_has_every_row_in_the_order_of_their_columns(tmp_path):
    summary, _ = written(tmp_path, *rows(SAMPLE), *rows(REAL))
    assert summary["schema"] == 1
    assert summary["rows"] == sorted(rows(SAMPLE) + rows(REAL), key=records.order)


def test_the_result_is_the_references_to_the_letter(tmp_path):
    row = {**REAL, "batch": 16}
    judged = {**rows(REAL)[0], **accuracy.figures(of_ranks([0] * 196 + [3] * 54), 1000)}
    written(tmp_path, judged, current=row)
    # as json.dump writes it: on one line, without an end
    assert (tmp_path / "result.json").read_text() == (
        '{"title": "Overall statistical evaluation", "value": [{"key": "Number of images", "value": "250"}, '
        '{"key": "Number of classes", "value": "1000"}, {"key": "Top1 accuracy", "value": "78.4%"}, '
        '{"key": "Top2 accuracy", "value": "78.4%"}, {"key": "Top3 accuracy", "value": "78.4%"}, '
        '{"key": "Top4 accuracy", "value": "100.0%"}, {"key": "Top5 accuracy", "value": "100.0%"}]}'
    )


@pytest.mark.parametrize("images", [3, 7, 320, 4000, 20000, 50000])
def test_its_shares_are_rounded_as_the_reference_rounds_them(images):
    for hits in {0, 1, 2, images // 3, images // 2, images - 1, images}:
        row = {**rows(REAL)[0], **accuracy.figures(of_ranks([0] * hits + [9] * (images - hits)), 1000)}
        told = {entry["key"]: entry["value"] for entry in write.reference_json(row)["value"]}
        # the reference: count_hit is an array of floats, one a place
        share = np.cumsum(np.array([hits, 0, 0, 0, 0], float)) / images
        assert told["Top1 accuracy"] == str(round(share[0] * 100, 2)) + "%"


def test_its_classes_are_outputs_and_it_has_no_more_tops_than_these():
    def keys(classes, **more):
        figures = accuracy.figures(of_ranks([0] * 9), classes, more.pop("missing", 0))
        entries = write.reference_json({**rows(REAL)[0], **more, **figures})["value"]
        return entries[1]["value"], [entry["key"] for entry in entries[2:]]

    tops = [f"Top{k} accuracy" for k in range(1, 6)]
    assert keys(1000, background=True) == ("1001", tops)
    assert keys(3) == ("3", tops[:3])
    assert keys(1000, missing=2) == ("1000", [*tops, "Number of missing images"])


def test_a_request_that_judges_nothing_leaves_the_last_result_alone(tmp_path):
    (tmp_path / "result.json").write_text("of another build")
    written(tmp_path, *rows(REAL))
    assert (tmp_path / "result.json").read_text() == "of another build"


def test_a_request_whose_accuracy_is_not_among_the_records_is_an_error(tmp_path):
    with pytest.raises(StepError, match="0 accuracy records match"):
        written(tmp_path, *rows(REAL), current={**REAL, "batch": 8})


def test_the_sample_is_named_in_the_headline_and_on_its_rows(tmp_path):
    _, page = written(tmp_path, *rows(SAMPLE), current={**SAMPLE, "batch": 16})
    assert "> **SAMPLE.** Everything here is of generated pictures" in page
    assert cells(page, "| sample-1a2b3c4d (SAMPLE) |")[-1] == "–"  # no published accuracy beside it
    assert "Published for 1.0/224" in page


def test_a_report_without_the_sample_does_not_mention_it(tmp_path):
    _, page = written(tmp_path, *rows(REAL), current={**REAL, "batch": 16})
    assert "SAMPLE" not in page and "1.0/224" not in page


def test_measured_stands_beside_published_with_ratio_and_cliff(tmp_path):
    _, page = written(tmp_path, *rows(REAL))
    assert cells(page, "| sgd-5e6f7a8b |")[-1] == "69.52 / 89.05"
    table_of_chip = page[page.index("### sgd-5e6f7a8b, 310P3 fp16 uint8, on 1 device") :]
    assert cells(table_of_chip, "|     1 |") == [
        "1",
        "4,242",
        "4,199 – 4,284",
        "1.00",
        "2.00",
        "10.00",
        "1,000",
        "1.00",
        "–",
        "99.00",
        "4,242",
        "1.00×",
        "**best**",
    ]
    assert cells(table_of_chip, "|    64 |")[-3:] == ["14,516", "0.21×", "cliff"]
    assert (
        "- 310: README of the seed. The throughputs are of 4 chips.\n- 310P3: README of the seed. Disputed at"
        " 64.\n" in page
    )


def test_all_chips_stand_side_by_side(tmp_path):
    other = {**SAMPLE, "chip": "310P3"}
    _, page = written(tmp_path, *rows(SAMPLE, [(1, 900.0), (8, 950.0)]), *rows(other, [(1, 70.0)]))
    side = page[page.index("## Throughput side by side") :]
    assert cells(side, "| batch")[1:] == [
        "310P3 fp16 uint8, 1 device",
        "cpu fp16 uint8, 1 device",
        "published 310 ×4",
        "published 310P3",
    ]
    assert cells(side, "|     1 |") == ["1", "70.0", "900.0", "4,550", "4,242"]
    assert cells(side, "|     8 |") == ["8", "–", "950.0", "–", "–"]


def test_every_table_of_the_page_is_whole(tmp_path):
    _, page = written(tmp_path, *rows(SAMPLE), *rows(REAL))
    for block in page.split("\n\n"):
        lines = block.splitlines()
        if lines[0].startswith("|"):
            assert len({line.count("|") for line in lines}) == 1 and len({len(line) for line in lines}) == 1


def test_results_of_other_tools_have_a_row_without_chip(tmp_path):
    row = {
        **dict.fromkeys(records.COMMON),
        **{"sample_data": False, "batch": None, "kind": "accuracy", "results": "dumpout"},
        **accuracy.figures(of_ranks([0] * 9), 1000),
    }
    summary, page = written(tmp_path, row, current={"results": "dumpout"})
    assert summary["rows"][0]["chip"] is None
    assert cells(page, "| –")[:4] == ["–", "results in dumpout", "–", "–"]


def test_a_retried_step_is_told(tmp_path):
    _, page = written(tmp_path, *rows(REAL)[:-1], {**rows(REAL)[-1], "retried": 2})
    assert "2 of the steps ran a second time" in page


def test_of_two_records_of_one_thing_the_builds_own_counts_else_the_first_of_the_stored(tmp_path):
    own, newest, oldest, alone = (
        {**rows(REAL)[-1], "stage": stage, "seconds": seconds}
        for stage, seconds in (("infer", 1.0), ("infer", 2.0), ("bench", 3.0), ("bench", 4.0))
    )
    paths = [str(tmp_path / f"{number}.json") for number in range(4)]
    for path, row in zip(paths, (own, newest, oldest, alone), strict=True):
        records.write(path, row)
    reported(tmp_path, paths[:1], stored=tuple(paths[1:]))
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [(row["stage"], row["seconds"]) for row in summary["rows"]] == [("bench", 3.0), ("infer", 1.0)]


def test_two_records_of_one_thing_in_one_build_are_an_error(tmp_path):
    paths = [str(tmp_path / name) for name in ("a.json", "b.json")]
    for path in paths:
        records.write(path, rows(REAL)[-1])
    with pytest.raises(StepError, match="two records of one thing"):
        reported(tmp_path, paths)


def test_the_page_says_where_and_by_what_its_records_were_made(tmp_path):
    made = {"host": "h", "cpu": "c", "python": "3.11", "git": {"commit": "0123456789abcdef", "dirty": True}}
    for number, git in enumerate((made["git"], None)):
        stamp = {"name": "x/y", "made": {**made, "git": git}, "tools": {"numpy": "2.4", "acl": None}}
        (tmp_path / f"record-{number}.json.stamp").write_text(json.dumps(stamp))
    _, page = written(tmp_path, *rows(REAL))
    assert page[page.index("## Made by") :].splitlines()[2:] == [
        "- h (c), Python 3.11, commit 0123456789ab with uncommitted changes",
        "- h (c), Python 3.11, commit None",
        "- tools: numpy 2.4",
        "- inputs, params, tools and code of every step: provenance.json beside this page",
    ]


def test_the_terminal_table_has_straight_columns(tmp_path):
    text = terminal.final(rows(REAL), PUBLISHED, STATED, {"current": {**REAL, "batch": 16}})
    lines = text.splitlines()
    assert lines[0].startswith("accuracy   top-1 70.00 % (") and lines[0].endswith("published 69.52 / 89.05")
    head, first, last = lines[3:6]
    assert head.split() == [
        *("batch", "images/s", "±", "latency", "ms", "p50", "/", "p90", "/", "p99", "same", "top-1", "%"),
        *("published", "310P3"),
    ]
    assert (first.split()[-1], last.split()[-1]) == ("best", "cliff")
    assert (
        head.index("published 310P3") + len("published 310P3")
        == first.index("4,242", 20) + 5
        == last.index("14,516") + 6
    )


def test_the_terminal_table_of_the_sample_shows_all_published_chips_and_says_what_they_are_for():
    text = terminal.final(rows(SAMPLE), PUBLISHED, STATED, {"current": {**SAMPLE, "batch": 16}})
    assert text.startswith("SAMPLE: ") and "published figures are for 1.0/224" in text
    assert "published 310 ×4   published 310P3" in text and "69.52" not in text


def test_the_terminal_table_without_accuracy_or_throughput_is_empty():
    assert terminal.final([], PUBLISHED, STATED, {"current": SAMPLE}) == ""


def test_the_terminal_table_shows_the_batches_and_devices_that_were_asked_for():
    both = [*rows(REAL), {**rows(REAL)[1], "devices": ["0", "1"], "images_per_s": 8000.0}]
    scope = {"current": REAL, "batches": [1], "devices": ["0", "1"]}
    title, _, *timed = terminal.final(both, PUBLISHED, STATED, scope).splitlines()
    assert title == "throughput on 310P3 fp16 uint8, 2 devices"
    assert [line.split()[:2] for line in timed] == [["1", "8,000"]]


def test_images_that_cannot_be_decoded_are_counted_and_the_file_that_names_them_is(tmp_path):
    prepared = {**rows(REAL)[-1], "stage": "preprocess", "missing": 3}
    scope = {"current": REAL, "data": {"stage": "preprocess"}, "undecodable": "data/undecodable.json"}
    assert terminal.final([prepared], PUBLISHED, STATED, scope).split("\n\n") == [
        "3 of 100 images cannot be decoded: skipped, and counted as wrong",
        "what cannot be decoded is named in data/undecodable.json",
    ]
    assert "named in" not in terminal.final([{**prepared, "missing": 0}], PUBLISHED, STATED, scope)


def test_an_accuracy_next_to_chance_is_said_to_be_one():
    row = {**rows(REAL)[0], **accuracy.figures(of_ranks([0] * 4 + [7] * 96), 1000)}
    assert "next to chance" in terminal.final([row], PUBLISHED, STATED, {"current": REAL})
    few = {**row, **accuracy.figures(of_ranks([0] * 4 + [7] * 95), 1000)}
    assert "next to chance" not in terminal.final([few], PUBLISHED, STATED, {"current": REAL})
