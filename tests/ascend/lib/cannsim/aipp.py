"""The AIPP file: a reader of protobuf's text format with the fields' types and ranges, and what the settings
must fulfil.
"""

import re

from cannsim.errors import AtcError

TOKEN = re.compile(
    r"\s+|\#[^\n]*|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?f?)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<mark>[{}:,;<>])"
)
MODES = ("static", "dynamic", "undefined")
FORMATS = ("YUV420SP_U8", "XRGB8888_U8", "RGB888_U8", "YUV400_U8", "NC1HWC0DI_FP16", "ARGB8888_U8", "YUYV_U8")
CHANNELS = range(4)
FIELDS = {
    "aipp_mode": MODES,
    "input_format": FORMATS,
    "related_input_rank": "int",
    "related_input_name": "text",
    "src_image_size_w": "int",
    "src_image_size_h": "int",
    "max_src_image_size": "int",
    "load_start_pos_w": "int",
    "load_start_pos_h": "int",
    "crop_size_w": "int",
    "crop_size_h": "int",
    **dict.fromkeys(
        ("crop", "padding", "csc_switch", "rbuv_swap_switch", "ax_swap_switch", "resize"), "bool"
    ),
    **{f"{side}_padding_size": "int" for side in ("left", "right", "top", "bottom")},
    **{f"mean_chn_{c}": "int" for c in CHANNELS},
    **{f"min_chn_{c}": "float" for c in CHANNELS},
    **{f"var_reci_chn_{c}": "floats" for c in CHANNELS},
    **{f"matrix_r{r}c{c}": "int" for r in range(3) for c in range(3)},
    **{f"{way}_bias_{c}": "int" for way in ("input", "output") for c in range(3)},
}
RANGES = {
    "src_image_size_w": (0, 4096),
    "src_image_size_h": (0, 4096),
    **{f"{side}_padding_size": (0, 32) for side in ("left", "right", "top", "bottom")},
    **{f"mean_chn_{c}": (0, 255) for c in CHANNELS},
}


def read(path: str) -> list[dict]:
    """Every `aipp_op { ... }` of the file as field -> value; var_reci_chn_* as lists."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    tokens, place = [], 0
    while place < len(text):
        found = TOKEN.match(text, place)
        if not found:
            raise _bad(path, f"unexpected character {text[place]!r}")
        if found.lastgroup:
            tokens.append((found.lastgroup, found[0]))
        place = found.end()
    operators = []
    while tokens:
        if tokens.pop(0)[1] != "aipp_op":
            raise _bad(path, "expected aipp_op")
        if tokens and tokens[0][1] == ":":
            tokens.pop(0)
        if not tokens or tokens.pop(0)[1] != "{":
            raise _bad(path, "expected {")
        operators.append(_fields(tokens, path))
    if not operators:
        raise _bad(path, "no aipp_op")
    return operators


def _bad(path: str, reason: str) -> AtcError:
    return AtcError("E13018", value=path, reason=reason)


def _fields(tokens: list[tuple[str, str]], path: str) -> dict:
    values: dict = {}
    while tokens:
        kind, name = tokens.pop(0)
        if name == "}":
            return values
        if name in (",", ";"):
            continue
        if kind != "word" or name not in FIELDS:
            raise _bad(path, f'Message type "domi.AippOpParams" has no field named "{name}".')
        if len(tokens) < 2 or tokens.pop(0)[1] != ":":
            raise _bad(path, 'expected ":"')
        value = _value(name, *tokens.pop(0), path)
        if FIELDS[name] == "floats":
            values.setdefault(name, []).append(value)
        elif name in values:
            raise _bad(path, f'Non-repeated field "{name}" is specified multiple times.')
        else:
            values[name] = value
    raise _bad(path, "expected }")


def _value(name: str, kind: str, word: str, path: str):
    want = FIELDS[name]
    if isinstance(want, tuple) and word in want:
        return word
    if want == "bool" and word in ("true", "false", "1", "0", "t", "f"):
        return word in ("true", "1", "t")
    if want == "text" and kind == "text":
        return word[1:-1]
    if want == "int" and kind == "number" and re.fullmatch(r"-?\d+", word):
        return int(word)
    if want in ("float", "floats") and kind == "number":
        return float(word.rstrip("f"))
    raise _bad(path, f"field {name}: {word} is not of its type")


def settle(operator: dict, height: int, width: int) -> dict:
    """What the om holds of it: source size, crop window, swap, and per channel mean, min and var, for a model
    of HxW.
    """

    def refuse(reason: str) -> AtcError:
        return AtcError("E10052", reason=reason)

    if operator.get("aipp_mode") not in ("static", "dynamic"):
        raise refuse("When insert AIPP op, aipp_mode must be configured as static or dynamic")
    if "input_format" not in operator:
        raise refuse("Input format of AIPP conf is undefined")
    for name, (low, high) in RANGES.items():
        if not low <= operator.get(name, low) <= high:
            raise refuse(f"{name} is {operator[name]}, not in [{low}, {high}]")
    for c in CHANNELS:
        if len(operator.get(f"var_reci_chn_{c}", [])) > 1:
            raise refuse(f"var_reci_chn_{c} can not be configed repeatedly")
    unsupported = [
        name for name in ("csc_switch", "padding", "ax_swap_switch", "resize") if operator.get(name)
    ]
    if operator["input_format"] != "RGB888_U8" or operator["aipp_mode"] != "static" or unsupported:
        raise refuse(
            f"the simulator computes static RGB888_U8 only, without {unsupported or 'other formats'}"
        )
    source = [operator.get(f"src_image_size_{side}", 0) for side in "hw"]
    if operator.get("crop"):
        if 0 in source:
            raise refuse("src_image_size must be configured when crop is true")
        start = [operator.get(f"load_start_pos_{side}", 0) for side in "hw"]
        size = [
            operator.get(f"crop_size_{side}", 0) or model
            for side, model in zip("hw", (height, width), strict=True)
        ]
    else:
        source = [given or model for given, model in zip(source, (height, width), strict=True)]
        start, size = [0, 0], source
    if any(
        first < 0 or first + length > whole for first, length, whole in zip(start, size, source, strict=True)
    ):
        raise refuse(f"crop window {start}+{size} leaves the source {source}")
    if size != [height, width]:
        raise refuse(f"the output of AIPP is {size}, the model's input [{height}, {width}]")
    return {
        "source": source,
        "start": start,
        "size": size,
        "swap": operator.get("rbuv_swap_switch", False),
        "mean": [operator.get(f"mean_chn_{c}", 0) for c in range(3)],
        "min": [operator.get(f"min_chn_{c}", 0.0) for c in range(3)],
        "var": [operator.get(f"var_reci_chn_{c}", [1.0])[0] for c in range(3)],
    }
