"""What rounds amount to: the record's figures, each from times that are given."""

import json
import random
import statistics

import pytest
from timings import device, measured, queries

from eval.interval import of_mean, of_ratio, overlap, t95
from infer.bench import rounds, throughput

ROW = {
    "model": "m",
    "checkpoint": "c-1",
    "dataset": None,
    "chip": "cpu",
    "precision": "fp32",
    "input": "uint8",
    "sample_data": False,
}


def rounds_of(*seconds, count=10):
    """A round a value, each of one device whose queries take so long."""
    return [measured(device(queries(100 * n, each, count))) for n, each in enumerate(seconds)]


def test_images_per_s_is_the_mean_of_the_rounds_with_students_interval():
    columns = throughput.figures(rounds_of(1.0, 0.5, 0.8), 4)
    assert columns["images_per_s"] == pytest.approx((4 + 8 + 5) / 3)
    half = 4.303 * statistics.stdev([4, 8, 5]) / 3**0.5
    assert columns["images_per_s_ci95"] == pytest.approx([17 / 3 - half, 17 / 3 + half])
    assert (columns["rounds"], columns["queries"], columns["warmup"]) == (3, 30, 9)
    assert columns["window_s"] == pytest.approx(23)


def test_a_quick_cell_has_no_interval():
    assert throughput.figures(rounds_of(1.0), 4, quick=True)["images_per_s_ci95"] is None


def test_the_interval_covers_the_mean_of_six_rounds_as_often_as_it_says():
    generator = random.Random(7)
    covered = 0
    for _ in range(2000):
        low, high = of_mean([generator.gauss(100, 3) for _ in range(6)])
        covered += low <= 100 <= high
    assert covered / 2000 >= 0.93


def test_students_points_go_over_into_the_normal_distributions():
    points = [t95(freedom) for freedom in range(1, 200)]
    assert points == sorted(points, reverse=True)
    assert points[59] == pytest.approx(2.0003, abs=1e-3) and points[119] == pytest.approx(1.9799, abs=1e-3)


def test_a_ratio_has_the_intervals_of_both():
    low, high = of_ratio(110.0, (107.0, 113.0), 100.0, (96.0, 104.0))
    relative = ((3 / 110) ** 2 + (4 / 100) ** 2) ** 0.5
    assert (low, high) == pytest.approx((1.1 * (1 - relative), 1.1 * (1 + relative)))
    assert overlap((1, 2), (2, 3)) and not overlap((1, 2), (2.1, 3))


def test_a_percentile_is_a_value_that_was_measured():
    values = [float(n) for n in range(1, 101)]
    assert [throughput.percentile(values, p) for p in (50, 90, 99)] == [50, 90, 99]
    assert throughput.percentile([7.0], 99) == 7.0


def test_the_slowest_hundredth_of_fewer_than_a_thousand_queries_is_no_figure():
    assert throughput.figures(rounds_of(0.01, count=999), 1)["latency_ms_p99"] is None
    assert throughput.figures(rounds_of(0.01, count=1000), 1)["latency_ms_p99"] == pytest.approx(10)


def test_the_devices_own_clock_is_a_figure_of_its_own():
    assert throughput.figures(rounds_of(1.0), 4)["compute_images_per_s"] is None
    both = measured(
        device(queries(0, 1, 3), compute_ms=[2.0, 2.0, 2.0]),
        device(queries(0, 1, 3), "1", compute_ms=[4.0]),
    )
    assert throughput.figures([both], 4)["compute_images_per_s"] == pytest.approx(3000)


def test_cpu_seconds_an_image_and_the_share_of_the_cores_are_over_all_rounds_and_devices():
    one = measured(*(device(queries(0, 1, 4), n, cpu_s=cpu) for n, cpu in (("0", 4.0), ("1", 2.0))))
    columns = throughput.figures([one, one], 3)
    assert columns["cpu_s_per_image"] == pytest.approx(12 / 48)
    assert columns["core_share"] == pytest.approx(0.75)
    assert columns["peak_memory_mb"] == 200.0


def write(tmp_path, again=(), stages=(), **more):
    paths = [str(tmp_path / f"{name}.json") for name in ("round", "again", "out", "latencies")]
    rounds.write(paths[0], rounds_of(1.0, 1.0))
    rounds.write(paths[1], again)
    for n, stage in enumerate(stages):
        (tmp_path / f"stage-{n}.json").write_text(json.dumps(stage))
    throughput.write(
        paths[2:],
        rounds=paths[:1],
        again=paths[1],
        stages=[str(tmp_path / f"stage-{n}.json") for n in range(len(stages))],
        row={**ROW, "batch": 4},
        batch=4,
        devices=["0"],
        hint="throughput",
        quick=False,
        **more,
    )
    return json.loads((tmp_path / "out.json").read_text())


def test_a_record_is_one_flat_row_with_what_was_measured(tmp_path):
    record = write(tmp_path)
    assert {**ROW, "kind": "throughput", "devices": ["0"], "hint": "throughput"}.items() <= record.items()
    assert record["images_per_s"] == pytest.approx(4) and record["quiet"] and record["noise"] == []
    assert record["end_to_end_images_per_s"] is None and "events" not in record


def test_what_was_measured_again_takes_the_place_of_the_noisy_rounds(tmp_path):
    record = write(tmp_path, again=rounds_of(0.5, 0.5, 0.5))
    assert record["images_per_s"] == pytest.approx(8) and record["rounds"] == 3


def test_what_came_end_to_end_is_of_the_same_devices_and_batch(tmp_path):
    stage = {**ROW, "stage": "infer", "batch": 4, "devices": ["0"], "images_per_s": 3.5, "dataset": "d"}
    stage["device_cores"] = 1
    others = [
        {**stage, "devices": ["0", "1"]},
        {**stage, "batch": 1},
        {**stage, "stage": "preprocess"},
        {**stage, "device_cores": 2},  # --hint=latency, whose one device has the same id
        {**stage, "calibration": "0123abcd"},
        {**stage, "runtime": "another"},
    ]
    assert write(tmp_path, stages=[*others, stage])["end_to_end_images_per_s"] == 3.5
    assert write(tmp_path, stages=others)["end_to_end_images_per_s"] is None


def test_a_round_that_was_repeated_is_told_in_the_record(tmp_path):
    record = write(tmp_path, again=[{**one, "events": ["device 1 died"]} for one in rounds_of(1.0)])
    assert record["events"] == ["device 1 died"]


def test_what_was_repeated_in_noise_that_does_not_count_is_told_all_the_same(tmp_path):
    rounds.write(str(tmp_path / "first.json"), [{**one, "events": ["x"]} for one in rounds_of(1.0)])
    rounds.write(str(tmp_path / "again.json"), rounds_of(0.5))
    throughput.write(
        [str(tmp_path / "out.json"), str(tmp_path / "latencies.json")],
        rounds=[str(tmp_path / "first.json")],
        again=str(tmp_path / "again.json"),
        row={**ROW, "batch": 4},
        batch=4,
        devices=["0"],
        hint="throughput",
        quick=False,
    )
    assert json.loads((tmp_path / "out.json").read_text())["events"] == ["x"]


def test_the_latencies_are_those_of_all_devices_and_rounds_by_nearest_rank(tmp_path):
    generator = random.Random(3)
    times = [[generator.expovariate(100) for _ in range(count)] for count in (7, 40, 90, 3)]
    devices = [device(in_turn(each), name) for each, name in zip(times, "0101", strict=True)]
    found = throughput.latencies([measured(*devices[:2]), measured(*devices[2:])])
    pooled = sorted(1000 * each for device in times for each in device)
    # the smallest value that at least so many percent are no larger than
    ranked = [
        next(each for n, each in enumerate(pooled, 1) if 100 * n >= percent * len(pooled))
        for percent in range(101)
    ]
    assert found["percentiles"] == list(range(101)) and found["queries"] == 140
    assert found["latency_ms"] == pytest.approx(ranked, rel=1e-6)


def in_turn(seconds):
    """Queries that take so long, one after the other."""
    ends = [sum(seconds[: n + 1]) for n in range(len(seconds))]
    return list(zip([0.0, *ends], ends, strict=False))


def test_the_latencies_beside_a_record_are_of_the_rounds_that_count(tmp_path):
    for again, longest in ((), 1000), (rounds_of(0.5, 0.25), 500):
        record = write(tmp_path, again=again)
        found = json.loads((tmp_path / "latencies.json").read_text())
        assert found["queries"] == record["queries"] == 20
        assert found["latency_ms"][100] == pytest.approx(longest)
        assert [found["latency_ms"][p] for p in (50, 90)] == [
            record["latency_ms_p50"],
            record["latency_ms_p90"],
        ]
