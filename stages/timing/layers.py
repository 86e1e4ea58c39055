"""compare --layers: the first layer where two compiled forms of a network part."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from glob import escape, glob
from hashlib import sha256

from eval.precision import apart_table
from eval.record_types import Apart, Model
from eval.records import of_kind, read
from eval.report.format import form as form_of
from eval.report.format import shown
from eval.report.terminal import drawn
from pipeline.cli import build
from pipeline.cli.settings import Settings
from pipeline.errors import DONE, BuildError, StepError
from pipeline.fingerprint import versions
from pipeline.plan import Plan
from pipeline.step import Slot, Step
from stages import report
from stages.closing import closing
from stages.request.build import Build, resolve

RECORD = os.path.join("size", "*", "model.json")
EXPECTED = "the folder of a compiled form, such as out/MODEL-0123abcd/cpu/int8-uint8-0123abcd, or an OUT"
ENDINGS = (".onnx",)
KEPT = ("current", "gate", "table", "lang")  # of the report's params
# what tells forms apart
COLUMNS = ("model", "checkpoint", "chip", "precision", "input", "calibration", "quantisation")


@dataclass(frozen=True)
class Form:
    """One compiled form: its folder, what it is, and one of its ONNX files."""

    folder: str
    row: Mapping[str, object]
    file: str

    @property
    def name(self) -> str:
        """In words: `cpu int8 uint8`."""
        return shown(form_of(self.row))

    @property
    def out(self) -> str:
        """The OUT that it lies in."""
        return os.path.dirname(os.path.dirname(os.path.dirname(self.folder)))


def compared(path_a: str, path_b: str) -> str:
    """Compare the layers of two forms, keep what was seen as a record beside B, and say it; B's report has
    it, too.
    """
    a, b = _form(path_a), _form(path_b)
    if a.folder == b.folder:
        raise BuildError(f"compare --layers: A and B are one form, {a.folder}; expected two")
    key = sha256(f"{a.name} {a.folder}".encode()).hexdigest()[:8]
    record = os.path.join(b.folder, "apart", key, "apart.json")
    step = Step(
        f"compare/{os.path.relpath(b.folder, b.out)}/against-{key}",
        "eval.precision.apart:write",
        inputs={"a": a.file, "b": b.file, "shard": _shard(b)},
        outputs=(record,),
        params={"row": _columns(b.row), "against": _against(a, b)},
        tools=versions("onnx", "onnxruntime", "numpy"),
    )
    settings = Settings(b.out, [Slot("cpu", "0")], 1)
    if code := build.run(Plan([step]), settings):
        raise StepError(f"compare --layers ended with {code}; see above")
    again = resolve({"out": b.out})
    if build.run(Plan(_same_report(again, b.out)), again.settings(Plan([]))) != DONE:
        raise StepError("the report was not made anew; see above")
    rows = of_kind(read([record]), Apart)
    places = closing(again).rpartition("\n\n")[2]
    return "\n".join([*drawn(apart_table.table(rows)), "", places])


def _same_report(again: Build, out: str) -> list[Step]:
    """The report's step with the subject and language of the last one: it gets rows, and is about the
    same.
    """
    (step,) = report.steps(again, ())
    old = again.files.stamp(f"{out}/report/summary.json.stamp")
    kept = {key: old.params[key] for key in KEPT if key in old.params} if old else {}
    return [replace(step, params={**step.params, **kept})]


def _columns(row: Mapping[str, object]) -> dict[str, object]:
    figures = ("kind", "size_mb", "parameters", "macs", "recorded_on")
    return {column: value for column, value in row.items() if column not in figures}


def _against(a: Form, b: Form) -> str:
    """What A is, with what else tells it from B."""
    apart = [
        str(a.row[column])
        for column in ("model", "checkpoint")
        if a.row.get(column) and a.row.get(column) != b.row.get(column)
    ]
    place = [] if a.out == b.out else [os.path.basename(a.out)]
    return " ".join([a.name, *apart, *place])


def _form(path: str) -> Form:
    """The compiled form at this path. BuildError where there is none, or several."""
    folder = os.path.abspath(os.path.dirname(path) if path.endswith(ENDINGS) else path)
    if path.endswith(ENDINGS) and not os.path.isfile(path):
        raise BuildError(f"{path}: no such file; expected {EXPECTED}")
    if not os.path.isdir(folder):
        raise BuildError(f"{path}: no such folder; expected {EXPECTED}")
    forms = _forms(folder) or _reported(folder, _forms(folder, os.path.join("*", "*", "*")))
    if not forms:
        raise BuildError(f"{path}: no compiled form is here; expected {EXPECTED}")
    if len(forms) > 1:
        names = " or ".join(forms)
        raise BuildError(f"{path}: {len(forms)} compiled forms are here. Name one of them: {names}")
    ((folder, row),) = forms.items()
    if row["precision"] == "bf16":
        raise BuildError(
            f"{path}: its layers run in bf16 in OpenVINO alone; layers are compared in ONNX Runtime, which"
            " would show float32's. Compare fp32 and int8"
        )
    files = sorted(glob(f"{escape(folder)}/bs*.onnx"))
    if not files:
        raise BuildError(
            f"{folder}: no ONNX file is here: layers are compared where ONNX Runtime can run them"
        )
    return Form(folder, {**row}, os.path.abspath(path) if path.endswith(ENDINGS) else files[0])


def _forms(folder: str, below: str = "") -> dict[str, Model]:
    """{a compiled form's folder: what it is}, of this folder or of those so far `below` it."""
    forms = {}
    for path in sorted(glob(os.path.join(escape(folder), below, RECORD))):
        (row,) = of_kind(read([path]), Model)
        forms[os.path.dirname(os.path.dirname(os.path.dirname(path)))] = row
    return forms


def _reported(out: str, forms: dict[str, Model]) -> dict[str, Model]:
    """Of several forms in an OUT the one that its last report is about."""
    stamp = os.path.join(out, "report", "summary.json.stamp")
    if len(forms) < 2 or not os.path.isfile(stamp):
        return forms
    with open(stamp, encoding="utf-8") as file:
        params = json.load(file).get("params", {})
    about = params.get("current") or params.get("table", {}).get("current") or {}
    chosen = {
        folder: row
        for folder, row in forms.items()
        if all(row.get(column) == about.get(column) for column in COLUMNS)
    }
    return chosen or forms


def _shard(b: Form) -> str | tuple[str, ...]:
    """Pictures that B was judged on, where they are still here: they are real ones."""
    for folder in sorted(glob(f"{escape(b.folder)}/*/bs*/")):
        data = os.path.basename(os.path.dirname(os.path.dirname(folder)))
        shard = os.path.join(b.out, "data", data, "shard-00000.npy")
        if os.path.isfile(shard):
            return shard
    return ()
