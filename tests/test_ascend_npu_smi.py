"""Chips are read in every layout of npu-smi, and an npu-smi that fails or hangs is an error with its fix."""

import textwrap

import pytest

from backends.ascend import npu_smi
from backends.ascend.npu_smi import Chip
from pipeline.errors import BuildError

REFERENCE = """
+-------------------|-----------------|------------------------------------------------------+
| npu-smi 22.0.2                   Version: 22.0.2                                           |
+-------------------+-----------------+------------------------------------------------------+
| NPU   Name        | Health          | Power(W)   Temp(C)           Hugepages-Usage(page) |
| Chip  Device      | Bus-Id          | AICore(%)  Memory-Usage(MB)                        |
+===================+=================+======================================================+
| 0     310P3       | OK              | 15.8       50                0    / 0               |
| 0     0           | 0000:84:00.0    | 0          1839 / 21525                            |
+===================+=================+======================================================+
| 1     310P3       | OK              | 15.8       50                0    / 0               |
| 0     1           | 0000:85:00.0    | 0          1839 / 21525                            |
+===================+=================+======================================================+
"""
DUO = """
| NPU     Name                  | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device                | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===============================+=================+======================================================+
| 1       310P3                 | Warning         | NA           50                0     / 0             |
| 0       0                     | 0000:01:00.0    | 0            1839 / 21525                            |
+-------------------------------+-----------------+------------------------------------------------------+
| 1       310P3                 | Alarm           | NA           50                0     / 0             |
| 1       1                     | 0000:01:00.0    | 0            1839 / 21525                            |
+===============================+=================+======================================================+
| NPU     Chip                  | Process id      | Process name             | Process memory(MB)        |
+===============================+=================+======================================================+
| 1       0                     | 4121            | OK                       | 12                        |
| 0       0                     | NA              | x                        | 12                        |
"""
B4 = """
| NPU     Name                  | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device                | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
| 0       310B4                 | Alarm           | 8.1          50                15    / 15            |
| 0       0                     | NA              | 0            NA   / 3513                             |
"""
HBM = """
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
| 2     910B4               | OK            | 92.1        41                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          46536/ 65536         |
| 5     910B4               | OK            | 92.1        41                0    / 0             |
| 0                         | 0000:C2:00.0  | 0           0    / 0          46536/ 65536         |
"""
HBM_IDS = """
NPU ID                         Chip ID                        Chip Logic ID                  Chip Name
2                              0                              0                              Ascend 910B4
2                              1                              -                              Mcu
5                              0                              1                              Ascend 910B4
"""
A3 = """
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip  Phy-ID              | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
| 0     Ascend910           | OK            | 168.2       41                0    / 0             |
| 0     0                   | 0000:9D:00.0  | 0           0    / 0          3435 / 65536         |
| 0     Ascend910           | OK            | -           41                0    / 0             |
| 1     1                   | 0000:9F:00.0  | 0           0    / 0          3435 / 65536         |
"""
A3_IDS = "\n".join(
    "".join(f"{cell:<30} " for cell in row)
    for row in (
        ("NPU ID", "Chip ID", "Chip Logic ID", "Chip Phy-ID", "Chip Name"),
        ("0", "0", "0", "0", "Ascend910"),
        ("0", "1", "1", "1", "Ascend910"),
        ("0", "2", "-", "-", "Mcu"),
    )
)
A3_BOARD = "".join(
    f"\t{key:<30} : {value}\n"
    for key, value in (("NPU ID", 0), ("Chip Name", "Ascend910"), ("NPU Name", 9392))
)
A5 = """
| NPU ID  | Name         | Health  | Power(W)  Temp(C)                       |
| Chip    | Phy-ID       | Bus-Id  | AICore(%)  Memory-Usage(MB)             |
| 3       | Ascend950PR  | OK      | 100.0      40                           |
| 0       | 0            | 0000:9D:00.0 | 0     0  / 0                       |
"""


@pytest.fixture
def says(monkeypatch, tmp_path):
    """Put an npu-smi on PATH that answers with these texts, by its words; it is found by its name and nothing
    else.
    """
    monkeypatch.delenv("ASCEND_RT_VISIBLE_DEVICES", raising=False)

    def install(exit_code=0, seconds=0, **texts):
        lines = ["#!/bin/bash", f"sleep {seconds}", 'case "$*" in']
        for words, text in texts.items():
            (tmp_path / words).write_text(textwrap.dedent(text))
            lines.append(f'"{words.replace("_", " ")}") cat "{tmp_path / words}"; exit {exit_code};;')
        tool = tmp_path / "npu-smi"
        tool.write_text(
            "\n".join([*lines, "esac", "echo 'This device does not support querying this.'", "exit 217", ""])
        )
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return install


BOARD_0 = "info_-t_board_-i_0_-c_0"


def test_two_chips_of_one_card_are_two_devices_and_process_rows_are_none():
    assert npu_smi.parse_table(DUO) == [Chip(1, 0, "310P3", "Warning", 0), Chip(1, 1, "310P3", "Alarm", 1)]


def test_a_chip_of_which_one_row_is_printed_is_the_next_of_its_card():
    lines = DUO.splitlines()
    del lines[lines.index(next(line for line in lines if line.startswith("| 0       0 ")))]
    table = "\n".join(lines).replace("Alarm  ", "OK     ")
    assert npu_smi.parse_table(table) == [
        Chip(1, 0, "310P3", "Warning", None, unread=True),
        Chip(1, 1, "310P3", "OK", 1),
    ]
    last = "\n".join(DUO.splitlines()[:8])
    assert npu_smi.parse_table(last)[1] == Chip(1, 1, "310P3", "Alarm", None, unread=True)


def test_a_chip_of_which_only_the_second_row_is_printed_is_there_and_its_health_is_not():
    rows = REFERENCE.splitlines()
    table = "\n".join(line for line in rows if not line.startswith("| 0     310P3 "))
    assert npu_smi.parse_table(table) == [
        Chip(1, 0, "310P3", "OK", 1),
        Chip(-1, 0, "310P3", "unreadable", 0),
    ]


def test_a_chip_of_one_row_does_not_take_the_second_row_of_the_next():
    rows = REFERENCE.replace("| 1     310P3       | OK ", "| 1     310P3       | Sad").splitlines()
    table = "\n".join(line for line in rows if not line.startswith("| 0     0 "))
    assert [(chip.npu, chip.health, chip.logic) for chip in npu_smi.parse_table(table)] == [
        (0, "OK", None),
        (1, "Sad", 1),
    ]


def test_the_newest_layout_may_leave_the_chips_number_out():
    table = A5.replace("| 0       | 0            |", "|         |              |")
    assert npu_smi.parse_table(table) == npu_smi.parse_table(A5) != []


def test_a_chip_that_only_the_mapping_has_is_unread(says):
    one = "\n".join(HBM.splitlines()[:5])
    says(info=one, **{"info_-m": HBM_IDS})
    assert npu_smi.chips() == [Chip(2, 0, "910B4", "OK", 0), Chip(5, 0, "910B4", "", None, unread=True)]
    says(
        info=HBM,
        **{
            "info_-m": HBM_IDS.replace(
                "0                              1   ", "0                              -1  "
            )
        },
    )
    assert [chip.logic for chip in npu_smi.chips()] == [0, None]


def test_without_logical_ids_anywhere_the_tables_order_is_theirs(says):
    says(
        info=HBM,
        **{
            "info_-m": (
                "NPU ID    Slot ID    Chip ID    Chip Phy-ID    Chip Name\n2   0   0   0   Ascend950PR\n"
            )
        },
    )
    assert [chip.logic for chip in npu_smi.chips()] == [0, 1]


def test_a_table_that_cannot_be_read_is_no_machine_without_boards(says):
    says(info="| NPU  Name | Health |\n| 0    310P3 |\n")
    with pytest.raises(BuildError, match="rows that were not understood, the first: 0    310P3"):
        npu_smi.chips()


def test_a_driver_that_does_not_answer_is_an_error_with_the_fix(says):
    says(
        exit_code=187,
        info="DrvMngGetConsoleLogLevel failed. (ret=4)\ndcmi module initialize failed. ret is -8005\n",
    )
    with pytest.raises(
        BuildError,
        match="-8005: the driver is not loaded, or this user or container may not use it. .*--chip=cpu",
    ):
        npu_smi.chips()


def test_a_hanging_npu_smi_is_ended(says, monkeypatch):
    says(info=REFERENCE, seconds=100)
    monkeypatch.setattr(npu_smi, "TIMEOUT_S", 0.5)
    with pytest.raises(BuildError, match="no answer in"):
        npu_smi.chips()
