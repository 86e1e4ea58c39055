"""This machine as a build sees it: cores and memory that the control groups allow, disk, and who we are. Read
from files. And how `inv doctor` says what it sees.
"""

import errno
import functools
import os
import platform
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

# version 1 has no word for "no limit": it gives the largest number of pages that fit into 63 bits, in bytes
NO_LIMIT = 2**62
ABOVE = "hierarchical_memory_limit"
SHARED_MEMORY = (
    "/dev/shm"  # where the C library's sem_open, and so each lock between processes, has its files
)
PAGE = 4096  # bytes of each lock there, which is a file


PASS, WARN, FAIL = "PASS", "WARN", "FAIL"  # all is well; some of it works; nothing does


class Check(NamedTuple):
    """One line of `inv doctor`, to which every backend adds its own: what was looked at, how it is, and what
    to do; `fix` is empty where there is nothing to do.
    """

    name: str
    status: str
    text: str
    fix: str = ""


@functools.cache
def cores(root: str = "/") -> tuple[int, ...]:
    """The cores this process may use: its affinity, cut to whole cores of the control groups' quota, at least
    one.

    root  the folder that /proc and /sys are looked up in
    """
    allowed = sorted(os.sched_getaffinity(0))
    quota = cpu_quota(root)
    return tuple(allowed if quota is None else allowed[: max(1, int(quota))])


def cpu_quota(root: str = "/") -> float | None:
    """The least CPU quota of this process's control groups, in cores (1.5: three halves), or None."""
    quotas = []
    for folder in control_groups("cpu", root):
        words = (_text(folder, "cpu.max") or "max").split()
        # version 1 has -1 for no quota, and both numbers in files of their own
        quota = words[0] if words[0] != "max" else _text(folder, "cpu.cfs_quota_us")
        period = words[1] if len(words) > 1 else _text(folder, "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal():
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def memory_limit_mb(root: str = "/") -> float | None:
    """The least memory limit of this process's control groups, in MB; None without any."""
    return min((limit / 2**20 for limit, _ in _memory_limits(root)), default=None)


def memory_mb(root: str = "/") -> float:
    """Memory that can be had now, in MB: MemAvailable, cut to what the control groups leave."""
    match = re.search(r"^MemAvailable:\s+(\d+) kB", _text(root, "proc/meminfo"), re.MULTILINE)
    free_mb = int(match[1]) / 1024 if match else float("inf")
    return min([free_mb, *((limit - used) / 2**20 for limit, used in _memory_limits(root))])


def _memory_limits(root: str) -> Iterator[tuple[int, int]]:
    """(limit, used) in bytes of each control group of this process that has a limit.

    The page cache counts as used there, and is given back on demand: a data set that was read is no lack of
    memory. Version 1 tells in a group's own statistics the least limit of those above it, which a container
    may not see (the kernel's cgroup-v1/memory.rst); how much of that others use is not to be known.
    """
    for folder in control_groups("memory", root):
        for limit, used, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, now = _text(folder, limit), _text(folder, used)
            if not most or not now.isdecimal():
                continue
            stat = dict(re.findall(r"^(\w+) (\d+)$", _text(folder, "memory.stat"), re.MULTILINE))
            limits = [int(each) for each in (most, stat.get(ABOVE, "")) if each.isdecimal()]  # not "max"
            least = min(limits, default=NO_LIMIT)
            if least < NO_LIMIT:
                yield least, int(now) - int(stat.get(cache, 0))


@functools.cache
def control_groups(controller: str, root: str = "/") -> tuple[str, ...]:
    """Folders of this process's control groups that may limit `controller` ("cpu", "memory"), of version 1
    and 2, each before the one above it: the limit of every one counts.

    Where they are mounted stands in /proc/self/mountinfo, which group is ours in /proc/self/cgroup (proc(5),
    cgroups(7)). A container sees its own group as the mount's root: by a cgroup namespace, or a bind mount.
    """
    ours = {}  # of the hierarchies that may have it: "" is version 2's
    for line in _text(root, "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            ours[controllers and controller] = path
    folders = []
    for line in _text(root, "proc/self/mountinfo").splitlines():
        mount, _, source = line.partition(" - ")
        kind, _, options = (source.split(" ") + ["", ""])[:3]
        if kind == "cgroup2" or (kind == "cgroup" and controller in options.split(",")):
            top, point = (re.sub(r"\\(\d{3})", _octal, word) for word in mount.split(" ")[3:5])
            own = ours.get("" if kind == "cgroup2" else controller)
            if own is not None:
                folders += _upwards(os.path.join(root, point.lstrip("/")), top, own)
    return tuple(folders)


def _octal(match: "re.Match[str]") -> str:
    return chr(int(match[1], 8))


def _upwards(point: str, top: str, path: str) -> list[str]:
    """The folder of the group `path`, and those above it up to the mount point, where `top` is mounted."""
    # one that is not below what is mounted lies outside of our cgroup namespace: what is mounted must do
    below = ".." not in path.split("/") and (path + "/").startswith(top.rstrip("/") + "/")
    parts = [part for part in path[len(top.rstrip("/")) :].split("/") if part] if below else []
    folders = [os.path.join(point, *parts[:count]) for count in range(len(parts), -1, -1)]
    return [folder for folder in folders if os.path.isdir(folder)]


def _text(folder: str, name: str) -> str:
    """What a small file of the kernel's holds, without the line's end; "" where it is not there."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def shared_memory(folder: str = SHARED_MEMORY) -> tuple[int, str]:
    """(free bytes, why nothing can be put there, "" where it can) of the folder that processes share memory
    in.
    """
    locks = 5 * len(cores()) + 6  # five for each worker's queues, some more for a benchmark
    try:
        disk = os.statvfs(folder)
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, locks * PAGE)
    except OSError as error:
        return 0, str(error.strerror)
    if disk.f_files and disk.f_favail < locks:  # of a file system that counts its files
        return 0, os.strerror(errno.ENOSPC)
    return disk.f_bavail * disk.f_frsize, ""


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
