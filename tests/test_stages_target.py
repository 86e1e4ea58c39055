"""A request on this machine."""

import pytest

from configs import schema
from configs.chip import Chip
from pipeline import machine
from pipeline.errors import BuildError
from pipeline.plan import Plan
from pipeline.step import Step
from stages import report
from stages.request import target
from stages.request.build import resolve


def ask(**words):
    return resolve({"chip": "cpu", **words})


def test_a_chip_with_published_figures_only_says_so_when_chosen():
    with pytest.raises(BuildError, match="^--chip=T4: published figures only"):
        ask(chip="T4").target  # noqa: B018


def test_a_precision_that_the_backend_does_not_build_gets_the_list():
    with pytest.raises(BuildError, match="^--precision=fp16: cpu builds fp32"):
        ask(precision="fp16").target  # noqa: B018


def test_an_option_of_a_chip_file_that_nothing_reads_is_told_with_its_chip(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "chip", lambda name: Chip("cpu", "ort", options={"per_chanel": True}))
    with pytest.raises(
        BuildError, match=r"^configs/chips/cpu.toml: \[options\] per_chanel: nothing reads it"
    ):
        ask().target  # noqa: B018


def test_a_device_of_the_cpu_is_a_core():
    target = ask().target
    assert target.devices == [str(n) for n in range(len(machine.cores()))]
    assert [target.cores_of(device) for device in target.devices] == [(core,) for core in machine.cores()]


def test_devices_that_are_not_there_are_the_users_mistake():
    with pytest.raises(BuildError, match="^--devices=99: cpu has no device 99; there are: 0"):
        ask(devices="99").target.devices  # noqa: B018


def slots(build, resource):
    steps = [Step("a", "x:y", outputs=("/out/a",), resource=resource)]
    return [(slot.kind, slot.id, slot.cores) for slot in build.settings(Plan(steps)).slots]


def test_there_are_as_many_cpu_slots_as_jobs_and_devices_where_the_plan_needs_them():
    assert slots(ask(jobs="3"), "cpu") == [("cpu", "0", ()), ("cpu", "1", ()), ("cpu", "2", ())]
    assert slots(ask(jobs="1", devices="0"), "device") == [
        ("cpu", "0", ()),
        ("device", "0", machine.cores()[:1]),
    ]


def test_a_plan_that_only_compiles_asks_for_no_device():
    assert slots(ask(jobs="1", devices="99"), "cpu") == [("cpu", "0", ())]


def test_the_null_chip_has_as_many_devices_as_asked_for(monkeypatch):
    monkeypatch.setenv("NULL_DEVICES", "3")
    assert ask(chip="null").target.devices == ["0", "1", "2"]


def test_published_figures_stand_beside_whatever_is_built():
    stated = report.published(ask().request.model)
    assert {"310", "310P3", "T4"} <= set(stated["published"])
    assert stated["published_accuracy"]["mobilenet_v1"]["top1_pct"] == 69.52


def test_the_sample_is_listed_without_being_drawn(tmp_path):
    data = ask(out=str(tmp_path / "out")).dataset
    assert len(data.images) > 100 and not (tmp_path / "out").exists()
    assert sum(data.images_in(n) for n in range(len(data.shards))) == len(data.images)
    assert data.dir.startswith(str(tmp_path / "out" / "data" / "sample-"))


THERE = ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("all", THERE),
        ("0", ["0"]),
        ("0,1", ["0", "1"]),
        ("0-3", THERE),
        ("3,1", ["1", "3"]),
        ("1-2,2", ["1", "2"]),
    ],
)
def test_devices_are_a_list_a_range_or_all(text, devices):
    assert target.chosen(text, THERE, "310P3") == devices


@pytest.mark.parametrize(
    "text", ["99", "0-9", "4", "x", "1-", "-1", "3-1", "", "0,,1", "²", "0-999999999999"]
)
def test_other_devices_are_the_users_mistake_and_what_is_there_is_named(text):
    with pytest.raises(BuildError) as refused:
        target.chosen(text, THERE, "310P3")
    assert str(refused.value).startswith(f"--devices={text}: ") and "0, 1, 2, 3" in str(refused.value)
