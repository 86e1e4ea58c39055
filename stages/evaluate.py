"""The steps of `inv eval --results=DIR`, and what a build ends with. `build` is the request, which this
package does not import.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from eval.ais_bench import results_dir
from eval.report import terminal
from pipeline.step import Step


def scored(build: Any, results: str, labels: Mapping[str, int]) -> Iterator[Step]:
    """`labels` are {image name: class} in the label file's order; every result file is an input. `build` is
    the request.
    """
    build.add_root("results", os.path.abspath(results))
    root = os.path.abspath(results)
    found = results_dir.listed(results)
    paths = results_dir.paired(found, list(labels))
    identity = hashlib.sha256(
        "".join(f"{name}\t{label}\n" for name, label in labels.items()).encode()
    ).hexdigest()[:8]
    place = hashlib.sha256(root.encode()).hexdigest()[
        :8
    ]  # tools call their folders after the time of day, anywhere
    where = os.path.join(build.out, "results", f"{build.plain(os.path.basename(root))}-{place}")
    dataset = f"{build.plain(os.path.basename(build.labels).rpartition('.')[0])}-{identity}"
    row = {
        "model": build.model.name,
        "checkpoint": None,
        "dataset": dataset,
        "chip": None,
        "precision": None,
        "input": None,
        "batch": None,
        "sample_data": False,
    }
    build.judged.update(row, results=os.path.basename(root))
    yield Step(
        "eval/results/index",
        "preprocess.shards:index",
        (build.labels,),
        (f"{where}/index.csv",),
        {"names": list(labels), "labels": list(labels.values()), "shard_size": len(labels)},
    )
    yield Step(
        "eval/results/accuracy",
        "eval.ais_bench.score:write",
        (f"{where}/index.csv", *paths),
        (f"{where}/accuracy.json",),
        {"row": row, "classes": build.model.classes},
        reads=(root,),
    )


def told(build: Any) -> str:
    """What a build ends with: the figures of this request, from the report."""
    folder = os.path.join(build.out, "report")
    with open(os.path.join(folder, "summary.json"), encoding="utf-8") as file:
        # other batch sizes and devices than this command asked for were timed at another time, maybe beside
        # other work
        devices = vars(build).get("devices")
        rows = [
            row
            for row in json.load(file)["rows"]
            if row["batch"] in (None, *build.batches) and devices in (None, row.get("devices", devices))
        ]
    listed = "listing" in vars(build)
    columns = build.judged or (
        build.row(build.dataset_row if listed else None, build.eval_batch)
        if build.has_checkpoint
        else build.data_row()
    )
    return terminal.final(
        rows,
        **build.published(),
        current=columns,
        report=os.path.join(folder, "report.md"),
        data=build.data_row() if listed else None,
        bad_list="".join(build.bad_lists if listed else ()),
    )
