"""Logits of a shard: one row an image, padding cut, whatever the batch size."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from infer import executed, logits, session
from pipeline.errors import StepError
from pipeline.step import Slot

SLOT = Slot("device", "0")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def null_device(tmp_path):
    """Compiled null models and shards in one folder; null_device.infer(rows, batch) -> logits."""
    session.close()

    def model(batch, outputs=11):
        path = tmp_path / f"bs{batch}-{outputs}.null"
        path.write_text(json.dumps({"batch": batch, "input": "uint8", "resolution": 4, "outputs": outputs}))
        return str(path)

    def shard(rows, name="shard.npy"):
        np.save(tmp_path / name, rows)
        return str(tmp_path / name)

    def infer(rows, batch):
        logits.write(
            (str(tmp_path / "out.npy"),),
            model=model(batch),
            shard=shard(rows),
            backend="null",
            batch=batch,
            slot=SLOT,
        )
        return np.load(tmp_path / "out.npy")

    infer.model, infer.shard, infer.out = model, shard, str(tmp_path / "out.npy")
    yield infer
    session.close()


def rows(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), np.uint8)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 17])
def test_every_image_has_its_row_at_every_batch_size(null_device, count):
    answers = [null_device(rows(count), batch) for batch in (1, 4, 16)]
    assert all(one.shape == (count, 11) and one.dtype == np.float32 for one in answers)
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


def test_the_file_is_what_numpy_would_write(null_device, tmp_path):
    answers = null_device(rows(70), 4)
    np.save(tmp_path / "saved.npy", answers)
    assert (tmp_path / "saved.npy").read_bytes() == (tmp_path / "out.npy").read_bytes()


FULL = """
import sys
from infer import logits
from pipeline.step import Slot
model, shard, out = sys.argv[1:]
logits.write((out,), model=model, shard=shard, backend="null", batch=4, slot=Slot("device", "0"))
"""


def test_a_disk_that_fills_up_is_an_error_and_not_the_end_of_the_process(null_device, tmp_path):
    if os.geteuid() or shutil.which("unshare") is None:
        pytest.skip("needs unshare, and root to mount a small disk")
    small = tmp_path / "small"
    small.mkdir()
    mount = f'mount -t tmpfs -o size=64k tmpfs "{small}" || exit 77; exec "$@"'
    files = (null_device.model(4, 1001), null_device.shard(rows(70)), str(small / "out.npy"))  # 280 kB
    words = ["unshare", "-m", "sh", "-c", mount, "sh", sys.executable, "-c", FULL, *files]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 77:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 1 and "No space left on device" in done.stderr.splitlines()[-1]


def test_an_empty_shard_is_an_error(null_device):
    with pytest.raises(StepError, match="empty shard"):
        null_device(rows(0), 4)


def test_a_model_that_gives_other_rows_than_asked_for_is_an_error():
    class Short:
        def infer(self, batch):
            return np.zeros((len(batch) - 1, 3), np.float32)

    with pytest.raises(StepError, match="3 rows for a batch of 4"):
        logits.of_rows(Short(), rows(4), 4)


def test_first_images_go_over_the_borders_of_shards(null_device):
    shards = [null_device.shard(rows(5, n), f"s{n}.npy") for n in range(3)]
    logits.first(
        (null_device.out,),
        model=null_device.model(4),
        shards=shards,
        backend="null",
        batch=4,
        images=12,
        slot=SLOT,
    )
    whole = null_device(np.concatenate([rows(5, n) for n in range(3)])[:12], 4)
    logits.first(
        (null_device.out,),
        model=null_device.model(4),
        shards=shards,
        backend="null",
        batch=4,
        images=12,
        slot=SLOT,
    )
    np.testing.assert_array_equal(np.load(null_device.out), whole)


def test_fewer_images_than_asked_for_are_an_error(null_device):
    with pytest.raises(StepError, match="1 shards hold 5 images, 6 were asked for"):
        logits.first(
            (null_device.out,),
            model=null_device.model(4),
            shards=[null_device.shard(rows(5))],
            backend="null",
            batch=4,
            images=6,
            slot=SLOT,
        )


def test_a_shard_stays_on_disk_until_its_rows_are_needed(null_device, monkeypatch):
    modes = []
    load = np.load
    monkeypatch.setattr(
        np, "load", lambda path, mmap_mode=None: modes.append(mmap_mode) or load(path, mmap_mode=mmap_mode)
    )
    logits.write(
        (null_device.out,),
        model=null_device.model(4),
        shard=null_device.shard(rows(5)),
        backend="null",
        batch=4,
        slot=SLOT,
    )
    assert modes == ["r"]


def test_what_a_runtime_does_not_tell_of_its_precision_is_null(null_device, tmp_path):
    out = tmp_path / "executed.json"
    executed.write((str(out),), model=null_device.model(4), backend="null", slot=SLOT)
    assert json.loads(out.read_text()) == {"precision_executed": None}
