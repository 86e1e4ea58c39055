"""`inv doctor`: whether this machine can build, one line a check with its fix. What any chip needs; each
backend adds its own.
"""

import configparser
import os
import sys
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pipeline import fingerprint, machine
from pipeline.errors import DONE, MISTAKE
from pipeline.freshness.code import ROOT
from pipeline.machine import FAIL, PASS, WARN, Check
from pipeline.process import SEMAPHORES_FIX
from pipeline.text import INV, size_text

DISK_MB, MEMORY_MB = 10_000, 2_000  # 50,000 pictures as uint8 are 7.2 GiB; an export with PyTorch takes 1 GiB
FOR_DEVELOPERS = ("dev", "extra-tests")
INSTALL = "./inv installs it: remove .venv/setup.cfg.installed and run ./inv again"


def checks(out: str, setup: str = os.path.join(ROOT, "setup.cfg")) -> list[Check]:
    """What every build needs. `out`: where it writes; `setup`: the file that names the packages."""
    config = configparser.ConfigParser()
    config.read(setup, encoding="utf-8")
    required = config.get("options", "install_requires").split("\n")
    extras = config["options.extras_require"] if config.has_section("options.extras_require") else {}
    checks = [
        _python(config.get("options", "python_requires")),
        *(_package(line) for line in required if line.strip()),
    ]
    for name in extras:
        if name not in FOR_DEVELOPERS:
            checks += [_package(line, name) for line in extras[name].split("\n") if line.strip()]
    return [*checks, _cores(), _memory(), _shared_memory(), _disk(out)]


def lines(all_checks: Iterable[Check]) -> list[str]:
    """One line a check, names aligned; what to do stands behind the arrow."""
    checks = list(all_checks)
    width = max((len(check.name) for check in checks), default=0)
    return [
        f"{check.status:<4}  {check.name:<{width}}  {check.text}" + (f"  -> {check.fix}" if check.fix else "")
        for check in checks
    ]


def verdict(all_checks: Iterable[Check]) -> str:
    """The last line: whether all is well."""
    checks = list(all_checks)
    failed, warned = (sum(check.status == status for check in checks) for status in (FAIL, WARN))
    counts = [f"{count} {word}" for count, word in ((failed, "failed"), (warned, "to look at")) if count]
    return f"{len(checks)} checks: {', '.join(counts) or 'all passed'}"


def exit_code(checks: Iterable[Check]) -> int:
    """2 when a check failed: something here is for the user to mend."""
    return MISTAKE if any(check.status == FAIL for check in checks) else DONE


def _python(wanted: str) -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if version in SpecifierSet(wanted):
        return Check("python", PASS, f"{version} in {sys.prefix}")
    return Check(
        "python", FAIL, f"{version}, and {wanted} is needed", "install it, remove .venv and run ./inv again"
    )


def _package(line: str, extra: str = "") -> Check:
    """`extra` is the name of the optional part of the project that wants it."""
    wanted = Requirement(line)
    version = fingerprint.of_package(wanted.name)
    bad = WARN if extra else FAIL
    fix = f"{sys.executable} -m pip install -e '{ROOT}[{extra}]'" if extra else INSTALL
    if version is None:
        return Check(wanted.name, bad, "not installed" + (f" (optional: {extra})" if extra else ""), fix)
    if not wanted.specifier.contains(version, prereleases=True):
        return Check(wanted.name, bad, f"{version}, and {wanted.specifier} is needed", fix)
    return Check(wanted.name, PASS, version)


def _cores() -> Check:
    allowed, there = len(machine.cores()), os.cpu_count() or 0
    quota = machine.cpu_quota()
    by_quota = quota is not None and max(1, int(quota)) == allowed
    limit = f"a control group's quota is {quota:g}" if by_quota else "the affinity allows no more"
    cut = f" of {there}: {limit}" if allowed < there else ""
    return Check("cores", PASS, f"{allowed}{cut}, {machine.cpu_model()}")


def _memory() -> Check:
    free = machine.memory_mb()
    limit = machine.memory_limit_mb()
    cut = f", a control group's limit is {size_text(limit * 2**20)}" if limit is not None else ""
    text = f"{size_text(free * 2**20)} available{cut}"
    if free >= MEMORY_MB:
        return Check("memory", PASS, text)
    return Check("memory", WARN, text, "end what else uses it, or set --jobs=1")


def _shared_memory() -> Check:
    free, refused = machine.shared_memory()
    if refused:
        return Check("shared memory", FAIL, f"{machine.SHARED_MEMORY}: {refused}", SEMAPHORES_FIX)
    return Check("shared memory", PASS, f"{size_text(free)} free in {machine.SHARED_MEMORY}")


def _disk(out: str) -> Check:
    free = machine.disk_free_mb(out)
    text = f"{size_text(free * 2**20)} free for {out}"
    if not os.access(_existing(out), os.W_OK):
        return Check("disk", FAIL, f"{_existing(out)} may not be written to", "set --out")
    return (
        Check("disk", PASS, text)
        if free >= DISK_MB
        else Check("disk", WARN, text, f"set --out or --limit; see {INV} gc")
    )


def _existing(path: str) -> str:
    while not os.path.isdir(path):
        path = os.path.dirname(path) or "/"
    return path
