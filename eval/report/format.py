"""How figures are printed, and the names of what they are of: the one place for all tables and sentences."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from eval.record_types import Throughput
from pipeline.text import counted

NONE = "–"  # where there is nothing to say
RECORDED = "recorded"  # the column
USUAL_HINT = "throughput"  # each core a device
ONLY_RUNTIMES = ("onnxruntime", "openvino", "null")  # their chips have no other

T = TypeVar("T")


def optional(form: Callable[[T], str], value: T | None) -> str | None:
    """The value in this form; None stays None, which each renderer shows in its own way."""
    return None if value is None else form(value)


def shown(cell: str | None) -> str:
    """A cell for people: a dash for none."""
    return NONE if cell is None else cell


def speed(value: float) -> str:
    """images/s: `12,259`, below a thousand `899.5`."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.1f}"


def interval(ends: Sequence[float]) -> str:
    """images/s from the one end to the other: `12,100 – 12,400`."""
    return " – ".join(map(speed, ends))


def shares(ends: Sequence[float]) -> str:
    """Percent from the one end to the other: `69.12 – 69.92`."""
    return " – ".join(map(percent, ends))


def percent(value: float) -> str:
    """Two decimals, no sign: `69.52`."""
    return f"{value:.2f}"


def duration(value: float) -> str:
    """Seconds or milliseconds with two decimals, no unit: `1234.57`."""
    return f"{value:.2f}"


def times(value: float) -> str:
    """A ratio: `1.03×`."""
    return f"{value:.2f}×"


def number(value: int) -> str:
    """A count, thousands set apart: `50,000`."""
    return f"{value:,}"


def millions(value: int) -> str:
    """A count in millions: `568.7`."""
    return f"{value / 1e6:,.1f}"


def threshold(value: float) -> str:
    """A bound as it was given: `0.1`."""
    return f"{value:g}"


def difference(value: float) -> str:
    """Two digits: `0.012`."""
    return f"{value:.2g}"


def model(row: Mapping[str, object]) -> str | None:
    """Which network: the checkpoint's name where there is one, and its weights' key: `sgd-5e6f7a8b ema`."""
    name = row["checkpoint"] or row["model"]
    name = f"{name} {row['weights']}" if row.get("weights") else name
    if row["sample_data"]:
        return f"{name or NONE} (SAMPLE)"
    return optional(str, name)


def data(row: Mapping[str, object]) -> str | None:
    """Which images, and how they became input where the row says it: `val-1a2b3c4d (seed, exact)`."""
    if row.get("results"):
        return f"results in {row['results']}"
    how = [str(row[column]) for column in ("preset", "pixels") if row.get(column)]
    how += ["bad ones skipped"] if row.get("on_bad") == "skip" else []
    dataset = optional(str, row["dataset"])
    return f"{shown(dataset)} ({', '.join(how)})" if how else dataset


def recorded(rows: Sequence[Mapping[str, object]]) -> list[dict[str, str | None]]:
    """The last cell of each of a table's rows, where it was recorded; none where all were made here."""
    if not any(row.get("recorded_on") for row in rows):
        return [{} for _ in rows]
    return [{RECORDED: recorded_on([row]) or None} for row in rows]


def recorded_on(rows: Sequence[Mapping[str, object]]) -> str:
    """`as recorded on ascend-01`, and of several the places in their order; "" where all were made here."""
    places = dict.fromkeys(str(row["recorded_on"]) for row in rows if row.get("recorded_on"))
    some = "" if all(row.get("recorded_on") for row in rows) else "in part "
    return f"{some}as recorded on {' and '.join(places)}" if places else ""


def form(row: Mapping[str, object]) -> str | None:
    """Where and how it ran: `310P3 fp16 uint8`; on a slice `310P3vir04 (4 of its cores) fp16 uint8`; of
    int8 with its calibration, `cpu int8 uint8 6500c8d4-per-tensor`; of a chip that several runtimes run on
    with that runtime's name, `310P3 fp16 uint8 pyacl`.
    """
    part = f"{row['slice']} ({row['slice_cores']} of its cores)" if row.get("slice") else ""
    made = "-".join(str(row[key]) for key in ("calibration", "quantisation") if row.get(key))
    by = "" if row.get("runtime") in ONLY_RUNTIMES else row.get("runtime")
    words = (f"{row['chip'] or ''}{part}", row["precision"], row["input"], made, by)
    return " ".join(str(word) for word in words if word) or None


def devices(ids: Sequence[str]) -> str:
    """`1 device`, `2 devices`."""
    return counted(len(ids), "device")


def on_devices(ids: Sequence[str], hint: str) -> str:
    """What they are made for, too, where it is not the usual: `1 device, latency`."""
    return ", ".join([devices(ids), *hints(hint)])


def hints(hint: str) -> list[str]:
    """The hint to be said: none where it is the usual one."""
    return [] if hint == USUAL_HINT else [hint]


def sentence(words: str) -> str:
    """Words as a sentence; none stay none."""
    return f"{words[0].upper()}{words[1:]}." if words else ""


def where(row: Throughput) -> str:
    """Where and how it was timed: `310P3 fp16 uint8, 1 device`, `cpu fp32 uint8, 1 device, latency`."""
    return f"{shown(form(row))}, {on_devices(row['devices'], row['hint'])}"


def several(rows: Iterable[Mapping[str, object]]) -> bool:
    """Whether these are of several networks, so that each must say its own."""
    return len({model(row) for row in rows}) > 1
