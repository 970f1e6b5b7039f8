"""A ledger in which a seeded crowd has decided, and datasets built from it, with chosen decisions planted."""

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from decision_events import ADVICE, CONTEXT, START, Row, closed, converted, record, tracked, user
from pawl.datasets.passport_settings import DatasetSettings, PairSettings, PassportSettings, SftSettings
from pawl.datasets.rows_file import rows_path
from pawl.datasets.trajectories import fold_events, pending_events
from pawl.datasets.versions import BuiltDataset, DatasetRequest, VerifiedDataset, build_dataset, verify_dataset
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity

__all__ = ["END", "NOW", "RULES", "World", "crowd", "decision"]

DAYS = 40
END = START + timedelta(days=DAYS)
NOW = START + timedelta(days=400)

RULES = PassportSettings(
    sft=SftSettings(min_per_regime=10),
    pairs=PairSettings(max_pairs=5_000),
    dataset=DatasetSettings(min_gap_hours=12),
)

REGIMES = ("up_low", "down_high", "flat_mid", "up_high")


def decision(key: str, at: datetime, *, who: int = 0, **changes: Any) -> list[Row]:
    """The events of one followed and finished decision. changes: of the context, the action and the outcome, by name.

    recorded_at: when its close was recorded, where that was later than it happened.
    """
    context = {name: changes.pop(name) for name in CONTEXT if name in changes}
    known_at = changes.pop("known_at", at - timedelta(minutes=30))
    recorded_at = changes.pop("recorded_at", None)
    advice = {name: changes.pop(name) for name in ("confidence", "sl_bps", "max_position_pct") if name in changes}
    ticker = changes.pop("ticker", "BTCUSDT")
    acted = {
        name: changes.pop(name)
        for name in ("side", "size_pct", "leverage", "stop_price", "is_followed")
        if name in changes
    }
    frozen = {**CONTEXT, **context, "known_at": known_at.isoformat()}
    side = acted.get("side", "long")
    stop = acted.pop("stop_price", 98.8 if side == "long" else 101.2)
    rows = [
        tracked(
            key, at, who=user(who), ticker=ticker, context=frozen,
            recommendation={**ADVICE, "direction": side, **advice},
        ),
        converted(key, at, who=user(who), ticker=ticker, stop_price=stop, **acted),
        closed(key, at, who=user(who), ticker=ticker, stop_price=stop, **changes),
    ]  # fmt: skip
    if recorded_at is not None:
        rows[2]["recorded_at"] = recorded_at
    return rows


def crowd(n: int = 240, seed: int = 7) -> list[Row]:
    """n decisions spread over DAYS, of five users on two instruments, in four regimes, of which one is rare."""
    rng = random.Random(seed)
    rows: list[Row] = []
    for number in range(n):
        at = START + timedelta(minutes=round(DAYS * 1440 * number / n))
        pnl = rng.gauss(15, 60)
        rows += decision(
            f"c{number}",
            at,
            who=rng.randrange(5),
            ticker=rng.choice(["BTCUSDT", "ETHUSDT"]),
            market_regime=rng.choices(REGIMES, [4, 3, 2, 1])[0],
            volatility=round(rng.uniform(0.004, 0.02), 6),
            funding=round(rng.gauss(0, 1e-4), 8),
            side=rng.choice(["long", "short"]),
            size_pct=float(rng.randint(2, 7)),
            confidence=round(rng.uniform(0.5, 0.9), 2),
            pnl_bps=round(pnl, 4),
            max_drawdown_bps=round(max(-pnl, 0) + rng.uniform(0, 25), 4),
            hold_sec=rng.randint(600, 20_000),
            move_bps=round(rng.gauss(0, 50), 3),
        )
    return rows


@dataclass
class World:
    """A ledger, and the workspace its datasets lie in."""

    ledger: Ledger
    home: Path

    def tell(self, rows: list[Row]) -> None:
        """Record events and fold them."""
        with self.ledger.transaction() as tx:
            record(tx, rows)
        self.fold()

    def fold(self) -> None:
        """Fold everything that waits."""
        with self.ledger.transaction() as tx:
            fold_events(tx, pending_events(tx, NOW, 100_000), RULES, NOW)

    def build(self, kind: str, **changes: Any) -> BuiltDataset:
        """A version of a type, of the whole window unless changed."""
        settings = changes.pop("settings", RULES)
        request = {"start": START, "end": END, "settings": settings, "seed": 7, "code": "test", **changes}
        return build_dataset(self.ledger, self.home, DatasetRequest(dataset_type=kind, **request), NOW)

    def verify(self, built: BuiltDataset) -> VerifiedDataset:
        """The version, built again."""
        return verify_dataset(self.ledger, self.home, built.dataset_version_id)

    def rows(self, built: BuiltDataset) -> pl.DataFrame:
        """The rows that were kept."""
        return pl.read_parquet(rows_path(self.home, built.dataset_version_id))

    def keys(self, built: BuiltDataset, column: str = "trajectory_id") -> set[str]:
        """The ids in the rows."""
        return set(self.rows(built).get_column(column).drop_nulls())

    def all_text(self, built: BuiltDataset) -> str:
        """Everything that the version says anywhere: its file, its row and its pairs."""
        said = self.rows(built).write_json()
        with self.ledger.reading() as tx:
            for table in ("ml_dataset_versions", "ml_preference_pairs"):
                said += "\n".join(str(tuple(row)) for row in tx.execute(sa.text(f"SELECT * FROM {table}")))
        return said

    @staticmethod
    def name(key: str, who: int = 0) -> str:
        """The id of the trajectory of a decision, as rows write it."""
        return str(identity("trajectory", UUID(str(identity("signal", user(who), key)))))


def parsed(rows: pl.DataFrame, column: str) -> list[Any]:
    """A column of JSON texts."""
    return [json.loads(text) for text in rows.get_column(column)]
