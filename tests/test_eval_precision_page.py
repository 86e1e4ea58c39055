"""What a precision brings and costs, on the page and on the terminal."""

import json

import pytest
from eval_rows import judged
from test_eval_precision import OF, int8
from test_eval_precision_forms import forms_of

from eval import records
from eval.precision.loss import LOST, NO_LOSS
from eval.report import terminal, write
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
    ("count", "note"),
    [
        (0, ""),
        (500, ""),
        (501, "1 more is in lost.csv beside the record."),
        (503, "3 more are in lost.csv beside the record."),
    ],
)
def test_discordant_images_are_listed_up_to_500(count, note):
    table = parts.discordant(int8(), Beside(lost=lines(count)))
    assert len(table.rows) == min(count, 500) and table.note == note
    assert table.title.startswith("Lost and won against fp32, ")


CANNOT_TELL = (
    "--max-drop=1 is not missed, and cannot be told to hold: loss 0.80 points, 95 % interval -1.66 to 3.25;"
    " 250 images, about "
)


def ended(*rows, **scope):
    """What a command ends with that these rows are of."""
    return terminal.final(rows, {}, {}, {"current": {"chip": "cpu"}, **scope}).splitlines()


def test_the_terminal_says_the_loss_then_the_limit_then_the_file():
    row = int8(lost=5, won=3)
    told = ended(row, lost="m/lost.csv")
    at = next(n for n, line in enumerate(told) if line.startswith("int8 loses 0.80 points"))
    assert told[at + 1] == "what was lost and won is named in m/lost.csv"
    told = ended(row, lost="m/lost.csv", max_drop=5.0)
    assert told[at + 1 :][:2] == [
        "--max-drop=5 holds: loss 0.80 points, 95 % interval -1.66 to 3.25, all of it within the limit",
        "what was lost and won is named in m/lost.csv",
    ]
    assert CANNOT_TELL in ended(row, max_drop=1.0)[at + 1]
    assert ended(int8(lost=60), max_drop=1.0)[at + 1].startswith("--max-drop=1 is missed: loss 24.00 points")


@pytest.mark.parametrize("columns", [{}, NO_LOSS])
def test_of_float32_no_loss_is_said(columns):
    told = ended(judged({**OF, "precision": "fp32"}, **columns), lost="m/lost.csv", max_drop=1.0)
    assert not [line for line in told if "fp32 (95" in line or "named in" in line or "max-drop" in line]


@pytest.mark.parametrize(
    ("lost", "limit", "words", "level", "state"),
    [
        (5, 5.0, "--max-drop=5 holds: loss 0.80 points", "notice", "none"),
        (5, 1.0, CANNOT_TELL, "notice", "none"),
        (63, 1.0, "--max-drop=1 is missed: loss 24.00 points", "warning", "bad"),
    ],
)
def test_what_the_limit_says_stands_in_the_report_on_the_page_and_in_the_annotations(
    tmp_path, lost, limit, words, level, state
):
    row = int8(lost=lost, won=3)
    about = {column: row[column] for column in ("chip", "precision", "batch")}
    records.write(str(tmp_path / "accuracy.json"), row)
    names = ("report.md", "index.html", "annotations.json", "table.txt")
    write.write(
        [str(tmp_path / name) for name in names],
        records=[str(tmp_path / "accuracy.json")],
        published={},
        published_accuracy={},
        current=about,
        table={"max_drop": limit, "lost": "m/lost.csv"},
    )
    report, page, annotations, table = ((tmp_path / name).read_text() for name in names)
    assert f"\n- {words}" in report and f"\n{words}" in table
    (remark,) = [each for each in json.loads(annotations) if each["title"] == "--max-drop"]
    assert remark["level"] == level and remark["text"].startswith(words)
    card = page[page.index('id="answer-matches"') - 30 :].partition("</section>")[0]
    assert f'lang="en">{words}' in card and f"--max-drop={limit:g}" in card.partition('lang="zh">')[2]
    assert f"card {state}" in card and card.count('lang="zh"') == card.count('lang="en"') > 2
