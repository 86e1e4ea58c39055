"""Two folders with the same small OUT, for the tests of benchmarks/engine/: edit the new one, and ask what
differs.
"""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks" / "engine"
ROW = {"kind": "accuracy", "batch": 16, "images": 320, "missing": 0, "top1_hits": 318, "top1_pct": 99.375}
TIMES = {
    "kind": "pipeline",
    "stage": "infer",
    "images": 320,
    "seconds": 0.5,
    "load_s": 0.1,
    "images_per_s": 640.0,
}
STAMP = {
    "schema": 1,
    "name": "infer/cpu/00000",
    "action": "infer.logits:write",
    "inputs": {"out:data/shard-00000.npy": [1, 2, 3, "aaa"]},
    "outputs": {"out:logits-00000.npy": [4, 5, 6, "bbb"]},
    "params": {"batch": 16},
    "tools": {"numpy": "2.4.6"},
    "code": {"infer.logits": "123"},
    "made": {
        "start": 1.5,
        "seconds": 0.2,
        "load_s": 0.0,
        "slot": "cpu 0",
        "git": {"commit": "1"},
        "images": 16,
    },
}
REPORT = """# Report

- fastest: **4,528 images/s**, cpu fp32 uint8, batch 16, 2 devices

## Accuracy

| model  | images | top-1 |
| ------ | -----: | ----: |
| sample |    320 | 99.38 |

### sample, cpu fp32 uint8

| batch | images/s | p50 ms | queries | same top-1, % |          |
| ----: | -------: | -----: | ------: | ------------: | -------: |
|    16 |    4,528 |   6.68 |     284 |        100.00 | **best** |
"""
CONSOLE = """run    export/sample  0.3 s  never made
run    infer/cpu/00000  0.5 s  77 images/s  never made
2 steps ran, 0 up to date
  batch   images/s   latency ms p50 / p90 / p99   same top-1 %
      1      2,899         0.64 /  0.75 /  1.91         100.00   best
"""


def loaded():
    """The script same_outputs.py as a module; benchmarks is no package."""
    spec = importlib.util.spec_from_file_location("same_outputs", FOLDER / "same_outputs.py")
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)  # puts its own folder on the path
    sys.path[:] = before
    return module


class Sides:
    """Two folders with the same small OUT, and what the script finds different between them."""

    def __init__(self, folder, differences):
        self.old, self.new, self._differences = folder / "old", folder / "new", differences
        (self.old / "out" / "data").mkdir(parents=True)
        (self.old / "out" / "report").mkdir()
        (self.old / "out" / "data" / "shard-00000.npy").write_bytes(bytes(range(100)))
        (self.old / "out" / "report" / "report.md").write_text(REPORT)
        (self.old / "console-1.txt").write_text(CONSOLE)
        (self.old / "out" / ".lock.owner").write_text("pid 1")
        self.write(self.old, "accuracy.json", ROW)
        self.write(self.old, "report/summary.json", {"schema": 1, "rows": [ROW, TIMES]})
        self.write(self.old, "report/provenance.json", {"schema": 1, "steps": {STAMP["name"]: STAMP}})
        self.write(self.old, "logits-00000.npy.stamp", STAMP)
        shutil.copytree(self.old, self.new)

    def write(self, side, name, value):
        """A record or a stamp."""
        (side / "out" / name).write_text(json.dumps(value))

    def edit(self, name, *changes):
        """Replace words of a page of the new side, each of which is there."""
        path = self.new / name
        page = path.read_text()
        for before, after in changes:
            assert before in page
            page = page.replace(before, after)
        path.write_text(page)

    @property
    def differences(self):
        places = [[(str(side), "SIDE")] for side in (self.old, self.new)]
        return self._differences.compare(str(self.old), str(self.new), tuple(places)).differences
