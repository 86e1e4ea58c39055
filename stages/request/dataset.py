"""A request's pictures: which there are, and where what is made of them lies. Looked up when a stage first
asks for it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.errors import BuildError
from preprocess import presets
from preprocess.dataset import listing as index
from preprocess.dataset import scan, subset
from preprocess.dataset.listing import Listing
from preprocess.sample import splits
from stages.request.request import AGREEMENT_IMAGES, REPOSITORY, Request

# 154 MB either way at 224x224: what a lost shard costs, and a worker's page cache
LARGEST = {"uint8": 1024, "float32": 256}

# 154 MB either way at 224x224: what a lost shard costs, and a worker's page cache


@dataclass(frozen=True)
class Data(Request):
    """A request with its data set. `inv compile` never looks at any of this."""

    @cached_property
    def roots(self) -> dict[str, str]:
        """Folders that stamps name files by. `data` joins when the data set is listed."""
        return {"repository": REPOSITORY, "out": self.out}

    def add_root(self, name: str, folder: str) -> None:
        """Files in this folder are inputs: they keep their names when it moves."""
        self.roots[name] = folder

    @cached_property
    def listing(self) -> Listing:
        """The pictures with their labels, in order."""
        return self.listed(self.words.limit)

    def listed(self, count: int | None, any_label: bool = False) -> Listing:
        """The pictures with their labels: all, or `count` of them, a fixed stratified choice."""
        if self.sample:
            images = tuple(index.Image(name, name, label) for name, label in splits.listing())
            found = Listing(
                self.pictures,
                images,
                os.path.join(self.pictures, "val_label.txt"),
                None,
                index.identity(images),
                {},
            )
        else:
            found = index.listed(
                self.dataset, self.labels, self.model.classes, self._members, any_label, self.out
            )
            self.add_root("data", found.root)
        return subset.stratified(found, count) if count else found

    def diagnose(self, count: int) -> None:
        """Take `count` of the pictures for the listing, by their names alone: it is the labels that are in
        doubt.
        """
        everything = self.listed(None, any_label=True)
        vars(self)["listing"] = subset.by_name(
            everything, min(self.words.limit or count, len(everything.images))
        )

    def check(self) -> str:
        """Take all pictures for the listing, with labels or without; what is wrong with the labels, or
        nothing.
        """
        try:
            self.listing  # noqa: B018  looked up now
        except BuildError as error:
            # raises once more where it is not the labels
            found = scan.scanned(self.dataset, self._members, self.out)
            self.add_root("data", found.root)
            vars(self)["listing"] = index.unlabelled(found)
            return str(error)
        return ""

    @property
    def diagnosed_dir(self) -> str:
        """Where the pictures of a diagnosis lie: the same ones for every label file."""
        names = index.identity(tuple(image._replace(label=0) for image in self.listing.images))
        return os.path.join(self.out, "data", f"{self.data_name(names)}-diagnosed")

    @property
    def _members(self) -> str:
        return os.path.join(self.out, "data", os.path.basename(self.dataset.rstrip("/")) + ".members.json")

    @property
    def pictures(self) -> str:
        """Where the sample's pictures are drawn."""
        return os.path.join(self.out, "data", "sample-pictures")

    @cached_property
    def data_dir(self) -> str:
        """OUT/data/DATASET-PRESET-INPUT-PIXELS[-LIMIT]."""
        return os.path.join(self.out, "data", self.data_name(self.listing.identity))

    @cached_property
    def dataset_row(self) -> str:
        """The data set as records name it."""
        return self.dataset_name(self.listing.identity)

    def data_row(self) -> dict[str, Any]:
        """The columns of a record that is of the data alone: shards are the same for all chips and
        networks.
        """
        return {
            "model": None,
            "checkpoint": None,
            "dataset": self.dataset_row,
            "chip": None,
            "precision": None,
            "input": self.input,
            "batch": None,
            "sample_data": self.sample,
            **self.pixel_columns,
        }

    @cached_property
    def index_csv(self) -> str:
        """row,name,label,shard of the evaluated set."""
        return os.path.join(self.data_dir, "index.csv")

    @cached_property
    def shard_size(self) -> int:
        """Images in every shard but the last."""
        return images_a_shard(len(self.listing.images), self.input)

    @cached_property
    def shards(self) -> list[str]:
        """Paths of the shards, in order."""
        count = len(shard_sizes(len(self.listing.images), self.input))
        return [os.path.join(self.data_dir, f"shard-{n:05d}.npy") for n in range(count)]

    def logits_dir(self, batch: int) -> str:
        """OUT/MODEL-<hash8>/CHIP/PRECISION-INPUT/DATA/bs16: what a compiled model said about this data."""
        return os.path.join(self.chip_dir, os.path.basename(self.data_dir), f"bs{batch}")

    @cached_property
    def agreement_images(self) -> int:
        """How many images every compiled batch size is held against PyTorch on."""
        return min(len(self.listing.images), AGREEMENT_IMAGES)

    @cached_property
    def agreement_shards(self) -> list[str]:
        """The shards that hold these images."""
        return self.shards[: -(-self.agreement_images // self.shard_size)]

    @cached_property
    def reference(self) -> str:
        """PyTorch's logits of these images; the same for every chip."""
        return os.path.join(self.model_dir, "reference", os.path.basename(self.data_dir) + ".npy")

    @cached_property
    def pixel_tools(self) -> dict[str, str | None]:
        """What the pixels of a shard depend on besides the pictures."""
        return presets.tools(self.words.pixels)

    @property
    def skips_bad(self) -> bool:
        """Whether pictures that cannot be decoded count as wrong instead of stopping the build."""
        return self.words.on_bad == "skip"

    def picture_paths(self, part: Sequence[index.Image]) -> tuple[str, ...]:
        """Absolute paths of these pictures; () when they are read from a tar, whose members' hashes are
        params.
        """
        return () if self.listing.tar else tuple(f"{self.listing.root}/{image.path}" for image in part)

    @property
    def tar(self) -> tuple[str, ...]:
        """The archive that the pictures are read from, if it is one."""
        return (self.listing.tar,) if self.listing.tar else ()

    def pixel_params(self, part: Sequence[index.Image]) -> dict[str, Any]:
        """Params of preprocess.shards:write for these pictures."""
        params = presets.shard_params(self.pixels, self.input, self.words.pixels, self.words.on_bad)
        return params | self.members(part)

    def members(self, part: Sequence[index.Image]) -> dict[str, Any]:
        """Where a tar holds these pictures and what they are; nothing for a folder, whose files are
        inputs.
        """
        if not self.listing.tar:
            return {}
        return {"members": [[image.name, image.offset, image.size, image.sha256] for image in part]}

    def shard_mb(self, images: int) -> float:
        """Size of a shard of so many images."""
        return images * self.model.resolution**2 * 3 * (1 if self.input == "uint8" else 4) / 2**20

    def images_in(self, shard: int) -> int:
        """Images in shard number `shard`."""
        return min(self.shard_size, len(self.listing.images) - shard * self.shard_size)

    @property
    def margin(self) -> float:
        """Images whose two largest logits are closer than this may change places without fault."""
        return 1e-2 if self.precision == "fp32" else 0.1

    @property
    def bad_lists(self) -> tuple[str, ...]:
        """The list of pictures that were skipped, where they are."""
        return (f"{self.data_dir}/bad.json",) if self.skips_bad else ()


def images_a_shard(n: int, input: str) -> int:
    """ceil(n/16) clipped to 16..1024 (uint8) or 16..256 (float32), rounded up to a multiple of 16: small sets
    spread, too.
    """
    size = min(max(-(-n // 16), 16), LARGEST[input])
    return -(-size // 16) * 16


def shard_sizes(n: int, input: str) -> list[int]:
    """The image count of each shard, in order: all equal but the last. Their sum is n."""
    size = images_a_shard(n, input)
    return [min(size, n - first) for first in range(0, n, size)]
