"""A slice of a chip (vNPU) is that chip: by whichever name it is asked for, compiled so that it runs on
slices, and never mixed with whole chips.
"""

import sys
from pathlib import Path

import pytest
from conversions import TARGET
from inv import summary
from seeds import exported
from test_ascend_npu_smi import A3, A3_BOARD, A3_IDS, BOARD_0, HBM, HBM_IDS, REFERENCE, says

from backends.ascend import atc, boards, chip_names, doctor
from configs.given import parse
from pipeline.errors import BuildError
from stages.request import target

sys.path.append(str(Path(__file__).parent / "ascend"))
import server as servers
from server import Server

__all__ = ["says"]  # a fixture
VIR04 = REFERENCE.replace("310P3     ", "310P3vir04")
MIXED = REFERENCE.replace("| 1     310P3     ", "| 1     310P3vir02")
NAMES = ("310P3", "310P3vir04", "Ascend310P3vir04", "310p3VIR04", "auto")


@pytest.mark.parametrize(
    ("name", "whole", "part"),
    [
        ("310P3", "310P3", ""),
        ("310P3vir01", "310P3", "vir01"),
        ("310P3vir08", "310P3", "vir08"),
        ("310P3Vir04", "310P3", "vir04"),
        ("310P1vir02", "310P1", "vir02"),
        ("310P3vir04_3c_ndvpp", "310P3", "vir04_3c_ndvpp"),
        ("910Avir16", "910A", "vir16"),
        ("910B4vir10_3c_16g", "910B4", "vir10_3c_16g"),
        ("910_9391vir06_1c_16g", "910_9391", "vir06_1c_16g"),
    ],
)
def test_the_name_of_a_slice_is_its_chips_and_its_own(name, whole, part):
    assert chip_names.split_name(name) == (whole, part)


@pytest.mark.parametrize(
    "name",
    [
        "cpuvir04",
        "nullvir01",
        "T4vir04",
        "310vir02",
        "310B4vir02",
        "310P3vir99",
        "310P3vir00",
        "310P3vir16",
        "310P3vir4",
        "310P3vir04x",
        "910Avir32",
        "910B4vir99",
        "910_9391vir99_1c_16g",
    ],
)
def test_a_slice_that_cannot_be_is_the_users_mistake_and_those_that_can_are_named(name):
    with pytest.raises(BuildError, match=f"^--chip={name}: ") as refused:
        target.named(name)
    assert "Slices are 310P*vir01 to vir08, " in str(refused.value) and len(str(refused.value)) <= 200


@pytest.mark.parametrize(
    "name", ["310P3vir01", "310P1vir08", "310P3vir04_3c_ndvpp", "910Avir16", "910B4vir10_3c_16g"]
)
def test_a_slice_that_can_be_is_taken(name):
    assert target.named(name).slice == chip_names.split_name(name)[1]


@pytest.mark.parametrize("asked", ["", "Ascend310P3", "Ascend310P3vir04"])
def test_boards_that_are_slices_are_found_by_every_name(says, asked):
    says(info=VIR04)
    assert boards.board(asked) == boards.Board("Ascend310P3vir04", ("0", "1"))


@pytest.mark.parametrize("asked", ["Ascend310P3vir02", "Ascend310P1", "Ascend310P1vir04"])
def test_another_slice_or_chip_is_not_there(says, asked):
    says(info=VIR04)
    assert boards.board(asked) is None
    with pytest.raises(BuildError, match=f"{asked}: no such device .* npu-smi finds 310P3vir04"):
        boards.required(asked)


def test_a_whole_chip_is_no_slice(says):
    says(info=REFERENCE)
    assert boards.board("Ascend310P3vir04") is None
    assert boards.board("Ascend310P3") == boards.Board("Ascend310P3", ("0", "1"))


@pytest.mark.parametrize("asked", ["", "Ascend310P3"])
def test_whole_chips_beside_slices_are_refused_with_the_ways_to_choose(says, asked, monkeypatch):
    says(info=MIXED)
    with pytest.raises(BuildError, match="here are Ascend310P3, Ascend310P3vir02. Say which: ") as refused:
        boards.board(asked)
    assert "--chip=310P3vir02, or for whole chips ASCEND_RT_VISIBLE_DEVICES=0" in str(refused.value)
    assert boards.board("Ascend310P3vir02").devices == ("1",)
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "0")
    assert boards.board(asked) == boards.Board("Ascend310P3", ("0",))


def test_two_sizes_of_slices_are_refused_too(says):
    says(info=VIR04.replace("vir04", "vir01", 1))
    with pytest.raises(BuildError, match="Ascend310P3vir01, Ascend310P3vir04. Say which: --chip=310P3vir01$"):
        boards.board()


def test_slices_of_other_families_are_found(says):
    says(info=HBM.replace("910B4           ", "910B4vir10_3c_16g"), **{"info_-m": HBM_IDS})
    assert boards.board("Ascend910B4").soc_version == "Ascend910B4vir10_3c_16g"
    board = A3_BOARD.replace("Ascend910", "Ascend910vir06")
    says(info=A3.replace("Ascend910     ", "Ascend910vir06"), **{"info_-m": A3_IDS, BOARD_0: board})
    assert boards.board("Ascend910_9391").soc_version == "Ascend910_9391vir06"


@pytest.mark.parametrize("name", NAMES)
def test_every_name_means_the_chip_in_this_slice(says, name):
    says(info=VIR04)
    chip = (
        target.chip_of(parse({"chip": name})) if name != "auto" else target.named(boards.board().soc_version)
    )
    assert (chip.name, chip.slice, chip.soc_version) == ("310P3", "vir04", "Ascend310P3")
    assert chip.columns == {"chip": "310P3", "slice": "vir04", "slice_cores": 4}


def test_a_slice_is_compiled_for_where_there_is_no_board(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert target.chip_of(parse({"chip": "310P1vir02"})).on_board == "Ascend310P1vir02"
    assert target.chip_of(parse({"chip": "310P3"})).slice == ""


@pytest.mark.parametrize("mask", ["1,0", "7", ""])
def test_a_mask_that_leaves_nothing_does_not_hide_what_is_compiled_for(says, monkeypatch, mask):
    says(info=VIR04)
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", mask)
    assert boards.slice_of("Ascend310P3") == "vir04"


def test_only_a_slice_is_compiled_for_slices_and_with_the_chips_own_name():
    line = atc.command("/t", "image", 1, {**TARGET, "slice": "vir04"}, "8.0", None)
    assert "--soc_version=Ascend310P3" in line and "--virtual_type=1" in line
    assert not any("virtual_type" in word for word in atc.command("/t", "image", 1, TARGET, "8.0", None))
    options = {"virtual_type": "0"}
    line = atc.command("/t", "image", 1, {**TARGET, "slice": "vir04", "options": options}, "8.0", None)
    assert "--virtual_type=0" in line and "--virtual_type=1" not in line


def test_doctor_says_what_a_slice_is(says):
    says(info=VIR04)
    for asked in (None, "Ascend310P3", "Ascend310P3vir04"):
        check = next(check for check in doctor.checks(asked, "") if check.name == "devices")
        assert check.status == "PASS" and check.text == (
            "Ascend310P3vir04: 0, 1 (a slice of a 310P3, 4 of its AI cores: compiled with --virtual_type=1)"
        )
    other = next(check for check in doctor.checks("Ascend310P1", "") if check.name == "devices")
    assert (other.text, other.fix) == ("npu-smi finds 310P3vir04, no Ascend310P1", "--chip=310P3vir04")


@pytest.fixture(scope="module")
def sliced(tmp_path_factory):
    """What `all` makes on a slice; and the answers of the same request by the other names."""
    server = Server(tmp_path_factory.mktemp("sliced") / "server", inventory="310P3vir04")
    exported(tmp_path_factory, server.out)
    words = ("--bs=1,4", "--limit=20")
    first = server.inv("all", "--chip=310P3", *words)
    others = [server.inv("all", f"--chip={name}", *words) for name in ("310P3vir04", "auto")]
    return server, first, others


def test_one_build_serves_every_name(sliced):
    server, first, others = sliced
    assert "compile/310P3vir04/fp16-uint8/bs4" in first.ran
    assert [answer.ran for answer in others] == [[], []]
    lines = [event["argv"] for event in server.events("atc")]
    assert len(lines) == 2
    assert all("--soc_version=Ascend310P3" in line and "--virtual_type=1" in line for line in lines)


def test_records_and_tables_say_which_share_was_measured_and_that_the_published_had_all(sliced):
    server, first, _ = sliced
    records = [row for row in summary(server.out)["rows"] if row["chip"] == "310P3"]
    assert {row["kind"] for row in records} == {"accuracy", "agreement", "model", "throughput", "pipeline"}
    assert {(row["slice"], row["slice_cores"]) for row in records} == {("vir04", 4)}
    assert "throughput on 310P3vir04 (4 of its cores) fp16 uint8 aclruntime, 1 device" in first.out
    assert "published 310P3 (whole chip)" in first.out
    report = (server.out / "report" / "report.md").read_text()
    assert "published (whole chip)" in report and "Published of whole chips" in report


def test_whole_chips_in_the_same_folder_are_built_beside_it_and_nothing_is_rebuilt(sliced, tmp_path):
    server = servers.copied(sliced[0], tmp_path / "server", inventory="310P3")
    words = ("--bs=1,4", "--limit=20", "--chip=310P3")
    before = servers.artifacts(server.out)
    whole = server.inv("all", *words)
    assert "compile/310P3/fp16-uint8/bs4" in whole.ran and "vir04" not in whole.out
    after = servers.artifacts(server.out)
    assert {name: after.get(name) for name in before} == before
    server.install(profile="cann8", inventory="310P3vir04")
    again = server.inv("all", *words)
    assert set(again.ran) <= {"report"} and "310P3vir04 (4 of its cores)" in again.out
    kinds = [(row["kind"], row.get("slice")) for row in summary(server.out)["rows"] if row["chip"] == "310P3"]
    assert kinds.count(("accuracy", "vir04")) == kinds.count(("accuracy", None)) == 1


def test_a_machine_with_both_is_refused_in_one_line_and_a_named_slice_is_taken(tmp_path):
    server = Server(tmp_path / "server", inventory="sliced_and_whole")
    for name in ("310P3", "auto"):
        answer = server.inv("--dry", "bench", f"--chip={name}", "--bs=1", code=2)
        (line,) = answer.err.splitlines()
        assert "Say which: --chip=310P3vir02, or for whole chips ASCEND_RT_VISIBLE_DEVICES=0" in line
    assert "310P3vir02" in server.inv("--dry", "bench", "--chip=310P3vir02", "--bs=1").out
    assert (
        "310P3vir02"
        not in server.inv("--dry", "bench", "--chip=310P3", "--bs=1", ASCEND_RT_VISIBLE_DEVICES="0").out
    )
