"""A round of a benchmark: a fresh process a device, all at once, and what happens when one of them dies."""

import json
import multiprocessing
import os
import signal
import threading
import time

import numpy as np
import pytest

from infer.bench import measure, rounds, timed
from infer.bench.timed import Job
from pipeline.errors import StepError


@pytest.mark.parametrize("shape, dtype", [((2, 4, 4, 3), "uint8"), ((2, 3, 4, 4), "float32")])
def test_the_input_is_fixed_and_no_zeros(shape, dtype):
    first = timed.images(shape, dtype)
    np.testing.assert_array_equal(first, timed.images(shape, dtype))
    assert first.dtype == dtype and first.std() > 0.5


@pytest.fixture
def model(world, tmp_path):
    path = tmp_path / "bs2.null"
    path.write_text(json.dumps({"batch": 2, "input": "uint8", "resolution": 4, "outputs": 3}))
    return str(path)


def words(devices, **more):
    return {
        "backend": "null",
        "batch": 2,
        "shape": [4, 4, 3],
        "dtype": "uint8",
        "devices": devices,
        "cores": [[] for _ in devices],
        "seconds": 0.05,
        "queries": 9,
        **more,
    }


def test_a_round_is_of_all_devices_in_the_order_asked_for(model, tmp_path):
    path = str(tmp_path / "round.json")
    measure.write((path,), model=model, **words(["1", "0"]))
    (one,) = rounds.read([path])
    assert [device["device"] for device in one["devices"]] == ["1", "0"]
    assert all(len(device["queries"]) >= 5 and device["warmup"] >= 3 for device in one["devices"])
    assert all(device["load_s"] > 0 and device["first_query_ms"] > 0 for device in one["devices"])
    assert one["events"] == [] and rounds.images_per_s(one, 2) > 0
    # all devices had warmed up before the first one was timed
    begins = [device["queries"][0][0] for device in one["devices"]]
    assert max(begins) < min(device["queries"][-1][1] for device in one["devices"])


def test_a_round_is_as_long_as_asked_for_in_seconds_and_in_queries(model, tmp_path):
    path = str(tmp_path / "round.json")
    for seconds, queries in ((0.3, 1), (0.0, 40)):
        measure.write((path,), model=model, **words(["0"], seconds=seconds, queries=queries))
        (device,) = rounds.read([path])[0]["devices"]
        assert device["queries"][-1][1] - device["queries"][0][0] >= seconds
        assert len(device["queries"]) >= queries


def test_a_device_that_cannot_run_the_model_is_an_error_not_a_smaller_sum(model, tmp_path):
    with pytest.raises(StepError, match="takes uint8"):
        measure.write((str(tmp_path / "round.json"),), model=model, **words(["0"], batch=3))
    assert not (tmp_path / "round.json").exists()


def kill_one_beside(spare):
    """Kill the first process of a device that is none of `spare`, while it works."""
    stop = time.monotonic() + 60
    while time.monotonic() < stop:
        for child in multiprocessing.active_children():
            if child.pid not in spare:
                time.sleep(0.3)
                os.kill(child.pid, signal.SIGKILL)
                return


def test_a_device_whose_process_is_killed_is_named_and_the_round_measured_again(model):
    spare = {child.pid for child in multiprocessing.active_children()}
    killer = threading.Thread(target=kill_one_beside, args=(spare,))
    killer.start()
    one = measure.of([Job("null", model, n, (), (2, 4, 4, 3), "uint8", 1.0, 9) for n in "01"])
    killer.join()
    assert len(one["devices"]) == 2
    (event,) = one["events"]
    assert event in [
        f"the process of device {n} was ended by signal 9; the round was measured again" for n in "01"
    ]


def test_quiet_rounds_are_not_measured_again_and_noisy_ones_are_all(model, tmp_path):
    again = str(tmp_path / "again.json")
    for foreign, expected in (([], 0), (["somebody else's work"], 2)):
        path = str(tmp_path / f"{expected}.json")
        measure.write((path,), model=model, **words(["0"]))
        (one,) = rounds.read([path])
        devices = [{**device, "queries": [(0.0, 1.0)], "cpu_s": 1.0} for device in one["devices"]]
        rounds.write(path, [{**one, "foreign": foreign, "devices": devices}] * 2)
        measure.again((again,), rounds=[path], model=model, **words(["0"]))
        assert len(rounds.read([again])) == expected
