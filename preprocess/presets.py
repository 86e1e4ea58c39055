"""Ways to prepare pictures, by name, and what a shard made so depends on. Plan time: imports nothing heavy.

A preset says how to resize and how to normalise; the resolution stays the model's. The values that `resolved`
gives go to the shards and to the compiled model alike. Formulas: docs/preprocessing.md.
"""

import importlib.util
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pipeline import fingerprint
from pipeline.errors import BuildError

IMAGENET: dict[str, Any] = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
HALF: dict[str, Any] = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
CAFFE_LEVELS, CAFFE_SCALE = (103.94, 116.78, 123.68), 0.017  # B, G, R; of levels, not of x/255
CAFFE: dict[str, Any] = {
    "mean": [level / 255 for level in CAFFE_LEVELS],
    "std": [1 / (255 * CAFFE_SCALE)] * 3,
}

# resize: the shorter side as a share of the crop. own: the model file's own values, resized as the seed does
PRESETS: dict[str, dict[str, Any]] = {
    "own": {"method": "pillow", "order": "rgb"},
    "seed": {"method": "pillow", "order": "rgb", "resize": 256 / 224, **IMAGENET},
    "mlperf": {"method": "opencv", "order": "rgb", "resize": 100 / 87.5, **HALF},
    "tf": {"method": "tensorflow", "order": "rgb", "resize": 100 / 87.5, **HALF},
    "caffe-bgr": {"method": "opencv", "order": "bgr", "resize": 256 / 224, **CAFFE},
}
AS_IS = "as-is"


def resolved(name: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """{method, order, resize, crop, mean, std} of a preset at a model's resolution; `own` is its [preprocess]
    table.
    """
    if name not in PRESETS:
        close = get_close_matches(name, PRESETS, 1)
        raise BuildError(
            f"--preset={name}: no such preset; there are: {', '.join(PRESETS)}"
            + (f". Did you mean {close[0]}?" if close else "")
        )
    preset = PRESETS[name]
    crop = own["crop"]
    if name == "mlperf":
        resize = int(100.0 * crop / 87.5)  # as its dataset.py has it: floored, 182 at 160
    else:
        resize = round(preset["resize"] * crop) if "resize" in preset else own["resize"]
    if not 1 <= crop <= resize:
        raise BuildError(
            f"preprocess: crop = {crop} does not fit into resize = {resize}; expected 1 <= crop <= resize"
        )
    values = {"mean": list(preset.get("mean", own["mean"])), "std": list(preset.get("std", own["std"]))}
    return {"method": preset["method"], "order": preset["order"], "resize": resize, "crop": crop, **values}


def shard_params(values: Mapping[str, Any], input: str, pixels: str, on_bad: str = "fail") -> dict[str, Any]:
    """The params of preprocess.shards:write. Mean and std are among them only where the shard holds them: as
    float32.
    """
    params = {key: values[key] for key in ("method", "order", "resize", "crop")}
    if input == "float32":
        params |= {"mean": values["mean"], "std": values["std"]}
    return {**params, "input": input, "pixels": pixels, "on_bad": on_bad}


def tools(pixels: str) -> dict[str, str | None]:
    """What a shard's values depend on besides its pictures. The exact ones do not depend on the kernel, the
    fast ones do.
    """
    found = {name: fingerprint.of_package(name) for name in ("numpy", "Pillow")}
    if pixels == "fast":
        spec = importlib.util.find_spec("preprocess.pixels._resample")
        found["resample"] = fingerprint.of_content(spec.origin)[:12] if spec and spec.origin else None
    return found


def variants(values: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Ways to prepare pictures under plausible mistakes: {name: values as resolved() gives them}, for
    diagnose.py.

    What the build does (`as-is`), with channels swapped (`bgr`; `bgr-values`: mean and std with them), not
    normalised (`unnormalised`: x/255, `unscaled`: 0..255), and every other preset (`preset-NAME`). Ways that
    come to the same are there once.
    `own`: the model file's [preprocess] table.
    """
    swapped = {**values, "order": "rgb" if values["order"] == "bgr" else "bgr"}
    found = {AS_IS: dict(values), "bgr": swapped}
    found["bgr-values"] = {**swapped, "mean": values["mean"][::-1], "std": values["std"][::-1]}
    found["unnormalised"] = {**values, "mean": [0.0] * 3, "std": [1.0] * 3}
    found["unscaled"] = {**values, "mean": [0.0] * 3, "std": [1 / 255] * 3}
    for name in [
        name for name in PRESETS if own or name != "own"
    ]:  # own first: nothing needs to be typed for it
        found[f"preset-{name}"] = resolved(name, own or values)
    seen: list[dict[str, Any]] = []
    kept = {}
    for name, one in found.items():
        if one not in seen:
            seen.append(one)
            kept[name] = one
    return kept
