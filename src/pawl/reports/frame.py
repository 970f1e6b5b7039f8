"""What stands around the sections of every one-file page: head, masthead, navigation, foot, drawing code and data.

The page asks the network for nothing, and could not: its content security policy allows only the scripts it carries, by
their hash. The same parts give the same text.
"""

import json
import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from html import escape
from importlib.resources import files

from pawl.reports.section import Json, Section
from pawl.reports.wording import moment

__all__ = ["Frame", "page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The words around the sections, plain text. title: of the window. description: the answer, for who links the page.

    span: the line under the heading. source: a sentence at the foot that says what the page was made from, or empty.
    """

    title: str
    description: str
    learner: str
    profile: str
    heading: str
    span: str
    made_at: datetime
    source: str = ""


def page(frame: Frame, sections: Sequence[Section]) -> str:
    """The page as one HTML file (UTF-8, about 5 MB, nearly all of it Plotly's drawing code)."""
    # Plotly is 60 ms to import and is needed for its one file of JavaScript only.
    from plotly.offline import get_plotlyjs

    scripts = [get_plotlyjs(), _asset("report.js")]
    charts: list[Json] = [chart.spec() for section in sections for chart in section.charts]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            _head(frame, scripts),
            "<body>",
            '<a class="skip" href="#answer">Skip to the answer</a>',
            _masthead(frame),
            _navigation(sections),
            "<main>",
            "<noscript><p>The charts need JavaScript; the numbers under each of them do not.</p></noscript>",
            *(_section_html(section) for section in sections),
            "</main>",
            _foot(frame),
            f'<script type="application/json" id="charts">{_json(charts)}</script>',
            *(f"<script>{script}</script>" for script in scripts),
            "</body></html>\n",
        ]
    )


def _head(frame: Frame, scripts: list[str]) -> str:
    hashes = " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts)
    # Plotly writes its own <style>, hence 'unsafe-inline' for styles; a script that is not ours cannot run.
    policy = f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:"
    return (
        '<head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<meta name="description" content="{escape(frame.description)}">'
        f"<title>{escape(frame.title)} | Pawl</title>"
        f'<link rel="icon" href="data:,"><style>{_asset("report.css")}</style></head>'
    )


def _masthead(frame: Frame) -> str:
    profile = f'<span class="profile">{escape(frame.profile)} profile</span>' if frame.profile else ""
    return (
        f'<header class="masthead"><p class="kicker">Pawl · learner <b>{escape(frame.learner)}</b> {profile}</p>'
        f"<h1>{escape(frame.heading)}</h1>"
        f'<p class="span">{escape(frame.span)}</p></header>'
    )


def _navigation(sections: Sequence[Section]) -> str:
    links = "".join(f'<li><a href="#{escape(one.id)}">{escape(one.title)}</a></li>' for one in sections)
    return f'<nav aria-label="Sections"><ol>{links}</ol></nav>'


def _section_html(section: Section) -> str:
    name = escape(section.id)
    lead = escape(section.lead)
    for mark in (" %", " bps", " … ", " − "):  # a figure keeps its unit, an interval and a difference their two sides
        lead = lead.replace(mark, mark.replace(" ", "\u00a0"))
    return (
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{escape(section.title)}</h2>'
        f'<p class="lead">{lead}</p>{section.body}</section>'
    )


def _foot(frame: Frame) -> str:
    source = f" {escape(frame.source)}" if frame.source else ""
    made = f"Made by Pawl on {moment(frame.made_at)} UTC."
    return f"<footer><p>{made}{source} Figures of the past promise nothing.</p></footer>"


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
