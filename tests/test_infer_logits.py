"""Logits of a shard: one row an image, padding cut, whatever the batch size."""

import json

import numpy as np
import pytest

from infer import logits, session
from pipeline.errors import StepError
from pipeline.step import Slot

SLOT = Slot("device", "0")


@pytest.fixture
def made(tmp_path):
    """Compiled null models and shards in one folder; made.infer(rows, batch) -> logits."""
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
def test_every_image_has_its_row_at_every_batch_size(made, count):
    found = [made(rows(count), batch) for batch in (1, 4, 16)]
    assert all(one.shape == (count, 11) and one.dtype == np.float32 for one in found)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_an_empty_shard_is_an_error(made):
    with pytest.raises(StepError, match="empty shard"):
        made(rows(0), 4)


def test_a_model_that_gives_other_rows_than_asked_for_is_an_error():
    class Short:
        def infer(self, batch):
            return np.zeros((len(batch) - 1, 3), np.float32)

    with pytest.raises(StepError, match="3 rows for a batch of 4"):
        logits.of_rows(Short(), rows(4), 4)


def test_first_images_go_over_the_borders_of_shards(made):
    shards = [made.shard(rows(5, n), f"s{n}.npy") for n in range(3)]
    logits.first(
        (made.out,), model=made.model(4), shards=shards, backend="null", batch=4, images=12, slot=SLOT
    )
    whole = made(np.concatenate([rows(5, n) for n in range(3)])[:12], 4)
    logits.first(
        (made.out,), model=made.model(4), shards=shards, backend="null", batch=4, images=12, slot=SLOT
    )
    np.testing.assert_array_equal(np.load(made.out), whole)


def test_fewer_images_than_asked_for_are_an_error(made):
    with pytest.raises(StepError, match="1 shards hold 5 images, 6 were asked for"):
        logits.first(
            (made.out,),
            model=made.model(4),
            shards=[made.shard(rows(5))],
            backend="null",
            batch=4,
            images=6,
            slot=SLOT,
        )


def test_a_shard_stays_on_disk_until_its_rows_are_needed(made, monkeypatch):
    modes = []
    load = np.load
    monkeypatch.setattr(
        np, "load", lambda path, mmap_mode=None: modes.append(mmap_mode) or load(path, mmap_mode=mmap_mode)
    )
    logits.write(
        (made.out,), model=made.model(4), shard=made.shard(rows(5)), backend="null", batch=4, slot=SLOT
    )
    assert modes == ["r"]
