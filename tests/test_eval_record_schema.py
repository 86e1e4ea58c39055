"""The record types: all columns that actions write are in them, and the page and the JSON Schema follow."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from eval_rows import PIXELS, REAL, many, rows
from jsonschema import Draft202012Validator
from test_inv_layers import network
from timings import device, measured, queries

from backends import Layer
from eval import accuracy, agreement, record_schema, records, stage_times
from eval.ais_bench import score
from eval.common_columns import Common
from eval.precision import apart, size
from eval.record_types import KINDS, columns_of
from infer.bench import profile
from infer.bench.profile import Profiled
from infer.bench.throughput import figures
from pipeline.errors import StepError

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "docs" / "summary.schema.json"
VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def faults(summary):
    """What of a summary is against the schema in docs/, as `rows[0].batch: 'x' is not of type 'integer'`."""
    return [
        f"{fault.json_path.removeprefix('$.')}: {fault.message}"
        for error in VALIDATOR.iter_errors(summary)
        for fault in meant(error)
    ]


def meant(error):
    """The faults of a row as the kind that it is nearest to."""
    kinds = {}
    for fault in error.context:
        kinds.setdefault(fault.schema_path[0], []).append(fault)
    return min(kinds.values(), key=len, default=[error])


def test_the_page_of_records_is_the_one_that_the_types_give():
    page = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    assert page == record_schema.markdown(), "make it: python -m eval.record_schema > docs/records.md"


def test_the_schema_in_docs_is_the_one_that_the_types_give():
    words = [sys.executable, "-m", "eval.record_schema", "--schema"]
    given = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    how = "make it: python -m eval.record_schema --schema > docs/summary.schema.json"
    assert SCHEMA.read_text(encoding="utf-8") == given, how
    Draft202012Validator.check_schema(json.loads(given))
    assert {"$schema", "$id", "title", "description"} <= json.loads(given).keys()


def test_a_summary_of_rows_of_every_kind_fits_the_json_schema():
    summary = json.loads(json.dumps({"schema": 1, "rows": many()}))
    assert {row["kind"] for row in summary["rows"]} == set(KINDS)
    assert faults(summary) == []
    assert faults({**summary, "schema": 2}) == ["schema: 1 was expected"]


FAULTS = [
    ({"top1_pct": "70"}, "top1_pct: '70' is not of type 'number'", "'70'; expected number"),
    ({"top1_hits": 0.5}, "top1_hits: 0.5 is not of type 'integer'", "0.5; expected integer"),
    ({"images": True}, "images: True is not of type 'integer'", "True; expected integer"),
    ({"sample_data": 0}, "sample_data: 0 is not of type 'boolean'", "0; expected boolean"),
    ({"sample_data": None}, "sample_data: None is not of type 'boolean'", "None; expected boolean"),
    (
        {"top1_ci95_pct": [1, None]},
        "top1_ci95_pct[1]: None is not of type 'number'",
        "[1, None]; expected list of numbers",
    ),
    ({"top1_ci95_pct": 3.0}, "top1_ci95_pct: 3.0 is not of type 'array'", "3.0; expected list of numbers"),
    (
        {"batch": "16"},
        "batch: '16' is not of type 'integer', 'null'",
        "'16'; expected integer or null",
    ),
    ({"top6_pct": 99.0}, "('top6_pct' was unexpected)", "unknown column 'top6_pct'"),
]


@pytest.mark.parametrize("change, fault, words", FAULTS)
def test_a_row_that_is_not_as_its_type_says_fits_neither_the_json_schema_nor_our_check(
    change, fault, words, tmp_path
):
    row = {**rows(REAL)[0], **change}
    said = faults({"schema": 1, "rows": [row]})
    assert len(said) == 1 and fault in said[0]
    (tmp_path / "x.json").write_text(json.dumps(row))
    with pytest.raises(StepError, match=re.escape(words)) as raised:
        records.read([str(tmp_path / "x.json")])
    assert str(raised.value).startswith(f"{tmp_path}/x.json: ") and next(iter(change)) in str(raised.value)


def test_a_row_without_a_column_does_not_fit_the_json_schema():
    row = {key: value for key, value in rows(REAL)[0].items() if key != "images"}
    assert faults({"schema": 1, "rows": [row]}) == ["rows[0]: 'images' is a required property"]


def written(tmp_path):
    """One record of each kind as actions write it; that of throughput from its figures, without a device."""
    common, out = {**REAL, **PIXELS, "batch": 16}, [str(tmp_path / f"{number}.json") for number in range(6)]
    np.save(tmp_path / "logits.npy", np.eye(4, 5, dtype=np.float32))
    np.save(tmp_path / "one_0.npy", np.ones((1, 5), np.float32))
    (tmp_path / "index.csv").write_text(
        "row,name,label,shard\n" + "".join(f"{n},{n},0,0\n" for n in range(4))
    )
    (tmp_path / "one.csv").write_text("row,name,label,shard\n0,one,0,0\n")
    (tmp_path / "x.stamp").write_text(
        json.dumps({"name": "infer/a", "made": {"start": 0.0, "seconds": 2.0, "images": 4}})
    )
    logits, index = str(tmp_path / "logits.npy"), str(tmp_path / "index.csv")
    accuracy.write(
        (out[0], *(f"{out[0]}.{n}" for n in range(4))),
        index=index,
        logits=(logits,),
        row=common,
        classes=5,
        background=False,
    )
    flipped = str(tmp_path / "flipped.csv")
    agreement.write((out[1], flipped), index=index, logits=logits, reference=logits, row=common, margin=0.1)
    stage_times.write(out[2:3], stamps=(str(tmp_path / "x.stamp"),), row=common, stage="infer")
    score.write(
        out[3:4],
        index=str(tmp_path / "one.csv"),
        results=(str(tmp_path / "one_0.npy"),),
        row={**common, "results": "r"},
        classes=5,
    )
    (tmp_path / "counts.json").write_text('{"parameters": 20, "macs": 20}')
    graph = network(tmp_path / "graph.onnx", layers=1)
    apart.write(out[5:], a=graph, b=graph, row={**common, "dataset": None}, against="another")
    size.write(out[4:5], counts=str(tmp_path / "counts.json"), model=logits, row={**common, "dataset": None})
    one = measured(device(queries(0.0, 1.0, 12)), events=["x"])
    row = {"devices": ["0"], "hint": "throughput", "quick": False, "end_to_end_images_per_s": None}
    throughput = {**common, "kind": "throughput", **row, **figures([one, one], 16)}
    layers = profile.rows(Profiled([Layer("a", "Conv", 1.5, 7)], 100.0), common, "latency", 16, "0")
    found = [json.loads(Path(path).read_text()) for path in out]
    return [*layers, *found[:5], *found[5], throughput]  # of layers a file has several


def test_every_column_that_an_action_writes_is_described(tmp_path):
    each = written(tmp_path)
    # LoadGen's needs LoadGen: tests/test_infer_mlperf.py
    assert {row["kind"] for row in each} == set(KINDS) - {"loadgen"}
    assert faults({"schema": 1, "rows": each}) == []


def test_a_column_tells_rows_apart_only_when_a_type_has_it():
    columns = {column.name for kind in KINDS.values() for column in columns_of(kind)}
    assert set(records.IDENTITY) - columns == {"kind"}


def test_the_kinds_are_the_names_in_their_types():
    assert {name: kind.__annotations__["kind"].__args__ for name, kind in KINDS.items()} == {
        name: (name,) for name in KINDS
    }


def test_every_column_has_a_meaning_without_what_would_break_a_table():
    columns = [column for kind in (Common, *KINDS.values()) for column in columns_of(kind)]
    assert [column.name for column in columns if not column.meaning or set(column.meaning) & set("|\n")] == []
