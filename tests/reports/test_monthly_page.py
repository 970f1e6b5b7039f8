"""The monthly report as a reader meets it (REV-R37): opened in a real browser, and taken apart as text."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from browser import Page
from opened_report import EVIL, opened, page_without_plotly, require_alone, require_readable_outline
from pawl.reports.monthly_page import render_month
from synthetic_month import synthetic_month

IDS = ["answer", "ranking", "signals", "equity", "versions", "history", "learning", "quality"]
CHARTS = ["chart-ranking", "chart-signals", "chart-equity"]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "2026-01.html"
    path.write_text(render_month(synthetic_month()), encoding="utf-8")
    return path


def test_rev_r37_the_page_opens_without_an_error_or_an_outside_request(chromium: Page, written: Path) -> None:
    require_alone(chromium, written, IDS)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "light"), (1280, "dark")])
def test_rev_r37_every_chart_is_drawn_and_nothing_is_wider_than_the_window(
    chromium: Page, written: Path, width: int, scheme: str
) -> None:
    page = opened(chromium, written, width=width, scheme=scheme, is_touch=width < 600)
    assert page.evaluate("[...document.querySelectorAll('.chart')].map((one) => one.id)") == CHARTS
    for chart, mark, count in (("ranking", ".point", 12), ("signals", ".js-line", 2), ("equity", ".js-line", 2)):
        drawn = f"document.querySelectorAll('#chart-{chart} .cartesianlayer {mark}').length"
        assert page.evaluate(drawn) >= count
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.problems == []


def test_its_outline_can_be_stepped_through() -> None:
    require_readable_outline(render_month(synthetic_month()))


def test_text_from_data_stays_text(chromium: Page, tmp_path: Path) -> None:
    data = synthetic_month()
    assert data.selected is not None
    hostile = replace(data.selected, reason=EVIL, ranking=[{**row, "version": EVIL} for row in data.selected.ranking])
    path = tmp_path / "evil.html"
    path.write_text(render_month(replace(data, selected=hostile, champion=EVIL, learner=EVIL)), encoding="utf-8")
    page = opened(chromium, path)
    assert page.evaluate("window.pwned === undefined")
    assert page.problems == []


def test_rev_r37_the_same_data_gives_the_same_bytes() -> None:
    assert render_month(synthetic_month()) == render_month(synthetic_month())


def test_a_month_without_anything_is_a_page_too(chromium: Page, tmp_path: Path) -> None:
    data = synthetic_month()
    empty = replace(
        data, selected=None, versions=(), moves=(), verdicts=(), trainings=(), firings=(), quality=(), targets=(),
        champion=None, serves_since=None, days=data.days.clear(),
    )  # fmt: skip
    path = tmp_path / "empty.html"
    path.write_text(render_month(empty), encoding="utf-8")
    require_alone(chromium, path, IDS)
    assert "chart-signals" not in page_without_plotly(path.read_text(encoding="utf-8"))


def test_no_chart_has_a_point_on_a_day_that_was_not_lived() -> None:
    """Nor a filling. The whole month is before the eye; the capital ends with the last day."""
    data = synthetic_month()
    days = data.days.with_columns(is_lived=pl.col("is_lived") & (pl.col("day") < date(2026, 1, 15)))
    lived = days.filter("is_lived")["day"].dt.to_string().to_list()
    charts = {one["id"]: one for one in charts_in(render_month(replace(data, days=days)))}
    signals, equity = charts["chart-signals"], charts["chart-equity"]
    for trace in (*signals["traces"], *equity["traces"]):
        assert [x for x, y in zip(trace["x"], trace["y"], strict=True) if y is not None] == lived
    for chart in (signals, equity):
        assert chart["layout"]["xaxis"]["range"] == ["2025-12-31 12:00", "2026-01-31 12:00"]
    assert {trace.get("fill", "none") for trace in (*signals["traces"], *equity["traces"])} == {"none"}
    assert equity["traces"][0]["x"][-1] == lived[-1] == "2026-01-14"


def charts_in(html: str) -> list[dict[str, Any]]:
    """What is handed to the drawing code."""
    _, _, block = html.partition('<script type="application/json" id="charts">')
    return list(json.loads(block.partition("</script>")[0]))
