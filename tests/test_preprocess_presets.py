"""Presets: their values, their golden pixels, and what a shard depends on."""

import hashlib

import numpy as np
import pytest
from pictures import noise

from configs import schema
from pipeline.errors import BuildError
from preprocess import presets
from preprocess.pixels import transform

OWN = {"resize": 256, "crop": 224, "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}

# sha256 of the uint8 crop and of the float32 values that each preset makes of noise(500, 375); Pillow 13; the
# formulas are in docs/preprocessing.md
GOLDEN = {
    "own": ("705dfe660b3aceaf", "16104bd712ab3a07"),
    "seed": ("705dfe660b3aceaf", "e2f8e526d2428ad4"),
    "mlperf": ("ee1daf7279fc75ef", "d1908eed9c8123a9"),
    "tf": ("23e09aa746393db7", "05a9388e6fbb0861"),
    "caffe-bgr": ("182845d252ff6e3f", "bfbb2fbc52a60208"),
}


@pytest.mark.parametrize("name", schema.presets())
def test_a_presets_pixels_are_the_golden_ones(name):
    values = presets.resolved(schema.preset(name), OWN)
    pixels_u8 = transform.shaped(noise(500, 375), values["resize"], values["crop"], method=values["method"])
    pixels_u8 = pixels_u8 if values["order"] == "rgb" else pixels_u8[:, :, ::-1]
    floats = transform.normalised(pixels_u8, values["mean"], values["std"])
    found = tuple(
        hashlib.sha256(np.ascontiguousarray(part).tobytes()).hexdigest()[:16] for part in (pixels_u8, floats)
    )
    assert found == GOLDEN[name]


def test_a_preset_keeps_the_models_resolution():
    # int(100 * 160 / 87.5), as MLPerf has it
    assert presets.resolved(schema.preset("mlperf"), {**OWN, "crop": 160})["resize"] == 182
    assert presets.resolved(schema.preset("seed"), {**OWN, "crop": 128})["resize"] == 146
    assert presets.resolved(schema.preset("own"), OWN) == {"method": "pillow", "order": "rgb", **OWN}


def test_caffes_values_are_its_means_and_scale():
    values = presets.resolved(schema.preset("caffe-bgr"), OWN)
    caffe = schema.preset("caffe-bgr")
    level = np.full((1, 1, 3), 200, np.uint8)
    expected = (200 - np.array(caffe.mean_of_levels)) * caffe.scale_of_levels
    assert np.allclose(
        transform.normalised(level, values["mean"], values["std"]).ravel(), expected, atol=1e-5
    )


def test_a_mistyped_preset_gets_the_nearest():
    with pytest.raises(
        BuildError,
        match="--preset=mlpref: there is no such preset; there are: .*seed.*Did you mean --preset=mlperf",
    ):
        schema.preset("mlpref")


@pytest.mark.parametrize("crop", range(32, 2049, 32))
def test_a_preset_resizes_as_the_script_that_it_is_of(crop):
    own = {**OWN, "crop": crop, "resize": 2 * crop}
    scripts = {
        "seed": round(256 / 224 * crop),
        "mlperf": int(100.0 * crop / 87.5),
        "tf": round(100 / 87.5 * crop),
    }
    assert {name: presets.resolved(schema.preset(name), own)["resize"] for name in scripts} == scripts


def test_a_crop_larger_than_the_picture_is_refused():
    with pytest.raises(BuildError, match="crop = 300 does not fit into resize = 256"):
        presets.resolved(schema.preset("own"), {**OWN, "crop": 300})


def test_uint8_shards_do_not_depend_on_the_normalisation():
    values = presets.resolved(schema.preset("own"), OWN)
    assert not {"mean", "std"} & presets.shard_params(values, "uint8", "exact").keys()
    assert presets.shard_params(values, "float32", "exact")["mean"] == OWN["mean"]


def test_variants_come_once_and_start_with_the_build_itself():
    found = presets.variants(presets.resolved(schema.preset("seed"), OWN), None, schema.presets())
    assert list(found)[0] == presets.AS_IS and "preset-seed" not in found
    assert found["bgr"]["order"] == "bgr" and found["unnormalised"]["std"] == [1.0] * 3
