"""A request's images."""

import pytest

from pipeline.errors import BuildError
from stages import preprocess
from stages.request import dataset
from stages.request.build import resolve


@pytest.fixture
def ask(tmp_path):
    """A build over 40 images of 4 classes in one folder."""
    names = [f"ILSVRC2012_val_{n:08d}.JPEG" for n in range(40)]
    folder = tmp_path / "val"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"not looked at while planning")
    (tmp_path / "val_label.txt").write_text("".join(f"{name} {n % 4}\n" for n, name in enumerate(names)))
    (tmp_path / "weights.tar").write_text("weights")
    given = {
        "chip": "null",
        "out": str(tmp_path / "out"),
        "dataset": str(folder),
        "checkpoint": str(tmp_path / "weights.tar"),
    }
    return lambda **words: resolve({**given, **words})


def test_images_are_spread_over_shards_in_order(ask):
    data = ask().dataset
    assert [data.images_in(n) for n in range(len(data.shards))] == [16, 16, 8]
    assert data.shards[2].endswith("/shard-00002.npy")
    assert [image for n in range(3) for image in data.images_of(n)] == list(data.images)


def test_a_limit_is_a_fixed_choice_with_every_class(ask):
    chosen = ask(limit="8").dataset.images
    assert chosen == ask(limit="8").dataset.images
    assert sorted(image.label for image in chosen) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert ask(limit="8").dataset.dir != ask().dataset.dir


def test_inputs_of_a_shard_are_its_images(ask):
    data = ask().dataset
    paths = data.paths(data.images[:2])["images"]
    assert [path.rpartition("/")[2] for path in paths] == [image.name for image in data.images[:2]]


def test_the_data_set_is_a_root_of_its_steps_stamps(ask):
    build = ask()
    shards = [step for step in preprocess.steps(build) if step.action == "preprocess.shards:write"]
    assert {step.roots["data"] for step in shards} == {build.dataset.listing.root}


def test_compiling_never_looks_at_the_data(ask):
    build = ask(dataset=None)
    assert build.target.compiled(1).endswith("bs1.null")
    with pytest.raises(BuildError, match="^--dataset: none given"):
        build.dataset  # noqa: B018


def test_float32_shards_are_four_times_as_large(ask):
    one, four = (preprocess.shard_mb(ask(input=form).dataset, 16) for form in ("uint8", "float32"))
    assert four == 4 * one


def test_a_diagnosis_takes_images_by_their_names_whatever_their_labels_are(ask, tmp_path):
    before = dataset.by_name(ask().request, 8)
    (tmp_path / "val_label.txt").write_text(
        "".join(f"{image.name} {999 - n}\n" for n, image in enumerate(ask().dataset.images))
    )
    after = dataset.by_name(ask().request, 8)
    assert [image.name for image in after.images] == [image.name for image in before.images]
    assert len(after.images) == 8 and after.images != before.images


def test_a_check_takes_all_images_and_says_what_is_wrong_with_the_labels(ask, tmp_path):
    assert dataset.labelled_or_not(ask().request)[1] == ""
    (tmp_path / "val_label.txt").write_text("ILSVRC2012_val_00000000.JPEG 5000\n")
    data, wrong = dataset.labelled_or_not(ask().request)
    assert len(data.images) == 40 and {image.label for image in data.images} == {-1}
    assert "out of range" in wrong
