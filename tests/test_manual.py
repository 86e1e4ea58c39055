"""The manual in docs/: its table of contents has every page, the page of options has every option."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from invoke.collection import Collection

import tasks

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])


def text_of(name):
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_page_of_options_is_the_one_that_the_tables_give(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "INV_COMMAND"}
    words = [sys.executable, str(DOCS / "options.py")]
    for command in ({}, {"INV_COMMAND": "inv"}):
        given = subprocess.run(
            words, cwd=tmp_path, env=environment | command, capture_output=True, text=True, check=True
        ).stdout
        assert text_of("options.md") == given, "make it: .venv/bin/python docs/options.py > docs/options.md"


def test_every_option_of_every_command_is_on_the_page_of_options():
    page = text_of("options.md")
    every = Collection.from_module(tasks)
    flags = {
        f"--{argument.name.replace('_', '-')}"
        for name in every.task_names
        for argument in every[name].get_arguments()
        if not argument.positional and argument.name not in ("executor", "k")
    }
    assert len(flags) > 50
    assert [flag for flag in sorted(flags) if f"`{flag}`" not in page] == []


def test_the_table_of_contents_has_every_page_of_the_manual():
    linked = re.findall(r"\]\(([\w.-]+\.md)\)", text_of("README.md"))
    assert sorted(linked) == sorted({path.name for path in DOCS.glob("*.md")} - {"README.md"})


def slugs(page):
    """The anchors that GitHub makes of a page's headings."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ (.*)$", prose, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_heading_resolves(page):
    links = re.findall(r"\]\(([^):]*)#([^)]+)\)", page.read_text(encoding="utf-8"))
    dead = [
        f"{name}#{anchor}"
        for name, anchor in links
        if anchor not in slugs(page.parent / name if name else page)
    ]
    assert dead == []
