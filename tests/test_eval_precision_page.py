"""What a precision brings and costs, on the page and on the terminal."""

import pytest
from eval_rows import judged
from test_eval_precision import OF, forms_of, int8

from eval.precision.loss import LOST, NO_LOSS
from eval.report import terminal
from eval.report.page import precision_parts as parts
from eval.report.page.beside import Beside


def test_accuracy_is_drawn_against_throughput_and_against_size():
    speed, size = parts.pictures(forms_of())
    assert speed.title.en.startswith("Accuracy against throughput: sgd-5e6f7a8b, val-12345678")
    assert size.title.en.startswith("Accuracy against size: sgd-5e6f7a8b, val-12345678")


def test_what_one_form_alone_has_is_not_drawn():
    rows = forms_of()
    sizes = [row for row in rows if row["kind"] == "model"]
    assert [
        chart.title.en.partition(":")[0] for chart in parts.pictures([r for r in rows if r not in sizes[:1]])
    ] == ["Accuracy against throughput"]
    assert list(parts.pictures(rows[:2])) == [] == list(parts.pictures([]))


def lines(count):
    return [dict(zip(LOST, (f"i{n}.jpg", "1", "1", "", "lost"), strict=True)) for n in range(count)]


@pytest.mark.parametrize(
    ("count", "note"), [(0, ""), (3, ""), (500, ""), (503, "3 more are in lost.csv beside the record.")]
)
def test_discordant_images_are_listed_up_to_500(count, note):
    table = parts.discordant(int8(), Beside(lost=lines(count)))
    assert len(table.rows) == min(count, 500) and table.note == note
    assert table.title.startswith("Lost and won against fp32, ")


def ended(*rows, **scope):
    """What a command ends with that these rows are of."""
    return terminal.final(rows, {}, {}, {"current": {"chip": "cpu"}, **scope}).splitlines()


def test_the_terminal_says_the_loss_then_the_limit_then_the_file():
    row = int8(lost=5, won=3)
    told = ended(row, lost="m/lost.csv")
    at = next(n for n, line in enumerate(told) if line.startswith("int8 loses 0.80 points"))
    assert told[at + 1] == "they are named in m/lost.csv"
    told = ended(row, lost="m/lost.csv", max_drop=5.0)
    assert told[at + 1 :][:2] == [
        "--max-drop=5 holds: all of the interval is within it",
        "they are named in m/lost.csv",
    ]
    assert (
        "--max-drop=1 is not missed, and cannot be told to hold: 250 images"
        in ended(row, max_drop=1.0)[at + 1]
    )
    assert ended(int8(lost=60), max_drop=1.0)[at + 1] == "--max-drop=1 is missed"


@pytest.mark.parametrize("columns", [{}, NO_LOSS])
def test_of_float32_no_loss_is_said(columns):
    told = ended(judged({**OF, "precision": "fp32"}, **columns), lost="m/lost.csv", max_drop=1.0)
    assert not [line for line in told if "fp32 (95" in line or "named in" in line or "max-drop" in line]
