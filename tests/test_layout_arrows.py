"""Who may import whom: data flows one way, no circle, no arrow up. Action strings are arrows, too."""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ACTIONS = ("preprocess", "convert", "mobilenet", "infer", "eval")  # packages of functions that make files
PRODUCT = (*ACTIONS, "backends", "configs", "pipeline", "stages")
GROUND = ("pipeline",)  # folders whose own files are the public ground floor
FLOORS = (
    "freshness",
    "execution",
    "cluster",
    "outdir",
    "ui",
    "cli",
)  # of pipeline, each on the ones before it
ACTION = re.compile(r"[a-z_]\w*(\.[a-z_]\w*)+:[a-z_]\w*")


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path):
    """`pipeline.step` of pipeline/step.py, `backends` of backends/__init__.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for package in PRODUCT for path in sorted((ROOT / package).rglob("*.py"))}
FILES["tasks"] = ROOT / "tasks.py"


def imported(module):
    """Our modules that a module imports, wherever in it; a package counts when a name of its own is taken."""
    names = set()
    for node in ast.walk(tree(FILES[module])):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                names.add(below if below in FILES else node.module)
    return names & FILES.keys()


def action_strings(module):
    return {
        node.value
        for node in ast.walk(tree(FILES[module]))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and ACTION.fullmatch(node.value)
    }


def is_ground(module):
    return module in GROUND or module.rpartition(".")[0] in GROUND and FILES[module].name != "__init__.py"


def floor_of(module):
    """-1 for the ground floor, else the number of pipeline's floor."""
    return -1 if is_ground(module) else FLOORS.index(module.split(".")[1])


def package(module):
    return module.partition(".")[0]


def against(allowed):
    """{module: what it imports against the rule}. `allowed`: (module, imported module) -> bool."""
    wrong = {name: sorted(other for other in imported(name) if not allowed(name, other)) for name in FILES}
    return {name: others for name, others in wrong.items() if others}


def test_actions_and_backends_import_the_ground_floor_of_pipeline_and_no_other():
    lower = (*ACTIONS, "backends")
    assert (
        against(
            lambda name, other: (
                package(name) not in lower
                or (package(other) == "pipeline" and is_ground(other))
                or package(other) in lower
            )
        )
        == {}
    )


def test_the_floors_of_pipeline_stand_on_each_other_and_on_nothing_else():
    assert (
        against(
            lambda name, other: (
                package(name) != "pipeline"
                or (package(other) == "pipeline" and floor_of(other) <= floor_of(name))
            )
        )
        == {}
    )


def test_every_folder_of_pipeline_is_a_floor():
    folders = {path.parent.name for path in (ROOT / "pipeline").glob("*/__init__.py")}
    assert folders == set(FLOORS)


def test_configs_are_values():
    assert against(lambda name, other: package(name) != "configs" or is_value(other)) == {}


def is_value(module):
    """What configs may know: itself, the ground floor, and what a preset is."""
    return package(module) == "configs" or module == "preprocess.presets" or is_ground(module)


def test_the_product_imports_neither_tests_nor_benchmarks():
    wrong = {
        name: module
        for name, path in FILES.items()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in ([node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
        if package(module) in ("tests", "benchmarks")
    }
    assert wrong == {}


def test_nobody_imports_what_stands_above():
    """tasks -> stages -> everything else."""
    assert against(lambda name, other: package(other) != "tasks") == {}
    assert (
        against(lambda name, other: package(other) != "stages" or package(name) in ("stages", "tasks")) == {}
    )


def circle(edges):
    """The nodes of a circle, [] where there is none."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        path.append(node)
        found = next(filter(None, map(visit, sorted(edges.get(node, ())))), [])
        path.pop()
        done.add(node)
        return found

    return next(filter(None, map(visit, sorted(edges))), [])


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}}) == []


def test_no_module_needs_itself_by_way_of_others():
    assert circle({name: imported(name) - {name} for name in FILES}) == []


def test_no_package_needs_itself_by_way_of_others():
    edges = {}
    for name in FILES:
        edges.setdefault(package(name), set()).update(
            {package(other) for other in imported(name)} - {package(name)}
        )
    assert circle(edges) == []


def test_actions_are_named_by_stages_alone():
    named = {name for name in FILES if action_strings(name)}
    assert named and {package(name) for name in named} == {"stages"}


def test_every_action_string_leads_to_a_public_function_of_an_action_package():
    wrong = {}
    for name in FILES:
        for action in action_strings(name):
            module, _, function = action.partition(":")
            functions = (
                [node.name for node in tree(FILES[module]).body if isinstance(node, ast.FunctionDef)]
                if module in FILES
                else []
            )
            if package(module) not in ACTIONS or function not in functions:
                wrong[action] = name
    assert wrong == {}


def test_a_folder_of_the_product_holds_at_most_ten_source_files():
    folders = {}
    for path in (path for package in PRODUCT for path in (ROOT / package).rglob("*.*")):
        if path.suffix in (".py", ".c", ".h") and path.name != "__init__.py":
            folders.setdefault(path.parent, []).append(path.name)
    crowded = {str(folder): len(names) for folder, names in folders.items() if len(names) > 10}
    assert crowded == {}


def test_only_what_needs_torch_imports_it():
    users = {
        package(name)
        for name, path in FILES.items()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in ([node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
        if module.partition(".")[0] == "torch"
    }
    assert users == {"mobilenet", "convert"}


def test_every_module_can_be_found_by_its_name():
    assert [name for name in FILES if importlib.util.find_spec(name) is None] == []
