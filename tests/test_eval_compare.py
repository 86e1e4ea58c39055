"""What tables say beside a figure: cliffs, best batch, ratios to what is published."""

import pytest
from eval_rows import REAL, timed

from configs import schema
from eval.report import compare, throughput

# the later table that README and configs/chips/310P3.toml speak of
LATER_310P3 = {1: 4076.18, 4: 7962.32, 8: 10373.66, 16: 12420.51, 32: 13990.09, 64: 6721.18}
ROW = {
    "model": "mobilenet_v1",
    "sample_data": False,
    "batch": 8,
    "devices": ["0"],
    "images_per_s": 1779.08,
    "compute_images_per_s": None,
}
OF_FOUR = {"images_per_s": {"8": 7116.32}, "scale": 4}


def speeds(**by_batch):
    """{batch: Speed} of b1=(value, low, high)."""
    return {int(name[1:]): compare.Speed(*values) for name, values in by_batch.items()}


def stated(chip):
    """The published figures of a chip."""
    return compare.stated_speeds({"images_per_s": schema.chip(chip).published.images_per_s})


def rows(timed_speeds, **more):
    return [timed(REAL, batch, speed, **more) for batch, speed in timed_speeds.items()]


def test_the_published_310p3_falls_off_a_cliff_at_64_and_is_best_at_32():
    later = compare.exact(LATER_310P3)
    assert compare.cliffs(later) == [64]
    assert compare.best(later) == [32]
    marks = compare.marks(rows(LATER_310P3, images_per_s_ci95=None))
    assert marks == {1: "", 4: "", 8: "", 16: "", 32: "best", 64: "cliff"}


def test_a_cliff_is_below_four_fifths_of_any_smaller_batch_whatever_the_order():
    assert compare.cliffs(compare.exact({4: 79.9, 1: 100.0, 8: 80.0})) == [4]
    assert compare.best(compare.exact({8: 10.0, 4: 10.1})) == [4]


def test_a_cliff_is_only_where_the_intervals_do_not_overlap():
    assert compare.cliffs(speeds(b1=(100, 90, 110), b4=(70, 50, 92))) == []
    assert compare.cliffs(speeds(b1=(100, 95, 105), b4=(70, 60, 80))) == [4]


def test_batch_sizes_whose_intervals_overlap_the_fastests_are_all_named_best():
    three = speeds(b1=(100, 98, 102), b8=(104, 101, 107), b16=(103, 97, 109))
    assert compare.best(three) == [1, 8, 16]
    assert compare.best(speeds(b1=(100, 99, 101), b8=(104, 102, 106))) == [8]


def test_a_cell_of_one_short_round_is_called_neither_best_nor_a_cliff():
    quick = rows({1: 100.0, 8: 50.0, 16: 200.0}, quick=True, images_per_s_ci95=None)
    assert compare.marks(quick) == {1: "", 8: "", 16: ""}
    assert throughput.noise_note(quick) == (
        "quick at batch 1, 8, 16: one short round, no interval, none is called best"
    )


def test_nothing_noisy_is_called_best_and_nothing_is_compared_with_it():
    quiet, noisy = rows({1: 100.0, 8: 50.0}), rows({16: 900.0}, quiet=False, noise=["x"])
    assert compare.marks([*quiet, *noisy]) == {1: "best", 8: "cliff", 16: "noisy"}
    assert compare.marks([quiet[0], *noisy]) == {1: "", 16: "noisy"}


def test_the_published_ratios_of_the_chips_come_out():
    p3, old, t4 = stated("310P3"), stated("310"), stated("T4")
    by_row = [round(value, 3) for value in compare.ratios(p3, t4).values()]
    assert by_row == [1.139, 1.481, 1.719, 1.934, 2.056, 2.180]
    by_row = [round(value, 3) for value in compare.ratios(p3, old).values()]
    assert by_row == [0.932, 1.234, 1.466, 1.767, 2.149, 2.460]
    assert round(compare.best_ratio(p3, old), 3) == 2.040
    assert round(compare.best_ratio(p3, t4), 3) == 2.180


def test_a_ratio_is_of_one_chip_to_one_chip():
    assert compare.ratio(ROW, OF_FOUR) == pytest.approx(1.0)
    assert compare.ratio({**ROW, "devices": ["0", "1"]}, OF_FOUR) == pytest.approx(0.5)


def test_a_ratio_compares_the_published_clock_where_the_row_has_it():
    assert compare.ratio({**ROW, "compute_images_per_s": 2 * 1779.08}, OF_FOUR) == pytest.approx(2.0)


@pytest.mark.parametrize("other", [{"model": "sample"}, {"sample_data": True}, {"batch": 16}])
def test_there_is_no_ratio_for_another_network_or_a_batch_without_a_figure(other):
    assert compare.ratio({**ROW, **other}, OF_FOUR) is None


def test_a_note_on_published_figures_says_of_how_many_chips_they_are():
    stated = {"source": "README.", "note": "Disputed at 64", "images_per_s": {}}
    accuracies = {
        "m": {"top1_pct": 1.0, "top5_pct": 2.0},
        "n": {"top1_pct": 1.0, "top5_pct": 2.0, "source": "x"},
    }
    assert list(compare.sources({"310": {**stated, "scale": 4}, "310P3": stated}, accuracies)) == [
        "310: README. Disputed at 64. The throughputs are of 4 chips.",
        "310P3: README. Disputed at 64.",
        "n: x.",
    ]
