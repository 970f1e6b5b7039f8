"""A month as it is gathered from the ledger and the store."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger_world import failed
from monthly_world import AT, HOUR, TICKERS, Months, day_of, months
from pawl.errors import InputError
from pawl.gates.verdict import Verdict
from pawl.ids import ModelVersion
from pawl.jobs.live.monthly_facts import MonthSource, gather_month, month_span
from pawl.jobs.live.monthly_selection import select_monthly
from pawl.ledger.database import Ledger
from pawl.ledger.evaluations import NewEvaluation, record_evaluation
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.schedule_runs import take_up
from pawl.ledger.signals import NewSignal, SignalOutcome, record_signals, resolve_signal
from pawl.ledger.train_jobs import STOPPED
from pawl.market.limits import QualityLimits
from pawl.reports.monthly_data import Firing
from pawl.reports.monthly_parts import parts

CHAMPION, BETTER = "oracle-1.0", "oracle-1.1"


def source_of(market: Months, **changes: object) -> MonthSource:
    fields = {
        "workspace": market.workspace, "learner": "oracle", "timeframe": HOUR, "tickers": TICKERS,
        "limits": QualityLimits(), **changes,
    }  # fmt: skip
    return MonthSource(**fields)  # type: ignore[arg-type]


@pytest.fixture
def market(tmp_path: Path, ledger: Ledger) -> Months:
    """Two versions, and a month of signals: ten of the champion a day, two of them held; one a day in shadow."""
    found = months(tmp_path / "home", ledger)
    found.add(CHAMPION, found.sides(0.53), day_of("2025-11-20"))
    found.serve(CHAMPION, day_of("2025-11-21"))
    found.add(BETTER, found.sides(0.75, seed=2), day_of("2025-12-01"))
    with found.ledger.transaction() as tx:
        for day in range(31):
            at = day_of("2026-01-01") + timedelta(days=day)
            for hour in range(1, 12):
                version = BETTER if hour == 11 else CHAMPION
                one = NewSignal(
                    pair="EURUSD", timeframe="1h", bar_timestamp=at + timedelta(hours=hour - 1), learner="oracle",
                    model_version=ModelVersion(version), signal="hold" if hour < 3 else "buy", confidence=0.5,
                    features_hash="f", trace_id="t", is_shadow=version == BETTER,
                )  # fmt: skip
                record_signals(tx, [one], at + timedelta(hours=hour))
                if hour >= 3:
                    is_won = hour % 2 == 1
                    outcome = SignalOutcome(
                        outcome="win" if is_won else "loss", pnl=0.002 if is_won else -0.001, source="virtual"
                    )
                    resolve_signal(tx, one.id, outcome, at + timedelta(hours=hour + 2))
    return found


def test_a_month_is_counted_as_it_was(market: Months) -> None:
    select_monthly(market.world(), AT)
    data = gather_month(source_of(market), "2026-01")
    assert (data.champion, data.serves_since, data.made_at) == (BETTER, AT, AT)
    # Only what acts is counted by day: ten signals, two hold; four of eight won 20 bps, four lost 10.
    assert data.days.height == 31
    assert data.days.select("n_signals", "n_hold", "n_resolved", "n_wins", "n_losses").unique().rows() == [
        (10, 2, 8, 4, 4)
    ]
    assert data.days["pnl_bps"].sum() == pytest.approx(31 * (4 * 20 - 4 * 10))
    rows = {one.version: one for one in data.versions}
    assert (rows[CHAMPION].n_signals, rows[CHAMPION].n_shadow, rows[CHAMPION].win_rate) == (310, 0, 0.5)
    assert (rows[BETTER].n_signals, rows[BETTER].n_shadow, rows[BETTER].avg_pnl_bps) == (31, 31, pytest.approx(20.0))
    assert (rows[CHAMPION].status, rows[BETTER].status) == ("retired", "champion")
    assert [(one.what, one.to_version, one.by) for one in data.moves] == [("promote", BETTER, "monthly selection")]
    assert [(one.version, one.passed) for one in data.verdicts] == [(BETTER, True)]
    assert data.selected is not None and data.selected.act == "promoted"
    assert {one.ticker: one.n_bars for one in data.quality} == dict.fromkeys(TICKERS, 31 * 24)
    reached = {one.what: one.reached for one in data.targets}
    assert reached["Signals are not all hold"] == "20.0 %"
    assert reached["Win rate"] == "50.0 %"
    assert reached["Several versions are compared"] == "2"


def test_a_refusal_has_the_reasons_of_its_verdict(market: Months) -> None:
    empty = Verdict(gate="empty", rows=(), is_first=False)
    refused = NewEvaluation(
        version=ModelVersion(BETTER), baseline=ModelVersion(CHAMPION), scope="offline", figures={}, verdict=empty
    )
    with market.ledger.transaction() as tx:
        record_evaluation(tx, refused, day_of("2026-01-09"))
    (told,) = gather_month(source_of(market), "2026-01").verdicts
    assert (told.passed, told.reasons) == (False, refused.verdict.reasons)
    assert told.reasons


def test_a_month_that_the_loop_has_not_come_through_says_where_it_stands(market: Months) -> None:
    assert gather_month(source_of(market), "2026-01").stands_at is None
    at = day_of("2026-01-11")
    with market.ledger.transaction() as tx:
        take_up(tx, "live oracle signals", at, at)
    data = gather_month(source_of(market), "2026-01")
    assert data.stands_at == at
    assert "The loop stands at 2026-01-11 00:00 UTC" in parts(data)[0].lead
    with market.ledger.transaction() as tx:
        take_up(tx, "live oracle signals", AT, AT)
    assert gather_month(source_of(market), "2026-01").stands_at is None


def test_a_training_that_was_told_to_end_is_called_stopped(market: Months) -> None:
    at = day_of("2026-01-05")
    with market.ledger.transaction() as tx:
        for why in (STOPPED, "out of memory"):
            failed(tx, "oracle-7.0", why, at)
    told = {one.why: one.status for one in gather_month(source_of(market), "2026-01").trainings}
    assert (told[STOPPED], told["out of memory"]) == ("stopped", "failed")


def test_trainings_that_were_skipped_and_triggers_that_fired_are_told(market: Months) -> None:
    at = day_of("2026-01-05") + timedelta(hours=2)
    with market.ledger.transaction() as tx:
        for when, payload in ((at, {"skipped": "62 sequences"}), (at + timedelta(days=1), {"version": "x"})):
            for name in ("daily update", "daily"):  # of the training, and of the cycle that asked for it
                log_live(tx, [LiveEntry(learner="oracle", at=when, kind="training", name=name, payload=payload)])
    fired = Firing(at=at, kind="feature_drift", effect="retrain", reason="PSI 0.3")
    asked = []

    def firings(tx: sa.Connection, *what: object) -> list[Firing]:
        asked.append(what)
        return [fired]

    data = gather_month(source_of(market, firings=firings), "2026-01")
    assert [(one.at, one.what, one.status, one.why) for one in data.trainings] == [
        (at, "daily update", "skipped", "62 sequences")
    ]
    assert list(data.firings) == [fired]
    assert asked == [("oracle", day_of("2026-01-01"), AT)]
    december = gather_month(source_of(market), "2025-12")
    assert [(one.what, one.status) for one in december.trainings] == []  # it ended at the very start of the month
    november = gather_month(source_of(market), "2025-11")
    assert [one.what for one in november.trainings] == [CHAMPION, BETTER]


def test_a_month_before_anything_is_empty(market: Months) -> None:
    data = gather_month(source_of(market, tickers=()), "2024-01")
    assert (data.champion, data.selected, list(data.versions), list(data.moves), data.quality) == (
        None,
        None,
        [],
        [],
        [],
    )
    assert data.days["n_signals"].sum() == 0 and not data.days["is_lived"].any()


def test_a_day_without_signals_is_lived_where_a_cycle_ran(market: Months) -> None:
    at = day_of("2026-02-03") + timedelta(hours=7)
    with market.ledger.transaction() as tx:
        for learner, when in (("oracle", at), ("another", at + timedelta(days=5))):
            log_live(tx, [LiveEntry(learner=learner, at=when, kind="cycle", name="triggers", payload={"n": 1})])
    days = gather_month(source_of(market), "2026-02").days
    assert days.filter("is_lived")["day"].to_list() == [at.date()]


@pytest.mark.parametrize("text", ["2026", "2026-13", "January", "2026-01-01", ""])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no month"):
        month_span(text)
