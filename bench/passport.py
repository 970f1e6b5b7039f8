"""Passport's status of one busy user in a ledger of a million decisions.

    python bench/passport.py [--rows 1000000] [--own 10000] [--home DIR] [--json FILE]

Fills a ledger on SQLite (in DIR, kept for the next run; else in a temporary folder) with decisions of 2,000 users, each
with its event, and `--own` of one user's over the twelve weeks before now, so that all of them are read. Times
`learning_status` in process, the JSON of its answer through the real application, and `generate_report`: median and
worst of `--repeats`, and the CPU time.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from pawl.datasets.own_samples import OwnSamples
from pawl.datasets.passport_settings import PassportSettings
from pawl.evaluation.behaviour_settings import BehaviourSettings
from pawl.jobs.learning_status import PassportRules, learning_status
from pawl.jobs.user_reporting import generate_report
from pawl.ledger.column_types import canonical_json, utc_text
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.tokens import create_token
from pawl.ledger.user_reports import request_report
from pawl.ledger.write_commands import Written
from pawl.serving.app import create_app
from pawl.serving.market_view import NoMarket
from pawl.serving.passport_routes import LEARNING, passport_of
from pawl.serving.server_settings import ServerSettings
from pawl.serving.service import Clocks, service_of

NOW = datetime(2024, 5, 24, 12, tzinfo=UTC)
RULES = PassportRules(behaviour=BehaviourSettings(), passport=PassportSettings())
BUSY = identity("user", "busy")
N_USERS = 2000


def _decisions(n: int, who: Callable[[int], UUID], rng: np.random.Generator, weeks: int) -> Iterator[tuple[Any, ...]]:
    """Rows of `decision_trajectories`, and what their event needs."""
    draws = rng.normal(size=(n, 4))
    for number in range(n):
        user_id = who(number)
        trace = f"u/{identity('trace', user_id, number)}"
        at = NOW - timedelta(weeks=weeks) * ((number + 1) / n) - timedelta(days=1)
        side = "long" if draws[number, 0] > 0 else "short"
        hold = int(600 + abs(draws[number, 1]) * 7200)
        context = {"volatility": 0.01, "funding": 0.0001, "oi_change": 0.02, "market_regime": "up_low",
                   "session_band": "asia", "stretch": float(draws[number, 2]), "known_at": utc_text(at)}  # fmt: skip
        decision = {
            "ticker": "BTCUSDT", "decided_at": utc_text(at), "direction": side, "confidence": 0.6, "tp_bps": [180.0],
            "sl_bps": 120.0, "leverage": 2.0, "max_position_pct": 8.0, "rationale_hash": "a" * 64,
            "decision_price": 100.0, "horizon_sec": 86400, "learner": "policy", "model_version": "policy-1.0",
            "is_recommended": True,
            "action": {"side": side, "size": 1000.0, "size_pct": 5.0, "price": 100.0, "time": utc_text(at),
                       "leverage": 2.0, "sl_bps": 120.0, "stop_price": 98.8 if number % 3 else None,
                       "followed": bool(number % 2), "overrode": not number % 2, "trade_id": str(user_id)},
        }  # fmt: skip
        outcome = {
            "pnl_bps": float(100 * draws[number, 3]), "max_drawdown_bps": 30.0, "hold_sec": hold, "slippage_bps": 2.0,
            "move_bps": float(90 * draws[number, 3]), "resolved_at": utc_text(at + timedelta(seconds=hold)),
            "exit_price": 101.0, "stop_price": 98.8, "rule_violations": 0, "broken_rules": [], "direction_hit": True,
        }  # fmt: skip
        key = identity("trajectory", user_id, number).hex
        yield (key, user_id.hex, trace, key, canonical_json(context), canonical_json(decision), canonical_json(outcome),
               12.5, "good", utc_text(at), "policy")  # fmt: skip


def fill(home: Path, n_rows: int, n_own: int) -> Ledger:
    """A ledger with so many decisions; one that stands there already is taken as it is."""
    is_new = not (home / "ledger.db").exists()
    ledger = Ledger.open(home)
    if not is_new:
        return ledger
    users = [identity("user", "bench", number) for number in range(N_USERS)]
    rng = np.random.default_rng(7)
    with ledger.transaction() as tx:
        raw = tx.connection.driver_connection
        assert raw is not None
        for rows in (
            _decisions(n_rows - n_own, lambda number: users[number % N_USERS], rng, 52),
            _decisions(n_own, lambda _: BUSY, rng, 11),
        ):
            for row in rows:
                raw.execute(
                    "INSERT INTO decision_trajectories (trajectory_id, user_id, trace_id, source_event_id, "
                    "context_features, decision_features, outcome_features, utility_score, label_quality, created_at, "
                    "learner) VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)  # fmt: skip
                raw.execute(
                    "INSERT INTO passport_event_outbox (event_id, user_id, trace_id, source_table, source_event_id, "
                    "event_type, payload, occurred_at, recorded_at, processed_at) "
                    "VALUES (?,?,?,'quick_trades',?,'trade.opened',?,?,?,?)",
                    (row[0], row[1], row[2], row[3], row[5], row[9], row[9], row[9]))  # fmt: skip
        create_token(tx, "pawl_busy", BUSY, "busy", NOW)
    return ledger


def timed(work: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Median and worst of the wall time, median of the CPU time (which neighbours disturb less), milliseconds."""
    taken, cpu = [], []
    for _ in range(repeats):
        start, cpu_start = time.perf_counter(), time.process_time()
        work()
        taken.append(1000 * (time.perf_counter() - start))
        cpu.append(1000 * (time.process_time() - cpu_start))
    return median(taken), max(taken), median(cpu)


class _NoWriter:
    async def write(self, command: object) -> Written:
        """Passport writes no action."""
        raise AssertionError


def measure(ledger: Ledger, home: Path, repeats: int) -> dict[str, tuple[float, float, float]]:
    """What is timed → as `timed` gives it."""
    samples = OwnSamples(home)

    def status() -> None:
        with ledger.reading() as tx:
            learning_status(tx, BUSY, RULES, samples, NOW)

    clocks = Clocks(now=lambda: NOW, monotonic=time.monotonic)
    service = service_of(ledger, _NoWriter(), NoMarket(), clocks, ServerSettings(requests_per_sec=1e6, burst=10**6))
    app = create_app(service, passport_of(service, RULES, samples))

    def over_http() -> None:
        async def once() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://pawl", trust_env=False
            ) as client:
                return await client.get(f"{LEARNING}/status", headers={"Authorization": "Bearer pawl_busy"})

        assert asyncio.run(once()).status_code == 200

    keys = iter(range(10**6))

    def report() -> None:
        window = {"window_start": None, "window_end": None}
        with ledger.transaction() as tx:
            made = request_report(tx, BUSY, f"{time.time_ns()}-{next(keys)}", window, NOW)[0]
        assert generate_report(ledger, made.report_id, RULES, NOW)

    return {
        "status, in process": timed(status, repeats),
        "status, over HTTP": timed(over_http, repeats),
        "report": timed(report, repeats),
    }


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--own", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = asked.home or Path(temporary)
        ledger = fill(home, asked.rows, asked.own)
        found = measure(ledger, home, asked.repeats)
        ledger.close()
    table = Table("", "median ms", "worst ms", "CPU ms")
    for name, figures in found.items():
        table.add_row(name, *(f"{one:,.0f}" for one in figures))
    Console().print(table, f"{asked.own:,} decisions of one user among {asked.rows:,}")
    if asked.json:
        asked.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
