"""Was the machine quiet while it was timed? What the kernel counts, before and after, and what follows from
it in sentences.

The wall clock alone cannot tell a busy machine from a slow runtime. The CPU time that the devices' processes
got against wall time can, and so can the CPU time that other programs took.
"""

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from glob import glob
from typing import TypedDict

from pipeline import machine

TICK = os.sysconf("SC_CLK_TCK")  # of /proc/stat's times
QUIET_SHARE = 0.95  # of its core, for a device of one core, whose one thread never waits for another
FOREIGN_CORES = 0.15  # cores' worth of other programs: the driver's and the system's own are below it
STEAL_SHARE = 0.02
# governors that hold the clock down under load, unless the processor itself decides
SLOW_GOVERNORS = ("powersave", "conservative", "userspace")
SELF_DECIDING = ("intel_pstate", "intel_cpufreq", "amd-pstate-epp", "amd-pstate")


class Counters(TypedDict):
    """What the kernel had counted at one moment.

    busy_s     CPU seconds of these cores, all programs together, since boot
    steal_s    of a virtual machine: seconds in which another one had the core
    throttled  how often the control group's quota, or heat, has stopped a core
    load       runnable programs, averaged over a minute
    energy_j   what the processors took (RAPL, all packages); null where that cannot be read
    """

    busy_s: float
    steal_s: float
    throttled: int
    load: float
    energy_j: float | None


@dataclass(frozen=True)
class Window:
    """What happened on the cores between two readings, over all devices of a round.

    cores    that are watched: those that the build may use
    cpu_s    CPU seconds that the devices' processes got in it
    share    the part of their own cores' time that they got; None where they have no cores of their own
    most     cores' worth of other programs that do not disturb
    """

    cores: int
    seconds: float
    cpu_s: float
    share: float | None
    most: float
    before: Counters
    after: Counters


def counters(cores: Sequence[int]) -> Counters:
    """The kernel's counters of these cores, or of all; 0 for what this kernel does not tell."""
    busy, steal = _cpu_times(frozenset(cores))
    return {
        "busy_s": busy,
        "steal_s": steal,
        "throttled": _throttled(),
        "load": os.getloadavg()[0],
        "energy_j": _energy_j(),
    }


def _cpu_times(cores: frozenset[int]) -> tuple[float, float]:
    """(busy, stolen) seconds. /proc/stat: user nice system idle iowait irq softirq steal guest guest_nice, in
    ticks (proc(5)); guest is in user already.
    """
    busy = steal = 0.0
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            name, *values = line.split()
            number = name.removeprefix("cpu")
            if name.startswith("cpu") and number.isdigit() and (not cores or int(number) in cores):
                user, nice, system, _, _, irq, softirq, stolen = (int(value) for value in values[:8])
                busy += (user + nice + system + irq + softirq) / TICK
                steal += stolen / TICK
    return busy, steal


def _throttled() -> int:
    total = 0
    for folder in machine.control_groups("cpu"):  # its own and all above it: the quota of each counts
        match = re.search(r"^nr_throttled (\d+)$", _text(f"{folder}/cpu.stat"), re.MULTILINE)
        total += int(match[1]) if match else 0
    for path in glob("/sys/devices/system/cpu/cpu*/thermal_throttle/*_throttle_count"):
        text = _text(path).strip()
        total += int(text) if text.isdigit() else 0
    return total


def _energy_j() -> float | None:
    """RAPL's counters of all packages (Documentation/power/powercap/powercap.rst), in J."""
    texts = [_text(path).strip() for path in glob("/sys/class/powercap/intel-rapl:?/energy_uj")]
    if not texts or not all(text.isdigit() for text in texts):
        return None
    return sum(map(int, texts)) / 1e6


def _text(path: str) -> str:
    with suppress(OSError), open(path, encoding="ascii", errors="replace") as file:
        return file.read()
    return ""


def governor(cores: Iterable[int]) -> str:
    """The frequency governor of these cores when it holds their clock down, else ""."""
    for core in cores:
        folder = f"/sys/devices/system/cpu/cpu{core}/cpufreq"
        governor = _text(f"{folder}/scaling_governor").strip()
        if governor in SLOW_GOVERNORS and _text(f"{folder}/scaling_driver").strip() not in SELF_DECIDING:
            return governor
    return ""


def sentences(window: Window) -> list[str]:
    """Why the round cannot be trusted; [] when it was quiet."""
    before, after = window.before, window.after
    lines: list[str] = []
    if window.share is not None and window.share < QUIET_SHARE:
        lines.append(f"the devices got {window.share:.2f} of their cores' time")
    foreign = (after["busy_s"] - before["busy_s"] - window.cpu_s) / window.seconds
    if foreign > window.most:
        lines.append(f"other programs took {foreign:.2f} of {window.cores} cores")
    stolen = after["steal_s"] - before["steal_s"]
    if stolen > STEAL_SHARE * window.seconds * window.cores:
        lines.append(f"other virtual machines took {stolen:.2f} s of CPU time")
    throttled = after["throttled"] - before["throttled"]
    if throttled > 0:
        lines.append(f"a quota or heat stopped the cores {throttled} times")
    if lines:
        lines.append(f"load {before['load']:.2f} at the start, {after['load']:.2f} at the end")
    return lines
