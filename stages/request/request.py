"""One request: what is to be built, checked as a whole, and where everything of it lies.

The path tells the story, and different requests never overwrite each other.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from configs import schema
from configs.chip import Chip
from configs.given import Given
from configs.schema import INT8, Model
from pipeline import fingerprint, parts
from pipeline.errors import BuildError
from pipeline.freshness.code import ROOT
from pipeline.text import plain
from preprocess import presets
from preprocess.calibration import Calibration
from preprocess.dataset import labels as label_files
from preprocess.presets import Own, Values
from stages.request import calibration, checkpoint
from stages.request.checkpoint import Weights

REPOSITORY = ROOT
SAMPLE = "sample"
SAMPLE_CHECKPOINT = os.path.join(REPOSITORY, "mobilenet", "sample.tar")
NEITHER = "or give none of --model --checkpoint --dataset --labels to build the sample"


@dataclass(frozen=True)
class Request:
    """What the command line said, with the model's and the chip's values. Paths are absolute strings.

    `find_chip` is asked when a chip is needed, for a report needs none. `sample`: whether the generated set
    and its network are built, since nothing of the user's own was named.
    """

    given: Given
    find_chip: Callable[[], Chip]
    model: Model
    sample: bool
    out: str

    @cached_property
    def chip(self) -> Chip:
        """What is built for."""
        return self.find_chip()

    @property
    def batches(self) -> tuple[int, ...]:
        """The batch sizes to compile, ascending."""
        return self.given.batches

    @property
    def precision(self) -> str:
        """What the compiled model computes in."""
        return self.given.precision or self.chip.precision

    @property
    def input(self) -> str:
        """What the compiled model takes: uint8 or float32."""
        return self.given.input or self.chip.input

    @cached_property
    def eval_batch(self) -> int:
        """The batch size that accuracy is measured at."""
        asked = self.given.eval_bs
        if asked is None:
            return 16 if 16 in self.batches else self.batches[-1]
        if asked not in self.batches:
            raise BuildError(f"--eval-bs={asked}: not among --bs={','.join(map(str, self.batches))}")
        return asked

    @cached_property
    def checkpoint(self) -> str:
        """The file with the weights; there must be one."""
        if self.sample:
            return SAMPLE_CHECKPOINT
        typed = self.given.checkpoint
        if typed is None:
            raise BuildError(
                "--checkpoint: none given, and a data set or a model was. Add --checkpoint=FILE, " + NEITHER
            )
        return checkpoint.path_of(typed)

    @cached_property
    def weights(self) -> Weights:
        """Which of the checkpoint's sets of weights is read."""
        return checkpoint.weights_of(self.checkpoint, self.model, self.given.weights)

    @cached_property
    def dataset(self) -> str:
        """The folder or tar with the images; one must have been given (the sample's is drawn)."""
        typed = self.given.dataset
        if typed is None:
            raise BuildError(
                "--dataset: none given, and a checkpoint or a model was. Add --dataset=FOLDER, " + NEITHER
            )
        path = os.path.abspath(typed)
        if not os.path.exists(path):
            raise BuildError(
                f"--dataset={typed}: {fingerprint.absence(path, 'folder or file')};"
                " expected a folder of pictures or a .tar"
            )
        return path

    @cached_property
    def labels(self) -> str | None:
        """The label file, if one was given."""
        typed = self.given.labels
        if typed is None:
            return None
        path = os.path.abspath(typed)
        if not os.path.isfile(path):
            raise label_files.missing("", typed, [])
        return path

    @cached_property
    def calibration(self) -> Calibration:
        """What int8's ranges are measured on."""
        return calibration.of(self.given, self.sample, self.out)

    @cached_property
    def checkpoint_hash(self) -> str:
        """First 8 hex of the checkpoint's SHA-256."""
        return fingerprint.of_content(self.checkpoint)[:8]

    @property
    def checkpoint_name(self) -> str:
        """The checkpoint's name and the first 8 hex of its hash."""
        file = os.path.basename(self.checkpoint)
        return f"{plain(file.rpartition('.')[0] or file)}-{self.checkpoint_hash}"

    @property
    def model_dir(self) -> str:
        """OUT/MODEL-<checkpoint hash8>, and -KEY of a set of weights that is read since it was named."""
        suffix = self.weights.suffix  # first: what is no checkpoint need not be hashed
        return os.path.join(self.out, f"{plain(self.model.name)}-{self.checkpoint_hash}{suffix}")

    @cached_property
    def chip_dir(self) -> str:
        """OUT/MODEL-<hash8>/CHIP/PRECISION-INPUT, with what else the compiled model depends on: int8's
        calibration, the preset.
        """
        further = f"-{self.calibrated}" if self.precision == INT8 else self.preset_compiled_in
        return os.path.join(self.model_dir, self.chip.folder, f"{self.precision}-{self.input}{further}")

    @property
    def calibrated(self) -> str:
        """What a quantised graph depends on besides the network."""
        return calibration.form(self.calibration, self.chip) + self.preset_compiled_in

    @property
    def preset_compiled_in(self) -> str:
        """-PRESET where it is not the model's own and changes the compiled model, else ""."""
        own = self.input == "float32" or self.pixels == self._pixels_of("own")
        return "" if own else f"-{self.given.preset}"

    @property
    def variant(self) -> str:
        """CHIP/PRECISION-INPUT: the middle of the names of all steps of one compiled form."""
        return os.path.relpath(self.chip_dir, self.model_dir)

    def compiled(self, batch: int, suffix: str) -> str:
        """The compiled model of one batch size."""
        return os.path.join(self.chip_dir, f"bs{batch}{suffix}")

    @cached_property
    def pixels(self) -> Values:
        """How images become the network's input."""
        return self._pixels_of(self.given.preset)

    def _pixels_of(self, preset: str) -> Values:
        return presets.resolved(schema.preset(preset), own_pixels(self.model))

    @cached_property
    def preset(self) -> str:
        """The name of the preprocessing, for paths: `seed`, `seed128` at another size than 224, or the
        model's for its own way.
        """
        name = self.given.preset
        if name == "own":
            if self.pixels != self._pixels_of("seed"):
                return plain(self.model.name)
            name = "seed"
        size = self.model.preprocess.crop
        return name if size == schema.model("mobilenet_v1").resolution else f"{name}{size}"

    def data_name(self, identity: str) -> str:
        """DATASET-PRESET-INPUT-PIXELS[-LIMIT]."""
        limit = [str(self.given.limit)] if self.given.limit else []
        skip = ["skip"] if self.given.on_bad == "skip" else []
        name = self.dataset_name(identity)
        return "-".join([name, self.preset, self.input, self.given.pixels, *limit, *skip])

    def dataset_name(self, identity: str) -> str:
        """The data set's name and the first 8 hex of the hash over its names and labels."""
        if self.sample:
            return f"{SAMPLE}-{identity}"
        stem = os.path.basename(self.dataset.rstrip("/"))
        return f"{plain(stem.removesuffix('.tar'))}-{identity}"

    @property
    def pixel_columns(self) -> dict[str, str]:
        """How images became input, as records say it: two ways are two records."""
        return {"pixels": self.given.pixels, "preset": self.preset, "on_bad": self.given.on_bad}

    def row(self, dataset: str | None, batch: int | None) -> dict[str, object]:
        """The columns that every record has; `kind` comes with the record."""
        return {
            "model": self.model.name,
            "checkpoint": self.checkpoint_name,
            "weights": self.weights.key,
            "dataset": dataset,
            **self.chip.columns,
            "precision": self.precision,
            "input": self.input,
            **(calibration.columns(self.calibration, self.chip) if self.precision == INT8 else {}),
            "batch": batch,
            "sample_data": self.sample,
            **(self.pixel_columns if dataset else {}),
        }


def fitted(given: Given, find_chip: Callable[[], Chip]) -> Request:
    """Fit what was given together. The sample is what is built when nothing of the user's own was named."""
    own = [given.checkpoint, given.dataset, given.labels]
    sample = not any(own) and given.model in (None, SAMPLE)
    model = schema.model(SAMPLE if sample else given.model or "mobilenet_v1")
    out = out_of(given.out)
    try:
        out.encode("utf-8")
    except UnicodeEncodeError:
        raise BuildError(
            f"--out={out!r}: not a name in UTF-8, which the exporter cannot write to; choose another folder"
        ) from None
    return Request(given, find_chip, model, sample, out)


def out_of(typed: str | None) -> str:
    """--out as an absolute path. BuildError where that is no folder and cannot become one."""
    return parts.folder(os.path.abspath(typed) if typed else os.path.join(REPOSITORY, "out"), "--out=")


def own_pixels(model: Model) -> Own:
    """The [preprocess] table of a model file."""
    values = model.preprocess
    return {"resize": values.resize, "crop": values.crop, "mean": values.mean, "std": values.std}
