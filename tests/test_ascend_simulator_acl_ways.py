"""The simulated module acl: both ways of execution and their times, gears, faults, the process's beginning
and end, and the ways in which a CANN has the module, or has not.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
import world
from by_hand import OPENED, PRELUDE
from by_hand import told as told
from machine import machine as machine


def test_events_tell_the_devices_time_and_the_ways_of_execution_do_not_mix(told):
    ms, same, mixed, text, other = told("""
s, ret = acl.rt.create_stream(); ok(ret)
(e0, _), (e1, _) = acl.rt.create_event(), acl.rt.create_event()
feed(ins, image); ok(acl.rt.record_event(e0, s)); ok(acl.mdl.execute_async(number, ins[0], outs[0], s))
ok(acl.rt.record_event(e1, s)); ok(acl.rt.synchronize_stream(s))
ms, ret = acl.rt.event_elapsed_time(e0, e1); ok(ret)
first, mixed = read(outs), acl.mdl.execute(number, ins[0], outs[0])
text = acl.get_recent_err_msg(); again, _ = load()
other = answer(again, ins, outs, image)
ok(acl.rt.destroy_event(e0)); ok(acl.rt.destroy_event(e1)); ok(acl.rt.destroy_stream(s))
tell([ms, first == other, mixed, text, acl.mdl.execute_async(again, ins[0], outs[0], s)])""")
    assert 0 < ms < 1000 and same and mixed == 500002 and "mix execute" in text and other == 107000


def test_other_threads_stand_still_while_it_waits_for_the_device(machine, told):
    machine.install(timing={"null": True, "base_ms": 300.0, "jitter": 0.0})
    assert told("""
import time
steps, done = [], threading.Event()
def go():
    while not done.is_set():
        steps.append(time.perf_counter()); time.sleep(0.001)
t = threading.Thread(target=go); t.start()
begin = time.perf_counter(); ok(acl.mdl.execute(number, ins[0], outs[0])); end = time.perf_counter()
done.set(); t.join()
tell([end - begin > 0.29, sum(begin + 0.05 < step < end - 0.05 for step in steps)])""") == [True, 0]


def test_a_null_device_computes_nothing(machine, told):
    machine.install(timing={"null": True, "base_ms": 0.0, "image_ms": 0.0})
    assert told("tell(answer(number, ins, outs, image))") == [0.0] * 40


def test_a_model_with_gears_has_an_input_more_and_wants_a_gear(machine, told):
    machine.atc("--input_shape=image:-1,3,16,16", "--dynamic_batch_size=1,2,4")
    names, without, wrong, right, bare = told("""
index, ret = acl.mdl.get_input_index_by_name(desc, "ascend_mbatch_shape_data"); ok(ret)
without = acl.mdl.execute(number, ins[0], outs[0])
wrong = acl.mdl.set_dynamic_batch_size(number, ins[0], index, 3)
ok(acl.mdl.set_dynamic_batch_size(number, ins[0], index, 2))
tell([acl.mdl.get_num_inputs(desc), without, wrong,
      sum(value != 0 for value in answer(number, ins, outs, image[:2])), acl.mdl.get_dynamic_batch(desc)])""")
    assert [names, without, wrong, right] == [2, 500002, 145013, 20]
    assert bare == [{"batchCount": 3, "batch": [1, 2, 4]}, 0]


@pytest.mark.parametrize(("how", "status"), [("kill", -9), ("exit", 3), ("abort", -6)])
def test_a_device_can_end_its_process_in_execute(machine, how, status):
    machine.install(faults=[{"kind": "crash", "run": 2, "how": how}])
    code = PRELUDE + OPENED + "answer(number, ins, outs, image); answer(number, ins, outs, image)"
    assert machine.python(code).returncode == status


@pytest.mark.parametrize(
    ("fault", "code", "text"),
    [({"kind": "error", "code": 507015}, 507015, "EZ9999"), ({"kind": "memory"}, 207018, "EL0004")],
)
def test_a_run_can_fail_with_a_code_and_a_text(machine, told, fault, code, text):
    machine.install(faults=[{"run": 1, **fault}])
    answers = told("tell([acl.mdl.execute(number, ins[0], outs[0]), acl.get_recent_err_msg()])")
    assert answers[0] == code and text in answers[1]


def imported(machine, code="", **scenario):
    """What a plain `import acl` on the machine ends with; as root only the capability to read all is left
    out.
    """
    machine.install(**scenario)
    caps = "-dac_override,-dac_read_search"
    drop = ["setpriv", f"--bounding-set={caps}", f"--inh-caps={caps}"] if os.getuid() == 0 else []
    words = [*drop, sys.executable, "-c", f"import acl; print(acl.__spec__.origin); {code}"]
    return subprocess.run(
        words, env=machine.env, cwd=machine.work, capture_output=True, text=True, check=False
    )


def test_an_old_cann_has_the_module_elsewhere_and_no_bytes_to_ptr(machine):
    ask = "print(hasattr(acl.util, 'bytes_to_ptr'), hasattr(acl.util, 'numpy_to_ptr'))"
    new, old = imported(machine, ask), imported(machine, ask, acl="old")
    assert new.stdout.splitlines()[1] == "True True" and old.stdout.splitlines()[1] == "False True"
    assert "/pyACL/python/site-packages/acl/" in old.stdout and "/pyACL/" not in new.stdout


def test_a_folder_of_this_name_imports_as_an_empty_namespace(machine):
    done = imported(machine, "acl.init()", acl="folder")
    assert done.stdout == "None\n" and "has no attribute 'init'" in done.stderr


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ({"acl": "unreadable"}, "acl.so: cannot open shared object file: Permission denied"),
        ({"import_error": "libascendcl"}, "ImportError: libascendcl.so: cannot open shared object file"),
        ({"without": ("acl",)}, "ModuleNotFoundError: No module named 'acl'"),
        ({"without": ("toolkit",)}, "ModuleNotFoundError: No module named 'acl'"),
    ],
)
def test_imports_fail_as_known(machine, scenario, words):
    assert words in imported(machine, **scenario).stderr


def test_the_deprecated_ones_are_on_record(machine, told):
    told("acl.util.numpy_to_ptr(image); tell(0)")
    assert [event["function"] for event in world.events(machine.folder, "deprecated")] == ["numpy_to_ptr"]


def test_init_and_finalize_are_once_a_process_and_an_end_needs_a_beginning(machine, told):
    code = """
answers = [acl.finalize()]
ctx = start()
answers += [acl.init(), acl.rt.destroy_context(ctx), acl.rt.reset_device(0), acl.rt.reset_device(0)]
answers += [acl.finalize(), acl.finalize(), acl.rt.reset_device(0)]
tell([*answers, acl.init(), acl.rt.set_device(0), acl.rt.malloc(8, 0)])"""
    before, after = [100037, 100002, 0, 0, 107000], [0, 100037, 100001]
    assert told(code, "") == [*before, *after, 100001, 100001, [0, 100001]]
    kinds = ("set-device", "reset-device", "finalize")
    assert [event["event"] for event in world.events(machine.folder, *kinds)] == list(kinds)
    assert world.events(machine.folder, "finalize")[0]["devices"] == []
    failed = [(event["call"], event["code"]) for event in world.events(machine.folder, "failed")]
    assert failed[:3] == [("acl.finalize", 100037), ("acl.init", 100002), ("acl.rt.reset_device", 107000)]


def test_a_model_is_unloaded_in_its_own_context_which_goes_when_it_is_empty(told):
    assert told("""
unload, destroy, answers = acl.mdl.unload, acl.rt.destroy_context, []
t = threading.Thread(target=lambda: answers.append(unload(number))); t.start(); t.join()
other, ret = acl.rt.create_context(0); ok(ret)
answers += [unload(number), destroy(ctx), "1 models and 2 pointers" in acl.get_recent_err_msg()]
ok(acl.rt.set_context(ctx)); answers += [unload(number), destroy(ctx)]
for ptr, _, _ in ins[1] + outs[1]:
    ok(acl.rt.free(ptr))
answers += [destroy(ctx), destroy(ctx), acl.rt.set_context(ctx), acl.rt.malloc(8, 0)[1], acl.rt.get_context()]
tell([*answers, acl.mdl.load_from_file("out/model.om")[1], acl.rt.set_context(other)])""") == [
        107002,
        107004,
        107000,
        True,
        0,
        107000,
        0,
        107000,
        107000,
        107002,
        [0, 107002],
        107002,
        0,
    ]


def test_a_reset_takes_what_the_device_had_and_its_memory_can_be_had_again(machine, told):
    answers, live = told("""
ptr = ins[1][0][0]
answers = [acl.rt.reset_device(0), acl.rt.free(ptr), acl.mdl.unload(number), acl.rt.set_context(ctx)]
ok(acl.rt.set_device(0)); from cannsim import acl as process
tell([[*answers, acl.mdl.unload(number), process.Process.used], live()])""")
    assert answers == [0, 107000, 107002, 107000, 145003, {"0": 0}]
    assert not {"models", "pointers", "contexts"} & {kind for kind, count in live.items() if count}
    (reset,) = world.events(machine.folder, "reset-device")
    assert reset["live"]["models"] == 1 and reset["live"]["pointers"] == 2


def test_the_overflow_mode_is_the_devices_and_on_record(machine, told):
    code = """
mode = acl.rt.set_device_sat_mode
answers = [mode(1), mode(2)]; acl.mdl.execute(number, ins[0], outs[0])
t = threading.Thread(target=lambda: answers.append(mode(0))); t.start(); t.join()
tell([*answers, acl.rt.reset_device(0), mode(0)])"""
    assert told(code) == [0, 107000, 107002, 0, 107002]
    assert world.events(machine.folder, "exit")[-1]["saturation"] == [1]
    assert [event["mode"] for event in world.events(machine.folder, "saturation")] == [1]
    machine.install(saturates=False)
    assert told(code)[0] == 207000 and world.events(machine.folder, "exit")[-1]["saturation"] == [None]


def test_a_copy_can_fail_and_copies_nothing(machine, told):
    machine.install(faults=[{"kind": "copy", "run": 2}, {"kind": "copy", "run": 3, "code": 507901}])
    assert told("""
ptr, _, size = ins[1][0]
back, two = np.empty_like(image), np.full_like(image, 2)
codes = [acl.rt.memcpy(ptr, size, each.ctypes.data, size, 1) for each in (image, two)]
codes += [acl.rt.memcpy(back.ctypes.data, size, ptr, size, 2) for _ in range(2)]
tell([codes, bool((back == image).all()), acl.get_recent_err_msg()])""") == [
        [0, 507899, 507901, 0],
        True,
        None,
    ]


def test_a_forked_child_has_no_acl(told):
    assert (
        told("""
r, w = os.pipe()
if os.fork() == 0:
    os.write(w, str(acl.mdl.execute(number, ins[0], outs[0])).encode()); os._exit(0)
os.wait(); tell(os.read(r, 99).decode())""")
        == "107002"
    )


def test_everything_alive_is_counted(machine, told):
    before, after = told("before = live(); free(number, desc, ins, outs); tell([before, live()])")
    assert {key: count for key, count in before.items() if count} == {
        "models": 1,
        "descriptions": 1,
        "pointers": 2,
        "buffers": 2,
        "datasets": 2,
        "contexts": 1,
    }
    assert {key: count for key, count in after.items() if count} == {"contexts": 1}
    assert world.events(machine.folder, "exit")[-1]["live"] == after


def test_devices_are_counted_and_named_without_init_as_ray_asks(told):
    code = "tell([acl.rt.get_device_count(), acl.get_soc_name(), acl.rt.malloc(8, 0), live()['contexts']])"
    assert told(code, "") == [[1, 0], "Ascend310P3", [0, 100001], 0]
