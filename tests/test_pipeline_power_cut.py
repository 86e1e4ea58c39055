"""After a power cut nothing is believed that is not on the disk, and nothing that was stamped is lost."""

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from traced import traced

from pipeline.fingerprint import of_content
from pipeline.freshness import stamp
from pipeline.parts import ONE_BY_ONE

FLUSHES = "fsync,fdatasync,syncfs,sync,rename,renameat,renameat2"


def test_a_shards_bytes_its_name_and_its_stamp_are_flushed_in_this_order(world):
    code, error, calls = traced(
        world, world.step("data/shard", "maps", outputs=["x/s"], params={"megabytes": 3}), calls=FLUSHES
    )
    assert (code, error) == (0, "")
    part, whole, stamped = "out/x/.part-s", "out/x/s", "out/x/s.stamp"
    of_shard = [
        (name.removesuffix("at2").removesuffix("at"), paths)
        for _, name, paths in calls
        if any(path.startswith("out/x") for path in paths)
    ]
    assert of_shard == [
        ("fsync", (part,)),
        ("rename", (part, whole)),
        ("fsync", ("out/x",)),
        ("fsync", ("out/x/.part-s.stamp",)),
        ("rename", ("out/x/.part-s.stamp", stamped)),
        ("fsync", ("out/x",)),
    ]
    pids = {paths: pid for pid, _, paths in calls}
    assert pids[(part,)] != pids[(part, whole)], "a worker flushes, beside other workers; the driver renames"
    # and the new folder's own name
    assert ("fsync", ("out",)) in [(name, paths) for _, name, paths in calls]


def test_thousands_of_files_are_flushed_once_a_step(world):
    outputs = [f"bins/{n:04d}.bin" for n in range(2000)]
    code, error, calls = traced(
        world, world.step("bins", outputs=outputs, params={"text": "x"}), calls=FLUSHES
    )
    assert (code, error) == (0, "") and len(outputs) > ONE_BY_ONE
    flushed = [(name, paths) for _, name, paths in calls if "sync" in name and "out/bins" in str(paths)]
    assert flushed == [
        ("syncfs", ("out/bins",)),
        ("fsync", ("out/bins",)),
        ("fsync", ("out/bins/.part-0000.bin.stamp",)),
        ("fsync", ("out/bins",)),
    ]


def test_a_few_files_that_are_handed_to_others_are_flushed_once_a_step(world):
    names = ["list.txt", *(f"bins/{n}.bin" for n in range(8))]
    step = world.step("bins", outputs=names, params={"text": "x"})
    handed = dataclasses.replace(step, folder_mode=0o750)
    code, error, calls = traced(world, handed, calls=FLUSHES)
    assert (code, error) == (0, "")
    assert [name for _, name, _ in calls].count("syncfs") == 1
    assert not [paths for _, name, paths in calls if name == "fsync" and str(paths).endswith(".bin',)")]


def test_a_build_with_nothing_to_do_flushes_nothing(world):
    step = world.step("a", params={"text": "x"})
    assert traced(world, step, calls=FLUSHES)[2]
    assert traced(world, step, calls=FLUSHES) == (0, "", [])


@pytest.mark.parametrize("refusal", ["EINVAL", "ENOSYS", "EOPNOTSUPP"])
def test_a_file_system_that_flushes_nothing_by_itself_is_no_reason_to_fail(world, refusal):
    steps = [world.step("a", params={"text": "x"}), world.step("b", outputs=[f"b/{n}" for n in range(40)])]
    inject = [f"fsync:error={refusal}", f"syncfs:error={refusal}"]
    code, error, _ = traced(world, *steps, calls=FLUSHES, inject=inject)
    assert (code, error) == (0, "")
    assert [world.why(step) for step in steps] == [[], []]


@pytest.mark.parametrize(
    ("error", "words"), [("EIO", "Input/output error"), ("ENOSPC", "No space left on device")]
)
def test_a_disk_that_does_not_take_the_bytes_fails_the_step_and_leaves_no_stamp(world, error, words):
    step = world.step("a", params={"text": "x"})
    world.driven(step)  # the ledger has this build now, and is not flushed again
    for path in (world.path("a"), step.stamp):
        os.unlink(path)
    code, told, _ = traced(world, step, calls=FLUSHES, inject=[f"fsync:error={error}"])
    assert code == 1 and "Traceback" not in told and words in told
    assert not os.path.exists(step.stamp) and not os.path.exists(world.path("a"))


@pytest.fixture
def disk(world):
    """OUT on a disk of its own, an image file; the function cuts its power: what then is on the disk is
    mounted as OUT.
    """
    image, cut = f"{world.root}/disk", f"{world.root}/cut"
    os.truncate(os.open(image, os.O_RDWR | os.O_CREAT), 128 * 2**20)

    def mount(path, options="loop"):
        words = ["mount", "-t", "ext4", "-o", options, path, world.out]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no disk of its own to be had here: {done.stderr.strip()}")

    def power_cut():
        shutil.copyfile(image, cut)  # what the device holds now, not what the kernel still has in memory
        subprocess.run(["umount", world.out], check=True)
        mount(cut)

    if shutil.which("mkfs.ext4") is None or os.geteuid():
        pytest.skip("needs mkfs.ext4, and root to mount")
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    # no flushing by guess where one file replaces another, and none by time
    mount(image, "loop,noauto_da_alloc,commit=600")
    yield power_cut
    subprocess.run(["umount", "-l", world.out], check=False)


def test_what_was_stamped_is_whole_after_a_power_cut_and_is_not_made_again(world, disk):
    steps = [world.step(f"{n}", "maps", outputs=[f"{n}/shard"], params={"megabytes": 4}) for n in range(4)]
    steps += [world.step("bins", outputs=[f"bins/{n}" for n in range(100)], params={"text": "x" * 5000})]
    steps += [world.step("after", inputs=["0/shard"], action="constant")]
    assert world.driven(*steps)[0] == 0
    # a program beside it has its own file flushed: the journal, with all names and sizes, goes to the disk
    with open(world.path("else"), "w") as file:
        file.write("x")
        file.flush()
        os.fsync(file.fileno())
    disk()
    for path in Path(world.out).rglob("*.stamp"):
        for key, known in stamp.read(str(path)).outputs.items():
            assert of_content(world.path(key.removeprefix("out:"))) == known.sha256
    assert (np.load(world.path("3/shard")) == 1).all()
    assert "nothing to do: all 6 steps" in world.driven(*steps)[1]
