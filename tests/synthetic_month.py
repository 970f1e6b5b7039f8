"""A whole monthly report of synthetic figures, the same at every call."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from opened_report import EVIL
from pawl.reports.monthly_data import (
    Firing,
    MonthlyReport,
    Moved,
    Quality,
    Ruled,
    Selected,
    Target,
    Trained,
    VersionRow,
)

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def synthetic_days(rng: np.random.Generator) -> pl.DataFrame:
    """Thirty-one days; on weekends the loop does not live."""
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(31)]
    is_open = np.array([day.weekday() < 5 for day in days])
    resolved = np.where(is_open, rng.integers(4, 14, 31), 0)
    wins = rng.binomial(resolved, 0.56)
    return pl.DataFrame(
        {
            "day": days,
            "is_lived": is_open,
            "n_signals": np.where(is_open, 192, 0),
            "n_hold": np.where(is_open, 192 - resolved, 0),
            "n_resolved": resolved,
            "n_wins": wins,
            "n_losses": resolved - wins,
            "pnl_bps": np.round(np.where(is_open, rng.normal(6, 40, 31), 0.0), 3),
        }
    )


def row(version: str, place: int, parts: tuple[float, float, float, float]) -> dict[str, object]:
    """A ranked version; its score follows from the parts."""
    score = 0.3 * parts[0] + 0.3 * parts[1] + 0.2 * parts[2] + 0.2 * (1 - parts[3])
    names = ("win_rate", "sharpe_ratio", "avg_pnl", "max_drawdown")
    return {
        "version": version, "place": place, "score": round(score, 12), "reason": "", "n_resolved": 120 - place,
        "signal_share": 0.1, "win_rate": 0.6 - place / 50, "avg_pnl": 5.5 - 3 * place, "sharpe_ratio": 2.4 - place,
        "max_drawdown": 0.02 * place, "parts": dict(zip(names, parts, strict=True)),
    }  # fmt: skip


def synthetic_month() -> MonthlyReport:
    """A month in which a version won, one was too new, and something happened of every kind."""
    ranking = [
        row("reversal-3.4", 1, (1.0, 0.9, 1.0, 0.1)),
        row("reversal-3.3-daily-20251212", 2, (0.7, 1.0, 0.6, 0.0)),
        row("reversal-3.3", 3, (0.0, 0.0, 0.0, 1.0)),
        {
            "version": "reversal-3.5",
            "place": None,
            "score": None,
            "reason": "trained on bars up to 2026-01-25: too new",
        },
    ]

    def version(name: str, status: str, **more: object) -> VersionRow:
        fields: dict[str, object] = {
            "version": name, "kind": "incremental" if "daily" in name else "full", "parent": None,
            "trained_at": START - timedelta(days=20), "status": status, "verdict": "pass", "given_up": False,
            "reason": "", **more,
        }  # fmt: skip
        return VersionRow(**fields)  # type: ignore[arg-type]

    return MonthlyReport(
        learner="reversal", month="2026-01", start=START, end=END, made_at=END, champion="reversal-3.4",
        serves_since=END,
        versions=(
            version("reversal-3.3", "retired", n_signals=4032, n_hold=3800, n_resolved=210, win_rate=0.541,
                    avg_pnl_bps=1.2, reason="reversal-3.4 ranks first"),
            version("reversal-3.3-daily-20250912", "retired", given_up=True, reason="older than 3 months"),
            version("reversal-3.3-daily-20251212", "challenger", n_signals=4032, n_hold=3900, n_shadow=4032,
                    n_resolved=120, win_rate=0.56, avg_pnl_bps=2.75),
            version("reversal-3.4", "champion"),
            version("reversal-3.5", "challenger", verdict=None, reason=EVIL),
        ),
        selected=Selected(
            held_at=END, scored_from=START + timedelta(days=1), ranking=ranking, best="reversal-3.4", act="promoted",
            reason="`reversal-3.4` ranks first, and passed the gate against `reversal-3.3`",
            retired={"reversal-3.2": "-3.1 bps a signal"}, removed=["reversal-3.3-daily-20250912"],
        ),
        moves=(Moved(at=END, what="promote", from_version="reversal-3.3", to_version="reversal-3.4",
                     by="monthly selection", reason="ranks first, and passed the gate"),),
        verdicts=(
            Ruled(at=START + timedelta(days=9), version="reversal-3.5", against="reversal-3.3", scope="offline",
                  passed=False, reasons=("net return gain, low −0.4 bps is not above its limit of 0.0 bps",)),
            Ruled(at=END, version="reversal-3.4", against="reversal-3.3", scope="offline", passed=True, reasons=()),
        ),
        trainings=(
            Trained(at=START + timedelta(days=3, hours=1), what="reversal-3.4", kind="full", status="succeeded",
                    why=""),
            Trained(at=START + timedelta(days=4, hours=2), what="daily update", kind="incremental", status="skipped",
                    why="62 labelled sequences, fewer than 100"),
            Trained(at=START + timedelta(days=10, hours=1), what="reversal-3.5", kind="full", status="failed",
                    why=EVIL),
        ),
        firings=(Firing(at=START + timedelta(days=12), kind="feature_drift", effect="retrain", reason="PSI 0.31"),),
        quality=(
            Quality(ticker="EURUSD", n_bars=2016, first=START, last=END - timedelta(minutes=15), n_gaps=0,
                    n_quarantined=0, verdict="ok", reasons=()),
            Quality(ticker="USDJPY", n_bars=1990, first=START, last=END - timedelta(minutes=15), n_gaps=26,
                    n_quarantined=3, verdict="warn", reasons=("26 missing bars (1.3 %)",)),
        ),
        days=synthetic_days(np.random.default_rng(5)),
        targets=(
            Target(horizon="1 month", what="Signals are not all hold", wanted="< 95 %", reached="94.2 %", is_met=True),
            Target(horizon="3 months", what="Win rate", wanted="≥ 60.0 %", reached="54.1 %", is_met=False),
            Target(horizon="3 months", what="Best found by A/B", wanted="≥ 1 decided", reached="–", is_met=None),
        ),
    )  # fmt: skip
