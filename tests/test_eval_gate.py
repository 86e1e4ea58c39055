"""A bound on the accuracy: exact where it is met, certain as scipy says, told in one sentence everywhere."""

import json
import math
from decimal import Decimal
from pathlib import Path

import pytest
from eval_rows import PUBLISHED, REAL, STATED, rows
from scipy import stats

import tasks
from configs import schema
from eval import records
from eval.interval import wilson
from eval.judging import gate
from eval.report import write
from pipeline.errors import BuildError, GateMissed
from stages.request import accuracy

MODEL = (Path(schema.HERE) / "models" / "mobilenet_v1.toml").read_text()
ASKED = {"min_top1_pct": 69.02, "asked": "published", "stated": [69.52, 0.5]}


def row(hits, images):
    """An accuracy row of so many hits."""
    interval = [100 * bound for bound in wilson(hits, images)]
    share = {"top1_hits": hits, "images": images, "top1_pct": 100 * hits / images}
    return {**rows(REAL)[0], **share, "top1_ci95_pct": interval}


def test_an_accuracy_that_is_the_bound_to_the_last_digit_passes_and_one_image_less_does_not():
    for hits in range(1, 50_000, 7):
        bound = float(Decimal(hits) / 500)
        assert gate.verdict(row(hits, 50_000), bound) == (True, 0.0, 0.5)
        missed = gate.verdict(row(hits - 1, 50_000), bound)
        assert not missed.passed and missed.by_points == pytest.approx(0.002, abs=1e-12)


@pytest.mark.parametrize(("hits", "images"), [(34_760, 50_000), (695, 1000), (3, 7), (320, 320), (0, 5)])
def test_the_certainty_is_the_score_tests_of_which_scipys_wilson_interval_is_the_other_side(hits, images):
    for level in (0.2, 0.5, 0.9, 0.95, 0.998):
        for end in stats.binomtest(hits, images).proportion_ci(level, "wilson"):
            if 0 < end < 1:
                found = gate.verdict(row(hits, images), 100 * end)
                assert found.certainty == pytest.approx((1 + level) / 2, abs=1e-9)
                assert found.passed == (hits / images >= end)


def test_the_certainty_is_the_normal_distributions_of_the_score():
    for bound in (0.5, 12.5, 69.02, 99.0):
        spread = math.sqrt(bound / 100 * (1 - bound / 100) / 1000)
        for hits in range(0, 1001, 50):
            score = abs(bound / 100 - hits / 1000) / spread
            assert gate.verdict(row(hits, 1000), bound).certainty == pytest.approx(stats.norm.cdf(score))


def test_bounds_of_nothing_and_of_everything_are_settled_by_one_image():
    assert gate.verdict(row(0, 9), 0.0) == (True, 0.0, 0.5)
    assert gate.verdict(row(9, 9), 0.0) == (True, 100.0, 1.0)
    assert gate.verdict(row(9, 9), 100.0) == (True, 0.0, 0.5)
    assert gate.verdict(row(8, 9), 100.0) == (False, pytest.approx(100 / 9), 1.0)


def test_the_sentence_says_by_how_much_and_with_what_certainty():
    assert gate.sentence(row(34_450, 50_000), ASKED) == (
        "top-1 68.90 % of 50,000 images is 0.12 points below --min-top1=published (69.52 less 0.5: 69.02);"
        " with 71.9 % certainty the true accuracy is below (one-sided score test), 95 % interval 68.49 to"
        " 69.30"
    )
    assert gate.line(row(720, 1000), {"min_top1_pct": 70.0, "asked": "70"}) == (
        "gate held: top-1 72.00 % of 1,000 images is 2.00 points above --min-top1=70; with 91.6 % certainty"
        " the true accuracy is above"
    )
    assert "is exactly at --min-top1=70;" in gate.sentence(row(7, 10), {"min_top1_pct": 70.0, "asked": "70"})
    near = gate.sentence(row(34_509, 50_000), ASKED)
    assert "69.02 % of 50,000 images is 0.002 points below" in near
    far = gate.sentence(row(1, 50_000), ASKED)
    assert "with more than 99.9 % certainty the true accuracy is below" in far


@pytest.fixture
def record(tmp_path):
    def write_row(hits, images=1000):
        records.write(str(tmp_path / "accuracy.json"), row(hits, images))
        return str(tmp_path / "accuracy.json")

    return write_row


def test_the_verdict_of_a_gate_that_holds_is_the_same_whatever_the_accuracy_is(tmp_path, record):
    verdicts = set()
    for hits in (700, 900):
        gate.top1([str(tmp_path / "ok")], record=record(hits), min_top1_pct=70.0, asked="70")
        verdicts.add((tmp_path / "ok").read_text())
    assert verdicts == {'{"top1_pct_at_least": 70.0}'}


def test_a_missed_gate_is_told_with_the_record_and_leaves_no_verdict(tmp_path, record):
    path = record(689)
    with pytest.raises(GateMissed) as missed:
        gate.top1([str(tmp_path / "ok")], record=path, **ASKED)
    assert str(missed.value) == f"{gate.sentence(row(689, 1000), ASKED)}. See {path}"
    assert not (tmp_path / "ok").exists()


@pytest.mark.parametrize(("hits", "held"), [(689, "missed"), (700, "held")])
def test_the_report_and_the_terminal_say_it_in_the_same_words(tmp_path, record, hits, held):
    names = ("summary.json", "report.md", "index.html", "table.txt", "result.json")
    stated = {"published": PUBLISHED, "published_accuracy": STATED, "records": [record(hits)]}
    write.write([str(tmp_path / name) for name in names], current=REAL, gate=ASKED, **stated)
    said = gate.line(row(hits, 1000), ASKED)
    assert said.startswith(f"gate {held}: top-1 ")
    assert f"\n- {said}\n" in (tmp_path / "report.md").read_text()
    assert said in (tmp_path / "table.txt").read_text().splitlines()
    write.write([str(tmp_path / name) for name in names], current=REAL, gate=None, **stated)
    assert "gate held" not in (tmp_path / "report.md").read_text() + (tmp_path / "table.txt").read_text()


def asked_of(tmp_path, text, typed):
    """The gate of a request for a model file with this text."""
    (tmp_path / "my.toml").write_text(text)
    given = {"chip": "cpu", "model": str(tmp_path / "my.toml"), "min_top1": typed, "out": str(tmp_path)}
    return accuracy.gate_of(tasks.kinds.resolve(given).request)


def test_published_is_the_model_files_accuracy_less_its_tolerance(tmp_path):
    assert json.loads(json.dumps(asked_of(tmp_path, MODEL, "published"))) == ASKED
    other = MODEL.replace("tolerance_pct = 0.5 ", "tolerance_pct = 0.3 ")
    assert asked_of(tmp_path, other, "published")["min_top1_pct"] == 69.22
    # as fractions of two they differ by a hair more
    assert asked_of(tmp_path, other.replace("69.52", "60.02"), "published")["min_top1_pct"] == 59.72
    without = "".join(line for line in MODEL.splitlines(True) if "tolerance_pct" not in line)
    assert asked_of(tmp_path, without, "published") == ASKED
    assert asked_of(tmp_path, MODEL.replace("69.52", "0.2"), "published")["min_top1_pct"] == 0.0
    assert asked_of(tmp_path, MODEL, "69.5") == {"min_top1_pct": 69.5, "asked": "69.5"}
    assert asked_of(tmp_path, MODEL, None) is None


def test_a_model_without_a_published_accuracy_is_named(tmp_path):
    with pytest.raises(BuildError, match="^--min-top1=published: the model file of mobilenet_v1 states no"):
        asked_of(tmp_path, MODEL.partition("[published]")[0], "published")
