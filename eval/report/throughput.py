"""Tables of throughput: all configurations side by side, each beside what is published, and the request's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from eval.record_types import Record, Throughput
from eval.report import compare, format
from eval.report.compare import StatedThroughput, Throughputs
from eval.report.format import duration, number, optional, percent, shown, speed, times
from eval.report.tables import Cell, Table, of_lines


def side_by_side(rows: Sequence[Record], published: Throughputs, models: bool = False) -> Table:
    """A column for each configuration that was timed and for each chip with published figures; a line a batch
    size. Empty where there would be one column alone. `models`: name the model also where all are of one.
    """
    title = "Throughput side by side, images/s"
    measured = compare.configurations(rows)
    if not measured or len(measured) + len(published) < 2:
        return Table(title, (), ())
    several = (
        models
        or len({(first["model"], first["checkpoint"], first.get("weights")) for first, *_ in measured}) > 1
    )
    columns: list[tuple[str, Mapping[int, float]]] = []
    for table in measured:
        model = f"{shown(format.model(table[0]))}, " if several else ""
        where = [f"{model}{format.where(table[0])}", format.recorded_on(table)]
        columns.append((", ".join(filter(None, where)), _speeds(table)))
    for chip, stated in published.items():
        by_batch = {int(batch): speed for batch, speed in stated["images_per_s"].items()}
        columns.append((f"published {chip}{compare.scale_note(stated)}", by_batch))
    batches = sorted({batch for _, by_batch in columns for batch in by_batch})
    cells = [
        (str(batch), *(optional(speed, by_batch.get(batch)) for _, by_batch in columns)) for batch in batches
    ]
    other = published and not all(compare.comparable(table[0]) for table in measured)
    sliced = published and any(table[0].get("slice") for table in measured)
    notes = [
        f"Published for {compare.PUBLISHED_FORM}: not the network of every column here." if other else "",
        "Published of whole chips: not every column here is of one." if sliced else "",
    ]
    names = ("batch", *(name for name, _ in columns))
    return Table(title, names, tuple(cells), note=" ".join(filter(None, notes)))


def each_configuration(rows: Sequence[Record], published: Throughputs) -> list[Table]:
    """One table a configuration: all that was timed, beside what is published for its chip."""
    same = compare.same_top1(rows)
    tables = []
    for timed in compare.configurations(rows):
        marks = compare.marks(timed)
        lines = [
            {
                **_measured(row, any(other["compute_images_per_s"] for other in timed)),
                "same top-1, %": optional(percent, same.get((compare.configuration(row), row["batch"]))),
                **_beside(row, published.get(row["chip"] or "")),
                "": marks[row["batch"]],
            }
            for row in timed
        ]
        model, form = shown(format.model(timed[0])), shown(format.form(timed[0]))
        title = f"{model}, {form}, on {format.on_devices(timed[0]['devices'], timed[0]['hint'])}"
        note = " ".join(map(format.sentence, noise_note(timed).splitlines()))
        table = of_lines(title, lines, note=note, of=timed)
        tables.append(replace(table, level=3, strong=compare.BEST))
    return tables


def requested(
    timed: Sequence[Throughput],
    same: Mapping[int, float],
    published: Throughputs,
    title: str = "throughput",
) -> Table:
    """The batch sizes of one configuration in the columns that a terminal has room for.

    `same` is agreement with PyTorch in percent by batch size. A chip without published figures is shown
    beside those of all that have some.
    """
    first = timed[0]
    own = published.get(first["chip"] or "")
    beside = {str(first["chip"]): own} if own else published
    other = beside and not compare.comparable(first)
    note = f"; published figures are for {compare.PUBLISHED_FORM}" if other else ""
    marks = compare.marks(timed)
    compute = any(row["compute_images_per_s"] for row in timed)
    lines = [
        {
            **_speed(row, compute),
            "±": _half_width(row),
            "latency ms p50 / p90 / p99": latency,
            "same top-1 %": optional(percent, same.get(row["batch"])),
            **{
                f"published {chip}{compare.scale_note(stated, first)}": optional(
                    speed, compare.stated_speed(stated, row["batch"])
                )
                for chip, stated in beside.items()
            },
            "": marks[row["batch"]],
        }
        for row, latency in zip(timed, _latencies(timed), strict=True)
    ]
    # a terminal has no room to say it in each line
    alike = len({row.get("recorded_on") for row in timed}) == 1
    recorded = f", {format.recorded_on(timed)}" if alike and "recorded_on" in first else ""
    name = f"{title} on {format.where(first)}{recorded}{note}"
    return of_lines(name, lines, note=noise_note(timed), of=() if alike else timed)


def noise_note(rows: Sequence[Throughput]) -> str:
    """Which batch sizes were not timed on a quiet machine, and why, and which only shortly; "" when all were
    timed at length and in quiet.
    """
    noisy, quick = [row for row in rows if not row["quiet"]], [row for row in rows if row["quick"]]
    short = ": one short round, no interval, none is called best"
    words = [f"noisy at batch {row['batch']}: {'; '.join(row['noise'])}" for row in noisy]
    lost = [f"batch {row['batch']}: {event}" for row in rows for event in row.get("events", [])]
    return "\n".join([*words, *lost, *([f"quick at {_batches(quick)}{short}"] if quick else [])])


def _batches(rows: Sequence[Throughput]) -> str:
    return f"batch {', '.join(str(row['batch']) for row in rows)}"


def _speeds(rows: Sequence[Throughput]) -> dict[int, float]:
    """images/s by batch size."""
    return {row["batch"]: row["images_per_s"] for row in rows}


def _half_width(row: Throughput) -> str | None:
    """Half of the 95 % interval, in percent: `1.2 %`; None where there is none."""
    if row["images_per_s_ci95"] is None or not row["quiet"]:
        return None  # of noise there is no interval that covers
    low, high = row["images_per_s_ci95"]
    return f"{50 * (high - low) / row['images_per_s']:.1f} %"


def _speed(row: Throughput, compute: bool) -> dict[str, Cell]:
    cells: dict[str, Cell] = {"batch": str(row["batch"]), "images/s": speed(row["images_per_s"])}
    return cells | ({"compute only": optional(speed, row["compute_images_per_s"])} if compute else {})


def _measured(row: Throughput, compute: bool) -> dict[str, Cell]:
    return {
        **_speed(row, compute),
        "95 % interval": optional(format.interval, row["images_per_s_ci95"] if row["quiet"] else None),
        "p50 ms": duration(row["latency_ms_p50"]),
        "p90 ms": duration(row["latency_ms_p90"]),
        "p99 ms": optional(duration, row["latency_ms_p99"]),
        "queries": number(row["queries"]),
        "CPU ms an image": duration(1000 * row["cpu_s_per_image"]),
        "end to end": optional(speed, row["end_to_end_images_per_s"]),
    }


def _beside(row: Throughput, published: StatedThroughput | None) -> dict[str, Cell]:
    if published is None:
        return {}
    stated = optional(speed, compare.stated_speed(published, row["batch"]))
    name = f"published{compare.scale_note(published, row)}"
    if not compare.comparable(row):
        return {f"{name} for {compare.PUBLISHED_FORM}": stated}
    if row.get("slice"):
        return {name: stated}
    return {name: stated, "of published": optional(times, compare.ratio(row, published))}


def _latencies(rows: Sequence[Throughput]) -> list[str]:
    """`1.00 / 2.00 /  10.00` of each row, each percentile as wide as its widest."""
    columns = [
        [duration(row["latency_ms_p50"]) for row in rows],
        [duration(row["latency_ms_p90"]) for row in rows],
        [shown(optional(duration, row["latency_ms_p99"])) for row in rows],
    ]
    padded = [[cell.rjust(max(map(len, column))) for cell in column] for column in columns]
    return [" / ".join(cells) for cells in zip(*padded, strict=True)]
