"""benchmarks/engine/same_outputs.py lets pass what is allowed and nothing else, and starts each checkout with
its own code and its own packages.
"""

import sys

import pytest
from sides import ROW, STAMP, Sides, loaded


@pytest.fixture(scope="module")
def script():
    return loaded()


@pytest.fixture
def sides(tmp_path, script):
    return Sides(tmp_path, script.differences)


def test_code_that_differs_is_said_once_and_is_allowed(sides, script, capsys):
    for number in range(3):
        sides.write(sides.old, f"{number}.npy.stamp", STAMP)
        sides.write(sides.new, f"{number}.npy.stamp", STAMP | {"code": {"infer.logits": str(number)}})
    result = script.differences.compare(str(sides.old), str(sides.new))
    assert result.differences == ["stamps: code of 3 steps differs (first out/0.npy.stamp)"]
    assert script.tell("sample", result, []) is True
    assert capsys.readouterr().out.splitlines() == [
        "same: sample  (1 files byte for byte, 3 records, 2 pages, 4 stamps)",
        "    allowed  stamps: code of 3 steps differs (first out/0.npy.stamp)",
    ]


def test_what_is_not_allowed_or_ended_wrongly_is_no_same(sides, script, capsys):
    sides.write(sides.new, "accuracy.json", ROW | {"images": 1})
    assert script.tell("sample", script.differences.compare(str(sides.old), str(sides.new)), []) is False
    assert script.tell("null", script.differences.Compared(), ["exit 1, expected 3"]) is False
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[::2]] == ["differs:", "differs:"]


@pytest.mark.parametrize("code", ["from pipeline.program import main; main()", "import tasks; tasks.main()"])
def test_a_checkout_is_started_with_the_code_of_its_own_inv(script, tmp_path, code):
    code = f"import sys; sys.path.insert(0, sys.argv.pop(1)); {code}"
    (tmp_path / "inv").write_text(f'#!/bin/sh\nexec "$venv/bin/python" -P -c \'{code}\' "$root" "$@"\n')
    assert script.Checkout(str(tmp_path), None).code == code


def test_this_checkouts_inv_can_be_read_and_its_packages_are_its_own(script):
    checkout = script.Checkout(script.ROOT, None)
    assert "main" in checkout.code
    checkout.python = sys.executable
    checkout.refuse_foreign_packages()


def test_packages_of_another_checkout_are_refused(script, tmp_path):
    (tmp_path / "inv").write_text('exec python -P -c \'import sys\' "$root" "$@"\n')
    with pytest.raises(SystemExit, match="does not import the packages of"):
        script.Checkout(str(tmp_path), sys.executable).refuse_foreign_packages()
