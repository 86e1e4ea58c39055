"""What the benchmarks of inference share: the product as it is typed, in a folder of their own; processes
that begin together; medians and verdicts.
"""

import json
import multiprocessing
import os
import queue
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
REAL = Path(os.environ.get("INV_SHARED") or ROOT.parent / "shared").resolve() / "real"
CHECKPOINT = REAL / "mobilenet_v1_1.0_224_ref.tar"
BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import tasks; from pipeline.cli.program import main; "
    "main(tasks)"
)


def inv(folder, *words, code=0, out=True):
    """Run `inv WORDS [--out=FOLDER/out]` as ./inv would; what it printed. Ends the script where its exit code
    is another one than `code` (None: it may have any).
    """
    words = (*words, f"--out={folder}/out") if out else words
    # its own INV_LOCK_DIR: the lock of what must be alone on the machine lies there, and no other build is
    # to be waited for
    done = subprocess.run(
        [sys.executable, "-P", "-c", BOOT, str(ROOT), *words],
        env={**os.environ, "INV_LOCK_DIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if code is not None and done.returncode != code:
        sys.exit(f"inv {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def compiled(folder, *words, batch):
    """Path of the CPU's compiled model of this batch size, made now; `words`: which model."""
    inv(folder, "compile", "--chip=cpu", f"--bs={batch}", *words)
    (path,) = Path(folder, "out").glob(f"*/cpu/*/*bs{batch}.onnx")
    return str(path)


def rows(folder, kind):
    """The rows of this kind of the report."""
    summary = json.loads(Path(folder, "out/report/summary.json").read_text())
    return [row for row in summary["rows"] if row["kind"] == kind]


def linked(folder, images):
    """The photographs of shared/real, by links, so often that there are as many as asked for; labelled."""
    if not (REAL / "val").is_dir():
        sys.exit(f"{REAL}/val: no photographs; set INV_SHARED to the folder that holds real/")
    photographs = sorted((REAL / "val").iterdir())
    where = Path(folder, "photographs")
    where.mkdir()
    labels = dict(line.split() for line in (REAL / "val_label.txt").read_text().splitlines())
    with open(Path(folder, "val_label.txt"), "w", encoding="utf-8") as file:
        for number in range(images):
            real = photographs[number % len(photographs)]
            (where / f"{number:06d}.JPEG").symlink_to(real)
            file.write(f"{number:06d}.JPEG {labels[real.name]}\n")
    return where


def together(work, arguments):
    """Answers of `work(*arguments[n], barrier)`, each in a process of its own; `work` waits at the barrier
    before its clock starts.
    """
    spawn = multiprocessing.get_context("spawn")
    barrier, answers = spawn.Barrier(len(arguments)), spawn.Queue()
    processes = [
        spawn.Process(target=_answer, args=(work, each, barrier, answers), daemon=True) for each in arguments
    ]
    for process in processes:
        process.start()
    got = []
    while len(got) < len(processes):
        try:
            got.append(answers.get(timeout=1))
        except queue.Empty:
            if any(process.exitcode for process in processes):
                sys.exit("a process of the benchmark failed: see above")
    for process in processes:
        process.join()
    return got


def _answer(work, arguments, barrier, answers):
    answers.put(work(*arguments, barrier))


def cores():
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def ort_session(model, threads=1):
    """ONNX Runtime's session with the product's options, made without the product."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def pieces_of(model, batch):
    """Images at a time, as the product remembers it of this compiled model on one thread; else the batch."""
    try:
        entries = json.loads(Path(model + ".pieces.json").read_text())
    except FileNotFoundError:
        return batch
    return next((each["pieces"] for each in entries if each["of"]["threads"] == 1), batch)


def spread(values, form="{:.3f}"):
    """A median and its ends: `0.981 (0.975 to 0.990)`."""
    low, high = min(values), max(values)
    shown = [form.format(each) for each in (statistics.median(values), low, high)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def verdict(claims):
    """Print each claim with whether it holds, and end with 1 where one does not.

    `claims`: {sentence: bool}.
    """
    load = os.getloadavg()[0]
    for sentence, holds in claims.items():
        print(f"{'HOLDS ' if holds else 'MISSED'}  {sentence}")
    print(f"(load {load:.2f} on {len(cores())} cores)")
    sys.exit(0 if all(claims.values()) else 1)
