"""The page as a reader meets it: opened in a real browser, and taken apart as text."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import numpy as np
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
from pawl.reports.page import SECTIONS, render_report
from pawl.reports.report_data import (
    EquityCurve,
    FeatureGain,
    ReportData,
    StateProbabilities,
    Trades,
)

SECTION_IDS = ["answer", "equity", "baselines", "calibration", "actions", "states", "importance", "quality", "trades"]
CHART_IDS = [f"chart-{name}" for name in ("equity", "calibration", "actions", "states", "importance", "trades")]


@pytest.fixture
def whole(report_data: ReportData, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(render_report(report_data), encoding="utf-8")
    return path


def test_the_report_opens_in_chromium_without_an_error_or_an_outside_request(chromium: Page, whole: Path) -> None:
    require_alone(chromium, whole, SECTION_IDS)


def test_every_chart_has_drawn_its_marks(chromium: Page, whole: Path) -> None:
    page = opened(chromium, whole)
    marks = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.chart')].map((one) => [one.id, "
        "one.querySelectorAll('.cartesianlayer :is(.js-line, .js-fill, .point path)').length]))"
    )
    assert list(marks) == CHART_IDS
    assert all(count > 0 for count in marks.values()), marks
    # 3 curves of equity and 3 of drawdown (the benchmark waits for a click), 20 months of 3 actions, 1 price and 5
    # states, 25 features
    assert page.evaluate("document.querySelectorAll('#chart-equity .cartesianlayer .js-line').length") == 6
    assert page.evaluate("document.querySelectorAll('#chart-actions .cartesianlayer .point').length") == 60
    assert page.evaluate("document.querySelectorAll('#chart-states .cartesianlayer .js-fill').length") == 5
    assert page.evaluate("document.querySelectorAll('#chart-importance .cartesianlayer .point').length") == 25


def test_the_drop_down_changes_the_ticker(chromium: Page, whole: Path, report_data: ReportData) -> None:
    page = opened(chromium, whole)
    drawn = "document.querySelector('#chart-states .cartesianlayer .js-line').getAttribute('d')"
    closes = "[...document.getElementById('chart-states').data[0].y]"
    assert report_data.states is not None
    by_ticker = report_data.states.frame.partition_by("ticker", as_dict=True)

    def close_of(ticker: str) -> list[float]:
        return [float(f"{value:.6g}") for value in by_ticker[(ticker,)]["close"]]

    before = page.evaluate(drawn)
    assert page.evaluate(closes) == pytest.approx(close_of("BTCUSDT"))
    page.evaluate(
        "(() => { const picker = document.querySelector('select'); picker.value = [...picker.options]"
        ".find((one) => one.text === 'SOLUSDT').value; picker.dispatchEvent(new Event('change')); })()"
    )
    page.wait_for(f"{drawn} !== {json.dumps(before)}")
    assert page.evaluate(closes) == pytest.approx(close_of("SOLUSDT"))
    assert page.problems == []


def test_the_charts_follow_the_reader_from_light_to_dark(chromium: Page, whole: Path) -> None:
    page = opened(chromium, whole, scheme="light")
    colour = "document.querySelector('#chart-equity .cartesianlayer .js-line').style.stroke"
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour), page.evaluate(paper)
    page.show(width=1280, scheme="dark")
    page.wait_for(f"{colour} !== {json.dumps(light[0])}")
    assert page.evaluate(paper) != light[1]
    # Paper is white whatever the screen: the charts turn light for printing, and dark again after it.
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for(f"{colour} === {json.dumps(light[0])}")
    assert page.evaluate("document.querySelector('.certificate').open")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.wait_for(f"{colour} !== {json.dumps(light[0])}")


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_nothing_is_wider_than_the_window(chromium: Page, whole: Path, width: int) -> None:
    page = opened(chromium, whole, width=width, is_touch=width < 600)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.querySelector('#chart-equity .main-svg').getBoundingClientRect().right") <= width


def test_the_page_may_not_ask_the_network_for_anything(chromium: Page, whole: Path) -> None:
    page = opened(chromium, whole)
    refused = page.evaluate(
        "new Promise((done) => { addEventListener('securitypolicyviolation', (event) => "
        "done(event.effectiveDirective)); fetch('http://127.0.0.1:9/').catch(() => {}); })"
    )
    assert refused == "connect-src"
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.pwned = 1'}))")
    assert page.evaluate("window.pwned") is None


def test_hostile_names_are_shown_and_never_run(chromium: Page, report_data: ReportData, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(render_report(hostile(report_data)), encoding="utf-8")
    page = opened(chromium, path)
    page.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert page.evaluate("window.pwned") is None
    assert page.problems == []
    assert page.requests == [path.as_uri()]
    assert page.evaluate("document.querySelector('h1').textContent") == EVIL
    assert EVIL in page.evaluate("[...document.querySelectorAll('option')].map((one) => one.text)")
    assert page.evaluate("document.querySelectorAll('img, script:not([type])').length") == 2  # Plotly and our own
    for drawn in ("#chart-importance .ytick", "#chart-equity .legendtext", "#chart-states .legendtext"):
        assert page.evaluate(f"document.querySelector('{drawn}').textContent") == EVIL


def hostile(data: ReportData) -> ReportData:
    """The report with markup in every name that comes from data."""
    assert data.states is not None and data.trades is not None and data.headline is not None
    named = pl.lit(EVIL)
    return replace(
        data,
        version=EVIL,
        learner=EVIL,
        timeframe=EVIL,
        profile=EVIL,
        notes=(EVIL,),
        curves=tuple(replace(curve, name=EVIL) for curve in data.curves),
        metrics=tuple(
            replace(row, name=EVIL, comparisons=tuple(replace(one, baseline=EVIL) for one in row.comparisons))
            for row in data.metrics
        ),
        primary_metric=EVIL,
        states=StateProbabilities(
            states=("state_prob_" + EVIL,),
            frame=data.states.frame.select(
                named.alias("ticker"), "ts", "close", pl.lit(1.0).alias("state_prob_" + EVIL)
            ),
        ),
        importance=(FeatureGain(feature=EVIL, gain=1.0, meaning=EVIL),),
        quality=tuple(replace(row, ticker=EVIL, calendar=EVIL, reasons=(EVIL,)) for row in data.quality),
        trades=Trades(data.trades.frame.with_columns(named.alias("ticker"), named.alias("exit_reason"))),
    )


@pytest.fixture
def bare() -> ReportData:
    """A report that was handed nothing."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return ReportData(
        version="m002-1.0",
        learner="m002",
        timeframe="1d",
        start=start,
        end=start,
        n_tickers=0,
        made_at=start,
        primary_metric="Sharpe",
    )


def test_a_report_of_nothing_says_what_is_missing(chromium: Page, bare: ReportData, tmp_path: Path) -> None:
    path = tmp_path / "bare.html"
    path.write_text(render_report(bare), encoding="utf-8")
    page = opened(chromium, path)
    assert page.evaluate("[...document.querySelectorAll('main > section')].map((one) => one.id)") == SECTION_IDS
    leads = page.evaluate("[...document.querySelectorAll('main > section')].map((one) => one.innerText.trim())")
    assert all(re.search(r"\b(no|nothing)\b", lead, re.IGNORECASE) for lead in leads), leads
    assert page.problems == []


def test_each_section_can_be_missing_alone(report_data: ReportData) -> None:
    for part, nothing in (("headline", None), ("certificate", None), ("curves", ()), ("metrics", ()),
                          ("calibration", None), ("actions", None), ("states", None), ("importance", ()),
                          ("quality", ()), ("trades", None)):  # fmt: skip
        html = render_report(replace(report_data, **{part: nothing}))
        assert [section for section in SECTION_IDS if f'<section id="{section}"' in html] == SECTION_IDS
        assert 'class="absent"' in html, part


def test_a_figure_that_is_not_a_number_is_a_dash(report_data: ReportData) -> None:
    assert report_data.headline is not None
    broken = replace(report_data.headline, turnover=math.inf, ece=math.nan)
    curve = report_data.curves[0]
    holes = curve.frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(math.nan).otherwise("equity").alias("equity")
    )
    html = render_report(
        replace(report_data, headline=broken, curves=(EquityCurve(name="m", role=curve.role, frame=holes),))
    )
    assert html.count('<dd class="value">–</dd>') == 2
    assert not re.search(r"\b(NaN|Infinity|nan|inf)\b", page_without_plotly(html))


def test_the_same_data_gives_the_same_page(report_data: ReportData) -> None:
    assert render_report(report_data) == render_report(report_data)


def test_a_large_report_stays_within_nine_megabytes(report_data: ReportData) -> None:
    n_tickers, n_rows = 500, 2_500
    ts = pl.datetime_range(
        datetime(2018, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, tzinfo=UTC), "1d", eager=True, time_zone="UTC"
    ).head(n_rows)
    generator = np.random.default_rng(3)
    frame = pl.DataFrame({"ticker": [f"T{i:03d}" for i in range(n_tickers)]}).join(ts.to_frame("ts"), how="cross")
    frame = frame.with_columns(
        pl.Series("close", generator.lognormal(3, 1, frame.height)),
        *(pl.Series(name, generator.random(frame.height)) for name in ("state_prob_a", "state_prob_b")),
    )
    states = StateProbabilities(states=("state_prob_a", "state_prob_b"), frame=frame)
    html = render_report(replace(report_data, states=states))
    assert "Shown are 100 of 500 tickers." in html
    assert len(html.encode()) < 9_000_000


def test_plotly_knows_every_property_of_every_chart(report_data: ReportData) -> None:
    charts = [chart for build in SECTIONS for chart in build(report_data).charts]
    assert [chart.id for chart in charts] == CHART_IDS
    require_known_properties(charts)


def test_a_reader_who_cannot_see_gets_headings_labels_and_tables(report_data: ReportData) -> None:
    require_readable_outline(render_report(report_data))


def colours() -> Iterator[tuple[str, dict[str, str]]]:
    css = (files("pawl.reports") / "assets" / "report.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root(?:[^{]*)\{([^}]*)\}", css)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks)
    assert set(light) == set(dark)
    yield from (("light", light), ("dark", dark))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_words_and_lines_stand_out_from_the_paper_in_both_schemes() -> None:
    for scheme, found in colours():
        for names, least in (
            (("ink", "ink-soft", "accent", "good", "bad", "even"), 4.5),
            (("model", "baseline-1", "baseline-2", "baseline-3", "benchmark", "long", "short"), 3.0),
        ):
            for name in names:
                pair = sorted((luminance(found[name]), luminance(found["paper"])))
                assert (pair[1] + 0.05) / (pair[0] + 0.05) >= least, (scheme, name)
