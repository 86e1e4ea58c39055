"""A request on this machine."""

import pytest

from configs.options import parse
from pipeline import machine
from pipeline.errors import BuildError
from stages.request import target


def ask(**words):
    return target.of(parse({"chip": "cpu", **words}))


def test_a_chip_with_published_figures_only_says_so_when_chosen():
    with pytest.raises(BuildError, match="^--chip=T4: published figures only"):
        ask(chip="T4").backend  # noqa: B018


def test_a_precision_that_the_backend_does_not_build_gets_the_list():
    with pytest.raises(BuildError, match="^--precision=int8: cpu builds fp32"):
        ask(precision="int8").backend  # noqa: B018


def test_a_device_of_the_cpu_is_a_core():
    build = ask()
    assert build.devices == [str(n) for n in range(len(machine.cores()))]
    assert [build.cores_of(device) for device in build.devices] == [(core,) for core in machine.cores()]


def test_devices_that_are_not_there_are_the_users_mistake():
    with pytest.raises(BuildError, match="^--devices=99: cpu has no device 99; there are: 0"):
        ask(devices="99").devices  # noqa: B018


def test_there_are_as_many_cpu_slots_as_jobs_and_devices_when_asked_for():
    build = ask(jobs="3")
    assert [(slot.kind, slot.id) for slot in build.slots] == [("cpu", "0"), ("cpu", "1"), ("cpu", "2")]
    build = ask(jobs="1", devices="0")
    build.devices  # noqa: B018
    assert [(slot.kind, slot.id, slot.cores) for slot in build.slots] == [
        ("cpu", "0", ()),
        ("device", "0", machine.cores()[:1]),
    ]


def test_the_null_chip_has_as_many_devices_as_asked_for(monkeypatch):
    monkeypatch.setenv("NULL_DEVICES", "3")
    assert ask(chip="null").devices == ["0", "1", "2"]


def test_published_figures_stand_beside_whatever_is_built():
    found = ask().published()
    assert {"310", "310P3", "T4"} <= set(found["published"])
    assert found["published_accuracy"]["mobilenet_v1"]["top1_pct"] == 69.52


def test_the_sample_is_listed_without_being_drawn(tmp_path):
    build = ask(out=str(tmp_path / "out"))
    assert len(build.listing.images) > 100 and not (tmp_path / "out").exists()
    assert sum(build.images_in(n) for n in range(len(build.shards))) == len(build.listing.images)
    assert build.data_dir.startswith(str(tmp_path / "out" / "data" / "sample-"))
