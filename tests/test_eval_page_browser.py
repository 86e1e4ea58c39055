"""The page in a real browser: drawn, sorted, filtered, printed, spoken in two languages, used by keyboard."""

import pytest
from pages import HOSTILE, PICTURE, opened, page, screenshot, settled

pytestmark = pytest.mark.extra


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    return page(tmp_path_factory.mktemp("page"))


@pytest.mark.parametrize("width, height", [(1280, 800), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_without_a_network_or_an_error_and_nothing_hangs_over_the_side(html, width, height, scheme):
    with opened(html, width, height, color_scheme=scheme) as (tab, said):
        screenshot(tab, f"page-{scheme}-{width}")
        screenshot(tab, f"page-{scheme}-{width}-full", full=True)
        assert said == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_every_chart_is_drawn(html):
    with opened(html) as (tab, _):
        plots = tab.locator(".plot")
        assert plots.count() >= 8
        for number in range(plots.count()):
            plot = plots.nth(number)
            assert plot.locator("canvas").count() >= 1 and plot.bounding_box()["height"] > 100
            painted = """each => [...each.getContext('2d').getImageData(0, 0, each.width, each.height).data]
                .some(value => value)"""
            assert any(canvas.evaluate(painted) for canvas in plot.locator("canvas").all())


def test_the_five_questions_are_answered_on_the_first_screen(html):
    with opened(html, 1280, 720) as (tab, _):
        boxes = [card.bounding_box() for card in tab.locator(".card").all()]
        assert len(boxes) == 5 and max(box["y"] + box["height"] for box in boxes) <= 720


def test_pointing_at_a_bar_shows_its_value(html):
    with opened(html) as (tab, _):
        plot = tab.locator("#agreement .plot").first
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        tips = tab.locator(".bk-Tooltip, .bk-tooltip-row-value")
        for down in (0.2, 0.3, 0.4, 0.5):
            tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * down)
            tab.wait_for_timeout(150)
            if any("99.00 %" in text for text in tips.all_inner_texts()):
                return
        pytest.fail(f"no value was shown: {tips.all_inner_texts()}")


def column(tab, view, number):
    rows = tab.locator(f"{view} tbody tr")
    return rows.locator(f"td:nth-child({number})").all_inner_texts()


def test_a_table_sorts_by_what_its_cells_mean(html):
    with opened(html) as (tab, _):
        view = "#classes .table:has(.filter)"
        button = tab.locator(f"{view} th:nth-child(5) .sort")
        button.click()
        up = [float(text) for text in column(tab, view, 5)]
        assert up == sorted(up) and len(up) == 1000
        button.click()
        assert [float(text) for text in column(tab, view, 5)] == sorted(up, reverse=True)
        assert tab.locator(f"{view} th:nth-child(5)").get_attribute("aria-sort") == "descending"


def test_a_table_filters_by_what_is_typed(html):
    with opened(html) as (tab, _):
        view = tab.locator("#classes .table:has(.filter)")
        view.locator(".filter").fill("class 77")
        shown = view.locator("tbody tr:not([hidden])").all_inner_texts()
        assert len(shown) == 13 and all("class 77" in text for text in shown)
        assert view.locator(".counted").inner_text() == "13 / 1000"
        view.locator(".filter").fill("<img")
        assert view.locator(".counted").inner_text() == "2 / 1000"


def test_hostile_names_show_as_text(html):
    with opened(html) as (tab, said):
        assert tab.locator("#gallery .file").first.inner_text() == PICTURE
        assert HOSTILE in tab.locator("#gallery .guess").nth(1).inner_text()
        assert tab.locator("#classes tbody", has_text=HOSTILE).count() >= 1
        assert tab.locator("img[onerror]").count() == 0 and said == []


def test_the_language_switches_everywhere_in_the_charts_too(html):
    with opened(html) as (tab, _):
        heading, button = tab.locator("h1"), tab.locator("#language")
        assert heading.inner_text() == "MobileNetV1 build report"
        button.click()
        assert heading.inner_text() == "MobileNetV1 构建报告"
        assert tab.evaluate("document.documentElement.lang") == "zh"
        labels = """Bokeh.documents.flatMap(doc => [...doc.all_models])
            .filter(each => (each.tags || [])[0] === 'axis').map(each => each.axis_label)"""
        assert "批大小" in tab.evaluate(labels) and "batch size" not in tab.evaluate(labels)
        screenshot(tab, "page-zh-1280")
        button.click()
        assert heading.inner_text() == "MobileNetV1 build report" and "batch size" in tab.evaluate(labels)


def test_the_theme_switches_and_is_remembered(html):
    paper = "getComputedStyle(document.body).backgroundColor"
    with opened(html, color_scheme="light") as (tab, _):
        light = tab.evaluate(paper)
        tab.locator("#theme").click()
        dark = tab.evaluate(paper)
        assert light == "rgb(255, 255, 255)" and dark != light
        tab.reload()
        settled(tab)
        assert tab.evaluate(paper) == dark
        tab.locator("#theme").click()
        assert tab.evaluate(paper) == light


def test_dark_prints_light_with_every_fold_open(html):
    with opened(html, color_scheme="dark") as (tab, _):
        assert tab.evaluate("getComputedStyle(document.querySelector('.plot')).filter") != "none"
        tab.emulate_media(media="print", color_scheme="dark")
        paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == "rgb(255, 255, 255)"
        assert tab.evaluate("getComputedStyle(document.querySelector('.plot')).filter") == "none"
        assert tab.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
        pdf = tab.pdf()
        assert pdf.startswith(b"%PDF") and len(pdf) > 100_000


def test_a_legend_hides_its_line(html):
    with opened(html) as (tab, _):
        entry = tab.locator("#speed .entry").first
        visible = """Bokeh.documents.flatMap(doc => [...doc.all_models])
            .filter(each => (each.tags || [])[0] === 'entry' && each.tags[1] === 0 && !each.visible).length"""
        assert tab.evaluate(visible) == 0
        entry.click()
        assert entry.get_attribute("aria-pressed") == "false" and tab.evaluate(visible) >= 2


def test_a_definition_is_one_click_away_and_closes_by_keyboard(html):
    with opened(html) as (tab, _):
        what = tab.locator("#accuracy .what").first
        shown = tab.locator(f"#{what.get_attribute('popovertarget')}")
        assert not shown.is_visible()
        what.click()
        assert shown.is_visible() and len(shown.inner_text()) > 40
        tab.keyboard.press("Escape")
        assert not shown.is_visible()


def test_it_works_by_keyboard(html):
    with opened(html) as (tab, _):
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.className") == "skip"
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.id") == "language"
        tab.keyboard.press("Enter")
        assert tab.evaluate("document.documentElement.lang") == "zh"
        sort = tab.locator("#classes .sort").first
        sort.focus()
        tab.keyboard.press("Space")
        assert sort.get_attribute("data-order") == "up"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(html, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe, of [extra-tests]")
    with opened(html, color_scheme=scheme) as (tab, _):
        answer = axe.Axe().run(tab).response
        serious = [each for each in answer["violations"] if each["impact"] in ("serious", "critical")]
        assert [(each["id"], each["nodes"][0]["html"][:200]) for each in serious] == []
