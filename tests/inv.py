"""The command line as a user meets it: started as ./inv starts it, in processes of its own, judged by what it
prints and leaves.
"""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from filelock import FileLock
from PIL import Image

from pipeline import machine

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
# real weights and photographs, which lie beside some checkouts only: tests that need them are marked `shared`
REAL = Path(os.environ.get("INV_SHARED") or ROOT.parent / "shared").resolve() / "real"
# longer than any command takes on a machine that is busy with others; shorter than pytest's limit
HANG_S = 800
CHECKPOINT = ROOT / "mobilenet" / "sample.tar"
BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import tasks; from pipeline.cli.program import main; "
    "main(tasks)"
)
# the same start, and at its end one line to stderr: which modules are loaded, which programs were started
WATCH = """
import atexit, json, sys
begun = []
sys.addaudithook(lambda event, args: begun.append(f"{event} {args[0]}")
                 if event in ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.fork", "os.system") else None)
atexit.register(lambda: print("watched " + json.dumps({"modules": sorted(sys.modules), "begun": begun}), file=sys.stderr))
"""  # noqa: E501
# what a command may write although it builds nothing
BOOKKEEPING = (
    ".lock",
    ".lock.owner",
    ".source.json",
    ".builds.jsonl",
)


@dataclass
class Answer:
    """What one command said."""

    code: int
    out: str
    err: str
    watched: dict = field(default_factory=dict)

    @property
    def ran(self) -> list[str]:
        """Names of the steps that ran, in the order in which they were finished."""
        return [line.split()[1] for line in self.out.splitlines() if line.startswith("run ")]


def command(*words: object, root: Path = ROOT, watch: bool = False) -> list[str]:
    """The command line of `./inv WORDS`, but for the installation; what is timed is timed shortly."""
    task = words[words[:1] == ("--dry",) :][:1]
    if task and task[0] in ("all", "bench", "status", "graph", "eval") and "--" not in words:
        words = (*dict.fromkeys((*words, "--quick")),)
    return [sys.executable, "-P", "-c", (WATCH if watch else "") + BOOT, str(root), *map(str, words)]


def environment(**more: str) -> dict[str, str]:
    """The caller's environment without what would change a build."""
    hidden = (
        "PYTHONPATH",
        "NULL_DEVICES",
        "COLUMNS",
        "ASCEND_TOOLKIT_HOME",
        "ASCEND_HOME_PATH",
        "INV_COMMAND",
    )
    return {
        key: value for key, value in os.environ.items() if key not in hidden and not key.startswith("PYTEST_")
    } | more


def inv(
    *words: object,
    out: Path | None = None,
    cwd: Path | None = None,
    root: Path = ROOT,
    watch: bool = False,
    code: int | None = 0,
    **env: str,
) -> Answer:
    """Run `inv WORDS [--out=OUT]` to its end. `code`: the exit code it must have, None for any; `env`: more
    environment.
    """
    words = (*words, f"--out={out}") if out else words
    done = subprocess.run(
        command(*words, root=root, watch=watch),
        cwd=cwd,
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    lines = done.stderr.splitlines()
    watched = json.loads(lines.pop().removeprefix("watched ")) if watch else {}
    answer = Answer(done.returncode, done.stdout, "".join(line + "\n" for line in lines), watched)
    assert code is None or answer.code == code, (
        f"inv {' '.join(map(str, words))}: exit {answer.code}\n{answer.out}{answer.err}"
    )
    return answer


class Running:
    """A command that still runs, as the leader of its own process group. Its processes are known by a mark in
    their environment.
    """

    def __init__(self, *words: object):
        self._mark = f"INV_TEST_MARK={uuid.uuid4().hex}"
        name, _, value = self._mark.partition("=")
        self.process = subprocess.Popen(
            command(*words),
            env=environment(**{name: value}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def alive(self) -> dict[int, str]:
        """{process id: command line} of the driver and all that it started, directly or not. Zombies are
        dead.
        """
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if self._mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                        found[int(entry.name)] = (
                            (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                        )
                except OSError:
                    continue
        return found


def tree(folder: Path, but: tuple[str, ...] = ("log", *BOOKKEEPING)) -> dict[str, str]:
    """{relative path: hash of the content} of every file below; `but`: names directly under the folder that
    do not count.
    """
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.relative_to(folder).parts[0] not in but
    }


def results(folder: Path) -> dict[str, str]:
    """The same without reports and stamps, in which a later command may note that a file was looked at and is
    unchanged.
    """
    return {
        name: content
        for name, content in tree(folder).items()
        if not name.startswith("report/") and not name.endswith(".stamp")
    }


def parts(folder: Path) -> list[Path]:
    """Half-made files."""
    return list(folder.rglob(".part-*"))


def rows(out: Path, kind: str) -> list[dict]:
    """The rows of one kind in OUT's summary."""
    return [row for row in summary(out)["rows"] if row["kind"] == kind]


def summary(out: Path) -> dict:
    """OUT/report/summary.json."""
    return json.loads((out / "report" / "summary.json").read_text())


def stacked(out: Path, pattern: str) -> np.ndarray:
    """Shards, or logits, under OUT in their order as one array."""
    paths = sorted(out.glob(pattern))
    assert paths, f"nothing matches {out}/{pattern}"
    assert len({path.parent for path in paths}) == 1, f"{pattern} is about several requests: {paths}"
    return np.concatenate([np.load(path) for path in paths])


def pictures(folder: Path, count: int = 40, seed: int = 1) -> Path:
    """A small data set of the user's own, 16 classes, with its label file in it. 40 pictures are shards of
    16, 16 and 8.
    """
    folder.mkdir(parents=True)
    noise = np.random.default_rng(seed)
    for number in range(count):
        levels = noise.integers(0, 256, (9, 12, 3), np.uint8)
        size = noise.integers(100, 260, 2).tolist()
        Image.fromarray(levels).resize(size).save(folder / f"own_{number:05d}.JPEG", quality=90)
    (folder / "val_label.txt").write_text(
        "".join(f"own_{number:05d}.JPEG {number % 16}\n" for number in range(count))
    )
    return folder


def own(dataset: Path, checkpoint: Path = CHECKPOINT, model: object = "sample") -> tuple[str, str, str]:
    """The words that ask for the user's own data, by default with the small network of the sample."""
    return f"--model={model}", f"--checkpoint={checkpoint}", f"--dataset={dataset}"


def built_sample(factory) -> tuple[Path, Answer]:  # type: ignore[no-untyped-def]
    """(OUT, answer) of `inv all`, made once a session. Look at it; change only a copy. `factory`:
    tmp_path_factory.
    """
    return once(factory, "built-sample", lambda out: (out, inv("all", "--chip=cpu", out=out)))


def once(factory, name: str, make: Callable[[Path], T]) -> T:  # type: ignore[no-untyped-def]
    """What `make(folder)` returns, made once a session by one of pytest-xdist's processes; the others wait
    for it and read the same. `factory`: tmp_path_factory.
    """
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kept = base / f"{name}.pickle"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            shutil.rmtree(base / name, ignore_errors=True)  # of a try that failed
            kept.write_bytes(pickle.dumps(make(base / name)))
    return pickle.loads(kept.read_bytes())  # type: ignore[no-any-return]


def copied(source: Path, target: Path) -> Path:
    """A copy of a tree, times kept."""
    return Path(shutil.copytree(source, target))


cores = machine.cores  # that a build here has, one a device
