"""What a build ends with: its figures, where all of them are, and what GitHub Actions shows."""

import json
import os
import sys
import webbrowser
from urllib.parse import quote

from eval.report import terminal
from pipeline.ui import annotations
from pipeline.ui.annotations import Annotation
from stages.request.build import Build

TABLE, ANNOTATIONS = "table.txt", "annotations.json"


def closing(build: Build, open: bool = False, history: bool = False) -> str:
    """The last words, from the files that the report step wrote. With `open`, show the page."""
    out = build.request.out
    folder = os.path.join(out, "report")
    page, report = os.path.join(folder, "index.html"), os.path.join(folder, "report.md")
    annotations.append_to_summary(report)
    remarks = [
        Annotation(remark["level"], remark["title"], _placed(remark["text"], out))
        for remark in json.loads(_read(folder, ANNOTATIONS))
    ]
    places = [opened(page) if open else "", f"page: {page}", f"report: {report}"]
    parts = (
        _placed(_read(folder, TABLE).strip(), out),
        "\n".join(filter(None, places)),
        annotations.printed(remarks),
    )
    return "\n\n".join(filter(None, parts))


def opened(page: str) -> str:
    """Open the page in this machine's browser; a line where there is none to see it on, else ""."""
    graphical = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if (graphical or sys.platform in ("darwin", "win32")) and webbrowser.open(f"file://{quote(page)}"):
        return ""
    return f"--open: no display or no browser here; copy the page, which is one file: {page}"


def _placed(text: str, out: str) -> str:
    """Paths in files under OUT are relative to it, so that a moved tree stays fresh."""
    return text.replace(terminal.NAMED, f"{terminal.NAMED}{out}/")


def _read(folder: str, name: str) -> str:
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()
