"""Boards are found by ACL's ids, whatever npu-smi calls them, and refused where their kind cannot be told."""

import pytest
from test_ascend_npu_smi import A3, A3_BOARD, A3_IDS, A5, B4, BOARD_0, DUO, HBM, HBM_IDS, REFERENCE, says

from backends.ascend import boards, npu_smi
from backends.ascend.npu_smi import Chip
from pipeline.errors import BuildError

__all__ = ["says"]  # a fixture


@pytest.mark.parametrize(
    ("texts", "soc", "devices"),
    [
        ({"info": REFERENCE}, "Ascend310P3", ("0", "1")),
        ({"info": HBM, "info_-m": HBM_IDS}, "Ascend910B4", ("0", "1")),
        ({"info": A3, "info_-m": A3_IDS, BOARD_0: A3_BOARD}, "Ascend910_9392", ("0", "1")),
    ],
    ids=["reference", "hbm", "a3"],
)
def test_the_chip_and_its_ids_are_found(says, texts, soc, devices):
    says(**texts)
    assert boards.board() == boards.Board(soc, devices)


def test_a_sick_chip_is_left_out_and_said_so(says):
    says(info=DUO)
    board = boards.board()
    assert board.devices == ("0",)
    assert board.left_out == ("device 1 (NPU 1 chip 1, 310P3) is left out: its health is Alarm",)


def test_a_machine_whose_chips_are_all_sick_is_refused(says):
    says(info=B4)
    with pytest.raises(BuildError, match="Ascend310B4: no healthy device: device 0 .* is Alarm"):
        boards.required("Ascend310B4")


def test_the_newest_table_is_read_and_its_family_name_refused(says):
    says(info=A5)
    assert npu_smi.parse_table(A5) == [Chip(3, 0, "Ascend950PR", "OK", None)]
    with pytest.raises(BuildError, match="calls this board Ascend950PR"):
        boards.board()


def test_a_bare_310b_is_refused_with_a_question(says):
    says(info=B4.replace("310B4", "310B "))
    with pytest.raises(
        BuildError, match=r"calls this board 310B, .*Which is it\? Say --chip=310B1 .* or 310B4"
    ):
        boards.board()


def test_a_bare_310b_is_taken_for_the_chip_that_was_named(says):
    says(info=B4.replace("310B4", "310B ").replace("Alarm", "OK   "))
    assert boards.required("Ascend310B4").devices == ("0",)


def test_another_chip_than_the_one_asked_for_names_what_is_there(says):
    says(info=REFERENCE)
    with pytest.raises(BuildError, match="Ascend310: no such device on this machine: npu-smi finds 310P3"):
        boards.required("Ascend310")


def test_two_kinds_of_boards_need_to_be_told_apart(says):
    says(info=REFERENCE + B4.replace("Alarm", "OK   ").replace("| 0       0 ", "| 0       2 "))
    with pytest.raises(
        BuildError, match="several kinds of boards: Ascend310B4, Ascend310P3. Say which: --chip=310B4"
    ):
        boards.board()
    assert boards.board("Ascend310B4").devices == ("2",)
    assert boards.board("Ascend310P3").devices == ("0", "1")


def test_a_chip_that_the_mapping_lacks_is_left_out_and_the_others_keep_their_ids(says):
    says(info=HBM, **{"info_-m": HBM_IDS.replace("\n2       ", "\n-1      ")})
    assert [chip.logic for chip in npu_smi.chips()] == [None, 1]
    board = boards.board()
    assert board.devices == ("1",)
    assert board.left_out == (
        "NPU 2 chip 0, 910B4 is left out: npu-smi info -m gives it no Chip Logic ID, so it is not usable",
    )


def test_a_mapping_without_any_of_the_chips_leaves_no_device(says):
    says(info=HBM, **{"info_-m": "\n".join(HBM_IDS.splitlines()[:2])})
    with pytest.raises(BuildError, match="Ascend910B4: no healthy device: NPU 2 chip 0, .* NPU 5 chip 0, "):
        boards.required("Ascend910B4")


def test_a_health_word_that_is_not_known_leaves_the_chip_out_and_is_said(says):
    says(info=REFERENCE.replace("OK ", "Sad", 1))
    board = boards.board()
    assert board.devices == ("1",)
    assert "its health is Sad: npu-smi printed rows that were not understood" in board.left_out[0]


@pytest.mark.parametrize(
    ("soc", "fits"),
    [("Ascend910_9392", True), ("Ascend910_9391", False), ("Ascend910B1", False), ("Ascend910A", False)],
)
def test_a_familys_name_is_compared_with_what_the_board_itself_says(says, soc, fits):
    says(info=A3, **{"info_-m": A3_IDS, BOARD_0: A3_BOARD})
    assert bool(boards.board(soc)) == fits
    if not fits:
        with pytest.raises(BuildError, match="npu-smi finds Ascend910 .the board itself says Ascend910_9392"):
            boards.required(soc)


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
    assert bool(boards.board(soc)) == fits


def test_a_board_called_710_is_a_310p(says):
    says(info=REFERENCE.replace("310P3", "710  "))
    with pytest.raises(
        BuildError, match="calls this board 710, .*310P3 .*710 is what CANN 5.0 called the 310P"
    ):
        boards.board()
    assert boards.board("Ascend310P3").devices == ("0", "1")
    assert boards.board("Ascend310") is None


def test_the_newest_chips_have_no_file_and_that_is_said(says):
    says(info=A5)
    with pytest.raises(BuildError, match="configs/chips has no file for it"):
        boards.board()


@pytest.mark.parametrize(
    ("mask", "ids"),
    [
        ("0,1", [0, 1]),
        ("1", [1]),
        ("1,3", [1, 3]),
        ("1,x,2", [1]),
        ("1, 2", [1]),
        ("1,x,0", [1]),
        ("1,9,0", [1]),
        ("9", []),
        ("", []),
        ("NoDevFiles", []),
    ],
)
def test_visible_devices_are_read_as_acl_reads_them(monkeypatch, mask, ids):
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", mask)
    assert boards.visible(4) == ids


@pytest.mark.parametrize(
    ("mask", "right"), [("1,0", "0,1"), ("0,1,1", "0,1"), ("2,1,x", "1,2"), ("3,3", "3"), ("1,0,9", "0,1")]
)
def test_visible_devices_out_of_order_or_with_a_double_are_refused_with_the_order(monkeypatch, mask, right):
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", mask)
    with pytest.raises(BuildError, match="207004") as refused:
        boards.visible(4)
    assert str(refused.value).startswith(f"ASCEND_RT_VISIBLE_DEVICES={mask}: out of order, or an id twice")
    assert str(refused.value).endswith(f"ascending: ASCEND_RT_VISIBLE_DEVICES={right}")


def test_visible_devices_are_counted_anew_from_0(says, monkeypatch):
    says(info=REFERENCE)
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "1")
    assert boards.board().devices == ("0",)


def test_no_visible_device_names_the_variable(says, monkeypatch):
    says(info=REFERENCE)
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "7")
    with pytest.raises(BuildError, match="ASCEND_RT_VISIBLE_DEVICES=7: leaves none of the 2 devices"):
        boards.board()


def test_a_server_without_a_card_has_no_board(says):
    says(exit_code=187, info="There is no NPU card on this server.\n")
    assert boards.board() is None


def test_no_npu_smi_is_no_board(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(npu_smi, "PLACES", ())
    assert boards.board() is None
