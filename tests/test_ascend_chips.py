"""The chips' files: every name of the contract, its soc_version, and the published figures."""

import pytest

from backends.ascend import boards
from configs import schema

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
    assert name not in boards.FAMILIES


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
