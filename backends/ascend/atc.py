"""Compile an ONNX model with atc, CANN's compiler, for one batch size. Needs CANN, never a board."""

import glob
import os
import re
import shlex
import shutil
import tempfile

from backends import CompileTarget
from backends.ascend import aipp, cann, error_text, operator_cache
from backends.ascend.operator_cache import SAFE_PATH
from pipeline import process
from pipeline.errors import BuildError, StepError
from pipeline.parts import protect

# seconds on a server, minutes on an arm board, hours on a 310B dev kit with little memory
TIMEOUT_S = 2 * 3600.0
SUCCESS = "ATC run success"
MODE = 0o640  # ais_bench refuses a model that others may write; atc leaves 0600
V2_SINCE = (7, 0)  # some 6.3 builds have precision_mode_v2 too; precision_mode is taken everywhere
PRECISION = {"fp16": ("force_fp16", "fp16"), "fp32": ("force_fp32", "cube_fp16in_fp32out")}
OURS = (
    "model",
    "framework",
    "output",
    "soc_version",
    "input_format",
    "input_shape",
    "insert_op_conf",
    "mode",
    "dynamic_batch_size",
    "dynamic_image_size",
    "dynamic_dims",
)


def compile_onnx(source: str, out: str, batch: int, target: CompileTarget) -> None:
    """Write the .om for this batch size to `out`, the whole log of the conversion beside it (model name +
    .log).

    Of `target` the precision is "fp16" or "fp32", the options are further flags of atc, without dashes, and
    the log is a path where that lies elsewhere. BuildError without atc and for options that cannot be;
    StepError when atc fails.
    """
    if shutil.which("atc") is None:
        raise BuildError(
            f"atc: not on PATH, needed to compile for {target['soc_version']}. "
            "Source set_env.sh of your CANN install"
        )
    log = str(target.get("log") or _log_beside(out))
    name = _input_name(source)
    # a folder of its own: atc leaves kernel_meta and reports in the current one, and takes few letters in a
    # path
    with tempfile.TemporaryDirectory(prefix="atc-", dir=safe_folder()) as folder:
        # a link's target would be checked for letters too
        shutil.copyfile(source, os.path.join(folder, "model.onnx"))
        uint8 = target["input"] == "uint8"
        if uint8:
            _write(
                os.path.join(folder, "aipp.cfg"),
                aipp.text(target["resolution"], target["mean"], target["std"]),
            )
        cache = operator_cache.folder(_options(target))
        argv = command(folder, name, batch, target, cann.version(), cache)
        _write(log, f"{shlex.join(argv)}\nin {folder}, CANN {cann.version() or 'of unknown version'}\n")
        if uint8:
            _append(log, os.path.join(folder, "aipp.cfg"))
        _run(argv, folder, log)
        models = [path for path in glob.glob(f"{glob.escape(folder)}/model*.om") if os.path.getsize(path)]
        if len(models) != 1:
            raise StepError(
                f"atc said success, but left {len(models)} models of more than 0 bytes, not 1. "
                f"Whole log: {log}"
            )
        shutil.copyfile(models[0], out)  # moved it would be atc's 0600, whatever the umask
    protect(out, MODE)


def command(
    folder: str, name: str, batch: int, target: CompileTarget, version: str | None, cache: str | None
) -> list[str]:
    """atc's command line, a word an argument; the chip file's options come last and replace ours of the same
    name.
    """
    side = target["resolution"]
    options = _options(target)
    refused = sorted(set(options) & set(OURS))
    if refused:
        raise BuildError(
            f"{refused[0]}: not an option of a chip's file, the build sets it itself. "
            "Remove it from [options]"
        )
    flags = {
        "framework": "5",
        "model": f"{folder}/model.onnx",
        "output": f"{folder}/model",
        "soc_version": target["soc_version"],
        "input_format": "NCHW",
        "input_shape": f"{name}:{batch},3,{side},{side}",
    }
    if target["input"] == "uint8":
        flags["insert_op_conf"] = f"{folder}/aipp.cfg"
    if not {"precision_mode", "precision_mode_v2"} & set(options):
        flags.update(precision(target["precision"], version))
    flags["log"] = "error"
    cache = None if operator_cache.is_tuned(options) else cache
    flags["op_compiler_cache_mode"] = "enable" if cache else "disable"
    if cache:
        flags["op_compiler_cache_dir"] = cache
    flags.update(sorted(options.items()))
    return ["atc", *(f"--{key}={value}" for key, value in flags.items())]


def _options(target: CompileTarget) -> dict[str, str]:
    """The chip file's options by atc's names for them, and what a slice of a chip needs, which they may
    replace.
    """
    switch = next((key for key, value in target["options"].items() if isinstance(value, bool)), None)
    if switch is not None:
        raise BuildError(
            f"{switch}: true and false are no words of atc's; expected what it takes, in quotes, such as"
            f' {switch} = "1" under [options]'
        )
    sliced = {"virtual_type": "1"} if target.get("slice") else {}  # such a model runs on every slice
    named = {key.lstrip("-").replace("-", "_"): str(value) for key, value in target["options"].items()}
    return {**sliced, **named}


def precision(name: str, version: str | None) -> dict[str, str]:
    """The flag for this precision in this CANN's words; an unknown version gets the flag that all know.

    "fp32" asks for what the chip can: its matrix unit still takes fp16 and sums in fp32.
    """
    if name not in PRECISION:
        raise BuildError(
            f"--precision={name}: atc makes {' or '.join(PRECISION)} of an ONNX model; "
            "int8 needs a quantised one"
        )
    old, new = PRECISION[name]
    return {"precision_mode_v2": new} if cann.number(version) >= V2_SINCE else {"precision_mode": old}


def _run(argv: list[str], folder: str, log: str) -> None:
    """Run atc. It has succeeded when it exits with 0 and says so; each of the two alone has been seen on
    failures.
    """
    from_here = os.path.getsize(log)
    env, timeout_s = cann.compiler_environment(), _timeout_s()
    try:
        done = process.run(argv, cwd=folder, env=env, timeout_s=timeout_s, log=log, leftovers=folder)
    except OSError as error:
        raise BuildError(f"atc: cannot be started: {error}. Source set_env.sh of your CANN install") from None
    with open(log, encoding="utf-8", errors="replace") as file:
        file.seek(from_here)
        output = file.read()
    whole = f"Whole log: {log}; CANN's own: {cann.log_folder(env)}"
    if done.timed_out:
        raise StepError(
            f"atc did not end within {timeout_s:.0f} s and was ended with all its processes. A small board "
            "needs a swap file, --jobs=1 and TE_PARALLEL_COMPILER=1, or more time: ATC_TIMEOUT_S=20000; or "
            f"compile on a server and bring the model. {whole}"
        )
    if done.killed_by:
        memory = ", by the kernel when memory runs out: lower --jobs, set TE_PARALLEL_COMPILER=1, or add swap"
        raise StepError(
            f"atc was killed by signal {done.killed_by}{memory if done.killed_by == 9 else ''}. {whole}"
        )
    if done.returncode != 0:
        raise StepError(f"atc failed ({done.returncode}): {error_text.of_atc(output)}. {whole}")
    if SUCCESS not in output:
        raise StepError(
            f"atc exited with 0 but did not say {SUCCESS!r}: {error_text.of_atc(output)}. {whole}"
        )


def _timeout_s() -> float:
    text = os.environ.get("ATC_TIMEOUT_S")
    if not text:
        return TIMEOUT_S
    if not re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) or float(text) == 0:
        raise BuildError(f"ATC_TIMEOUT_S={text}: no time. Set it to seconds above 0, or unset it")
    return float(text)


def _input_name(source: str) -> str:
    """The name of the model's one input, from the file itself."""
    import onnx  # here: the SDK; planning imports this module

    graph = onnx.load(source, load_external_data=False).graph
    weights = {weight.name for weight in graph.initializer}
    names: list[str] = [value.name for value in graph.input if value.name not in weights]
    if len(names) != 1:
        raise StepError(
            f"{source}: has the inputs {', '.join(names) or 'none'}; a model with one input is expected"
        )
    return names[0]


def _log_beside(out: str) -> str:
    folder, name = os.path.split(out)
    return os.path.join(folder, os.path.splitext(name.removeprefix(".part-"))[0] + ".log")


def safe_folder() -> str:
    """A folder for scratch whose path atc takes."""
    for folder in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        real = os.path.realpath(folder)
        if SAFE_PATH.fullmatch(real) and os.access(real, os.W_OK | os.X_OK):
            return real
    raise BuildError(
        f"TMPDIR={tempfile.gettempdir()}: atc takes only A-Za-z0-9._/- in paths, and /tmp and /var/tmp "
        "cannot be written. Set TMPDIR to a folder with such a name"
    )


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _append(log: str, path: str) -> None:
    with open(log, "a", encoding="utf-8") as to, open(path, encoding="utf-8") as file:
        shutil.copyfileobj(file, to)
