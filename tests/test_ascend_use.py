"""Who else has the boards open, and what they take: as npu-smi prints it, and in a benchmark's record."""

import json
import sys
from pathlib import Path

import pytest
from inv import rows
from seeds import exported
from test_ascend_npu_smi import A3, A3_IDS, A5, B4, DUO, HBM, HBM_IDS, REFERENCE, says

from backends import ascend
from backends.ascend import npu_smi

sys.path.append(str(Path(__file__).parent / "ascend"))
import world
from server import Server

__all__ = ["says"]  # a fixture
PROCESSES = """
+-------------------------------+-----------------+------------------------------------------------------+
| NPU     Chip                  | Process id      | Process name             | Process memory(MB)        |
+===============================+=================+======================================================+
| 0       0                     | 4121            | python3                  | 1200                      |
| 1       0                     | 4121            | python3                  | 1200                      |
| 1       0                     | 4122            | ascend_service           | 98                        |
+===============================+=================+======================================================+
"""
PYTHON, SERVICE = "python3, process 4121", "ascend_service, process 4122"


def test_programs_on_the_devices_asked_for_are_told_once_each(says):
    says(info=REFERENCE + PROCESSES)
    assert ascend.foreign(["0"]) == [f"another program has device 0 open: {PYTHON}"]
    assert ascend.foreign(["0", "1"]) == [
        f"another program has devices 0, 1 open: {PYTHON}",
        f"another program has device 1 open: {SERVICE}",
    ]


def test_under_a_mask_devices_are_counted_as_acl_counts_them(says, monkeypatch):
    says(info=REFERENCE.replace("15.8", "15.4", 1) + PROCESSES)
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "1")
    assert ascend.foreign(["0"])[1] == f"another program has device 0 open: {SERVICE}"
    assert ascend.power_w(["0"]) == 15.8
    assert ascend.foreign(["1"]) == [] and ascend.power_w(["1"]) is None


def test_a_chip_is_named_by_its_card_and_its_place_on_it(says):
    says(info=DUO)
    assert ascend.foreign(["0"]) == ["another program has device 0 open: OK, process 4121"]
    assert ascend.foreign(["1"]) == []  # neither that of chip 0, nor the row of a card that is not there


def test_logical_ids_of_the_mapping_are_as_good(says):
    table = PROCESSES.replace("| 1       0", "| 5       0")
    says(info=HBM + table, **{"info_-m": HBM_IDS})
    assert ascend.foreign(["1"])[1] == f"another program has device 1 open: {SERVICE}"
    assert ascend.power_w(["0", "1"]) == pytest.approx(184.2)


def test_nothing_runs_where_the_table_says_so_or_is_not_printed(says):
    for more in ("", "| NPU Chip | Process id | Process name |\n| No running processes found in NPU 0 |\n"):
        says(info=REFERENCE + more)
        assert ascend.foreign(["0", "1"]) == []


@pytest.mark.parametrize(
    ("texts", "devices", "watts"),
    [
        ({"info": REFERENCE}, ["0", "1"], 31.6),
        ({"info": REFERENCE}, ["1"], 15.8),
        ({"info": B4}, ["0"], 8.1),
        ({"info": A5}, ["0"], 100.0),
        ({"info": DUO}, ["0", "1"], None),
        ({"info": REFERENCE.replace("15.8", "NA  ", 1)}, ["0", "1"], None),
        ({"info": REFERENCE.replace("15.8", "NA  ", 1)}, ["1"], 15.8),
        ({"info": A3, "info_-m": A3_IDS}, ["0", "1"], 168.2),
        ({"info": A3, "info_-m": A3_IDS}, ["1"], None),
        ({"info": REFERENCE}, ["2"], None),
    ],
    ids=["two", "one", "310B4", "950", "NA", "one NA", "the other", "two dies", "the second die", "none"],
)
def test_power_is_of_all_the_devices_or_not_known(says, texts, devices, watts):
    says(**texts)
    assert ascend.power_w(devices) == (pytest.approx(watts) if watts else None)


def test_an_npu_smi_that_fails_hangs_or_is_not_there_tells_nothing(says, monkeypatch):
    monkeypatch.setattr(npu_smi, "TIMEOUT_S", 0.5)
    for how in (
        {"exit_code": 187, "info": "dcmi module initialize failed. ret is -8005\n"},
        {"seconds": 100, "info": REFERENCE},
        {"info": "| 0 310P3 |\n"},
        {},
    ):
        says(**how)
        assert ascend.foreign(["0"]) == [] and ascend.power_w(["0"]) is None
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert ascend.foreign(["0"]) == [] and ascend.power_w(["0"]) is None


def inventory(name, **chip):
    """An inventory of the simulator whose chips have these cells."""
    told = json.loads((Path(world.__file__).parent / f"inventories/{name}.json").read_text())
    for board in told["boards"]:
        board["chips"] = [{**each, **chip} for each in board["chips"]]
    return told


def test_a_benchmark_beside_another_program_is_noisy_and_knows_what_an_image_took(tmp_path, tmp_path_factory):
    server = Server(tmp_path / "server", inventory=inventory("processes", power="15.8"))
    exported(tmp_path_factory, server.out)
    answer = server.inv("bench", "--chip=310P3", "--bs=1", "--quick")
    (row,) = rows(server.out, "throughput")
    assert not row["quiet"]
    assert row["noise"][:2] == [f"another program has device 0 open: {one}" for one in (PYTHON, SERVICE)]
    assert row["noise"][0] in answer.out
    # joules are watts by images a second, whatever these were
    assert row["energy_j_per_image"] * row["images_per_s"] == pytest.approx(15.8, rel=1e-3)


def test_a_board_that_nobody_uses_and_that_tells_no_power_is_no_noise_and_no_energy(
    tmp_path, tmp_path_factory
):
    server = Server(tmp_path / "server", inventory=inventory("310P3"))
    exported(tmp_path_factory, server.out)
    server.inv("bench", "--chip=310P3", "--bs=1", "--quick")
    (row,) = rows(server.out, "throughput")
    assert row["energy_j_per_image"] is None
    assert not [line for line in row["noise"] if "another program has" in line]
