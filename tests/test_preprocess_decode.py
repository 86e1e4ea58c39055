"""What is a picture, what is none, and that the libjpeg inside Pillow, called directly, gives what Pillow
gives.
"""

import io
import os
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import encoded, jpeg, noise
from PIL import Image, ImageFile

from preprocess.pixels import decode
from preprocess.pixels.crop import Box
from preprocess.undecodable import BadImage


def bomb():
    """A PNG's head that promises 100,000 x 100,000 pixels."""
    found = b"\x89PNG\r\n\x1a\n"
    for kind, data in (
        (b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" * 999)),
    ):
        found += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return found


@pytest.mark.parametrize(
    "data",
    [
        jpeg(90, 61),
        jpeg(90, 61, mode="L"),
        jpeg(90, 61, mode="CMYK"),
        jpeg(90, 61, progressive=True),
        jpeg(90, 61, subsampling=0),
        jpeg(90, 61, subsampling=1),
        jpeg(90, 61, quality=5),
        encoded(noise(90, 61), "PNG"),
        encoded(noise(90, 61), "PNG", "P"),
        encoded(noise(90, 61), "PNG", "RGBA"),
        jpeg(1, 1),
        jpeg(90, 61)[:-2] + b"\xff\xd9garbage behind",
    ],
)
def test_every_form_decodes_as_pillow_does(data):
    with Image.open(io.BytesIO(data)) as picture:
        assert np.array_equal(decode.decoded(data), np.asarray(picture.convert("RGB")))


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


@pytest.mark.parametrize("ending", [b"\xff\xd9", b""])
def test_a_small_file_of_thousands_of_scans_is_a_bomb_and_is_not_decoded(ending, monkeypatch):
    data = jpeg(3000, 3000, progressive=True, quality=30)
    last = data.rindex(b"\xff\xda")
    decode.jpeg_agrees()  # compares the decoders, once
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    monkeypatch.setattr(decode, "part", None)
    with pytest.raises(BadImage, match=r"decompression bomb: more than 159 scans of 3000x3000"):
        decode.decoded(data[:last] + data[last:-2] * 3000 + ending)


def test_an_ordinary_progressive_picture_is_no_bomb():
    data = jpeg(3000, 2000, progressive=True, quality=30)
    assert 5 < decode.scans(data, 99) < 20 and decode.decoded(data).shape == (2000, 3000, 3)


def test_postscript_under_a_jpegs_name_is_not_an_image():
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(BadImage, match="not an image"):
        decode.decoded(eps)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty file"),
        (bytes(5000), "all bytes are zero"),
        (b"<html>not found</html>", "not an image"),
        (jpeg(200, 200)[:-900], "truncated"),
        (jpeg(200, 200)[:3], "not an image|truncated"),
        (encoded(noise(200, 200), "PNG")[:-400], "truncated"),
        (bomb(), "decompression bomb"),
    ],
)
def test_what_is_no_picture_says_why(data, says):
    with pytest.raises(BadImage, match=says):
        decode.decoded(data)


def test_a_jpeg_that_promises_a_bomb_is_refused():
    data = bytearray(jpeg(64, 64))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 60_000, 60_000)
    with pytest.raises(BadImage, match="decompression bomb"):
        decode.decoded(bytes(data))


def test_a_file_that_is_gone_says_so(tmp_path):
    with pytest.raises(BadImage, match="cannot be read: No such file"):
        decode.read(str(tmp_path / "a.jpg"))


SOUND = {
    "JPEG": jpeg(70, 50),
    "progressive": jpeg(70, 50, progressive=True),
    "PNG": encoded(noise(20, 20), "PNG"),
    "GIF": encoded(noise(20, 20), "GIF"),
}


@settings(max_examples=400, deadline=None)
@given(
    form=st.sampled_from(sorted(SOUND)),
    at=st.integers(0, 10_000),
    put=st.binary(min_size=1, max_size=6),
    cut=st.integers(0, 3000),
)
def test_a_damaged_picture_is_refused_or_decodes_as_pillow_does(form, at, put, cut):
    data = SOUND[form]
    at %= len(data)
    data = (data[:at] + put + data[at + len(put) :])[: len(data) - (cut if cut % 3 == 0 else 0) % len(data)]
    try:
        expected = np.asarray(decode.by_pillow(data))
    except BadImage:
        expected = None
    try:
        found = decode.decoded(data)
    except BadImage:
        assert expected is None
    else:
        assert expected is None or np.array_equal(found, expected)


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=200),
    head=st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0", b"RIFF"]),
)
def test_bytes_are_a_picture_or_none(data, head):
    try:
        assert decode.decoded(head + data).shape[2] == 3
    except BadImage as error:
        assert str(error) and "\n" not in str(error)


def with_segment(data, marker, content):
    """The JPEG with one more segment behind its first marker."""
    return data[:2] + b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content + data[2:]


def test_scans_are_counted_in_the_picture_and_nowhere_else():
    data = jpeg(90, 61, progressive=True)
    right = decode.scans(data, 10**6)
    assert 5 < right < 20
    assert decode.scans(with_segment(data, 0xFE, b"\xff\xda" * 9000) + b"\xff\xda" * 9000, 10**6) == right
    assert decode.scans(data, 3) == 4
    trailing = jpeg(4000, 3000, quality=30) + b"\xff\xda" * 9000
    assert decode.decoded(trailing).shape == (3000, 4000, 3)


@pytest.mark.parametrize(("marker", "content"), [(0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe"), (0xE0, b"JFIF")])
def test_metadata_that_pillow_refuses_is_refused(marker, content):
    data = with_segment(jpeg(90, 61), marker, content)
    with pytest.raises(BadImage, match="not an image"):
        decode.by_pillow(data)
    with pytest.raises(BadImage, match="not an image"):
        decode.decoded(data)


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
