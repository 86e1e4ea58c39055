"""What two builds of one request left, compared: one sentence a difference, nothing of what was only timed.

Shards, logits, models, lists and pictures are compared byte for byte; records (.json) field by field; stamps
and provenance.json step by step; pages (report.md, check.txt, logs, what the console said) line by line, but
for the values of TIMED, UNTOLD and MASKS. Which files there are, and under which names, is compared, too.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any

SHOWN = 20  # differences of one kind
LONG = 120  # letters of a value
UNCOMPARED = {
    ".lock": "held while a build runs",
    ".lock.owner": "process id and time of the last build",
    ".source.json": "a cache of the hashes of our code, by times of its files",
}
# fields of records that a clock made; how often was timed or warmed up follows from how fast it went
TIMED = re.compile(r"(compute_)?images_per_s|latency_ms_p\d\d|window_s|load_s|seconds|rounds|warmup")
# fields of a stamp's `made` that say when, on which slot and from which checkout
UNTOLD = {"start", "seconds", "load_s", "slot", "git"}
# columns of report.md with figures of TIMED; the one without a name has the marks `best` and `cliff`
TIMED_COLUMNS = re.compile(r"(images/s|compute only|p\d\d ms|queries|of published|seconds|load s)?")
MASKS = {
    # a log's first line; the action is compared in the stamps
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\S+): \S+ on (cpu|device) \d+$": r"TIME \1: ACTION on SLOT",
    r'"time":[\d.]+': '"time":#',
    r"commit (None|[0-9a-f]{12})( with uncommitted changes)?": "commit #",
    # a batch size on the console: images/s, on some chips compute only, then the three latencies
    r"^( *\d+) +[\d,.]+( +[\d,.]+)? +[\d.]+ +/ +[\d.]+ +/ +[\d.]+": r"\1 # # / # / #",
    r" +(best|cliff)$": "",
    r"^(- fastest: .*), batch \d+,": r"\1, batch #,",
    r"\d[\d.,]*(\*\*)? (images/s|ms|s|min|h)\b": r"# \2",
    # of files: stamps name modules and hold times, logs name a slot
    r"\d[\d.,]* [kMG]?B\b": "# B",
    # columns are as wide as their longest number
    r"-{3,}": "--",
    r" {2,}": " ",
}
FINISHED = re.compile(r"run \S+ # s| ?failed ")  # come in the order in which processes end
IDENTITY = ("kind", "stage", "model", "dataset", "chip", "precision", "input", "batch", "pixels", "preset")

Places = list[tuple[str, str]]  # absolute path -> the word to read instead of it


@dataclass
class Compared:
    """How much was compared, and what differs."""

    exact: int = 0
    records: int = 0
    pages: int = 0
    stamps: int = 0
    differences: list[str] = field(default_factory=list)


def compare(old: str, new: str, places: tuple[Places, Places] = ([], [])) -> Compared:
    """All files below two folders. `places`: of each, which paths are only where it stands."""
    result, (olds, news) = Compared(), (set(files(old)), set(files(new)))
    result.differences += capped([f"{path}: only in the old one" for path in sorted(olds - news)])
    result.differences += capped([f"{path}: only in the new one" for path in sorted(news - olds)])
    stamps: list[dict[str, Any]] = [{}, {}]
    unequal: list[str] = []
    for path in sorted(olds & news):
        both = f"{old}/{path}", f"{new}/{path}"
        if os.path.basename(path) in UNCOMPARED:
            continue
        if not path.endswith((".stamp", ".json")) and not is_page(path):
            result.exact += 1
            words = byte_difference(*(Path(side).read_bytes() for side in both))
            unequal += [f"{path}: {words}"] if words else []
            continue
        pages = [text(*side) for side in zip(both, places, strict=True)]
        if path.endswith(".stamp"):
            result.stamps += 1
            stamps[0][path], stamps[1][path] = map(json.loads, pages)
        elif path.endswith("report/provenance.json"):
            result.records += 1
            result.differences += stamp_differences(path, *(json.loads(page)["steps"] for page in pages))
        elif path.endswith(".json"):
            result.records += 1
            several = field_differences(*map(json.loads, pages))
            result.differences += capped([f"{path}: {words}" for words in several])
        else:
            result.pages += 1
            result.differences += capped([f"{path}: {line}" for line in line_differences(*pages)])
    result.differences += capped(unequal) + stamp_differences("stamps", *stamps)
    return result


def files(folder: str) -> Iterator[str]:
    """Paths of all files below, relative."""
    for where, _, names in os.walk(folder):
        yield from (os.path.relpath(os.path.join(where, name), folder) for name in names)


def text(path: str, places: Places) -> str:
    """A file's text, as it would be were it written elsewhere."""
    words = Path(path).read_bytes().decode(errors="replace")
    for place, instead in sorted(places, key=lambda each: -len(each[0])):
        words = words.replace(place, instead)
    return words


def is_page(path: str) -> bool:
    """Whether a file is written for people to read."""
    name, parts = os.path.basename(path), path.split("/")
    return "log" in parts or name in (".builds.jsonl", "report.md", "check.txt") or name.startswith("console")


def capped(words: list[str]) -> list[str]:
    """The first ones, and how many more there are."""
    more = len(words) - SHOWN
    return [*words[:SHOWN], f"... and {more} more like that"] if more > 0 else words


def short(value: Any) -> str:
    """A value as JSON, cut."""
    words = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return words if len(words) <= LONG else words[:LONG] + "..."


def byte_difference(old: bytes, new: bytes) -> str:
    """How much differs, from where on; empty when nothing does."""
    if old == new:
        return ""
    if len(old) != len(new):
        return f"{len(old):,} -> {len(new):,} bytes"
    at = [number for number, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    return f"{len(at):,} of {len(old):,} bytes differ, from byte {at[0]:,} on"


def fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of everything in JSON data; a summary's rows are called by what they are about."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from fields(below, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and any(isinstance(row, Mapping | list) for row in value):
        for number, row in enumerate(value):
            known = isinstance(row, Mapping) and "kind" in row
            what = [str(row[key]) for key in IDENTITY if row.get(key) is not None] if known else [str(number)]
            yield from fields(row, f"{name}[{' '.join(what)}]")
    else:
        yield name, value


def field_differences(old: Any, new: Any) -> list[str]:
    """Fields of records that are new, gone or another, but for the values of TIMED."""
    olds, news = dict(fields(old)), dict(fields(new))
    for name in olds.keys() & news.keys():
        if TIMED.fullmatch(name.rpartition(".")[2]):
            news[name] = olds[name]
    return [f"{name} {words}" for name, words in _differing(olds, news)]


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield name, f"is new: {short(new[name])}"
        elif name not in new:
            yield name, f"was dropped: {short(old[name])}"
        elif old[name] != new[name]:
            yield name, f"differs: {short(old[name])} -> {short(new[name])}"


def line_differences(old: str, new: str) -> list[str]:
    """Lines that are only in one, `- ` the old one's, `+ ` the new one's, after MASKS."""
    return [
        f"{line[0]} {line[1:]}"
        for number, line in enumerate(unified_diff(masked(old), masked(new), lineterm="", n=0))
        if number > 1 and not line.startswith("@@")
    ]


def masked(page: str) -> list[str]:
    """A page's lines without what was timed; those of finished steps first, by name."""
    lines = []
    for line in _without_timed_columns(page.splitlines()):
        for pattern, instead in MASKS.items():
            line = re.sub(pattern, instead, line)
        lines.append(line.rstrip())
    return sorted(filter(FINISHED.match, lines)) + [line for line in lines if not FINISHED.match(line)]


def _without_timed_columns(lines: Iterable[str]) -> Iterator[str]:
    title, header = "", list[str]()
    for line in lines:
        title = line if line.startswith("#") else title
        cells = [cell.strip() for cell in line[1:].rstrip().removesuffix("|").split("|")]
        if not line.startswith("|"):
            header = []
            yield line
        elif not header:
            header = cells
            yield line
        else:
            # side by side a column is called after what was timed, or `published ...`
            timed = [
                TIMED_COLUMNS.fullmatch(name)
                or ("images/s" in title and name != "batch" and not name.startswith("published"))
                for name in header
            ]
            shown = ("#" if out else cell for cell, out in zip(cells, timed, strict=True))
            yield f"| {' | '.join(shown)} |"


def stamp_differences(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between the stamps ({path or step: stamp}) of two builds: each difference once, with the
    number of steps that have it.
    """
    steps: dict[tuple[str, str], set[str]] = {}
    for name in sorted({*old, *new}):
        if name in old and name in new:
            pairs = list(_differing(_known(old[name]), _known(new[name])))
        else:
            pairs = [("record", f"is in the {'old' if name in old else 'new'} one only")]
        for key, words in pairs:
            part, _, path = key.partition(" ")
            if path and (part == "outputs" or path.startswith("out:")) and words.startswith("differs"):
                key = f"content of {part}"  # said of the file itself already
            alike = key, "differs" if key == "code" or key.startswith("content") else words
            steps.setdefault(alike, set()).add(name)
    return capped(
        [
            f"{what}: {key} of {len(names)} step{'s' * (len(names) != 1)} {words} (first {min(names)})"
            for (key, words), names in steps.items()
        ]
    )


def _known(stamp: Mapping[str, Any]) -> dict[str, Any]:
    """What is compared of a stamp, flat: not the hashes of records and pages, which hold what was timed."""
    flat = {"code": stamp["code"]}
    flat |= {key: stamp[key] for key in ("name", "action") if key in stamp}
    for part in ("params", "tools"):
        flat |= {f"{part}.{name}": value for name, value in stamp[part].items()}
    flat |= {f"made.{name}": value for name, value in stamp["made"].items() if name not in UNTOLD}
    for part in ("inputs", "outputs"):
        for key, print_of in stamp[part].items():
            sha = print_of[3] if isinstance(print_of, list) else print_of
            # provenance.json folds many files into one hash, records among them
            varies = key.endswith(".json") or is_page(key.partition(":")[2]) or " files, first " in key
            flat[f"{part} {key}"] = "compared field by field" if varies else sha
    return flat
