"""atc's command line: which flags a version knows, how they are spelt, and what each value must be."""

import re
from pathlib import Path

from cannsim.errors import AtcError
from cannsim.profiles import Profile


def _words(text: str) -> list[str]:
    return text.split()


EVERY = _words(
    """help h framework model weight output soc_version input_format input_shape dynamic_batch_size dynamic_dims
    dynamic_image_size log insert_op_conf precision_mode op_select_implmode optypelist_for_implmode input_fp16_nodes out_nodes
    output_type enable_small_channel buffer_optimize fusion_switch_file op_compiler_cache_mode op_compiler_cache_dir
    auto_tune_mode mdl_bank_path op_bank_path mode om json debug_dir op_debug_level check_report host_env_os host_env_cpu
    virtual_type dump_mode core_type aicore_num disable_reuse_memory keep_dtype modify_mixlist op_precision_mode
    compression_optimize_conf enable_single_stream"""  # noqa: E501
)
SINCE = {
    "precision_mode_v2": 8,
    "deterministic": 6,
    "external_weight": 6,
    "jit_compile": 6,
    "input_shape_range": 5,
    "op_debug_config": 6,
    "allow_hf32": 8,
    "export_compile_stat": 8,
}
REQUIRED = ("soc_version", "output", "model")  # the order in which the newer ATC asks for them
PATHS = (
    "model",
    "output",
    "insert_op_conf",
    "debug_dir",
    "op_compiler_cache_dir",
    "fusion_switch_file",
    "op_precision_mode",
)
SAFE_PATH = re.compile(r"[A-Za-z0-9./_\-\u4e00-\u9fff]+")

PRECISION = _words(
    "force_fp16 force_fp32 cube_fp16in_fp32out allow_mix_precision allow_mix_precision_fp16 "
    "allow_mix_precision_bf16 allow_fp32_to_fp16 must_keep_origin_dtype allow_fp32_to_bf16"
)
PRECISION_V2 = _words("fp16 origin cube_fp16in_fp32out mixed_float16 mixed_bfloat16 cube_hif8 mixed_hif8")
IMPL = _words("high_precision high_performance high_precision_for_all high_performance_for_all")
TYPES = _words("FP32 FP16 UINT8 INT8 INT32 INT64 UINT32 UINT64 DOUBLE")
ENUMS = {
    "mode": ("E10001", _words("0 1 3 5 6 30")),
    "log": ("E10010", _words("debug info warning error null")),
    "enable_small_channel": ("E10006", ["0", "1"]),
    "precision_mode": ("E10001", PRECISION),
    "deterministic": ("E10001", ["0", "1"]),
    "jit_compile": ("E10001", ["0", "1", "2"]),
    "virtual_type": ("E10001", ["0", "1"]),
    "external_weight": ("E10001", ["0", "1", "2"]),
    "precision_mode_v2": ("E10001", PRECISION_V2),
    "op_select_implmode": ("E10001", IMPL),
    "buffer_optimize": ("E10001", _words("l2_optimize l1_optimize off_optimize")),
    "op_compiler_cache_mode": ("E10001", _words("disable enable force")),
}


class UnknownFlag(Exception):
    """A flag that this version does not know. There is no code for it."""


def parse(argv: list[str], profile: Profile) -> dict[str, str]:
    """The flags as name -> value: `--k=v`, `--k v`, `-k v`; a dash inside a name is an underscore."""
    found, rest = {}, list(argv)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            raise UnknownFlag(word)
        name, equals, value = word.lstrip("-").partition("=")
        name = name.replace("-", "_")
        if name not in EVERY and SINCE.get(name, 99) > profile.number:
            raise UnknownFlag(name)
        if name in ("help", "h"):
            value = "true"
        elif not equals:
            if not rest:
                raise UnknownFlag(f"{name} (no value)")
            value = rest.pop(0)
        found[name] = value
    return found


def check(flags: dict[str, str], profile: Profile) -> None:
    """Raise AtcError for the first wrong value, in the order of the contract's 9.1."""
    if "auto_tune_mode" in flags and profile.number >= 8:
        raise AtcError(
            "E10001",
            parameter="--auto_tune_mode",
            value=flags["auto_tune_mode"],
            reason="The Auto Tune function has been deprecated. Please use the AOE tool for tuning",
        )
    for name in REQUIRED:
        if not flags.get(name):
            raise AtcError("E10054", parameter=f"--{name}")
    if flags.get("framework") != "5":  # the other frameworks are real ones, but not simulated
        raise AtcError("E10007", parameter="--framework", value=flags.get("framework", ""))
    _check_enums(flags, profile)
    if "precision_mode" in flags and "precision_mode_v2" in flags:
        raise AtcError("E10047", parameter="--precision_mode", value="--precision_mode_v2")
    _check_paths(flags)
    if flags["soc_version"] not in profile.socs:
        raise AtcError(
            "E10001",
            parameter="--soc_version",
            value=flags["soc_version"],
            reason="The soc version is not supported",
        )


def _check_enums(flags: dict[str, str], profile: Profile) -> None:
    for name, (code, legal) in ENUMS.items():
        if name in flags and flags[name] not in legal:
            raise AtcError(
                code, parameter=f"--{name}", value=flags[name], reason=f"it must be in [{', '.join(legal)}]"
            )
    if flags.get("input_format", "NCHW") not in ("NCHW", "ND", "NCDHW"):
        raise AtcError(
            "E10014" if profile.text == "plain" else "E10001",
            parameter="--input_format",
            value=flags["input_format"],
            reason="it must be NCHW, ND or NCDHW for ONNX",
        )
    if "output_type" in flags and flags["output_type"].rpartition(":")[2] not in TYPES:
        raise AtcError("E10001", parameter="--output_type", value=flags["output_type"], reason="no such type")
    if "optypelist_for_implmode" in flags and "op_select_implmode" not in flags:
        raise AtcError(
            "E10001",
            parameter="--op_select_implmode",
            value="",
            reason="--optypelist_for_implmode needs --op_select_implmode",
        )
    if "host_env_os" in flags and flags["host_env_os"] != "linux":
        raise AtcError(
            "E10001", parameter="--host_env_os", value=flags["host_env_os"], reason="it must be linux"
        )


def _check_paths(flags: dict[str, str]) -> None:
    for name in PATHS:
        value = flags.get(name)
        if value is None:
            continue
        resolved = str(Path(value).resolve()) if name == "model" else value
        for text in (value, resolved):
            if not SAFE_PATH.fullmatch(text):
                raise AtcError(
                    "E10001",
                    parameter=f"--{name}",
                    value=text,
                    reason=(
                        "the path may hold only letters, digits, '.', '/', '_', '-' and Chinese characters"
                    ),
                )
        if len(value) > 4096:
            raise AtcError("E10021", parameter=f"--{name}", value=value[:64])
    for name in ("model", "insert_op_conf"):
        if name in flags and not Path(flags[name]).is_file():
            raise AtcError("E10410", parameter=f"--{name}", value=flags[name])
    if flags["output"].endswith("/"):
        raise AtcError("E10022", parameter="--output", value=flags["output"])
