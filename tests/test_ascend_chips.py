"""The chips' files: every name of the contract, its soc_version, and the published figures."""

import pytest

from backends.ascend import chip_names
from configs import schema
from pipeline.errors import BuildError
from stages.request import target

ASCEND = [name for name in schema.names("chips") if schema.chip(name).backend == "ascend"]


def test_the_chips_of_the_contract_are_there():
    needed = (
        "310 310P1 310P3 310P5 310P7 310B1 310B2 310B3 310B4 910A 910B 910ProA 910ProB 910PremiumA 910B1"
        " 910B2 910B2C 910B3 910B4 910B4-1 910_9362 910_9363 910_9372 910_9381 910_9382 910_9391 910_9392"
    )
    assert set(needed.split()) == set(ASCEND)


@pytest.mark.parametrize("name", ASCEND)
def test_a_chip_is_named_as_atc_names_it_and_found_by_both_names(name):
    chip = schema.chip(name)
    assert (chip.name, chip.soc_version, chip.precision) == (name, "Ascend" + name, "fp16")
    assert schema.chip("ascend" + name.lower()) == chip
    assert chip_names.typed_name(name) == (name, "")


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("310P", "310P3 (300I Pro, 300V Pro, 300I Duo) or 310P1"),
        ("Ascend310P", "310P3 (300I Pro"),
        ("310b", "310B1 (Atlas 500 A2, 200I A2) or 310B4"),
        ("710", "310P3 (300I Pro"),
        ("910", "910A or 910B (first generation), 910B1 to 910B4-1"),
        ("ascend910", "910A or 910B (first generation), 910B1 to 910B4-1"),
        ("910_93", "910_9391"),
        ("310Pvir04", "310P3 (300I Pro"),
    ],
)
def test_a_familys_name_is_answered_with_its_chips(name, choice):
    with pytest.raises(BuildError) as refused:
        target.named(name)
    assert str(refused.value).startswith(f"--chip={name}: that is a family and no chip that atc knows")
    assert f"Say --chip={choice}" in str(refused.value) and "310P7" not in str(refused.value)


@pytest.mark.parametrize("name", ["950PR", "Ascend950DT_9591"])
def test_the_newest_chips_are_answered_with_what_is_missing(name):
    with pytest.raises(BuildError, match=f"--chip={name}: configs/chips has no file for it. Write one"):
        target.named(name)


def test_a_chip_file_of_the_users_own_is_not_taken_for_a_family(tmp_path, monkeypatch):
    (tmp_path / "chips").mkdir()
    (tmp_path / "chips" / "710.toml").write_text(
        'name = "710"\nbackend = "ascend"\nsoc_version = "Ascend710"\n'
    )
    monkeypatch.setattr(schema, "HERE", str(tmp_path))
    assert target.named("710").soc_version == "Ascend710"


def test_the_published_figures_are_the_tables():
    published = {name: schema.chip(name).published for name in ("310", "310P3", "310B1")}
    assert published["310"].scale == 4
    assert list(published["310"].images_per_s.values()) == [4550.44, 6736, 7116.32, 6938, 6176.84, 5899.52]
    assert list(published["310P3"].images_per_s.values()) == [
        4241.54,
        8313.37,
        10430.75,
        12259.18,
        13274.92,
        14515.69,
    ]
    assert "6721.18" in published["310P3"].note and "14132.2" in published["310P3"].note
    assert all((row.top1_pct, row.top5_pct) == (69.52, 89.05) for row in published.values())
