"""The monthly report as files, and the month as one run: select, report, announce."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pawl.jobs.live.monthly_facts import MonthSource, gather_month
from pawl.jobs.live.monthly_selection import MonthlyWorld, select_monthly
from pawl.lake.atomic import write_atomically
from pawl.ledger.loop_outbox import announce
from pawl.ledger.loop_payloads import ReportReady
from pawl.reports.monthly_data import MonthlyReport
from pawl.reports.monthly_markdown import month_markdown
from pawl.reports.monthly_page import render_month
from pawl.reports.monthly_parts import parts
from pawl.reports.monthly_png import chart_names, month_charts

__all__ = ["MonthRun", "MonthlyFiles", "announce_report", "files_of", "render_files", "run_month", "write_month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyFiles:
    """A written report. summary: its first sentences, for a notice. charts: PNG, in the order of the report."""

    learner: str
    month: str
    summary: str
    markdown: Path
    page: Path
    charts: tuple[Path, ...]

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "learner": self.learner,
            "month": self.month,
            "summary": self.summary,
            "markdown": str(self.markdown),
            "html": str(self.page),
            "charts": [str(one) for one in self.charts],
        }


def write_month(source: MonthSource, month: str) -> tuple[MonthlyReport, MonthlyFiles]:
    """Gather a month and write `reports/monthly/LEARNER/YYYY-MM.md`, `.html` and a PNG a chart into the workspace.

    The same ledger and store give the same bytes.
    """
    data = gather_month(source, month)
    files = files_of(source, data)
    render_files(data, files)
    return data, files


def files_of(source: MonthSource, data: MonthlyReport) -> MonthlyFiles:
    """Where the report of a month belongs; nothing is written."""
    folder = source.workspace.home / "reports" / "monthly" / data.learner
    return MonthlyFiles(
        learner=data.learner,
        month=data.month,
        summary=parts(data)[0].lead,
        markdown=folder / f"{data.month}.md",
        page=folder / f"{data.month}.html",
        charts=tuple(folder / f"{data.month}-{name}.png" for name in chart_names(data)),
    )


def render_files(data: MonthlyReport, files: MonthlyFiles) -> None:
    """Draw and write a report that was gathered. It takes seconds, and reads neither ledger nor store."""
    pictures = month_charts(data)
    for path, png in zip(files.charts, pictures.values(), strict=True):
        write_atomically(path, png)
    text = month_markdown(data, {name: path.name for name, path in zip(pictures, files.charts, strict=True)})
    write_atomically(files.markdown, text.encode())
    write_atomically(files.page, render_month(data).encode())


def announce_report(tx: sa.Connection, files: MonthlyFiles, at: datetime) -> None:
    """Tell of a written report; one of the same selection is told once. at: when the selection was held."""
    said = files.as_json()
    announce(tx, ReportReady(held_at=at, **said), at)


class MonthRun:
    """The whole of a monthly run: what is selected, and then its report, which the loop need not wait for."""

    def __init__(
        self,
        world: MonthlyWorld,
        source: MonthSource,
        announcing: Callable[[sa.Connection, MonthlyFiles, datetime], object] = announce_report,
    ) -> None:
        """announcing: in a transaction after the files are in their place, so that nobody is told of what is not."""
        self._world, self._source, self._announcing = world, source, announcing
        self._gathered: dict[datetime, tuple[MonthlyReport, MonthlyFiles]] = {}

    def select(self, at: datetime) -> Mapping[str, Any]:
        """Select, and gather what the report shows while nothing else takes effect; as JSON values. Repeated for the
        same instant it finds the selection done.
        """
        done = select_monthly(self._world, at)
        data = gather_month(self._source, done.month)
        files = files_of(self._source, data)
        self._gathered[at] = (data, files)
        return {
            "month": done.month,
            "act": done.act,
            "best": done.best,
            "champion": done.champion,
            "reason": done.reason,
            "ranked": sum(row["place"] is not None for row in done.ranking),
            "retired": sorted(done.retired),
            "removed": list(done.removed),
            "report": files.as_json(),
        }

    def report(self, at: datetime) -> None:
        """Write and announce the report of a selection that was made. Repeated it writes the same bytes, and announces
        the same report, which is told once.
        """
        data, files = self._gathered.pop(at)
        render_files(data, files)
        with self._world.workspace.versions.ledger.transaction() as tx:
            self._announcing(tx, files, at)


def run_month(
    world: MonthlyWorld,
    source: MonthSource,
    at: datetime,
    announcing: Callable[[sa.Connection, MonthlyFiles, datetime], object] = announce_report,
) -> Mapping[str, Any]:
    """Select and report at once, for whoever has no loop that waits."""
    run = MonthRun(world, source, announcing)
    told = run.select(at)
    run.report(at)
    return told
