"""The page of a replay: every section in its order, in the frame that all pages share."""

from collections.abc import Callable

from pawl.reports.frame import Frame, page
from pawl.reports.gate_worth import gate_worth
from pawl.reports.replay_data import ReplayReport
from pawl.reports.replay_sections.actions import actions
from pawl.reports.replay_sections.answer import answer
from pawl.reports.replay_sections.calibration import calibration
from pawl.reports.replay_sections.equity import equity
from pawl.reports.replay_sections.versions import versions
from pawl.reports.section import Section
from pawl.reports.wording import day, plural

__all__ = ["REPLAY_SECTIONS", "render_replay"]

REPLAY_SECTIONS: tuple[Callable[[ReplayReport], Section], ...] = (answer, equity, versions, calibration, actions)
"""What the page holds, in this order. A new section is a function in `replay_sections/` and a line here."""


def render_replay(data: ReplayReport) -> str:
    """The report of a replay as one HTML file that asks the network for nothing. The same data gives the same text."""
    span = f"{day(data.start)} to {day(data.end)}"
    frame = Frame(
        title=f"Replay of {data.learner}, {span}",
        description=gate_worth([policy.name for policy in data.policies], data.differences),
        learner=data.learner,
        profile=data.profile,
        heading=f"Replay of {data.learner}",
        span=f"{span} · {plural(len(data.tickers), 'ticker')} · {plural(data.n_decisions, 'decision')}",
        made_at=data.made_at,
        source=f"Ledger hash {data.ledger_hash}.",
    )
    return page(frame, [build(data) for build in REPLAY_SECTIONS])
