"""One request: what is to be built, checked as a whole, and where everything of it lies.

The path tells the story, and different requests never overwrite each other.
"""

import os
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from configs import schema
from configs.options import Words
from configs.schema import Chip, Model
from pipeline import fingerprint
from pipeline.errors import BuildError
from pipeline.freshness.code import ROOT
from preprocess import presets

REPOSITORY = ROOT
SAMPLE = "sample"
SAMPLE_CHECKPOINT = os.path.join(REPOSITORY, "mobilenet", "sample.tar")
AGREEMENT_IMAGES = 256


@dataclass(frozen=True)
class Request:
    """The words of the command line with the model's and the chip's values. Paths are absolute strings."""

    words: Words
    chip: Chip
    model: Model
    sample: bool
    out: str

    @property
    def batches(self) -> tuple[int, ...]:
        """The batch sizes to compile, ascending."""
        return self.words.batches

    @property
    def precision(self) -> str:
        """What the compiled model computes in."""
        return self.words.precision or self.chip.precision

    @property
    def input(self) -> str:
        """What the compiled model takes: uint8 or float32."""
        return self.words.input or self.chip.input

    @cached_property
    def eval_batch(self) -> int:
        """The batch size that accuracy is measured at."""
        if self.words.eval_bs is not None:
            if self.words.eval_bs not in self.batches:
                raise BuildError(
                    f"--eval-bs={self.words.eval_bs}: not among --bs={','.join(map(str, self.batches))}"
                )
            return self.words.eval_bs
        return 16 if 16 in self.batches else self.batches[-1]

    @cached_property
    def checkpoint(self) -> str:
        """The file with the weights; there must be one."""
        if self.sample:
            return SAMPLE_CHECKPOINT
        if self.words.checkpoint is None:
            raise BuildError(
                "--checkpoint: none given, and a data set or a model was. Add --checkpoint=FILE, or give none"
                " of --model --checkpoint --dataset --labels to build the sample"
            )
        path = os.path.abspath(self.words.checkpoint)
        if not os.path.isfile(path):
            raise BuildError(
                f"--checkpoint={self.words.checkpoint}:"
                f" {'a folder' if os.path.isdir(path) else 'no such file'}; expected the .tar or .pth file"
                " with the weights"
            )
        return path

    @cached_property
    def dataset(self) -> str:
        """The folder or tar with the pictures; one must have been given (the sample's is drawn)."""
        if self.words.dataset is None:
            raise BuildError(
                "--dataset: none given, and a checkpoint or a model was. Add --dataset=FOLDER, or give none"
                " of --model --checkpoint --dataset --labels to build the sample"
            )
        path = os.path.abspath(self.words.dataset)
        if not os.path.exists(path):
            raise BuildError(
                f"--dataset={self.words.dataset}: no such folder or file; expected a folder of pictures or a"
                " .tar"
            )
        return path

    @cached_property
    def labels(self) -> str | None:
        """The label file, if one was given."""
        if self.words.labels is None:
            return None
        path = os.path.abspath(self.words.labels)
        if not os.path.isfile(path):
            raise BuildError(
                f"--labels={self.words.labels}: no such file. Make it with: "
                "inv data --devkit=ILSVRC2012_devkit_t12.tar.gz"
            )
        return path

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is one; `inv preprocess` and some of `inv data` do without."""
        return self.sample or self.words.checkpoint is not None

    def labels_of(self, results: str) -> str:
        """The label file that results of another tool are scored with: it says which images there should
        be.
        """
        if self.labels is None:
            raise BuildError(
                f"--results={results}: which images there are and what is on them is not known; add"
                " --labels=FILE"
            )
        return self.labels

    def plain(self, name: str) -> str:
        """A name as a part of a path that every tool accepts."""
        return _plain(name)

    @cached_property
    def checkpoint_name(self) -> str:
        """The checkpoint's name and the first 8 hex of its hash."""
        stem = os.path.basename(self.checkpoint).rpartition(".")[0] or os.path.basename(self.checkpoint)
        return f"{_plain(stem)}-{self.checkpoint_hash}"

    @cached_property
    def checkpoint_hash(self) -> str:
        """First 8 hex of the checkpoint's SHA-256."""
        return fingerprint.of_content(self.checkpoint)[:8]

    @cached_property
    def model_dir(self) -> str:
        """OUT/MODEL-<checkpoint hash8>."""
        return os.path.join(self.out, f"{_plain(self.model.name)}-{self.checkpoint_hash}")

    @property
    def chip_dir(self) -> str:
        """OUT/MODEL-<hash8>/CHIP/PRECISION-INPUT, and the preset where it is not the model's own and compiled
        in.
        """
        own = self.input == "float32" or self.pixels == presets.resolved("own", asdict(self.model.preprocess))
        form = f"{self.precision}-{self.input}" + ("" if own else f"-{self.words.preset}")
        return os.path.join(self.model_dir, self.chip.name, form)

    @property
    def option_files(self) -> tuple[str, ...]:
        """Files that the chip's compiler options name: what they say is an input of every compiled model."""
        values = self.target()["options"].values()
        return tuple(
            value
            for value in values
            if isinstance(value, str) and os.path.isabs(value) and os.path.isfile(value)
        )

    def compiled(self, batch: int, suffix: str) -> str:
        """The compiled model of one batch size."""
        return os.path.join(self.chip_dir, f"bs{batch}{suffix}")

    @cached_property
    def pixels(self) -> dict[str, Any]:
        """How pictures become the network's input: {method, order, resize, crop, mean, std}."""
        return presets.resolved(self.words.preset, asdict(self.model.preprocess))

    @cached_property
    def preset(self) -> str:
        """The name of the preprocessing, for paths: `seed`, `seed128` at another size than 224, or the
        model's for its own way.
        """
        values, size = asdict(self.model.preprocess), self.model.preprocess.crop
        name = self.words.preset
        if name == "own":
            if self.pixels != presets.resolved("seed", values):
                return _plain(self.model.name)
            name = "seed"
        return name if size == schema.model("mobilenet_v1").resolution else f"{name}{size}"

    def data_name(self, identity: str) -> str:
        """DATASET-PRESET-INPUT-PIXELS[-LIMIT]."""
        limit = [str(self.words.limit)] if self.words.limit else []
        skip = ["skip"] if self.words.on_bad == "skip" else []
        return "-".join(
            [self.dataset_name(identity), self.preset, self.input, self.words.pixels, *limit, *skip]
        )

    def dataset_name(self, identity: str) -> str:
        """The data set's name and the first 8 hex of the hash over its names and labels."""
        if self.sample:
            return f"{SAMPLE}-{identity}"
        stem = os.path.basename(self.dataset.rstrip("/"))
        return f"{_plain(stem.removesuffix('.tar'))}-{identity}"

    def target(self) -> dict[str, Any]:
        """What the compiler of the chip's backend is told besides the graph and the batch size."""
        return {
            "soc_version": self.chip.soc_version,
            "precision": self.precision,
            "input": self.input,
            "mean": self.pixels["mean"],
            "std": self.pixels["std"],
            "resolution": self.model.resolution,
            "outputs": self.model.outputs,
            "options": {key: _found(value) for key, value in self.chip.options.items()},
        }

    def network(self) -> dict[str, Any]:
        """The values that the network is built from."""
        model = asdict(self.model)
        return {
            key: model[key]
            for key in ("width", "resolution", "classes", "background", "activation", "padding")
        }

    @property
    def pixel_columns(self) -> dict[str, str]:
        """How pictures became input, as records say it: two ways are two records."""
        return {"pixels": self.words.pixels, "preset": self.preset, "on_bad": self.words.on_bad}

    def row(self, dataset: str | None, batch: int | None) -> dict[str, Any]:
        """The columns that every record has; `kind` comes with the record."""
        pixels = self.pixel_columns if dataset else {}
        return {
            "model": self.model.name,
            "checkpoint": self.checkpoint_name,
            "dataset": dataset,
            "chip": self.chip.name,
            "precision": self.precision,
            "input": self.input,
            "batch": batch,
            "sample_data": self.sample,
            **pixels,
        }


def of(words: Words, chip: Chip) -> Request:
    """Fit the words together. The sample is what is built when nothing of the user's own was named."""
    own = [words.checkpoint, words.dataset, words.labels]
    sample = not any(own) and words.model in (None, SAMPLE)
    model = schema.model(SAMPLE if sample else words.model or "mobilenet_v1")
    out = os.path.abspath(words.out) if words.out else os.path.join(REPOSITORY, "out")
    try:
        out.encode("utf-8")
    except UnicodeEncodeError:
        raise BuildError(
            f"--out={out!r}: not a name in UTF-8, which the exporter cannot write to; choose another folder"
        ) from None
    return Request(words, chip, model, sample, out)


def _plain(name: str) -> str:
    """A name as a part of a path that every tool accepts: atc takes letters, digits, '.', '_' and '-'
    only.
    """
    return "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name
    )


def _found(value: Any) -> Any:
    """An option's value; a file beside the chips' files as its absolute path, since compilers run in a folder
    of their own.
    """
    beside = os.path.join(schema.HERE, "chips", value) if isinstance(value, str) and value else ""
    return beside if os.path.isfile(beside) else value
