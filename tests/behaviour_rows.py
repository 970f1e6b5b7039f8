"""Rows of one user's behaviour: one sound trade, frames of it with chosen differences, and users drawn at random."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from pawl.evaluation.behaviour_rows import BEHAVIOUR_SCHEMA

__all__ = ["NOW", "START", "drawn_user", "trades"]

START = datetime(2024, 3, 4, tzinfo=UTC)  # a Monday
NOW = START + timedelta(weeks=12) - timedelta(seconds=1)


def trades(*changed: dict[str, object]) -> pl.DataFrame:
    """One sound, won trade for each set of changes, six hours apart in the order given; `hours` moves the opening."""
    rows = []
    for number, change in enumerate(changed):
        opened = START + timedelta(hours=float(str(change.get("hours", 6 * number))))
        hold = change.get("hold_sec", 3600.0)
        rows.append(
            {
                "trajectory_id": f"t{number:05d}",
                "decided_at": opened,
                "direction": "long",
                "confidence": 0.6,
                "is_recommended": False,
                "side": "long",
                "size": 1000.0,
                "leverage": 2.0,
                "entry_price": 100.0,
                "stop_price": 98.0,
                "opened_at": opened,
                "followed": None,
                "overrode": None,
                "stretch": 0.0,
                "pnl_bps": 30.0,
                "hold_sec": hold,
                "exit_price": 100.5,
                "recommendation_hit": True,
                "resolved_at": opened + timedelta(seconds=float(str(hold or 0.0)) + 1),
                **{name: value for name, value in change.items() if name != "hours"},
            }
        )
    return pl.DataFrame(rows, schema=BEHAVIOUR_SCHEMA)


def drawn_user(rng: np.random.Generator, n: int = 300) -> pl.DataFrame:
    """A user without a vice: sides, sizes, leverages and holding times that follow from nothing that came before."""
    side = rng.choice(["long", "short"], n)
    sign = np.where(side == "long", 1.0, -1.0)
    # A stop at 150 bps that slips a little; otherwise the market decides.
    result = np.maximum(rng.normal(0.0, 120.0, n), -150.0 - rng.exponential(6.0, n))
    size = 1000.0 * np.exp(rng.normal(0.0, 0.25, n))
    opened = np.sort(rng.uniform(0, 12 * 7 * 24 * 3600 - 90_000, n))
    hold = rng.exponential(7200.0, n)
    return trades(
        *(
            {
                "hours": opened[i] / 3600, "side": str(side[i]), "size": float(size[i]),
                "leverage": float(rng.choice([1.0, 2.0, 3.0])), "hold_sec": float(round(hold[i])),
                "stop_price": 100.0 * (1 - sign[i] * 0.015), "exit_price": 100.0 * (1 + sign[i] * result[i] / 1e4),
                "stretch": float(rng.normal()), "pnl_bps": float(result[i] - 8.0),
                "is_recommended": True, "direction": str(side[i]), "followed": bool(i % 3), "overrode": not i % 3,
                "recommendation_hit": bool(rng.random() < 0.5),
            }
            for i in range(n)
        )
    )  # fmt: skip
