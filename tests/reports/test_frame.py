"""The frame that every page shares."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

from opened_report import EVIL, page_without_plotly
from pawl.reports.frame import Frame, page
from pawl.reports.section import Chart, Section

WORDS = Frame(
    title="A title",
    description="An answer",
    learner="m002",
    profile="",
    heading="A heading",
    span="2024",
    made_at=datetime(2025, 9, 1, 8, 30, tzinfo=UTC),
)
CHART = Chart(id="chart-x", label="a line", traces=[{"y": [1.0, float("nan")]}], layout={})
SECTION = Section(id="answer", title="The answer", lead="It fell 3.1 %, −0.2 … 0.9 bps.", body="", charts=(CHART,))


def test_the_frame_names_the_page_its_learner_and_when_it_was_made() -> None:
    html = page_without_plotly(page(WORDS, [SECTION]))
    for part in ("<title>A title | Pawl</title>", "<h1>A heading</h1>", "learner <b>m002</b>",
                 'content="An answer"', '<li><a href="#answer">The answer</a></li>',
                 "Made by Pawl on 2025-09-01 08:30 UTC. Figures of the past promise nothing."):  # fmt: skip
        assert part in html


def test_the_foot_says_what_the_page_was_made_from() -> None:
    html = page(replace(WORDS, source="Ledger hash <1>."), [])
    assert "08:30 UTC. Ledger hash &lt;1&gt;. Figures" in html


def test_a_figure_keeps_its_unit_and_an_interval_its_two_sides() -> None:
    assert '<p class="lead">It fell 3.1\u00a0%, −0.2\u00a0…\u00a00.9\u00a0bps.</p>' in page(WORDS, [SECTION])


def test_the_data_of_the_charts_is_json_whatever_stands_in_it() -> None:
    hostile = Chart(id="chart-x", label="", traces=[{"name": EVIL, "y": [1.0, float("nan"), float("-inf")]}], layout={})
    html = page(WORDS, [Section(id="answer", title="", lead="", body="", charts=(hostile,))])
    found = re.search(r'<script type="application/json" id="charts">(.*?)</script>', html)
    assert found is not None
    assert json.loads(found.group(1))[0]["traces"] == [{"name": EVIL, "y": [1.0, None, None]}]
