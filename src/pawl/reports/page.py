"""The one-file page: every section in its order, the style, the drawing code and the data, and nothing from outside."""

import json
import math
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files

from pawl.reports.answer import answer
from pawl.reports.report_data import ReportData
from pawl.reports.section import Json, Section
from pawl.reports.sections.actions import actions
from pawl.reports.sections.calibration import calibration
from pawl.reports.sections.comparison import comparison
from pawl.reports.sections.equity import equity
from pawl.reports.sections.headline import headline
from pawl.reports.sections.importance import importance
from pawl.reports.sections.quality import quality
from pawl.reports.sections.states import state_probabilities
from pawl.reports.sections.trades import trades
from pawl.reports.wording import day, moment

__all__ = ["SECTIONS", "render_report"]

SECTIONS: tuple[Callable[[ReportData], Section], ...] = (
    headline,
    equity,
    comparison,
    calibration,
    actions,
    state_probabilities,
    importance,
    quality,
    trades,
)
"""What the page holds, in this order. A new section is a function in `sections/` and a line here."""


def render_report(data: ReportData) -> str:
    """The report as one HTML file (UTF-8, about 5 MB, nearly all of it Plotly's drawing code).

    It asks the network for nothing, and could not: its content security policy allows only the scripts it carries, by
    their hash. The same data gives the same text.
    """
    # Plotly is 60 ms to import and is needed for its one file of JavaScript only.
    from plotly.offline import get_plotlyjs

    sections = [build(data) for build in SECTIONS]
    scripts = [get_plotlyjs(), _asset("report.js")]
    charts: list[Json] = [chart.spec() for section in sections for chart in section.charts]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            _head(data, scripts),
            "<body>",
            '<a class="skip" href="#answer">Skip to the answer</a>',
            _masthead(data),
            _navigation(sections),
            "<main>",
            "<noscript><p>The charts need JavaScript; the numbers under each of them do not.</p></noscript>",
            *(_section_html(section) for section in sections),
            "</main>",
            f"<footer><p>Made by Pawl on {moment(data.made_at)} UTC. Figures of the past promise nothing.</p></footer>",
            f'<script type="application/json" id="charts">{_json(charts)}</script>',
            *(f"<script>{script}</script>" for script in scripts),
            "</body></html>\n",
        ]
    )


def _head(data: ReportData, scripts: list[str]) -> str:
    hashes = " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts)
    # Plotly writes its own <style>, hence 'unsafe-inline' for styles; a script that is not ours cannot run.
    policy = f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:"
    return (
        '<head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<meta name="description" content="{escape(answer(data))}">'
        f"<title>{escape(data.version)} on unseen rows | Pawl</title>"
        f'<link rel="icon" href="data:,"><style>{_asset("report.css")}</style></head>'
    )


def _masthead(data: ReportData) -> str:
    profile = f'<span class="profile">{escape(data.profile)} profile</span>' if data.profile else ""
    return (
        f'<header class="masthead"><p class="kicker">Pawl · learner <b>{escape(data.learner)}</b> {profile}</p>'
        f"<h1>{escape(data.version)}</h1>"
        f'<p class="span">Unseen rows, {day(data.start)} to {day(data.end)}</p></header>'
    )


def _navigation(sections: Sequence[Section]) -> str:
    links = "".join(f'<li><a href="#{escape(one.id)}">{escape(one.title)}</a></li>' for one in sections)
    return f'<nav aria-label="Sections"><ol>{links}</ol></nav>'


def _section_html(section: Section) -> str:
    name = escape(section.id)
    lead = escape(section.lead).replace(" %", "\u00a0%").replace(" bps", "\u00a0bps")  # a figure keeps its unit
    return (
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{escape(section.title)}</h2>'
        f'<p class="lead">{lead}</p>{section.body}</section>'
    )


def _asset(name: str) -> str:
    return (files("pawl.reports") / "assets" / name).read_text(encoding="utf-8")


def _json(value: Json) -> str:
    text = json.dumps(_finite(value), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    # A data block ends at the first "</script": with no "<" in it there is none.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value: Json) -> Json:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(one) for one in value]
    return value
