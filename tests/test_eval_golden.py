"""report.md and table.txt, character for character.

tests/eval_golden was written by the code of before tables had renderers. A change of these files is a
decision: look at the difference, then write them anew.
"""

from pathlib import Path

import pytest
from eval_rows import PIXELS, PUBLISHED, REAL, SAMPLE, STATED, many, rows

from eval import records
from eval.report import write

GOLDEN = Path(__file__).parent / "eval_golden"
SKIPPED = {**SAMPLE, **PIXELS, "on_bad": "skip", "batch": 16}


def elsewhere(row):
    """The row as of another machine, where it is of one chip; of another commit at batch 1."""
    commit = ", commit 0123abcd" if row["batch"] == 1 else ""
    return {**row, "recorded_on": f"ascend-01{commit}"} if row["chip"] == "310P3" else row


# name: rows, the columns of the row that the request is about, and what else the terminal's table is of
CASES = {
    "nothing": ([], None, {}),
    "one": (rows(REAL), {**REAL, "batch": 16}, {}),
    "sample": (rows(SAMPLE), {**SAMPLE, "batch": 16}, {"batches": [1, 16]}),
    "skipped": (many(), SKIPPED, {"data": {"dataset": SAMPLE["dataset"]}, "undecodable": "data/x.json"}),
    "devices": (many(), {**REAL, **PIXELS, "batch": 16}, {"batches": [8, 16], "devices": ["0", "1"]}),
    "everything": (many(), None, {}),
    "elsewhere": ([elsewhere(row) for row in many()], None, {}),
    "results": (many()[-1:], {"results": "dumpout"}, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_page_and_the_table_are_as_they_were(tmp_path, name):
    each, current, scope = CASES[name]
    paths = [str(tmp_path / f"{number}.json") for number in range(len(each))]
    for path, row in zip(paths, each, strict=True):
        records.write(path, row)
    files = ("summary.json", "report.md", "index.html", "table.txt", "result.json")[: None if current else -1]
    write.write(
        [str(tmp_path / file) for file in files],
        records=paths,
        published=PUBLISHED,
        published_accuracy=STATED,
        current=current,
        table={**scope, **({"current": current} if current else {})},
    )
    for file, golden in (("report.md", f"{name}.md"), ("table.txt", f"{name}.txt")):
        assert (tmp_path / file).read_text() == (GOLDEN / golden).read_text()
