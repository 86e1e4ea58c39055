"""Errors of CANN become one line with the cause and the fix, whatever the version's text."""

import sys

import pytest

from backends.ascend import error_codes, error_text

FORMS = {
    "cann6": (
        "ATC run failed, Please check the detail log, Try 'atc --help' for more information\n"
        "{code}: {text}\n        Solution: try something\n        TraceBack (most recent call last):\n"
        "        Model parse failed.[FUNC:Parse][FILE:a.cc][LINE:905]\n"
    ),
    "cann8": (
        "ATC run failed, Please check the detail log, Try 'atc --help' for more information\n"
        "{code}: [PID: 106] 2025-10-30-08:21:08.817.477 {text}\n        Solution: try something\n"
    ),
    "cann9": (
        "ATC run failed, Please check the detail log, Try 'atc --help' for more information\n"
        "[PID: 123] 2026-01-02-08:21:08.817.477 Some_Title({code}): {text}\n        Possible Cause: x\n"
    ),
    "cann9, a blank": "ATC run failed\n[PID: 123] 2026-01-02 03:04:05.678 Invalid_Argument({code}): {text}\n",
    "cann9, no PID": "ATC run failed\n2026-01-02 03:04:05.678 Invalid_Argument({code}): {text}\n",
    "cann8, a blank": "ATC run failed\n{code}: [PID: 106] 2025-10-30 08:21:08.817.477 {text}\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("code", [code for code in error_codes.ATC if code not in error_codes.INTERNAL])
def test_every_code_in_every_form_gives_cause_words_and_fix(form, code):
    block = FORMS[form].format(code=code, text="Value [x] for parameter [y] is invalid.")
    line = error_text.of_atc("W11001: Op [X] is slow.\n" + block)
    _, cause, fix = error_codes.ATC[code]
    assert line == f"{code}: {cause} (Value [x] for parameter [y] is invalid). To do: {fix}"


def test_the_table_has_every_code_of_the_contract():
    needed = (
        "E10001 E10002 E10004 E10049 E10007 E10010 E10005 E10006 E10014 E10015 E10016 E10018 E10031 E10035"
        " E10036 E10038 E10039 E10009 E10034 E10052 E13018 E10041 E16001 E16002 E16004 E16005 E19010 EZ9010"
        " EZ3002 EZ3003 EZ0501 E10501 E40020 E40002 E20101 E20103 E13024 E19999 EZ9999 E10021 E10022 E10054"
        " E10410 E10047 E11017 E10017 E10011"
    )
    assert set(needed.split()) <= set(error_codes.ATC)


def test_an_internal_error_after_another_is_not_the_cause():
    text = "E19999: Inner Error!\n        TraceBack\nE40020: Failed to import Python module tbe.common.\n"
    assert error_text.of_atc(text).startswith("E40020")


def test_an_internal_error_alone_shows_the_words_below_it():
    line = error_text.of_atc("ATC run failed\nE19999: Inner Error!\n        GraphManager failed to build\n")
    assert line.startswith("E19999") and "GraphManager failed to build" in line


def test_an_unknown_code_shows_the_last_lines():
    line = error_text.of_atc("ATC start working now\nATC run failed\nE99998: the moon is wrong\n")
    assert "E99998: the moon is wrong" in line and "\n" not in line


def test_an_unknown_code_comes_before_the_last_lines_and_before_an_internal_error():
    text = "E19999: Inner Error!\nW11001: slow\nEZ1234: the moon is wrong\n" + "        TraceBack\n" * 9
    line = error_text.of_atc(text)
    assert line.startswith("EZ1234: the moon is wrong; its last words: TraceBack")


@pytest.mark.parametrize("output", ["", "\n  \n"])
def test_no_output_at_all_is_said(output):
    assert error_text.of_atc(output) == "it printed nothing"


def test_a_known_code_says_more_than_a_missing_library():
    line = error_text.of_atc(
        "libascend_hal.so: cannot open shared object file\nATC run failed\nE10016: Opname [x] is not found.\n"
    )
    assert line.startswith("E10016")


@pytest.mark.parametrize("code", error_codes.WEAK)
def test_a_missing_library_says_more_than_a_code_that_follows_everything(code):
    assert "devlib" in error_text.of_atc(
        f"{code}: Inner Error!\nlibascend_hal.so: cannot open shared object file\n"
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("TypeError: cannot pickle 'FrameLocalsProxy' object", "put a Python 3.7 to 3.11 first"),
        ("AttributeError: `np.float_` was removed in NumPy 2.0", "numpy<2"),
        ("libascend_hal.so: cannot open shared object file", "devlib"),
    ],
)
def test_texts_without_a_code_are_known_before_the_code_that_follows_them(text, word):
    line = error_text.of_atc(f"{text}\nATC run failed\nE40020: Failed to import Python module\n")
    assert word in line and "E40020" not in line


@pytest.mark.parametrize("code", error_codes.ACL)
def test_every_acl_code_gives_cause_words_and_fix(code):
    line = error_text.of_acl(f"[{code}][Error code unknown] ")
    assert error_codes.ACL[code].cause in line and str(code) in line and "To do: " in line


def test_a_model_for_another_chip_is_told_from_a_damaged_one():
    printed = (
        "[ACL ERROR] EE1001: ModelCheckCompatibility failed, supported socVersion=Ascend910B2, "
        "but the model socVersion=Ascend910B\n"
        "[ERROR] load model from file failed, model file is x.om\n"
    )
    line = error_text.of_acl("[1][ACL: invalid parameter] ", printed)
    assert "compiled for another chip" in line and "socVersion=Ascend910B2" in line


LOAD = "[ERROR] load model from file failed, model file is x.om\n[WARN] Check failed:processModel, ret:1\n"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("EL0004: Failed to allocate memory.", "memory does not hold the model"),
        ("EL0004: [PID: 7] 2026-01-02-03:04:05.678.901 Failed to allocate memory.", "memory does not hold"),
        ("[PID: 7] 2026-01-02-03:04:05.678.901 Memory_Allocation(EL0004): Failed.", "memory does not hold"),
        ("EL0001: Failed to execute.", "the device cannot be used"),
        ("EL0003: The argument is invalid.", "the device cannot be used"),
        ("EL0003: open device 0 failed,runtime result = 507033.", "the device cannot be set up"),
        ("EL0003: x.\n TraceBack: call failed, result = 500001", "the device cannot be used"),
        ("EE2002: Value 1,0 for environment variable ASCEND_RT_VISIBLE_DEVICES.", "an environment variable"),
        ("EE2002: Value 1,0 is invalid, result = 207004", "an environment variable"),
        ("E10001: Value Ascend310P1 for parameter soc_version is invalid.", "compiled for another chip"),
        (
            "E10001: Value [Ascend310P1] for parameter [--soc_version] is invalid.",
            "compiled for another chip",
        ),
        ("E10001: Value x is invalid.\nReason: the soc_version of the model", "compiled for another chip"),
        ("GE: Model soc version is not support in this device.", "compiled for another chip"),
        ("EE1001: the model file is missing or damaged", "compiled for another chip, or damaged"),
    ],
)
def test_the_cause_of_a_failed_load_is_in_acls_text(text, cause):
    assert cause in error_text.of_acl("[1][ACL: invalid parameter] ", f"{text}\n{LOAD}").partition(" (")[0]


def test_memory_that_runs_out_in_a_run_is_told_from_a_failure():
    printed = "EL0004: Failed to allocate memory.\n[ERROR] execute model failed, modelId is 1\n"
    assert "memory does not hold" in error_text.of_acl("[-1][ACL: general failure] ", printed)


def test_no_visible_device_is_in_the_table():
    assert "ASCEND_RT_VISIBLE_DEVICES" in error_text.of_acl("[207004][Error code unknown] ")


def test_an_unknown_acl_code_keeps_its_words():
    assert "[424242][Error code unknown]" in error_text.of_acl("[424242][Error code unknown] ")


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ("libascendcl.so: cannot open shared object file: No such file or directory", "set_env.sh"),
        ("libascend_hal.so: cannot open shared object file: No such file or directory", "driver"),
        ("libgraph.so: cannot open shared object file: No such file or directory", "set_env.sh"),
        (
            "libpython3.9.so.1.0: cannot open shared object file: No such file or directory",
            "for another Python",
        ),
        (
            "libgomp.so.1: cannot open shared object file: No such file or directory",
            "package that has libgomp.so.1",
        ),
        (
            "libacl.so.1: cannot open shared object file: No such file or directory",
            "package that has libacl.so.1",
        ),
        ("/x/aclruntime.so: undefined symbol: aclrtSetDeviceSatMode", "other 0.0.2 wheel"),
        ("/lib64/libc.so.6: version `GLIBC_2.34' not found", "built on a newer system"),
        ("No module named 'aclruntime'", "aclruntime-0.0.2-cp311-*.whl into wheels/"),
    ],
)
def test_every_known_import_failure_has_its_fix(monkeypatch, error, word):
    monkeypatch.setattr(error_text.sys, "version_info", (3, 11, 7))
    line = error_text.of_import(error)
    assert line.startswith("aclruntime: ") and word in line and error in line


@pytest.mark.parametrize("error", ["libpython3.9.so.1.0: cannot open shared object file", "bad magic number"])
def test_a_python_without_wheels_is_told_of_canns_own_acl_and_of_no_older_python(monkeypatch, error):
    monkeypatch.setattr(error_text.sys, "version_info", (3, 13, 1))
    absent, forced, broken = (
        error_text.wheel_advice(),
        error_text.wheel_advice(forced=True),
        error_text.of_import(error),
    )
    assert absent.startswith(
        "It has no wheel for Python 3.13: CANN's own acl does without, source set_env.sh"
    )
    assert "leave runtime out of the chip's file" in forced and "set_env" not in forced
    assert broken.endswith(f"CANN's own acl does without: {sys.executable} -m pip uninstall aclruntime")
    assert not [text for text in (absent, forced, broken) if "3.11" in text or "venv .venv" in text]


@pytest.mark.parametrize("library", ["libpython3.9.so.1.0", "libgomp.so.1"])
def test_a_library_of_others_is_not_looked_for_in_cann(library):
    assert "set_env" not in error_text.of_import(
        f"{library}: cannot open shared object file: No such file or directory"
    )


def test_a_device_that_does_not_open_points_to_the_others():
    assert "--devices=" in error_text.of_acl("[507033][Error code unknown] ")
