"""A request's images: which there are, and where what is made of them lies.

A data set is made from a listing and never changed: `evaluated` takes all images or `--limit` of them,
`by_name` some whatever their labels are, `labelled_or_not` all, and what is wrong with their labels. `inv
compile` never makes one.
"""

import functools
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.errors import BuildError
from pipeline.fingerprint import Stat
from preprocess.dataset import listing, scan, subset
from preprocess.dataset.listing import Image, Listing
from preprocess.labels import kaggle
from preprocess.sample import splits
from stages.request.request import Request

# 154 MB either way at 224x224: what a lost shard costs, and a worker's page cache
LARGEST = {"uint8": 1024, "float32": 256}


@dataclass(frozen=True)
class Dataset:
    """The images of a request, in order, with their labels."""

    request: Request
    listing: Listing

    @property
    def images(self) -> tuple[Image, ...]:
        """The images, sorted by name."""
        return self.listing.images

    @cached_property
    def name(self) -> str:
        """DATASET-PRESET-INPUT-PIXELS[-LIMIT]: its folder's name, and a part of its steps' names."""
        return self.request.data_name(self.listing.identity)

    @cached_property
    def dir(self) -> str:
        """OUT/data/DATASET-PRESET-INPUT-PIXELS[-LIMIT]."""
        return os.path.join(self.request.out, "data", self.name)

    @cached_property
    def in_records(self) -> str:
        """The data set as records name it."""
        return self.request.dataset_name(self.listing.identity)

    def row(self) -> dict[str, object]:
        """The columns of a record that is of the data alone: shards are the same for all chips and
        networks.
        """
        return {
            "model": None,
            "checkpoint": None,
            "weights": None,
            "dataset": self.in_records,
            "chip": None,
            "precision": None,
            "input": self.request.input,
            "batch": None,
            "sample_data": self.request.sample,
            **self.request.pixel_columns,
        }

    @property
    def index_csv(self) -> str:
        """row,name,label,shard of the evaluated set."""
        return os.path.join(self.dir, "index.csv")

    @cached_property
    def shard_size(self) -> int:
        """Images in every shard but the last."""
        return images_a_shard(len(self.images), self.request.input)

    @cached_property
    def shards(self) -> list[str]:
        """Paths of the shards, in order."""
        count = len(shard_sizes(len(self.images), self.request.input))
        return [os.path.join(self.dir, f"shard-{n:05d}.npy") for n in range(count)]

    def images_in(self, shard: int) -> int:
        """Images in shard number `shard`."""
        return min(self.shard_size, len(self.images) - shard * self.shard_size)

    def images_of(self, shard: int) -> tuple[Image, ...]:
        """The images of shard number `shard`."""
        return self.images[shard * self.shard_size : (shard + 1) * self.shard_size]

    @property
    def channels(self) -> dict[str, object]:
        """What turns rows of the shards into pictures again: the order of the channels and, of float32, the
        normalisation.
        """
        pixels = self.request.pixels
        normalised = {key: pixels[key] for key in ("mean", "std")} if self.request.input == "float32" else {}
        return {"order": pixels["order"], **normalised}

    @property
    def skips_undecodable(self) -> bool:
        """Whether images that cannot be decoded count as wrong instead of stopping the build."""
        return self.request.given.on_bad == "skip"

    @property
    def undecodable(self) -> tuple[str, ...]:
        """The list of images that were skipped, where they are."""
        return (f"{self.dir}/bad.json",) if self.skips_undecodable else ()

    @property
    def roots(self) -> dict[str, str]:
        """Files in the data set's folder are inputs: they keep their names in stamps when it moves."""
        return {} if self.request.sample else {"data": self.listing.root}

    @property
    def stats(self) -> Mapping[str, Stat]:
        """Times and sizes of the files as the listing saw them."""
        return self.listing.stats

    def paths(self, part: Sequence[Image]) -> dict[str, tuple[str, ...]]:
        """The inputs of a step that reads these images: none when they are in a tar, whose members' hashes
        are params.
        """
        return {} if self.listing.tar else {"images": tuple(f"{self.listing.root}/{i.path}" for i in part)}

    @property
    def tar(self) -> dict[str, str]:
        """The unhashed input of a step that reads images from a tar."""
        return {"tar": self.listing.tar} if self.listing.tar else {}

    def members(self, part: Sequence[Image]) -> dict[str, object]:
        """Where a tar holds these images and what they are. Of a folder, whose files are inputs, only the
        names that are more than the files' own.
        """
        if not self.listing.tar:
            names = [image.name for image in part]
            return {"names": names} if any("/" in name for name in names) else {}
        return {"members": [[image.name, image.offset, image.size, image.sha256] for image in part]}


def evaluated(request: Request) -> Dataset:
    """The images with their labels: all, or --limit of them, a fixed stratified choice."""
    everything = _listed(request)
    limit = request.given.limit
    return Dataset(request, subset.stratified(everything, limit) if limit else everything)


def by_name(request: Request, count: int) -> Dataset:
    """`count` of the images (or --limit), by their names alone: it is the labels that are in doubt."""
    everything = _listed(request, any_label=True)
    most = min(request.given.limit or count, len(everything.images))
    return Dataset(request, subset.by_name(everything, most))


def labelled_or_not(request: Request) -> tuple[Dataset, str]:
    """(all images, with labels or without; what is wrong with the labels, "" where nothing is)."""
    try:
        return evaluated(request), ""
    except BuildError as error:
        # raises once more where it is not the labels
        images = scan.scanned(request.dataset, _members(request), request.out)
        return Dataset(request, listing.unlabelled(images)), str(error)


def sample_pictures(request: Request) -> str:
    """Where the sample's pictures are drawn."""
    return os.path.join(request.out, "data", "sample-pictures")


def images_a_shard(n: int, input: str) -> int:
    """ceil(n/16) clipped to 16..1024 (uint8) or 16..256 (float32), rounded up to a multiple of 16.

    It follows from the image count alone, so that a limit or a new image moves as little as possible; small
    sets spread over all slots, too.
    """
    size = min(max(-(-n // 16), 16), LARGEST[input])
    return -(-size // 16) * 16


def shard_sizes(n: int, input: str) -> list[int]:
    """The image count of each shard, in order: all equal but the last. Their sum is n."""
    size = images_a_shard(n, input)
    return [min(size, n - first) for first in range(0, n, size)]


def _listed(request: Request, any_label: bool = False) -> Listing:
    if request.sample:
        return listing.generated(sample_pictures(request), splits.listing())
    classes, members = request.model.classes, _members(request)
    everything = listing.listed(request.dataset, request.labels, classes, members, any_label, request.out)
    part = kaggle.part_taken(request.dataset, everything.part)
    if part and not request.given.quiet:
        _tell(f"inv: --dataset={request.given.dataset}: {part}")
    return everything


@functools.cache
def _tell(line: str) -> None:
    """Say a line, once: several stages ask for the same data set."""
    print(line, file=sys.stderr)


def _members(request: Request) -> str:
    """Where it is remembered what a tar holds."""
    name = os.path.basename(request.dataset.rstrip("/"))
    return os.path.join(request.out, "data", name + ".members.json")
