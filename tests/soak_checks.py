"""What must hold in a ledger after a soak, whatever was killed when: nothing lost, nothing twice."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.jobs.live.signalling import PASSED_OVER
from pawl.ledger.chain_check import check_chains
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import LiveEntry, live_entries
from pawl.ledger.live_tables import market_data
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.training_tables import eval_reports, train_jobs
from pawl.ledger.version_tables import deployment_log, model_versions
from pawl.triggers.schedule import Every
from soak_exchange import SoakExchange

__all__ = ["LEARNER", "sound"]

LEARNER = "tiny"
BAR = timedelta(minutes=15)
HORIZON = 5 * BAR
CADENCE = timedelta(hours=12)


def sound(ledger: Ledger, exchange: SoakExchange, received: Collection[UUID]) -> dict[str, Any]:
    """Check all of it; the counts. received: ids of the events that a consumer of the bus got, as often as it did."""
    with ledger.reading() as tx:
        log = live_entries(tx, LEARNER)
        since = min(one.at for one in log if one.kind == "act" and one.name.startswith("begin"))
        until = max(one.at for one in log if one.kind == "act" and one.name.startswith("end"))
        found = {
            "bars": _bars(tx, exchange, log, since, until),
            "decisions": _decisions(tx, log, since, until),
            "outcomes": _outcomes(tx, until),
            "trainings": _trainings(tx, log, since, until),
            "alias moves": _moves(tx),
            "events": _events(tx, set(received)),
        }
        assert not check_chains(tx).breaks
    return found | {"events twice": len(received) - len(set(received))}


def _bars(
    tx: sa.Connection, exchange: SoakExchange, log: list[LiveEntry], since: datetime, until: datetime
) -> dict[str, int]:
    """Every bar that closed is there as the exchange had it; every due instant was run, or counted as missed."""
    c = market_data.c
    stored = {(row.pair, row.timestamp): row for row in tx.execute(sa.select(market_data))}
    assert len(stored) == tx.execute(sa.select(sa.func.count()).select_from(market_data)).scalar_one()
    # What closed in the last minutes may be in no answer yet: an exchange that is stale at the end tells later.
    settled = until - 4 * BAR
    for ticker, bars in exchange.bars.items():
        for ts, values in bars.items():
            if since < ts + BAR <= settled:
                row = stored[ticker, ts]
                assert (row.open, row.high, row.low, row.close, row.volume) == values, (ticker, ts)
    runs = [one for one in log if one.kind == "cycle" and one.name == "collection"]
    missed = sum(one.payload.get("missed", 0) for one in runs)
    assert len(runs) + missed == (until - since) // BAR
    times = tx.execute(sa.select(c.pair, c.timestamp).where(c.closed_at > since)).all()
    return {"stored": len(times), "collections": len(runs), "missed": missed}


def _decisions(tx: sa.Connection, log: list[LiveEntry], since: datetime, until: datetime) -> dict[str, int]:
    """Of every bar that is stored there is one acting signal, or a line that names it as passed over."""
    c, m = trading_signals.c, market_data.c
    acting = Counter(
        (pair, ts) for pair, ts in tx.execute(sa.select(c.pair, c.bar_timestamp).where(~c.is_shadow)).all()
    )
    assert set(acting.values()) <= {1}, [one for one, n in acting.items() if n > 1]
    spans = [
        (pair, datetime.fromisoformat(span["from"]), datetime.fromisoformat(span["to"]), span["bars"])
        for entry in log
        if entry.name == PASSED_OVER
        for pair, span in entry.payload.items()
    ]
    stored = [tuple(row) for row in tx.execute(sa.select(m.pair, m.timestamp).where(m.closed_at > since))]
    named = Counter((pair, ts) for pair, ts in stored for who, lo, hi, _ in spans if who == pair and lo <= ts <= hi)
    assert sum(named.values()) == sum(n for *_, n in spans)
    assert not set(named) & set(acting)
    last = {pair: max(ts for who, ts in acting if who == pair) for pair in {who for who, _ in acting}}
    lost = [one for one in stored if one not in acting and one not in named and one[1] <= last[one[0]]]
    assert not lost, lost
    assert all(until - ts <= 4 * BAR for ts in last.values()), last
    return {"acting": len(acting), "named as passed over": len(named)}


def _outcomes(tx: sa.Connection, until: datetime) -> dict[str, int]:
    """What could be resolved has an outcome, and its event once."""
    c = trading_signals.c
    rows = tx.execute(sa.select(trading_signals).where(c.signal != "hold")).all()
    late = [row for row in rows if row.actual_outcome is None and row.bar_timestamp + HORIZON + 6 * BAR < until]
    assert not late, late
    told = Counter(UUID(one["signal_id"]) for one in _payloads(tx, "signal_outcome"))
    assert set(told.values()) <= {1}
    assert set(told) == {row.id for row in rows if row.actual_outcome is not None and not row.is_shadow}
    return {"resolved": len(told), "open": sum(row.actual_outcome is None for row in rows)}


def _trainings(tx: sa.Connection, log: list[LiveEntry], since: datetime, until: datetime) -> dict[str, int]:
    """Every due training gave one version with one verdict, or was counted as missed, or skipped with a reason."""
    runs = [one for one in log if one.kind == "training" and one.name == "weekly"]
    missed = sum(one.payload.get("missed", 0) for one in runs)
    schedule, due = Every(CADENCE), 0
    while schedule.at_or_before(until) - due * CADENCE > since:
        due += 1
    assert len(runs) + missed == due, (len(runs), missed, due)
    assert not [one.payload["error"] for one in runs if "error" in one.payload]
    jobs = tx.execute(sa.select(train_jobs)).all()
    assert {one.status for one in jobs} <= {"succeeded", "failed"}, Counter(one.status for one in jobs)
    given = Counter(one.target_model_version for one in jobs if one.status == "succeeded")
    assert set(given.values()) == {1}
    versions = set(tx.execute(sa.select(model_versions.c.version)).scalars())
    assert versions == set(given)
    verdicts = Counter(
        tx.execute(sa.select(eval_reports.c.model_version).where(eval_reports.c.report_number == 1)).scalars()
    )
    assert set(verdicts) == versions and set(verdicts.values()) == {1}
    scheduled = [one for one in jobs if one.status == "succeeded" and "run" in one.hyperparams]
    assert set(Counter(one.hyperparams["run"] for one in scheduled).values()) <= {1}
    ended = Counter(UUID(one["train_job_id"]) for one in _payloads(tx, "training_completed"))
    assert set(ended.values()) <= {1}
    assert {one.train_job_id for one in scheduled} <= set(ended)
    return {"due": due, "missed": missed, "versions": len(versions), "failed": sum(o.status == "failed" for o in jobs)}


def _moves(tx: sa.Connection) -> int:
    """One unbroken series, each move told of once."""
    moves = tx.execute(sa.select(deployment_log).order_by(deployment_log.c.move_number)).all()
    assert [one.move_number for one in moves] == list(range(1, len(moves) + 1))
    for before, after in pairwise(moves):
        assert after.from_version == before.to_version
    told = Counter(UUID(one["deployment_id"]) for one in _payloads(tx, "alias_moved"))
    assert told == Counter(one.deployment_id for one in moves)
    return len(moves)


def _events(tx: sa.Connection, received: set[UUID]) -> dict[str, int]:
    """Everything announced was published, and reached the consumer; of bars and signals there is one each."""
    c, m = loop_outbox.c, market_data.c
    rows = tx.execute(sa.select(c.event_id, c.topic, c.published_at)).all()
    assert not [row.event_id for row in rows if row.published_at is None]
    lost = {row.event_id for row in rows} - received
    assert not lost, Counter(row.topic for row in rows if row.event_id in lost)
    signals = Counter(UUID(one["signal_id"]) for one in _payloads(tx, "new_prediction"))
    acting = tx.execute(sa.select(trading_signals.c.id).where(~trading_signals.c.is_shadow)).scalars()
    assert signals == Counter(acting)
    n_bars = sum(one["n_bars"] for one in _payloads(tx, "new_market_data"))
    assert n_bars == tx.execute(sa.select(sa.func.count(m.pair))).scalar_one()
    return dict(Counter(row.topic for row in rows))


def _payloads(tx: sa.Connection, topic: str) -> list[dict[str, Any]]:
    c = loop_outbox.c
    return list(tx.execute(sa.select(c.payload).where(c.topic == topic)).scalars())
