"""Dataset versions from a ledger of a million trajectories: seconds, rows a second and memory, to build and to verify.

    python bench/datasets.py [--rows 1000000] [--types sft,orpo,pretrain] [--url URL] [--home FOLDER] [--json FILE]

The ledger is filled first, from a seed, by SQL: trajectories as the fold writes them (context, decision with its
action, outcome), of 2,000 users over 120 days on 20 instruments, one in twelve of them breaking a rule. That is not
measured. Then every type is built and verified, each in a process of its own, whose greatest resident size is reported.
`--url` fills and measures another database, as postgresql+psycopg://…; it must hold an empty ledger or none.
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.versions import DatasetRequest, build_dataset, verify_dataset
from pawl.ledger.column_types import canonical_json, utc_text
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.training_tables import dataset_versions

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 120
N_USERS = 2_000
ROWS_AT_ONCE = 20_000
TICKERS = [f"COIN{number:02d}USDT" for number in range(20)]
REGIMES = ["up_low", "up_mid", "up_high", "flat_low", "flat_mid", "down_low", "down_mid", "down_high"]
REGIME_ODDS = [0.24, 0.2, 0.08, 0.14, 0.08, 0.12, 0.1, 0.04]
COLUMNS = (
    "trajectory_id, user_id, trace_id, source_event_id, context_features, decision_features, outcome_features, "
    "utility_score, label_quality, created_at, learner, chain_month, chain_number, prev_hash, row_hash"
)


def main() -> None:
    """Fill, measure, print."""
    arguments = _arguments()
    if arguments.step:
        _step(arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.home or Path(folder)
        url = arguments.url or str(sa.URL.create("sqlite", database=str(home / "ledger.db")))
        started = time.perf_counter()
        fill(url, arguments.rows)
        print(f"{arguments.rows:,} trajectories written in {time.perf_counter() - started:.1f} s")
        found = [measured for kind in arguments.types.split(",") for measured in _measure(kind, home, url)]
    for one in found:
        print("{type:>9} {step:<7} {seconds:7.1f} s {rows_per_sec:10,.0f} rows/s {rss_mib:7,.0f} MiB".format(**one))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--types", default="sft,orpo,pretrain")
    parser.add_argument("--url")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def fill(url: str, n_rows: int) -> None:
    """A ledger with n_rows finished trajectories, the same for the same number."""
    ledger = Ledger(url)
    ledger.make_current()
    is_sqlite = ledger.engine.dialect.name == "sqlite"
    mark = "?" if is_sqlite else "%s"
    statement = f"INSERT INTO decision_trajectories ({COLUMNS}) VALUES ({', '.join([mark] * 15)})"
    rows = _rows(n_rows, is_sqlite=is_sqlite)
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        with ledger.transaction() as tx:
            tx.exec_driver_sql(statement, batch)
    ledger.close()


def _rows(n_rows: int, *, is_sqlite: bool) -> Iterator[tuple[Any, ...]]:
    rng = np.random.default_rng(7)
    spacing = DAYS * 86_400 / n_rows
    hashed, month, place = "", "", 0
    for number in range(n_rows):
        decided = START + timedelta(seconds=number * spacing)
        row = _trajectory(rng, number, decided)
        previous, hashed = hashed, hashlib.sha256(f"{number}".encode()).hexdigest()
        user = identity("user", int(rng.integers(N_USERS)))
        name, source = identity("trajectory", number), identity("signal", number)
        ids = [one.hex if is_sqlite else str(one) for one in (name, user)]
        created = utc_text(decided)
        month, place = created[:7], place + 1 if created.startswith(month) and month else 1
        yield (
            *ids, f"u/{identity('trace', number)}", source.hex if is_sqlite else str(source),
            *(canonical_json(part) for part in row), 1.0, "good", created, "policy", month, place,
            previous or None, hashed,
        )  # fmt: skip


def _trajectory(rng: np.random.Generator, number: int, decided: datetime) -> tuple[dict[str, Any], ...]:
    draw = rng.random(12)
    spread = rng.standard_normal(4)
    hour = decided.replace(minute=0, second=0, microsecond=0)
    regime = REGIMES[int(np.searchsorted(np.cumsum(REGIME_ODDS)[:-1], draw[0]))]
    side, sign = ("long", 1) if draw[1] < 0.55 else ("short", -1)
    price = float(round(100 * (1 + draw[2]), 2))
    sl_bps = float(round(60 + 20 * (draw[3] * 10 // 1), 1))
    stop = None if draw[4] < 0.05 else round(price * (1 - sign * sl_bps / 1e4), 6)
    leverage = 25.0 if draw[5] < 0.04 else float(1 + draw[5] * 5 // 1)
    hold_sec = int(600 + draw[6] * 40_000)
    pnl, drawdown = float(round(spread[0] * 80 + 8, 4)), float(round(abs(spread[1]) * 50, 4))
    context = {
        "volatility": float(round(0.004 + 0.02 * draw[7] ** 3, 8)),
        "funding": float(round(spread[2] * 1e-4, 9)),
        "oi_change": float(round(spread[3] * 0.03, 8)),
        "market_regime": regime,
        "session_band": ["asia", "europe", "us", "late"][(hour.hour >= 8) + (hour.hour >= 13) + (hour.hour >= 21)],
        "stretch": float(round(spread[2], 6)),
        "known_at": utc_text(hour - timedelta(seconds=1)),
    }
    action = {
        "side": side, "size": 1000.0, "size_pct": float(round(1 + draw[8] * 6, 1)), "price": price,
        "time": utc_text(decided + timedelta(seconds=40)), "leverage": leverage,
        "sl_bps": None if stop is None else sl_bps, "stop_price": stop, "followed": bool(draw[9] < 0.8),
        "overrode": bool(draw[9] >= 0.8), "trade_id": str(identity("trade", number)),
    }  # fmt: skip
    decision = {
        "ticker": TICKERS[int(draw[10] * len(TICKERS))], "decided_at": utc_text(decided), "direction": side,
        "confidence": float(round(0.5 + draw[11] / 2, 2)), "tp_bps": [sl_bps * 1.5, sl_bps * 3], "sl_bps": sl_bps,
        "leverage": 3.0, "max_position_pct": 8.0, "rationale_hash": "a" * 64, "decision_price": price,
        "horizon_sec": 86_400, "learner": "policy", "model_version": "policy-1.0", "is_recommended": True,
        "action": action,
    }  # fmt: skip
    outcome = {
        "pnl_bps": pnl, "max_drawdown_bps": max(drawdown, -pnl), "hold_sec": hold_sec,
        "slippage_bps": float(round(spread[1], 3)), "move_bps": sign * pnl,
        "resolved_at": utc_text(decided + timedelta(seconds=hold_sec)), "exit_price": price, "stop_price": stop,
        "rule_violations": int(stop is None) + int(leverage > 10), "broken_rules": [], "direction_hit": pnl > 0,
    }  # fmt: skip
    return context, decision, outcome


def _measure(kind: str, home: Path, url: str) -> list[dict[str, Any]]:
    """Build and verify one type, each in a process of its own."""
    found = []
    for step in ("build", "verify"):
        command = [sys.executable, __file__, "--step", step, kind, "--url", url, "--home", str(home)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout))
    return found


def _step(arguments: argparse.Namespace) -> None:
    step, kind = arguments.step
    ledger = Ledger(arguments.url)
    started = time.perf_counter()
    if step == "build":
        request = DatasetRequest(
            dataset_type=kind, start=START, end=START + timedelta(days=DAYS), settings=PassportSettings(), seed=7,
            code="bench",
        )  # fmt: skip
        built = build_dataset(ledger, arguments.home, request, datetime.now(UTC))
        n_rows, n_read, is_good = built.sample_count, built.quality["n_finished"], built.is_new
    else:
        with ledger.reading() as tx:
            c = dataset_versions.c
            row = tx.execute(sa.select(c.dataset_version_id, c.quality_report).where(c.dataset_type == kind)).one()
        verified = verify_dataset(ledger, arguments.home, row.dataset_version_id)
        n_rows, n_read, is_good = verified.rebuilt_count, row.quality_report["n_finished"], verified.is_identical
    seconds = time.perf_counter() - started
    if not is_good:
        raise SystemExit(f"{step} {kind}: not what it should be")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "type": kind, "step": step, "seconds": seconds, "rows_per_sec": n_read / seconds, "rss_mib": peak,
                "n_samples": n_rows,
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
