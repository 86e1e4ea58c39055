"""atc's errors: codes, their texts in the old and the new wording, and the three block formats."""

import os
import time
from collections import defaultdict

from cannsim.profiles import Profile

# code: (wording up to CANN 8, wording of CANN 9 or None when it is the same without brackets)
TEXTS = {
    "E10001": (
        "Value [{value}] for parameter [{parameter}] is invalid. Reason: {reason}",
        "Value {value} for parameter {parameter} is invalid. Reason: {reason}",
    ),
    "E10002": (
        (
            "Value [{value}] for parameter [--input_shape] is invalid. Reason: {reason}. The value must be in"
            ' the format of "input_name1:n1,c1,h1,w1;input_name2:n2,c2,h2,w2"'
        ),
        None,
    ),
    "E10004": ("Value for [{parameter}] is empty.", None),
    "E10005": (
        "Value [{value}] for parameter [{parameter}] is invalid. The value must be true or false.",
        None,
    ),
    "E10006": ("Value [{value}] for parameter [{parameter}] is invalid. The value must be 1 or 0.", None),
    "E10007": (
        "[--framework] is required. The value must be 0(Caffe) or 1(MindSpore) or 3(TensorFlow) or 5(Onnx).",
        None,
    ),
    "E10009": (
        (
            "[--dynamic_batch_size], [--dynamic_image_size], [--input_shape_range], or [--dynamic_dims] are"
            " mutually exclusive."
        ),
        None,
    ),
    "E10010": (
        "Value [{value}] for [--log] is invalid. The value must be in [debug, info, warning, error, null].",
        None,
    ),
    "E10011": (
        (
            "Value [{value}] for parameter [--input_shape] is invalid. Shape values must be positive"
            " integers. The error value in the shape is [{reason}]."
        ),
        None,
    ),
    "E10014": (
        "Value [{value}] for parameter [--input_format] is invalid, expected [NCHW, ND, NCDHW] for ONNX.",
        None,
    ),
    "E10015": ("Value [{value}] for parameter [{parameter}] is invalid, out of its list.", None),
    "E10016": (
        (
            "Opname [{value}] specified in [{parameter}] is not found in the model. Confirm whether this node"
            " name exists, or node is not split with the specified delimiter ';'."
        ),
        None,
    ),
    "E10017": ("Node [{value}] specified in [--input_shape] is not an input of type Data.", None),
    "E10018": (
        (
            "Value [{value}] for shape [{reason}] is invalid. When [--dynamic_batch_size] is included, only"
            " batch size N can be -1 in the shape."
        ),
        None,
    ),
    "E10021": ("Path [{value}] specified in [{parameter}] is too long, the maximum is 4096.", None),
    "E10022": ("Path for parameter [--output] is invalid: [{value}] does not include a file name.", None),
    "E10031": ("When [--dynamic_batch_size] is included, N of [--input_shape] must be -1.", None),
    "E10034": ("Nodes (for example, [{value}]) connected to AIPP must not be of type fp16.", None),
    "E10035": ("[--dynamic_batch_size] has [{value}] gears, at least 2 are needed.", None),
    "E10036": ("[--dynamic_batch_size] has [{value}] gears, at most 100 are allowed.", None),
    "E10038": ("[--dynamic_batch_size] holds [{value}]; every gear must be in [1, 2048].", None),
    "E10039": ("[--dynamic_batch_size] holds [{value}] twice.", None),
    "E10041": ("Failed to load file [{value}] with the ONNX parser.", None),
    "E10047": ("[{parameter}] and [{value}] are mutually exclusive.", None),
    "E10049": (
        (
            "Dimension count [{value}] of the shape for [{parameter}] in [--input_shape] differs from"
            " [{reason}], that of the model."
        ),
        None,
    ),
    "E10052": ("AIPP configuration is invalid. Reason: {reason}", None),
    "E10054": ("The required parameter [{parameter}] for ATC is empty.", None),
    "E10410": ("Cannot config parameter [{parameter}]: file [{value}] does not exist.", None),
    "E10501": ("IR for Op [{value}, optype [{reason}]] is not registered.", None),
    "E11017": ("Cannot find out_nodes [{value}] in the model.", None),
    "E13018": ("Failed to parse file [{value}] through google::protobuf::TextFormat::Parse. {reason}", None),
    "E13024": ("Value [{value}] of environment variable [{parameter}] is invalid.", None),
    "E16001": ("The model [{value}] has no graph.", None),
    "E16002": ("No ONNX parser is registered for the operators of model [{value}].", None),
    "E16004": ("Node [{value}] of the model has no parser.", None),
    "E16005": ("The model has [{value}] [--domain_version] fields, but only one is allowed.", None),
    "E19010": ("No parser is registered for Op [{value}, optype [{reason}]].", None),
    "E19999": ("Internal error!", None),
    "E20101": ("Value [{value}] of [--aicore_num] is invalid.", None),
    "E20103": ("Value [{value}] of environment variable [{parameter}] is invalid.", None),
    "E40002": ("The Python version [{value}] is not supported.", None),
    "E40020": (
        "Failed to import Python module [tbe.common]. Reason: ModuleNotFoundError: No module named 'tbe'.",
        None,
    ),
    "EZ0501": ("IR for Op [{value}, optype [{reason}]], is not registered.", None),
    "EZ3002": ("Optype [{reason}] of Ops kernel [AIcoreEngine] is unsupported. Reason: {value}.", None),
    "EZ3003": ("No supported Ops kernel and engine are found for [{value}], optype [{reason}].", None),
    "EZ9010": ("No parser is registered for Op [{value}, optype [{reason}]].", None),
    "EZ9999": ("Inner Error!", None),
    "W11001": (
        (
            "Op [{value}] does not hit the high-priority operator information library, which might result in"
            " compromised performance."
        ),
        None,
    ),
}
KINDS = {
    "E100": "Invalid_Argument",
    "E104": "File_Operation_Error",
    "E160": "Parse_Error",
    "E19": "Internal_Error",
    "EZ": "Not_Supported",
    "W1": "Execution_Warning",
}


class AtcError(Exception):
    """A conversion failed: the code, and the fields that its text names."""

    def __init__(self, code: str, reason: str = "", parameter: str = "", value: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.fields = {"reason": reason, "parameter": parameter, "value": value}


def block(error: AtcError, profile: Profile) -> str:
    """The error block as this version prints it after the verdict line."""
    old, new = TEXTS.get(error.code, ("simulated failure, no text is known for this code", None))
    text = (new or old.replace("[", "").replace("]", "")) if profile.text == "named" else old
    text = text.format_map(defaultdict(lambda: "x", error.fields))
    now, pid = time.strftime("%Y-%m-%d-%H:%M:%S.") + "817.477", os.getpid()
    if profile.text == "plain":
        first = f"{error.code}: {text}"
    elif profile.text == "pid":
        first = f"{error.code}: [PID: {pid}] {now} {text}"
    else:
        kind = next(
            (kind for start, kind in KINDS.items() if error.code.startswith(start)), "Execution_Error"
        )
        first = f"[PID: {pid}] {now} {kind}({error.code}): {text}"
    if error.code.startswith("W"):
        return first
    lines = [first]
    if error.code == "E19999":
        lines.append("Unknown error occurred. Please check the log.")
    if profile.text == "named":
        lines.append("        Possible Cause: see the reason.")
    lines += [
        "        Solution: Try again after correcting it.",
        "        TraceBack (most recent call last):",
        "        ATC model parse ret fail.[FUNC:ParseGraph][FILE:omg.cc][LINE:788]",
    ]
    return "\n".join(lines)
