"""The libjpeg inside Pillow, called directly by jpeg.c, gives of any part what Pillow gives; without jpeg.c
all is Pillow's.
"""

import io
import os
import shutil
import subprocess

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import encoded, jpeg, noise
from PIL import Image

from preprocess.pixels import decode
from preprocess.pixels.crop import Box
from preprocess.undecodable import BadImage

JPEG_C = pytest.mark.skipif(
    decode._jpeg is None, reason="jpeg.c was not compiled: no C compiler at installation"
)
FORMS = {
    "gray": lambda pixels_u8, quality: encoded(pixels_u8, mode="L", quality=quality),
    "progressive": lambda pixels_u8, quality: encoded(pixels_u8, progressive=True, quality=quality),
    "restarts": lambda pixels_u8, quality: encoded(pixels_u8, restart_marker_blocks=3, quality=quality),
    "rgb": lambda pixels_u8, quality: encoded(pixels_u8, keep_rgb=True, quality=quality),
    **{
        form: lambda pixels_u8, quality, form=form: simplejpeg.encode_jpeg(
            pixels_u8, quality, colorsubsampling=form
        )
        for form in ("444", "422", "420", "440", "411")
    },
}


@JPEG_C
@settings(max_examples=300, deadline=None)
@given(
    form=st.sampled_from(sorted(FORMS)),
    width=st.integers(1, 130),
    height=st.integers(1, 130),
    quality=st.integers(20, 98),
    ends=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_a_part_is_that_part_of_pillows_picture(form, width, height, quality, ends):
    data = FORMS[form](noise(width, height), quality)
    left, top = int(ends[0] * (width - 1)), int(ends[1] * (height - 1))
    box = Box(
        left, top, left + 1 + int(ends[2] * (width - 1 - left)), top + 1 + int(ends[3] * (height - 1 - top))
    )
    assert decode.plain_size(data) == (width, height)
    found = decode.part(data, box)
    with Image.open(io.BytesIO(data)) as picture:
        assert np.array_equal(
            found, np.asarray(picture.convert("RGB"))[box.top : box.bottom, box.left : box.right]
        )


@JPEG_C
def test_the_c_parts_struct_is_libjpegs():
    """Every field that jpeg62.h shares with jpeglib.h lies where the latter has it."""
    header, compiler = "/usr/include/jpeglib.h", shutil.which("cc") or shutil.which("gcc")
    if not (compiler and os.path.exists(header)):
        pytest.skip("no C compiler or no jpeglib.h (Debian: libjpeg62-turbo-dev)")
    jpeg = (
        "image_width",
        "jpeg_color_space",
        "out_color_space",
        "output_width",
        "output_scanline",
        "data_precision",
        "progressive_mode",
        "arith_code",
        "restart_interval",
        "comps_in_scan",
        "unread_marker",
    )
    errors = ("error_exit", "emit_message", "format_message", "msg_code", "num_warnings")
    same = [("jpeg_decompress_struct", "Jpeg", name) for name in jpeg] + [
        ("jpeg_error_mgr", "JpegErrors", name) for name in errors
    ]
    checks = "".join(
        f'_Static_assert(offsetof(struct {theirs}, {name}) == offsetof({ours}, {name}), "{name}");\n'
        for theirs, ours, name in same
    )
    source = f"""#include <stdio.h>
#include <stddef.h>
#include <jpeglib.h>
#include "{decode.__file__.rpartition("/")[0]}/jpeg62.h"
#if JPEG_LIB_VERSION == 62
_Static_assert(sizeof(struct jpeg_decompress_struct) == sizeof(Jpeg), "size");
_Static_assert(sizeof(struct jpeg_error_mgr) == sizeof(JpegErrors), "size of errors");
{checks}
_Static_assert(JCS_GRAYSCALE == SPACE_GRAY && JCS_RGB == SPACE_RGB && JCS_YCbCr == SPACE_YCC, "colour spaces");
#endif
"""  # noqa: E501
    ended = subprocess.run(
        [compiler, "-fsyntax-only", "-x", "c", "-"], input=source, text=True, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("left_out", ["_jpeg", "agreement"])
def test_without_the_c_part_all_is_pillows(monkeypatch, left_out):
    class Wrong:
        """One that was compiled for something else."""

        @staticmethod
        def bind(path):
            raise OSError("no jpeg_crop_scanline")

    monkeypatch.setattr(decode, "_jpeg", None if left_out == "_jpeg" else Wrong)
    decode.jpeg_agrees.cache_clear()
    try:
        data = jpeg(90, 61)
        assert decode.plain_size(data) is None
        assert np.array_equal(decode.decoded(data), np.asarray(decode.by_pillow(data)))
    finally:
        decode.jpeg_agrees.cache_clear()


@JPEG_C
def test_a_part_outside_the_picture_is_refused():
    assert decode.part(jpeg(90, 61), Box(0, 0, 91, 61)) is None
    with pytest.raises(ValueError, match="does not fit"):
        decode._jpeg.part(jpeg(90, 61), np.empty((5, 5, 3), np.uint8), 0, 0, 6, 5)


@settings(max_examples=300, deadline=None)
@given(
    at=st.floats(0.3, 1),
    put=st.binary(min_size=4, max_size=300),
    marker=st.sampled_from(list(b"\xc4\xdb\xc0\xda\xdd\xd8\xcc")),
    tail=st.booleans(),
)
def test_damage_below_the_part_is_noticed(at, put, marker, tail):
    """A part at the top of the picture; where Pillow refuses the whole, so is the part."""
    data = bytearray(jpeg(300, 300, 3))
    place = min(int(at * len(data)), len(data) - 2 - len(put))
    data[place : place + len(put)] = b"\xff" + bytes([marker]) + put[2:] if tail else put
    try:
        expected = np.asarray(decode.by_pillow(bytes(data)))[:40, :40]
    except BadImage:
        expected = None
    try:
        size = decode.plain_size(bytes(data))
        found = decode.part(bytes(data), Box(0, 0, 40, 40)) if size else None
    except BadImage:
        found = None
    assert found is None or (expected is not None and np.array_equal(found, expected))
