"""The words of the command line, one by one."""

import pytest

from configs import options
from configs.given import parse
from pipeline.errors import BuildError


def test_nothing_given_is_the_defaults():
    words = parse({})
    assert (words.chip, words.batches, words.pixels, words.devices) == (
        "auto",
        (1, 4, 8, 16, 32, 64),
        "exact",
        "all",
    )
    assert (
        words.model
        is words.checkpoint
        is words.dataset
        is words.limit
        is words.precision
        is words.input
        is words.jobs
        is None
    )
    assert not words.keep_going and not words.again and not words.quiet


@pytest.mark.parametrize(
    ("text", "found"),
    [("all", (1, 4, 8, 16, 32, 64)), ("64", (64,)), ("16,1", (1, 16)), ("8, 8", (8,)), ("1024", (1024,))],
)
def test_batch_sizes_are_a_list_or_all(text, found):
    assert parse({"bs": text}).batches == found


@pytest.mark.parametrize("text", ["abc", "0", "-1", "1,,2", "1.5", "1025", "²", " ", "1-4", "all,1"])
def test_other_batch_sizes_are_the_users_mistake(text):
    with pytest.raises(BuildError) as told:
        parse({"bs": text})
    assert str(told.value).startswith(f"--bs={text}: expected")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("limit", "0"),
        ("limit", "x"),
        ("limit", "-3"),
        ("jobs", "0"),
        ("jobs", "1.5"),
        ("limit", "²"),
        ("eval_bs", "a"),
    ],
)
def test_counts_are_numbers_above_zero(option, value):
    with pytest.raises(BuildError) as told:
        parse({option: value})
    assert str(told.value).startswith(f"--{option.replace('_', '-')}={value}: expected a number above 0")


@pytest.mark.parametrize("text", ["69", "69.02", "0", "100", "0.0", "published"])
def test_a_bound_of_the_accuracy_is_a_percentage_or_the_published_one(text):
    assert parse({"min_top1": text}).min_top1 == text and parse({}).min_top1 is None


@pytest.mark.parametrize(
    "text",
    ["nan", "inf", "-0", "-1", "100.01", "1e1", " 69", "69.", "6_9", "٦", "69%", "9" * 400, "published "],
)
def test_other_bounds_are_the_users_mistake(text):
    with pytest.raises(BuildError) as told:
        parse({"min_top1": text})
    assert str(told.value).startswith(f"--min-top1={text}: expected a number from 0 to 100, such as")


@pytest.mark.parametrize("option", ["precision", "input", "pixels", "preset", "on_bad"])
def test_a_value_that_is_none_of_the_legal_ones_gets_the_list(option):
    with pytest.raises(BuildError, match=f"--{option.replace('_', '-')}=nonsense: expected one of: "):
        parse({option: "nonsense"})


@pytest.mark.parametrize("name", ["v1", "2026-11-26", "a.b_c-D", "_", "x" * 64])
def test_a_saved_run_may_be_called_so(name):
    assert parse({"save": name}).save == name


@pytest.mark.parametrize(
    "name", [".", "..", ".part-x", "-v", "a/b", "a b", "a\nb", "ä", "x" * 65, "v1\n", "$x", "*", "now"]
)
def test_a_saved_run_may_not_be_called_so(name):
    with pytest.raises(BuildError) as told:
        parse({"save": name})
    assert str(told.value).startswith(f"--save={name}: ")


def test_every_option_has_a_help_text_and_every_value_an_option():
    assert all(option.help and option.help[0].islower() for option in (*options.SHARED, *options.DATA))
    names = {option.name for option in options.SHARED}
    assert {"bs" if name == "batches" else name for name in vars(parse({}))} == names


def test_every_choice_that_is_listed_can_be_chosen():
    for option in options.SHARED:
        if option.kind == "choice":
            assert all(
                getattr(parse({option.name: value}), option.name) == value for value in option.choices()
            )
            assert all(value in options.completions(f"{option.flag}=") for value in option.choices())


def test_an_empty_value_gets_what_was_expected():
    with pytest.raises(BuildError, match="^--chip=: given without a value; expected chip to build for"):
        parse({"chip": ""})


def test_the_shell_is_offered_values_of_options_that_have_some():
    assert "310P3" in options.completions("--chip=") and options.completions("--bs=1")[0] == "all"
    assert options.completions("--checkpoint=") == options.completions("--chip") == []
