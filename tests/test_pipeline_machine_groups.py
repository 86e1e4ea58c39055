"""What control groups allow: versions 1 and 2, of the own group and of those above it, wherever they are
mounted.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import machine
from pipeline.freshness.code import ROOT

MB = 2**20
MOUNTS = {
    "v1": "30 25 0:26 {top} {point} rw,nosuid shared:9 - cgroup cgroup rw,{controller}",
    "v2": "31 25 0:27 {top} {point} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate",
}
FILES = {
    "v1": lambda cores, mb, used, cache: {
        "cpu.cfs_quota_us": "-1" if cores is None else str(int(cores * 50_000)),
        "cpu.cfs_period_us": "50000",
        "memory.limit_in_bytes": "9223372036854771712" if mb is None else str(mb * MB),
        "memory.usage_in_bytes": str(used * MB),
        "memory.stat": f"inactive_file 0\ntotal_inactive_file {cache * MB}\n",
    },
    "v2": lambda cores, mb, used, cache: {
        "cpu.max": "max 100000" if cores is None else f"{int(cores * 50_000)} 50000",
        "memory.max": "max" if mb is None else str(mb * MB),
        "memory.current": str(used * MB),
        "memory.stat": f"anon 1\ninactive_file {cache * MB}\n",
    },
}


def files(folder, texts):
    """Write these files: {name: text}."""
    for name, text in texts.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def tree(root, version, group, limits, top="/", point="/sys/fs/cgroup"):
    """A machine in a folder: `group` is this process's, `limits` {group: (cores, MB, used MB, cache MB)},
    `top` the group that is seen at the mount's `point`.
    """
    controllers = {"v1": ("cpu,cpuacct", "memory"), "v2": ("",)}[version]
    points = {each: f"{point}/{each}".rstrip("/") for each in controllers}
    lines = [f"{n}:{each}:{group}" for n, each in enumerate(controllers)]
    mounts = [
        MOUNTS[version].format(top=top, point=where.replace(" ", "\\040"), controller=each)
        for each, where in points.items()
    ]
    files(root, {"proc/meminfo": "MemTotal: 9000000 kB\nMemAvailable: 8192000 kB"})
    for name, more in (("proc/self/cgroup", lines), ("proc/self/mountinfo", mounts)):
        with open(Path(root, name) if Path(root, name).exists() else _new(root, name), "a") as file:
            file.write("".join(f"{line}\n" for line in more))
    for each, limit in limits.items():
        below = os.path.relpath(each, top)
        for where in points.values():
            files(Path(root, where.lstrip("/"), below), FILES[version](*limit))
    return str(root)


def _new(root, name):
    path = Path(root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(params=["v1", "v2"])
def version(request):
    return request.param


FREE = (None, None, 0, 0)


def test_both_versions_say_the_same_numbers(tmp_path, version):
    root = tree(tmp_path, version, "/", {"/": (2, 1000, 700, 300)})
    assert machine.cpu_quota(root) == 2.0
    assert machine.memory_limit_mb(root) == 1000
    assert machine.memory_mb(root) == 600  # the page cache is given back
    assert len(machine.cores(root)) == min(2, len(os.sched_getaffinity(0)))


def test_a_quota_is_cut_to_whole_cores_and_is_at_least_one(tmp_path, version):
    for quota, cores in ((0.5, 1), (1.5, 1), (None, len(os.sched_getaffinity(0)))):
        root = tree(tmp_path / str(quota), version, "/", {"/": (quota, None, 5, 0)})
        assert (machine.cpu_quota(root), len(machine.cores(root))) == (quota, cores)
        assert machine.memory_limit_mb(root) is None and machine.memory_mb(root) == 8000


def test_the_own_groups_limits_count_where_no_namespace_hides_its_path(tmp_path, version):
    own = "/system.slice/slurmstepd.scope/job_7"
    root = tree(tmp_path, version, own, {"/": FREE, own: (1, 500, 100, 0), "/other": (3, 1, 1, 0)})
    assert (machine.cpu_quota(root), machine.memory_limit_mb(root), machine.memory_mb(root)) == (1, 500, 400)


def test_every_group_above_counts_too(tmp_path, version):
    limits = {"/": FREE, "/a": (1, 900, 850, 10), "/a/b": (4, 800, 100, 0), "/a/b/c": FREE}
    root = tree(tmp_path, version, "/a/b/c", limits)
    assert (machine.cpu_quota(root), machine.memory_limit_mb(root), machine.memory_mb(root)) == (1, 800, 60)


@pytest.mark.parametrize(("group", "top"), [("/docker/1f", "/docker/1f"), ("/", "/../.."), ("/../x", "/")])
def test_a_containers_own_group_is_what_is_mounted(tmp_path, version, group, top):
    root = tree(tmp_path, version, group, {top: (1, 500, 100, 0)}, top=top)
    assert (machine.cpu_quota(root), machine.memory_mb(root)) == (1, 400)


def test_a_hierarchy_may_be_mounted_anywhere(tmp_path, version):
    root = tree(tmp_path, version, "/x", {"/x": (1, 500, 100, 0)}, point="/run/my groups")
    assert (machine.cpu_quota(root), machine.memory_mb(root)) == (1, 400)


def test_a_limit_above_what_a_container_sees_is_told_by_version_1_in_its_own_group(tmp_path):
    pod = tree(tmp_path, "v1", "/pod/1f", {"/pod/1f": (None, None, 100, 30)}, top="/pod/1f")
    stat = tmp_path / "sys/fs/cgroup/memory/memory.stat"
    told = stat.read_text()
    for above, limit, free in ((500 * MB, 500, 430), (9223372036854771712, None, 8000)):
        stat.write_text(f"{told}hierarchical_memory_limit {above}\n")
        assert (machine.memory_limit_mb(pod), machine.memory_mb(pod)) == (limit, free)
    own = tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes"
    for limit in (300, 700):  # the lesser of the two counts
        own.write_text(f"{limit * MB}\n")
        stat.write_text(f"{told}hierarchical_memory_limit {min(limit, 500) * MB}\n")
        assert machine.memory_limit_mb(pod) == min(limit, 500)


def test_in_a_hybrid_hierarchy_each_version_has_its_controllers(tmp_path):
    tree(tmp_path, "v2", "/user.slice", {}, point="/sys/fs/cgroup/unified")
    files(tmp_path / "sys/fs/cgroup/unified/user.slice", {"cpu.pressure": "", "memory.max": "max"})
    root = tree(tmp_path, "v1", "/user.slice", {"/user.slice": (2, 500, 100, 0)})
    assert (machine.cpu_quota(root), machine.memory_mb(root)) == (2, 400)


def test_a_machine_without_groups_has_what_it_has(tmp_path):
    files(tmp_path, {"proc/meminfo": "MemAvailable: 8192000 kB"})
    assert machine.memory_mb(str(tmp_path)) == 8000
    assert len(machine.cores(str(tmp_path))) == len(os.sched_getaffinity(0))


@pytest.fixture
def group():
    """Make a real group of version 1, with values in its files; its folder."""
    folders = []

    def make(controller, name="inv-test", **values):
        folder = Path("/sys/fs/cgroup", controller, f"{name}-{os.getpid()}")
        try:
            folder.mkdir()
            folders.append(folder)
            for key, value in values.items():
                (folder / f"{controller}.{key}").write_text(str(value))
        except OSError as error:
            pytest.skip(f"no control group of version 1 to be had here: {error}")
        return folder

    yield make
    for folder in folders:
        folder.rmdir()


def inside(folders, code):
    """What this code prints in a process that is in these groups."""
    joins = " && ".join(f"echo $$ > '{folder}/cgroup.procs'" for folder in folders)
    words = ["sh", "-c", f'{joins} && exec "$@"', "sh", sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout


def test_the_kernels_own_limits_of_version_1_are_seen(group):
    memory = group("memory", limit_in_bytes=700 * MB)
    cpu = group("cpu", cfs_period_us=50000, cfs_quota_us=75000)
    answer = inside(
        [memory, cpu],
        "from pipeline.machine import *\nprint(cpu_quota(), len(cores()), memory_limit_mb(), memory_mb())",
    )
    quota, cores, limit, free = map(float, answer.split())
    assert (quota, cores, limit) == (1.5, 1, 700) and 500 < free < 700


def test_doctor_says_what_the_groups_allow(group, tmp_path):
    memory, cpu = group("memory", limit_in_bytes=700 * MB), group("cpu", cfs_quota_us=100000)
    answer = inside(
        [memory, cpu],
        "from pipeline.ui import doctor\n"
        "print(*doctor.lines([doctor._memory(), doctor._cores()]), sep='\\n')",
    )
    memory_line, cores_line = answer.splitlines()
    assert (
        memory_line.startswith("WARN  memory") and "a control group's limit is 734.0 MB  -> " in memory_line
    )
    if (os.cpu_count() or 1) > 1:
        assert " 1 of " in cores_line and "a control group's quota is 1, " in cores_line
