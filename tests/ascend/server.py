"""An Ascend server to run `inv` on: a simulated machine in a folder and an OUT of its own; and the sample
built on one.

Only what a user has is used: the command line, the environment, the files that come out.
"""

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import world

sys.path.append(str(Path(__file__).resolve().parent.parent))
import inv as command_line
from seeds import prepared

BATCHES = (1, 4, 8, 16, 32, 64)
LIMITED = 45  # images, a number that no batch size but 1 divides; shards of 16, 16 and 13
PROFILES = {"tools": "cann6", "ait": "cann8"}  # each flavour of aclruntime with a CANN of its time
# the order spares conversions; `all` with each flavour and each input, and without its timing the other two
# pairs
VARIANTS = {
    ("tools", "uint8"): "all",
    ("tools", "float32"): "eval",
    ("ait", "float32"): "all",
    ("ait", "uint8"): "eval",
}


class Server:
    """A simulated machine; `out` is what `inv` on it builds into."""

    def __init__(
        self,
        folder: Path,
        out: Path | None = None,
        profile: str = "cann8",
        inventory: str | dict = "300I_Duo",
        **scenario,
    ):
        self.folder, self.out = folder, out or folder / "out"
        (folder / "tmp").mkdir(parents=True)
        self.install(profile=profile, inventory=inventory, **scenario)

    def install(self, without: tuple = (), **scenario) -> None:
        """Change the machine; its log goes on."""
        # a temporary folder of its own: the lock of benchmarks lies there, and others on this machine must
        # not be waited for
        self.env = {
            **world.install(self.folder / "machine", without=without, **scenario),
            "TMPDIR": str(self.folder / "tmp"),
            "INV_LOCK_DIR": str(self.folder / "tmp"),
        }

    def inv(
        self, *words: object, code: int | None = 0, root: Path = command_line.ROOT, **env: str
    ) -> command_line.Answer:
        """Run `inv WORDS --out=OUT` here; `root`: of a copy of this repository."""
        return command_line.inv(*words, out=self.out, code=code, root=root, **{**self.env, **env})

    def events(self, *kinds: str) -> list[dict]:
        """What happened on the machine so far."""
        return world.events(self.folder / "machine", *kinds)

    def started(self, *words: object) -> "Started":
        """`inv WORDS --out=OUT`, running."""
        return Started(self.env, *words, f"--out={self.out}")


class Started(command_line.Running):
    """A command that still runs on a simulated machine."""

    def __init__(self, env: dict[str, str], *words: object):
        self._mark = f"INV_TEST_MARK={uuid.uuid4().hex}"
        name, _, value = self._mark.partition("=")
        self.process = subprocess.Popen(
            command_line.command(*words),
            env=command_line.environment(**env, **{name: value}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def gone(self) -> bool:
        """Whether all that the command started ends. The limit guards against hanging; it is no promise."""
        stop = time.monotonic() + 120
        while self.alive() and time.monotonic() < stop:
            time.sleep(0.05)
        return not self.alive()


@dataclass(frozen=True)
class Built:
    """What one command left: for each name of an image its logits, for each batch size those of the first
    images.
    """

    answer: command_line.Answer
    rows: list[dict]
    logits: dict[str, np.ndarray]
    agreement: dict[int, np.ndarray]
    events: list[dict]
    modes: list[int]


def built(factory) -> tuple[Server, dict[tuple[str, str], Built], dict[str, np.ndarray]]:
    """(the server as it was left, {(flavour, input): Built}, the CPU's logits). `factory`: tmp_path_factory.

    Made once a session, in one OUT. Look at it; change only a copy (`copied`). float32 is asked for with
    --limit; its `all` is up to date as it was left.
    """
    return command_line.once(factory, "ascend-built", functools.partial(_built, factory))


def _built(factory, folder: Path) -> tuple[Server, dict[tuple[str, str], Built], dict[str, np.ndarray]]:
    server, found = Server(folder), {}
    with umask(0o002):  # some servers'; ais_bench refuses models that a group may write
        prepared(factory, server.out)
        server.inv("eval", "--chip=cpu", "--bs=16")
        for (flavour, form), stage in VARIANTS.items():
            server.install(profile=PROFILES[flavour], inventory="300I_Duo", flavour=flavour)
            found[flavour, form] = _one(server, form, stage)
    return server, found, _by_name(server.out, "uint8", "cpu/fp32")


def _one(server: Server, form: str, stage: str) -> Built:
    before = len(server.events())
    # the soc's full name and the chip's mean the same
    words = (
        ("--chip=Ascend310P3",)
        if form == "uint8"
        else ("--chip=310p3", "--input=float32", f"--limit={LIMITED}")
    )
    answer = server.inv(stage, *words)
    rows = [
        row
        for row in command_line.summary(server.out)["rows"]
        if row["input"] == form and row["chip"] == "310P3"
    ]
    (folder,) = server.out.glob(f"sample-*/310P3/fp16-{form}")
    agreement = {
        int(path.parent.name.removeprefix("bs")): np.load(path) for path in folder.rglob("agreement.npy")
    }
    return Built(
        answer,
        rows,
        _by_name(server.out, form, "310P3/fp16"),
        agreement,
        server.events()[before:],
        [path.lstat().st_mode for path in folder.glob("*.om")],
    )


def _by_name(out: Path, form: str, chip: str) -> dict[str, np.ndarray]:
    (index,) = out.glob(f"data/*-{form}-*/index.csv")
    names = [line.split(",")[1] for line in index.read_text().splitlines()[1:]]
    logits = command_line.stacked(out, f"sample-*/{chip}-{form}/**/bs16/logits-*.npy")
    assert len(names) == len(logits)
    return dict(zip(names, logits, strict=True))


def copied(server: Server, folder: Path, **scenario) -> Server:
    """Another machine of this kind with a copy of what was built: all of it is up to date there, too."""
    made = Server(folder, **scenario)
    command_line.copied(server.out, made.out)
    return made


def repository(copy: Path, runtime: str, chip: str = "310P3") -> Path:
    """A copy of this repository whose chip has `runtime` under [options], as TOML writes the value."""
    for package in command_line.ROOT.glob("*/__init__.py"):
        shutil.copytree(package.parent, copy / package.parent.name, ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("tasks.py", "setup.cfg", "pyproject.toml"):
        shutil.copy(command_line.ROOT / name, copy)
    force(copy, runtime, chip)
    return copy


def force(copy: Path, runtime: str, chip: str = "310P3") -> None:
    """Write the value into the chip's file of this copy."""
    text = (command_line.ROOT / "configs" / "chips" / f"{chip}.toml").read_text()
    if "[options]" not in text:
        text += "\n[options]\n"
    path = copy / "configs" / "chips" / f"{chip}.toml"
    path.write_text(text.replace("[options]", f"[options]\nruntime = {runtime}", 1))


def artifacts(out: Path) -> dict[str, str]:
    """{path: hash} of what steps made: no logs, no reports, none of the engine's own notes."""
    files = command_line.tree(out, but=("log", "report", ".builds.jsonl", *command_line.BOOKKEEPING))
    return {name: content for name, content in files.items() if not name.endswith(".stamp")}


@contextlib.contextmanager
def umask(mask: int) -> Iterator[None]:
    """Files made in here get these permissions taken away."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
