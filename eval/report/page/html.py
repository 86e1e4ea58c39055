"""The page as one file: Jinja2 fills it in, all text escaped, and its policy names every script by hash."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bokeh.resources import Resources
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval.judging import alarms
from eval.judging.gate import Gate
from eval.record_types import Record
from eval.report import tables
from eval.report.compare import Accuracies, Throughputs
from eval.report.page import answers, view
from eval.report.page.accuracy_parts import share
from eval.report.page.beside import Files
from eval.report.page.charts import plan_picture
from eval.report.page.charts.plan_picture import PlanShape
from eval.report.page.past import Past
from eval.report.page.sections import sections
from eval.report.page.words import Words, words

FOLDER = os.path.dirname(os.path.abspath(__file__))
SAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class Content:
    """What the page is made from: the rows of the report, what is published, and what lies beside the rows.

    current   columns of the accuracy that the request is about
    gate      the bound that this accuracy must keep, where one was asked for
    plan      the plan's groups and edges
    made_by   where and by what the records were made, a line each
    language  the one that is shown first: en or zh
    past      the saved runs beside the present one, where they were asked for
    max_drop  points of top-1 that this accuracy may lose against float32, where a limit was asked for
    """

    rows: Sequence[Record]
    published: Throughputs
    accuracies: Accuracies
    files: Files
    current: Mapping[str, object] | None = None
    gate: Gate | None = None
    plan: PlanShape | None = None
    made_by: Sequence[str] = ()
    language: str = "en"
    past: Past | None = None
    max_drop: float | None = None


def html(content: Content) -> str:
    """The whole page."""
    about = answers.subject(content.rows, content.current)
    parts = sections(
        content.rows, content.published, content.accuracies, content.files, about.accuracy, content.past
    )
    items = [chart.plot.item for part in parts for chart in part.charts]
    scripts = [_bokeh(), _text("page.js")]
    return (
        _environment()
        .get_template("page.html")
        .render(
            language=content.language,
            alarms=_alarms(content.rows),
            cards=answers.answers(
                about, content.published, content.accuracies, content.gate, content.max_drop
            ),
            sample=bool(content.rows) and all(row["sample_data"] for row in content.rows),
            sections=parts,
            plan=plan_picture.picture(content.plan) if content.plan else None,
            made_by=content.made_by,
            definitions=view.definitions_shown(),
            charts=Markup(_data(items)),
            scripts=[Markup(script) for script in scripts],
            style=Markup(_text("style.css")),
            policy=_policy(scripts),
        )
    )


def _alarms(rows: Sequence[Record]) -> list[Words]:
    """What no figure shows by itself, of every row, as report.md has it."""
    return [
        Words(*(f"{text} ({tables.named(row)})" for text in words(alarm)))
        for row, alarm in alarms.of_all(rows)
    ]


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"words": words, "anchor": view.anchor, "share": share}
    return environment


def _text(name: str) -> str:
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


def _bokeh() -> str:
    """BokehJS, from inside its Python package; its log says errors only."""
    resources = Resources(mode="inline", components=["bokeh"], log_level="error")
    return "\n".join(resources.js_raw)


def _data(value: object) -> str:
    """JSON that no text in it can end: `<` and its like are written as escapes."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for letter, escape in SAFE.items():
        text = text.replace(letter, escape)
    return text


def _policy(scripts: Sequence[str]) -> str:
    """Content-Security-Policy: nothing from anywhere, these scripts, and pictures that are in the page."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"
