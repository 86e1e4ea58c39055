"""What tables say beside a figure: cliffs, best batch, ratios to what is published."""

import pytest

from eval.report import compare

PUBLISHED_310P3 = {1: 4076.18, 4: 7962.32, 8: 10373.66, 16: 12420.51, 32: 13990.09, 64: 6721.18}
ROW = {"model": "mobilenet_v1", "sample_data": False, "batch": 8, "devices": ["0"], "images_per_s": 1779.08}
OF_FOUR = {"images_per_s": {"8": 7116.32}, "scale": 4}


def test_the_published_310p3_falls_off_a_cliff_at_64_and_is_best_at_32():
    assert compare.cliffs(PUBLISHED_310P3) == [64]
    assert compare.best(PUBLISHED_310P3) == 32
    assert compare.marks(PUBLISHED_310P3) == {1: "", 4: "", 8: "", 16: "", 32: "best", 64: "cliff"}


def test_a_cliff_is_below_four_fifths_of_any_smaller_batch_whatever_the_order():
    assert compare.cliffs({4: 79.9, 1: 100.0, 8: 80.0}) == [4]
    assert compare.best({8: 10.0, 4: 10.0}) == 4


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
