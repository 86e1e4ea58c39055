"""The record types: all columns that actions write are in them, and the page and the JSON Schema follow."""

import json
from pathlib import Path

import numpy as np
import pytest
from eval_rows import PIXELS, REAL, many, rows
from timings import device, measured, queries

from backends import Layer
from eval import accuracy, agreement, record_schema, records, stage_times
from eval.ais_bench import score
from eval.record_types import KINDS, Common, columns_of
from infer.bench import profile
from infer.bench.profile import Profiled
from infer.bench.throughput import figures

ROOT = Path(__file__).resolve().parent.parent
PYTHON = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None),
          "array": list, "object": dict}  # fmt: skip


def faults(value, schema, where="summary"):
    """What of a value is against a JSON Schema, as sentences. Knows the words that ours uses, no other."""
    if rest := schema.keys() - {
        *("$schema", "title", "description", "type", "const", "items", "oneOf"),
        *("required", "properties", "additionalProperties"),
    }:
        return [f"{where}: the schema says {rest}, which is not checked here"]
    if "const" in schema:
        return [] if value == schema["const"] else [f"{where}: {value!r} is not {schema['const']!r}"]
    if "oneOf" in schema:
        each = [faults(value, one, where) for one in schema["oneOf"]]
        fits = sum(not fault for fault in each)
        # of the kinds the one that is meant is the one with the fewest faults
        return [] if fits == 1 else [f"{where}: fits {fits}"] if fits else min(each, key=len)
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(
        isinstance(value, PYTHON[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in names
    ):
        return [f"{where}: {value!r} is no {' or '.join(names)}"]
    if isinstance(value, list):
        return [
            fault for n, item in enumerate(value) for fault in faults(item, schema["items"], f"{where}[{n}]")
        ]
    if not isinstance(value, dict):
        return []
    known = schema["properties"]
    assert schema["additionalProperties"] is False
    return [
        *(f"{where}: no {name}" for name in schema["required"] if name not in value),
        *(f"{where}: {name} is not described" for name in value if name not in known),
        *(
            fault
            for name in value.keys() & known.keys()
            for fault in faults(value[name], known[name], f"{where}.{name}")
        ),
    ]


def test_the_page_of_records_is_the_one_that_the_types_give():
    page = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    assert page == record_schema.markdown(), "make it: python -m eval.record_schema > docs/records.md"


def test_a_summary_of_rows_of_every_kind_fits_the_json_schema():
    summary = json.loads(json.dumps({"schema": 1, "rows": many()}))
    assert {row["kind"] for row in summary["rows"]} == set(KINDS)
    assert faults(summary, record_schema.summary()) == []


@pytest.mark.parametrize(
    "change, fault",
    [
        ({"top1_pct": "70"}, "top1_pct: '70' is no number"),
        ({"sample_data": 0}, "sample_data: 0 is no boolean"),
        ({"top1_ci95_pct": [1, None]}, r"top1_ci95_pct[1]: None is no number"),
        ({"batch": 1.5}, "batch: 1.5 is no integer or null"),
        ({"top6_pct": 99.0}, "top6_pct is not described"),
    ],
)
def test_a_row_that_is_not_as_its_type_says_does_not_fit_the_json_schema(change, fault):
    said = faults({"schema": 1, "rows": [{**rows(REAL)[0], **change}]}, record_schema.summary())
    assert len(said) == 1 and fault in said[0]


def test_a_row_without_a_column_does_not_fit_the_json_schema():
    row = {key: value for key, value in rows(REAL)[0].items() if key != "images"}
    assert faults({"schema": 1, "rows": [row]}, record_schema.summary()) == ["summary.rows[0]: no images"]


def written(tmp_path):
    """One record of each kind as actions write it; that of throughput from its figures, without a device."""
    common, out = {**REAL, **PIXELS, "batch": 16}, [str(tmp_path / f"{number}.json") for number in range(4)]
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
        out[3:],
        index=str(tmp_path / "one.csv"),
        results=(str(tmp_path / "one_0.npy"),),
        row={**common, "results": "r"},
        classes=5,
    )
    one = measured(device(queries(0.0, 1.0, 12)), events=["x"])
    row = {"devices": ["0"], "hint": "throughput", "quick": False, "end_to_end_images_per_s": None}
    throughput = {**common, "kind": "throughput", **row, **figures([one, one], 16)}
    layers = profile.rows(Profiled([Layer("a", "Conv", 1.5, 7)], 100.0), common, "latency", 16, "0")
    return [*layers, *(json.loads(Path(path).read_text()) for path in out), throughput]


def test_every_column_that_an_action_writes_is_described(tmp_path):
    each = written(tmp_path)
    # LoadGen's needs LoadGen: tests/test_infer_mlperf.py
    assert {row["kind"] for row in each} == set(KINDS) - {"loadgen"}
    assert faults({"schema": 1, "rows": each}, record_schema.summary()) == []


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
