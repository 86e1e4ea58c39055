"""The check names what cannot be used and what is odd."""

import json

import pytest
from pictures import encoded, jpeg, noise
from PIL import Image

from preprocess.inspect import check
from preprocess.pixels import decode

STRIP = "1x800 is a strip: its longer side would become 38400 pixels, more than 32768"


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return jpeg(exif=exif)


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
