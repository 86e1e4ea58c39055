"""report.md is pasted into pull requests: names in it are text, whatever is in them."""

from eval_rows import PIXELS, PUBLISHED, REAL, STATED, judged, timed

from eval.report import markdown

FORGED = "x\n\n## Gate held\n\n- **99.9 %** <script>alert(1)</script> | y"


def test_no_name_makes_a_heading_a_list_or_an_element():
    of = {**REAL, **PIXELS, "checkpoint": FORGED, "recorded_on": FORGED}
    published = {**PUBLISHED, "310": {**PUBLISHED["310"], "source": FORGED}}
    page = markdown.page([judged(of), timed(of, 1, 10.0)], published, STATED, {"checkpoint": FORGED})
    assert "Gate held" in page and "<script" not in page
    assert not any(line.startswith(("## Gate held", "- **99.9")) for line in page.splitlines())
    rows = [line for line in page.splitlines() if line.startswith("| x")]
    assert rows and len({line.replace("\\\\|", "").count("|") for line in rows[:1]}) == 1
