"""A report to one user, composed from the evidence: what goes well, what does not, and what to change.

No sentence without the events that show it, and none about a sample that is too small to say anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pawl.evaluation.behaviour import Behaviour, Occurrence, PatternVerdict, Progress
from pawl.evaluation.trade_results import TradeResults
from pawl.reports.report_data import Interval, Unit
from pawl.reports.user_report_words import WORDS
from pawl.reports.wording import day, figure, interval, plural, signed

__all__ = ["Claim", "ClaimKind", "ReportEvidence", "UserReport", "compose_report"]

LINKS_IN_TEXT = 5


class ClaimKind(StrEnum):
    """What a claim is."""

    STRENGTH = "strength"
    WEAKNESS = "weakness"
    PROPOSAL = "proposal"


TITLES = {
    ClaimKind.STRENGTH: "What goes well",
    ClaimKind.WEAKNESS: "What costs you",
    ClaimKind.PROPOSAL: "What to change",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEvidence:
    """What a report is composed from. links: trajectory → the events of it. min_sample: occasions below which nothing
    is said.
    """

    start: datetime
    end: datetime
    behaviours: tuple[Behaviour, ...]
    results: TradeResults
    links: Mapping[str, tuple[str, ...]]
    min_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One finding. about: a pattern, or `net_result`. n: occasions that it rests on. event_ids: what shows it, the
    newest first, never empty. figures: what its text says, in fractions and bps.
    """

    kind: ClaimKind
    about: str
    text: str
    n: int
    event_ids: tuple[str, ...]
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserReport:
    """All claims, strengths first. markdown: the same, to be read."""

    start: datetime
    end: datetime
    claims: tuple[Claim, ...]
    markdown: str


def compose_report(evidence: ReportEvidence) -> UserReport:
    """The report that the evidence allows; without any finding it holds a title alone."""
    findings = [*_result_claims(evidence), *(claim for one in evidence.behaviours for claim in _claims(one, evidence))]
    linked = [claim for claim in findings if claim.event_ids and claim.n >= evidence.min_sample]
    claims = tuple(claim for kind in ClaimKind for claim in linked if claim.kind is kind)
    return UserReport(start=evidence.start, end=evidence.end, claims=claims, markdown=_markdown(evidence, claims))


def _result_claims(evidence: ReportEvidence) -> Iterable[Claim]:
    results = evidence.results
    if results.mean_bps is None or results.low_bps is None or results.high_bps is None:
        return
    is_clear = results.low_bps > 0 or results.high_bps < 0
    if not is_clear:
        return
    span = interval(Interval(results.mean_bps, results.low_bps, results.high_bps), Unit.BPS)
    yield Claim(
        kind=ClaimKind.STRENGTH if results.mean_bps > 0 else ClaimKind.WEAKNESS,
        about="net_result",
        text=f"{plural(results.n, 'closed trade')} brought {signed(results.mean_bps, Unit.BPS)} each on average, after "
        f"fees (95 % interval {span}).",
        n=results.n,
        event_ids=_events(results.newest, evidence.links),
        figures={"mean_bps": results.mean_bps, "low_bps": results.low_bps, "high_bps": results.high_bps},
    )


def _claims(one: Behaviour, evidence: ReportEvidence) -> Iterable[Claim]:
    if one.rate is None or one.verdict not in (PatternVerdict.SHOWN, PatternVerdict.KEPT):
        return
    is_shown = one.verdict is PatternVerdict.SHOWN
    words = WORDS[one.pattern]
    events = _events(one.occurrences if is_shown else one.others, evidence.links)
    figures = {"rate": one.rate, "rate_low": one.rate_low, "rate_high": one.rate_high, "base_rate": one.base_rate}
    if one.pnl_gap.mean_bps is not None:
        figures["pnl_gap_bps"] = one.pnl_gap.mean_bps
    yield Claim(
        kind=ClaimKind.WEAKNESS if is_shown else ClaimKind.STRENGTH,
        about=one.pattern,
        text=_sentence(one, words.weakness if is_shown else words.strength),
        n=one.n_exposures,
        event_ids=events,
        figures=figures,
    )
    if is_shown:
        yield Claim(
            kind=ClaimKind.PROPOSAL,
            about=one.pattern,
            text=words.proposal,
            n=one.n_exposures,
            event_ids=events,
            figures={"rate": one.rate},
        )


def _sentence(one: Behaviour, template: str) -> str:
    told = template.format(
        n=f"{one.n_exposures:,}",
        hits=f"{one.n_occurrences:,}",
        kept=f"{one.n_exposures - one.n_occurrences:,}",
        rate=figure(one.rate, Unit.PERCENT),
    )
    parts = [f"{told} A share up to {figure(one.base_rate, Unit.PERCENT)} would be no habit."]
    gap = one.pnl_gap
    if one.verdict is PatternVerdict.SHOWN and gap.high_bps is not None and gap.high_bps < 0:
        parts.append(
            f"They brought {signed(gap.mean_bps, Unit.BPS)} against the others ({gap.n_occurrences:,} and "
            f"{gap.n_others:,} of them closed)."
        )
    if one.change.progress in (Progress.BETTER, Progress.WORSE):
        way = "less" if one.change.progress is Progress.BETTER else "more"
        parts.append(
            f"In the newest weeks it was {way} frequent ({signed(one.change.difference, Unit.PERCENT)}, "
            f"{one.change.n_recent:,} against {one.change.n_before:,} occasions)."
        )
    return " ".join(parts)


def _events(occurrences: Iterable[Occurrence], links: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    named = (event for one in occurrences for name in one.trajectory_ids for event in links.get(name, ()))
    return tuple(dict.fromkeys(named))


def _markdown(evidence: ReportEvidence, claims: tuple[Claim, ...]) -> str:
    lines = [f"# Your decisions, {day(evidence.start)} to {day(evidence.end)}"]
    for kind, title in TITLES.items():
        told = [claim for claim in claims if claim.kind is kind]
        if told:
            lines += ["", f"## {title}", "", *(f"- {claim.text} {_links(claim.event_ids)}" for claim in told)]
    return "\n".join(lines) + "\n"


def _links(event_ids: tuple[str, ...]) -> str:
    shown = ", ".join(f"`{event}`" for event in event_ids[:LINKS_IN_TEXT])
    more = len(event_ids) - LINKS_IN_TEXT
    return f"(events {shown}{f' and {more:,} more' if more > 0 else ''})"
