"""Whether the gate was worth it, and the policies side by side."""

from html import escape

from pawl.reports.answer import MARKS, verdict
from pawl.reports.gate_worth import clearness, difference_name, gate_worth
from pawl.reports.intervals import bounds_below, whisker
from pawl.reports.policies import POLICY_FIGURES
from pawl.reports.replay_data import ReplayReport
from pawl.reports.report_data import Better, Interval, Unit
from pawl.reports.section import Column, Section, table
from pawl.reports.wording import day, figure, joined, plural, signed

__all__ = ["answer"]

_MEANINGS = {
    "gated": "lets a candidate serve when it passes the gate",
    "always": "lets every candidate serve",
    "frozen": "keeps the first version",
}


def answer(data: ReplayReport) -> Section:
    """The first thing read: what the gate was worth, then the figures of each policy and their differences."""
    lead = gate_worth([policy.name for policy in data.policies], data.differences)
    body = _period(data) + _policies(data) + _differences(data)
    return Section(id="answer", title="The answer", lead=lead, body=body)


def _period(data: ReplayReport) -> str:
    start, end = f"<time>{day(data.start)}</time>", f"<time>{day(data.end)}</time>"
    named = [
        f"<strong>{escape(policy.name)}</strong> {_MEANINGS[policy.name]}"
        for policy in data.policies
        if policy.name in _MEANINGS
    ]
    meanings = f" Of the policies, {joined(named)}." if named else ""
    names = ", ".join(sorted(data.tickers))
    tickers = (
        f"<details><summary>The {plural(len(data.tickers), 'ticker')}</summary><p>{escape(names)}</p></details>"
        if data.tickers
        else ""
    )
    return (
        f'<p class="period">Replayed from {start} up to, not including, {end}.{meanings} '
        f"Figures are after fees, slippage and funding; ranges are 95 % intervals.</p>{tickers}"
    )


def _policies(data: ReplayReport) -> str:
    title = "The policies side by side"
    if not data.policies:
        return f'<h3>{title}</h3><p class="absent">No policy was handed in.</p>'
    rows = [
        [name, *(figure(policy.figures.get(metric), unit) for policy in data.policies)]
        for metric, (name, unit) in POLICY_FIGURES.items()
    ]
    counts = {
        "promotions": [policy.promotions for policy in data.policies],
        "refusals": [policy.refusals for policy in data.policies],
        "rollbacks": [policy.rollbacks for policy in data.policies],
    }
    rows += [[name, *(figure(count, Unit.COUNT) for count in found)] for name, found in counts.items()]
    columns = [Column(""), *(Column(policy.name, is_number=True) for policy in data.policies)]
    return f"<h3>{title}</h3>" + table(columns, rows, caption="Each policy over the whole replay")


def _differences(data: ReplayReport) -> str:
    title = "What the gate was worth"
    if not data.differences:
        return f'<h3>{title}</h3><p class="absent">No difference between policies was measured.</p>'
    columns = [
        Column("Difference"),
        Column("A decision", is_number=True, is_html=True),
        Column("Verdict", is_html=True),
        Column("Interval drawn, zero in the middle", is_html=True),
    ]
    rows = [_difference(key, one, tuple(data.differences.values())) for key, one in data.differences.items()]
    caption = "Mean difference of the net result a decision on the same bars, with its 95 % interval"
    return f"<h3>{title}</h3>" + table(columns, rows, caption=caption)


def _difference(key: str, one: Interval, all_of_them: tuple[Interval, ...]) -> list[str]:
    found = verdict(one, Better.HIGHER)
    return [
        difference_name(key),
        signed(one.value, Unit.BPS) + bounds_below(one, Unit.BPS),
        f'<span class="verdict {MARKS[found]}">{clearness(found)}</span>',
        whisker(one, MARKS[found], *all_of_them),
    ]
