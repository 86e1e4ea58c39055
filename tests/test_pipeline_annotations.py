"""What GitHub Actions shows: workflow commands as its runner reads them, few enough; the job's summary."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ui import annotations
from pipeline.ui.annotations import LARGEST, Annotation

COMMAND = re.compile(r"::(?P<level>\w+) title=(?P<title>[^:,\r\n]*)::(?P<text>[^\r\n]*)")


def as_the_runner_reads(line):
    """actions/runner, src/Runner.Common/ActionCommand.cs: percent last, and : and , in properties only."""
    found = COMMAND.fullmatch(line)
    title, text = found["title"], found["text"]
    for code, character in (("%3A", ":"), ("%2C", ",")):
        title = title.replace(code, character)
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        title, text = title.replace(code, character), text.replace(code, character)
    return Annotation(found["level"], title, text)


@pytest.fixture
def runner(monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path / "summary.md"


def test_a_command_is_escaped_as_the_runner_asks():
    assert annotations.command(Annotation("error", "a: b, c", "95 %, x: y\r\n::error::z")) == (
        "::error title=a%3A b%2C c::95 %25, x: y%0D%0A::error::z"
    )


@given(st.text("%:,\r\nA2503DC=", max_size=20), st.text("%:,\r\nA2503DC=", max_size=20))
def test_whatever_a_name_or_a_message_holds_is_one_line_and_its_text_is_read_back(title, text):
    annotation = Annotation("warning", title, text)
    line = annotations.command(annotation)
    assert len(line.splitlines()) == 1
    assert as_the_runner_reads(line).text == text
    # a title whose text looks like a code is the runner's own ambiguity: it turns percent back last
    if "%" not in title:
        assert as_the_runner_reads(line) == annotation


def test_of_each_level_there_are_at_most_ten_and_the_last_counts_the_rest():
    many = [Annotation(level, str(n), "") for n in range(13) for level in ("warning", "error")]
    shown = annotations.limited([*many, Annotation("notice", "one", "")])
    for level in ("warning", "error"):
        titles = [each.title for each in shown if each.level == level]
        assert titles == [*map(str, range(9)), f"4 more {level}s"]
    assert shown[-1].title == "one"
    assert [each.title for each in annotations.limited(many[::2], 9)][-2:] == ["7", "5 more warnings"]


def test_ten_are_shown_as_they_are():
    ten = [Annotation("error", str(n), "") for n in range(10)]
    assert annotations.limited(ten) == ten


@pytest.mark.parametrize("value", [None, "", "false", "1"])
def test_nothing_is_printed_elsewhere(monkeypatch, value):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    if value is not None:
        monkeypatch.setenv("GITHUB_ACTIONS", value)
    assert annotations.printed([Annotation("error", "a", "b")]) == ""


def test_a_report_is_appended_to_what_the_summary_holds(runner, tmp_path):
    (tmp_path / "report.md").write_text("# report – 95 %\n", encoding="utf-8")
    runner.write_text("before\n")
    annotations.append_to_summary(str(tmp_path / "report.md"))
    assert runner.read_text(encoding="utf-8") == "before\n\n# report – 95 %\n"


def test_a_report_that_is_too_large_is_named_instead(runner, tmp_path):
    report = tmp_path / "report.md"
    report.write_bytes(b"x" * LARGEST)
    annotations.append_to_summary(str(report))
    assert runner.stat().st_size == LARGEST
    annotations.append_to_summary(str(report))  # of a second command in the same step of the workflow
    assert runner.stat().st_size == LARGEST
    runner.write_bytes(b"x" * 100)
    annotations.append_to_summary(str(report))
    assert f"`{report}`" in runner.read_text() and "1.0 MB" in runner.read_text()


def test_a_summary_that_cannot_be_written_is_said_and_ends_nothing(runner, tmp_path, capsys):
    (tmp_path / "report.md").write_text("# report\n")
    runner.mkdir()
    annotations.append_to_summary(str(tmp_path / "report.md"))
    said = capsys.readouterr().err
    assert said.startswith(f"inv: GITHUB_STEP_SUMMARY={runner}: ") and len(said.splitlines()) == 1
