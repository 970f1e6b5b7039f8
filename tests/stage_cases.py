"""What the signals of a stage say, as checks of the package or of a mutant of it: `g` holds the names of the module."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from pawl.jobs.live.stage_rows import STAGE_SCHEMA

OLD, NEW = "m002-1.3", "m002-1.4"
START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row(version: str, hour: int, signal: str = "buy", pnl: float | None = 0.001, **changes: Any) -> dict[str, Any]:
    """One signal; resolved half an hour after it was given, where its result is known."""
    is_resolved = pnl is not None and signal != "hold"
    found = {
        "pair": "EURUSD", "timeframe": "1h", "bar_timestamp": START + hour * HOUR, "model_version": version,
        "is_shadow": version == NEW, "signal": signal,
        "actual_outcome": ("win" if (pnl or 0) > 0 else "loss") if is_resolved else None,
        "actual_pnl": pnl if is_resolved else None, "created_at": START + (hour + 1) * HOUR,
        "resolved_at": START + (hour + 1.5) * HOUR if is_resolved else None, "confidence": 0.6, "position_size": 1.0,
        "latency_ms": 5.0,
    }  # fmt: skip
    return {**found, **changes}


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=STAGE_SCHEMA)


def resolved_positions_are_counted(g: SimpleNamespace) -> None:
    rows = frame(row(NEW, 0), row(NEW, 1, pnl=None), row(NEW, 2, "hold"), row(NEW, 3, "sell", -0.1), row(OLD, 0))
    assert (g.count_resolved(rows, NEW), g.count_resolved(rows, OLD)) == (2, 1)


def a_gain_is_of_the_same_bar_and_in_bps(g: SimpleNamespace) -> None:
    """A hold earns nothing; what is not resolved is not known; a bar that one version did not decide is no pair."""
    rows = frame(
        row(NEW, 0, pnl=0.003), row(OLD, 0, pnl=0.001), row(NEW, 1, "hold"), row(OLD, 1, pnl=-0.002),
        row(NEW, 2, pnl=None), row(OLD, 2), row(NEW, 3, pnl=0.004), row(OLD, 3, "hold"), row(NEW, 4), row(OLD, 5),
        row(NEW, 6, pair="USDJPY"), row(OLD, 6), row(NEW, 7, "hold"), row(OLD, 7, pnl=None),
    )  # fmt: skip
    pairs = g.paired_gains(rows, NEW, OLD)
    assert pairs.decided_at == [START + hour * HOUR for hour in (1, 2, 3, 4, 8)]
    np.testing.assert_allclose(pairs.gain_bps, [20.0, 20.0, math.nan, 40.0, math.nan])


def one_position_at_a_time_is_held(g: SimpleNamespace) -> None:
    """A signal while one is open opens nothing, in its own pair; one that never ended keeps its pair busy."""
    late = START + 4 * HOUR
    rows = frame(
        row(NEW, 0, pnl=0.01, resolved_at=late), row(NEW, 1, pnl=-0.5), row(NEW, 1, pnl=0.02, pair="USDJPY"),
        row(NEW, 3, pnl=0.03), row(NEW, 4, "hold"), row(NEW, 5, pnl=None), row(NEW, 6, pnl=-0.7),
    )  # fmt: skip
    taken = g.taken_positions(rows)
    assert taken["actual_pnl"].to_list() == [0.02, 0.01, 0.03]
    assert g.taken_positions(frame()).height == 0
    exactly = frame(row(NEW, 0, pnl=0.01, resolved_at=START + 2 * HOUR), row(NEW, 1, pnl=0.02))
    assert g.taken_positions(exactly).height == 2


def rails_are_the_candidates(g: SimpleNamespace) -> None:
    """Every figure with its sample: of the candidate alone, whatever the champion does."""
    rows = frame(
        *(row(OLD, hour, pnl=-0.5, latency_ms=900.0, position_size=9.0) for hour in range(10)),
        row(NEW, 0, pnl=0.02, confidence=0.9, latency_ms=10.0), row(NEW, 1, pnl=-0.01, confidence=0.9, latency_ms=20.0),
        row(NEW, 2, pnl=-0.02, confidence=0.9, latency_ms=None, position_size=-1.5),
        row(NEW, 3, "hold", latency_ms=30.0, position_size=None), row(NEW, 4, pnl=None, position_size=1.0),
    )  # fmt: skip
    found = g.rail_figures(rows, NEW)
    assert set(found) == {"max_drawdown_bps", "risk_violation_rate", "error_rate", "latency_p99_ms", "ece"}
    expected = 1 - 0.99 * 0.98
    assert math.isclose(found["max_drawdown_bps"].value, expected * 1e4) and found["max_drawdown_bps"].n == 3
    assert (found["risk_violation_rate"].value, found["risk_violation_rate"].n) == (0.2, 5)
    assert (found["error_rate"].value, found["error_rate"].n) == (0.5, 10)
    assert (found["latency_p99_ms"].value, found["latency_p99_ms"].n) == (30.0, 4)
    assert math.isclose(found["ece"].value, 0.9 - 1 / 3) and found["ece"].n == 3
    assert g.rail_figures(frame(row(NEW, 0, position_size=1.0)), NEW)["risk_violation_rate"].value == 0.0


def pairs_share_the_capital(g: SimpleNamespace) -> None:
    rows = frame(row(NEW, 0, pnl=-0.02), row(NEW, 0, pnl=-0.04, pair="USDJPY"))
    expected = 1 - 0.99 * 0.98
    assert math.isclose(g.rail_figures(rows, NEW)["max_drawdown_bps"].value, expected * 1e4)


def nothing_measured_is_no_figure(g: SimpleNamespace) -> None:
    """No decision, no sample: which a guard-rail reads as a gap, and a condition as a fail."""
    for found in (g.rail_figures(frame(), NEW), g.condition_figures(frame(), NEW, OLD)):
        assert {one.n for one in found.values()} == {0}
        assert all(math.isnan(one.value) for name, one in found.items() if "drawdown" not in name)
        assert all(one.value == 0.0 for name, one in found.items() if "drawdown" in name)


def conditions_are_of_the_same_rows(g: SimpleNamespace) -> None:
    """Bars that only one version decided, or whose outcome is open for one, count for neither."""
    rows = frame(
        row(NEW, 0, pnl=0.02, confidence=0.5), row(OLD, 0, pnl=-0.01, confidence=0.7),
        row(NEW, 30, pnl=-0.01, confidence=0.5, position_size=2.0), row(OLD, 30, "hold"),
        row(NEW, 60, "hold"), row(OLD, 60, pnl=0.03, confidence=0.7),
        row(NEW, 61, pnl=0.9), row(OLD, 61, pnl=None), row(NEW, 62, pnl=0.9), row(OLD, 63, pnl=-0.9),
        row(NEW, 64, pnl=None), row(OLD, 64, pnl=-0.9),
    )  # fmt: skip
    ours, theirs = g.condition_figures(rows, NEW, OLD), g.condition_figures(rows, OLD, NEW)
    assert (ours["hit_rate"].value, ours["hit_rate"].n, theirs["hit_rate"].value) == (0.5, 2, 0.5)
    assert math.isclose(ours["pnl_bps"].value, 50.0) and math.isclose(theirs["pnl_bps"].value, 100.0)
    assert math.isclose(ours["max_drawdown"].value, 0.01) and ours["max_drawdown"].n == 3
    assert math.isclose(theirs["max_drawdown"].value, 0.01) and theirs["pnl_bps"].n == 2
    assert (ours["risk_violation_rate"].value, ours["risk_violation_rate"].n) == (1 / 3, 3)
    assert math.isclose(ours["ece"].value, 0.0) and math.isclose(theirs["ece"].value, 0.2) and ours["ece"].n == 2
    thrice = frame(
        *(one for hour, pnl in ((0, 0.1), (1, 0.1), (2, -0.1)) for one in (row(NEW, hour, pnl=pnl), row(OLD, hour)))
    )
    assert g.condition_figures(thrice, NEW, OLD)["hit_rate"].value == 2 / 3
    flat = frame(row(NEW, 0, pnl=0.0), row(OLD, 0))
    assert g.condition_figures(flat, NEW, OLD)["hit_rate"].value == 0.0


CHECKS: tuple[Callable[[SimpleNamespace], None], ...] = (
    resolved_positions_are_counted, a_gain_is_of_the_same_bar_and_in_bps, one_position_at_a_time_is_held,
    rails_are_the_candidates, pairs_share_the_capital, nothing_measured_is_no_figure, conditions_are_of_the_same_rows,
)  # fmt: skip
