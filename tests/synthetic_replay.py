"""A finished replay of synthetic figures, its verdicts given by the real gate."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from pawl.gates.condition import Unit
from pawl.gates.figure import Figure, Figures, Measured, PairedDifference
from pawl.gates.policy_gate import GateSettings, deflated_figures, paired_figures, policy_gate
from pawl.gates.verdict import Verdict
from pawl.reports.replay_data import AliasMove, CandidateFacts, PolicyFacts, ReplayReport
from pawl.reports.report_data import Interval
from synthetic_curve import walk

__all__ = ["CANDIDATE_FIGURES", "judged", "synthetic_replay"]

START, EVERY, N_CANDIDATES = datetime(2023, 1, 2, tzinfo=UTC), timedelta(days=37), 20
END = START + N_CANDIDATES * EVERY
PROMOTED = (3, 4, 9, 14)
BACK_AFTER = 9
TICKERS = ("ADAUSDT", "BNBUSDT", "BTCUSDT", "DOGEUSDT", "ETHUSDT", "SOLUSDT")
GATE = policy_gate("net_return", Unit.BPS, GateSettings())

CANDIDATE_FIGURES: Figures = {
    "hit_rate": Figure(0.541, 412),
    "pnl_bps": Figure(5.2, 412),
    "max_drawdown": Figure(0.0418, 91),
    "risk_violation_rate": Figure(0.0, 412),
    "ece": Figure(0.021, 412),
    **paired_figures("net_return", PairedDifference(mean=4.0, low=1.5, high=6.5, n_days=91)),
    **deflated_figures(0.83, n_days=91, n_trials=7),
}
"""What passes against a champion of the same figures."""


def judged(**worse: Measured) -> Verdict:
    """The gate's verdict on the good figures, but for the ones named."""
    return GATE.judge(CANDIDATE_FIGURES, {**CANDIDATE_FIGURES, **worse})


def synthetic_replay(rng: np.random.Generator) -> ReplayReport:
    """Two years, three policies, 20 candidates of which the gate lets five serve; one of them is rolled back."""
    candidates = _candidates(rng)
    gated = _policy("gated", rng, 0.0007, (5, 15, 1))
    return ReplayReport(
        learner="m002",
        start=START,
        end=END,
        tickers=TICKERS,
        n_decisions=13_176,
        ledger_hash="sha256:4be1" + "77d09a3c" * 7 + "b20f",
        foresees="return ≥ +1 % within 5 days, without falling more than 3 %",
        made_at=datetime(2025, 9, 1, 8, 30, tzinfo=UTC),
        policies=(
            gated,
            _policy("always", rng, 0.0004, (N_CANDIDATES, 0, 0)),
            _policy("frozen", rng, 0.0001, (1, N_CANDIDATES - 1, 0)),
        ),
        differences={
            "gated_minus_always": Interval(0.31, -0.22, 0.88),
            "gated_minus_frozen": Interval(1.12, 0.35, 1.94),
        },
        candidates=candidates,
        moves=_moves(candidates),
    )


def _policy(name: str, rng: np.random.Generator, drift: float, counts: tuple[int, int, int]) -> PolicyFacts:
    ts = pl.datetime_range(START, END, "1d", closed="left", eager=True, time_zone="UTC").alias("ts")
    equity = walk(ts, rng, drift, 0.008)
    promotions, refusals, rollbacks = counts
    return PolicyFacts(
        name=name,
        figures={
            "net_return": float(equity["equity"][-1]) - 1,
            "sharpe": drift / 0.008 * 365**0.5,
            "max_drawdown": -float(equity["drawdown"].to_numpy().min()),
            "hit_rate": 0.5 + 20 * drift,
            "turnover": 14.2,
        },
        promotions=promotions,
        refusals=refusals,
        rollbacks=rollbacks,
        equity=equity,
        calibration=_calibration(rng),
        actions=_actions(rng),
    )


def _calibration(rng: np.random.Generator) -> pl.DataFrame:
    n = rng.integers(80, 220, N_CANDIDATES)
    n[[5, 6, 12]] = 0
    scored = pl.Series(n > 0)
    frame = pl.DataFrame(
        {
            "begin": [START + i * EVERY for i in range(N_CANDIDATES)],
            "n": n,
            "ece": rng.uniform(0.015, 0.09, N_CANDIDATES),
            "brier": rng.uniform(0.19, 0.25, N_CANDIDATES),
            "base_rate": rng.uniform(0.3, 0.42, N_CANDIDATES),
        }
    )
    return frame.with_columns(pl.when(scored).then(pl.col("ece", "brier", "base_rate")))


def _actions(rng: np.random.Generator) -> pl.DataFrame:
    month = pl.date_range(date(2023, 1, 1), date(2024, 12, 1), "1mo", eager=True).alias("month")
    long, short = rng.integers(20, 70, len(month)), rng.integers(5, 30, len(month))
    return pl.DataFrame({"month": month, "n_long": long, "n_short": short, "n_flat": 180 - long - short})


def _candidates(rng: np.random.Generator) -> tuple[CandidateFacts, ...]:
    serving: str | None = None
    found = []
    for i in range(N_CANDIDATES):
        verdict = _verdict(i, rng)
        trained_at = START + i * EVERY
        one = CandidateFacts(
            version=f"m002-1.{i}",
            trained_at=trained_at,
            max_t1=trained_at - timedelta(days=1),
            dataset_hash=f"sha256:{i:02d}" + "9f2c0a7d" * 7 + "44e10b",
            champion=serving,
            verdict=verdict,
        )
        found.append(one)
        serving = one.version if verdict.passed else serving
    return tuple(found)


def _verdict(i: int, rng: np.random.Generator) -> Verdict:
    if i == 0:
        return GATE.judge_first(CANDIDATE_FIGURES)
    if i in PROMOTED:
        return judged()
    low = -float(rng.uniform(0.1, 6.0))
    worse = {"net_return_gain_low": Figure(low, 91, note=f"interval {low:.4g} … {low + 7:.4g}")}
    if i % 3 == 0:
        worse["max_drawdown"] = Figure(0.0471, 91)
    if i % 5 == 0:
        worse |= {"ece": Figure(float("nan"), 412), "hit_rate": Figure(0.52, 31), "deflated_sharpe": Figure(0.31, 91)}
    return judged(**worse)


def _moves(candidates: tuple[CandidateFacts, ...]) -> tuple[AliasMove, ...]:
    serving: str | None = None
    moves = []
    for i, one in enumerate(candidates):
        if one.verdict.passed:
            reason = one.verdict.reasons[0]
            moves.append(
                AliasMove(
                    at=one.trained_at, what="promote", from_version=serving, to_version=one.version, reason=reason
                )
            )
            before, serving = serving, one.version
            if i == BACK_AFTER and before is not None:
                back = one.trained_at + timedelta(days=30)
                reason = "MDD 6.1 % is over its limit of 4.6 %"
                moves.append(
                    AliasMove(at=back, what="rollback", from_version=serving, to_version=before, reason=reason)
                )
                serving = before
    return tuple(moves)
