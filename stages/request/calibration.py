"""What a request's int8 is calibrated on, and whether anything of that is evaluated."""

import os
import sys

from configs.chip import Chip
from configs.given import Given
from configs.schema import INT8
from convert.int8.methods import METHODS
from pipeline import fingerprint
from pipeline.errors import BuildError
from pipeline.text import counted, some
from preprocess import calibration
from preprocess.calibration import FLAG, Calibration
from preprocess.dataset.listing import Listing
from preprocess.sample import splits

FEW = 25  # pictures; 50 to 100 make good ranges
SPLIT = "calibration"
PER_CHANNEL, METHOD = "per_channel", "calibration_method"  # of a chip file's [options]


def of(given: Given, sample: bool, out: str) -> Calibration:
    """The pictures: those of --calibration; the sample draws its own. BuildError without any."""
    if given.calibration is None and sample:
        return calibration.drawn(
            os.path.join(out, "data", "sample-calibration-pictures"), splits.listing(SPLIT)
        )
    if given.calibration is None:
        raise BuildError(
            f"--precision=int8: {FLAG} is missing. Add {FLAG}=FOLDER with 50 to 500 pictures that are like"
            " those evaluated and not among them, such as training pictures"
        )
    path = os.path.abspath(given.calibration)
    if not os.path.exists(path):
        raise BuildError(
            f"{FLAG}={given.calibration}: {fingerprint.absence(path, 'folder or file')}; expected a folder of"
            " pictures, a .tar, or a list of pictures, a path a line"
        )
    members = os.path.join(out, "data", os.path.basename(path) + ".members.json")
    beside = os.path.abspath(given.dataset) if given.dataset and os.path.isdir(given.dataset) else None
    pictures = calibration.of(path, beside, members, out)
    if not given.quiet:
        _remark(pictures, given.calibration)
    return pictures


def _remark(pictures: Calibration, typed: str) -> None:
    count = len(pictures.images)
    if count < pictures.there:
        line = f"{count} of its {pictures.there:,} pictures are taken, a fixed choice"
    elif count < FEW:
        line = f"{counted(count, 'picture')}; ranges are good from 50 to 100 on"
    else:
        return
    print(f"inv: {FLAG}={typed}: {line}", file=sys.stderr)


def evaluated(given: Given, pictures: Calibration, listing: Listing) -> int:
    """How many of the pictures are evaluated, which must have been allowed: else BuildError."""
    same = calibration.shared(pictures, listing)
    if same and not given.calibrate_on_evaluated:
        pairs = [one if one == other else f"{one} (evaluated as {other})" for one, other in same]
        raise BuildError(
            f"{FLAG}={given.calibration}: {len(same)} of {counted(len(pictures.images), 'picture')} would be"
            f" evaluated, too: {some(pairs, 2)}. Take others, or say that you mean it:"
            " --calibrate-on-evaluated"
        )
    return len(same)


def per_channel(chip: Chip) -> bool:
    """Whether the weights have a scale for each channel: unless the chip's file says no."""
    value = chip.options.get(PER_CHANNEL, True)
    if not isinstance(value, bool):
        raise BuildError(f"{_option(chip, PER_CHANNEL)} is {value!r}; expected true or false")
    return value


def methods(chip: Chip) -> tuple[str, ...]:
    """The ways to find ranges that are tried: all, or the one that the chip's file names."""
    forced = chip.options.get(METHOD)
    if forced is None:
        return METHODS
    if forced not in METHODS:
        raise BuildError(f"{_option(chip, METHOD)} is {forced!r}; it may be: {', '.join(METHODS)}")
    return (str(forced),)


def form(pictures: Calibration, chip: Chip) -> str:
    """As a part of paths: the pictures' hash8, and what the chip's file asks for otherwise than usual."""
    return "-".join(filter(None, [pictures.hash8, _unusual(chip)]))


def columns(pictures: Calibration, chip: Chip) -> dict[str, str]:
    """The same as columns of a record."""
    unusual = _unusual(chip)
    return {"calibration": pictures.hash8, **({"quantisation": unusual} if unusual else {})}


def _unusual(chip: Chip) -> str:
    chosen = methods(chip)
    parts = [*([] if per_channel(chip) else ["per-tensor"]), *(chosen if len(chosen) == 1 else [])]
    return "-".join(parts)


def _option(chip: Chip, name: str) -> str:
    return f"configs/chips/{chip.name}.toml: [options] {name}"


def check(given: Given, chip: str, precision: str, input: str) -> None:
    """BuildError for what does not go with int8, or without it."""
    int8 = precision == INT8
    if int8 and input != "uint8":
        typed = f"--input={given.input}" if given.input else f"configs/chips/{chip}.toml: input"
        raise BuildError(f"{typed}: int8 takes the picture itself, uint8; leave the option out")
    if not int8 and (given.calibration is not None or given.calibrate_on_evaluated):
        flag = (
            "--calibrate-on-evaluated" if given.calibration is None else f"--calibration={given.calibration}"
        )
        raise BuildError(f"{flag}: only int8 is calibrated; add --precision=int8, or leave the option out")
