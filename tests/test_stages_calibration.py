"""What calibration reads and leaves alone, and how its records are told apart."""

import shutil

import inv
import pytest
from invoke.tasks import Call

import tasks
from convert.int8 import ranges
from eval.judging import alarms
from eval.report import format
from pipeline.cli.executor import declared
from pipeline.errors import BuildError


def steps(out, task=tasks.compile, **typed):
    return declared(
        [Call(task)],
        tasks.kinds.resolve({"out": str(out), "chip": "cpu", "bs": "1", "precision": "int8", **typed}),
    ).steps


@pytest.fixture
def mine(tmp_path):
    """A folder of one's own whose names are those of the sample's drawn pictures."""
    inv.pictures(tmp_path / "mine", 3)
    for n, path in enumerate(sorted((tmp_path / "mine").glob("*.JPEG")), 1):
        path.rename(path.with_name(f"sample_{n:05d}.JPEG"))
    return tmp_path / "mine"


def test_pictures_of_ones_own_are_only_read_by_the_sample_too(mine, tmp_path):
    outputs = [path for step in steps(tmp_path / "out", calibration=str(mine)) for path in step.outputs]
    assert outputs and [path for path in outputs if not path.startswith(f"{tmp_path}/out/")] == []


def test_the_samples_evaluated_pictures_are_refused_once_they_are_drawn(tmp_path):
    out = tmp_path / "out"
    drawn = out / "data" / "sample-pictures"
    inv.pictures(drawn, 3)
    for n, path in enumerate(sorted(drawn.glob("*.JPEG")), 1):
        path.rename(path.with_name(f"sample_{n:05d}.JPEG"))
    shutil.copytree(drawn, tmp_path / "copy")
    with pytest.raises(BuildError, match=r"3 of 3 pictures would be evaluated, too: sample_00001\.JPEG"):
        steps(out, tasks.evaluate, calibration=str(tmp_path / "copy"))


def test_other_pictures_under_the_same_names_have_shards_of_their_own(mine, tmp_path):
    def shards():
        made = steps(tmp_path / "out", calibration=str(mine))
        return [step.outputs[0] for step in made if step.action == "preprocess.shards:write"]

    before = shards()
    inv.pictures(mine.parent / "others", 3, seed=9)
    for one, other in zip(
        sorted(mine.glob("*.JPEG")), sorted((mine.parent / "others").glob("*.JPEG")), strict=True
    ):
        shutil.copy(other, one)
    assert before != shards()


def test_a_tree_with_training_pictures_is_taken_whole(tmp_path):
    inv.pictures(tmp_path / "imagenet" / "train" / "n01440764", 2)
    inv.pictures(tmp_path / "imagenet" / "val", 2, seed=5)
    build = tasks.kinds.resolve({"precision": "int8", "calibration": str(tmp_path / "imagenet")})
    assert len(build.request.calibration.images) == 4


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("list.txt", "a.JPEG b.JPEG\n", "'a.JPEG b.JPEG'"),
        ("list.csv", 'name,label\n"a.JPEG",3\nb.JPEG,4\n', ""),
    ],
)
def test_a_list_loses_no_picture_to_a_label(tmp_path, name, text, said):
    inv.pictures(tmp_path / "set", 2)
    for letter, path in zip("ab", sorted((tmp_path / "set").glob("*.JPEG")), strict=True):
        path.rename(tmp_path / "set" / f"{letter}.JPEG")
    (tmp_path / "set" / name).write_text(text)
    build = tasks.kinds.resolve({"precision": "int8", "calibration": str(tmp_path / "set" / name)})
    if said:
        with pytest.raises(BuildError, match=f"1 of 1 listed pictures are absent, first: {said}"):
            build.request.calibration  # noqa: B018
    else:
        assert [image.name for image in build.request.calibration.images] == ["a.JPEG", "b.JPEG"]


def test_two_calibrations_have_two_names():
    row = {"chip": "cpu", "precision": "int8", "input": "uint8"}
    names = [format.form({**row, "calibration": hash8}) for hash8 in ("0a1b2c3d", "4e5f6a7b")]
    assert names == ["cpu int8 uint8 0a1b2c3d", "cpu int8 uint8 4e5f6a7b"]
    assert format.form({**row, "calibration": "0a1b2c3d", "quantisation": "per-tensor"}).endswith(
        "0a1b2c3d-per-tensor"
    )


def test_a_row_that_was_calibrated_on_its_judges_raises_an_alarm():
    row = {"kind": "accuracy", "precision": "int8", "images": 250, "calibrated_on": 3}
    assert alarms.sentences(row) == [
        "int8 was calibrated on 3 of the 250 images that judge it: it looks better than it is"
    ]


def test_what_ranges_leaves_when_it_is_killed_is_swept_with_other_parts(tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(ranges.float_graph, "read", lambda path: (None, None))

    def stopped(levels, augmented_model_path, **more):
        asked["path"] = augmented_model_path
        raise KeyboardInterrupt

    monkeypatch.setattr(ranges, "create_calibrator", stopped)
    with pytest.raises(KeyboardInterrupt):
        ranges.write((f"{tmp_path}/.part-by-0123abcd-r.json",), levels="l", shards=(), method="minmax")
    assert asked["path"].startswith(f"{tmp_path}/.part-by-0123abcd-")
