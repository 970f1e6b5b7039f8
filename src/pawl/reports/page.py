"""The page of a version: every section in its order, in the frame that all pages share."""

from collections.abc import Callable

from pawl.reports.answer import answer
from pawl.reports.frame import Frame, page
from pawl.reports.report_data import ReportData
from pawl.reports.section import Section
from pawl.reports.sections.actions import actions
from pawl.reports.sections.calibration import calibration
from pawl.reports.sections.comparison import comparison
from pawl.reports.sections.equity import equity
from pawl.reports.sections.headline import headline
from pawl.reports.sections.importance import importance
from pawl.reports.sections.quality import quality
from pawl.reports.sections.states import state_probabilities
from pawl.reports.sections.trades import trades
from pawl.reports.wording import day

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
    """The report as one HTML file that asks the network for nothing. The same data gives the same text."""
    frame = Frame(
        title=f"{data.version} on unseen rows",
        description=answer(data),
        learner=data.learner,
        profile=data.profile,
        heading=data.version,
        span=f"Unseen rows, {day(data.start)} to {day(data.end)}",
        made_at=data.made_at,
    )
    return page(frame, [build(data) for build in SECTIONS])
