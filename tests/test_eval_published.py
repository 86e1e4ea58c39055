"""The published tables in the published form, with measured columns added."""

import pytest
from eval_rows import REAL, SAMPLE, judged, timed

from configs import schema
from eval.report import compare, published, throughput
from eval.report.markdown import page
from stages.report import published as stated_here

OURS = stated_here(schema.model("mobilenet_v1"))
CHIPS = {chip: OURS["published"][chip] for chip in ("310", "310P3", "T4")}  # those of the published table
ACCURACIES = OURS["published_accuracy"]
# the table of the README of ACL_PyTorch's MobileNet-v1: 310*4, 310P3, T4, 310P3/310, 310P3/T4
PUBLISHED = """\
1     4550.44    4241.54    3723.37   0.93   1.14
4     6736       8313.37    5615.17   1.23   1.48
8     7116.32    10430.75   6067.96   1.47   1.72
16    6938       12259.18   6337.39   1.77   1.93
32    6176.84    13274.92   6457.18   2.15   2.06
64    5899.52    14515.69   6657.6    2.46   2.18
best  7116.32    14515.69   6657.6    2.04   2.18
"""


def performance(*rows, chips=CHIPS):
    return published.performance(rows, chips)


def column(table, name):
    return [line[name] for line in table.lines()]


def figures(cells):
    return [cell and float(cell.replace(",", "").rstrip("×")) for cell in cells]


def test_the_published_columns_are_those_of_the_published_table():
    table = performance(timed(REAL, 1, 4000.0))
    assert table.columns[:6] == (
        "batch",
        *("published 310 ×4", "published 310P3", "published T4"),
        *("published 310P3 / 310 ×4", "published 310P3 / T4"),
    )
    for row, line in zip(table.rows, PUBLISHED.splitlines(), strict=True):
        batch, *expected = line.split()
        assert row[0] == batch
        assert figures(row[1:6]) == pytest.approx([float(each) for each in expected], rel=6e-3)


def test_measured_columns_are_added_with_their_ratios_to_each_chip_and_best_against_best():
    table = performance(timed(REAL, 1, 4241.54), timed(REAL, 8, 20861.5))
    assert table.columns[6:] == (
        "measured 310P3 fp16 uint8",
        *(f"310P3 fp16 uint8 / {chip}" for chip in CHIPS),
    )
    assert column(table, "measured 310P3 fp16 uint8") == ["4,242", None, "20,862", None, None, None, "20,862"]
    assert column(table, "310P3 fp16 uint8 / 310P3") == ["1.00×", None, "2.00×", None, None, None, "1.44×"]
    # of one chip: the published 310's are of four
    assert column(table, "310P3 fp16 uint8 / 310")[0] == "3.73×"


def test_ratios_are_of_one_device_and_by_the_published_clock_where_it_was_taken():
    both = timed(REAL, 1, 8000.0, devices=["0", "1"], compute_images_per_s=2 * 4241.54)
    table = performance(both)
    assert column(table, "measured 310P3 fp16 uint8 (2 devices), compute only")[0] == "8,483"
    assert column(table, "310P3 fp16 uint8 (2 devices) / 310P3")[0] == "1.00×"


def test_what_is_noisy_or_another_network_has_no_column():
    noisy = timed(REAL, 8, 1.0, quiet=False, noise=["x"])
    table = performance(timed(REAL, 1, 4000.0), noisy, timed(SAMPLE, 1, 5.0))
    assert [name for name in table.columns if name.startswith("measured")] == ["measured 310P3 fp16 uint8"]
    assert column(table, "measured 310P3 fp16 uint8")[2] is None
    assert performance(noisy).rows == performance(timed(SAMPLE, 1, 5.0)).rows == ()


def test_two_checkpoints_are_told_apart():
    table = performance(timed(REAL, 1, 1.0), timed({**REAL, "checkpoint": "b"}, 1, 2.0))
    measured = [name for name in table.columns if name.startswith("measured")]
    assert measured == [f"measured {name}, 310P3 fp16 uint8" for name in (REAL["checkpoint"], "b")]


def test_without_published_figures_there_is_no_table():
    assert performance(timed(REAL, 1, 1.0), chips={}).rows == ()
    assert performance(timed(REAL, 1, 1.0), chips={"x": {"images_per_s": {}}}).rows == ()


def test_accuracy_is_one_line_a_published_model_and_one_each_time_that_it_was_measured():
    rows = [judged(REAL), judged({**REAL, "chip": "310"}), judged(SAMPLE)]
    accuracy = published.accuracy(rows, ACCURACIES)
    assert [row[1:] for row in accuracy.rows] == [
        ("any", "69.52", "89.05", None),
        *[("16", "70.00", "89.00", "+0.48")] * 2,
    ]
    assert accuracy.rows[0][0] == "published mobilenet_v1"
    assert accuracy.rows[1][0] == "sgd-5e6f7a8b, 310P3 fp16 uint8, val-12345678"
    assert published.accuracy([judged(SAMPLE)], ACCURACIES).rows == ()


def test_no_figure_is_in_three_tables_of_the_page():
    rows = [
        *(timed(REAL, batch, speed) for batch, speed in ((1, 4111.0), (8, 8222.0))),
        *(timed({**SAMPLE, "chip": chip}, 1, speed) for chip, speed in (("cpu", 733.0), ("310", 744.0))),
        judged(REAL, [0] * 71 + [7] * 29),
    ]
    text = page(rows, CHIPS, ACCURACIES, None)
    for figure in ("4,111", "8,222", "733.0", "744.0", "71.00", "4,550", "14,516"):
        tables = [part for part in text.split("\n\n") if part.startswith("|") and f" {figure} " in part]
        assert 1 <= len(tables) <= 2, figure
    assert "## Ratios" not in text


def test_other_networks_stand_side_by_side_and_say_which_they_are():
    rows = [timed(REAL, 1, 4000.0), timed(SAMPLE, 1, 5.0), timed({**SAMPLE, "chip": "310"}, 1, 6.0)]
    others = published.others(rows)
    assert others == rows[1:] and published.others(rows[1:]) == rows[1:]
    table = throughput.side_by_side(others, {}, models=True)
    assert all("(SAMPLE)" in name for name in table.columns[1:])
    assert throughput.side_by_side(others[:1], {}).rows == ()  # nothing beside it
    assert len(compare.configurations(others)) == 2
