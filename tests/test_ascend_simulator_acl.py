"""The simulated module acl, held against the contract (11.7): what it computes, what it refuses and with
which words and codes, and what it does not refuse.
"""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
import nets
import world
from by_hand import told as told
from machine import machine as machine


@pytest.mark.parametrize("form", ["image", "pixels"])
def test_it_gives_the_logits_of_the_simulated_aclruntime_byte_for_byte(machine, told, form):
    if form == "pixels":
        (machine.work / "aipp.cfg").write_text(nets.AIPP)
        assert machine.atc("--insert_op_conf=aipp.cfg").returncode == 0
    by_acl = told(f"tell(answer(number, ins, outs, {form}))")
    by_aclruntime = machine.told(f"tell(logits(open_(), [tensor({form})]).ravel().tolist())")
    assert by_acl == by_aclruntime and len(by_acl) == 40


def test_a_model_describes_itself(told):
    assert told("""
m = acl.mdl
tell([m.get_num_inputs(desc), m.get_num_outputs(desc), m.get_input_size_by_index(desc, 0), m.get_input_dims(desc, 0),
      m.get_input_data_type(desc, 0), m.get_input_format(desc, 0), m.get_input_name_by_index(desc, 0),
      m.get_output_name_by_index(desc, 0), m.get_output_dims(desc, 0), m.get_output_size_by_index(desc, 0),
      m.get_input_dims(desc, 7)[0], m.get_input_name_by_index(desc, 7), m.get_num_inputs(99),
      m.get_input_index_by_name(desc, "image"), m.get_dynamic_batch(desc)])""") == [  # noqa: E501
        1,
        1,
        12288,
        [{"name": "image", "dimCount": 4, "dims": [4, 3, 16, 16]}, 0],
        0,
        0,
        "image",
        "Gemm_4:0:class",
        [{"name": "Gemm_4:0:class", "dimCount": 2, "dims": [4, 10]}, 0],
        160,
        {},
        None,
        0,
        [0, 0],
        [{"batchCount": 0, "batch": []}, 0],
    ]


def test_submodules_can_be_imported_and_the_board_is_told(told):
    assert (
        told("""
import acl.mdl, acl.rt
tell([sys.modules["acl.rt"] is acl.rt, acl.rt.get_device_count(), acl.rt.get_run_mode(), acl.get_soc_name()])""")  # noqa: E501
        == [
            True,
            [1, 0],
            [1, 0],
            "Ascend310P3",
        ]
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("acl.rt.malloc(8)", "acl.rt.malloc args parse failed"),
        ("acl.rt.malloc(np.int64(8), 0)", "acl.rt.malloc args parse failed"),
        ("acl.rt.malloc(8.0, 0)", "acl.rt.malloc args parse failed"),
        ("acl.init(None)", "acl.init args parse failed"),
        ("acl.mdl.load_from_file(b'x')", "acl.mdl.load_from_file args parse failed!"),
        ("acl.mdl.execute(number, ins[0])", "acl.mdl.execute args parse failed!"),
        ("acl.rt.set_device('0')", "acl.rt.set_device args parse failed"),
        ("acl.rt.malloc(size=8, policy=0)", "malloc() takes no keyword arguments"),
    ],
)
def test_arguments_are_ints_and_strings_by_position(told, call, words):
    assert told(f"tell(error(lambda: {call}))") == f"TypeError: {words}"


def test_a_thread_without_a_context_can_do_little_and_a_foreign_one_less(told):
    assert told("""
found = []
def go():
    copied = acl.rt.memcpy(ins[1][0][0], 8, image.ctypes.data, 8, 1)
    found.append([acl.rt.get_context(), acl.rt.malloc(8, 0), copied])
    found[0].append(acl.mdl.execute(number, ins[0], outs[0]))
    ok(acl.rt.set_device(0)); found[0].append(acl.mdl.execute(number, ins[0], outs[0]))
    ok(acl.rt.set_context(ctx)); found[0].append(acl.mdl.execute(number, ins[0], outs[0]))
t = threading.Thread(target=go); t.start(); t.join(); tell(found[0])""") == [
        [0, 107002],
        [0, 107002],
        107002,
        107002,
        107004,
        0,
    ]


def test_addresses_are_those_that_were_handed_out_and_not_freed(told):
    assert told("""
ptr, _, size = ins[1][0]
copy, free, host = acl.rt.memcpy, acl.rt.free, image.ctypes.data
answers = [acl.rt.malloc(0, 0)[1], copy(ptr, 8, host, 9, 1), copy(ptr + 8, size, host, size, 1)]
answers += [copy(host, 8, host, 8, 1), copy(host, 8, host, 8, 2), copy(ptr + 8, 8, host, 8, 1)]
answers += [copy(-1, 8, host, 8, 1), free(ptr + 8), free(ptr), free(ptr), copy(ptr, 8, host, 8, 1)]
tell([*answers, acl.mdl.execute(number, ins[0], outs[0])])""") == [
        107000,
        107000,
        107000,
        107000,
        107000,
        0,
        107000,
        107000,
        0,
        107000,
        107000,
        107000,
    ]


def test_pinned_memory_and_copies_on_the_device_and_the_host_work(told):
    assert told("""
ptr, ret = acl.rt.malloc_host(image.nbytes); ok(ret)
ok(acl.rt.memcpy(ptr, image.nbytes, image.ctypes.data, image.nbytes, 0))
other, _ = acl.rt.malloc(image.nbytes, 0)
ok(acl.rt.memcpy(other, image.nbytes, ptr, image.nbytes, 1))
ok(acl.rt.memcpy(ins[1][0][0], image.nbytes, other, image.nbytes, 3))
ok(acl.mdl.execute(number, ins[0], outs[0])); first = read(outs)
tell([first == answer(number, ins, outs, image), acl.rt.free_host(ptr), acl.rt.free_host(ptr)])""") == [
        True,
        0,
        107000,
    ]


def test_destroyed_things_and_too_few_buffers_are_refused(told):
    assert told("""
empty, run, destroy = acl.mdl.create_dataset(), acl.mdl.execute, acl.mdl.destroy_dataset
answers = [run(number, empty, outs[0]), run(number, ins[0], empty)]
answers += [destroy(empty), destroy(empty), run(number, empty, outs[0])]
ok(acl.destroy_data_buffer(ins[1][0][1])); answers.append(run(number, ins[0], outs[0]))
ok(acl.mdl.destroy_desc(desc)); answers += [acl.mdl.destroy_desc(desc), acl.mdl.get_num_inputs(desc)]
ok(acl.mdl.unload(number)); answers += [acl.mdl.unload(number), acl.mdl.execute(number, ins[0], outs[0])]
tell(answers)""") == [500002, 500002, 0, 107000, 107000, 107000, 107000, 0, 145003, 145003]


def test_bytes_alone_are_looked_at_and_more_of_them_pass(told):
    assert told("""
right = answer(number, ins, outs, image)
hwc = np.ascontiguousarray(image.transpose(0, 2, 3, 1))
answers = [answer(number, ins, outs, image.view(np.int32)) == right, answer(number, ins, outs, hwc) == right,
           answer(number, ins, outs, hwc.transpose(0, 3, 1, 2)) == answer(number, ins, outs, hwc)]
large, small = dataset(2 * image.nbytes), dataset(image.nbytes - 65)
nearly = dataset(image.nbytes - 64)
feed(large, np.concatenate([image, image])); answers.append(answer(number, large, outs, image) == right)
answers += [acl.mdl.execute(number, small[0], outs[0]), "E13025" in acl.get_recent_err_msg(),
            acl.mdl.execute(number, nearly[0], outs[0])]
tell(answers)""") == [True, False, True, True, 500002, True, 0]


def test_a_thread_reads_its_own_text_once(told):
    assert told("""
acl.mdl.unload(77); found = []
t = threading.Thread(target=lambda: found.append(acl.get_recent_err_msg())); t.start(); t.join()
tell([found[0], acl.get_recent_err_msg(), acl.get_recent_err_msg()])""") == [
        None,
        "EH0001: no model 77 is loaded",
        None,
    ]


@pytest.mark.parametrize(
    ("scenario", "code", "text"),
    [
        ({"soc": "Ascend310P1"}, 500002, "supported socVersion=Ascend310P1"),
        ({"load_error": "EL0001"}, 500002, "EL0001"),
        ({"memory_mb": 0.001}, 500002, "EL0004"),
    ],
)
def test_a_model_that_does_not_load_has_a_code_and_a_text(machine, told, scenario, code, text):
    machine.install(**scenario)
    answers = told('tell([acl.mdl.load_from_file("out/model.om"), acl.get_recent_err_msg()])', "start()\n")
    assert answers[0] == [0, code] and text in answers[1]


def test_a_missing_and_a_damaged_file_differ(machine, told):
    code = 'start(); tell([acl.mdl.load_from_file(name)[1] for name in ("out/model.om", "out/none.om")])'
    machine.om.write_bytes(machine.om.read_bytes()[:-9])
    assert told(code, "") == [545002, 145002]


def test_devices_are_counted_after_visible_devices(machine, told):
    machine.install(inventory="310", soc="Ascend310P3", broken=[0])
    code = "acl.init(); tell([acl.rt.set_device(n) for n in (-1, 0, 1, 4)] + [acl.get_recent_err_msg()])"
    *codes, text = told(code, "")
    assert codes == [107001, 507033, 0, 107001] and "Invalid device ID 4" in text
    assert told(code, "", ASCEND_RT_VISIBLE_DEVICES="1,2")[:4] == [107001, 507033, 0, 107001]
    assert told(code, "", ASCEND_RT_VISIBLE_DEVICES="2,1")[:4] == [207004] * 4


def test_memory_is_of_models_and_of_buffers_and_of_the_devices_budget(machine, told):
    told("tell(0)")
    size = world.events(machine.folder, "open")[-1]["memory"]
    machine.install(memory_mb=1.5 * size / 2**20)
    assert told("""
refused = acl.mdl.load_from_file("out/model.om")[1]; text = acl.get_recent_err_msg()
none = acl.rt.malloc(size, 0) if (size := int(1e9)) else None
free(number, desc, ins, outs)
tell([refused, "EL0004" in text, none, acl.mdl.load_from_file("out/model.om")[1]])""") == [
        500002,
        True,
        [0, 207018],
        0,
    ]
