"""What is a picture, and decodes as Pillow does; what is none, and says why."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import encoded, jpeg, noise
from PIL import Image, ImageFile

from preprocess.pixels import decode
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


JPEG_XL = b"\xff\x0a\x09A$\x08\x04\x01\0\xc8\x01K8`l"
TWELVE_BITS = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc1\0\x0b\x0c\0\x28\0\x3c\1\1\x11\0"
HEIC = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(90)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encoded(noise(60, 40), "AVIF"), "AVIF"),
        (encoded(noise(60, 40), "JPEG2000"), "JPEG 2000"),
        (encoded(noise(60, 40), "JPEG2000", no_jp2=True), "JPEG 2000"),
        (JPEG_XL, "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + JPEG_XL, "JPEG XL"),
        (HEIC, "HEIC"),
        (TWELVE_BITS + bytes(90), "12-bit JPEG"),
        (TWELVE_BITS.replace(b"\xff\xc1", b"\xff\xc3") + bytes(90), "12-bit lossless JPEG"),
        (b"\xff\xd8\xff\xf7" + TWELVE_BITS[22:] + bytes(90), "JPEG-LS"),
    ],
)
def test_a_format_that_is_not_read_is_named_and_what_to_do(data, name):
    with pytest.raises(BadImage, match=f"^{name}, which is not read: convert it to JPEG or PNG$"):
        decode.decoded(data)


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC9, 0xCA])
def test_a_rare_kind_of_jpeg_is_read_or_named(marker):
    rare = jpeg(60, 40).replace(b"\xff\xc0", bytes([0xFF, marker]))
    try:
        decode.decoded(rare)
    except BadImage as error:
        kinds = {0xC3: "lossless", 0xC5: "hierarchical", 0xC9: "arithmetic-coded", 0xCA: "arithmetic-coded"}
        assert f"{kinds[marker]} JPEG" in str(error) and "convert it" in str(error)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "a git-lfs pointer: git lfs pull"),
        (b"\n<!DOCTYPE HTML><title>404", "a web page: download the picture again"),
        (jpeg()[:20], "it begins as JPEG and goes on otherwise; get it anew"),
    ],
)
def test_what_lies_in_a_pictures_place_is_named(data, says):
    with pytest.raises(BadImage, match=f"^not an image: {says}$"):
        decode.decoded(data)
