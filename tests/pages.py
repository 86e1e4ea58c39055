"""Pages of the report as builds write them: records, the files beside them, hostile names; a browser."""

import base64
import csv
import io
import json
import os
import shutil
from contextlib import contextmanager

import numpy as np
import pytest
from eval_rows import PIXELS, PUBLISHED, REAL, STATED, judged, many
from PIL import Image

from eval import records
from eval.judging.calibration import Calibration
from eval.report import write

HOSTILE = "<img src=x onerror=alert(1)>"
PICTURE = f"{HOSTILE}.JPEG"
CURRENT = {**REAL, **PIXELS, "batch": 16}
PLAN = {
    "groups": [["export", 3], ["compile", 6], ["preprocess", 49], ["infer", 49], ["eval", 2]],
    "edges": [["export", "compile"], ["compile", "infer"], ["preprocess", "infer"], ["infer", "eval"]],
}
FILES = ("summary.json", "report.md", "index.html", "table.txt", "result.json")


def page(folder, rows=None, classes=1000, pictures=24, **more):
    """index.html of these rows (those of `eval_rows.many` without any), the accuracy of CURRENT with all that
    lies beside it.
    """
    rows = many() if rows is None else rows
    paths, details = [], []
    for number, row in enumerate(rows):
        place = folder / str(number)
        place.mkdir()
        paths.append(str(place / "record.json"))
        records.write(paths[-1], row)
        if row["kind"] == "accuracy" and row["chip"] == REAL["chip"]:
            details += beside(place, classes, pictures)
        if row["kind"] == "throughput":
            times = {"percentiles": list(range(101)), "queries": 1000}
            details.append(
                written(place / "latencies.json", {**times, "latency_ms": [*np.geomspace(1, 9, 101)]})
            )
    (folder / "report").mkdir()
    write.write(
        [str(folder / "report" / name) for name in FILES[: None if more.get("current", CURRENT) else -1]],
        records=paths,
        details=details,
        **{"published": PUBLISHED, "published_accuracy": STATED, "current": CURRENT, "plan": PLAN, **more},
    )
    return folder / "report" / "index.html"


def written(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def beside(folder, classes, pictures):
    """The files beside an accuracy: class 0 and some pictures have hostile names."""
    names = {str(each): HOSTILE if each == 0 else f"class {each}" for each in range(classes)}
    columns = ("class", "name", "images", "right", "top1_pct", "low_pct", "high_pct", "taken_for", "times")
    rows = [
        (n, names[str(n)], 50, n % 50, f"{2 * (n % 50):.2f}", "1.00", "99.00", n - 1, 5)
        for n in range(classes)
    ]
    confused = [(n, 0, 9, names[str(n)], names["0"]) for n in range(1, classes)]
    for name, lines in (
        ("classes.csv", [columns, *rows]),
        ("confusions.csv", [("label", "answer", "images", "label_name", "answer_name"), *confused]),
    ):
        with open(folder / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(lines)
    calibration = Calibration()
    outputs = np.random.default_rng(1).normal(0, 3, (500, 10)).astype(np.float32)
    calibration.add(outputs, outputs.argmax(axis=1) < 7)
    jpeg = io.BytesIO()
    Image.fromarray(np.random.default_rng(2).integers(0, 255, (160, 160, 3)).astype(np.uint8)).save(
        jpeg, "JPEG"
    )
    thumbnail = base64.b64encode(jpeg.getvalue()).decode()
    entry = {"row": 1, "name": PICTURE, "label": 0, "answer": 1, "thumbnail": thumbnail}
    entry["guesses"] = [[1, 0.71], [0, 0.2], [2, 0.05], [3, 0.02], [4, 0.01]]
    gallery = {
        "wrong": [entry] * pictures,
        "flipped": [{**entry, "torch": 0, "batches": [1, 64]}],
        "wrong_total": 15240,
        "flipped_total": 1,
        "thumbnail_px": 160,
        "class_names": names,
    }
    return [
        str(folder / "classes.csv"),
        str(folder / "confusions.csv"),
        written(folder / "calibration.json", calibration.table()),
        written(folder / "gallery.json", gallery),
    ]


def chromium():
    """The distribution's browser; skips where it, or what drives it, is absent."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, of [extra-tests]")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    return playwright, path


@contextmanager
def opened(html, width=1280, height=800, **options):
    """The page in a browser without a network: (page, what it said on its console, errors and requests)."""
    playwright, path = chromium()
    said = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path)
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **options)
        tab = context.new_page()
        tab.on("console", lambda each: said.append(each.text) if each.type in ("error", "warning") else None)
        tab.on("pageerror", lambda each: said.append(str(each)))
        tab.on(
            "request",
            lambda each: said.append(each.url) if not each.url.startswith(("file:", "data:")) else None,
        )
        tab.on("dialog", lambda each: (said.append(f"dialog: {each.message}"), each.dismiss()))
        tab.goto(f"file://{html}")
        settled(tab)
        yield tab, said
        browser.close()


def settled(tab):
    """Wait until all charts are drawn. wait_for_function needs eval, which the page's policy forbids."""
    for _ in range(200):
        if tab.evaluate("document.documentElement.dataset.drawn"):
            break
        tab.wait_for_timeout(50)
    tab.wait_for_timeout(200)


def screenshot(tab, name, full=False):
    """Keep a picture where INV_SCREENSHOTS says, else beside the tests' temporary files."""
    folder = os.environ.get("INV_SCREENSHOTS")
    if folder:
        os.makedirs(folder, exist_ok=True)
        tab.screenshot(path=os.path.join(folder, name + ".png"), full_page=full)


def real_accuracy(**more):
    """The accuracy that CURRENT is about."""
    return judged({**REAL, **PIXELS}, **more)
