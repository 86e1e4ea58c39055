"""The words of the command line, one by one."""

import pytest

from configs import options
from configs.options import parse
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


THERE = ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("all", THERE),
        ("0", ["0"]),
        ("0,1", ["0", "1"]),
        ("0-3", THERE),
        ("3,1", ["1", "3"]),
        ("1-2,2", ["1", "2"]),
    ],
)
def test_devices_are_a_list_a_range_or_all(text, found):
    assert options.devices(text, THERE, "310P3") == found


@pytest.mark.parametrize(
    "text", ["99", "0-9", "4", "x", "1-", "-1", "3-1", "", "0,,1", "²", "0-999999999999"]
)
def test_other_devices_are_the_users_mistake_and_what_is_there_is_named(text):
    with pytest.raises(BuildError) as told:
        options.devices(text, THERE, "310P3")
    assert str(told.value).startswith(f"--devices={text}: ") and "0, 1, 2, 3" in str(told.value)


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


@pytest.mark.parametrize("option", ["precision", "input", "pixels", "preset", "on_bad"])
def test_a_value_that_is_none_of_the_legal_ones_gets_the_list(option):
    with pytest.raises(BuildError, match=f"--{option.replace('_', '-')}=nonsense: expected one of: "):
        parse({option: "nonsense"})


def test_every_option_has_a_help_text_and_every_word_an_option():
    assert all(
        text and text[0].islower() or text.startswith(("N", "OUT")) for _, text in options.SHARED.values()
    )
    assert set(vars(parse({}))) - {"batches"} <= set(options.SHARED)
