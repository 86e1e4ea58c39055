"""The operators of a model, as far as the cache of compiled ones changes them: what they were tuned and
compiled with.

A kept operator is taken as it is: of an earlier Python, untuned, for other flags (GE,
--op_compiler_cache_mode and --aicore_num). `force` throws the kept ones away first.
"""

import json
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

BANKS = ("op_bank_path", "mdl_bank_path")


def compiled(flags: dict[str, str]) -> dict:
    """{"python", "tuned", "aicore_num"} that the operators of this conversion have."""
    mode = flags.get("op_compiler_cache_mode", "disable")
    if mode not in ("enable", "force") or flags.get("op_debug_level", "0") != "0":
        return _now(flags)
    folder = (
        flags.get("op_compiler_cache_dir") or os.environ.get("ASCEND_CACHE_PATH") or Path.home() / "atc_data"
    )
    kept = Path(folder) / "kernel_cache"
    if mode == "force":
        shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True, exist_ok=True)
    words = [Path(flags["model"]).read_bytes().hex(), flags["soc_version"], flags.get("input_shape")]
    path = kept / f"{sha256(json.dumps(words).encode()).hexdigest()[:16]}.json"
    if not path.exists():
        path.write_text(json.dumps(_now(flags)))
    return json.loads(path.read_text())


def _now(flags: dict[str, str]) -> dict:
    tuned = bool(set(BANKS) & set(flags) or os.environ.get("TUNE_BANK_PATH"))
    return {"python": _python(), "tuned": tuned, "aicore_num": flags.get("aicore_num")}


def _python() -> str | None:
    """The version of the python3 on PATH, which compiles operators."""
    path = shutil.which("python3")
    if path is None:
        return None
    words = [path, "-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
