"""Our code as an input: a line of it counts, what only people read does not."""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.freshness.code import ROOT, Source

FILES = {
    "shop/__init__.py": '"""A package."""\n',
    "shop/bake.py": (
        '"""Bakes."""\n\nimport os\n\nfrom shop import oven\nfrom shop.flour import KIND\n\n\n'
        'def write(inputs, outputs):\n    """Bake."""\n    # hot\n    oven.heat(outputs, KIND)\n'
    ),
    "shop/oven.py": (
        "from . import fuel\n\n\ndef heat(outputs, kind):\n    open(outputs[0], 'w').write(kind +"
        " fuel.NAME)\n"
    ),
    "shop/flour.py": "KIND = 'rye'\n",
    "shop/fuel.py": "NAME = 'wood'\n",
    "shop/other.py": "import shop.oven\n\nPRICE = 3\n",
    "lone.py": "X = 1\n",
}


@pytest.fixture
def shop(tmp_path):
    """A little repository; shop(path, text) writes a file of it, shop.of(...) hashes an action anew."""
    root = tmp_path / "repository"

    def write(path, text):
        os.makedirs(os.path.dirname(root / path), exist_ok=True)
        (root / path).write_text(text)

    for path, text in FILES.items():
        write(path, text)
    write.root = str(root)
    write.of = lambda *extra, cache=None: Source(cache, str(root)).hashes("shop.bake:write", extra)
    return write


def test_an_action_consists_of_its_module_and_all_it_imports_from_here(shop):
    assert list(shop.of()) == ["shop", "shop.bake", "shop.flour", "shop.fuel", "shop.oven"]


def test_a_step_may_name_further_modules(shop):
    assert {"shop.other", "lone"} <= set(shop.of("shop.other", "lone"))


def test_functions_imports_and_absolute_imports_inside_functions_count(shop):
    shop("shop/flour.py", "def kind():\n    import lone\n    return lone.X\nKIND = 'x'\n")
    assert "lone" in shop.of()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("# hot", "# very hot"),
        lambda text: text.replace("    # hot\n", ""),
        lambda text: text.replace('"""Bake."""', '"""Bake bread."""'),
        lambda text: text.replace('    """Bake."""\n', ""),
        lambda text: text.replace('"""Bakes."""', '"""Says something else\n\nover lines."""'),
        lambda text: text.replace("\n\n\n", "\n\n\n\n\n"),
        lambda text: "# licence\n" + text,
        lambda text: text.replace("oven.heat(outputs, KIND)", "oven.heat(\n        outputs,\n        KIND)"),
    ],
)
def test_comments_docstrings_and_blank_lines_are_no_change(shop, change):
    before, text = shop.of(), FILES["shop/bake.py"]
    assert change(text) != text
    shop("shop/bake.py", change(text))
    assert shop.of() == before


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("shop/bake.py", "outputs, KIND", "outputs, KIND + 's'"),
        ("shop/oven.py", "'w'", "'a'"),
        ("shop/flour.py", "rye", "oat"),
        ("shop/fuel.py", "wood", "coal"),
        ("shop/__init__.py", '"""A package."""', "VERSION = 1"),
    ],
)
def test_a_changed_line_changes_its_own_module_and_no_other(shop, path, old, new):
    before = shop.of()
    shop(path, FILES[path].replace(old, new))
    after = shop.of()
    module = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    assert [name for name in after if after[name] != before[name]] == [module]


def test_a_module_that_the_action_does_not_import_is_no_part_of_it(shop):
    before = shop.of()
    shop("shop/other.py", "PRICE = 4\n")
    assert shop.of() == before


def test_a_changed_code_line_is_the_one_reason_and_runs_its_steps_alone(shop, world):
    world.code = shop.root
    world.edit("data/x", "")
    steps = [
        world.step("a", "actions:write", code=("shop.bake",)),
        world.step("b", "actions:write", code=("lone",)),
    ]
    world.build(*steps)
    shop("shop/oven.py", FILES["shop/oven.py"].replace("'w'", "'a'"))
    assert world.why(steps[0]) == [f"code shop{os.sep}oven.py changed"]
    assert world.build(*steps) == ["a"]
    shop("shop/oven.py", FILES["shop/oven.py"].replace("'w'", "'a'") + "# done\n")
    assert world.build(*steps) == []


def test_a_new_and_a_dropped_import_are_named(shop, world):
    world.code = shop.root
    step = world.step("a", code=("shop.bake",))
    world.build(step)
    shop(
        "shop/oven.py",
        FILES["shop/oven.py"].replace("from . import fuel", "import lone as fuel\nfuel.NAME = ''"),
    )
    assert world.why(step) == [
        "code lone is new",
        "code shop.fuel is no longer used",
        f"code shop{os.sep}oven.py changed",
    ]


def test_modules_that_import_each_other_are_no_endless_walk(shop):
    shop("shop/fuel.py", "from shop import bake\nNAME = 'wood'\n")
    assert "shop.fuel" in shop.of()


def test_every_action_of_this_repository_has_its_module_among_its_code():
    assert list(Source(root=ROOT).hashes("infer.logits:write", ("backends.ort",)))[:2] == [
        "backends",
        "backends.ort",
    ]


def test_the_cache_answers_without_parsing(shop, tmp_path, monkeypatch):
    cache = str(tmp_path / "cache.json")
    source = Source(cache, shop.root)
    before = source.hashes("shop.bake:write")
    source.save()
    monkeypatch.setattr("pipeline.freshness.code.parse", lambda *_: pytest.fail("parsed"))
    assert shop.of(cache=cache) == before


def test_an_old_cache_does_not_hide_a_change(shop, tmp_path):
    cache = str(tmp_path / "cache.json")
    source = Source(cache, shop.root)
    before = source.hashes("shop.bake:write")
    source.save()
    shop("shop/flour.py", "KIND = 'oats'\n")
    assert shop.of(cache=cache) != before


ODD = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda i: (
        st.lists(i, max_size=4)
        | st.dictionaries(st.sampled_from(["parser", "files", "shop/bake.py"]), i, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=50)
    | ODD.map(lambda found: json.dumps(found).encode())
    | ODD.map(lambda found: json.dumps({"parser": 1, "files": found}).encode())
    | ODD.map(lambda found: json.dumps({"parser": 1, "files": {"shop/bake.py": found}}).encode())
)
def test_a_broken_cache_costs_the_parsing_and_nothing_else(shop, tmp_path, content):
    (tmp_path / "cache.json").write_bytes(content)
    assert shop.of(cache=str(tmp_path / "cache.json")) == shop.of()


def test_a_tree_that_cannot_be_written_is_no_reason_to_fail(shop):
    source = Source("/proc/no/such/cache.json", shop.root)
    source.hashes("shop.bake:write")
    source.save()
