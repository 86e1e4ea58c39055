"""pyACL by hand, for the simulator's own tests: code for Machine.told() that opens a model and runs it, as
samples do.
"""

import pytest

PRELUDE = """
import acl
import threading

def ok(ret):
    assert ret == 0, (ret, acl.get_recent_err_msg())

def start(device=0):
    ok(acl.init()); ok(acl.rt.set_device(device))
    ctx, ret = acl.rt.create_context(device); ok(ret)
    return ctx

def load(path="out/model.om"):
    number, ret = acl.mdl.load_from_file(path); ok(ret)
    desc = acl.mdl.create_desc(); ok(acl.mdl.get_desc(desc, number))
    return number, desc

def dataset(*sizes):
    ds, made = acl.mdl.create_dataset(), []
    for size in sizes:
        ptr, ret = acl.rt.malloc(size, 0); ok(ret)
        buf = acl.create_data_buffer(ptr, size)
        _, ret = acl.mdl.add_dataset_buffer(ds, buf); ok(ret)
        made.append((ptr, buf, size))
    return ds, made

def sides(desc):
    m = acl.mdl
    return (dataset(*[m.get_input_size_by_index(desc, i) for i in range(m.get_num_inputs(desc))]),
            dataset(*[m.get_output_size_by_index(desc, i) for i in range(m.get_num_outputs(desc))]))

def feed(side, array):
    ok(acl.rt.memcpy(side[1][0][0], side[1][0][2], array.ctypes.data, array.nbytes, 1))

def read(side):
    ptr, _, size = side[1][0]
    out = np.empty(size, np.uint8); ok(acl.rt.memcpy(out.ctypes.data, size, ptr, size, 2))
    return out.view(np.float32).tolist()

def answer(number, ins, outs, array):
    feed(ins, array); ok(acl.mdl.execute(number, ins[0], outs[0]))
    return read(outs)

def free(number, desc, *all_sides):
    ok(acl.mdl.unload(number)); ok(acl.mdl.destroy_desc(desc))
    for ds, made in all_sides:
        ok(acl.mdl.destroy_dataset(ds))
        for ptr, buf, _ in made:
            ok(acl.destroy_data_buffer(buf)); ok(acl.rt.free(ptr))

def live():
    from cannsim.pyacl import state
    return state.live()
"""
OPENED = """
ctx = start(); number, desc = load(); ins, outs = sides(desc)
"""


@pytest.fixture
def told(machine):
    """What code told that has a model open: ctx, number, desc, ins and outs are there."""
    return lambda code, opened=OPENED, **env: machine.told(PRELUDE + opened + code, **env)
