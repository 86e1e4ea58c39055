"""The options that every stage shares: one table of their types, choices, defaults and help texts.

The check of a command line, the shell's completion, Invoke's help and the README's tables follow from it.
Values
only: the stages decide what is built.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from configs import schema
from configs.schema import BATCHES, PRECISIONS

INPUTS = ("uint8", "float32")
PIXELS = ("exact", "fast")
HINTS = ("throughput", "latency")
ON_BAD = ("fail", "skip")
LANGUAGES = ("en", "zh")
MOST_IN_A_BATCH = 1024
PUBLISHED = "published"  # of --min-top1: what the model file states

Kind = Literal["text", "switch", "count", "choice", "batches"]


@dataclass(frozen=True)
class Option:
    """One option; underscores in its name are hyphens on the command line.

    kind      what a value may be: any text, a switch without one, a number above 0, one of `choices`, or
              batch sizes
    default   what counts when it is not given; None: what the help text says
    choices   the legal values, or those that the shell offers
    """

    name: str
    kind: Kind
    help: str
    default: str | None = None
    choices: Callable[[], Sequence[str]] | None = None

    @property
    def flag(self) -> str:
        """As it is typed."""
        return "--" + self.name.replace("_", "-")


SHARED: tuple[Option, ...] = (
    Option(
        "chip",
        "text",
        "chip to build for: a name in configs/chips, or auto (the board found, else cpu)",
        choices=lambda: ["auto", *schema.names("chips")],
    ),
    Option(
        "bs",
        "batches",
        "batch sizes: all (1,4,8,16,32,64) or a list such as 1,16",
        default="all",
        choices=lambda: ["all", *map(str, BATCHES)],
    ),
    Option(
        "model",
        "text",
        "a name in configs/models or a .toml file (default mobilenet_v1; the sample when nothing is given)",
        choices=lambda: schema.names("models"),
    ),
    Option("checkpoint", "text", "the file with the weights: .tar or .pth of torch.save, or .safetensors"),
    Option(
        "weights", "text", "which set of weights, where the checkpoint holds several: the key it is under"
    ),
    Option(
        "dataset",
        "text",
        "a folder of pictures (flat, one folder a class, or holding val/), the .tar itself, or Kaggle's"
        " ImageNet as it is unpacked",
    ),
    Option("labels", "text", "val_label.txt; looked for in and beside the data set when not given"),
    Option("limit", "count", "evaluate on N images, a fixed stratified choice"),
    Option(
        "precision",
        "choice",
        "fp32, fp16, bf16 or int8, as the chip builds (default: the chip's)",
        choices=lambda: PRECISIONS,
    ),
    Option(
        "calibration",
        "text",
        "for int8: pictures to measure ranges on and not among those evaluated: a folder, a .tar, or a list"
        " of paths",
    ),
    Option("calibrate_on_evaluated", "switch", "let int8 be calibrated on pictures that are evaluated"),
    Option(
        "input",
        "choice",
        "uint8 (normalised inside the compiled model) or float32 (normalised on the host)",
        choices=lambda: INPUTS,
    ),
    Option(
        "pixels",
        "choice",
        "exact (the reference's pixels, bit for bit; default) or fast",
        default="exact",
        choices=lambda: PIXELS,
    ),
    Option(
        "preset",
        "choice",
        "preprocessing: own (the model file's values; default), or a name in configs/presets",
        default="own",
        choices=lambda: list(schema.presets()),
    ),
    Option(
        "on_bad",
        "choice",
        "pictures that cannot be decoded: fail (default) or skip (counted as wrong, and every report says how"
        " many)",
        default="fail",
        choices=lambda: ON_BAD,
    ),
    Option(
        "eval_bs",
        "count",
        "the batch size that accuracy is measured at (default 16, else the largest asked for)",
    ),
    Option(
        "real_labels",
        "text",
        "accuracy by other people's labels of ImageNet's validation images, too: ReaL's real.json",
    ),
    Option(
        "min_top1",
        "text",
        "percent of top-1 that the accuracy must have, or published (the model file's, less its"
        " tolerance_pct); less is exit 3",
        choices=lambda: [PUBLISHED],
    ),
    Option(
        "max_drop",
        "text",
        "points of top-1 that may be lost: of int8 or bf16 against fp32, of bench --compare against that"
        " build; more is exit 3",
    ),
    Option("devices", "text", "all (default), 0, 0,1 or 0-3; on the CPU a device is a group of cores"),
    Option(
        "hint",
        "choice",
        "throughput (each core is a device; default) or latency (all cores together are one); on the CPU",
        default="throughput",
        choices=lambda: HINTS,
    ),
    Option("quick", "switch", "one short round a batch size: figures without an interval"),
    Option("jobs", "count", "worker processes (default: the cores that may be used)"),
    Option(
        "executor",
        "text",
        "where steps run: local; ray (of its own); ray=auto, the cluster of this machine; or ray=HOST:PORT",
        default="local",
    ),
    Option("keep_going", "switch", "go on past failures; one summary at the end"),
    Option("again", "switch", "make the named stage's own steps anew (all: every step of the plan)"),
    Option(
        "save",
        "text",
        "keep the report's records under OUT/history/NAME (letters, digits, . _ -), for report --history",
    ),
    Option("quiet", "switch", "print results and errors only"),
    Option(
        "lang",
        "choice",
        "language that the report's page opens in: en or zh; both are in it",
        default="en",
        choices=lambda: LANGUAGES,
    ),
    Option("out", "text", "where everything is written (default: out beside tasks.py)"),
)

DATA: tuple[Option, ...] = (
    Option("devkit", "text", "write val_label.txt from ILSVRC2012_devkit_t12.tar.gz or the extracted folder"),
    Option("check", "switch", "look at every file and list the bad and the odd ones"),
    Option("show", "switch", "write a contact sheet: pictures as the network sees them, with name and label"),
    Option("bins", "text", "write one .bin an image to this folder, as ais_bench --input takes them"),
    Option("diagnose", "switch", "run 200 pictures under plausible mistakes and say which fits best"),
    Option("train_sample", "switch", "train the sample's network anew from its seeded script"),
)

BY_NAME = {option.name: option for option in (*SHARED, *DATA)}


def completions(word: str) -> list[str]:
    """Values for a word that ends in, or goes on after, the equals sign of an option that has some."""
    flag, equals, _ = word.partition("=")
    option = next((option for option in SHARED if option.flag == flag), None)
    return list(option.choices()) if equals and option and option.choices else []
