"""Fuzz the readers of untrusted files for a set time: pictures, label files, tars, devkits. Needs atheris
(pip install atheris).

    .venv/bin/python benchmarks/preprocess/fuzz.py --seconds=60

A reader may refuse (BuildError, BadImage) and may accept; anything else, or more than 5 s for one input, is a
finding: atheris prints it and the exit code is not 0.
"""

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

try:
    import atheris
except ImportError:
    sys.exit("atheris: not installed, needed to fuzz. Install it: .venv/bin/pip install atheris")

with atheris.instrument_imports(include=["preprocess"]):
    from pipeline.errors import BuildError
    from preprocess.dataset import devkit, labels
    from preprocess.dataset import tar as archive
    from preprocess.inspect import check
    from preprocess.pixels import decode, transform
    from preprocess.undecodable import BadImage

SCRATCH = tempfile.mkdtemp()
TARGETS = ("picture", "labels", "csv", "tar", "devkit")


def saved(data: bytes, name: str) -> str:
    """The bytes as a file."""
    path = f"{SCRATCH}/{name}"
    with open(path, "wb") as file:
        file.write(data)
    return path


def image_file(data: bytes) -> None:
    """Refused, or the pixels that Pillow alone gives."""
    try:
        pixels_u8 = transform.pixels(data, 24, 16)
    except BadImage:
        return
    # what Pillow refuses, we do
    assert np.array_equal(pixels_u8, transform.shaped(np.asarray(decode.by_pillow(data)), 24, 16))
    check.odd("a.JPEG", data, resize=24, crop=16)


def label_file(data: bytes, name: str) -> None:
    """Refused, or names with whole numbers."""
    try:
        label_of = labels.read(saved(data, name))
    except BuildError:
        return
    assert label_of and all(name and abs(label) < 10**9 for name, label in label_of.items())


def tar(data: bytes) -> None:
    """Refused, or plain members inside the file."""
    try:
        members = archive.scan(saved(data, "a.tar"))
    except BuildError:
        return
    for member in members:
        assert ".." not in member.path.split("/") and member.offset + member.size <= len(data)


def kit(data: bytes) -> None:
    """Refused, or labels."""
    try:
        label_of = devkit.labels(saved(data, "kit.tar.gz"))
    except BuildError:
        return
    assert all(0 <= label < 1000 for label in label_of.values())


def seeds(target: str, folder: Path) -> None:
    """Sound files to start from."""
    from PIL import Image

    image, packed = io.BytesIO(), io.BytesIO()
    Image.linear_gradient("L").resize((32, 24)).convert("RGB").save(
        image, "PNG" if target == "csv" else "JPEG"
    )
    truth = b"490\n361\n171\n"
    with tarfile.open(fileobj=packed, mode="w:gz" if target == "devkit" else "w") as file:
        info = tarfile.TarInfo(f"data/{devkit.TRUTH}")
        info.size = len(truth)
        file.addfile(info, io.BytesIO(truth))
    texts = {"labels": b"a.jpg 1\nb c.jpg 22\n", "csv": b'row,name,label,shard\n0,"a,b.jpg",5,0\n'}
    known = {"picture": image.getvalue(), "tar": packed.getvalue(), "devkit": packed.getvalue(), **texts}
    (folder / "seed").write_bytes(known[target])


def main() -> None:
    """Give each target its share of the time, in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--target", default="")
    given = parser.parse_args()
    tests = {
        "picture": image_file,
        "labels": lambda data: label_file(data, "a.txt"),
        "csv": lambda data: label_file(data, "a.csv"),
        "tar": tar,
        "devkit": kit,
    }
    if given.target:
        folder = Path(tempfile.mkdtemp())
        seeds(given.target, folder)
        share = max(given.seconds // len(TARGETS), 1)
        options = [
            f"-max_total_time={share}",
            "-timeout=5",
            "-rss_limit_mb=2048",
            "-max_len=20000",
            "-verbosity=0",
        ]
        atheris.Setup(
            [sys.argv[0], *options, f"-artifact_prefix={SCRATCH}/", str(folder)], tests[given.target]
        )
        atheris.Fuzz()
        return
    failed = 0
    for target in TARGETS:
        ended = subprocess.run(
            [sys.executable, __file__, f"--target={target}", f"--seconds={given.seconds}"], check=False
        )
        print(
            f"{target}:"
            f" {'nothing found' if ended.returncode == 0 else f'FOUND SOMETHING (exit {ended.returncode})'}",
            flush=True,
        )
        failed += ended.returncode != 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
