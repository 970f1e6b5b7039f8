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
from pawl.reports.monthly_png import month_charts

__all__ = ["MonthlyFiles", "announce_report", "run_month", "write_month"]


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
    folder = source.workspace.home / "reports" / "monthly" / data.learner
    pictures = {name: (folder / f"{month}-{name}.png", png) for name, png in month_charts(data).items()}
    files = MonthlyFiles(
        learner=data.learner,
        month=month,
        summary=parts(data)[0].lead,
        markdown=folder / f"{month}.md",
        page=folder / f"{month}.html",
        charts=tuple(path for path, _ in pictures.values()),
    )
    for path, png in pictures.values():
        write_atomically(path, png)
    text = month_markdown(data, {name: path.name for name, (path, _) in pictures.items()})
    write_atomically(files.markdown, text.encode())
    write_atomically(files.page, render_month(data).encode())
    return data, files


def announce_report(tx: sa.Connection, files: MonthlyFiles, at: datetime) -> None:
    """Tell of a written report; one of the same selection is told once. at: when the selection was held."""
    said = files.as_json()
    announce(tx, ReportReady(held_at=at, **said), at)


def run_month(
    world: MonthlyWorld,
    source: MonthSource,
    at: datetime,
    announcing: Callable[[sa.Connection, MonthlyFiles, datetime], object] = announce_report,
) -> Mapping[str, Any]:
    """The whole of a monthly run, as JSON values. Repeated for the same instant it finds the selection done, writes the
    same bytes, and announces the same report, which is told once.

    announcing: in a transaction after the files are in their place, so that nobody is told of what is not there.
    """
    done = select_monthly(world, at)
    _, files = write_month(source, done.month)
    with world.workspace.versions.ledger.transaction() as tx:
        announcing(tx, files, at)
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
