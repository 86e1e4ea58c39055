"""The page as a build leaves it: where it is said to be, opened where there is a display, two languages."""

import pytest
from inv import built_sample, copied, inv
from pages import opened, screenshot


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return built_sample(tmp_path_factory)[0]


@pytest.fixture
def out(sample, tmp_path):
    return copied(sample, tmp_path / "out")


def page_of(out):
    return (out / "report" / "index.html").read_text(encoding="utf-8")


def test_the_page_of_the_sample_has_a_part_for_all_that_a_build_makes(sample):
    page = page_of(sample)
    for key in ("speed", "accuracy", "classes", "gallery", "agreement", "stages", "published", "plan"):
        assert f'<section id="{key}">' in page
    assert "SAMPLE" in page and "nothing is published of it" in page
    assert page.count("data:image/jpeg;base64,") == page.count('class="picture"') >= 1


def test_a_build_ends_with_where_its_page_is(out):
    answer = inv("report", out=out)
    last = answer.out.splitlines()[-2:]
    assert last == [f"page: {out}/report/index.html", f"report: {out}/report/report.md"]


def test_the_page_opens_in_the_browser_where_there_is_a_display(out, tmp_path):
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" >{seen}\n')
    browser.chmod(0o755)
    inv("report", "--open", out=out, DISPLAY=":7", BROWSER=f"{browser} %s")
    assert seen.read_text() == f"file://{out}/report/index.html\n"


def test_without_a_display_open_says_what_to_do_instead(out):
    answer = inv("report", "--open", out=out, DISPLAY="", WAYLAND_DISPLAY="")
    assert f"--open: no display or no browser here; copy the page, which is one file: {out}" in answer.out


def test_the_language_is_the_one_asked_for_and_another_is_another_page(out):
    inv("report", "--lang=zh", out=out)
    assert '<html lang="zh" data-language="zh">' in page_of(out)
    assert inv("report", "--lang=zh", out=out).ran == []
    assert inv("report", out=out).ran == ["report"] and '<html lang="en"' in page_of(out)


def test_another_language_is_refused(out):
    answer = inv("report", "--lang=de", out=out, code=2)
    assert answer.err == "inv: --lang=de: expected one of: en, zh\n"


def test_the_history_is_drawn_where_it_is_asked_for(out):
    inv("report", "--save=first", out=out)
    assert 'id="history"' not in page_of(out)
    inv("report", "--history", out=out)
    page = page_of(out)
    assert (
        '<section id="history">' in page and "Throughput over runs" in page and "Accuracy over runs" in page
    )


@pytest.mark.extra
def test_the_samples_page_answers_the_five_questions_on_its_first_screen(sample):
    with opened(sample / "report" / "index.html", 1280, 720) as (tab, said):
        boxes = [card.bounding_box() for card in tab.locator(".card").all()]
        assert len(boxes) == 5 and max(box["y"] + box["height"] for box in boxes) <= 720
        screenshot(tab, "sample-1280")
        assert said == [] and tab.locator(".plot canvas").count() >= tab.locator(".plot").count()
