"""The report's page with 50,000 images, 1,000 classes and 48 pictures: its size, and how long it takes to
write and to open.

    .venv/bin/python benchmarks/report/page.py [--images=50000] [--keep=FOLDER]

The accuracy is judged from random logits by the product, so that classes.csv, confusions.csv and
calibration.json are real; the pictures are photographs as small as the gallery's, of noise, which JPEG packs
worst. Six throughput rows, two stages and 28 layers stand beside it. Written once in a fresh process, as a
build does; opened five times in Chromium without a network, from the file to the last chart, where Chromium
and Playwright are here.
"""

import argparse
import base64
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(1, os.path.join(sys.path[0], "tests"))

from eval_rows import PIXELS, PUBLISHED, REAL, STATED, compared, profiled, timed, worked

from eval import accuracy, records

CLASSES, PICTURES, OPENED = 1000, 48, 5
MOST_MB, MOST_S = 8, 5  # what the page may take
BESIDE = ("answers.csv", "classes.csv", "confusions.csv", "calibration.json")
FILES = (
    "summary.json",
    "rows.csv",
    "report.md",
    "index.html",
    "table.txt",
    "annotations.json",
    "result.json",
)
CURRENT = {**REAL, **PIXELS, "batch": 16}


def made(folder: str, images: int) -> dict[str, object]:
    """Write the records and what lies beside them; the report action's arguments."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, CLASSES, images)
    logits = generator.normal(0, 3, (images, CLASSES)).astype(np.float32)
    right = generator.random(images) < 0.7
    logits[np.flatnonzero(right), labels[right]] += 14
    np.save(os.path.join(folder, "logits.npy"), logits)
    with open(os.path.join(folder, "index.csv"), "w", encoding="utf-8") as file:
        file.write("row,name,label,shard\n")
        file.writelines(f"{n},ILSVRC2012_val_{n + 1:08d}.JPEG,{label},0\n" for n, label in enumerate(labels))
    place = os.path.join(folder, "judged")
    os.mkdir(place)
    paths = [os.path.join(place, "accuracy.json")]
    beside = [os.path.join(place, name) for name in BESIDE]
    accuracy.write(
        (paths[0], *beside),
        index=os.path.join(folder, "index.csv"),
        logits=[os.path.join(folder, "logits.npy")],
        row=CURRENT,
        classes=CLASSES,
        background=False,
    )
    details = [*beside[1:], os.path.join(place, "gallery.json")]
    records.write_json(details[-1], gallery(generator))
    speeds = ((1, 4200.0), (4, 8300.0), (8, 10400.0), (16, 12300.0), (32, 13300.0), (64, 14500.0))
    of = {**REAL, **PIXELS}
    rows = [timed(of, *speed) for speed in speeds] + [compared(of, batch) for batch, _ in speeds]
    rows += [worked(of), worked(of, "preprocess")] + [profiled(of, layer=f"{n:02} conv") for n in range(28)]
    for number, row in enumerate(rows):
        paths.append(os.path.join(folder, f"{number}.json"))
        records.write(paths[-1], row)
    return {"records": paths, "details": details}


def gallery(generator: np.random.Generator) -> dict[str, object]:
    """gallery.json with as many pictures as are shown."""
    entries = []
    for row in range(PICTURES):
        file = io.BytesIO()
        noise = generator.integers(0, 255, (160, 160, 3)).astype(np.uint8)
        Image.fromarray(noise).save(file, "JPEG", quality=80)
        entry = {"row": row, "name": f"ILSVRC2012_val_{row + 1:08d}.JPEG", "label": row, "answer": row + 1}
        entry["guesses"] = [[row + each, 0.9 / (each + 1)] for each in range(5)]
        entries.append({**entry, "thumbnail": base64.b64encode(file.getvalue()).decode()})
    names = {str(number): f"a name of some length, {number}" for number in range(CLASSES)}
    half = PICTURES // 2
    flipped = [{**entry, "torch": 1, "batches": [1, 64]} for entry in entries[half:]]
    totals = {"wrong_total": 15_000, "flipped_total": half, "thumbnail_px": 160}
    return {"wrong": entries[:half], "flipped": flipped, "class_names": names, **totals}


def write(arguments: str) -> None:
    """The report action, alone in this process: print its seconds, the imports of Bokeh and Jinja2 inside."""
    began = time.perf_counter()
    from eval.report import write as report

    with open(arguments, encoding="utf-8") as file:
        given = json.load(file)
    report.write(**given, published=PUBLISHED, published_accuracy=STATED, current=CURRENT)
    print(time.perf_counter() - began)


def opened(page: str) -> list[float] | str:
    """Seconds from the file to the last chart, each time; or why there are none."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        browser = None
    if browser is None:
        return "not opened: no Chromium or no Playwright here"
    seconds = []
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser)
        for _ in range(OPENED):
            tab = chromium.new_context(offline=True).new_page()
            began = time.perf_counter()
            tab.goto(f"file://{page}")
            while not tab.evaluate("document.documentElement.dataset.drawn"):
                time.sleep(0.01)
            seconds.append(time.perf_counter() - began)
            tab.close()
    return seconds


def main() -> None:
    """Print size and seconds; exit 1 where the page is larger, or is written more slowly, than it may be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--keep", help="where to leave the report")
    parser.add_argument("--write", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        write(given.write)
        return
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.abspath(given.keep or os.path.join(folder, "report"))
        os.makedirs(report, exist_ok=True)
        arguments = os.path.join(folder, "arguments.json")
        outputs = {"outputs": [os.path.join(report, name) for name in FILES]}
        records.write_json(arguments, {**outputs, **made(folder, given.images)})
        command = [sys.executable, os.path.abspath(__file__), f"--write={arguments}"]
        wrote = float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        page = os.path.join(report, "index.html")
        megabytes = os.path.getsize(page) / 1e6
        print(f"{given.images} images, {CLASSES} classes, {PICTURES} pictures")
        print(f"size    {megabytes:6.2f} MB (at most {MOST_MB})")
        print(f"written {wrote:6.2f} s, all seven files, imports included (at most {MOST_S})")
        times = opened(page)
        if isinstance(times, str):
            print(times)
        else:
            later = statistics.median(times[1:])
            print(f"opened  {times[0]:6.2f} s the first time, then {later:.2f} s (median)")
    if megabytes > MOST_MB or wrote > MOST_S:
        sys.exit(1)


if __name__ == "__main__":
    main()
