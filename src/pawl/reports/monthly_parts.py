"""The monthly report in parts, each a sentence and its tables: written once, for the page and for Markdown."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pawl.reports.monthly_data import MonthlyReport
from pawl.reports.report_data import Unit
from pawl.reports.wording import NOTHING, day, figure, moment, plural, signed

__all__ = ["PARTS", "MonthTable", "Part", "best_ranked", "parts"]

_DRAWN = 25
"""More versions than these are in the tables only."""

_MARKS = {True: "met", False: "not met", None: "not measured"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthTable:
    """A table. columns: title → whether it holds numbers. rows: plain text. caption: what it shows."""

    caption: str
    columns: dict[str, bool]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the report. id: its anchor. lead: its sentence."""

    id: str
    title: str
    lead: str
    tables: Sequence[MonthTable] = ()


def best_ranked(data: MonthlyReport) -> list[Mapping[str, Any]]:
    """Rows of the ranked versions that are drawn, the best first."""
    ranking = data.selected.ranking if data.selected else ()
    return [row for row in ranking if row["place"]][:_DRAWN]


def parts(data: MonthlyReport) -> list[Part]:
    """Every part, in the order of the report."""
    return [build(data) for build in PARTS]


def _answer(data: MonthlyReport) -> Part:
    serves = (
        f"{data.champion} serves since {day(data.serves_since)}." if data.champion else "No version serves at the end."
    )
    if data.stands_at is not None:
        serves += f" The loop stands at {data.stands_at:%Y-%m-%d %H:%M} UTC: the days behind it were not lived."
    if data.selected is None:
        lead = f"No selection was held over this month. {serves}"
    else:
        followed = {
            "kept": "The champion stayed",
            "promoted": "The best version was promoted",
            "rollout": "The best version began a rollout",
        }[data.selected.act]
        lead = f"{followed}: {_plain(data.selected.reason)}. {serves}"
    met = [one for one in data.targets if one.is_met]
    rows = [[one.what, one.horizon, one.wanted, one.reached, _MARKS[one.is_met]] for one in data.targets]
    table = MonthTable(
        caption=f"Targets of the design, {len(met)} of {len(data.targets)} met; they are no gates",
        columns={"Target": False, "By": False, "Wanted": False, "Reached": False, "": False},
        rows=rows,
    )
    return Part(id="answer", title="The answer", lead=lead, tables=(table,))


def _ranking(data: MonthlyReport) -> Part:
    title = "Ranking"
    if data.selected is None or not data.selected.ranking:
        return Part(id="ranking", title=title, lead="No version was compared.")
    placed = [row for row in data.selected.ranking if row["place"]]
    since = f"from {moment(data.selected.scored_from)} to {moment(data.selected.held_at)} UTC"
    lead = (
        f"{len(placed)} of {plural(len(data.selected.ranking), 'version')} compared on the same bars, {since}, which "
        "none of them has been trained on. Score: 0.3 win rate + 0.3 Sharpe + 0.2 average PnL + 0.2 (1 − drawdown), "
        "each laid on 0 to 1 across the versions."
        if placed
        else "No version could be ranked."
    )
    table = MonthTable(
        caption="Versions by score; below them those that are not ranked, and why",
        columns={
            "Version": False, "Place": True, "Score": True, "Win rate": True, "Sharpe": True, "Avg PnL": True,
            "MDD": True, "Signals": True, "Why not": False,
        },
        rows=[_ranked(row) for row in data.selected.ranking],
    )  # fmt: skip
    return Part(id="ranking", title=title, lead=lead, tables=(table,))


def _ranked(row: Any) -> list[str]:  # noqa: ANN401 - a row of JSON
    return [
        row["version"],
        str(row["place"] or NOTHING),
        figure(row["score"], Unit.SCORE),
        figure(row.get("win_rate"), Unit.PERCENT),
        figure(row.get("sharpe_ratio"), Unit.RATIO),
        figure(row.get("avg_pnl"), Unit.BPS),
        figure(row.get("max_drawdown"), Unit.PERCENT),
        figure(row.get("n_resolved"), Unit.COUNT),
        row["reason"] or NOTHING,
    ]


def _versions(data: MonthlyReport) -> Part:
    if not data.versions:
        return Part(id="versions", title="Versions", lead="No version was ever trained.")
    kept = sum(not one.given_up for one in data.versions)
    lead = (
        f"{plural(len(data.versions), 'version')} on record, {kept} with files. Figures are of the signals that each "
        "gave in this month, by their real outcomes or, where nobody traded, by virtual ones."
    )
    rows = [
        [
            one.version,
            one.kind,
            moment(one.trained_at),
            f"{one.status}, files gone" if one.given_up else one.status,
            one.verdict or NOTHING,
            figure(one.n_signals, Unit.COUNT),
            figure(one.n_hold / one.n_signals if one.n_signals else None, Unit.PERCENT),
            figure(one.n_shadow, Unit.COUNT),
            figure(one.n_resolved, Unit.COUNT),
            figure(one.win_rate, Unit.PERCENT),
            figure(one.avg_pnl_bps, Unit.BPS),
            one.reason or NOTHING,
        ]
        for one in data.versions
    ]
    table = MonthTable(
        caption="Every version, and what its signals of the month came to; times in UTC",
        columns={
            "Version": False, "Kind": False, "Trained": False, "Status": False, "Verdict": False, "Signals": True,
            "Hold": True, "In shadow": True, "Resolved": True, "Win rate": True, "Avg PnL": True, "Why": False,
        },
        rows=rows,
    )  # fmt: skip
    return Part(id="versions", title="Versions", lead=lead, tables=(table,))


def _history(data: MonthlyReport) -> Part:
    forward = sum(one.what == "promote" for one in data.moves)
    passed = sum(one.passed for one in data.verdicts)
    lead = (
        f"{plural(forward, 'promotion')}, {plural(len(data.moves) - forward, 'rollback')}; "
        f"{plural(len(data.verdicts), 'verdict')}, of which {passed} passed."
    )
    moves = MonthTable(
        caption="Moves of the serving alias, times in UTC",
        columns={"At": False, "What": False, "From": False, "To": False, "By": False, "Why": False},
        rows=[
            [moment(one.at), one.what, one.from_version or NOTHING, one.to_version, one.by, _plain(one.reason)]
            for one in data.moves
        ],
    )
    verdicts = MonthTable(
        caption="Verdicts, times in UTC",
        columns={"At": False, "Version": False, "Against": False, "Scope": False, "Verdict": False, "Why": False},
        rows=[
            [
                moment(one.at),
                one.version,
                one.against or NOTHING,
                one.scope,
                "pass" if one.passed else "fail",
                "; ".join(one.reasons) or NOTHING,
            ]
            for one in data.verdicts
        ],
    )
    return Part(id="history", title="Moves and verdicts", lead=lead, tables=_filled(moves, verdicts))


def _signals(data: MonthlyReport) -> Part:
    total = {name: int(data.days[name].sum()) for name in ("n_signals", "n_hold", "n_resolved", "n_wins", "n_losses")}
    decided = total["n_wins"] + total["n_losses"]
    lived = data.days.filter("is_lived")
    of_days = f"{lived.height} of {plural((data.end - data.start).days, 'day')} lived"
    if not total["n_signals"] and not total["n_resolved"]:
        nothing = f"The acting version gave no signal in this month, {of_days}."
        return Part(id="signals", title="Signals", lead=nothing)
    lead = (
        f"{plural(total['n_signals'], 'signal')} by the acting version, "
        f"{figure(total['n_hold'] / total['n_signals'] if total['n_signals'] else None, Unit.PERCENT)} of them hold; "
        f"{total['n_resolved']:,} resolved, win rate "
        f"{figure(total['n_wins'] / decided if decided else None, Unit.PERCENT)}, "
        f"{signed(float(data.days['pnl_bps'].sum()), Unit.BPS)} together; {of_days}."
    )
    table = MonthTable(
        caption=f"Signals of the acting version by day, UTC; {of_days}, and no other is listed",
        columns={
            "Day": False, "Signals": True, "Hold": True, "Resolved": True, "Wins": True, "Losses": True, "PnL": True,
        },
        rows=[
            [
                day(row["day"]),
                *(figure(row[name], Unit.COUNT) for name in total),
                signed(row["pnl_bps"] if row["n_resolved"] else None, Unit.BPS),
            ]
            for row in lived.iter_rows(named=True)
        ],
    )  # fmt: skip
    return Part(id="signals", title="Signals", lead=lead, tables=(table,))


def _learning(data: MonthlyReport) -> Part:
    counts = Counter(one.status for one in data.trainings)
    lead = (
        f"{plural(len(data.trainings), 'training')}: {counts['succeeded']} done, {counts['failed']} failed, "
        f"{counts['stopped']} stopped, {counts['skipped']} skipped. {plural(len(data.firings), 'trigger')} fired."
    )
    trainings = MonthTable(
        caption="Trainings, times in UTC",
        columns={"At": False, "Version": False, "Kind": False, "Status": False, "Why": False},
        rows=[[moment(one.at), one.what, one.kind, one.status, one.why or NOTHING] for one in data.trainings],
    )
    firings = MonthTable(
        caption="Triggers that fired, times in UTC",
        columns={"At": False, "Trigger": False, "Effect": False, "Why": False},
        rows=[[moment(one.at), one.kind, one.effect, one.reason] for one in data.firings],
    )
    return Part(id="learning", title="Trainings and triggers", lead=lead, tables=_filled(trainings, firings))


def _quality(data: MonthlyReport) -> Part:
    if not data.quality:
        return Part(id="quality", title="Data quality", lead="No bar of this month is in the store.")
    failing = sum(one.verdict == "fail" for one in data.quality)
    n_bars = sum(one.n_bars for one in data.quality)
    lead = f"{plural(n_bars, 'bar')} of {plural(len(data.quality), 'ticker')}, {failing} of them failing the checks."
    table = MonthTable(
        caption="Bars of the month by ticker, times in UTC",
        columns={
            "Ticker": False, "Bars": True, "First": False, "Last": False, "Gaps": True, "Quarantined": True,
            "Verdict": False, "What was found": False,
        },
        rows=[
            [
                one.ticker, figure(one.n_bars, Unit.COUNT), moment(one.first), moment(one.last),
                figure(one.n_gaps, Unit.COUNT), figure(one.n_quarantined, Unit.COUNT), one.verdict,
                "; ".join(one.reasons) or NOTHING,
            ]
            for one in data.quality
        ],
    )  # fmt: skip
    return Part(id="quality", title="Data quality", lead=lead, tables=(table,))


def _filled(*tables: MonthTable) -> tuple[MonthTable, ...]:
    return tuple(one for one in tables if one.rows)


def _plain(text: str) -> str:
    """A reason without the ticks that mark names in a terminal."""
    return text.replace("`", "")


PARTS: tuple[Callable[[MonthlyReport], Part], ...] = (
    _answer,
    _ranking,
    _signals,
    _versions,
    _history,
    _learning,
    _quality,
)
"""What the report holds, in this order."""
