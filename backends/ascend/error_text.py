"""From CANN's output to one line: the code, the cause, CANN's own words, and what to do.

Matched by code, never by text: the texts changed with CANN 8.0 and again with 8.5. Three forms are known:
"E10016: text", "EE1001: [PID: 7] time text" and "[PID: 7] time Invalid_Argument(E10016): text".
"""

import re
import sys
from collections.abc import Sequence

from backends.ascend.error_codes import (
    ACL,
    ACL_TEXTS,
    ACL_WEAK,
    ACL_WEAK_TEXTS,
    ATC,
    ATC_TEXTS,
    INTERNAL,
    NO_CHIP,
    WEAK,
    Known,
)

CODE = re.compile(r"\b[EW][A-Z]?\d{4,5}\b")
_PID, _TIME = r"(?:\[PID:\s*\d+\]\s*)?", r"(?:\d{4}-\d\d-\d\d(?:[\s-]*\d\d:\d\d:\d\d)?\S*\s+)?"
PREFIX = re.compile(rf"^\s*{_PID}{_TIME}(?:\w+\()?[EW][A-Z]?\d{{4,5}}\)?:\s*{_PID}{_TIME}")
# libraries of CANN that aclruntime and acl need, themselves or through another; libacl.so alone is the
# system's, for access lists
CANNS = re.compile(
    r"lib(ascend|acl_|ge_|gert|runtime|graph|register|hccl|error_manager|prof|msprof|mmpa|platform|tsd|"
    r"[su]?alog|slog|unified_dlog|exe_graph|metadef|opt_feature|c_sec)"
)
WHEELS_END = (3, 11)  # the last Python that aclruntime's wheels are built for
UNFORCED = "leave runtime out of the chip's file"  # which names one that cannot be used
SHOWN_LINES, SHOWN_LETTERS = 4, 300
UNFIT = "its wheel and this CANN are of different times ({said})"
OTHER_WHEEL = "Take the other 0.0.2 wheel (older, or ait), or build it from Ascend/tools against this CANN"


def of_atc(output: str) -> str:
    """atc's output -> "E10016: cause (its words). To do: fix", or its last lines where no code is known."""
    lines = [line for line in output.splitlines() if line.strip()]
    if not lines:
        return "it printed nothing"
    first = [(CODE.search(line), at) for at, line in enumerate(lines)]
    coded = [(match[0], at) for match, at in first if match]
    known = [(code, at) for code, at in coded if code in ATC]
    for code, at in known:
        if code not in WEAK:
            return _known(code, lines, at)
    for text in ATC_TEXTS:
        for line in lines:
            if text.codes in line:
                return f"{text.cause} ({_cut(line)}). To do: {text.fix}"
    unknown = [at for code, at in coded if code.startswith("E") and code not in ATC]
    for code, at in sorted(known, key=lambda one: one[0] in INTERNAL)[:1]:
        if code not in INTERNAL or not unknown:
            return _known(code, lines, at)
    last = [line.strip() for at, line in enumerate(lines) if at not in unknown[:1]][-SHOWN_LINES:]
    words = "its last words: " + " | ".join(last)[: 2 * SHOWN_LETTERS]
    return f"{_cut(lines[unknown[0]])}; {words}" if unknown else words


def _known(code: str, lines: list[str], at: int) -> str:
    words = [PREFIX.sub("", lines[at])]
    if code in INTERNAL:  # its words stand below it
        words += lines[at + 1 : at + 3]
    return f"{code}: {ATC[code].cause} ({_cut(' '.join(words))}). To do: {ATC[code].fix}"


def of_acl(error: str, printed: str = "") -> str:
    """The text of aclruntime's exception, "[107001][Error code unknown] ", and what it printed -> cause and
    fix.
    """
    digits = [int(code) for code in reversed(re.findall(r"\b\d{6}\b", printed)) if int(code) in ACL]
    raised = [int(code) for code in re.findall(r"\[(-?\d+)\]\[", error) if int(code) in ACL]
    lines = printed.splitlines()
    # exceptions say -1 or 1 where the print has the cause
    known = (
        _first_in(ACL_TEXTS, printed)
        or next((ACL[code] for code in digits if code not in ACL_WEAK), None)
        or _first_in(ACL_WEAK_TEXTS, printed)
        or next((ACL[code] for code in digits + raised), None)
    )
    said = [line.strip() for line in lines if "ERROR" in line or CODE.search(line)]
    words = _cut(" | ".join([error.strip(), *said[:2]]))
    if known:
        return f"{known.cause} ({words}). To do: {known.fix}"
    return f"{words}. To do: look into CANN's own log (plog)"


def of_pyacl(call: str, code: int, said: str) -> str:
    """The code that a call of pyACL returned, and ACL's own text of it -> cause and fix."""
    words = f"[{code}][{call}]"
    if call == "acl.init" and str(code) in NO_CHIP.codes:
        return f"{NO_CHIP.cause} ({_cut(f'{words} {said}')}). To do: {NO_CHIP.fix}"
    return of_acl(words, said)


def of_acl_import(error: str) -> str:
    """The text of what `import acl` failed with -> cause and fix; the last sentence is the fix."""
    said = _cut(error)
    if "Permission denied" in error:
        return f"acl: this user may not read it ({said}). Join the group that CANN was installed for"
    if "undefined symbol" in error:
        return f"acl: it and libascendcl are of different CANNs ({said}). Source set_env.sh of one CANN alone"
    if re.match(r"\w+: ", error):  # of another kind than ImportError: the module's own code has failed
        return f"acl: its import fails ({said}). Source set_env.sh of one CANN alone, in a new shell"
    return _of_libraries("acl", error, said) or (
        f"acl: CANN's own module is not found ({said}). Source set_env.sh of your CANN install, and keep"
        " $PYTHONPATH where you set it"
    )


def of_import(error: str) -> str:
    """The text of the ImportError of aclruntime -> cause and fix; the last sentence is the fix."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    said = _cut(error)
    if "undefined symbol" in error:
        return f"aclruntime: {UNFIT.format(said=said)}. {OTHER_WHEEL}"
    if re.search(r"libpython\S*: cannot open", error):
        return f"aclruntime: its wheel is for another Python than this {python} ({said}). {_replaced()}"
    of_library = _of_libraries("aclruntime", error, said)
    if of_library:
        return of_library
    if "GLIBC" in error:
        return f"aclruntime: its wheel was built on a newer system ({said}). Build it here from Ascend/tools"
    return f"aclruntime: cannot be imported by Python {python} ({said}). {_replaced()}"


def _of_libraries(module: str, error: str, said: str) -> str:
    """What is to be done about a library that a module of CANN's lacks, "" where it lacks none."""
    if any(library in error for library in ("libascend_hal", "libdcmi", "libc_sec")):
        return (
            f"{module}: the driver's libraries are not found ({said}). Add /usr/local/Ascend/driver/lib64"
            " and its folders common and driver to LD_LIBRARY_PATH; in a container mount"
            " /usr/local/Ascend/driver"
        )
    missing = re.search(r"(lib[^\s/]+\.so\S*): cannot open shared object", error)
    if missing and CANNS.match(missing[1]):
        return f"{module}: CANN's libraries are not found ({said}). Source set_env.sh of your CANN install"
    if missing:
        return (
            f"{module}: a library that is not CANN's is not found ({said}). Install the system's package"
            f" that has {missing[1]}, or add its folder to LD_LIBRARY_PATH"
        )
    return ""


def wheel_advice(forced: bool = False) -> str:
    """How this Python gets aclruntime, which is in no package index; where no wheel is for it, how models run
    without. `forced`: the chip's file lets nothing else run them.
    """
    major, minor = sys.version_info[:2]
    if (major, minor) > WHEELS_END:
        instead = UNFORCED if forced else "source set_env.sh"
        return (
            f"It has no wheel for Python {major}.{minor}: CANN's own acl does without, {instead}"
            " (docs/ascend.md)"
        )
    return (
        f"Put the wheel aclruntime-0.0.2-cp{major}{minor}-*.whl into wheels/ and"
        f" run ./inv (docs/ascend.md tells where it is){f', or {UNFORCED}' if forced else ''}"
    )


def _replaced() -> str:
    """What to do about an aclruntime that is installed and not for this Python."""
    if sys.version_info[:2] > WHEELS_END:
        uninstall = f"{sys.executable} -m pip uninstall aclruntime"
        return f"Take it out of wheels/, CANN's own acl does without: {uninstall}"
    return wheel_advice()


def _first_in(texts: Sequence[Known], printed: str) -> Known | None:
    return next((text for text in texts if re.search(text.codes, printed)), None)


def _cut(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 3] + "..."
