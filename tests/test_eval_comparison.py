"""Two builds beside each other: which rows are of one thing, images whose answer flipped, and what a limit
makes of an interval.
"""

import json
import math

import pytest
from eval_rows import REAL, judged, timed
from hypothesis import given
from hypothesis import strategies as st

from eval import answers_csv
from eval.comparison import paired, runs, text, verdicts
from eval.comparison.paired import Answer
from eval.comparison.runs import Run
from eval.comparison.verdicts import Limits
from pipeline.errors import BuildError

PIXELS = {"pixels": "exact", "preset": "seed", "on_bad": "fail"}


def run(*rows, out=None, path="x"):
    return Run(path, tuple(rows), out)


def speed(value, half=1.0, **more):
    return timed(REAL, 16, value, images_per_s_ci95=[value - half, value + half], **more)


def verdict(a, b, **limits):
    """The only change between two rows."""
    (change,) = verdicts.changes(run(a), run(*[b] if b else []), Limits(**limits))
    return change


def test_a_slowdown_is_judged_by_the_near_end_of_its_interval():
    assert verdict(speed(100), speed(90), slow_pct=5).state == "missed"
    held = verdict(speed(100), speed(97), slow_pct=5)
    assert (held.state, held.words) == ("held", "")
    assert held.loss == pytest.approx(3) and held.interval[0] < 3 < held.interval[1]
    open_ = verdict(speed(100, 4), speed(96, 4), slow_pct=5)  # 4 %, and anything from -1 to 10
    assert (open_.state, open_.words) == ("held", "cannot tell")
    assert verdict(speed(100), speed(110), slow_pct=5).state == "held"


def test_what_is_the_same_passes_whatever_the_limit():
    assert verdict(speed(100, 0), speed(100, 0), slow_pct=0).state == "held"


def test_a_noisy_cell_cannot_be_told_and_misses():
    change = verdict(speed(100), speed(100, quiet=False, noise=["x"]), slow_pct=5)
    assert (change.state, change.words) == ("missed", "cannot tell: noisy in B; CPU seconds an image +0.0 %")
    assert verdict(speed(100, quiet=False, noise=["x"]), speed(100)).state == "not judged"


def test_a_quick_cell_has_no_interval_and_misses():
    quick = {**speed(100), "images_per_s_ci95": None}
    assert verdict(quick, speed(100), slow_pct=5).words == "cannot tell: no interval in A: --quick"


def test_a_row_that_b_lacks_misses_and_one_that_a_lacks_is_not_judged():
    assert verdict(speed(100), None, slow_pct=5).state == "missed"
    assert verdict(speed(100), None).state == "not judged"
    assert verdicts.changes(run(), run(speed(100)), Limits(slow_pct=5)) == []


def test_rows_of_one_thing_are_matched_also_where_the_builds_differ_as_a_whole():
    a = [timed(REAL, batch, 100.0) for batch in (1, 8)]
    b = [timed({**REAL, "chip": "310", "checkpoint": "other-00000000"}, batch, 50.0) for batch in (1, 8)]
    assert [match.b["batch"] for match in runs.matched(a, b)] == [1, 8]
    both = [*b, timed(REAL, 1, 100.0)]  # B has several chips: then the chip tells its rows apart
    assert [match.b and match.b["chip"] for match in runs.matched(a, both)] == ["310P3", None]


def test_a_runtime_tells_builds_apart_or_rows_and_nothing_where_older_records_lack_it():
    ours, theirs = ({**timed(REAL, 1, 100.0), "runtime": name} for name in ("aclruntime", "pyacl"))
    assert [match.b for match in runs.matched([ours], [theirs])] == [theirs]
    assert runs.apart([ours], [theirs])["runtime"] == ("aclruntime", "pyacl")
    assert [match.b for match in runs.matched([ours, theirs], [theirs])] == [None, theirs]
    older = timed(REAL, 1, 90.0)  # before there was another runtime than the chip's first choice
    assert [match.b for match in runs.matched([older], [ours, theirs])] == [ours]
    assert [match.b for match in runs.matched([older], [theirs, ours])] == [ours]
    assert [match.b for match in runs.matched([ours, theirs], [older])] == [older, None]
    half = [ours, timed(REAL, 16, 90.0)]
    assert [match.b for match in runs.matched([older, timed(REAL, 16, 80.0)], half)] == half
    assert "runtime" not in runs.apart([older], [ours])
    assert runs.apart([older], [theirs])["runtime"] == ("not recorded", "pyacl")
    assert [match.b for match in runs.matched([older], [theirs])] == [theirs]


def test_a_runtime_that_tells_the_builds_apart_is_not_in_the_names_of_their_rows():
    ours, theirs = ({**speed(100), "runtime": name} for name in ("aclruntime", "pyacl"))
    assert verdict(ours, theirs).what == "310P3 fp16 uint8, batch 16, 1 device"
    assert verdict(ours, ours).what == "310P3 fp16 uint8 aclruntime, batch 16, 1 device"


def answers(rights, labels=None, wrong=9):
    """{image: answer} with `rights` of True and False."""
    return {f"i{n}": Answer(0, 0 if right else wrong) for n, right in enumerate(rights)}


def test_images_are_paired_by_name_and_flips_are_named():
    a, b = answers([1, 1, 1, 0, 0]), answers([1, 0, 1, 1, 0], wrong=8)
    pair = paired.of({**a, "a alone": Answer(0, 0)}, b)
    assert (pair.images, pair.only_a, pair.only_b, pair.changed) == (5, ("i1",), ("i3",), 1)
    assert pair.drop == 0


@pytest.mark.parametrize(
    "one, other, p",
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (0, 6, 0.03125), (10, 2, 0.038574), (3, 3, 1.0)],
)
def test_mcnemars_exact_test_is_the_binomial_one(one, other, p):
    assert paired.exact_p(one, other) == pytest.approx(p, abs=1e-6)


def test_mcnemars_exact_test_takes_thousands_of_images():
    assert 0 < paired.exact_p(9000, 8800) < 1


@given(st.integers(1, 3000), st.integers(0, 60), st.integers(0, 60))
def test_the_drops_interval_holds_the_drop_and_turns_around(images, one, other):
    images = max(images, one + other)
    pair = paired.Paired(images, ("x",) * one, ("x",) * other, 0)
    low, high = paired.drop_interval(pair)
    assert low <= pair.drop <= high
    back = paired.drop_interval(paired.Paired(images, ("x",) * other, ("x",) * one, 0))
    assert back == pytest.approx((-high, -low))


def test_so_many_images_as_are_needed_would_tell():
    pair = paired.Paired(250, ("x",) * 2, ("x",) * 2, 0)
    needed = paired.images_needed(pair, 0.002)
    many = paired.Paired(needed, ("x",) * round(2 * needed / 250), ("x",) * round(2 * needed / 250), 0)
    assert paired.drop_interval(many)[1] < 0.0023 and math.isfinite(needed)
    assert paired.images_needed(paired.Paired(250, ("x",) * 9, (), 0), 0.002) is None


@pytest.fixture
def builds(tmp_path):
    """builds(name, rights): a build with an accuracy and its answers; its Run."""

    def make(name, rights):
        folder = tmp_path / name / "m-1" / "310P3" / "fp16-uint8" / "data" / "bs16"
        folder.mkdir(parents=True)
        import numpy as np

        labels = np.zeros(len(rights), np.int64)
        first = np.where(rights, 0, 9)
        row = judged({**REAL, **PIXELS}, [0 if right else 7 for right in rights])
        (folder / "accuracy.json").write_text(json.dumps(row))
        names = [f"i{n}" for n in range(len(rights))]
        answers_csv.write(str(folder / "answers.csv"), names, labels, first)
        report = tmp_path / name / "report"
        report.mkdir()
        (report / "summary.json").write_text(json.dumps({"schema": 1, "rows": [row]}))
        return runs.load(str(tmp_path / name))

    return make


def test_a_drop_is_judged_image_by_image(builds):
    a, b = builds("a", [True] * 1000), builds("b", [False] * 30 + [True] * 970)
    (change,) = verdicts.changes(a, b, Limits(drop_pct=1.0))
    assert change.state == "missed" and change.loss == pytest.approx(3.0)
    assert len(change.pair.only_a) == 30
    line = text.sentence(change, Limits(drop_pct=1.0))
    assert line.startswith("--max-drop=1: accuracy 310P3 fp16 uint8, batch 16") and "3.00 points" in line
    (held,) = verdicts.changes(a, a, Limits(drop_pct=0.2))
    assert held.state == "held" and held.words.startswith("cannot tell: 1,000 images, about ")


def test_without_the_answers_the_intervals_of_both_count(builds, tmp_path):
    a, b = builds("a", [True] * 1000), builds("b", [False] * 300 + [True] * 700)
    alone = tmp_path / "alone.json"
    alone.write_text((tmp_path / "b" / "report" / "summary.json").read_text())
    (change,) = verdicts.changes(a, runs.load(str(alone)), Limits(drop_pct=5.0))
    assert change.pair is None and change.state == "missed" and b.out


@pytest.mark.parametrize("content", ["", "[]", '{"rows": 3}', '{"rows": [{"kind": "accuracy"}]}'])
def test_what_is_no_summary_is_one_line(tmp_path, content):
    path = tmp_path / "summary.json"
    path.write_text(content)
    with pytest.raises(BuildError, match=r"not a summary\.json of this version; expected"):
        runs.load(str(path))


@pytest.mark.parametrize(
    "change",
    [
        {"images_per_s": float("nan")},
        {"images_per_s": None},
        {"images_per_s": 0.0},
        {"images_per_s_ci95": [1.0]},
        {"images_per_s_ci95": ["a", "b"]},
        {"devices": None},
        {"cpu_s_per_image": float("inf")},
    ],
)
def test_a_figure_that_is_none_is_refused_and_passes_no_gate(tmp_path, change):
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"schema": 1, "rows": [{**speed(100), **change}]}))
    with pytest.raises(BuildError, match="not a summary.json of this version"):
        runs.load(str(path))


def test_another_schema_is_refused(tmp_path):
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"schema": 9, "rows": [speed(100)]}))
    with pytest.raises(BuildError, match="not a summary.json of this version"):
        runs.load(str(path))


def test_rows_of_another_version_are_read_with_columns_more_and_less(tmp_path):
    figures = ("ece", "nan_rows", "constant_rows")  # absent in those of before 2026-11-26
    older = {name: value for name, value in judged(REAL).items() if name not in figures}
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"schema": 1, "rows": [older, speed(100, news=[1, None])]}))
    assert runs.load(str(path)).rows == (older, speed(100, news=[1, None]))


def test_what_other_kinds_of_rows_say_does_not_keep_rows_apart():
    a = [speed(100), {**speed(1), "kind": "layer", "devices": ["7"], "layer": "x"}]
    b = [{**speed(90), "devices": ["0", "1"]}]
    assert [match.b for match in runs.matched(a, b)] == b
    assert runs.apart(a, b) == {"devices": (",".join(a[0]["devices"]), "0,1")}


def test_a_path_where_nothing_is_is_one_line(tmp_path):
    with pytest.raises(BuildError, match="No such file or directory"):
        runs.load(str(tmp_path / "nowhere"))


def test_what_only_b_has_is_named():
    of = {**REAL, **PIXELS}
    a, b = runs.Run("a", (judged(of),), None), runs.Run("b", (judged(of), timed(of, 4, 9.0)), None)
    assert verdicts.further(a, b) == ["throughput 310P3 fp16 uint8, batch 4, 1 device"]
    assert verdicts.further(b, a) == []
