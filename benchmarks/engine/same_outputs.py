"""The same requests built with two checkouts and compared: for changes that must change no output.

    .venv/bin/python benchmarks/engine/same_outputs.py OLD_CHECKOUT [NEW_CHECKOUT] [--python=PATH]
        [--folder=DIR] [--requests=sample,null,own,...] [--shared=DIR]

NEW_CHECKOUT is by default the one that this file lies in. A request is one or more command lines, built by
each checkout into an OUT of its own, one after the other, started as its own ./inv starts them: with the code
after `-c` in that file's last line. The interpreter is --python, else the checkout's .venv, else the one that
runs this; the checkout's root comes first on its path, and that the packages which it imports are the
checkout's own is looked at before anything is built. The compiled parts (*.so) must lie in both or in none:
which was used is recorded.

A line a request: how many files were compared byte for byte, how many records, pages and stamps
(differences.py says how); below it what differs. Exit code 0 when nothing does but what ALLOWED names, else
1. All requests took four minutes on two cores. With --folder all that was built stays there, under the
request's name. --shared: a folder with mobilenet_v1_1.0_224_ref.tar, val/ and val_label.txt, for `real`.
"""

import argparse
import io
import os
import re
import sys
import tempfile

import numpy as np
from PIL import Image

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import differences
from checkout import Checkout

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMAGES, CLASSES, UNDECODABLE = 40, 16, 17
OWN = "--model=sample --checkpoint={root}/mobilenet/sample.tar --dataset={data}/own"
SAMPLE = "all --chip=cpu --bs=1,16"
SCORED = "--model=sample --labels={data}/own/val_label.txt"
# request -> (exit code that both must end with, command line); {out} is added
REQUESTS = {
    "sample": [(0, SAMPLE)],
    "float32": [(0, f"{SAMPLE} --input=float32 --pixels=fast")],
    "null": [(3, "all --chip=null --bs=1,16")],  # it answers nonsense: the gate is missed
    "own": [(0, f"{SAMPLE} --on-bad=skip {OWN}")],
    "preset": [(0, f"{SAMPLE} --preset=mlperf --on-bad=skip {OWN}")],
    "limit": [(0, f"{SAMPLE} --limit=24 --on-bad=skip {OWN}")],
    "bins": [(0, f"data --bins={{side}}/bins --on-bad=skip {OWN}")],
    "check": [(0, f"data --check {OWN}")],
    "show": [(0, f"data --show --on-bad=skip {OWN}")],
    "diagnose": [(0, f"data --diagnose --on-bad=skip {OWN}")],
    "results": [(0, f"eval --results={{data}}/{form} {SCORED}") for form in ("txt", "npy")],
    "views": [
        (0, "preprocess"),
        (0, "preprocess"),
        (0, f"--dry {SAMPLE}"),
        (0, "status --chip=cpu --bs=1,16"),
        (0, "explain report --chip=cpu --bs=1,16"),
        (0, "graph --format=mermaid --chip=cpu --bs=1,16"),
        (0, "verify"),
        (0, "gc"),
        (0, "--dry clean"),
    ],
    "mistakes": [
        (2, "all --chpi=cpu"),
        (2, "all --chip=gpu"),
        (2, "all --bs=0"),
        (2, "all --chip=cpu --precision=int8"),
        (2, "all --dataset={data}/nothing --checkpoint={root}/mobilenet/sample.tar"),
        (2, "eval --results={data}/nothing " + SCORED),
        (2, "data"),
        (1, f"preprocess --keep-going {OWN}"),  # one picture cannot be decoded
    ],
    "real": [
        (
            0,
            (
                f"{SAMPLE} --checkpoint={{shared}}/mobilenet_v1_1.0_224_ref.tar --dataset={{shared}}/val"
                " --labels={shared}/val_label.txt"
            ),
        )
    ],
}
# a difference, as printed -> why it is no other output. What was timed is not looked at to begin with
ALLOWED = {
    r"(stamps|out/report/provenance\.json): code of \d+ steps? differs .*": (
        "hashes of our own modules, and other modules are what is compared here"
    ),
    r"stamps: action of \d+ steps? differs: .*": (
        "an action is called after the file that it lies in, and files moved"
    ),
    r"stamps: inputs repository:preprocess/(dataset/)?imagenet_classes\.csv of .*": (
        "the table moved, its content did not"
    ),
    r"(stamps|out/report/provenance\.json): tools\.resample of .*": (
        "the compiled part holds its source's path"
    ),
    r"out/report/table\.txt: only in the new one": (
        "the report's action writes the final table, the driver prints it"
    ),
    r"stamps: outputs out:report/table\.txt of .*": "the same",
    r"stamps: params\.(planned|table) of 1 step .*": "the engine hands the records on; the table has a scope",
    r"(stamps|out/report/provenance\.json): params\.row of \d+ steps? differs: .*": (
        "the row of a score names the results' folder when it is planned"
    ),
    r"out/\.builds\.jsonl: [-+] .*": "the ledger of builds lists table.txt",
}


def generate(folder: str) -> None:
    """own/: labelled JPEGs, every fifth one grey, one undecodable; txt/ and npy/: results for all of them."""
    noise = np.random.default_rng(0)
    for name in ("own", "txt", "npy"):
        os.makedirs(os.path.join(folder, name))
    labels = [f"own_{number:05d}.JPEG {number % CLASSES}\n" for number in range(IMAGES)]
    for number in range(IMAGES):
        coarse = Image.fromarray(noise.integers(0, 256, (9, 12, 3), np.uint8))
        data = io.BytesIO()
        picture = coarse.resize(noise.integers(100, 400, 2).tolist())
        picture.convert("RGB" if number % 5 else "L").save(data, "JPEG", quality=90)
        with open(f"{folder}/own/own_{number:05d}.JPEG", "wb") as file:
            file.write(data.getvalue() if number != UNDECODABLE else b"<html>404</html>")
        result = noise.normal(0, 3, CLASSES).round(4).astype(np.float32)
        np.save(f"{folder}/npy/own_{number:05d}_0.npy", result[None])
        with open(f"{folder}/txt/own_{number:05d}_0.txt", "w", encoding="utf-8") as file:
            file.write("".join(f"{value:f} " for value in result) + "\n")
    with open(f"{folder}/own/val_label.txt", "w", encoding="utf-8") as file:
        file.writelines(labels)


def build(checkout: Checkout, request: str, side: str, places: dict[str, str]) -> list[str]:
    """Run a request's command lines in their order; OUT and what they printed go to `side`. Returns what
    ended as it should not.
    """
    wrong = []
    os.makedirs(side)
    for number, (expected, line) in enumerate(REQUESTS[request], 1):
        words = [word.format(root=checkout.root, side=side, **places) for word in line.split()]
        code, said = checkout.say([*words, f"--out={side}/out"], side)
        with open(f"{side}/console-{number}.txt", "w", encoding="utf-8") as file:
            file.write(f"inv {line}\n{said}")
        if code != expected:
            last = (said.splitlines()[-2:] or [""])[0]
            wrong.append(f"{checkout.root}: inv {line}: exit {code}, expected {expected}: {last}")
    return wrong


def tell(request: str, result: differences.Compared, wrong: list[str]) -> bool:
    """Print one request's lines; returns whether all that differs is allowed."""
    allowed = [
        words for words in result.differences if any(re.fullmatch(pattern, words) for pattern in ALLOWED)
    ]
    same = not wrong and len(allowed) == len(result.differences)
    print(
        f"{'same:' if same else 'differs:'} {request}  ({result.exact} files byte for byte,"
        f" {result.records} records, {result.pages} pages, {result.stamps} stamps)"
    )
    for words in (*wrong, *result.differences):
        print(f"    {'allowed  ' if words in allowed else ''}{words}")
    sys.stdout.flush()
    return same


def main() -> None:
    """Print what each request's two builds have not in common."""
    parser = argparse.ArgumentParser()
    parser.add_argument("old", help="a checkout, such as a git worktree of the last release")
    parser.add_argument("new", nargs="?", default=ROOT, help="another; default: the one of this file")
    parser.add_argument("--python", help="the interpreter of both; default: each one's .venv, else this one")
    parser.add_argument("--folder", help="where to write, and to leave it; default: a temporary folder")
    parser.add_argument("--requests", help=f"some of {','.join(REQUESTS)}; default: all (real with --shared)")
    parser.add_argument("--shared", help="a real checkpoint with its photographs, for the request `real`")
    given = parser.parse_args()
    names = given.requests.split(",") if given.requests else [name for name in REQUESTS if name != "real"]
    names += ["real"] if given.shared and "real" not in names and not given.requests else []
    unknown = [name for name in names if name not in REQUESTS or name == "real" and not given.shared]
    if unknown:
        sys.exit(f"--requests: {unknown[0]}; expected some of {', '.join(REQUESTS)}; real needs --shared=DIR")
    checkouts = {"old": Checkout(given.old, given.python), "new": Checkout(given.new, given.python)}
    for checkout in checkouts.values():
        checkout.refuse_foreign_packages()
    with tempfile.TemporaryDirectory() as temporary:
        folder = os.path.abspath(given.folder or temporary)
        places = {"data": f"{folder}/data", "shared": os.path.abspath(given.shared or "")}
        if os.path.exists(places["data"]):
            sys.exit(f"--folder={given.folder}: holds what was built before; name another")
        generate(places["data"])
        same = True
        for name in names:
            wrong, read = [], []
            for side, checkout in checkouts.items():
                wrong += build(checkout, name, f"{folder}/{name}/{side}", places)
                read.append([(f"{folder}/{name}/{side}", "SIDE"), (checkout.root, "ROOT")])
            result = differences.compare(f"{folder}/{name}/old", f"{folder}/{name}/new", tuple(read))
            same = tell(name, result, wrong) and same
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
