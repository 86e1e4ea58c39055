"""Messages that say what to type name the program as it was started: `./inv`, or `inv` in the virtual
environment.
"""

import ast
import re
import subprocess
import sys

import inv
import pytest
from test_layout_arrows import FILES, tree

COMMAND = re.compile(r"(?<![\w./-])inv (?:--dry |--help )?([a-z]+)\b")


def tasks():
    listed = inv.inv("--list").out
    return set(re.findall(r"^  (\w+) ", listed, re.MULTILINE)) | {"compare"}


def texts(path):
    """The strings of a file that are no docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def test_no_message_writes_the_programs_name_out():
    names = tasks()
    assert {"all", "data", "doctor"} <= names
    wrong = {
        name: text
        for name, path in FILES.items()
        for text in texts(path)
        for word in COMMAND.findall(text)
        if word in names
    }
    assert wrong == {}


@pytest.mark.parametrize(("started", "typed"), [("./inv", "./inv"), ("", "inv")])
def test_a_message_says_what_to_type_as_it_was_typed(started, typed, tmp_path):
    env = {"INV_COMMAND": started} if started else {}
    answer = inv.inv("all", "--chip=T4", out=tmp_path / "out", code=2, **env)
    assert answer.err.endswith(f" Build for one of the others: {typed} all --chip=cpu\n")


def test_the_script_says_how_it_was_called(tmp_path):
    script = (inv.ROOT / "inv").read_text().replace('exec "$venv/bin/python"', "echo $INV_COMMAND; exit 0; #")
    (tmp_path / "inv").write_text(script.replace("fresh || install", ""))
    (tmp_path / "inv").chmod(0o755)
    asked = {"./inv": {"cwd": tmp_path}, str(tmp_path / "inv"): {}}
    for words, where in asked.items():
        assert subprocess.run([words], **where, capture_output=True, text=True).stdout.strip() == words
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    on_path = subprocess.run(["sh", "-c", "inv"], env=path, capture_output=True, text=True)
    assert on_path.stdout.strip() == "inv", (on_path.stderr, sys.version)
