"""A request's pictures."""

import pytest

from configs.options import parse
from pipeline.errors import BuildError
from stages.request import target


@pytest.fixture
def ask(tmp_path):
    """A request over 40 pictures of 4 classes in one folder."""
    names = [f"ILSVRC2012_val_{n:08d}.JPEG" for n in range(40)]
    folder = tmp_path / "val"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"not looked at while planning")
    (tmp_path / "val_label.txt").write_text("".join(f"{name} {n % 4}\n" for n, name in enumerate(names)))
    (tmp_path / "weights.tar").write_text("weights")

    def of(**words):
        return target.of(
            parse(
                {
                    "chip": "null",
                    "out": str(tmp_path / "out"),
                    "dataset": str(folder),
                    "checkpoint": str(tmp_path / "weights.tar"),
                    **words,
                }
            )
        )

    return of


def test_pictures_are_spread_over_shards_in_order(ask):
    build = ask()
    assert [build.images_in(n) for n in range(len(build.shards))] == [16, 16, 8]
    assert build.shards[2].endswith("/shard-00002.npy")


def test_a_limit_is_a_fixed_choice_with_every_class(ask):
    chosen = ask(limit="8").listing.images
    assert chosen == ask(limit="8").listing.images
    assert sorted(image.label for image in chosen) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert ask(limit="8").data_dir != ask().data_dir


def test_inputs_of_a_shard_are_its_pictures(ask):
    build = ask()
    paths = build.picture_paths(build.listing.images[:2])
    assert [path.rpartition("/")[2] for path in paths] == [image.name for image in build.listing.images[:2]]


def test_the_data_set_is_a_root_of_stamps_once_it_was_listed(ask):
    build = ask()
    assert build.listing.root == build.roots["data"]


def test_compiling_never_looks_at_the_data(ask, tmp_path):
    build = ask(dataset=None)
    assert build.compiled(1, ".null")
    with pytest.raises(BuildError, match="^--dataset: none given"):
        build.listing  # noqa: B018


def test_float32_shards_are_four_times_as_large(ask):
    assert ask(input="float32").shard_mb(16) == 4 * ask().shard_mb(16)
