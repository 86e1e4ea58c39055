"""npu-smi: its subcommands, messages (all on stdout) and exit codes, over an inventory. Ignores
ASCEND_RT_VISIBLE_DEVICES.
"""

import os
import time

from cannsim import boards, scenario, smi_tables

USAGE = """Usage: npu-smi [OPTION...]
        -h                Display help
        -v                Display version
        info              Display information of device"""
TYPES = ("board", "power", "usages", "temp", "memory", "health", "common")


class Refused(Exception):
    """A message and an exit status."""


def main(argv: list[str]) -> int:
    """Run one command line; return the exit status."""
    scenario.log("npu-smi", argv=argv, env=dict(os.environ))
    told = boards.inventory()
    while told.get("hang"):
        time.sleep(3600)
    if "dcmi" in told:  # even -h and -v want the driver
        print("DrvMngGetConsoleLogLevel failed. (ret=4)")
        if told["dcmi"] == -8020:
            print("dcmi model initialized failed, because the device is used. ret is -8020")
        else:
            print(f"dcmi module initialize failed. ret is {told['dcmi']}")
        return told["dcmi"] % 256
    if not told.get("boards"):
        print("There is no NPU card on this server.")
        return 0
    try:
        print(_answer(argv, told))
    except Refused as refused:
        print(refused.args[0])
        return refused.args[1]
    if argv == ["info"] and told.get("incomplete_driver"):
        print("[WARNING]The driver package may not be completely installed, check the driver.")
    return 0


def _answer(argv: list[str], told: dict) -> str:
    if argv in (["-h"], ["--help"], []):
        return USAGE
    if argv in (["-v"], ["--version"]):
        return f"npu-smi version: {told['version']}"
    if argv[0] != "info":
        raise Refused(f"Command or option is not found.\n{USAGE}", 211)
    if len(argv) == 1:
        return smi_tables.info(told)
    if argv[1:] == ["-l"]:
        return smi_tables.listing(told)
    if argv[1:] == ["-m"]:
        return smi_tables.mapping(told)
    return _typed(argv[1:], told)


def _typed(words: list[str], told: dict) -> str:
    """`-t TYPE -i NPU [-c CHIP]` in any order."""
    found: dict[str, str] = {}
    while words:
        option, *words = words
        if option not in ("-t", "-i", "-c"):
            raise Refused(f"Error parameter of {option}", 215)
        if not words:
            raise Refused("Input parameter format error.", 215)
        found[option], *words = words
    if found.get("-t") not in (*TYPES, "product"):
        raise Refused("Error parameter of -t", 215)
    if "-i" not in found:
        raise Refused("This command must input card id.", 215)
    board = next((board for board in told["boards"] if str(board["npu"]) == found["-i"]), None)
    if board is None:
        raise Refused("Invalid card id.", 215)
    chips = board["chips"]
    if "-c" in found:
        chips = [chip for chip in chips if str(chip["chip"]) == found["-c"]]
        if not chips:
            raise Refused("Error parameter of -c", 215)
    text = smi_tables.details(found["-t"], board, chips, "-c" in found)
    if text is None:
        raise Refused(f"This device does not support querying {found['-t']}.", 217)
    return text
