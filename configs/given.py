"""The options as given: what was typed, checked one by one against the table in options.py."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from configs.options import BY_NAME, DATA, MOST_IN_A_BATCH, PUBLISHED
from configs.schema import BATCHES
from pipeline.errors import BuildError

PRESENT = "now"
LOCAL = "local"
EXECUTOR = re.compile(r"ray=([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")
SAVED_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Given:
    """The options as given, checked one by one: types and ranges, not yet whether they fit together."""

    chip: str
    batches: tuple[int, ...]
    model: str | None
    checkpoint: str | None
    weights: str | None
    dataset: str | None
    labels: str | None
    limit: int | None
    precision: str | None
    calibration: str | None
    calibrate_on_evaluated: bool
    input: str | None
    pixels: str
    preset: str
    on_bad: str
    eval_bs: int | None
    real_labels: str | None
    min_top1: str | None
    max_drop: float | None
    devices: str
    hint: str
    quick: bool
    jobs: int | None
    executor: str
    keep_going: bool
    again: bool
    save: str | None
    quiet: bool
    lang: str
    out: str | None


def parse(typed: Mapping[str, object]) -> Given:
    """The options as typed -> Given; BuildError names the option, its value and what it may be."""
    for name, value in typed.items():
        if value == "":
            option = BY_NAME[name]
            raise BuildError(f"{option.flag}=: given without a value; expected {option.help}")

    def text(name: str) -> str | None:
        value = typed.get(name)
        return BY_NAME[name].default if value is None else str(value)

    def one_of(name: str) -> str | None:
        value = text(name)
        choices = BY_NAME[name].choices
        if value is not None and choices is not None and value not in choices():
            raise BuildError(f"{BY_NAME[name].flag}={value}: expected one of: {', '.join(choices())}")
        return value

    def count(name: str) -> int | None:
        value = text(name)
        return None if value is None else number(BY_NAME[name].flag, value)

    return Given(
        chip=text("chip") or "auto",
        batches=batches(text("bs") or ""),
        model=text("model"),
        checkpoint=text("checkpoint"),
        weights=text("weights"),
        dataset=text("dataset"),
        labels=text("labels"),
        limit=count("limit"),
        precision=one_of("precision"),
        calibration=text("calibration"),
        calibrate_on_evaluated=bool(typed.get("calibrate_on_evaluated")),
        input=one_of("input"),
        pixels=one_of("pixels") or "",
        preset=one_of("preset") or "",
        on_bad=one_of("on_bad") or "",
        eval_bs=count("eval_bs"),
        real_labels=text("real_labels"),
        min_top1=bound("--min-top1", text("min_top1")),
        max_drop=limit("--max-drop", text("max_drop")),
        devices=text("devices") or "all",
        hint=one_of("hint") or "",
        quick=bool(typed.get("quick")),
        jobs=count("jobs"),
        executor=executor(text("executor") or ""),
        keep_going=bool(typed.get("keep_going")),
        again=bool(typed.get("again")),
        save=saved_name(text("save")),
        quiet=bool(typed.get("quiet")),
        lang=one_of("lang") or "",
        out=text("out"),
    )


def number(flag: str, value: str) -> int:
    """A number above 0."""
    if not (value.isascii() and value.isdigit() and int(value) > 0):
        raise BuildError(f"{flag}={value}: expected a number above 0")
    return int(value)


def executor(value: str) -> str:
    """Where steps run: local, ray, or ray=ADDRESS of a cluster (its GCS: HOST:PORT, or auto)."""
    if value in (LOCAL, "ray", "ray=auto") or (
        EXECUTOR.fullmatch(value) and 0 < int(value.rpartition(":")[2]) < 2**16
    ):
        return value
    raise BuildError(
        f"--executor={value}: expected local, ray (starts Ray on this machine) or ray=HOST:PORT of a cluster"
        " that this machine is a node of, as `ray start` prints it (ray=auto finds it)"
    )


def saved_name(name: str | None) -> str | None:
    """--save: a folder's name that every shell and file system takes as it is, and no leftover of a build."""
    if name is not None and not SAVED_NAME.fullmatch(name):
        raise BuildError(
            f"--save={name}: expected a name of at most 64 letters, digits, '.', '_' and '-' that does not"
            " begin with '.' or '-'"
        )
    if name == PRESENT:
        raise BuildError(f"--save={name}: report --history calls the present run so; choose another name")
    return name


def bound(flag: str, value: str | None) -> str | None:
    """A number from 0 to 100, or `published`, as it was typed."""
    if (
        value is None
        or value == PUBLISHED
        or (re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) and float(value) <= 100)
    ):
        return value
    raise BuildError(
        f"{flag}={value}: expected a number from 0 to 100, such as {flag}=69, or {flag}={PUBLISHED}"
    )


def limit(flag: str, typed: str | None) -> float | None:
    """What may be lost, 0 to 100."""
    if typed is None:
        return None
    try:
        value = float(typed)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise BuildError(f"{flag}={typed}: expected a number from 0 to 100, such as {flag}=0.5")
    return value


def batches(text: str) -> tuple[int, ...]:
    """--bs: all, or numbers from 1 to 1024 between commas; each once, ascending."""
    if text == "all":
        return BATCHES
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and 1 <= int(word) <= MOST_IN_A_BATCH for word in words):
        raise BuildError(
            f"--bs={text}: expected all or numbers from 1 to {MOST_IN_A_BATCH} between commas, such as"
            " --bs=1,16"
        )
    return tuple(sorted({int(word) for word in words}))


def one_of_data(asked: Mapping[str, object]) -> str:
    """The one thing that `inv data` was asked for."""
    given = [name for name, value in asked.items() if value]
    if len(given) != 1:
        flags = ", ".join(option.flag for option in DATA if not given or option.name in given)
        raise BuildError(f"data: {'one at a time of' if given else 'say what to do, one of'}: {flags}")
    return given[0]
