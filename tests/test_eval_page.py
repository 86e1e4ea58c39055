"""The page without a browser: what is in the file, escaped, under its policy, in both languages."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from eval_rows import PIXELS, REAL, SAMPLE, compared, judged, many, rows, timed
from pages import HOSTILE, PICTURE, page

from eval.report.definitions import DEFINITIONS, FURTHER, of_column
from eval.report.page import answers, words
from eval.report.page.charts.plan_picture import picture
from eval.report.page.view import view
from eval.report.tables import Table


class Tags(HTMLParser):
    """Start tags with their attributes, and the text of each element by its tag."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self._open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_data(self, data):
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return page(tmp_path_factory.mktemp("page")).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tags(text):
    return Tags(text)


def scripts(text):
    return re.findall(r"<script>(.*?)</script>", text, re.DOTALL)


def test_every_script_is_allowed_by_its_hash_and_nothing_else_is(text, tags):
    policy = next(each["content"] for each in tags.all("meta") if "http-equiv" in each)
    digests = [hashlib.sha256(each.encode()).digest() for each in scripts(text)]
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    assert len(digests) == 2
    rest = "style-src 'unsafe-inline'; img-src data:"
    assert policy == f"default-src 'none'; script-src {allowed}; {rest}"


def test_a_page_names_no_other_place_to_load_from(tags):
    loaded = [each.get("src") or each.get("href") for _, each in tags.tags]
    assert {each.partition(":")[0] for each in loaded if each and not each.startswith("#")} == {"data"}
    assert not any(name.startswith("on") for _, each in tags.tags for name in each)


def test_hostile_names_are_text_wherever_they_stand(text, tags):
    assert HOSTILE not in text
    shown = [data for tag, data in tags.texts if HOSTILE in data]
    assert {tag for tag, data in tags.texts if HOSTILE in data} <= {"span", "td", "li", "img", "figcaption"}
    assert len(shown) > 24
    assert {each["alt"] for each in tags.all("img")} == {PICTURE}


def test_what_the_charts_are_given_cannot_end_its_script(tmp_path):
    name = "</script><script>alert(1)</script>"
    row = {**REAL, **PIXELS, "chip": name}
    html = page(tmp_path, [judged(row), timed(row, 1, 10.0)], current={"chip": name}).read_text()
    data = re.search(r'<script type="application/json" id="charts">(.*?)</script>', html, re.DOTALL)[1]
    assert "<" not in data and "alert(1)" in data and "<script>alert" not in html
    assert len(json.loads(data)) >= 2


def test_each_text_stands_in_both_languages(tags):
    english = [each for _, each in tags.tags if each.get("lang") == "en"]
    chinese = [each for _, each in tags.tags if each.get("lang") == "zh"]
    assert len(chinese) > 150 and len(english) == len(chinese) + 1  # and the page's own


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_opens_in_the_language_asked_for(tmp_path, language):
    html = page(tmp_path, rows({**REAL, **PIXELS}), lang=language).read_text(encoding="utf-8")
    assert f'<html lang="{language}" data-language="{language}">' in html


def test_the_definitions_are_in_both_languages_and_each_figure_names_one(tags):
    known = {each["id"] for each in tags.all("div") if "popover" in each}
    assert len(known) == len(DEFINITIONS) + len(FURTHER)
    asked = [each["popovertarget"] for each in tags.all("button") if "popovertarget" in each]
    assert set(asked) <= known and len(asked) > 60
    for text in (*DEFINITIONS, *DEFINITIONS.values(), *FURTHER, *FURTHER.values()):
        both = words.words(text)
        assert re.search("[\u4e00-\u9fff]", both.zh) or text in ("LoadGen", "ReaL top-1", "top-1, top-5"), (
            text
        )


def test_every_heading_of_a_figure_has_a_of_column(text):
    table = re.compile(r"<th scope=\"col\">(.*?)</th>", re.DOTALL)
    without = [each for each in table.findall(text) if "popovertarget" not in each and "sort" in each]
    assert [re.sub(r"<.*?>|\s+", " ", each).strip() for each in without] == []


def cards(*each, current=None, gate=None):
    about = answers.subject(list(each), current)
    said = answers.answers(about, {}, {"mobilenet_v1": {"top1_pct": 69.52, "top5_pct": 89.05}}, gate)
    return {card.key: card for card in said}


def test_an_accuracy_matches_when_chance_explains_what_it_lacks():
    of = {**REAL, **PIXELS}
    for hits, state, headline in (
        (34_760, "good", "yes"),
        (34_600, "good", "yes, within what chance explains"),
        (34_000, "bad", "no: 1.52 points below"),
    ):
        card = cards(judged(of, [0] * hits + [9] * (50_000 - hits)))["matches"]
        assert (card.state, card.headline.en) == (state, headline)
    assert cards(judged(SAMPLE))["matches"].headline.en == "sample: nothing is published of it"


def test_what_the_tolerance_allows_is_a_match_and_what_is_far_above_is_none():
    of, stated = (
        {**REAL, **PIXELS},
        {"mobilenet_v1": {"top1_pct": 69.52, "top5_pct": 89.05, "tolerance_pct": 0.5}},
    )
    for hits, state, headline in (
        (34_540, "good", "yes, within the tolerance"),
        (34_500, "bad", "no: 0.52 points below"),
        (40_000, "warn", "no: 10.48 points above"),
    ):
        row = judged(of, [0] * hits + [9] * (50_000 - hits))
        card = answers.answers(answers.subject([row], None), {}, stated, None)[1]
        assert (card.state, card.headline.en) == (state, headline)


def test_answers_that_are_not_pytorchs_match_nothing_and_are_a_doubt():
    of = {**REAL, **PIXELS}
    wrong = compared(of, 16, same_top1_pct=12.0, same_top1_clear_pct=12.5, nan_rows=88)
    said = cards(judged(of, [0] * 34_760 + [9] * 15_240), wrong)
    assert (
        said["matches"].headline.en == "no: its answers are not PyTorch's" and said["matches"].state == "bad"
    )
    assert said["trust"].state == "bad"


def test_every_alarm_of_every_row_is_on_the_page(tmp_path):
    of = {**REAL, **PIXELS}
    each = [judged(of), {**judged(of), "chip": "310", "nan_rows": 4321}, compared(of, 1, nan_rows=99)]
    html = page(tmp_path, each).read_text()
    assert html.count('<p class="alarm" role="alert">') == 2 and "4,321" in html


def test_names_are_translated_nowhere():
    table = Table("Every class", ("class", "name", "taken for", ""), (("0", "cliff", "stage", "cliff"),), 2)
    row = view(table, "classes").rows[0]
    assert [cell.text.zh for cell in row] == ["0", "cliff", "stage", "骤降"]


def test_cells_sort_by_all_of_their_figure():
    table = Table("x", ("largest difference", ""), (("2.7e-05", ""), ("0.12", ""), ("1e+06", "")))
    assert [float(row[0].value) for row in view(table, "agreement").rows] == [2.7e-05, 0.12, 1e6]


def test_a_column_of_the_device_alone_says_so():
    assert of_column("throughput", "measured 310P3 fp16 uint8, compute only") == "compute only"
    assert of_column("throughput", "310P3 fp16 uint8 / 310") == "ratio"


def test_a_missed_gate_is_no_match_whatever_is_published():
    row = judged({**REAL, **PIXELS}, [0] * 45_000 + [1] * 5_000)
    card = cards(row, gate={"min_top1_pct": 91.0, "asked": "91"})["matches"]
    assert (card.state, card.headline.en) == ("bad", "no: the gate was missed")
    assert "gate 91 %: missed by 1.00 points, with more than 99.9 % certainty" in [p.en for p in card.points]
    held = cards(row, gate={"min_top1_pct": 69.02, "asked": "published"})["matches"]
    assert held.state == "warn" and any("held by 20.98 points" in point.en for point in held.points)


def test_the_batch_sizes_to_use_are_those_that_cannot_be_told_from_the_best():
    of = {**REAL, **PIXELS}
    quiet = [timed(of, batch, speed) for batch, speed in ((1, 100.0), (16, 199.0), (32, 200.0), (64, 120.0))]
    card = cards(*quiet)["batch"]
    assert (card.state, card.headline.en) == ("good", "16, 32")
    assert any("not 64: slower than a smaller batch" in point.en for point in card.points)
    noisy = [{**row, "quiet": False, "noise": ["x"]} for row in quiet]
    assert cards(*noisy)["batch"].headline.en == "cannot tell: timed shortly or in noise"
    assert cards(*noisy)["fast"].state == "warn" and cards(*quiet)["fast"].state == "good"


def test_what_speaks_against_a_figure_is_said():
    of = {**REAL, **PIXELS}
    clean = [judged(of, [0] * 10_000), timed(of, 1, 10.0), timed(of, 2, 30.0)]
    assert cards(*clean)["trust"].headline.en == "nothing speaks against it"
    doubts = {
        "with care: one doubt": [{**clean[0], "missing": 3}],
        "with care: 2 doubts": [{**clean[0], "missing": 3}, {**clean[1], "quiet": False, "noise": ["x"]}],
    }
    for headline, changed in doubts.items():
        assert cards(*changed, *clean[len(changed) :])["trust"].headline.en == headline
    assert cards({**clean[0], "nan_rows": 2}, *clean[1:])["trust"].state == "bad"


def test_a_report_of_nothing_has_a_page_that_says_so(tmp_path):
    html = page(tmp_path, [], current=None).read_text()
    assert "nothing was judged or timed yet" in html and "nothing was measured yet" in html


def test_the_plan_is_drawn_from_left_to_right():
    shape = {"groups": [["a", 1], ["b", 2], ["c", 1]], "edges": [["a", "b"], ["b", "c"], ["a", "c"]]}
    drawn = picture(shape)
    x = {box.name: box.x for box in drawn.boxes}
    assert x["a"] < x["b"] < x["c"] and len(drawn.curves) == 3 and drawn.boxes[1].steps == "2 steps"
    circle = picture({"groups": [["a", 1], ["b", 1]], "edges": [["a", "b"], ["b", "a"]]})
    assert len(circle.boxes) == 2


def test_rows_of_every_kind_and_state_are_drawn(tmp_path):
    each = [
        {**row, "chip": "310", "checkpoint": "other-00000000"} for row in many() if row["kind"] == "accuracy"
    ][:1]
    html = page(tmp_path, [*many(), *each]).read_text()
    assert html.count('class="plot"') >= 8
