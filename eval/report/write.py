"""The build's report: every record as summary.json, as Markdown, and one accuracy in the seed's form."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from eval import records
from eval.report import tables
from pipeline.errors import StepError
from pipeline.freshness import stamp, stored
from pipeline.freshness.code import ROOT, Source
from pipeline.freshness.files import Disk, Roots

TITLE = "Overall statistical evaluation"  # of the seed's evaluator


def write(
    inputs: Sequence[str],
    outputs: Sequence[str],
    published: Mapping[str, Any],
    published_accuracy: Mapping[str, Any],
    current: Mapping[str, Any] | None = None,
    planned: int | None = None,
) -> None:
    """Write all records' report.

    inputs   records: first the `planned` ones of this build, then those of others under OUT, and OUT itself
             where some are; of these only what is up to date by its stamp counts, now that this build may
             have made their models anew, and where two are of one thing the build's own does
    outputs  summary.json, report.md, and result.json where `current` is given: a build that judges nothing
             leaves the last
    published           chip -> {"images_per_s": {"1": ...}, "scale": chips the figures are of, "source",
                        "note"}
    published_accuracy  model -> {"top1_pct", "top5_pct", "source"}
    current  columns of the accuracy row that this request is about; exactly one row must have them
    """
    paths = list(inputs) if planned is None else _true(inputs, planned)
    rows = records.read(paths)
    _write_json(outputs[0], {"schema": 1, "rows": rows})
    with open(outputs[1], "w", encoding="utf-8") as file:
        file.write(tables.page(rows, published, published_accuracy, current) + _made(paths))
    if current is not None:
        found = records.matching(records.of_kind(rows, "accuracy"), current)
        if len(found) != 1:
            raise StepError(f"{len(found)} accuracy records match {dict(current)}; expected one")
        _write_json(outputs[2], in_seeds_form(found[0]))


def _true(inputs: Sequence[str], planned: int) -> list[str]:
    """The records to show."""
    own, (*others, out) = list(inputs[:planned]), inputs[planned:]
    disk = Disk(Roots({"out": out, "repository": ROOT}), Source(os.path.join(out, ".source.json")))
    known: dict[str, bool] = {}
    fresh = [path for path in others if stored.up_to_date(path, disk, known)]
    seen = {records.order(row) for row in records.read(own)}
    for path in sorted(fresh, key=os.path.getmtime, reverse=True):
        identity = records.order(records.read([path])[0])
        if identity not in seen:
            seen.add(identity)
            own.append(path)
    return own


def _made(paths: Sequence[str]) -> str:
    """Where and by what the records were made, from their stamps; the whole of it lies beside, in
    provenance.json.
    """
    stamps = [found for path in paths if (found := stamp.read(path + ".stamp"))]
    places = {
        f"{made.get('host')} ({made.get('cpu')}), Python {made.get('python')}, commit"
        f" {str(git.get('commit'))[:12]}" + (" with uncommitted changes" if git.get("dirty") else "")
        for found in stamps
        for made in [found["made"]]
        for git in [made.get("git") or {}]
    }
    tools = {f"{name} {version}" for found in stamps for name, version in found["tools"].items() if version}
    if not stamps:
        return ""
    lines = [
        *(f"- {place}" for place in sorted(places)),
        f"- tools: {', '.join(sorted(tools))}",
        "- inputs, params, tools and code of every step: provenance.json beside this page",
    ]
    return "\n## Made by\n\n" + "\n".join(lines) + "\n"


def in_seeds_form(row: Mapping[str, Any]) -> dict[str, Any]:
    """An accuracy row as the seed's evaluator wrote it: strings, two decimals, a percent sign."""
    value = {"Number of images": str(row["images"]), "Number of classes": str(row["classes"])}
    value |= {"Number of missing images": str(row["missing"])} if row["missing"] else {}  # the seed knew none
    value |= {f"Top{k} accuracy": f"{row[f'top{k}_pct']:.2f}%" for k in range(1, 6)}
    return {"title": TITLE, "value": [{"key": key, "value": text} for key, text in value.items()]}


def _write_json(path: str, value: Any) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
