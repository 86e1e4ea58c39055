"""What CANN's errors mean and what to do: from atc's codes, ACL's codes and import failures to one line.

Matched by code, never by text: the texts changed with CANN 8.0 and again with 8.5. Three forms are known:
"E10016: text", "EE1001: [PID: 7] time text" and "[PID: 7] time Invalid_Argument(E10016): text".
"""

import re
import sys

CODE = re.compile(r"\b[EW][A-Z]?\d{4,5}\b")
PREFIX = re.compile(r"^\s*(?:\[PID:\s*\d+\]\s*)?(?:\d{4}-\d\d-\d\d[-\s(]?\S*\s+)?(?:\w+\()?[EW][A-Z]?\d{4,5}\)?:\s*"
                    r"(?:\[PID:\s*\d+\]\s*)?(?:\d{4}-\d\d-\d\d\S*\s+)?")
INTERNAL = ("E19999", "EZ9999")  # they follow other codes, or say nothing
SHOWN_LINES, SHOWN_LETTERS = 4, 300

_SHAPE = ("--input_shape does not fit the model", ("look at the model's input; the build writes the shape itself, so remove "
          "shape flags from the chip's [options]"))
_GEARS = ("the dynamic batch sizes do not fit the model", ("remove dynamic_* and input_shape from the chip's [options]: one model "
          "is compiled for each batch size"))
_FLAG = ("a flag's value is not one that atc knows", "correct it under [options] in configs/chips")
_AIPP = ("the AIPP file does not fit the model or this CANN", ("compile with --input=float32, or remove AIPP and input_fp16_nodes "
         "flags from the chip's [options]"))
_MODEL = ("atc cannot read the ONNX model", "make it again: inv export --again")
_OPERATOR = ("this CANN has no such operator at this opset", "export with opset 11, or use a newer CANN")
_TBE = ("the operator compiler cannot start its Python", ("source set_env.sh of your CANN, and install for the python3 on PATH: attrs cython 'numpy<2' "
        "decorator sympy cffi pyyaml pathlib2 psutil protobuf==3.20.0 scipy requests absl-py. inv doctor tells which is missing"))
_OPP = ("the operator is not there for this chip", ("source set_env.sh (ASCEND_OPP_PATH), and with CANN 8.5 or later install the "
        "chip's ops package, such as Ascend-cann-310p-ops"))
_PYTHON = ("the python3 on PATH is too new for this CANN", "put a Python 3.7 to 3.10 first on PATH")

ATC: dict[str, tuple[str, str]] = {
    "E10001": ("a value is not one that atc takes", ("read the text: a soc_version this CANN lacks (other chip, or its ops "
               "package), letters in a path other than A-Za-z0-9._/-, or a flag that was removed")),
    "E10002": _SHAPE, "E10004": _SHAPE, "E10011": _SHAPE, "E10017": _SHAPE, "E10049": _SHAPE,
    "E10005": _FLAG, "E10006": _FLAG, "E10007": _FLAG, "E10010": _FLAG, "E10014": _FLAG, "E10015": _FLAG,
    "E10016": ("a name is not in the model", ("remove flags that name nodes or inputs from the chip's [options]; the input's name "
               "itself is read from the ONNX")),
    "E10009": _GEARS, "E10018": _GEARS, "E10031": _GEARS, "E10035": _GEARS, "E10036": _GEARS, "E10038": _GEARS,
    "E10039": _GEARS,
    "E10021": ("the output's path is too long", "set TMPDIR to a short folder"),
    "E10022": ("the output's path is a folder", "this is a bug of the build: report it with the log"),
    "E10034": _AIPP, "E10052": _AIPP, "E13018": _AIPP,
    "E10041": _MODEL, "E10410": _MODEL, "E16001": _MODEL,
    "E10047": ("precision_mode and precision_mode_v2 exclude each other", "keep one of them in the chip's [options]"),
    "E10054": ("a flag that atc needs is empty", "check soc_version in configs/chips"),
    "E10501": _OPP, "EZ3002": _OPP, "EZ3003": _OPP, "EZ0501": _OPP,
    "E11017": ("out_nodes names a node that is not in the model", "remove out_nodes from the chip's [options]"),
    "E13024": ("an environment variable has a value that CANN does not take", "read the text, correct or unset the variable"),
    "E16002": _OPERATOR, "E16004": _OPERATOR, "E19010": _OPERATOR, "EZ9010": _OPERATOR,
    "E16005": ("the ONNX has more than one opset domain", ("export again with inv export --again; a model post-processed by "
               "other tools has to lose its unused opset_import entries")),
    "E20101": ("aicore_num is not what this chip has", "remove aicore_num from the chip's [options]"),
    "E20103": ("aicore_num is not what this chip has", "remove aicore_num from the chip's [options]"),
    "E40002": _TBE, "E40020": _TBE,
    "E19999": ("an internal error of CANN", "look into its own log (plog)"),
    "EZ9999": ("an internal error of CANN", "look into its own log (plog)"),
}

# Texts without a code of their own, looked for before the codes: E40020 and E19999 follow them and say less.
ATC_TEXTS: tuple[tuple[str, tuple[str, str]], ...] = (
    ("FrameLocalsProxy", _PYTHON),
    ("np.float_", ("the numpy of the python3 on PATH is too new for this CANN", "python3 -m pip install 'numpy<2' for that python3")),
    ("libascend_hal.so", ("the driver's library is not there", ("on a machine without an NPU add <toolkit>/<arch>-linux/devlib to "
                          "LD_LIBRARY_PATH, else /usr/local/Ascend/driver/lib64/driver"))),
)

ACL: dict[int, tuple[str, str]] = {
    1: ("the model cannot be loaded: compiled for another chip, or damaged", ("compile it for this board: inv compile --again, "
        "with the --chip that npu-smi info names")),
    2: ("the device's memory does not hold the model", "end other programs on this device, or ask for smaller --bs"),
    1004: ("there is no such device", "look at inv doctor and ASCEND_RT_VISIBLE_DEVICES"),
    100000: ("ACL was given a wrong parameter", "look into CANN's own log (plog)"),
    100003: ("the model's file is not valid", "compile it again: inv compile --again"),
    107001: ("there is no such device", "look at inv doctor and ASCEND_RT_VISIBLE_DEVICES"),
    107002: ("the device's context belongs to another thread", "this is a bug of the build: report it with the log"),
    145002: ("the model's path is not valid", "compile it again: inv compile --again"),
    145003: ("the model is not loaded any more", "this is a bug of the build: report it with the log"),
    145013: ("the model has dynamic batch sizes", "remove dynamic_batch_size from the chip's [options] and compile again"),
    200000: ("the memory could not be allocated", "end other programs on this device, or ask for smaller --bs"),
    207001: ("the device's memory does not hold the model", "end other programs on this device, or ask for smaller --bs"),
    207018: ("the device's memory does not hold the model", "end other programs on this device, or ask for smaller --bs"),
    500001: ("the device failed", "look into CANN's own log (plog) and npu-smi info"),
    507008: ("the model was compiled for another chip", "compile it for this board: inv compile --again, with the --chip that npu-smi info names"),
    507011: ("the device could not execute the model", "look into CANN's own log (plog) and npu-smi info"),
    507014: ("the device's core ran into its time limit", "look at npu-smi info for the board's health; run again"),
    507015: ("the device's core failed", "look at npu-smi info for the board's health; run again"),
    507017: ("the device's CPU ran into its time limit", "look at npu-smi info for the board's health; run again"),
    507018: ("the device's CPU failed", "look at npu-smi info for the board's health; run again"),
    507033: ("the device cannot be set up: driver and firmware differ, or the board is broken", ("look at npu-smi info; reinstall "
             "driver and firmware of one release, then reboot")),
    507046: ("the device did not answer in time", "look at npu-smi info for the board's health; run again"),
    507899: ("the driver failed", "look at dmesg and npu-smi info; reboot"),
    507901: ("the connection to the device broke", "look at dmesg and npu-smi info; reboot"),
}


def of_atc(output: str) -> str:
    """atc's output -> "E10016: cause (its words). Fix", or its last lines where no code is known."""
    for text, (cause, fix) in ATC_TEXTS:
        if text in output:
            return f"{cause} ({_cut(next(line for line in output.splitlines() if text in line))}). To do: {fix}"
    lines = [line for line in output.splitlines() if line.strip()]
    coded = [(match[0], line) for line in lines for match in [CODE.search(line)] if match and match[0].startswith("E")]
    known = [(code, line) for code, line in coded if code in ATC]
    for code, line in sorted(known, key=lambda found: found[0] in INTERNAL)[:1]:
        cause, fix = ATC[code]
        said = _cut(PREFIX.sub("", line))
        said = _words_after(lines, line) if code in INTERNAL else said
        return f"{code}: {cause} ({said}). To do: {fix}"
    return "its last words: " + " | ".join(line.strip() for line in lines[-SHOWN_LINES:])[:2 * SHOWN_LETTERS]


def of_acl(error: str, printed: str = "") -> str:
    """The text of aclruntime's exception, "[107001][Error code unknown] ", with what was printed before -> cause and fix."""
    match = re.search(r"\[(-?\d+)\]\[", error)
    code = int(match[1]) if match else None
    deeper = re.search(r"\b(507008|ModelCheckCompatibility)\b", printed)
    code = 507008 if deeper else code
    said = [line.strip() for line in printed.splitlines() if "ERROR" in line or CODE.search(line)]
    words = _cut(" | ".join([error.strip(), *said[:2]]))
    if code in ACL:
        cause, fix = ACL[code]
        return f"{cause} ({words}). To do: {fix}"
    return f"{words}. To do: look into CANN's own log (plog)"


def of_import(error: str) -> str:
    """The text of the ImportError of aclruntime -> cause and fix."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if "undefined symbol" in error:
        return (f"aclruntime: its wheel and this CANN do not fit ({_cut(error)}). The wheel is of another time than CANN: take the "
                "other 0.0.2 wheel (older, or ait), or build it from Ascend/tools against this CANN")
    if "libascend_hal" in error or "libdcmi" in error or "libc_sec" in error:
        return (f"aclruntime: the driver's libraries are not found ({_cut(error)}). Add /usr/local/Ascend/driver/lib64 and its "
                "common and driver folders to LD_LIBRARY_PATH; in a container mount /usr/local/Ascend/driver")
    if ".so" in error and "cannot open shared object" in error:
        return f"aclruntime: CANN's libraries are not found ({_cut(error)}). Source set_env.sh of your CANN install"
    if "GLIBC" in error:
        return f"aclruntime: its wheel was built on a newer system ({_cut(error)}). Build it here from Ascend/tools"
    return (f"aclruntime: cannot be imported by Python {python} ({_cut(error)}). Install the wheel "
            f"aclruntime-0.0.2-cp{python.replace('.', '')}-... into {sys.prefix} (there are none for Python above 3.11)")


def _words_after(lines: list[str], line: str) -> str:
    """The line itself and the next: an internal error's code stands above its words."""
    at = lines.index(line)
    return _cut(" ".join(part.strip() for part in [PREFIX.sub("", line), *lines[at + 1: at + 3]]))


def _cut(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 3] + "..."
