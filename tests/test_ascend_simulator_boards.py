"""The simulated npu-smi, held against the contract: tables, lists, exit statuses."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
import world
from machine import Machine


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def smi(machine, inventory, *argv):
    machine.install(inventory=inventory)
    done = machine.run("npu-smi", *argv)
    return done.returncode, done.stdout


def test_the_reference_scripts_table_is_printed_as_in_its_readme(machine):
    _, text = smi(machine, "reference_310P3x2", "info")
    assert (
        "| 0       310P3     | OK              | 15.8         42                0    / 0              |\n"
        in text
    )
    assert "+-------------------|-----------------|---" in text


@pytest.mark.parametrize(
    ("inventory", "line"),
    [
        (
            "310P3",
            (
                "| 6       310P3                 | OK              | NA           50                0     / 0"
                "             |"
            ),
        ),
        (
            "310P3",
            (
                "| 0       0                     | 0000:84:00.0    | 0            1839 / 21525               "
                "             |"
            ),
        ),
        (
            "310B4",
            (
                "| 0       0                     | NA              | 0            NA   / 15609               "
                "             |"
            ),
        ),
        (
            "910B4",
            (
                "| 0                         | 0000:01:00.0  | 0           0    / 0          46536/ 65536    "
                "     |"
            ),
        ),
        (
            "A3",
            (
                "| 0     Ascend910           | OK            | -           38                0    / 0        "
                "     |"
            ),
        ),
        (
            "health_alarm",
            (
                "| 0       310P3                 | Alarm           | NA           50                0     / 0"
                "             |"
            ),
        ),
    ],
)
def test_tables_have_the_layout_of_their_boards(machine, inventory, line):
    status, text = smi(machine, inventory, "info")
    assert status == 0 and line in text.splitlines()


def test_the_mapping_tells_logical_ids(machine):
    rows = [line.split() for line in smi(machine, "300I_Duo", "info", "-m")[1].splitlines()]
    assert rows[1:] == [
        ["1", "0", "0", "Ascend", "310P3"],
        ["1", "1", "1", "Ascend", "310P3"],
        ["1", "2", "-", "Mcu"],
    ]
    assert (
        "Chip Phy-ID" in smi(machine, "A3", "info", "-m")[1]
        and "MiniD" in smi(machine, "310", "info", "-m")[1]
    )


def test_the_board_query_tells_an_a3_by_its_npu_name(machine):
    _, text = smi(machine, "A3", "info", "-t", "board", "-i", "0", "-c", "1")
    assert (
        re.search(r"NPU Name\s+: 9392", text)
        and re.search(r"Chip Name\s+: Ascend910", text)
        and "Chip Type" not in text
    )


@pytest.mark.parametrize(
    ("inventory", "argv", "status", "text"),
    [
        ("no_card", ["info"], 0, "There is no NPU card on this server."),
        ("dcmi_8005", ["info"], 187, "ret is -8005"),
        ("dcmi_8005", ["-v"], 187, "ret is -8005"),
        ("dcmi_8020", ["info"], 172, "ret is -8020"),
        ("310P3", ["look"], 211, "not found"),
        ("310P3", ["info", "-t", "board"], 215, "This command must input card id."),
        ("310P3", ["info", "-z", "1"], 215, "Error parameter of -z"),
        ("310P3", ["info", "-t", "board", "-i", "0"], 215, "Invalid card id."),
        ("310P3", ["info", "-t", "power", "-i", "6", "-c", "0"], 217, "support"),
        ("310P3", ["info", "-t", "power", "-i", "6"], 0, "Power Dissipation(W)"),
        ("910B4", ["info", "-t", "power", "-i", "2"], 0, "NPU Real-time Power(W)"),
        ("310", ["info", "-l"], 0, "Card Count"),
        ("310P3", ["info", "-l"], 0, "Total Count"),
        ("processes", ["info"], 0, "ascend_service"),
        ("incomplete_driver", ["info"], 0, "+\n[WARNING]The driver package may not be completely installed"),
    ],
)
def test_npu_smi_answers_on_stdout_with_its_exit_codes(machine, inventory, argv, status, text):
    found = smi(machine, inventory, *argv)
    assert found[0] == status and text in found[1]


def test_npu_smi_can_hang_and_ignores_visible_devices(machine):
    machine.install(inventory="310P3x2")
    assert "| 3       310P3" in machine.run("npu-smi", "info", ASCEND_RT_VISIBLE_DEVICES="0").stdout
    machine.install(inventory="hang")
    with pytest.raises(subprocess.TimeoutExpired):
        machine.run("npu-smi", "info", timeout=1)


def test_every_inventory_is_sound():
    for path in (world.HERE / "inventories").glob("*.json"):
        told = json.loads(path.read_text())
        ids = [chip["logic"] for board in told["boards"] for chip in board["chips"]]
        assert ids == list(range(len(ids))) and told["layout"] in ("reference", "plain", "hbm", "a3")
        assert told["soc"].startswith("Ascend")
