"""`inv verify`: hash every output under OUT again, and say which rotted, was edited by hand, is gone, or
nobody vouches for.
"""

import os
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipeline import fingerprint, machine
from pipeline.errors import DONE, FAILED
from pipeline.execution.locks import of_out
from pipeline.fingerprint import Fingerprint, Stat
from pipeline.outdir import inventory
from pipeline.text import INV, counted, size_of, size_text

ROTTED, EDITED, GONE, UNREADABLE, DAMAGED, UNREMOVED, UNKNOWN = (
    "rotted",
    "edited",
    "gone",
    "unreadable",
    "damaged",
    "not removed",
    "unknown",
)


@dataclass(frozen=True)
class Finding:
    """One file that is not as its stamp says. `path` is relative to OUT."""

    path: str
    kind: str
    text: str

    @property
    def wrong(self) -> bool:
        """Whether it is a fault. A file that no build made is none."""
        return self.kind != UNKNOWN


@dataclass(frozen=True)
class Verified:
    """What was found, over how many outputs and bytes."""

    out: str
    findings: list[Finding]
    files: int
    size: int

    @property
    def exit_code(self) -> int:
        """1 when something is wrong."""
        return FAILED if any(finding.wrong for finding in self.findings) else DONE

    def __str__(self) -> str:
        wrong = sum(finding.wrong for finding in self.findings)
        total = f"{counted(self.files, 'output')} ({size_text(self.size)}) under {self.out} hashed"
        lines = [f"{finding.kind:<10}  {finding.path}  {finding.text}" for finding in self.findings]
        verdict = (
            f"{wrong} wrong; {INV} all makes again what it needs of them"
            if wrong
            else "all are as their stamps say"
        )
        return "\n".join([*lines, f"{total}: {verdict}"])


def verify(out: str, known: Collection[str] = ()) -> Verified:
    """Hash all outputs that stamps under OUT name, times and sizes notwithstanding. `known` is as in
    clean.
    """
    inventory.require_build(out)
    with of_out(out, reading=True):
        there = inventory.read(out, known)
        stamped = [output for artifact in there.artifacts for output in artifact.outputs.items()]
        with ThreadPoolExecutor(len(machine.cores())) as pool:  # hashing lets go of the interpreter's lock
            findings = [finding for finding in pool.map(lambda pair: _look(out, *pair), stamped) if finding]
        rotten = {finding.path for finding in findings if finding.kind == ROTTED}
        # their times still agree: without its stamp the step runs again, with it it never would
        stamps = [
            artifact.stamp
            for artifact in there.artifacts
            if any(os.path.relpath(path, out) in rotten for path in artifact.outputs)
        ]
        findings += [finding for path in stamps if (finding := _removed(out, path))]
        size = sum(size_of(path for path, _ in stamped).values())
    findings += [
        Finding(os.path.relpath(path, out), DAMAGED, "cannot be read: its step runs again")
        for path in there.damaged
    ]
    findings += [
        Finding(
            os.path.relpath(path, out), UNKNOWN, "no stamp names it: not made by a build, or by one cut short"
        )
        for path in there.foreign
        if path + inventory.STAMP not in there.damaged
    ]
    return Verified(out, findings, len(stamped), size)


def _removed(out: str, stamp: str) -> Finding | None:
    """Remove the stamp of what rotted, or say that somebody else must."""
    try:
        os.unlink(stamp)
    except OSError as error:
        text = f"{error.strerror}: it vouches for what rotted; have its owner verify, or remove it"
        return Finding(os.path.relpath(stamp, out), UNREMOVED, text)
    return None


def _look(out: str, path: str, before: Fingerprint) -> Finding | None:
    relative = os.path.relpath(path, out)
    now = fingerprint.of_stat(path)
    if now is None:
        return Finding(relative, GONE, "the stamp names it and it is not there")
    try:
        content = fingerprint.of_content(path)
    except OSError as error:
        return Finding(relative, UNREADABLE, f"{error.strerror}: a failing disk, or not this user's file")
    if content == before.sha256:
        return None
    if now[:3] == before[:3]:
        return Finding(
            relative, ROTTED, "its bytes changed while its times and size did not: look at the disk"
        )
    if now[0] == before.mtime_ns:
        return Finding(
            relative,
            ROTTED,
            f"its bytes changed and its mtime did not ({_size(before, now)}): rotted, or written "
            "over by a tool that keeps times",
        )
    return Finding(
        relative, EDITED, f"changed by something else than a build on {_time(now[0])} ({_size(before, now)})"
    )


def _size(before: Fingerprint, now: Stat) -> str:
    return f"{before.size:,} -> {now[2]:,} bytes" if before.size != now[2] else f"still {now[2]:,} bytes"


def _time(mtime_ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(mtime_ns / 1e9))
