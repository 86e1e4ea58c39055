"""LoadGen's logs read, and LoadGen itself on the null backend: VALID, or INVALID with its words."""

import json

import numpy as np
import pytest

from infer.mlperf import result
from pipeline.errors import StepError
from preprocess.dataset import index_csv

SUMMARY = """\
================================================
MLPerf Results Summary
================================================
SUT name : PySUT
Scenario : {scenario}
Mode     : PerformanceOnly
{rate}
Result is : {verdict}

================================================
Additional Stats
================================================
Mean latency (ns)               : 20000000
90.00 percentile latency (ns)   : 25555988
99.00 percentile latency (ns)   : 43140691

================================================
Test Parameters Used
================================================
samples_per_query : 8
"""
INVALID = """INVALID
  Min duration satisfied : NO
  Min queries satisfied : Yes
  Early stopping satisfied: Yes
Recommendations:
 * Increase expected QPS so the loadgen pre-generates a larger (coalesced) query."""


def logs(folder, scenario="Offline", rate="Samples per second: 1062.47", verdict="VALID"):
    folder.mkdir(exist_ok=True)
    (folder / result.SUMMARY).write_text(SUMMARY.format(scenario=scenario, rate=rate, verdict=verdict))
    entry = {"key": "result_query_count", "value": 70}
    (folder / result.DETAIL).write_text(f":::MLLOG {json.dumps(entry)}\n")
    return str(folder)


@pytest.mark.parametrize(
    "scenario, rate, samples",
    [
        ("Offline", "Samples per second: 1062.47", 1062.47),
        ("Server", "Completed samples per second    : 98.18", 98.18),
        ("SingleStream", "QPS w/ loadgen overhead         : 68.61", 68.61),
        ("MultiStream", "", 400.0),  # 8 samples in 20 ms
    ],
)
def test_each_scenarios_figures_are_loadgens(tmp_path, scenario, rate, samples):
    read = result.read(logs(tmp_path / "l", scenario, rate), 90)
    assert read == {
        "valid": True,
        "reason": None,
        "latency_ms": pytest.approx(25.555988),
        "samples_per_s": pytest.approx(samples),
        "queries": 70,
    }
    assert result.read(logs(tmp_path / "l", scenario, rate), 99)["latency_ms"] == pytest.approx(43.140691)


def test_an_invalid_run_says_why_in_loadgens_words(tmp_path):
    read = result.read(logs(tmp_path / "l", verdict=INVALID), 90)
    assert not read["valid"]
    assert read["reason"] == (
        "Min duration satisfied : NO Recommendations: Increase expected QPS so the loadgen pre-generates a"
        " larger (coalesced) query."
    )


def accuracy(folder, answers):
    entries = [
        {"seq_id": n, "qsl_idx": n, "data": np.int32(each).tobytes().hex().upper()}
        for n, each in enumerate(answers)
    ]
    (folder / result.ACCURACY).write_text(json.dumps(entries))
    return str(folder)


def test_the_accuracy_log_is_scored_by_labels_with_and_without_background(tmp_path):
    assert result.top1_pct(accuracy(tmp_path, [1, 2, 0, 3]), [1, 2, 3, 3], False) == 75
    assert result.top1_pct(accuracy(tmp_path, [2, 3, 1, 4]), [1, 2, 3, 3], True) == 75


def test_an_accuracy_log_that_lacks_images_is_an_error(tmp_path):
    with pytest.raises(StepError, match="answers 3 of 4 images"):
        result.top1_pct(accuracy(tmp_path, [1, 2, 0]), [1, 2, 3, 3], False)


@pytest.fixture
def null_cell(world, tmp_path):
    """null_cell(scenario, **settings): the record of LoadGen's run over two null devices and 20 images."""
    scenario = pytest.importorskip("infer.mlperf.scenario", reason="the extra loadgen is not installed")
    model, shard, index = tmp_path / "bs4.null", tmp_path / "shard.npy", tmp_path / "index.csv"
    model.write_text(json.dumps({"batch": 4, "input": "uint8", "resolution": 4, "outputs": 10}))
    images = np.zeros((20, 4, 4, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(20)
    np.save(shard, images)
    index_csv.write(
        str(index), [f"i{n}" for n in range(20)], [n % 10 if n < 15 else 0 for n in range(20)], 20
    )

    def test(name, timed=(), **asked):
        out = [tmp_path / each for each in ("loadgen.json", "summary.txt", "detail.txt", "accuracy.json")]
        scenario.write(
            list(map(str, out)),
            model=str(model),
            shards=(str(shard),),
            index=str(index),
            timed=timed,
            row={"model": "m"}
            | dict.fromkeys(("checkpoint", "dataset", "chip", "precision", "input"))
            | {"sample_data": True, "hint": "throughput"},
            background=False,
            backend="null",
            batch=4,
            shape=[4, 4, 3],
            dtype="uint8",
            devices=["0", "1"],
            cores=[[], []],
            asked={
                "scenario": name,
                "settings": "",
                "target_qps": None,
                "target_latency_ms": None,
                "percentile": 90.0,
                "min_queries": 64,
                "min_seconds": 0.2,
                **asked,
            },
        )
        assert all(path.stat().st_size for path in out)
        return json.loads(out[0].read_text())

    return test


@pytest.mark.extra
@pytest.mark.parametrize("name", ["offline", "singlestream", "multistream", "server"])
def test_every_scenario_ends_valid_and_scores_every_image(null_cell, name):
    record = null_cell(name, target_qps=50.0 if name == "server" else None)
    assert record["valid"], record["reason"]
    assert record["top1_pct"] == 75.0  # 15 of 20 labels are what null answers
    assert record["scenario"] == name and record["queries"] >= (1 if name == "offline" else 64)


@pytest.mark.extra
def test_an_expected_rate_that_was_too_low_costs_a_second_run_and_not_the_verdict(null_cell, tmp_path):
    slow = tmp_path / "throughput.json"
    slow.write_text(json.dumps({"quiet": True, "images_per_s": 3.0}))
    record = null_cell("offline", timed=[str(slow)], min_seconds=1.0)
    assert record["valid"], record["reason"]
    assert record["target_qps"] > 10


@pytest.mark.extra
def test_a_run_that_is_too_short_is_shown_as_invalid(null_cell):
    record = null_cell("offline", target_qps=1.0, min_seconds=5.0)
    assert not record["valid"] and "Min duration satisfied : NO" in record["reason"]
