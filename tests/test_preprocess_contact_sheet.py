"""The contact sheet shows the rows of the shards."""

import numpy as np
import pytest
from pictures import folder, paths
from PIL import Image

from configs import schema
from preprocess import presets, shards
from preprocess.dataset import listing as index
from preprocess.inspect import contact_sheet

OWN = {"resize": 48, "crop": 40, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


@pytest.mark.parametrize(
    ("preset", "input"),
    [("own", "uint8"), ("own", "float32"), ("caffe-bgr", "uint8"), ("caffe-bgr", "float32")],
)
def test_a_tile_is_the_picture_in_its_own_colours(tmp_path, preset, input):
    listing = index.listed(folder(tmp_path / "set", [f"p{n}.jpg" for n in range(5)], range(5)), None, 1000)
    values = presets.resolved(schema.preset(preset), OWN)
    images = paths(listing)
    table, files = str(tmp_path / "index.csv"), [str(tmp_path / "0.npy"), str(tmp_path / "1.npy")]
    names = [image.name for image in listing.images]
    shards.index((table,), names=names, labels=list(range(5)), shard_size=3)
    for path, part in zip(files, (images[:3], images[3:]), strict=True):
        shards.write((path,), images=part, **presets.shard_params(values, input, "exact"))
    out = str(tmp_path / "sheet.png")
    form = {"mean": values["mean"], "std": values["std"], "order": values["order"]}
    contact_sheet.write((out,), index=table, shards=files, **form)
    row = np.load(files[1])[1]
    shown = np.asarray(Image.open(out))[
        contact_sheet.GAP : contact_sheet.GAP + 40,
        contact_sheet.GAP + 4 * 168 : contact_sheet.GAP + 4 * 168 + 40,
    ]
    assert np.array_equal(shown, contact_sheet.pixels_u8(row, values["mean"], values["std"], values["order"]))
    shards.write(
        (str(tmp_path / "rgb.npy"),),
        images=(images[4],),
        **{**presets.shard_params(values, "uint8", "exact"), "order": "rgb"},
    )
    assert np.array_equal(shown, np.load(tmp_path / "rgb.npy")[0])


def test_labels_are_told_with_their_names():
    assert contact_sheet.caption(65, None) == "65: sea snake"
    assert contact_sheet.caption(1, ["red", "blue circle, round"]) == "1: blue circle"
    assert contact_sheet.caption(1000, None) == "1000: no class"
