"""What a file that is not read as an image is, by its first bytes, and what to do about it. Pillow only says
that it is none.

Signatures: ISO/IEC 14496-12 (`ftyp` and its brands: AVIF, HEIF), 15444-1 (JPEG 2000), 18181-2 (JPEG XL),
14495-1 (JPEG-LS), 29199-2 (JPEG XR); a JPEG's process and precision: ITU-T T.81, table B.1 and B.2.2.
"""

import re

CONVERT = "convert it to JPEG or PNG"
BRANDS = {
    b"avif": "AVIF",
    b"avis": "AVIF",
    b"crx ": "camera raw",
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"),
}
PICTURES = {
    b"\x00\x00\x00\x0cjP  \r\n\x87\n": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\x00\x00\x00\x0cJXL \r\n\x87\n": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"II\xbc": "JPEG XR",
    b"\x00\x00\x00\x0cjXS ": "JPEG XS",
    b"\xff\x10\xff\x50": "JPEG XS",
    b"8BPS": "Photoshop",
    b"\x00\x00\x01\x00": "icon (ICO)",
    b"DDS ": "DDS",
    b"v/1\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"qoif": "QOI",
    b"FUJIFILMCCD-RAW": "camera raw",
    b"IIRO": "camera raw",
}
# of formats that are read
READ = (
    (re.compile(rb"\xff\xd8\xff"), "JPEG"),
    (re.compile(rb"\x89PNG\r\n"), "PNG"),
    (re.compile(rb"GIF8[79]a"), "GIF"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WebP"),
    (re.compile(rb"II\*\0|MM\0\*"), "TIFF"),
)
# what was downloaded or packed in a picture's place, and what to do
OTHERS = (
    (re.compile(rb"version https://git-lfs"), "a git-lfs pointer: git lfs pull"),
    (
        re.compile(rb"(<\?xml[^>]*>\s*(<!--.*?-->\s*|<!DOCTYPE svg[^>]*>\s*)*)?<svg", re.DOTALL),
        f"SVG: {CONVERT}",
    ),
    (re.compile(rb"<!doctype html|<html|<head", re.IGNORECASE), "a web page: download the picture again"),
    (re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"), f"PostScript: {CONVERT}"),
    (re.compile(rb"%PDF"), f"PDF: {CONVERT}"),
    (re.compile(rb"PK\x03\x04"), "a zip: unzip it"),
    (re.compile(rb"\x1f\x8b"), "gzip data: gunzip it"),
)
# of a JPEG's start of frame, by its marker
BASELINE, PROGRESSIVE = (0xC0, 0xC1), 0xC2
PROCESSES = {
    **dict.fromkeys((0xC3, 0xC7), "lossless"),
    **dict.fromkeys((0xC5, 0xC6), "hierarchical"),
    **dict.fromkeys((0xC9, 0xCA), "arithmetic-coded"),
    0xCB: "lossless, arithmetic-coded",
    **dict.fromkeys((0xCD, 0xCE, 0xCF), "hierarchical, arithmetic-coded"),
}
LOSSLESS_2 = 0xF7  # JPEG-LS


def refusal(data: bytes) -> str:
    """Say why a file's bytes are not read as an image: which format they are of, where that can be seen."""
    if not data.strip(b"\0"):
        return "not an image: all bytes are zero"
    name = of_picture(data)
    if name:
        return f"{name}, which is not read: {CONVERT}"
    damaged = next((name for pattern, name in READ if pattern.match(data)), "")
    if damaged:
        return f"not an image: it begins as {damaged} and goes on otherwise; get it anew"
    text = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    other = next((what for pattern, what in OTHERS if pattern.match(text)), "")
    return f"not an image: {other}" if other else "not an image"


def remark(data: bytes) -> str:
    """What to add to a reader's own reason: the kind of JPEG, where it is one that many cannot decode; else
    nothing.
    """
    kind = of_jpeg(data)
    return f" ({kind}: {CONVERT})" if kind else ""


def of_picture(data: bytes) -> str:
    """The name of the picture format that these bytes begin as; "" where that is none that is refused."""
    if data[4:8] == b"ftyp":
        # the major brand, a version, then the compatible ones: a HEIF may only say so there
        length = min(int.from_bytes(data[:4], "big"), 256)
        brands = [data[8:12], *(data[at : at + 4] for at in range(16, length, 4))]
        names = [BRANDS[brand] for brand in brands if brand in BRANDS]
        return ("AVIF" if "AVIF" in names else names[0]) if names else "video"
    for signature, name in PICTURES.items():
        if data.startswith(signature):
            return name
    return of_jpeg(data)


def of_jpeg(data: bytes) -> str:
    """`12-bit JPEG`, `lossless JPEG`, ...; "" for an ordinary JPEG, and for what is none."""
    if data[:2] != b"\xff\xd8":
        return ""
    at = 2
    while at + 5 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == LOSSLESS_2:
            return "JPEG-LS"
        elif marker in (*BASELINE, PROGRESSIVE, *PROCESSES):
            bits = data[at + 4]
            process = PROCESSES.get(marker)
            words = [f"{bits}-bit"] * (bits != 8) + ([process] if process else [])
            return " ".join([*words, "JPEG"]) if words else ""
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return ""
