"""bench, what it does instead, and compare, as typed: the sample on the CPU, timed at length."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from inv import BOOT, ROOT, environment, inv, rows
from seeds import ONE_DEVICE, prepared

from pipeline.errors import GATE_MISSED

pytestmark = pytest.mark.slow  # together: dozens of cells that are timed

WORDS = ("--chip=cpu", ONE_DEVICE)


def at_length(out, *words):
    """What `inv WORDS --out=OUT` printed; tests/inv.py would ask for --quick."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", BOOT, str(ROOT), *words, f"--out={out}"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    out = prepared(tmp_path_factory, tmp_path_factory.mktemp("timed") / "out")
    return out, at_length(out, "bench", *WORDS, "--bs=1,64")


def benched(text):
    """Steps of bench that ran, without what the cells have alike."""
    return [line.split()[1].split("/", 4)[4] for line in text.splitlines() if re.match(r"run +bench/", line)]


def edited(out, folder, **more):
    """A copy of the report alone, its throughput rows changed."""
    summary = json.loads((out / "report" / "summary.json").read_text())
    for row in summary["rows"]:
        if row["kind"] == "throughput":
            row |= {key: change(row) for key, change in more.items()}
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


# whatever else this machine did meanwhile
QUIET = {
    "quiet": lambda _: True,
    "noise": lambda _: [],
    "images_per_s_ci95": lambda row: [0.99 * row["images_per_s"], 1.01 * row["images_per_s"]],
}
HALF = {
    "images_per_s": lambda row: row["images_per_s"] / 2,
    "images_per_s_ci95": lambda row: [0.49 * row["images_per_s"], 0.51 * row["images_per_s"]],
}


def test_rounds_of_all_batch_sizes_take_turns_and_the_record_has_them_all(timed):
    out, text = timed
    turns = [name for name in benched(text) if "round" in name]
    assert turns == [f"bs{batch}/full/round-{n}" for n in range(1, 7) for batch in (1, 64)]
    for row in rows(out, "throughput"):
        assert row["rounds"] == 6 and row["queries"] >= 50 and row["window_s"] >= 2.9 and not row["quick"]
        assert row["images_per_s_ci95"][0] < row["images_per_s"] < row["images_per_s_ci95"][1]
        assert row["quiet"] == (not row["noise"]) and 0 < row["core_share"] <= 1


def test_nothing_is_timed_twice(timed):
    out, _ = timed
    words = (*WORDS, "--bs=64", f"--out={out}")
    assert benched(at_length(out, "bench", *WORDS, "--bs=64")) == []
    # the record is made once more, since it tells of the inference that is now there
    assert benched(inv("all", *words).out) == ["bs64/record"]
    assert inv("all", *words).out.startswith("nothing to do")
    assert benched(inv("bench", *words).out) == []  # a quick question, answered by the full cell


def test_a_build_beside_a_copy_of_itself_is_not_slower(timed, tmp_path):
    a, b = edited(timed[0], tmp_path / "a", **QUIET), edited(timed[0], tmp_path / "b", **QUIET)
    assert "held" in inv("compare", a, b, "--max-slow=5").out


def test_a_gate_that_is_missed_says_which_figure_by_how_much_and_how_sure(timed, tmp_path):
    a, b = edited(timed[0], tmp_path / "a", **QUIET), edited(timed[0], tmp_path / "b", **{**QUIET, **HALF})
    answer = inv("compare", a, b, "--max-slow=5", code=GATE_MISSED)
    assert "missed" in answer.out
    assert re.search(
        r"--max-slow=5: throughput .* 50\.00 % of images/s below A, with 95 % certainty", answer.err
    )
    assert " 0.500 " in inv("compare", a, b).out


def test_a_noisy_cell_cannot_be_told_and_misses_its_gate(timed, tmp_path):
    noisy = {"quiet": lambda _: False, "noise": lambda _: ["somebody's work"]}
    a, b = edited(timed[0], tmp_path / "a", **QUIET), edited(timed[0], tmp_path / "b", **noisy)
    assert "cannot tell: noisy in B" in inv("compare", a, b, "--max-slow=5", code=GATE_MISSED).err
    assert "cannot tell: noisy in B" in inv("compare", a, b).out


def test_bench_compares_what_it_has_just_timed_with_another_build(timed, tmp_path):
    shutil.copytree(timed[0], tmp_path / "out")
    reference = edited(timed[0], tmp_path / "a", **QUIET)
    text = at_length(tmp_path / "out", "bench", *WORDS, "--bs=64", f"--compare={reference}")
    assert "B / A" in text and "batch 64" in text and "batch 1 " not in text


def test_a_profile_has_every_layer_once_and_their_shares_are_all_of_it(timed):
    out, _ = timed
    inv("bench", *WORDS, "--bs=64", "--profile", out=out)
    layers = rows(out, "layer")
    ops = [row["op"] for row in layers]
    assert ops.count("Conv") == 27 and ops.count("Gemm") == 1
    assert sum(row["share_pct"] for row in layers) == pytest.approx(100)
    assert all((row["macs"] > 0) == (row["op"] in ("Conv", "Gemm")) for row in layers)
    assert len({row["layer"] for row in layers}) == len(layers)


def test_tuning_ends_with_the_line_for_the_chip_file(timed):
    text = inv("bench", "--chip=cpu", "--bs=64", "--tune", out=timed[0]).out
    last = text.splitlines()[-1]
    assert re.fullmatch(r"cores_per_device = \d+", last) or last.startswith("the machine was not quiet")
