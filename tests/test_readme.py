"""What the documents say is so: every command parses, tables equal the code, both languages say the same,
links resolve.
"""

import ast
import dataclasses
import inspect
import re
import shlex
from pathlib import Path

import pytest
from invoke.collection import Collection

import backends
import tasks
from configs.given import parse
from configs.options import DATA, SHARED
from pipeline.cli import task_types
from pipeline.cli.executor import Executor
from pipeline.cli.program import Inv
from pipeline.freshness import stamp
from pipeline.step import Step
from stages.timing.bench import flag_of

BENCH = {**tasks.INSTEAD, **tasks.LOADGEN, **tasks.COMPARE}

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "README.zh-CN.md")
PAIRS = pytest.mark.parametrize("names", [READMES, ("docs/quickstart.md", "docs/quickstart.zh-CN.md")])
DOCUMENTS = [*READMES, *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
STARTS = ("./inv ", "$ ./inv ", "inv ")


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def prose_of(name):
    """The document without its code blocks."""
    return FENCE.sub("", text_of(name))


def outputs_of(name):
    """The code blocks that were printed, not typed: those of no language, but for the tree of OUT."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text_of(name), re.MULTILINE | re.DOTALL)
    return [block for language, block in blocks if not language and not block.startswith("out/")]


def commands_of(name):
    """All `inv` command lines of a document, in code blocks and inline, without the program's name."""
    lines = [line.strip() for block in FENCE.findall(text_of(name)) for line in block.splitlines()]
    lines += [part for line in lines for part in re.findall(r"&& (\./inv [^&]*)", line)]
    lines += re.findall(r"`((?:\./)?inv [^`]*)`", prose_of(name))
    # what tools print may begin with "inv: ", and so is no command
    found = [line for line in lines if line.startswith(STARTS) and not line.startswith("inv: ")]
    return [shlex.split(line, comments=True)[1 + line.startswith("$") :] for line in found]


def parsed(words):
    """The calls that Invoke's parser makes of a command line, by the program that ./inv starts."""
    program = Inv(name="inv", binary="inv", namespace=Collection.from_module(tasks), executor_class=Executor)
    program.create_config()
    program.parse_core(["inv", *words])
    program.parse_collection()
    program.parse_tasks()
    return program.tasks


def rows_of(name, head):
    """{first cell without backticks: second cell} of the tables whose first column has this title."""
    found = {}
    for table in re.findall(r"(?:^\|.*\n)+", text_of(name), re.MULTILINE):
        rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
        if rows[0][0] == head:
            found |= {row[0].strip("`"): row[1] for row in rows[2:]}
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_parses(name):
    for words in commands_of(name):
        if {"STAGE", "TASK", "..."} & set(words):
            continue
        words = [word.replace("...", "x") for word in words if word not in ("NAME", "A", "B")]
        if words[:1] == ["compare"] and len(words) < 3:
            words += ["a", "b"]
        if words[:1] == ["explain"] and not any(not word.startswith("-") for word in words[1:]):
            words += ["x"] if "--run" not in words else ["a", "b"]
        for context in parsed(words):
            task = Collection.from_module(tasks)[context.name]
            if isinstance(task, task_types.Stage | task_types.View):
                given = {arg.name.replace("-", "_"): arg.value for arg in context.args.values()}
                parse(
                    {key: value for key, value in given.items() if key in {option.name for option in SHARED}}
                )


def test_the_option_tables_are_the_help():
    assert rows_of("README.md", "option") == {option.flag: option.help for option in (*SHARED, *DATA)} | {
        flag_of(name): option.help for name, option in BENCH.items()
    }


def test_the_chinese_option_tables_have_the_same_options_in_the_same_order():
    assert list(rows_of("README.zh-CN.md", "选项")) == [
        *(option.flag for option in SHARED),
        *map(flag_of, BENCH),
        *(option.flag for option in DATA),
    ]


@pytest.mark.parametrize(("name", "head"), [("README.md", "task"), ("README.zh-CN.md", "任务")])
def test_every_task_is_in_the_task_table(name, head):
    assert set(rows_of(name, head)) == set(Collection.from_module(tasks).task_names)


@pytest.mark.parametrize(("name", "head"), [("README.md", "where"), ("README.zh-CN.md", "位置")])
def test_every_package_is_in_the_layout_table(name, head):
    packages = {f"{path.parent.name}/" for path in ROOT.glob("*/__init__.py")}
    table = set(rows_of(name, head))
    assert packages <= table
    assert all((ROOT / place).exists() for place in table)


@PAIRS
def test_both_languages_have_the_same_headings(names):
    levels = [re.findall(r"^(#+) ", prose_of(name), re.MULTILINE) for name in names]
    assert levels[0] == levels[1]


@PAIRS
def test_both_languages_have_the_same_commands(names):
    english, chinese = map(commands_of, names)
    assert english and sorted(english) == sorted(chinese)


@PAIRS
def test_both_languages_have_the_same_tables(names):
    sizes = [
        [table.count("\n") for table in re.findall(r"(?:^\|.*\n)+", text_of(name), re.MULTILINE)]
        for name in names
    ]
    assert sizes[0] == sizes[1]


@PAIRS
def test_both_languages_show_the_same_output(names):
    english, chinese = map(outputs_of, names)
    assert len(english) >= 4
    assert english == chinese


@PAIRS
def test_both_languages_link_to_the_same_places(names):
    """But for the language that these are in, and the names of headings."""
    links = [
        {
            re.sub(r"\.(zh-CN|zh)\.|#.*", lambda found: "." * (found[0][0] == "."), link)
            for link in re.findall(r"\]\(([^)]+)\)", prose_of(name))
        }
        for name in names
    ]
    assert links[0] and links[0] == links[1]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_to_a_file_resolves(name):
    links = [
        link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", prose_of(name)) if "://" not in link
    ]
    assert [link for link in links if link and not ((ROOT / name).parent / link).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_source_file_named_exists(name):
    named = re.findall(r"`((?:[a-z_]+/)+\w+\.(?:py|csv|toml|c)\b)", prose_of(name))
    examples = {"pipeline/x.py", "configs/chips/CHIP.toml"}
    assert [path for path in named if path not in examples and not (ROOT / path).exists()] == []


def test_the_design_page_has_every_field_of_a_step_and_of_a_stamp():
    fields = rows_of("docs/design.md", "field")
    assert set(fields) == {each.name for each in dataclasses.fields(Step)} | {*stamp.FIELDS, "schema"}


@pytest.mark.parametrize("backend", backends.names())
def test_a_backend_has_the_names_of_the_design_page(backend):
    module = backends.load(backend)
    assert [name for name in rows_of("docs/design.md", "name") if not hasattr(module, name)] == []
    assert list(inspect.signature(module.compile_onnx).parameters) == ["source", "out", "batch", "target"]


def sources():
    """What the product may say, a text each: its strings, with \x00 for what is filled in; lines of ./inv."""
    texts = (ROOT / "inv").read_text(encoding="utf-8").splitlines()
    packages = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"]
    for path in [path for package in packages for path in package.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
                texts.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return texts


def messages():
    """The messages of the page, ... standing for anything; not what pip says, and what is no message."""
    rows = re.findall(r"^\| (?!message|line|-)(.*?) \|", text_of("docs/troubleshooting.md"), re.MULTILINE)
    ours = [cell for cell in rows if not cell.startswith(("pip:", "accuracy far", "`cliff`", "LoadGen's"))]
    return [message for cell in ours for message in re.findall(r"`([^`]+)`", cell)]


def test_every_message_of_the_troubleshooting_page_is_one_of_ours():
    texts = sources()
    forms = {
        message: re.compile(".*".join(map(re.escape, message.split("..."))), re.DOTALL)
        for message in messages()
    }
    assert len(forms) > 60
    assert [message for message, form in forms.items() if not any(map(form.search, texts))] == []


def test_both_readmes_lead_to_the_troubleshooting_page():
    assert all("(docs/troubleshooting.md)" in text_of(name) for name in READMES)
