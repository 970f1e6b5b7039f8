"""Patterns: what is an occasion, what an occurrence, on trades made to measure and against a plain loop."""

import numpy as np
import polars as pl
import pytest

from behaviour_rows import drawn_user, trades
from pawl.evaluation.behaviour_patterns import EXPOSURE_SCHEMA, PATTERNS, PatternLimits
from pawl.evaluation.behaviour_settings import BaseRates, BehaviourSettings
from pawl.policy.risk_rules import RiskLimits

LIMITS = PatternLimits(behaviour=BehaviourSettings(), risk=RiskLimits())
LOST: dict[str, object] = {"pnl_bps": -50.0, "exit_price": 99.5}


def found(pattern: str, *changed: dict[str, object]) -> list[tuple[str, bool]]:
    """First trajectory and whether it occurred, of every occasion that is no control, in the order of trajectories."""
    rows = PATTERNS[pattern].exposures(trades(*changed), LIMITS).filter(~pl.col("is_control"))
    return sorted((ids[0][-1], hit) for ids, hit in rows.select("trajectory_ids", "is_occurrence").iter_rows())


def test_every_pattern_has_a_base_rate_and_its_own_name() -> None:
    assert list(PATTERNS) == list(BaseRates.model_fields)
    assert len(PATTERNS) == 7


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_trade_is_no_occasion(pattern: str) -> None:
    exposures = PATTERNS[pattern].exposures
    assert exposures(trades(), LIMITS).select(EXPOSURE_SCHEMA.names()).is_empty()
    untraded = trades({"side": None, "size": None, "opened_at": None, "pnl_bps": None, "hold_sec": None})
    assert exposures(untraded, LIMITS).select(EXPOSURE_SCHEMA.names()).is_empty()


def test_chasing_is_a_long_after_a_rise_or_a_short_after_a_fall() -> None:
    assert found(
        "chasing_overbought",
        {"stretch": 1.5}, {"stretch": 1.49}, {"stretch": -3.0},
        {"side": "short", "stretch": -1.5}, {"side": "short", "stretch": 3.0},
    ) == [("0", True), ("1", False), ("2", False), ("3", True), ("4", False)]  # fmt: skip


def test_whoever_follows_a_recommendation_or_sees_no_market_does_not_chase() -> None:
    assert found(
        "chasing_overbought",
        {"stretch": 3.0, "followed": True}, {"stretch": 3.0, "followed": False}, {"stretch": None},
    ) == [("1", True)]  # fmt: skip


def test_a_stop_is_delayed_by_an_exit_beyond_it_and_its_slippage() -> None:
    # The stop lies 200 bps away, so an exit may slip by 50 bps.
    assert found(
        "delayed_stops",
        {**LOST, "exit_price": 97.49}, {**LOST, "exit_price": 97.51}, {**LOST, "exit_price": 99.0},
        {"exit_price": 101.0}, {**LOST, "stop_price": None, "exit_price": 90.0},
        {**LOST, "side": "short", "stop_price": 102.0, "exit_price": 103.0},
        {**LOST, "side": "short", "stop_price": 102.0, "exit_price": 101.9},
        {**LOST, "stop_price": 101.0, "exit_price": 99.0}, {"exit_price": None, "pnl_bps": None, "hold_sec": None},
    ) == [("0", True), ("1", False), ("2", False), ("5", True), ("6", False)]  # fmt: skip


def test_a_near_stop_may_slip_by_the_tolerance_in_bps() -> None:
    near: dict[str, object] = {**LOST, "stop_price": 99.9}
    assert found("delayed_stops", {**near, "exit_price": 99.71}, {**near, "exit_price": 99.69}) == [
        ("0", False),
        ("1", True),
    ]


def test_leverage_above_the_limit_and_a_missing_stop_are_counted_on_every_trade() -> None:
    assert found("over_leverage", {"leverage": 10.0}, {"leverage": 10.01}, {"pnl_bps": None, "hold_sec": None}) == [
        ("0", False),
        ("1", True),
        ("2", False),
    ]
    assert found("no_stop_loss", {"stop_price": None}, {}) == [("0", True), ("1", False)]


def test_revenge_is_a_riskier_trade_within_the_hour_after_a_loss() -> None:
    # Each loss ends an hour after its opening; the next trade opens a while after that.
    assert found(
        "revenge_trading",
        {**LOST, "hours": 0}, {"hours": 1.5, "size": 1500.0},
        {**LOST, "hours": 10}, {"hours": 11.5, "leverage": 3.0},
        {**LOST, "hours": 20}, {"hours": 21.5, "size": 1400.0},
        {**LOST, "hours": 30}, {"hours": 32.1, "size": 9000.0},
    ) == [("0", True), ("2", True), ("4", False), ("6", False)]  # fmt: skip


def test_one_trade_is_revenge_for_one_loss_and_names_both() -> None:
    rows = (
        PATTERNS["revenge_trading"]
        .exposures(trades({**LOST, "hours": 0}, {**LOST, "hours": 0.1}, {"hours": 1.5, "size": 5000.0}), LIMITS)
        .filter(~pl.col("is_control"))
    )
    assert rows.get_column("trajectory_ids").to_list() == [["t00001", "t00002"]]
    assert rows.get_column("pnl_bps").to_list() == [30.0]  # that of the trade taken in revenge


def test_trades_after_a_win_are_the_control_of_revenge() -> None:
    rows = PATTERNS["revenge_trading"].exposures(trades({"hours": 0}, {"hours": 1.5, "size": 5000.0}), LIMITS)
    assert rows.sort("at").select("is_control", "is_occurrence").row(0) == (True, True)


def test_a_loser_is_held_when_it_outlasts_twice_the_median_win() -> None:
    wins: list[dict[str, object]] = [{"hold_sec": held} for held in (600.0, 1000.0, 9000.0)]
    assert found("holding_losers", *wins, {**LOST, "hold_sec": 2001.0}, {**LOST, "hold_sec": 2000.0}) == [
        ("3", True),
        ("4", False),
    ]
    assert found("holding_losers", {**LOST, "hold_sec": 9999.0}) == []  # no win says what is usual


def test_a_right_call_is_overridden_when_the_overridden_recommendation_hit() -> None:
    override: dict[str, object] = {"is_recommended": True, "overrode": True}
    assert found(
        "overriding_right_calls",
        {**override, "recommendation_hit": True}, {**override, "recommendation_hit": False},
        {**override, "overrode": False}, {**override, "is_recommended": False},
        {**override, "recommendation_hit": None},
    ) == [("0", True), ("1", False)]  # fmt: skip


def test_a_drawn_user_gives_what_a_plain_loop_counts(rng: np.random.Generator) -> None:
    rows = drawn_user(rng).sample(fraction=1.0, shuffle=True, seed=3)
    plain = _by_hand(rows)
    for name, pattern in PATTERNS.items():
        asked = pattern.exposures(rows, LIMITS).filter(~pl.col("is_control"))
        assert (asked.height, int(asked["is_occurrence"].sum())) == plain[name], name


def _by_hand(frame: pl.DataFrame) -> dict[str, tuple[int, int]]:
    rows = sorted(frame.to_dicts(), key=lambda row: row["opened_at"])
    wins = sorted(row["hold_sec"] for row in rows if row["pnl_bps"] > 0)
    middle = (wins[(len(wins) - 1) // 2] + wins[len(wins) // 2]) / 2
    flags: dict[str, list[bool]] = {name: [] for name in PATTERNS}
    answers: dict[str, tuple[float, dict[str, object], dict[str, object]]] = {}
    n_alone = 0
    for row in rows:
        sign = 1 if row["side"] == "long" else -1
        if not row["followed"]:
            flags["chasing_overbought"].append(sign * row["stretch"] >= 1.5)
        fell, stop = (-sign * (row[name] - 100.0) * 100 for name in ("exit_price", "stop_price"))
        if fell > 0:
            flags["delayed_stops"].append(fell - stop > max(20.0, 0.25 * stop))
        flags["over_leverage"].append(row["leverage"] > 10)
        flags["no_stop_loss"].append(row["stop_price"] is None)
        if row["pnl_bps"] < 0:
            flags["holding_losers"].append(row["hold_sec"] > 2 * middle)
        if row["overrode"]:
            flags["overriding_right_calls"].append(row["recommendation_hit"])
        closed = row["opened_at"].timestamp() + row["hold_sec"]
        following = [other for other in rows if 0 <= other["opened_at"].timestamp() - closed <= 3600]
        if not following:
            n_alone += row["pnl_bps"] < 0
        elif following[0]["trajectory_id"] not in answers or answers[following[0]["trajectory_id"]][0] < closed:
            answers[following[0]["trajectory_id"]] = (closed, row, following[0])
    for _, row, after in answers.values():
        if row["pnl_bps"] < 0:
            riskier = (after[name] >= 1.5 * row[name] for name in ("size", "leverage"))
            flags["revenge_trading"].append(any(riskier))
    flags["revenge_trading"] += [False] * n_alone
    return {name: (len(found), sum(found)) for name, found in flags.items()}
