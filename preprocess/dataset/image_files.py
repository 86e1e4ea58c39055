"""The image files of a data set, still without labels; and the files that a data set must not hold."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.errors import BuildError
from pipeline.fingerprint import Stat
from pipeline.text import counted

ENDINGS = (".jpeg", ".jpg", ".png")
# pictures, too, as far as names tell: left out, they would be a smaller data set
OTHERS = re.compile(
    r"\.(avif|bmp|dng|gif|heic|heif|jfif|jp2|jpe|jxl|p[bgnp]m|tiff?|webp|(jpe?g|png)(~|\s+|[._-]?\d+|_large))$",
    re.IGNORECASE,
)


class Place(NamedTuple):
    """Where an image is: its path relative to the data set's root; offset, size and sha256 (its first 16 hex)
    of a tar's member.
    """

    path: str
    offset: int = 0
    size: int = 0
    sha256: str = ""


@dataclass
class ImageFiles:
    """Images without labels.

    root    the folder that their paths are relative to; of a tar, the folder that it lies in
    tar     the archive that holds them, or None
    places  {name: where it is}, by `named`; while files are looked for, by path
    stats   {path: (mtime_ns, ctime_ns, size)}; not of a tar's members, nor of what cannot be reached
    given   {name: label} that came with them: those of an index file, else None
    empty   folders that hold no image at any depth, relative to the root
    part    which part of Kaggle's ImageNet was taken, where the tree or its tar was given: a path; else ""
    """

    root: str
    tar: str | None = None
    places: dict[str, Place] = field(default_factory=dict)
    stats: dict[str, Stat] = field(default_factory=dict)
    given: dict[str, int] | None = None
    empty: list[str] = field(default_factory=list)
    part: str = ""


@dataclass
class Unwanted:
    """Paths of what a data set must not hold, by what is wrong with them."""

    twice: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def refuse(self, dataset: str) -> None:
        """BuildError when there is any: it counts them and names the first."""
        if self.broken:
            raise BuildError(
                f"--dataset={dataset}: {counted(len(self.broken), 'link')} cannot be followed, first:"
                f" {min(self.broken)}. Repair or remove what leads nowhere: it may stand for a whole class"
            )
        if self.twice:
            raise BuildError(
                f"--dataset={dataset}: {counted(len(self.twice), 'picture')} in it twice, first:"
                f" {min(self.twice)}. Pack it anew, each file once"
            )
        if self.others:
            one = len(self.others) == 1
            raise BuildError(
                f"--dataset={dataset}: {counted(len(self.others), 'file')} {'looks' if one else 'look'} like"
                f" {'a picture' if one else 'pictures'} and {'has' if one else 'have'} none of the endings"
                f" {', '.join(ENDINGS)}, first: {min(self.others)}. Convert or remove"
                f" {'it' if one else 'them'}"
            )


def named(places: Iterable[Place]) -> dict[str, Place]:
    """{name: place}: their base names; the paths of all where two base names are the same."""
    listed = list(places)
    by_base = {place.path.rpartition("/")[2]: place for place in listed}
    return by_base if len(by_base) == len(listed) else {place.path: place for place in listed}


def is_image(name: str) -> bool:
    """Whether a file is one of the data set's images, by its name."""
    return name.lower().endswith(ENDINGS)


def stem_of(name: str) -> str:
    """An image's name or path without its ending; a name without one is its own."""
    return name.rpartition(".")[0] if is_image(name) else name


def looks_like_image(name: str) -> bool:
    """Whether a file that is none of them looks like an image, by its name."""
    return OTHERS.search(name) is not None
