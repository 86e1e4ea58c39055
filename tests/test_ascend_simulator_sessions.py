"""What the sessions of the simulated aclruntime share or need: the chip, devices, their memory, a process, a
thread; and how its two builds count their times.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
import world
from machine import machine as machine


def test_a_model_for_another_chip_is_refused(machine):
    machine.install(soc="Ascend310P1")
    done = machine.python("tell(error(open_))")
    assert "supported socVersion=Ascend310P1, but the model socVersion=Ascend310P3" in done.stdout
    assert "[1][ACL: invalid parameter] " in done.stdout


def test_devices_are_counted_after_visible_devices(machine):
    machine.install(inventory="310")
    code = "tell([error(open_, n) for n in range(4)])"
    refused = "RuntimeError: [107001][Error code unknown] "
    machine.install(inventory="310", soc="Ascend310P3")
    assert machine.told(code) == [None] * 4
    assert machine.told(code, ASCEND_RT_VISIBLE_DEVICES="1,3") == [None, None, refused, refused]
    assert machine.told(code, ASCEND_RT_VISIBLE_DEVICES="2,x,3") == [None, *[refused] * 3]
    assert [e["logic"] for e in world.events(machine.folder, "open")] == [0, 1, 2, 3, 1, 3, 2]


def test_a_broken_device_does_not_open(machine):
    machine.install(broken=[0])
    assert machine.told("tell(error(open_))") == "RuntimeError: [507033][Error code unknown] "


def test_sessions_share_a_budget_of_device_memory(machine):
    size = machine.told("open_(); tell(0)") or world.events(machine.folder, "open")[-1]["memory"]
    machine.install(memory_mb=1.5 * size / 2**20, flavour="ait")
    assert machine.told("""
a = open_(); kept = error(open_)
a.free_resource(); b = open_(); del b
tell([kept, error(open_)])""") == ["RuntimeError: [1][ACL: invalid parameter] ", None]


@pytest.mark.parametrize("flavour", ["tools", "ait"])
def test_finalize_poisons_the_process(machine, flavour):
    machine.install(flavour=flavour)
    assert machine.told("""
s = open_(); (s if not hasattr(rt, "infer_options") else rt.InferenceSession).finalize()
tell([error(open_) is None, error(s.run, [], [tensor(image)]) is None])""") == [False, False]


def test_flavours_differ_in_names_and_times(machine):
    told = {}
    for flavour in ("tools", "ait"):
        machine.install(flavour=flavour)
        told[flavour] = machine.told("""
o = rt.session_options(); o.loop = 3
s = open_(options=o); logits(s, [tensor(image)]); t = s.sumary().exec_time_list
s.reset_sumaryinfo()
tell([hasattr(s, "free_resource"), hasattr(rt, "infer_options"), [x if isinstance(x, float) else x[1] - x[0] for x in t],
      type(t[0]).__name__, len(s.sumary().exec_time_list), len(rt.MemorySummary().H2D_time_list)])""")  # noqa: E501
    assert told["tools"][:2] == [False, False] and told["ait"][:2] == [True, True]
    assert [told[f][3] for f in ("tools", "ait")] == ["float", "tuple"] and all(
        t[4:] == [0, 1] for t in told.values()
    )
    np.testing.assert_allclose(told["tools"][2], told["ait"][2], rtol=1e-4)
    assert len(told["ait"][2]) == 3


def test_after_twenty_minutes_the_pairs_are_coarse(machine):
    machine.install(flavour="ait", timing={"uptime_s": 1200})
    start, end = machine.told("s = open_(); logits(s, [tensor(image)]); tell(s.sumary().exec_time_list[0])")
    assert (end - start) % 0.125 == 0


def test_a_second_thread_has_no_context_in_the_tools_flavour(machine):
    code = """
import threading
s, out = open_(), []
def go():
    out.append(error(s.run, [], [rt.BaseTensor(image.ctypes.data, image.nbytes)]))
t = threading.Thread(target=go); t.start(); t.join(); tell(out[0])"""
    assert machine.told(code) == "RuntimeError: [107002][Error code unknown] "
    machine.install(flavour="ait")
    assert machine.told(code) is None


def test_a_forked_child_has_no_acl(machine):
    assert (
        machine.told("""
s = open_(); r, w = os.pipe()
if os.fork() == 0:
    os.write(w, (error(s.run, [], [tensor(image)]) or "").encode()); os._exit(0)
os.wait(); tell(os.read(r, 99).decode())""")
        == "RuntimeError: [107002][Error code unknown] "
    )
