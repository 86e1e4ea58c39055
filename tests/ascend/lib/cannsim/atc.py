"""atc.bin: prints, converts, fails as the real one does, or as the scenario tells it to. Everything goes to
stdout.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from cannsim import flags as command_line
from cannsim import kernels, scenario
from cannsim.errors import AtcError, block
from cannsim.profiles import PROFILES, Profile

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use."
FAILED = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"
WORKER = """Process ForkServerPoolWorker-2:
Traceback (most recent call last):
  File "/usr/lib/python3.7/multiprocessing/process.py", line 297, in _bootstrap
    self.run()
KeyError: 'op_params'"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"


def main(argv: list[str]) -> int:
    """Run one command line; return the exit status."""
    profile = PROFILES[scenario.load()["profile"]]
    scenario.log("atc", argv=argv, cwd=os.getcwd(), env=dict(os.environ))
    if any(word.lstrip("-") in ("help", "h") for word in argv):
        say("usage: atc <args>", *(f"  --{name}" for name in sorted(command_line.EVERY)))
        return 0
    hook = _hook(argv)
    say(START)
    time.sleep(hook.get("seconds", float(os.environ.get("FAKE_ATC_SECONDS", 0))))
    _die_or_hang(hook)
    if profile.number >= 8:
        say("...")
    _side_files()
    if hook.get("traceback"):
        say(WORKER)
    trouble = None
    try:
        _work(argv, profile, hook)
    except command_line.UnknownFlag as error:
        trouble = f"ERROR: unknown command line flag '{error}'"
    except AtcError as error:
        trouble = hook.get("text") or block(error, profile)
    verdict = hook.get("verdict", "failed" if trouble else "success")
    if verdict != "none":
        say(SUCCESS if verdict == "success" else FAILED)
    if hook.get("warn"):
        say(block(AtcError("W11001", value="fast_relu"), profile))
    if trouble:
        say(trouble)
    status = hook.get("exit", 255 if trouble else 0)
    scenario.log("atc-end", status=status, verdict=verdict)
    return status


def say(*lines: str) -> None:
    """To stdout, at once: a killed process has printed what it printed."""
    print(*lines, sep="\n", flush=True)


def _hook(argv: list[str]) -> dict:
    for number, hook in enumerate(scenario.load()["atc"]):
        if hook.get("when", "") in " ".join(argv) and scenario.claim(f"atc{number}", hook.get("times")):
            return hook
    return {}


def _die_or_hang(hook: dict) -> None:
    if hook.get("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if hook.get("hang") == "tree":
        child = subprocess.Popen([sys.executable, "-c", STUBBORN])
        scenario.log("atc-child", child=child.pid)
    while hook.get("hang"):
        time.sleep(3600)


def _work(argv: list[str], profile: Profile, hook: dict) -> None:
    told = scenario.load()
    found = command_line.parse(argv, profile)
    if found.get("mode") in ("1", "6"):
        _show(found, profile)
        return
    command_line.check(found, profile)
    if told["require_env"] and not (
        os.environ.get("ASCEND_OPP_PATH") and os.environ.get("ASCEND_TOOLKIT_HOME")
    ):
        raise AtcError("E40020")
    soc = found["soc_version"]
    if profile.number >= 9 and told["ops"] is not None and not soc.startswith(tuple(told["ops"])):
        raise AtcError(
            "E10001",
            parameter="--soc_version",
            value=soc,
            reason=f"the ops package of {soc} is not installed",
        )
    if "fail" in hook or "text" in hook:
        raise AtcError(hook.get("fail", "E19999"))
    from cannsim import convert  # onnx, which a wrong command line does not need: a quarter of a second

    operators = kernels.compiled(found)
    path = convert.write(found, profile, argv, hook.get("om") == "linux")
    scenario.log("atc-operators", **operators)
    if hook.get("om") == "none":
        os.unlink(path)
    elif hook.get("om") in ("empty", "truncated"):
        os.truncate(path, 0 if hook["om"] == "empty" else os.path.getsize(path) // 2)


def _show(found: dict[str, str], profile: Profile) -> None:
    """--mode=6 prints what an om is; --mode=1 writes it as JSON."""
    from cannsim import om

    if found["mode"] == "6" and profile.number < 6:
        raise AtcError("E10001", parameter="--mode", value="6", reason="no such mode")
    try:
        header, _ = om.read(found.get("om", ""))
    except om.NotAModel:
        raise AtcError(
            "E10001", parameter="--om", value=found.get("om", ""), reason="the file is no offline model"
        ) from None
    if found["mode"] == "1":
        Path(found["json"]).write_text(str(header))
        return
    say(
        "============ Display Model Info start ============",
        f"Original Atc command line: atc {' '.join(header['command'])}",
        f"system   info: atc_version[{header['atc']}], soc_version[{header['soc']}], framework_type[5].",
        f"resource info: memory_size[{header['memory_bytes']} B], weight_size[{header['onnx_bytes']} B],"
        " stream_num[1], event_num[0].",
        "============ Display Model Info end ============",
    )


def _side_files() -> None:
    """What atc leaves where it was started, and its log."""
    Path("kernel_meta").mkdir(exist_ok=True)
    Path("fusion_result.json").write_text("[]\n")
    work = os.environ.get("ASCEND_WORK_PATH")
    logs = os.environ.get("ASCEND_PROCESS_LOG_PATH") or (
        f"{work}/log" if work else Path.home() / "ascend/log"
    )
    plog = Path(logs) / "debug/plog"
    plog.mkdir(parents=True, exist_ok=True)
    (plog / f"plog-{os.getpid()}_{time.strftime('%Y%m%d%H%M%S')}000.log").write_text(
        f"[ERROR] GE({os.getpid()},atc.bin):{time.strftime('%Y-%m-%d-%H:%M:%S')}.817.477"
        " [main_impl.cc:1]simulated\n"
    )
