"""Weights beside the one set that fits stop the build until it is named, and what is no average does not;
every key that a message offers is accepted as it is offered.
"""

import re
import shlex

import pytest
import torch

from configs import schema
from mobilenet import checkpoint
from mobilenet.network import MobileNetV1
from pipeline.errors import BuildError
from stages.request.checkpoint import weights_of

MODEL = schema.model("sample")


def drawn(seed):
    torch.manual_seed(seed)
    return MobileNetV1(0.25, 16).state_dict()


RAW, GOOD = drawn(1), drawn(2)
PARAMETERS = {key: value for key, value in GOOD.items() if "running" not in key and "num_" not in key}


def nested(depth):
    whole = GOOD
    for name in "abcdefghij"[:depth]:
        whole = {name: whole}
    return whole


@pytest.fixture
def saved(tmp_path):
    def save(content):
        path = str(tmp_path / "weights.pth")
        torch.save(content, path)
        return path

    return save


def refusal(path, load=False):
    with pytest.raises(BuildError) as caught:
        checkpoint.load(path, MobileNetV1(0.25, 16)) if load else weights_of(path, MODEL, None)
    message = str(caught.value).removeprefix(path)
    assert "\n" not in message and len(message) <= 200, message
    return message


AVERAGES = {
    "ema.shadow_params": {"decay": 0.9, "shadow_params": list(PARAMETERS.values()), "collected_params": None},
    "ema": PARAMETERS,
    "ema.i.h.g.f.e.d.c.b.a": nested(9),
    "ema.items": {"items": list(GOOD.items())},
    "ema.lists": {"lists": [[key, value] for key, value in GOOD.items()]},
    "ema.pairs": {"pairs": {"names": list(GOOD), "values": [value.half() for value in GOOD.values()]}},
    "ema.renamed": {"renamed": {key.replace(".", ""): value for key, value in GOOD.items()}},
    "ema.set": {"set": set(GOOD.values())},
}


@pytest.mark.parametrize(("place", "average"), AVERAGES.items(), ids=AVERAGES)
def test_an_average_that_is_no_state_dict_stops_and_the_other_is_read_when_named(saved, place, average):
    path = saved({"state_dict": RAW, "ema": average})
    for load in (False, True):
        assert f": {place}" in refusal(path, load) and "type --weights=state_dict " in refusal(path, load)
    one = weights_of(path, MODEL, "state_dict")
    assert one == ("state_dict", "-state_dict", "") and one.asked == "state_dict"
    network = MobileNetV1(0.25, 16)
    checkpoint.load(path, network, one.asked)
    assert torch.equal(network.fc.weight, RAW["fc.weight"])


def test_tensors_that_planning_does_not_know_may_be_weights(saved):
    path = saved({"state_dict": RAW, "ema": {key: value.to("meta") for key, value in GOOD.items()}})
    assert ": ema holds as many" in refusal(path)
    assert weights_of(path, MODEL, "state_dict").asked == "state_dict"


def moments():
    network = MobileNetV1(0.25, 16)
    optimizer = torch.optim.Adam(network.parameters())
    network.eval()(torch.zeros(1, 3, 32, 32)).sum().backward()
    optimizer.step()
    return optimizer.state_dict()


def itself():
    whole = {"metrics": [torch.zeros(3)]}
    whole["whole"] = whole
    return whole


NO_AVERAGES = {
    "an optimizer": lambda: {"optimizer": moments(), "optimizer_states": [moments()]},
    "the same tensors": lambda: {"params": list(GOOD.values())},
    "another network": lambda: {"teacher": {"shadow": list(MobileNetV1(0.5, 16).parameters())}},
    "all but one": lambda: {"ema": list(PARAMETERS.values())[1:]},
    "counters": lambda: {"counters": [torch.tensor(number) for number in range(200)]},
    "itself": itself,
}


@pytest.mark.parametrize("beside", NO_AVERAGES.values(), ids=NO_AVERAGES)
def test_what_is_no_average_stops_nothing(saved, beside):
    path = saved({"state_dict": GOOD, **beside()})
    assert weights_of(path, MODEL, None) == ("state_dict", "", "")
    checkpoint.load(path, MobileNetV1(0.25, 16))


KEYS = {
    "two spelled alike": {"a": {"b": RAW}, "a.b": GOOD},
    "a number and its text": {0: RAW, "0": GOOD},
    "three alike": {"a": {"b": RAW}, "a.b": GOOD, "a.b#2": drawn(3)},
    "a point and no key": {**RAW, ".": GOOD},
    "lines": {"a\nb": RAW, "'a\\nb'": GOOD},
    "colours": {"\x1b[31mred": RAW, "\udc80": GOOD},
    "letters": {"x" * 300: RAW, "x" * 299 + "y": GOOD},
    "quotes": {"a b": RAW, "it's": GOOD},
}


@pytest.mark.parametrize("content", KEYS.values(), ids=KEYS)
def test_each_key_that_is_offered_is_accepted_as_it_is_offered(saved, content):
    path = saved(content)
    ways = refusal(path).partition("say which: ")[2]
    offered = [word.removeprefix("--weights=") for word in shlex.split(ways) if word != "or"]
    folders, last = set(), []
    for key in offered:
        one = weights_of(path, MODEL, key)
        network = MobileNetV1(0.25, 16)
        checkpoint.load(path, network, one.asked)
        folders.add(one.suffix)
        last.append(network.fc.bias.tolist())
    assert len(folders) == len(offered) == len({tuple(each) for each in last}) > 1
    assert last[:2] == [RAW["fc.bias"].tolist(), GOOD["fc.bias"].tolist()]


def test_of_many_sets_as_many_are_offered_as_two_lines_hold(saved):
    small = {key: value.half() if value.is_floating_point() else value for key, value in GOOD.items()}
    many = {f"w{number}": {**small, "fc.bias": small["fc.bias"] + number} for number in range(12)}
    message = refusal(saved(many))
    assert message.endswith("--weights=KEY, one of " + ", ".join(many))
    message = refusal(saved({key + "_" * 30: state for key, state in many.items()}))
    assert re.search(r"one of w0_+, w1_+ and 10 more in this file$", message)
