"""Throughput over the window in which all devices worked; latency that was measured."""

import json
import multiprocessing
import os
import signal
import threading
import time

import numpy as np
import pytest

from infer import bench
from pipeline.errors import StepError


def device(times, warmup=3, compute_ms=()):
    return bench.DeviceTimes("0", warmup, times, list(compute_ms))


def queries(begin, seconds, count):
    return [(begin + n * seconds, begin + (n + 1) * seconds) for n in range(count)]


def test_one_device_does_what_it_does():
    columns = bench.figures([device(queries(0, 0.5, 10))], batch=8)
    assert (
        columns["images_per_s"] == pytest.approx(16)
        and columns["rounds"] == 10
        and columns["window_s"] == pytest.approx(5)
    )
    assert columns["latency_ms_p50"] == pytest.approx(500)


def test_devices_count_in_the_time_when_all_worked_and_a_query_half_inside_by_half():
    columns = bench.figures([device(queries(0, 1, 10)), device(queries(4.5, 1, 10))], batch=2)
    assert columns["window_s"] == pytest.approx(5.5)
    assert columns["images_per_s"] == pytest.approx(4)


def test_devices_that_never_worked_together_are_an_error():
    with pytest.raises(StepError, match="never at work together"):
        bench.figures([device(queries(0, 1, 2)), device(queries(5, 1, 2))], batch=2)


def test_the_devices_own_clock_is_a_figure_of_its_own():
    assert "compute_images_per_s" not in bench.figures([device(queries(0, 1, 3))], 4)
    assert bench.figures([device(queries(0, 1, 3), compute_ms=[2.0, 2.0, 2.0])], 4)[
        "compute_images_per_s"
    ] == pytest.approx(2000)


def test_a_percentile_is_a_value_that_was_measured():
    values = [float(n) for n in range(1, 101)]
    assert [bench.percentile(values, p) for p in (50, 90, 99)] == [50, 90, 99]
    assert bench.percentile([7.0], 99) == 7.0


def test_the_input_is_fixed_and_no_zeros():
    for shape, dtype in (((2, 4, 4, 3), "uint8"), ((2, 3, 4, 4), "float32")):
        first = bench.images(shape, dtype)
        np.testing.assert_array_equal(first, bench.images(shape, dtype))
        assert first.dtype == dtype and first.std() > 0.5


@pytest.fixture
def model(world, tmp_path):
    path = tmp_path / "bs2.null"
    path.write_text(json.dumps({"batch": 2, "input": "uint8", "resolution": 4, "outputs": 3}))
    return str(path)


def measure(model, tmp_path, devices, **more):
    words = {
        "row": {"model": "m"},
        "backend": "null",
        "batch": 2,
        "shape": [4, 4, 3],
        "dtype": "uint8",
        "devices": devices,
        "cores": [[] for _ in devices],
        **more,
    }
    bench.write((str(tmp_path / "throughput.json"),), model=model, **words)
    return json.loads((tmp_path / "throughput.json").read_text())


def test_a_record_is_one_flat_row_with_what_was_measured(model, tmp_path):
    record = measure(model, tmp_path, ["0", "1"])
    assert {"model": "m", "kind": "throughput", "batch": 2, "devices": ["0", "1"]}.items() <= record.items()
    assert record["images_per_s"] > 0 and record["warmup"] >= 6 and record["rounds"] >= 20
    assert 0 < record["latency_ms_p50"] <= record["latency_ms_p90"] <= record["latency_ms_p99"]
    assert "copies included" in record["measures"]


def test_a_device_that_cannot_run_the_model_is_an_error_not_a_smaller_sum(model, tmp_path):
    with pytest.raises(StepError):
        measure(model, tmp_path, ["0"], batch=3)
    assert not (tmp_path / "throughput.json").exists()


def test_a_device_whose_process_is_killed_is_timed_once_more_with_all_others(model, tmp_path, capsys):
    spare = {child.pid for child in multiprocessing.active_children()}

    def kill_one():
        while not (others := [c for c in multiprocessing.active_children() if c.pid not in spare]):
            time.sleep(0.01)
        time.sleep(0.3)
        os.kill(others[0].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    record = measure(model, tmp_path, ["0", "1"])
    killer.join()
    assert record["devices"] == ["0", "1"] and record["images_per_s"] > 0
    assert "ended with -9: timing once more" in capsys.readouterr().out
