"""A one-file page as a reader meets it: opened in a browser, stepped through, held to Plotly's schema."""

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import plotly.graph_objects as go

from browser import Page
from pawl.reports.section import Chart, Json

__all__ = [
    "EVIL",
    "Outline",
    "opened",
    "page_without_plotly",
    "require_alone",
    "require_known_properties",
    "require_readable_outline",
]

EVIL = '</script ><script>window.pwned=1</script><img src=x onerror="window.pwned=1"><b>&lt;'


def opened(page: Page, path: Path, width: int = 1280, scheme: str = "light", is_touch: bool = False) -> Page:
    """The tab, fresh, with the report in it and its charts drawn."""
    page.goto("about:blank")
    page.requests.clear()
    page.problems.clear()
    page.show(width=width, scheme=scheme, is_touch=is_touch)
    page.goto(path.as_uri())
    page.wait_for("'drawn' in document.documentElement.dataset")
    return page


def require_alone(page: Page, path: Path, section_ids: Sequence[str]) -> None:
    """It opens with these sections, and read to its end it has neither an error nor asked for anything but itself."""
    opened(page, path)
    assert page.evaluate("[...document.querySelectorAll('main > section')].map((one) => one.id)") == section_ids
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert page.requests == [path.as_uri()]
    assert page.problems == []


def page_without_plotly(html: str) -> str:
    """The page's own text; Plotly's drawing code is 4.8 MB of somebody else's."""
    head, _, rest = html.partition("<script>")
    return head + rest.partition("</script>")[2]


class Outline(HTMLParser):
    """What a screen reader steps through."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element as it opens."""
        self.tags.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a name."""
        return [attributes for name, attributes in self.tags if name == tag]


def require_readable_outline(html: str) -> None:
    """Headings step down one at a time, every chart has a label and its numbers, every table a caption."""
    outline = Outline()
    outline.feed(page_without_plotly(html))
    levels = [int(tag[1]) for tag, _ in outline.tags if tag in ("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    charts = [attributes for attributes in outline.named("div") if attributes.get("class") == "chart"]
    assert charts and all(chart["role"] == "img" and len(str(chart["aria-label"])) > 40 for chart in charts)
    figures = [tag for tag, _ in outline.tags if tag in ("figure", "details", "table")]
    assert all(figures[i + 1 : i + 3] == ["details", "table"] for i, tag in enumerate(figures) if tag == "figure")
    assert len(outline.named("caption")) == len(outline.named("table"))
    assert all("scope" in heading for heading in outline.named("th"))
    assert outline.named("html") == [{"lang": "en"}]


def require_known_properties(charts: Sequence[Chart]) -> None:
    """Plotly's own schema refuses a misspelt property, which the drawing code would silently pass over."""

    def plain(value: Json) -> Json:
        if isinstance(value, str):
            font_or_colour = "Arial" if "sans" in value else "#123456"
            return font_or_colour if value.startswith("var(--") else value
        if isinstance(value, Mapping):
            return {key: plain(one) for key, one in value.items()}
        return [plain(one) for one in value] if isinstance(value, Sequence) else value

    for chart in charts:
        spec = plain({"data": chart.traces, "layout": chart.layout})
        assert len(go.Figure(spec).data) == len(chart.traces)
