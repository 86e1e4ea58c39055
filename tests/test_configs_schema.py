"""Configuration files are checked: what is wrong is named with file and key."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import configs
from configs import schema
from pipeline.errors import BuildError

HERE = Path(configs.__file__).parent
GOOD = (HERE / "models" / "mobilenet_v1.toml").read_text()


@pytest.fixture
def model(tmp_path):
    def read(text):
        (tmp_path / "my.toml").write_text(text)
        return schema.model(str(tmp_path / "my.toml"))

    return read


@pytest.mark.parametrize("name", schema.names("chips"))
def test_every_chip_file_is_read_and_named_as_its_file(name):
    assert schema.chip(name).name == name


@pytest.mark.parametrize("name", schema.names("models"))
def test_every_model_file_is_read_and_named_as_its_file(name):
    assert schema.model(name).name == name


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda t: t.replace("width", "widht"), "unknown key widht; did you mean width?"),
        (lambda t: t.replace("crop = 224", "crop = 224\ncolour = 1"), "unknown key preprocess.colour"),
        (lambda t: t.replace("classes = 1000\n", ""), "key classes is missing"),
        (lambda t: t.replace("classes = 1000", 'classes = "many"'), "classes is 'many'; expected int"),
        (lambda t: t.replace("classes = 1000", "classes = true"), "classes is True; expected int"),
        (lambda t: t.replace("classes = 1000", "classes = 10.5"), "classes is 10.5; expected int"),
        (lambda t: t.replace("background = false", "background = 0"), "background is 0; expected bool"),
        (lambda t: t.replace('"relu" ', '"gelu" '), "activation is 'gelu'; it may be: relu, relu6"),
        (lambda t: t.replace('"symmetric" ', '"valid" '), "padding is 'valid'; it may be: symmetric, same"),
        (
            lambda t: t.replace("[0.485, 0.456, 0.406]", "[0.485, 0.456]"),
            "preprocess.mean has 2 values; three are needed",
        ),
        (
            lambda t: t.replace("[0.485, 0.456, 0.406]", '[0.485, 0.456, "x"]'),
            "preprocess.mean is 'x'; expected float",
        ),
        (lambda t: t.replace("top1_pct = 69.52", "top1_pct = nan"), "published.top1_pct is nan"),
        (lambda t: t.replace("top5_pct = 89.05", "top5_pct = 101"), "top5_pct 101: expected percent"),
        (lambda t: t.replace("tolerance_pct = 0.5", "tolerance_pct = -1"), "published.tolerance_pct is -1"),
        (lambda t: t.replace("tolerance_pct = 0.5", "tolerance_pct = 100"), "published.tolerance_pct is 100"),
        (lambda t: t.replace("tolerance_pct = 0.5", "tolerance_pct = nan"), "published.tolerance_pct is nan"),
        (
            lambda t: t.replace("tolerance_pct = 0.5", 'tolerance_pct = "1"'),
            "tolerance_pct is '1'; expected float",
        ),
        (lambda t: t.replace("crop = 224", "crop = 192"), "preprocess.crop is 192, the resolution 224"),
        (lambda t: t.replace("[preprocess]", "[preprocess"), "not TOML"),
        (lambda t: "", "key name is missing"),
    ],
)
def test_a_wrong_model_file_is_the_users_mistake_with_file_and_key(model, tmp_path, wrong, words):
    assert wrong(GOOD) != GOOD
    with pytest.raises(BuildError) as told:
        model(wrong(GOOD))
    assert (
        words in str(told.value)
        and "my.toml" in str(told.value)
        and "\n" not in str(told.value).partition("not TOML")[0]
    )


def test_a_file_that_is_not_text_is_the_users_mistake(tmp_path):
    (tmp_path / "my.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BuildError, match="my.toml: not TOML: byte 0 is not UTF-8"):
        schema.model(str(tmp_path / "my.toml"))


@pytest.mark.parametrize("kind", [schema.Model, schema.Chip, schema.Preset])
def test_a_file_that_may_not_be_read_is_told_with_the_reason_and_the_fix(tmp_path, kind):
    path = tmp_path / "um.toml"
    path.write_text(GOOD)
    path.chmod(0)
    code = (
        "import sys; from configs import schema; from pipeline.errors import BuildError\n"
        f"try: schema.read(sys.argv[1], schema.{kind.__name__})\n"
        "except BuildError as error: print(error)"
    )
    bound = ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("permissions do not bind root, and there is no setpriv")
    ordinary = ["setpriv", *bound] if os.geteuid() == 0 else []
    words = [*ordinary, sys.executable, "-c", code, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"{path}: cannot be read (Permission denied); expected a TOML file; give this user the right to"
        " (chmod u+r)\n"
    )


def test_a_model_that_is_a_folder_is_told_as_one(tmp_path):
    (tmp_path / "my.toml").mkdir()
    with pytest.raises(BuildError, match="my.toml: a folder, and no file. Give a .toml file"):
        schema.model(str(tmp_path / "my.toml"))


def test_a_whole_number_is_a_float_where_one_is_wanted(model):
    found = model(GOOD.replace("width = 1.0 ", "width = 1 "))
    assert found.width == 1.0 and isinstance(found.width, float)


def test_outputs_count_the_background():
    assert schema.model("mobilenet_v1").outputs == 1000
    pixels = schema.Preprocess(256, 224, [0, 0, 0], [1, 1, 1])
    assert schema.Model("m", 1.0, 224, 1000, True, "relu", "same", pixels).outputs == 1001


@pytest.mark.parametrize("typed", ["310P3", "310p3", "Ascend310P3", "ascend310p3"])
def test_a_chip_has_one_name_in_any_case_and_by_its_soc(typed):
    assert schema.chip(typed).name == "310P3"


def test_an_unknown_name_gets_the_nearest_and_the_list():
    with pytest.raises(
        BuildError, match=r"^--chip=310P4: there is no such chip; .*310P3.* Did you mean --chip=310P\d\?"
    ):
        schema.chip("310P4")
    with pytest.raises(
        BuildError, match="^--model=mobilenet: there is no such model; .*Did you mean --model=mobilenet_v1"
    ):
        schema.model("mobilenet")
    with pytest.raises(BuildError, match="^--model=/no/my.toml: no such file"):
        schema.model("/no/my.toml")


def test_published_figures_are_those_of_the_seeds_table():
    table = {
        "310": [4550.44, 6736, 7116.32, 6938, 6176.84, 5899.52],
        "310P3": [4241.54, 8313.37, 10430.75, 12259.18, 13274.92, 14515.69],
        "T4": [3723.37, 5615.17, 6067.96, 6337.39, 6457.18, 6657.6],
    }
    for name, figures in table.items():
        assert list(schema.chip(name).published.images_per_s.items()) == list(
            zip(map(str, schema.BATCHES), figures, strict=True)
        )
    assert schema.chip("310").published.scale == 4
    for name in ("310", "310P3"):
        assert (schema.chip(name).published.top1_pct, schema.chip(name).published.top5_pct) == (69.52, 89.05)


def test_every_value_of_a_file_says_why_or_speaks_for_itself():
    for path in [*(HERE / "models").glob("*.toml"), *(HERE / "chips").glob("*.toml")]:
        assert path.read_text().startswith("# "), path.name
        tomllib.loads(path.read_text())


def test_an_option_of_a_chip_may_be_of_any_kind(tmp_path, monkeypatch):
    shutil.copytree(HERE / "chips", tmp_path / "chips")
    with (tmp_path / "chips" / "cpu.toml").open("a") as file:
        file.write('\n[options]\none = true\ntwo = 2\nthree = "3"\n')
    monkeypatch.setattr(schema, "HERE", str(tmp_path))
    assert schema.chip("cpu").options == {"one": True, "two": 2, "three": "3"}
