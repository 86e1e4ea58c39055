"""A request on this machine: the pictures that are there, the devices that are there, and the slots that work on them.

Everything is looked up at plan time, and only when a stage asks for it: `inv compile` needs no data set.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import backends
from configs import options, request, schema
from configs.request import AGREEMENT_IMAGES, REPOSITORY, Request
from pipeline import kept, machine
from pipeline.disk import Disk
from pipeline.errors import BuildError
from pipeline.fingerprint import of_package
from pipeline.roots import Roots
from pipeline.source import Source
from pipeline.worker import Slot
from preprocess import index, limit, sample, sharding
from preprocess.index import Listing

RECORDS = ("accuracy.json", "agreement.json", "throughput.json", "pipeline.json")  # one flat row each


@dataclass(frozen=True)
class Build(Request):
    """What the stages of tasks.py declare their steps from, and what the engine asks of a request (executor.Request)."""

    @cached_property
    def backend(self) -> ModuleType:
        """The module that compiles for the chip and runs on it."""
        if not self.chip.backend:
            raise BuildError(f"--chip={self.chip.name}: published figures only, nothing here builds for it yet; "
                             "it stands beside the measured ones in every report. Build for one of the others: inv all --chip=cpu")
        found = backends.load(self.chip.backend)
        if self.precision not in found.PRECISIONS:
            raise BuildError(f"--precision={self.precision}: {self.chip.name} builds {', '.join(found.PRECISIONS)}")
        return found

    @cached_property
    def listing(self) -> Listing:
        """The pictures with their labels, in order."""
        if self.sample:
            pictures = sample.listing()
            images = tuple(index.Image(name, name, label) for name, label in pictures)
            found = Listing(self.pictures, images, os.path.join(self.pictures, "val_label.txt"), None, index.identity(images), {})
        else:
            members = os.path.join(self.out, "data", os.path.basename(self.dataset.rstrip("/")) + ".members.json")
            found = index.listed(self.dataset, self.labels, self.model.classes, members)
        return limit.stratified(found, self.words.limit) if self.words.limit else found

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

    @cached_property
    def index_csv(self) -> str:
        """row,name,label,shard of the evaluated set."""
        return os.path.join(self.data_dir, "index.csv")

    @cached_property
    def shard_size(self) -> int:
        """Images in every shard but the last."""
        return sharding.images_a_shard(len(self.listing.images), self.input)

    @cached_property
    def shards(self) -> list[str]:
        """Paths of the shards, in order."""
        count = len(sharding.shard_sizes(len(self.listing.images), self.input))
        return [os.path.join(self.data_dir, f"shard-{n:05d}.npy") for n in range(count)]

    def logits_dir(self, batch: int) -> str:
        """OUT/MODEL-<hash8>/CHIP/PRECISION-INPUT/DATA/bs16: what a compiled model said about this data."""
        return os.path.join(self.chip_dir, os.path.basename(self.data_dir), f"bs{batch}")

    def bench_dir(self, batch: int) -> str:
        """OUT/MODEL-<hash8>/CHIP/PRECISION-INPUT/devices-0/bs16: how fast a compiled model is on these devices."""
        return os.path.join(self.chip_dir, "devices-" + "-".join(self.devices), f"bs{batch}")

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
        return {name: of_package(name) for name in ("Pillow", "numpy", "simplejpeg")}

    @cached_property
    def devices(self) -> list[str]:
        """Ids of the chosen devices of the chip."""
        return options.devices(self.words.devices, self._present, self.chip.name)

    @cached_property
    def _present(self) -> list[str]:
        if self.backend.NEEDS == "cpu":
            return self.backend.devices(self.chip.cores_per_device)
        return self.backend.devices()

    def cores_of(self, device: str) -> tuple[int, ...]:
        """The cores that a device of the CPU is; () for others, which only need to be fed."""
        if self.backend.NEEDS != "cpu":
            return ()
        all_cores, size = machine.cores(), self.chip.cores_per_device
        first = int(device) * size
        return all_cores[first : first + size] or all_cores

    @property
    def shares(self) -> int:
        """How many CPU shares may be in use at once: --jobs."""
        return self.words.jobs or len(machine.cores())

    @cached_property
    def slots(self) -> Sequence[Slot]:
        """A slot a CPU share, and one a device. A device that is made of cores takes their shares while it works."""
        cpu = [Slot("cpu", str(n)) for n in range(self.shares)]
        # a build that only compiles needs no device to be there: those that need one have asked for `devices`
        found = self.devices if "devices" in self.__dict__ else []
        return cpu + [Slot("device", device, self.cores_of(device), len(self.cores_of(device))) for device in found]

    @cached_property
    def roots(self) -> Mapping[str, str]:
        """Folders that stamps name files by."""
        roots = {"repository": REPOSITORY, "out": self.out}
        return roots | ({"data": self.listing.root} if "listing" in self.__dict__ and not self.sample else {})

    @property
    def stats(self) -> Mapping[str, list[int]]:
        """What the listing of the data set saw of its files."""
        return self.listing.stats if "listing" in self.__dict__ else {}

    @property
    def keep_going(self) -> bool:
        """--keep-going."""
        return self.words.keep_going

    @property
    def again(self) -> bool:
        """--again."""
        return self.words.again

    @property
    def quiet(self) -> bool:
        """--quiet."""
        return self.words.quiet

    @property
    def variant(self) -> str:
        """CHIP/PRECISION-INPUT: the middle of the names of all steps of one compiled form."""
        return os.path.relpath(self.chip_dir, self.model_dir)

    @property
    def skips_bad(self) -> bool:
        """Whether pictures that cannot be decoded count as wrong instead of stopping the build."""
        return self.words.on_bad == "skip"

    def picture_paths(self, part: Sequence[index.Image]) -> tuple[str, ...]:
        """Absolute paths of these pictures; () when they are read from a tar, whose members' hashes are params."""
        return () if self.listing.tar else tuple(f"{self.listing.root}/{image.path}" for image in part)

    @property
    def tar(self) -> tuple[str, ...]:
        """The archive that the pictures are read from, if it is one."""
        return (self.listing.tar,) if self.listing.tar else ()

    def pixel_params(self, part: Sequence[index.Image]) -> dict[str, object]:
        """Params of preprocess.shards:write. Mean and std only where they change the shard."""
        values = self.model.preprocess
        params: dict[str, object] = {"resize": values.resize, "crop": values.crop, "input": self.input, "pixels": self.words.pixels,
                                     "on_bad": self.words.on_bad}
        if self.input == "float32":
            params |= {"mean": values.mean, "std": values.std}
        if self.listing.tar:
            params["members"] = [[image.name, image.offset, image.size, image.sha256] for image in part]
        return params

    def shard_mb(self, images: int) -> float:
        """Size of a shard of so many images."""
        return images * self.model.resolution**2 * 3 * (1 if self.input == "uint8" else 4) / 2**20

    def images_in(self, shard: int) -> int:
        """Images in shard number `shard`."""
        return min(self.shard_size, len(self.listing.images) - shard * self.shard_size)

    def logits(self, batch: int) -> list[str]:
        """Paths of the logits, a file a shard. Whoever asks needs a device."""
        self.devices  # noqa: B018  looked up now, so that a wrong --devices is told before anything runs
        return [os.path.join(self.logits_dir(batch), f"logits-{n:05d}.npy") for n in range(len(self.shards))]

    @property
    def margin(self) -> float:
        """Images whose two largest logits are closer than this may change places without fault."""
        return 1e-2 if self.precision == "fp32" else 0.1

    @property
    def bad_lists(self) -> tuple[str, ...]:
        """The list of pictures that were skipped, where they are."""
        return (f"{self.data_dir}/bad.json",) if self.skips_bad else ()

    def published(self) -> dict[str, Any]:
        """What others stated: throughput for each chip that has figures, accuracy for each model that has."""
        chips = {name: schema.chip(name) for name in schema.names("chips")}
        models = {name: schema.model(name) for name in schema.names("models")} | {self.model.name: self.model}
        return {"published": {name: asdict(chip.published) for name, chip in chips.items() if chip.published},
                "published_accuracy": {name: asdict(model.published) for name, model in models.items() if model.published}}

    def current(self, planned: Sequence[str]) -> dict[str, object] | None:
        """The columns of the accuracy that this request is about, None when its plan judges none."""
        if not any(path.endswith("/accuracy.json") for path in planned):
            return None
        row = self.row(self.dataset_row, self.eval_batch)
        return {key: value for key, value in row.items() if key != "sample_data"}

    def kept_records(self, planned: Sequence[str]) -> list[str]:
        """Records of other requests under OUT that are still true."""
        disk = Disk(Roots({"out": self.out, "repository": REPOSITORY}), Source(os.path.join(self.out, ".source.json")))
        return kept.records(self.out, RECORDS, planned, disk)


def of(words: options.Words) -> Build:
    """The request of these words, with the chip found when it is to be found."""
    chip = schema.chip("cpu" if words.chip == "auto" else words.chip)
    plain = request.of(words, chip)
    return Build(plain.words, plain.chip, plain.model, plain.sample, plain.out)
