"""Equity and drawdown of the policies, with what moved the serving alias."""

from pawl.reports.equity_chart import Marks, equity_section
from pawl.reports.lines import policy_role
from pawl.reports.replay_data import ReplayReport
from pawl.reports.replay_sections.history import Event, EventKind, events
from pawl.reports.report_data import EquityCurve
from pawl.reports.section import Section
from pawl.reports.wording import moment

__all__ = ["equity"]

_STYLES = {
    EventKind.PROMOTED: ("triangle-up", "var(--ink-soft)"),
    EventKind.ROLLED_BACK: ("triangle-down", "var(--bad)"),
}


def equity(data: ReplayReport) -> Section:
    """Capital over time by policy, the fall from its peak below, and a mark where the gated policy's alias moved."""
    curves = [
        EquityCurve(name=policy.name, role=policy_role(policy.name), frame=policy.equity) for policy in data.policies
    ]
    moves = [event for event in events(data) if event.kind in _STYLES]
    marks = [
        Marks(
            name=kind.value,
            at=[(event.at, _words(event)) for event in moves if event.kind is kind],
            symbol=symbol,
            colour=colour,
        )
        for kind, (symbol, colour) in _STYLES.items()
    ]
    return equity_section(curves, marks, note=_note(data))


def _note(data: ReplayReport) -> str:
    if data.moves:
        return '<p class="aside">Upright lines mark where the gated policy\'s alias moved.</p>'
    return '<p class="aside">The alias never moved.</p>' if data.has_gated else ""


def _words(event: Event) -> str:
    return f"{event.version} {event.kind.value}, {moment(event.at)}"
