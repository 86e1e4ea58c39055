"""The build's report: every record as summary.json, as Markdown, and one accuracy in the seed's form."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from eval import markdown, records
from pipeline.errors import StepError

TITLE = "Overall statistical evaluation"  # of the seed's evaluator


def write(
    inputs: Sequence[str],
    outputs: Sequence[str],
    published: Mapping[str, Any],
    published_accuracy: Mapping[str, Any],
    current: Mapping[str, Any] | None = None,
) -> None:
    """Write all records' report.

    inputs   records, in any order
    outputs  summary.json, report.md, and result.json where `current` is given: a build that judges nothing leaves the last
    published           chip -> {"images_per_s": {"1": ...}, "scale": chips the figures are of, "source", "note"}
    published_accuracy  model -> {"top1_pct", "top5_pct", "source"}
    current  columns of the accuracy row that this request is about; exactly one row must have them
    """
    rows = records.read(inputs)
    _write_json(outputs[0], {"schema": 1, "rows": rows})
    with open(outputs[1], "w", encoding="utf-8") as file:
        file.write(markdown.page(rows, published, published_accuracy, current))
    if current is not None:
        found = records.matching(records.of_kind(rows, "accuracy"), current)
        if len(found) != 1:
            raise StepError(f"{len(found)} accuracy records match {dict(current)}; expected one")
        _write_json(outputs[2], in_seeds_form(found[0]))


def in_seeds_form(row: Mapping[str, Any]) -> dict[str, Any]:
    """An accuracy row as the seed's evaluator wrote it: strings, two decimals, a percent sign."""
    value = {"Number of images": str(row["images"]), "Number of classes": str(row["classes"])}
    value |= {f"Top{k} accuracy": f"{row[f'top{k}_pct']:.2f}%" for k in range(1, 6)}
    return {"title": TITLE, "value": [{"key": key, "value": text} for key, text in value.items()]}


def _write_json(path: str, value: Any) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
