"""The page of a replay as a reader meets it: opened in a real browser, and taken apart as text."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from browser import Page
from opened_report import (
    EVIL,
    opened,
    page_without_plotly,
    require_alone,
    require_known_properties,
    require_readable_outline,
)
from pawl.reports.replay_data import ReplayReport
from pawl.reports.replay_page import REPLAY_SECTIONS, render_replay
from pawl.reports.report_data import Interval

SECTION_IDS = ["answer", "equity", "versions", "calibration", "actions"]
CHART_IDS = [f"chart-{name}" for name in SECTION_IDS[1:]]
FIRST_REFUSED = "document.querySelectorAll('details.candidate')[1]"


@pytest.fixture
def whole(replay_report: ReplayReport, tmp_path: Path) -> Path:
    return written(replay_report, tmp_path)


def written(data: ReplayReport, folder: Path) -> Path:
    """The page in a file."""
    path = folder / "replay.html"
    path.write_text(render_replay(data), encoding="utf-8")
    return path


def click(page: Page, element: str) -> None:
    """Press and release the mouse in the middle of an element."""
    page.evaluate(f"{element}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    middle = "(() => {{ const r = {}.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
    x, y = page.evaluate(middle.format(element))
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def test_the_page_opens_in_chromium_without_an_error_or_an_outside_request(chromium: Page, whole: Path) -> None:
    require_alone(chromium, whole, SECTION_IDS)


def test_every_chart_has_drawn_its_marks(chromium: Page, whole: Path) -> None:
    page = opened(chromium, whole)

    def drawn(chart: str, mark: str) -> int:
        return int(page.evaluate(f"document.querySelectorAll('#{chart} .cartesianlayer {mark}').length"))

    assert page.evaluate("[...document.querySelectorAll('.chart')].map((one) => one.id)") == CHART_IDS
    assert drawn("chart-equity", ".js-line") == 2 * (3 + 6)  # 3 policies and 6 moves, in both panes
    assert drawn("chart-versions", ".point") == 15 + 5 + 1  # refused, promoted, rolled back
    assert drawn("chart-calibration", ".js-line") == 3 * 3  # two gaps cut each policy into three
    assert drawn("chart-actions", ".point") == 72  # 24 months of 3 actions


def test_a_click_on_a_candidate_shows_the_table_of_its_gate(chromium: Page, whole: Path) -> None:
    page = opened(chromium, whole)
    is_seen = f"{FIRST_REFUSED}.querySelector('table').checkVisibility()"
    assert not page.evaluate(is_seen)
    click(page, f"{FIRST_REFUSED}.querySelector('summary')")
    page.wait_for(f"{FIRST_REFUSED}.open")
    assert page.evaluate(is_seen)
    shown = page.evaluate(f"{FIRST_REFUSED}.querySelector('table').innerText")
    for word in ("Champion", "Challenger", "Limit", "Sample", "net return gain, low", "91 of 40", "FAIL", "pass"):
        assert word in shown
    click(page, f"{FIRST_REFUSED}.querySelector('summary')")
    page.wait_for(f"!({is_seen})")
    assert page.problems == []


def test_a_candidate_opens_by_the_keyboard_too(chromium: Page, whole: Path) -> None:
    page = opened(chromium, whole)
    page.evaluate(f"{FIRST_REFUSED}.querySelector('summary').focus()")
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    page.wait_for(f"{FIRST_REFUSED}.open")


def test_the_drop_down_changes_the_policy(chromium: Page, whole: Path, replay_report: ReplayReport) -> None:
    page = opened(chromium, whole)
    longs = "[...document.getElementById('chart-actions').data[0].y]"

    def share_of(i: int) -> list[float]:
        frame = replay_report.policies[i].actions
        return frame.select(100 * pl.col("n_long") / pl.sum_horizontal("^n_.*$")).to_series().to_list()

    before = page.evaluate(longs)
    assert before == pytest.approx(share_of(0), abs=0.01)
    page.evaluate(
        "(() => { const picker = document.querySelector('select'); picker.value = '2'; "
        "picker.dispatchEvent(new Event('change')); })()"
    )
    page.wait_for(f"JSON.stringify({longs}) !== JSON.stringify({json.dumps(before)})")
    assert page.evaluate(longs) == pytest.approx(share_of(2), abs=0.01)


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_nothing_is_wider_than_the_window(chromium: Page, whole: Path, width: int) -> None:
    page = opened(chromium, whole, width=width, is_touch=width < 600)
    page.evaluate(f"{FIRST_REFUSED}.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for chart in CHART_IDS:
        assert page.evaluate(f"document.querySelector('#{chart} .main-svg').getBoundingClientRect().right") <= width


def test_the_columns_of_the_candidates_stand_under_their_headings(chromium: Page, whole: Path) -> None:
    page = opened(chromium, whole)
    lefts = "[...document.querySelectorAll('.candidates .{} > span')].slice(0, 6).map((one) => one.offsetLeft)"
    at_top = page.evaluate(lefts.format("heading"))
    assert len(at_top) == len(set(at_top)) == 6
    in_row = "[...document.querySelectorAll('.candidate:nth-of-type(9) .cell')].map((one) => one.offsetLeft)"
    indent = page.evaluate("document.querySelector('.candidates').offsetLeft")
    assert [left + indent for left in page.evaluate(in_row)] == at_top


def test_hostile_names_are_shown_and_never_run(chromium: Page, replay_report: ReplayReport, tmp_path: Path) -> None:
    path = written(hostile(replay_report), tmp_path)
    page = opened(chromium, path)
    page.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert page.evaluate("window.pwned") is None
    assert page.problems == []
    assert page.requests == [path.as_uri()]
    assert page.evaluate("document.querySelector('h1').textContent") == f"Replay of {EVIL}"
    assert page.evaluate("document.querySelectorAll('img, script:not([type])').length") == 2  # Plotly and our own
    assert page.evaluate("document.querySelector('.candidate strong').textContent") == EVIL
    for drawn in ("#chart-versions .ytick", "#chart-equity .legendtext", "#chart-calibration .legendtext"):
        assert page.evaluate(f"document.querySelector('{drawn}').textContent") == EVIL


def hostile(data: ReplayReport) -> ReplayReport:
    """The replay with markup in every name that comes from data."""
    return replace(
        data,
        learner=EVIL,
        profile=EVIL,
        tickers=(EVIL,),
        ledger_hash=EVIL,
        foresees=EVIL,
        policies=tuple(replace(policy, name=EVIL) for policy in data.policies),
        differences={f"gated_minus_{EVIL}": Interval(0.1, -1.0, 1.0)},
        candidates=tuple(replace(one, version=EVIL, champion=EVIL, dataset_hash=EVIL) for one in data.candidates[:1]),
        moves=tuple(replace(move, to_version=EVIL, reason=EVIL) for move in data.moves[:1]),
    )


def test_a_replay_of_nothing_says_what_is_missing(chromium: Page, replay_report: ReplayReport, tmp_path: Path) -> None:
    bare = replace(replay_report, policies=(), differences={}, candidates=(), moves=(), tickers=(), n_decisions=0)
    page = opened(chromium, written(bare, tmp_path))
    leads = page.evaluate("[...document.querySelectorAll('main > section')].map((one) => one.innerText.trim())")
    assert len(leads) == len(SECTION_IDS)
    assert all(re.search(r"\b(no|not|nothing)\b", lead, re.IGNORECASE) for lead in leads), leads
    assert page.problems == []


def test_the_gated_policy_alone_fills_every_section(
    chromium: Page, replay_report: ReplayReport, tmp_path: Path
) -> None:
    alone = replace(replay_report, policies=replay_report.policies[:1], differences={})
    page = opened(chromium, written(alone, tmp_path))
    assert page.evaluate("[...document.querySelectorAll('.chart')].map((one) => one.id)") == CHART_IDS
    assert page.evaluate("document.querySelector('#answer .lead').textContent").startswith("Only the gated policy")
    assert page.problems == []


def test_a_figure_that_is_not_a_number_is_a_dash(replay_report: ReplayReport) -> None:
    broken = tuple(
        replace(policy, figures=dict.fromkeys(policy.figures, math.nan)) for policy in replay_report.policies
    )
    nothing = {key: Interval(math.nan, math.nan, math.nan) for key in replay_report.differences}
    passing = tuple(one for one in replay_report.candidates if one.verdict.passed)  # a gate's reasons may say "nan"
    html = render_replay(replace(replay_report, policies=broken, differences=nothing, candidates=passing))
    assert not re.search(r"\b(NaN|Infinity|nan|inf)\b", page_without_plotly(html))


def test_the_masthead_and_the_foot_say_what_was_replayed(replay_report: ReplayReport) -> None:
    html = render_replay(replace(replay_report, profile="demo"))
    assert "<h1>Replay of m002</h1>" in html
    assert "2023-01-02 to 2025-01-11 · 6 tickers · 13,176 decisions" in html
    assert '<span class="profile">demo profile</span>' in html
    assert f"Made by Pawl on 2025-09-01 08:30 UTC. Ledger hash {replay_report.ledger_hash}." in html


def test_the_same_data_gives_the_same_page(replay_report: ReplayReport) -> None:
    assert render_replay(replay_report) == render_replay(replay_report)


def test_plotly_knows_every_property_of_every_chart(replay_report: ReplayReport) -> None:
    charts = [chart for build in REPLAY_SECTIONS for chart in build(replay_report).charts]
    assert [chart.id for chart in charts] == CHART_IDS
    require_known_properties(charts)


def test_a_reader_who_cannot_see_gets_headings_labels_and_tables(replay_report: ReplayReport) -> None:
    require_readable_outline(render_replay(replay_report))
