"""This machine as a build sees it: cores that the cgroup allows, memory, disk, and who we are. Read from
files.
"""

import functools
import os
import platform
import re
import shutil
import socket
import subprocess


@functools.cache
def cores() -> tuple[int, ...]:
    """The cores this process may use: its affinity, cut to the cgroup's CPU quota."""
    allowed = sorted(os.sched_getaffinity(0))
    quota = _quota()
    return tuple(allowed[: max(1, min(len(allowed), quota))] if quota else allowed)


def _quota() -> int:
    """Whole CPUs of the cgroup's quota (v2, then v1), 0 where there is none."""
    for path, parse in (
        ("/sys/fs/cgroup/cpu.max", _cpu_max),
        ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", _cfs_quota),
    ):
        try:
            with open(path, encoding="ascii") as file:
                return parse(file.read())
        except (OSError, ValueError):
            continue
    return 0


def _cpu_max(text: str) -> int:
    quota, period = text.split()
    return 0 if quota == "max" else max(1, int(quota) // int(period))


def _cfs_quota(text: str) -> int:
    return max(1, int(text) // 100_000) if int(text) > 0 else 0


def memory_mb() -> float:
    """Memory that can be had now, in MB: MemAvailable, cut to what the cgroup leaves."""
    free_mb = float("inf")
    with open("/proc/meminfo", encoding="ascii") as file:
        match = re.search(r"^MemAvailable:\s+(\d+) kB", file.read(), re.MULTILINE)
    if match:
        free_mb = int(match[1]) / 1024
    try:
        with (
            open("/sys/fs/cgroup/memory.max", encoding="ascii") as limit,
            open("/sys/fs/cgroup/memory.current", encoding="ascii") as current,
            open("/sys/fs/cgroup/memory.stat", encoding="ascii") as stat,
        ):
            # the page cache counts as used there, and is given back on demand: a data set that was read is no
            # lack of memory
            cache = re.search(r"^inactive_file (\d+)$", stat.read(), re.MULTILINE)
            left = int(limit.read()) - int(current.read()) + int(cache[1] if cache else 0)
            free_mb = min(free_mb, left / 2**20)
    except (OSError, ValueError):
        pass  # no cgroup v2, or "max"
    return free_mb


def disk_free_mb(path: str) -> float:
    """Free space, in MB, where this path lies or will lie."""
    while not os.path.isdir(path):
        path = os.path.dirname(path) or "/"
    return shutil.disk_usage(path).free / 2**20


@functools.cache
def cpu_model() -> str:
    """The processor's name as /proc/cpuinfo gives it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            match = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.MULTILINE)
    except OSError:
        match = None
    return match[1].strip() if match else platform.machine()


@functools.cache
def cpu_flags() -> list[str]:
    """The instruction sets that results may depend on."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            match = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", file.read(), re.MULTILINE)
    except OSError:
        match = None
    known = match[1].split() if match else []
    return [
        flag
        for flag in known
        if flag.startswith(("avx", "amx", "sse4", "fma", "asimd", "sve", "sha", "neon"))
    ]


def host() -> str:
    """This machine's name."""
    return socket.gethostname()


@functools.cache
def git_state(root: str) -> dict[str, str | bool | None]:
    """{"commit", "dirty"} of the tree our code lies in; None where git cannot tell. Starts git: not for a
    no-op build.
    """

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", root, *words], capture_output=True, text=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    changes = ask("status", "--porcelain")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def boot_id() -> str:
    """Different after each boot: tells whether a process id is still about the same machine's life."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
