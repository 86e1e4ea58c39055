"""inv clean removes what was asked for, all of it, and nothing that no build made."""

import os
import threading

import pytest

from pipeline.errors import BuildError
from pipeline.outdir import clean


@pytest.fixture
def built(world):
    world.edit(".lock", "")
    world.edit(".lock.owner", "")
    world.edit("notes.md", "mine")
    world.steps = [
        world.step("export/tiny", outputs=("tiny-0123abcd/model.onnx",)),
        *(
            world.step(
                f"compile/{chip}/bs{n}",
                inputs=("tiny-0123abcd/model.onnx",),
                outputs=(f"tiny-0123abcd/{chip}/bs{n}.om",),
            )
            for chip in ("310P3", "cpu")
            for n in (1, 8)
        ),
        world.step("preprocess/set/00000", outputs=("sets/set/shard-00000.npy",)),
    ]
    world.build(*world.steps)
    return world


def stays(world):
    return sorted(name for name in world.tree() if not name.startswith(".lock"))


def test_everything_goes_but_the_users_files(built):
    built.edit(".source.json", "{}")
    built.edit("sets/set.tar.members.json", "{}")
    built.edit("sets/.part-x.npy", "half")
    done = clean.clean(built.out, known=["sets/*.members.json"])
    assert sorted(os.listdir(built.out)) == [".lock", ".lock.owner", "notes.md"]
    assert (
        done.left == [built.path("notes.md")]
        and "left 1 file that no build made" in str(done)
        and "notes.md" in str(done)
    )
    assert "files under " + built.out in str(done)


def test_after_it_everything_runs_again(built):
    clean.clean(built.out)
    assert sorted(built.build(*built.steps)) == sorted(step.name for step in built.steps)


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        ({"stage": "preprocess"}, ["sets/set/shard-00000.npy"]),
        ({"chip": "310p3"}, ["tiny-0123abcd/310P3/bs1.om", "tiny-0123abcd/310P3/bs8.om"]),
        ({"stage": "compile", "chip": "cpu"}, ["tiny-0123abcd/cpu/bs1.om", "tiny-0123abcd/cpu/bs8.om"]),
        ({"model": "tiny", "stage": "export"}, ["tiny-0123abcd/model.onnx"]),
        (
            {"model": "tiny-0123abcd"},
            [
                "tiny-0123abcd/310P3/bs1.om",
                "tiny-0123abcd/310P3/bs8.om",
                "tiny-0123abcd/cpu/bs1.om",
                "tiny-0123abcd/cpu/bs8.om",
                "tiny-0123abcd/model.onnx",
            ],
        ),
    ],
)
def test_a_part_goes_and_the_rest_stays_fresh(built, words, gone):
    before = stays(built)
    done = clean.clean(built.out, **words)
    assert sorted(set(before) - set(stays(built))) == gone
    assert done.left == []
    expected = [step.name for step in built.steps if os.path.relpath(step.outputs[0], built.out) in gone]
    assert [name for name, (state, _) in built.states(*built.steps).items() if state == "run"] == expected
    assert not any(os.path.exists(built.path(f"log/{name}.txt")) for name in expected)


def test_a_models_folders_go_whatever_weights_they_are_of(world):
    folders = ["net-0123abcd", "net-0123abcd-state_dict", "net-0123abcd-a_b-89abcdef", "network-0123abcd"]
    world.build(*(world.step(f"export/{each}", outputs=(f"{each}/x",)) for each in folders))
    world.edit(".lock", "")
    world.edit(".lock.owner", "")
    clean.clean(world.out, model="net")
    assert [os.path.exists(world.path(f"{each}/x")) for each in folders] == [False] * 3 + [True]
    with pytest.raises(BuildError, match="models: network$"):
        clean.clean(world.out, model="net")


def test_a_step_with_several_outputs_goes_whole(world):
    world.edit(".lock", "")
    world.edit(".lock.owner", "")
    world.build(world.step("export/a", outputs=("x", "y")))
    assert sorted(map(os.path.basename, clean.clean(world.out, stage="export").removed)) == [
        "a.txt",
        "x",
        "x.stamp",
        "y",
    ]


def test_a_mistyped_stage_gets_the_nearest_and_the_list(built):
    with pytest.raises(
        BuildError,
        match=r"--stage=preproces: .*Did you mean --stage=preprocess\? "
        r"Stages there: compile, export, preprocess; models: tiny$",
    ):
        clean.clean(built.out, stage="preproces")


def test_a_folder_that_no_build_wrote_to_is_left_alone(world):
    world.edit("data/.part-mine", "mine")
    with pytest.raises(BuildError, match="nothing was ever built here"):
        clean.clean(world.data)
    assert os.listdir(world.data) == [".part-mine"]


def test_nothing_left_is_said(world):
    world.edit(".lock", "")
    world.edit(".lock.owner", "")
    assert str(clean.clean(world.out)) == f"nothing to remove under {world.out}"


def test_it_waits_for_a_build_that_runs(world, until, capsys):
    driver = world.drive(world.step("a", "waits", params={"until": f"{world.root}/go"}))
    until(lambda: os.path.exists(world.path(".part-a")))
    cleaning = threading.Thread(target=clean.clean, args=(world.out,))
    cleaning.start()
    line = until(lambda: capsys.readouterr().err)
    assert line.startswith(f"inv: {world.out}: being built by pid {driver.pid}")
    open(f"{world.root}/go", "w").close()
    cleaning.join()
    assert driver.wait() == 0 and not os.path.exists(world.path("a"))
