"""What names of chips mean: a chip that atc knows, a slice of one (vNPU), or a family, of which one has to be
named.
"""

import re

from backends.ascend.npu_smi import ELSEWHERE, Chip, own_name
from pipeline.errors import BuildError

# 310P3vir04, 310P3vir04_3c_ndvpp, 910B4vir10_3c_16g: the first number is of AI cores. All are compiled for
# with the chip's own name and --virtual_type=1
SLICE = re.compile(r"(.+?)(vir\d+\w*)", re.IGNORECASE)
# (soc_version, AI cores of its largest slice) as npu-smi's templates have them; chips that are none of these
# are unknown here, and may have any
LARGEST_SLICE = (
    (re.compile(r"Ascend310(B.*)?"), 0),
    (re.compile(r"Ascend310P.*"), 8),
    (re.compile(r"Ascend910B\d.*|Ascend910_93.*"), 12),
    (re.compile(r"Ascend910.*"), 16),
)
SLICES = (
    "Slices are 310P*vir01 to vir08, 910B1 to 910B4-1 and 910_93* vir01 to vir12, first 910* vir01 to vir16"
)
FAMILIES = {
    "310B": "310B1 (Atlas 500 A2, 200I A2) or 310B4 (200I DK A2)",
    "310P": "310P3 (300I Pro, 300V Pro, 300I Duo) or 310P1 (300V)",
    "710": "310P3 (300I Pro, 300V Pro, 300I Duo) or 310P1 (300V): 710 is what CANN 5.0 called the 310P",
    "910": "910A, 910B or another of the first generation",
    "Ascend910": "910_9391 or another of Atlas A3",
}
CHIPS_OF = {
    "710": r"310P\d",
    "910": r"910(?!_).*",
    "Ascend910": r"910_\w+",
}  # others: what begins with the name
NO_CHIP_FILE = "Ascend950"
WRITE_ONE = "Write one with the soc_version that your CANN's atc documents"
# what people type besides a board's own name: families, and names of products
TYPED = {
    **FAMILIES,
    "910": "910A or 910B (first generation), 910B1 to 910B4-1 (Atlas A2), or 910_9391 (Atlas A3)",
    "910Pro": "910ProA or 910ProB (first generation)",
    "910Premium": "910PremiumA (first generation)",
    "910_93": "910_9391 or another of Atlas A3",
    "910C": "910_9391 or another of Atlas A3",
    "A2": "910B1 to 910B4-1 (Atlas A2), or 310B1 or 310B4 (Atlas 200I/500 A2)",
    "A3": "910_9391 or another of Atlas A3",
}


def split_name(name: str) -> tuple[str, str]:
    """("310P3", "vir04") of 310P3vir04, ("310P3", "") of a whole chip's name."""
    match = SLICE.fullmatch(name)
    return (match[1], match[2].lower()) if match else (name, "")


def no_slice(soc_version: str, part: str) -> str:
    """Why a chip of this soc_version ("" for one that is none of Ascend's) has no slice of this name, with
    those that there are; "" where it may have it.
    """
    if not soc_version:
        return f"it has no slices. {SLICES}"
    largest = next((cores for name, cores in LARGEST_SLICE if name.fullmatch(soc_version)), 99)
    if not largest:
        return f"it has no slices. {SLICES}"
    size = re.fullmatch(r"vir([0-9]{2})(_[0-9a-z]+)*", part, re.ASCII)
    return "" if size and 1 <= int(size[1]) <= largest else f"there is no such slice. {SLICES}"


def typed_name(name: str) -> tuple[str, str]:
    """(chip, slice) of a name as --chip has it; BuildError with the choice for a family's name, which is none
    of configs/chips.
    """
    whole, part = split_name(name)
    family = whole.lower().removeprefix("ascend")
    if _full(family).startswith(NO_CHIP_FILE):
        raise BuildError(
            f"--chip={name}: configs/chips has no file for it. {WRITE_ONE} and name it with --chip"
        )
    choice = next((text for key, text in TYPED.items() if key.lower() == family), "")
    if choice:
        raise BuildError(
            f"--chip={name}: that is a family and no chip that atc knows. Which is it? Say --chip={choice}"
        )
    return whole, part


def advice(name: str) -> str:
    """What to say behind --chip= for a board of this name: it, or what a family's may be."""
    return FAMILIES.get(split_name(name)[0], name)


def soc_version(chip: Chip) -> str:
    """The name that atc takes, which is the whole chip's also for a slice of it. BuildError with a question
    where npu-smi gives a family's name only.
    """
    name = split_name(chip.name)[0]
    if name in FAMILIES or name.startswith("Ascend"):
        name = split_name(own_name(chip))[0] or name
    full = _full(name)
    if full.startswith(NO_CHIP_FILE):
        raise BuildError(
            f"--chip=auto: npu-smi calls this board {chip.name}, and configs/chips has no file for it: "
            f"nothing here is known to fit it. {WRITE_ONE} and name it with --chip, {ELSEWHERE}"
        )
    if (
        name in FAMILIES
        or full.removeprefix("Ascend") in FAMILIES
        or (name.startswith("Ascend") and "_" not in name)
    ):
        choice = FAMILIES.get(name) or FAMILIES.get(full.removeprefix("Ascend")) or "see the board's label"
        raise BuildError(
            f"--chip=auto: npu-smi calls this board {chip.name}, which is a family and no chip that atc "
            f"knows. Which is it? Say --chip={choice}"
        )
    return full


def may_be(chip: Chip, soc: str) -> bool:
    """Whether this board may be of this soc_version. A family's name may be each of its chips, unless the
    board itself says more.
    """
    name = split_name(chip.name)[0]
    if _full(name) == soc:
        return True
    if name not in FAMILIES and not name.startswith("Ascend"):
        return False
    own = _full(split_name(own_name(chip))[0] or name)
    if "_" in own:
        return own == soc
    chips_of = CHIPS_OF.get(name, re.escape(_full(name).removeprefix("Ascend")) + ".*")
    return re.fullmatch(chips_of, soc.removeprefix("Ascend")) is not None


def _full(name: str) -> str:
    return name if name.startswith("Ascend") else "Ascend" + name
