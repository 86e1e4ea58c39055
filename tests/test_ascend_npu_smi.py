"""Boards are found in every layout of npu-smi, by ACL's ids, and refused where their kind cannot be told."""

import textwrap

import pytest

from backends.ascend import npu_smi
from backends.ascend.npu_smi import Chip
from pipeline.errors import BuildError

SEED = """
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


@pytest.mark.parametrize(
    ("texts", "soc", "devices"),
    [
        ({"info": SEED}, "Ascend310P3", ("0", "1")),
        ({"info": HBM, "info_-m": HBM_IDS}, "Ascend910B4", ("0", "1")),
        ({"info": A3, "info_-m": A3_IDS, BOARD_0: A3_BOARD}, "Ascend910_9392", ("0", "1")),
    ],
    ids=["seed", "hbm", "a3"],
)
def test_the_chip_and_its_ids_are_found(says, texts, soc, devices):
    says(**texts)
    assert npu_smi.board() == npu_smi.Board(soc, devices)


def test_two_chips_of_one_card_are_two_devices_and_process_rows_are_none():
    assert npu_smi.parse_table(DUO) == [Chip(1, 0, "310P3", "Warning", 0), Chip(1, 1, "310P3", "Alarm", 1)]


def test_a_sick_chip_is_left_out_and_said_so(says):
    says(info=DUO)
    board = npu_smi.board()
    assert board.devices == ("0",)
    assert board.left_out == ("device 1 (NPU 1 chip 1, 310P3) is left out: its health is Alarm",)


def test_a_machine_whose_chips_are_all_sick_is_refused(says):
    says(info=B4)
    with pytest.raises(BuildError, match="Ascend310B4: no healthy device: device 0 .* is Alarm"):
        npu_smi.required("Ascend310B4")


def test_the_newest_table_is_read_and_its_family_name_refused(says):
    says(info=A5)
    assert npu_smi.parse_table(A5) == [Chip(3, 0, "Ascend950PR", "OK", None)]
    with pytest.raises(BuildError, match="calls this board Ascend950PR"):
        npu_smi.board()


def test_a_bare_310b_is_refused_with_a_question(says):
    says(info=B4.replace("310B4", "310B "))
    with pytest.raises(
        BuildError, match=r"calls this board 310B, .*Which is it\? Say --chip=310B1 .* or 310B4"
    ):
        npu_smi.board()


def test_a_bare_310b_is_taken_for_the_chip_that_was_named(says):
    says(info=B4.replace("310B4", "310B ").replace("Alarm", "OK   "))
    assert npu_smi.required("Ascend310B4").devices == ("0",)


def test_another_chip_than_the_one_asked_for_names_what_is_there(says):
    says(info=SEED)
    with pytest.raises(BuildError, match="Ascend310: no such device on this machine: npu-smi finds 310P3"):
        npu_smi.required("Ascend310")


def test_two_kinds_of_boards_need_to_be_told_apart(says):
    says(info=SEED + B4.replace("Alarm", "OK   ").replace("| 0       0 ", "| 0       2 "))
    with pytest.raises(
        BuildError, match="several kinds of boards: Ascend310B4, Ascend310P3. Say which: --chip=310B4"
    ):
        npu_smi.board()
    assert npu_smi.board("Ascend310B4").devices == ("2",)
    assert npu_smi.board("Ascend310P3").devices == ("0", "1")


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


def test_a_chip_that_the_mapping_lacks_is_left_out_and_the_others_keep_their_ids(says):
    says(info=HBM, **{"info_-m": HBM_IDS.replace("\n2       ", "\n-1      ")})
    assert [chip.logic for chip in npu_smi.chips()] == [None, 1]
    board = npu_smi.board()
    assert board.devices == ("1",)
    assert board.left_out == (
        "NPU 2 chip 0, 910B4 is left out: npu-smi info -m gives it no Chip Logic ID, so it is not usable",
    )


def test_a_mapping_without_any_of_the_chips_leaves_no_device(says):
    says(info=HBM, **{"info_-m": "\n".join(HBM_IDS.splitlines()[:2])})
    with pytest.raises(BuildError, match="Ascend910B4: no healthy device: NPU 2 chip 0, .* NPU 5 chip 0, "):
        npu_smi.required("Ascend910B4")


def test_a_health_word_that_is_not_known_leaves_the_chip_out_and_is_said(says):
    says(info=SEED.replace("OK ", "Sad", 1))
    board = npu_smi.board()
    assert board.devices == ("1",)
    assert "its health is Sad: npu-smi printed rows that were not understood" in board.left_out[0]


def test_a_table_that_cannot_be_read_is_no_machine_without_boards(says):
    says(info="| NPU  Name | Health |\n| 0    310P3 |\n")
    with pytest.raises(BuildError, match="rows that were not understood, the first: 0    310P3"):
        npu_smi.board("Ascend310P3")


@pytest.mark.parametrize(
    ("soc", "fits"),
    [("Ascend910_9392", True), ("Ascend910_9391", False), ("Ascend910B1", False), ("Ascend910A", False)],
)
def test_a_familys_name_is_compared_with_what_the_board_itself_says(says, soc, fits):
    says(info=A3, **{"info_-m": A3_IDS, BOARD_0: A3_BOARD})
    assert bool(npu_smi.board(soc)) == fits
    if not fits:
        with pytest.raises(BuildError, match="npu-smi finds Ascend910 .the board itself says Ascend910_9392"):
            npu_smi.required(soc)


@pytest.mark.parametrize(
    ("name", "soc", "fits"),
    [
        ("Ascend910", "Ascend910_9391", True),
        ("Ascend910", "Ascend910B", False),
        ("910      ", "Ascend910A", True),
        ("910      ", "Ascend910_9391", False),
    ],
)
def test_a_board_that_says_no_more_may_be_of_its_own_family_only(says, name, soc, fits):
    says(info=A3.replace("Ascend910", name), **{"info_-m": A3_IDS})
    assert bool(npu_smi.board(soc)) == fits


def test_a_board_called_710_is_a_310p(says):
    says(info=SEED.replace("310P3", "710  "))
    with pytest.raises(
        BuildError, match="calls this board 710, .*310P3 .*710 is what CANN 5.0 called the 310P"
    ):
        npu_smi.board()
    assert npu_smi.board("Ascend310P3").devices == ("0", "1")
    assert npu_smi.board("Ascend310") is None


def test_the_newest_chips_have_no_file_and_that_is_said(says):
    says(info=A5)
    with pytest.raises(BuildError, match="configs/chips has no file for it"):
        npu_smi.board()


@pytest.mark.parametrize(
    ("told", "ids"),
    [
        ("0,1", [0, 1]),
        ("1", [1]),
        ("1,3", [1, 3]),
        ("1,x,2", [1]),
        ("1, 2", [1]),
        ("2,1", [2]),
        ("1,1", [1]),
        ("9", []),
        ("", []),
        ("NoDevFiles", []),
    ],
)
def test_visible_devices_are_read_as_acl_reads_them(monkeypatch, told, ids):
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", told)
    assert npu_smi.visible(4) == ids


def test_visible_devices_are_counted_anew_from_0(says, monkeypatch):
    says(info=SEED)
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "1")
    assert npu_smi.board().devices == ("0",)


def test_no_visible_device_names_the_variable(says, monkeypatch):
    says(info=SEED)
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "7")
    with pytest.raises(BuildError, match="ASCEND_RT_VISIBLE_DEVICES=7: leaves none of the 2 devices"):
        npu_smi.board()


def test_a_driver_that_does_not_answer_is_an_error_with_the_fix(says):
    says(
        exit_code=187,
        info="DrvMngGetConsoleLogLevel failed. (ret=4)\ndcmi module initialize failed. ret is -8005\n",
    )
    with pytest.raises(
        BuildError,
        match="-8005: the driver is not loaded, or this user or container may not use it. .*--chip=cpu",
    ):
        npu_smi.board()


def test_a_hanging_npu_smi_is_ended(says, monkeypatch):
    says(info=SEED, seconds=100)
    monkeypatch.setattr(npu_smi, "TIMEOUT_S", 0.5)
    with pytest.raises(BuildError, match="no answer in"):
        npu_smi.board()


def test_a_server_without_a_card_has_no_board(says):
    says(exit_code=187, info="There is no NPU card on this server.\n")
    assert npu_smi.board() is None


def test_no_npu_smi_is_no_board(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(npu_smi, "PLACES", ())
    assert npu_smi.board() is None
