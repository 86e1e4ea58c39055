"""/dev/shm full, read-only or another user's: the place is named, and what to do. Nobody blames the disk."""

import os
import shutil
import subprocess
import sys

import pytest
from inv import command
from traced import HERE

from pipeline.freshness.code import ROOT

FIX = "Free some, or mount a tmpfs there with mode 1777 (docker run --shm-size=64m)"
FILL = "dd if=/dev/zero of=/dev/shm/filler bs=4k status=none 2>/dev/null; "


def with_shared_memory(options, then, *words, capabilities=True):
    """Run this in a mount namespace of its own, where /dev/shm is a tmpfs with these options; (exit code,
    stdout, stderr).
    """
    if shutil.which("unshare") is None or os.geteuid():
        pytest.skip("needs unshare, and root to mount another /dev/shm")
    drop = "" if capabilities else "setpriv --bounding-set=-dac_override --inh-caps=-dac_override "
    script = f'mount -t tmpfs -o {options} tmpfs /dev/shm || exit 77; {then} exec {drop}"$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *words],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{HERE}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip(f"no /dev/shm of its own to be had here: {done.stderr.strip()}")
    return done.returncode, done.stdout, done.stderr


LACKS = {
    "full": ("size=64k", FILL, "No space left on device", True),
    "full of files": ("nr_inodes=2", "", "No space left on device", True),
    "read-only": ("ro", "", "Read-only file system", True),
    "another user's": ("mode=0555", "", "Permission denied", False),
}


@pytest.mark.parametrize("lack", LACKS)
def test_a_build_without_shared_memory_names_it_and_the_fix(tmp_path, lack):
    options, then, words, capabilities = LACKS[lack]
    typed = command("preprocess", "--chip=null", f"--out={tmp_path}/out")
    code, _, error = with_shared_memory(options, then, *typed, capabilities=capabilities)
    assert (code, error.splitlines()) == (
        2,
        [f"inv: /dev/shm: {words}: worker processes need some kB of shared memory there. {FIX}"],
    )
    assert not list(tmp_path.rglob(".part-*"))


def test_what_docker_gives_is_enough(tmp_path):
    typed = command("bench", "--chip=null", "--bs=1", f"--out={tmp_path}/out")
    assert with_shared_memory("size=64m", "", *typed)[0] == 0


def test_a_benchmark_without_room_for_its_own_says_the_same(world):
    code = (
        "import sys; from infer.bench import measure; from pipeline.errors import BuildError\n"
        "try: measure.write((sys.argv[1],), model='m', backend='null', batch=1, shape=[4, 4, 3],"
        " dtype='uint8', devices=['0'], cores=[[]], seconds=0.1, queries=1)\n"
        "except BuildError as error: print(error)"
    )
    _, out, _ = with_shared_memory("size=64k", FILL, sys.executable, "-c", code, world.path("t.json"))
    assert (
        out
        == f"/dev/shm: No space left on device: worker processes need some kB of shared memory there. {FIX}\n"
    )


def test_a_file_system_that_counts_no_files_is_not_full_of_them():
    code = "from pipeline.machine import shared_memory; print(shared_memory()[1])"
    assert with_shared_memory("size=64m,nr_inodes=0", "", sys.executable, "-c", code)[1] == "\n"


@pytest.mark.parametrize("lack", [*LACKS, None])
def test_doctor_has_a_line_for_it(lack):
    options, then, words, capabilities = LACKS.get(lack, ("size=64m", "", "67.1 MB free in /dev/shm", True))
    code = "from pipeline.ui import doctor; print(*doctor.lines([doctor._shared_memory()]))"
    _, out, _ = with_shared_memory(options, then, sys.executable, "-c", code, capabilities=capabilities)
    line = f"FAIL  shared memory  /dev/shm: {words}  -> {FIX}" if lack else f"PASS  shared memory  {words}"
    assert out == line + "\n"
