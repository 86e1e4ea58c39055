"""CANN's error codes with what they mean and what to do: atc's, ACL's, and texts that have no code of their
own.
"""

from typing import NamedTuple

from pipeline.text import INV


class Known(NamedTuple):
    """What one or more codes (or a text) mean, and what to do about it."""

    codes: str
    cause: str
    fix: str


_ATC = (
    Known(
        "E10001",
        "a value is not one that atc takes",
        "read the text: a soc_version this CANN lacks (another chip, or its ops package), letters in a path"
        " other than A-Za-z0-9._/-, or a flag that was removed",
    ),
    Known(
        "E10002 E10004 E10011 E10017 E10049",
        "--input_shape does not fit the model",
        "remove shape flags from the chip's [options]: the build writes the shape itself",
    ),
    Known(
        "E10005 E10006 E10007 E10010 E10014 E10015",
        "a flag's value is not one that atc knows",
        "correct it under [options] in configs/chips",
    ),
    Known(
        "E10009 E10018 E10031 E10035 E10036 E10038 E10039",
        "the dynamic batch sizes do not fit the model",
        "remove dynamic_* from the chip's [options]: one model is compiled for each batch size",
    ),
    Known(
        "E10016",
        "a name is not in the model",
        "remove flags that name nodes or inputs from the chip's [options]; the input's own is read from the"
        " ONNX",
    ),
    Known("E10021", "the output's path is too long", "set TMPDIR to a short folder"),
    Known("E10022", "the output's path is a folder", "this is a bug of the build: report it with the log"),
    Known(
        "E10034 E10052 E13018",
        "the AIPP file does not fit the model or this CANN",
        "compile with --input=float32, or remove AIPP and input_fp16_nodes flags from the chip's [options]",
    ),
    Known("E10041 E10410 E16001", "atc cannot read the ONNX model", f"make it again: {INV} export --again"),
    Known(
        "E10047",
        "precision_mode and precision_mode_v2 exclude each other",
        "keep one in the chip's [options]",
    ),
    Known("E10054", "a flag that atc needs is empty", "check soc_version in configs/chips"),
    Known(
        "E10501 EZ3002 EZ3003 EZ0501",
        "the operator is not there for this chip",
        "source set_env.sh (ASCEND_OPP_PATH), and with CANN 8.5 or later install the chip's ops package, such"
        " as Ascend-cann-310p-ops",
    ),
    Known(
        "E11017",
        "out_nodes names a node that is not in the model",
        "remove out_nodes from the chip's [options]",
    ),
    Known(
        "E13024",
        "an environment variable has a value that CANN does not take",
        "correct or unset the variable",
    ),
    Known(
        "E16002 E16004 E19010 EZ9010",
        "this CANN has no such operator at this opset",
        "export with opset 11, or use a newer CANN",
    ),
    Known(
        "E16005",
        "the ONNX has more than one opset domain",
        f"export again: {INV} export --again; a model that other tools worked on has to lose unused"
        " opset_import entries",
    ),
    Known(
        "E20101 E20103", "aicore_num is not what this chip has", "remove aicore_num from the chip's [options]"
    ),
    Known(
        "E40002 E40020",
        "the operator compiler cannot start its Python",
        "source set_env.sh of your CANN, and install for the python3 on PATH: attrs cython 'numpy<2'"
        f" decorator sympy cffi pyyaml pathlib2 psutil protobuf==3.20.0 scipy requests absl-py; {INV} doctor"
        " tells which is missing",
    ),
    Known("E19999 EZ9999", "an internal error of CANN", "look into its own log (plog)"),
)

# Looked for before the codes in WEAK, after all others: a warning about a library is in many outputs.
ATC_TEXTS = (
    Known(
        "FrameLocalsProxy",
        "the python3 on PATH is too new for this CANN: 3.13 and later have this type",
        "put a Python 3.7 to 3.11 first on PATH",
    ),
    Known(
        "np.float_",
        "the numpy of the python3 on PATH is too new for this CANN",
        "python3 -m pip install 'numpy<2' for that python3",
    ),
    Known(
        "libascend_hal.so",
        "the driver's library is not there",
        "on a machine without an NPU add <toolkit>/<arch>-linux/devlib to LD_LIBRARY_PATH, else "
        "/usr/local/Ascend/driver/lib64/driver",
    ),
)

OTHER_CHIP = f"compile it for this board: {INV} compile --again, with the --chip that npu-smi info names"
MEMORY = Known(
    "2 200000 207001 207018",
    "the device's memory does not hold the model",
    "end other programs on this device, or ask for smaller --bs",
)
FOREIGN = Known("507008", "the model was compiled for another chip", OTHER_CHIP)

_ACL = (
    Known(
        "1",
        "the model cannot be loaded: compiled for another chip, or damaged",
        f"{OTHER_CHIP}; else look into CANN's own log (plog)",
    ),
    MEMORY,
    Known(
        "207004",
        "ACL sees no device: ASCEND_RT_VISIBLE_DEVICES is out of order, has a double, or names none",
        "unset it, or name logical ids, each once, ascending, without spaces: 0,1",
    ),
    Known("1004 107001", "there is no such device", f"look at {INV} doctor and ASCEND_RT_VISIBLE_DEVICES"),
    Known("100000 107000 145000", "ACL was given a wrong parameter", "look into CANN's own log (plog)"),
    Known(
        "100001 100037",
        "ACL was ended in this process",
        "this is a bug of the build: report it with the log",
    ),
    Known(
        "100003 145002 545002", "the model's file is not valid", f"compile it again: {INV} compile --again"
    ),
    Known(
        "107002 107004",
        "the device's context belongs to another thread",
        "this is a bug of the build: report it with the log",
    ),
    Known("145003", "the model is not loaded any more", "this is a bug of the build: report it with the log"),
    Known(
        "145013",
        "the model has dynamic batch sizes",
        "remove dynamic_batch_size from the chip's [options] and compile again",
    ),
    Known(
        "500001 500002 545000 545001", "the device failed", "look into CANN's own log (plog) and npu-smi info"
    ),
    FOREIGN,
    Known(
        "507011", "the device could not execute the model", "look into CANN's own log (plog) and npu-smi info"
    ),
    Known(
        "507014 507017 507046",
        "the device did not answer in time",
        "look at npu-smi info for the board's health; run again",
    ),
    Known("507015", "the device's AI core failed", "look at npu-smi info for the board's health; run again"),
    Known("507018", "the device's AI CPU failed", "look at npu-smi info for the board's health; run again"),
    Known(
        "507033",
        "the device cannot be set up: driver and firmware differ, or the board is broken",
        "look at npu-smi info, reinstall driver and firmware of one release, then reboot; where other devices"
        " work, name them: --devices=0,2",
    ),
    Known("507899", "the driver failed", "look at dmesg and npu-smi info; reboot"),
    Known("507901", "the connection to the device broke", "look at dmesg and npu-smi info; reboot"),
)

# Every load that fails is [1] and every run [-1]: the cause is in ACL's own text alone, found by these
# patterns; the first counts. Codes of six digits come after these and before those of ACL_WEAK_TEXTS.
ACL_TEXTS = (
    Known(
        r"ModelCheckCompatibility|Model soc version|E10001[^\n]*\n?[^\n]*soc_?version",
        FOREIGN.cause,
        FOREIGN.fix,
    ),
    Known("EL0004", MEMORY.cause, MEMORY.fix),
    Known(
        "EE2002",
        "an environment variable has a value that ACL does not take",
        "correct or unset the variable that it names; ASCEND_RT_VISIBLE_DEVICES takes logical ids, each once,"
        " ascending: 0,1",
    ),
)
ACL_WEAK_TEXTS = (
    Known(
        "EL0001|EL0003",
        "the device cannot be used: busy, lost, or its driver failed",
        "look at npu-smi info, its health and dmesg; where other devices work, name them: --devices=0,2",
    ),
)
ACL_WEAK = (
    100000,
    107000,
    145000,
    500001,
    500002,
    545000,
    545001,
)  # they say that something failed, not what

NO_CHIP = Known(  # what 507008 means when ACL is set up: there is no model yet
    "507008",
    "ACL finds no chip on this machine",
    "look at npu-smi info; in a container mount /usr/local/Ascend/driver, and give it the devices"
    " (docs/ascend.md)",
)

INTERNAL = ("E19999", "EZ9999")  # they follow other codes, or say nothing
WEAK = ("E40020", *INTERNAL)  # they say less than a text that stands with them
ATC = {code: known for known in _ATC for code in known.codes.split()}
ACL = {int(code): known for known in _ACL for code in known.codes.split()}
