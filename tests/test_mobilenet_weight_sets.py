"""Of several sets of weights in one file the right one is read, and where none can be told it must be named;
what stands before all names is taken off.
"""

from collections import Counter

import pytest
import torch
from safetensors.torch import save_file

from configs import schema
from mobilenet import checkpoint, config, weight_sets
from mobilenet.network import MobileNetV1
from pipeline.errors import BuildError
from stages.request.checkpoint import network, weights_of

OLD = {"_use_new_zipfile_serialization": False}  # the form before torch 1.6
MODEL = schema.model("sample")


def drawn(seed):
    torch.manual_seed(seed)
    return MobileNetV1(0.25, 16).state_dict()


RAW, GOOD = drawn(1), drawn(2)


def before(prefix, state):
    return {prefix + key: value for key, value in state.items()}


@pytest.fixture
def saved(tmp_path):
    def save(content, **options):
        path = str(tmp_path / "weights.pth")
        torch.save(content, path, **options)
        return path

    return save


def planned(path, key=None):
    return weights_of(path, MODEL, key)


def read(path, key):
    """Which of the states the network has after this set was loaded."""
    net = MobileNetV1(0.25, 16)
    checkpoint.load(path, net, key)
    return ["raw", "good"][torch.equal(net.fc.weight, GOOD["fc.weight"])]


def refusal(act, *words):
    with pytest.raises(BuildError) as caught:
        act()
    message = str(caught.value)
    assert "\n" not in message and [word for word in words if word not in message] == [], message
    return message


@pytest.mark.parametrize("options", [{}, OLD], ids=["zip", "before-1.6"])
@pytest.mark.parametrize("other", ["state_dict_ema", "ema", "model_ema", "swa"])
def test_a_second_set_that_fits_stops_and_both_are_named(saved, other, options):
    path = saved({"epoch": 3, "state_dict": RAW, other: before("module.", GOOD)}, **options)
    for act in (lambda: planned(path), lambda: checkpoint.load(path, MobileNetV1(0.25, 16))):
        refusal(act, path, "--weights=state_dict or", f"--weights={other}")
    assert [planned(path, key)[:2] for key in ("state_dict", other)] == [
        ("state_dict", "-state_dict"),
        (other, f"-{other}"),
    ]
    assert [read(path, key) for key in ("state_dict", other)] == ["raw", "good"]


def test_planning_and_loading_read_the_same_set_wherever_it_lies(saved):
    places = {
        "model.raw": {"model": {"raw": RAW, "ema": GOOD}},
        "0": [RAW, GOOD],
        "state_dict.net": {"state_dict": {**before("net.", RAW), **before("ema.module.", GOOD)}},
        "": {**RAW, "ema": GOOD},
        "a/b c": {"a/b c": RAW, "a_b c": GOOD},
    }
    for key, content in places.items():
        path = saved(content)
        refusal(lambda path=path: planned(path), "2 sets")
        assert planned(path, key or ".").key == key
        assert read(path, planned(path, key or ".").key) == "raw", key


def test_one_set_is_read_and_keeps_its_folder_also_when_it_is_named(saved):
    path = saved({"state_dict": GOOD, "teacher": MobileNetV1(0.5, 16).state_dict(), "optimizer": {"lr": 0.1}})
    assert planned(path) == planned(path, "state_dict") == ("state_dict", "", "")
    assert planned(saved({"epoch": 1, "model_ema": GOOD})) == ("model_ema", "", "")
    assert planned(saved(GOOD)) == planned(saved(GOOD), ".") == ("", "", "")


@pytest.mark.parametrize("options", [{}, OLD], ids=["zip", "before-1.6"])
def test_sets_that_are_the_same_bit_by_bit_need_no_choice(saved, options):
    copied = {key: value.clone() for key, value in GOOD.items()}
    for content in ({"ema": GOOD, "state_dict": GOOD}, {"ema": copied, "state_dict": GOOD}):
        path = saved(content, **options)
        assert planned(path)[:2] == ("state_dict", "") and planned(path, "ema")[:2] == ("ema", "-ema")
        checkpoint.load(path, MobileNetV1(0.25, 16))
    copied["fc.bias"] = copied["fc.bias"] + 1e-7
    refusal(lambda: planned(saved({"ema": copied, "state_dict": GOOD}, **options)), "2 sets")


def test_a_key_that_is_none_gets_the_keys_there_are(saved):
    path = saved({"state_dict": RAW, "ema": GOOD, "optimizer": {"momentum": RAW["fc.bias"]}})
    for act in (lambda: planned(path, "emma"), lambda: checkpoint.load(path, MobileNetV1(0.25, 16), "emma")):
        message = refusal(act, "--weights=emma", path, "there are: state_dict, ema", "mean --weights=ema?")
        assert "optimizer" not in message


def test_a_key_ends_a_folders_name_and_two_never_share_one():
    keys = ["ema", "a.b", "a/b", "a_b", "../x", ".", "", "a b", "ä", "x" * 300, "x" * 301, "a\nb", "-rf"]
    names = [weight_sets.folder_name(key) for key in keys]
    assert names[:2] == ["ema", "a.b"] and len(set(names)) == len(keys)
    assert all(weight_sets.PLAIN.fullmatch(name) for name in names)
    assert weight_sets.folder_name(names[2]) != names[2]  # a key that looks like another's name


PREFIXES = ["_orig_mod.", "model.", "module.module.", "module._orig_mod.", "model.module.net.", "module."]


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_what_stands_before_all_names_is_taken_off_and_said(saved, capsys, prefix, wrapped):
    keyed = before(prefix, GOOD)
    path = saved({"state_dict": keyed} if wrapped else keyed)
    assert planned(path) == ("state_dict" if wrapped else "", "", prefix)
    assert read(path, None) == "good"
    assert capsys.readouterr().out == f"{path}: {prefix!r} is taken off the names of its weights\n"


@pytest.mark.parametrize(
    "extra",
    [
        {"n_averaged": torch.tensor(5)},
        {"total_ops": torch.zeros(1, dtype=torch.float64), "module.model.0.total_params": torch.zeros(1)},
        {"epoch": 3},
    ],
)
def test_keys_that_are_no_weights_are_named_as_the_only_ones_too_many(saved, extra):
    path = saved({**before("module.", GOOD), **extra})
    message = refusal(
        lambda: checkpoint.load(path, MobileNetV1(0.25, 16)), f"{len(extra)} too many, which are no weights"
    )
    assert all(key.removeprefix("module.") in message for key in extra)
    assert "missing" not in message and "--model" not in message


def test_the_sets_of_a_safetensors_file_are_told_by_their_prefixes(tmp_path):
    path = str(tmp_path / "weights.safetensors")
    save_file({**before("model.", RAW), **before("ema.", GOOD)}, path)
    refusal(lambda: planned(path), "--weights=ema or --weights=model")
    assert read(path, planned(path, "ema").key) == "good"
    save_file(before("model.", GOOD), path)
    assert planned(path) == ("", "", "model.") and read(path, None) == "good"


@pytest.mark.parametrize("width", [1.0, 0.75, 0.5, 0.25, 0.1])
@pytest.mark.parametrize("background", [True, False])
def test_the_shapes_that_planning_knows_are_those_of_the_network(width, background):
    model = {**network(MODEL), "width": width, "background": background}
    state = MobileNetV1(width, model["classes"] + background).state_dict()
    own = {key: tuple(value.shape) for key, value in state.items() if not key.endswith(config.COUNTER)}
    assert list(config.shapes(model).items()) == list(own.items())


class Elsewhere:
    """A tensor as one of an accelerator that torch keeps no storage of is pickled."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        arguments = (self.tensor, self.tensor.dtype, "cpu", False)
        return torch._utils._rebuild_device_tensor_from_cpu_tensor, arguments


def tagged(state):
    """The same tensors, each with an attribute."""
    copies = {key: value.clone() for key, value in state.items()}
    for value in copies.values():
        value.tag = "x"
    return copies


OTHERWISE = {
    "attributes": tagged,
    "an accelerator's": lambda state: {key: Elsewhere(value) for key, value in state.items()},
    "parameters with attributes": lambda state: tagged(
        {
            key: torch.nn.Parameter(value) if value.is_floating_point() else value
            for key, value in state.items()
        }
    ),
    "a Counter": Counter,
}


@pytest.mark.parametrize("options", [{}, OLD], ids=["zip", "before-1.6"])
@pytest.mark.parametrize("pickled", OTHERWISE.values(), ids=OTHERWISE)
def test_a_set_whose_tensors_are_pickled_in_another_way_is_a_set(saved, pickled, options):
    path = saved({"state_dict": RAW, "ema": pickled(GOOD)}, **options)
    for act in (lambda: planned(path), lambda: checkpoint.load(path, MobileNetV1(0.25, 16))):
        refusal(act, "--weights=state_dict or --weights=ema")
    assert read(path, planned(path, "ema").asked) == "good"
    path = saved({"state_dict": pickled(GOOD)}, **options)
    assert planned(path) == ("state_dict", "", "") and read(path, planned(path).asked) == "good"


def test_the_worker_decides_again_where_none_is_named(saved):
    path = saved({"state_dict": GOOD})
    assert (planned(path).key, planned(path).asked) == ("state_dict", None)
    path = saved({"state_dict": RAW, "ema": GOOD})
    assert (planned(path, "ema").key, planned(path, "ema").asked) == ("ema", "ema")
    path = saved(None)  # nothing that planning knows
    assert (planned(path).key, planned(path).asked) == (None, None)
