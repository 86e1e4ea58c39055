"""What the session on the simulated pyACL does not let pass, in which order it ends, and what it leaves to
another library of the process that uses ACL, too.
"""

import pytest
from test_ascend_conversion import CLASSES, world
from test_ascend_pyacl import ALONE, after
from test_ascend_running import job
from test_ascend_running import machine as machine
from test_ascend_running import pictures as pictures

# swapped(name, function) sets a function of acl and gives the one before; record() lists calls of such
CALLS = """
import acl, functools, threading

def swapped(name, function):
    place, _, last = name.rpartition(".")
    of = functools.reduce(getattr, filter(None, place.split(".")), acl)
    before = getattr(of, last); setattr(of, last, function)
    return before

def record(*names):
    calls = []
    for name in names:
        real = swapped(name, None)
        swapped(name, lambda *words, name=name, real=real: (calls.append(name), real(*words))[1])
    return calls
"""
DEVICE = ("set-device", "saturation", "open", "free", "reset-device", "finalize", "failed")


def happened(folder, *kinds):
    """The events, those of failing calls with the call's name."""
    events = world.events(folder, *(kinds or DEVICE))
    return [f"failed {event['call']}" if event["event"] == "failed" else event["event"] for event in events]


def test_a_model_whose_bytes_are_not_those_of_its_shape_is_refused(machine, tmp_path, pictures):
    machine(**ALONE)
    work = job(tmp_path, pictures, 4)
    lines, alive = after(
        """
from cannsim import om
header, body = om.read(sys.argv[1])
lines = []
for side in ("inputs", "outputs"):
    for more in (4, -4):
        told = json.loads(json.dumps(header)); told[side][0]["bytes"] += more
        om.write("other.om", told, body); lines.append(error(open_, "0", "other.om"))
tell([lines, live()])""".replace("other.om", str(tmp_path / "other.om")),
        work,
    )
    told = [("input", pictures[:4].nbytes), ("output", 4 * CLASSES * 4)]
    for line, (side, size) in zip(
        lines, [(side, size + by) for side, size in told for by in (4, -4)], strict=True
    ):
        assert (
            line and f"its {side} (4, " in line and f"does not have the {size} bytes that the model" in line
        )
    assert alive == {}


def test_a_copy_that_fails_is_told_and_no_answer_is_of_an_earlier_picture(machine, tmp_path, pictures):
    # each run copies twice: the second run's picture does not get there, the fourth one's answer not back
    machine(faults=[{"kind": "copy", "run": run} for run in (3, 7)], **ALONE)
    work = job(tmp_path, pictures, 4)
    words, same, times = after(
        """
session, other = open_(), np.ascontiguousarray(255 - pictures)
first = session.infer(pictures)
words = [error(session.infer, other), session.infer(other).tolist(), error(session.infer, pictures)]
same = [bool((session.infer(each) == first).all()) for each in (pictures, other)]
tell([[words[0], words[2]], [*same, words[1] == first.tolist()], len(session.take_compute_ms())])""",
        work,
    )
    where = "StepError: uint8-bs4.om on device 0: the driver failed ([507899][acl.rt.memcpy])"
    assert [line and line.partition(". To do")[0] for line in words] == [where] * 2
    assert same == [True, False, False] and times == 4


def test_a_model_ends_in_acls_order_in_its_own_context_from_any_thread(machine, tmp_path, pictures):
    folder, work = machine(**ALONE), job(tmp_path, pictures, 4)
    calls, alive = after(
        CALLS
        + """
first, second, third = open_(), open_(), open_()
calls = record("rt.set_context", "mdl.unload", "mdl.destroy_desc", "mdl.destroy_dataset",
               "destroy_data_buffer", "rt.free", "rt.destroy_context")
first.close()
t = threading.Thread(target=second.close); t.start(); t.join()
alive = live(); third.infer(pictures); tell([calls, alive])""",
        work,
    )
    # the third stays open until the process ends
    ends = ["rt.set_context", "mdl.unload", "mdl.destroy_desc"]
    ends += [name for name in ("mdl.destroy_dataset", "destroy_data_buffer", "rt.free") for _ in range(2)]
    assert calls[:20] == [*ends, "rt.destroy_context"] * 2 and alive["models"] == alive["contexts"] == 1
    begun, opened, freed = ["set-device", "saturation"], ["open"] * 3, ["free"] * 3
    # there is no context before the device is set
    begun = ["failed acl.rt.get_context", *begun]
    assert happened(folder) == [*begun, *opened, *freed, "reset-device", "finalize"]
    (reset,), (final,) = world.events(folder, "reset-device"), world.events(folder, "finalize")
    assert not any(reset["live"].values()) and not any(final["live"].values()) and final["devices"] == []
    assert world.events(folder, "exit")[0]["saturation"] == [0]


@pytest.mark.parametrize(
    ("scenario", "before"), [({"saturates": False}, ""), ({}, "import acl; acl.init(); acl.init()")]
)
def test_a_refusal_that_is_no_error_does_not_explain_the_next_failure(
    machine, tmp_path, pictures, scenario, before
):
    machine(faults=[{"kind": "copy", "run": 1, "code": 507015}], **scenario, **ALONE)
    words = after(
        f"{before}\nsession = open_(); tell(error(session.infer, pictures))", job(tmp_path, pictures, 4)
    )
    assert "on device 0: the device's AI core failed ([507015][acl.rt.memcpy]). To do" in words


def test_whatever_ends_an_opening_leaves_nothing_on_the_device(machine, tmp_path, pictures):
    folder, work = machine(**ALONE), job(tmp_path, pictures, 4)
    told = after(
        CALLS
        + """
found = []
def fails(name, kind):
    def raising(*words):
        raise kind(name)
    real = swapped(name, raising)
    try:
        open_()
    except BaseException as raised:
        found.append([type(raised).__name__, str(raised), live()])
    swapped(name, real)

fails("rt.set_device_sat_mode", TypeError)
for name in ("mdl.get_desc", "mdl.get_output_dims"):
    for kind in (TypeError, MemoryError, KeyboardInterrupt):
        fails(name, kind)
session = open_(); session.infer(pictures)
real = swapped("mdl.destroy_desc", lambda *words: (swapped("mdl.destroy_desc", real), sys.exit("stopped"))[1])
try:
    session.close()
except SystemExit:
    tell(found)""",
        work,
    )
    kinds = ["TypeError", *["TypeError", "MemoryError", "KeyboardInterrupt"] * 2]
    assert [kind for kind, _, _ in told] == kinds and all(alive == {} for _, _, alive in told)
    # what ended a close is taken up at the process's end
    (reset,) = world.events(folder, "reset-device")
    left = {kind: count for kind, count in reset["live"].items() if count}
    assert left == {"descriptions": 1} and happened(folder, "failed") == ["failed acl.rt.get_context"]
    assert happened(folder, "reset-device", "finalize") == ["reset-device", "finalize"]
    assert world.events(folder, "exit")[0]["saturation"] == [0]


# another library of this process, with a context of its own
OTHER = """
import acl, atexit, threading
def set_up():
    assert acl.rt.set_device(0) == 0
    ctx, _ = acl.rt.create_context(0); ptr, _ = acl.rt.malloc(8, 0)
    return ctx, ptr

def works(ctx, ptr):
    return [acl.rt.set_context(ctx), acl.rt.memcpy(ptr, 8, pictures.ctypes.data, 8, 1)]

def end(ctx, ptr):
    works(ctx, ptr); acl.rt.free(ptr); acl.rt.destroy_context(ctx); acl.rt.reset_device(0); acl.finalize()
"""


def test_what_another_library_has_set_up_is_its_own_to_end(machine, tmp_path, pictures):
    folder, work = machine(**ALONE), job(tmp_path, pictures, 4)
    told = after(
        OTHER
        + """
acl.init(); other = []
t = threading.Thread(target=lambda: other.extend(set_up())); t.start(); t.join()  # no context is in this one
atexit.register(end, *other)  # it runs after the session's end
del acl.rt.set_device_sat_mode  # as in a CANN from before it
open_().infer(pictures); tell([works(*other), live()["contexts"]])""",
        work,
    )
    assert told == [[0, 0], 2]
    # the session's context goes, the other's things work until it ends the device, and then ACL, itself
    begun = ["set-device", "failed acl.init", "failed acl.rt.get_context", "set-device"]
    assert happened(folder) == [*begun, "open", "free", "reset-device", "finalize"]
    (reset,) = world.events(folder, "reset-device")
    assert not any(reset["live"].values())


def test_a_device_that_another_library_has_set_is_not_reset_although_acl_is_the_sessions(
    machine, tmp_path, pictures
):
    folder = machine(faults=[{"kind": "error", "run": 0}], **ALONE)  # the first session gets no device
    told = after(
        OTHER
        + """
words = error(open_); other = set_up()
open_().infer(pictures); tell([words[:9], works(*other)])""",
        job(tmp_path, pictures, 4),
    )
    assert told == ["StepError", [0, 0]]
    assert happened(folder)[-3:] == ["open", "free", "finalize"]
