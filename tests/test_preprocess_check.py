"""The check names what cannot be used and what is odd."""

import io
import json
import struct
import zlib

import numpy as np
import pytest
from pictures import encoded, jpeg, noise
from PIL import Image

from preprocess.inspect import check
from preprocess.pixels import decode

WHITE, UPPER = (
    f"16 bits a channel: {what}, as in the reference"
    for what in ("levels above 255 become white", "the upper 8 are kept")
)
STRIP = "1x800 is a strip: its longer side would become 38400 pixels, more than 32768"


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return jpeg(exif=exif)


def deep(form, dtype=np.uint16):
    """A file of levels 0 to 65535, grayscale."""
    levels = np.linspace(0, 65535, 48 * 48).reshape(48, 48)
    file = io.BytesIO()
    Image.fromarray(levels.astype(dtype)).save(file, form)
    return file.getvalue()


def deep_png(colour, channels):
    """A PNG with 16 bits a channel; `colour`: the kind that its head says."""
    raw = bytes(1 + 48 * channels * 2) * 48
    data = b"\x89PNG\r\n\x1a\n"
    for kind, part in (
        (b"IHDR", struct.pack(">IIBBBBB", 48, 48, 16, colour, 0, 0, 0)),
        (b"IDAT", zlib.compress(raw)),
        (b"IEND", b""),
    ):
        data += struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
    return data


@pytest.mark.parametrize(
    ("name", "data", "bad", "odd"),
    [
        ("a.JPEG", jpeg(), None, []),
        ("a.JPEG", jpeg(mode="L"), None, ["grayscale"]),
        ("a.JPEG", jpeg(mode="CMYK"), None, ["CMYK (four components)"]),
        ("a.JPEG", encoded(noise(60, 40), "PNG"), None, ["PNG data under this name"]),
        ("a.png", jpeg(), None, ["JPEG data under this name"]),
        ("a.jpg", turned(), None, ["EXIF orientation 6 (ignored, as in the reference)"]),
        ("a.jpg", jpeg(20, 10), None, ["tiny: 20x10"]),
        ("a.jpg", b"", "empty file", []),
        ("a.jpg", b"text", "not an image", []),
        ("a.png", encoded(noise(1, 800), "PNG"), STRIP, []),
        ("a.png", deep("PNG"), None, ["grayscale", WHITE]),
        ("a.png", deep("TIFF"), None, ["TIFF data under this name", "grayscale", WHITE]),
        ("a.png", deep("PPM", np.int32), None, ["PPM data under this name", "grayscale", WHITE]),
        (
            "a.png",
            deep("TIFF", np.float32),
            None,
            ["TIFF data under this name", "grayscale", WHITE.replace("16", "32")],
        ),
        ("a.png", deep_png(2, 3), None, [UPPER]),
        ("a.png", deep_png(6, 4), None, ["mode RGBA", UPPER]),
    ],
)
def test_a_file_is_told_for_what_it_is(name, data, bad, odd):
    assert check.odd(name, data, resize=48, crop=32) == (bad, odd)


def test_the_report_lists_the_bad_first_and_counts_the_odd(tmp_path):
    files = {
        "a.jpg": jpeg(),
        "b.jpg": b"",
        "c.jpg": jpeg(mode="L"),
        "d.jpg": jpeg(mode="L"),
        "e.jpg": jpeg(200, 200)[:-900],
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    check.write(
        (str(tmp_path / "odd.json"),),
        images=tuple(str(tmp_path / name) for name in [*files, "gone.jpg"]),
        resize=48,
        crop=32,
    )
    assert [one["row"] for one in json.loads((tmp_path / "odd.json").read_text())] == [1, 2, 3, 4, 5]
    check.report((str(tmp_path / "check.txt"),), lists=(str(tmp_path / "odd.json"),), images=6)
    text = (tmp_path / "check.txt").read_text()
    assert text.startswith("6 images: 3 cannot be used, 2 are odd and can\n  bad   b.jpg: empty file\n")
    assert "grayscale: 2\n          c.jpg\n          d.jpg\n" in text and "gone.jpg: cannot be read" in text


def test_a_jpeg_that_is_cut_and_closed_again_is_odd():
    data = jpeg(200, 200)
    bad, odd = check.odd("a.jpg", data[: len(data) // 2] + b"\xff\xd9", resize=48, crop=32)
    if decode.jpeg_agrees():
        assert bad is None and "damaged, and decoded in spite of it" in odd[0]
