"""Supervised samples: the best tenth of each regime among what broke no rule, and how they are ranked."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from pawl.datasets.sft_selection import SftSelection, SftSettings, risk_adjusted_return, select_sft
from pawl.policy.risk_rules import RiskLimits
from trajectory_rows import trajectories

LIMITS = RiskLimits(max_leverage=5.0)
SETTINGS = SftSettings(min_per_regime=10)


def select(*changed: dict[str, object], settings: SftSettings = SETTINGS) -> SftSelection:
    return select_sft(trajectories(*changed), settings, LIMITS)


def earning(*pnl: float, **more: object) -> list[dict[str, object]]:
    return [{"pnl_bps": value, "utility_score": value, **more} for value in pnl]


TEN = earning(*map(float, range(1, 11)))
TWENTY = earning(*map(float, range(1, 21)))


def ids(found: SftSelection) -> list[str]:
    return found.rows["trajectory_id"].to_list()


def test_the_return_is_divided_by_a_drawdown_of_at_least_ten_bps() -> None:
    rows = pl.DataFrame({"pnl_bps": [50.0, 50.0, 50.0, -50.0], "max_drawdown_bps": [25.0, 10.0, 0.0, 5.0]})
    assert rows.select(risk_adjusted_return()).to_series().to_list() == [2.0, 5.0, 5.0, -5.0]


def test_pass_r17_only_the_top_decile_is_kept() -> None:
    found = select(*TWENTY)
    assert sorted(ids(found)) == ["t0018", "t0019"]
    assert (found.report.n_samples, found.report.n_below_decile) == (2, 18)


def test_pass_r17_no_sample_is_lost_to_rounding() -> None:
    found = select(*earning(*map(float, range(750))), settings=SftSettings(top_share=0.036))
    assert found.report.n_samples == 27


def test_pass_r17_the_decile_is_of_risk_adjusted_return_not_of_profit() -> None:
    # 1000 bps with 900 of drawdown is worth 1.1; 10 with next to none, 1.0; 15 without any, 1.5.
    wild: dict[str, object] = {"pnl_bps": 1000.0, "max_drawdown_bps": 900.0}
    found = select(
        *earning(*map(float, range(1, 9)), max_drawdown_bps=0.0), wild, {"pnl_bps": 15.0, "max_drawdown_bps": 0.0}
    )
    assert ids(found) == ["t0009"]


@pytest.mark.parametrize(
    "breach", [{"sl_bps": None}, {"leverage": 50.0}, {"size_pct": 90.0}, {"is_invalid_output": True}]
)
def test_pass_r17_r40_a_profitable_rule_breaker_is_excluded(breach: dict[str, object]) -> None:
    found = select(*TEN, {"pnl_bps": 1e6, "utility_score": 1e6, **breach})
    assert ids(found) == ["t0009"]
    assert found.report.n_rule_breakers == 1


def test_pass_r17_rule_breakers_do_not_widen_the_decile() -> None:
    # Nineteen in all, ten of them sound: one sample, not two.
    assert len(ids(select(*TEN, *earning(*range(100, 109), sl_bps=None)))) == 1


def test_every_regime_gives_its_own_decile_and_a_small_one_none() -> None:
    rows = [
        *TEN,
        *earning(*range(-110, -100), market_regime="down", label_quality="good"),
        *earning(*range(900, 909), market_regime="rare"),
    ]
    found = select(*rows)
    assert sorted(ids(found)) == ["t0009", "t0019"]
    assert (dict(found.report.n_by_regime), found.report.n_small_regime) == ({"down": 1, "up": 1}, 9)


@pytest.mark.parametrize("label", ["bad", "ambiguous"])
def test_the_best_of_a_poor_regime_is_no_sample_unless_it_is_good(label: str) -> None:
    found = select(*TEN[:-1], TEN[-1] | {"label_quality": label})
    assert (ids(found), found.report.n_not_good) == ([], 1)


def test_a_pending_outcome_is_not_counted_in() -> None:
    found = select(*TEN[:-1], TEN[-1] | {"label_quality": "pending"})
    assert (ids(found), found.report.n_unsettled, found.report.n_small_regime) == ([], 1, 9)


@pytest.mark.parametrize(
    "unknown", [{"pnl_bps": None}, {"max_drawdown_bps": -1.0}, {"utility_score": float("nan")}, {"market_regime": None}]
)
def test_what_is_not_measured_is_not_counted_in(unknown: dict[str, object]) -> None:
    found = select(*TEN, {"pnl_bps": 99.0} | unknown)
    assert (ids(found), found.report.n_unsettled) == (["t0009"], 1)


def test_pass_r18_of_equal_consistency_the_higher_utility_ranks_first() -> None:
    found = select(*TWENTY[:-2], *earning(70.0, 80.0))
    assert ids(found) == ["t0019", "t0018"]
    assert found.rows["sft_rank"].to_list() == [1, 2]
    assert found.rows["consistency"].to_list() == [21 / 22] * 2


def test_pass_r18_of_equal_utility_the_repeated_result_ranks_first() -> None:
    # Long won 9 of 9 before; short lost 9 of 9 and won this once.
    lost = earning(*[-50.0] * 9, direction="short", label_quality="bad")
    best: list[dict[str, object]] = [
        {"pnl_bps": 500.0, "utility_score": 400.0, "direction": side} for side in ("short", "long")
    ]
    found = select(*earning(*map(float, range(1, 10))), *lost, *best)
    assert found.rows["direction"].to_list() == ["long", "short"]
    assert found.rows["consistency"].to_list() == [11 / 12, 2 / 12]


def test_pass_r18_a_far_higher_utility_outweighs_a_little_consistency() -> None:
    # Long won 10 of 10 and is last by utility, 1/20 · 11/12; short won 9 of 10 and is first, 20/20 · 10/12.
    short = earning(*map(float, range(1, 9)), -20.0, direction="short")
    best: list[dict[str, object]] = [
        {"pnl_bps": 500.0, "utility_score": utility, "direction": side}
        for utility, side in ((-90.0, "long"), (400.0, "short"))
    ]
    found = select(*earning(*map(float, range(1, 10))), *short, *best)
    assert found.rows["direction"].to_list() == ["short", "long"]
    assert found.rows["consistency"].to_list() == [10 / 12, 11 / 12]


def test_pass_r18_one_lucky_win_is_less_consistent_than_many() -> None:
    best: list[dict[str, object]] = [
        {"pnl_bps": 500.0, "utility_score": 400.0, "session_band": band} for band in ("late", "asia")
    ]
    found = select(*earning(*map(float, range(1, 19))), *best)
    assert found.rows["session_band"].to_list() == ["asia", "late"]
    assert found.rows["consistency"].to_list() == [20 / 21, 2 / 3]


changes = st.fixed_dictionaries(
    {
        "market_regime": st.sampled_from(["up", "down"]),
        "direction": st.sampled_from(["long", "short"]),
        "pnl_bps": st.integers(-50, 50).map(float),
        "max_drawdown_bps": st.integers(0, 60).map(float),
        "utility_score": st.integers(-50, 50).map(float),
        "leverage": st.sampled_from([2.0, 2.0, 50.0]),
        "label_quality": st.sampled_from(["good", "good", "bad", "pending"]),
    }
)


@given(st.lists(changes, max_size=60), st.integers(0, 100))
def test_pass_r17_no_sample_is_outside_the_decile_of_its_regime_whatever_the_order_of_rows(
    changed: list[dict[str, object]], seed: int
) -> None:
    rows = trajectories(*changed)
    found = select_sft(rows, SETTINGS, LIMITS)
    again = select_sft(rows.sample(fraction=1.0, shuffle=True, seed=seed), SETTINGS, LIMITS)
    assert_frame_equal(found.rows, again.rows)
    report = found.report
    gone = (
        report.n_rule_breakers + report.n_unsettled + report.n_small_regime + report.n_below_decile + report.n_not_good
    )
    assert gone + report.n_samples == report.n_trajectories
    sound = [row for row in rows.iter_rows(named=True) if row["leverage"] == 2.0 and row["label_quality"] != "pending"]
    for sample in found.rows.iter_rows(named=True):
        same = [row for row in sound if row["market_regime"] == sample["market_regime"]]
        worth = [row["pnl_bps"] / max(row["max_drawdown_bps"], 10.0) for row in same]
        assert sum(value > sample["risk_adjusted_return"] for value in worth) < len(same) / 10
        assert sample["label_quality"] == "good"
        assert sample["leverage"] == 2.0


@pytest.mark.parametrize("wrong", [{"top_share": 0.2}, {"top_share": 0.0}, {"min_per_regime": 9}])
def test_settings_wider_than_a_decile_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SftSettings.model_validate(wrong)
