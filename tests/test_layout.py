"""The shape of the repository: packages, the arrows between them, and the budgets that keep files
readable.
"""

import ast
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "backends",
    "configs",
    "convert",
    "eval",
    "infer",
    "mobilenet",
    "pipeline",
    "preprocess",
    "stages",
)
TOP = {
    *PACKAGES,
    "CHANGELOG.md",
    "tests",
    "docs",
    "benchmarks",
    "inv",
    "invoke.yaml",
    "setup.cfg",
    "setup.py",
    "tasks.py",
    "pyproject.toml",
    "ruff.toml",
    "README.md",
    "README.zh-CN.md",
    "LICENSE",
    ".gitignore",
    ".ci",
    "wheels",
}
DEPENDENCIES = {
    "invoke",
    "numpy",
    "PIL",
    "pillow",
    "tqdm",
    "onnx",
    "onnxsim",
    "onnxruntime",
    "filelock",
    "torch",
    "ray",
    "openvino",
    "acl",
    "aclruntime",
    "simplejpeg",
    "pytest",
    "jinja2",
    "graphviz",
    "cv2",
    "tensorrt",
}
FORBIDDEN_NAMES = (
    "utils",
    "util",
    "helper",
    "helpers",
    "manager",
    "handler",
    "base",
    "factory",
    "wrapper",
    "context",
    "common",
)


def listed():
    """What git knows or would know: tracked files, and new ones that it does not ignore."""
    words = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"not in a git tree: {done.stderr.strip()}")
    return [name for name in done.stdout.splitlines() if (ROOT / name).exists()]


MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
SOURCES = [*MODULES, ROOT / "tasks.py"]


def offenders(paths, fault):
    """{path under the root: what is wrong} of the files with a fault. `fault`: path -> what is wrong, falsy
    where nothing is.
    """
    return {str(path.relative_to(ROOT)): wrong for path in paths if (wrong := fault(path))}


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    """Dotted names that a file imports, wherever in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_inside(path):
    """Names of the modules that functions of a file import."""
    return [
        name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef)
        for below in ast.walk(node)
        if isinstance(below, ast.ImportFrom | ast.Import)
        for name in (
            [below.module] if isinstance(below, ast.ImportFrom) else [alias.name for alias in below.names]
        )
    ]


def test_the_top_level_is_the_table_of_contents():
    assert {name.partition("/")[0] for name in listed()} - TOP == set()


def test_benchmarks_do_not_import_tests():
    found = [name for path in (ROOT / "benchmarks").rglob("*.py") for name in imports(path)]
    assert [name for name in found if name.partition(".")[0] == "tests"] == []


def test_our_own_modules_are_imported_at_the_top():
    def ours(path):
        return [name for name in imported_inside(path) if name.partition(".")[0] in PACKAGES]

    assert offenders(MODULES, ours) == {}


def test_only_backends_import_inside_functions():
    """An SDK, which is needed on use only."""
    paths = [path for path in MODULES if path.relative_to(ROOT).parts[0] != "backends"]
    assert offenders(paths, imported_inside) == {}


def test_a_file_is_at_most_250_lines():
    """As formatted; the tests' own and the benchmarks', too."""
    others = [ROOT / name for name in listed() if name.endswith(".py")]
    paths = sorted({*SOURCES, *others})
    assert offenders(paths, lambda path: len(path.read_text(encoding="utf-8").splitlines()) > 250) == {}


def test_a_function_is_at_most_60_lines():
    def long(path):
        lengths = {
            node.name: node.end_lineno - node.lineno + 1
            for node in ast.walk(tree(path))
            if isinstance(node, ast.FunctionDef)
        }
        return {name: lines for name, lines in lengths.items() if lines > 60}

    assert offenders(SOURCES, long) == {}


def test_nine_functions_of_ten_are_at_most_30_lines():
    functions = [
        node for path in SOURCES for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)
    ]
    lengths = sorted(node.end_lineno - node.lineno + 1 for node in functions)
    assert lengths[len(lengths) * 9 // 10] <= 30


def test_every_module_says_what_it_is():
    def says_little(path):
        text = ast.get_docstring(tree(path))
        return not text or len(text.splitlines()[0]) <= 20

    assert offenders(SOURCES, says_little) == {}


def test_public_functions_and_classes_have_docstrings():
    def bare(path):
        public = [
            node
            for node in tree(path).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        ]
        return [node.name for node in public if not ast.get_docstring(node)]

    assert offenders(MODULES, bare) == {}


def test_there_is_a_catch_all_where_foreign_code_runs_and_around_a_step():
    """Whatever a step does, the driver hears of it; and whatever the import of another project's module."""
    found = []
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                kinds = (
                    {part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)}
                    if node.type
                    else {"everything"}
                )
                again = any(isinstance(below, ast.Raise) and below.exc is None for below in ast.walk(node))
                if kinds & {"Exception", "BaseException", "everything"} and not again:
                    found.append(str(path.relative_to(ROOT)))
    assert found == ["backends/ascend/runtimes/acl_module.py", "pipeline/execution/worker.py"]


def test_no_module_is_named_like_a_dependency_or_like_nothing():
    def badly_named(path):
        return (path.stem if path.stem != "__init__" else path.parent.name) in {
            *DEPENDENCIES,
            *FORBIDDEN_NAMES,
        }

    assert offenders(SOURCES, badly_named) == {}


def test_nothing_in_the_product_knows_of_the_simulator():
    def known(path):
        text = path.read_text(encoding="utf-8").lower()
        return [word for word in ("simulator", "fake_ascend", "cannsim", "mock") if word in text]

    assert offenders(SOURCES, known) == {}
