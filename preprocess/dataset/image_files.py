"""The image files of a data set, still without labels; and the files that a data set must not hold."""

import re
from collections.abc import Sequence
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
    places  {base name: where it is}
    stats   {absolute path: (mtime_ns, ctime_ns, size)}; none of a tar's members
    given   {base name: label} that came with them: those of an index file, else None
    empty   folders that hold no image at any depth, relative to the root
    """

    root: str
    tar: str | None = None
    places: dict[str, Place] = field(default_factory=dict)
    stats: dict[str, Stat] = field(default_factory=dict)
    given: dict[str, int] | None = None
    empty: list[str] = field(default_factory=list)


@dataclass
class Unwanted:
    """Paths of what a data set must not hold, by what is wrong with them."""

    twice: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    no_file: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def refuse(self, dataset: str) -> None:
        """BuildError when there is any: it counts them and names the first."""
        _refuse(dataset, self.broken, "is a link to nothing", "are links to nothing")
        _refuse(dataset, self.no_file, "is no file: a pipe or a device", "are no files: pipes or devices")
        _refuse(dataset, self.twice, "has the name of another", "have names of others")
        if self.others:
            raise BuildError(
                f"--dataset={dataset}: {len(self.others)} files look like pictures and have none of the"
                f" endings {', '.join(ENDINGS)}, first: {min(self.others)}. Convert or remove them"
            )


def is_image(name: str) -> bool:
    """Whether a file is one of the data set's images, by its name."""
    return name.lower().endswith(ENDINGS)


def looks_like_image(name: str) -> bool:
    """Whether a file that is none of them looks like an image, by its name."""
    return OTHERS.search(name) is not None


def _refuse(dataset: str, paths: Sequence[str], one: str, many: str) -> None:
    if paths:
        says = f"{counted(len(paths), 'picture')} {one if len(paths) == 1 else many}"
        raise BuildError(
            f"--dataset={dataset}: {says}, first: {min(paths)}. Every picture needs a file of its own under a"
            " name of its own"
        )
