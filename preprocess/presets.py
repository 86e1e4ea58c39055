"""Ways to prepare images: what a preset says, and its values at a model's resolution. Plan time: imports
nothing heavy.

A preset is a file in configs/presets. It says how to resize and how to normalise; the resolution stays the
model's. The values that `resolved` gives go to the shards and to the compiled model alike. Formulas:
docs/preprocessing.md.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from pipeline import fingerprint
from pipeline.errors import BuildError
from pipeline.step import Versions

AS_IS = "as-is"


@dataclass(frozen=True)
class Preset:
    """One file of configs/presets. What it leaves out is the model file's.

    method            pillow, opencv or tensorflow: whose resize
    order             rgb or bgr: the channels that the network sees
    resize, crop      the shorter side for this crop; at another crop in proportion, rounded to the `nearest`
                      or `down`
    mean, std         of x/255, one a channel in `order`
    mean_of_levels, scale_of_levels  the same as (level - mean) * scale of levels 0..255
    """

    name: str
    method: str
    order: str
    resize: float | None = None
    crop: float | None = None
    rounding: str = "nearest"
    mean: list[float] | None = None
    std: list[float] | None = None
    mean_of_levels: list[float] | None = None
    scale_of_levels: float | None = None


class Own(TypedDict):
    """The [preprocess] table of a model file."""

    resize: int
    crop: int
    mean: list[float]
    std: list[float]


class Values(Own):
    """How images become a network's input: shorter side to `resize`, centre crop `crop`, (x/255 -
    mean)/std.
    """

    method: str
    order: str


class ShardParams(TypedDict, total=False):
    """The params of preprocess.shards:write that say how."""

    method: str
    order: str
    resize: int
    crop: int
    mean: Sequence[float]
    std: Sequence[float]
    input: str
    pixels: str
    on_bad: str


def resolved(preset: Preset, own: Own) -> Values:
    """Resolve a preset at a model's crop. BuildError where the crop does not fit into the resize."""
    crop = own["crop"]
    resize = own["resize"] if preset.resize is None else _resized(preset, crop)
    if not 1 <= crop <= resize:
        raise BuildError(
            f"preprocess: crop = {crop} does not fit into resize = {resize}; expected 1 <= crop <= resize"
        )
    mean, std = preset.mean or own["mean"], preset.std or own["std"]
    if preset.mean_of_levels and preset.scale_of_levels:
        mean = [level / 255 for level in preset.mean_of_levels]
        std = [1 / (255 * preset.scale_of_levels)] * 3
    return {
        "method": preset.method,
        "order": preset.order,
        "resize": resize,
        "crop": crop,
        "mean": list(mean),
        "std": list(std),
    }


def _resized(preset: Preset, crop: int) -> int:
    """The shorter side at this crop, by the operations of the scripts that the presets are of."""
    resize, of_crop = preset.resize or 0.0, preset.crop or 1.0
    return int(resize * crop / of_crop) if preset.rounding == "down" else round(resize / of_crop * crop)


def shard_params(values: Values, input: str, pixels: str, on_bad: str = "fail") -> ShardParams:
    """The params of preprocess.shards:write. Mean and std are among them only where the shard holds them: as
    float32.
    """
    params: ShardParams = {
        "method": values["method"],
        "order": values["order"],
        "resize": values["resize"],
        "crop": values["crop"],
        "input": input,
        "pixels": pixels,
        "on_bad": on_bad,
    }
    if input == "float32":
        params |= {"mean": values["mean"], "std": values["std"]}
    return params


def tools(pixels: str) -> Versions:
    """What a shard's values depend on besides its images. The exact ones do not depend on the kernel, the
    fast ones do.
    """
    versions = {name: fingerprint.of_package(name) for name in ("numpy", "Pillow")}
    if pixels == "fast":
        spec = importlib.util.find_spec("preprocess.pixels._resample")
        versions["resample"] = fingerprint.of_content(spec.origin)[:12] if spec and spec.origin else None
    return versions


def variants(values: Values, own: Own | None, presets: Mapping[str, Preset]) -> dict[str, Values]:
    """Ways to prepare images under plausible mistakes: {name: values as resolved() gives them}, for
    diagnose.py.

    What the build does (`as-is`), with channels swapped (`bgr`; `bgr-values`: mean and std with them), not
    normalised (`unnormalised`: x/255, `unscaled`: 0..255), and every other preset (`preset-NAME`; `own` only
    where the model file's [preprocess] table is given, and first: nothing needs to be typed for it). Ways
    that come to the same are there once.
    """
    swapped: Values = {**values, "order": "rgb" if values["order"] == "bgr" else "bgr"}
    ways: dict[str, Values] = {
        AS_IS: values,
        "bgr": swapped,
        "bgr-values": {**swapped, "mean": values["mean"][::-1], "std": values["std"][::-1]},
        "unnormalised": {**values, "mean": [0.0] * 3, "std": [1.0] * 3},
        "unscaled": {**values, "mean": [0.0] * 3, "std": [1 / 255] * 3},
    }
    for name in sorted(presets, key=lambda name: name != "own"):
        if own or name != "own":
            ways[f"preset-{name}"] = resolved(presets[name], own or values)
    once: dict[str, Values] = {}
    for name, way in ways.items():
        if way not in once.values():
            once[name] = way
    return once
