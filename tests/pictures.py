"""Pictures for the tests of preprocess: noise in given sizes and forms, and the folders and tars that hold
them.
"""

import io
import tarfile

import numpy as np
from PIL import Image


def noise(width, height, seed=0):
    """uint8 (height, width, 3): smooth enough that a JPEG keeps it recognisable, busy enough that rounding
    shows.
    """
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return (
        (np.asarray(coarse).astype(int) + rng.integers(-20, 21, (height, width, 3)))
        .clip(0, 255)
        .astype(np.uint8)
    )


def encoded(pixels_u8, form="JPEG", mode="RGB", **options):
    """A file's bytes."""
    file = io.BytesIO()
    Image.fromarray(pixels_u8).convert(mode).save(file, form, **options)
    return file.getvalue()


def jpeg(width=60, height=40, seed=0, mode="RGB", **options):
    """A JPEG's bytes."""
    return encoded(noise(width, height, seed), "JPEG", mode, **options)


def folder(root, names, labels=None):
    """A data set in a folder, with its val_label.txt beside the pictures. Returns its path."""
    for seed, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(40 + seed % 7 * 9, 40 + seed % 5 * 11, seed))
    if labels is not None:
        (root / "val_label.txt").write_text(
            "".join(f"{name.rpartition('/')[2]} {label}\n" for name, label in zip(names, labels, strict=True))
        )
    return str(root)


def paths(listing):
    """Where the images of a folder's listing lie, in order."""
    return [f"{listing.root}/{image.path}" for image in listing.images]


def members(images):
    """Where a tar holds these images and what they are, as steps say it."""
    return [[image.name, image.offset, image.size, image.sha256] for image in images]


def tarred(path, files):
    """A tar of {member name: bytes}, in that order. Returns its path."""
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return str(path)
