"""The words of the command line that every stage shares, and what each may be. Values only: the tasks decide
what is built.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from configs import schema
from configs.schema import BATCHES
from pipeline.errors import BuildError
from preprocess.presets import PRESETS

# name -> (default, help); underscores are hyphens on the command line
SHARED: dict[str, tuple[Any, str]] = {
    "chip": (None, "chip to build for: a name in configs/chips, or auto (the Ascend board found, else cpu)"),
    "bs": (None, "batch sizes: all (1,4,8,16,32,64) or a list such as 1,16"),
    "model": (
        None,
        "a name in configs/models or a .toml file (default mobilenet_v1; the sample when nothing is given)",
    ),
    "checkpoint": (None, "the .tar or .pth file with the weights"),
    "dataset": (None, "a folder of pictures (flat, one folder a class, or holding val/), or the .tar itself"),
    "labels": (None, "val_label.txt; looked for in and beside the data set when not given"),
    "limit": (None, "evaluate on N images, a fixed stratified choice"),
    "precision": (None, "fp32, fp16 or int8 (default: the chip's)"),
    "input": (None, "uint8 (normalised inside the compiled model) or float32 (normalised on the host)"),
    "pixels": (None, "exact (the reference's pixels, bit for bit; default) or fast"),
    "preset": (None, "preprocessing: own (the model file's values; default), seed, mlperf, tf or caffe-bgr"),
    "on_bad": (
        None,
        (
            "pictures that cannot be decoded: fail (default) or skip (counted as wrong, and every report says"
            " how many)"
        ),
    ),
    "eval_bs": (None, "the batch size that accuracy is measured at (default 16, else the largest asked for)"),
    "devices": (None, "all (default), 0, 0,1 or 0-3; on the CPU a device is a group of cores"),
    "jobs": (None, "worker processes (default: the cores that may be used)"),
    "executor": (None, "where steps run: local (default)"),
    "keep_going": (False, "go on past failures; one summary at the end"),
    "again": (False, "make the named stage's own steps anew"),
    "quiet": (False, "print results and errors only"),
    "out": (None, "where everything is written (default: out beside tasks.py)"),
}

DATA: dict[str, tuple[Any, str]] = {
    "devkit": (None, "write val_label.txt from ILSVRC2012_devkit_t12.tar.gz or the extracted folder"),
    "check": (False, "look at every file and list the bad and the odd ones"),
    "show": (False, "write a contact sheet: pictures as the network sees them, with name and label"),
    "bins": (None, "write one .bin an image to this folder, as ais_bench --input takes them"),
    "diagnose": (False, "run 200 pictures under plausible mistakes and say which fits best"),
    "train_sample": (False, "train the sample's network anew from its seeded script"),
}


@dataclass(frozen=True)
class Words:
    """The options as given, checked one by one: types and ranges, not yet whether they fit together."""

    chip: str
    batches: tuple[int, ...]
    model: str | None
    checkpoint: str | None
    dataset: str | None
    labels: str | None
    limit: int | None
    precision: str | None
    input: str | None
    pixels: str
    preset: str
    on_bad: str
    eval_bs: int | None
    devices: str
    jobs: int | None
    keep_going: bool
    again: bool
    quiet: bool
    out: str | None


def checked(given: dict[str, Any]) -> Words:
    """The options as typed -> Words; BuildError names the option, its value and what it may be."""
    empty = next((name for name, value in given.items() if value == ""), None)
    if empty:
        raise BuildError(f"--{empty.replace('_', '-')}=: given without a value; expected {SHARED[empty][1]}")
    executor = given.get("executor") or "local"
    if executor != "local":
        raise BuildError(
            f"--executor={executor}: this version runs steps on this machine alone; leave the option out"
        )
    return Words(
        chip=given.get("chip") or "auto",
        batches=batches(given.get("bs") or "all"),
        model=given.get("model"),
        checkpoint=given.get("checkpoint"),
        dataset=given.get("dataset"),
        labels=given.get("labels"),
        limit=_count("limit", given.get("limit")),
        precision=_one_of("precision", given, ("fp32", "fp16", "int8"), None),
        input=_one_of("input", given, ("uint8", "float32"), None),
        pixels=_one_of("pixels", given, ("exact", "fast"), "exact") or "",
        preset=_one_of("preset", given, tuple(PRESETS), "own") or "",
        on_bad=_one_of("on_bad", given, ("fail", "skip"), "fail") or "",
        eval_bs=_count("eval_bs", given.get("eval_bs")),
        devices=given.get("devices") or "all",
        jobs=_count("jobs", given.get("jobs")),
        keep_going=bool(given.get("keep_going")),
        again=bool(given.get("again")),
        quiet=bool(given.get("quiet")),
        out=given.get("out"),
    )


def batches(text: str) -> tuple[int, ...]:
    """--bs: all, or numbers from 1 to 1024 between commas; each once, ascending."""
    if text == "all":
        return BATCHES
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and 1 <= int(word) <= 1024 for word in words):
        raise BuildError(
            f"--bs={text}: expected all or numbers from 1 to 1024 between commas, such as --bs=1,16"
        )
    return tuple(sorted({int(word) for word in words}))


def devices(text: str, there: list[str], chip: str) -> list[str]:
    """--devices: all, 0, 0,1 or 0-3, each of them there."""
    if text == "all":
        return there
    wanted: list[str] = []
    for word in text.split(","):
        first, dash, last = word.strip().partition("-")
        if not (word.isascii() and first.isdigit() and (last.isdigit() if dash else True)) or (
            dash and int(last) < int(first)
        ):
            raise BuildError(f"--devices={text}: expected all, 0, 0,1 or 0-3; {chip} has: {', '.join(there)}")
        wanted += [str(n) for n in range(int(first), int(last if dash else first) + 1)[: len(there) + 1]]
    absent = [device for device in wanted if device not in there]
    if absent:
        raise BuildError(f"--devices={text}: {chip} has no device {absent[0]}; there are: {', '.join(there)}")
    return sorted(set(wanted), key=there.index)


def _count(option: str, value: Any) -> int | None:
    if value is None:
        return None
    if not (str(value).isascii() and str(value).isdigit() and int(value) > 0):
        raise BuildError(f"--{option.replace('_', '-')}={value}: expected a number above 0")
    return int(value)


def _one_of(option: str, given: dict[str, Any], known: tuple[str, ...], default: str | None) -> str | None:
    value = given.get(option)
    if value is not None and value not in known:
        raise BuildError(f"--{option.replace('_', '-')}={value}: expected one of: {', '.join(known)}")
    return value or default


def one_of_data(asked: dict[str, Any]) -> str:
    """The one thing that `inv data` was asked for."""
    given = [name for name, value in asked.items() if value]
    if len(given) != 1:
        flags = ", ".join("--" + name.replace("_", "-") for name in given or DATA)
        raise BuildError(f"data: {'one at a time of' if given else 'say what to do, one of'}: {flags}")
    return given[0]


# what the shell may offer after `--chip=` and the like
VALUES: dict[str, Callable[[], list[str]]] = {
    "--chip": lambda: ["auto", *schema.names("chips")],
    "--model": lambda: schema.names("models"),
    "--bs": lambda: ["all", *map(str, BATCHES)],
    "--preset": lambda: list(PRESETS),
    "--pixels": lambda: ["exact", "fast"],
    "--precision": lambda: ["fp32", "fp16"],
    "--input": lambda: ["uint8", "float32"],
    "--on-bad": lambda: ["fail", "skip"],
}


def completions(word: str) -> list[str]:
    """Values for a word that ends in, or goes on after, the equals sign of an option that has some."""
    option, equals, _ = word.partition("=")
    return VALUES[option]() if equals and option in VALUES else []
