"""`inv all --chip=310P3` on a simulated server with two devices: every batch size, both inputs, both builds
of aclruntime.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from inv import parts, rows, stacked, tree

sys.path.append(str(Path(__file__).parent / "ascend"))
import server as servers
from server import BATCHES, LIMITED, VARIANTS

# what it looks at takes two minutes to build
pytestmark = pytest.mark.slow

LOGITS = "sample-*/310P3/fp16-uint8/**/bs16/logits-*.npy"
HALF = 0.12  # of logits between -10 and 20: what half precision may change; the network's own is below 0.02


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return servers.built(tmp_path_factory)


@pytest.fixture(params=VARIANTS, ids="-".join)
def variant(request, made):
    return (*request.param, made[1][request.param])


@pytest.fixture
def server(made, tmp_path):
    """A machine of its own with a copy of all that was built."""
    return servers.copied(made[0], tmp_path / "server")


def of_kind(built, kind):
    return [row for row in built.rows if row["kind"] == kind]


def test_all_six_batch_sizes_pass_on_two_devices(variant):
    flavour, form, built = variant
    if VARIANTS[flavour, form] == "all":
        assert sorted(row["batch"] for row in of_kind(built, "throughput")) == list(BATCHES)
        assert all(
            row["devices"] == ["0", "1"] and row["images_per_s"] > 0 for row in of_kind(built, "throughput")
        )
    assert sorted(row["batch"] for row in of_kind(built, "agreement")) == list(BATCHES)
    assert all(row["same_top1_pct"] == 100 for row in of_kind(built, "agreement"))
    (accuracy,) = of_kind(built, "accuracy")
    assert accuracy["images"] == (320 if form == "uint8" else LIMITED) and accuracy["missing"] == 0
    assert accuracy["top1_pct"] >= 90 and accuracy["precision"] == "fp16"


def test_top1_is_the_cpus_within_half_precision(made, variant):
    _, form, built = variant
    _, _, cpu = made
    assert len(built.logits) == (320 if form == "uint8" else LIMITED) and built.logits.keys() <= cpu.keys()
    for name, logits in built.logits.items():
        np.testing.assert_allclose(logits, cpu[name], rtol=0, atol=HALF, err_msg=name)
        second, first = np.sort(cpu[name])[-2:]
        assert first - second <= 0.1 or logits.argmax() == cpu[name].argmax(), name


def test_half_precision_is_what_was_computed(made, variant):
    built, cpu = variant[2], made[2]
    assert any((logits != cpu[name]).any() for name, logits in built.logits.items())


def test_every_process_opens_its_own_device_alone_and_never_ends_acl(variant):
    built = variant[2]
    devices: dict[int, set[int]] = {}
    for event in built.events:
        if event["event"] == "open":
            devices.setdefault(event["pid"], set()).add(event["device"])
    assert all(len(opened) == 1 for opened in devices.values())
    assert set.union(*devices.values()) == {0, 1}
    assert not {"finalize", "undefined", "out-of-memory", "refused"} & {
        event["event"] for event in built.events
    }


def test_models_are_freed_before_the_next_is_opened(variant):
    held: dict[int, int] = {}
    for event in variant[2].events:
        if event["event"] in ("open", "free"):
            held[event["pid"]] = held.get(event["pid"], 0) + (1 if event["event"] == "open" else -1)
            assert held[event["pid"]] <= 1


def test_the_command_lines_of_atc_are_these(made, variant):
    flavour, form, built = variant
    called = [event for event in built.events if event["event"] == "atc"]
    aipp = ["--insert_op_conf=WORK/aipp.cfg"] if form == "uint8" else []
    precision = "--precision_mode=force_fp16" if flavour == "tools" else "--precision_mode_v2=fp16"
    cache = made[0].folder / "machine" / "cache"
    wanted = [
        [
            "--framework=5",
            "--model=WORK/model.onnx",
            "--output=WORK/model",
            "--soc_version=Ascend310P3",
            "--input_format=NCHW",
            f"--input_shape=image:{batch},3,128,128",
            *aipp,
            precision,
            "--log=error",
            "--op_compiler_cache_mode=enable",
            f"--op_compiler_cache_dir={cache}",
        ]
        for batch in BATCHES
    ]
    said = [
        [re.sub(r"/py[\d.]+-[0-9a-f]{8}$", "", word.replace(event["cwd"], "WORK")) for word in event["argv"]]
        for event in called
    ]
    assert sorted(said) == sorted(wanted)
    assert len({event["cwd"] for event in called}) == len(BATCHES)


def test_both_inputs_predict_the_same(made):
    for flavour in servers.PROFILES:
        bytes_, numbers = made[1][flavour, "uint8"].logits, made[1][flavour, "float32"].logits
        for name, logits in numbers.items():
            assert logits.argmax() == bytes_[name].argmax(), name
            np.testing.assert_allclose(logits, bytes_[name], rtol=0, atol=HALF)


def test_a_last_batch_that_is_not_full_changes_nothing_at_any_batch_size(variant):
    _, form, built = variant
    assert sorted(built.agreement) == list(BATCHES)
    ones = built.agreement[1]
    assert len(ones) == (256 if form == "uint8" else LIMITED)
    for batch, logits in built.agreement.items():
        np.testing.assert_array_equal(
            np.argsort(-logits, axis=1, kind="stable")[:, :5],
            np.argsort(-ones, axis=1, kind="stable")[:, :5],
            err_msg=f"batch {batch}",
        )


def test_both_builds_of_aclruntime_tell_the_same_throughput(made):
    def speeds(flavour, form):
        rows = of_kind(made[1][flavour, form], "throughput")
        return [row["compute_images_per_s"] for row in sorted(rows, key=lambda row: row["batch"])]

    np.testing.assert_allclose(speeds("tools", "uint8"), speeds("ait", "float32"), rtol=0.02)


def test_models_are_for_the_owner_and_the_group_to_read_whatever_the_umask(variant):
    assert [oct(mode) for mode in variant[2].modes] == ["0o100640"] * len(BATCHES)


def test_a_second_build_with_the_chip_found_runs_nothing(server):
    answer = server.inv("all", "--chip=auto", "--input=float32", f"--limit={LIMITED}")
    assert set(answer.ran) <= {"report"}  # the last request was another
    assert server.events("atc", "open") == []


def test_without_cann_it_stops_at_once_and_touches_nothing(server):
    server.install(without=("atc", "toolkit", "aclruntime", "npu-smi"))
    before = tree(server.out, but=())
    answer = server.inv("all", "--chip=310P3", code=2)
    assert answer.out == ""
    (line,) = answer.err.splitlines()
    assert (
        line.startswith("inv: atc: not on PATH, needed to compile for 310P3. Source set_env.sh")
        and "--chip=cpu" in line
    )
    assert tree(server.out, but=()) == before


@pytest.mark.parametrize("how", ["kill", "abort"])
def test_a_crash_of_one_devices_process_loses_no_image(server, made, how):
    server.install(
        profile="cann8", inventory="300I_Duo", faults=[{"kind": "crash", "device": 1, "run": 2, "how": how}]
    )
    wanted = stacked(server.out, LOGITS)
    for path in server.out.glob(LOGITS):
        path.unlink()
    answer = server.inv("eval", "--chip=310P3", "--bs=16")
    assert [event["device"] for event in server.events("crash")] == [1]
    (row,) = [
        row
        for row in rows(server.out, "pipeline")
        if row["stage"] == "infer" and row["chip"] == "310P3" and row["input"] == "uint8"
    ]
    assert row["images"] == 320 and row["retried"] == 1
    assert "its process on device 1 died; trying once more" in answer.out + answer.err
    assert "1 of the steps ran a second time" in (server.out / "report" / "report.md").read_text()
    np.testing.assert_array_equal(stacked(server.out, LOGITS), wanted)
    stamps = [json.loads(path.read_text())["made"] for path in server.out.glob(LOGITS + ".stamp")]
    crashed = [stamp for stamp in stamps if "crashed_on" in stamp]
    assert [(stamp["crashed_on"], stamp["slot"]) for stamp in crashed] == [("1", "device 0")]


def test_a_second_crash_fails_the_step_and_the_rest_stays(server):
    (lost,) = server.out.glob("sample-*/310P3/fp16-uint8/**/bs16/logits-00003.npy")
    lost.unlink()
    before = servers.artifacts(server.out)
    server.install(profile="cann8", inventory="300I_Duo", faults=[{"kind": "crash", "run": 1, "times": 2}])
    answer = server.inv("eval", "--chip=310P3", code=1)
    assert sorted(event["device"] for event in server.events("crash")) == [0, 1]
    assert "bs16/00003" in answer.err and "died twice" in answer.err
    assert servers.artifacts(server.out) == before and not parts(server.out)
    assert server.inv("eval", "--chip=310P3").ran[0].endswith("bs16/00003")


def test_visible_devices_and_the_devices_asked_for_are_the_ones_opened(server):
    server.inv("bench", "--chip=310P3", "--bs=1", ASCEND_RT_VISIBLE_DEVICES="1")
    assert {(event["device"], event["logic"]) for event in server.events("open")} == {(0, 1)}
    before = len(server.events())
    answer = server.inv("bench", "--chip=310P3", "--bs=1", "--devices=1")
    assert {
        (event["device"], event["logic"]) for event in server.events()[before:] if event["event"] == "open"
    } == {(1, 1)}
    assert len(answer.ran) >= 1
    answer = server.inv("bench", "--chip=310P3", "--bs=1", "--devices=2", code=2)
    assert "310P3 has no device 2; there are: 0, 1" in answer.err
