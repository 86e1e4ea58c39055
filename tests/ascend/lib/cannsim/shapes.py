"""--input_shape and --dynamic_batch_size: text to numbers, and every rule between them and the model's
inputs.
"""

import re

from cannsim.errors import AtcError
from cannsim.profiles import Profile


def parse(text: str, profile: Profile) -> dict[str, list[int]]:
    """`image:8,3,224,224;other:1` -> dims by name, split at the last colon; -1 is dynamic, and so is a range
    (newer).
    """
    shapes = {}
    for part in filter(None, text.split(";")):
        name, colon, dims = part.rpartition(":")
        if not colon or not name:
            raise AtcError("E10002", value=text, reason=f"[{part}] has no colon")
        if not dims:
            raise AtcError("E10004", parameter=f"--input_shape of {name}")
        shapes[name] = [_number(word, text, profile) for word in dims.split(",")]
    if not shapes:
        raise AtcError("E10004", parameter="--input_shape")
    return shapes


def _number(word: str, text: str, profile: Profile) -> int:
    if re.fullmatch(r"\d+~\d+", word) and profile.number >= 8:
        return -1
    if not re.fullmatch(r"-?\d+", word):
        raise AtcError("E10002", value=text, reason=f"[{word}] is no number")
    if int(word) == 0 or int(word) < -1:
        raise AtcError(
            "E10011" if profile.text == "plain" else "E10001",
            parameter="--input_shape",
            value=text,
            reason=word,
        )
    return int(word)


def gears(text: str) -> list[int]:
    """`1,2,4,8` -> batch sizes: 2 to 100 of them, each in 1..2048, none twice."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(re.fullmatch(r"-?\d+", word) for word in words):
        raise AtcError(
            "E10001", parameter="--dynamic_batch_size", value=text, reason="it must be a list of numbers"
        )
    found = [int(word) for word in words]
    if len(found) < 2:
        raise AtcError("E10035", value=str(len(found)))
    if len(found) > 100:
        raise AtcError("E10036", value=str(len(found)))
    for gear in found:
        if not 1 <= gear <= 2048:
            raise AtcError("E10038", value=str(gear))
        if found.count(gear) > 1:
            raise AtcError("E10039", value=str(gear))
    return sorted(found)


def settle(
    flags: dict[str, str], inputs: dict[str, list], nodes: set[str], profile: Profile
) -> tuple[dict, list[int]]:
    """Every input's dims, and the batch gears ([] without). `inputs`: the model's, None where a dimension is
    free.
    """
    dynamic = [
        name
        for name in ("dynamic_batch_size", "dynamic_image_size", "dynamic_dims", "input_shape_range")
        if name in flags
    ]
    if len(dynamic) > 1:
        raise AtcError("E10009")
    if set(dynamic) - {"dynamic_batch_size"}:
        raise AtcError("E19999")  # real, but not simulated
    given = parse(flags["input_shape"], profile) if "input_shape" in flags else {}
    for name, dims in given.items():
        _check_name(name, dims, inputs, nodes)
    shapes = {name: given.get(name, dims) for name, dims in inputs.items()}
    for dims in shapes.values():
        if None in dims:
            raise AtcError(
                "E10001",
                parameter="--input_shape",
                value="NULL",
                reason="The shapes of inputs contain -1 in the model, set it with --input_shape",
            )
    return shapes, _gears(flags, shapes, profile)


def _check_name(name: str, dims: list[int], inputs: dict[str, list], nodes: set[str]) -> None:
    if name not in inputs:
        raise AtcError("E10017" if name in nodes else "E10016", value=name, parameter="--input_shape")
    own = inputs[name]
    if len(own) != len(dims):
        raise AtcError("E10049", parameter=name, value=str(len(dims)), reason=str(len(own)))
    for want, have in zip(dims, own, strict=True):
        if have is not None and want not in (have, -1):
            raise AtcError(
                "E10001",
                parameter="--input_shape",
                value=f"{name}:{','.join(map(str, dims))}",
                reason=f"the model fixes this dimension to {have}",
            )


def _gears(flags: dict[str, str], shapes: dict[str, list[int]], profile: Profile) -> list[int]:
    if "dynamic_batch_size" in flags:
        if not any(dims and dims[0] == -1 for dims in shapes.values()):
            raise AtcError("E10031")
        for name, dims in shapes.items():
            if -1 in dims[1:]:
                raise AtcError("E10018", value=name, reason=",".join(map(str, dims)))
        return gears(flags["dynamic_batch_size"])
    if any(-1 in dims for dims in shapes.values()) and profile.number < 6:
        raise AtcError("E10011", value=flags.get("input_shape", ""), reason="-1")
    return []
